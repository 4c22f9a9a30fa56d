/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file: "SEALBKST", u16 format, u32 medium, the catalog's salt, u32 page size, u64 pages, hash of the last set, u32
 * links, of each its id, u8 1 if it is full, u64 bytes; then 16 bytes a page; SHA-256 of all that. */
#include "backup/state.h"

#include "base/file.h"

#define MAGIC "SEALBKST"

enum { FORMAT = 1, LINK_BYTES = UUID_BYTES + 1 + 8, FILE_MAX_BYTES = 1 << 30 };

void backup_state_free(struct backup_state **state)
{
	struct backup_state *s = TAKE(*state);

	if (s == NULL)
		return;
	free(s->links);
	free(s->prints);
	free(s);
}

static int read_links(struct view *v, struct backup_state *s)
{
	if (view_u32(v, &s->n_links) < 0 || s->n_links == 0 || s->n_links > v->len / LINK_BYTES)
		return -1;
	s->links = mem_new(s->n_links * sizeof(*s->links));
	for (uint32_t i = 0; i < s->n_links; i++) {
		struct view id;
		uint8_t full;

		if (view_bytes(v, UUID_BYTES, &id) < 0 || view_u8(v, &full) < 0 ||
		    view_u64(v, &s->links[i].bytes) < 0)
			return -1;
		memcpy(s->links[i].id.b, id.data, UUID_BYTES);
		s->links[i].is_full = full == 1;
	}
	return 0;
}

static int read_prints(struct view *v, struct backup_state *s)
{
	if (s->pages != v->len / PAGE_VECTOR_BYTES || v->len % PAGE_VECTOR_BYTES != 0 ||
	    s->pages == 0)
		return -1;
	s->prints = mem_new(v->len);
	memcpy(s->prints, v->data, v->len);
	return 0;
}

/* V is what stands behind the format, without the sum. */
static int read_content(struct view v, struct backup_state *s)
{
	struct view salt, hash;
	uint32_t medium;

	if (view_u32(&v, &medium) < 0 || view_bytes(&v, PAGE_SALT_BYTES, &salt) < 0 ||
	    view_u32(&v, &s->page_bytes) < 0 || view_u64(&v, &s->pages) < 0 ||
	    view_bytes(&v, HASH_BYTES, &hash) < 0)
		return -1;
	s->medium = medium;
	memcpy(s->salt, salt.data, PAGE_SALT_BYTES);
	memcpy(s->hash.b, hash.data, HASH_BYTES);
	return read_links(&v, s) < 0 || read_prints(&v, s) < 0 ? -1 : 0;
}

static bool sum_is_right(struct view v)
{
	struct hash sum;

	if (v.len < HASH_BYTES)
		return false;
	sum = crypto_sha256(v.data, v.len - HASH_BYTES);
	return memcmp(sum.b, v.data + v.len - HASH_BYTES, HASH_BYTES) == 0;
}

int backup_state_load(const char *path, struct backup_state **state_r, struct err *err)
{
	CLEAN(backup_state) s = mem_new(sizeof(*s));
	CLEAN_STR bytes = STR_INIT;
	struct view v, magic;
	uint16_t format;

	if (file_read(path, FILE_MAX_BYTES, &bytes, err) < 0)
		return -1;
	v = str_view(&bytes);
	if (!sum_is_right(v))
		return err_set(err, ERR_DAMAGED, "%s: is damaged", path);
	v.len -= HASH_BYTES;
	if (view_bytes(&v, sizeof(MAGIC) - 1, &magic) < 0 || !view_eq(magic, VIEW(MAGIC)) ||
	    view_u16(&v, &format) < 0)
		return err_set(err, ERR_DAMAGED, "%s: is something else", path);
	if (format != FORMAT)
		return err_set(err, ERR_VERSION, "%s: has format %u, this program knows %d", path,
			       format, FORMAT);
	if (read_content(v, s) < 0)
		return err_set(err, ERR_DAMAGED, "%s: is malformed", path);
	*state_r = TAKE(s);
	return 0;
}

int backup_state_save(const struct backup_state *s, const char *path, struct err *err)
{
	CLEAN_STR out = STR_INIT;
	struct hash sum;

	str_adds(&out, MAGIC);
	str_addu16(&out, FORMAT);
	str_addu32(&out, s->medium);
	str_add(&out, s->salt, PAGE_SALT_BYTES);
	str_addu32(&out, s->page_bytes);
	str_addu64(&out, s->pages);
	str_add(&out, s->hash.b, HASH_BYTES);
	str_addu32(&out, s->n_links);
	for (uint32_t i = 0; i < s->n_links; i++) {
		str_add(&out, s->links[i].id.b, UUID_BYTES);
		str_addc(&out, s->links[i].is_full ? 1 : 0);
		str_addu64(&out, s->links[i].bytes);
	}
	str_add(&out, s->prints, s->pages * PAGE_VECTOR_BYTES);
	sum = crypto_sha256(out.data, out.len);
	str_add(&out, sum.b, HASH_BYTES);
	return file_replace(path, 0600, str_view(&out), err);
}

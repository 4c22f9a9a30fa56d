/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backup/set.h"

#include "storage/compress.h"

#include <stdio.h>

#define MAGIC "SEALBKUP"
#define FOLDER "catalog"
#define PART ".part"

enum {
	FORMAT = 1,
	SALT_BYTES = 32,
	CLEAR_BYTES = 72,  /* the head's part that is not sealed */
	ABOUT_BYTES = 104, /* its part that is */
	HEAD_BYTES = CLEAR_BYTES + ABOUT_BYTES + TAG_BYTES,
	KIND_FULL = 1,
	KIND_INCREMENTAL = 2,
	PAGE_BYTES_MIN = 512,
	PAGE_BYTES_MAX = 65536,
	NUMBER_BYTES = 8,          /* in front of each page */
	PIECE_BYTES = 1024 * 1024, /* of entries, at most; then they are compressed */
	LENGTH_BYTES = 4,          /* in front of each piece */
	SEALED_MAX = 1 + PIECE_BYTES + TAG_BYTES, /* the first byte: an enum encoding */
	SYNC_BYTES = 16 * 1024 * 1024
};

const char *backup_set_name(const struct uuid *id, bool is_full, char out[BACKUP_SET_NAME])
{
	char text[UUID_TEXT + 1];

	snprintf(out, BACKUP_SET_NAME, FOLDER "/%s-%s.set", uuid_text(id, text),
		 is_full ? "full" : "incremental");
	return out;
}

int backup_set_name_read(const char *name, struct uuid *id_r, bool *is_full_r)
{
	static const size_t at = sizeof(FOLDER "/") - 1;
	char again[BACKUP_SET_NAME];

	if (strlen(name) < at + UUID_TEXT ||
	    uuid_read((struct view){name + at, UUID_TEXT}, id_r) < 0)
		return -1;
	*is_full_r = strcmp(name + at + UUID_TEXT, "-full.set") == 0;
	return strcmp(name, backup_set_name(id_r, *is_full_r, again)) == 0 ? 0 : -1;
}

/* What the sealing of a set hangs on, for its writer and its reader. */
struct sealing {
	struct aead *aead;
	char clear[CLEAR_BYTES];
	size_t entry_bytes; /* a page with its number */
	size_t piece_bytes; /* of a piece that is full */
};

/* A piece's place: 0 is the head, the content follows from 1 on. */
static void nonce_of(uint64_t place, bool last, unsigned char nonce[NONCE_BYTES])
{
	memset(nonce, 0, NONCE_BYTES);
	for (int i = 0; i < 8; i++)
		nonce[i] = (unsigned char)(place >> (8 * i));
	nonce[8] = last;
}

/* CLEAR is all that is not sealed; its end is the salt. */
static void sealing_init(struct sealing *s, const struct keyring *keys, const char *clear)
{
	CLEAN(secret)
	key = keyring_derive(keys, KEY_USE_BACKUP,
			     (struct view){clear + CLEAR_BYTES - SALT_BYTES, SALT_BYTES});

	memcpy(s->clear, clear, CLEAR_BYTES);
	s->aead = aead_new(key);
}

static void sealing_size(struct sealing *s, uint32_t page_bytes)
{
	s->entry_bytes = NUMBER_BYTES + page_bytes;
	s->piece_bytes = PIECE_BYTES / s->entry_bytes * s->entry_bytes;
}

static void seal_piece(struct sealing *s, uint64_t place, bool last, struct view plain,
		       struct str *out)
{
	unsigned char nonce[NONCE_BYTES];

	nonce_of(place, last, nonce);
	str_reset(out);
	str_reserve(out, plain.len + TAG_BYTES);
	aead_seal(s->aead, nonce, (struct view){s->clear, CLEAR_BYTES}, plain, out->data);
	out->len = plain.len + TAG_BYTES;
}

static bool open_piece(struct sealing *s, uint64_t place, bool last, struct view sealed,
		       struct str *out)
{
	unsigned char nonce[NONCE_BYTES];

	nonce_of(place, last, nonce);
	str_reset(out);
	str_reserve(out, sealed.len);
	if (!aead_open(s->aead, nonce, (struct view){s->clear, CLEAR_BYTES}, sealed, out->data))
		return false;
	out->len = sealed.len - TAG_BYTES;
	return true;
}

/* Writing. */

struct backup_set_writer {
	struct medium *medium;
	struct medium_file *file;
	char name[BACKUP_SET_NAME], part[BACKUP_SET_NAME + sizeof(PART)];
	struct backup_set_header header;
	struct sealing sealing;
	struct sha256 *sha;
	struct compressor *compressor;
	struct str plain, packed, sealed; /* entries; compressed; sealed */
	uint64_t piece, bytes, unsynced;
	uint64_t last_page;
	bool ended;
};

void backup_set_writer_free(struct backup_set_writer **writer)
{
	struct backup_set_writer *w = TAKE(*writer);
	struct err err = {0};

	if (w == NULL)
		return;
	medium_file_free(&w->file);
	if (!w->ended) /* if that fails, too, the next backup removes it */
		medium_remove(w->medium, w->part, &err);
	aead_free(&w->sealing.aead);
	sha256_free(&w->sha);
	compressor_free(&w->compressor);
	str_clear(&w->plain);
	str_clear(&w->packed);
	str_clear(&w->sealed);
	free(w);
}

static void add_clear(struct str *out, const struct keyring *keys)
{
	unsigned char salt[SALT_BYTES];

	crypto_random(salt, sizeof(salt));
	str_adds(out, MAGIC);
	str_addu16(out, FORMAT);
	str_addu16(out, 0);
	str_addu32(out, 0);
	str_add(out, keyring_archive(keys)->b, UUID_BYTES);
	str_add(out, keyring_id(keys), KEY_ID_BYTES);
	str_add(out, salt, sizeof(salt));
	must(out->len == CLEAR_BYTES);
}

static void add_about(struct str *out, const struct backup_set_header *h)
{
	str_add(out, h->id.b, UUID_BYTES);
	str_add(out, h->predecessor.b, UUID_BYTES);
	str_add(out, h->predecessor_hash.b, HASH_BYTES);
	str_addu64(out, (uint64_t)h->made_ms);
	str_addu64(out, h->pages);
	str_addu64(out, h->highest_pack);
	str_addu64(out, h->mails);
	str_addu32(out, h->page_bytes);
	str_addu32(out, h->is_full ? KIND_FULL : KIND_INCREMENTAL);
	must(out->len == ABOUT_BYTES);
}

/* Now and then on the way, so that others who sync do not wait for all of it in the end. */
static int append(struct backup_set_writer *w, struct view v, struct err *err)
{
	if (medium_append(w->file, v.data, v.len, err) < 0)
		return -1;
	sha256_add(w->sha, v.data, v.len);
	w->bytes += v.len;
	w->unsynced += v.len;
	if (w->unsynced < SYNC_BYTES)
		return 0;
	w->unsynced = 0;
	return medium_sync(w->file, err);
}

static int append_piece(struct backup_set_writer *w, bool last, struct err *err)
{
	struct view plain = str_view(&w->plain);
	CLEAN_STR length = STR_INIT;
	enum encoding encoding;

	str_reset(&w->packed);
	str_addc(&w->packed, 0);
	encoding = compressor_run(w->compressor, NULL, &plain, 1, &w->packed);
	w->packed.data[0] = (char)encoding;
	str_reset(&w->plain);
	seal_piece(&w->sealing, ++w->piece, last, str_view(&w->packed), &w->sealed);
	str_addu32(&length, (uint32_t)w->sealed.len);
	if (append(w, str_view(&length), err) < 0)
		return -1;
	return append(w, str_view(&w->sealed), err);
}

static int append_head(struct backup_set_writer *w, const struct keyring *keys, struct err *err)
{
	CLEAN_STR clear = STR_INIT;
	CLEAN_STR about = STR_INIT;

	add_clear(&clear, keys);
	add_about(&about, &w->header);
	sealing_init(&w->sealing, keys, clear.data);
	sealing_size(&w->sealing, w->header.page_bytes);
	seal_piece(&w->sealing, 0, false, str_view(&about), &w->sealed);
	if (append(w, str_view(&clear), err) < 0)
		return -1;
	return append(w, str_view(&w->sealed), err);
}

int backup_set_create(struct medium *medium, const struct keyring *keys,
		      const struct backup_set_header *header, struct backup_set_writer **writer_r,
		      struct err *err)
{
	CLEAN(backup_set_writer) w = mem_new(sizeof(*w));

	w->medium = medium;
	w->header = *header;
	w->ended = true; /* nothing to remove yet */
	str_init(&w->plain);
	str_init(&w->packed);
	str_init(&w->sealed);
	w->sha = sha256_new();
	w->compressor = compressor_new();
	backup_set_name(&header->id, header->is_full, w->name);
	snprintf(w->part, sizeof(w->part), "%s" PART, w->name);
	if (medium_create(medium, w->part, &w->file, err) < 0)
		return -1;
	w->ended = false;
	if (append_head(w, keys, err) < 0)
		return -1;
	*writer_r = TAKE(w);
	return 0;
}

int backup_set_page(struct backup_set_writer *w, uint64_t page, const void *data, struct err *err)
{
	must(page > w->last_page && page <= w->header.pages);
	must(!w->header.is_full || page == w->last_page + 1);
	w->last_page = page;
	if (w->plain.len == w->sealing.piece_bytes && append_piece(w, false, err) < 0)
		return -1;
	str_addu64(&w->plain, page);
	str_add(&w->plain, data, w->header.page_bytes);
	return 0;
}

int backup_set_end(struct backup_set_writer *w, struct hash *hash_r, uint64_t *bytes_r,
		   struct err *err)
{
	must(!w->header.is_full || w->last_page == w->header.pages);
	if (append_piece(w, true, err) < 0 || medium_sync(w->file, err) < 0)
		return -1;
	medium_file_free(&w->file);
	if (medium_replace(w->medium, w->part, w->name, err) < 0)
		return -1;
	w->ended = true;
	*hash_r = sha256_end(w->sha);
	*bytes_r = w->bytes;
	return 0;
}

/* Reading. */

struct backup_set_reader {
	struct medium *medium;
	char name[BACKUP_SET_NAME];
	struct backup_set_header header;
	struct sealing sealing;
	struct sha256 *sha;
	uint64_t size, at; /* of the file; where the next piece begins */
	uint64_t piece, last_page;
	struct decompressor *decompressor;
	struct str sealed, packed, plain;
	struct view rest; /* of plain: pages not given out yet */
};

void backup_set_reader_free(struct backup_set_reader **reader)
{
	struct backup_set_reader *r = TAKE(*reader);

	if (r == NULL)
		return;
	aead_free(&r->sealing.aead);
	sha256_free(&r->sha);
	decompressor_free(&r->decompressor);
	str_clear(&r->sealed);
	str_clear(&r->packed);
	str_clear(&r->plain);
	free(r);
}

static int damaged(const struct backup_set_reader *r, const char *what, struct err *err)
{
	return err_set(err, ERR_DAMAGED, "medium %s: %s: %s", medium_location(r->medium), r->name,
		       what);
}

/* The next LEN bytes of the file into r->sealed. */
static int read_on(struct backup_set_reader *r, size_t len, struct err *err)
{
	size_t got;

	str_reset(&r->sealed);
	str_reserve(&r->sealed, len);
	if (medium_read(r->medium, r->name, r->at, r->sealed.data, len, &got, err) < 0)
		return -1;
	if (got < len)
		return err_set(err, ERR_IO, "medium %s: %s: %zu bytes read instead of %zu",
			       medium_location(r->medium), r->name, got, len);
	r->sealed.len = len;
	r->at += len;
	sha256_add(r->sha, r->sealed.data, len);
	return 0;
}

static int check_clear(struct backup_set_reader *r, const struct keyring *keys, struct err *err)
{
	struct view v = str_view(&r->sealed), magic, archive, key_id;
	uint16_t format, zero;
	uint32_t zeros;

	must(view_bytes(&v, sizeof(MAGIC) - 1, &magic) == 0 && view_u16(&v, &format) == 0 &&
	     view_u16(&v, &zero) == 0 && view_u32(&v, &zeros) == 0 &&
	     view_bytes(&v, UUID_BYTES, &archive) == 0 &&
	     view_bytes(&v, KEY_ID_BYTES, &key_id) == 0);
	if (!view_eq(magic, VIEW(MAGIC)))
		return damaged(r, "does not begin as a backup does", err);
	if (format != FORMAT)
		return err_set(err, format > FORMAT ? ERR_VERSION : ERR_DAMAGED,
			       "medium %s: %s: has format %u, this program knows %d",
			       medium_location(r->medium), r->name, format, FORMAT);
	if (memcmp(archive.data, keyring_archive(keys)->b, UUID_BYTES) != 0)
		return err_set(err, ERR_FOREIGN, "medium %s: %s: is of another archive",
			       medium_location(r->medium), r->name);
	if (memcmp(key_id.data, keyring_id(keys), KEY_ID_BYTES) != 0)
		return err_set(err, ERR_WRONGKEY, "medium %s: %s: was made with another key",
			       medium_location(r->medium), r->name);
	return 0;
}

static bool is_page_size(uint32_t bytes)
{
	return bytes >= PAGE_BYTES_MIN && bytes <= PAGE_BYTES_MAX && (bytes & (bytes - 1)) == 0;
}

/* -1: nothing that a writer writes. */
static int read_about(struct view v, struct backup_set_header *h)
{
	struct view id, predecessor, hash;
	uint64_t made_ms;
	uint32_t kind;

	if (view_bytes(&v, UUID_BYTES, &id) < 0 || view_bytes(&v, UUID_BYTES, &predecessor) < 0 ||
	    view_bytes(&v, HASH_BYTES, &hash) < 0 || view_u64(&v, &made_ms) < 0 ||
	    view_u64(&v, &h->pages) < 0 || view_u64(&v, &h->highest_pack) < 0 ||
	    view_u64(&v, &h->mails) < 0 || view_u32(&v, &h->page_bytes) < 0 ||
	    view_u32(&v, &kind) < 0)
		return -1;
	memcpy(h->id.b, id.data, UUID_BYTES);
	memcpy(h->predecessor.b, predecessor.data, UUID_BYTES);
	memcpy(h->predecessor_hash.b, hash.data, HASH_BYTES);
	h->made_ms = (int64_t)made_ms;
	h->is_full = kind == KIND_FULL;
	return (kind == KIND_FULL || kind == KIND_INCREMENTAL) && is_page_size(h->page_bytes) &&
			       h->pages <= UINT32_MAX
		       ? 0
		       : -1;
}

static int load_head(struct backup_set_reader *r, const struct keyring *keys, struct err *err)
{
	struct view about;
	char name[BACKUP_SET_NAME];

	if (r->size < HEAD_BYTES)
		return damaged(r, "is cut short", err);
	if (read_on(r, HEAD_BYTES, err) < 0 || check_clear(r, keys, err) < 0)
		return -1;
	sealing_init(&r->sealing, keys, r->sealed.data);
	about = (struct view){r->sealed.data + CLEAR_BYTES, ABOUT_BYTES + TAG_BYTES};
	if (!open_piece(&r->sealing, 0, false, about, &r->plain) ||
	    read_about(str_view(&r->plain), &r->header) < 0)
		return damaged(r, "its head is damaged", err);
	if (strcmp(backup_set_name(&r->header.id, r->header.is_full, name), r->name) != 0)
		return damaged(r, "has another set's name", err);
	sealing_size(&r->sealing, r->header.page_bytes);
	return 0;
}

int backup_set_open(struct medium *medium, const struct keyring *keys, const char *name,
		    struct backup_set_header *header_r, struct backup_set_reader **reader_r,
		    struct err *err)
{
	CLEAN(backup_set_reader) r = mem_new(sizeof(*r));

	r->medium = medium;
	r->sha = sha256_new();
	str_init(&r->sealed);
	str_init(&r->packed);
	str_init(&r->plain);
	r->decompressor = decompressor_new();
	if (strlen(name) >= sizeof(r->name))
		return err_set(err, ERR_USAGE, "%s is no backup's name", name);
	memcpy(r->name, name, strlen(name) + 1);
	if (medium_size(medium, name, &r->size, err) < 0 || load_head(r, keys, err) < 0)
		return -1;
	*header_r = r->header;
	*reader_r = TAKE(r);
	return 0;
}

static bool came_to_the_end(const struct backup_set_reader *r)
{
	return r->at == r->size && r->piece > 0;
}

/* The length of the next piece; it does not reach over the end of the file. */
static int read_length(struct backup_set_reader *r, uint32_t *len_r, struct err *err)
{
	struct view v;

	if (r->size - r->at < LENGTH_BYTES)
		return damaged(r, "is cut short", err);
	if (read_on(r, LENGTH_BYTES, err) < 0)
		return -1;
	v = str_view(&r->sealed);
	must(view_u32(&v, len_r) == 0);
	if (*len_r > SEALED_MAX || *len_r <= TAG_BYTES)
		return damaged(r, "is damaged", err);
	return *len_r > r->size - r->at ? damaged(r, "is cut short", err) : 0;
}

static int unpack(struct backup_set_reader *r, struct err *err)
{
	struct view packed = {r->packed.data + 1, r->packed.len - 1};

	str_reset(&r->plain);
	if (decompressor_run(r->decompressor, NULL, (enum encoding)r->packed.data[0], packed,
			     PIECE_BYTES, &r->plain, err) < 0)
		return err_add(err, "medium %s: %s", medium_location(r->medium), r->name);
	r->rest = str_view(&r->plain);
	if (r->rest.len % r->sealing.entry_bytes != 0)
		return damaged(r, "holds something else than pages", err);
	return 0;
}

static int read_piece(struct backup_set_reader *r, struct err *err)
{
	uint32_t len;
	bool last;

	if (read_length(r, &len, err) < 0 || read_on(r, len, err) < 0)
		return -1;
	last = r->at == r->size;
	if (!open_piece(&r->sealing, ++r->piece, last, str_view(&r->sealed), &r->packed))
		return damaged(r, "is damaged, or cut short", err);
	return unpack(r, err);
}

int backup_set_next(struct backup_set_reader *r, uint64_t *page_r, const void **data_r,
		    struct err *err)
{
	struct view data;

	while (r->rest.len == 0 && !came_to_the_end(r))
		if (read_piece(r, err) < 0)
			return -1;
	if (r->rest.len == 0)
		return !r->header.is_full || r->last_page == r->header.pages
			       ? 0
			       : damaged(r, "lacks pages", err);
	must(view_u64(&r->rest, page_r) == 0 &&
	     view_bytes(&r->rest, r->header.page_bytes, &data) == 0);
	if (*page_r <= r->last_page || *page_r > r->header.pages ||
	    (r->header.is_full && *page_r != r->last_page + 1))
		return damaged(r, "its pages are not in order", err);
	r->last_page = *page_r;
	*data_r = data.data;
	return 1;
}

struct hash backup_set_hash(struct backup_set_reader *r)
{
	must(came_to_the_end(r) && r->rest.len == 0);
	return sha256_end(r->sha);
}

/* Listing. */

struct listing {
	struct arena *arena;
	struct backup_set_entry *v;
	size_t n, cap;
};

static int list_one(void *arg, const char *name, uint64_t size_bytes, struct err *err)
{
	struct listing *l = arg;
	struct backup_set_entry entry = {.bytes = size_bytes};

	(void)err;
	if (backup_set_name_read(name, &entry.header.id, &entry.header.is_full) < 0)
		return 0;
	entry.name = arena_str(l->arena, name);
	ARENA_PUSH(l->arena, *l, entry);
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct backup_set_entry *x = a, *y = b;

	return memcmp(x->header.id.b, y->header.id.b, UUID_BYTES);
}

static bool is_away(const struct err *err)
{
	return err->kind == ERR_OFFLINE || err->kind == ERR_TIMEOUT;
}

int backup_set_list(struct medium *medium, const struct keyring *keys, struct arena *arena,
		    struct backup_set_entry **v_r, size_t *n_r, struct err *err)
{
	struct listing l = {.arena = arena};

	if (medium_list(medium, FOLDER, list_one, &l, err) < 0)
		return -1;
	if (l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), by_id);
	for (size_t i = 0; i < l.n; i++) {
		CLEAN(backup_set_reader) r = NULL;

		if (backup_set_open(medium, keys, l.v[i].name, &l.v[i].header, &r, &l.v[i].err) ==
			    0 ||
		    !is_away(&l.v[i].err))
			continue;
		*err = l.v[i].err;
		return -1;
	}
	*v_r = l.v;
	*n_r = l.n;
	return 0;
}

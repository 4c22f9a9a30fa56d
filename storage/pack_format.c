/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/pack_priv.h"

#include <errno.h>
#include <stdio.h>

static const char header_magic[] = "SEALPACK";

/* Not ASCII, not UTF-8, and no instruction or length that data likes to repeat. */
const unsigned char record_magic[MAGIC_BYTES] = {0xd3, 'S', 'R', 0x1a};

const char *pack_name(uint64_t number, char out[64])
{
	snprintf(out, 64, "packs/%02u/%08" PRIu64 ".pack", (unsigned)(number / 100 % 100), number);
	return out;
}

int pack_number_of(const char *name, uint64_t *number_r)
{
	const char *digits = strrchr(name, '/');
	char canonical[64];
	uint64_t number;

	if (digits == NULL || digits[1] < '0' || digits[1] > '9')
		return -1;
	errno = 0;
	number = strtoull(digits + 1, NULL, 10);
	if (errno != 0 || strcmp(pack_name(number, canonical), name) != 0)
		return -1;
	*number_r = number;
	return 0;
}

static struct hash header_hmac(const struct keyring *keyring, struct view salt, struct view head)
{
	CLEAN(secret) key = keyring_derive(keyring, KEY_USE_PACK_HEADER, salt);
	CLEAN(hmac) hmac = hmac_new(key);

	return hmac_once(hmac, head.data, head.len);
}

struct aead *pack_aead(const struct keyring *keyring, struct view salt)
{
	CLEAN(secret) key = keyring_derive(keyring, KEY_USE_PACK, salt);

	return aead_new(key);
}

void header_add(struct str *out, const struct pack_header *header, struct view salt,
		const struct keyring *keyring)
{
	size_t start = out->len;
	struct hash hmac;

	str_adds(out, header_magic);
	str_addu16(out, PACK_FORMAT);
	str_addu16(out, (uint16_t)header->n_replaces);
	str_addu32(out, 0);
	str_add(out, header->archive.b, UUID_BYTES);
	str_addu64(out, header->number);
	str_add(out, header->key_id, KEY_ID_BYTES);
	str_addu64(out, (uint64_t)header->made_ms);
	str_addv(out, salt);
	for (size_t i = 0; i < header->n_replaces; i++)
		str_addu64(out, header->replaces[i]);
	hmac = header_hmac(keyring, salt, (struct view){out->data + start, out->len - start});
	str_add(out, hmac.b, HASH_BYTES);
}

int header_length(struct view start, size_t *len_r, struct err *err)
{
	struct view magic;
	uint16_t format, n_replaces;

	if (view_bytes(&start, strlen(header_magic), &magic) < 0 || view_u16(&start, &format) < 0 ||
	    view_u16(&start, &n_replaces) < 0)
		return err_set(err, ERR_DAMAGED, "the header is cut short");
	if (!view_eq(magic, VIEW(header_magic)) || format == 0)
		return err_set(err, ERR_DAMAGED, "does not begin as a pack");
	if (format > PACK_FORMAT)
		return err_set(err, ERR_VERSION, "has format %u, this program knows %u", format,
			       (unsigned)PACK_FORMAT);
	*len_r = HEADER_FIXED_BYTES + 8 * (size_t)n_replaces + HASH_BYTES;
	return 0;
}

static void read_replaces(struct view v, struct pack_header *header)
{
	header->replaces = mem_new(header->n_replaces * sizeof(*header->replaces));
	for (size_t i = 0; i < header->n_replaces; i++)
		view_u64(&v, &header->replaces[i]);
}

/* Whose pack it is comes before whether it is whole: another archive's cannot be checked. */
int header_read(struct view whole, const struct keyring *keyring, struct pack_header *header_r,
		struct view *salt_r, struct err *err)
{
	struct view v = whole, archive, key_id, replaces, stored, head;
	struct pack_header h = {0};
	struct hash hmac;
	uint64_t made_ms;

	head = (struct view){whole.data, whole.len - HASH_BYTES};
	h.n_replaces = (head.len - HEADER_FIXED_BYTES) / 8;
	must(view_bytes(&v, 16, &stored) == 0 && view_bytes(&v, UUID_BYTES, &archive) == 0 &&
	     view_u64(&v, &h.number) == 0 && view_bytes(&v, KEY_ID_BYTES, &key_id) == 0 &&
	     view_u64(&v, &made_ms) == 0 && view_bytes(&v, SALT_BYTES, salt_r) == 0 &&
	     view_bytes(&v, 8 * h.n_replaces, &replaces) == 0 &&
	     view_bytes(&v, HASH_BYTES, &stored) == 0);
	h.made_ms = (int64_t)made_ms;
	memcpy(h.archive.b, archive.data, UUID_BYTES);
	memcpy(h.key_id, key_id.data, KEY_ID_BYTES);
	if (!uuid_eq(&h.archive, keyring_archive(keyring)))
		return err_set(err, ERR_FOREIGN, "belongs to another archive");
	if (memcmp(h.key_id, keyring_id(keyring), KEY_ID_BYTES) != 0)
		return err_set(err, ERR_WRONGKEY, "was written under another key");
	hmac = header_hmac(keyring, *salt_r, head);
	if (!hash_eq(&hmac, (const struct hash *)stored.data))
		return err_set(err, ERR_DAMAGED, "the header was changed");
	read_replaces(replaces, &h);
	*header_r = h;
	return 0;
}

void clear_add(struct str *out, const struct clear *clear)
{
	str_add(out, record_magic, MAGIC_BYTES);
	str_addu32(out, clear->len);
	str_addc(out, (char)clear->type);
	str_addc(out, (char)clear->encoding);
	str_addu16(out, 0);
	str_add(out, clear->id.b, UUID_BYTES);
	str_add(out, clear->nonce, NONCE_BYTES);
}

int clear_read(struct view v, struct clear *clear_r)
{
	struct view magic, id, nonce;
	uint16_t reserved;

	if (view_bytes(&v, MAGIC_BYTES, &magic) < 0 || view_u32(&v, &clear_r->len) < 0 ||
	    view_u8(&v, &clear_r->type) < 0 || view_u8(&v, &clear_r->encoding) < 0 ||
	    view_u16(&v, &reserved) < 0 || view_bytes(&v, UUID_BYTES, &id) < 0 ||
	    view_bytes(&v, NONCE_BYTES, &nonce) < 0)
		return -1;
	memcpy(clear_r->id.b, id.data, UUID_BYTES);
	memcpy(clear_r->nonce, nonce.data, NONCE_BYTES);
	if (memcmp(magic.data, record_magic, MAGIC_BYTES) != 0 || reserved != 0 ||
	    clear_r->len > PACK_RECORD_MAX || clear_r->type == 0 ||
	    clear_r->encoding > ENCODING_ZSTD_DICT)
		return -1;
	return 0;
}

struct record clear_record(const struct clear *clear, uint64_t offset)
{
	return (struct record){
		.type = (enum record_type)clear->type,
		.id = clear->id,
		.encoding = (enum encoding)clear->encoding,
		.offset = offset,
		.len = OVERHEAD_BYTES + (uint64_t)clear->len,
	};
}

void record_aad(const void *clear, uint64_t offset, unsigned char aad[AAD_BYTES])
{
	memcpy(aad, clear, CLEAR_BYTES);
	for (size_t i = 0; i < 8; i++)
		aad[CLEAR_BYTES + i] = (unsigned char)(offset >> (8 * i));
}

void seal_add(struct str *out, const struct seal *seal)
{
	str_addu64(out, seal->records);
	str_addu64(out, seal->size);
	str_add(out, seal->tags.b, HASH_BYTES);
}

int seal_read(struct view v, struct seal *seal_r)
{
	struct view tags;

	if (v.len != SEAL_PAYLOAD_BYTES || view_u64(&v, &seal_r->records) < 0 ||
	    view_u64(&v, &seal_r->size) < 0 || view_bytes(&v, HASH_BYTES, &tags) < 0)
		return -1;
	memcpy(seal_r->tags.b, tags.data, HASH_BYTES);
	return 0;
}

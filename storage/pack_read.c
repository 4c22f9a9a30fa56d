/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/pack_priv.h"

enum {
	HEADER_FIRST_READ = 4096,
	RECORD_FIRST_READ = 16 * 1024, /* where the length is not known: most mails fit */
	BUFFER_KEEP = 4 * 1024 * 1024
};

int reader_damaged(const struct pack_reader *r, uint64_t offset, const char *what, struct err *err)
{
	return err_set(err, ERR_DAMAGED, "medium %s: pack %" PRIu64 ": offset %" PRIu64 ": %s",
		       medium_location(r->medium), r->header.number, offset, what);
}

int reader_reach(struct pack_reader *r, uint64_t end, struct err *err)
{
	if (end > r->size && medium_size(r->medium, r->name, &r->size, err) < 0)
		return -1;
	if (end > r->size)
		return reader_damaged(r, r->size, "the pack ends here", err);
	return 0;
}

/* LEN bytes that reader_reach() knows to be there: fewer are the medium's fault. */
static int read_exactly(struct pack_reader *r, uint64_t offset, void *out, size_t len,
			struct err *err)
{
	size_t got;

	if (medium_read(r->medium, r->name, offset, out, len, &got, err) < 0)
		return -1;
	if (got < len)
		return err_set(err, ERR_IO,
			       "medium %s: %s: %zu bytes read at %" PRIu64 " instead of %zu",
			       medium_location(r->medium), r->name, got, offset, len);
	return 0;
}

static size_t smaller(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

static int load_header(struct pack_reader *r, const struct keyring *keyring, struct err *err)
{
	struct str *buf = &r->buf;
	struct view salt;
	size_t len;

	buf->len = smaller(r->size, HEADER_FIRST_READ);
	if (read_exactly(r, 0, buf->data, buf->len, err) < 0 ||
	    header_length(str_view(buf), &len, err) < 0)
		return -1;
	if (len > r->size)
		return err_set(err, ERR_DAMAGED, "the header is cut short");
	str_reset(buf);
	str_reserve(buf, len);
	if (read_exactly(r, 0, buf->data, len, err) < 0 ||
	    header_read((struct view){buf->data, len}, keyring, &r->header, &salt, err) < 0)
		return -1;
	r->aead = pack_aead(keyring, salt);
	r->first = r->dicts_upto = len;
	return 0;
}

int pack_open(struct medium *medium, const struct keyring *keyring, uint64_t number,
	      struct pack_reader **reader_r, struct err *err)
{
	CLEAN(pack_reader) r = mem_new(sizeof(*r));

	r->medium = medium;
	r->decompressor = decompressor_new();
	str_init(&r->buf);
	str_reserve(&r->buf, HEADER_FIRST_READ);
	if (medium_size(medium, pack_name(number, r->name), &r->size, err) < 0)
		return -1;
	if (load_header(r, keyring, err) < 0)
		return err_add(err, "pack %" PRIu64, number);
	if (r->header.number != number)
		return err_set(err, ERR_DAMAGED, "medium %s: pack %" PRIu64 ": is pack %" PRIu64,
			       medium_location(medium), number, r->header.number);
	*reader_r = TAKE(r);
	return 0;
}

void pack_reader_free(struct pack_reader **reader)
{
	struct pack_reader *r = TAKE(*reader);

	if (r == NULL)
		return;
	free(r->header.replaces);
	aead_free(&r->aead);
	decompressor_free(&r->decompressor);
	for (size_t i = 0; i < r->dicts.n; i++)
		dictionary_free(&r->dicts.v[i]);
	free(r->dicts.v);
	str_clear(&r->buf);
	free(r);
}

const struct pack_header *pack_reader_header(const struct pack_reader *reader)
{
	return &reader->header;
}

bool reader_opens(struct pack_reader *r, uint64_t offset, struct view whole, void *out)
{
	const unsigned char *nonce = (const unsigned char *)whole.data + CLEAR_BYTES - NONCE_BYTES;
	struct view sealed = {whole.data + CLEAR_BYTES, whole.len - CLEAR_BYTES};
	unsigned char aad[AAD_BYTES];

	record_aad(whole.data, offset, aad);
	return aead_open(r->aead, nonce, (struct view){(const char *)aad, AAD_BYTES}, sealed, out);
}

/* Get the record at OFFSET into BUF, LEN bytes of it at first, then what its clear part tells. */
static int load_record(struct pack_reader *r, uint64_t offset, uint64_t len, struct str *buf,
		       struct clear *clear_r, struct err *err)
{
	size_t have;
	uint64_t whole;

	if (offset < r->first || offset > INT64_MAX || len > OVERHEAD_BYTES + PACK_RECORD_MAX)
		return reader_damaged(r, offset, "no place for a record", err);
	if (reader_reach(r, offset + (len > OVERHEAD_BYTES ? len : OVERHEAD_BYTES), err) < 0)
		return -1;
	have = smaller(r->size - offset, len > 0 ? (size_t)len : RECORD_FIRST_READ);
	str_reset(buf);
	str_reserve(buf, have);
	if (read_exactly(r, offset, buf->data, have, err) < 0)
		return -1;
	if (clear_read((struct view){buf->data, have}, clear_r) < 0)
		return reader_damaged(r, offset, "no record begins here", err);
	whole = OVERHEAD_BYTES + (uint64_t)clear_r->len;
	if (len != 0 && len != whole)
		return reader_damaged(r, offset, "the record has another length", err);
	if (whole <= have)
		return 0;
	if (reader_reach(r, offset + whole, err) < 0)
		return -1;
	buf->len = have;
	str_reserve(buf, whole - have);
	return read_exactly(r, offset + have, buf->data + have, whole - have, err);
}

/* Read and open the record at OFFSET. ENCODED_R lies in BUF. */
static int read_record(struct pack_reader *r, uint64_t offset, uint64_t len, struct str *buf,
		       struct record *record_r, struct view *encoded_r, struct err *err)
{
	struct clear clear;

	if (load_record(r, offset, len, buf, &clear, err) < 0)
		return -1;
	*record_r = clear_record(&clear, offset);
	*encoded_r = (struct view){buf->data + CLEAR_BYTES, clear.len};
	if (!reader_opens(r, offset, (struct view){buf->data, (size_t)record_r->len},
			  buf->data + CLEAR_BYTES))
		return reader_damaged(r, offset, "the record was changed", err);
	return 0;
}

static void let_go_of_large(struct str *buf)
{
	if (buf->cap > BUFFER_KEEP)
		str_clear(buf);
}

int pack_read(struct pack_reader *reader, uint64_t offset, uint64_t len, struct record *record_r,
	      struct str *payload, struct err *err)
{
	struct view encoded;
	int rc = read_record(reader, offset, len, &reader->buf, record_r, &encoded, err);

	if (rc == 0)
		rc = reader_decode(reader, record_r, encoded, payload, err);
	let_go_of_large(&reader->buf);
	return rc;
}

int pack_read_encoded(struct pack_reader *reader, uint64_t offset, uint64_t len,
		      struct record *record_r, struct str *payload, struct err *err)
{
	struct view encoded;
	int rc = read_record(reader, offset, len, &reader->buf, record_r, &encoded, err);

	if (rc == 0)
		str_addv(payload, encoded);
	let_go_of_large(&reader->buf);
	return rc;
}

static struct dictionary *known_dictionary(const struct pack_reader *r, uint32_t id)
{
	for (size_t i = 0; i < r->dicts.n; i++)
		if (dictionary_id(r->dicts.v[i]) == id)
			return r->dicts.v[i];
	return NULL;
}

/* Takes DICT over. */
static void keep_dictionary(struct pack_reader *r, struct dictionary *dict)
{
	if (known_dictionary(r, dictionary_id(dict)) != NULL) {
		dictionary_free(&dict);
		return;
	}
	r->dicts.v = mem_grow(r->dicts.v, (r->dicts.n + 1) * sizeof(*r->dicts.v));
	r->dicts.v[r->dicts.n++] = dict;
}

void pack_reader_offer(struct pack_reader *reader, const struct dictionary *dict)
{
	keep_dictionary(reader, dictionary_ref((struct dictionary *)dict));
}

void reader_learn(struct pack_reader *r, struct view bytes)
{
	struct dictionary *dict = dictionary_new(bytes);

	if (dict != NULL)
		keep_dictionary(r, dict);
}

/* Read one dictionary; one that is damaged is missing, which who needs it will notice. */
static int learn_at(struct pack_reader *r, const struct record *found, struct err *err)
{
	CLEAN_STR buf = STR_INIT; /* the reader's own holds the record that needs this one */
	struct record record;
	struct view bytes;

	if (read_record(r, found->offset, found->len, &buf, &record, &bytes, err) < 0)
		return err->kind == ERR_DAMAGED ? 0 : -1;
	if (record.type == RECORD_DICTIONARY && record.encoding == ENCODING_RAW)
		reader_learn(r, bytes);
	return 0;
}

/* Hop over the records from where the last search ended, up to BEFORE (P5), until dictionary ID is
 * found. Each stretch of the pack is searched once, however many records miss their dictionary. */
static int search_dictionary(struct pack_reader *r, uint32_t id, uint64_t before, struct err *err)
{
	CLEAN(pack_scan) scan = NULL;
	struct record record;
	int rc;

	if (pack_scan_begin(r, r->dicts_upto, &scan, err) < 0)
		return -1;
	while (known_dictionary(r, id) == NULL && r->dicts_upto < before) {
		rc = pack_scan_next(scan, &record, NULL, err);
		if (rc < 0 || rc == SCAN_END)
			return rc;
		if (rc == SCAN_RECORD && record.type == RECORD_DICTIONARY &&
		    learn_at(r, &record, err) < 0)
			return -1;
		r->dicts_upto = record.offset + record.len;
	}
	return 0;
}

int reader_decode(struct pack_reader *r, const struct record *record, struct view encoded,
		  struct str *payload, struct err *err)
{
	const struct dictionary *dict = NULL;

	if (record->encoding == ENCODING_ZSTD_DICT) {
		uint32_t id = compress_dictionary_id(encoded);

		if (known_dictionary(r, id) == NULL &&
		    search_dictionary(r, id, record->offset, err) < 0)
			return -1;
		dict = known_dictionary(r, id);
	}
	if (decompressor_run(r->decompressor, dict, record->encoding, encoded, PACK_RECORD_MAX,
			     payload, err) < 0)
		return err_add(err, "medium %s: pack %" PRIu64 ": offset %" PRIu64,
			       medium_location(r->medium), r->header.number, record->offset);
	return 0;
}

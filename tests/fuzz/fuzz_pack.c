/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pack as a thief or a failing disk leaves it. The first byte tells what the rest is:
 *     'E'  edits of a sealed pack: where (2 bytes), what to exclusive-or (1 byte); 0 cuts it there
 *     'T'  bytes in place of the records, behind a true header
 *     'Z'  a zstd frame to decode
 *     else a whole pack
 * Whatever is given out must be what was put in. */
#include "storage/medium_priv.h"
#include "storage/pack.h"

enum { RECORDS = 6, DECODE_MAX = 1 << 20 };

/* A medium that is one file in memory. */
static struct str image;

static void memory_free(struct medium *m)
{
	free(m);
}

static int memory_create(struct medium *m, const char *name, struct medium_file **file_r,
			 struct err *err)
{
	(void)m, (void)name, (void)err;
	str_reset(&image);
	*file_r = mem_new(sizeof(**file_r));
	return 0;
}

static int memory_append(struct medium_file *file, const void *data, size_t len, struct err *err)
{
	(void)file, (void)err;
	str_add(&image, data, len);
	return 0;
}

static int memory_sync(struct medium_file *file, struct err *err)
{
	(void)file, (void)err;
	return 0;
}

static void memory_close(struct medium_file *file)
{
	free(file);
}

static int memory_read(struct medium *m, const char *name, uint64_t offset, void *out, size_t len,
		       size_t *got_r, struct err *err)
{
	(void)m, (void)name, (void)err;
	*got_r = offset >= image.len ? 0 : image.len - offset;
	if (*got_r > len)
		*got_r = len;
	if (*got_r > 0)
		memcpy(out, image.data + offset, *got_r);
	return 0;
}

static int memory_size(struct medium *m, const char *name, uint64_t *size_r, struct err *err)
{
	(void)m, (void)name, (void)err;
	*size_r = image.len;
	return 0;
}

static const struct medium_ops memory_ops = {
	.type = "memory",
	.free = memory_free,
	.create = memory_create,
	.append = memory_append,
	.sync = memory_sync,
	.close = memory_close,
	.read = memory_read,
	.size = memory_size,
};

static struct medium *memory;
static struct keyring *keyring;
static struct record records[RECORDS];
static struct view payloads[RECORDS];
static struct str whole; /* the pack as it was written */
static size_t header_bytes;

static void write_pack(void)
{
	static const char text[] = "the quick brown fox the quick brown fox the quick brown fox";
	CLEAN(compressor) c = compressor_new();
	CLEAN(pack_writer) w = NULL;
	struct uuid id = uuid_new();
	struct err err;

	must(pack_create(memory, keyring, 1, NULL, 0, &w, &err) == 0);
	header_bytes = pack_writer_size(w);
	for (size_t i = 0; i < RECORDS; i++) {
		CLEAN_STR encoded = STR_INIT;
		enum encoding encoding;

		payloads[i] = (struct view){text, sizeof(text) - 1 - 11 * i};
		encoding = compressor_run(c, NULL, &payloads[i], 1, &encoded);
		must(pack_append(w, RECORD_MAIL, &id, encoding, str_view(&encoded), &records[i],
				 &err) == 0);
	}
	must(pack_seal(w, &err) == 0);
	str_init(&whole);
	str_addv(&whole, str_view(&image));
}

static void start(void)
{
	struct uuid archive = {{1}};
	CLEAN(secret) key = secret_new(KEY_BYTES);

	str_init(&image);
	memory = mem_new(sizeof(*memory));
	*memory = (struct medium){&memory_ops, mem_strdup("memory")};
	keyring = keyring_of(&archive, key);
	write_pack();
}

static void edit(struct view edits)
{
	uint16_t where;
	uint8_t what;

	while (view_u16(&edits, &where) == 0 && view_u8(&edits, &what) == 0) {
		if (image.len == 0)
			return;
		where = (uint16_t)(where % image.len);
		if (what == 0)
			image.len = where;
		else
			image.data[where] = (char)(image.data[where] ^ what);
	}
}

static void check(const struct record *record, const struct str *payload)
{
	for (size_t i = 0; i < RECORDS; i++)
		if (records[i].offset == record->offset) {
			must(records[i].len == record->len);
			must(view_eq(str_view(payload), payloads[i]));
			return;
		}
	must(record->type == RECORD_SEAL);
}

/* Walk, and hold the walk against its promises: no gap, no overlap, no byte twice. */
static void walk(struct pack_reader *r, bool with_payload)
{
	CLEAN(pack_scan) scan = NULL;
	CLEAN_STR payload = STR_INIT;
	struct record record;
	uint64_t pos = header_bytes;
	struct err err;
	int rc;

	must(pack_scan_begin(r, 0, &scan, &err) == 0);
	while (str_reset(&payload),
	       (rc = pack_scan_next(scan, &record, with_payload ? &payload : NULL, &err)) > 0) {
		must(record.offset == pos && record.len > 0);
		pos += record.len;
		if (rc == SCAN_RECORD && with_payload)
			check(&record, &payload);
	}
	must(rc == SCAN_END && pos == image.len);
}

static void read_pack(void)
{
	CLEAN(pack_reader) r = NULL;
	struct err err = {0};

	if (pack_open(memory, keyring, 1, &r, &err) < 0) {
		must(err.kind != ERR_NONE);
		return;
	}
	walk(r, true);
	walk(r, false);
	for (size_t i = 0; i < RECORDS; i++) {
		CLEAN_STR payload = STR_INIT;
		struct record record;

		if (pack_read(r, records[i].offset, 0, &record, &payload, &err) == 0)
			check(&record, &payload);
		else
			must(err.kind == ERR_DAMAGED && payload.len == 0);
	}
}

static void decode(struct view frame)
{
	CLEAN(decompressor) d = decompressor_new();
	CLEAN_STR out = STR_INIT;
	struct err err;

	if (decompressor_run(d, NULL, ENCODING_ZSTD, frame, DECODE_MAX, &out, &err) == 0)
		must(out.len <= DECODE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view rest = {(const char *)data, size};
	uint8_t mode = 0;

	if (memory == NULL)
		start();
	if (size > 0 && strchr("ETZ", data[0]) != NULL)
		view_u8(&rest, &mode);
	if (mode == 'Z') {
		decode(rest);
		return 0;
	}
	str_reset(&image);
	str_add(&image, whole.data, mode == 'E' ? whole.len : mode == 'T' ? header_bytes : 0);
	if (mode == 'E')
		edit(rest);
	else
		str_addv(&image, rest);
	read_pack();
	return 0;
}

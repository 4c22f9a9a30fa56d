/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/pack.h"

#include "base/file.h"
#include "storage/medium_faulty.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_RECORDS = 400 };

/* One archive on one medium, and the records that were put into its pack. */
static struct {
	char dir[64];
	struct medium *medium;
	struct keyring *keyring;
	struct compressor *compressor;
	size_t n;
	struct record records[MAX_RECORDS];
	struct str payloads[MAX_RECORDS];
	uint64_t first;   /* where the first record begins */
	struct str image; /* the pack's bytes */
} at;

static struct err err;
static uint64_t seed;

static uint64_t roll(uint64_t below) /* splitmix64 */
{
	uint64_t z = seed += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return (z ^ z >> 31) % below;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	struct uuid archive = uuid_new();

	(void)state;
	seed = 17;
	err_clear(&err);
	memset(&at, 0, sizeof(at));
	strcpy(at.dir, "/tmp/test_pack.XXXXXX");
	at.keyring = keyring_new(&archive);
	at.compressor = compressor_new();
	str_init(&at.image);
	for (size_t i = 0; i < MAX_RECORDS; i++)
		str_init(&at.payloads[i]);
	return mkdtemp(at.dir) == NULL || medium_local_open(at.dir, &at.medium, &err) < 0;
}

static int teardown(void **state)
{
	(void)state;
	medium_free(&at.medium);
	keyring_free(&at.keyring);
	compressor_free(&at.compressor);
	str_clear(&at.image);
	for (size_t i = 0; i < MAX_RECORDS; i++)
		str_clear(&at.payloads[i]);
	return nftw(at.dir, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void add_payload(struct str *s, size_t len)
{
	bool text = roll(2) == 0;

	while (s->len < len)
		str_addc(s, (char)(text ? 'a' + roll(3) : roll(256)));
}

static int append(struct pack_writer *w, const struct dictionary *dict, enum record_type type,
		  size_t len)
{
	struct str *payload = &at.payloads[at.n];
	struct uuid id = uuid_new();
	CLEAN_STR encoded = STR_INIT;
	enum encoding encoding;
	struct view v;

	str_reset(payload);
	add_payload(payload, len);
	v = str_view(payload);
	encoding = compressor_run(at.compressor, dict, &v, 1, &encoded);
	if (pack_append(w, type, &id, encoding, str_view(&encoded), &at.records[at.n], &err) < 0)
		return -1;
	assert_int_equal(at.records[at.n].offset + at.records[at.n].len, pack_writer_size(w));
	at.n++;
	return 0;
}

static char *pack_path(uint64_t number, char path[128])
{
	char name[64];

	snprintf(path, 128, "%s/%s", at.dir, pack_name(number, name));
	return path;
}

static void load_image(uint64_t number)
{
	char path[128];

	str_reset(&at.image);
	assert_int_equal(file_read(pack_path(number, path), SIZE_MAX / 2, &at.image, &err), 0);
}

/* The image under another number: each damaged copy is a file of its own. */
static void store_image(uint64_t number, struct view image)
{
	char path[128];
	FILE *f = fopen(pack_path(number, path), "we");

	assert_non_null(f);
	assert_int_equal(fwrite(image.data, 1, image.len, f), image.len);
	fclose(f);
}

static void make_pack(uint64_t number, size_t n, size_t max_len, bool seal)
{
	CLEAN(pack_writer) w = NULL;

	assert_int_equal(pack_create(at.medium, at.keyring, number, NULL, 0, &w, &err), 0);
	assert_int_equal(pack_writer_number(w), number);
	at.n = 0;
	at.first = pack_writer_size(w);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
			append(w, NULL, (enum record_type)(i % 2 ? 1 : 4), roll(max_len + 1)), 0);
	assert_int_equal(seal ? pack_seal(w, &err) : pack_sync(w, &err), 0);
	load_image(number);
	assert_int_equal(at.image.len, pack_writer_size(w));
}

static struct pack_reader *open_pack(uint64_t number)
{
	struct pack_reader *r;

	assert_int_equal(pack_open(at.medium, at.keyring, number, &r, &err), 0);
	return r;
}

static void is_record(const struct record *found, size_t i)
{
	assert_int_equal(found->type, at.records[i].type);
	assert_int_equal(found->encoding, at.records[i].encoding);
	assert_int_equal(found->offset, at.records[i].offset);
	assert_int_equal(found->len, at.records[i].len);
	assert_true(uuid_eq(&found->id, &at.records[i].id));
}

/* What a walk came upon: the damage, and how many of our records were right. */
struct walk {
	size_t right, damaged, torn, seals;
	uint64_t lost_from, lost_to; /* of the first damage or torn end */
	bool sealed, seen[MAX_RECORDS];
};

static void note_record(struct walk *walk, const struct record *record, const struct str *payload)
{
	walk->seals += record->type == RECORD_SEAL;
	for (size_t i = 0; i < at.n; i++) {
		if (record->offset != at.records[i].offset)
			continue;
		is_record(record, i);
		assert_true(payload == NULL ||
			    view_eq(str_view(payload), str_view(&at.payloads[i])));
		walk->seen[i] = true;
		walk->right++;
		return;
	}
	assert_true(record->type == RECORD_SEAL || record->type == RECORD_DICTIONARY);
}

static int walk_from(struct pack_reader *r, uint64_t from, bool with_payload, struct walk *walk)
{
	CLEAN(pack_scan) scan = NULL;
	CLEAN_STR payload = STR_INIT;
	struct record record;
	uint64_t pos = from;
	int rc;

	memset(walk, 0, sizeof(*walk));
	if (pack_scan_begin(r, from, &scan, &err) < 0)
		return -1;
	while (str_reset(&payload),
	       (rc = pack_scan_next(scan, &record, with_payload ? &payload : NULL, &err)) > 0) {
		assert_true(pos == 0 ||
			    record.offset == pos); /* no byte is passed over in silence */
		pos = record.offset + record.len;
		if (rc == SCAN_RECORD)
			note_record(walk, &record, with_payload ? &payload : NULL);
		else if (walk->damaged + walk->torn == 0)
			walk->lost_from = record.offset, walk->lost_to = pos;
		walk->damaged += rc == SCAN_DAMAGED;
		walk->torn += rc == SCAN_TORN;
	}
	walk->sealed = pack_scan_sealed(scan);
	return rc;
}

static void walk_image(uint64_t number, struct walk *walk)
{
	CLEAN(pack_reader) r = open_pack(number);

	assert_int_equal(walk_from(r, 0, true, walk), 0);
}

static void records_go_in_and_come_out(void **state)
{
	CLEAN(pack_reader) r = NULL;
	struct record record;
	struct walk walk;

	(void)state;
	make_pack(1, 300, 30000, true);
	r = open_pack(1);
	for (int with_payload = 0; with_payload < 2; with_payload++) {
		assert_int_equal(walk_from(r, 0, with_payload, &walk), 0);
		assert_int_equal(walk.right, 300);
		assert_int_equal(walk.damaged + walk.torn, 0);
		assert_true(walk.sealed && walk.seals == 1);
	}
	for (size_t i = 0; i < 300; i++) {
		size_t k = roll(300);
		CLEAN_STR payload = STR_INIT;

		assert_int_equal(pack_read(r, at.records[k].offset, i % 2 ? at.records[k].len : 0,
					   &record, &payload, &err),
				 0);
		is_record(&record, k);
		assert_true(view_eq(str_view(&payload), str_view(&at.payloads[k])));
	}
	assert_int_equal(walk_from(r, at.records[200].offset, true, &walk), 0);
	assert_int_equal(walk.right, 100);
	assert_true(walk.sealed);
}

static void records_larger_than_every_buffer_come_out(void **state)
{
	CLEAN(pack_writer) w = NULL;
	CLEAN(pack_reader) r = NULL;
	struct walk walk;

	(void)state;
	assert_int_equal(pack_create(at.medium, at.keyring, 1, NULL, 0, &w, &err), 0);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(append(w, NULL, RECORD_PART, i % 2 ? 10 : (1 << 20) * i + 99), 0);
	assert_int_equal(pack_seal(w, &err), 0);
	r = open_pack(1);
	for (int with_payload = 0; with_payload < 2; with_payload++) {
		assert_int_equal(walk_from(r, 0, with_payload, &walk), 0);
		assert_true(walk.right == 6 && walk.sealed);
	}
	for (size_t i = 0; i < 6; i++) {
		CLEAN_STR payload = STR_INIT;
		struct record record;

		assert_int_equal(pack_read(r, at.records[i].offset, 0, &record, &payload, &err), 0);
		assert_true(view_eq(str_view(&payload), str_view(&at.payloads[i])));
	}
}

static void a_reader_sees_what_was_appended_after_it_opened(void **state)
{
	CLEAN(pack_writer) w = NULL;
	CLEAN(pack_reader) r = NULL;
	CLEAN_STR payload = STR_INIT;
	struct record record;

	(void)state;
	assert_int_equal(pack_create(at.medium, at.keyring, 1, NULL, 0, &w, &err), 0);
	assert_int_equal(pack_sync(w, &err), 0);
	r = open_pack(1);
	assert_int_equal(append(w, NULL, RECORD_MAIL, 1000), 0);
	assert_int_equal(pack_read(r, at.records[0].offset, 0, &record, &payload, &err), -1);
	assert_int_equal(err.kind, ERR_DAMAGED); /* it is still in memory */
	assert_int_equal(pack_sync(w, &err), 0);
	assert_int_equal(pack_read(r, at.records[0].offset, 0, &record, &payload, &err), 0);
}

static void an_encoded_payload_can_move_to_another_pack(void **state)
{
	CLEAN(pack_writer) w = NULL;
	CLEAN(pack_reader) r = NULL;
	CLEAN(pack_reader) second = NULL;
	CLEAN_STR encoded = STR_INIT, payload = STR_INIT;
	struct record record, moved;
	uint64_t replaces[] = {1, 7};

	(void)state;
	make_pack(1, 20, 3000, true);
	r = open_pack(1);
	assert_int_equal(pack_create(at.medium, at.keyring, 2, replaces, 2, &w, &err), 0);
	assert_int_equal(pack_read_encoded(r, at.records[11].offset, 0, &record, &encoded, &err),
			 0);
	assert_int_equal(pack_append(w, record.type, &record.id, record.encoding,
				     str_view(&encoded), &moved, &err),
			 0);
	assert_int_equal(pack_seal(w, &err), 0);
	second = open_pack(2);
	assert_int_equal(pack_reader_header(second)->n_replaces, 2);
	assert_int_equal(pack_reader_header(second)->replaces[1], 7);
	assert_int_equal(pack_read(second, moved.offset, moved.len, &record, &payload, &err), 0);
	assert_true(uuid_eq(&record.id, &at.records[11].id));
	assert_true(view_eq(str_view(&payload), str_view(&at.payloads[11])));
}

static void names_and_numbers_fit_together(void **state)
{
	static const uint64_t numbers[] = {0, 17, 99, 100, 1234, 99999999, 123456789, UINT64_MAX};
	static const char *no_packs[] = {"",
					 "packs",
					 "packs/00/17.pack",
					 "packs/01/00000017.pack",
					 "packs/00/00000017.pack2",
					 "packs/00/+0000017.pack",
					 "packs/00/99999999999999999999999.pack",
					 "x/00/00000017.pack"};
	char name[64];
	uint64_t number;

	(void)state;
	assert_string_equal(pack_name(17, name), "packs/00/00000017.pack");
	assert_string_equal(pack_name(1234, name), "packs/12/00001234.pack");
	assert_string_equal(pack_name(123456789, name), "packs/67/123456789.pack");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		assert_int_equal(pack_number_of(pack_name(numbers[i], name), &number), 0);
		assert_true(number == numbers[i]);
	}
	for (size_t i = 0; i < sizeof(no_packs) / sizeof(*no_packs); i++)
		assert_int_equal(pack_number_of(no_packs[i], &number), -1);
}

static void each_flipped_bit_loses_only_its_own_record(void **state)
{
	CLEAN_STR bad = STR_INIT;

	(void)state;
	make_pack(1, 9, 60, true);
	for (size_t i = 0; i < at.image.len; i++) {
		struct pack_reader *r = NULL;
		struct walk walk;
		size_t hit = at.n;

		str_reset(&bad);
		str_addv(&bad, str_view(&at.image));
		bad.data[i] = (char)(bad.data[i] ^ 1 << roll(8));
		store_image(1, str_view(&bad));
		if (i < at.first) {
			assert_int_equal(pack_open(at.medium, at.keyring, 1, &r, &err), -1);
			continue;
		}
		for (size_t k = 0; k < at.n; k++)
			if (i >= at.records[k].offset)
				hit = k;
		if (i >= at.records[at.n - 1].offset + at.records[at.n - 1].len)
			hit = at.n; /* the seal */
		walk_image(1, &walk);
		assert_false(walk.sealed);
		assert_int_equal(walk.right, hit < at.n ? at.n - 1 : at.n);
		assert_true(hit == at.n || !walk.seen[hit]);
		assert_true(walk.damaged > 0 || walk.torn == 1);
		assert_true(hit == at.n ||
			    (walk.torn == 0 && walk.lost_from == at.records[hit].offset &&
			     walk.lost_to == walk.lost_from + at.records[hit].len));
	}
}

static void a_length_that_reaches_over_the_end_hides_no_later_record(void **state)
{
	CLEAN_STR bad = STR_INIT;
	struct walk walk;

	(void)state;
	make_pack(1, 50, 3000, false);
	str_addv(&bad, str_view(&at.image));
	bad.data[at.records[3].offset + 7] ^= 0x20; /* half a gigabyte more */
	bad.data[at.records[7].offset + 5] ^= 0x01; /* a little more */
	store_image(1, str_view(&bad));
	walk_image(1, &walk);
	assert_int_equal(walk.right, 48);
	assert_int_equal(walk.damaged, 2);
	assert_int_equal(walk.torn, 0);
	{
		CLEAN(pack_reader) r = open_pack(1);

		assert_int_equal(walk_from(r, 0, false, &walk), 0); /* nor without opening any */
		assert_int_equal(walk.right, 48);
		assert_int_equal(walk.damaged, 2);
	}
}

static void a_pack_cut_anywhere_keeps_what_is_before_the_cut(void **state)
{
	(void)state;
	make_pack(1, 12, 50, true);
	for (size_t cut = 0; cut < at.image.len; cut++) {
		struct pack_reader *r = NULL;
		struct walk walk;
		size_t whole = 0;

		store_image(1, (struct view){at.image.data, cut});
		if (cut < at.first) {
			assert_int_equal(pack_open(at.medium, at.keyring, 1, &r, &err), -1);
			assert_int_equal(err.kind, ERR_DAMAGED);
			continue;
		}
		while (whole < at.n && at.records[whole].offset + at.records[whole].len <= cut)
			whole++;
		walk_image(1, &walk);
		assert_int_equal(walk.right, whole);
		assert_int_equal(walk.damaged, 0);
		assert_false(walk.sealed);
		if (walk.torn == 1)
			assert_true(walk.lost_to == cut &&
				    (whole == 0 ||
				     walk.lost_from == at.records[whole - 1].offset +
							       at.records[whole - 1].len));
		else
			assert_true(cut == at.first || cut == at.records[whole - 1].offset +
								       at.records[whole - 1].len);
	}
}

static void zeros_behind_the_last_record_are_a_torn_tail_and_junk_is_damage(void **state)
{
	static const char zeros[5000];
	CLEAN_STR bad = STR_INIT;
	struct walk walk;

	(void)state;
	make_pack(1, 5, 100, false);
	str_addv(&bad, str_view(&at.image));
	str_add(&bad, zeros, sizeof(zeros));
	store_image(1, str_view(&bad));
	walk_image(1, &walk);
	assert_true(walk.right == 5 && walk.torn == 1 && walk.lost_from == at.image.len);
	memset(bad.data + at.image.len, 'x', 5000);
	store_image(1, str_view(&bad));
	walk_image(1, &walk);
	assert_true(walk.right == 5 && walk.torn == 0 && walk.damaged == 1);
}

static void bytes_behind_the_seal_are_damage(void **state)
{
	CLEAN_STR bad = STR_INIT;
	struct walk walk;

	(void)state;
	make_pack(1, 5, 100, true);
	str_addv(&bad, str_view(&at.image));
	str_add(&bad, at.image.data + at.first, 10);
	store_image(1, str_view(&bad));
	walk_image(1, &walk);
	assert_true(walk.sealed && walk.right == 5 && walk.torn == 0 && walk.damaged == 1);
	assert_int_equal(walk.lost_from, at.image.len);
}

static void a_record_taken_out_breaks_the_seal(void **state)
{
	CLEAN_STR bad = STR_INIT;
	struct walk walk;

	(void)state;
	make_pack(1, 5, 100, true);
	str_add(&bad, at.image.data, at.records[4].offset);
	str_add(&bad, at.image.data + at.records[4].offset + at.records[4].len,
		at.image.len - at.records[4].offset - at.records[4].len);
	store_image(1, str_view(&bad));
	walk_image(1, &walk);
	assert_true(!walk.sealed && walk.right == 4 && walk.damaged == 1);
}

/* (P2) for bytes that a thief of the medium shuffles around. */
static void copy_over(struct str *bad, uint64_t to, const struct record *from, struct view source)
{
	memcpy(bad->data + to, source.data + from->offset, from->len);
}

static void moved_swapped_and_replayed_records_do_not_open(void **state)
{
	CLEAN(pack_reader) r = NULL;
	CLEAN_STR bad = STR_INIT, other = STR_INIT, payload = STR_INIT;
	struct record record;
	struct walk walk;

	(void)state;
	make_pack(2, 6, 0, false);
	str_addv(&other, str_view(&at.image));
	make_pack(1, 6, 0, false); /* the same lengths everywhere */
	str_addv(&bad, str_view(&at.image));
	copy_over(&bad, at.records[0].offset, &at.records[1], str_view(&at.image));
	copy_over(&bad, at.records[1].offset, &at.records[0], str_view(&at.image));
	copy_over(&bad, at.records[2].offset, &at.records[3], str_view(&at.image));
	copy_over(&bad, at.records[4].offset, &at.records[4], str_view(&other));
	store_image(1, str_view(&bad));
	walk_image(1, &walk);
	assert_int_equal(walk.right, 2);
	assert_true(walk.seen[3] && walk.seen[5]);
	assert_int_equal(walk.damaged, 2);
	r = open_pack(1);
	assert_int_equal(
		pack_read(r, at.records[4].offset, at.records[4].len, &record, &payload, &err), -1);
	assert_int_equal(err.kind, ERR_DAMAGED);
	assert_int_equal(payload.len, 0);
	assert_non_null(strstr(err.text, "pack 1: offset"));
}

static void places_that_hold_no_record_are_refused(void **state)
{
	CLEAN(pack_reader) r = NULL;
	CLEAN_STR payload = STR_INIT;
	struct record record;
	const struct record *a;

	(void)state;
	make_pack(1, 5, 100, true);
	a = &at.records[2];
	r = open_pack(1);
	const struct {
		uint64_t offset, len;
	} places[] = {
		{0, 0},
		{a->offset + 1, 0},
		{a->offset - 1, a->len},
		{a->offset, a->len + 1},
		{a->offset, 1},
		{at.image.len, 0},
		{at.image.len - 3, 0},
		{UINT64_MAX, 0},
		{a->offset, UINT64_MAX},
		{INT64_MAX, 1 << 20},
		{a->offset, 1 << 30},
	};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		assert_int_equal(
			pack_read(r, places[i].offset, places[i].len, &record, &payload, &err), -1);
		assert_int_equal(err.kind, ERR_DAMAGED);
	}
	assert_int_equal(payload.len, 0);
}

static void a_pack_opens_only_for_its_own_archive_key_number_and_format(void **state)
{
	CLEAN(keyring) foreign = NULL;
	CLEAN(keyring) wrong = keyring_new(keyring_archive(at.keyring));
	struct uuid other = uuid_new();
	struct pack_reader *r = NULL;

	(void)state;
	foreign = keyring_of(&other, keyring_key(at.keyring));
	make_pack(1, 5, 100, true);
	assert_int_equal(pack_open(at.medium, foreign, 1, &r, &err), -1);
	assert_int_equal(err.kind, ERR_FOREIGN);
	assert_int_equal(pack_open(at.medium, wrong, 1, &r, &err), -1);
	assert_int_equal(err.kind, ERR_WRONGKEY);
	store_image(3, str_view(&at.image));
	assert_int_equal(pack_open(at.medium, at.keyring, 3, &r, &err), -1);
	assert_int_equal(err.kind, ERR_DAMAGED);
	at.image.data[8] = 2;
	store_image(1, str_view(&at.image));
	assert_int_equal(pack_open(at.medium, at.keyring, 1, &r, &err), -1);
	assert_int_equal(err.kind, ERR_VERSION);
	store_image(1, VIEW(""));
	assert_int_equal(pack_open(at.medium, at.keyring, 1, &r, &err), -1);
	assert_int_equal(err.kind, ERR_DAMAGED);
	assert_int_equal(pack_open(at.medium, at.keyring, 9, &r, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_null(r);
}

static struct dictionary *train(void)
{
	CLEAN_STR samples = STR_INIT;
	size_t lens[300];

	for (size_t i = 0; i < 300; i++) {
		size_t before = samples.len;

		for (size_t k = 0; k < 40; k++)
			str_addf(&samples, "word%u ", (unsigned)roll(200));
		str_addf(&samples, "aabbccabcabcaaabbb %u", (unsigned)roll(9999));
		lens[i] = samples.len - before;
	}
	return dictionary_train(str_view(&samples), lens, 300);
}

static void write_with_dictionaries(const struct dictionary *a, const struct dictionary *b)
{
	CLEAN(pack_writer) w = NULL;
	uint64_t size;

	assert_int_equal(pack_create(at.medium, at.keyring, 1, NULL, 0, &w, &err), 0);
	at.first = pack_writer_size(w);
	for (size_t i = 0; i < 60; i++) {
		const struct dictionary *dict = i < 20 ? NULL : i < 40 ? a : b;

		if (dict != NULL) {
			assert_int_equal(pack_append_dictionary(w, dict, &err), 0);
			size = pack_writer_size(w);
			assert_int_equal(pack_append_dictionary(w, dict, &err), 0);
			assert_int_equal(pack_writer_size(w), size); /* once is enough */
		}
		assert_int_equal(append(w, dict, RECORD_MAIL, 300 + roll(100)), 0);
	}
	assert_int_equal(pack_seal(w, &err), 0);
	load_image(1);
}

static void a_reader_finds_the_dictionaries_its_records_need(void **state)
{
	CLEAN(dictionary) a = train();
	CLEAN(dictionary) b = train();
	struct walk walk;

	(void)state;
	assert_true(a != NULL && b != NULL && dictionary_id(a) != dictionary_id(b));
	write_with_dictionaries(a, b);
	for (size_t i = 0; i < 60; i += 7) {
		CLEAN(pack_reader) r = open_pack(1);
		CLEAN_STR payload = STR_INIT;
		struct record record;
		size_t k = 59 - i; /* from the back: each search starts anew */

		assert_int_equal(pack_read(r, at.records[k].offset, 0, &record, &payload, &err), 0);
		assert_true(view_eq(str_view(&payload), str_view(&at.payloads[k])));
		str_reset(&payload);
		assert_int_equal(pack_read(r, at.records[25].offset, 0, &record, &payload, &err),
				 0);
		assert_true(view_eq(str_view(&payload), str_view(&at.payloads[25])));
		assert_int_equal(walk_from(r, at.records[30].offset, true, &walk), 0);
		assert_true(walk.right == 30 && walk.sealed);
	}
	walk_image(1, &walk);
	assert_true(walk.right == 60 && walk.damaged == 0 && walk.sealed);
}

static void a_damaged_dictionary_takes_only_its_own_records_with_it(void **state)
{
	CLEAN(dictionary) a = train();
	CLEAN(dictionary) b = train();
	size_t with_a = 0;
	struct walk walk;

	(void)state;
	write_with_dictionaries(a, b);
	for (size_t i = 0; i < 60; i++)
		with_a += i >= 20 && i < 40 && at.records[i].encoding == ENCODING_ZSTD_DICT;
	assert_true(with_a > 5);
	at.image.data[at.records[19].offset + at.records[19].len + 99] ^= 1;
	store_image(1, str_view(&at.image));
	walk_image(1, &walk);
	assert_int_equal(walk.right, 60 - with_a);
	assert_int_equal(walk.damaged,
			 with_a + 2); /* the dictionary and the seal that counted it */
}

static int write_step(struct pack_writer *w, bool last)
{
	for (size_t i = 0; i < 4; i++)
		if (append(w, NULL, RECORD_MAIL, i == 2 ? 1200000 : 100) < 0)
			return -1;
	return last ? pack_seal(w, &err) : pack_sync(w, &err);
}

/* Write a pack in three steps; tell how many records were acknowledged (P3), and if all was. */
static bool write_in_steps(struct medium *medium, uint64_t number, size_t *safe_r)
{
	CLEAN(pack_writer) w = NULL;

	at.n = *safe_r = 0;
	seed = 17; /* the same calls each time */
	if (pack_create(medium, at.keyring, number, NULL, 0, &w, &err) < 0)
		return false;
	for (size_t step = 0; step < 3; step++) {
		if (write_step(w, step == 2) < 0) {
			assert_int_equal(pack_sync(w, &err), -1); /* dead is dead */
			return false;
		}
		*safe_r = at.n;
	}
	return true;
}

static void keeps_what_was_acknowledged(uint64_t number, size_t safe, bool done)
{
	struct pack_reader *r = NULL;
	struct walk walk;

	if (pack_open(at.medium, at.keyring, number, &r, &err) < 0) {
		assert_int_equal(safe, 0);
		return;
	}
	assert_int_equal(walk_from(r, 0, true, &walk), 0);
	for (size_t i = 0; i < safe; i++)
		assert_true(walk.seen[i]);
	assert_true(!done || (walk.sealed && walk.right == 12));
	assert_int_equal(walk.damaged, 0);
	pack_reader_free(&r);
}

static void whatever_write_fails_what_was_acknowledged_is_there(void **state)
{
	static const enum fault faults[] = {FAULT_IO, FAULT_OFFLINE, FAULT_NOSPACE, FAULT_SHORT};
	struct medium *inner, *faulty;
	uint64_t calls, number = 1;
	size_t safe;

	(void)state;
	assert_int_equal(medium_local_open(at.dir, &inner, &err), 0);
	faulty = medium_faulty_new(inner);
	assert_true(write_in_steps(faulty, number++, &safe));
	calls = medium_faulty_calls(faulty);
	assert_true(calls >= 7);
	for (uint64_t call = 1; call <= calls; call++) {
		for (size_t i = 0; i < 4; i++, number++) {
			medium_faulty_set(faulty, &(struct medium_faulty_plan){.fault = faults[i],
									       .at_call = call});
			assert_false(write_in_steps(faulty, number, &safe));
			keeps_what_was_acknowledged(number, safe, false);
		}
	}
	medium_faulty_set(faulty, &(struct medium_faulty_plan){.fault = FAULT_NONE});
	assert_true(write_in_steps(faulty, number, &safe));
	keeps_what_was_acknowledged(number, safe, true);
	medium_free(&faulty);
}

/* Reading through a medium that fails: an error, damage reported, or the truth. */
static void read_all(struct medium *medium)
{
	struct pack_reader *r = NULL;
	struct record record;
	struct walk walk;

	if (pack_open(medium, at.keyring, 1, &r, &err) < 0)
		return;
	if (walk_from(r, 0, true, &walk) == 0)
		assert_true(walk.damaged + walk.torn > 0 || (walk.right == at.n && walk.sealed));
	for (size_t i = 0; i < at.n; i += 5) {
		CLEAN_STR payload = STR_INIT;

		if (pack_read(r, at.records[i].offset, 0, &record, &payload, &err) == 0)
			assert_true(view_eq(str_view(&payload), str_view(&at.payloads[i])));
		else
			assert_int_equal(payload.len, 0);
	}
	pack_reader_free(&r);
}

static void whatever_read_fails_nothing_wrong_is_given_out(void **state)
{
	static const enum fault faults[] = {FAULT_IO, FAULT_OFFLINE, FAULT_SHORT,
					    FAULT_WRONG_BYTES};
	struct medium *inner, *faulty;
	uint64_t calls;

	(void)state;
	make_pack(1, 40, 3000, true);
	assert_int_equal(medium_local_open(at.dir, &inner, &err), 0);
	faulty = medium_faulty_new(inner);
	read_all(faulty);
	calls = medium_faulty_calls(faulty);
	for (uint64_t call = 1; call <= calls; call++)
		for (size_t i = 0; i < 4; i++) {
			medium_faulty_set(faulty, &(struct medium_faulty_plan){.fault = faults[i],
									       .at_call = call,
									       .seed = call});
			read_all(faulty);
		}
	medium_free(&faulty);
}

static void a_torn_pack_is_resumed_and_sealed(void **state)
{
	CLEAN(pack_writer) w = NULL;
	CLEAN(pack_writer) again = NULL;
	uint64_t end, size;
	struct walk walk;

	(void)state;
	make_pack(1, 12, 3000, false);
	end = at.records[10].offset + at.records[10].len;
	at.n = 11;
	store_image(1, (struct view){at.image.data, (size_t)end + 70}); /* torn in the last one */
	assert_int_equal(pack_resume(at.medium, at.keyring, 1, end, &w, &err), 0);
	assert_int_equal(pack_writer_size(w), end);
	assert_int_equal(pack_seal(w, &err), 0);
	walk_image(1, &walk);
	assert_true(walk.sealed && walk.right == 11 && walk.damaged + walk.torn == 0);
	size = pack_writer_size(w);
	assert_int_equal(pack_resume(at.medium, at.keyring, 1, size, &again, &err), 0);
	assert_int_equal(pack_seal(again, &err), 0); /* it has its seal: no second one */
	assert_int_equal(pack_writer_size(again), size);
	walk_image(1, &walk);
	assert_true(walk.sealed && walk.right == 11 && walk.damaged + walk.torn == 0);
}

static void a_walk_that_failed_goes_on_where_it_was(void **state)
{
	CLEAN(pack_reader) r = NULL;
	CLEAN(pack_scan) scan = NULL;
	struct medium *inner, *faulty;
	struct record record;
	size_t n = 0, failures = 0;
	int rc;

	(void)state;
	make_pack(1, 100, 90000, true);
	assert_int_equal(medium_local_open(at.dir, &inner, &err), 0);
	faulty = medium_faulty_new(inner);
	assert_int_equal(pack_open(faulty, at.keyring, 1, &r, &err), 0);
	assert_int_equal(pack_scan_begin(r, 0, &scan, &err), 0);
	medium_faulty_set(faulty, &(struct medium_faulty_plan){.fault = FAULT_OFFLINE,
							       .per_million = 500000,
							       .seed = 3});
	do {
		CLEAN_STR payload = STR_INIT;

		rc = pack_scan_next(scan, &record, &payload, &err);
		failures += rc < 0;
		n += rc == SCAN_RECORD;
		assert_true(rc != SCAN_DAMAGED && rc != SCAN_TORN);
	} while (rc != SCAN_END);
	assert_int_equal(n, 101);
	assert_true(failures > 0 && pack_scan_sealed(scan));
	pack_scan_free(&scan);
	pack_reader_free(&r);
	medium_free(&faulty);
}

/* Someone who can write to the medium plants a thousand beginnings, each reaching to the end. */
static void forged_magics_cost_no_more_than_linear_time(void **state)
{
	static const char forged[40] = "\xd3SR\x1a\0\0\x10\0\1";
	CLEAN_STR bad = STR_INIT;
	struct walk walk;

	(void)state;
	make_pack(1, 5, 100, false);
	str_addv(&bad, str_view(&at.image));
	while (bad.len < 3 << 20)
		str_add(&bad, forged, sizeof(forged));
	store_image(1, str_view(&bad));
	walk_image(1, &walk);
	assert_true(walk.right == 5 && walk.damaged == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_go_in_and_come_out),
		TEST(records_larger_than_every_buffer_come_out),
		TEST(a_reader_sees_what_was_appended_after_it_opened),
		TEST(an_encoded_payload_can_move_to_another_pack),
		TEST(names_and_numbers_fit_together),
		TEST(each_flipped_bit_loses_only_its_own_record),
		TEST(a_length_that_reaches_over_the_end_hides_no_later_record),
		TEST(a_pack_cut_anywhere_keeps_what_is_before_the_cut),
		TEST(zeros_behind_the_last_record_are_a_torn_tail_and_junk_is_damage),
		TEST(bytes_behind_the_seal_are_damage),
		TEST(a_record_taken_out_breaks_the_seal),
		TEST(moved_swapped_and_replayed_records_do_not_open),
		TEST(places_that_hold_no_record_are_refused),
		TEST(a_pack_opens_only_for_its_own_archive_key_number_and_format),
		TEST(a_reader_finds_the_dictionaries_its_records_need),
		TEST(a_damaged_dictionary_takes_only_its_own_records_with_it),
		TEST(whatever_write_fails_what_was_acknowledged_is_there),
		TEST(whatever_read_fails_nothing_wrong_is_given_out),
		TEST(a_torn_pack_is_resumed_and_sealed),
		TEST(a_walk_that_failed_goes_on_where_it_was),
		TEST(forged_magics_cost_no_more_than_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/archive/record.h"

static unsigned dice_state;

static unsigned dice(unsigned sides)
{
	dice_state = dice_state * 1103515245 + 12345;
	return (dice_state >> 16) % sides;
}

static struct view any_text(struct arena *arena)
{
	size_t len = dice(3) == 0 ? 0 : dice(200);
	char *text = arena_get(arena, len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)dice(256);
	return (struct view){text, len};
}

static struct hash any_hash(void)
{
	struct hash hash;

	for (size_t i = 0; i < HASH_BYTES; i++)
		hash.b[i] = (unsigned char)dice(256);
	return hash;
}

static int64_t any_time(void)
{
	int64_t n = (int64_t)dice(1 << 15) << dice(40);

	return dice(2) ? n : -n;
}

static void any_list(struct arena *arena, struct facts_list *list)
{
	for (unsigned n = dice(4); n > 0; n--) {
		struct view address = any_text(arena);

		if (address.len > 0)
			ARENA_PUSH(arena, *list, address);
	}
}

static struct facts any_facts(struct arena *arena)
{
	struct facts f = {.way = (enum way)(1 + dice(7)),
			  .source = any_text(arena),
			  .place = any_text(arena),
			  .flags = any_text(arena),
			  .seen_ms = any_time(),
			  .source_time_s = any_time(),
			  .reverse_path = any_text(arena),
			  .on_behalf_of = any_text(arena),
			  .client_name = any_text(arena),
			  .client_addr = any_text(arena),
			  .helo = any_text(arena),
			  .login = any_text(arena),
			  .tls = any_text(arena),
			  .queue_id = any_text(arena),
			  .mail_params = any_text(arena),
			  .trace = any_text(arena),
			  .report = any_text(arena),
			  .spam = dice(2)};

	any_list(arena, &f.recipients);
	any_list(arena, &f.hidden);
	return f;
}

static void same_list(const struct facts_list *a, const struct facts_list *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_true(view_eq(a->v[i], b->v[i]));
}

static void same_facts(const struct facts *a, const struct facts *b)
{
	assert_true(a->way == b->way && a->spam == b->spam);
	assert_true(view_eq(a->source, b->source) && view_eq(a->place, b->place));
	assert_true(view_eq(a->flags, b->flags) && view_eq(a->reverse_path, b->reverse_path));
	assert_true(a->seen_ms == b->seen_ms && a->source_time_s == b->source_time_s);
	assert_true(view_eq(a->on_behalf_of, b->on_behalf_of) && view_eq(a->report, b->report));
	assert_true(view_eq(a->client_name, b->client_name));
	assert_true(view_eq(a->client_addr, b->client_addr) && view_eq(a->helo, b->helo));
	assert_true(view_eq(a->login, b->login) && view_eq(a->tls, b->tls));
	assert_true(view_eq(a->queue_id, b->queue_id) && view_eq(a->trace, b->trace));
	assert_true(view_eq(a->mail_params, b->mail_params));
	same_list(&a->recipients, &b->recipients);
	same_list(&a->hidden, &b->hidden);
}

static void a_copy_of_facts_stands_on_its_own(void **state)
{
	CLEAN(arena) arena = arena_new();
	struct facts copy;

	(void)state;
	dice_state = 13;
	for (int i = 0; i < 100; i++) {
		CLEAN(arena) made = arena_new();
		CLEAN(arena) again = arena_new();
		unsigned seed = dice_state;
		struct facts facts = any_facts(made), same;

		facts_copy(arena, &facts, &copy);
		arena_free(&made);
		dice_state = seed;
		same = any_facts(again);
		same_facts(&copy, &same);
	}
}

static struct mail_record any_mail(struct arena *arena)
{
	struct mail_record m = {.facts = any_facts(arena),
				.exact = any_hash(),
				.content = any_hash(),
				.size = (uint64_t)dice(1 << 15) << dice(48),
				.skeleton = any_text(arena)};

	for (unsigned n = dice(4); n > 0; n--) {
		struct record_splice s = {.at = dice(1 << 15),
					  .geometry = {.encoded_len = dice(1 << 15),
						       .decoded_len = dice(1 << 15),
						       .line_chars = 4 * dice(1000),
						       .eol = dice(2) ? LINE_LF : LINE_CRLF,
						       .eol_at_end = dice(2)},
					  .part = any_hash()};

		ARENA_PUSH(arena, m.splices, s);
	}
	return m;
}

static void same_splice(const struct record_splice *a, const struct record_splice *b)
{
	assert_true(a->at == b->at && hash_eq(&a->part, &b->part));
	assert_true(a->geometry.encoded_len == b->geometry.encoded_len);
	assert_true(a->geometry.decoded_len == b->geometry.decoded_len);
	assert_int_equal(a->geometry.line_chars, b->geometry.line_chars);
	assert_int_equal(a->geometry.eol, b->geometry.eol);
	assert_int_equal(a->geometry.eol_at_end, b->geometry.eol_at_end);
}

static void what_is_written_of_a_mail_is_read_back(void **state)
{
	(void)state;
	dice_state = 1;
	for (int i = 0; i < 500; i++) {
		CLEAN(arena) arena = arena_new();
		CLEAN_STR payload = STR_INIT;
		struct mail_record m = any_mail(arena), back;
		struct err err = {0};

		record_write_mail(&payload, &m);
		str_addv(&payload, m.skeleton);
		assert_int_equal(record_read_mail(arena, str_view(&payload), &back, &err), 0);
		same_facts(&m.facts, &back.facts);
		assert_true(hash_eq(&m.exact, &back.exact) && hash_eq(&m.content, &back.content));
		assert_true(m.size == back.size && view_eq(m.skeleton, back.skeleton));
		assert_int_equal(m.splices.n, back.splices.n);
		for (size_t i = 0; i < m.splices.n; i++)
			same_splice(&m.splices.v[i], &back.splices.v[i]);
	}
}

static struct provenance_record any_provenance(struct arena *arena)
{
	return (struct provenance_record){.facts = any_facts(arena),
					  .mail = uuid_new(),
					  .exact = any_hash(),
					  .size = dice(1 << 15),
					  .header = any_text(arena)};
}

static void what_is_written_of_a_sighting_is_read_back(void **state)
{
	(void)state;
	dice_state = 7;
	for (int i = 0; i < 500; i++) {
		CLEAN(arena) arena = arena_new();
		CLEAN_STR payload = STR_INIT;
		struct provenance_record p = any_provenance(arena), back;
		struct err err = {0};

		record_write_provenance(&payload, &p);
		str_addv(&payload, p.header);
		assert_int_equal(record_read_provenance(arena, str_view(&payload), &back, &err), 0);
		same_facts(&p.facts, &back.facts);
		assert_true(hash_eq(&p.exact, &back.exact) && uuid_eq(&p.mail, &back.mail));
		assert_true(p.size == back.size && view_eq(p.header, back.header));
	}
}

/* A copy of its own size, so that the sanitizer sees a read behind its end. */
static int read_cut(const struct str *payload, size_t len, bool provenance, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_MEM char *copy = mem_new(len + 1);
	struct mail_record m;
	struct provenance_record p;
	struct view v = {copy, len};

	memcpy(copy, payload->data, len);
	return provenance ? record_read_provenance(arena, v, &p, err)
			  : record_read_mail(arena, v, &m, err);
}

static void a_record_cut_short_anywhere_is_damaged(void **state)
{
	CLEAN(arena) arena = arena_new();

	(void)state;
	dice_state = 3;
	for (int i = 0; i < 20; i++) {
		CLEAN_STR mail = STR_INIT;
		CLEAN_STR provenance = STR_INIT;
		struct mail_record m = any_mail(arena);
		struct provenance_record p = any_provenance(arena);

		record_write_mail(&mail, &m);
		record_write_provenance(&provenance, &p);
		for (size_t len = 0; len < mail.len; len++) {
			struct err err = {0};

			assert_int_equal(read_cut(&mail, len, false, &err), -1);
			assert_int_equal(err.kind, ERR_DAMAGED);
		}
		for (size_t len = 0; len < provenance.len; len++) {
			struct err err = {0};

			assert_int_equal(read_cut(&provenance, len, true, &err), -1);
			assert_int_equal(err.kind, ERR_DAMAGED);
		}
	}
}

static void no_changed_byte_leads_out_of_a_record(void **state)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR payload = STR_INIT;
	struct mail_record m;

	(void)state;
	dice_state = 11;
	m = any_mail(arena);
	record_write_mail(&payload, &m);
	for (size_t at = 0; at < payload.len; at++) {
		char was = payload.data[at];

		for (int bit = 0; bit < 8; bit++) {
			struct err err = {0};

			payload.data[at] = (char)(was ^ 1 << bit);
			if (read_cut(&payload, payload.len, false, &err) < 0)
				assert_int_equal(err.kind, ERR_DAMAGED);
			read_cut(&payload, payload.len, true, &err);
		}
		payload.data[at] = was;
	}
}

static void a_tag_of_a_later_version_is_passed_over(void **state)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR old = STR_INIT;
	CLEAN_STR later = STR_INIT;
	struct mail_record m, back;
	struct err err = {0};
	struct view fields;
	uint64_t len;

	(void)state;
	dice_state = 5;
	m = any_mail(arena);
	record_write_mail(&old, &m);
	fields = str_view(&old);
	assert_int_equal(view_varint(&fields, &len), 0);
	str_addvarint(&later, len + 2 + 4 + 12);
	str_addvarint(&later, 1000000); /* tag: 3 bytes */
	str_addvarint(&later, 2);
	str_adds(&later, "xy");
	str_addv(&later, fields);
	str_addvarint(&later, UINT64_MAX); /* tag: 10 bytes */
	str_addvarint(&later, 1);
	str_adds(&later, "z");
	str_adds(&later, "skeleton");
	assert_int_equal(record_read_mail(arena, str_view(&later), &back, &err), 0);
	same_facts(&m.facts, &back.facts);
	assert_true(view_eq(back.skeleton, VIEW("skeleton")));
}

static void a_record_without_its_digest_or_mail_is_damaged(void **state)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR mail = STR_INIT;
	struct mail_record m = {.facts.way = WAY_IMPORT};
	struct provenance_record p;
	struct err err = {0};

	(void)state;
	assert_int_equal(record_read_mail(arena, (struct view){"\0body", 5}, &m, &err), -1);
	assert_int_equal(err.kind, ERR_DAMAGED);
	record_write_mail(&mail, &m);
	err_clear(&err);
	assert_int_equal(record_read_provenance(arena, str_view(&mail), &p, &err), -1);
	assert_int_equal(err.kind, ERR_DAMAGED);
}

static void a_tombstone_is_read_back_or_damaged(void **state)
{
	CLEAN_STR payload = STR_INIT;
	struct uuid id = uuid_new(), back;
	struct err err = {0};
	struct tombstone t;

	(void)state;
	record_write_erased(&payload, &id, &(struct tombstone){.when_s = -5, .request = 17});
	assert_int_equal(record_read_erased(str_view(&payload), &back, &t, &err), 0);
	assert_true(uuid_eq(&id, &back) && t.when_s == -5 && t.request == 17);
	for (size_t len = 0; len < payload.len; len++) {
		struct view cut = {payload.data, len};

		if (len == UUID_BYTES + 8) /* as older versions wrote it */
			continue;
		assert_int_equal(record_read_erased(cut, &back, &t, &err), -1);
		assert_int_equal(err.kind, ERR_DAMAGED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_of_facts_stands_on_its_own),
		cmocka_unit_test(what_is_written_of_a_mail_is_read_back),
		cmocka_unit_test(what_is_written_of_a_sighting_is_read_back),
		cmocka_unit_test(a_record_cut_short_anywhere_is_damaged),
		cmocka_unit_test(no_changed_byte_leads_out_of_a_record),
		cmocka_unit_test(a_tag_of_a_later_version_is_passed_over),
		cmocka_unit_test(a_record_without_its_digest_or_mail_is_damaged),
		cmocka_unit_test(a_tombstone_is_read_back_or_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

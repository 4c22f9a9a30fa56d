/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One mail by five ways - captured by the milter, in two journal reports, fetched from a mailbox, imported
 * from an mbox - in every order: one mail, everybody who got it, five sightings. And what is another mail
 * stays one. */
#include "tests/unit/fixture.h"

#include "app/archiver/archiver.h"
#include "app/intake/import/import.h"

enum { WAYS = 5, ORDERS = 120 };

struct ways {
	struct fixture *f;
	struct spool *spool;
	struct str mbox; /* what is imported in this round */
};

/* The mail as its sender gave it to the mail server; each order has a mail of its own. */
static void add_mail(struct str *out, size_t number, const char *eol)
{
	str_addf(out, "From: Anna <anna@example.org>%s", eol);
	str_addf(out, "To: otto@example.org%s", eol);
	str_addf(out, "Subject: order %zu%s", number, eol);
	str_addf(out, "Message-ID: <order-%zu@example.org>%s", number, eol);
	str_addf(out, "Date: Mon, 2 Jan 2023 10:00:00 +0000%s%s", eol, eol);
	str_addf(out, "letter%zu to all of you%s", number, eol);
}

static void add_report(struct str *out, size_t number, const char *line)
{
	str_adds(out, "From: Anna <anna@example.org>\r\nTo: <otto@example.org>\r\n"
		      "X-MS-Journal-Report:\r\nMIME-Version: 1.0\r\n"
		      "Content-Type: multipart/mixed; boundary=\"r\"\r\n\r\n--r\r\n"
		      "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	str_addf(out,
		 "Sender: anna@example.org\r\nMessage-Id: <order-%zu@example.org>\r\n%s\r\n\r\n",
		 number, line);
	str_adds(out, "--r\r\nContent-Type: message/rfc822\r\n\r\n");
	str_adds(out, "Received: from a by b; Mon, 2 Jan 2023 10:00:01 +0000\r\n");
	add_mail(out, number, "\r\n");
	str_adds(out, "\r\n--r--\r\n");
}

static void commit(struct ways *w, const struct str *raw, struct envelope *env, const char *rcpt)
{
	CLEAN(spool_entry) entry = NULL;
	struct view recipient = VIEW(rcpt);

	env->seen_ms = 1700000000000;
	env->reverse_path = VIEW("anna@example.org");
	if (recipient.len > 0)
		env->recipients = (struct views){&recipient, 1, 1};
	if (spool_begin(w->spool, 0, &entry, &w->f->err) < 0 ||
	    spool_write(entry, raw->data, raw->len, &w->f->err) < 0 ||
	    spool_commit(entry, env, &w->f->err) < 0)
		fail_msg("%s", w->f->err.text);
}

static void by_milter(struct ways *w, size_t number)
{
	CLEAN_STR raw = STR_INIT;
	struct envelope env = {.door = DOOR_MILTER, .queue_id = VIEW("4dQueueId")};

	add_mail(&raw, number, "\r\n");
	commit(w, &raw, &env, "blind@example.org");
}

static void by_first_report(struct ways *w, size_t number)
{
	CLEAN_STR raw = STR_INIT;
	struct envelope env = {.door = DOOR_SMTP, .unwrap = true};

	add_report(&raw, number, "Bcc: bert@example.org");
	commit(w, &raw, &env, "");
}

static void by_second_report(struct ways *w, size_t number)
{
	CLEAN_STR raw = STR_INIT;
	struct envelope env = {.door = DOOR_SMTP, .unwrap = true};

	add_report(&raw, number, "To: carla@example.org, Expanded: sales@example.org");
	commit(w, &raw, &env, "");
}

static void by_fetch(struct ways *w, size_t number)
{
	CLEAN_STR raw = STR_INIT;
	struct envelope env = {
		.door = DOOR_FETCH, .source = VIEW("mailbox of Otto"), .place = VIEW("INBOX/1/17")};

	str_adds(&raw, "Return-Path: <anna@example.org>\r\nDelivered-To: otto@example.org\r\n"
		       "X-Spam-Score: 0.1\r\n");
	add_mail(&raw, number, "\r\n");
	commit(w, &raw, &env, "");
}

static void by_import(struct ways *w, size_t number)
{
	str_adds(&w->mbox, "From anna@example.org Mon Jan  2 10:00:00 2023\n");
	add_mail(&w->mbox, number, "\n");
	str_addc(&w->mbox, '\n');
}

typedef void arrive_fn(struct ways *w, size_t number);
static arrive_fn *const ways[WAYS] = {by_milter, by_first_report, by_second_report, by_fetch,
				      by_import};

/* The way that comes at STEP in the order with this number: Lehmer's code of the permutation. */
static arrive_fn *way_at(size_t order, size_t step)
{
	bool used[WAYS] = {false};
	size_t way = 0;

	for (size_t i = 0; i <= step; i++) {
		size_t left = WAYS - i, nth = order % left;

		order /= left;
		for (way = 0; used[way] || nth > 0; way++)
			nth -= !used[way];
		used[way] = true;
	}
	return ways[way];
}

static void import(struct ways *w)
{
	const char *path = fixture_path(w->f, "round.mbox");
	const struct import_options options = {.source = "old mail"};
	const struct import_watch watch = {0};
	struct import_report report;

	if (w->mbox.len == 0)
		return;
	fixture_write(path, str_view(&w->mbox));
	if (import_run(w->f->a, &path, 1, &options, &watch, &report, &w->f->err) < 0)
		fail_msg("%s", w->f->err.text);
	assert_int_equal(report.failed + report.ignored, 0);
	str_reset(&w->mbox);
}

static void archive_all(struct ways *w)
{
	CLEAN(guard) guard = NULL;
	struct archiver_report report;

	if (guard_open(w->f->archive, &guard, &w->f->err) < 0 ||
	    archiver_run(w->f->a, w->spool, guard, -1, true, &report, &w->f->err) < 0)
		fail_msg("%s", w->f->err.text);
	assert_int_equal(report.stuck, 0);
	import(w);
}

static int count_sighting(void *arg, const struct sighting_row *row, struct err *err)
{
	(void)row;
	(void)err;
	++*(size_t *)arg;
	return 0;
}

static size_t sightings_of(struct fixture *f, uint64_t mail)
{
	size_t later = 0;

	if (sightings_each(archive_catalog(f->a), mail, count_sighting, &later, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return later + 1;
}

static void is_one_mail(struct fixture *f, size_t number)
{
	static const char *const people[] = {"otto", "blind", "bert", "carla", "sales", "anna"};
	uint64_t mails[2];
	char text[64];

	snprintf(text, sizeof(text), "order-%zu@example.org", number);
	assert_int_equal(mails_by_msgid(archive_catalog(f->a), mails_msgid_hash(VIEW(text)), mails,
					2, &f->err),
			 1);
	assert_int_equal(sightings_of(f, mails[0]), WAYS);
	for (size_t i = 0; i < sizeof(people) / sizeof(*people); i++) {
		snprintf(text, sizeof(text), "letter%zu any:%s@example.org", number, people[i]);
		assert_int_equal(fixture_count(f, text), 1);
	}
}

static void ways_setup(struct ways *w, void **state)
{
	*w = (struct ways){.f = *state, .mbox = STR_INIT};
	if (spool_open(w->f->archive, &w->spool, &w->f->err) < 0)
		fail_msg("%s", w->f->err.text);
}

static void ways_clear(struct ways *w)
{
	spool_free(&w->spool);
	str_clear(&w->mbox);
}

static void five_ways_in_any_order_make_one_mail(void **state)
{
	struct ways w;

	ways_setup(&w, state);
	for (size_t step = 0; step < WAYS; step++) {
		for (size_t order = 0; order < ORDERS; order++)
			way_at(order, step)(&w, order);
		archive_all(&w);
	}
	assert_int_equal(fixture_count(w.f, ""), ORDERS);
	for (size_t order = 0; order < ORDERS; order++)
		is_one_mail(w.f, order);
	ways_clear(&w);
}

static void what_comes_again_is_seen_once_but_for_reports_which_each_count(void **state)
{
	struct ways w;

	ways_setup(&w, state);
	for (int round = 0; round < 2; round++) {
		for (size_t way = 0; way < WAYS; way++)
			ways[way](&w, 1);
		archive_all(&w);
	}
	assert_int_equal(fixture_count(w.f, ""), 1);
	assert_int_equal(sightings_of(w.f, 1), WAYS + 2);
	ways_clear(&w);
}

static void a_copy_from_a_list_with_another_body_is_another_mail_and_both_are_flagged(void **state)
{
	static const char footer[] = "-- \r\nTo leave this list, write to its owner.\r\n";
	CLEAN_STR raw = STR_INIT;
	struct envelope env = {.door = DOOR_LMTP};
	struct ways w;

	ways_setup(&w, state);
	by_milter(&w, 1);
	add_mail(&raw, 1, "\r\n");
	str_adds(&raw, footer);
	commit(&w, &raw, &env, "list@example.org");
	archive_all(&w);
	assert_int_equal(fixture_count(w.f, "letter1"), 2);
	assert_int_equal(fixture_count(w.f, "letter1 owner"), 1);
	assert_int_equal(fixture_count(w.f, "is:flagged"), 2);
	ways_clear(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(five_ways_in_any_order_make_one_mail, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(
			what_comes_again_is_seen_once_but_for_reports_which_each_count,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_copy_from_a_list_with_another_body_is_another_mail_and_both_are_flagged,
			fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the spool into the archive: what becomes of envelopes, copies, marks and journal reports, and
 * that a rebuilt catalog knows the same. */
#include "tests/unit/fixture.h"

#include "app/archive/find.h"
#include "app/archive/rebuild.h"
#include "app/archiver/archiver.h"
#include "app/catalog/receipts.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define MAIL(extra, body)                                                                          \
	VIEW("From: anna@example.org\r\nTo: bert@example.org\r\nSubject: Angebot\r\n"              \
	     "Message-ID: <4711@example.org>\r\nDate: Mon, 2 Jan 2023 10:00:00 +0000\r\n" extra    \
	     "\r\n" body "\r\n")

/* ---- a door, an archiver ---- */

static struct spool *open_spool(struct fixture *f)
{
	struct spool *spool;

	if (spool_open(f->archive, &spool, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return spool;
}

static struct uuid put(struct fixture *f, struct view raw, const struct envelope *env, bool held)
{
	CLEAN(spool) spool = open_spool(f);
	CLEAN(spool_entry) entry = NULL;
	struct envelope all = *env;

	all.seen_ms = all.seen_ms ? all.seen_ms : 1700000000000;
	if (spool_begin(spool, 0, &entry, &f->err) < 0 ||
	    spool_write(entry, raw.data, raw.len, &f->err) < 0 ||
	    (held ? spool_hold(entry, &all, &f->err) : spool_commit(entry, &all, &f->err)) < 0)
		fail_msg("%s", f->err.text);
	return *spool_entry_id(entry);
}

static struct uuid commit(struct fixture *f, struct view raw, const struct envelope *env)
{
	return put(f, raw, env, false);
}

static void bind_capture(struct fixture *f, const struct uuid *id, const struct envelope *env)
{
	CLEAN(spool) spool = open_spool(f);

	assert_int_equal(spool_bind(spool, id, env, &f->err), 1);
}

static struct archiver_report run(struct fixture *f)
{
	CLEAN(spool) spool = open_spool(f);
	CLEAN(guard) guard = NULL;
	struct archiver_report report = {0};

	if (guard_open(f->archive, &guard, &f->err) < 0 ||
	    archiver_run(f->a, spool, guard, -1, true, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return report;
}

static void must_report(struct fixture *f, uint64_t archived, uint64_t duplicate, uint64_t stuck)
{
	struct archiver_report r = run(f);

	assert_int_equal(r.archived, archived);
	assert_int_equal(r.duplicate, duplicate);
	assert_int_equal(r.stuck, stuck);
}

static size_t waiting(struct fixture *f, enum spool_state state)
{
	CLEAN(spool) spool = open_spool(f);
	CLEAN(arena) arena = arena_new();
	struct uuid *ids;
	size_t n;

	assert_int_equal(spool_list(spool, state, 0, arena, &ids, &n, &f->err), 0);
	return n;
}

static void stick(struct fixture *f, const struct uuid *id)
{
	CLEAN(spool) spool = open_spool(f);
	struct receipt receipt = {.outcome = RECEIPT_STUCK};
	struct err why = {0};

	(void)err_set(&why, ERR_TOOBIG, "for a test");
	assert_int_equal(spool_stick(spool, id, &why, &f->err), 0);
	assert_int_equal(receipts_put(archive_catalog(f->a), id, &receipt, clock_s(), &f->err), 0);
}

/* ---- what an archive knows, as text ---- */

struct telling {
	struct fixture *f;
	struct arena *arena;
	struct reader *reader;
	struct str *out;
};

static int tell_person(void *arg, unsigned role, uint64_t address, struct view addr,
		       struct err *err)
{
	struct telling *t = arg;

	(void)address;
	(void)err;
	str_addf(t->out, " %u:%.*s", role, (int)addr.len, addr.data);
	return 0;
}

static void tell_facts(struct telling *t, const struct facts *f)
{
	const struct view texts[] = {
		f->source,      f->place, f->flags,       f->reverse_path, f->client_name,
		f->client_addr, f->helo,  f->login,       f->queue_id,     f->tls,
		f->mail_params, f->trace, f->on_behalf_of};

	str_addf(t->out, "\n  %s %lld %lld spam=%d report=%zu", way_text(f->way),
		 (long long)f->seen_ms, (long long)f->source_time_s, f->spam, f->report.len);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		str_addf(t->out, "|%.*s", (int)texts[i].len, texts[i].data ? texts[i].data : "");
	for (size_t i = 0; i < f->recipients.n; i++)
		str_addf(t->out, " <%.*s>", (int)f->recipients.v[i].len, f->recipients.v[i].data);
	for (size_t i = 0; i < f->hidden.n; i++)
		str_addf(t->out, " (%.*s)", (int)f->hidden.v[i].len, f->hidden.v[i].data);
}

static int tell_sighting(void *arg, const struct sighting_row *row, struct err *err)
{
	struct telling *t = arg;
	struct facts facts;

	if (reader_sighting(t->reader, t->arena, row, &facts, NULL, err) < 0)
		return -1;
	assert_true(view_eq(row->place, facts.place) && view_eq(row->flags, facts.flags));
	tell_facts(t, &facts);
	return 0;
}

static int tell_mail(void *arg, const struct mail_row *row, struct err *err)
{
	struct telling *t = arg;
	struct facts facts;

	str_addf(t->out, "%llu marks=%u attachments=%u \"%.*s\"", (unsigned long long)row->size,
		 row->marks, row->attachments, (int)row->subject.len, row->subject.data);
	if (recipients_each(archive_catalog(t->f->a), row->mail, tell_person, t, err) < 0 ||
	    reader_facts(t->reader, t->arena, row, &facts, err) < 0)
		return -1;
	tell_facts(t, &facts);
	if (sightings_each(archive_catalog(t->f->a), row->mail, tell_sighting, t, err) < 0)
		return -1;
	str_addc(t->out, '\n');
	return 0;
}

static void tell_all(struct fixture *f, struct str *out)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(reader) reader = reader_new(f->a);
	struct telling t = {f, arena, reader, out};

	str_reset(out);
	if (mails_each(archive_catalog(f->a), 0, tell_mail, &t, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void survives_rebuild(struct fixture *f)
{
	CLEAN_STR before = STR_INIT;
	CLEAN_STR after = STR_INIT;
	struct rebuild_report report;

	tell_all(f, &before);
	archive_free(&f->a);
	if (archive_rebuild(f->archive, NULL, 0, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
	fixture_reopen(f);
	tell_all(f, &after);
	assert_string_equal(before.data, after.data);
}

static void must_say(struct fixture *f, const char *text)
{
	CLEAN_STR all = STR_INIT;

	tell_all(f, &all);
	if (strstr(all.data, text) == NULL)
		fail_msg("\"%s\" is not in:\n%s", text, all.data);
}

static void must_not_say(struct fixture *f, const char *text)
{
	CLEAN_STR all = STR_INIT;

	tell_all(f, &all);
	if (strstr(all.data, text) != NULL)
		fail_msg("\"%s\" is in:\n%s", text, all.data);
}

/* ---- envelopes ---- */

static void what_a_door_knows_is_known_to_the_archive_and_after_a_rebuild(void **state)
{
	struct fixture *f = *state;
	struct view to[] = {VIEW("Bert@Example.ORG."), VIEW("blind@example.org"),
			    VIEW("Archiv@Archive.example")};
	struct view hidden[] = {VIEW("archiv@archive.EXAMPLE")};
	const struct envelope env = {.door = DOOR_SMTP,
				     .source = VIEW("mail server"),
				     .reverse_path = VIEW("anna@example.org"),
				     .recipients = {to, 3, 3},
				     .hidden = {hidden, 1, 1},
				     .queue_id = VIEW("4XyZ"),
				     .client_name = VIEW("client.example.org"),
				     .client_addr = VIEW("192.0.2.1"),
				     .helo = VIEW("helo.example.org"),
				     .login = VIEW("anna"),
				     .tls = VIEW("TLSv1.3"),
				     .mail_params = VIEW("BODY=8BITMIME"),
				     .trace = VIEW("Received: from x\r\n by y\r\n"),
				     .source_time_s = 1600000000};

	commit(f, MAIL("Cc: Archiv@archive.example\r\n", "word"), &env);
	must_report(f, 1, 0, 0);
	must_say(f,
		 "smtp 1700000000000 1600000000 spam=0 report=0|mail server|4XyZ||anna@example.org|"
		 "client.example.org|192.0.2.1|helo.example.org|anna|4XyZ|TLSv1.3|BODY=8BITMIME|"
		 "Received: from x\r\n by y\r\n|");
	must_say(f, "6:bert@example.org");
	must_say(f, "6:blind@example.org");
	must_not_say(f, ":archiv@archive.example"); /* in no role */
	must_say(f, "(archiv@archive.example)");
	survives_rebuild(f);
}

static void the_place_in_a_mailbox_goes_before_the_queue_id(void **state)
{
	struct fixture *f = *state;
	const struct envelope env = {.door = DOOR_FETCH,
				     .place = VIEW("INBOX/17"),
				     .place_flags = VIEW("\\Seen"),
				     .queue_id = VIEW("Q"),
				     .spam = true};

	commit(f, MAIL("", "word"), &env);
	must_report(f, 1, 0, 0);
	must_say(f, "|INBOX/17|\\Seen spam|");
	assert_int_equal(fixture_count(f, "is:spam"), 1);
}

/* ---- marks of spam ---- */

static void only_a_mark_that_was_put_on_behind_the_capture_counts(void **state)
{
	static const struct {
		const char *own, *marks[2];
		bool spam;
	} cases[] = {
		{"", {"X-Spam-Flag: YES", NULL}, true},
		{"X-Spam-Flag: YES\r\n", {"X-Spam-Flag: YES", NULL}, false},
		{"x-spam-flag:  YES \r\n", {"X-Spam-Flag: YES", NULL}, false},
		{"X-Spam-Flag:\r\n YES\r\n", {"X-Spam-Flag: YES", NULL}, false},
		{"X-Spam-Flag: YES\r\n", {"X-Spam-Flag: YES", "X-Spam-Flag: YES"}, true},
		{"X-Spam-Flag: YES\r\n", {NULL, NULL}, false},
		{"X-Spam-Flag: NO\r\n", {"X-Spam-Flag: YES", NULL}, true},
		{"", {"no header line", NULL}, false},
		{"", {NULL, NULL}, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CLEAN_STR raw = STR_INIT;
		struct view marks[2];
		struct envelope env = {.door = DOOR_MILTER};
		struct fixture *f = *state;

		for (size_t m = 0; m < 2 && cases[i].marks[m] != NULL; m++)
			marks[env.marks.n++] = VIEW(cases[i].marks[m]);
		env.marks.v = marks;
		str_addf(&raw, "Subject: case %zu\r\n%s\r\nbody\r\n", i, cases[i].own);
		commit(f, str_view(&raw), &env);
		must_report(f, 1, 0, 0);
		str_reset(&raw);
		str_addf(&raw, "subject:\"case %zu\" is:spam", i);
		if (fixture_count(f, raw.data) != cases[i].spam)
			fail_msg("case %zu", i);
	}
	survives_rebuild(*state);
}

static void a_later_sighting_marks_the_mail_and_the_mark_outlives_a_rebuild(void **state)
{
	struct fixture *f = *state;
	struct view mark = VIEW("X-Spam-Flag: YES");
	struct envelope env = {.door = DOOR_MILTER};

	commit(f, MAIL("", "word"), &env);
	must_report(f, 1, 0, 0);
	assert_int_equal(fixture_count(f, "is:spam"), 0);
	env.marks.v = &mark;
	env.marks.n = 1;
	for (int i = 0; i < 2; i++) {
		commit(f, MAIL("", "word"), &env);
		must_report(f, 0, 1, 0);
		assert_int_equal(fixture_count(f, "is:spam"), 1);
	}
	must_say(f, "marks=2");
	survives_rebuild(f);
	assert_int_equal(fixture_count(f, "is:spam"), 1);
}

/* ---- receipts ---- */

static int receipt(struct fixture *f, const struct uuid *entry, struct receipt *r)
{
	return receipts_get(archive_catalog(f->a), entry, r, &f->err);
}

static void a_receipt_tells_what_became_of_captures_and_of_what_asks_for_one(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct envelope env = {.door = DOOR_MILTER};
	struct uuid captured = commit(f, MAIL("", "word"), &env);
	struct uuid asking, plain;
	struct receipt r, again;

	env.door = DOOR_FETCH;
	plain = commit(f, MAIL("", "other"), &env);
	env.wants_receipt = true;
	asking = commit(f, MAIL("", "word"), &env);
	must_report(f, 2, 1, 0);
	assert_true(receipt(f, &captured, &r) == 1 && r.outcome == RECEIPT_ARCHIVED);
	fixture_row(f, arena, &r.mail);
	assert_true(receipt(f, &asking, &again) == 1 && again.outcome == RECEIPT_DUPLICATE);
	assert_true(uuid_eq(&r.mail, &again.mail));
	assert_int_equal(receipt(f, &plain, &r), 0);
	survives_rebuild(f);
	assert_true(receipt(f, &asking, &r) == 1 && uuid_eq(&r.mail, &again.mail));
}

static void what_is_stuck_has_a_receipt_until_it_is_taken(void **state)
{
	struct fixture *f = *state;
	struct envelope env = {.door = DOOR_FETCH, .wants_receipt = true};
	CLEAN_STR large = STR_INIT;
	struct uuid id;
	struct receipt r;

	str_addv(&large, MAIL("", "word"));
	while (large.len < 4096)
		str_adds(&large, "text\r\n");
	fixture_write(fixture_path(f, "archive/sealpost.conf"), VIEW("max_mail_bytes = 1k\n"));
	fixture_reopen(f);
	id = commit(f, str_view(&large), &env);
	must_report(f, 0, 0, 1);
	assert_true(receipt(f, &id, &r) == 1 && r.outcome == RECEIPT_STUCK);
	unlink(fixture_path(f, "archive/sealpost.conf"));
	fixture_reopen(f);
	{
		CLEAN(spool) spool = open_spool(f);

		assert_int_equal(spool_retry(spool, &id, &f->err), 0);
	}
	must_report(f, 1, 0, 0);
	assert_true(receipt(f, &id, &r) == 1 && r.outcome == RECEIPT_ARCHIVED);
}

static void old_receipts_go(void **state)
{
	struct fixture *f = *state;
	struct uuid old = uuid_new(), young = uuid_new();
	const struct receipt made = {.outcome = RECEIPT_ARCHIVED, .mail = uuid_new()};
	struct catalog *c = archive_catalog(f->a);
	struct receipt r;

	assert_int_equal(receipts_put(c, &old, &made, clock_s() - 31 * 86400, &f->err), 0);
	assert_int_equal(receipts_put(c, &young, &made, clock_s() - 29 * 86400, &f->err), 0);
	run(f);
	assert_int_equal(receipt(f, &old, &r), 0);
	assert_true(receipt(f, &young, &r) == 1 && uuid_eq(&r.mail, &made.mail));
}

/* ---- copies of captures ---- */

static struct view late = {"late@example.org", 16};
static struct view copy_mark = {"X-Spam-Flag: YES", 16};

/* The mail without its attachment, as a filter passed it on. */
static struct uuid commit_copy(struct fixture *f, const struct uuid *capture)
{
	struct envelope env = {.door = DOOR_LMTP,
			       .is_copy = true,
			       .recipients = {&late, 1, 1},
			       .marks = {&copy_mark, 1, 1}};

	if (capture != NULL)
		env.capture = *capture;
	return commit(f, MAIL("Received: by filter\r\nX-Spam-Flag: YES\r\n", "removed"), &env);
}

static void must_be_one_mail_with_the_copy_seen(struct fixture *f)
{
	assert_int_equal(waiting(f, SPOOL_READY), 0);
	assert_int_equal(fixture_count(f, ""), 1);
	assert_int_equal(fixture_count(f, "word bcc:late@example.org is:spam"), 1);
	must_say(f, "lmtp ");
	must_not_say(f, "filtered-copy");
	survives_rebuild(f);
}

static void a_changed_copy_completes_the_mail_that_its_capture_became(void **state)
{
	struct fixture *f = *state;
	const struct envelope env = {.door = DOOR_MILTER};
	struct uuid capture = commit(f, MAIL("", "word"), &env);

	must_report(f, 1, 0, 0);
	commit_copy(f, &capture);
	must_report(f, 0, 1, 0);
	must_be_one_mail_with_the_copy_seen(f);
	commit_copy(f, &capture); /* as after a crash */
	must_report(f, 0, 1, 0);
	must_be_one_mail_with_the_copy_seen(f);
}

static void a_copy_in_the_same_batch_comes_after_its_capture(void **state)
{
	struct fixture *f = *state;
	const struct envelope env = {.door = DOOR_MILTER};
	struct uuid capture = commit(f, MAIL("", "word"), &env);

	commit_copy(f, &capture);
	must_report(f, 1, 1, 0);
	must_be_one_mail_with_the_copy_seen(f);
}

static void a_capture_that_was_held_goes_before_its_copy(void **state)
{
	struct fixture *f = *state;
	const struct envelope known = {.door = DOOR_MILTER, .client_addr = VIEW("192.0.2.1")};
	const struct envelope delivered = {.door = DOOR_LMTP};
	struct uuid capture = put(f, MAIL("", "word"), &known, true);

	must_report(f, 0, 0, 0);
	commit_copy(f, &capture);
	bind_capture(f, &capture, &delivered);
	must_report(f, 1, 1, 0);
	must_be_one_mail_with_the_copy_seen(f);
	must_say(f, "192.0.2.1");
}

static void a_copy_whose_capture_is_stuck_unknown_or_not_told_is_the_mail(void **state)
{
	struct fixture *f = *state;
	const struct envelope env = {.door = DOOR_MILTER};
	struct uuid unknown = uuid_new(), stuck = commit(f, MAIL("", "word"), &env);

	stick(f, &stuck);
	commit_copy(f, &stuck);
	must_report(f, 1, 0, 0);
	assert_int_equal(fixture_count(f, "removed bcc:late@example.org is:spam"), 1);
	must_say(f, "|spam filtered-copy|");
	commit_copy(f, &unknown);
	commit_copy(f, NULL);
	must_report(f, 0, 2, 0);
	survives_rebuild(f);
}

/* All of a batch is known by its bytes, and yet one of its mails belongs elsewhere. */
static void a_copy_known_as_another_mail_still_completes_its_own(void **state)
{
	struct fixture *f = *state;
	const struct envelope env = {.door = DOOR_MILTER};
	struct uuid capture;

	commit_copy(f, NULL);
	must_report(f, 1, 0, 0);
	commit(f, MAIL("", "word"), &env);
	must_report(f, 1, 0, 0);
	capture = commit(f, MAIL("", "word"), &env);
	commit_copy(f, &capture);
	must_report(f, 0, 2, 0);
	assert_int_equal(fixture_count(f, ""), 2);
	assert_int_equal(fixture_count(f, "word bcc:late@example.org is:spam"), 1);
	survives_rebuild(f);
}

static void a_mark_that_the_capture_has_too_does_not_count_in_its_copy(void **state)
{
	struct fixture *f = *state;
	const struct envelope env = {.door = DOOR_MILTER};
	struct uuid capture = commit(f, MAIL("X-Spam-Flag: YES\r\n", "word"), &env);

	must_report(f, 1, 0, 0);
	commit_copy(f, &capture);
	must_report(f, 0, 1, 0);
	assert_int_equal(fixture_count(f, "is:spam"), 0);
	survives_rebuild(f);
	assert_int_equal(fixture_count(f, "is:spam"), 0);
}

/* ---- journal reports ---- */

#define REPORT(id, recipient, originals, end)                                                      \
	VIEW("From: journal@example.org\r\nTo: journal@archive.example\r\nMessage-ID: <" id        \
	     ">\r\nX-MS-Journal-Report:\r\nMIME-Version: 1.0\r\n"                                  \
	     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "              \
	     "text/plain\r\n\r\nSender: anna@example.org\r\nOn-Behalf-Of: boss@example.org\r\n"    \
	     "Subject: Angebot\r\nMessage-Id: <4711@example.org>\r\n" recipient                    \
	     "\r\n" originals end)
#define ORIGINAL(body)                                                                             \
	"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: anna@example.org\r\n"                    \
	"To: bert@example.org\r\nSubject: Angebot\r\nMessage-ID: <4711@example.org>\r\n"           \
	"Date: Mon, 2 Jan 2023 10:00:00 +0000\r\n\r\n" body "\r\n\r\n"

static struct envelope journal_envelope(const char *queue_id)
{
	static struct view archive_address = {"journal@archive.example", 23};

	return (struct envelope){.door = DOOR_SMTP,
				 .source = VIEW("exchange"),
				 .queue_id = VIEW(queue_id),
				 .reverse_path = VIEW("postmaster@example.org"),
				 .recipients = {&archive_address, 1, 1},
				 .hidden = {&archive_address, 1, 1},
				 .unwrap = true};
}

static void reports_of_one_mail_become_one_mail_with_all_their_recipients(void **state)
{
	struct fixture *f = *state;
	struct envelope env = journal_envelope("Q1");

	commit(f,
	       REPORT("r1", "Bcc: carla@example.org, Expanded: list@example.org\r\n",
		      ORIGINAL("word"), "--b--\r\n"),
	       &env);
	must_report(f, 1, 0, 0);
	env = journal_envelope("Q2");
	commit(f, REPORT("r2", "To: bert@example.org\r\n", ORIGINAL("word"), "--b--\r\n"), &env);
	for (int i = 0; i < 2; i++) { /* the second one as after a crash */
		must_report(f, 0, i == 0, 0);
		assert_int_equal(fixture_count(f, ""), 1);
		assert_int_equal(
			fixture_count(f, "word bcc:carla@example.org bcc:list@example.org"), 1);
	}
	must_say(f, "journal 1700000000000 0 spam=0 report=");
	must_say(f, "|exchange|Q1||anna@example.org|");
	must_say(f, "|exchange|Q2||anna@example.org|");
	must_say(f, "0:boss@example.org");
	must_say(f, "4:anna@example.org");
	must_not_say(f, ":journal@archive.example");
	must_not_say(f, "report=0");
	survives_rebuild(f);
	commit(f, REPORT("r2", "To: bert@example.org\r\n", ORIGINAL("word"), "--b--\r\n"), &env);
	must_report(f, 0, 1, 0);
	survives_rebuild(f);
}

static void two_originals_of_a_report_are_two_mails_and_one_entry(void **state)
{
	struct fixture *f = *state;
	struct envelope env = journal_envelope("Q1");
	struct receipt r;
	struct uuid id;

	env.wants_receipt = true;
	id = commit(f,
		    REPORT("r1", "To: bert@example.org\r\n", ORIGINAL("clear") ORIGINAL("secret"),
			   "--b--\r\n"),
		    &env);
	must_report(f, 2, 0, 0);
	assert_int_equal(waiting(f, SPOOL_READY), 0);
	assert_int_equal(fixture_count(f, "clear"), 1);
	assert_int_equal(fixture_count(f, "secret"), 1);
	assert_true(receipt(f, &id, &r) == 1 && r.outcome == RECEIPT_ARCHIVED);
	survives_rebuild(f);
}

static void a_report_that_cannot_be_read_is_archived_as_it_is(void **state)
{
	struct fixture *f = *state;
	struct envelope env = journal_envelope("Q1");

	log_set_level(LOG_LEVEL_ERROR);
	commit(f, REPORT("r1", "To: bert@example.org\r\n", "", "--b--\r\n"), &env);
	must_report(f, 1, 0, 0);
	must_say(f, "|journal-unread|");
	commit(f, REPORT("r2", "To: bert@example.org\r\n", ORIGINAL("cut off"), ""), &env);
	must_report(f, 1, 0, 0);
	must_say(f, "|journal-cut|");
	assert_int_equal(fixture_count(f, "\"cut off\""), 1);
	commit(f, MAIL("", "no report at all"), &env);
	must_report(f, 1, 0, 0);
	survives_rebuild(f);
	log_set_level(LOG_LEVEL_WARN);
}

static void a_report_that_came_another_way_is_a_mail_like_any_other(void **state)
{
	struct fixture *f = *state;
	struct envelope env = journal_envelope("Q1");
	struct view raw = REPORT("r1", "To: bert@example.org\r\n", ORIGINAL("word"), "--b--\r\n");

	env.unwrap = false;
	commit(f, raw, &env);
	must_report(f, 1, 0, 0);
	must_say(f, "report=0");
	assert_int_equal(fixture_count(f, "from:journal@example.org"), 1);
}

/* ---- one mail on many ways ---- */

enum { WAYS = 5, ORDERS = 120 };

/* Mail N, as it looks on a way: with that way's trace on top. */
static void write_mail(struct str *out, int n, const char *trace, const char *body)
{
	str_addf(out,
		 "%sFrom: anna@example.org\r\nTo: bert@example.org\r\nSubject: order %d\r\n"
		 "Message-ID: <order%d@example.org>\r\nDate: Mon, 2 Jan 2023 10:00:00 +0000\r\n\r\n"
		 "%s\r\n",
		 trace, n, n, body);
}

static void write_report(struct str *out, int n, const char *recipient)
{
	str_addf(out,
		 "X-MS-Journal-Report:\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
		 "boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
		 "Sender: anna@example.org\r\nBcc: %s\r\n--b\r\nContent-Type: "
		 "message/rfc822\r\n\r\n",
		 recipient);
	write_mail(out, n, "", "word");
	str_adds(out, "\r\n--b--\r\n");
}

static void arrive(struct fixture *f, int n, int way)
{
	CLEAN_STR raw = STR_INIT;
	struct view addresses[] = {VIEW("milter@example.org"), VIEW("fetch@example.org")};
	struct envelope env = {.door = DOOR_MILTER, .recipients = {&addresses[0], 1, 1}};
	struct arrival import = {.source = "box"};

	switch (way) {
	case 0:
		write_mail(&raw, n, "", "word");
		break;
	case 1:
		env = journal_envelope("Q1");
		write_report(&raw, n, "one@example.org");
		break;
	case 2:
		env = journal_envelope("Q2");
		write_report(&raw, n, "two@example.org");
		break;
	case 3:
		env = (struct envelope){.door = DOOR_FETCH, .recipients = {&addresses[1], 1, 1}};
		write_mail(&raw, n, "Delivered-To: bert@example.org\r\n", "word");
		break;
	default:
		write_mail(&raw, n, "Received: from x\r\n", "word");
		import.raw = str_view(&raw);
		run(f); /* what came before comes before */
		fixture_take(f, &import);
		return;
	}
	commit(f, str_view(&raw), &env);
}

/* Order N of the ways: the digits of N in the factorial number system choose among those that are left. */
static void arrive_in_order(struct fixture *f, int n)
{
	int left[WAYS] = {0, 1, 2, 3, 4};
	int code = n;

	for (int i = WAYS; i > 0; i--) {
		int at = code % i;

		code /= i;
		arrive(f, n, left[at]);
		memmove(left + at, left + at + 1, (size_t)(i - at - 1) * sizeof(*left));
		if ((n + i) % 4 == 0) /* now in one batch, now in several */
			run(f);
	}
	run(f);
}

static void the_same_mail_on_five_ways_in_any_order_is_one_mail(void **state)
{
	struct fixture *f = *state;
	struct mails_totals totals;
	char query[160];

	for (int n = 0; n < ORDERS; n++) {
		arrive_in_order(f, n);
		assert_int_equal(mails_totals(archive_catalog(f->a), &totals, &f->err), 0);
		assert_int_equal(totals.mails, n + 1);
		assert_int_equal(totals.sightings, (WAYS - 1) * (n + 1));
		snprintf(query, sizeof(query),
			 "subject:\"order %d\" bcc:milter@example.org bcc:one@example.org "
			 "bcc:two@example.org bcc:fetch@example.org -is:flagged",
			 n);
		assert_int_equal(fixture_count(f, query), 1);
	}
	survives_rebuild(f);
}

static void a_list_copy_with_a_changed_body_is_another_mail_and_both_are_flagged(void **state)
{
	struct fixture *f = *state;
	const struct envelope env = {.door = DOOR_MILTER};
	CLEAN_STR list = STR_INIT;

	arrive(f, 1, 0);
	write_mail(&list, 1, "List-Id: <l>\r\n", "word\r\n-- \r\nTo unsubscribe");
	commit(f, str_view(&list), &env);
	must_report(f, 2, 0, 0);
	assert_int_equal(fixture_count(f, "word is:flagged"), 2);
	survives_rebuild(f);
}

/* ---- the guard ---- */

static struct guard *open_guard(struct fixture *f)
{
	struct guard *guard;

	if (guard_open(f->archive, &guard, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return guard;
}

static void an_archiver_that_ended_well_leaves_nothing_to_be_careful_of(void **state)
{
	struct fixture *f = *state;
	struct guard *guard = open_guard(f), *second;

	assert_int_equal(guard_open(f->archive, &second, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
	assert_false(guard_is_careful(guard));
	guard_batch(guard);
	guard_rest(guard);
	guard_free(&guard);
	guard = open_guard(f);
	assert_false(guard_is_careful(guard));
	guard_free(&guard);
}

static bool try_once(struct fixture *f, const struct uuid *id, const char *more)
{
	CLEAN(guard) guard = open_guard(f);
	CLEAN_STR content = STR_INIT;
	struct err why = {0};
	const char *path = fixture_path(f, "archive/archiver.lock");
	bool may;

	assert_true(guard_is_careful(guard));
	may = guard_one(guard, id, &why);
	assert_int_equal(may, why.kind == ERR_NONE);
	assert_int_equal(file_read(path, 200, &content, &f->err), 0);
	str_adds(&content, more);
	fixture_write(path, str_view(&content));
	return may;
}

static void one_entry_is_tried_three_times_if_it_crashes_and_ten_times_if_not(void **state)
{
	struct fixture *f = *state;
	struct uuid bad = uuid_new(), slow = uuid_new();
	struct guard *guard = open_guard(f);

	guard_batch(guard);
	guard_free(&guard);
	for (int i = 0; i < 3; i++)
		assert_true(try_once(f, &bad, "!"));
	assert_false(try_once(f, &bad, ""));
	for (int i = 0; i < 10; i++)
		assert_true(try_once(f, &slow, ""));
	assert_false(try_once(f, &slow, ""));
	assert_true(try_once(f, &bad, "!")); /* another was in between: it is counted anew */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_a_door_knows_is_known_to_the_archive_and_after_a_rebuild),
		TEST(the_place_in_a_mailbox_goes_before_the_queue_id),
		TEST(only_a_mark_that_was_put_on_behind_the_capture_counts),
		TEST(a_later_sighting_marks_the_mail_and_the_mark_outlives_a_rebuild),
		TEST(a_receipt_tells_what_became_of_captures_and_of_what_asks_for_one),
		TEST(what_is_stuck_has_a_receipt_until_it_is_taken),
		TEST(old_receipts_go),
		TEST(a_changed_copy_completes_the_mail_that_its_capture_became),
		TEST(a_copy_in_the_same_batch_comes_after_its_capture),
		TEST(a_capture_that_was_held_goes_before_its_copy),
		TEST(a_copy_whose_capture_is_stuck_unknown_or_not_told_is_the_mail),
		TEST(a_copy_known_as_another_mail_still_completes_its_own),
		TEST(a_mark_that_the_capture_has_too_does_not_count_in_its_copy),
		TEST(reports_of_one_mail_become_one_mail_with_all_their_recipients),
		TEST(two_originals_of_a_report_are_two_mails_and_one_entry),
		TEST(a_report_that_cannot_be_read_is_archived_as_it_is),
		TEST(a_report_that_came_another_way_is_a_mail_like_any_other),
		TEST(the_same_mail_on_five_ways_in_any_order_is_one_mail),
		TEST(a_list_copy_with_a_changed_body_is_another_mail_and_both_are_flagged),
		TEST(an_archiver_that_ended_well_leaves_nothing_to_be_careful_of),
		TEST(one_entry_is_tried_three_times_if_it_crashes_and_ten_times_if_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

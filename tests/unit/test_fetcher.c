/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A fetch run, seen from its other end: the test plays sealpost-fetch, and the archiver, too. */
#include "tests/unit/fixture.h"

#include "app/catalog/fetched.h"
#include "app/catalog/receipts.h"
#include "app/fetcher/fetcher.h"
#include "app/fetcher/job.h"
#include "app/intake/fetch/protocol.h"
#include "app/intake/spool.h"
#include "base/file.h"
#include "base/ipc.h"

#include <poll.h>
#include <sys/socket.h>

#define RAW "From: anna@example.org\r\nSubject: one\r\nMessage-ID: <1@x>\r\n\r\ntext\r\n"

enum { OUTCOMES_MAX = 16 };

/* sealpost-fetch, played. */
static struct {
	int fd;
	struct str script; /* messages that it sends on START */
	bool acts;         /* it answers OUTCOME and DUE with ACTED */
	bool dies;         /* it ends after its script */
	bool started, ended;
	size_t outcomes_awaited; /* it sends DONE when it has got so many */
	size_t outcomes, dues, knowns, finishes;
	struct fetch_outcome outcome[OUTCOMES_MAX];
	uint64_t known_uid;
	struct str notes;
} peer;

static struct spool *spool;
static struct arena *arena;
static struct account account;
static struct fetcher_report report;
static struct fetcher_options options;

static int setup(void **state)
{
	struct fixture *f;

	if (fixture_setup(state) < 0)
		return -1;
	f = *state;
	if (spool_open(f->archive, &spool, &f->err) < 0)
		return -1;
	arena = arena_new();
	memset(&peer, 0, sizeof(peer));
	str_init(&peer.script);
	str_init(&peer.notes);
	options = (struct fetcher_options){.wait_ms = 60000};
	return 0;
}

static int teardown(void **state)
{
	spool_free(&spool);
	arena_free(&arena);
	str_clear(&peer.script);
	str_clear(&peer.notes);
	return fixture_teardown(state);
}

static struct catalog *catalog(struct fixture *f)
{
	return archive_catalog(f->a);
}

static void make_account(struct fixture *f, const char *protocol, const char *archived)
{
	struct account_change c = {.parent = NULL};

	c.value[ACCOUNT_PROTOCOL] = VIEW(protocol);
	c.value[ACCOUNT_HOST] = VIEW("mail.example");
	c.value[ACCOUNT_USER] = VIEW("anna");
	c.value[ACCOUNT_PASSWORD] = VIEW("geheim");
	c.value[ACCOUNT_ARCHIVED] = VIEW(archived);
	if (accounts_add(catalog(f), VIEW("anna"), false, &c, job_check, &f->err) < 0 ||
	    accounts_get(catalog(f), arena, VIEW("anna"), &account, &f->err) != 1)
		fail_msg("%s", f->err.text);
}

/* --- its side of the conversation ------------------------------------------------------------- */

#define SAY(NAME, name, ...)                                                                       \
	do {                                                                                       \
		CLEAN_STR body_ = STR_INIT;                                                        \
		const struct fetch_##name m_ = {__VA_ARGS__};                                      \
                                                                                                   \
		fetch_##name##_write(&body_, &m_);                                                 \
		str_addu32(&peer.script, FETCH_##NAME);                                            \
		str_addu32(&peer.script, (uint32_t)body_.len);                                     \
		str_addv(&peer.script, str_view(&body_));                                          \
	} while (0)
#define WHICH(u)                                                                                   \
	{                                                                                          \
		VIEW("INBOX"), 7, (u), VIEW("")                                                    \
	}

static void say_folder(uint64_t on_server, uint64_t earlier)
{
	SAY(FOLDER, folder, .folder = VIEW("INBOX"), .use = VIEW(""), .selected = true,
	    .uidvalidity = 7, .on_server = on_server, .earlier = earlier);
}

static void say_mail(uint64_t uid, const struct uuid *entry)
{
	SAY(MAIL, mail, .which = WHICH(uid), .entry = {(const char *)entry->b, UUID_BYTES},
	    .size_bytes = strlen(RAW));
}

static void say_folder_done(uint64_t on_server, uint64_t earlier, uint64_t mails, uint64_t failed)
{
	SAY(FOLDER_DONE, folder_done, .folder = VIEW("INBOX"), .uidvalidity = 7,
	    .on_server = on_server, .earlier = earlier, .mails = mails, .failed = failed);
}

static void send_script(void)
{
	assert_int_equal(send(peer.fd, peer.script.data, peer.script.len, 0),
			 (ssize_t)peer.script.len);
	str_reset(&peer.script);
	if (peer.dies) {
		close(peer.fd);
		peer.ended = true;
	}
}

static void act(const struct fetch_which *which)
{
	struct fetch_acted acted = {*which, ERR_NONE, VIEW("")};
	struct err err = {0};

	if (peer.acts)
		assert_int_equal(fetch_send_acted(peer.fd, &acted, &err), 0);
}

static void take_outcome(struct view body)
{
	struct fetch_outcome *o = &peer.outcome[peer.outcomes++];
	struct err err = {0};

	assert_true(peer.outcomes <= OUTCOMES_MAX);
	assert_int_equal(fetch_outcome_read(arena_view(arena, body), o, &err), 0);
	act(&o->which);
}

static void take_message(uint32_t type, struct view body)
{
	struct fetch_known known;
	struct fetch_due due;
	struct err err = {0};

	switch (type) {
	case FETCH_KNOWN:
		assert_int_equal(fetch_known_read(body, &known, &err), 0);
		peer.known_uid = known.uid;
		peer.knowns++;
		break;
	case FETCH_DUE:
		assert_int_equal(fetch_due_read(body, &due, &err), 0);
		peer.dues++;
		act(&due.which);
		break;
	case FETCH_START:
		peer.started = true;
		send_script();
		break;
	case FETCH_OUTCOME:
		take_outcome(body);
		break;
	case FETCH_FINISH:
		peer.finishes++;
		break;
	default:
		assert_int_equal(type, FETCH_JOB);
	}
}

/* Called by the run in each of its steps. */
static bool play(void *arg)
{
	struct pollfd p = {.fd = peer.fd, .events = POLLIN};
	CLEAN_STR body = STR_INIT;
	struct err err = {0};
	uint32_t type;

	(void)arg;
	while (!peer.ended && poll(&p, 1, 0) > 0 &&
	       ipc_receive(peer.fd, 1000, &type, &body, &err) > 0)
		take_message(type, str_view(&body));
	if (peer.started && !peer.ended &&
	    (peer.outcomes >= peer.outcomes_awaited || peer.finishes > 0)) {
		fetch_send_done(peer.fd, &(struct fetch_done){}, &err);
		peer.ended = true;
	}
	return false;
}

static int no_archiver(void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	return 0;
}

static void no_device(void *arg, struct view url, struct view code)
{
	(void)arg;
	(void)url;
	(void)code;
}

static void keep_note(void *arg, struct view text)
{
	(void)arg;
	str_addv(&peer.notes, text);
	str_addc(&peer.notes, '\n');
}

static int run(struct fixture *f)
{
	const struct fetcher_watch watch = {NULL, no_archiver, no_device, keep_note, play};
	int fds[2], rc;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	peer.fd = fds[1];
	peer.started = peer.ended = false;
	peer.outcomes = peer.dues = peer.knowns = peer.finishes = 0;
	err_clear(&f->err);
	rc = fetcher_run(f->a, &account, fds[0], &options, &watch, arena, &report, &f->err);
	close(fds[0]);
	if (!peer.dies)
		close(peer.fd);
	str_reset(&peer.script);
	return rc;
}

static void assert_runs(struct fixture *f)
{
	if (run(f) < 0)
		fail_msg("%s", f->err.text);
}

/* --- the archiver's part ---------------------------------------------------------------------- */

static struct uuid receipt(struct fixture *f, enum receipt_outcome outcome, const char *raw)
{
	struct uuid entry = uuid_new();
	struct arrival arrival = {.raw = VIEW(raw), .source = "anna", .way = WAY_FETCH};
	struct receipt r = {.outcome = outcome};

	if (outcome != RECEIPT_STUCK)
		r.mail = fixture_take(f, &arrival).id;
	assert_int_equal(receipts_put(catalog(f), &entry, &r, 1, &f->err), 0);
	return entry;
}

static struct uuid in_spool(struct fixture *f)
{
	struct envelope env = {.door = DOOR_FETCH};
	CLEAN(spool_entry) e = NULL;

	if (spool_begin(spool, 0, &e, &f->err) < 0 ||
	    spool_write(e, RAW, strlen(RAW), &f->err) < 0 || spool_commit(e, &env, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return *spool_entry_id(e);
}

/* --- what is remembered ----------------------------------------------------------------------- */

static int count_row(void *arg, const struct fetched_mail *mail, struct err *err)
{
	(void)err;
	((size_t *)arg)[mail->state]++;
	return 0;
}

static void assert_rows(struct fixture *f, size_t spooled, size_t due)
{
	size_t n[3] = {0};

	assert_int_equal(fetched_each_mail(catalog(f), account.account, count_row, n, &f->err), 0);
	assert_int_equal(n[FETCHED_SPOOLED], spooled);
	assert_int_equal(n[FETCHED_SETTLED], due);
}

static int keep_uid(void *arg, const struct fetched_folder *folder, struct err *err)
{
	(void)err;
	*(uint64_t *)arg = folder->uid;
	return 0;
}

static void assert_fetched_to(struct fixture *f, uint64_t uid)
{
	uint64_t known = 0;

	assert_int_equal(
		fetched_each_folder(catalog(f), account.account, keep_uid, &known, &f->err), 0);
	assert_int_equal(known, uid);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void a_mail_that_is_archived_and_read_back_is_acted_upon(void **state)
{
	struct fixture *f = *state;
	struct uuid entry = receipt(f, RECEIPT_ARCHIVED, RAW);

	make_account(f, "imap", "tag=Archived");
	peer.acts = true;
	peer.outcomes_awaited = 1;
	say_folder(1, 0);
	say_mail(5, &entry);
	say_folder_done(1, 0, 1, 0);
	assert_runs(f);
	assert_int_equal(peer.outcome[0].what, FETCH_ARCHIVED);
	assert_int_equal(peer.outcome[0].which.uid, 5);
	assert_true(report.sums_fit && report.counts.archived == 1 && report.n == 1);
	assert_rows(f, 0, 0);
	assert_fetched_to(f, 5);
}

static void where_all_mails_are_left_nobody_waits_for_outcomes(void **state)
{
	struct fixture *f = *state;
	struct uuid first = receipt(f, RECEIPT_ARCHIVED, RAW);
	struct uuid second = receipt(f, RECEIPT_DUPLICATE, RAW);

	make_account(f, "imap", "leave");
	say_folder(3, 1);
	say_mail(5, &first);
	say_mail(6, &second);
	say_folder_done(3, 1, 2, 0);
	assert_runs(f);
	assert_int_equal(peer.outcomes, 0);
	assert_true(report.counts.archived == 1 && report.counts.duplicate == 1);
	assert_true(report.counts.earlier == 1 && report.counts.on_server == 3);
	assert_fetched_to(f, 6);
	say_folder(3, 3);
	say_folder_done(3, 3, 0, 0);
	assert_runs(f);
	assert_int_equal(peer.known_uid, 6);
}

static void a_stuck_a_changed_and_a_dropped_mail_have_failed(void **state)
{
	struct fixture *f = *state;
	struct uuid stuck = receipt(f, RECEIPT_STUCK, "");
	struct uuid changed = receipt(f, RECEIPT_ARCHIVED, RAW "and more");
	struct uuid dropped = uuid_new();

	make_account(f, "imap", "delete");
	peer.outcomes_awaited = 3;
	say_folder(3, 0);
	say_mail(1, &stuck);
	say_mail(2, &changed);
	say_mail(3, &dropped);
	say_folder_done(3, 0, 3, 0);
	assert_runs(f);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(peer.outcome[i].what, FETCH_FAILURE);
	assert_int_equal(report.counts.failed, 3);
	assert_non_null(strstr(peer.notes.data, "INBOX, mail 1: stuck"));
	assert_non_null(strstr(peer.notes.data, "INBOX, mail 3: was dropped"));
	assert_fetched_to(f, 3);
}

static void an_action_that_was_not_done_is_due_at_the_next_run(void **state)
{
	struct fixture *f = *state;
	struct uuid entry = receipt(f, RECEIPT_ARCHIVED, RAW);

	make_account(f, "imap", "delete");
	peer.outcomes_awaited = 1;
	say_folder(1, 0);
	say_mail(5, &entry);
	say_folder_done(1, 0, 1, 0);
	assert_runs(f);
	assert_rows(f, 0, 1);
	peer.outcomes_awaited = 0;
	peer.acts = true;
	assert_runs(f);
	assert_int_equal(peer.dues, 1);
	assert_int_equal(peer.known_uid, 5);
	assert_rows(f, 0, 0);
}

static void what_was_spooled_before_the_line_broke_is_settled_by_the_next_run(void **state)
{
	struct fixture *f = *state;
	struct uuid entry = in_spool(f);
	struct receipt r = {.outcome = RECEIPT_ARCHIVED};

	make_account(f, "imap", "delete");
	peer.dies = true;
	say_folder(9, 0);
	say_mail(5, &entry);
	assert_int_equal(run(f), -1);
	assert_int_equal(f->err.kind, ERR_IO);
	assert_rows(f, 1, 0);
	assert_fetched_to(f, 0);

	r.mail = fixture_take(f, &(struct arrival){.raw = VIEW(RAW), .way = WAY_FETCH}).id;
	assert_int_equal(receipts_put(catalog(f), &entry, &r, 1, &f->err), 0);
	peer.dies = false;
	peer.acts = true;
	assert_runs(f);
	assert_int_equal(report.settled, 1);
	assert_int_equal(peer.dues, 1);
	assert_rows(f, 0, 0);
}

static void what_the_archiver_does_not_take_is_left_and_then_comes_first(void **state)
{
	struct fixture *f = *state;
	struct uuid entry = in_spool(f);

	make_account(f, "imap", "delete");
	options.wait_ms = 0;
	peer.outcomes_awaited = 1;
	say_folder(1, 0);
	say_mail(5, &entry);
	say_folder_done(1, 0, 1, 0);
	assert_runs(f);
	assert_int_equal(peer.finishes, 1);
	assert_true(report.counts.waiting == 1 && report.sums_fit);
	assert_rows(f, 1, 0);
	assert_int_equal(run(f), -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
	assert_false(peer.started);
	assert_rows(f, 1, 0);
}

static void another_uidvalidity_starts_the_folder_anew(void **state)
{
	struct fixture *f = *state;
	struct fetched_folder before = {VIEW("INBOX"), 6, 900, 0, 0, 0};
	struct uuid entry = receipt(f, RECEIPT_DUPLICATE, RAW);

	make_account(f, "imap", "leave");
	assert_int_equal(fetched_folder_put(catalog(f), account.account, &before, &f->err), 0);
	say_folder(1, 0);
	say_mail(5, &entry);
	say_folder_done(1, 0, 1, 0);
	assert_runs(f);
	assert_int_equal(report.counts.duplicate, 1);
	assert_fetched_to(f, 5);
}

static void a_folder_is_not_fetched_beyond_a_mail_that_may_come_later(void **state)
{
	struct fixture *f = *state;
	struct uuid entry = receipt(f, RECEIPT_ARCHIVED, RAW);

	make_account(f, "imap", "leave");
	say_folder(3, 0);
	say_mail(9, &entry);
	SAY(FAILED, failed, .which = WHICH(6), .kind = ERR_NOSPACE, .text = VIEW("no room"));
	SAY(FAILED, failed, .which = WHICH(4), .kind = ERR_TOOBIG, .text = VIEW("too big"));
	say_folder_done(3, 0, 1, 2);
	assert_runs(f);
	assert_true(report.counts.archived == 1 && report.counts.failed == 2 && report.sums_fit);
	assert_fetched_to(f, 5);
}

static void a_folder_that_broke_off_is_fetched_on_from_where_it_was_told_to_be(void **state)
{
	struct fixture *f = *state;
	struct uuid entry = receipt(f, RECEIPT_ARCHIVED, RAW);
	struct uuid waits = in_spool(f);

	make_account(f, "imap", "leave");
	peer.dies = true;
	say_folder(9, 0);
	say_mail(5, &entry);
	say_mail(7, &waits);
	SAY(REACHED, reached, .folder = VIEW("INBOX"), .uidvalidity = 7, .uid = 8);
	say_mail(12, &waits);
	assert_int_equal(run(f), -1);
	assert_fetched_to(f, 8);
	assert_rows(f, 3, 0);
}

static void a_sum_that_does_not_fit_is_an_alarm(void **state)
{
	struct fixture *f = *state;
	struct uuid entry = receipt(f, RECEIPT_ARCHIVED, RAW);

	make_account(f, "imap", "leave");
	say_folder(3, 0);
	say_mail(9, &entry);
	say_folder_done(3, 0, 1, 0);
	assert_runs(f);
	assert_false(report.sums_fit);
}

static void one_time_runs_know_nothing_and_keep_nothing(void **state)
{
	struct fixture *f = *state;
	struct fetched_folder before = {VIEW("INBOX"), 7, 3, 0, 0, 0};
	struct uuid entry = receipt(f, RECEIPT_ARCHIVED, RAW);

	make_account(f, "imap", "leave");
	assert_int_equal(fetched_folder_put(catalog(f), account.account, &before, &f->err), 0);
	options.once = true;
	say_folder(1, 0);
	say_mail(9, &entry);
	say_folder_done(1, 0, 1, 0);
	assert_runs(f);
	assert_int_equal(peer.knowns, 0);
	assert_int_equal(report.counts.archived, 1);
	assert_fetched_to(f, 3);
}

static void mails_of_pop3_are_known_by_their_uidl_unless_they_were_deleted(void **state)
{
	struct fixture *f = *state;
	struct uuid kept = receipt(f, RECEIPT_DUPLICATE, RAW);
	struct uuid deleted = receipt(f, RECEIPT_ARCHIVED, RAW);

	make_account(f, "pop3", "delete");
	peer.acts = true;
	peer.outcomes_awaited = 2;
	SAY(FOLDER, folder, .folder = VIEW("INBOX"), .use = VIEW(""), .selected = true,
	    .on_server = 2);
	SAY(MAIL, mail, .which = {VIEW("INBOX"), 0, 0, VIEW("a-1")},
	    .entry = {(const char *)kept.b, UUID_BYTES}, .size_bytes = strlen(RAW));
	SAY(MAIL, mail, .which = {VIEW("INBOX"), 0, 0, VIEW("a-2")},
	    .entry = {(const char *)deleted.b, UUID_BYTES}, .size_bytes = strlen(RAW));
	SAY(FOLDER_DONE, folder_done, .folder = VIEW("INBOX"), .on_server = 2, .mails = 2);
	assert_runs(f);
	assert_int_equal(peer.outcome[1].what, FETCH_ARCHIVED);
	assert_rows(f, 0, 0);
	peer.outcomes_awaited = 0;
	assert_runs(f);
	assert_int_equal(peer.knowns, 1);
}

static void set_up_for(struct fixture *f, enum account_setting setting, const char *value)
{
	struct account_change c = {.parent = NULL};

	c.value[setting] = VIEW(value);
	if (accounts_change(catalog(f), VIEW("anna"), &c, job_check, &f->err) < 0 ||
	    accounts_get(catalog(f), arena, VIEW("anna"), &account, &f->err) != 1)
		fail_msg("%s", f->err.text);
}

static void what_is_known_of_one_mailbox_is_never_applied_to_another(void **state)
{
	static const struct {
		enum account_setting setting;
		const char *value;
	} others[] = {{ACCOUNT_HOST, "other.example"}, {ACCOUNT_USER, "otto"}, {ACCOUNT_PORT, "4"}};
	struct fixture *f = *state;
	struct uuid entry = receipt(f, RECEIPT_ARCHIVED, RAW);

	make_account(f, "imap", "delete");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		peer.acts = false;
		peer.outcomes_awaited = 1;
		say_folder(1, 0);
		say_mail(5, &entry);
		say_folder_done(1, 0, 1, 0);
		assert_runs(f);
		assert_rows(f, 0, 1);

		set_up_for(f, others[i].setting, others[i].value);
		peer.outcomes_awaited = 0;
		assert_runs(f); /* it is not let in */
		assert_true(peer.dues == 0 && peer.knowns == 0);
		assert_rows(f, 0, 1);
		say_folder(0, 0);
		say_folder_done(0, 0, 0, 0);
		assert_runs(f);
		assert_true(peer.dues == 0 && peer.knowns == 0 && report.sums_fit);
		assert_rows(f, 0, 0);
		assert_non_null(strstr(peer.notes.data, "another mailbox"));
		str_reset(&peer.notes);
	}
	set_up_for(f, ACCOUNT_ARCHIVED, "leave");
	say_folder(1, 0);
	say_mail(5, &entry);
	say_folder_done(1, 0, 1, 0);
	assert_runs(f);
	assert_runs(f);
	assert_true(peer.knowns == 1 && peer.notes.len == 0);
}

static void more_mails_from_earlier_than_were_ever_settled_are_an_alarm(void **state)
{
	struct fixture *f = *state;
	struct uuid entry = receipt(f, RECEIPT_ARCHIVED, RAW);

	make_account(f, "imap", "leave");
	say_folder(1, 0);
	say_mail(5, &entry);
	say_folder_done(1, 0, 1, 0);
	assert_runs(f);
	say_folder(1, 1);
	say_folder_done(1, 1, 0, 0);
	assert_runs(f);
	assert_true(report.sums_fit);
	say_folder(2, 2);
	say_folder_done(2, 2, 0, 0);
	assert_runs(f);
	assert_false(report.sums_fit);
}

static void a_folder_that_does_not_open_is_told_and_what_is_known_of_it_stays(void **state)
{
	struct fixture *f = *state;
	struct uuid entry = receipt(f, RECEIPT_ARCHIVED, RAW);

	make_account(f, "imap", "leave");
	say_folder(1, 0);
	say_mail(5, &entry);
	say_folder_done(1, 0, 1, 0);
	assert_runs(f);
	SAY(FOLDER, folder, .folder = VIEW("INBOX"), .use = VIEW(""), .selected = true);
	assert_runs(f);
	assert_true(report.sums_fit && report.left_out == 1 && report.v[0].left_out);
	assert_fetched_to(f, 5);
}

static void a_receipt_that_a_mail_waits_for_outlives_its_time(void **state)
{
	struct fixture *f = *state;
	struct uuid entry = in_spool(f);
	struct receipt r = {.outcome = RECEIPT_ARCHIVED};
	struct arrival arrival = {.raw = VIEW(RAW), .source = "anna", .way = WAY_FETCH};

	make_account(f, "imap", "tag=Archived");
	options.wait_ms = 1;
	peer.acts = true;
	peer.outcomes_awaited = 1;
	say_folder(1, 0);
	say_mail(5, &entry);
	say_folder_done(1, 0, 1, 0);
	assert_runs(f);
	assert_rows(f, 1, 0);

	r.mail = fixture_take(f, &arrival).id;
	assert_int_equal(receipts_put(catalog(f), &entry, &r, 1, &f->err), 0);
	assert_int_equal(spool_done(spool, &entry, &f->err), 0);
	assert_int_equal(receipts_expire(catalog(f), 1000, &f->err), 0);
	peer.outcomes_awaited = 0;
	assert_runs(f);
	assert_true(report.settled == 1 && peer.dues == 1 && peer.notes.len == 0);
	assert_int_equal(receipts_expire(catalog(f), 1000, &f->err), 0);
	assert_int_equal(receipts_get(catalog(f), &entry, &r, &f->err), 0);
}

static void messages_out_of_turn_end_the_run(void **state)
{
	struct fixture *f = *state;
	struct uuid entry = uuid_new();

	make_account(f, "imap", "leave");
	say_mail(5, &entry);
	assert_int_equal(run(f), -1);
	assert_int_equal(f->err.kind, ERR_DAMAGED);
	say_folder_done(0, 0, 0, 0);
	assert_int_equal(run(f), -1);
	assert_int_equal(f->err.kind, ERR_DAMAGED);
	SAY(FINISH, finish, );
	assert_int_equal(run(f), -1);
	assert_int_equal(f->err.kind, ERR_DAMAGED);
	SAY(ERROR, error, .kind = ERR_OFFLINE, .text = VIEW("connect: refused"));
	assert_int_equal(run(f), -1);
	assert_int_equal(f->err.kind, ERR_OFFLINE);
	assert_rows(f, 0, 0);
}

static void a_new_refresh_token_is_kept_whatever_comes_then(void **state)
{
	struct fixture *f = *state;
	CLEAN(secret) token = NULL;

	make_account(f, "imap", "leave");
	SAY(TOKEN, token, .refresh_token = VIEW("token-2"));
	SAY(ERROR, error, .kind = ERR_OFFLINE, .text = VIEW("connect: refused"));
	assert_int_equal(run(f), -1);
	assert_int_equal(accounts_secret(catalog(f), account.account, ACCOUNT_REFRESH_TOKEN, &token,
					 &f->err),
			 1);
	assert_memory_equal(secret_data(token), "token-2", 7);
}

static void an_account_is_fetched_by_one_run_at_a_time(void **state)
{
	struct fixture *f = *state;
	char name[64];
	int lock;

	make_account(f, "imap", "leave");
	snprintf(name, sizeof(name), "archive/account-%d.lock", (int)account.account);
	assert_int_equal(file_lock(fixture_path(f, name), &lock, &f->err), 1);
	assert_int_equal(run(f), -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
	assert_false(peer.started);
	close(lock);
	assert_runs(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_mail_that_is_archived_and_read_back_is_acted_upon),
		T(where_all_mails_are_left_nobody_waits_for_outcomes),
		T(a_stuck_a_changed_and_a_dropped_mail_have_failed),
		T(an_action_that_was_not_done_is_due_at_the_next_run),
		T(what_was_spooled_before_the_line_broke_is_settled_by_the_next_run),
		T(what_the_archiver_does_not_take_is_left_and_then_comes_first),
		T(another_uidvalidity_starts_the_folder_anew),
		T(a_folder_is_not_fetched_beyond_a_mail_that_may_come_later),
		T(a_folder_that_broke_off_is_fetched_on_from_where_it_was_told_to_be),
		T(a_sum_that_does_not_fit_is_an_alarm),
		T(one_time_runs_know_nothing_and_keep_nothing),
		T(mails_of_pop3_are_known_by_their_uidl_unless_they_were_deleted),
		T(what_is_known_of_one_mailbox_is_never_applied_to_another),
		T(more_mails_from_earlier_than_were_ever_settled_are_an_alarm),
		T(a_folder_that_does_not_open_is_told_and_what_is_known_of_it_stays),
		T(a_receipt_that_a_mail_waits_for_outlives_its_time),
		T(messages_out_of_turn_end_the_run),
		T(an_account_is_fetched_by_one_run_at_a_time),
		T(a_new_refresh_token_is_kept_whatever_comes_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

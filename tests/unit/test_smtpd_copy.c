/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the LMTP protocol makes of Postfix' copies, without a network: recipients, header, and what becomes of the
 * capture. */
#include "app/intake/smtpd/copy.h"

#include "app/archive/archive.h"
#include "tests/unit/fixture.h"

#define CONF                                                                                       \
	"listen = lmtp unix:/nowhere\narchive_domain = archive.example\nhostname = mx.example\n"   \
	"journal = yes\nreserve_bytes = 0\n"

#define CAPTURED "Received: from far by away id 1\r\nSubject: hello\r\n\r\nbody\r\n"
#define OUR_RECEIVED                                                                               \
	"Received: from client (client [192.0.2.1])\r\n\tby mx.example (Postfix) with ESMTP id "   \
	"4Capture\r\n\tfor <a@b>; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
#define COPY "Return-Path: <s@x>\r\n" OUR_RECEIVED CAPTURED

struct rig {
	struct smtpd smtpd;
	struct transaction t;
	struct x25519 *key;
	struct arena *arena;
};

static struct rig rig;

static int setup(void **state)
{
	struct fixture *f;
	const char *conf;

	if (fixture_setup(state) < 0)
		return -1;
	f = *state;
	conf = fixture_path(f, "smtpd.conf");
	fixture_write(conf, VIEW(CONF));
	rig = (struct rig){.key = archive_spool_key(f->a), .arena = arena_new()};
	if (smtpd_settings_read(conf, &rig.smtpd.settings, &f->err) < 0 ||
	    spool_open(f->archive, &rig.smtpd.spool, &f->err) < 0 ||
	    token_key_open(f->archive, &rig.smtpd.token_key, &f->err) < 0)
		fail_msg("%s", f->err.text);
	spool_set_reserve(rig.smtpd.spool, 0);
	transaction_init(&rig.t, &rig.smtpd, PROTOCOL_LMTP);
	return 0;
}

static int teardown(void **state)
{
	transaction_clear(&rig.t);
	token_key_free(&rig.smtpd.token_key);
	spool_free(&rig.smtpd.spool);
	smtpd_settings_free(&rig.smtpd.settings);
	x25519_free(&rig.key);
	arena_free(&rig.arena);
	return fixture_teardown(state);
}

/* As the milter does. */
static struct uuid capture_before(struct fixture *f, const char *queue_id, enum spool_stage stage)
{
	CLEAN(spool_entry) e = NULL;
	struct view recipients[] = {VIEW("list@b"), VIEW("report@archive.example")};
	struct envelope env = {.door = DOOR_MILTER,
			       .seen_ms = 1700000000123,
			       .recipients = {recipients, 2, 2},
			       .client_addr = VIEW("192.0.2.1"),
			       .queue_id = VIEW(queue_id)};

	if (spool_begin(rig.smtpd.spool, 0, &e, &f->err) < 0 ||
	    spool_write(e, CAPTURED, strlen(CAPTURED), &f->err) < 0 ||
	    spool_hold(e, &env, &f->err) < 0 ||
	    spool_note_queue(rig.smtpd.spool, VIEW(queue_id), spool_entry_id(e), stage, &f->err) <
		    0)
		fail_msg("%s", f->err.text);
	return *spool_entry_id(e);
}

static struct uuid capture(struct fixture *f, const char *queue_id)
{
	return capture_before(f, queue_id, SPOOL_DELIVERED_NEXT);
}

static const char *token_of(const struct uuid *id)
{
	CLEAN_STR text = STR_INIT;

	token_write(&text, rig.smtpd.token_key, id);
	return arena_str(rig.arena, text.data);
}

static void recipient(struct fixture *f, const char *address)
{
	struct view rest = VIEW(arena_f(rig.arena, "<%s>", address));
	struct path path;

	if (path_read(&rest, true, &path, &f->err) < 0 ||
	    transaction_recipient(&rig.t, &path, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void begin(struct fixture *f)
{
	const struct envelope facts = {.reverse_path = VIEW("s@x")};

	transaction_reset(&rig.t);
	if (transaction_begin(&rig.t, &facts, 0, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

/* The bytes in pieces, so that nothing depends on how they come. */
static void deliver(struct fixture *f, const char *mail)
{
	struct view rest = VIEW(mail), piece;

	while (rest.len > 0) {
		must(view_bytes(&rest, rest.len < 7 ? rest.len : 7, &piece) == 0);
		transaction_take(&rig.t, piece);
	}
	if (transaction_commit(&rig.t, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static size_t count(struct fixture *f, enum spool_state state, struct uuid *last_r)
{
	struct uuid *ids;
	size_t n;

	if (spool_list(rig.smtpd.spool, state, 0, rig.arena, &ids, &n, &f->err) < 0)
		fail_msg("%s", f->err.text);
	if (n > 0)
		*last_r = ids[n - 1];
	return n;
}

/* The youngest ready entry of N. */
static struct envelope ready(struct fixture *f, size_t n, const char *raw)
{
	CLEAN_STR bytes = STR_INIT;
	struct envelope env;
	struct uuid id;

	assert_int_equal(count(f, SPOOL_READY, &id), n);
	if (spool_read(rig.smtpd.spool, SPOOL_READY, &id, rig.key, 1 << 20, &bytes, rig.arena, &env,
		       &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_true(view_eq(str_view(&bytes), VIEW(raw)));
	return env;
}

static void assert_list(const struct views *list, size_t n, const char *const *want)
{
	assert_int_equal(list->n, n);
	for (size_t i = 0; i < n; i++)
		assert_true(view_eq(list->v[i], VIEW(want[i])));
}

static void assert_capture(const struct envelope *env, const struct uuid *id)
{
	assert_true(uuid_eq(&env->capture, id));
}

static void a_token_makes_the_capture_ready_with_those_it_was_delivered_to(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture"), none;
	struct envelope env;

	begin(f);
	recipient(f, arena_f(rig.arena, "%s@copy.invalid", token_of(&id)));
	recipient(f, "anna=b.example@Copy.Invalid");
	recipient(f, "ben=x=b.example@copy.invalid");
	recipient(f, "\"\\\"c d\\\"=b.example\"@copy.invalid");
	recipient(f, "m\xc3\xbcller=b\xc3\xbc.example@copy.invalid");
	deliver(f, COPY);
	env = ready(f, 1, CAPTURED);
	assert_list(&env.recipients, 4,
		    (const char *[]){"anna@b.example", "ben=x@b.example", "\"c d\"@b.example",
				     "m\xc3\xbcller@b\xc3\xbc.example"});
	assert_int_equal(env.door, DOOR_MILTER);
	assert_int_equal(env.seen_ms, 1700000000123);
	assert_true(view_eq(env.queue_id, VIEW("4Capture")));
	assert_true(view_eq(env.client_addr, VIEW("192.0.2.1")));
	assert_true(view_eq(env.trace, VIEW("Return-Path: <s@x>\r\n" OUR_RECEIVED)));
	assert_false(env.is_copy || env.unwrap);
	assert_int_equal(count(f, SPOOL_PENDING, &none), 0);
}

static void a_token_is_read_in_upper_case_too(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture");
	char *text = arena_f(rig.arena, "%s@COPY.INVALID", token_of(&id));

	for (char *p = text; *p != '\0'; p++)
		*p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
	begin(f);
	recipient(f, text);
	deliver(f, COPY);
	ready(f, 1, CAPTURED);
}

static void mail_for_the_archive_alone_keeps_the_recipients_of_its_capture(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture");
	struct envelope env;

	begin(f);
	recipient(f, arena_f(rig.arena, "%s@copy.invalid", token_of(&id)));
	recipient(f, "report@archive.example");
	deliver(f, COPY);
	env = ready(f, 1, CAPTURED);
	assert_list(&env.recipients, 2, (const char *[]){"list@b", "report@archive.example"});
	assert_list(&env.hidden, 1, (const char *[]){"report@archive.example"});
	assert_true(env.unwrap);
}

static void mail_for_the_archive_without_a_capture_is_a_mail_like_any_other(void **state)
{
	struct fixture *f = *state;
	struct envelope env;

	begin(f);
	recipient(f, "report@Archive.Example");
	deliver(f, COPY);
	env = ready(f, 1, COPY);
	assert_int_equal(env.recipients.n, 0);
	assert_int_equal(env.hidden.n, 1);
	assert_true(env.unwrap && !env.is_copy && env.door == DOOR_LMTP);
	assert_true(view_eq(env.reverse_path, VIEW("s@x")));
}

static void a_second_delivery_keeps_the_copy_for_the_archiver_to_merge(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture");
	struct envelope env;

	for (int i = 0; i < 2; i++) {
		begin(f);
		recipient(f, arena_f(rig.arena, "%s@copy.invalid", token_of(&id)));
		recipient(f, arena_f(rig.arena, "user%d=b@copy.invalid", i));
		deliver(f, COPY);
	}
	env = ready(f, 2, COPY);
	assert_list(&env.recipients, 1, (const char *[]){"user1@b"});
	assert_true(env.is_copy && env.door == DOOR_LMTP);
	assert_capture(&env, &id);
}

static void transactions_of_one_mail_are_joined_by_its_queue_id(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture");
	struct envelope env;

	begin(f);
	recipient(f, arena_f(rig.arena, "%s@copy.invalid", token_of(&id)));
	recipient(f, "anna=b@copy.invalid");
	deliver(f, COPY);
	begin(f);
	rig.t.ident = VIEW("4Capture");
	recipient(f, "ben=b@copy.invalid");
	deliver(f, COPY);
	env = ready(f, 2, COPY);
	assert_list(&env.recipients, 1, (const char *[]){"ben@b"});
	assert_true(env.is_copy);
	assert_capture(&env, &id);
	assert_true(view_eq(env.trace, VIEW("Return-Path: <s@x>\r\n" OUR_RECEIVED)));
}

static void mail_for_users_and_the_archive_tells_both(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture");
	struct envelope env;

	begin(f);
	recipient(f, "any.thing@archive.example");
	recipient(f, "anna=b@copy.invalid");
	recipient(f, arena_f(rig.arena, "%s@copy.invalid", token_of(&id)));
	deliver(f, COPY);
	env = ready(f, 1, CAPTURED);
	assert_list(&env.recipients, 1, (const char *[]){"anna@b"});
	assert_list(&env.hidden, 1, (const char *[]){"any.thing@archive.example"});
	assert_true(env.unwrap);
}

static void two_captures_of_one_mail_are_both_made_ready(void **state)
{
	struct fixture *f = *state;
	struct uuid ids[] = {capture(f, "4First"), capture(f, "4Second")}, none;

	begin(f);
	for (size_t i = 0; i < 2; i++)
		recipient(f, arena_f(rig.arena, "%s@copy.invalid", token_of(&ids[i])));
	deliver(f, COPY);
	ready(f, 2, CAPTURED);
	assert_int_equal(count(f, SPOOL_PENDING, &none), 0);
}

static void a_token_that_comes_twice_is_one_capture(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture");

	begin(f);
	for (size_t i = 0; i < 2; i++)
		recipient(f, arena_f(rig.arena, "%s@copy.invalid", token_of(&id)));
	deliver(f, COPY);
	ready(f, 1, CAPTURED);
}

static void a_capture_that_is_gone_leaves_the_copy(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture");
	struct envelope env;

	if (spool_drop(rig.smtpd.spool, SPOOL_PENDING, &id, &f->err) < 0)
		fail_msg("%s", f->err.text);
	begin(f);
	recipient(f, arena_f(rig.arena, "%s@copy.invalid", token_of(&id)));
	recipient(f, "anna=b@copy.invalid");
	deliver(f, COPY);
	env = ready(f, 1, COPY);
	assert_true(env.is_copy);
	assert_capture(&env, &id);
}

static void a_copy_without_any_trace_of_a_capture_is_kept(void **state)
{
	static const struct uuid none;
	struct fixture *f = *state;
	struct envelope env;

	begin(f);
	rig.t.ident = VIEW("4Unknown");
	recipient(f, "anna=b@copy.invalid");
	deliver(f, CAPTURED);
	env = ready(f, 1, CAPTURED);
	assert_true(env.is_copy);
	assert_capture(&env, &none);
	assert_true(view_eq(env.queue_id, VIEW("4Unknown")));
}

static void a_forged_token_names_nothing(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Other"), none;
	char *forged = arena_f(rig.arena, "%s@copy.invalid", token_of(&id));
	struct envelope env;

	forged[TOKEN_TEXT - 1] = forged[TOKEN_TEXT - 1] == '0' ? '1' : '0';
	begin(f);
	recipient(f, forged);
	recipient(f, "anna=b@copy.invalid");
	deliver(f, CAPTURED);
	env = ready(f, 1, CAPTURED);
	assert_list(&env.recipients, 1, (const char *[]){"anna@b"});
	/* whoever wrote the mail may have written a journal report, too: it did not come to the archive's domain */
	assert_true(env.is_copy && !env.unwrap);
	assert_int_equal(count(f, SPOOL_PENDING, &none), 1);
}

static void a_token_in_the_header_is_found_in_any_dress(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture"), other = capture(f, "4Other"), left;

	begin(f);
	recipient(f, "anna=b@copy.invalid");
	deliver(f,
		arena_f(rig.arena,
			"Subject: x\r\nX-Sealpost-Capture: forged\r\nx-sealpost-CAPTURE:\r\n %s\r\n"
			"X-Sealpost-Capture: %s\r\n\r\nX-Sealpost-Capture: nothing\r\n",
			token_of(&id), token_of(&other)));
	ready(f, 1, CAPTURED);
	assert_int_equal(count(f, SPOOL_PENDING, &left), 1);
	assert_true(uuid_eq(&left, &other));
}

static void a_token_in_the_body_is_none(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture"), none;

	begin(f);
	recipient(f, "anna=b@copy.invalid");
	deliver(f,
		arena_f(rig.arena, "Subject: x\r\n\r\nX-Sealpost-Capture: %s\r\n", token_of(&id)));
	assert_int_equal(count(f, SPOOL_PENDING, &none), 1);
}

static void the_queue_id_that_xforward_tells_finds_the_capture(void **state)
{
	struct fixture *f = *state;

	capture(f, "4Capture");
	begin(f);
	rig.t.ident = VIEW("4Capture");
	recipient(f, "anna=b@copy.invalid");
	deliver(f, CAPTURED);
	ready(f, 1, CAPTURED);
}

static void the_queue_id_of_our_own_received_line_finds_the_capture(void **state)
{
	struct fixture *f = *state;
	struct envelope env;

	capture_before(f, "4Capture", SPOOL_FILTERED_NEXT);
	begin(f);
	rig.t.ident = VIEW("4Second");
	recipient(f, "anna=b@copy.invalid");
	deliver(f, "Received: from localhost by mx.example (Postfix) with ESMTP id 4Second\r\n"
		   "X-Virus-Scanned: yes\r\n"
		   "Received: from mx.example by localhost (amavisd-new) with LMTP id 17\r\n" COPY);
	env = ready(f, 1, CAPTURED);
	assert_true(view_eq(
		env.trace,
		VIEW("Received: from localhost by mx.example (Postfix) with ESMTP id 4Second\r\n"
		     "Received: from mx.example by localhost (amavisd-new) with LMTP id 17\r\n"
		     "Return-Path: <s@x>\r\n" OUR_RECEIVED)));
}

/* What the sender wrote himself lies below our own lines: one, and where a filter stands behind the queue a
 * second one. A mail that was never captured must not complete, and vanish into, the capture of another. */
static void a_forged_received_line_below_our_own_finds_nothing(void **state)
{
	static const char *const ours[] = {
		"Received: from x by mx.example (Postfix) with ESMTP id 4Own\r\n",
		"Received: from x by mx.example (Postfix) with ESMTP id 4Own\r\n"
		"Received: from x by mx.example (Postfix) with ESMTP id 4Before\r\n",
	};
	struct fixture *f = *state;
	struct uuid none;

	capture_before(f, "4Capture", SPOOL_FILTERED_NEXT);
	capture(f, "4Direct");
	for (size_t i = 0; i < 2; i++) {
		begin(f);
		recipient(f, "anna=b@copy.invalid");
		deliver(f, arena_f(rig.arena, "%sReceived: by mx.example (Postfix) id %s\r\n\r\n",
				   ours[i], i == 0 ? "4Direct" : "4Capture"));
		assert_int_equal(count(f, SPOOL_READY, &none), i + 1);
		assert_int_equal(count(f, SPOOL_PENDING, &none), 2);
	}
}

static void a_received_line_of_another_server_finds_nothing(void **state)
{
	struct fixture *f = *state;
	struct uuid none;

	capture(f, "4Capture");
	begin(f);
	recipient(f, "anna=b@copy.invalid");
	deliver(f, "Received: from x by mx.example.evil (Postfix) with ESMTP id 4Capture\r\n\r\n");
	assert_int_equal(count(f, SPOOL_PENDING, &none), 1);
}

static void without_our_own_line_the_trace_is_what_the_copy_begins_with(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture");
	struct envelope env;

	begin(f);
	recipient(f, arena_f(rig.arena, "%s@copy.invalid", token_of(&id)));
	deliver(f, "Return-Path: <s@x>\r\nReceived: one\r\n\ttwo\r\nSubject: x\r\n"
		   "Received: three\r\n\r\n");
	env = ready(f, 1, CAPTURED);
	assert_true(view_eq(env.trace, VIEW("Return-Path: <s@x>\r\nReceived: one\r\n\ttwo\r\n")));
}

static void marks_of_spam_are_told_unfolded(void **state)
{
	struct fixture *f = *state;
	struct uuid id = capture(f, "4Capture");
	struct envelope env;

	begin(f);
	recipient(f, arena_f(rig.arena, "%s@copy.invalid", token_of(&id)));
	deliver(f, "x-spam-flag:\r\n yes\r\nX-Spam-Flag: NO\r\nX-Spam: Yes\r\nX-Spam-Level: ***\r\n"
		   "X-Rspamd-Action: add header\r\n\r\nX-Spam-Flag: YES\r\n");
	env = ready(f, 1, CAPTURED);
	assert_list(
		&env.marks, 3,
		(const char *[]){"x-spam-flag: yes", "X-Spam: Yes", "X-Rspamd-Action: add header"});
}

static void a_recipient_that_is_no_address_in_disguise_is_the_archive_s_own(void **state)
{
	static const char *const odd[] = {"nobody@copy.invalid", "=b@copy.invalid",
					  "a=@copy.invalid", "\"\"@copy.invalid"};
	struct fixture *f = *state;
	struct envelope env;

	begin(f);
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		recipient(f, odd[i]);
	recipient(f, "plain@other.example");
	deliver(f, CAPTURED);
	env = ready(f, 1, CAPTURED);
	assert_list(&env.hidden, 4, odd);
	assert_list(&env.recipients, 1, (const char *[]){"plain@other.example"});
}

static void a_header_that_never_ends_is_looked_at_up_to_its_limit(void **state)
{
	struct fixture *f = *state;
	struct uuid id;

	begin(f);
	recipient(f, "anna=b@copy.invalid");
	for (int i = 0; i < 40000; i++)
		transaction_take(&rig.t, VIEW("Received: by mx.example (Postfix) id 4Nothing\r\n"));
	if (transaction_commit(&rig.t, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(rig.t.head.text.len, HEAD_MAX_BYTES);
	assert_int_equal(count(f, SPOOL_READY, &id), 1);
}

/* What the doors accept, the archiver must be able to read (16 MiB of envelope, see spool.c). */
static void as_many_recipients_as_are_taken_can_be_read(void **state)
{
	const struct path path = {.text = VIEW("a"), .local = VIEW("a"), .domain = VIEW("")};
	struct fixture *f = *state;
	struct envelope env;
	size_t n = 0;

	begin(f);
	while (transaction_recipient(&rig.t, &path, &f->err) == 0)
		n++;
	assert_int_equal(f->err.kind, ERR_BUSY);
	err_clear(&f->err);
	deliver(f, CAPTURED);
	env = ready(f, 1, CAPTURED);
	assert_int_equal(env.recipients.n, n);
}

static void what_is_given_up_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct uuid none;

	begin(f);
	recipient(f, "anna=b@copy.invalid");
	transaction_take(&rig.t, VIEW(COPY));
	transaction_reset(&rig.t);
	assert_int_equal(count(f, SPOOL_READY, &none) + count(f, SPOOL_PENDING, &none), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_makes_the_capture_ready_with_those_it_was_delivered_to),
		TEST(a_token_is_read_in_upper_case_too),
		TEST(mail_for_the_archive_alone_keeps_the_recipients_of_its_capture),
		TEST(mail_for_the_archive_without_a_capture_is_a_mail_like_any_other),
		TEST(a_second_delivery_keeps_the_copy_for_the_archiver_to_merge),
		TEST(transactions_of_one_mail_are_joined_by_its_queue_id),
		TEST(mail_for_users_and_the_archive_tells_both),
		TEST(two_captures_of_one_mail_are_both_made_ready),
		TEST(a_token_that_comes_twice_is_one_capture),
		TEST(a_capture_that_is_gone_leaves_the_copy),
		TEST(a_copy_without_any_trace_of_a_capture_is_kept),
		TEST(a_forged_token_names_nothing),
		TEST(a_token_in_the_header_is_found_in_any_dress),
		TEST(a_token_in_the_body_is_none),
		TEST(the_queue_id_that_xforward_tells_finds_the_capture),
		TEST(the_queue_id_of_our_own_received_line_finds_the_capture),
		TEST(a_forged_received_line_below_our_own_finds_nothing),
		TEST(a_received_line_of_another_server_finds_nothing),
		TEST(without_our_own_line_the_trace_is_what_the_copy_begins_with),
		TEST(marks_of_spam_are_told_unfolded),
		TEST(a_recipient_that_is_no_address_in_disguise_is_the_archive_s_own),
		TEST(a_header_that_never_ends_is_looked_at_up_to_its_limit),
		TEST(as_many_recipients_as_are_taken_can_be_read),
		TEST(what_is_given_up_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

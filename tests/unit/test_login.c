/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/access/authenticate.h"
#include "app/access/password.h"
#include "app/access/policy.h"
#include "app/access/throttle.h"
#include "app/access/totp.h"
#include "base/clock.h"

#include <liboath/oath.h>
#include <poll.h>

static const int64_t NOW = 1700000000;
#define GOOD "correct horse battery"

static void set_password(struct fixture *f, uint64_t person, const char *text)
{
	CLEAN(secret) password = secret_copy(text, strlen(text));
	CLEAN_STR hash = STR_INIT;

	assert_int_equal(password_hash(password, &hash, &f->err), 0);
	assert_int_equal(
		people_set_password(archive_catalog(f->a), person, str_view(&hash), &f->err), 0);
}

static uint64_t make(struct fixture *f, const char *name, enum person_role role)
{
	struct person person = {.source = PERSON_OWN,
				.uid = VIEW(name),
				.name = VIEW(name),
				.shown = VIEW(name),
				.role = role,
				.active = true};

	assert_int_equal(people_add(archive_catalog(f->a), &person, &person.person, &f->err), 0);
	set_password(f, person.person, GOOD);
	return person.person;
}

static void step(struct login *login, struct fixture *f)
{
	int rc;

	while ((rc = login_step(login, &f->err)) == 0) {
		struct pollfd p = {.fd = login_fd(login), .events = POLLIN};

		assert_true(poll(&p, 1, 10000) >= 0);
	}
	assert_int_equal(rc, 1);
}

struct tried {
	int rc;
	int64_t wait_s, took_ms;
	struct login_result result;
};

static struct tried log_in(struct fixture *f, struct arena *arena, const char *name,
			   const char *password, const char *code, int64_t now_s)
{
	CLEAN(secret) secret = password[0] ? secret_copy(password, strlen(password)) : NULL;
	const struct login_question question = {.name = VIEW(name),
						.password = secret,
						.code = VIEW(code),
						.client = VIEW("192.0.2.1"),
						.agent = VIEW("Browser")};
	CLEAN(login) login = NULL;
	struct tried t = {0};
	const int64_t begun = clock_monotonic_ms();

	assert_int_equal(login_begin(archive_catalog(f->a), &question, now_s, &login, &f->err), 0);
	step(login, f);
	t.rc = login_end(login, arena, &t.result, &f->err);
	t.wait_s = login_wait_s(login);
	t.took_ms = clock_monotonic_ms() - begun;
	return t;
}

static void the_right_password_opens_a_session_that_is_found_again(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	const uint64_t anna = make(f, "anna", PERSON_ROLE_USER);
	struct tried t = log_in(f, arena, " Anna ", GOOD, "", NOW);
	struct session session;

	assert_int_equal(t.rc, 0);
	assert_int_equal(session_find(archive_catalog(f->a), arena, t.result.cookie, NOW + 5,
				      &session, &f->err),
			 1);
	assert_int_equal(session.person.person, anna);
	assert_int_equal(session.rights, rights_of_role(PERSON_ROLE_USER));
	assert_false(session.second);
}

static void every_failure_has_one_text_and_costs_one_hash(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	const uint64_t off = make(f, "otto", PERSON_ROLE_USER);
	struct person row;
	static const char *const names[] = {"anna",    "nobody", "otto",
					    "scanner", "admin",  "revisor"};
	char text[sizeof(f->err.text)] = "";

	make(f, "anna", PERSON_ROLE_USER);
	make(f, "scanner", PERSON_ROLE_UPLOADER);
	assert_int_equal(people_get(archive_catalog(f->a), arena, off, &row, &f->err), 1);
	row.active = false;
	assert_int_equal(people_change(archive_catalog(f->a), &row, &f->err), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const unsigned before = password_work();
		/* the uploader has given his right password, the one who is disabled, too */
		const bool right = i == 2 || i == 3;
		struct tried t = log_in(f, arena, names[i], right ? GOOD : "wrong", "", NOW);

		assert_int_equal(t.rc, -1);
		assert_int_equal(f->err.kind, i == 4 ? f->err.kind : ERR_LOGIN);
		assert_int_equal(password_work() - before, 1);
		assert_true(t.took_ms >= 1000);
		if (i > 0 && i != 4)
			assert_string_equal(f->err.text, text);
		if (i != 4)
			snprintf(text, sizeof(text), "%s", f->err.text);
	}
}

static void an_empty_password_is_never_right(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();

	make(f, "anna", PERSON_ROLE_USER);
	assert_int_equal(log_in(f, arena, "anna", "", "", NOW).rc, -1);
	assert_int_equal(f->err.kind, ERR_LOGIN);
}

static void failures_make_wait_longer_and_longer_and_the_right_password_has_to_wait_too(
	void **state)
{
	struct fixture *f = *state;
	struct catalog *catalog = archive_catalog(f->a);
	CLEAN(arena) arena = arena_new();
	int64_t wait, now = NOW, last = 0;

	make(f, "anna", PERSON_ROLE_USER);
	for (int i = 0; i < 4; i++)
		assert_int_equal(throttle_failed(catalog, VIEW("anna"), VIEW(""), now, &f->err), 0);
	assert_int_equal(throttle_ask(catalog, VIEW("ANNA"), VIEW(""), now, &wait, &f->err), 1);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(throttle_failed(catalog, VIEW("anna"), VIEW(""), now, &f->err), 0);
		assert_int_equal(throttle_ask(catalog, VIEW("anna"), VIEW(""), now, &wait, &f->err),
				 0);
		assert_true(wait == 2 * last || (last == 0 && wait == 1) || wait == 15 * 60);
		last = wait;
	}
	assert_int_equal(log_in(f, arena, "anna", GOOD, "", now).rc, -1);
	assert_int_equal(f->err.kind, ERR_THROTTLED);
	assert_int_equal(log_in(f, arena, "anna", GOOD, "", now + 15 * 60).rc, 0);
	assert_int_equal(throttle_ask(catalog, VIEW("anna"), VIEW(""), now, &wait, &f->err), 1);
}

static void an_address_that_tries_many_names_has_to_wait(void **state)
{
	struct fixture *f = *state;
	struct catalog *catalog = archive_catalog(f->a);
	int64_t wait;

	for (int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "name%d", i);
		assert_int_equal(
			throttle_failed(catalog, VIEW(name), VIEW("192.0.2.9"), NOW, &f->err), 0);
	}
	assert_int_equal(
		throttle_ask(catalog, VIEW("other"), VIEW("192.0.2.9"), NOW, &wait, &f->err), 0);
	assert_int_equal(
		throttle_ask(catalog, VIEW("other"), VIEW("192.0.2.8"), NOW, &wait, &f->err), 1);
	/* a clock that was put back locks nobody out */
	assert_int_equal(throttle_ask(catalog, VIEW("other"), VIEW("192.0.2.9"), NOW - 100000,
				      &wait, &f->err),
			 1);
}

static void a_session_ends_by_idleness_by_age_and_with_its_person(void **state)
{
	struct fixture *f = *state;
	struct catalog *catalog = archive_catalog(f->a);
	CLEAN(arena) arena = arena_new();
	const uint64_t anna = make(f, "anna", PERSON_ROLE_USER);
	struct session session;
	struct view cookie = log_in(f, arena, "anna", GOOD, "", NOW).result.cookie;
	struct person row;
	int64_t t;

	for (t = NOW; t <= NOW + 12 * 3600; t += 1700)
		assert_int_equal(session_find(catalog, arena, cookie, t, &session, &f->err), 1);
	assert_int_equal(
		session_find(catalog, arena, cookie, NOW + 12 * 3600 + 1, &session, &f->err), 0);
	cookie = log_in(f, arena, "anna", GOOD, "", NOW).result.cookie;
	assert_int_equal(session_find(catalog, arena, cookie, NOW + 1801, &session, &f->err), 0);
	assert_int_equal(session_find(catalog, arena, cookie, NOW + 1800, &session, &f->err), 1);
	assert_int_equal(people_get(catalog, arena, anna, &row, &f->err), 1);
	row.active = false;
	assert_int_equal(people_change(catalog, &row, &f->err), 0);
	assert_int_equal(session_find(catalog, arena, cookie, NOW + 1, &session, &f->err), 0);
}

static void only_the_sessions_own_token_is_its_token(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN_STR token = STR_INIT;
	struct session one, two;

	make(f, "anna", PERSON_ROLE_USER);
	one = log_in(f, arena, "anna", GOOD, "", NOW).result.session;
	two = log_in(f, arena, "anna", GOOD, "", NOW).result.session;
	session_add_csrf(&one, &token);
	assert_true(session_csrf_is(&one, str_view(&token)));
	assert_false(session_csrf_is(&two, str_view(&token)));
	assert_false(session_csrf_is(&one, VIEW("")));
}

static void an_api_token_does_no_more_than_its_scopes_and_its_person(void **state)
{
	struct fixture *f = *state;
	struct catalog *catalog = archive_catalog(f->a);
	CLEAN(arena) arena = arena_new();
	const uint64_t anna = make(f, "anna", PERSON_ROLE_USER);
	CLEAN_STR token = STR_INIT, none = STR_INIT;
	struct session session;
	uint64_t number;

	assert_int_equal(api_token_make(catalog, anna, VIEW("script"), TOKEN_SEARCH | TOKEN_ADMIN,
					NOW, NOW + 100, &token, &number, &f->err),
			 0);
	assert_int_equal(api_token_find(catalog, arena, str_view(&token), NOW, &session, &f->err),
			 1);
	assert_int_equal(session.rights, RIGHT_SEARCH);
	assert_int_equal(session.token, number);
	assert_int_equal(
		api_token_find(catalog, arena, str_view(&token), NOW + 100, &session, &f->err), 0);
	assert_int_equal(api_token_make(catalog, anna, VIEW("no"), TOKEN_ADMIN, NOW, NOW + 1, &none,
					&number, &f->err),
			 -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
}

static void admin_has_no_right_to_any_mail(void **state)
{
	(void)state;
	assert_int_equal(rights_of_role(PERSON_ROLE_ADMIN), RIGHT_CONFIGURE | RIGHT_AUDIT_LOG);
	assert_int_equal(rights_of_role(PERSON_ROLE_UPLOADER), RIGHT_UPLOAD);
	assert_int_equal(rights_of_role(PERSON_ROLE_DATAOFFICER) & RIGHT_DECIDE, RIGHT_DECIDE);
	assert_int_equal(rights_of_role(PERSON_ROLE_AUDITOR) & RIGHT_DECIDE, 0);
}

/* The secret's code at NOW_S. */
static void code_at(struct view secret, int64_t now_s, char out[8])
{
	char *bytes;
	size_t len;

	assert_int_equal(oath_base32_decode(secret.data, secret.len, &bytes, &len), OATH_OK);
	assert_int_equal(oath_totp_generate(bytes, len, now_s, 30, 0, 6, out), OATH_OK);
	free(bytes);
}

static void a_code_is_asked_for_once_it_was_confirmed_and_is_good_once(void **state)
{
	struct fixture *f = *state;
	struct catalog *catalog = archive_catalog(f->a);
	CLEAN(arena) arena = arena_new();
	const uint64_t anna = make(f, "anna", PERSON_ROLE_USER);
	struct view recovery[RECOVERY_CODES];
	struct totp_offer offer;
	char code[8];

	assert_int_equal(
		totp_begin(catalog, arena, anna, VIEW("anna"), VIEW("Archive"), &offer, &f->err),
		0);
	assert_true(view_starts(offer.url, "otpauth://totp/Archive:anna?secret="));
	assert_int_equal(log_in(f, arena, "anna", GOOD, "", NOW).rc, 0); /* not in force yet */
	assert_int_equal(totp_confirm(catalog, arena, anna, VIEW("000000"), NOW, recovery, &f->err),
			 0);
	code_at(offer.secret, NOW, code);
	assert_int_equal(totp_confirm(catalog, arena, anna, VIEW(code), NOW, recovery, &f->err), 1);
	assert_int_equal(log_in(f, arena, "anna", GOOD, "", NOW).rc, -1);
	assert_int_equal(f->err.kind, ERR_SECOND);
	assert_int_equal(log_in(f, arena, "anna", GOOD, code, NOW).rc, -1); /* used */
	assert_int_equal(f->err.kind, ERR_SECOND);
	code_at(offer.secret, NOW + 30, code);
	assert_int_equal(log_in(f, arena, "anna", GOOD, code, NOW + 60).rc, 0); /* one step late */
	assert_int_equal(log_in(f, arena, "anna", GOOD, recovery[3].data, NOW + 60).rc, 0);
	assert_int_equal(log_in(f, arena, "anna", GOOD, recovery[3].data, NOW + 60).rc, -1);
	assert_int_equal(f->err.kind, ERR_SECOND);
}

static void codes_that_are_demanded_are_to_be_set_up_first(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct policy policy;
	struct tried t;

	make(f, "anna", PERSON_ROLE_USER);
	assert_int_equal(policy_load(archive_catalog(f->a), &policy, &f->err), 0);
	policy.totp_demanded = 1U << PERSON_ROLE_USER;
	assert_int_equal(policy_save(archive_catalog(f->a), &policy, &f->err), 0);
	t = log_in(f, arena, "anna", GOOD, "", NOW);
	assert_int_equal(t.rc, 0);
	assert_true(t.result.session.second);
}

/* RFC 6238, appendix B, of SHA-1; six digits of the eight there. */
static void the_codes_are_those_of_the_standard(void **state)
{
	static const struct {
		int64_t time_s;
		const char *code;
	} vectors[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
		       {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
	struct fixture *f = *state;
	struct catalog *catalog = archive_catalog(f->a);
	CLEAN(secret) secret = secret_copy("12345678901234567890", 20);
	const uint64_t anna = make(f, "anna", PERSON_ROLE_USER);

	assert_int_equal(totp_put(catalog, anna, secret, &f->err), 0);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++)
		assert_int_equal(totp_check(catalog, anna, VIEW(vectors[i].code), vectors[i].time_s,
					    &f->err),
				 1);
	assert_int_equal(totp_check(catalog, anna, VIEW("287082"), 59, &f->err), 0); /* older */
}

static void a_weak_password_is_refused_in_words(void **state)
{
	static const char *const weak[] = {"short", "aaaaaaaaaaaa", "Annamaria1"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(weak) / sizeof(*weak); i++) {
		CLEAN(secret) password = secret_copy(weak[i], strlen(weak[i]));

		assert_int_equal(password_check(password, VIEW("annamaria1"), 10, &f->err), -1);
		assert_int_equal(f->err.kind, ERR_SYNTAX);
	}
}

static void a_policy_out_of_bounds_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct policy policy, after;

	assert_int_equal(policy_load(archive_catalog(f->a), &policy, &f->err), 0);
	policy.idle_s = 600;
	policy.password_min = 3;
	assert_int_equal(policy_save(archive_catalog(f->a), &policy, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	assert_int_equal(policy_load(archive_catalog(f->a), &after, &f->err), 0);
	assert_int_equal(after.idle_s, 1800);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_right_password_opens_a_session_that_is_found_again),
		TEST(every_failure_has_one_text_and_costs_one_hash),
		TEST(an_empty_password_is_never_right),
		TEST(failures_make_wait_longer_and_longer_and_the_right_password_has_to_wait_too),
		TEST(an_address_that_tries_many_names_has_to_wait),
		TEST(a_session_ends_by_idleness_by_age_and_with_its_person),
		TEST(only_the_sessions_own_token_is_its_token),
		TEST(an_api_token_does_no_more_than_its_scopes_and_its_person),
		TEST(admin_has_no_right_to_any_mail),
		TEST(a_code_is_asked_for_once_it_was_confirmed_and_is_good_once),
		TEST(codes_that_are_demanded_are_to_be_set_up_first),
		TEST(the_codes_are_those_of_the_standard),
		TEST(a_weak_password_is_refused_in_words),
		TEST(a_policy_out_of_bounds_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

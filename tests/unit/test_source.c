/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Foreign sources of people: their settings, the messages to and from sealpost-login, and asking without real servers. */
#include "tests/unit/fixture.h"

#include "app/access/source.h"
#include "app/catalog/audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/program.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#define PASSWORD "correct h0rse"

static struct catalog *catalog;
static struct arena *arena;

static int setup(void **state)
{
	program_use_folder("build/san");
	if (fixture_folder(state) < 0)
		return -1;
	catalog = fixture_catalog(*state);
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(&arena);
	catalog_free(&catalog);
	return fixture_teardown(state);
}

static void load(struct fixture *f, enum person_source which, struct source *source)
{
	if (source_load(catalog, arena, which, source, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void put(struct fixture *f, struct source *source, const char *name, const char *value)
{
	if (source_put(source, arena, VIEW(name), VIEW(value), &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void save(struct fixture *f, const struct source *source)
{
	if (source_save(catalog, source, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

/* --- settings --------------------------------------------------------------------------------- */

static void what_is_not_set_is_as_by_default(void **state)
{
	CLEAN_SOURCE ldap = {0};

	load(*state, PERSON_LDAP, &ldap);
	assert_string_equal(ldap.value[SOURCE_LDAP_TLS], "starttls");
	assert_string_equal(ldap.value[SOURCE_LDAP_MAIL_ATTRIBUTES], "mail proxyAddresses");
	assert_string_equal(ldap.value[SOURCE_LDAP_URL], "");
	assert_null(ldap.value[SOURCE_IMAP_HOST]);
	assert_false(ldap.given[SOURCE_LDAP_TLS]);
	assert_null(ldap.password);
}

static void fill_ldap(struct fixture *f, struct source *source)
{
	load(f, PERSON_LDAP, source);
	put(f, source, "url", "ldaps://dc1.firm.example ldaps://dc2.firm.example");
	put(f, source, "base", "dc=firm,dc=example");
	put(f, source, "bind-dn", "cn=archive,dc=firm,dc=example");
	put(f, source, "bind-password", PASSWORD);
}

static void what_is_set_comes_back_and_can_be_taken_away(void **state)
{
	CLEAN_SOURCE set = {0};
	CLEAN_SOURCE found = {0};
	CLEAN_SOURCE less = {0};

	fill_ldap(*state, &set);
	put(*state, &set, "timeout-ms", "700");
	save(*state, &set);
	load(*state, PERSON_LDAP, &found);
	assert_string_equal(found.value[SOURCE_LDAP_BASE], "dc=firm,dc=example");
	assert_string_equal(found.value[SOURCE_LDAP_TIMEOUT], "700");
	assert_true(secret_eq(found.password, set.password));
	assert_true(found.given[SOURCE_LDAP_BIND_PASSWORD]);
	put(*state, &found, "timeout-ms", "");
	put(*state, &found, "bind-dn", "");
	put(*state, &found, "bind-password", "");
	save(*state, &found);
	load(*state, PERSON_LDAP, &less);
	assert_string_equal(less.value[SOURCE_LDAP_TIMEOUT], "5000");
	assert_null(less.password);
}

static int look_for_secret(void *arg, const struct audit_line *line, struct err *err)
{
	unsigned *lines = arg;

	(void)err;
	assert_null(memmem(line->detail.data, line->detail.len, PASSWORD, strlen(PASSWORD)));
	++*lines;
	return 0;
}

static void each_change_is_in_the_audit_log_without_the_password(void **state)
{
	struct fixture *f = *state;
	CLEAN_SOURCE set = {0};
	unsigned lines = 0;

	fill_ldap(f, &set);
	save(f, &set);
	save(f, &set); /* nothing has changed */
	assert_int_equal(audit_each(catalog, 0, look_for_secret, &lines, &f->err), 0);
	assert_int_equal(lines, 4);
}

static void assert_refused(struct fixture *f, enum person_source which, const char *settings,
			   const char *says)
{
	struct view rest = VIEW(settings), part;
	CLEAN_SOURCE source = {0};

	load(f, which, &source);
	while (view_cut(&rest, ';', &part)) {
		struct view name;

		view_cut(&part, '=', &name);
		if (source_put(&source, arena, name, part, &f->err) < 0)
			fail_msg("%s", f->err.text);
	}
	assert_int_equal(source_save(catalog, &source, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	if (strstr(f->err.text, says) == NULL)
		fail_msg("%s: %s", settings, f->err.text);
}

static void what_does_not_fit_together_is_refused_in_words(void **state)
{
	assert_refused(*state, PERSON_LDAP, "base=dc=x", "address is missing");
	assert_refused(*state, PERSON_LDAP, "url=http://x;base=dc=x", "reads ldap://");
	assert_refused(*state, PERSON_LDAP, "url=ldap://x:0;base=dc=x", "reads ldap://");
	assert_refused(*state, PERSON_LDAP, "url=ldap://x y;base=dc=x", "reads ldap://");
	assert_refused(*state, PERSON_LDAP, "url=ldap://a@b;base=dc=x", "reads ldap://");
	assert_refused(*state, PERSON_LDAP, "url=ldap://x", "base is missing");
	assert_refused(*state, PERSON_LDAP, "url=ldap://x;base=dc=x;tls=none", "without TLS");
	assert_refused(*state, PERSON_LDAP, "url=ldap://x;base=dc=x;tls=no", "starttls, or none");
	assert_refused(*state, PERSON_LDAP, "url=ldap://x;base=dc=x;ca=hello", "in PEM");
	assert_refused(*state, PERSON_LDAP, "url=ldap://x;base=dc=x;bind-dn=cn=a", "both");
	assert_refused(*state, PERSON_LDAP, "url=ldap://x;base=dc=x;user-filter=(uid=anna)", "%s");
	assert_refused(*state, PERSON_LDAP, "url=ldap://x;base=dc=x;mail-attributes=a)(b",
		       "attribute");
	assert_refused(*state, PERSON_LDAP, "url=ldap://x;base=dc=x;timeout-ms=99", "time limit");
	assert_refused(*state, PERSON_IMAP, "domains=x.example", "host is missing");
	assert_refused(*state, PERSON_IMAP, "host=x", "domains are missing");
	assert_refused(*state, PERSON_IMAP, "host=x;domains=a@b", "are names");
	assert_refused(*state, PERSON_IMAP, "host=x;domains=a;tls=none", "without TLS");
	assert_refused(*state, PERSON_IMAP, "host=x;domains=a;port=70000", "port");
	assert_refused(*state, PERSON_APPLIANCE, "service=login", "domains are missing");
	assert_refused(*state, PERSON_APPLIANCE, "service=etc/x;domains=a.example", "PAM service");
	assert_refused(*state, PERSON_APPLIANCE, "service=/etc/pam.d/;domains=a.example",
		       "PAM service");
}

static void this_computer_itself_needs_no_tls(void **state)
{
	CLEAN_SOURCE source = {0};

	load(*state, PERSON_LDAP, &source);
	put(*state, &source, "url", "ldap://127.0.0.1 ldap://[::1]:3890 ldap://localhost/");
	put(*state, &source, "base", "dc=x");
	put(*state, &source, "tls", "none");
	save(*state, &source);
}

static void a_setting_of_another_source_is_not_found(void **state)
{
	struct fixture *f = *state;
	CLEAN_SOURCE source = {0};

	load(f, PERSON_IMAP, &source);
	assert_int_equal(source_put(&source, arena, VIEW("base"), VIEW("dc=x"), &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
}

static void own_and_fixed_people_and_those_of_openid_connect_have_nothing_to_set_up(void **state)
{
	struct fixture *f = *state;
	struct source source;

	for (int i = 0; i < 3; i++) {
		static const enum person_source none[] = {PERSON_OWN, PERSON_FIXED, PERSON_OIDC};

		assert_int_equal(source_load(catalog, arena, none[i], &source, &f->err), -1);
		assert_int_equal(f->err.kind, ERR_UNSUPPORTED);
	}
}

/* --- the order -------------------------------------------------------------------------------- */

static void the_order_is_kept_and_is_own_by_default(void **state)
{
	struct fixture *f = *state;
	struct source_order order;

	assert_int_equal(source_order_load(catalog, &order, &f->err), 0);
	assert_int_equal(order.n, 1);
	assert_int_equal(order.v[0], PERSON_OWN);
	order = (struct source_order){{PERSON_LDAP, PERSON_OWN, PERSON_IMAP}, 3};
	assert_int_equal(source_order_save(catalog, &order, &f->err), 0);
	assert_int_equal(source_order_load(catalog, &order, &f->err), 0);
	assert_int_equal(order.n, 3);
	assert_int_equal(order.v[0], PERSON_LDAP);
	assert_int_equal(order.v[2], PERSON_IMAP);
}

static void an_order_that_cannot_be_is_refused(void **state)
{
	struct fixture *f = *state;
	const struct {
		struct source_order order;
		enum err_kind kind;
	} cases[] = {
		{{.n = 0}, ERR_SYNTAX},
		{{{PERSON_OWN, PERSON_OWN}, 2}, ERR_SYNTAX},
		{{{PERSON_FIXED}, 1}, ERR_SYNTAX},
		{{{PERSON_OIDC}, 1}, ERR_UNSUPPORTED},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(source_order_save(catalog, &cases[i].order, &f->err), -1);
		assert_int_equal(f->err.kind, cases[i].kind);
	}
}

/* --- messages --------------------------------------------------------------------------------- */

static void a_person_comes_through_whole(void **state)
{
	struct identity_group group = {.name = (char *)"Sales"};
	struct source_answer answer = {.verdict = SOURCE_RIGHT, .text = (char *)"yes"};
	struct identity anna = {
		.uid = (char *)"4711", .name = (char *)"anna", .shown = (char *)"Anna"};
	struct source_answer found;
	struct err err = {0};
	CLEAN_STR body = STR_INIT;

	(void)state;
	identity_add(arena, &anna.addresses, (char *)"anna@firm.example");
	identity_add(arena, &anna.addresses, (char *)"a.smith@firm.example");
	identity_add(arena, &group.addresses, (char *)"sales@firm.example");
	ARENA_PUSH(arena, anna.groups, group);
	ARENA_PUSH(arena, answer.people, anna);
	source_answer_write(&answer, &body);
	assert_int_equal(source_answer_read(str_view(&body), arena, &found, &err), 0);
	assert_string_equal(found.text, "yes");
	assert_int_equal(found.people.n, 1);
	assert_string_equal(found.people.v[0].uid, "4711");
	assert_string_equal(found.people.v[0].addresses.v[1], "a.smith@firm.example");
	assert_string_equal(found.people.v[0].groups.v[0].addresses.v[0], "sales@firm.example");
	for (size_t len = 0; len < body.len; len++)
		assert_int_equal(
			source_answer_read((struct view){body.data, len}, arena, &found, &err), -1);
	str_addc(&body, 'x');
	assert_int_equal(source_answer_read(str_view(&body), arena, &found, &err), -1);
	assert_int_equal(err.kind, ERR_DAMAGED);
}

static void assert_address(const char *text, const char *address)
{
	const char *found = identity_address(arena, VIEW(text));

	if (address == NULL)
		assert_null(found);
	else
		assert_string_equal(found != NULL ? found : "", address);
}

static void of_an_address_case_and_prefix_do_not_count_and_what_is_none_is_left_out(void **state)
{
	(void)state;
	assert_address("Anna.Smith@Firm.Example", "anna.smith@firm.example");
	assert_address("SMTP:Anna@firm.example", "anna@firm.example");
	assert_address("smtp: anna@firm.example ", "anna@firm.example");
	assert_address("sip:anna@firm.example", NULL);
	assert_address("x500:/o=Firm/cn=anna@firm.example", NULL);
	assert_address("anna", NULL);
	assert_address("@firm.example", NULL);
	assert_address("anna@", NULL);
	assert_address("a@b@c", NULL);
	assert_address("an na@firm.example", NULL);
	assert_address("anna@firm.example\n", "anna@firm.example");
	assert_address("anna\n@firm.example", NULL);
	assert_address("", NULL);
	assert_address("smtp:", NULL);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Accepts, and says nothing. */
static int silent_server(unsigned *port_r)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port_r = ntohs(at.sin_port);
	return fd;
}

static void fill_imap(struct fixture *f, struct source *source, unsigned port, const char *tls)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", port);
	load(f, PERSON_IMAP, source);
	put(f, source, "host", "127.0.0.1");
	put(f, source, "port", text);
	put(f, source, "tls", tls);
	put(f, source, "domains", "firm.example second.example");
	put(f, source, "timeout-ms", "300");
}

static int ask(struct fixture *f, const struct source *source, const char *name,
	       const char *password, struct source_answer *answer)
{
	CLEAN(secret) secret = password[0] != '\0' ? secret_copy(password, strlen(password)) : NULL;
	const struct source_question question = {SOURCE_LOGIN, name, secret, false};

	return source_ask(source, &question, arena, answer, &f->err);
}

static void who_says_nothing_is_a_timeout(void **state)
{
	struct fixture *f = *state;
	static const char *const ways[] = {"implicit", "starttls", "none"};
	struct source_answer answer;
	unsigned port;
	const int fd = silent_server(&port);

	for (size_t i = 0; i < 3; i++) {
		CLEAN_SOURCE source = {0};

		fill_imap(f, &source, port, ways[i]);
		assert_int_equal(ask(f, &source, "anna", PASSWORD, &answer), -1);
		assert_int_equal(f->err.kind, ERR_TIMEOUT);
	}
	close(fd);
}

static void who_is_not_there_is_offline(void **state)
{
	struct fixture *f = *state;
	CLEAN_SOURCE source = {0};
	struct source_answer answer;
	unsigned port;

	close(silent_server(&port));
	fill_imap(f, &source, port, "none");
	put(f, &source, "timeout-ms", "10000");
	assert_int_equal(ask(f, &source, "anna", PASSWORD, &answer), -1);
	assert_int_equal(f->err.kind, ERR_OFFLINE);
}

/* At a port where nobody is: it would be ERR_OFFLINE. */
static void nobody_is_asked_about_an_empty_password_or_a_name_that_cannot_be(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = {
		"", " anna", "anna ", "an\nna", "an\rna", "anna@other.example", "\xff"};
	CLEAN_SOURCE source = {0};
	struct source_answer answer;
	unsigned port;

	close(silent_server(&port));
	fill_imap(f, &source, port, "none");
	put(f, &source, "timeout-ms", "10000");
	assert_int_equal(ask(f, &source, "anna", "", &answer), 0);
	assert_int_equal(answer.verdict, SOURCE_WRONG);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(ask(f, &source, names[i], PASSWORD, &answer), 0);
		assert_int_equal(answer.verdict, SOURCE_UNKNOWN);
	}
}

static void asking_in_two_steps_leaves_time_for_others(void **state)
{
	struct fixture *f = *state;
	const struct source_question question = {SOURCE_LOGIN, "anna", NULL, false};
	CLEAN_SOURCE source = {0};
	CLEAN(source_talk) talk = NULL;
	struct source_answer answer;
	struct pollfd p = {.events = POLLIN};
	unsigned port;
	const int fd = silent_server(&port);

	fill_imap(f, &source, port, "none");
	put(f, &source, "timeout-ms", "10000");
	if (source_start(&source, &question, &talk, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_true(source_talk_deadline_ms(talk) > clock_monotonic_ms());
	p.fd = source_talk_fd(talk);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(source_finish(talk, arena, &answer, &f->err), 0);
	assert_int_equal(answer.verdict, SOURCE_WRONG); /* the password is empty */
	close(fd);
}

static void a_talk_can_be_given_up(void **state)
{
	struct fixture *f = *state;
	CLEAN(secret) secret = secret_copy(PASSWORD, strlen(PASSWORD));
	const struct source_question question = {SOURCE_LOGIN, "anna", secret, false};
	CLEAN_SOURCE source = {0};
	struct source_talk *talk = NULL;
	struct source_answer answer;
	unsigned port;
	const int fd = silent_server(&port);

	fill_imap(f, &source, port, "implicit");
	put(f, &source, "timeout-ms", "60000");
	assert_int_equal(source_start(&source, &question, &talk, &f->err), 0);
	assert_int_equal(source_finish(talk, arena, &answer, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_TIMEOUT); /* it is not there yet */
	source_talk_free(&talk);
	assert_int_equal(source_start(&source, &question, &talk, &f->err), 0);
	source_talk_free(&talk);
	assert_null(talk);
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_set_is_as_by_default),
		TEST(what_is_set_comes_back_and_can_be_taken_away),
		TEST(each_change_is_in_the_audit_log_without_the_password),
		TEST(what_does_not_fit_together_is_refused_in_words),
		TEST(this_computer_itself_needs_no_tls),
		TEST(a_setting_of_another_source_is_not_found),
		TEST(own_and_fixed_people_and_those_of_openid_connect_have_nothing_to_set_up),
		TEST(the_order_is_kept_and_is_own_by_default),
		TEST(an_order_that_cannot_be_is_refused),
		TEST(a_person_comes_through_whole),
		TEST(of_an_address_case_and_prefix_do_not_count_and_what_is_none_is_left_out),
		TEST(who_says_nothing_is_a_timeout),
		TEST(who_is_not_there_is_offline),
		TEST(nobody_is_asked_about_an_empty_password_or_a_name_that_cannot_be),
		TEST(asking_in_two_steps_leaves_time_for_others),
		TEST(a_talk_can_be_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

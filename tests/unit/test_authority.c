/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings of a timestamping authority: kept whole or not at all, each change in the audit log, no secret there; and asking one. */
#include "tests/unit/fixture.h"

#include "app/catalog/audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/program.h"
#include "tests/unit/timestamper.h"
#include "tsa/authority.h"
#include "tsa/token.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#define PASSWORD "correct h0rse"

static struct catalog *catalog;
static struct party *root, *client, *stranger;
static struct str root_pem = STR_INIT, client_pem = STR_INIT, client_key = STR_INIT,
		  stranger_key = STR_INIT;

static void make_parties(void)
{
	struct party_wishes wishes = {.begins_s = clock_s() - 3600, .ends_s = clock_s() + 3600};

	root = party_new("Root", &wishes);
	stranger = party_new("Stranger", &wishes);
	wishes.issuer = root;
	wishes.usages = "critical,timeStamping";
	client = party_new("Client", &wishes);
	party_pem(root, &root_pem);
	party_pem(client, &client_pem);
	party_key_pem(client, &client_key);
	party_key_pem(stranger, &stranger_key);
}

static int setup(void **state)
{
	program_use_folder("build/san");
	if (root == NULL)
		make_parties();
	if (fixture_folder(state) < 0)
		return -1;
	catalog = fixture_catalog(*state);
	return 0;
}

static int teardown(void **state)
{
	catalog_free(&catalog);
	return fixture_teardown(state);
}

static struct secret *secret_of(const char *text)
{
	return secret_copy(text, strlen(text));
}

/* Everything that can be set. */
static struct authority full(void)
{
	return (struct authority){
		.url = (char *)"https://tsa.example:8443/tsr",
		.ca = root_pem.data,
		.policy = (char *)"1.2.3.4.1",
		.user = (char *)"archive",
		.password = secret_of(PASSWORD),
		.tls_ca = root_pem.data,
		.client_cert = client_pem.data,
		.client_key = secret_of(client_key.data),
		.proxy = (char *)"http://proxy.example:3128",
		.proxy_user = (char *)"through",
		.proxy_password = secret_of("second " PASSWORD),
		.tolerance_s = 60,
		.renew_days = 30,
		.digest = DIGEST_SHA512,
		.timeout_ms = 5000,
	};
}

/* What is needed, and the rest by default. */
static struct authority least(void)
{
	return (struct authority){
		.url = (char *)"http://tsa.example/tsr",
		.ca = root_pem.data,
		.tolerance_s = 300,
		.renew_days = 90,
		.digest = DIGEST_SHA256,
		.timeout_ms = AUTHORITY_TIMEOUT_MS,
	};
}

static void save(struct fixture *f, const struct authority *authority)
{
	if (authority_save(catalog, authority, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static int load(struct fixture *f, struct arena *arena, struct authority *authority)
{
	int rc = authority_load(catalog, arena, authority, &f->err);

	if (rc < 0)
		fail_msg("%s", f->err.text);
	return rc;
}

static void assert_same_secret(const struct secret *a, const struct secret *b)
{
	assert_non_null(a);
	assert_true(secret_eq(a, b));
}

/* --- keeping ---------------------------------------------------------------------------------- */

static void without_settings_there_is_no_authority(void **state)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_AUTHORITY found;

	assert_int_equal(load(*state, arena, &found), 0);
	assert_null(found.url);
	assert_int_equal(found.renew_days, 90);
	assert_int_equal(found.digest, DIGEST_SHA256);
}

static void all_that_is_set_comes_back(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN_AUTHORITY set = full();
	CLEAN_AUTHORITY found;

	save(f, &set);
	assert_int_equal(load(f, arena, &found), 1);
	assert_string_equal(found.url, set.url);
	assert_string_equal(found.ca, set.ca);
	assert_string_equal(found.policy, set.policy);
	assert_string_equal(found.user, set.user);
	assert_string_equal(found.tls_ca, set.tls_ca);
	assert_string_equal(found.client_cert, set.client_cert);
	assert_string_equal(found.proxy, set.proxy);
	assert_string_equal(found.proxy_user, set.proxy_user);
	assert_same_secret(found.password, set.password);
	assert_same_secret(found.client_key, set.client_key);
	assert_same_secret(found.proxy_password, set.proxy_password);
	assert_int_equal(found.tolerance_s, 60);
	assert_int_equal(found.renew_days, 30);
	assert_int_equal(found.digest, DIGEST_SHA512);
	assert_int_equal(found.timeout_ms, 5000);
}

static void what_is_not_set_is_as_by_default(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN_AUTHORITY first = full();
	CLEAN_AUTHORITY set = least();
	CLEAN_AUTHORITY found;

	save(f, &first);
	save(f, &set);
	assert_int_equal(load(f, arena, &found), 1);
	assert_null(found.policy);
	assert_null(found.user);
	assert_null(found.password);
	assert_null(found.client_key);
	assert_null(found.proxy);
	assert_int_equal(found.tolerance_s, 300);
	assert_int_equal(found.renew_days, 90);
	assert_int_equal(found.digest, DIGEST_SHA256);
	assert_int_equal(found.timeout_ms, AUTHORITY_TIMEOUT_MS);
}

static void an_authority_can_be_taken_away(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN_AUTHORITY set = full();
	CLEAN_AUTHORITY found;

	save(f, &set);
	save(f, NULL);
	assert_int_equal(load(f, arena, &found), 0);
}

/* --- the audit log ---------------------------------------------------------------------------- */

static int add_line(void *arg, const struct audit_line *line, struct err *err)
{
	struct str *out = arg;

	(void)err;
	str_addf(out, "%.*s: %.*s\n", (int)line->subject.len, line->subject.data,
		 (int)line->detail.len, line->detail.data);
	return 0;
}

static uint64_t log_of(struct fixture *f, struct str *out)
{
	uint64_t line;
	struct hash hash;

	str_reset(out);
	assert_int_equal(audit_each(catalog, 0, add_line, out, &f->err), 0);
	assert_int_equal(audit_head(catalog, &line, &hash, &f->err), 0);
	return line;
}

static void each_change_is_in_the_audit_log_and_no_secret(void **state)
{
	struct fixture *f = *state;
	CLEAN_AUTHORITY set = full();
	CLEAN_STR log = STR_INIT;
	uint64_t lines;

	save(f, &set);
	lines = log_of(f, &log);
	assert_int_equal(lines, 15);
	assert_non_null(strstr(log.data, "tsa.url: https://tsa.example:8443/tsr\n"));
	assert_non_null(strstr(log.data, "tsa.password: changed\n"));
	assert_non_null(strstr(log.data, "tsa.client_key: changed\n"));
	assert_non_null(strstr(log.data, "tsa.ca: SHA-256 "));
	assert_non_null(strstr(log.data, "tsa.digest: sha512\n"));
	assert_null(strstr(log.data, PASSWORD));
	assert_null(strstr(log.data, "BEGIN"));
	save(f, &set);
	assert_int_equal(log_of(f, &log), lines);
	set.tolerance_s = 300;
	save(f, &set);
	assert_int_equal(log_of(f, &log), lines + 1);
	assert_non_null(strstr(log.data, "tsa.tolerance_s: as by default\n"));
	save(f, NULL);
	assert_int_equal(log_of(f, &log), lines + 1 + 14);
	assert_non_null(strstr(log.data, "tsa.password: removed\n"));
}

/* --- what does not fit together --------------------------------------------------------------- */

static void assert_refused(struct fixture *f, const struct authority *set, const char *says)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_AUTHORITY found;

	assert_int_equal(authority_save(catalog, set, &f->err), -1);
	if (f->err.kind != ERR_SYNTAX || strstr(f->err.text, says) == NULL)
		fail_msg("%s", f->err.text);
	assert_null(strstr(f->err.text, PASSWORD));
	assert_int_equal(load(f, arena, &found), 0);
}

static void an_address_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
		"tsa.example",           "ftp://tsa.example/",
		"file:///etc/passwd",    "http://",
		"http:///tsr",           "http://user:word@tsa.example/",
		"http://tsa.example:0/", "http://tsa.example:99999/",
		"http://tsa.example:/",  "http://tsa.example:80x/",
		"http://tsa example/",   "http://tsa.example/\r\nHost: x",
		"http://[::1/",          "http://[]/",
		"http://[::1]x/",        "http://tsa.example\\@other/",
		"http://tsa.example?x",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CLEAN_AUTHORITY set = least();

		set.url = (char *)bad[i];
		assert_refused(*state, &set, "address reads");
	}
}

static void addresses_of_all_kinds_are_taken(void **state)
{
	static const char *const good[] = {
		"http://tsa.example",     "HTTPS://tsa.example/a/b?c=d%20e",
		"http://127.0.0.1:8080/", "http://[2001:db8::1]:80/x",
		"http://[::1]",           "https://under_score.example:65535"};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CLEAN_AUTHORITY set = least();

		set.url = (char *)good[i];
		save(*state, &set);
	}
}

static void a_password_over_plain_http_is_taken_for_this_computer_only(void **state)
{
	static const char *const near[] = {"http://127.0.0.1:8080/", "http://localhost/x",
					   "http://[::1]:3/", "https://tsa.example/"};
	static const char *const far[] = {"http://tsa.example/", "http://127.0.0.1.example/",
					  "http://localhost.example/"};

	for (size_t i = 0; i < sizeof(far) / sizeof(*far); i++) {
		CLEAN_AUTHORITY set = least();

		set.user = (char *)"archive";
		set.password = secret_of(PASSWORD);
		set.url = (char *)far[i];
		assert_refused(*state, &set, "are not sent over http://");
	}
	for (size_t i = 0; i < sizeof(near) / sizeof(*near); i++) {
		CLEAN_AUTHORITY set = least();

		set.user = (char *)"archive";
		set.password = secret_of(PASSWORD);
		set.url = (char *)near[i];
		save(*state, &set);
	}
}

static void halves_of_what_belongs_together_are_refused(void **state)
{
	struct authority set = least();

	set.user = (char *)"archive";
	assert_refused(*state, &set, "needs both a name and a password");
	set = least();
	set.proxy_user = (char *)"through";
	assert_refused(*state, &set, "needs the proxy's address");
	set.proxy = (char *)"http://proxy.example:3128";
	assert_refused(*state, &set, "needs both a name and a password");
	set = least();
	set.url = (char *)"https://tsa.example/";
	set.client_cert = client_pem.data;
	assert_refused(*state, &set, "and its key belong together");
	set.url = (char *)"http://tsa.example/";
	assert_refused(*state, &set, "https:// only");
	set = least();
	set.tls_ca = root_pem.data;
	assert_refused(*state, &set, "https:// only");
}

static void a_client_certificate_and_a_key_of_another_are_refused(void **state)
{
	CLEAN_AUTHORITY set = least();

	set.url = (char *)"https://tsa.example/";
	set.client_cert = client_pem.data;
	set.client_key = secret_of(stranger_key.data);
	assert_refused(*state, &set, "do not fit together");
	secret_free(&set.client_key);
	set.client_key = secret_of("-----BEGIN " PASSWORD);
	assert_refused(*state, &set, "do not fit together");
}

static void certificates_that_are_none_are_refused(void **state)
{
	struct authority set = least();

	set.ca = NULL;
	assert_refused(*state, &set, "is missing");
	set.ca = (char *)"no certificate";
	assert_refused(*state, &set, "authority's CA certificate: there is no certificate");
	set.ca = client_pem.data;
	assert_refused(*state, &set, "not a certificate authority's");
	set = least();
	set.url = (char *)"https://tsa.example/";
	set.tls_ca = (char *)"no certificate";
	assert_refused(*state, &set, "CA certificate for the connection");
}

static void other_values_that_cannot_be_are_refused(void **state)
{
	struct authority set = least();

	set.url = NULL;
	assert_refused(*state, &set, "is missing");
	set = least();
	set.policy = (char *)"strict";
	assert_refused(*state, &set, "no object identifier");
	set = least();
	set.proxy = (char *)"socks5://proxy.example:1080";
	assert_refused(*state, &set, "reads http://HOST:PORT");
	set = least();
	set.tolerance_s = 0;
	assert_refused(*state, &set, "tolerance");
	set = least();
	set.renew_days = 4000;
	assert_refused(*state, &set, "renewal");
	set = least();
	set.timeout_ms = 0;
	assert_refused(*state, &set, "time limit");
	set = least();
	set.digest = (enum digest_alg)9;
	assert_refused(*state, &set, "hash function");
}

static void a_name_that_would_end_a_line_is_refused(void **state)
{
	static const char *const bad[] = {"a\r\nb", "a:b", "a\x7f"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CLEAN_AUTHORITY set = least();

		set.url = (char *)"https://tsa.example/";
		set.user = (char *)bad[i];
		set.password = secret_of(PASSWORD);
		assert_refused(*state, &set, "cannot be sent there");
	}
}

/* --- asking ----------------------------------------------------------------------------------- */

/* A server that takes one request and sends what it was given; nothing: it waits until the other side is gone. */
struct answerer {
	int fd;
	struct view answer;
	struct str asked;
	pthread_t thread;
	struct str url;
};

static void *answer_once(void *arg)
{
	struct answerer *s = arg;
	CLEAN_FD fd = accept(s->fd, NULL, NULL);
	char buf[4096];
	ssize_t n;

	while (strstr(s->asked.data, "the request") == NULL && (n = read(fd, buf, sizeof(buf))) > 0)
		str_add(&s->asked, buf, (size_t)n);
	if (s->answer.len > 0)
		assert_int_equal(write(fd, s->answer.data, s->answer.len), s->answer.len);
	else
		while (read(fd, buf, sizeof(buf)) > 0)
			continue;
	return NULL;
}

static void answerer_start(struct answerer *s, const char *answer)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(sin);

	*s = (struct answerer){.answer = VIEW(answer), .asked = STR_INIT, .url = STR_INIT};
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(s->fd, 1), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&sin, &len), 0);
	str_addf(&s->url, "http://127.0.0.1:%u/tsr", ntohs(sin.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, answer_once, s), 0);
}

static void answerer_stop(struct answerer *s)
{
	pthread_join(s->thread, NULL);
	fd_cleanup(&s->fd);
	str_clear(&s->asked);
	str_clear(&s->url);
}

static int ask(const struct answerer *s, int timeout_ms, struct str *response, struct err *err)
{
	CLEAN_AUTHORITY a = least();

	a.url = s->url.data;
	a.user = (char *)"archive";
	a.password = secret_of("letmein");
	a.timeout_ms = timeout_ms;
	err_clear(err);
	return authority_ask(&a, VIEW("the request"), response, err);
}

static void what_the_authority_sends_comes_back_as_it_is(void **state)
{
	CLEAN_STR response = STR_INIT;
	struct err err = {0};
	struct answerer s;

	(void)state;
	answerer_start(&s, "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\n"
			   "Content-Length: 6\r\n\r\nanswer");
	if (ask(&s, 20000, &response, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(response.data, "answer");
	assert_non_null(strstr(s.asked.data, "POST /tsr HTTP/1.1\r\n"));
	assert_non_null(strstr(s.asked.data, "Content-Type: application/timestamp-query\r\n"));
	assert_non_null(strstr(s.asked.data, "Authorization: Basic YXJjaGl2ZTpsZXRtZWlu\r\n"));
	answerer_stop(&s);
}

static void an_authority_that_refuses_is_told_with_what_it_means_for_the_mails(void **state)
{
	CLEAN_STR response = STR_INIT;
	struct err err = {0};
	struct answerer s;

	(void)state;
	answerer_start(&s, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(ask(&s, 20000, &response, &err), -1);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_non_null(strstr(err.text, "the mails go on waiting"));
	assert_non_null(strstr(err.text, "HTTP status 403"));
	assert_null(strstr(err.text, "letmein"));
	assert_int_equal(response.len, 0);
	answerer_stop(&s);
}

static void an_authority_that_is_silent_is_given_up(void **state)
{
	CLEAN_STR response = STR_INIT;
	struct err err = {0};
	struct answerer s;

	(void)state;
	answerer_start(&s, "");
	assert_int_equal(ask(&s, 300, &response, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	answerer_stop(&s);
}

static void without_the_program_nothing_can_be_asked(void **state)
{
	CLEAN_STR response = STR_INIT;
	CLEAN_AUTHORITY a = least();
	struct err err = {0};

	(void)state;
	program_use_folder("/nonexistent");
	assert_int_equal(authority_ask(&a, VIEW("x"), &response, &err), -1);
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "sealpost-tsa"));
}

static int end(void **state)
{
	(void)state;
	party_free(&root);
	party_free(&client);
	party_free(&stranger);
	str_clear(&root_pem);
	str_clear(&client_pem);
	str_clear(&client_key);
	str_clear(&stranger_key);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_settings_there_is_no_authority),
		TEST(all_that_is_set_comes_back),
		TEST(what_is_not_set_is_as_by_default),
		TEST(an_authority_can_be_taken_away),
		TEST(each_change_is_in_the_audit_log_and_no_secret),
		TEST(an_address_that_is_none_is_refused),
		TEST(addresses_of_all_kinds_are_taken),
		TEST(a_password_over_plain_http_is_taken_for_this_computer_only),
		TEST(halves_of_what_belongs_together_are_refused),
		TEST(a_client_certificate_and_a_key_of_another_are_refused),
		TEST(certificates_that_are_none_are_refused),
		TEST(other_values_that_cannot_be_are_refused),
		TEST(a_name_that_would_end_a_line_is_refused),
		TEST(what_the_authority_sends_comes_back_as_it_is),
		TEST(an_authority_that_refuses_is_told_with_what_it_means_for_the_mails),
		TEST(an_authority_that_is_silent_is_given_up),
		TEST(without_the_program_nothing_can_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}

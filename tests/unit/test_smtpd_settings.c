/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/settings.h"
#include "app/intake/smtpd/users.h"

#include "tests/unit/fixture.h"

/* Of "correct horse", by mkpasswd -m yescrypt and -m sha512crypt. */
#define YESCRYPT "$y$j9T$5zpgTHZcMBBGOxZ8v0cTk.$fuiPdCyn5s4LpJjXfX4YM5kzfxqYMTtzCKmxnFVkIU7"
#define SHA512                                                                                     \
	"$6$pj8CqvCPxIrtPKFL$fMf."                                                                 \
	"XEcThFku55rwkGjqLaXQSGhVrk1UHb3Sq8LJMKI7yNsargfLHwmVbY06xlvJjQR5wejyxBM/RjOvy3GVF0"

static bool holds(const char *network, const char *addr)
{
	struct network n;
	struct err err = {0};

	if (network_read(network, &n, &err) < 0)
		fail_msg("%s", err.text);
	return network_holds(&n, 1, addr);
}

static void a_client_is_in_a_network_or_not(void **state)
{
	(void)state;
	assert_true(holds("192.0.2.0/24", "192.0.2.255"));
	assert_false(holds("192.0.2.0/24", "192.0.3.0"));
	assert_true(holds("192.0.2.128/25", "192.0.2.129"));
	assert_false(holds("192.0.2.128/25", "192.0.2.127"));
	assert_true(holds("192.0.2.1", "192.0.2.1"));
	assert_false(holds("192.0.2.1", "192.0.2.2"));
	assert_true(holds("0.0.0.0/0", "203.0.113.9"));
	assert_true(holds("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(holds("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(holds("::1", "::1"));
	assert_false(holds("::/0", ""));
}

static void an_ipv4_client_of_an_ipv6_socket_is_the_same_client(void **state)
{
	(void)state;
	assert_true(holds("192.0.2.0/24", "::ffff:192.0.2.1"));
	assert_false(holds("0.0.0.0/0", "2001:db8::1"));
}

static void what_is_no_network_is_refused(void **state)
{
	static const char *const wrong[] = {"",
					    "192.0.2",
					    "192.0.2.0/33",
					    "192.0.2.0/",
					    "192.0.2.0/-1",
					    "192.0.2.1/24",
					    "mail.example",
					    "2001:db8::1/32",
					    "192.0.2.0/24/8"};
	struct network n;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(network_read(wrong[i], &n, &err), -1);
		assert_int_equal(err.kind, ERR_SYNTAX);
	}
}

static struct smtpd_settings *read_settings(struct fixture *f, const char *text)
{
	const char *path = fixture_path(f, "smtpd.conf");
	struct smtpd_settings *s = NULL;

	fixture_write(path, VIEW(text));
	err_clear(&f->err);
	smtpd_settings_read(path, &s, &f->err);
	return s;
}

static void settings_are_read_whole(void **state)
{
	struct smtpd_settings *s = read_settings(*state, "listen = smtp 127.0.0.1:2525\n"
							 "listen = lmtp unix:/run/lmtp\n"
							 "accept_all = yes\n"
							 "network = 192.0.2.0/24\n"
							 "socket_mode = 0600\n"
							 "spam_mark = X-Junk: yes\n");

	assert_non_null(s);
	assert_int_equal(s->listen.n, 2);
	assert_int_equal(s->listens[0].protocol, PROTOCOL_SMTP);
	assert_string_equal(s->listens[1].address, "unix:/run/lmtp");
	assert_int_equal(s->socket_mode, 0600);
	assert_int_equal(s->networks.n, 1);
	assert_int_equal(s->spam_mark.n, 1);
	assert_string_equal(s->copy_domain, "copy.invalid");
	smtpd_settings_free(&s);
}

static void settings_that_cannot_be_are_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"listen = imap 127.0.0.1:1\n",
		"listen = smtp 127.0.0.1:1\naccept_all = yes\nnetwork = everybody\n",
		"listen = smtp 127.0.0.1:1\naccept_all = yes\nsocket_mode = 0999\n",
		"listen = smtp 127.0.0.1:1\naccept_all = yes\nauth_file = /etc/users\n",
		"listen = smtp 127.0.0.1:1\naccept_all = yes\ntls_cert = /etc/cert\n",
		"listen = smtp 127.0.0.1:1\naccept_all = yes\nspam_mark = spam\n",
		"listen = smtp 127.0.0.1:1\n",
		"listen = smtp 127.0.0.1:1\naccept_all = yes\nmax_errors = 0\n",
		"listen = smtp 127.0.0.1:1\naccept_all = yes\nno_such_thing = 0\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_null(read_settings(f, wrong[i]));
		assert_int_equal(f->err.kind, ERR_SYNTAX);
	}
}

static struct users *read_users(struct fixture *f, const char *text)
{
	const char *path = fixture_path(f, "users");
	struct users *users = NULL;

	fixture_write(path, VIEW(text));
	err_clear(&f->err);
	users_read(path, &users, &f->err);
	return users;
}

static void a_user_logs_in_with_his_password_only(void **state)
{
	struct users *users = read_users(*state, "# who may send\n\n"
						 "anna:" YESCRYPT "\n"
						 "ben@example.org:" SHA512 "\r\n");

	assert_non_null(users);
	assert_true(users_check(users, VIEW("anna"), "correct horse"));
	assert_true(users_check(users, VIEW("ben@example.org"), "correct horse"));
	assert_false(users_check(users, VIEW("anna"), "correct hors"));
	assert_false(users_check(users, VIEW("anna"), ""));
	assert_false(users_check(users, VIEW("carl"), "correct horse"));
	assert_false(users_check(users, VIEW(""), "correct horse"));
	users_free(&users);
}

static void a_file_of_users_with_a_mistake_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"anna\n",
		":" YESCRYPT "\n",
		"anna:\n",
		"anna:correct horse\n",
		"anna:$1$salt$abc\n",
		"anna:" YESCRYPT "\nanna:" SHA512 "\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_null(read_users(f, wrong[i]));
		assert_int_equal(f->err.kind, ERR_SYNTAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_is_in_a_network_or_not),
		cmocka_unit_test(an_ipv4_client_of_an_ipv6_socket_is_the_same_client),
		cmocka_unit_test(what_is_no_network_is_refused),
		cmocka_unit_test_setup_teardown(settings_are_read_whole, fixture_folder,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(settings_that_cannot_be_are_refused, fixture_folder,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_user_logs_in_with_his_password_only,
						fixture_folder, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_file_of_users_with_a_mistake_is_refused,
						fixture_folder, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

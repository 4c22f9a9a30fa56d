/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Accounts that mail is fetched from: what they inherit, what is wrong with them, how far they are. */
#include "tests/unit/fixture.h"

#include "app/catalog/accounts.h"
#include "app/catalog/fetched.h"
#include "app/fetcher/job.h"

static struct catalog *catalog;
static struct arena *arena;

static int setup(void **state)
{
	if (fixture_setup(state) < 0)
		return -1;
	catalog = archive_catalog(((struct fixture *)*state)->a);
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(&arena);
	return fixture_teardown(state);
}

/* What a whole account needs. */
static struct account_change whole(void)
{
	struct account_change c = {.parent = NULL};

	c.value[ACCOUNT_HOST] = VIEW("mail.example");
	c.value[ACCOUNT_USER] = VIEW("anna");
	c.value[ACCOUNT_PASSWORD] = VIEW("geheim-4711");
	return c;
}

static void add(struct fixture *f, const char *name, bool is_prototype,
		const struct account_change *change)
{
	if (accounts_add(catalog, VIEW(name), is_prototype, change, job_check, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static struct account get(struct fixture *f, const char *name)
{
	struct account a;

	if (accounts_get(catalog, arena, VIEW(name), &a, &f->err) != 1)
		fail_msg("%s: %s", name, f->err.text);
	return a;
}

static void assert_value(const struct account *a, enum account_setting setting, const char *text)
{
	if (!view_eq(a->value[setting], VIEW(text)))
		fail_msg("%s is \"%.*s\", not \"%s\"", account_setting_name(setting),
			 (int)a->value[setting].len, a->value[setting].data, text);
}

static void an_account_is_kept_with_defaults_for_what_it_does_not_set(void **state)
{
	struct fixture *f = *state;
	struct account_change c = whole();
	struct account a;

	add(f, "anna", false, &c);
	fixture_reopen(f);
	catalog = archive_catalog(f->a);
	a = get(f, "anna");
	assert_value(&a, ACCOUNT_HOST, "mail.example");
	assert_value(&a, ACCOUNT_PROTOCOL, "imap");
	assert_value(&a, ACCOUNT_ARCHIVED, "leave");
	assert_true(a.own[ACCOUNT_HOST]);
	assert_false(a.own[ACCOUNT_PROTOCOL]);
	assert_null(a.parent.data);
	assert_int_equal(a.run_s, 0);
	assert_int_equal(accounts_get(catalog, arena, VIEW("otto"), &a, &f->err), 0);
}

static void a_name_is_taken_once(void **state)
{
	struct fixture *f = *state;
	struct account_change c = whole();

	add(f, "anna", false, &c);
	assert_int_equal(accounts_add(catalog, VIEW("anna"), false, &c, job_check, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
}

static void unset_settings_are_the_prototypes_also_when_it_changes_later(void **state)
{
	struct fixture *f = *state;
	struct account_change proto = {.parent = NULL}, own = {.parent = "office"};
	struct account a;

	proto.value[ACCOUNT_HOST] = VIEW("mail.example");
	proto.value[ACCOUNT_ARCHIVED] = VIEW("tag=Archived");
	proto.value[ACCOUNT_PASSWORD] = VIEW("shared");
	own.value[ACCOUNT_USER] = VIEW("otto");
	own.value[ACCOUNT_DUPLICATE] = VIEW("delete");
	add(f, "office", true, &proto);
	add(f, "otto", false, &own);
	a = get(f, "otto");
	assert_value(&a, ACCOUNT_HOST, "mail.example");
	assert_value(&a, ACCOUNT_ARCHIVED, "tag=Archived");
	assert_value(&a, ACCOUNT_DUPLICATE, "delete");
	assert_true(view_eq(a.parent, VIEW("office")));
	assert_true(a.set[ACCOUNT_PASSWORD] && !a.own[ACCOUNT_PASSWORD]);

	proto = (struct account_change){.parent = NULL};
	proto.value[ACCOUNT_HOST] = VIEW("new.example");
	assert_int_equal(accounts_change(catalog, VIEW("office"), &proto, job_check, &f->err), 0);
	a = get(f, "otto");
	assert_value(&a, ACCOUNT_HOST, "new.example");
}

static void only_prototypes_are_inherited_from_and_they_stay_while_they_are(void **state)
{
	struct fixture *f = *state;
	struct account_change c = whole(), none = {.parent = NULL};

	add(f, "anna", false, &c);
	c.parent = "anna";
	assert_int_equal(accounts_add(catalog, VIEW("otto"), false, &c, job_check, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
	add(f, "office", true, &none);
	c.parent = "office";
	add(f, "otto", false, &c);
	assert_int_equal(accounts_add(catalog, VIEW("two"), true, &c, job_check, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_USAGE);
	assert_int_equal(accounts_remove(catalog, VIEW("office"), &f->err), -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
	assert_int_equal(accounts_remove(catalog, VIEW("otto"), &f->err), 0);
	assert_int_equal(accounts_remove(catalog, VIEW("office"), &f->err), 0);
	assert_int_equal(accounts_remove(catalog, VIEW("office"), &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
}

static void a_secret_is_given_out_by_the_one_function_for_it_only(void **state)
{
	struct fixture *f = *state;
	struct account_change c = whole();
	CLEAN(secret) password = NULL;
	CLEAN(secret) token = NULL;
	struct account a;

	add(f, "anna", false, &c);
	a = get(f, "anna");
	assert_true(a.set[ACCOUNT_PASSWORD]);
	assert_value(&a, ACCOUNT_PASSWORD, "");
	assert_int_equal(accounts_secret(catalog, a.account, ACCOUNT_PASSWORD, &password, &f->err),
			 1);
	assert_int_equal(secret_len(password), strlen("geheim-4711"));
	assert_memory_equal(secret_data(password), "geheim-4711", secret_len(password));
	assert_int_equal(
		accounts_secret(catalog, a.account, ACCOUNT_REFRESH_TOKEN, &token, &f->err), 0);
	assert_int_equal(
		accounts_set(catalog, a.account, ACCOUNT_REFRESH_TOKEN, VIEW("next"), &f->err), 0);
	assert_int_equal(
		accounts_secret(catalog, a.account, ACCOUNT_REFRESH_TOKEN, &token, &f->err), 1);
}

/* A setting that is not right, in an account that else is. */
static void assert_refused(struct fixture *f, enum account_setting setting, const char *value)
{
	struct account_change c = whole();
	struct account a;

	c.value[setting] = VIEW(value);
	if (accounts_add(catalog, VIEW("x"), false, &c, job_check, &f->err) == 0)
		fail_msg("%s = \"%s\" is taken", account_setting_name(setting), value);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	assert_int_equal(accounts_get(catalog, arena, VIEW("x"), &a, &f->err), 0);
}

static void a_setting_that_makes_no_sense_is_refused_and_nothing_is_made(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, ACCOUNT_PROTOCOL, "imaps");
	assert_refused(f, ACCOUNT_HOST, "");
	assert_refused(f, ACCOUNT_HOST, "mail.example/x");
	assert_refused(f, ACCOUNT_HOST, "anna@mail.example");
	assert_refused(f, ACCOUNT_HOST, "mail example");
	assert_refused(f, ACCOUNT_PORT, "0");
	assert_refused(f, ACCOUNT_PORT, "65536");
	assert_refused(f, ACCOUNT_PORT, "14x");
	assert_refused(f, ACCOUNT_PORT, "123456789");
	assert_refused(f, ACCOUNT_TLS, "ssl");
	assert_refused(f, ACCOUNT_USER, "");
	assert_refused(f, ACCOUNT_USER, "anna\r\nDELE 1");
	assert_refused(f, ACCOUNT_ARCHIVED, "move");
	assert_refused(f, ACCOUNT_ARCHIVED, "move=");
	assert_refused(f, ACCOUNT_ARCHIVED, "move=a\nb");
	assert_refused(f, ACCOUNT_ARCHIVED, "move=Archive/");
	assert_refused(f, ACCOUNT_ARCHIVED, "move=/Archive");
	assert_refused(f, ACCOUNT_ARCHIVED, "move=Inbox");
	assert_refused(f, ACCOUNT_ARCHIVED, "tag=two words");
	assert_refused(f, ACCOUNT_ARCHIVED, "tag=\\Seen");
	assert_refused(f, ACCOUNT_ARCHIVED, "leave=x");
	assert_refused(f, ACCOUNT_FAILED, "delete");
	assert_refused(f, ACCOUNT_GRANT, "implicit");
	assert_refused(f, ACCOUNT_GRANT, "device-code");
	assert_refused(f, ACCOUNT_PRESET, "hotmail");
	assert_refused(f, ACCOUNT_FOLDERS, "a&&b");
}

static void pop3_has_no_folders_and_no_tags(void **state)
{
	struct fixture *f = *state;
	struct account_change c = whole();

	c.value[ACCOUNT_PROTOCOL] = VIEW("pop3");
	c.value[ACCOUNT_ARCHIVED] = VIEW("delete");
	add(f, "anna", false, &c);
	c.value[ACCOUNT_ARCHIVED] = VIEW("move=Done");
	assert_int_equal(accounts_add(catalog, VIEW("b"), false, &c, job_check, &f->err), -1);
	c.value[ACCOUNT_ARCHIVED] = VIEW("leave");
	c.value[ACCOUNT_FOLDERS] = VIEW("INBOX");
	assert_int_equal(accounts_add(catalog, VIEW("b"), false, &c, job_check, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
}

static void a_job_says_what_the_settings_say(void **state)
{
	struct fixture *f = *state;
	struct account_change c = whole();
	struct account a;
	struct fetch_job job;

	c.value[ACCOUNT_TLS] = VIEW("starttls");
	c.value[ACCOUNT_VERIFY] = VIEW("no");
	c.value[ACCOUNT_ARCHIVED] = VIEW("move=Archiv = alt");
	add(f, "anna", false, &c);
	a = get(f, "anna");
	assert_int_equal(job_of(&a, &job, &f->err), 0);
	assert_int_equal(job.protocol, FETCH_IMAP);
	assert_int_equal(job.port, 143);
	assert_int_equal(job.tls, FETCH_TLS_STARTTLS);
	assert_false(job.verify);
	assert_int_equal(job.actions[FETCH_ARCHIVED].act, FETCH_MOVE);
	assert_true(view_eq(job.actions[FETCH_ARCHIVED].name, VIEW("Archiv = alt")));
	assert_int_equal(job.actions[FETCH_DUPLICATE].act, FETCH_LEAVE);
	assert_int_equal(job.password.len, 0);
}

static int count_mail(void *arg, const struct fetched_mail *mail, struct err *err)
{
	(void)err;
	assert_true(view_eq(mail->which.folder, VIEW("INBOX")));
	*(uint64_t *)arg += mail->which.uid * 100 + (uint64_t)mail->state;
	return 0;
}

static int keep_folder(void *arg, const struct fetched_folder *folder, struct err *err)
{
	(void)err;
	*(struct fetched_folder *)arg = *folder;
	return 0;
}

static void what_was_fetched_is_remembered_and_goes_with_the_account(void **state)
{
	struct fixture *f = *state;
	struct account_change c = whole();
	struct fetched_mail m = {.which = {VIEW("INBOX"), 7, 3, VIEW("")}, .entry = uuid_new()};
	struct fetched_folder folder = {VIEW("INBOX"), 7, 3, 2, 1, 0}, kept;
	uint64_t sum = 0;
	struct account a;

	add(f, "anna", false, &c);
	a = get(f, "anna");
	m.state = FETCHED_SPOOLED;
	assert_int_equal(fetched_mail_put(catalog, a.account, &m, &f->err), 0);
	m.state = FETCHED_SETTLED;
	assert_int_equal(fetched_mail_put(catalog, a.account, &m, &f->err), 0);
	assert_int_equal(fetched_each_mail(catalog, a.account, count_mail, &sum, &f->err), 0);
	assert_int_equal(sum, 302);
	assert_int_equal(fetched_folder_put(catalog, a.account, &folder, &f->err), 0);
	folder.uid = 9;
	assert_int_equal(fetched_folder_put(catalog, a.account, &folder, &f->err), 0);
	assert_int_equal(fetched_each_folder(catalog, a.account, keep_folder, &kept, &f->err), 0);
	assert_true(kept.uid == 9 && kept.archived == 4 && kept.duplicate == 2);
	a = get(f, "anna");
	assert_true(a.archived == 4 && a.duplicate == 2 && a.failed == 0);

	assert_int_equal(fetched_mail_done(catalog, a.account, &m.which, &f->err), 0);
	sum = 0;
	assert_int_equal(fetched_each_mail(catalog, a.account, count_mail, &sum, &f->err), 0);
	assert_int_equal(sum, 0);
	assert_int_equal(accounts_remove(catalog, VIEW("anna"), &f->err), 0);
	kept.uid = 0;
	assert_int_equal(fetched_each_folder(catalog, a.account, keep_folder, &kept, &f->err), 0);
	assert_int_equal(kept.uid, 0);
}

static void how_a_run_ended_is_told(void **state)
{
	struct fixture *f = *state;
	struct account_change c = whole();
	struct accounts all;
	struct account a;

	add(f, "otto", false, &c);
	add(f, "anna", false, &c);
	a = get(f, "otto");
	assert_int_equal(accounts_note_run(catalog, a.account, 1700000000, "offline", 3, &f->err),
			 0);
	assert_int_equal(accounts_list(catalog, arena, &all, &f->err), 0);
	assert_int_equal(all.n, 2);
	assert_true(view_eq(all.v[0].name, VIEW("anna")) && all.v[0].run_s == 0);
	assert_true(view_eq(all.v[1].run_error, VIEW("offline")) && all.v[1].waiting == 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_account_is_kept_with_defaults_for_what_it_does_not_set),
		T(a_name_is_taken_once),
		T(unset_settings_are_the_prototypes_also_when_it_changes_later),
		T(only_prototypes_are_inherited_from_and_they_stay_while_they_are),
		T(a_secret_is_given_out_by_the_one_function_for_it_only),
		T(a_setting_that_makes_no_sense_is_refused_and_nothing_is_made),
		T(pop3_has_no_folders_and_no_tags),
		T(a_job_says_what_the_settings_say),
		T(what_was_fetched_is_remembered_and_goes_with_the_account),
		T(how_a_run_ended_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

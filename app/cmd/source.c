/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/source.h"
#include "app/cmd/cmd.h"
#include "base/file.h"

enum { PEM_MAX = 64 * 1024 };

struct options {
	const char
		*value[SOURCE_N_SETTINGS]; /* of a name that several sources have, with the first */
	const char *user, *password_file;
	bool password_prompt;
};

/* --- what is set ------------------------------------------------------------------------------ */

static size_t place_of(const struct source_order *order, enum person_source source)
{
	for (size_t i = 0; i < order->n; i++)
		if (order->v[i] == source)
			return i + 1;
	return 0;
}

static bool is_secret(size_t setting)
{
	return source_setting_form((enum source_setting)setting) == SOURCE_SECRET;
}

static void add_settings_json(const struct source *source, struct str *out)
{
	const char *comma = "";

	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++) {
		if (source->value[i] == NULL)
			continue;
		str_addf(out, "%s\"%s\": ", comma, source_setting_name((enum source_setting)i));
		cmd_json_text(out, VIEW(source->value[i]));
		comma = ", ";
	}
}

static void show_json(const struct source *source, const char *name, size_t place, struct str *out)
{
	str_addf(out, "{\"source\": \"%s\", \"on\": %s, \"place\": %zu, \"settings\": {", name,
		 place > 0 ? "true" : "false", place);
	add_settings_json(source, out);
	str_addf(out, "}, \"secretsSet\": [%s]}\n",
		 source->password != NULL ? "\"bind-password\"" : "");
}

static void show_setting(const struct source *source, size_t setting, struct str *out)
{
	enum source_form form = source_setting_form((enum source_setting)setting);

	str_addf(out, "  %-16s ", source_setting_name((enum source_setting)setting));
	if (form == SOURCE_TEXT || form == SOURCE_NUMBER)
		str_addsafe(out, VIEW(source->value[setting]), false);
	else
		str_adds(out, "(is set)");
	str_adds(out, "\n");
}

static void show_text(const struct source *source, const char *name, size_t place, struct str *out)
{
	if (place > 0)
		str_addf(out, "%s: asked as number %zu\n", name, place);
	else
		str_addf(out, "%s: off\n", name);
	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++)
		if (source->given[i])
			show_setting(source, i, out);
}

static int show(struct cmd *cmd, struct archive *a, const struct source_order *order,
		enum person_source which, struct err *err)
{
	const char *name = person_source_name(which);
	size_t place = place_of(order, which);
	CLEAN(arena) arena = arena_new();
	CLEAN_SOURCE source = {0};
	CLEAN_STR out = STR_INIT;

	if (which != PERSON_OWN && source_load(archive_catalog(a), arena, which, &source, err) < 0)
		return -1;
	if (cmd->json)
		show_json(&source, name, place, &out);
	else
		show_text(&source, name, place, &out);
	return cmd_print(&out) < 0 ? err_errno(err, "standard output: %m") : 0;
}

static int list(struct cmd *cmd, struct archive *a)
{
	struct source_order order;
	struct err err = {0};

	if (source_order_load(archive_catalog(a), &order, &err) < 0)
		return cmd_fail(cmd, &err);
	for (unsigned i = PERSON_OWN; i < PERSON_N_SOURCES; i++)
		if (person_source_usable((enum person_source)i) &&
		    show(cmd, a, &order, (enum person_source)i, &err) < 0)
			return cmd_fail(cmd, &err);
	return EXIT_DONE;
}

static int set_order(struct cmd *cmd, struct archive *a)
{
	struct source_order order = {0};
	struct err err = {0};

	for (int i = 1; i < cmd->argc; i++)
		if (order.n == PERSON_N_SOURCES ||
		    person_source_by_name(VIEW(cmd->argv[i]), &order.v[order.n++]) == 0)
			return cmd_usage(cmd, "there is no source \"%s\"", cmd->argv[i]);
	if (source_order_save(archive_catalog(a), &order, &err) < 0)
		return cmd_fail_meaning(cmd, &err, "Nothing was changed.");
	return EXIT_DONE;
}

/* --- setting ---------------------------------------------------------------------------------- */

/* What was given for a setting; NULL: nothing. */
static const char *given(const struct options *o, size_t setting)
{
	const char *name = source_setting_name((enum source_setting)setting);

	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++)
		if (strcmp(source_setting_name((enum source_setting)i), name) == 0)
			return o->value[i];
	return NULL;
}

static bool has_name(enum person_source source, const char *name)
{
	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++)
		if (source_has(source, (enum source_setting)i) &&
		    strcmp(source_setting_name((enum source_setting)i), name) == 0)
			return true;
	return false;
}

static int put_given(struct source *source, const struct options *o, size_t setting,
		     struct arena *arena, struct err *err)
{
	struct view name = VIEW(source_setting_name((enum source_setting)setting));
	const char *value = given(o, setting);
	CLEAN_STR text = STR_INIT;

	if (value == NULL)
		return 0;
	if (source_setting_form((enum source_setting)setting) != SOURCE_CERTIFICATES)
		str_adds(&text, value);
	else if (value[0] != '\0' && file_read(value, PEM_MAX, &text, err) < 0)
		return -1;
	return source_put(source, arena, name, str_view(&text), err);
}

/* For a source that has a secret. */
static int put_password(struct cmd *cmd, struct source *source, const struct options *o)
{
	CLEAN(secret) password = NULL;

	if (o->password_file == NULL && !o->password_prompt)
		return 0;
	if (cmd_password(cmd, "the source", o->password_file, false, &password) < 0)
		return -1;
	secret_free(&source->password);
	source->password = TAKE(password);
	source->given[SOURCE_LDAP_BIND_PASSWORD] = true;
	return 0;
}

static int check_options(struct cmd *cmd, enum person_source source, const struct options *o)
{
	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++) {
		const char *name = source_setting_name((enum source_setting)i);

		if (o->value[i] != NULL && !has_name(source, name)) {
			cmd_usage(cmd, "the source %s has no setting --%s",
				  person_source_name(source), name);
			return -1;
		}
	}
	if (source != PERSON_LDAP && (o->password_file != NULL || o->password_prompt)) {
		cmd_usage(cmd, "the source %s has no password of its own",
			  person_source_name(source));
		return -1;
	}
	return 0;
}

static int set(struct cmd *cmd, struct archive *a, enum person_source which,
	       const struct options *o)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_SOURCE source = {0};
	struct err err = {0};

	if (check_options(cmd, which, o) < 0)
		return EXIT_USAGE;
	if (source_load(archive_catalog(a), arena, which, &source, &err) < 0)
		return cmd_fail(cmd, &err);
	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++)
		if (source_has(which, (enum source_setting)i) && !is_secret(i) &&
		    put_given(&source, o, i, arena, &err) < 0)
			return cmd_fail_meaning(cmd, &err, "Nothing was changed.");
	/* the account that searches and its password come and go together */
	if (o->value[SOURCE_LDAP_BIND_DN] != NULL && o->value[SOURCE_LDAP_BIND_DN][0] == '\0' &&
	    source_put(&source, arena, VIEW("bind-password"), VIEW(""), &err) < 0)
		return cmd_fail(cmd, &err);
	if (put_password(cmd, &source, o) < 0)
		return EXIT_FAILED;
	if (source_save(archive_catalog(a), &source, &err) < 0)
		return cmd_fail_meaning(cmd, &err, "Nothing was changed.");
	return EXIT_DONE;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void add_addresses(struct str *out, const struct identity_texts *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		str_adds(out, i > 0 ? ", " : "");
		str_addsafe(out, VIEW(texts->v[i]), false);
	}
}

static void add_texts_json(struct str *out, const struct identity_texts *texts)
{
	str_addc(out, '[');
	for (size_t i = 0; i < texts->n; i++) {
		str_adds(out, i > 0 ? ", " : "");
		cmd_json_text(out, VIEW(texts->v[i]));
	}
	str_addc(out, ']');
}

static void add_person_json(struct str *out, const struct identity *person)
{
	str_adds(out, "{\"uid\": ");
	cmd_json_text(out, VIEW(person->uid));
	str_adds(out, ", \"name\": ");
	cmd_json_text(out, VIEW(person->name));
	str_adds(out, ", \"shown\": ");
	cmd_json_text(out, VIEW(person->shown));
	str_adds(out, ", \"addresses\": ");
	add_texts_json(out, &person->addresses);
	str_adds(out, ", \"groups\": [");
	for (size_t i = 0; i < person->groups.n; i++) {
		str_adds(out, i > 0 ? ", {\"name\": " : "{\"name\": ");
		cmd_json_text(out, VIEW(person->groups.v[i].name));
		str_adds(out, ", \"addresses\": ");
		add_texts_json(out, &person->groups.v[i].addresses);
		str_addc(out, '}');
	}
	str_adds(out, "]}");
}

static void add_person(struct str *out, const struct identity *person)
{
	str_addsafe(out, VIEW(person->name), false);
	str_adds(out, " (");
	str_addsafe(out, VIEW(person->shown), false);
	str_adds(out, person->addresses.n > 0 ? "), " : "), without an address");
	add_addresses(out, &person->addresses);
	str_adds(out, "\n");
	for (size_t i = 0; i < person->groups.n; i++) {
		str_adds(out, "  in ");
		str_addsafe(out, VIEW(person->groups.v[i].name), false);
		str_adds(out, person->groups.v[i].addresses.n > 0 ? ": " : "");
		add_addresses(out, &person->groups.v[i].addresses);
		str_adds(out, "\n");
	}
}

static int print_people(struct cmd *cmd, const struct identities *people)
{
	CLEAN_STR out = STR_INIT;

	for (size_t i = 0; i < people->n; i++) {
		if (cmd->json) {
			add_person_json(&out, &people->v[i]);
			str_adds(&out, "\n");
		} else {
			add_person(&out, &people->v[i]);
		}
	}
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* Of one question, in words or as {"ok": .., "verdict": .., "text": .., "person": ..}. */
static int print_answer(struct cmd *cmd, const struct source_answer *answer, bool of_one)
{
	const char *verdict = source_verdict_text(answer->verdict);
	CLEAN_STR out = STR_INIT;
	bool right = answer->verdict == SOURCE_RIGHT;

	if (cmd->json) {
		str_addf(&out,
			 "{\"ok\": %s, \"verdict\": \"%s\", \"text\": ", right ? "true" : "false",
			 verdict);
		cmd_json_text(&out, VIEW(answer->text));
		if (answer->people.n > 0) {
			str_adds(&out, ", \"person\": ");
			add_person_json(&out, &answer->people.v[0]);
		}
		str_adds(&out, "}\n");
	} else {
		if (of_one)
			str_adds(&out, right ? "may log in" : verdict);
		str_adds(&out, of_one && answer->text[0] != '\0' ? ": " : "");
		str_addsafe(&out, VIEW(answer->text), false);
		str_adds(&out, "\n");
		if (answer->people.n > 0)
			add_person(&out, &answer->people.v[0]);
	}
	if (cmd_print(&out) < 0)
		return EXIT_FAILED;
	return right ? EXIT_DONE : EXIT_REFUSED;
}

static int ask(struct cmd *cmd, struct archive *a, enum person_source which,
	       const struct source_question *question)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_SOURCE source = {0};
	struct source_answer answer;
	struct err err = {0};

	if (source_load(archive_catalog(a), arena, which, &source, &err) < 0 ||
	    source_ask(&source, question, arena, &answer, &err) < 0)
		return cmd_fail_meaning(cmd, &err,
					"People of this source cannot log in now; mail is archived "
					"as before.");
	return question->what == SOURCE_LIST
		       ? print_people(cmd, &answer.people)
		       : print_answer(cmd, &answer, question->what != SOURCE_TEST);
}

static int test(struct cmd *cmd, struct archive *a, enum person_source which,
		const struct options *o)
{
	bool has_password = o->password_file != NULL || o->password_prompt;
	struct source_question question = {.what = SOURCE_TEST, .name = o->user};
	CLEAN(secret) password = NULL;

	if (o->user == NULL && has_password)
		return cmd_usage(cmd, "whose password is that? Name a --user");
	if (o->user != NULL)
		question.what = has_password ? SOURCE_LOGIN : SOURCE_LOOK;
	if (has_password && cmd_password(cmd, "the source", o->password_file, false, &password) < 0)
		return EXIT_FAILED;
	question.password = password;
	return ask(cmd, a, which, &question);
}

/* --- the whole -------------------------------------------------------------------------------- */

static int dispatch_named(struct cmd *cmd, struct archive *a, const struct options *o)
{
	const struct source_question everybody = {.what = SOURCE_LIST};
	enum person_source source;

	if (cmd->argc != 2)
		return cmd_usage(cmd, "name one source");
	if (person_source_by_name(VIEW(cmd->argv[1]), &source) == 0)
		return cmd_usage(cmd, "there is no source \"%s\"", cmd->argv[1]);
	if (strcmp(cmd->argv[0], "set") == 0)
		return set(cmd, a, source, o);
	return strcmp(cmd->argv[0], "test") == 0 ? test(cmd, a, source, o)
						 : ask(cmd, a, source, &everybody);
}

static int dispatch(struct cmd *cmd, const struct options *o)
{
	const char *verb = cmd->argv[0];
	CLEAN(archive) a = NULL;
	bool is_list = strcmp(verb, "list") == 0, is_order = strcmp(verb, "order") == 0;

	if (!is_list && !is_order && strcmp(verb, "set") != 0 && strcmp(verb, "test") != 0 &&
	    strcmp(verb, "people") != 0)
		return cmd_usage(cmd, "what is \"%s\"?", verb);
	if (is_list && cmd->argc > 1)
		return cmd_usage(cmd, "what is \"%s\"?", cmd->argv[1]);
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (is_list)
		return list(cmd, a);
	if ((is_order || strcmp(verb, "set") == 0) && cmd_permits_settings(cmd, a) != EXIT_DONE)
		return EXIT_FAILED;
	return is_order ? set_order(cmd, a) : dispatch_named(cmd, a, o);
}

int cmd_source(struct cmd *cmd)
{
	struct option_row rows[SOURCE_N_SETTINGS + 4] = {{0}};
	struct options o = {0};
	size_t n = 0;

	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++)
		if (!is_secret(i))
			rows[n++] = (struct option_row){source_setting_name((enum source_setting)i),
							OPTION_TEXT, &o.value[i]};
	rows[n++] = (struct option_row){"user", OPTION_TEXT, &o.user};
	rows[n++] = (struct option_row){"password-file", OPTION_TEXT, &o.password_file};
	rows[n++] = (struct option_row){"password-prompt", OPTION_FLAG, &o.password_prompt};
	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc < 1)
		return cmd_usage(cmd, "say what to do");
	if (o.password_file != NULL && o.password_prompt)
		return cmd_usage(cmd, "two of these options contradict each other");
	return dispatch(cmd, &o);
}

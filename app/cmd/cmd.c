/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/cmd.h"

#include "app/archive/read.h"
#include "base/log.h"
#include "base/clock.h"
#include "base/conf.h"

#include <signal.h>
#include <stdarg.h>
#include <time.h>

void option_list_cleanup(struct option_list *list)
{
	free(list->v);
}

static volatile sig_atomic_t stop_asked;

static void on_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

void cmd_audit_line(struct archive *a, enum audit_event what, const char *subject,
		    const char *detail)
{
	struct err err = {0};

	if (audit_add(archive_catalog(a), what, VIEW(subject), VIEW(detail), &err) < 0)
		log_error("the audit log lacks a line: %s", err.text);
}

void cmd_catch_stop(void)
{
	struct sigaction action = {.sa_handler = on_stop};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool cmd_stop(void *unused)
{
	(void)unused;
	return stop_asked != 0;
}

int cmd_usage(const struct cmd *cmd, const char *fmt, ...)
{
	CLEAN_STR text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_addfv(&text, fmt, ap);
	va_end(ap);
	fprintf(stderr, "sealpost %s: %s\nusage: sealpost %s %s\n", cmd->verb, text.data, cmd->verb,
		cmd->usage);
	return EXIT_USAGE;
}

int cmd_fail(const struct cmd *cmd, const struct err *err)
{
	return cmd_fail_meaning(cmd, err, err_sentence(err->kind));
}

int cmd_fail_meaning(const struct cmd *cmd, const struct err *err, const char *meaning)
{
	CLEAN_STR text = STR_INIT;
	CLEAN_STR json = STR_INIT;

	/* keep_lines: a query's mistake is shown under the query */
	str_addsafe(&text, VIEW(err->text), true);
	fprintf(stderr, "sealpost %s: %s\n", cmd->verb, text.data);
	if (meaning[0] != '\0')
		fprintf(stderr, "%s\n", meaning);
	if (cmd->json) {
		str_addf(&json, "{\"error\": \"%s\", \"text\": ", err_code(err->kind));
		cmd_json_text(&json, str_view(&text));
		str_adds(&json, "}\n");
		cmd_print(&json);
	}
	return EXIT_FAILED;
}

static void list_add(struct option_list *list, const char *value)
{
	if (list->n == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 8;
		list->v = mem_grow(list->v, list->cap * sizeof(*list->v));
	}
	list->v[list->n++] = value;
}

static int set_option(struct cmd *cmd, const struct option_row *row, const char *value)
{
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)row->to = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)row->to = value;
		return 0;
	case OPTION_LIST:
		list_add(row->to, value);
		return 0;
	case OPTION_NUMBER:
		if (conf_number(value, row->to) == 0)
			return 0;
		cmd_usage(cmd, "--%s takes a number, not \"%s\"", row->name, value);
		return -1;
	}
	return -1;
}

static const struct option_row *find_option(const struct option_row *rows, struct view name)
{
	for (; rows->name != NULL; rows++)
		if (view_eq(name, VIEW(rows->name)))
			return rows;
	return NULL;
}

/* One option at argv[*I]; *I is left at its last word. */
static int take_option(struct cmd *cmd, const struct option_row *rows, int *i)
{
	struct view rest = VIEW(cmd->argv[*i] + 2);
	struct view name;
	const struct option_row *row;
	const char *value;

	view_cut(&rest, '=', &name);
	value = rest.data;
	row = find_option(rows, name);
	if (row == NULL) {
		cmd_usage(cmd, "there is no option --%.*s", (int)name.len, name.data);
		return -1;
	}
	if (row->kind == OPTION_FLAG && value != NULL) {
		cmd_usage(cmd, "--%s takes no value", row->name);
		return -1;
	}
	if (row->kind != OPTION_FLAG && value == NULL) {
		if (*i + 1 >= cmd->argc) {
			cmd_usage(cmd, "--%s takes a value", row->name);
			return -1;
		}
		value = cmd->argv[++*i];
	}
	return set_option(cmd, row, value);
}

int cmd_options(struct cmd *cmd, const struct option_row *rows)
{
	bool only_arguments = false;
	int n = 0;

	for (int i = 0; i < cmd->argc; i++) {
		const char *word = cmd->argv[i];

		if (only_arguments || strncmp(word, "--", 2) != 0) {
			cmd->argv[n++] = cmd->argv[i];
		} else if (word[2] == '\0') {
			only_arguments = true;
		} else if (take_option(cmd, rows, &i) < 0) {
			return -1;
		}
	}
	cmd->argc = n;
	return 0;
}

int cmd_open(const struct cmd *cmd, struct archive **archive_r)
{
	struct err err = {0};

	if (archive_open(cmd->archive_dir, archive_r, &err) == 0)
		return 0;
	cmd_fail(cmd, &err);
	return -1;
}

int cmd_find_mail(const struct cmd *cmd, struct archive *a, struct arena *arena, const char *text,
		  struct mail_row *row_r)
{
	struct err err = {0};
	struct uuid id;

	if (uuid_read(VIEW(text), &id) < 0)
		err_set(&err, ERR_SYNTAX, "\"%s\" is no id; search shows the ids of mails", text);
	else if (mail_find(a, arena, &id, row_r, &err) > 0)
		return 0;
	else
		err_add(&err, "%s", text);
	cmd_fail(cmd, &err);
	return -1;
}

static int prompt_twice(const char *question, struct secret **password_r, struct err *err)
{
	CLEAN(secret) first = NULL;
	CLEAN(secret) second = NULL;

	if (secret_prompt(question, &first, err) < 0 ||
	    secret_prompt("The same once more: ", &second, err) < 0)
		return -1;
	if (!secret_eq(first, second))
		return err_set(err, ERR_SYNTAX, "the two passwords differ");
	*password_r = TAKE(first);
	return 0;
}

int cmd_password(const struct cmd *cmd, const char *of, const char *file, bool confirm,
		 struct secret **password_r)
{
	CLEAN_STR question = STR_INIT;
	struct err err = {0};
	int rc;

	str_addf(&question, "Password %s %s: ", confirm ? "for" : "of", of);
	if (file != NULL)
		rc = secret_read_line_file(file, password_r, &err);
	else if (confirm)
		rc = prompt_twice(question.data, password_r, &err);
	else
		rc = secret_prompt(question.data, password_r, &err);
	if (rc < 0)
		cmd_fail(cmd, &err);
	return rc;
}

void cmd_json_text(struct str *out, struct view text)
{
	CLEAN_STR safe = STR_INIT;

	str_addsafe(&safe, text, true);
	str_addc(out, '"');
	for (size_t i = 0; i < safe.len; i++) {
		unsigned char c = (unsigned char)safe.data[i];

		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else if (c == '\n')
			str_adds(out, "\\n");
		else if (c == '\t')
			str_adds(out, "\\t");
		else
			str_addc(out, (char)c);
	}
	str_addc(out, '"');
}

int cmd_number(const struct cmd *cmd, const char *text, const char *of, uint64_t *number_r)
{
	char *end;

	*number_r = strtoull(text, &end, 10);
	if (*number_r > 0 && *end == '\0' && text[0] != '-')
		return 0;
	cmd_usage(cmd, "\"%s\" is no number of a %s", text, of);
	return -1;
}

void cmd_json_time(struct str *out, const char *name, int64_t time_s)
{
	str_addf(out, ", \"%s\": ", name);
	if (time_s == 0) {
		str_adds(out, "null");
		return;
	}
	str_addc(out, '"');
	clock_add_utc(out, time_s);
	str_addc(out, '"');
}

void cmd_add_when(struct str *out, int64_t time_s)
{
	str_adds(out, " on ");
	clock_add_utc(out, time_s);
	str_adds(out, ": ");
}

void cmd_json_list(struct str *out, const struct view *texts, size_t n)
{
	str_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		str_adds(out, i > 0 ? ", " : "");
		cmd_json_text(out, texts[i]);
	}
	str_addc(out, ']');
}

int cmd_print(const struct str *line)
{
	return fwrite(line->data, 1, line->len, stdout) == line->len ? 0 : -1;
}

const char *cmd_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

const char *cmd_bytes(uint64_t bytes, char out[32])
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	double n = (double)bytes;
	size_t unit = 0;

	for (; n >= 1000 && unit < 4; unit++)
		n /= 1000;
	snprintf(out, 32, unit ? "%.1f %s" : "%.0f %s", n, units[unit]);
	return out;
}

static int read_date(const char *text, bool behind, int64_t *time_s_r)
{
	static const struct {
		const char *form;
		int years, months, days;
	} forms[] = {{"%Y-%m-%d", 0, 0, 1}, {"%Y-%m", 0, 1, 0}, {"%Y", 1, 0, 0}};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tm tm = {.tm_mday = 1};
		const char *end = strptime(text, forms[i].form, &tm);

		if (end == NULL || *end != '\0' || tm.tm_year < 70)
			continue;
		if (behind) {
			tm.tm_year += forms[i].years;
			tm.tm_mon += forms[i].months;
			tm.tm_mday += forms[i].days;
		}
		*time_s_r = clock_of_local(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, 0, 0, 0);
		return 0;
	}
	return -1;
}

int cmd_date(const char *text, int64_t *time_s_r)
{
	return read_date(text, false, time_s_r);
}

int cmd_date_end(const char *text, int64_t *time_s_r)
{
	return read_date(text, true, time_s_r);
}

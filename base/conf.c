/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/conf.h"

#include "base/file.h"

#include <unistd.h>

enum { CONF_MAX_BYTES = 1024 * 1024 };

int conf_number(const char *text, uint64_t *n_r)
{
	static const char units[] = "kMG";
	uint64_t n = 0;
	const char *p = text;
	const char *unit;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -1;
	if (p == text)
		return -1;
	if (*p != '\0') {
		unit = strchr(units, *p == 'K' ? 'k' : *p);
		if (unit == NULL || p[1] != '\0' ||
		    __builtin_mul_overflow(n, 1ULL << (10 * (unit - units + 1)), &n))
			return -1;
	}
	*n_r = n;
	return 0;
}

static const struct conf_row *find_row(struct view name, const struct conf_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (view_eq(name, VIEW(rows[i].name)))
			return &rows[i];
	return NULL;
}

void conf_list_add(struct conf_list *list, const char *text)
{
	list->v = mem_grow(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = mem_strdup(text);
}

void conf_list_clear(struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = (struct conf_list){0};
}

static int set_number(const struct conf_row *row, const char *value, struct err *err)
{
	uint64_t number;

	if (conf_number(value, &number) < 0 || number < row->min || number > row->max)
		return err_set(err, ERR_SYNTAX, "%s takes a number from %llu to %llu, not \"%s\"",
			       row->name, (unsigned long long)row->min,
			       (unsigned long long)row->max, value);
	*(uint64_t *)row->value = number;
	return 0;
}

static int set_number_or_auto(const struct conf_row *row, const char *value, struct err *err)
{
	if (strcmp(value, "auto") != 0)
		return set_number(row, value, err);
	*(uint64_t *)row->value = CONF_AUTO;
	return 0;
}

static int set_switch(const struct conf_row *row, const char *value, struct err *err)
{
	bool yes = strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "no") != 0)
		return err_set(err, ERR_SYNTAX, "%s takes yes or no, not \"%s\"", row->name, value);
	*(bool *)row->value = yes;
	return 0;
}

static void add_words(const struct conf_choice *choice, struct str *out)
{
	for (size_t i = 0; choice->words[i] != NULL; i++)
		str_addf(out, "%s%s", i > 0 ? ", " : "", choice->words[i]);
}

static int set_choice(const struct conf_row *row, const char *value, struct err *err)
{
	struct conf_choice *choice = row->value;
	CLEAN_STR words = STR_INIT;

	for (size_t i = 0; choice->words[i] != NULL; i++)
		if (strcmp(value, choice->words[i]) == 0) {
			choice->chosen = i;
			return 0;
		}
	add_words(choice, &words);
	return err_set(err, ERR_SYNTAX, "%s takes one of: %s; not \"%s\"", row->name, words.data,
		       value);
}

static int check_length(const struct conf_row *row, const char *value, struct err *err)
{
	size_t len = strlen(value);

	if (len < row->min || len > row->max)
		return err_set(err, ERR_SYNTAX, "%s takes %llu to %llu characters", row->name,
			       (unsigned long long)row->min, (unsigned long long)row->max);
	return 0;
}

static int set_value(const struct conf_row *row, const char *value, bool first, struct err *err)
{
	switch (row->kind) {
	case CONF_NUMBER:
		return set_number(row, value, err);
	case CONF_NUMBER_OR_AUTO:
		return set_number_or_auto(row, value, err);
	case CONF_SWITCH:
		return set_switch(row, value, err);
	case CONF_CHOICE:
		return set_choice(row, value, err);
	case CONF_TEXT:
		if (check_length(row, value, err) < 0)
			return -1;
		free(*(char **)row->value);
		*(char **)row->value = mem_strdup(value);
		return 0;
	case CONF_LIST:
		if (check_length(row, value, err) < 0)
			return -1;
		if (first)
			conf_list_clear(row->value);
		conf_list_add(row->value, value);
		return 0;
	}
	return 0;
}

static int read_line(struct view line, const struct conf_row *rows, size_t n, bool *seen,
		     struct err *err)
{
	const struct conf_row *row;
	CLEAN_STR value = STR_INIT;
	struct view name;
	bool first;

	line = view_trim(line);
	if (line.len == 0 || line.data[0] == '#')
		return 0;
	view_cut(&line, '=', &name);
	name = view_trim(name);
	if (line.data == NULL)
		return err_set(err, ERR_SYNTAX, "a setting reads \"name = value\"");
	row = find_row(name, rows, n);
	if (row == NULL)
		return err_set(err, ERR_SYNTAX, "there is no setting \"%.*s\"", (int)name.len,
			       name.data);
	first = !seen[row - rows];
	if (!first && row->kind != CONF_LIST)
		return err_set(err, ERR_SYNTAX, "%s is set twice", row->name);
	seen[row - rows] = true;
	str_addv(&value, view_trim(line));
	return set_value(row, value.data, first, err);
}

int conf_read(const char *path, const struct conf_row *rows, size_t n, struct err *err)
{
	CLEAN_STR text = STR_INIT;
	CLEAN_MEM bool *seen = mem_new(n);
	struct view rest, line;
	unsigned number = 0;

	if (access(path, F_OK) < 0)
		return 0;
	if (file_read(path, CONF_MAX_BYTES, &text, err) < 0)
		return -1;
	rest = str_view(&text);
	while (view_cut(&rest, '\n', &line)) {
		number++;
		if (read_line(line, rows, n, seen, err) < 0)
			return err_add(err, "%s line %u", path, number);
	}
	return 0;
}

/* --- for the guide ---------------------------------------------------------------------------- */

/* As conf_number() reads it, with the largest unit that leaves nothing over. */
static void add_number(uint64_t n, struct str *out)
{
	static const char units[] = "kMG";
	size_t unit = 0;

	while (unit < strlen(units) && n >= 1024 && n % 1024 == 0) {
		n /= 1024;
		unit++;
	}
	str_addf(out, "%llu", (unsigned long long)n);
	if (unit > 0)
		str_addc(out, units[unit - 1]);
}

static void add_code(const char *text, struct str *out)
{
	if (*text != '\0')
		str_addf(out, "`%s`", text);
}

static void add_default(const struct conf_row *row, struct str *out)
{
	const struct conf_list *list = row->value;
	const struct conf_choice *choice = row->value;

	switch (row->kind) {
	case CONF_NUMBER:
	case CONF_NUMBER_OR_AUTO:
		if (row->kind == CONF_NUMBER_OR_AUTO && *(const uint64_t *)row->value == CONF_AUTO)
			str_adds(out, "auto");
		else
			add_number(*(const uint64_t *)row->value, out);
		break;
	case CONF_SWITCH:
		str_adds(out, *(const bool *)row->value ? "yes" : "no");
		break;
	case CONF_CHOICE:
		str_adds(out, choice->words[choice->chosen]);
		break;
	case CONF_TEXT:
		add_code(*(char *const *)row->value, out);
		break;
	case CONF_LIST:
		for (size_t i = 0; i < list->n; i++) {
			str_adds(out, i > 0 ? ", " : "");
			add_code(list->v[i], out);
		}
		break;
	}
}

static void add_bounds(const struct conf_row *row, struct str *out)
{
	if (row->kind == CONF_SWITCH) {
		str_adds(out, "yes, no");
		return;
	}
	if (row->kind == CONF_CHOICE) {
		add_words(row->value, out);
		return;
	}
	if (row->kind == CONF_NUMBER_OR_AUTO)
		str_adds(out, "auto, ");
	add_number(row->min, out);
	if (row->max == UINT64_MAX) {
		str_adds(out, " and more");
	} else {
		str_adds(out, " to ");
		add_number(row->max, out);
	}
	if (row->kind == CONF_TEXT || row->kind == CONF_LIST)
		str_adds(out, row->kind == CONF_LIST ? " characters; any number of lines"
						     : " characters");
}

void conf_table(const struct conf_row *rows, size_t n, struct str *out)
{
	str_adds(out, "| name | default | bounds | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; i < n; i++) {
		str_addf(out, "| `%s` | ", rows[i].name);
		add_default(&rows[i], out);
		str_adds(out, " | ");
		add_bounds(&rows[i], out);
		str_addf(out, " | %s |\n", rows[i].doc);
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/cmd.h"
#include "app/cmd/procedure_words.h"

struct writing {
	enum procedure_language language;
	struct str *out;
};

int procedure_language_read(const char *text, enum procedure_language *language_r)
{
	static const char *const names[] = {[PROCEDURE_DE] = "de", [PROCEDURE_EN] = "en"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], text) == 0) {
			*language_r = (enum procedure_language)i;
			return 0;
		}
	return -1;
}

/* One without a label is a mistake of ours that a test finds. */
static const char *label(const struct writing *w, const char *key)
{
	const char *text = procedure_label(key, w->language);

	return text != NULL ? text : key;
}

/* --- cells -------------------------------------------------------------------------------------- */

static bool ends_in(const char *key, const char *end)
{
	size_t len = strlen(key), n = strlen(end);

	return len >= n && strcmp(key + len - n, end) == 0;
}

/* Is the value one of our words, and not a name? */
static bool is_word(const char *key)
{
	static const char *const keys[] = {"kind",
					   "state",
					   "door",
					   "after_archiving",
					   "role",
					   "source",
					   "way",
					   "deletion",
					   "result",
					   "job",
					   "one_time_codes_demanded_of",
					   "alarm",
					   "level",
					   "sources"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

/* Nothing in it ends the cell, or begins a tag. */
static void add_text(struct writing *w, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|' || *text == '<' || *text == '\\')
			str_addc(w->out, '\\');
		str_addc(w->out, *text);
	}
}

static void add_string(struct writing *w, const char *key, const char *text)
{
	const char *word = is_word(key) ? procedure_value(text, w->language) : NULL;

	if (*text == '\0')
		str_adds(w->out, label(w, "none"));
	else if (strcmp(key, "when") == 0)
		procedure_add_when(w->out, text, w->language);
	else
		add_text(w, word != NULL ? word : text);
}

static void add_number(struct writing *w, const char *key, int64_t n)
{
	char bytes[32];

	if (ends_in(key, "_bytes"))
		str_adds(w->out, cmd_bytes((uint64_t)n, bytes));
	else
		str_addf(w->out, "%lld", (long long)n);
}

static void add_value(struct writing *w, const char *key, struct json_object *value);

static void add_values(struct writing *w, const char *key, struct json_object *array)
{
	size_t n = json_object_array_length(array);

	if (n == 0)
		str_adds(w->out, label(w, "none"));
	for (size_t i = 0; i < n; i++) {
		str_adds(w->out, i > 0 ? ", " : "");
		add_value(w, key, json_object_array_get_idx(array, i));
	}
}

static void add_value(struct writing *w, const char *key, struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		str_adds(w->out, label(w, strcmp(key, "valid_until") == 0 ? "none" : "never"));
		break;
	case json_type_boolean:
		str_adds(w->out, label(w, json_object_get_boolean(value) ? "yes" : "no"));
		break;
	case json_type_int:
		add_number(w, key, json_object_get_int64(value));
		break;
	case json_type_array:
		add_values(w, key, value);
		break;
	default:
		add_string(w, key, json_object_get_string(value));
	}
}

/* --- tables ------------------------------------------------------------------------------------- */

static bool is_table(struct json_object *value)
{
	return json_object_get_type(value) == json_type_object ||
	       (json_object_get_type(value) == json_type_array &&
		json_object_array_length(value) > 0 &&
		json_object_get_type(json_object_array_get_idx(value, 0)) == json_type_object);
}

/* Keys and values, but what is a table itself. */
static void add_facts(struct writing *w, struct json_object *object)
{
	bool any = false;

	json_object_object_foreach(object, key, value)
	{
		if (is_table(value))
			continue;
		if (!any)
			str_addf(w->out, "| %s | %s |\n|---|---|\n", label(w, "fact"),
				 label(w, "value"));
		any = true;
		str_addf(w->out, "| %s | ", label(w, key));
		add_value(w, key, value);
		str_adds(w->out, " |\n");
	}
	if (any)
		str_addc(w->out, '\n');
}

static bool has_column(struct json_object *columns, const char *key)
{
	return json_object_object_get_ex(columns, key, NULL);
}

/* All keys that any row has, in the order in which they are met. */
static struct json_object *columns_of(struct json_object *rows)
{
	struct json_object *columns = json_object_new_object();

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object_object_foreach(json_object_array_get_idx(rows, i), key, value)
		{
			(void)value;
			if (!has_column(columns, key))
				json_object_object_add(columns, key, NULL);
		}
	}
	return columns;
}

static void add_head(struct writing *w, struct json_object *columns)
{
	CLEAN_STR rule = STR_INIT;

	json_object_object_foreach(columns, key, value)
	{
		(void)value;
		str_addf(w->out, "| %s ", label(w, key));
		str_adds(&rule, "|---");
	}
	str_addf(w->out, "|\n%s|\n", rule.data);
}

static void add_row(struct writing *w, struct json_object *columns, struct json_object *row)
{
	json_object_object_foreach(columns, key, value)
	{
		struct json_object *cell;

		(void)value;
		str_adds(w->out, "| ");
		if (json_object_object_get_ex(row, key, &cell))
			add_value(w, key, cell);
		str_addc(w->out, ' ');
	}
	str_adds(w->out, "|\n");
}

static void add_rows(struct writing *w, struct json_object *rows)
{
	struct json_object *columns = columns_of(rows);

	add_head(w, columns);
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		add_row(w, columns, json_object_array_get_idx(rows, i));
	str_addc(w->out, '\n');
	json_object_put(columns);
}

/* --- chapters ----------------------------------------------------------------------------------- */

static void add_tables(struct writing *w, struct json_object *chapter)
{
	json_object_object_foreach(chapter, key, value)
	{
		if (!is_table(value))
			continue;
		str_addf(w->out, "### %s\n\n", label(w, key));
		if (json_object_get_type(value) == json_type_object)
			add_facts(w, value);
		else
			add_rows(w, value);
	}
}

void procedure_write(struct json_object *facts, enum procedure_language language, struct str *out)
{
	struct writing w = {language, out};

	str_addf(out, "# %s\n\n%s\n\n", label(&w, "title"), procedure_prose("title", language));
	json_object_object_foreach(facts, key, chapter)
	{
		const char *prose = procedure_prose(key, language);

		str_addf(out, "## %s\n\n%s\n\n", label(&w, key), prose != NULL ? prose : "");
		add_facts(&w, chapter);
		add_tables(&w, chapter);
	}
	if (out->len > 1) /* a file ends in one line end */
		out->data[--out->len] = '\0';
}

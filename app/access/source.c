/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/source.h"

#include "app/catalog/audit.h"
#include "base/crypto.h"

#include <stdio.h>

enum { NAME_MAX_BYTES = 64 };
#define ORDER_NAME "source.order"
#define ORDER_DEFAULT "own"

static const struct row {
	enum person_source source;
	enum source_form form;
	const char *name, *by_default;
} rows[SOURCE_N_SETTINGS] = {
#define X(source, setting, name, form, by_default) {PERSON_##source, form, name, by_default},
	SOURCE_SETTINGS(X)
#undef X
};

static void wipe(struct str *value)
{
	explicit_bzero(value->data, value->cap);
	str_clear(value);
}
#define CLEAN_VALUE __attribute__((cleanup(wipe))) struct str

void source_clear(struct source *source)
{
	secret_free(&source->password);
	*source = (struct source){0};
}

const char *source_setting_name(enum source_setting setting)
{
	must(setting < SOURCE_N_SETTINGS);
	return rows[setting].name;
}

enum source_form source_setting_form(enum source_setting setting)
{
	must(setting < SOURCE_N_SETTINGS);
	return rows[setting].form;
}

bool source_has(enum person_source source, enum source_setting setting)
{
	must(setting < SOURCE_N_SETTINGS);
	return rows[setting].source == source;
}

/* Its name in the catalog. */
static const char *key_of(size_t setting, char out[NAME_MAX_BYTES])
{
	snprintf(out, NAME_MAX_BYTES, "source.%s.%s", person_source_name(rows[setting].source),
		 rows[setting].name);
	return out;
}

/* --- one setting ------------------------------------------------------------------------------ */

static void put(struct source *source, struct arena *arena, size_t setting, struct view value)
{
	const struct row *row = &rows[setting];

	source->given[setting] = value.len > 0;
	if (row->form != SOURCE_SECRET) {
		source->value[setting] = value.len > 0 ? arena_strn(arena, value.data, value.len)
						       : arena_str(arena, row->by_default);
		return;
	}
	secret_free(&source->password);
	if (value.len > 0)
		source->password = secret_copy(value.data, value.len);
}

int source_put(struct source *source, struct arena *arena, struct view name, struct view value,
	       struct err *err)
{
	enum { VALUE_MAX = 64 * 1024 };

	if (value.len > VALUE_MAX || memchr(value.data, '\0', value.len) != NULL)
		return err_set(err, ERR_SYNTAX, "the value of \"%.*s\" is too long, or no text",
			       (int)name.len, name.data);
	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++) {
		if (rows[i].source == source->source && view_eq(name, VIEW(rows[i].name))) {
			put(source, arena, i, value);
			return 0;
		}
	}
	return err_set(err, ERR_NOTFOUND, "the source %s has no setting \"%.*s\"",
		       person_source_name(source->source), (int)name.len, name.data);
}

/* --- loading ---------------------------------------------------------------------------------- */

static bool can_be_set_up(enum person_source source)
{
	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++)
		if (rows[i].source == source)
			return true;
	return false;
}

static int load(struct catalog *catalog, struct arena *arena, struct source *source,
		struct err *err)
{
	char key[NAME_MAX_BYTES];

	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++) {
		CLEAN_VALUE value = STR_INIT;

		if (rows[i].source != source->source)
			continue;
		if (setting_get(catalog, key_of(i, key), &value, err) < 0)
			return -1;
		put(source, arena, i, str_view(&value));
	}
	return 0;
}

int source_load(struct catalog *catalog, struct arena *arena, enum person_source source,
		struct source *source_r, struct err *err)
{
	*source_r = (struct source){.source = source};
	if (!can_be_set_up(source))
		return err_set(err, ERR_UNSUPPORTED, "the source %s has nothing to set up%s",
			       person_source_name(source),
			       person_source_usable(source) ? "" : " in this version");
	if (load(catalog, arena, source_r, err) == 0)
		return 0;
	source_clear(source_r);
	return -1;
}

/* --- saving ----------------------------------------------------------------------------------- */

static struct view value_of(const struct source *source, size_t setting)
{
	if (!source->given[setting])
		return VIEW("");
	if (rows[setting].form != SOURCE_SECRET)
		return VIEW(source->value[setting]);
	return (struct view){(const char *)secret_data(source->password),
			     secret_len(source->password)};
}

/* What the audit log shows of it. */
static void describe(const struct row *row, struct view value, struct str *text)
{
	struct hash hash;

	if (value.len == 0) {
		str_adds(text, row->by_default[0] != '\0' ? "as by default" : "removed");
	} else if (row->form == SOURCE_SECRET) {
		str_adds(text, "changed");
	} else if (row->form == SOURCE_CERTIFICATES) {
		hash = crypto_sha256(value.data, value.len);
		str_adds(text, "SHA-256 ");
		str_addhex(text, hash.b, sizeof(hash.b));
	} else {
		str_addv(text, value);
	}
}

static int save_one(struct catalog *catalog, const struct source *source, size_t setting,
		    struct err *err)
{
	struct view value = value_of(source, setting);
	CLEAN_VALUE old = STR_INIT;
	CLEAN_STR detail = STR_INIT;
	char key[NAME_MAX_BYTES];

	if (setting_get(catalog, key_of(setting, key), &old, err) < 0)
		return -1;
	if (view_eq(str_view(&old), value))
		return 0;
	describe(&rows[setting], value, &detail);
	if (setting_set(catalog, key, value, err) < 0)
		return -1;
	return audit_add(catalog, AUDIT_SETTING, VIEW(key), str_view(&detail), err);
}

static int save_all(struct catalog *catalog, const struct source *source, struct err *err)
{
	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++)
		if (rows[i].source == source->source && save_one(catalog, source, i, err) < 0)
			return -1;
	return 0;
}

int source_save(struct catalog *catalog, const struct source *source, struct err *err)
{
	if (source_check(source, err) < 0 || catalog_begin(catalog, err) < 0)
		return -1;
	if (save_all(catalog, source, err) == 0 && catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

/* --- the order -------------------------------------------------------------------------------- */

int source_order_load(struct catalog *catalog, struct source_order *order_r, struct err *err)
{
	CLEAN_STR text = STR_INIT;
	struct view rest, name;

	*order_r = (struct source_order){0};
	if (setting_get(catalog, ORDER_NAME, &text, err) < 0)
		return -1;
	rest = text.len > 0 ? str_view(&text) : VIEW(ORDER_DEFAULT);
	while (view_cut(&rest, ' ', &name)) {
		if (order_r->n == PERSON_N_SOURCES ||
		    person_source_by_name(name, &order_r->v[order_r->n]) == 0)
			return err_set(err, ERR_DAMAGED,
				       "the setting " ORDER_NAME " is malformed; set it again");
		order_r->n++;
	}
	return 0;
}

static int check_order(const struct source_order *order, struct err *err)
{
	if (order->n == 0)
		return err_set(err, ERR_SYNTAX, "at least one source of people stays on");
	for (size_t i = 0; i < order->n; i++) {
		const char *name = person_source_name(order->v[i]);

		if (!person_source_usable(order->v[i]))
			return err_set(err, ERR_UNSUPPORTED,
				       "this version cannot ask the source %s", name);
		if (order->v[i] == PERSON_FIXED)
			return err_set(err, ERR_SYNTAX,
				       "the source fixed is always asked, and has no place among "
				       "the others");
		for (size_t k = 0; k < i; k++)
			if (order->v[k] == order->v[i])
				return err_set(err, ERR_SYNTAX, "the source %s is named twice",
					       name);
	}
	return 0;
}

static int save_order(struct catalog *catalog, struct view text, struct err *err)
{
	if (setting_set(catalog, ORDER_NAME, text, err) < 0)
		return -1;
	return audit_add(catalog, AUDIT_SETTING, VIEW(ORDER_NAME), text, err);
}

int source_order_save(struct catalog *catalog, const struct source_order *order, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	if (check_order(order, err) < 0)
		return -1;
	for (size_t i = 0; i < order->n; i++)
		str_addf(&text, "%s%s", i > 0 ? " " : "", person_source_name(order->v[i]));
	if (catalog_begin(catalog, err) < 0)
		return -1;
	if (save_order(catalog, str_view(&text), err) == 0 && catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/licence/licence.h"

#include "app/catalog/audit.h"
#include "app/catalog/people.h"
#include "app/licence/licence_file.h"
#include "base/clock.h"
#include "base/file.h"

#include <stdarg.h>

#define SETTING "licence"
#define GOES_ON                                                                                    \
	"No mail is lost for it: archiving, searching, reading, export and backup go on. New "     \
	"users "                                                                                   \
	"and settings wait for a licence that fits; your vendor has it."

static const struct {
	const char *name;
	bool fine;
} states[] = {
#define X(state, name, fine) {name, fine},
	LICENCE_STATES(X)
#undef X
};

const char *licence_state_name(enum licence_state state)
{
	return states[state].name;
}

bool licence_is_fine(enum licence_state state)
{
	return states[state].fine;
}

/* --- how it is -------------------------------------------------------------------------------- */

struct looking {
	struct catalog *catalog;
	struct arena *arena;
	struct licence_terms terms;
	struct licence_text read;
	struct licence *l;
};

/* The archive's own; else the machine's; neither is 0. */
static int find_text(struct looking *lo, struct str *text, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	struct err none = {0};
	int rc = setting_get(lo->catalog, SETTING, text, err);

	if (rc != 0)
		return rc;
	licence_machine_path("licence", &path);
	lo->l->of_machine = file_read(path.data, LICENCE_MAX_BYTES, text, &none) == 0;
	return lo->l->of_machine;
}

static int check_archive(struct looking *lo, struct err *err)
{
	CLEAN_STR archive = STR_INIT;

	if (lo->read.archive.len == 0)
		return 0;
	if (setting_get(lo->catalog, "archive", &archive, err) < 0)
		return -1;
	return view_eq_nocase(str_view(&archive), lo->read.archive)
		       ? 0
		       : err_set(err, ERR_LICENCE, "the licence is for another archive");
}

/* Signed, whole, for this archive and with the feature. */
static int read_text(struct looking *lo, struct view text, struct err *err)
{
	if (licence_text_read(text, &lo->terms, &lo->read, err) < 0 || check_archive(lo, err) < 0)
		return -1;
	if (!licence_has_feature(&lo->read, lo->terms.feature))
		return err_set(err, ERR_LICENCE, "the licence has not the feature %.*s",
			       (int)lo->terms.feature.len, lo->terms.feature.data);
	return 0;
}

static void set_state(struct looking *lo, enum licence_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void set_state(struct looking *lo, enum licence_state state, const char *fmt, ...)
{
	CLEAN_STR text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_addfv(&text, fmt, ap);
	va_end(ap);
	if (!licence_is_fine(state))
		str_adds(&text, " " GOES_ON);
	lo->l->state = state;
	lo->l->text = arena_view(lo->arena, str_view(&text));
}

/* (LI3) */
static int time_now(struct looking *lo, int64_t *now_s_r, struct err *err)
{
	int64_t newest_ms = 0;

	if (catalog_newest_ms(lo->catalog, &newest_ms, err) < 0)
		return -1;
	*now_s_r = clock_s();
	if (newest_ms / 1000 > *now_s_r)
		*now_s_r = newest_ms / 1000;
	return 0;
}

static void day_text(int64_t time_s, struct str *out)
{
	str_reset(out);
	clock_add_utc(out, time_s);
	out->len = 10; /* YYYY-MM-DD */
	out->data[10] = '\0';
}

static int judge(struct looking *lo, struct err *err)
{
	struct licence *l = lo->l;
	CLEAN_STR day = STR_INIT;
	int64_t now_s;

	if (time_now(lo, &now_s, err) < 0)
		return -1;
	if (l->from_s > now_s) {
		day_text(l->from_s, &day);
		set_state(lo, LICENCE_EARLY, "The licence begins on %s.", day.data);
	} else if (l->until_s != 0 && now_s >= l->until_s) {
		day_text(l->until_s - 1, &day);
		set_state(lo, LICENCE_ENDED, "The %s ended on %s.",
			  l->trial ? "trial licence" : "licence", day.data);
	} else if (l->users != 0 && l->counted > l->users) {
		set_state(lo, LICENCE_EXCEEDED,
			  "The licence is for %llu users, and there are %llu.",
			  (unsigned long long)l->users, (unsigned long long)l->counted);
	} else {
		set_state(lo, LICENCE_VALID, "The licence is in order.");
	}
	return 0;
}

static int take_over(struct looking *lo, struct err *err)
{
	const struct licence_text *read = &lo->read;
	struct licence *l = lo->l;

	l->here = true;
	l->customer = arena_view(lo->arena, read->customer);
	l->serial = arena_view(lo->arena, read->serial);
	l->users = read->users;
	l->from_s = read->from_s;
	l->until_s = read->until_s;
	l->trial = read->trial;
	if (lo->terms.enforced)
		return judge(lo, err);
	set_state(lo, LICENCE_NOT_ASKED, "No licence is asked for.");
	return 0;
}

/* What a file is like is no failure; that the catalog cannot be read is one. */
static int told(struct looking *lo, struct err *err)
{
	if (err->kind != ERR_LICENCE && err->kind != ERR_VERSION)
		return -1;
	set_state(lo, LICENCE_BAD, "%c%s.", err->text[0] == 't' ? 'T' : err->text[0],
		  err->text + 1);
	err_clear(err);
	return 0;
}

int licence_look(struct catalog *catalog, struct arena *arena, struct licence *licence_r,
		 struct err *err)
{
	struct looking lo = {.catalog = catalog, .arena = arena, .l = licence_r};
	CLEAN_STR text = STR_INIT;
	int rc;

	*licence_r = (struct licence){.serial = VIEW(""), .customer = VIEW("")};
	licence_terms_load(arena, &lo.terms);
	licence_r->feature = lo.terms.feature;
	if (people_count_users(catalog, &licence_r->counted, err) < 0)
		return -1;
	rc = find_text(&lo, &text, err);
	if (rc < 0)
		return -1;
	if (rc > 0 && read_text(&lo, str_view(&text), err) == 0)
		return take_over(&lo, err);
	if (!lo.terms.enforced) {
		err_clear(err);
		set_state(&lo, LICENCE_NOT_ASKED, "No licence is asked for.");
		return 0;
	}
	if (rc > 0)
		return told(&lo, err);
	set_state(&lo, LICENCE_MISSING, "There is no licence.");
	return 0;
}

/* --- what it permits -------------------------------------------------------------------------- */

static int look(struct catalog *catalog, struct arena *arena, struct licence *l, struct err *err)
{
	if (licence_look(catalog, arena, l, err) < 0)
		return -1;
	return licence_is_fine(l->state)
		       ? 0
		       : err_set(err, ERR_LICENCE, "%.*s", (int)l->text.len, l->text.data);
}

int licence_permits_settings(struct catalog *catalog, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct licence l;

	return look(catalog, arena, &l, err);
}

int licence_permits_user(struct catalog *catalog, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct licence l;

	if (look(catalog, arena, &l, err) < 0)
		return -1;
	if (l.state == LICENCE_VALID && l.users != 0 && l.counted >= l.users)
		return err_set(
			err, ERR_LICENCE,
			"the licence is for %llu users, and there are as many; remove or shut "
			"out one, or install a larger licence",
			(unsigned long long)l.users);
	return 0;
}

/* --- another one ------------------------------------------------------------------------------ */

static int put(struct catalog *catalog, const struct licence_text *read, struct view text,
	       struct err *err)
{
	if (setting_set(catalog, SETTING, text, err) < 0)
		return -1;
	return audit_add(catalog, AUDIT_SETTING, VIEW("licence"),
			 read->serial.len > 0 ? read->serial : read->customer, err);
}

int licence_install(struct catalog *catalog, struct view text, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct licence l = {0};
	struct looking lo = {.catalog = catalog, .arena = arena, .l = &l};

	licence_terms_load(arena, &lo.terms);
	if (read_text(&lo, text, err) < 0 || catalog_begin(catalog, err) < 0)
		return -1;
	if (put(catalog, &lo.read, text, err) == 0 && catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

int licence_remove(struct catalog *catalog, struct err *err)
{
	CLEAN_STR text = STR_INIT;
	int rc = setting_get(catalog, SETTING, &text, err);

	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_NOTFOUND, "no licence was installed here");
	if (catalog_begin(catalog, err) < 0)
		return -1;
	if (setting_remove(catalog, SETTING, err) == 0 &&
	    audit_add(catalog, AUDIT_SETTING, VIEW("licence"), VIEW("removed"), err) == 0 &&
	    catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

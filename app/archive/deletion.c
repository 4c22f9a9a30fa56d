/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/deletion.h"

#include "app/archive/archive_priv.h"
#include "app/archive/erase_priv.h"
#include "app/catalog/audit.h"
#include "base/clock.h"

/* --- switched on or off ------------------------------------------------------------------------- */

static const char setting[] = "deletion";
static const char *const modes[] = {"off", "on", "approval"};

const char *deletion_mode_name(enum deletion_mode mode)
{
	return modes[mode];
}

int deletion_mode_by_name(struct view name, enum deletion_mode *mode_r)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (view_eq(name, VIEW(modes[i]))) {
			*mode_r = (enum deletion_mode)i;
			return 0;
		}
	return -1;
}

int deletion_mode_get(struct catalog *catalog, enum deletion_mode *mode_r, struct err *err)
{
	CLEAN_STR value = STR_INIT;

	*mode_r = DELETION_OFF;
	if (setting_get(catalog, setting, &value, err) < 0)
		return -1;
	if (value.len > 0 && deletion_mode_by_name(str_view(&value), mode_r) < 0)
		return err_set(err, ERR_DAMAGED, "the setting deletion is \"%s\"", value.data);
	return 0;
}

/* --- transactions ------------------------------------------------------------------------------- */

struct deed {
	struct archive *a;
	uint64_t person;
	struct numbers mails; /* not owned */
	struct view reason;
	uint64_t number; /* of the request, or of the hold */
	bool grant;
	enum deletion_mode mode;
};
typedef int deed_fn(struct deed *d, struct err *err);

static int transact(struct deed *d, deed_fn *fn, struct err *err)
{
	struct catalog *catalog = d->a->catalog;

	if (catalog_begin(catalog, err) < 0)
		return -1;
	if (fn(d, err) == 0 && catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

static int note(struct deed *d, enum audit_event what, const char *subject, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	str_addf(&text, "%s %llu", subject, (unsigned long long)d->number);
	return audit_add(d->a->catalog, what, str_view(&text), d->reason, err);
}

static int set_mode(struct deed *d, struct err *err)
{
	const struct view value = VIEW(modes[d->mode]);

	if (setting_set(d->a->catalog, setting, value, err) < 0)
		return -1;
	return audit_add(d->a->catalog, AUDIT_SETTING, VIEW(setting), value, err);
}

int deletion_mode_set(struct catalog *catalog, enum deletion_mode mode, struct err *err)
{
	struct archive a = {.catalog = catalog};
	struct deed d = {.a = &a, .mode = mode};

	return transact(&d, set_mode, err);
}

/* --- requests ----------------------------------------------------------------------------------- */

static int check_free(struct deed *d, struct err *err)
{
	size_t held = 0;

	for (size_t i = 0; i < d->mails.n; i++) {
		int rc = mail_is_held(d->a->catalog, d->mails.v[i], err);

		if (rc < 0)
			return -1;
		held += rc > 0;
	}
	return held > 0 ? err_set(err, ERR_HELD, "%zu of %zu mails are under a hold", held,
				  d->mails.n)
			: 0;
}

/* FN for each of the mails that is live. */
typedef int live_fn(struct deed *d, const struct mail_row *row, struct err *err);

static int each_live(struct deed *d, live_fn *fn, struct err *err)
{
	CLEAN(arena) arena = arena_new();

	for (size_t i = 0; i < d->mails.n; i++) {
		struct mail_row row;
		int rc;

		arena_reset(arena);
		rc = mails_get(d->a->catalog, arena, d->mails.v[i], &row, err);
		if (rc > 0 && row.state == MAIL_LIVE)
			rc = fn(d, &row, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int delete_one(struct deed *d, const struct mail_row *row, struct err *err)
{
	return mark_deleted(d->a, row, d->number, err);
}

static int put_request(struct deed *d, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR who = STR_INIT;
	struct request_row row;

	audit_add_who(&who);
	if (requests_add(d->a->catalog, str_view(&who), d->reason, &d->number, err) < 0 ||
	    requests_get(d->a->catalog, arena, d->number, &row, err) < 0)
		return -1;
	row.person = d->person;
	row.state = d->mode == DELETION_ON ? REQUEST_GRANTED : REQUEST_OPEN;
	row.mails = d->mails.n;
	if (requests_put(d->a->catalog, &row, err) < 0)
		return -1;
	for (size_t i = 0; i < d->mails.n; i++)
		if (request_mails_add(d->a->catalog, d->number, d->mails.v[i], err) < 0)
			return -1;
	return 0;
}

static int ask(struct deed *d, struct err *err)
{
	if (deletion_mode_get(d->a->catalog, &d->mode, err) < 0)
		return -1;
	if (d->mode == DELETION_OFF)
		return err_set(err, ERR_SWITCHEDOFF, "deletion is switched off in this archive");
	if (check_free(d, err) < 0 || put_request(d, err) < 0 ||
	    note(d, AUDIT_DELETED, "request", err) < 0)
		return -1;
	return d->mode == DELETION_ON ? each_live(d, delete_one, err) : 0;
}

int deletion_request(struct archive *a, uint64_t person, const struct numbers *mails,
		     struct view reason, uint64_t *request_r, struct err *err)
{
	struct deed d = {.a = a, .person = person, .mails = *mails, .reason = reason};

	if (transact(&d, ask, err) < 0)
		return -1;
	*request_r = d.number;
	return 0;
}

static int open_request(struct deed *d, struct arena *arena, struct request_row *row_r,
			struct err *err)
{
	int rc = requests_get(d->a->catalog, arena, d->number, row_r, err);

	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_NOTFOUND, "there is no such request");
	if (row_r->state != REQUEST_OPEN)
		return err_set(err, ERR_EXISTS, "request %llu was decided already",
			       (unsigned long long)d->number);
	if (row_r->person == d->person)
		return err_set(err, ERR_OWN, "request %llu is his own",
			       (unsigned long long)d->number);
	return 0;
}

static int decide(struct deed *d, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR who = STR_INIT;
	struct request_row row;

	audit_add_who(&who);
	if (open_request(d, arena, &row, err) < 0 ||
	    request_mails(d->a->catalog, arena, d->number, &d->mails, err) < 0)
		return -1;
	if (d->grant && check_free(d, err) < 0)
		return -1;
	row.state = d->grant ? REQUEST_GRANTED : REQUEST_REJECTED;
	row.decided_s = clock_s();
	row.decider = who.data;
	row.decision = arena_view(arena, d->reason).data;
	if (requests_put(d->a->catalog, &row, err) < 0 ||
	    note(d, AUDIT_DECIDED, d->grant ? "granted: request" : "rejected: request", err) < 0)
		return -1;
	return d->grant ? each_live(d, delete_one, err) : 0;
}

int deletion_decide(struct archive *a, uint64_t person, uint64_t request, bool grant,
		    struct view reason, struct err *err)
{
	struct deed d = {
		.a = a, .person = person, .number = request, .grant = grant, .reason = reason};

	return transact(&d, decide, err);
}

/* --- holds -------------------------------------------------------------------------------------- */

static int hold_one(struct deed *d, const struct mail_row *row, struct err *err)
{
	return hold_mails_add(d->a->catalog, d->number, row->mail, err);
}

static int hold(struct deed *d, struct err *err)
{
	CLEAN_STR who = STR_INIT;

	audit_add_who(&who);
	if (holds_add(d->a->catalog, str_view(&who), d->reason, &d->number, err) < 0 ||
	    each_live(d, hold_one, err) < 0)
		return -1;
	return note(d, AUDIT_HELD, "set: hold", err);
}

int hold_set(struct archive *a, const struct numbers *mails, struct view reason, uint64_t *hold_r,
	     struct err *err)
{
	struct deed d = {.a = a, .mails = *mails, .reason = reason};

	if (transact(&d, hold, err) < 0)
		return -1;
	*hold_r = d.number;
	return 0;
}

static int lift(struct deed *d, struct err *err)
{
	CLEAN_STR who = STR_INIT;
	int rc;

	audit_add_who(&who);
	rc = holds_lift(d->a->catalog, d->number, str_view(&who), d->reason, err);
	if (rc <= 0)
		return rc < 0 ? -1
			      : err_set(err, ERR_NOTFOUND, "there is no hold %llu that holds",
					(unsigned long long)d->number);
	return note(d, AUDIT_HELD, "lifted: hold", err);
}

int hold_lift(struct archive *a, uint64_t hold, struct view reason, struct err *err)
{
	struct deed d = {.a = a, .number = hold, .reason = reason};

	return transact(&d, lift, err);
}

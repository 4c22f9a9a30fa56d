/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Only mails whose UID and UIDVALIDITY the parent named are touched (P2), and none that somebody else has marked as
 * deleted: there is never an EXPUNGE without UIDs. All of it may be repeated. A COPY whose answer got lost
 * leaves a second copy in the target folder at the next run, but nothing less. */
#include "app/intake/fetch/selected.h"
#include "app/intake/fetch/utf7.h"

enum { SET_MAILS = 200, RESPONSES = 100 * 1000 };

struct acting {
	struct selected *box;
	const struct folders *folders;
	struct ledger *ledger;
	const struct task *tasks; /* those in hand: of one action, by ascending UID */
	size_t n;
	const struct str *set; /* their UIDs */
};

/* One command for the set: "VERB set REST". */
static int do_set(const struct acting *a, const char *verb, const char *rest, struct err *err)
{
	struct imap *imap = a->box->imap;

	imap_text(imap, verb);
	imap_text(imap, " ");
	imap_text(imap, a->set->data);
	imap_text(imap, rest);
	return imap_do(imap, verb, NULL, RESPONSES, err);
}

/* --- the actions ------------------------------------------------------------------------------ */

/* RFC 3501, section 7.1: a server that does not tell PERMANENTFLAGS keeps all flags. */
static bool has_keyword(const struct selected *box, struct view keyword)
{
	struct view flags = str_view(&box->flags), flag;

	if (flags.len == 0)
		return true;
	if (flags.len >= 2 && flags.data[0] == '(')
		flags = (struct view){flags.data + 1, flags.len - 2};
	while (view_cut(&flags, ' ', &flag)) {
		if (view_eq(flag, VIEW("\\*")) || view_eq_nocase(flag, keyword))
			return true;
	}
	return false;
}

/* RFC 3501, section 9: flag-keyword. */
static bool is_keyword(struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c <= ' ' || c >= 0x7F || strchr("(){%*\"\\]", c) != NULL)
			return false;
	}
	return text.len > 0;
}

static int tag(const struct acting *a, struct view keyword, struct err *err)
{
	CLEAN_STR rest = STR_INIT;

	if (!is_keyword(keyword))
		return err_set(err, ERR_UNSUPPORTED, "this is no keyword that IMAP allows");
	if (!has_keyword(a->box, keyword))
		return err_set(err, ERR_UNSUPPORTED,
			       "the server keeps no such keyword in this folder");
	str_addf(&rest, " +FLAGS.SILENT (%.*s)", (int)keyword.len, keyword.data);
	return do_set(a, "UID STORE", rest.data, err);
}

/* For good where the server can expunge by UID. */
static int delete (const struct acting *a, struct err *err)
{
	if (do_set(a, "UID STORE", " +FLAGS.SILENT (\\Deleted)", err) < 0)
		return -1;
	if (imap_can(a->box->imap, IMAP_CAN_UIDPLUS))
		return do_set(a, "UID EXPUNGE", "", err);
	return ledger_note(
		a->ledger,
		"The server cannot remove single mails (UIDPLUS, RFC 4315): what was to go is "
		"marked as deleted, and goes when a mail program expunges the folder.",
		err);
}

static int make_folder(const struct acting *a, struct view wire, struct err *err)
{
	imap_text(a->box->imap, "CREATE ");
	imap_string(a->box->imap, wire);
	return imap_do(a->box->imap, "CREATE", NULL, RESPONSES, err);
}

/* "UID MOVE set name", or COPY. */
static int transfer(const struct acting *a, const char *verb, struct view wire, struct err *err)
{
	struct imap *imap = a->box->imap;

	imap_text(imap, verb);
	imap_text(imap, " ");
	imap_text(imap, a->set->data);
	imap_text(imap, " ");
	imap_string(imap, wire);
	return imap_do(imap, verb, NULL, RESPONSES, err);
}

static int move(const struct acting *a, struct view base, struct err *err)
{
	const char *verb = imap_can(a->box->imap, IMAP_CAN_MOVE) ? "UID MOVE" : "UID COPY";
	CLEAN_STR name = STR_INIT;
	CLEAN_STR wire = STR_INIT;
	struct err none = {0};

	folders_target(a->folders, base, a->box->folder->name, &name);
	if (utf7_encode(str_view(&name), &wire) < 0)
		return err_set(err, ERR_UNSUPPORTED, "the target folder's name is no UTF-8");
	if (transfer(a, verb, str_view(&wire), err) < 0) {
		if (!selected_was_refused(err))
			return -1;
		err_clear(err);
		/* it may be there, and the reason another one: the second try tells */
		if (make_folder(a, str_view(&wire), &none) < 0 && !selected_was_refused(&none)) {
			*err = none;
			return -1;
		}
		if (transfer(a, verb, str_view(&wire), err) < 0)
			return -1;
	}
	return imap_can(a->box->imap, IMAP_CAN_MOVE) ? 0 : delete (a, err);
}

static int act(const struct acting *a, const struct fetch_action *action, struct err *err)
{
	switch (action->act) {
	case FETCH_TAG:
		return tag(a, action->name, err);
	case FETCH_MOVE:
		return move(a, action->name, err);
	case FETCH_DELETE:
		return delete (a, err);
	default:
		return 0;
	}
}

/* --- which mails ------------------------------------------------------------------------------ */

static int tell(const struct acting *a, const struct err *why, struct err *err)
{
	for (size_t i = 0; i < a->n; i++) {
		if (ledger_acted(a->ledger, a->box->folder->name, &a->tasks[i], why, err) < 0)
			return -1;
	}
	return 0;
}

/* A refusal is told of these mails, and others are tried. */
static int act_and_tell(const struct acting *a, enum fetch_what what, struct err *err)
{
	int rc = act(a, &ledger_job(a->ledger)->actions[what], err);
	struct err why = *err;

	if (rc < 0 && !selected_was_refused(err))
		return -1;
	err_clear(err);
	return tell(a, rc < 0 ? &why : NULL, err);
}

/* All of one outcome, a set at a time. */
static int act_on(const struct acting *all, const struct task *tasks, size_t n, struct err *err)
{
	uint32_t uids[SET_MAILS];

	while (n > 0) {
		CLEAN_STR set = STR_INIT;
		struct acting a = *all;

		a.tasks = tasks;
		a.n = n < SET_MAILS ? n : SET_MAILS;
		a.set = &set;
		for (size_t i = 0; i < a.n; i++)
			uids[i] = (uint32_t)tasks[i].uid;
		selected_set(uids, a.n, a.n, &set);
		if (act_and_tell(&a, tasks->what, err) < 0)
			return -1;
		tasks += a.n;
		n -= a.n;
	}
	return 0;
}

static int by_what_and_uid(const void *a, const void *b)
{
	const struct task *x = a, *y = b;

	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* The folder was made anew since: these UIDs mean other mails, or none. Those that are left; -1. */
static int drop_stale(const struct acting *a, struct task *tasks, size_t n, size_t *left_r,
		      struct err *err)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (tasks[i].uidvalidity == a->box->uidvalidity && tasks[i].uid > 0 &&
		    tasks[i].uid <= UINT32_MAX)
			tasks[left++] = tasks[i];
		else if (ledger_acted(a->ledger, a->box->folder->name, &tasks[i], NULL, err) < 0)
			return -1;
	}
	*left_r = left;
	return 0;
}

int selected_act(struct selected *box, const struct folders *folders, struct ledger *ledger,
		 struct task *tasks, size_t n, struct err *err)
{
	struct acting a = {.box = box, .folders = folders, .ledger = ledger};
	size_t from, to;

	if (drop_stale(&a, tasks, n, &n, err) < 0)
		return -1;
	if (n > 1)
		qsort(tasks, n, sizeof(*tasks), by_what_and_uid);
	for (from = 0; from < n; from = to) {
		for (to = from + 1; to < n && tasks[to].what == tasks[from].what;)
			to++;
		if (act_on(&a, tasks + from, to - from, err) < 0)
			return -1;
	}
	return 0;
}

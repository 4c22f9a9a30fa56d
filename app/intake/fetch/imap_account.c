/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/imap_account.h"

#include "app/intake/fetch/selected.h"
#include "app/intake/fetch/pattern.h"
#include "base/clock.h"

enum {
	STATUSES = 50, /* on their way at a time */
	RESPONSES = 1000,
	KEEP_ALIVE_MS = 60 * 1000
};

struct account {
	struct ledger *ledger;
	const struct fetch_job *job;
	struct spool *spool;
	struct imap *imap;
	struct folders *folders;
};

/* --- which folders ---------------------------------------------------------------------------- */

/* What was moved away is not fetched again from where it went. */
static bool is_target(const struct account *a, const struct folder *folder)
{
	for (size_t i = 0; i < FETCH_OUTCOMES; i++) {
		const struct fetch_action *action = &a->job->actions[i];

		if (action->act == FETCH_MOVE &&
		    folders_is_below(a->folders, folder->name, action->name))
			return true;
	}
	return false;
}

static bool is_wanted(const struct account *a, const struct folder *folder)
{
	return folder->selectable && !is_target(a, folder) &&
	       pattern_wants(a->job->folders, folder->name, folder->use);
}

/* --- folders that are only counted ------------------------------------------------------------ */

static int hear_status(void *arg, const struct imap_response *response, struct err *err)
{
	struct fetch_folder *m = arg;
	const struct imap_value *list, *value;

	(void)err;
	if (response->what != IMAP_DATA || !imap_is(response, "STATUS") || response->n < 2)
		return 0;
	list = &response->values[1];
	value = imap_item(list, "MESSAGES");
	if (value != NULL)
		imap_number(value->text, UINT32_MAX, &m->on_server);
	value = imap_item(list, "UIDVALIDITY");
	if (value != NULL)
		imap_number(value->text, UINT32_MAX, &m->uidvalidity);
	return 0;
}

static int ask_status(struct account *a, const struct folder *folder, uint32_t *number_r,
		      struct err *err)
{
	*number_r = 0;
	if (!folder->selectable || folder->odd)
		return 0; /* a name that needs a literal would wait for the answers to all before */
	imap_text(a->imap, "STATUS ");
	imap_string(a->imap, folder->wire);
	imap_text(a->imap, " (MESSAGES UIDVALIDITY)");
	return imap_send(a->imap, number_r, err);
}

/* A folder that does not tell counts as empty. */
static int tell_status(struct account *a, const struct folder *folder, uint32_t number,
		       struct err *err)
{
	struct fetch_folder m = {
		.folder = folder->name,
		.use = folder->use,
		.guessed = folder->guessed,
		.selected = is_wanted(a, folder),
	};
	const struct imap_hearer hearer = {&m, hear_status};
	struct imap_result result;

	if (number != 0 && imap_wait(a->imap, number, &hearer, RESPONSES, &result, err) < 0)
		return -1;
	return ledger_send_folder(a->ledger, &m, err);
}

static int count_some(struct account *a, const struct folder *const *some, size_t n,
		      struct err *err)
{
	uint32_t numbers[STATUSES];

	for (size_t i = 0; i < n; i++) {
		if (ask_status(a, some[i], &numbers[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (tell_status(a, some[i], numbers[i], err) < 0)
			return -1;
	}
	return 0;
}

/* Those that are passed over; where the job is to list, all. */
static int count_folders(struct account *a, struct err *err)
{
	const struct folder *some[STATUSES];
	size_t n = 0;

	for (size_t i = 0; i < a->folders->n; i++) {
		const struct folder *folder = &a->folders->v[i];

		if (a->job->mode == FETCH_ALL && is_wanted(a, folder))
			continue;
		some[n++] = folder;
		if (n == STATUSES) {
			if (count_some(a, some, n, err) < 0)
				return -1;
			n = 0;
		}
	}
	return count_some(a, some, n, err);
}

/* --- actions ---------------------------------------------------------------------------------- */

static int tell_all(struct account *a, struct view folder, const struct task *tasks, size_t n,
		    const struct err *why, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (ledger_acted(a->ledger, folder, &tasks[i], why, err) < 0)
			return -1;
	}
	return 0;
}

static int act_in(struct account *a, struct view name, struct task *tasks, size_t n,
		  struct err *err)
{
	const struct folder *folder = folders_find(a->folders, name);
	struct selected box;
	struct err why;
	int rc;

	if (folder == NULL || !folder->selectable)
		return tell_all(a, name, tasks, n, NULL, err); /* gone, with all that was in it */
	rc = selected_open(a->imap, folder, true, &box, err);
	if (rc == 0)
		rc = selected_act(&box, a->folders, a->ledger, tasks, n, err);
	else if (selected_was_refused(err)) {
		why = *err;
		err_clear(err);
		rc = tell_all(a, name, tasks, n, &why, err);
	}
	selected_clear(&box);
	return rc;
}

/* All that is due by now. */
static int act_on_tasks(struct account *a, struct err *err)
{
	struct view name;

	if (ledger_look(a->ledger, err) < 0)
		return -1;
	while (ledger_folder(a->ledger, &name)) {
		struct task *tasks;
		size_t n = ledger_take(a->ledger, name, &tasks);
		int rc = act_in(a, name, tasks, n, err);

		free(tasks);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* So that the server does not end a session in which nothing happens for long. */
static int keep_alive(struct account *a, int64_t *last_ms, struct err *err)
{
	int64_t now_ms = clock_monotonic_ms();

	if (now_ms - *last_ms < KEEP_ALIVE_MS)
		return 0;
	*last_ms = now_ms;
	imap_text(a->imap, "NOOP");
	return imap_do(a->imap, "NOOP", NULL, RESPONSES, err);
}

/* Until every mail has got its outcome, and every outcome its action (P3). */
static int await_outcomes(struct account *a, struct err *err)
{
	int64_t last_ms = clock_monotonic_ms();

	for (;;) {
		int rc = ledger_wait(a->ledger, KEEP_ALIVE_MS, err);

		if (rc < 0)
			return -1;
		if (rc == 0 && ledger_is_complete(a->ledger))
			return 0;
		if ((rc > 0 && act_on_tasks(a, err) < 0) || keep_alive(a, &last_ms, err) < 0)
			return -1;
	}
}

/* --- fetching --------------------------------------------------------------------------------- */

/* For the reason in ERR, which is cleared. */
static int leave_out(struct account *a, const struct folder *folder, struct err *err)
{
	struct fetch_folder m = {.folder = folder->name,
				 .use = folder->use,
				 .selected = true,
				 .guessed = folder->guessed};
	CLEAN_STR text = STR_INIT;

	str_addf(&text,
		 "The folder %.*s could not be opened, so nothing of it was fetched; the next run "
		 "tries "
		 "again: %s",
		 (int)folder->name.len, folder->name.data, err->text);
	err_clear(err);
	return ledger_send_folder(a->ledger, &m, err) < 0 ? -1
							  : ledger_note(a->ledger, text.data, err);
}

static int fetch_folder(struct account *a, const struct folder *folder, struct err *err)
{
	struct selected box;
	int rc = selected_open(a->imap, folder, false, &box, err);

	if (rc == 0)
		rc = selected_fetch(&box, a->ledger, a->spool, err);
	else if (selected_was_refused(err))
		rc = 1;
	selected_clear(&box);
	return rc > 0 ? leave_out(a, folder, err) : rc;
}

static int fetch_folders(struct account *a, struct err *err)
{
	for (size_t i = 0; i < a->folders->n; i++) {
		const struct folder *folder = &a->folders->v[i];

		if (!is_wanted(a, folder))
			continue;
		if (fetch_folder(a, folder, err) < 0 || act_on_tasks(a, err) < 0)
			return -1;
	}
	return 0;
}

static int run(struct account *a, struct err *err)
{
	if (folders_list(a->imap, a->job->folders_max, &a->folders, err) < 0)
		return -1;
	if (a->job->mode == FETCH_LIST)
		return count_folders(a, err);
	if (act_on_tasks(a, err) < 0 || count_folders(a, err) < 0 || fetch_folders(a, err) < 0)
		return -1;
	return await_outcomes(a, err);
}

int imap_account_run(struct ledger *ledger, struct spool *spool, struct view token, int stop_fd,
		     struct err *err)
{
	struct account a = {.ledger = ledger, .job = ledger_job(ledger), .spool = spool};
	int rc = -1;

	if (pattern_check(a.job->folders, err) < 0 ||
	    imap_connect(a.job, stop_fd, &a.imap, err) < 0)
		return -1;
	if (imap_login(a.imap, a.job, token, err) == 0 && run(&a, err) == 0) {
		imap_logout(a.imap);
		rc = 0;
	}
	folders_free(&a.folders);
	imap_free(&a.imap);
	return rc;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/fetcher/fetcher.h"

#include "app/fetcher/flow.h"
#include "app/fetcher/job.h"
#include "app/fetcher/judge.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/ipc.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum {
	WAITING_MAX = 4000, /* then nothing more is taken from sealpost-fetch */
	MESSAGES = 500,     /* taken from it at once */
	LOOK_MS = 20,       /* for receipts, while mails wait */
	PATIENCE_MS = 1000, /* then it is asked why they do */
	MESSAGE_MS = 60000, /* the rest of a message that has begun */
};

struct run {
	struct archive *a;
	const struct account *account;
	int fd;
	const struct fetcher_options *options;
	const struct fetcher_watch *watch;
	struct arena *arena;
	struct fetcher_report *report;
	struct fetch_job job;
	struct spool *spool;
	struct judge *judge;
	struct flow *flow;
	struct str body, mailbox;
	bool remember;       /* what is fetched */
	bool moved;          /* what is known is of another mailbox (F3) */
	bool claimed;        /* what is known is of this one, from now on */
	bool started;        /* sealpost-fetch is at work, and not at its end */
	bool finished;       /* it was told that no OUTCOME will come any more */
	bool stalled;        /* the archiver takes nothing */
	int64_t looked_ms;   /* receipts were looked for */
	int64_t progress_ms; /* something was settled, or nothing waited */
	int64_t asked_ms;    /* the archiver was looked after */
};

static struct catalog *catalog_of(const struct run *r)
{
	return archive_catalog(r->a);
}

static bool has_actions(const struct run *r)
{
	for (int i = 0; i < FETCH_OUTCOMES; i++)
		if (r->job.actions[i].act != FETCH_LEAVE)
			return true;
	return false;
}

static struct fetch_which wire_which(const struct fetched_which *w)
{
	return (struct fetch_which){w->folder, w->uidvalidity, w->uid, w->uidl};
}

static struct fetched_which known_which(const struct fetch_which *w)
{
	return (struct fetched_which){w->folder, w->uidvalidity, w->uid, w->uidl};
}

/* "INBOX, mail 17: TEXT" */
static void note_mail(struct run *r, const struct fetched_which *which, const char *text)
{
	CLEAN_STR note = STR_INIT;

	str_addv(&note, which->folder);
	if (which->uidl.len > 0) {
		str_adds(&note, ", mail ");
		str_addv(&note, which->uidl);
	} else {
		str_addf(&note, ", mail %llu", (unsigned long long)which->uid);
	}
	str_addf(&note, ": %s", text);
	r->watch->note(r->watch->arg, str_view(&note));
}

/* RC of a message that was sent. One who has gone has told why, and that is still to be read (P4). */
static int sent(struct run *r, int rc, struct err *err)
{
	if (rc == 0 || err->kind != ERR_OFFLINE)
		return rc;
	r->finished = true;
	err_clear(err);
	return 0;
}

/* --- from the spool to an outcome (G1) -------------------------------------------------------- */

_Static_assert((int)FETCHED_ARCHIVED == (int)FETCH_ARCHIVED &&
		       (int)FETCHED_DUPLICATE == (int)FETCH_DUPLICATE &&
		       (int)FETCHED_FAILED == (int)FETCH_FAILURE,
	       "an outcome is the same number in the catalog and in a message");

/* The first of those that wait has its outcome. */
static int settle_first(struct run *r, enum fetched_outcome outcome, struct err *err)
{
	struct flow_mail *m = flow_first(r->flow);
	struct fetch_outcome message = {wire_which(&m->mail.which), (enum fetch_what)outcome};
	bool due = r->job.actions[outcome].act != FETCH_LEAVE;
	bool tell = r->started && !r->finished && m->folder != NULL && has_actions(r);

	if (m->folder == NULL)
		r->report->settled++;
	if (tell && sent(r, fetch_send_outcome(r->fd, &message, err), err) < 0)
		return -1;
	flow_settle(r->flow, outcome, due);
	r->progress_ms = clock_monotonic_ms();
	return 0;
}

/* 1 the first of those that wait is settled, 0 not yet. */
static int try_first(struct run *r, struct err *err)
{
	struct flow_mail *m = flow_first(r->flow);
	enum fetched_outcome outcome = FETCHED_FAILED;
	struct err why = {0};
	int rc;

	if (!m->failed) {
		rc = judge_mail(r->judge, &m->mail, !r->job.unwrap, &outcome, &why, err);
		if (rc <= 0)
			return rc;
		if (outcome == FETCHED_FAILED)
			note_mail(r, &m->mail.which, why.text);
	}
	return settle_first(r, outcome, err) < 0 ? -1 : 1;
}

static int settle(struct run *r, struct err *err)
{
	int rc = 1;

	while (rc > 0 && flow_first(r->flow) != NULL)
		rc = try_first(r, err);
	if (flow_first(r->flow) == NULL)
		r->progress_ms = clock_monotonic_ms();
	return rc;
}

/* Nothing was settled for a while: is the archiver at work, was the entry dropped? */
static int ask_why(struct run *r, int64_t now_ms, struct err *err)
{
	struct flow_mail *m = flow_first(r->flow);
	int rc;

	r->asked_ms = now_ms;
	if (r->watch->archiver(r->watch->arg, err) < 0)
		return -1;
	rc = judge_lost(r->judge, &m->mail, err);
	if (rc > 0) {
		note_mail(r, &m->mail.which, "was dropped from the spool before it was archived");
		return settle_first(r, FETCHED_FAILED, err);
	}
	if (now_ms - r->progress_ms >= r->options->wait_ms)
		r->stalled = true;
	return rc;
}

/* Look for receipts, now and then. */
static int look(struct run *r, struct err *err)
{
	int64_t now_ms = clock_monotonic_ms();

	if (flow_first(r->flow) == NULL || now_ms - r->looked_ms < LOOK_MS)
		return 0;
	r->looked_ms = now_ms;
	if (settle(r, err) < 0)
		return -1;
	if (flow_first(r->flow) == NULL || now_ms - r->asked_ms < PATIENCE_MS)
		return 0;
	return ask_why(r, now_ms, err);
}

/* --- what sealpost-fetch tells ---------------------------------------------------------------- */

/* (F3) The server has let us in. */
static int claim_mailbox(struct run *r, struct err *err)
{
	if (!r->remember || r->claimed)
		return 0;
	r->claimed = true;
	if (r->moved)
		r->watch->note(r->watch->arg,
			       VIEW("this is another mailbox than at the last run, so all of it "
				    "is fetched; what is archived already counts as a duplicate"));
	return fetched_claim(catalog_of(r), r->account->account, str_view(&r->mailbox), err);
}

static int on_folder(struct run *r, const struct fetch_folder *m, struct err *err)
{
	struct flow_folder *f = flow_folder(r->flow, m->folder);

	if (claim_mailbox(r, err) < 0)
		return -1;
	f->met = true;
	f->report.use = arena_view(r->arena, m->use);
	f->report.selected = m->selected;
	f->report.counts.on_server = m->on_server;
	if (!m->selected)
		f->report.counts.skipped = m->on_server;
	else
		f->report.counts.earlier = m->earlier;
	/* one that does not open has none, and may be as it was */
	if (m->selected && m->uidvalidity != 0 && f->uidvalidity != m->uidvalidity) {
		f->uidvalidity = m->uidvalidity;
		f->uid = f->reached = f->told_to = 0;
		f->changed = true;
	}
	return 0;
}

/* The folder that a mail is told of. */
static int folder_of(struct run *r, const struct fetch_which *which, struct flow_folder **folder_r,
		     struct err *err)
{
	*folder_r = flow_folder(r->flow, which->folder);
	if (!(*folder_r)->met || (*folder_r)->complete)
		return err_set(err, ERR_DAMAGED, "sealpost-fetch tells of a mail out of turn");
	if (which->uid > (*folder_r)->told_to)
		(*folder_r)->told_to = which->uid;
	return 0;
}

static int on_mail(struct run *r, const struct fetch_mail *m, struct err *err)
{
	struct fetched_mail mail = {.which = known_which(&m->which), .size_bytes = m->size_bytes};
	struct flow_folder *f;

	if (folder_of(r, &m->which, &f, err) < 0)
		return -1;
	if (m->entry.len != UUID_BYTES)
		return err_set(err, ERR_DAMAGED, "sealpost-fetch tells an id that is none");
	memcpy(mail.entry.b, m->entry.data, UUID_BYTES);
	f->told++;
	flow_told(r->flow, f, &mail, false);
	return 0;
}

/* One that a later try may get is not settled: the folder is not fetched beyond it. */
static int on_failed(struct run *r, const struct fetch_failed *m, struct err *err)
{
	struct fetched_mail mail = {.which = known_which(&m->which)};
	CLEAN_STR text = STR_INIT;
	struct flow_folder *f;

	if (folder_of(r, &m->which, &f, err) < 0)
		return -1;
	str_addv(&text, m->text);
	note_mail(r, &mail.which, text.data);
	f->told_failed++;
	if (!err_retry((enum err_kind)m->kind)) {
		flow_told(r->flow, f, &mail, true);
		return 0;
	}
	f->report.counts.failed++;
	if (m->which.uid < f->retry_from)
		f->retry_from = m->which.uid;
	return 0;
}

static void alarm_sum(struct run *r, const struct fetcher_counts *c)
{
	r->report->sums_fit = false;
	log_error("fetched mails do not add up account=%llu server=%llu earlier=%llu archived=%llu "
		  "duplicate=%llu failed=%llu gone=%llu skipped=%llu waiting=%llu",
		  (unsigned long long)r->account->account, (unsigned long long)c->on_server,
		  (unsigned long long)c->earlier, (unsigned long long)c->archived,
		  (unsigned long long)c->duplicate, (unsigned long long)c->failed,
		  (unsigned long long)c->gone, (unsigned long long)c->skipped,
		  (unsigned long long)c->waiting);
}

static int on_reached(struct run *r, const struct fetch_reached *m, struct err *err)
{
	struct flow_folder *f = flow_folder(r->flow, m->folder);

	if (!f->met || f->complete || f->uidvalidity != m->uidvalidity)
		return err_set(err, ERR_DAMAGED, "sealpost-fetch tells of a folder out of turn");
	f->reached = m->uid;
	f->changed = true;
	return 0;
}

static int on_folder_done(struct run *r, const struct fetch_folder_done *m, struct err *err)
{
	struct flow_folder *f = flow_folder(r->flow, m->folder);

	if (!f->met)
		return err_set(err, ERR_DAMAGED, "sealpost-fetch ends a folder it did not begin");
	f->complete = true;
	f->changed = f->changed || f->told_to > f->uid;
	f->report.counts.on_server = m->on_server;
	f->report.counts.earlier = m->earlier;
	f->report.counts.gone = m->gone;
	if (m->mails != f->told || m->failed != f->told_failed) {
		log_error("fetched mails do not add up account=%llu told=%llu spooled=%llu",
			  (unsigned long long)r->account->account, (unsigned long long)m->mails,
			  (unsigned long long)f->told);
		r->report->sums_fit = false;
	}
	return 0;
}

static int on_acted(struct run *r, const struct fetch_acted *m, struct err *err)
{
	struct fetched_which which = known_which(&m->which);
	CLEAN_STR text = STR_INIT;

	(void)err;
	if (m->kind == ERR_NONE) {
		flow_acted(r->flow, &which);
		return 0;
	}
	r->report->not_acted++;
	str_addv(&text, m->text);
	note_mail(r, &which, text.data);
	return 0;
}

/* At once: the one before is void already. */
static int on_token(struct run *r, const struct fetch_token *m, struct err *err)
{
	return accounts_set(catalog_of(r), r->account->account, ACCOUNT_REFRESH_TOKEN,
			    m->refresh_token, err);
}

static int on_device(struct run *r, const struct fetch_device *m, struct err *err)
{
	(void)err;
	r->watch->device(r->watch->arg, m->url, m->code);
	return 0;
}

static int on_note(struct run *r, const struct fetch_note *m, struct err *err)
{
	(void)err;
	r->watch->note(r->watch->arg, m->text);
	return 0;
}

static int on_done(struct run *r, const struct fetch_done *m, struct err *err)
{
	(void)m;
	(void)err;
	r->started = false;
	return 0;
}

static int on_error(struct run *r, const struct fetch_error *m, struct err *err)
{
	bool known = m->kind > ERR_NONE && m->kind <= ERR_STOPPED;

	r->started = false;
	return err_set(err, known ? (enum err_kind)m->kind : ERR_IO, "%.*s", (int)m->text.len,
		       m->text.data);
}

/* Those that only the parent sends have no place here. */
#define HEARD(X)                                                                                   \
	X(FOLDER, folder)                                                                          \
	X(MAIL, mail)                                                                              \
	X(FAILED, failed)                                                                          \
	X(FOLDER_DONE, folder_done)                                                                \
	X(ACTED, acted)                                                                            \
	X(TOKEN, token)                                                                            \
	X(DEVICE, device)                                                                          \
	X(NOTE, note)                                                                              \
	X(DONE, done)                                                                              \
	X(ERROR, error)                                                                            \
	X(REACHED, reached)

static int hear(struct run *r, uint32_t type, struct err *err)
{
	struct view body = str_view(&r->body);

	switch (type) {
#define X(NAME, name)                                                                              \
	case FETCH_##NAME: {                                                                       \
		struct fetch_##name m;                                                             \
                                                                                                   \
		return fetch_##name##_read(body, &m, err) < 0 ? -1 : on_##name(r, &m, err);        \
	}
		HEARD(X)
#undef X
	default:
		return err_set(err, ERR_DAMAGED, "sealpost-fetch sends a message of type %u", type);
	}
}

/* 1 it has something to say, 0 not for TIMEOUT_MS. */
static int wait_for_message(const struct run *r, int timeout_ms, struct err *err)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	int n = poll(&p, 1, timeout_ms);

	if (n < 0 && errno != EINTR)
		return err_errno(err, "poll: %m");
	return n > 0;
}

/* What it says, as far as there is room for more mails. */
static int listen_to(struct run *r, int timeout_ms, struct err *err)
{
	int rc = wait_for_message(r, timeout_ms, err);

	for (int i = 0; rc > 0 && i < MESSAGES && r->started; i++) {
		uint32_t type;

		rc = ipc_receive(r->fd, MESSAGE_MS, &type, &r->body, err);
		if (rc == 0 && r->watch->stop(r->watch->arg)) /* so was it, by the same signal */
			return err_set(err, ERR_STOPPED, "stopped on request");
		if (rc == 0)
			return err_set(err, ERR_IO, "sealpost-fetch has ended before its work");
		if (rc < 0 || hear(r, type, err) < 0)
			return -1;
		if (flow_waiting(r->flow) >= WAITING_MAX)
			return 0;
		rc = r->started ? wait_for_message(r, 0, err) : 0;
	}
	return rc < 0 ? -1 : 0;
}

/* --- one at a time ---------------------------------------------------------------------------- */

static void add_lock_path(const struct archive *a, uint64_t account, struct str *path)
{
	str_addf(path, "%s/account-%llu.lock", archive_dir(a), (unsigned long long)account);
}

static int lock_account(const struct archive *a, uint64_t account, int *fd_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	int rc;

	add_lock_path(a, account, &path);
	rc = file_lock(path.data, fd_r, err);
	if (rc == 0)
		return err_set(err, ERR_BUSY, "another run fetches this account");
	return rc < 0 ? -1 : 0;
}

int fetcher_remove(struct archive *a, const struct account *account, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_FD lock = -1;

	if (lock_account(a, account->account, &lock, err) < 0 ||
	    accounts_remove(archive_catalog(a), account->name, err) < 0)
		return -1;
	/* its number is never used again, so nobody waits for this lock */
	add_lock_path(a, account->account, &path);
	unlink(path.data);
	return 0;
}

/* --- the run ---------------------------------------------------------------------------------- */

static int send_known_folder(void *arg, const struct fetched_folder *folder, struct err *err)
{
	const struct run *r = arg;
	struct fetch_known known = {folder->folder, folder->uidvalidity, folder->uid, VIEW("")};

	return folder->uid > 0 ? fetch_send_known(r->fd, &known, err) : 0;
}

static int send_known_uidl(void *arg, struct view uidl, struct err *err)
{
	const struct run *r = arg;
	struct fetch_known known = {.folder = VIEW("INBOX"), .uidl = uidl};

	return fetch_send_known(r->fd, &known, err);
}

/* What is due is known, too, or it would be fetched again. */
static int send_due(struct run *r, struct err *err)
{
	for (const struct flow_mail *m = flow_due(r->flow); m != NULL; m = m->next) {
		const struct fetched_mail *mail = &m->mail;
		struct fetch_due due = {wire_which(&mail->which), (enum fetch_what)mail->outcome};

		if (mail->which.uidl.len > 0 && send_known_uidl(r, mail->which.uidl, err) < 0)
			return -1;
		if (fetch_send_due(r->fd, &due, err) < 0)
			return -1;
	}
	return 0;
}

static int send_state(struct run *r, struct err *err)
{
	uint64_t account = r->account->account;

	if (fetched_each_folder(catalog_of(r), account, send_known_folder, r, err) < 0 ||
	    fetched_each_uidl(catalog_of(r), account, send_known_uidl, r, err) < 0)
		return -1;
	return send_due(r, err);
}

static int send_job(struct run *r, enum fetch_mode mode, struct err *err)
{
	int rc;

	r->job.mode = mode;
	r->job.archive_dir = VIEW(archive_dir(r->a));
	r->job.mail_bytes = archive_settings(r->a)->max_mail_bytes;
	r->job.idle_ms = r->options->idle_ms;
	rc = job_send(r->fd, catalog_of(r), r->account, &r->job, err);
	if (rc == 0 && r->remember && !r->moved)
		rc = send_state(r, err);
	if (rc == 0)
		rc = fetch_send_start(r->fd, &(struct fetch_start){}, err);
	r->started = true;
	return sent(r, rc, err);
}

/* (G2): mails of earlier runs first. What has an action now is due. */
static int settle_earlier(struct run *r, struct err *err)
{
	while (flow_first(r->flow) != NULL && !r->stalled) {
		if (r->watch->stop(r->watch->arg))
			return err_set(err, ERR_STOPPED, "stopped on request");
		if (look(r, err) < 0)
			return -1;
		if (flow_first(r->flow) != NULL)
			poll(NULL, 0, LOOK_MS);
	}
	if (flow_first(r->flow) != NULL)
		return err_set(err, ERR_BUSY,
			       "%zu mails of an earlier run still wait in the spool, so nothing "
			       "new is fetched; is sealpost-archiver at work?",
			       flow_waiting(r->flow));
	return flow_save(r->flow, true, err);
}

/* The archiver takes nothing: sealpost-fetch shall not wait for outcomes, and not fill the disk. */
static int give_up_waiting(struct run *r, struct err *err)
{
	if (flow_waiting(r->flow) >= WAITING_MAX)
		return err_set(err, ERR_BUSY,
			       "the archiver takes nothing; %zu mails wait in the spool for the "
			       "next run",
			       flow_waiting(r->flow));
	if (!r->started || r->finished)
		return 0;
	r->finished = true;
	return sent(r, fetch_send_finish(r->fd, &(struct fetch_finish){}, err), err);
}

static int step(struct run *r, struct err *err)
{
	bool waiting = flow_first(r->flow) != NULL;
	bool full = flow_waiting(r->flow) >= WAITING_MAX;

	if (r->watch->stop(r->watch->arg))
		return err_set(err, ERR_STOPPED, "stopped on request");
	if (r->started && !full) {
		if (listen_to(r, waiting ? LOOK_MS : PATIENCE_MS, err) < 0)
			return -1;
	} else {
		poll(NULL, 0, LOOK_MS);
	}
	if (look(r, err) < 0 || flow_save(r->flow, false, err) < 0)
		return -1;
	return r->stalled ? give_up_waiting(r, err) : 0;
}

static int fetch_all(struct run *r, struct err *err)
{
	int rc = send_job(r, FETCH_ALL, err);

	while (rc == 0 && (r->started || (flow_first(r->flow) != NULL && !r->stalled)))
		rc = step(r, err);
	return rc;
}

static void add_counts(struct fetcher_counts *to, const struct fetcher_counts *c)
{
	to->on_server += c->on_server;
	to->earlier += c->earlier;
	to->archived += c->archived;
	to->duplicate += c->duplicate;
	to->failed += c->failed;
	to->gone += c->gone;
	to->skipped += c->skipped;
	to->waiting += c->waiting;
}

/* By name, INBOX first: servers have no order. */
static int by_name(const void *a, const void *b)
{
	const struct fetcher_folder *x = a, *y = b;
	bool x_first = view_eq(x->folder, VIEW("INBOX")),
	     y_first = view_eq(y->folder, VIEW("INBOX"));
	size_t len = x->folder.len < y->folder.len ? x->folder.len : y->folder.len;
	int order = memcmp(x->folder.data, y->folder.data, len);

	if (x_first != y_first)
		return x_first ? -1 : 1;
	return order != 0 ? order : (x->folder.len > len) - (y->folder.len > len);
}

/* Settled in this run or an earlier one; a folder that was made anew may have fewer mails now, never more. */
static bool adds_up(const struct flow_folder *f, const struct fetcher_counts *c)
{
	return c->earlier <= f->settled_before &&
	       c->on_server == c->earlier + c->archived + c->duplicate + c->failed + c->gone +
				       c->skipped + c->waiting;
}

/* WHOLE: the run went to its end, so the sums must fit (G3). */
static void report_folders(struct run *r, bool whole)
{
	for (struct flow_folder *f = flow_folders(r->flow); f != NULL; f = f->next) {
		struct fetcher_folder folder = f->report;
		struct fetcher_counts *c = &folder.counts;

		if (!f->met)
			continue;
		c->waiting = f->told + f->told_failed - c->archived - c->duplicate - c->failed;
		if (whole && !adds_up(f, c))
			alarm_sum(r, c);
		folder.left_out = whole && folder.selected && !f->complete;
		r->report->left_out += folder.left_out;
		add_counts(&r->report->counts, c);
		folder.folder = arena_view(r->arena, folder.folder);
		ARENA_PUSH(r->arena, *r->report, folder);
	}
	if (r->report->n > 1)
		qsort(r->report->v, r->report->n, sizeof(*r->report->v), by_name);
}

/* (F3) Where and whose it is; a port may lead to another server. */
static void name_mailbox(struct run *r)
{
	str_adds(&r->mailbox, r->job.protocol == FETCH_POP3 ? "pop3\n" : "imap\n");
	str_addv(&r->mailbox, r->job.host);
	str_addf(&r->mailbox, "\n%llu\n", (unsigned long long)r->job.port);
	str_addv(&r->mailbox, r->job.user);
}

/* What earlier runs left, then what is there. */
static int take_all(struct run *r, struct err *err)
{
	if (r->remember) {
		int rc = fetched_is_of(catalog_of(r), r->account->account, str_view(&r->mailbox),
				       err);

		if (rc < 0)
			return -1;
		r->moved = rc == 0;
	}
	if (!r->moved && (flow_load(r->flow, err) < 0 || settle_earlier(r, err) < 0))
		return -1;
	return fetch_all(r, err);
}

static int run_whole(struct run *r, struct err *err)
{
	CLEAN_FD lock = -1;
	struct err ignored = {0};
	int64_t begun_s = clock_s();
	int rc;

	r->remember = !r->options->once;
	name_mailbox(r);
	if (lock_account(r->a, r->account->account, &lock, err) < 0)
		return -1;
	rc = take_all(r, err);
	/* also after an error: what was told by then is on its way */
	if (flow_save(r->flow, true, rc < 0 ? &ignored : err) < 0)
		rc = -1;
	report_folders(r, rc == 0);
	if (accounts_note_run(catalog_of(r), r->account->account, begun_s,
			      rc < 0 ? err_code(err->kind) : "", flow_waiting(r->flow),
			      rc < 0 ? &ignored : err) < 0)
		rc = -1;
	return rc;
}

static int run_list(struct run *r, struct err *err)
{
	int rc = flow_load(r->flow, err) < 0 ? -1 : send_job(r, FETCH_LIST, err);

	while (rc == 0 && r->started) {
		if (r->watch->stop(r->watch->arg))
			rc = err_set(err, ERR_STOPPED, "stopped on request");
		else
			rc = listen_to(r, PATIENCE_MS, err);
	}
	for (struct flow_folder *f = flow_folders(r->flow); f != NULL; f = f->next)
		f->report.counts.earlier = f->report.selected ? f->settled_before : 0;
	report_folders(r, false);
	return rc;
}

static int run_begin(struct run *r, struct err *err)
{
	*r->report = (struct fetcher_report){.sums_fit = true};
	str_init(&r->body);
	str_init(&r->mailbox);
	r->progress_ms = clock_monotonic_ms();
	if (job_check(r->account, err) < 0 || job_of(r->account, &r->job, err) < 0 ||
	    spool_open(archive_dir(r->a), &r->spool, err) < 0)
		return -1;
	r->judge = judge_new(r->a, r->spool);
	r->flow = flow_new(catalog_of(r), r->account->account, !r->options->once);
	return 0;
}

static void run_clear(struct run *r)
{
	flow_free(&r->flow);
	judge_free(&r->judge);
	spool_free(&r->spool);
	str_clear(&r->body);
	str_clear(&r->mailbox);
}

int fetcher_run(struct archive *a, const struct account *account, int fd,
		const struct fetcher_options *options, const struct fetcher_watch *watch,
		struct arena *arena, struct fetcher_report *report_r, struct err *err)
{
	struct run r = {.a = a,
			.account = account,
			.fd = fd,
			.options = options,
			.watch = watch,
			.arena = arena,
			.report = report_r};
	int64_t begun_ms = clock_monotonic_ms();
	int rc = run_begin(&r, err);

	if (rc == 0)
		rc = run_whole(&r, err);
	log_info("fetched account=%llu archived=%llu duplicate=%llu failed=%llu ms=%lld",
		 (unsigned long long)account->account,
		 (unsigned long long)report_r->counts.archived,
		 (unsigned long long)report_r->counts.duplicate,
		 (unsigned long long)report_r->counts.failed,
		 (long long)(clock_monotonic_ms() - begun_ms));
	run_clear(&r);
	return rc;
}

int fetcher_list(struct archive *a, const struct account *account, int fd,
		 const struct fetcher_watch *watch, struct arena *arena,
		 struct fetcher_report *report_r, struct err *err)
{
	static const struct fetcher_options no_options = {0};
	struct run r = {.a = a,
			.account = account,
			.fd = fd,
			.options = &no_options,
			.watch = watch,
			.arena = arena,
			.report = report_r};
	int rc = run_begin(&r, err);

	if (rc == 0)
		rc = run_list(&r, err);
	run_clear(&r);
	return rc;
}

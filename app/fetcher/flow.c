/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/fetcher/flow.h"

#include "base/clock.h"

enum { SAVE_MS = 1000, BUCKETS = 4096 };

struct queue {
	struct flow_mail *first, **end;
	size_t n;
};

struct flow {
	struct catalog *catalog;
	uint64_t account;
	bool remember;
	struct arena *arena; /* of the folders */
	struct flow_folder *folders, **folders_end;
	struct flow_folder *by_name[BUCKETS];
	struct queue waiting, due;
	struct queue
		done; /* settled for good, to be taken out of the catalog, or to be noted by UIDL */
	int64_t saved_ms;
};

static void queue_put(struct queue *q, struct flow_mail *m)
{
	m->next = NULL;
	*q->end = m;
	q->end = &m->next;
	q->n++;
}

/* Take out the one that AT points to. */
static struct flow_mail *queue_take(struct queue *q, struct flow_mail **at)
{
	struct flow_mail *m = *at;

	*at = m->next;
	if (m->next == NULL)
		q->end = at;
	q->n--;
	return m;
}

static void queue_clear(struct queue *q)
{
	while (q->first != NULL)
		free(queue_take(q, &q->first));
}

struct flow *flow_new(struct catalog *catalog, uint64_t account, bool remember)
{
	struct flow *flow = mem_new(sizeof(*flow));

	flow->catalog = catalog;
	flow->account = account;
	flow->remember = remember;
	flow->arena = arena_new();
	flow->folders_end = &flow->folders;
	flow->waiting.end = &flow->waiting.first;
	flow->due.end = &flow->due.first;
	flow->done.end = &flow->done.first;
	flow->saved_ms = clock_monotonic_ms();
	return flow;
}

void flow_free(struct flow **flow)
{
	if (*flow == NULL)
		return;
	queue_clear(&(*flow)->waiting);
	queue_clear(&(*flow)->due);
	queue_clear(&(*flow)->done);
	arena_free(&(*flow)->arena);
	free(*flow);
	*flow = NULL;
}

static struct view copy_behind(char **to, struct view text)
{
	struct view copy = {*to, text.len};

	memcpy(*to, text.data, text.len);
	*to += text.len;
	return copy;
}

/* Texts and all in one piece. */
static struct flow_mail *mail_new(const struct fetched_mail *mail)
{
	struct flow_mail *m = mem_new(sizeof(*m) + mail->which.folder.len + mail->which.uidl.len +
				      1);
	char *texts = (char *)(m + 1);

	m->mail = *mail;
	m->mail.which.folder = copy_behind(&texts, mail->which.folder);
	m->mail.which.uidl = copy_behind(&texts, mail->which.uidl);
	return m;
}

static int load_mail(void *arg, const struct fetched_mail *mail, struct err *err)
{
	struct flow *flow = arg;
	struct flow_mail *m = mail_new(mail);

	(void)err;
	m->has_row = m->saved = true;
	queue_put(mail->state == FETCHED_SPOOLED ? &flow->waiting : &flow->due, m);
	return 0;
}

static int load_folder(void *arg, const struct fetched_folder *folder, struct err *err)
{
	struct flow *flow = arg;
	struct flow_folder *f = flow_folder(flow, folder->folder);

	(void)err;
	f->uidvalidity = folder->uidvalidity;
	f->uid = folder->uid;
	f->settled_before = folder->archived + folder->duplicate + folder->failed;
	return 0;
}

int flow_load(struct flow *flow, struct err *err)
{
	if (!flow->remember)
		return 0;
	if (fetched_each_folder(flow->catalog, flow->account, load_folder, flow, err) < 0)
		return -1;
	return fetched_each_mail(flow->catalog, flow->account, load_mail, flow, err);
}

static struct flow_folder *folder_new(struct flow *flow, struct view name)
{
	struct flow_folder *f = arena_get(flow->arena, sizeof(*f));

	f->report.folder = arena_view(flow->arena, name);
	f->retry_from = UINT64_MAX;
	*flow->folders_end = f;
	flow->folders_end = &f->next;
	return f;
}

static size_t bucket_of(struct view name)
{
	uint64_t h = 14695981039346656037ULL; /* FNV-1a */

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.data[i]) * 1099511628211ULL;
	return h % BUCKETS;
}

struct flow_folder *flow_folder(struct flow *flow, struct view name)
{
	struct flow_folder **at = &flow->by_name[bucket_of(name)];

	while (*at != NULL && !view_eq((*at)->report.folder, name))
		at = &(*at)->same_hash;
	if (*at == NULL)
		*at = folder_new(flow, name);
	return *at;
}

struct flow_folder *flow_folders(struct flow *flow)
{
	return flow->folders;
}

void flow_told(struct flow *flow, struct flow_folder *folder, const struct fetched_mail *mail,
	       bool failed)
{
	struct flow_mail *m = mail_new(mail);

	m->folder = folder;
	m->failed = failed;
	m->mail.state = FETCHED_SPOOLED;
	queue_put(&flow->waiting, m);
}

struct flow_mail *flow_first(struct flow *flow)
{
	return flow->waiting.first;
}

size_t flow_waiting(const struct flow *flow)
{
	return flow->waiting.n;
}

static void count(struct flow *flow, struct flow_mail *m, enum fetched_outcome outcome)
{
	struct flow_folder *f = m->folder != NULL ? m->folder
						  : flow_folder(flow, m->mail.which.folder);
	struct fetcher_counts *c = m->folder != NULL ? &f->report.counts
						     : &(struct fetcher_counts){0};

	f->changed = true;
	if (m->folder == NULL)
		f->settled_before++;
	switch (outcome) {
	case FETCHED_ARCHIVED:
		f->unsaved.archived++;
		c->archived++;
		break;
	case FETCHED_DUPLICATE:
		f->unsaved.duplicate++;
		c->duplicate++;
		break;
	case FETCHED_FAILED:
		f->unsaved.failed++;
		c->failed++;
		break;
	}
}

void flow_settle(struct flow *flow, enum fetched_outcome outcome, bool due)
{
	struct flow_mail *m = queue_take(&flow->waiting, &flow->waiting.first);

	count(flow, m, outcome);
	m->mail.state = FETCHED_SETTLED;
	m->mail.outcome = outcome;
	if (due) {
		m->saved = false; /* not as it is now */
		queue_put(&flow->due, m);
	} else {
		queue_put(&flow->done, m);
	}
}

static bool is_same(const struct fetched_which *a, const struct fetched_which *b)
{
	return a->uid == b->uid && a->uidvalidity == b->uidvalidity && view_eq(a->uidl, b->uidl) &&
	       view_eq(a->folder, b->folder);
}

bool flow_acted(struct flow *flow, const struct fetched_which *which)
{
	struct flow_mail **at = &flow->due.first;
	struct flow_mail *m;

	/* They come back in the order they were sent in, or nearly so. */
	while (*at != NULL && !is_same(&(*at)->mail.which, which))
		at = &(*at)->next;
	if (*at == NULL)
		return false;
	m = queue_take(&flow->due, at);
	m->acted = true;
	queue_put(&flow->done, m);
	return true;
}

const struct flow_mail *flow_due(const struct flow *flow)
{
	return flow->due.first;
}

/* Up to here each mail was told, and those not settled have rows (F1). */
static uint64_t fetched_to(const struct flow_folder *f)
{
	uint64_t told = f->complete ? f->told_to : f->reached;
	uint64_t to = told > f->uid ? told : f->uid;

	return to < f->retry_from ? to : f->retry_from - 1;
}

static int save_folder(struct flow *flow, struct flow_folder *f, struct err *err)
{
	f->unsaved.folder = f->report.folder;
	f->unsaved.uidvalidity = f->uidvalidity;
	f->unsaved.uid = fetched_to(f);
	return fetched_folder_put(flow->catalog, flow->account, &f->unsaved, err);
}

static int save_done(struct flow *flow, const struct flow_mail *m, struct err *err)
{
	const struct fetched_which *w = &m->mail.which;

	/* of POP3 the one action there is deletes the mail: it will not be met again */
	if (w->uidl.len > 0 && !m->acted &&
	    fetched_uidl_put(flow->catalog, flow->account, w->uidl, err) < 0)
		return -1;
	return m->has_row ? fetched_mail_done(flow->catalog, flow->account, w, err) : 0;
}

static int save_rows(struct flow *flow, const struct queue *q, struct err *err)
{
	for (const struct flow_mail *m = q->first; m != NULL; m = m->next)
		if (!m->saved && fetched_mail_put(flow->catalog, flow->account, &m->mail, err) < 0)
			return -1;
	return 0;
}

static int save_all(struct flow *flow, struct err *err)
{
	if (save_rows(flow, &flow->waiting, err) < 0 || save_rows(flow, &flow->due, err) < 0)
		return -1;
	for (const struct flow_mail *m = flow->done.first; m != NULL; m = m->next)
		if (save_done(flow, m, err) < 0)
			return -1;
	for (struct flow_folder *f = flow->folders; f != NULL; f = f->next)
		if (f->changed && save_folder(flow, f, err) < 0)
			return -1;
	return 0;
}

static void note_rows(struct queue *q)
{
	for (struct flow_mail *m = q->first; m != NULL; m = m->next)
		m->has_row = m->saved = true;
}

static void note_saved(struct flow *flow)
{
	note_rows(&flow->waiting);
	note_rows(&flow->due);
	queue_clear(&flow->done);
	for (struct flow_folder *f = flow->folders; f != NULL; f = f->next) {
		f->uid = fetched_to(f);
		f->unsaved = (struct fetched_folder){0};
		f->changed = false;
	}
}

int flow_save(struct flow *flow, bool now, struct err *err)
{
	int64_t now_ms = clock_monotonic_ms();

	if (!now && now_ms - flow->saved_ms < SAVE_MS)
		return 0;
	flow->saved_ms = now_ms;
	if (flow->remember && (catalog_begin(flow->catalog, err) < 0 || save_all(flow, err) < 0 ||
			       catalog_commit(flow->catalog, err) < 0)) {
		catalog_rollback(flow->catalog);
		return -1;
	}
	note_saved(flow);
	return 0;
}

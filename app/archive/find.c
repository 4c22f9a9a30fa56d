/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/find.h"

#include "app/archive/archive_priv.h"
#include "app/archive/may_see.h"

enum { STEP = 1000 }; /* numbers asked of the index at a time */

static int name_address(void *arg, struct view addr, uint64_t *ids, size_t max, struct err *err)
{
	struct archive *a = arg;

	return max > 0 ? address_id(a->catalog, addr, false, ids, err) : 0;
}

static int name_source(void *arg, struct view name, uint64_t *ids, size_t max, struct err *err)
{
	struct archive *a = arg;

	return max > 0 ? source_id(a->catalog, name, false, ids, err) : 0;
}

static int name_id(void *arg, const struct uuid *id, uint64_t *mails, size_t max, struct err *err)
{
	struct archive *a = arg;

	return max > 0 ? mails_by_id(a->catalog, id, mails, err) : 0;
}

static int name_msgid(void *arg, struct view msgid, uint64_t *mails, size_t max, struct err *err)
{
	struct archive *a = arg;

	return mails_by_msgid(a->catalog, mails_msgid_hash(msgid), mails, max, err);
}

static struct query_names names_of(struct archive *a)
{
	return (struct query_names){a, name_address, name_source, name_id, name_msgid};
}

/* The mail of this number, if whoever asks may know of it: 1, 0. The index is believed nothing (SC2). */
static int visible(struct archive *a, struct arena *arena, const struct scope *scope, uint64_t mail,
		   struct mail_row *row_r, struct err *err)
{
	int rc = mails_get(a->catalog, arena, mail, row_r, err);

	if (rc <= 0)
		return rc;
	return row_r->state != MAIL_LIVE ? 0 : may_see(a->catalog, scope, row_r, err);
}

/* --- by offset ---------------------------------------------------------------------------------- */

struct page {
	const struct scope *scope;
	uint64_t skip, left; /* mails still to be passed over, and to be given */
	find_fn *fn;
	void *arg;
};

/* Mails that were deleted today are in the index until the night. They are passed over here, and so
 * never counted in OFFSET or LIMIT. */
static int give(struct archive *a, struct page *page, const uint64_t *mails, size_t n,
		struct err *err)
{
	CLEAN(arena) arena = arena_new();

	for (size_t i = 0; i < n && page->left > 0; i++) {
		struct mail_row row;
		int rc;

		arena_reset(arena);
		rc = visible(a, arena, page->scope, mails[i], &row, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		if (page->skip > 0) {
			page->skip--;
			continue;
		}
		page->left--;
		if (page->fn(page->arg, &row, err) < 0)
			return -1;
	}
	return 0;
}

/* The offset can ride on the index as long as nothing deleted is left in it, and nothing that the scope's dates leave out (X2). */
static int skip_in_index(struct archive *a, const struct scope *scope, uint64_t *skip,
			 struct err *err)
{
	int rc = scope->from_s != 0 || scope->until_s != 0 ? 1 : mails_any_deleted(a->catalog, err);

	if (rc == 0)
		*skip = 0;
	return rc < 0 ? -1 : 0;
}

int find_mails(struct archive *a, struct view query, const struct scope *scope, uint64_t offset,
	       uint64_t limit, find_fn *fn, void *arg, struct err *err)
{
	CLEAN(query) q = NULL;
	CLEAN_MEM uint64_t *mails = mem_new(STEP * sizeof(*mails));
	struct query_names names = names_of(a);
	struct page page = {scope, offset, limit, fn, arg};
	uint64_t at = 0;
	size_t n = 0;

	if (query_parse(query, &q, err) < 0 || archive_need_index(a, err) < 0 ||
	    skip_in_index(a, scope, &page.skip, err) < 0)
		return -1;
	if (page.skip == 0)
		at = offset;
	do {
		size_t want = page.skip + page.left < STEP ? (size_t)(page.skip + page.left) : STEP;

		if (want == 0)
			break;
		if (index_search(a->index, q, scope, &names, at, want, mails, &n, err) < 0 ||
		    give(a, &page, mails, n, err) < 0)
			return -1;
		at += n;
		if (n < want)
			break;
	} while (page.left > 0);
	return 0;
}

static int count_one(void *arg, const struct mail_row *row, struct err *err)
{
	(void)row;
	(void)err;
	++*(uint64_t *)arg;
	return 0;
}

int find_count(struct archive *a, struct view query, const struct scope *scope, uint64_t *count_r,
	       struct err *err)
{
	CLEAN(query) q = NULL;
	struct query_names names = names_of(a);
	uint64_t skip = 1;

	*count_r = 0;
	if (query_parse(query, &q, err) < 0 || archive_need_index(a, err) < 0 ||
	    skip_in_index(a, scope, &skip, err) < 0)
		return -1;
	if (skip == 0)
		return index_search_count(a->index, q, scope, &names, count_r, err);
	return find_mails(a, query, scope, 0, UINT64_MAX / 2, count_one, count_r, err);
}

/* --- by place ----------------------------------------------------------------------------------- */

struct walk {
	struct archive *a;
	const struct query *query;
	const struct scope *scope;
	struct arena *arena; /* of one row */
	struct index_window window;
	/* of the row last given */
	struct mail_row row;
	int64_t docid;

	struct index_hit *hits;
	size_t n, at;
	bool at_end;
};

static void walk_end(struct walk *w)
{
	arena_free(&w->arena);
	free(w->hits);
}

static void walk_begin(struct walk *w, size_t limit)
{
	w->window.limit = limit;
	w->arena = arena_new();
	w->hits = mem_new(limit * sizeof(*w->hits));
}

/* The next hits of the index, behind those that there were. */
static int more_hits(struct walk *w, struct err *err)
{
	struct query_names names = names_of(w->a);

	if (w->n > 0 && w->window.oldest_first)
		w->window.from = w->hits[w->n - 1].docid + 1;
	else if (w->n > 0)
		w->window.before = w->hits[w->n - 1].docid;
	w->at = 0;
	if (index_hits(w->a->index, w->query, w->scope, &names, &w->window, w->hits, &w->n, err) <
	    0)
		return -1;
	w->at_end = w->n < w->window.limit;
	return 0;
}

/* The next mail: 1, in w->row; 0 that was all. */
static int walk_next_mail(struct walk *w, struct err *err)
{
	int rc = 0;

	while (rc == 0) {
		if (w->at == w->n && w->at_end)
			return 0;
		if (w->at == w->n && more_hits(w, err) < 0)
			return -1;
		if (w->at == w->n)
			continue;
		arena_reset(w->arena);
		w->docid = w->hits[w->at].docid;
		rc = visible(w->a, w->arena, w->scope, w->hits[w->at++].mail, &w->row, err);
	}
	return rc;
}

static int give_page(struct walk *w, size_t limit, find_fn *fn, void *arg, int64_t *next_r,
		     struct err *err)
{
	int64_t last = 0;
	int rc = 1;

	for (size_t given = 0; given < limit; given++) {
		rc = walk_next_mail(w, err);
		if (rc <= 0)
			return rc;
		if (fn(arg, &w->row, err) < 0)
			return -1;
		last = w->docid;
	}
	rc = walk_next_mail(w, err);
	if (rc > 0)
		*next_r = last;
	return rc < 0 ? -1 : 0;
}

int find_page(struct archive *a, struct view query, const struct scope *scope, int64_t from,
	      size_t limit, find_fn *fn, void *arg, int64_t *next_r, struct err *err)
{
	CLEAN(query) q = NULL;
	struct walk w = {.a = a, .scope = scope, .window.before = from};
	int rc;

	*next_r = 0;
	if (query_parse(query, &q, err) < 0 || archive_need_index(a, err) < 0)
		return -1;
	w.query = q;
	walk_begin(&w, limit + 1);
	rc = give_page(&w, limit, fn, arg, next_r, err);
	walk_end(&w);
	return rc;
}

static int neighbour(struct archive *a, const struct query *q, const struct scope *scope,
		     struct index_window window, bool *has_r, struct uuid *id_r, struct err *err)
{
	struct walk w = {.a = a, .query = q, .scope = scope, .window = window};
	int rc;

	walk_begin(&w, 8);
	rc = walk_next_mail(&w, err);
	*has_r = rc > 0;
	if (rc > 0)
		*id_r = w.row.id;
	walk_end(&w);
	return rc < 0 ? -1 : 0;
}

int find_neighbours(struct archive *a, struct view query, const struct scope *scope,
		    const struct mail_row *mail, struct find_neighbours *neighbours_r,
		    struct err *err)
{
	CLEAN(query) q = NULL;
	int64_t docid;
	int rc;

	*neighbours_r = (struct find_neighbours){0};
	if (query_parse(query, &q, err) < 0 || archive_need_index(a, err) < 0)
		return -1;
	rc = index_docid(a->index, mail->mail, &docid, err);
	if (rc <= 0)
		return rc;
	if (neighbour(a, q, scope, (struct index_window){.from = docid + 1, .oldest_first = true},
		      &neighbours_r->has_newer, &neighbours_r->newer, err) < 0)
		return -1;
	/* before 0 would be no bound; the first place has nothing before it */
	if (docid == 0)
		return 0;
	return neighbour(a, q, scope, (struct index_window){.before = docid},
			 &neighbours_r->has_older, &neighbours_r->older, err);
}

/* --- conversations ------------------------------------------------------------------------------ */

enum { CONVERSATION_MAX = 500, STEP_MAX = 1000 };

struct conversation {
	struct archive *a;
	const struct scope *scope;
	struct arena *arena;
	struct {
		struct mail_row *v;
		size_t n, cap;
	} rows;
	size_t followed; /* of them */
};

static bool is_in(const struct conversation *c, uint64_t mail)
{
	for (size_t i = 0; i < c->rows.n; i++)
		if (c->rows.v[i].mail == mail)
			return true;
	return false;
}

static int add_mails(struct conversation *c, const uint64_t *mails, size_t n, struct err *err)
{
	for (size_t i = 0; i < n && c->rows.n < CONVERSATION_MAX; i++) {
		struct mail_row row;
		int rc;

		if (is_in(c, mails[i]))
			continue;
		rc = visible(c->a, c->arena, c->scope, mails[i], &row, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			ARENA_PUSH(c->arena, c->rows, row);
	}
	return 0;
}

/* What it answers, what answers the same, and what answers it. */
static int follow(struct conversation *c, const struct mail_row *row, struct err *err)
{
	uint64_t *mails = arena_get(c->arena, STEP_MAX * sizeof(*mails));
	uint64_t threads[2] = {row->msgid, 0};
	size_t n;
	int began;

	if (index_thread_of(c->a->index, row->mail, &threads[1], err) < 0)
		return -1;
	if (threads[0] == threads[1])
		threads[1] = 0;
	if (index_thread(c->a->index, threads, 2, STEP_MAX, mails, &n, err) < 0 ||
	    add_mails(c, mails, n, err) < 0)
		return -1;
	if (threads[1] == 0)
		return 0;
	began = mails_by_msgid(c->a->catalog, threads[1], mails, STEP_MAX, err);
	if (began < 0)
		return -1;
	return add_mails(c, mails, began < STEP_MAX ? (size_t)began : STEP_MAX, err);
}

static int by_date(const void *a, const void *b)
{
	const struct mail_row *x = a, *y = b;

	if (x->sent_s != y->sent_s)
		return x->sent_s < y->sent_s ? -1 : 1;
	return x->mail < y->mail ? -1 : 1;
}

int find_conversation(struct archive *a, const struct scope *scope, const struct mail_row *mail,
		      find_fn *fn, void *arg, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct conversation c = {.a = a, .scope = scope, .arena = arena};

	if (archive_need_index(a, err) < 0 || add_mails(&c, &mail->mail, 1, err) < 0)
		return -1;
	while (c.followed < c.rows.n) {
		const struct mail_row row = c.rows.v[c.followed++];

		if (follow(&c, &row, err) < 0)
			return -1;
	}
	if (c.rows.n > 0)
		qsort(c.rows.v, c.rows.n, sizeof(*c.rows.v), by_date);
	for (size_t i = 0; i < c.rows.n; i++)
		if (fn(arg, &c.rows.v[i], err) < 0)
			return -1;
	return 0;
}

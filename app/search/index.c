/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents of a transaction wait in memory and go to FTS5 in the order of their docids: FTS5
 * collects words in memory only as long as rowids grow, and writes a segment of its own each time
 * one does not. Mail comes in any order of dates; unsorted, each would cost a segment and its
 * merging. */
#include "app/search/index_priv.h"

#include <sqlite3.h>
#include <unistd.h>

enum {
	PAGE_BYTES = 8192,
	CACHE_KIB = 32 * 1024,
	WAITING_BYTES = 32 * 1024 * 1024, /* of documents, before they go to FTS5 */
	MERGE_PAGES = 2000,               /* of one step of index_compact() */
};

/* pgsz: an FTS5 leaf must fit a page without what SQLCipher keeps of it (80 bytes for IV and HMAC)
 * and SQLite (46), or each leaf takes two pages. docs/PERFORMANCE.md has the figures.
 * body comes first: in a list of places, words of the first column need no column mark, which takes
 * two bytes for each word of each mail in all others: a fifth of the index. */
static const char *const schema[] = {
	"CREATE TABLE docs (docid INTEGER PRIMARY KEY, mail INTEGER NOT NULL,"
	" size INTEGER NOT NULL, medium INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX docs_mail ON docs (mail);"
	"CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1),"
	" complete_to INTEGER NOT NULL, removed INTEGER NOT NULL);"
	"INSERT INTO meta VALUES (1, 0, 0);"
	"CREATE VIRTUAL TABLE fts USING fts5 (body, subject, sender, rcpt, cc, bcc, files, tags,"
	" note, rights, marks, content='', contentless_delete=1, detail=full, tokenize='sealpost');"
	"INSERT INTO fts (fts, rank) VALUES ('pgsz', 8050);"
	"INSERT INTO fts (fts, rank) VALUES ('automerge', 8);"
	"INSERT INTO fts (fts, rank) VALUES ('hashsize', 33554432);",
	/* Notes become personal, and domains and folders bounds: all mail is indexed anew. */
	"DROP TABLE fts;"
	"DROP TABLE docs;"
	"CREATE TABLE docs (docid INTEGER PRIMARY KEY, mail INTEGER NOT NULL,"
	" size INTEGER NOT NULL, medium INTEGER NOT NULL, thread INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX docs_mail ON docs (mail);"
	"CREATE INDEX docs_thread ON docs (thread);"
	"UPDATE meta SET complete_to = 0, removed = 0;"
	"CREATE VIRTUAL TABLE fts USING fts5 (body, subject, sender, rcpt, cc, bcc, files, rights, "
	"marks,"
	" content='', contentless_delete=1, detail=full, tokenize='sealpost');"
	"INSERT INTO fts (fts, rank) VALUES ('pgsz', 8050);"
	"INSERT INTO fts (fts, rank) VALUES ('automerge', 8);"
	"INSERT INTO fts (fts, rank) VALUES ('hashsize', 33554432);"
	"CREATE TABLE note_docs (id INTEGER PRIMARY KEY, mail INTEGER NOT NULL,"
	" person INTEGER NOT NULL, UNIQUE (mail, person));"
	"CREATE VIRTUAL TABLE notes USING fts5 (tags, note, owner, content='', "
	"contentless_delete=1,"
	" detail=full, tokenize='sealpost');"
	"INSERT INTO notes (notes, rank) VALUES ('pgsz', 8050);",
};

/* A document that waits, or a removal. The later of two for one mail counts. */
struct change {
	uint64_t mail;
	size_t order;
	bool removal;
	int64_t sent_s;
	int64_t docid;
	uint64_t size;
	unsigned medium;
	uint64_t thread;
	struct view columns[9]; /* in the order of the table */
};

static const struct db_options as_index = {
	.name = "index",
	.page_bytes = PAGE_BYTES,
	.cache_kib = CACHE_KIB,
	/* the catalog forgets what the index was to do, and erasing goes on, when a commit
	 * returned */
	.sync_full = true,
};

int index_open(const char *path, const struct secret *key, bool create, struct index **index_r,
	       struct err *err)
{
	struct db_options options = as_index;
	CLEAN(index) index = mem_new(sizeof(*index));

	options.create = create;
	if (db_open(path, key, &options, &index->db, err) < 0 ||
	    tokenizer_register(index->db, err) < 0 ||
	    tokenizer_new(index->db, &index->tokenizer, err) < 0 ||
	    db_migrate(index->db, schema, sizeof(schema) / sizeof(schema[0]), err) < 0)
		return -1;
	index->arena = arena_new();
	*index_r = TAKE(index);
	return 0;
}

int index_is_older(const char *path, const struct secret *key, struct err *err)
{
	CLEAN(db) db = NULL;
	int version;

	if (access(path, F_OK) < 0)
		return 0;
	if (db_open(path, key, &as_index, &db, err) < 0 || db_schema(db, &version, err) < 0)
		return -1;
	return version < (int)(sizeof(schema) / sizeof(schema[0]));
}

void index_free(struct index **index)
{
	if (*index == NULL)
		return;
	tokenizer_free(&(*index)->tokenizer);
	db_free(&(*index)->db);
	arena_free(&(*index)->arena);
	free(*index);
	*index = NULL;
}

/* Writing. */

static void forget_changes(struct index *index)
{
	arena_reset(index->arena);
	memset(&index->changes, 0, sizeof(index->changes));
}

int index_begin(struct index *index, struct err *err)
{
	must(!index->writing);
	if (db_begin(index->db, err) < 0)
		return -1;
	index->writing = true;
	return 0;
}

void index_rollback(struct index *index)
{
	forget_changes(index);
	db_rollback(index->db);
	index->writing = false;
}

struct view index_user_text(struct arena *arena, struct view text)
{
	char *copy = arena_strn(arena, text.data, text.len);

	for (char *p = copy; (p = memchr(p, TOKEN_MARK, text.len - (size_t)(p - copy))) != NULL;)
		*p = ' ';
	return (struct view){copy, text.len};
}

static struct view rights_text(struct arena *arena, const struct index_doc *doc)
{
	CLEAN_STR s = STR_INIT;

	for (size_t i = 0; i < doc->n_addresses; i++)
		token_add(&s, TOKEN_RIGHT, doc->addresses[i]);
	for (size_t i = 0; i < doc->n_domains; i++)
		token_add(&s, TOKEN_DOMAIN, scope_domain_token(doc->domains[i]));
	return arena_view(arena, str_view(&s));
}

static void add_folder(void *arg, const struct scope_place *folder)
{
	token_add(arg, TOKEN_FOLDER, scope_place_token(folder));
}

static struct view marks_text(struct arena *arena, const struct index_doc *doc)
{
	CLEAN_STR s = STR_INIT;

	token_add(&s, TOKEN_ALL, 0);
	for (unsigned mark = MARK_ATTACHMENT; mark <= MARK_FLAGGED; mark <<= 1)
		if (doc->marks & mark)
			token_add(&s, TOKEN_FLAG, mark);
	for (size_t i = 0; i < doc->n_places; i++) {
		token_add(&s, TOKEN_SOURCE, doc->places[i].source);
		scope_folders_each(&doc->places[i], add_folder, &s);
	}
	return arena_view(arena, str_view(&s));
}

static struct change *change_new(struct index *index, uint64_t mail)
{
	struct change *c = arena_get(index->arena, sizeof(*c));

	must(index->writing);
	c->mail = mail;
	c->order = index->changes.n;
	ARENA_PUSH(index->arena, index->changes, c);
	return c;
}

static int flush(struct index *index, struct err *err);

static int flush_if_full(struct index *index, struct err *err)
{
	return arena_used(index->arena) < WAITING_BYTES ? 0 : flush(index, err);
}

int index_put(struct index *index, const struct index_doc *doc, struct err *err)
{
	const struct view texts[] = {doc->body, doc->subject, doc->from, doc->to,
				     doc->cc,   doc->bcc,     doc->files};
	const size_t n = sizeof(texts) / sizeof(texts[0]);
	struct change *c = change_new(index, doc->mail);

	c->sent_s = doc->sent_s < 0 ? 0 : doc->sent_s > SENT_MAX_S ? SENT_MAX_S : doc->sent_s;
	c->size = doc->size;
	c->medium = doc->medium;
	c->thread = doc->thread;
	for (size_t i = 0; i < n; i++)
		c->columns[i] = index_user_text(index->arena, texts[i]);
	c->columns[n] = rights_text(index->arena, doc);
	c->columns[n + 1] = marks_text(index->arena, doc);
	return flush_if_full(index, err);
}

int index_remove(struct index *index, uint64_t mail, struct err *err)
{
	change_new(index, mail)->removal = true;
	return flush_if_full(index, err);
}

static int by_mail(const void *a, const void *b)
{
	const struct change *x = *(struct change *const *)a;
	const struct change *y = *(struct change *const *)b;

	if (x->mail != y->mail)
		return x->mail < y->mail ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static int by_sent(const void *a, const void *b)
{
	const struct change *x = *(struct change *const *)a;
	const struct change *y = *(struct change *const *)b;

	if (x->sent_s != y->sent_s)
		return x->sent_s < y->sent_s ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static int by_docid(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Keep the last change of each mail. */
static void drop_overtaken(struct index *index)
{
	size_t kept = 0;

	qsort(index->changes.v, index->changes.n, sizeof(*index->changes.v), by_mail);
	for (size_t i = 0; i < index->changes.n; i++) {
		if (kept > 0 && index->changes.v[kept - 1]->mail == index->changes.v[i]->mail)
			kept--;
		index->changes.v[kept++] = index->changes.v[i];
	}
	index->changes.n = kept;
}

/* Take the mail's row out of docs: 1 with its docid, 0 when there was none. */
static int drop_row(struct index *index, uint64_t mail, int64_t *docid_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(index->db, "DELETE FROM docs WHERE mail = ?1 RETURNING docid", &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)mail);
	rc = stmt_step(q, err);
	if (rc > 0) {
		*docid_r = stmt_int(q, 0);
		index->runs[(*docid_r >> SLOT_BITS) % RUNS].to = 0; /* a free slot */
	}
	return rc;
}

static int delete_words(struct index *index, const int64_t *docids, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		CLEAN_STMT q = NULL;

		if (db_query(index->db, "DELETE FROM fts WHERE rowid = ?1", &q, err) < 0)
			return -1;
		stmt_bind_int(q, 1, docids[i]);
		if (stmt_run(q, err) < 0)
			return -1;
	}
	return n == 0 ? 0 : db_exec(index->db, "UPDATE meta SET removed = 1", err);
}

/* What the index holds of the changed mails goes. */
static int drop_old(struct index *index, struct err *err)
{
	struct {
		int64_t *v;
		size_t n, cap;
	} docids = {0};

	for (size_t i = 0; i < index->changes.n; i++) {
		int64_t docid;
		int rc = drop_row(index, index->changes.v[i]->mail, &docid, err);

		if (rc < 0)
			return -1;
		if (rc > 0)
			ARENA_PUSH(index->arena, docids, docid);
		if (index->changes.v[i]->removal &&
		    index_remove_notes(index, index->changes.v[i]->mail, err) < 0)
			return -1;
	}
	if (docids.n > 0)
		qsort(docids.v, docids.n, sizeof(*docids.v), by_docid);
	return delete_words(index, docids.v, docids.n, err);
}

/* The first free docid of the second, or behind it (X1). */
static int free_docid(struct index *index, int64_t sent_s, int64_t *docid_r, struct err *err)
{
	struct full_run *run = &index->runs[sent_s % RUNS];
	const int64_t first = sent_s << SLOT_BITS;
	CLEAN_STMT q = NULL;
	int rc;

	if (run->from != first || run->to < first)
		*run = (struct full_run){first, first};
	if (db_query(index->db, "SELECT docid FROM docs WHERE docid >= ?1 ORDER BY docid", &q,
		     err) < 0)
		return -1;
	stmt_bind_int(q, 1, run->to);
	while ((rc = stmt_step(q, err)) > 0 && stmt_int(q, 0) == run->to)
		run->to++;
	*docid_r = run->to;
	return rc < 0 ? -1 : 0;
}

static int insert_row(struct index *index, const struct change *c, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(index->db, "INSERT INTO docs VALUES (?1, ?2, ?3, ?4, ?5)", &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, c->docid);
	stmt_bind_int(q, 2, (int64_t)c->mail);
	stmt_bind_int(q, 3, (int64_t)c->size);
	stmt_bind_int(q, 4, c->medium);
	stmt_bind_int(q, 5, (int64_t)c->thread);
	return stmt_run(q, err);
}

static int insert_words(struct index *index, const struct change *c, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(index->db,
		     "INSERT INTO fts (rowid, body, subject, sender, rcpt, cc, bcc, files, rights,"
		     " marks) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
		     &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, c->docid);
	for (size_t i = 0; i < sizeof(c->columns) / sizeof(c->columns[0]); i++)
		stmt_bind_text(q, (int)i + 2, c->columns[i]);
	return stmt_run(q, err);
}

/* In the order of sent dates docids grow, too: a later second never gets an earlier place. */
static int insert_new(struct index *index, struct err *err)
{
	qsort(index->changes.v, index->changes.n, sizeof(*index->changes.v), by_sent);
	for (size_t i = 0; i < index->changes.n; i++) {
		struct change *c = index->changes.v[i];

		if (c->removal)
			continue;
		if (free_docid(index, c->sent_s, &c->docid, err) < 0 ||
		    insert_row(index, c, err) < 0 || insert_words(index, c, err) < 0)
			return -1;
	}
	return 0;
}

static int flush(struct index *index, struct err *err)
{
	if (index->changes.n == 0)
		return 0;
	drop_overtaken(index);
	if (drop_old(index, err) < 0 || insert_new(index, err) < 0)
		return -1;
	forget_changes(index);
	return 0;
}

static int set_complete_to(struct index *index, uint64_t complete_to, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(index->db, "UPDATE meta SET complete_to = ?1", &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)complete_to);
	return stmt_run(q, err);
}

int index_commit(struct index *index, uint64_t complete_to, struct err *err)
{
	must(index->writing);
	if (flush(index, err) < 0 || set_complete_to(index, complete_to, err) < 0 ||
	    db_commit(index->db, err) < 0)
		return -1;
	index->writing = false;
	return 0;
}

/* Looking after it. */

static int one_number(struct stmt *q, uint64_t *number_r, struct err *err)
{
	int rc = stmt_step(q, err);

	if (rc == 0)
		return err_set(err, ERR_DAMAGED, "index database: a row is missing");
	if (rc > 0)
		*number_r = (uint64_t)stmt_int(q, 0);
	return rc < 0 ? -1 : 0;
}

int index_complete_to(struct index *index, uint64_t *mail_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(index->db, "SELECT complete_to FROM meta", &q, err) < 0)
		return -1;
	return one_number(q, mail_r, err);
}

int index_count(struct index *index, uint64_t *mails_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(index->db, "SELECT count(*) FROM docs", &q, err) < 0)
		return -1;
	return one_number(q, mails_r, err);
}

static int was_removed(struct index *index, uint64_t *removed_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(index->db, "SELECT removed FROM meta", &q, err) < 0)
		return -1;
	return one_number(q, removed_r, err);
}

/* One step towards a single segment, in a transaction of its own: 1 when more is to do. FTS5 tells
 * by the rows that it changed. START begins a merge of everything. */
static int merge_step(struct index *index, const char *merge, bool start, struct err *err)
{
	sqlite3 *sqlite = db_sqlite(index->db);
	CLEAN_STMT q = NULL;
	int64_t before;

	if (db_begin(index->db, err) < 0)
		return -1;
	before = sqlite3_total_changes64(sqlite);
	if (db_query(index->db, merge, &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, start ? -MERGE_PAGES : MERGE_PAGES);
	if (stmt_run(q, err) < 0)
		return -1;
	before = sqlite3_total_changes64(sqlite) - before;
	return db_commit(index->db, err) < 0 ? -1 : before >= 2;
}

static int merge_all(struct index *index, const char *merge, struct err *err)
{
	int rc = merge_step(index, merge, true, err);

	while (rc > 0)
		rc = merge_step(index, merge, false, err);
	return rc;
}

static int compact(struct index *index, struct err *err)
{
	if (merge_all(index, "INSERT INTO fts (fts, rank) VALUES ('merge', ?1)", err) < 0 ||
	    merge_all(index, "INSERT INTO notes (notes, rank) VALUES ('merge', ?1)", err) < 0)
		return -1;
	return db_exec(index->db, "UPDATE meta SET removed = 0", err);
}

int index_compact(struct index *index, struct err *err)
{
	uint64_t removed;

	must(!index->writing);
	if (was_removed(index, &removed, err) < 0)
		return -1;
	if (removed == 0)
		return 0;
	if (compact(index, err) < 0) {
		db_rollback(index->db);
		return err_add(err, "compact");
	}
	return 0;
}

static int check_words(struct index *index, db_finding_fn *fn, void *arg, struct err *err)
{
	static const char sql[] = "INSERT INTO fts (fts, rank) VALUES ('integrity-check', 0);"
				  "INSERT INTO notes (notes, rank) VALUES ('integrity-check', 0)";

	if (db_exec(index->db, sql, err) == 0)
		return 0;
	if (err->kind != ERR_DAMAGED)
		return -1;
	fn(arg, err->text);
	err_clear(err);
	return 0;
}

static int check_counts(struct index *index, db_finding_fn *fn, void *arg, struct err *err)
{
	struct query everything = {0};
	const struct scope scope = SCOPE_ALL;
	CLEAN_STMT q = NULL;
	CLEAN_STR all = STR_INIT;
	CLEAN_STR finding = STR_INIT;
	uint64_t docs = 0, words = 0;

	str_addc(&all, '"');
	token_add(&all, TOKEN_ALL, 0);
	str_addc(&all, '"');
	if (index_search_count(index, &everything, &scope, NULL, &docs, err) < 0 ||
	    db_query(index->db, "SELECT count(*) FROM fts WHERE fts MATCH ?1", &q, err) < 0)
		return -1;
	stmt_bind_text(q, 1, str_view(&all));
	if (one_number(q, &words, err) < 0)
		return -1;
	str_addf(&finding, "the index lists %llu mails, but holds words of %llu",
		 (unsigned long long)docs, (unsigned long long)words);
	if (docs != words)
		fn(arg, finding.data);
	return 0;
}

int index_check(struct index *index, db_finding_fn *fn, void *arg, struct err *err)
{
	if (db_check(index->db, fn, arg, err) < 0 || check_words(index, fn, arg, err) < 0 ||
	    check_counts(index, fn, arg, err) < 0)
		return -1;
	return 0;
}

/* Searching. */

static int mail_of(struct index *index, int64_t docid, uint64_t *mail_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(index->db, "SELECT mail FROM docs WHERE docid = ?1", &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, docid);
	rc = stmt_step(q, err);
	if (rc == 0)
		return err_set(err, ERR_DAMAGED,
			       "index database: it holds words of a mail that it "
			       "does not list; rebuild the index");
	if (rc > 0)
		*mail_r = (uint64_t)stmt_int(q, 0);
	return rc < 0 ? -1 : 0;
}

static void add_from(struct str *sql, const struct plan *plan)
{
	if (plan->match.len == 0)
		str_adds(sql, " FROM docs WHERE docs.docid BETWEEN ?2 AND ?3");
	else if (plan->where.len == 0)
		str_adds(sql, " FROM fts WHERE fts MATCH ?1 AND fts.rowid BETWEEN ?2 AND ?3");
	else
		str_adds(sql, " FROM fts CROSS JOIN docs ON docs.docid = fts.rowid"
			      " WHERE fts MATCH ?1 AND fts.rowid BETWEEN ?2 AND ?3");
	if (plan->where.len > 0)
		str_addf(sql, " AND %s", plan->where.data);
}

static void bind_plan(struct stmt *q, const struct plan *plan)
{
	if (plan->match.len > 0)
		stmt_bind_text(q, PLAN_MATCH, plan->match);
	stmt_bind_int(q, PLAN_LO, plan->lo);
	stmt_bind_int(q, PLAN_HI, plan->hi);
	for (size_t i = 0; i < plan->params.n; i++) {
		const struct param *p = &plan->params.v[i];

		if (p->is_text)
			stmt_bind_text(q, PLAN_PARAMS + (int)i, p->text);
		else
			stmt_bind_int(q, PLAN_PARAMS + (int)i, p->number);
	}
}

/* The statement that lists docids. The common case is one fixed text, with nothing joined ahead of
 * LIMIT. */
static int list_query(struct index *index, const struct plan *plan, bool oldest_first,
		      struct stmt **q_r, struct err *err)
{
	const char *key = plan->match.len > 0 ? "fts.rowid" : "docs.docid";
	CLEAN_STR sql = STR_INIT;

	if (plan->match.len > 0 && plan->where.len == 0 && !oldest_first)
		return db_query(index->db,
				"SELECT rowid FROM fts WHERE fts MATCH ?1 AND rowid BETWEEN ?2"
				" AND ?3 ORDER BY rowid DESC LIMIT ?4 OFFSET ?5",
				q_r, err);
	str_addf(&sql, "SELECT %s", key);
	add_from(&sql, plan);
	str_addf(&sql, " ORDER BY %s %s LIMIT ?4 OFFSET ?5", key, oldest_first ? "ASC" : "DESC");
	return db_query_text(index->db, sql.data, q_r, err);
}

static void narrow(struct plan *plan, const struct index_window *window)
{
	if (window->from > plan->lo)
		plan->lo = window->from;
	if (window->before > 0 && window->before <= plan->hi)
		plan->hi = window->before - 1;
}

/* The statement stays open over all look-ups, so that all see the same state of the index. */
static int list(struct index *index, const struct plan *plan, const struct index_window *window,
		struct index_hit *hits_r, size_t *n_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (list_query(index, plan, window->oldest_first, &q, err) < 0)
		return -1;
	bind_plan(q, plan);
	stmt_bind_int(q, PLAN_LIMIT, (int64_t)window->limit);
	stmt_bind_int(q, PLAN_OFFSET, (int64_t)window->offset);
	while ((rc = stmt_step(q, err)) > 0) {
		struct index_hit *hit = &hits_r[*n_r];

		hit->docid = stmt_int(q, 0);
		if (mail_of(index, hit->docid, &hit->mail, err) < 0)
			return -1;
		++*n_r;
	}
	return rc;
}

int index_hits(struct index *index, const struct query *query, const struct scope *scope,
	       const struct query_names *names, const struct index_window *window,
	       struct index_hit *hits_r, size_t *n_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct plan plan;

	*n_r = 0;
	if (plan_make(arena, index->db, index->tokenizer, query, scope, names, &plan, err) < 0)
		return -1;
	narrow(&plan, window);
	return plan.nothing ? 0 : list(index, &plan, window, hits_r, n_r, err);
}

int index_search(struct index *index, const struct query *query, const struct scope *scope,
		 const struct query_names *names, size_t offset, size_t limit, uint64_t *mails_r,
		 size_t *n_r, struct err *err)
{
	const struct index_window window = {.offset = offset, .limit = limit};
	CLEAN_MEM struct index_hit *hits = mem_new((limit + 1) * sizeof(*hits));

	if (index_hits(index, query, scope, names, &window, hits, n_r, err) < 0)
		return -1;
	for (size_t i = 0; i < *n_r; i++)
		mails_r[i] = hits[i].mail;
	return 0;
}

int index_docid(struct index *index, uint64_t mail, int64_t *docid_r, struct err *err)
{
	return docid_of_mail(index->db, mail, docid_r, err);
}

static int thread_mails(struct index *index, uint64_t thread, size_t max, uint64_t *mails_r,
			size_t *n_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = 1;

	if (db_query(index->db, "SELECT mail FROM docs WHERE thread = ?1 ORDER BY docid DESC", &q,
		     err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)thread);
	while (*n_r < max && (rc = stmt_step(q, err)) > 0)
		mails_r[(*n_r)++] = (uint64_t)stmt_int(q, 0);
	return rc < 0 ? -1 : 0;
}

int index_thread(struct index *index, const uint64_t *threads, size_t n_threads, size_t max,
		 uint64_t *mails_r, size_t *n_r, struct err *err)
{
	*n_r = 0;
	for (size_t i = 0; i < n_threads; i++)
		if (threads[i] != 0 && thread_mails(index, threads[i], max, mails_r, n_r, err) < 0)
			return -1;
	return 0;
}

int index_thread_of(struct index *index, uint64_t mail, uint64_t *thread_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(index->db, &q, err, "SELECT thread FROM docs WHERE mail = ?1",
			 BIND_INT(mail));

	if (rc > 0)
		*thread_r = (uint64_t)stmt_int(q, 0);
	return rc;
}

static int count(struct index *index, const struct plan *plan, uint64_t *count_r, struct err *err)
{
	CLEAN_STR sql = STR_INIT;
	CLEAN_STMT q = NULL;

	str_adds(&sql, "SELECT count(*)");
	add_from(&sql, plan);
	if (db_query_text(index->db, sql.data, &q, err) < 0)
		return -1;
	bind_plan(q, plan);
	return one_number(q, count_r, err);
}

int index_search_count(struct index *index, const struct query *query, const struct scope *scope,
		       const struct query_names *names, uint64_t *count_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct plan plan;

	*count_r = 0;
	if (plan_make(arena, index->db, index->tokenizer, query, scope, names, &plan, err) < 0)
		return -1;
	return plan.nothing ? 0 : count(index, &plan, count_r, err);
}

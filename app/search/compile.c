/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A query becomes a plan in two steps. First a tree of terms: names resolved, NOT pushed down to
 * the terms, AND in AND and OR in OR merged, terms that match all or nothing worked in. Then text:
 * what FTS5 alone can answer becomes one MATCH, what bounds the docid becomes lo and hi, the rest a
 * condition.
 *
 * FTS5's parser has a stack of 100 entries. "(" at the front of a group costs one, further right
 * three; so the deepest operand goes first, and the 50 levels of a query always fit. */
#include "app/search/compile_priv.h"

#include "base/clock.h"

enum { NAMES_MAX = 64, RIGHTS_IN_GROUP = 32, SPARE_S = 60 };

enum term_kind {
	TERM_ALL, /* every document */
	TERM_NOTHING,
	TERM_FTS,     /* text: an FTS5 expression that needs no parentheses */
	TERM_BETWEEN, /* column of docs between from and to */
	TERM_NOTES,   /* text: an FTS5 expression on the reader's notes */
	TERM_AND,
	TERM_OR
};

struct term {
	enum term_kind kind;
	bool negated; /* not of groups */
	bool fts_only;
	unsigned stack; /* entries that FTS5's parser needs for it */
	struct view text;
	const char *column;
	int64_t from, to;
	struct {
		struct term **v;
		size_t n, cap;
	} children;
};

struct compiler {
	struct arena *arena;
	struct db *db;
	struct tokenizer *tokenizer;
	const struct query_names *names;
	const struct scope *scope;
	struct plan *plan;
	struct err *err;
};

static struct term *term_new(struct compiler *c, enum term_kind kind)
{
	struct term *t = arena_get(c->arena, sizeof(*t));

	t->kind = kind;
	t->fts_only = kind == TERM_FTS;
	t->stack = 1;
	return t;
}

/* How documents are told apart: first step, from nodes to terms. */

static struct term *fts_term(struct compiler *c, const struct str *expression, bool negated)
{
	struct term *t = term_new(c, TERM_FTS);

	t->text = arena_view(c->arena, str_view(expression));
	t->negated = negated;
	t->stack = 4; /* a narrowed address is a small group of its own */
	return t;
}

static struct term *between(struct compiler *c, const char *column, int64_t from, int64_t to,
			    bool negated)
{
	struct term *t = term_new(c, TERM_BETWEEN);

	t->column = column;
	t->from = from;
	t->to = to;
	t->negated = negated;
	return t;
}

static struct term *constant(struct compiler *c, bool all)
{
	return term_new(c, all ? TERM_ALL : TERM_NOTHING);
}

/* An FTS5 string. Nobody asks for machine tokens, and NUL would end the expression. */
static void add_quoted(struct str *s, struct view text)
{
	str_addc(s, '"');
	for (size_t i = 0; i < text.len; i++) {
		const char c = text.data[i];

		if (c == '"')
			str_addc(s, '"');
		str_addc(s, c == TOKEN_MARK || c == '\0' ? ' ' : c);
	}
	str_addc(s, '"');
}

/* ("x" OR "y" ...); nothing when there are no ids. */
static void add_tokens(struct str *s, enum token_kind kind, const uint64_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		str_adds(s, i ? " OR \"" : "(\"");
		token_add(s, kind, ids[i]);
		str_addc(s, '"');
	}
	if (n > 0)
		str_addc(s, ')');
}

/* FTS5 asks every operand of an OR at every document, and makes one flat OR of nested ones. Many
 * rights therefore stand in groups that NOT, with a token that no document has, keeps apart; then a
 * thousand of them cost 60 questions a document, not 1,000. */
static void add_groups(struct str *s, enum token_kind kind, const uint64_t *ids, size_t n)
{
	if (n <= RIGHTS_IN_GROUP) {
		add_tokens(s, kind, ids, n);
		return;
	}
	for (size_t i = 0; i < n; i += RIGHTS_IN_GROUP) {
		str_adds(s, i ? " OR (" : "((");
		add_tokens(s, kind, ids + i, n - i < RIGHTS_IN_GROUP ? n - i : RIGHTS_IN_GROUP);
		str_adds(s, " NOT \"");
		token_add(s, TOKEN_ALL, 1);
		str_adds(s, "\")");
	}
	str_addc(s, ')');
}

typedef int ask_fn(void *arg, struct view name, uint64_t *ids, size_t max, struct err *err);

/* How many ids NAME has; a catalog that cannot be asked knows none. */
static int ask(struct compiler *c, ask_fn *fn, struct view name, uint64_t ids[NAMES_MAX])
{
	return fn ? fn(c->names->arg, name, ids, NAMES_MAX, c->err) : 0;
}

/* from:anna@example.org also occurs in xanna@example.org.uk's mail, as words. Where the catalog
 * knows the address, its token decides, and is quicker than a phrase of common words. */
static int narrow(struct compiler *c, struct view address, struct str *expression)
{
	CLEAN_STR narrowed = STR_INIT;
	uint64_t ids[NAMES_MAX] = {0};
	int n;

	if (c->names == NULL || memchr(address.data, '@', address.len) == NULL)
		return 0;
	n = ask(c, c->names->address, address, ids);
	if (n <= 0 || n > NAMES_MAX)
		return n < 0 ? -1 : 0;
	str_addc(&narrowed, '(');
	add_tokens(&narrowed, TOKEN_RIGHT, ids, (size_t)n);
	str_addf(&narrowed, " AND %s)", expression->data);
	str_reset(expression);
	str_addv(expression, str_view(&narrowed));
	return 0;
}

/* The columns to look in, as FTS5 names them: NULL all, "" none that this reader may ask. Who got a blind copy is not for those who
 * merely got the mail. */
static const char *columns_for(const struct compiler *c, const char *columns)
{
	if (c->scope->all)
		return columns;
	if (columns == NULL)
		return "{body subject sender rcpt cc files}";
	if (strcmp(columns, "bcc") == 0)
		return "";
	return strcmp(columns, "{sender rcpt cc bcc}") == 0 ? "{sender rcpt cc}" : columns;
}

static void add_words(struct str *s, const char *columns, const struct node *n)
{
	if (columns != NULL)
		str_addf(s, "%s : ", columns);
	add_quoted(s, n->text);
	if (n->prefix)
		str_addc(s, '*');
}

static bool asks_notes_only(const struct node *n)
{
	return n->columns != NULL &&
	       (strcmp(n->columns, "tags") == 0 || strcmp(n->columns, "note") == 0);
}

static int in_mail(struct compiler *c, const struct node *n, bool negated, struct term **term_r)
{
	const char *columns = columns_for(c, n->columns);
	CLEAN_STR s = STR_INIT;

	*term_r = constant(c, negated);
	if (asks_notes_only(n) || (columns != NULL && columns[0] == '\0'))
		return 0;
	add_words(&s, columns, n);
	if (n->of_addresses && !n->prefix && narrow(c, n->text, &s) < 0)
		return -1;
	*term_r = fts_term(c, &s, negated);
	return 0;
}

/* Has he noted this anywhere? Mostly not, and then the question costs the search nothing. */
static int any_note(struct compiler *c, struct view match)
{
	CLEAN_STMT q = NULL;

	if (db_query(c->db, "SELECT 1 FROM notes WHERE notes MATCH ?1 LIMIT 1", &q, c->err) < 0)
		return -1;
	stmt_bind_text(q, 1, match);
	return stmt_step(q, c->err);
}

/* In the reader's own notes and categories (X4). */
static int in_notes(struct compiler *c, const struct node *n, bool negated, struct term **term_r)
{
	CLEAN_STR s = STR_INIT;
	struct term *t;
	int rc;

	*term_r = constant(c, negated);
	if (n->columns != NULL && !asks_notes_only(n))
		return 0;
	add_tokens(&s, TOKEN_PERSON, &c->scope->person, 1);
	str_adds(&s, " AND ");
	add_words(&s, n->columns ? n->columns : "{tags note}", n);
	rc = any_note(c, str_view(&s));
	if (rc <= 0)
		return rc;
	t = term_new(c, TERM_NOTES);
	t->text = arena_view(c->arena, str_view(&s));
	t->negated = negated;
	*term_r = t;
	return 0;
}

static struct term *merge(struct compiler *c, enum term_kind kind, struct term *group,
			  struct term *t);

static int resolve_words(struct compiler *c, const struct node *n, bool negated,
			 struct term **term_r)
{
	struct term *noted;

	*term_r = NULL;
	if (!tokenizer_finds_words(c->tokenizer, n->text)) {
		if (n->columns != NULL)
			*term_r = constant(c, negated);
		return 0;
	}
	if (in_mail(c, n, negated, term_r) < 0 || in_notes(c, n, negated, &noted) < 0)
		return -1;
	*term_r = merge(c, negated ? TERM_AND : TERM_OR, *term_r, noted);
	return 0;
}

static int resolve_source(struct compiler *c, const struct node *n, bool negated,
			  struct term **term_r)
{
	CLEAN_STR s = STR_INIT;
	uint64_t ids[NAMES_MAX] = {0};
	int found = c->names ? ask(c, c->names->source, n->text, ids) : 0;

	if (found < 0)
		return -1;
	if (found > NAMES_MAX)
		found = NAMES_MAX;
	add_tokens(&s, TOKEN_SOURCE, ids, (size_t)found);
	*term_r = found == 0 ? constant(c, negated) : fts_term(c, &s, negated);
	return 0;
}

static int64_t docid_of(int64_t sent_s)
{
	if (sent_s > SENT_MAX_S)
		return INT64_MAX;
	return sent_s << SLOT_BITS;
}

static struct term *resolve_date(struct compiler *c, const struct node *n, bool negated)
{
	int64_t from = n->from < 0 ? 0 : docid_of(n->from);

	if (n->to <= 0)
		return constant(c, negated);
	return between(c, "docs.docid", from, n->to > SENT_MAX_S ? INT64_MAX : docid_of(n->to) - 1,
		       negated);
}

int docid_of_mail(struct db *db, uint64_t mail, int64_t *docid_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(db, "SELECT docid FROM docs WHERE mail = ?1", &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)mail);
	rc = stmt_step(q, err);
	if (rc > 0)
		*docid_r = stmt_int(q, 0);
	return rc;
}

/* A few mails that the catalog knows: each a docid. */
static int resolve_mails(struct compiler *c, const uint64_t *mails, int n, bool negated,
			 struct term **term_r)
{
	*term_r = constant(c, negated);
	for (int i = 0; i < n && i < NAMES_MAX; i++) {
		int64_t docid;
		int rc = docid_of_mail(c->db, mails[i], &docid, c->err);

		if (rc < 0)
			return -1;
		if (rc > 0)
			*term_r = merge(c, negated ? TERM_AND : TERM_OR, *term_r,
					between(c, "docs.docid", docid, docid, negated));
	}
	return 0;
}

static int resolve_id(struct compiler *c, const struct node *n, bool negated, struct term **term_r)
{
	uint64_t mails[NAMES_MAX] = {0};
	int found = 0;

	if (c->names != NULL && c->names->mail_of_id != NULL)
		found = c->names->mail_of_id(c->names->arg, &n->id, mails, NAMES_MAX, c->err);
	return found < 0 ? -1 : resolve_mails(c, mails, found, negated, term_r);
}

static int resolve_msgid(struct compiler *c, const struct node *n, bool negated,
			 struct term **term_r)
{
	uint64_t mails[NAMES_MAX] = {0};
	int found = c->names ? ask(c, c->names->mail_of_msgid, n->text, mails) : 0;

	return found < 0 ? -1 : resolve_mails(c, mails, found, negated, term_r);
}

static struct term *resolve_mark(struct compiler *c, const struct node *n, bool negated)
{
	CLEAN_STR s = STR_INIT;
	uint64_t mark = (uint64_t)n->from;

	add_tokens(&s, TOKEN_FLAG, &mark, 1);
	return fts_term(c, &s, negated);
}

static struct term *merge_children(struct compiler *c, struct term *group, const struct term *t)
{
	for (size_t i = 0; i < t->children.n; i++)
		group = merge(c, t->kind, group, t->children.v[i]);
	return group;
}

/* GROUP joined with T by KIND. GROUP starts as what changes nothing: all for AND,
 * nothing for OR. */
static struct term *merge(struct compiler *c, enum term_kind kind, struct term *group,
			  struct term *t)
{
	const enum term_kind neutral = kind == TERM_AND ? TERM_ALL : TERM_NOTHING;
	const enum term_kind decided = kind == TERM_AND ? TERM_NOTHING : TERM_ALL;

	if (group->kind == decided || t->kind == neutral)
		return group;
	if (t->kind == decided || group->kind == neutral)
		return t;
	if (group->kind != kind) {
		struct term *pair = term_new(c, kind);

		pair->fts_only = group->fts_only;
		pair->stack = group->stack + 1;
		ARENA_PUSH(c->arena, pair->children, group);
		group = pair;
	}
	if (t->kind == kind)
		return merge_children(c, group, t);
	ARENA_PUSH(c->arena, group->children, t);
	group->fts_only = group->fts_only && t->fts_only;
	return group;
}

static int resolve(struct compiler *c, const struct node *n, bool negated, struct term **term_r);

/* Of terms without any word (NULL) nothing is left. */
static int resolve_group(struct compiler *c, const struct node *n, bool negated,
			 struct term **term_r)
{
	const bool is_and = (n->kind == NODE_AND) != negated;
	struct term *group = constant(c, is_and);
	bool any = false;

	for (const struct node *child = n->child; child != NULL; child = child->next) {
		struct term *t;

		if (resolve(c, child, negated, &t) < 0)
			return -1;
		if (t == NULL)
			continue;
		any = true;
		group = merge(c, is_and ? TERM_AND : TERM_OR, group, t);
	}
	*term_r = any ? group : NULL;
	return 0;
}

static int resolve(struct compiler *c, const struct node *n, bool negated, struct term **term_r)
{
	switch (n->kind) {
	case NODE_AND:
	case NODE_OR:
		return resolve_group(c, n, negated, term_r);
	case NODE_NOT:
		return resolve(c, n->child, !negated, term_r);
	case NODE_WORDS:
		return resolve_words(c, n, negated, term_r);
	case NODE_SOURCE:
		return resolve_source(c, n, negated, term_r);
	case NODE_ID:
		return resolve_id(c, n, negated, term_r);
	case NODE_MSGID:
		return resolve_msgid(c, n, negated, term_r);
	case NODE_MARK:
		*term_r = resolve_mark(c, n, negated);
		return 0;
	case NODE_DATE:
		*term_r = resolve_date(c, n, negated);
		return 0;
	case NODE_SIZE:
		*term_r = between(c, "docs.size", n->from, n->to - 1, negated);
		return 0;
	case NODE_MEDIUM:
		break;
	}
	*term_r = between(c, "docs.medium", n->from, n->to - 1, negated);
	return 0;
}

/* Second step, from terms to text. */

static int by_stack(const void *a, const void *b)
{
	const struct term *x = *(struct term *const *)a;
	const struct term *y = *(struct term *const *)b;

	return (x->stack < y->stack) - (x->stack > y->stack);
}

static bool is_group(const struct term *t)
{
	return t->kind == TERM_AND || t->kind == TERM_OR;
}

/* The deepest operand first, everywhere. */
static void order(struct term *t)
{
	unsigned most = 0;

	if (!is_group(t))
		return;
	for (size_t i = 0; i < t->children.n; i++)
		order(t->children.v[i]);
	qsort(t->children.v, t->children.n, sizeof(*t->children.v), by_stack);
	for (size_t i = 0; i < t->children.n; i++) {
		unsigned need = t->children.v[i]->stack + (i == 0 ? 1 : 3);

		most = need > most ? need : most;
	}
	t->stack = most;
}

static void add_fts(struct str *s, const struct term *t);

static void add_universe(struct str *s)
{
	str_addc(s, '"');
	token_add(s, TOKEN_ALL, 0);
	str_addc(s, '"');
}

/* FTS5's NOT has two operands and binds closest: x NOT (y OR z) AND more. */
static void add_fts_and(struct str *s, const struct term *t)
{
	const char *between_them = "";
	size_t first = 0, negated = 0;

	for (size_t i = 0; i < t->children.n; i++)
		negated += t->children.v[i]->negated;
	while (first < t->children.n && t->children.v[first]->negated)
		first++;
	if (first < t->children.n)
		add_fts(s, t->children.v[first]);
	else
		add_universe(s);
	if (negated > 0) {
		str_adds(s, " NOT (");
		for (size_t i = 0; i < t->children.n; i++) {
			if (!t->children.v[i]->negated)
				continue;
			str_adds(s, between_them);
			str_addv(s, t->children.v[i]->text);
			between_them = " OR ";
		}
		str_addc(s, ')');
	}
	for (size_t i = first + 1; i < t->children.n; i++) {
		if (t->children.v[i]->negated)
			continue;
		str_adds(s, " AND ");
		add_fts(s, t->children.v[i]);
	}
}

static void add_fts(struct str *s, const struct term *t)
{
	if (t->kind == TERM_FTS && !t->negated) {
		str_addv(s, t->text);
		return;
	}
	str_addc(s, '(');
	if (t->kind == TERM_FTS) {
		add_universe(s);
		str_adds(s, " NOT ");
		str_addv(s, t->text);
	} else if (t->kind == TERM_AND) {
		add_fts_and(s, t);
	} else {
		for (size_t i = 0; i < t->children.n; i++) {
			str_adds(s, i ? " OR " : "");
			add_fts(s, t->children.v[i]);
		}
	}
	str_addc(s, ')');
}

static int param(struct compiler *c, struct param value)
{
	ARENA_PUSH(c->arena, c->plan->params, value);
	return PLAN_PARAMS + (int)c->plan->params.n - 1;
}

static struct view fts_text(struct compiler *c, const struct term *t)
{
	CLEAN_STR s = STR_INIT;

	add_fts(&s, t);
	return arena_view(c->arena, str_view(&s));
}

/* The part of a group that FTS5 alone can answer, NULL if none; with the other one its rest. */
static struct term *fts_part(struct compiler *c, const struct term *group)
{
	struct term *part = constant(c, group->kind == TERM_AND);

	for (size_t i = 0; i < group->children.n; i++)
		if (group->children.v[i]->fts_only)
			part = merge(c, group->kind, part, group->children.v[i]);
	return part->kind == TERM_ALL || part->kind == TERM_NOTHING ? NULL : part;
}

static void add_sql(struct compiler *c, struct str *s, const struct term *t);

static void add_sql_group(struct compiler *c, struct str *s, const struct term *t)
{
	const char *joint = t->kind == TERM_AND ? " AND " : " OR ";
	const struct term *fts = fts_part(c, t);
	const char *between_them = "";

	str_addc(s, '(');
	if (fts != NULL) {
		add_sql(c, s, fts);
		between_them = joint;
	}
	for (size_t i = 0; i < t->children.n; i++) {
		if (t->children.v[i]->fts_only)
			continue;
		str_adds(s, between_them);
		add_sql(c, s, t->children.v[i]);
		between_them = joint;
	}
	str_addc(s, ')');
}

static void add_sql(struct compiler *c, struct str *s, const struct term *t)
{
	if (t->fts_only) {
		str_addf(s,
			 "docs.docid IN (SELECT rowid FROM fts WHERE fts MATCH ?%d"
			 " AND rowid BETWEEN ?%d AND ?%d)",
			 param(c, (struct param){.is_text = true, .text = fts_text(c, t)}), PLAN_LO,
			 PLAN_HI);
	} else if (t->kind == TERM_NOTES) {
		str_addf(s,
			 "docs.mail %sIN (SELECT note_docs.mail FROM notes JOIN note_docs"
			 " ON note_docs.id = notes.rowid WHERE notes MATCH ?%d)",
			 t->negated ? "NOT " : "",
			 param(c, (struct param){.is_text = true, .text = t->text}));
	} else if (t->kind == TERM_BETWEEN) {
		int from = param(c, (struct param){.number = t->from});

		str_addf(s, "%s %sBETWEEN ?%d AND ?%d", t->column, t->negated ? "NOT " : "", from,
			 param(c, (struct param){.number = t->to}));
	} else {
		add_sql_group(c, s, t);
	}
}

struct range {
	int64_t lo, hi;
};

static const struct range everywhere = {0, INT64_MAX};

static bool bounds_docid(const struct term *t)
{
	return t->kind == TERM_BETWEEN && !t->negated && strcmp(t->column, "docs.docid") == 0;
}

/* A range of docids that holds all that T can match. */
static struct range hull(const struct term *t)
{
	struct range r = everywhere;

	if (bounds_docid(t))
		return (struct range){t->from, t->to};
	if (t->kind == TERM_OR)
		r = (struct range){INT64_MAX, 0};
	for (size_t i = 0; i < t->children.n; i++) {
		struct range one = hull(t->children.v[i]);
		const bool narrower = t->kind == TERM_AND;

		r.lo = (one.lo > r.lo) == narrower ? one.lo : r.lo;
		r.hi = (one.hi < r.hi) == narrower ? one.hi : r.hi;
	}
	return r;
}

/* The mails of a scope that is made of single ones, as a list that SQLite reads. */
static void add_single_mails(struct compiler *c, struct str *s)
{
	CLEAN_STR list = STR_INIT;

	for (size_t i = 0; i < c->scope->n_mails; i++)
		str_addf(&list, "%c%llu", i ? ',' : '[', (unsigned long long)c->scope->mails[i]);
	str_addc(&list, ']');
	str_addf(s, "%sdocs.mail IN (SELECT value FROM json_each(?%d))", s->len > 0 ? " AND " : "",
		 param(c, (struct param){.is_text = true,
					 .text = arena_view(c->arena, str_view(&list))}));
}

/* What neither MATCH nor lo and hi say of the top-level conjunction ALL. */
static void add_conditions(struct compiler *c, const struct term *all)
{
	CLEAN_STR s = STR_INIT;

	for (size_t i = 0; i < all->children.n; i++) {
		const struct term *t = all->children.v[i];

		if (t->fts_only || bounds_docid(t))
			continue;
		str_adds(&s, s.len > 0 ? " AND " : "");
		add_sql(c, &s, t);
	}
	if (c->scope->n_mails > 0)
		add_single_mails(c, &s);
	c->plan->where = arena_view(c->arena, str_view(&s));
}

static void add_bound(struct str *s, enum token_kind kind, const uint64_t *ids, size_t n)
{
	if (n == 0)
		return;
	str_adds(s, s->len > 0 ? " AND " : "");
	add_groups(s, kind, ids, n);
}

static void add_domains(struct compiler *c, struct str *s)
{
	const struct scope *scope = c->scope;
	uint64_t *tokens = arena_get(c->arena, (scope->n_domains + 1) * sizeof(*tokens));

	for (size_t i = 0; i < scope->n_domains; i++)
		tokens[i] = scope_domain_token(scope->domains[i]);
	add_bound(s, TOKEN_DOMAIN, tokens, scope->n_domains);
}

/* A bound of places: of whole sources, of folders, or of both. */
static void add_places(struct compiler *c, struct str *s)
{
	const struct scope *scope = c->scope;
	const char *between_them = "(";

	if (scope->n_places == 0)
		return;
	str_adds(s, s->len > 0 ? " AND " : "");
	for (size_t i = 0; i < scope->n_places; i++) {
		const struct scope_place *place = &scope->places[i];
		const bool whole = place->folder.len == 0;
		const uint64_t token = whole ? place->source : scope_place_token(place);

		str_adds(s, between_them);
		add_tokens(s, whole ? TOKEN_SOURCE : TOKEN_FOLDER, &token, 1);
		between_them = " OR ";
	}
	str_addc(s, ')');
}

static void add_match(struct compiler *c, const struct term *all)
{
	const struct term *fts = fts_part(c, all);
	CLEAN_STR s = STR_INIT;

	if (fts != NULL)
		add_fts(&s, fts);
	if (!c->scope->all)
		add_bound(&s, TOKEN_RIGHT, c->scope->addresses, c->scope->n_addresses);
	add_domains(c, &s);
	add_places(c, &s);
	c->plan->match = arena_view(c->arena, str_view(&s));
}

static void narrow_hi(struct plan *plan, int64_t hi)
{
	plan->hi = hi < plan->hi ? hi : plan->hi;
}

/* Some in hand: a document may stand in a later second than it was sent in (X1). */
static void narrow_dates(const struct scope *scope, struct plan *plan)
{
	if (scope->from_s > 0 && docid_of(scope->from_s) > plan->lo)
		plan->lo = docid_of(scope->from_s);
	if (scope->until_s != 0 && scope->until_s <= SENT_MAX_S - SPARE_S)
		narrow_hi(plan, docid_of((scope->until_s < 0 ? 0 : scope->until_s) + SPARE_S));
}

static struct term *as_conjunction(struct compiler *c, struct term *t)
{
	struct term *all = term_new(c, TERM_AND);

	if (t->kind == TERM_AND)
		return t;
	if (t->kind != TERM_ALL)
		ARENA_PUSH(c->arena, all->children, t);
	return all;
}

int plan_make(struct arena *arena, struct db *db, struct tokenizer *tokenizer,
	      const struct query *query, const struct scope *scope, const struct query_names *names,
	      struct plan *plan_r, struct err *err)
{
	struct compiler c = {arena, db, tokenizer, names, scope, plan_r, err};
	struct term *t = NULL;
	struct range range;

	must(scope->n_mails == 0 || scope->n_addresses == 0);
	memset(plan_r, 0, sizeof(*plan_r));
	plan_r->nothing = scope_is_empty(scope);
	if (plan_r->nothing)
		return 0;
	if (query->root != NULL && resolve(&c, query->root, false, &t) < 0)
		return -1;
	if (t == NULL)
		t = constant(&c, true);
	plan_r->nothing = t->kind == TERM_NOTHING;
	if (plan_r->nothing)
		return 0;
	order(t);
	t = as_conjunction(&c, t);
	range = hull(t);
	plan_r->lo = range.lo;
	plan_r->hi = range.hi;
	narrow_dates(scope, plan_r);
	add_match(&c, t);
	add_conditions(&c, t);
	return 0;
}

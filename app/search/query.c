/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The grammar, by recursive descent:
 *
 *     any   = all { "OR" all }
 *     all   = one { [ "AND" ] one }
 *     one   = { "NOT" | "-" } ( "(" any ")" | [ field ":" ] value )
 *     value = word | word"*" | "phrase" | "phrase"* | "(" any ")" behind a field
 *
 * A term without any letter or digit is dropped: the functions then give back NULL for its node. */
#include "app/search/query.h"

#include "app/search/index.h"
#include "app/search/query_priv.h"
#include "base/clock.h"

#include <ctype.h>

enum { TEXT_MAX = 4096, TERMS_MAX = 200, LEVELS_MAX = 50, SHOWN_BEFORE = 40, SHOWN_AFTER = 30 };

struct parser {
	struct arena *arena;
	struct err *err;
	struct view text;
	size_t at;
	const struct field *field; /* the one whose group we are in */
	size_t mistake;            /* where one was found */
	int terms;
	int levels;
};

/* A field's value where it stands in the query. */
struct value {
	struct view text;
	size_t at;
	bool prefix;
};

struct field {
	const char *name;
	const char *example;
	int (*make)(struct parser *p, const struct field *f, struct value v, struct node *n);
	const char *columns;
	bool of_addresses;
};

/* Where in V the character begins that ends before byte AT. */
static size_t step_back(struct view v, size_t at)
{
	do
		at--;
	while (at > 0 && ((unsigned char)v.data[at] & 0xc0) == 0x80);
	return at;
}

static size_t step_on(struct view v, size_t at)
{
	do
		at++;
	while (at < v.len && ((unsigned char)v.data[at] & 0xc0) == 0x80);
	return at;
}

static size_t characters(struct view v)
{
	size_t n = 0;

	for (size_t i = 0; i < v.len; i = step_on(v, i))
		n++;
	return n;
}

/* The query's text around AT, and a caret under AT. */
static void show_place(struct str *out, struct view text, size_t at)
{
	size_t start = at, end = at, column;
	size_t line = out->len;

	for (int i = 0; i < SHOWN_BEFORE && start > 0; i++)
		start = step_back(text, start);
	for (int i = 0; i < SHOWN_AFTER && end < text.len; i++)
		end = step_on(text, end);
	str_adds(out, start > 0 ? "  ..." : "  ");
	str_addsafe(out, (struct view){text.data + start, at - start}, false);
	column = characters((struct view){out->data + line, out->len - line});
	str_addsafe(out, (struct view){text.data + at, end - at}, false);
	str_adds(out, end < text.len ? "...\n" : "\n");
	str_addf(out, "%*s^", (int)column, "");
}

__attribute__((format(printf, 3, 4))) static int mistake(struct parser *p, size_t at,
							 const char *fmt, ...)
{
	CLEAN_STR text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_addfv(&text, fmt, ap);
	va_end(ap);
	str_addc(&text, '\n');
	show_place(&text, p->text, at);
	p->mistake = at;
	return err_set(p->err, ERR_SYNTAX, "%s", text.data);
}

static struct node *node_new(struct parser *p, enum node_kind kind)
{
	struct node *n = arena_get(p->arena, sizeof(*n));

	n->kind = kind;
	return n;
}

/* What fields make of their values. */

static bool may_hold_words(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (isalnum((unsigned char)v.data[i]) || (unsigned char)v.data[i] >= 0x80)
			return true;
	return false;
}

static int make_words(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	if (!may_hold_words(v.text))
		return mistake(p, v.at, "%s: needs a word with letters or digits, as in %s.",
			       f->name, f->example);
	n->kind = NODE_WORDS;
	n->columns = f->columns;
	n->of_addresses = f->of_addresses;
	n->text = v.text;
	n->prefix = v.prefix;
	return 0;
}

/* A decimal number of MIN_DIGITS to MAX_DIGITS digits at the front of V, cut off. */
static bool cut_number(struct view *v, size_t min_digits, size_t max_digits, int64_t *n_r)
{
	size_t i = 0;

	*n_r = 0;
	for (; i < v->len && i < max_digits && isdigit((unsigned char)v->data[i]); i++)
		*n_r = *n_r * 10 + (v->data[i] - '0');
	v->data += i;
	v->len -= i;
	return i >= min_digits;
}

static bool cut_dash(struct view *v)
{
	if (v->len == 0 || v->data[0] != '-')
		return false;
	v->data++;
	v->len--;
	return true;
}

static int64_t days_of(int64_t year, int64_t month)
{
	static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* The stretch of local time that 2024, 2024-05 or 2024-05-17 means. */
static bool read_date(struct view v, int64_t *from_r, int64_t *to_r)
{
	int64_t year, month = 0, day = 0;

	if (!cut_number(&v, 4, 4, &year) || year == 0)
		return false;
	if (cut_dash(&v) && (!cut_number(&v, 1, 2, &month) || month < 1 || month > 12))
		return false;
	if (month > 0 && cut_dash(&v) &&
	    (!cut_number(&v, 1, 2, &day) || day < 1 || day > days_of(year, month)))
		return false;
	if (v.len > 0)
		return false;
	*from_r = clock_of_local((int)year, month ? (int)month : 1, day ? (int)day : 1, 0, 0, 0);
	*to_r = clock_of_local((int)year + !month, month ? (int)month + !day : 1,
			       day ? (int)day + 1 : 1, 0, 0, 0);
	return true;
}

static int make_date(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	n->kind = NODE_DATE;
	if (!read_date(v.text, &n->from, &n->to))
		return mistake(p, v.at, "%s: needs a date such as 2024, 2024-05 or 2024-05-17.",
			       f->name);
	return 0;
}

static int make_before(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	int rc = make_date(p, f, v, n);

	n->to = n->from;
	n->from = INT64_MIN;
	return rc;
}

static int make_after(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	int rc = make_date(p, f, v, n);

	n->to = INT64_MAX;
	return rc;
}

static bool read_size(struct view v, int64_t *bytes_r)
{
	static const char units[] = "kmg";
	const char *unit;

	if (!cut_number(&v, 1, 12, bytes_r))
		return false;
	if (v.len == 0)
		return true;
	unit = strchr(units, tolower((unsigned char)v.data[0]));
	if (v.len != 1 || unit == NULL || *unit == '\0' || *bytes_r > INT32_MAX)
		return false;
	*bytes_r <<= 10 * (unit - units + 1);
	return true;
}

static int make_size(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	n->kind = NODE_SIZE;
	if (!read_size(v.text, &n->from))
		return mistake(p, v.at, "%s: needs a size such as 500k, 10M or 1G.", f->name);
	return 0;
}

static int make_larger(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	int rc = make_size(p, f, v, n);

	n->from++;
	n->to = INT64_MAX;
	return rc;
}

static int make_smaller(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	int rc = make_size(p, f, v, n);

	n->to = n->from;
	n->from = 0;
	return rc;
}

static int make_has(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	(void)f;
	n->kind = NODE_MARK;
	n->from = MARK_ATTACHMENT;
	if (view_eq_nocase(v.text, VIEW("attachment")))
		return 0;
	return mistake(p, v.at, "has: knows one value: attachment.");
}

static int make_is(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	(void)f;
	n->kind = NODE_MARK;
	n->from = view_eq_nocase(v.text, VIEW("spam")) ? MARK_SPAM : MARK_FLAGGED;
	if (n->from == MARK_SPAM || view_eq_nocase(v.text, VIEW("flagged")))
		return 0;
	return mistake(p, v.at, "is: knows two values: spam and flagged.");
}

static int make_medium(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	(void)f;
	n->kind = NODE_MEDIUM;
	if (!cut_number(&v.text, 1, 9, &n->from) || v.text.len > 0)
		return mistake(p, v.at, "medium: needs the number of a medium, as in medium:1.");
	n->to = n->from + 1;
	return 0;
}

static int make_id(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	(void)f;
	n->kind = NODE_ID;
	if (uuid_read(v.text, &n->id) < 0)
		return mistake(p, v.at,
			       "id: needs the identifier of a mail: 32 hexadecimal digits, "
			       "with or without dashes.");
	return 0;
}

static int make_msgid(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	struct view id = v.text;

	(void)f;
	(void)p;
	if (id.len >= 2 && id.data[0] == '<' && id.data[id.len - 1] == '>')
		id = (struct view){id.data + 1, id.len - 2};
	n->kind = NODE_MSGID;
	n->text = id;
	return 0;
}

static int make_source(struct parser *p, const struct field *f, struct value v, struct node *n)
{
	(void)f;
	(void)p;
	n->kind = NODE_SOURCE;
	n->text = v.text;
	return 0;
}

static const struct field fields[] = {
	{"from", "from:anna", make_words, "sender", true},
	{"to", "to:anna", make_words, "rcpt", true},
	{"cc", "cc:anna", make_words, "cc", true},
	{"bcc", "bcc:anna", make_words, "bcc", true},
	{"any", "any:anna", make_words, "{sender rcpt cc bcc}", true},
	{"subject", "subject:invoice", make_words, "subject", false},
	{"body", "body:invoice", make_words, "body", false},
	{"file", "file:invoice.pdf", make_words, "files", false},
	{"tag", "tag:taxes", make_words, "tags", false},
	{"note", "note:lawyer", make_words, "note", false},
	{"has", "has:attachment", make_has, NULL, false},
	{"is", "is:spam", make_is, NULL, false},
	{"before", "before:2024", make_before, NULL, false},
	{"after", "after:2024-05", make_after, NULL, false},
	{"on", "on:2024-05-17", make_date, NULL, false},
	{"larger", "larger:10M", make_larger, NULL, false},
	{"smaller", "smaller:500k", make_smaller, NULL, false},
	{"id", "id:0192f0a0-7c1e-7000-8000-000000000000", make_id, NULL, false},
	{"msgid", "msgid:abc@example.org", make_msgid, NULL, false},
	{"source", "source:import", make_source, NULL, false},
	{"medium", "medium:1", make_medium, NULL, false},
};
static const struct field no_field = {"", "", make_words, NULL, false};

/* Reading. */

static bool at_end(const struct parser *p)
{
	return p->at == p->text.len;
}

static char peek(const struct parser *p)
{
	return at_end(p) ? '\0' : p->text.data[p->at];
}

static bool is_space_at(const struct parser *p, size_t at)
{
	return isspace((unsigned char)p->text.data[at]);
}

static void skip_space(struct parser *p)
{
	while (!at_end(p) && is_space_at(p, p->at))
		p->at++;
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* The characters from here up to what ends a word; none where one of ()" stands. */
static struct view peek_word(const struct parser *p)
{
	size_t end = p->at;

	while (end < p->text.len && !is_space_at(p, end) && !is_one_of(p->text.data[end], "()\""))
		end++;
	return (struct view){p->text.data + p->at, end - p->at};
}

static bool take_keyword(struct parser *p, const char *keyword)
{
	if (!view_eq(peek_word(p), VIEW(keyword)))
		return false;
	p->at += strlen(keyword);
	skip_space(p);
	return true;
}

/* A dash that says NOT stands in front of something; "--" and a lone dash are words without
 * letters. */
static bool take_dash(struct parser *p)
{
	size_t next = p->at + 1;

	if (peek(p) != '-' || next >= p->text.len || is_space_at(p, next) ||
	    is_one_of(p->text.data[next], "-)"))
		return false;
	p->at++;
	return true;
}

/* The known field whose name and colon stand here; they are taken. */
static const struct field *take_field(struct parser *p)
{
	struct view word = peek_word(p);
	struct view name;

	if (!view_cut(&word, ':', &name) || word.data == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (view_eq_nocase(name, VIEW(fields[i].name))) {
			p->at += name.len + 1;
			return &fields[i];
		}
	return NULL;
}

static int take_phrase(struct parser *p, struct value *v)
{
	const char *end;

	v->at = p->at++;
	v->text.data = p->text.data + p->at;
	end = memchr(v->text.data, '"', p->text.len - p->at);
	if (end == NULL)
		return mistake(p, v->at, "This quotation mark is never closed.");
	v->text.len = (size_t)(end - v->text.data);
	p->at += v->text.len + 1;
	v->prefix = peek(p) == '*';
	if (v->prefix)
		p->at++;
	return 0;
}

static int take_value(struct parser *p, const struct field *f, struct value *v)
{
	if (peek(p) == '"')
		return take_phrase(p, v);
	v->at = p->at;
	v->text = peek_word(p);
	p->at += v->text.len;
	v->prefix = f->make == make_words && v->text.len > 0 &&
		    v->text.data[v->text.len - 1] == '*';
	v->text.len -= v->prefix;
	return 0;
}

static int parse_any(struct parser *p, struct node **node_r);

static int parse_group(struct parser *p, const struct field *field, struct node **node_r)
{
	const struct field *outer = p->field;
	size_t open = p->at++;

	if (++p->levels > LEVELS_MAX)
		return mistake(p, open, "The parentheses are nested more than %d levels deep.",
			       LEVELS_MAX);
	p->field = field;
	skip_space(p);
	if (peek(p) == ')')
		return mistake(p, open, "There is nothing between these parentheses.");
	if (parse_any(p, node_r) < 0)
		return -1;
	if (peek(p) != ')')
		return mistake(p, open, "This parenthesis is never closed.");
	if (field != &no_field && outer == &no_field && *node_r == NULL)
		return mistake(p, open, "%s: needs a word with letters or digits, as in %s.",
			       field->name, field->example);
	p->at++;
	p->levels--;
	p->field = outer;
	return 0;
}

static int parse_term(struct parser *p, const struct field *field, bool named, struct node **node_r)
{
	struct value v = {0};

	if (++p->terms > TERMS_MAX)
		return mistake(p, p->at, "The query has more than %d terms.", TERMS_MAX);
	if (take_value(p, field, &v) < 0)
		return -1;
	*node_r = NULL;
	if (!named && field->make == make_words && !may_hold_words(v.text))
		return 0;
	*node_r = node_new(p, NODE_WORDS);
	return field->make(p, field, v, *node_r);
}

static int parse_field(struct parser *p, const struct field *field, size_t start,
		       struct node **node_r)
{
	if (p->field != &no_field)
		return mistake(p, start, "A field cannot stand inside the parentheses of %s:.",
			       p->field->name);
	if (at_end(p) || is_space_at(p, p->at) || peek(p) == ')')
		return mistake(p, p->at,
			       "%s: has no value; write it right behind the colon, as in %s.",
			       field->name, field->example);
	if (peek(p) == '(')
		return parse_group(p, field, node_r);
	return parse_term(p, field, true, node_r);
}

static int parse_one(struct parser *p, struct node **node_r)
{
	const struct field *field;
	bool negated = false;
	size_t start = p->at, operator= p->at;
	int rc;

	for (; take_dash(p) || take_keyword(p, "NOT"); start = p->at) {
		negated = !negated;
		operator= start;
	}
	if (at_end(p) || peek(p) == ')' || view_eq(peek_word(p), VIEW("OR")) ||
	    view_eq(peek_word(p), VIEW("AND")))
		return mistake(p, negated ? operator : p->at, "%s.",
			       negated ? "NOT needs something behind it"
				       : "There is nothing here to search for");
	field = take_field(p);
	if (field != NULL)
		rc = parse_field(p, field, start, node_r);
	else if (peek(p) == '(')
		rc = parse_group(p, p->field, node_r);
	else
		rc = parse_term(p, p->field, false, node_r);
	if (rc == 0 && negated && *node_r != NULL) {
		struct node *negation = node_new(p, NODE_NOT);

		negation->child = *node_r;
		*node_r = negation;
	}
	skip_space(p);
	return rc;
}

/* One more operand for a node of KIND, which comes into being with the second one. */
static void join(struct parser *p, enum node_kind kind, struct node **node, struct node ***tail,
		 struct node *operand)
{
	if (operand == NULL)
		return;
	if (*node == NULL) {
		*node = operand;
		return;
	}
	if (*tail == NULL) {
		struct node *parent = node_new(p, kind);

		parent->child = *node;
		*tail = &(*node)->next;
		*node = parent;
	}
	**tail = operand;
	*tail = &operand->next;
}

static int operand_missing(struct parser *p, const char *keyword, size_t at)
{
	return mistake(p, at, "%s needs something on both sides.", keyword);
}

static bool at_operand(const struct parser *p)
{
	return !at_end(p) && peek(p) != ')' && !view_eq(peek_word(p), VIEW("OR")) &&
	       !view_eq(peek_word(p), VIEW("AND"));
}

static int parse_all(struct parser *p, struct node **node_r)
{
	struct node **tail = NULL;

	*node_r = NULL;
	for (;;) {
		struct node *operand = NULL;
		size_t at;

		if (parse_one(p, &operand) < 0)
			return -1;
		join(p, NODE_AND, node_r, &tail, operand);
		at = p->at;
		if (take_keyword(p, "AND")) {
			if (!at_operand(p))
				return operand_missing(p, "AND", at);
		} else if (!at_operand(p)) {
			return 0;
		}
	}
}

static int parse_any(struct parser *p, struct node **node_r)
{
	struct node **tail = NULL;
	size_t at = p->at;

	*node_r = NULL;
	if (take_keyword(p, "OR"))
		return operand_missing(p, "OR", at);
	if (take_keyword(p, "AND"))
		return operand_missing(p, "AND", at);
	for (;;) {
		struct node *operand = NULL;

		if (parse_all(p, &operand) < 0)
			return -1;
		join(p, NODE_OR, node_r, &tail, operand);
		at = p->at;
		if (!take_keyword(p, "OR"))
			return 0;
		if (!at_operand(p))
			return operand_missing(p, "OR", at);
	}
}

static int parse(struct parser *p, struct view text, struct query *q)
{
	q->arena = arena_new();
	if (text.len > TEXT_MAX)
		return err_set(p->err, ERR_SYNTAX, "The query is longer than %d bytes.", TEXT_MAX);
	p->arena = q->arena;
	p->text = arena_view(q->arena, text);
	skip_space(p);
	if (!at_end(p) && parse_any(p, &q->root) < 0)
		return -1;
	if (!at_end(p))
		return mistake(p, p->at, "This parenthesis was never opened.");
	return 0;
}

int query_parse(struct view text, struct query **query_r, struct err *err)
{
	CLEAN(query) q = mem_new(sizeof(*q));
	struct parser p = {.err = err, .field = &no_field};

	if (parse(&p, text, q) < 0)
		return -1;
	*query_r = TAKE(q);
	return 0;
}

bool query_mistake(struct view text, size_t *at_r)
{
	CLEAN(query) q = mem_new(sizeof(*q));
	struct err err = {0};
	struct parser p = {.err = &err, .field = &no_field};

	if (parse(&p, text, q) == 0)
		return false;
	*at_r = characters((struct view){text.data, p.mistake});
	return true;
}

/* The name of the field that a node searches. */
static const char *field_of(const struct node *n)
{
	for (size_t i = 0; n->columns != NULL && i < sizeof(fields) / sizeof(*fields); i++)
		if (fields[i].columns != NULL && strcmp(fields[i].columns, n->columns) == 0)
			return fields[i].name;
	return NULL;
}

/* What is excluded is found nowhere. */
static void add_words(const struct node *n, struct arena *arena, struct query_words *words)
{
	for (; n != NULL; n = n->next) {
		if (n->kind == NODE_WORDS) {
			struct query_word word = {arena_view(arena, n->text), n->prefix,
						  field_of(n)};

			ARENA_PUSH(arena, *words, word);
		} else if (n->kind == NODE_AND || n->kind == NODE_OR) {
			add_words(n->child, arena, words);
		}
	}
}

void query_words(const struct query *query, struct arena *arena, struct query_words *words_r)
{
	*words_r = (struct query_words){0};
	add_words(query->root, arena, words_r);
}

void query_free(struct query **query)
{
	if (*query == NULL)
		return;
	arena_free(&(*query)->arena);
	free(*query);
	*query = NULL;
}

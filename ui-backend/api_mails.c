/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding mail. */
#include "app/archive/catch_up.h"
#include "app/catalog/days.h"
#include "app/mail/mail.h"
#include "base/clock.h"
#include "base/log.h"
#include "ui-backend/sight.h"

#include <stdio.h>

enum { QUERY_MAX = 4096, PAGE = 50, PAGE_MAX = 200 };

/* --- a query ------------------------------------------------------------------------------------ */

/* A mistake is answered with its place, and 0; -1 is for all else. */
static int answer_mistake(struct api_request *r, struct view query, struct err *err)
{
	size_t at;

	return err->kind == ERR_SYNTAX && query_mistake(query, &at) ? reply_problem_at(r, err, at)
								    : -1;
}

static int query_of(struct api_request *r, struct view *query_r, struct err *err)
{
	request_query(r, "q", query_r);
	return query_r->len > QUERY_MAX ? err_set(err, ERR_SYNTAX, "the query is too long") : 0;
}

/* For the statistics; no search fails for it. */
static void count_search(struct api_request *r)
{
	struct err err = {0};

	if (days_add_search(archive_catalog(r->archive), day_of(clock_s()), &err) < 0)
		log_info("search not counted: %s", err.text);
}

/* For monitoring. */
static void count_time(struct api_request *r, int64_t us)
{
	struct counters *counters = archive_counters(r->archive);

	counters_add_time(counters, TIMING_search, us);
	counters_flush(counters);
}

/* --- a page of hits ----------------------------------------------------------------------------- */

struct page {
	struct api_request *r;
	struct json_object *list;
	uint64_t from, limit, n;
	int64_t next;
};

static int add_hit(void *arg, const struct mail_row *row, struct err *err)
{
	struct page *page = arg;
	struct json_object *object;

	if (sight_row_json(page->r, row, &object, err) < 0)
		return -1;
	json_object_array_add(page->list, object);
	page->n++;
	return 0;
}

static int audit_search(struct api_request *r, struct view query, const struct page *page,
			struct err *err)
{
	char detail[48];

	snprintf(detail, sizeof(detail), "%llu%s found", (unsigned long long)page->n,
		 page->next != 0 ? " or more" : "");
	return sight_audit(r, AUDIT_SEARCHED, query, VIEW(detail), err);
}

/* Only the first page of a search is one; the others are turned to. */
static int fill_page(struct api_request *r, struct view query, struct page *page, struct err *err)
{
	int64_t begun_us = clock_monotonic_us();

	if (find_page(r->archive, query, &r->caller.scope, (int64_t)page->from, page->limit,
		      add_hit, page, &page->next, err) < 0)
		return -1;
	count_time(r, clock_monotonic_us() - begun_us);
	if (page->from > 0)
		return 0;
	count_search(r);
	return audit_search(r, query, page, err);
}

static int answer_page(struct api_request *r, struct view text, const struct query *query,
		       struct page *page, struct err *err)
{
	struct json_object *body = json_object_new_object();
	int building;

	page->list = json_object_new_array();
	json_set(body, "mails", page->list);
	json_set(body, "words", sight_words_json(r, query));
	building = fill_page(r, text, page, err) < 0 ? -1 : index_building(r->archive, err);
	if (building < 0) {
		json_object_put(body);
		return -1;
	}
	if (building > 0)
		json_set_flag(body, "indexing", true);
	if (page->next != 0)
		json_set_text(body, "next", VIEW(arena_f(r->arena, "%lld", (long long)page->next)));
	return reply_json(r, 200, body);
}

int api_search_mails(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"q", "cursor", "limit", NULL};
	CLEAN(query) query = NULL;
	struct page page = {.r = r};
	struct view text;

	if (request_query_only(r, known, err) < 0 || query_of(r, &text, err) < 0 ||
	    request_query_number(r, "cursor", 0, INT64_MAX, 0, &page.from, err) < 0 ||
	    request_query_number(r, "limit", 1, PAGE_MAX, PAGE, &page.limit, err) < 0)
		return -1;
	if (query_parse(text, &query, err) < 0)
		return answer_mistake(r, text, err);
	return answer_page(r, text, query, &page, err);
}

int api_count_mails(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"q", NULL};
	struct json_object *body;
	struct view text;
	uint64_t n;

	if (request_query_only(r, known, err) < 0 || query_of(r, &text, err) < 0)
		return -1;
	if (find_count(r->archive, text, &r->caller.scope, &n, err) < 0)
		return answer_mistake(r, text, err);
	body = json_object_new_object();
	json_set_number(body, "count", (int64_t)n);
	return reply_json(r, 200, body);
}

/* --- completion --------------------------------------------------------------------------------- */

enum { LOOKED_AT = 300, COMPLETIONS = 10, PREFIX_MAX = 100 };

/* Addresses of the newest mails that have a word with this beginning, and how often each occurs there. */
struct completion {
	struct api_request *r;
	struct view prefix;
	struct {
		struct seen {
			struct view addr;
			size_t times;
		} * v;
		size_t n, cap;
	} seen;
};

static bool may_be_named(struct completion *c, unsigned role, struct view addr)
{
	return (role != ROLE_BCC && role != ROLE_ENVELOPE) || sight_tells(c->r, addr);
}

static int see_address(void *arg, unsigned role, uint64_t address, struct view addr,
		       struct err *err)
{
	struct completion *c = arg;

	(void)address;
	(void)err;
	if (addr.len < c->prefix.len ||
	    !view_eq_nocase((struct view){addr.data, c->prefix.len}, c->prefix) ||
	    !may_be_named(c, role, addr))
		return 0;
	for (size_t i = 0; i < c->seen.n; i++)
		if (view_eq(c->seen.v[i].addr, addr)) {
			c->seen.v[i].times++;
			return 0;
		}
	ARENA_PUSH(c->r->arena, c->seen, ((struct seen){arena_view(c->r->arena, addr), 1}));
	return 0;
}

static int see_mail(void *arg, const struct mail_row *row, struct err *err)
{
	struct completion *c = arg;

	return recipients_each(archive_catalog(c->r->archive), row->mail, see_address, c, err);
}

static int by_times(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->times < y->times ? 1 : x->times > y->times ? -1 : 0;
}

/* any:"anna"*, with nothing in it that could be more than a word. */
static void completion_query(struct view prefix, struct str *query)
{
	str_adds(query, "any:\"");
	for (size_t i = 0; i < prefix.len; i++)
		str_addc(query, prefix.data[i] == '"' ? ' ' : prefix.data[i]);
	str_adds(query, "\"*");
}

int api_complete_address(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"prefix", NULL};
	struct json_object *body, *list;
	struct completion c = {.r = r};
	CLEAN_STR query = STR_INIT;

	if (request_query_only(r, known, err) < 0)
		return -1;
	request_query(r, "prefix", &c.prefix);
	if (c.prefix.len == 0 || c.prefix.len > PREFIX_MAX)
		return err_set(err, ERR_SYNTAX, "prefix is to have 1 to %d characters", PREFIX_MAX);
	completion_query(c.prefix, &query);
	if (find_mails(r->archive, str_view(&query), &r->caller.scope, 0, LOOKED_AT, see_mail, &c,
		       err) < 0)
		return -1;
	if (c.seen.n > 0)
		qsort(c.seen.v, c.seen.n, sizeof(*c.seen.v), by_times);
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "addresses", list);
	for (size_t i = 0; i < c.seen.n && i < COMPLETIONS; i++)
		json_object_array_add(list, json_of(c.seen.v[i].addr));
	return reply_json(r, 200, body);
}

/* --- sources ------------------------------------------------------------------------------------ */

struct found_any {
	bool any;
};

static int note_any(void *arg, const struct mail_row *row, struct err *err)
{
	(void)row;
	(void)err;
	((struct found_any *)arg)->any = true;
	return 0;
}

/* Is there a mail of this source that he may see? A name with a quote in it cannot be asked for. */
static int sees_source(struct api_request *r, struct view name, bool *sees_r, struct err *err)
{
	CLEAN_STR query = STR_INIT;
	struct found_any found = {false};

	*sees_r = sight_is_all(r) && !scope_is_bounded(&r->caller.scope);
	if (*sees_r || memchr(name.data, '"', name.len) != NULL)
		return 0;
	str_adds(&query, "source:\"");
	str_addv(&query, name);
	str_addc(&query, '"');
	if (find_mails(r->archive, str_view(&query), &r->caller.scope, 0, 1, note_any, &found,
		       err) < 0)
		return -1;
	*sees_r = found.any;
	return 0;
}

struct source_list {
	struct api_request *r;
	struct json_object *list;
};

static int add_source(void *arg, uint64_t source, struct view name, struct err *err)
{
	struct source_list *s = arg;
	bool sees;

	(void)source;
	if (sees_source(s->r, name, &sees, err) < 0)
		return -1;
	if (sees)
		json_object_array_add(s->list, json_of(name));
	return 0;
}

int api_list_sources(struct api_request *r, struct err *err)
{
	struct source_list s = {r, json_object_new_array()};
	struct json_object *body = json_object_new_object();

	json_set(body, "sources", s.list);
	if (sources_each(archive_catalog(r->archive), add_source, &s, err) < 0) {
		json_object_put(body);
		return -1;
	}
	return reply_json(r, 200, body);
}

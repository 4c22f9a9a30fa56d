/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archiver/entry.h"

#include "app/mail/journal.h"
#include "base/log.h"

#include <ctype.h>

/* The catalog's number of a door's way. A copy comes from behind the filters, whichever door it names. */
static enum way way_of(const struct envelope *env)
{
	switch (env->door) {
	case DOOR_MILTER:
		return env->is_copy ? WAY_LMTP : WAY_MILTER;
	case DOOR_SMTP:
		return WAY_SMTP;
	case DOOR_LMTP:
		return WAY_LMTP;
	case DOOR_FETCH:
		return WAY_FETCH;
	case DOOR_JOURNAL:
		return WAY_JOURNAL;
	case DOOR_UPLOAD:
		return WAY_UPLOAD;
	}
	return WAY_SMTP;
}

/* As addresses stand in the catalog: lower case, no final dot. */
static struct view address_of(struct arena *arena, struct view path)
{
	struct view copy = arena_view(arena, path);
	char *text = (char *)copy.data;

	while (copy.len > 0 && text[copy.len - 1] == '.')
		copy.len--;
	for (size_t i = 0; i < copy.len; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	return copy;
}

static bool is_listed(const struct facts_list *list, struct view address)
{
	for (size_t i = 0; i < list->n; i++)
		if (view_eq(list->v[i], address))
			return true;
	return false;
}

static void add_recipient(struct entry *e, struct view path)
{
	struct view address = address_of(e->arena, path);

	if (address.len > 0 && !is_listed(&e->facts.hidden, address))
		ARENA_PUSH(e->arena, e->facts.recipients, address);
}

void entry_flag(struct entry *e, const char *word)
{
	struct view old = e->facts.flags;

	e->facts.flags = VIEW(arena_f(e->arena, "%.*s%s%s", (int)old.len, old.data,
				      old.len > 0 ? " " : "", word));
}

/* "Name: value", as often as it stands among the marks. */
static size_t count_mark(const struct views *marks, struct view name, struct view value)
{
	size_t n = 0;

	for (size_t i = 0; i < marks->n; i++)
		n += mail_header_count(marks->v[i], name, value);
	return n;
}

static bool counts(const struct views *marks, struct view mark, struct view original)
{
	struct view value = mark, name;

	return view_cut(&value, ':', &name) && value.data != NULL &&
	       count_mark(marks, name, value) > mail_header_count(original, name, value);
}

void entry_judge(struct entry *e, struct view original)
{
	const struct views *marks = &e->env.marks;

	e->facts.spam = e->env.spam;
	for (size_t i = 0; i < marks->n && !e->facts.spam; i++)
		e->facts.spam = counts(marks, marks->v[i], original);
	if (e->facts.spam)
		entry_flag(e, "spam");
}

static void set_facts(struct entry *e)
{
	const struct envelope *env = &e->env;
	bool placed = env->place.len > 0;

	e->facts = (struct facts){
		.way = way_of(env),
		.source = env->source.len > 0 ? env->source : VIEW(door_text(env->door)),
		.place = placed ? env->place : env->queue_id,
		.flags = env->place_flags.len > 0 ? env->place_flags : VIEW(""),
		.seen_ms = env->seen_ms,
		.source_time_s = env->source_time_s,
		.reverse_path = env->reverse_path,
		.client_name = env->client_name,
		.client_addr = env->client_addr,
		.helo = env->helo,
		.login = env->login,
		.tls = env->tls,
		.queue_id = env->queue_id,
		.mail_params = env->mail_params,
		.trace = env->trace,
	};
	for (size_t i = 0; i < env->hidden.n; i++)
		ARENA_PUSH(e->arena, e->facts.hidden, address_of(e->arena, env->hidden.v[i]));
	for (size_t i = 0; i < env->recipients.n; i++)
		add_recipient(e, env->recipients.v[i]);
}

/* --- journal reports -------------------------------------------------------------------------- */

/* The envelope of a report is that of its way to the archive; the mail's is what the report says. */
static void set_report_facts(struct entry *e, const struct journal_report *report)
{
	struct facts *facts = &e->facts;
	char id[UUID_TEXT + 1];

	facts->way = WAY_JOURNAL;
	facts->reverse_path = report->sender;
	facts->on_behalf_of = report->on_behalf_of;
	facts->report = report->frame;
	facts->recipients = (struct facts_list){0};
	for (size_t i = 0; i < report->recipients.n; i++) {
		add_recipient(e, report->recipients.v[i].addr);
		add_recipient(e, report->recipients.v[i].through);
	}
	/* reports of one mail are told apart by their places */
	if (facts->place.len == 0)
		facts->place = VIEW(arena_str(e->arena, uuid_text(&e->id, id)));
	if (report->cut_short)
		entry_flag(e, "journal-cut");
}

static void unwrap(struct entry *e)
{
	struct journal_report report;
	struct err why = {0};
	char id[UUID_TEXT + 1];
	int rc = journal_read(e->arena, str_view(&e->raw), &report, &why);

	if (rc < 0) {
		entry_flag(e, "journal-unread");
		log_warn("journal report not read, archived as it is id=%s: %s",
			 uuid_text(&e->id, id), why.text);
	}
	if (rc <= 0)
		return;
	for (size_t i = 0; i < report.originals.n; i++)
		ARENA_PUSH(e->arena, e->originals, report.originals.v[i]);
	set_report_facts(e, &report);
}

/* --- the entry -------------------------------------------------------------------------------- */

int entry_read(struct spool *spool, const struct uuid *id, const struct x25519 *key,
	       uint64_t max_bytes, struct entry **entry_r, struct err *err)
{
	CLEAN(entry) e = mem_new(sizeof(*e));

	e->id = *id;
	e->arena = arena_new();
	e->refs = 1;
	str_init(&e->raw);
	if (spool_read(spool, SPOOL_READY, id, key, max_bytes, &e->raw, e->arena, &e->env, err) < 0)
		return -1;
	set_facts(e);
	if (e->env.unwrap)
		unwrap(e);
	*entry_r = TAKE(e);
	return 0;
}

void entry_free(struct entry **entry)
{
	struct entry *e = *entry;

	*entry = NULL;
	if (e == NULL || --e->refs > 0)
		return;
	arena_free(&e->arena);
	str_clear(&e->raw);
	free(e);
}

void entry_free_piece(void *piece)
{
	struct piece *p = piece;

	entry_free(&p->entry);
	free(p);
}

static size_t count(const struct entry *e)
{
	return e->originals.n > 0 ? e->originals.n : 1;
}

bool entry_is_given(const struct entry *e)
{
	return e->given == count(e);
}

size_t entry_next_bytes(const struct entry *e)
{
	return e->originals.n > 0 ? e->originals.v[e->given].len : e->raw.len;
}

struct piece *entry_next(struct entry *e, struct str *raw)
{
	struct piece *p = mem_new(sizeof(*p));

	str_init(raw);
	if (e->originals.n > 0) {
		str_addv(raw, e->originals.v[e->given]);
	} else {
		*raw = e->raw;
		str_init(&e->raw);
	}
	p->entry = e;
	p->is_first = e->given == 0;
	p->is_last = ++e->given == count(e);
	e->refs++;
	return p;
}

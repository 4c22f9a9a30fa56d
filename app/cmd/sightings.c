/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/sightings.h"

#include "app/cmd/cmd.h"
#include "base/clock.h"
#include "base/log.h"

#include <stddef.h>

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
	struct archive *a;
	struct reader *reader;
	struct sightings *seen;
};

/* What the catalog knows; the record adds the rest. A damaged one must not keep the mail from being read. */
static int add(struct reading *r, const struct sighting_row *row, bool is_mail,
	       const struct mail_row *mail, struct err *err)
{
	struct sightings *seen = r->seen;
	CLEAN_STR source = STR_INIT;
	struct sighting s = {0};
	struct err why = {0};
	int rc = is_mail ? reader_facts(r->reader, seen->arena, mail, &s.facts, &why)
			 : reader_sighting(r->reader, seen->arena, row, &s.facts, NULL, &why);

	s.readable = rc == 0;
	if (rc < 0) {
		log_warn("record not read: %s", why.text);
		if (source_name(archive_catalog(r->a), row->source, &source, err) < 0)
			return -1;
		s.facts = (struct facts){.way = row->way,
					 .source = arena_view(seen->arena, str_view(&source)),
					 .seen_ms = row->seen_ms,
					 .place = arena_view(seen->arena, row->place),
					 .flags = arena_view(seen->arena, row->flags)};
	}
	ARENA_PUSH(seen->arena, *seen, s);
	return 0;
}

static int add_later(void *arg, const struct sighting_row *row, struct err *err)
{
	return add(arg, row, false, NULL, err);
}

int sightings_read(struct archive *a, struct reader *reader, struct arena *arena,
		   const struct mail_row *row, struct sightings *seen_r, struct err *err)
{
	struct reading r = {a, reader, seen_r};
	struct sighting_row first = {.way = row->way,
				     .source = row->source,
				     .seen_ms = row->seen_ms,
				     .place = row->place,
				     .flags = row->flags};

	*seen_r = (struct sightings){.arena = arena};
	if (add(&r, &first, true, row, err) < 0)
		return -1;
	return sightings_each(archive_catalog(a), row->mail, add_later, &r, err);
}

/* --- text ------------------------------------------------------------------------------------- */

/* Facts that are one text: how they are called to people, and in JSON. */
static const struct column {
	const char *label, *name;
	size_t at; /* offset in struct facts */
} columns[] = {
	{"Client name", "client_name", offsetof(struct facts, client_name)},
	{"Client address", "client_addr", offsetof(struct facts, client_addr)},
	{"HELO", "helo", offsetof(struct facts, helo)},
	{"Login", "login", offsetof(struct facts, login)},
	{"TLS", "tls", offsetof(struct facts, tls)},
	{"Queue id", "queue_id", offsetof(struct facts, queue_id)},
	{"Parameters", "mail_params", offsetof(struct facts, mail_params)},
	{"Sent by", "reverse_path", offsetof(struct facts, reverse_path)},
	{"On behalf of", "on_behalf_of", offsetof(struct facts, on_behalf_of)},
};
enum { COLUMNS = sizeof(columns) / sizeof(*columns) };

static struct view text_of(const struct facts *facts, const struct column *column)
{
	return *(const struct view *)(const void *)((const char *)facts + column->at);
}

static void add_line(struct str *out, const char *label, struct view value)
{
	if (value.len == 0)
		return;
	str_addf(out, "  %s: ", label);
	str_addsafe(out, value, false);
	str_addc(out, '\n');
}

/* "Came: 2024-05-17T08:00:00Z by import from anna, cur/123:2,S (flags S)" */
static void add_origin(struct str *out, const char *label, const struct facts *f)
{
	str_addf(out, "%s: ", label);
	clock_add_utc(out, f->seen_ms / 1000);
	str_addf(out, " by %s from ", way_text(f->way));
	str_addsafe(out, f->source, false);
	if (f->place.len > 0) {
		str_adds(out, ", ");
		str_addsafe(out, f->place, false);
	}
	if (f->flags.len > 0) {
		str_adds(out, " (flags ");
		str_addsafe(out, f->flags, false);
		str_addc(out, ')');
	}
	str_addc(out, '\n');
}

void sightings_add_text(const struct sightings *seen, struct str *out)
{
	for (size_t i = 0; i < seen->n; i++) {
		const struct sighting *s = &seen->v[i];

		add_origin(out, i == 0 ? "Came" : "Seen again", &s->facts);
		for (size_t c = 0; c < COLUMNS; c++)
			add_line(out, columns[c].label, text_of(&s->facts, &columns[c]));
		for (size_t r = 0; r < s->facts.recipients.n; r++)
			add_line(out, "Delivered to", s->facts.recipients.v[r]);
		if (s->facts.report.len > 0)
			str_adds(out, "  Journal report: kept, see show --report\n");
		if (!s->readable)
			str_adds(out, "  (the rest of this record cannot be read; see verify)\n");
	}
}

/* --- trace ------------------------------------------------------------------------------------ */

struct lines {
	struct view *v;
	size_t n, cap;
};

/* Header fields, each as one line: a fold becomes the white space behind it (RFC 5322, section 2.2.3). */
static struct lines trace_lines(struct arena *arena, struct view trace)
{
	CLEAN_STR unfolded = STR_INIT;
	struct lines lines = {0};
	struct view line;

	while (view_cut(&trace, '\n', &line)) {
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
		if (unfolded.len > 0 && line.len > 0 && line.data[0] != ' ' && line.data[0] != '\t')
			str_addc(&unfolded, '\n');
		str_addv(&unfolded, line);
	}
	trace = arena_view(arena, str_view(&unfolded));
	while (trace.len > 0 && view_cut(&trace, '\n', &line))
		ARENA_PUSH(arena, lines, line);
	return lines;
}

void sightings_add_trace(const struct sightings *seen, struct str *out)
{
	for (size_t i = 0; i < seen->n; i++) {
		const struct facts *f = &seen->v[i].facts;
		struct lines lines = trace_lines(seen->arena, f->trace);

		if (lines.n == 0)
			continue;
		str_adds(out, "Put on top by the mail server, and not part of the mail:\n");
		for (size_t l = 0; l < lines.n; l++) {
			str_adds(out, "  ");
			str_addsafe(out, lines.v[l], false);
			str_addc(out, '\n');
		}
		str_addc(out, '\n');
	}
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void add_member(struct str *out, const char *name, struct view value)
{
	str_addf(out, ", \"%s\": ", name);
	cmd_json_text(out, value);
}

static void add_list(struct str *out, const char *name, const struct view *v, size_t n)
{
	str_addf(out, ", \"%s\": ", name);
	cmd_json_list(out, v, n);
}

static void add_json(struct arena *arena, struct str *out, const struct facts *f)
{
	struct lines trace = trace_lines(arena, f->trace);

	str_addf(out, "{\"way\": \"%s\", \"time\": \"", way_text(f->way));
	clock_add_utc(out, f->seen_ms / 1000);
	str_addc(out, '"');
	add_member(out, "source", f->source);
	add_member(out, "place", f->place);
	add_member(out, "flags", f->flags);
	for (size_t c = 0; c < COLUMNS; c++)
		add_member(out, columns[c].name, text_of(f, &columns[c]));
	add_list(out, "recipients", f->recipients.v, f->recipients.n);
	add_list(out, "trace", trace.v, trace.n);
	str_addf(out, ", \"spam\": %s, \"report\": %s}", f->spam ? "true" : "false",
		 f->report.len > 0 ? "true" : "false");
}

void sightings_add_json(const struct sightings *seen, struct str *out)
{
	str_addc(out, '[');
	for (size_t i = 0; i < seen->n; i++) {
		str_adds(out, i > 0 ? ", " : "");
		add_json(seen->arena, out, &seen->v[i].facts);
	}
	str_addc(out, ']');
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/journal.h"

#include "app/mail/mail_priv.h"

enum {
	LINES_MAX = 4 * 1024 * 1024, /* bytes of report lines: some 50,000 recipients */
	PARTS_MAX = 100
};

/* ---- lines: "Name: value" ---- */

struct lines {
	struct arena *arena;
	struct journal_report *report;
	bool in_list; /* after "Recipients:", where each line is an address */
};

/* Cut the next line off *REST, with those that continue it. */
static bool logical_line(struct view *rest, struct view *line_r)
{
	struct view more;

	if (!line_next(rest, line_r))
		return false;
	while (line_r->len > 0 && rest->len > 0 &&
	       (rest->data[0] == ' ' || rest->data[0] == '\t') && line_next(rest, &more))
		line_r->len = (size_t)(more.data + more.len - line_r->data);
	return true;
}

static bool name_and_value(struct view line, struct view *name_r, struct view *value_r)
{
	struct view rest = view_trim(line);
	size_t n = 0;

	while (n < rest.len && (g_ascii_isalnum(rest.data[n]) || rest.data[n] == '-'))
		n++;
	*name_r = (struct view){rest.data, n};
	rest = view_trim((struct view){rest.data + n, rest.len - n});
	if (n == 0 || rest.len == 0 || rest.data[0] != ':')
		return false;
	*value_r = view_trim((struct view){rest.data + 1, rest.len - 1});
	return true;
}

/* Cut ", NAME: VALUE" off the end of *TEXT: "anna@example.org, Expanded: sales@example.org". */
static bool cut_qualifier(struct view *text, struct view *name_r, struct view *value_r)
{
	bool quoted = false;

	for (size_t i = 0; i < text->len; i++) {
		char c = text->data[i];

		if (c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == ',' && !quoted &&
			 name_and_value((struct view){text->data + i + 1, text->len - i - 1},
					name_r, value_r)) {
			text->len = i;
			return true;
		}
	}
	return false;
}

/* The first address in VALUE, empty if there is none. */
static struct view first_address(struct arena *arena, struct view value)
{
	struct mail found = {0};

	addresses_add(arena, value, ROLE_ENVELOPE, &found);
	return found.addresses.n > 0 ? found.addresses.v[0].addr : VIEW("");
}

static bool add_recipients(struct lines *lines, struct view addresses,
			   const struct journal_recipient *like)
{
	struct mail found = {0};

	addresses_add(lines->arena, addresses, like->role, &found);
	for (size_t i = 0; i < found.addresses.n; i++) {
		struct journal_recipient recipient = *like;

		recipient.addr = found.addresses.v[i].addr;
		ARENA_PUSH(lines->arena, lines->report->recipients, recipient);
	}
	return found.addresses.n > 0;
}

/* How the mail came to a recipient, from what stands behind his address. False where that is not
 * wholly understood. */
static bool read_qualifier(struct arena *arena, struct view name, struct view value,
			   struct journal_recipient *recipient)
{
	struct view next_name, next_value;
	bool another = cut_qualifier(&value, &next_name, &next_value);

	if (view_eq_nocase(name, VIEW("Expanded")))
		recipient->way = JOURNAL_EXPANDED;
	else if (view_eq_nocase(name, VIEW("Forwarded")))
		recipient->way = JOURNAL_FORWARDED;
	else
		return false;
	recipient->through = first_address(arena, value);
	return recipient->through.len > 0 && !another;
}

/* The fields of a report. Each take_* tells whether it understood all of the value. */
struct line_kind {
	const char *name;
	bool (*take)(struct lines *lines, const struct line_kind *kind, struct view value);
	size_t view; /* offset in struct journal_report */
	enum role role;
};

static struct view *view_of(struct lines *lines, const struct line_kind *kind)
{
	return (struct view *)(void *)((char *)lines->report + kind->view);
}

/* The first one counts: a second Subject would be forged or misread. */
static bool take_text(struct lines *lines, const struct line_kind *kind, struct view value)
{
	struct view *text = view_of(lines, kind);

	if (text->len > 0)
		return false;
	*text = text_unfolded(lines->arena, value);
	return true;
}

static bool take_message_id(struct lines *lines, const struct line_kind *kind, struct view value)
{
	struct view *id = view_of(lines, kind);

	if (id->len > 0)
		return false;
	*id = message_id_read(lines->arena, value);
	return true;
}

/* "<>" is the empty reverse-path of a bounce, and understood. */
static bool take_address(struct lines *lines, const struct line_kind *kind, struct view value)
{
	struct view *addr = view_of(lines, kind);

	if (addr->len > 0)
		return false;
	*addr = first_address(lines->arena, value);
	return addr->len > 0 || value.len == 0 || view_eq(value, VIEW("<>"));
}

static bool take_recipient(struct lines *lines, const struct line_kind *kind, struct view value)
{
	struct journal_recipient like = {.role = kind->role, .through = VIEW("")};
	struct view name, qualifier;
	bool understood = true;

	if (cut_qualifier(&value, &name, &qualifier))
		understood = read_qualifier(lines->arena, name, qualifier, &like);
	return add_recipients(lines, value, &like) && understood;
}

/* Exchange 2003: addresses behind the name, or on lines of their own below it. */
static bool take_recipients(struct lines *lines, const struct line_kind *kind, struct view value)
{
	struct journal_recipient like = {.role = kind->role, .through = VIEW("")};
	struct view line;
	bool understood = true;

	lines->in_list = true;
	while (line_next(&value, &line)) {
		line = view_trim(line);
		if (line.len > 0 && !add_recipients(lines, line, &like))
			understood = false;
	}
	return understood;
}

static const struct line_kind line_kinds[] = {
	{"Sender", take_address, offsetof(struct journal_report, sender), ROLE_SENDER},
	{"On-Behalf-Of", take_address, offsetof(struct journal_report, on_behalf_of), ROLE_SENDER},
	{"Subject", take_text, offsetof(struct journal_report, subject), ROLE_SENDER},
	{"Message-ID", take_message_id, offsetof(struct journal_report, message_id), ROLE_SENDER},
	{"Label", take_text, offsetof(struct journal_report, label), ROLE_SENDER},
	{"To", take_recipient, 0, ROLE_TO},
	{"Cc", take_recipient, 0, ROLE_CC},
	{"Bcc", take_recipient, 0, ROLE_BCC},
	{"Recipient", take_recipient, 0, ROLE_ENVELOPE},
	{"Recipients", take_recipients, 0, ROLE_ENVELOPE},
};

static const struct line_kind *line_kind(struct view name)
{
	for (size_t i = 0; i < sizeof(line_kinds) / sizeof(line_kinds[0]); i++) {
		if (view_eq_nocase(name, VIEW(line_kinds[i].name)))
			return &line_kinds[i];
	}
	return NULL;
}

static bool take_line(struct lines *lines, struct view line)
{
	struct journal_recipient listed = {.role = ROLE_ENVELOPE, .through = VIEW("")};
	struct view name, value;
	const struct line_kind *kind;

	if (!name_and_value(line, &name, &value))
		return lines->in_list && add_recipients(lines, line, &listed);
	lines->in_list = false;
	kind = line_kind(name);
	return kind != NULL && kind->take(lines, kind, value);
}

static void read_lines(struct arena *arena, struct view text, struct journal_report *report)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	struct lines lines = {.arena = arena, .report = report};
	struct view line;

	if (view_starts(text, byte_order_mark)) {
		text.data += strlen(byte_order_mark);
		text.len -= strlen(byte_order_mark);
	}
	while (logical_line(&text, &line)) {
		line = view_trim(line);
		if (line.len == 0)
			lines.in_list = false;
		else if (!take_line(&lines, line))
			ARENA_PUSH(arena, report->others, text_unfolded(arena, line));
	}
}

/* ---- parts ---- */

/* Of a report, only what lies directly in it is looked at: nothing inside an original can then
 * change where that original ends. The lines may be one level deeper, in a multipart/alternative. */
static const struct mail_limits limits = {.text_bytes = LINES_MAX, .depth = 2, .leaves = PARTS_MAX};

static struct view content(const struct part *part, struct view raw)
{
	return (struct view){raw.data + part->body, part->end - part->body};
}

static bool is_attached(const struct part *part)
{
	return part->parent == 0 && (view_eq(part->type, VIEW("message/rfc822")) ||
				     view_eq(part->type, VIEW("message/global")));
}

/* The bytes of an attached message. RFC 2046 forbids to encode it; some gateways do. */
static struct view attached(struct arena *arena, const struct part *part, struct view raw)
{
	struct view bytes = content(part, raw);
	CLEAN_STR decoded = STR_INIT;

	if (part->encoding == LEAF_PLAIN)
		return bytes;
	content_decode(bytes, part->encoding, bytes.len, &decoded);
	return arena_view(arena, str_view(&decoded));
}

/* The part with the lines: the first text before the first original, plain text if there is any. */
static const struct part *lines_part(const struct parts *parts)
{
	const struct part *html = NULL;

	for (size_t i = 1; i < parts->n && !is_attached(&parts->v[i]); i++) {
		const struct part *part = &parts->v[i];

		if (part->kind != PART_LEAF)
			continue;
		if (view_eq(part->type, VIEW("text/plain")))
			return part;
		if (html == NULL && view_eq(part->type, VIEW("text/html")))
			html = part;
	}
	return html;
}

static int read_lines_part(struct arena *arena, const struct part *part, struct view raw,
			   struct journal_report *report, struct err *err)
{
	const struct mail mail = {.raw = raw};
	const struct leaf leaf = {.start = part->body,
				  .end = part->end,
				  .encoding = part->encoding,
				  .type = part->type,
				  .charset = part->charset};
	CLEAN_STR text = STR_INIT;

	/* More than LINES_MAX are seen even where a character is cut. */
	mail_leaf_text(&mail, &leaf, LINES_MAX + 8, &text);
	if (text.len > LINES_MAX || part->end - part->body > 8 * (size_t)LINES_MAX)
		return err_set(err, ERR_TOOBIG, "journal report with more than %d MiB of lines",
			       LINES_MAX / 1024 / 1024);
	read_lines(arena, arena_view(arena, str_view(&text)), report);
	if (report->recipients.n == 0)
		return err_set(err, ERR_SYNTAX, "journal report that names no recipient");
	return 0;
}

/* Where the attached messages stand, as they are encoded. */
struct stretches {
	struct view *v;
	size_t n, cap;
};

static int find_originals(struct arena *arena, const struct parts *parts, struct view raw,
			  struct journal_report *report, struct stretches *stretches,
			  struct err *err)
{
	for (size_t i = 1; i < parts->n; i++) {
		const struct part *part = &parts->v[i];
		struct view original;

		if (!is_attached(part))
			continue;
		original = attached(arena, part, raw);
		if (original.len == 0)
			return err_set(err, ERR_SYNTAX, "journal report with an empty message");
		ARENA_PUSH(arena, report->originals, original);
		ARENA_PUSH(arena, *stretches, content(part, raw));
	}
	if (report->originals.n == 0)
		return err_set(err, ERR_SYNTAX, "journal report without an attached message");
	return 0;
}

/* Is there no closing boundary line behind the last part? */
static bool ends_early(const struct parts *parts, struct view raw)
{
	struct view rest = {"", 0}, line = {"", 0};

	for (size_t i = 1; i < parts->n; i++) {
		if (parts->v[i].parent == 0)
			rest = (struct view){raw.data + parts->v[i].end,
					     parts->v[0].end - parts->v[i].end};
	}
	while (line.len == 0 && line_next(&rest, &line))
		;
	line = view_trim(line);
	return line.len < 2 || memcmp(line.data + line.len - 2, "--", 2) != 0;
}

/* WHOLE without these stretches of it. */
static struct view without(struct arena *arena, struct view whole,
			   const struct stretches *stretches)
{
	CLEAN_STR frame = STR_INIT;
	const char *at = whole.data;

	for (size_t i = 0; i < stretches->n; i++) {
		str_add(&frame, at, (size_t)(stretches->v[i].data - at));
		at = stretches->v[i].data + stretches->v[i].len;
	}
	str_add(&frame, at, (size_t)(whole.data + whole.len - at));
	return arena_view(arena, str_view(&frame));
}

static bool is_within(struct view part, struct view whole)
{
	return part.data >= whole.data && part.data + part.len <= whole.data + whole.len;
}

/* RAW is the report; WHOLE, what came: RAW, or a non-delivery report with RAW in it. */
static int read_report(struct arena *arena, struct view raw, struct view whole,
		       struct journal_report *report, struct err *err)
{
	struct parts parts = {0};
	struct stretches stretches = {0};
	const struct part *lines;

	structure_find(arena, raw, &limits, &parts);
	if (parts.n > PARTS_MAX)
		return err_set(err, ERR_TOOBIG, "journal report of more than %d parts", PARTS_MAX);
	if (find_originals(arena, &parts, raw, report, &stretches, err) < 0)
		return -1;
	lines = lines_part(&parts);
	if (lines == NULL)
		return err_set(err, ERR_SYNTAX, "journal report without lines");
	report->cut_short = ends_early(&parts, raw);
	report->frame = without(arena, is_within(raw, whole) ? whole : raw, &stretches);
	return read_lines_part(arena, lines, raw, report, err);
}

/* ---- is it one? ---- */

static bool is_marker(const struct field *field)
{
	if (field_is(field, "X-MS-Journal-Report") ||
	    field_is(field, "X-MS-Exchange-Organization-Journal-Report"))
		return true; /* often without a value */
	/* Exchange 2003; "Identifer" is how some of its versions spell it. */
	return (field_is(field, "Content-Identifier") || field_is(field, "Content-Identifer")) &&
	       view_eq_nocase(view_trim(field->value), VIEW("ExJournalReport"));
}

static bool is_marked(struct view raw)
{
	struct view rest = mail_skip_from_line(raw);
	struct field field;

	while (field_next(&rest, &field)) {
		if (is_marker(&field))
			return true;
	}
	return false;
}

static bool is_non_delivery(struct view raw)
{
	struct view rest = mail_skip_from_line(raw);
	struct field field;

	while (field_next(&rest, &field)) {
		if (field_is(&field, "Content-Type"))
			return view_starts_nocase(view_trim(field.value), "multipart/report");
	}
	return false;
}

/* The report that a non-delivery report returns; of a large one perhaps its header only. */
static bool returned_report(struct arena *arena, struct view raw, struct view *report_r)
{
	struct parts parts = {0};

	structure_find(arena, raw, &limits, &parts);
	for (size_t i = 1; i < parts.n; i++) {
		const struct part *part = &parts.v[i];
		struct view returned;

		if (!is_attached(part) && !view_eq(part->type, VIEW("text/rfc822-headers")))
			continue;
		returned = attached(arena, part, raw);
		if (is_marked(returned)) {
			*report_r = returned;
			return true;
		}
	}
	return false;
}

int journal_read(struct arena *arena, struct view raw, struct journal_report *report_r,
		 struct err *err)
{
	struct view report = raw;
	bool returned = is_non_delivery(raw) && returned_report(arena, raw, &report);

	*report_r = (struct journal_report){.sender = VIEW(""),
					    .on_behalf_of = VIEW(""),
					    .subject = VIEW(""),
					    .message_id = VIEW(""),
					    .label = VIEW(""),
					    .frame = VIEW("")};
	if (!returned && !is_marked(raw))
		return 0;
	return read_report(arena, report, raw, report_r, err) < 0 ? -1 : 1;
}

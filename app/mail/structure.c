/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The structure of a mail: header blocks, boundary lines, and what lies between them (RFC 2046).
 *
 * GMime has a parser for this, but a mail of 10 MB, made for the purpose, takes 1.8 GB of memory in
 * it, and it tells no bounds of a multipart whose boundary never comes. So the structure is found
 * here, in one pass, without recursion, with nothing copied, and in memory that the limits bound;
 * GMime reads what is inside the header fields.
 *
 * (M1) A boundary line is "--", the boundary of an open multipart, perhaps "--", perhaps blanks.
 *      The innermost multipart is tried first; one further out closes those inside it.
 * (M2) The line end before a boundary line belongs to that line, not to the content.
 * (M3) A part's header ends at an empty line, or where no field comes for a few lines.
 * (M4) A multipart in which no part begins is a leaf, and so is one deeper than the limit.
 * (M5) When there are as many parts as the limits allow, the rest of the mail is one leaf.
 */
#include "app/mail/mail_priv.h"

#include <strings.h>

enum {
	BUCKETS = 256,
	BOUNDARY_MAX = 1024,       /* bytes; RFC 2046 allows 70 */
	PARAMETERS_MAX = 16 * 1024 /* of a Content-Type or Content-Disposition, seen by GMime */
};

/* An open multipart. Those whose boundaries fall into one bucket are chained, innermost first, so
 * that a line of dashes in a mail nested a thousandfold does not cost a thousand comparisons. */
struct open {
	size_t part;
	struct view boundary;
	uint32_t hash;
	struct open *outer_in_bucket;
};

struct scan {
	struct arena *arena;
	struct view raw;
	const struct mail_limits *limits;
	struct parts *parts;
	struct {
		struct open **v;
		size_t n, cap;
	} stack;
	struct open *bucket[BUCKETS];
	size_t pos;
	size_t current; /* the part whose content stands at pos */
};

static struct view scan_rest(const struct scan *scan)
{
	return (struct view){scan->raw.data + scan->pos, scan->raw.len - scan->pos};
}

static uint32_t boundary_hash(struct view v)
{
	uint32_t h = 2166136261U; /* FNV-1a */

	for (size_t i = 0; i < v.len; i++)
		h = (h ^ (unsigned char)v.data[i]) * 16777619U;
	return h;
}

static void push(struct scan *scan, size_t part, struct view boundary)
{
	struct open *open = arena_get(scan->arena, sizeof(*open));
	struct open **bucket;

	*open = (struct open){part, boundary, boundary_hash(boundary), NULL};
	bucket = &scan->bucket[open->hash % BUCKETS];
	open->outer_in_bucket = *bucket;
	*bucket = open;
	ARENA_PUSH(scan->arena, scan->stack, open);
}

static void pop(struct scan *scan)
{
	struct open *open = scan->stack.v[--scan->stack.n];

	scan->bucket[open->hash % BUCKETS] = open->outer_in_bucket;
}

static struct open *open_find(const struct scan *scan, struct view boundary)
{
	uint32_t hash = boundary_hash(boundary);
	struct open *o = scan->bucket[hash % BUCKETS];

	while (o != NULL && (o->hash != hash || !view_eq(o->boundary, boundary)))
		o = o->outer_in_bucket;
	return o;
}

/* Is LINE a boundary line (M1)? */
static struct open *boundary_line(const struct scan *scan, struct view line, bool *last_r)
{
	struct open *plain, *closing = NULL;

	if (scan->stack.n == 0 || !view_starts(line, "--") || line.len > BOUNDARY_MAX)
		return NULL;
	while (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t')
		line.len--;
	line.data += 2;
	line.len -= 2;
	plain = open_find(scan, line);
	if (line.len >= 2 && memcmp(line.data + line.len - 2, "--", 2) == 0)
		closing = open_find(scan, (struct view){line.data, line.len - 2});
	*last_r = closing != NULL && (plain == NULL || plain->part < closing->part);
	return *last_r ? closing : plain;
}

static struct view parameter(struct scan *scan, GMimeParamList *params, const char *name)
{
	GMimeParam *param = params ? g_mime_param_list_get_parameter(params, name) : NULL;
	const char *value = param ? g_mime_param_get_value(param) : NULL;
	CLEAN_STR s = STR_INIT;

	if (value == NULL || value[0] == '\0')
		return (struct view){"", 0};
	text_add(&s, VIEW(value), VIEW(""));
	return arena_view(scan->arena, str_view(&s));
}

/* A file name for people: encoded words in a parameter are not allowed, and common. */
static struct view name_parameter(struct scan *scan, GMimeParamList *params, const char *name)
{
	struct view value = parameter(scan, params, name);

	return view_trim(text_decoded(scan->arena, value));
}

static const char *parameters_text(struct scan *scan, struct view value)
{
	return text_unfolded(scan->arena, text_cut(value, PARAMETERS_MAX)).data;
}

static void read_type(struct scan *scan, struct view value, struct part *part,
		      struct view *boundary_r)
{
	const char *text = parameters_text(scan, value);
	GMimeContentType *type = g_mime_content_type_parse(text_options(), text);
	GMimeParamList *params = g_mime_content_type_get_parameters(type);
	const char *major = g_mime_content_type_get_media_type(type);
	const char *minor = g_mime_content_type_get_media_subtype(type);

	if (major != NULL && minor != NULL && strchr(text, '/') != NULL) {
		CLEAN_STR s = STR_INIT;

		str_addf(&s, "%s/%s", major, minor);
		part->type = text_lower(scan->arena, text_unfolded(scan->arena, str_view(&s)));
	}
	part->charset = parameter(scan, params, "charset");
	*boundary_r = parameter(scan, params, "boundary");
	if (part->name.len == 0)
		part->name = name_parameter(scan, params, "name");
	g_object_unref(type);
}

static void read_disposition(struct scan *scan, struct view value, struct part *part)
{
	const char *text = parameters_text(scan, value);
	GMimeContentDisposition *disposition = g_mime_content_disposition_parse(text_options(),
										text);
	struct view name = name_parameter(
		scan, g_mime_content_disposition_get_parameters(disposition), "filename");

	if (g_mime_content_disposition_is_attachment(disposition))
		part->disposition = DISPOSITION_ATTACHMENT;
	else if (strncasecmp(text, "inline", 6) == 0)
		part->disposition = DISPOSITION_INLINE;
	if (name.len > 0)
		part->name = name;
	g_object_unref(disposition);
}

static enum leaf_encoding read_encoding(struct scan *scan, struct view value)
{
	const char *text = text_unfolded(scan->arena, text_cut(value, 256)).data;

	switch (g_mime_content_encoding_from_string(text)) {
	case GMIME_CONTENT_ENCODING_BASE64:
		return LEAF_BASE64;
	case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE:
		return LEAF_QP;
	case GMIME_CONTENT_ENCODING_UUENCODE:
		return LEAF_UU;
	default:
		return LEAF_PLAIN;
	}
}

static bool at_boundary(const struct scan *scan, struct view rest)
{
	struct view line;
	bool last;

	return view_starts(rest, "--") && line_next(&rest, &line) &&
	       boundary_line(scan, line, &last) != NULL;
}

/* Read the header block at pos into PART; pos is then where the content starts (M3). */
static void read_header(struct scan *scan, struct part *part, struct view *boundary_r)
{
	struct view rest = scan_rest(scan), after, line;
	struct field field;
	bool typed = false;

	while (!at_boundary(scan, rest) && field_next(&rest, &field)) {
		if (!view_starts_nocase(field.name, "Content-"))
			continue;
		if (field_is(&field, "Content-Type") && !typed) {
			typed = true;
			read_type(scan, field.value, part, boundary_r);
		} else if (field_is(&field, "Content-Transfer-Encoding")) {
			part->encoding = read_encoding(scan, field.value);
		} else if (field_is(&field, "Content-Disposition")) {
			read_disposition(scan, field.value, part);
		} else if (field_is(&field, "Content-ID") || field_is(&field, "Content-Location")) {
			part->has_id = true;
		}
	}
	after = rest;
	if (line_next(&after, &line) && line.len == 0)
		rest = after;
	scan->pos = (size_t)(rest.data - scan->raw.data);
	part->body = scan->pos;
}

static enum part_kind kind_of(const struct scan *scan, const struct part *part,
			      struct view boundary)
{
	if (part->depth >= scan->limits->depth)
		return PART_LEAF;
	if (view_starts(part->type, "multipart/") && boundary.len > 0 &&
	    boundary.len < BOUNDARY_MAX - 4)
		return PART_MULTIPART;
	if ((view_eq(part->type, VIEW("message/rfc822")) ||
	     view_eq(part->type, VIEW("message/global"))) &&
	    part->encoding == LEAF_PLAIN)
		return PART_MESSAGE;
	return PART_LEAF;
}

/* A part begins at pos. A nested message's own first part begins with it. */
static void begin_part(struct scan *scan, size_t parent)
{
	bool again = true;

	while (again) {
		bool message = parent == NO_PART || scan->parts->v[parent].kind == PART_MESSAGE;
		bool digest = parent != NO_PART &&
			      view_eq(scan->parts->v[parent].type, VIEW("multipart/digest"));
		struct part part = {
			.parent = parent,
			.depth = parent == NO_PART ? 0 : scan->parts->v[parent].depth + 1,
			.head = scan->pos,
			.end = scan->raw.len,
			.type = VIEW(digest ? "message/rfc822" : "text/plain"),
			.charset = VIEW(""),
			.name = VIEW(""),
		};
		struct view boundary = VIEW("");

		if (message)
			scan->pos = scan->raw.len - mail_skip_from_line(scan_rest(scan)).len;
		read_header(scan, &part, &boundary);
		part.kind = kind_of(scan, &part, boundary);
		scan->current = scan->parts->n;
		ARENA_PUSH(scan->arena, *scan->parts, part);
		if (part.kind == PART_MULTIPART)
			push(scan, scan->current, boundary);
		parent = scan->current;
		again = part.kind == PART_MESSAGE;
	}
}

/* The content of the current part and of those around it, up to and without PART, ends at END. */
static void end_parts(struct scan *scan, size_t part, size_t end)
{
	for (; scan->current != part; scan->current = scan->parts->v[scan->current].parent) {
		struct part *p = &scan->parts->v[scan->current];

		p->end = end > p->body ? end : p->body;
	}
}

/* Where the content before the line at AT ends (M2). */
static size_t before_line(const struct scan *scan, size_t at)
{
	const char *raw = scan->raw.data;

	if (at > 0 && (raw[at - 1] == '\n' || raw[at - 1] == '\r'))
		at--;
	if (at > 0 && raw[at] == '\n' && raw[at - 1] == '\r')
		at--;
	return at;
}

/* The rest of the mail, which has more parts than are looked at (M5). */
static void end_early(struct scan *scan)
{
	struct part rest = {
		.parent = NO_PART,
		.head = scan->pos,
		.body = scan->pos,
		.end = scan->raw.len,
		.type = VIEW("application/octet-stream"),
		.charset = VIEW(""),
		.name = VIEW(""),
	};

	ARENA_PUSH(scan->arena, *scan->parts, rest);
	scan->pos = scan->raw.len;
}

static void take_line(struct scan *scan)
{
	struct view rest = scan_rest(scan), line;
	size_t at = scan->pos;
	bool last = false;
	struct open *open;

	line_next(&rest, &line);
	open = boundary_line(scan, line, &last);
	scan->pos = (size_t)(rest.data - scan->raw.data);
	if (open == NULL)
		return;
	while (scan->stack.v[scan->stack.n - 1] != open)
		pop(scan);
	end_parts(scan, open->part, before_line(scan, at));
	if (last)
		pop(scan);
	else if (scan->parts->n >= scan->limits->leaves)
		end_early(scan);
	else if (scan->pos < scan->raw.len)
		begin_part(scan, open->part);
}

/* A multipart without parts is a leaf (M4). Children follow their parent at once. */
static void settle_empty_multiparts(struct parts *parts)
{
	for (size_t i = 0; i < parts->n; i++) {
		if (parts->v[i].kind == PART_MULTIPART &&
		    (i + 1 == parts->n || parts->v[i + 1].parent != i))
			parts->v[i].kind = PART_LEAF;
	}
}

void structure_find(struct arena *arena, struct view raw, const struct mail_limits *limits,
		    struct parts *parts)
{
	struct scan *scan = arena_get(arena, sizeof(*scan));

	scan->arena = arena;
	scan->raw = raw;
	scan->limits = limits;
	scan->parts = parts;
	begin_part(scan, NO_PART);
	while (scan->pos < raw.len && scan->stack.n > 0)
		take_line(scan);
	end_parts(scan, NO_PART, raw.len);
	settle_empty_multiparts(parts);
}

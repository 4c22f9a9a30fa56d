/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/shown.h"

#include "app/mail/mail_priv.h"

/* What the leaves inside of a multipart/alternative are. */
struct choice {
	bool has_html, has_plain;
};

struct showing {
	struct arena *arena;
	const struct shown_limits *limits;
	struct shown *shown;
	struct parts parts;
	size_t *part_of; /* by leaf */
	size_t *alternative; /* by part: the multipart/alternative around it within its message, or NO_PART */
	struct choice *choices; /* by part: of those */
	size_t message;         /* the nested message whose leaf came last, or NO_PART */
	struct str text, html;
	bool any_html;
};

/* --- the tree ----------------------------------------------------------------------------------- */

static struct view type_at(const struct showing *s, size_t part)
{
	return s->parts.v[part].type;
}

static void find_alternative(struct showing *s, size_t i)
{
	size_t parent = s->parts.v[i].parent;

	s->alternative[i] = NO_PART;
	if (parent == NO_PART || s->parts.v[parent].kind == PART_MESSAGE)
		return;
	s->alternative[i] = view_eq(type_at(s, parent), VIEW("multipart/alternative"))
				    ? parent
				    : s->alternative[parent];
}

/* The nested message that a part is in; NO_PART: none. */
static size_t message_of(const struct showing *s, size_t i)
{
	for (i = s->parts.v[i].parent; i != NO_PART; i = s->parts.v[i].parent)
		if (s->parts.v[i].kind == PART_MESSAGE)
			return i;
	return NO_PART;
}

static bool is_body(const struct leaf *leaf)
{
	return !leaf->attachment && type_is_text(leaf->type);
}

/* The leaves of mail_parse() are the parts that are leaves, in the same order. */
static void find_parts(struct showing *s, const struct mail_limits *limits)
{
	size_t leaf = 0;

	structure_find(s->arena, s->shown->mail.raw, limits, &s->parts);
	s->alternative = arena_get(s->arena, s->parts.n * sizeof(*s->alternative));
	s->choices = arena_get(s->arena, s->parts.n * sizeof(*s->choices));
	s->part_of = arena_get(s->arena, s->parts.n * sizeof(*s->part_of));
	for (size_t i = 0; i < s->parts.n; i++) {
		find_alternative(s, i);
		if (s->parts.v[i].kind != PART_LEAF)
			continue;
		if (s->alternative[i] != NO_PART && is_body(&s->shown->mail.leaves.v[leaf])) {
			struct choice *choice = &s->choices[s->alternative[i]];
			bool html = type_is_html(type_at(s, i));

			choice->has_html = choice->has_html || html;
			choice->has_plain = choice->has_plain || !html;
		}
		s->part_of[leaf++] = i;
	}
}

/* --- what is to be read ------------------------------------------------------------------------- */

static size_t room(const struct showing *s, const struct str *out)
{
	return out->len < s->limits->text_bytes ? s->limits->text_bytes - out->len : 0;
}

static void add_escaped(struct str *out, struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.data[i]) {
		case '<':
			str_adds(out, "&lt;");
			break;
		case '>':
			str_adds(out, "&gt;");
			break;
		case '&':
			str_adds(out, "&amp;");
			break;
		default:
			str_addc(out, text.data[i]);
		}
	}
}

static void add_pre(struct str *out, struct view text)
{
	str_adds(out, "<pre>");
	add_escaped(out, text);
	str_adds(out, "</pre>\n");
}

static void add_text(struct showing *s, const struct leaf *leaf)
{
	size_t before = s->text.len;

	mail_leaf_text(&s->shown->mail, leaf, room(s, &s->text), &s->text);
	s->shown->cut = s->shown->cut || room(s, &s->text) == 0;
	if (s->text.len > before && s->text.data[s->text.len - 1] != '\n')
		str_addc(&s->text, '\n');
}

static void add_html(struct showing *s, const struct leaf *leaf)
{
	CLEAN_STR utf8 = STR_INIT;
	size_t max = room(s, &s->html);

	leaf_utf8(&s->shown->mail, leaf, max, &utf8);
	s->shown->cut = s->shown->cut || utf8.len >= max;
	if (type_is_html(leaf->type))
		str_addv(&s->html, text_cut(str_view(&utf8), max));
	else
		add_pre(&s->html, text_cut(str_view(&utf8), max));
	str_addc(&s->html, '\n');
	s->any_html = s->any_html || type_is_html(leaf->type);
}

/* A message inside of this one begins: who wrote it to whom. */
static void add_nested_header(struct showing *s, size_t message)
{
	static const char *const names[] = {"From", "To", "Cc", "Date", "Subject"};
	const struct part *part = &s->parts.v[message + 1]; /* a message's first part */
	struct view rest = {s->shown->mail.raw.data + part->head, part->body - part->head};
	CLEAN_STR head = STR_INIT;
	struct field field;

	while (field_next(&rest, &field) && head.len < s->limits->field_bytes) {
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
			if (!field_is(&field, names[i]))
				continue;
			str_addf(&head, "%s: ", names[i]);
			str_addv(&head, text_decoded(s->arena, text_cut(field.value,
									s->limits->field_bytes)));
			str_addc(&head, '\n');
		}
	}
	str_addc(&s->text, '\n');
	str_addv(&s->text, str_view(&head));
	str_addc(&s->text, '\n');
	str_adds(&s->html, "<hr>");
	add_pre(&s->html, str_view(&head));
}

static void show_leaf(struct showing *s, size_t i)
{
	const struct leaf *leaf = &s->shown->mail.leaves.v[i];
	size_t part = s->part_of[i], message = message_of(s, part);
	bool html = type_is_html(leaf->type);
	const struct choice *choice = s->alternative[part] == NO_PART
					      ? NULL
					      : &s->choices[s->alternative[part]];

	if (!is_body(leaf))
		return;
	s->shown->parts[i].is_body = true;
	if (message != NO_PART && message != s->message)
		add_nested_header(s, message);
	s->message = message;
	if (choice == NULL || !html || !choice->has_plain)
		add_text(s, leaf);
	if (choice == NULL || html || !choice->has_html)
		add_html(s, leaf);
}

/* --- fields and parts --------------------------------------------------------------------------- */

/* "from a by b; Mon, 05 Feb 2024 10:00:00 +0100" (RFC 5321, section 4.4) */
static int64_t received_at(struct view value)
{
	const char *semicolon = memrchr(value.data, ';', value.len);
	GDateTime *date = semicolon ? g_mime_utils_header_decode_date(semicolon + 1) : NULL;
	int64_t time_s = 0;

	if (date != NULL) {
		time_s = g_date_time_to_unix(date);
		g_date_time_unref(date);
	}
	return time_s > 0 ? time_s : 0;
}

static void read_fields(struct showing *s)
{
	struct view rest = mail_skip_from_line(s->shown->mail.raw);
	struct field field;

	while (s->shown->fields.n < s->limits->fields && field_next(&rest, &field)) {
		struct shown_field shown = {
			.name = field.name,
			.value = text_decoded(s->arena,
					      text_cut(field.value, s->limits->field_bytes)),
		};

		if (s->shown->received_s == 0 && field_is(&field, "Received"))
			s->shown->received_s = received_at(
				VIEW(arena_strn(s->arena, shown.value.data, shown.value.len)));
		ARENA_PUSH(s->arena, s->shown->fields, shown);
	}
}

static struct view content_id(const struct showing *s, const struct part *part)
{
	struct view rest = {s->shown->mail.raw.data + part->head, part->body - part->head};
	struct field field;

	while (part->has_id && field_next(&rest, &field))
		if (field_is(&field, "Content-ID"))
			return message_id_read(s->arena, field.value);
	return VIEW("");
}

static bool is_base64_char(char c)
{
	return g_ascii_isalnum(c) || c == '+' || c == '/';
}

static uint64_t decoded_size(const struct mail *mail, const struct leaf *leaf)
{
	CLEAN_STR decoded = STR_INIT;
	uint64_t chars = 0;

	if (leaf->encoding == LEAF_PLAIN)
		return leaf->end - leaf->start;
	if (leaf->encoding == LEAF_BASE64) {
		for (size_t i = leaf->start; i < leaf->end && mail->raw.data[i] != '='; i++)
			chars += is_base64_char(mail->raw.data[i]);
		return chars * 3 / 4;
	}
	mail_leaf_decode(mail, leaf, SIZE_MAX / 4, &decoded);
	return decoded.len;
}

void mail_show(struct arena *arena, struct view raw, const struct shown_limits *limits,
	       struct shown *shown_r)
{
	const struct mail_limits parse_limits = {.text_bytes = 0, .depth = 1000, .leaves = 10000};
	struct showing s = {.arena = arena,
			    .limits = limits,
			    .shown = shown_r,
			    .message = NO_PART,
			    .text = STR_INIT,
			    .html = STR_INIT};

	*shown_r = (struct shown){.text = VIEW(""), .html = VIEW("")};
	mail_parse(arena, raw, &parse_limits, &shown_r->mail);
	if (raw.len == 0)
		return;
	shown_r->parts = arena_get(arena, shown_r->mail.leaves.n * sizeof(*shown_r->parts));
	find_parts(&s, &parse_limits);
	read_fields(&s);
	for (size_t i = 0; i < shown_r->mail.leaves.n; i++) {
		const struct leaf *leaf = &shown_r->mail.leaves.v[i];

		shown_r->parts[i].leaf = leaf;
		shown_r->parts[i].content_id = content_id(&s, &s.parts.v[s.part_of[i]]);
		shown_r->parts[i].size_bytes = decoded_size(&shown_r->mail, leaf);
		show_leaf(&s, i);
	}
	shown_r->text = arena_view(arena, str_view(&s.text));
	if (s.any_html)
		shown_r->html = arena_view(arena, str_view(&s.html));
	str_clear(&s.text);
	str_clear(&s.html);
}

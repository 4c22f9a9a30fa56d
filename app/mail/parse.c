/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/mail_priv.h"

#include "base/clock.h"
#include "base/err.h"

#include <libxml/parser.h>
#include <pthread.h>
#include <strings.h>

enum {
	STUB_BYTES = 200,            /* a text/plain alternative shorter than this says nothing */
	FIELD_TEXT_MAX = 256 * 1024, /* of a field that is kept as text */
	DATE_MAX = 1024,
	MARKUP_PER_TEXT = 8 /* how much of an HTML leaf is looked at for one byte of text */
};

static void init_libraries(void)
{
	g_mime_init();
	xmlInitParser();
	text_init();
}

void mail_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_libraries);
}

/* ---- the top header ---- */

static const struct known_field {
	const char *name;
	bool is_list;
	enum role role;
	size_t text; /* offset of the view in struct mail */
} known_fields[] = {
	{"From", true, ROLE_FROM, offsetof(struct mail, from_text)},
	{"To", true, ROLE_TO, offsetof(struct mail, to_text)},
	{"Cc", true, ROLE_CC, offsetof(struct mail, cc_text)},
	{"Bcc", true, ROLE_BCC, offsetof(struct mail, bcc_text)},
	{"Sender", true, ROLE_SENDER, SIZE_MAX},
	{"Reply-To", true, ROLE_REPLY_TO, SIZE_MAX},
	{"Subject", false, ROLE_FROM, offsetof(struct mail, subject)},
};

/* A second field of the same name is joined to the first if it is a list, else left out. */
static void keep_text(struct arena *arena, const struct known_field *known, struct view value,
		      struct mail *mail)
{
	struct view *text = (struct view *)(void *)((char *)mail + known->text);
	struct view more = text_decoded(arena, text_cut(value, FIELD_TEXT_MAX));

	if (text->len == 0)
		*text = more;
	else if (known->is_list && more.len > 0 && text->len + more.len <= FIELD_TEXT_MAX)
		*text = VIEW(arena_f(arena, "%s, %s", text->data, more.data));
}

struct view mail_thread(const struct mail *mail)
{
	if (mail->references.len > 0)
		return mail->references;
	return mail->in_reply_to.len > 0 ? mail->in_reply_to : mail->message_id;
}

struct view message_id_read(struct arena *arena, struct view value)
{
	struct view id = text_unfolded(arena, text_cut(value, FIELD_TEXT_MAX));
	const char *open = memchr(id.data, '<', id.len);
	const char *close = open ? memchr(open, '>', (size_t)(id.data + id.len - open)) : NULL;

	if (close != NULL)
		id = (struct view){open + 1, (size_t)(close - open - 1)};
	return view_trim(id);
}

static void read_date(struct arena *arena, struct view value, struct mail *mail)
{
	struct view text = text_unfolded(arena, text_cut(value, DATE_MAX));
	GDateTime *date = g_mime_utils_header_decode_date(text.data);

	if (date == NULL)
		return;
	mail->date_s = g_date_time_to_unix(date);
	mail->has_date = mail->date_s >= 0 && mail->date_s < clock_of_utc(2101, 1, 1, 0, 0, 0);
	if (!mail->has_date)
		mail->date_s = 0;
	g_date_time_unref(date);
}

static void read_known(struct arena *arena, const struct field *field, struct mail *mail)
{
	for (size_t i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++) {
		const struct known_field *known = &known_fields[i];

		if (!field_is(field, known->name))
			continue;
		if (known->is_list)
			addresses_add(arena, field->value, known->role, mail);
		if (known->text != SIZE_MAX)
			keep_text(arena, known, field->value, mail);
		return;
	}
}

static void read_top_header(struct arena *arena, struct mail *mail)
{
	struct view rest = mail_skip_from_line(mail->raw);
	struct field field;

	while (field_next(&rest, &field)) {
		if (field_is(&field, "Message-ID") && mail->message_id.len == 0)
			mail->message_id = message_id_read(arena, field.value);
		else if (field_is(&field, "References") && mail->references.len == 0)
			mail->references = message_id_read(arena, field.value);
		else if (field_is(&field, "In-Reply-To") && mail->in_reply_to.len == 0)
			mail->in_reply_to = message_id_read(arena, field.value);
		else if (field_is(&field, "Date") && !mail->has_date)
			read_date(arena, field.value, mail);
		else if (field_is(&field, "X-Spam-Flag"))
			mail->marked_spam = view_starts_nocase(view_trim(field.value), "yes");
		else
			read_known(arena, &field, mail);
	}
}

/* ---- leaves ---- */

bool type_is_text(struct view type)
{
	return view_starts(type, "text/") || view_starts(type, "multipart/") ||
	       view_eq(type, VIEW("message/delivery-status")) ||
	       view_eq(type, VIEW("message/disposition-notification")) ||
	       view_eq(type, VIEW("message/feedback-report")) ||
	       view_eq(type, VIEW("message/global-delivery-status"));
}

bool type_is_html(struct view type)
{
	return view_eq(type, VIEW("text/html")) || view_eq(type, VIEW("text/x-amp-html")) ||
	       view_eq(type, VIEW("application/xhtml+xml"));
}

static bool is_under(const struct parts *parts, const struct part *part, const char *type)
{
	return part->parent != NO_PART && view_eq(parts->v[part->parent].type, VIEW(type));
}

/* As a mail program shows it: what is named or not text hangs below the mail, but for the images
 * that its HTML shows in their place. A multipart without parts reads as text. */
static bool is_attachment(const struct parts *parts, const struct part *part)
{
	if (view_starts(part->type, "multipart/"))
		return false;
	if (part->disposition == DISPOSITION_ATTACHMENT)
		return true;
	if (type_is_text(part->type))
		return part->name.len > 0 && part->disposition != DISPOSITION_INLINE;
	return part->name.len > 0 || !part->has_id || !view_starts(part->type, "image/") ||
	       !is_under(parts, part, "multipart/related");
}

static struct leaf leaf_of(const struct parts *parts, const struct part *part)
{
	return (struct leaf){
		.start = part->body,
		.end = part->end,
		.encoding = view_starts(part->type, "multipart/") ? LEAF_PLAIN : part->encoding,
		.type = part->type,
		.charset = part->charset,
		.name = part->name,
		.attachment = is_attachment(parts, part),
	};
}

static struct view leaf_content(const struct mail *mail, const struct leaf *leaf)
{
	return (struct view){mail->raw.data + leaf->start, leaf->end - leaf->start};
}

void mail_leaf_decode(const struct mail *mail, const struct leaf *leaf, size_t max, struct str *out)
{
	content_decode(leaf_content(mail, leaf), leaf->encoding, max, out);
}

/* The charset that HTML declares by itself, near its start; empty if none. */
static struct view html_charset(struct view html)
{
	static const char key[] = "charset=";
	struct view head = {html.data, html.len < 2048 ? html.len : 2048};
	const char *at = memmem(head.data, head.len, key, sizeof(key) - 1);
	struct view name;

	if (at == NULL)
		return (struct view){"", 0};
	name.data = at + sizeof(key) - 1;
	name.len = 0;
	while (name.data < head.data + head.len && (*name.data == '"' || *name.data == '\''))
		name.data++;
	while (name.data + name.len < head.data + head.len &&
	       (g_ascii_isalnum(name.data[name.len]) ||
		strchr("-_:.", name.data[name.len]) != NULL) &&
	       name.data[name.len] != '\0')
		name.len++;
	return name;
}

void leaf_utf8(const struct mail *mail, const struct leaf *leaf, size_t max, struct str *out)
{
	CLEAN_STR decoded = STR_INIT;
	struct view bytes = leaf_content(mail, leaf), charset = leaf->charset;

	if (leaf->encoding != LEAF_PLAIN) {
		content_decode(bytes, leaf->encoding, max, &decoded);
		bytes = str_view(&decoded);
	}
	if (bytes.len > max)
		bytes.len = max;
	if (charset.len == 0 && type_is_html(leaf->type))
		charset = html_charset(bytes);
	text_add(out, bytes, charset);
}

void mail_leaf_text(const struct mail *mail, const struct leaf *leaf, size_t max, struct str *out)
{
	CLEAN_STR utf8 = STR_INIT;
	size_t look_at = max < SIZE_MAX / MARKUP_PER_TEXT ? MARKUP_PER_TEXT * max : max;

	leaf_utf8(mail, leaf, look_at, &utf8);
	if (type_is_html(leaf->type))
		mail_html_text(str_view(&utf8), max, out);
	else
		str_addv(out, text_cut(str_view(&utf8), max));
}

/* ---- text for the index ---- */

struct gathering {
	struct arena *arena;
	struct mail *mail;
	struct parts parts;
	size_t *alternative; /* by part: the multipart/alternative around it within its message */
	size_t *plain_bytes; /* by part: of the text/plain leaves in a multipart/alternative */
	size_t text_max;
	struct str text;
	struct str files;
};

static size_t room(const struct gathering *g)
{
	return g->text.len < g->text_max ? g->text_max - g->text.len : 0;
}

static void add_line(struct gathering *g, struct view text)
{
	str_addv(&g->text, text_cut(text, room(g)));
	if (text.len > 0 && room(g) > 0)
		str_addc(&g->text, '\n');
}

/* Returns how many bytes of text there are without white space around. */
static size_t add_leaf_text(struct gathering *g, const struct leaf *leaf)
{
	size_t first = g->text.len;
	struct view added;

	if (room(g) == 0)
		return 0;
	mail_leaf_text(g->mail, leaf, room(g), &g->text);
	added = view_trim((struct view){g->text.data + first, g->text.len - first});
	if (room(g) > 0 && g->text.len > first && g->text.data[g->text.len - 1] != '\n')
		str_addc(&g->text, '\n');
	return added.len;
}

/* The header fields of a nested message that people search by. */
static void add_nested_header(struct gathering *g, const struct part *part)
{
	struct view rest = {g->mail->raw.data + part->head, part->body - part->head};
	struct field field;

	while (room(g) > 0 && field_next(&rest, &field)) {
		if (field_is(&field, "Subject") || field_is(&field, "From") ||
		    field_is(&field, "To"))
			add_line(g, text_decoded(g->arena, text_cut(field.value, FIELD_TEXT_MAX)));
	}
}

static void find_alternative(struct gathering *g, size_t i)
{
	const struct part *part = &g->parts.v[i];

	g->alternative[i] = NO_PART;
	if (part->parent == NO_PART || g->parts.v[part->parent].kind == PART_MESSAGE)
		return;
	g->alternative[i] = is_under(&g->parts, part, "multipart/alternative")
				    ? part->parent
				    : g->alternative[part->parent];
}

static void add_file(struct gathering *g, const struct leaf *leaf)
{
	g->mail->attachments++;
	if (leaf->name.len == 0)
		return;
	str_addv(&g->files, leaf->name);
	str_addc(&g->files, '\n');
}

/* Everything but the HTML alternatives, which wait until it is known what their plain text says. */
static void take_leaf(struct gathering *g, size_t i)
{
	const struct part *part = &g->parts.v[i];
	struct leaf leaf = leaf_of(&g->parts, part);
	size_t bytes;

	ARENA_PUSH(g->arena, g->mail->leaves, leaf);
	if (leaf.attachment)
		add_file(g, &leaf);
	if (leaf.attachment || !type_is_text(leaf.type) ||
	    (type_is_html(leaf.type) && g->alternative[i] != NO_PART))
		return;
	bytes = add_leaf_text(g, &leaf);
	if (g->alternative[i] != NO_PART && view_eq(leaf.type, VIEW("text/plain")))
		g->plain_bytes[g->alternative[i]] += bytes;
}

static void take_html_alternative(struct gathering *g, size_t i)
{
	const struct part *part = &g->parts.v[i];
	struct leaf leaf;

	if (part->kind != PART_LEAF || g->alternative[i] == NO_PART || !type_is_html(part->type) ||
	    g->plain_bytes[g->alternative[i]] >= STUB_BYTES)
		return;
	leaf = leaf_of(&g->parts, part);
	if (!leaf.attachment)
		add_leaf_text(g, &leaf);
}

static void gather(struct gathering *g)
{
	g->alternative = arena_get(g->arena, g->parts.n * sizeof(*g->alternative));
	g->plain_bytes = arena_get(g->arena, g->parts.n * sizeof(*g->plain_bytes));
	for (size_t i = 0; i < g->parts.n; i++) {
		const struct part *part = &g->parts.v[i];

		find_alternative(g, i);
		if (part->parent != NO_PART && g->parts.v[part->parent].kind == PART_MESSAGE)
			add_nested_header(g, part);
		if (part->kind == PART_LEAF)
			take_leaf(g, i);
	}
	for (size_t i = 0; i < g->parts.n; i++)
		take_html_alternative(g, i);
}

void mail_parse(struct arena *arena, struct view raw, const struct mail_limits *limits,
		struct mail *mail_r)
{
	struct view none = {"", 0};
	struct gathering g = {.arena = arena,
			      .mail = mail_r,
			      .text_max = limits->text_bytes,
			      .text = STR_INIT,
			      .files = STR_INIT};

	mail_init();
	*mail_r = (struct mail){.raw = raw,
				.message_id = none,
				.references = none,
				.in_reply_to = none,
				.subject = none,
				.from_text = none,
				.to_text = none,
				.cc_text = none,
				.bcc_text = none,
				.text = none,
				.files = none};
	if (raw.len == 0)
		return;
	read_top_header(arena, mail_r);
	structure_find(arena, raw, limits, &g.parts);
	gather(&g);
	mail_r->text = arena_view(arena, str_view(&g.text));
	mail_r->files = arena_view(arena, str_view(&g.files));
	str_clear(&g.text);
	str_clear(&g.files);
}

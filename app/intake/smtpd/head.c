/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/head.h"

void head_init(struct head *h)
{
	str_init(&h->text);
	h->over = false;
}

void head_reset(struct head *h)
{
	str_reset(&h->text);
	h->over = false;
}

void head_clear(struct head *h)
{
	str_clear(&h->text);
}

/* Where the blank line begins, looked for from FROM on; the length of TEXT: it has none yet. */
static size_t find_blank(const struct str *text, size_t from)
{
	const char *end = text->data + text->len;

	if (from == 0 && (text->data[0] == '\n' || view_starts(str_view(text), "\r\n")))
		return 0;
	for (const char *p = text->data + from; p < end; p++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (p == NULL || p + 1 == end)
			break;
		if (p[1] == '\n' || (p + 2 < end && p[1] == '\r' && p[2] == '\n'))
			return (size_t)(p - text->data) + 1;
	}
	return text->len;
}

void head_add(struct head *h, struct view piece)
{
	size_t room = HEAD_MAX_BYTES - h->text.len;
	size_t from = h->text.len < 3 ? 0 : h->text.len - 3; /* a line end may be in two pieces */
	size_t blank;

	if (h->over || piece.len == 0)
		return;
	str_add(&h->text, piece.data, piece.len < room ? piece.len : room);
	blank = find_blank(&h->text, from);
	h->over = blank < h->text.len || h->text.len == HEAD_MAX_BYTES;
	h->text.len = blank;
}

/* --- fields ----------------------------------------------------------------------------------- */

static struct view cut_line(struct view *rest)
{
	const char *lf = memchr(rest->data, '\n', rest->len);
	struct view line = {rest->data, lf ? (size_t)(lf - rest->data) + 1 : rest->len};

	rest->data += line.len;
	rest->len -= line.len;
	return line;
}

bool head_field(struct view *rest, struct view *field_r)
{
	if (rest->len == 0)
		return false;
	*field_r = cut_line(rest);
	while (rest->len > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t'))
		field_r->len += cut_line(rest).len;
	return true;
}

static bool is_named(struct view field, const char *name)
{
	struct view found;

	return view_cut(&field, ':', &found) && field.data != NULL &&
	       view_eq_nocase(view_trim(found), VIEW(name));
}

static struct view unfold(struct arena *arena, struct view text)
{
	char *out = arena_get(arena, text.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] != '\r' && text.data[i] != '\n')
			out[n++] = text.data[i];
	return view_trim((struct view){out, n});
}

bool head_value(struct arena *arena, struct view field, const char *name, struct view *value_r)
{
	struct view found;

	if (!is_named(field, name))
		return false;
	view_cut(&field, ':', &found);
	*value_r = unfold(arena, field);
	return true;
}

/* The next word; blanks, tabs and semicolons are between them. */
static bool next_word(struct view *rest, struct view *word_r)
{
	size_t n = 0;

	while (rest->len > 0 && strchr(" \t;", rest->data[0]) != NULL) {
		rest->data++;
		rest->len--;
	}
	while (n < rest->len && strchr(" \t;", rest->data[n]) == NULL)
		n++;
	*word_r = (struct view){rest->data, n};
	rest->data += n;
	rest->len -= n;
	return n > 0;
}

/* "from x by HOSTNAME (Postfix) with ESMTP id 4XyZ", or "by HOSTNAME (Postfix, from userid 0) id 4XyZ". */
bool head_queue_id(struct arena *arena, struct view field, const char *hostname,
		   struct view *queue_id_r)
{
	bool by_us = false;
	struct view rest, word, before = VIEW("");

	if (!head_value(arena, field, "Received", &rest))
		return false;
	while (next_word(&rest, &word)) {
		if (view_eq_nocase(before, VIEW("by")) && view_eq_nocase(word, VIEW(hostname)))
			by_us = true;
		if (by_us && view_eq_nocase(before, VIEW("id"))) {
			*queue_id_r = word;
			return true;
		}
		before = word;
	}
	return false;
}

struct view head_trace(struct arena *arena, struct view head, const struct head_question *q)
{
	char *out = arena_get(arena, head.len + 1);
	size_t n = 0, leading_bytes = 0;
	struct view field, queue_id;
	bool leading = true;

	while (head_field(&head, &field)) {
		bool trace = is_named(field, "Received") || is_named(field, "Return-Path");

		leading = leading && trace;
		if (!trace)
			continue;
		memcpy(out + n, field.data, field.len);
		n += field.len;
		if (leading)
			leading_bytes = n;
		if (head_queue_id(arena, field, q->hostname, &queue_id) &&
		    q->is_captures(q->arg, queue_id))
			return (struct view){out, n};
	}
	return (struct view){out, leading_bytes};
}

static bool is_mark(struct view line, const char *mark)
{
	struct view want = VIEW(mark), want_name, name;

	view_cut(&want, ':', &want_name);
	view_cut(&line, ':', &name);
	return view_eq_nocase(view_trim(name), view_trim(want_name)) &&
	       view_eq_nocase(view_trim(line), view_trim(want));
}

void head_marks(struct arena *arena, struct view head, const struct conf_list *marks,
		struct views *out)
{
	struct view field;

	while (head_field(&head, &field)) {
		struct view line = unfold(arena, field);

		for (size_t i = 0; i < marks->n; i++)
			if (is_mark(line, marks->v[i])) {
				ARENA_PUSH(arena, *out, line);
				break;
			}
	}
}

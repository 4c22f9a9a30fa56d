/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/import/mbox.h"

#include <ctype.h>

#define FILL_BYTES ((size_t)1024 * 1024)
#define SAMPLE_BYTES ((uint64_t)8 * 1024 * 1024)
#define LARGE_MAIL_BYTES ((size_t)8 * 1024 * 1024)
#define LOOK_BYTES ((size_t)2048) /* a From_ line and the field behind it */

struct mbox {
	struct stream *stream;
	size_t max_mail_bytes;
	struct str buf;
	size_t pos;          /* where the current mail's From_ line starts in buf */
	uint64_t buf_offset; /* of buf's first byte in the unpacked file */
	bool ended;          /* the stream has no more, */
	struct err failure;  /* ... or this kept it from going on */
	bool unquote;
	bool thunderbird;
	bool is_export; /* mboxrd for certain, Content-Length fields are the mails' own */
};

/* One mail in the buffer. All offsets count from its From_ line. */
struct unit {
	size_t text; /* behind the From_ line */
	size_t body; /* behind the header's empty line, or where the search for it ended */
	size_t end;
	size_t next;  /* the next From_ line */
	bool counted; /* (M3) */
	bool too_big;
};

/* What the buffer holds from the current From_ line on. Any fill() moves it. */
static struct view rest_of(const struct mbox *m)
{
	return (struct view){m->buf.data + m->pos, m->buf.len - m->pos};
}

static struct view from(struct view v, size_t at)
{
	return (struct view){v.data + at, v.len - at};
}

static struct view first_line(struct view v)
{
	const char *nl = v.len > 0 ? memchr(v.data, '\n', v.len) : NULL;

	return nl ? (struct view){v.data, (size_t)(nl - v.data) + 1} : v;
}

static bool is_empty_line(struct view line)
{
	return view_eq(line, VIEW("\n")) || view_eq(line, VIEW("\r\n"));
}

static bool is_bare(struct view line)
{
	return view_eq(line, VIEW("From \n")) || view_eq(line, VIEW("From \r\n"));
}

/* Is there a From_ line at the start of V? Thunderbird's may be bare. */
static bool is_from_line(const struct mbox *m, struct view v)
{
	struct view line = first_line(v);
	int64_t time_s;

	if (mbox_is_from_line(line, &time_s))
		return true;
	return m->thunderbird && is_bare(line) && mbox_is_field(first_line(from(v, line.len)));
}

/* Moves at most as many bytes as were used up, so that all moves together cost one copy. */
static bool fill(struct mbox *m)
{
	size_t left = m->buf.len - m->pos;
	int rc;

	if (m->ended)
		return false;
	if (m->pos >= left) {
		memmove(m->buf.data, m->buf.data + m->pos, left);
		m->buf.len = left;
		m->buf_offset += m->pos;
		m->pos = 0;
	}
	rc = stream_more(m->stream, FILL_BYTES, &m->buf, &m->failure);
	m->ended = rc <= 0;
	return rc > 0;
}

/* Have LEN bytes from the From_ line on in the buffer, or all that there are. */
static struct view look(struct mbox *m, size_t len)
{
	while (rest_of(m).len < len && fill(m))
		;
	return rest_of(m);
}

static bool ended_well(const struct mbox *m)
{
	return m->ended && m->failure.kind == ERR_NONE;
}

/* Room for the largest mail, its From_ line, and what is_separator() looks at. */
static size_t limit(const struct mbox *m)
{
	return m->max_mail_bytes + 2 * LOOK_BYTES;
}

/* Find the From_ line's end and the header's. */
static void find_body(struct mbox *m, struct unit *u)
{
	size_t line = 0, seen = 0;

	u->text = 0;
	for (;;) {
		struct view v = rest_of(m);
		const char *nl = seen < v.len ? memchr(v.data + seen, '\n', v.len - seen) : NULL;

		seen = nl ? (size_t)(nl - v.data) + 1 : v.len;
		if (nl == NULL && seen <= limit(m) && fill(m))
			continue;
		u->body = seen;
		if (u->text == 0)
			u->text = seen;
		if (nl == NULL || is_empty_line((struct view){v.data + line, seen - line}))
			return;
		line = seen;
	}
}

/* Does a Content-Length that ends the mail at END lead to a From_ line or to the end of the file? */
static bool leads_right(struct mbox *m, size_t end, struct unit *u)
{
	struct view v = look(m, end + LOOK_BYTES);
	struct view line;

	if (v.len < end)
		return false;
	u->end = end;
	u->next = end;
	if (v.len == end)
		return ended_well(m);
	line = first_line(from(v, end));
	if (!is_empty_line(line))
		return false;
	u->next = end + line.len;
	if (u->next == v.len)
		return ended_well(m);
	return is_from_line(m, from(v, u->next));
}

/* The number in a Content-Length field, if it can be that of a mail within the limit. */
static bool content_length(const struct mbox *m, struct view line, size_t *length_r)
{
	static const char name[] = "Content-Length:";
	size_t n = 0;

	if (!view_starts_nocase(line, name))
		return false;
	line = view_trim(from(line, strlen(name)));
	for (size_t i = 0; i < line.len; i++) {
		if (!isdigit((unsigned char)line.data[i]))
			return false;
		n = 10 * n + (size_t)(line.data[i] - '0');
		if (n > m->max_mail_bytes)
			return false;
	}
	*length_r = n;
	return line.len > 0;
}

/* (M3). A sender's field may stand beside the mail store's, so each of them is tried. */
static bool find_counted_end(struct mbox *m, struct unit *u)
{
	size_t length;

	for (size_t at = u->text; at < u->body;) {
		struct view line = first_line(from(rest_of(m), at));

		at += line.len;
		if (content_length(m, line, &length) && leads_right(m, u->body + length, u))
			return true;
	}
	return false;
}

/* (M1) and (M2): is the line behind the line end at NL a From_ line that separates? */
static bool is_separator(struct mbox *m, size_t nl, struct unit *u)
{
	struct view v = look(m, nl + LOOK_BYTES);
	struct view line = first_line(from(v, nl + 1));
	const char *before = nl > 0 ? memrchr(v.data, '\n', nl) : NULL;
	size_t start = before ? (size_t)(before - v.data) + 1 : 0;
	struct view previous = {v.data + start, nl + 1 - start};

	if (!is_from_line(m, from(v, nl + 1)))
		return false;
	u->next = nl + 1;
	u->end = start > u->text ? start : u->text; /* a mail may be empty */
	if (is_empty_line(previous))
		return true;
	u->end = u->next;
	return mbox_is_field(first_line(from(v, u->next + line.len))) && !mbox_is_field(previous);
}

/* The end of the file ends the mail, and an empty line there is the one that ends a mail. */
static void end_of_file(struct mbox *m, struct unit *u)
{
	struct view v = rest_of(m);
	const char *before = v.len > 1 ? memrchr(v.data, '\n', v.len - 1) : NULL;
	size_t start = before ? (size_t)(before - v.data) + 1 : 0;

	u->next = v.len;
	u->end = v.len;
	if (start > u->text && is_empty_line(from(v, start)))
		u->end = start;
}

/* Search on from the body. A mail above the limit is dropped while it goes by, but for its last line
 * or so, which is_separator() looks back at. */
static void find_end(struct mbox *m, struct unit *u)
{
	static const char mark[] = "\nFrom ";
	const size_t mark_len = sizeof(mark) - 1;
	size_t at = u->body - 1;

	for (;;) {
		struct view v = rest_of(m);
		const char *hit = memmem(v.data + at, v.len - at, mark, mark_len);

		if (hit != NULL) {
			at = (size_t)(hit - v.data);
			if (is_separator(m, at, u))
				return;
			at++;
			continue;
		}
		if (v.len > at + mark_len)
			at = v.len - mark_len;
		if (at > limit(m)) {
			u->too_big = true;
			m->pos += at - LOOK_BYTES;
			at = LOOK_BYTES;
		}
		if (!fill(m)) {
			end_of_file(m, u);
			return;
		}
	}
}

/* Find the mail at m->pos: 1, 0 at the end, -1 when the stream broke off in it. */
static int find_unit(struct mbox *m, struct unit *u, struct err *err)
{
	*u = (struct unit){0};
	if (look(m, 1).len > 0) {
		find_body(m, u);
		u->counted = !m->is_export && find_counted_end(m, u);
		if (!u->counted)
			find_end(m, u);
		u->too_big = u->too_big || u->end - u->text > m->max_mail_bytes;
		if (u->next < rest_of(m).len || ended_well(m))
			return 1;
	}
	m->pos = m->buf.len;
	if (m->failure.kind == ERR_NONE)
		return 0;
	*err = m->failure;
	err_clear(&m->failure);
	return -1;
}

static bool has_line(struct view text, const char *start_with_line_end)
{
	return memmem(text.data, text.len, start_with_line_end, strlen(start_with_line_end)) !=
	       NULL;
}

static bool is_mboxrd(struct mbox *m)
{
	bool quoted = false;
	struct unit u;
	struct err err;

	while (m->buf_offset + m->pos < SAMPLE_BYTES && find_unit(m, &u, &err) > 0) {
		struct view v = rest_of(m);

		if (!u.counted && !u.too_big) {
			struct view text = {v.data + u.text, u.end - u.text};

			if (has_line(text, "\nFrom "))
				return false;
			quoted = quoted || has_line(text, "\n>>From ");
		}
		m->pos += u.next;
	}
	return quoted;
}

static bool is_thunderbird(struct view file)
{
	return view_starts(file, "From - ") || is_bare(first_line(file));
}

/* The sender by which Sealpost, like public-inbox, tells that a file is mboxrd. */
static bool is_export(struct view file)
{
	return view_starts(file, "From mboxrd@");
}

static void restart(struct mbox *m)
{
	str_reset(&m->buf);
	m->pos = 0;
	m->buf_offset = 0;
	m->ended = false;
	err_clear(&m->failure);
}

bool mbox_begins(struct view file)
{
	struct view line = first_line(file);
	int64_t time_s;

	return mbox_is_from_line(line, &time_s) ||
	       (view_starts(line, "From ") && mbox_is_field(first_line(from(file, line.len))));
}

int mbox_open(struct stream *stream, size_t max_mail_bytes, struct mbox **mbox_r, struct err *err)
{
	CLEAN(mbox) m = mem_new(sizeof(*m));

	must(max_mail_bytes < SIZE_MAX / 16);
	m->stream = stream;
	m->max_mail_bytes = max_mail_bytes;
	str_init(&m->buf);
	if (stream_rewind(stream, err) < 0)
		return -1;
	m->thunderbird = is_thunderbird(look(m, LOOK_BYTES));
	m->is_export = is_export(look(m, LOOK_BYTES));
	m->unquote = m->is_export || is_mboxrd(m);
	restart(m);
	if (stream_rewind(stream, err) < 0)
		return -1;
	*mbox_r = TAKE(m);
	return 0;
}

void mbox_free(struct mbox **mbox)
{
	if (*mbox == NULL)
		return;
	str_clear(&(*mbox)->buf);
	free(*mbox);
	*mbox = NULL;
}

/* Take one ">" out of each line "^>+From ". */
static void unquote(struct str *raw)
{
	static const char mark[] = ">From ";
	const char *start = raw->data, *end = raw->data + raw->len;
	const char *done = start, *hit = start;
	char *to = raw->data;

	while ((hit = memmem(hit, (size_t)(end - hit), mark, sizeof(mark) - 1)) != NULL) {
		const char *line = hit;

		while (line > start && line[-1] == '>')
			line--;
		if (line == start || line[-1] == '\n') {
			memmove(to, done, (size_t)(hit - done));
			to += hit - done;
			done = hit + 1;
		}
		hit++;
	}
	memmove(to, done, (size_t)(end - done) + 1);
	raw->len = (size_t)(to - raw->data) + (size_t)(end - done);
}

/* A large mail takes the buffer with it, since it would not be in memory twice. */
static void hand_over(struct mbox *m, const struct unit *u, struct str *raw)
{
	struct view all = rest_of(m);
	struct str rest = STR_INIT;
	size_t len = u->end - u->text;

	str_addv(&rest, from(all, u->next));
	memmove(m->buf.data, all.data + u->text, len);
	m->buf.data[len] = '\0';
	m->buf.len = len;
	str_clear(raw);
	*raw = m->buf;
	m->buf = rest;
	m->buf_offset += m->pos + u->next;
	m->pos = 0;
}

int mbox_next(struct mbox *mbox, struct str *raw, int64_t *time_s_r, struct err *err)
{
	struct view all;
	struct unit u;
	int rc;

	str_reset(raw);
	*time_s_r = 0;
	rc = find_unit(mbox, &u, err);
	if (rc <= 0)
		return rc;
	all = rest_of(mbox);
	if (u.too_big) {
		mbox->pos += u.next;
		return err_set(err, ERR_TOOBIG, "larger than %zu bytes", mbox->max_mail_bytes);
	}
	mbox_is_from_line((struct view){all.data, u.text}, time_s_r);
	if (u.end - u.text >= LARGE_MAIL_BYTES) {
		hand_over(mbox, &u, raw);
	} else {
		str_add(raw, all.data + u.text, u.end - u.text);
		mbox->pos += u.next;
	}
	if (mbox->unquote && !u.counted)
		unquote(raw);
	return 1;
}

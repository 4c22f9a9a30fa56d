/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/mail_priv.h"

#include <strings.h>

/* The length of the first line of V; *END_R is where the next one starts. A lone CR ends a line
 * only where no LF is near, in mails that some gateways of old wrote; otherwise it belongs to the
 * line. */
static size_t line_length(struct view v, size_t *end_r)
{
	enum { NEAR = 4096 };

	for (size_t at = 0; at < v.len; at += NEAR) {
		size_t n = v.len - at < NEAR ? v.len - at : NEAR;
		const char *lf = memchr(v.data + at, '\n', n), *cr;

		if (lf != NULL) {
			size_t len = (size_t)(lf - v.data);

			*end_r = len + 1;
			return len > 0 && lf[-1] == '\r' ? len - 1 : len;
		}
		cr = memchr(v.data + at, '\r', n);
		if (cr != NULL && cr + 1 < v.data + v.len && cr[1] != '\n') {
			*end_r = (size_t)(cr - v.data) + 1;
			return *end_r - 1;
		}
	}
	*end_r = v.len;
	return v.len > 0 && v.data[v.len - 1] == '\r' ? v.len - 1 : v.len;
}

static void skip(struct view *v, size_t n)
{
	v->data += n;
	v->len -= n;
}

bool line_next(struct view *rest, struct view *line_r)
{
	size_t end;

	if (rest->len == 0)
		return false;
	*line_r = (struct view){rest->data, line_length(*rest, &end)};
	skip(rest, end);
	return true;
}

/* The length of the field name at the start of LINE, 0 when it is no field (RFC 5322, section 2.2;
 * blanks before the colon are obsolete syntax, section 4.5). */
static size_t name_length(struct view line)
{
	size_t n = 0, colon;

	while (n < line.len && line.data[n] > ' ' && line.data[n] < 127 && line.data[n] != ':')
		n++;
	colon = n;
	while (colon < line.len && (line.data[colon] == ' ' || line.data[colon] == '\t'))
		colon++;
	return colon < line.len && line.data[colon] == ':' ? n : 0;
}

static bool is_continuation(struct view rest)
{
	return rest.len > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t');
}

/* Cut the next field's first line off *REST. A few broken lines may stand before it, such as a
 * folded value whose rest is not indented: better to lose them than the Content-Type behind them.
 * */
static bool find_field(struct view *rest, struct view *line_r)
{
	enum { BROKEN_MAX = 4 };

	for (int broken = 0; broken <= BROKEN_MAX; broken++) {
		if (!line_next(rest, line_r) || line_r->len == 0 || view_starts(*line_r, "--"))
			return false;
		if (name_length(*line_r) > 0)
			return true;
	}
	return false;
}

bool field_next(struct view *rest, struct field *field_r)
{
	struct view after = *rest, line = {"", 0}, more;
	const char *colon;

	if (!find_field(&after, &line))
		return false;
	field_r->name = (struct view){line.data, name_length(line)};
	while (is_continuation(after) && line_next(&after, &more))
		line.len = (size_t)(more.data + more.len - line.data);
	colon = memchr(line.data, ':', line.len);
	skip(&line, (size_t)(colon - line.data) + 1);
	field_r->value = line;
	*rest = after;
	return true;
}

bool field_is(const struct field *field, const char *name)
{
	size_t len = strlen(name);

	return field->name.len == len && strncasecmp(field->name.data, name, len) == 0;
}

struct view mail_skip_from_line(struct view raw)
{
	struct view line;

	if (view_starts(raw, "From ") || view_starts(raw, ">From "))
		line_next(&raw, &line);
	return raw;
}

struct view mail_header_block(struct view raw)
{
	struct view rest = mail_skip_from_line(raw);
	struct field field;

	while (field_next(&rest, &field))
		;
	return (struct view){raw.data, (size_t)(rest.data - raw.data)};
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool next_word(struct view *rest, struct view *word_r)
{
	size_t n = 0;

	while (rest->len > 0 && is_white(rest->data[0]))
		skip(rest, 1);
	while (n < rest->len && !is_white(rest->data[n]))
		n++;
	*word_r = (struct view){rest->data, n};
	skip(rest, n);
	return n > 0;
}

static bool same_words(struct view a, struct view b)
{
	struct view x, y;
	bool more;

	do {
		more = next_word(&a, &x);
		if (next_word(&b, &y) != more || !view_eq(x, y))
			return false;
	} while (more);
	return true;
}

size_t mail_header_count(struct view raw, struct view name, struct view value)
{
	struct view rest = mail_skip_from_line(raw);
	struct field field;
	size_t n = 0;

	while (field_next(&rest, &field))
		n += view_eq_nocase(field.name, name) && same_words(field.value, value);
	return n;
}

/* ---- blind copies ---- */

static bool is_bcc(const struct field *field)
{
	return field_is(field, "Bcc") || field_is(field, "Resent-Bcc");
}

bool mail_has_bcc(struct view raw)
{
	struct view rest = mail_skip_from_line(raw);
	struct field field;

	while (field_next(&rest, &field))
		if (is_bcc(&field))
			return true;
	return false;
}

void mail_without_bcc(struct view raw, struct str *out)
{
	struct view rest = mail_skip_from_line(raw);
	const char *kept = raw.data; /* what is not in OUT yet begins here */
	struct field field;

	while (field_next(&rest, &field)) {
		if (!is_bcc(&field))
			continue;
		str_add(out, kept, (size_t)(field.name.data - kept));
		kept = rest.data;
	}
	str_add(out, kept, (size_t)(raw.data + raw.len - kept));
}

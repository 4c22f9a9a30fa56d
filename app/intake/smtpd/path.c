/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/path.h"

/* --- letters ---------------------------------------------------------------------------------- */

static bool is_high(char c)
{
	return (unsigned char)c >= 0x80;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* atext (RFC 5322, section 3.2.3) and the dot. */
static bool is_dot_atom(char c)
{
	return is_alnum(c) || is_high(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

static bool is_domain(char c)
{
	return is_alnum(c) || is_high(c) || c == '-' || c == '.' || c == '_';
}

static bool is_literal(char c)
{
	return c > ' ' && c < 0x7f && c != '[' && c != ']' && c != '\\';
}

static bool is_printable(char c)
{
	return (c >= ' ' && c < 0x7f) || is_high(c);
}

static void skip(struct view *v, size_t n)
{
	v->data += n;
	v->len -= n;
}

static bool skip_char(struct view *v, char c)
{
	if (v->len == 0 || v->data[0] != c)
		return false;
	skip(v, 1);
	return true;
}

static struct view take(struct view *rest, size_t n)
{
	struct view taken = {rest->data, n};

	skip(rest, n);
	return taken;
}

static struct view take_while(struct view *rest, bool (*is)(char))
{
	size_t n = 0;

	while (n < rest->len && is(rest->data[n]))
		n++;
	return take(rest, n);
}

static bool has_high(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (is_high(v.data[i]))
			return true;
	return false;
}

static bool is_utf8(struct view v)
{
	CLEAN_STR safe = STR_INIT;

	str_addsafe(&safe, v, false);
	return view_eq(str_view(&safe), v);
}

/* --- paths ------------------------------------------------------------------------------------ */

/* "quoted \"string\"", with its quotes. */
static int read_quoted(struct view *rest, struct view *local_r)
{
	const char *start = rest->data;
	size_t i = 1;

	for (; i < rest->len && rest->data[i] != '"'; i++) {
		if (rest->data[i] == '\\' && i + 1 < rest->len)
			i++;
		if (!is_printable(rest->data[i]))
			return -1;
	}
	if (i >= rest->len)
		return -1;
	*local_r = (struct view){start, i + 1};
	skip(rest, i + 1);
	return 0;
}

static int read_local(struct view *rest, struct view *local_r)
{
	if (rest->len > 0 && rest->data[0] == '"')
		return read_quoted(rest, local_r);
	*local_r = take_while(rest, is_dot_atom);
	return local_r->len > 0 ? 0 : -1;
}

static int read_domain(struct view *rest, struct view *domain_r)
{
	const char *start = rest->data;

	if (skip_char(rest, '[')) {
		take_while(rest, is_literal);
		if (!skip_char(rest, ']'))
			return -1;
		*domain_r = (struct view){start, (size_t)(rest->data - start)};
		return 0;
	}
	*domain_r = take_while(rest, is_domain);
	return domain_r->len > 0 ? 0 : -1;
}

/* "@one.example,@two.example:", which is of no use any more (RFC 5321, appendix C). */
static int skip_route(struct view *rest)
{
	struct view domain;

	if (rest->len == 0 || rest->data[0] != '@')
		return 0;
	do {
		if (!skip_char(rest, '@') || read_domain(rest, &domain) < 0)
			return -1;
	} while (skip_char(rest, ','));
	return skip_char(rest, ':') ? 0 : -1;
}

static int read_mailbox(struct view *rest, struct path *path)
{
	const char *start = rest->data;

	if (read_local(rest, &path->local) < 0)
		return -1;
	if (skip_char(rest, '@') && read_domain(rest, &path->domain) < 0)
		return -1;
	path->text = (struct view){start, (size_t)(rest->data - start)};
	return 0;
}

int path_read(struct view *rest, bool utf8, struct path *path_r, struct err *err)
{
	struct path path = {.text = VIEW(""), .local = VIEW(""), .domain = VIEW("")};

	if (!skip_char(rest, '<'))
		return err_set(err, ERR_SYNTAX, "the address does not stand in < and >");
	if (!skip_char(rest, '>')) {
		if (skip_route(rest) < 0 || read_mailbox(rest, &path) < 0 || !skip_char(rest, '>'))
			return err_set(err, ERR_SYNTAX, "the address is malformed");
		if (path.text.len > PATH_MAX_BYTES)
			return err_set(err, ERR_SYNTAX, "the address is too long");
	}
	if (rest->len > 0 && rest->data[0] != ' ')
		return err_set(err, ERR_SYNTAX, "something follows the address without a blank");
	if (has_high(path.text)) {
		if (!is_utf8(path.text))
			return err_set(err, ERR_SYNTAX, "the address is not in UTF-8");
		if (!utf8)
			return err_set(err, ERR_UNSUPPORTED, "the address needs SMTPUTF8");
	}
	*path_r = path;
	return 0;
}

/* Where the address ends: at the first > that ends a word. */
static const char *find_end(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '>' && (i + 1 == text.len || text.data[i + 1] == ' '))
			return text.data + i;
	return NULL;
}

int path_read_any(struct view *rest, struct path *path_r)
{
	struct view in = *rest;
	const char *end = find_end(in), *at;
	struct path path;

	if (end == NULL || !skip_char(&in, '<'))
		return -1;
	path.text = take(&in, (size_t)(end - in.data));
	skip(&in, 1);
	at = memrchr(path.text.data, '@', path.text.len);
	path.domain = at ? (struct view){at + 1, (size_t)(end - at) - 1} : VIEW("");
	path.local = path.text;
	if (at != NULL)
		path.local.len = (size_t)(at - path.text.data);
	*path_r = path;
	*rest = in;
	return 0;
}

struct view path_unquote(struct arena *arena, struct view local)
{
	char *out;
	size_t n = 0;

	if (local.len < 2 || local.data[0] != '"')
		return local;
	out = arena_get(arena, local.len);
	for (size_t i = 1; i + 1 < local.len; i++) {
		if (local.data[i] == '\\')
			i++;
		out[n++] = local.data[i];
	}
	return (struct view){out, n};
}

/* --- parameters ------------------------------------------------------------------------------- */

static bool is_keyword(char c)
{
	return is_alnum(c) || c == '-';
}

static bool is_value(char c)
{
	return is_printable(c) && c != ' ' && c != '=';
}

int path_param(struct view *rest, struct view *name_r, struct view *value_r)
{
	while (skip_char(rest, ' '))
		;
	if (rest->len == 0)
		return 0;
	*name_r = take_while(rest, is_keyword);
	*value_r = VIEW("");
	if (name_r->len == 0)
		return -1;
	if (skip_char(rest, '=')) {
		*value_r = take_while(rest, is_value);
		if (value_r->len == 0)
			return -1;
	}
	return rest->len == 0 || rest->data[0] == ' ' ? 1 : -1;
}

int path_number(struct view text, uint64_t *n_r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < '0' || text.data[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(text.data[i] - '0'), &n))
			return -1;
	*n_r = n;
	return text.len > 0 ? 0 : -1;
}

int path_xtext(struct arena *arena, struct view text, struct view *out_r)
{
	char *out = arena_get(arena, text.len + 1);
	size_t n = 0;

	while (text.len > 0) {
		size_t used = text.data[0] == '+' ? 3 : 1;

		if (used == 1)
			out[n] = text.data[0];
		else if (text.len < used ||
			 str_unhex((struct view){text.data + 1, 2}, out + n, 1) < 0)
			return -1;
		n++;
		skip(&text, used);
	}
	*out_r = (struct view){out, n};
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/response.h"

#include "base/clock.h"

#include <ctype.h>

enum {
	LINE_MAX_BYTES = 64 * 1024,
	ROOM = 1 << 20,     /* for one response, content apart */
	LITERAL_MAX = ROOM, /* within that room */
	DEPTH_MAX = 8,
	PIECE = 64 * 1024 /* of content */
};

static const char *const statuses[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};
static const char *const data[] = {"CAPABILITY", "LIST",  "STATUS",   "FETCH",
				   "EXISTS",     "FLAGS", "NAMESPACE"};

int imap_wrong(struct err *err, const char *what)
{
	return err_set(err, ERR_SYNTAX, "the server breaks the protocol: %s", what);
}

/* --- lines and literals ----------------------------------------------------------------------- */

static int take_room(struct imap_reader *r, size_t bytes, struct err *err)
{
	if (bytes > r->room)
		return imap_wrong(err, "a response that never ends");
	r->room -= bytes;
	return 0;
}

/* As conn_line(), without the line end. */
static int next_line(struct imap_reader *r, struct err *err)
{
	int rc = conn_line(r->conn, LINE_MAX_BYTES, &r->line, err);

	if (rc < 0 && err->kind == ERR_TOOBIG)
		return imap_wrong(err, "a line of more than 64 KiB");
	if (rc <= 0)
		return rc;
	if (take_room(r, r->line.len, err) < 0)
		return -1;
	r->line.len--;
	if (r->line.len > 0 && r->line.data[r->line.len - 1] == '\r')
		r->line.len--;
	if (r->line.len > 0 && memchr(r->line.data, '\0', r->line.len) != NULL)
		return imap_wrong(err, "a NUL in a line");
	return 1;
}

static int more_line(struct imap_reader *r, struct err *err)
{
	int rc = next_line(r, err);

	if (rc == 0)
		return err_set(err, ERR_OFFLINE,
			       "the server closed the connection in the midst of a "
			       "response");
	return rc < 0 ? -1 : 0;
}

/* "{17}" or "{17+}" at the end of the line. */
static int read_size(struct view text, uint64_t *size_r)
{
	if (text.len < 3 || text.data[0] != '{' || text.data[text.len - 1] != '}')
		return -1;
	text = (struct view){text.data + 1, text.len - 2};
	if (text.data[text.len - 1] == '+')
		text.len--;
	return imap_number(text, INT64_MAX, size_r);
}

typedef int (*put_fn)(void *arg, const void *data, size_t len, struct err *err);

/* Hand on SIZE bytes, just as they come. */
static int copy_bytes(struct imap_reader *r, uint64_t size, put_fn put, void *arg, struct err *err)
{
	while (size > 0) {
		struct view got = conn_buffered(r->conn);
		int rc = got.len > 0 ? 1 : conn_more(r->conn, PIECE, err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			return err_set(err, ERR_OFFLINE,
				       "the server closed the connection in the midst of a mail");
		got = conn_buffered(r->conn);
		if (got.len > size)
			got.len = size;
		if (put(arg, got.data, got.len, err) < 0)
			return -1;
		conn_consume(r->conn, got.len);
		size -= got.len;
	}
	return 0;
}

static int put_str(void *arg, const void *bytes, size_t len, struct err *err)
{
	(void)err;
	str_add(arg, bytes, len);
	return 0;
}

static int put_nowhere(void *arg, const void *bytes, size_t len, struct err *err)
{
	(void)arg, (void)bytes, (void)len, (void)err;
	return 0;
}

static int read_literal(struct imap_reader *r, uint64_t size, struct imap_value *value_r,
			struct err *err)
{
	CLEAN_STR text = STR_INIT;

	if (size > LITERAL_MAX)
		return imap_wrong(err, "a literal where none of this size belongs");
	if (take_room(r, size, err) < 0 || copy_bytes(r, size, put_str, &text, err) < 0)
		return -1;
	*value_r = (struct imap_value){.kind = IMAP_STRING,
				       .text = arena_view(r->arena, str_view(&text))};
	return more_line(r, err);
}

static int stream_literal(struct imap_reader *r, uint64_t size, struct imap_value *value_r,
			  struct err *err)
{
	const struct imap_sink *sink = r->sink;

	if (sink == NULL)
		return imap_wrong(err, "a mail that was not asked for");
	if (sink->begin(sink->arg, size, err) < 0 ||
	    copy_bytes(r, size, sink->write, sink->arg, err) < 0)
		return -1;
	*value_r = (struct imap_value){.kind = IMAP_STREAMED};
	return more_line(r, err);
}

/* --- values ----------------------------------------------------------------------------------- */

static void skip(struct view *v, size_t n)
{
	v->data += n;
	v->len -= n;
}

static void skip_spaces(struct view *v)
{
	while (v->len > 0 && v->data[0] == ' ')
		skip(v, 1);
}

static int read_quoted(struct imap_reader *r, struct imap_value *value_r, struct err *err)
{
	CLEAN_STR text = STR_INIT;
	struct view *line = &r->line;

	for (skip(line, 1); line->len > 0 && line->data[0] != '"'; skip(line, 1)) {
		if (line->data[0] == '\\')
			skip(line, 1);
		if (line->len == 0)
			break;
		str_addc(&text, line->data[0]);
	}
	if (line->len == 0)
		return imap_wrong(err, "a quoted string without its end");
	skip(line, 1);
	*value_r = (struct imap_value){.kind = IMAP_STRING,
				       .text = arena_view(r->arena, str_view(&text))};
	return 0;
}

/* Brackets hold an atom together: BODY[HEADER.FIELDS (FROM)]. */
static size_t atom_len(struct view v)
{
	bool inside = false;
	size_t i = 0;

	for (; i < v.len && (inside || strchr(" ()\"{", v.data[i]) == NULL); i++) {
		if (v.data[i] == '[' || v.data[i] == ']')
			inside = v.data[i] == '[';
	}
	return i;
}

static int read_atom(struct imap_reader *r, struct imap_value *value_r, struct err *err)
{
	struct view atom = {r->line.data, atom_len(r->line)};

	if (atom.len == 0)
		return imap_wrong(err, "a value that is none");
	skip(&r->line, atom.len);
	*value_r = (struct imap_value){.kind = IMAP_ATOM, .text = arena_view(r->arena, atom)};
	if (view_eq_nocase(atom, VIEW("NIL")))
		value_r->kind = IMAP_NIL;
	return 0;
}

/* Content that is short may come as a quoted string; it goes the same way. */
static int stream_string(struct imap_reader *r, struct imap_value *value, struct err *err)
{
	const struct imap_sink *sink = r->sink;

	if (value->kind != IMAP_STRING)
		return 0;
	if (sink == NULL)
		return imap_wrong(err, "a mail that was not asked for");
	value->kind = IMAP_STREAMED;
	if (sink->begin(sink->arg, value->text.len, err) < 0)
		return -1;
	return value->text.len == 0
		       ? 0
		       : sink->write(sink->arg, value->text.data, value->text.len, err);
}

struct values {
	struct imap_value *v;
	size_t n, cap;
};

static int read_values(struct imap_reader *r, unsigned depth, bool content, struct values *values,
		       struct err *err);

static int read_list(struct imap_reader *r, unsigned depth, bool content,
		     struct imap_value *value_r, struct err *err)
{
	struct values items = {0};

	if (depth == DEPTH_MAX)
		return imap_wrong(err, "lists in lists in lists");
	skip(&r->line, 1);
	if (read_values(r, depth + 1, content, &items, err) < 0)
		return -1;
	if (r->line.len == 0)
		return imap_wrong(err, "a list without its end");
	skip(&r->line, 1);
	*value_r = (struct imap_value){.kind = IMAP_LIST, .items = items.v, .n = items.n};
	return 0;
}

/* One that is no list. */
static int read_value(struct imap_reader *r, bool content, struct imap_value *value_r,
		      struct err *err)
{
	struct view at = r->line;
	uint64_t size;

	if (at.data[0] == '"')
		return read_quoted(r, value_r, err) < 0 ? -1
		       : content                        ? stream_string(r, value_r, err)
							: 0;
	if (at.data[0] == '~')
		skip(&at, 1); /* literal8, RFC 3516 */
	if (at.len == 0 || at.data[0] != '{')
		return read_atom(r, value_r, err);
	if (read_size(at, &size) < 0)
		return imap_wrong(err, "a literal without its size");
	return content ? stream_literal(r, size, value_r, err)
		       : read_literal(r, size, value_r, err);
}

static bool is_content(const struct imap_value *name)
{
	return name->kind == IMAP_ATOM && (view_eq_nocase(name->text, VIEW("BODY[]")) ||
					   view_eq_nocase(name->text, VIEW("BODY[]<0>")));
}

/* Up to the line's end, or the ")" of the list. CONTENT: this is a FETCH, whose list may have some. */
static int read_values(struct imap_reader *r, unsigned depth, bool content, struct values *values,
		       struct err *err)
{
	for (skip_spaces(&r->line); r->line.len > 0 && r->line.data[0] != ')';
	     skip_spaces(&r->line)) {
		struct imap_value value = {0};
		bool here = content && depth == 1 && values->n % 2 == 1 &&
			    is_content(&values->v[values->n - 1]);
		int rc = r->line.data[0] == '('
				 ? read_list(r, depth, content && depth == 0, &value, err)
				 : read_value(r, here, &value, err);

		if (rc < 0 || take_room(r, sizeof(value), err) < 0)
			return -1;
		ARENA_PUSH(r->arena, *values, value);
	}
	return 0;
}

/* --- responses -------------------------------------------------------------------------------- */

static bool cut_word(struct view *rest, struct view *word_r)
{
	skip_spaces(rest);
	*word_r = (struct view){rest->data, 0};
	while (rest->len > 0 && rest->data[0] != ' ') {
		skip(rest, 1);
		word_r->len++;
	}
	skip_spaces(rest);
	return word_r->len > 0;
}

static bool is_one_of(struct view name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (view_eq_nocase(name, VIEW(names[i])))
			return true;
	}
	return false;
}

/* "[UIDVALIDITY 17] text", RFC 3501, section 7.1. */
static void read_status(struct view rest, struct imap_response *response)
{
	const char *end = rest.len > 0 && rest.data[0] == '[' ? memchr(rest.data, ']', rest.len)
							      : NULL;

	response->what = IMAP_STATUS;
	if (end != NULL) {
		struct view code = {rest.data + 1, (size_t)(end - rest.data) - 1};

		cut_word(&code, &response->code);
		response->code_text = code;
		skip(&rest, (size_t)(end - rest.data) + 1);
	}
	skip_spaces(&rest);
	response->text = rest;
}

static int read_data(struct imap_reader *r, struct imap_response *response, struct err *err)
{
	struct values values = {0};

	response->what = IMAP_DATA;
	response->name = arena_view(r->arena, response->name);
	if (read_values(r, 0, imap_is(response, "FETCH"), &values, err) < 0)
		return -1;
	if (r->line.len > 0)
		return imap_wrong(err, "a list that ends twice");
	response->values = values.v;
	response->n = values.n;
	return 0;
}

/* A response that this client has no use for, with all its literals. */
static int pass_over(struct imap_reader *r, struct imap_response *response, struct err *err)
{
	response->what = IMAP_OTHER;
	response->name = arena_view(r->arena, response->name);
	for (;;) {
		uint64_t size;
		size_t at = r->line.len;

		while (at > 0 && r->line.data[at - 1] != '{')
			at--;
		if (at == 0 || read_size((struct view){r->line.data + at - 1, r->line.len - at + 1},
					 &size) < 0)
			return 0;
		if (size > LITERAL_MAX)
			return imap_wrong(err, "a literal where none of this size belongs");
		if (take_room(r, size, err) < 0 ||
		    copy_bytes(r, size, put_nowhere, NULL, err) < 0 || more_line(r, err) < 0)
			return -1;
	}
}

/* Behind the tag or the star. */
static int read_rest(struct imap_reader *r, struct imap_response *response, struct err *err)
{
	if (!cut_word(&r->line, &response->name))
		return imap_wrong(err, "a response without a name");
	if (isdigit((unsigned char)response->name.data[0]) && response->tag.len == 0) {
		if (imap_number(response->name, UINT32_MAX, &response->number) < 0 ||
		    !cut_word(&r->line, &response->name))
			return imap_wrong(err, "a number that is none");
	}
	if (is_one_of(response->name, statuses, sizeof(statuses) / sizeof(*statuses))) {
		read_status(r->line, response);
		return 0;
	}
	if (response->tag.len > 0)
		return imap_wrong(err, "a tag without a status");
	if (is_one_of(response->name, data, sizeof(data) / sizeof(*data)))
		return read_data(r, response, err);
	return pass_over(r, response, err);
}

int imap_read(struct imap_reader *r, struct imap_response *response_r, struct err *err)
{
	int rc;

	arena_reset(r->arena);
	memset(response_r, 0, sizeof(*response_r));
	r->room = ROOM;
	rc = next_line(r, err);
	if (rc <= 0)
		return rc;
	if (r->line.len > 0 && r->line.data[0] == '+') {
		skip(&r->line, 1);
		skip_spaces(&r->line);
		response_r->text = r->line;
		return 1;
	}
	if (!cut_word(&r->line, &response_r->tag))
		return imap_wrong(err, "an empty line");
	if (view_eq(response_r->tag, VIEW("*")))
		response_r->tag.len = 0;
	return read_rest(r, response_r, err) < 0 ? -1 : 1;
}

/* --- looking into them ------------------------------------------------------------------------ */

bool imap_is(const struct imap_response *response, const char *name)
{
	return view_eq_nocase(response->name, VIEW(name));
}

const struct imap_value *imap_item(const struct imap_value *list, const char *key)
{
	for (size_t i = 0; i + 1 < list->n; i += 2) {
		if (list->items[i].kind == IMAP_ATOM &&
		    view_eq_nocase(list->items[i].text, VIEW(key)))
			return &list->items[i + 1];
	}
	return NULL;
}

int imap_number(struct view text, uint64_t max, uint64_t *n_r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned char)text.data[i] - '0';

		if (digit > 9 || n > (max - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	*n_r = n;
	return text.len > 0 ? 0 : -1;
}

/* Two digits, or a space and one. */
static int two_digits(const char *p)
{
	int tens = p[0] == ' ' ? '0' : p[0];

	if (!isdigit(tens) || !isdigit((unsigned char)p[1]))
		return -1;
	return (tens - '0') * 10 + (p[1] - '0');
}

static int month_of(const char *p)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++) {
		if (memcmp(months + (ptrdiff_t)i * 3, p, 3) == 0)
			return i + 1;
	}
	return -1;
}

int imap_date(struct view text, int64_t *time_s_r)
{
	static const char form[] = "dd-mmm-dddd dd:dd:dd sdddd";
	const char *p = text.data;
	int month, zone_s;

	if (text.len != strlen(form))
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		bool blank = i == 0 && p[i] == ' ';

		if (form[i] == 'd' ? !isdigit((unsigned char)p[i]) && !blank
				   : form[i] != 'm' && form[i] != 's' && form[i] != p[i])
			return -1;
	}
	month = month_of(p + 3);
	if (month < 0 || (p[21] != '+' && p[21] != '-'))
		return -1;
	zone_s = two_digits(p + 22) * 3600 + two_digits(p + 24) * 60;
	*time_s_r = clock_of_utc(two_digits(p + 7) * 100 + two_digits(p + 9), month, two_digits(p),
				 two_digits(p + 12), two_digits(p + 15), two_digits(p + 18)) -
		    (p[21] == '-' ? -zone_s : zone_s);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/uri.h"

#include <ctype.h>

bool utf8_is_clean(struct view text, bool keep_lines)
{
	CLEAN_STR safe = STR_INIT;

	str_addsafe(&safe, text, keep_lines);
	return view_eq(str_view(&safe), text);
}

/* --- the target of a request -------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte, decoded, off the front of *REST. */
static int take_byte(struct view *rest, bool is_query, char *c_r)
{
	size_t used = 1;
	int high, low;

	*c_r = rest->data[0];
	if (*c_r == '%') {
		high = rest->len > 1 ? hex_digit(rest->data[1]) : -1;
		low = rest->len > 2 ? hex_digit(rest->data[2]) : -1;
		if (high < 0 || low < 0)
			return -1;
		*c_r = (char)(high << 4 | low);
		used = 3;
	} else if (*c_r == '+' && is_query) {
		*c_r = ' ';
	} else if (*c_r <= ' ' || *c_r == 0x7f) {
		return -1; /* those above 0x7f, which are negative, too: they have to be encoded */
	}
	rest->data += used;
	rest->len -= used;
	return 0;
}

static int decode(struct arena *arena, struct view raw, bool is_query, struct view *out_r,
		  struct err *err)
{
	CLEAN_STR s = STR_INIT;
	char c;

	while (raw.len > 0) {
		if (take_byte(&raw, is_query, &c) < 0)
			return err_set(err, ERR_SYNTAX,
				       "the address is not encoded as it should be");
		str_addc(&s, c);
	}
	/* in a search, a line break between two words is a blank */
	if (!utf8_is_clean(str_view(&s), is_query))
		return err_set(err, ERR_SYNTAX,
			       "the address has characters that are no text in UTF-8");
	*out_r = arena_view(arena, str_view(&s));
	return 0;
}

static bool is_plain_segment(struct view v)
{
	return v.len > 0 && !view_eq(v, VIEW(".")) && !view_eq(v, VIEW("..")) &&
	       memchr(v.data, '/', v.len) == NULL && memchr(v.data, '\\', v.len) == NULL;
}

static int read_path(struct arena *arena, struct view path, struct uri *uri, struct err *err)
{
	struct view part, segment;

	while (path.len > 0 && view_cut(&path, '/', &part)) {
		if (decode(arena, part, false, &segment, err) < 0)
			return -1;
		if (!is_plain_segment(segment) || uri->segments.n == URI_SEGMENTS_MAX)
			return err_set(err, ERR_SYNTAX, "the address has a path that is none");
		ARENA_PUSH(arena, uri->segments, segment);
		uri->ends_in_slash = path.data != NULL && path.len == 0;
	}
	return 0;
}

static int read_query(struct arena *arena, struct view query, struct uri *uri, struct err *err)
{
	struct view part, name;

	while (query.len > 0 && view_cut(&query, '&', &part)) {
		struct uri_pair pair = {.value = VIEW("")};

		if (part.len == 0)
			continue;
		view_cut(&part, '=', &name);
		if (decode(arena, name, true, &pair.name, err) < 0 ||
		    (part.data != NULL && decode(arena, part, true, &pair.value, err) < 0))
			return -1;
		for (size_t i = 0; i < uri->query.n; i++)
			if (view_eq(uri->query.v[i].name, pair.name))
				return err_set(err, ERR_SYNTAX, "the address says a thing twice");
		if (uri->query.n == URI_PAIRS_MAX)
			return err_set(err, ERR_SYNTAX, "the address says too much");
		ARENA_PUSH(arena, uri->query, pair);
	}
	return 0;
}

int uri_read(struct arena *arena, struct view raw, const char *base, struct uri *uri_r,
	     struct err *err)
{
	size_t base_len = strlen(base);
	struct view path;

	*uri_r = (struct uri){0};
	view_cut(&raw, '?', &path);
	if (view_starts(path, base)) {
		path = (struct view){path.data + base_len, path.len - base_len};
		uri_r->ends_in_slash = path.len == 0;
	} else if (path.len == base_len - 1 && memcmp(path.data, base, path.len) == 0) {
		path.len = 0; /* "/archive" is what people type */
	} else {
		return 0;
	}
	if (read_path(arena, path, uri_r, err) < 0)
		return -1;
	return raw.data != NULL && read_query(arena, raw, uri_r, err) < 0 ? -1 : 1;
}

/* --- header fields ------------------------------------------------------------------------------ */

int cookie_find(struct view field, const char *name, struct view *value_r)
{
	struct view part, key;
	int found = 0;

	while (view_cut(&field, ';', &part)) {
		part = view_trim(part);
		view_cut(&part, '=', &key);
		if (part.data == NULL || !view_eq(key, VIEW(name)))
			continue;
		*value_r = part;
		found++;
	}
	return found == 1;
}

int host_read(struct arena *arena, struct view field, struct view *host_r)
{
	struct view v = view_trim(field);
	const char *end;
	char *copy;

	if (v.len == 0 || v.len > 255)
		return -1;
	end = v.data[0] == '[' ? memchr(v.data, ']', v.len) : memchr(v.data, ':', v.len);
	if (v.data[0] == '[' && end == NULL)
		return -1;
	if (end != NULL)
		v.len = (size_t)(end - v.data) + (*end == ']');
	if (v.len > 1 && v.data[v.len - 1] == '.')
		v.len--;
	copy = arena_strn(arena, v.data, v.len);
	for (size_t i = 0; i < v.len; i++) {
		copy[i] = (char)tolower((unsigned char)copy[i]);
		if (!isalnum((unsigned char)copy[i]) && strchr("-._:[]", copy[i]) == NULL)
			return -1;
	}
	*host_r = (struct view){copy, v.len};
	return v.len > 0 ? 0 : -1;
}

/* --- names of downloads ------------------------------------------------------------------------- */

enum { NAME_MAX_BYTES = 180 }; /* a file system takes 255, and the browser may add to it */

/* What no system takes for more than a name. */
static void safe_name(struct view name, const char *fallback, struct str *out)
{
	CLEAN_STR safe = STR_INIT;

	str_addsafe(&safe, name, false);
	for (size_t i = 0; i < safe.len; i++)
		if (strchr("/\\:*?\"<>|%", safe.data[i]) != NULL)
			safe.data[i] = '_';
	name = view_trim(str_view(&safe));
	while (name.len > 0 && (name.data[0] == '.' || name.data[0] == '~')) {
		name.data++;
		name.len--;
	}
	while (name.len > 0 && (name.data[name.len - 1] == '.' || name.data[name.len - 1] == ' '))
		name.len--;
	if (name.len > NAME_MAX_BYTES) {
		/* the end, which has the suffix, from the start of a character on */
		name.data += name.len - NAME_MAX_BYTES;
		name.len = NAME_MAX_BYTES;
		while (name.len > 0 && (name.data[0] & 0xc0) == 0x80) {
			name.data++;
			name.len--;
		}
	}
	if (name.len > 0)
		str_addv(out, name);
	else
		str_adds(out, fallback);
}

void disposition_add(struct str *out, const char *kind, struct view name, const char *fallback)
{
	CLEAN_STR safe = STR_INIT;

	safe_name(name, fallback, &safe);
	str_addf(out, "%s; filename=\"", kind);
	for (size_t i = 0; i < safe.len; i++) {
		unsigned char c = (unsigned char)safe.data[i];

		if ((c & 0xc0) != 0x80) /* one sign for a character, not for each of its bytes */
			str_addc(out, c < 0x80 ? (char)c : '_');
	}
	str_adds(out, "\"; filename*=UTF-8''");
	for (size_t i = 0; i < safe.len; i++) {
		unsigned char c = (unsigned char)safe.data[i];

		if (c < 0x80 && (isalnum(c) || c == '.' || c == '-' || c == '_'))
			str_addc(out, (char)c);
		else
			str_addf(out, "%%%02X", c);
	}
}

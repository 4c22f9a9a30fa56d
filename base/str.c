/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"

#include "base/err.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

char str_slop[1]; /* the empty string of every str that owns no buffer yet; never written to */

bool view_eq(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool view_eq_nocase(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

bool view_starts(struct view v, const char *prefix)
{
	size_t n = strlen(prefix);

	return v.len >= n && memcmp(v.data, prefix, n) == 0;
}

bool view_starts_nocase(struct view v, const char *prefix)
{
	size_t n = strlen(prefix);

	return v.len >= n && strncasecmp(v.data, prefix, n) == 0;
}

struct view view_trim(struct view v)
{
	while (v.len > 0 && isspace((unsigned char)v.data[0])) {
		v.data++;
		v.len--;
	}
	while (v.len > 0 && isspace((unsigned char)v.data[v.len - 1]))
		v.len--;
	return v;
}

bool view_cut(struct view *rest, char sep, struct view *part_r)
{
	const char *at;

	if (rest->data == NULL)
		return false;
	at = rest->len ? memchr(rest->data, sep, rest->len) : NULL;
	if (at == NULL) {
		*part_r = *rest;
		*rest = (struct view){NULL, 0};
		return true;
	}
	*part_r = (struct view){rest->data, (size_t)(at - rest->data)};
	rest->len -= part_r->len + 1;
	rest->data = at + 1;
	return true;
}

void str_init(struct str *s)
{
	*s = (struct str)STR_INIT;
}

void str_clear(struct str *s)
{
	if (s->cap > 0)
		free(s->data);
	str_init(s);
}

void str_reset(struct str *s)
{
	s->len = 0;
	if (s->cap > 0)
		s->data[0] = '\0';
}

void str_reserve(struct str *s, size_t more)
{
	size_t want = s->len + more + 1;

	must(want > more);
	if (want <= s->cap)
		return;
	if (want < s->cap + s->cap / 2)
		want = s->cap + s->cap / 2;
	if (want < 64)
		want = 64;
	s->data = mem_grow(s->cap > 0 ? s->data : NULL, want);
	s->data[s->len] = '\0';
	s->cap = want;
}

void str_add(struct str *s, const void *data, size_t len)
{
	if (len == 0)
		return;
	str_reserve(s, len);
	memcpy(s->data + s->len, data, len);
	s->len += len;
	s->data[s->len] = '\0';
}

void str_addv(struct str *s, struct view v)
{
	str_add(s, v.data, v.len);
}

void str_adds(struct str *s, const char *text)
{
	str_add(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
	str_add(s, &c, 1);
}

void str_addfv(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	must(n >= 0);
	str_reserve(s, (size_t)n);
	vsnprintf(s->data + s->len, (size_t)n + 1, fmt, again);
	va_end(again);
	s->len += (size_t)n;
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_addfv(s, fmt, ap);
	va_end(ap);
}

struct view str_view(const struct str *s)
{
	return (struct view){s->data, s->len};
}

void str_addhex(struct str *s, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	str_reserve(s, 2 * len);
	for (size_t i = 0; i < len; i++) {
		s->data[s->len++] = digits[p[i] >> 4];
		s->data[s->len++] = digits[p[i] & 15];
	}
	s->data[s->len] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int str_unhex(struct view text, void *out, size_t len)
{
	unsigned char *p = out;

	if (text.len != 2 * len)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int hi = hex_digit(text.data[2 * i]), lo = hex_digit(text.data[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -1;
		p[i] = (unsigned char)(hi << 4 | lo);
	}
	return 0;
}

static void add_le(struct str *s, uint64_t n, size_t bytes)
{
	unsigned char b[8];

	for (size_t i = 0; i < bytes; i++)
		b[i] = (unsigned char)(n >> (8 * i));
	str_add(s, b, bytes);
}

void str_addu16(struct str *s, uint16_t n)
{
	add_le(s, n, 2);
}

void str_addu32(struct str *s, uint32_t n)
{
	add_le(s, n, 4);
}

void str_addu64(struct str *s, uint64_t n)
{
	add_le(s, n, 8);
}

void str_addvarint(struct str *s, uint64_t n)
{
	unsigned char b[10];
	size_t len = 0;

	while (n >= 0x80) {
		b[len++] = (unsigned char)(n | 0x80);
		n >>= 7;
	}
	b[len++] = (unsigned char)n;
	str_add(s, b, len);
}

static int take_le(struct view *v, size_t bytes, uint64_t *n_r)
{
	uint64_t n = 0;

	if (v->len < bytes)
		return -1;
	for (size_t i = 0; i < bytes; i++)
		n |= (uint64_t)(unsigned char)v->data[i] << (8 * i);
	v->data += bytes;
	v->len -= bytes;
	*n_r = n;
	return 0;
}

int view_u8(struct view *v, uint8_t *n_r)
{
	uint64_t n;

	if (take_le(v, 1, &n) < 0)
		return -1;
	*n_r = (uint8_t)n;
	return 0;
}

int view_u16(struct view *v, uint16_t *n_r)
{
	uint64_t n;

	if (take_le(v, 2, &n) < 0)
		return -1;
	*n_r = (uint16_t)n;
	return 0;
}

int view_u32(struct view *v, uint32_t *n_r)
{
	uint64_t n;

	if (take_le(v, 4, &n) < 0)
		return -1;
	*n_r = (uint32_t)n;
	return 0;
}

int view_u64(struct view *v, uint64_t *n_r)
{
	return take_le(v, 8, n_r);
}

int view_varint(struct view *v, uint64_t *n_r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v->len && i < 10; i++) {
		unsigned char b = (unsigned char)v->data[i];

		if (i == 9 && b > 1)
			return -1;
		n |= (uint64_t)(b & 0x7f) << (7 * i);
		if (b < 0x80) {
			v->data += i + 1;
			v->len -= i + 1;
			*n_r = n;
			return 0;
		}
	}
	return -1;
}

int view_bytes(struct view *v, size_t len, struct view *part_r)
{
	if (v->len < len)
		return -1;
	*part_r = (struct view){v->data, len};
	v->data += len;
	v->len -= len;
	return 0;
}

/* The length that a sequence's first byte announces, or 0. */
static size_t utf8_len(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first >= 0xf5)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Decode one UTF-8 sequence (RFC 3629, section 4). Returns its length, or 0 when it is malformed. */
static size_t utf8_at(const unsigned char *p, size_t len, uint32_t *cp_r)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = utf8_len(p[0]);
	uint32_t cp;

	if (n == 0 || n > len)
		return 0;
	cp = n == 1 ? p[0] : p[0] & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*cp_r = cp;
	return n;
}

static bool is_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x202a && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200e || cp == 0x200f || cp == 0x2028 ||
	       cp == 0x2029 || cp == 0x61c || cp == 0xfeff;
}

void str_addsafe(struct str *s, struct view text, bool keep_lines)
{
	const unsigned char *p = (const unsigned char *)text.data;

	for (size_t i = 0; i < text.len;) {
		uint32_t cp = 0;
		size_t n = utf8_at(p + i, text.len - i, &cp);

		if (keep_lines && cp == '\r' && i + 1 < text.len && p[i + 1] == '\n')
			; /* the LF that follows ends the line */
		else if (n == 1 && keep_lines && (cp == '\n' || cp == '\t'))
			str_addc(s, (char)cp);
		else if (n == 0 || is_control(cp))
			str_adds(s, "\xef\xbf\xbd");
		else
			str_add(s, p + i, n);
		i += n ? n : 1;
	}
}

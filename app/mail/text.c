/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/mail_priv.h"

#include "base/err.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

static GMimeParserOptions *options;

void text_init(void)
{
	static const char *fallback[] = {"utf-8", "windows-1252", NULL};

	options = g_mime_parser_options_new();
	g_mime_parser_options_set_fallback_charsets(options, fallback);
	g_mime_parser_options_set_allow_addresses_without_domain(options, TRUE);
}

GMimeParserOptions *text_options(void)
{
	must(options != NULL);
	return options;
}

/* ---- what the bytes are ---- */

/* The length of the ASCII at the start of V, a word at a time. */
static size_t ascii_length(struct view v)
{
	size_t i = 0;
	uint64_t word;

	for (; i + sizeof(word) <= v.len; i += sizeof(word)) {
		memcpy(&word, v.data + i, sizeof(word));
		if (word & 0x8080808080808080U)
			break;
	}
	while (i < v.len && (unsigned char)v.data[i] < 0x80)
		i++;
	return i;
}

/* The length of the UTF-8 sequence at the start of V, which is not ASCII; 0 when it is malformed.
 * */
static size_t utf8_length(struct view v)
{
	gunichar c = g_utf8_get_char_validated(v.data, (gssize)v.len);

	return c > 0x10ffff ? 0 : (size_t)g_utf8_skip[(unsigned char)v.data[0]];
}

struct census {
	size_t high; /* bytes of 128 and more */
	size_t bad;  /* those of them that are in no valid UTF-8 sequence */
};

static struct census utf8_census(struct view v)
{
	struct census c = {0, 0};

	while (v.len > 0) {
		size_t n = ascii_length(v);

		v = (struct view){v.data + n, v.len - n};
		if (v.len == 0)
			break;
		n = utf8_length(v);
		c.high += n ? n : 1;
		c.bad += n == 0;
		n = n ? n : 1;
		v = (struct view){v.data + n, v.len - n};
	}
	return c;
}

/* A stray bad byte does not make a text another charset; one in twenty does. */
static bool few(size_t bad, size_t of)
{
	return bad <= of / 20;
}

/* ---- to UTF-8 ---- */

static void add_without_nuls(struct str *out, struct view v)
{
	const char *nul;

	while (v.len > 0 && (nul = memchr(v.data, '\0', v.len)) != NULL) {
		str_add(out, v.data, (size_t)(nul - v.data));
		v.len -= (size_t)(nul - v.data) + 1;
		v.data = nul + 1;
	}
	str_addv(out, v);
}

static void add_utf8(struct str *out, struct view v)
{
	while (v.len > 0) {
		size_t n = ascii_length(v);

		add_without_nuls(out, (struct view){v.data, n});
		v = (struct view){v.data + n, v.len - n};
		if (v.len == 0)
			break;
		n = utf8_length(v);
		if (n == 0)
			str_adds(out, "\xef\xbf\xbd");
		else
			str_add(out, v.data, n);
		n = n ? n : 1;
		v = (struct view){v.data + n, v.len - n};
	}
}

static void add_codepoint(struct str *out, uint32_t cp)
{
	char utf8[6];

	str_add(out, utf8, (size_t)g_unichar_to_utf8(cp, utf8));
}

static void add_windows_1252(struct str *out, struct view v)
{
	static const uint16_t c1[32] = {
		0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd,
		0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
	};

	while (v.len > 0) {
		size_t n = ascii_length(v);
		unsigned char c;

		add_without_nuls(out, (struct view){v.data, n});
		if (n == v.len)
			break;
		c = (unsigned char)v.data[n];
		add_codepoint(out, c < 0xa0 ? c1[c - 0x80] : c);
		v = (struct view){v.data + n + 1, v.len - n - 1};
	}
}

/* Append what iconv makes of V; what it cannot read becomes U+FFFD and is counted in *BAD_R.
 * False if there is no such charset. */
static bool add_iconv(struct str *out, struct view v, const char *charset, size_t *bad_r)
{
	iconv_t cd = g_mime_iconv_open("utf-8", charset);
	char *in = (char *)(uintptr_t)v.data, piece[4096];
	size_t left = v.len;
	bool more = true;

	*bad_r = 0;
	if (cd == (iconv_t)-1)
		return false;
	while (more) {
		char *to = piece;
		size_t room = sizeof(piece);
		size_t rc = iconv(cd, &in, &left, &to, &room);

		add_without_nuls(out, (struct view){piece, (size_t)(to - piece)});
		more = rc == (size_t)-1 && errno != EINVAL;
		if (more && errno == EILSEQ && left > 0) {
			str_adds(out, "\xef\xbf\xbd");
			++*bad_r;
			in++;
			left--;
		}
	}
	g_mime_iconv_close(cd);
	return true;
}

/* ---- charsets by name ---- */

static bool one_of(struct view name, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (view_eq_nocase(name, VIEW(*names)))
			return true;
	}
	return false;
}

/* Charsets in which bytes below 128 may mean something other than ASCII. */
static bool may_hide_ascii(struct view charset)
{
	static const char *const begin[] = {
		"utf-7", "utf7", "iso-2022", "iso2022",   "hz",     "utf-16", "utf16", "utf-32",
		"utf32", "ucs",  "unicode",  "csiso2022", "ebcdic", "cp037",  "ibm0",  NULL};

	for (size_t i = 0; begin[i] != NULL; i++) {
		if (view_starts_nocase(charset, begin[i]))
			return true;
	}
	return false;
}

static void add_undeclared(struct str *out, struct view bytes)
{
	struct census c = utf8_census(bytes);

	if (few(c.bad, c.high))
		add_utf8(out, bytes);
	else
		add_windows_1252(out, bytes);
}

static void add_declared(struct str *out, struct view bytes, struct view charset)
{
	char name[64];
	size_t before = out->len, bad, high = utf8_census(bytes).high;

	memcpy(name, charset.data, charset.len);
	name[charset.len] = '\0';
	if (add_iconv(out, bytes, name, &bad) && few(bad, high))
		return;
	out->len = before;
	add_undeclared(out, bytes);
}

void text_add(struct str *out, struct view bytes, struct view charset)
{
	/* Programs that declare ISO 8859-1 mean windows-1252, which has characters where ISO 8859-1
	 * has control codes. */
	static const char *const latin1[] = {"iso-8859-1", "iso8859-1",    "iso_8859-1", "latin1",
					     "latin-1",    "windows-1252", "cp1252",     NULL};
	static const char *const undeclared[] = {"",          "utf-8", "utf8",
						 "us-ascii",  "ascii", "unknown-8bit",
						 "x-unknown", "8bit",  NULL};

	str_reserve(out, bytes.len);
	if (!may_hide_ascii(charset) && ascii_length(bytes) == bytes.len)
		add_without_nuls(out, bytes);
	else if (one_of(charset, latin1))
		add_windows_1252(out, bytes);
	else if (one_of(charset, undeclared) || charset.len >= 64)
		add_undeclared(out, bytes);
	else
		add_declared(out, bytes, charset);
}

/* ---- header fields ---- */

struct view text_lower(struct arena *arena, struct view v)
{
	char *copy = arena_strn(arena, v.data, v.len);

	for (size_t i = 0; i < v.len; i++) {
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] - 'A' + 'a');
	}
	return (struct view){copy, v.len};
}

struct view text_cut(struct view v, size_t max)
{
	if (v.len <= max)
		return v;
	v.len = max;
	while (v.len > 0 && ((unsigned char)v.data[v.len] & 0xc0) == 0x80)
		v.len--;
	return v;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A line end and the blanks after it become one space, any other blank a space. Ends in a NUL. */
struct view text_unfolded(struct arena *arena, struct view value)
{
	CLEAN_STR utf8 = STR_INIT;
	char *out;
	size_t n = 0;

	value = view_trim(value);
	if (ascii_length(value) < value.len || memchr(value.data, '\0', value.len) != NULL) {
		text_add(&utf8, value, VIEW(""));
		value = view_trim(str_view(&utf8));
	}
	out = arena_get(arena, value.len + 1);
	for (size_t i = 0; i < value.len; i++) {
		if (!is_blank(value.data[i])) {
			out[n++] = value.data[i];
			continue;
		}
		if (value.data[i] == '\r' || value.data[i] == '\n') {
			while (i + 1 < value.len && is_blank(value.data[i + 1]))
				i++;
		}
		out[n++] = ' ';
	}
	return (struct view){out, n};
}

struct view text_decoded(struct arena *arena, struct view value)
{
	struct view text = text_unfolded(arena, value);
	char *decoded;

	if (memmem(text.data, text.len, "=?", 2) == NULL)
		return text;
	decoded = g_mime_utils_header_decode_text(text_options(), text.data);
	text = text_unfolded(arena, VIEW(decoded));
	g_free(decoded);
	return text;
}

/* ---- transfer encodings ---- */

static int hex(char c)
{
	return isxdigit((unsigned char)c) ? g_ascii_xdigit_value(c) : -1;
}

/* The octet that two hexadecimal digits stand for. */
static bool octet(const char digits[2], char *octet_r)
{
	int high = hex(digits[0]), low = hex(digits[1]);

	if (high < 0 || low < 0)
		return false;
	*octet_r = (char)(16 * high + low);
	return true;
}

/* How many bytes the soft line break at the start of V has (RFC 2045, section 6.7), 0 if it is
 * none. */
static size_t soft_break(struct view v)
{
	size_t n = 1;

	while (n < v.len && (v.data[n] == ' ' || v.data[n] == '\t'))
		n++;
	if (n == v.len)
		return n;
	if (v.data[n] == '\r')
		return n + 1 < v.len && v.data[n + 1] == '\n' ? n + 2 : n + 1;
	return v.data[n] == '\n' ? n + 1 : 0;
}

/* An '=' that begins neither a hex pair nor a soft line break stands for itself. */
static void quoted_printable(struct view v, size_t max, struct str *out)
{
	size_t first = out->len;

	if (v.len / 3 > max)
		v.len = 3 * max; /* a decoded byte takes three at most, soft line breaks aside */
	str_reserve(out, v.len < max ? v.len : max);
	while (v.len > 0 && out->len - first < max) {
		const char *equals = memchr(v.data, '=', v.len);
		size_t plain = equals ? (size_t)(equals - v.data) : v.len, n;
		char byte;

		str_add(out, v.data, plain);
		v = (struct view){v.data + plain, v.len - plain};
		if (v.len == 0)
			break;
		n = soft_break(v);
		if (n == 0 && v.len >= 3 && octet(v.data + 1, &byte)) {
			str_addc(out, byte);
			n = 3;
		} else if (n == 0) {
			str_addc(out, '=');
			n = 1;
		}
		v = (struct view){v.data + n, v.len - n};
	}
	if (out->len - first > max)
		out->len = first + max;
	if (out->cap > 0)
		out->data[out->len] = '\0';
}

static void uudecode(struct view v, size_t max, struct str *out)
{
	GMimeEncoding state;
	char piece[4096];
	struct view after = v, line;

	while (line_next(&after, &line)) {
		if (view_starts(line, "begin ")) {
			v = after;
			break;
		}
	}
	g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_UUENCODE);
	while (v.len > 0 && max > 0) {
		size_t n = v.len < sizeof(piece) / 2 ? v.len : sizeof(piece) / 2;
		size_t got = g_mime_encoding_step(&state, v.data, n, piece);

		got = got < max ? got : max;
		str_add(out, piece, got);
		max -= got;
		v = (struct view){v.data + n, v.len - n};
	}
}

void content_decode(struct view content, enum leaf_encoding encoding, size_t max, struct str *out)
{
	switch (encoding) {
	case LEAF_BASE64:
		base64_lenient(content, max, out);
		break;
	case LEAF_QP:
		quoted_printable(content, max, out);
		break;
	case LEAF_UU:
		uudecode(content, max, out);
		break;
	case LEAF_PLAIN:
		str_add(out, content.data, content.len < max ? content.len : max);
		break;
	}
}

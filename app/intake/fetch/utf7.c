/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/utf7.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

enum { SURROGATE_HIGH = 0xD800, SURROGATE_LOW = 0xDC00, SURROGATE_END = 0xE000 };

static bool is_direct(uint32_t c)
{
	return c >= 0x20 && c <= 0x7E;
}

/* --- UTF-8 ------------------------------------------------------------------------------------ */

static void add_utf8(struct str *out, uint32_t c)
{
	if (c < 0x80) {
		str_addc(out, (char)c);
	} else if (c < 0x800) {
		str_addc(out, (char)(0xC0 | c >> 6));
		str_addc(out, (char)(0x80 | (c & 0x3F)));
	} else if (c < 0x10000) {
		str_addc(out, (char)(0xE0 | c >> 12));
		str_addc(out, (char)(0x80 | (c >> 6 & 0x3F)));
		str_addc(out, (char)(0x80 | (c & 0x3F)));
	} else {
		str_addc(out, (char)(0xF0 | c >> 18));
		str_addc(out, (char)(0x80 | (c >> 12 & 0x3F)));
		str_addc(out, (char)(0x80 | (c >> 6 & 0x3F)));
		str_addc(out, (char)(0x80 | (c & 0x3F)));
	}
}

/* How many bytes a character has, by its first one; 0: none starts so. */
static size_t utf8_len(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xC2 && first < 0xE0)
		return 2;
	if (first >= 0xE0 && first < 0xF0)
		return 3;
	return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

/* The next character: the shortest form only, no surrogates (RFC 3629). */
static int cut_utf8(struct view *text, uint32_t *c_r)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)text->data;
	size_t len = utf8_len(p[0]);
	uint32_t c = len == 1 ? p[0] : p[0] & (0x7FU >> len);

	if (len == 0 || len > text->len)
		return -1;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return -1;
		c = c << 6 | (p[i] & 0x3F);
	}
	if (c < least[len] || c > 0x10FFFF || (c >= SURROGATE_HIGH && c < SURROGATE_END))
		return -1;
	text->data += len;
	text->len -= len;
	*c_r = c;
	return 0;
}

/* --- encoding --------------------------------------------------------------------------------- */

/* Bits that are not written yet: fewer than six between two units. */
struct bits {
	uint32_t value;
	unsigned n;
};

static void add_unit(struct str *out, struct bits *bits, uint32_t unit)
{
	bits->value = bits->value << 16 | unit;
	bits->n += 16;
	while (bits->n >= 6) {
		bits->n -= 6;
		str_addc(out, alphabet[bits->value >> bits->n & 0x3F]);
	}
}

static void add_shifted(struct str *out, struct bits *bits, uint32_t c)
{
	if (c >= 0x10000) {
		add_unit(out, bits, SURROGATE_HIGH + ((c - 0x10000) >> 10));
		add_unit(out, bits, SURROGATE_LOW + ((c - 0x10000) & 0x3FF));
	} else {
		add_unit(out, bits, c);
	}
}

static void end_shift(struct str *out, struct bits *bits)
{
	if (bits->n > 0)
		str_addc(out, alphabet[bits->value << (6 - bits->n) & 0x3F]);
	str_addc(out, '-');
	*bits = (struct bits){0};
}

int utf7_encode(struct view text, struct str *out)
{
	CLEAN_STR name = STR_INIT;
	struct bits bits = {0};
	bool shifted = false;

	while (text.len > 0) {
		uint32_t c;

		if (cut_utf8(&text, &c) < 0)
			return -1;
		if (shifted && is_direct(c))
			end_shift(&name, &bits);
		if (!shifted && !is_direct(c))
			str_addc(&name, '&');
		shifted = !is_direct(c);
		if (shifted)
			add_shifted(&name, &bits, c);
		else if (c == '&')
			str_adds(&name, "&-");
		else
			str_addc(&name, (char)c);
	}
	if (shifted)
		end_shift(&name, &bits);
	str_addv(out, str_view(&name));
	return 0;
}

/* --- decoding --------------------------------------------------------------------------------- */

/* A unit of UTF-16: HIGH is the first half of a pair, 0 if none waits. */
static int put_unit(struct str *out, uint32_t unit, uint32_t *high)
{
	bool is_low = unit >= SURROGATE_LOW && unit < SURROGATE_END;

	if ((*high != 0) != is_low)
		return -1;
	if (unit >= SURROGATE_HIGH && unit < SURROGATE_LOW) {
		*high = unit;
		return 0;
	}
	if (is_low)
		unit = 0x10000 + ((*high - SURROGATE_HIGH) << 10) + (unit - SURROGATE_LOW);
	*high = 0;
	if (unit < 0x20 || (unit >= 0x7F && unit < 0xA0))
		return -1;
	add_utf8(out, unit);
	return 0;
}

/* What stands between "&" and "-". */
static int decode_shift(struct view coded, struct str *out)
{
	struct bits bits = {0};
	uint32_t high = 0;

	for (size_t i = 0; i < coded.len; i++) {
		const char *at = memchr(alphabet, coded.data[i], sizeof(alphabet) - 1);

		if (at == NULL)
			return -1;
		bits.value = bits.value << 6 | (uint32_t)(at - alphabet);
		bits.n += 6;
		if (bits.n < 16)
			continue;
		bits.n -= 16;
		if (put_unit(out, bits.value >> bits.n & 0xFFFF, &high) < 0)
			return -1;
	}
	return high == 0 ? 0 : -1;
}

static int decode(struct view name, struct str *out)
{
	struct view part;
	bool first = true;

	/* each part but the first begins behind a "&" */
	while (view_cut(&name, '&', &part)) {
		const char *end = first || part.len == 0 ? NULL : memchr(part.data, '-', part.len);
		size_t coded = end == NULL ? 0 : (size_t)(end - part.data);

		if (!first && end == NULL)
			return -1;
		if (!first && coded == 0)
			str_addc(out, '&');
		if (decode_shift((struct view){part.data, coded}, out) < 0)
			return -1;
		for (size_t i = first ? 0 : coded + 1; i < part.len; i++) {
			if (!is_direct((unsigned char)part.data[i]))
				return -1;
			str_addc(out, part.data[i]);
		}
		first = false;
	}
	return 0;
}

int utf7_decode(struct view name, struct str *out)
{
	CLEAN_STR text = STR_INIT;
	CLEAN_STR again = STR_INIT;

	if (decode(name, &text) < 0 || utf7_encode(str_view(&text), &again) < 0 ||
	    !view_eq(str_view(&again), name))
		return -1;
	str_addv(out, str_view(&text));
	return 0;
}

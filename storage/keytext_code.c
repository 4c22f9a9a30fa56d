/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The coded lines: bytes to Crockford's base32 and back, by way of paper and a tired typist. */
#include "storage/keytext_priv.h"

enum {
	WHOLE_SYMBOLS = KEYTEXT_LINE_SYMBOLS + KEYTEXT_CHECK_SYMBOLS,
	GROUP_SYMBOLS = 4,

	/* The line's number, its symbols and its check, read as one number in base 32, are a
	 * multiple of this prime. It was chosen among those below 2^20 because with it no two wrong
	 * symbols in a line cancel each other out; exchanges of two never do (T1). */
	CHECK_PRIME = 1048517,

	/* What stands behind "N:" is taken for an attempt at a line from this many symbols on. */
	ATTEMPT_MIN = WHOLE_SYMBOLS / 2,
	ATTEMPT_MAX = WHOLE_SYMBOLS * 3 / 2,
	ATTEMPT_FOREIGN_MAX = 4,

	LOG2_N_MIN = 10, /* the costs that a reader accepts: at most 1 GiB of memory */
	LOG2_N_MAX = 20,
	P_MAX = 8,
};

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* One line as somebody typed it. */
struct typed {
	unsigned number;
	size_t n;       /* symbols; more than fit are only counted */
	size_t foreign; /* characters that are no symbols */
	bool has_digit;
	unsigned char symbols[WHOLE_SYMBOLS];
};

/* All that was typed for one number. */
struct slot {
	unsigned right; /* how often */
	bool tried;
	struct typed attempt; /* the first that is not right */
	unsigned char bytes[KEYTEXT_LINE_BYTES];
};

/* The remainder by which number and symbols miss a multiple of the prime. */
static uint32_t check_rest(unsigned number, const unsigned char *symbols, size_t n)
{
	uint32_t rest = number;

	for (size_t i = 0; i < n; i++)
		rest = (rest * 32 + symbols[i]) % CHECK_PRIME;
	return rest;
}

static void fill_check(unsigned number, unsigned char symbols[WHOLE_SYMBOLS])
{
	unsigned char *check = symbols + KEYTEXT_LINE_SYMBOLS;
	uint32_t value;

	memset(check, 0, KEYTEXT_CHECK_SYMBOLS);
	value = (CHECK_PRIME - check_rest(number, symbols, WHOLE_SYMBOLS)) % CHECK_PRIME;
	for (int i = KEYTEXT_CHECK_SYMBOLS - 1; i >= 0; i--, value /= 32)
		check[i] = (unsigned char)(value % 32);
}

static void bytes_to_symbols(const unsigned char *bytes, unsigned char *symbols)
{
	for (size_t i = 0; i < KEYTEXT_LINE_SYMBOLS; i++) {
		size_t bit = 5 * i, at = bit / 8;
		unsigned two = (unsigned)bytes[at] << 8;

		if (at + 1 < KEYTEXT_LINE_BYTES)
			two |= bytes[at + 1];
		symbols[i] = (two >> (11 - bit % 8)) & 31;
	}
}

static void symbols_to_bytes(const unsigned char *symbols, unsigned char *bytes)
{
	uint32_t pending = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < KEYTEXT_LINE_SYMBOLS; i++) {
		pending = (pending << 5 | symbols[i]) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			*bytes++ = (unsigned char)(pending >> bits);
		}
	}
}

static void encode_line(struct str *out, unsigned number, const unsigned char *bytes,
			enum keytext_spacing spacing)
{
	unsigned char symbols[WHOLE_SYMBOLS];

	bytes_to_symbols(bytes, symbols);
	fill_check(number, symbols);
	str_addf(out, "%u:", number);
	for (size_t i = 0; i < WHOLE_SYMBOLS; i++) {
		if (spacing == KEYTEXT_GROUPED && i % GROUP_SYMBOLS == 0)
			str_addc(out, ' ');
		str_addc(out, alphabet[symbols[i]]);
	}
	str_addc(out, '\n');
}

static void sum_of(const struct keytext_payload *payload, unsigned char sum_r[KEYTEXT_SUM_BYTES])
{
	struct hash hash = crypto_sha256(payload, offsetof(struct keytext_payload, sum));

	memcpy(sum_r, hash.b, KEYTEXT_SUM_BYTES);
}

void keytext_encode(struct str *out, const struct keytext_payload *payload,
		    enum keytext_spacing spacing)
{
	struct keytext_payload whole = *payload;

	sum_of(payload, whole.sum);
	for (unsigned i = 0; i < KEYTEXT_LINES; i++)
		encode_line(out, i + 1, (const unsigned char *)&whole + i * KEYTEXT_LINE_BYTES,
			    spacing);
}

/* The value of a character, with the confusions that Crockford foresees, or -1. */
static int symbol_of(char c)
{
	const char *at;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	at = c != '\0' ? strchr(alphabet, c) : NULL;
	return at != NULL ? (int)(at - alphabet) : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_spacing(char c)
{
	return is_blank(c) || c == '\r' || c == '-';
}

static bool is_wordy(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Find the next "N:" at or behind FROM, N being a digit that no letter or digit stands before.
 * START_R is where N stands, BODY_R what follows the colon; both LINE.len if there is none. */
static bool find_mark(struct view line, size_t from, size_t *start_r, size_t *body_r)
{
	*start_r = *body_r = line.len;
	for (size_t i = from; i < line.len; i++) {
		size_t digit = i;

		if (line.data[i] != ':')
			continue;
		while (digit > from && is_blank(line.data[digit - 1]))
			digit--;
		if (digit-- == from || (digit > 0 && is_wordy(line.data[digit - 1])))
			continue;
		if (symbol_of(line.data[digit]) < 0 || symbol_of(line.data[digit]) > 9)
			continue;
		*start_r = digit;
		*body_r = i + 1;
		return true;
	}
	return false;
}

static void read_symbols(struct view body, struct typed *typed)
{
	for (size_t i = 0; i < body.len; i++) {
		int value = symbol_of(body.data[i]);

		if (is_spacing(body.data[i]))
			continue;
		if (value < 0) {
			typed->foreign++;
			continue;
		}
		if (body.data[i] >= '0' && body.data[i] <= '9')
			typed->has_digit = true;
		if (typed->n < WHOLE_SYMBOLS)
			typed->symbols[typed->n] = (unsigned char)value;
		typed->n++;
	}
}

static bool is_right(const struct typed *typed, unsigned number)
{
	return typed->n == WHOLE_SYMBOLS && typed->foreign == 0 &&
	       check_rest(number, typed->symbols, WHOLE_SYMBOLS) == 0;
}

/* Is this a coded line gone wrong, rather than a sentence with "1:" in it? */
static bool looks_coded(const struct typed *typed)
{
	return typed->n >= ATTEMPT_MIN && typed->n <= ATTEMPT_MAX && typed->has_digit &&
	       typed->foreign <= ATTEMPT_FOREIGN_MAX;
}

static void file_away(const struct typed *typed, struct slot slots[10])
{
	struct slot *slot = &slots[typed->number];

	if (is_right(typed, typed->number)) {
		slot->right++;
		symbols_to_bytes(typed->symbols, slot->bytes);
	} else if (looks_coded(typed) && !slot->tried) {
		slot->tried = true;
		slot->attempt = *typed;
	}
}

/* Find all that may be coded lines. Several may stand on one line of the text, as some scanners of
 * QR codes give them. */
static void collect(struct view text, struct slot slots[10])
{
	struct view line;

	while (view_cut(&text, '\n', &line)) {
		size_t start, body, next_start, next_body;

		find_mark(line, 0, &start, &body);
		for (; start < line.len; start = next_start, body = next_body) {
			struct typed typed = {.number = (unsigned)symbol_of(line.data[start])};

			find_mark(line, body, &next_start, &next_body);
			read_symbols((struct view){line.data + body, next_start - body}, &typed);
			file_away(&typed, slots);
		}
	}
}

/* Whose content is it that was typed under a wrong number? 0 if nobody's. */
static unsigned true_number(const struct typed *typed)
{
	for (unsigned n = 1; n <= KEYTEXT_LINES; n++)
		if (is_right(typed, n))
			return n;
	return 0;
}

static void describe_attempt(struct str *out, const struct typed *typed)
{
	unsigned n = typed->number;

	if (typed->foreign > 0)
		str_addf(out, "line %u has a character that does not occur in the code", n);
	else if (typed->n != WHOLE_SYMBOLS)
		str_addf(out, "line %u has %zu characters instead of %d", n, typed->n,
			 WHOLE_SYMBOLS);
	else if (true_number(typed) != 0)
		str_addf(out, "line %u holds what belongs in line %u", n, true_number(typed));
	else
		str_addf(out, "line %u is mistyped", n);
}

static void describe_slot(struct str *out, const struct slot *slot, unsigned number)
{
	bool belongs = number >= 1 && number <= KEYTEXT_LINES;

	if (slot->right == (belongs ? 1 : 0))
		return;
	if (out->len > 0)
		str_adds(out, "; ");
	if (!belongs)
		str_addf(out, "there is no line %u in such a backup", number);
	else if (slot->right > 1)
		str_addf(out, "line %u is there more than once", number);
	else if (slot->tried)
		describe_attempt(out, &slot->attempt);
	else
		str_addf(out, "line %u is missing (it begins with \"%u:\")", number, number);
}

/* Every line once, and no other; or an error that names each line at fault. */
static int check_lines(const struct slot slots[10], struct err *err)
{
	CLEAN_STR faults = STR_INIT;
	bool any = false;

	for (unsigned n = 0; n <= 9; n++) {
		any |= slots[n].right > 0 || slots[n].tried;
		describe_slot(&faults, &slots[n], n);
	}
	if (!any)
		return err_set(err, ERR_SYNTAX,
			       "this is no key backup; it has none of the lines \"1:\" to \"%d:\"",
			       KEYTEXT_LINES);
	if (faults.len > 0)
		return err_set(err, ERR_SYNTAX, "%s", faults.data);
	return 0;
}

static int check_payload(const struct keytext_payload *payload, struct err *err)
{
	unsigned char sum[KEYTEXT_SUM_BYTES];

	sum_of(payload, sum);
	if (memcmp(sum, payload->sum, sizeof(sum)) != 0)
		return err_set(err, ERR_DAMAGED,
			       "each line is right, but they do not belong together; take all "
			       "lines from the same backup");
	if (payload->version != KEYTEXT_VERSION || payload->log2_n < LOG2_N_MIN ||
	    payload->log2_n > LOG2_N_MAX || payload->r != KEYTEXT_R || payload->p < 1 ||
	    payload->p > P_MAX)
		return err_set(err, ERR_DAMAGED,
			       "each line is right, but this backup was not written by Sealpost");
	return 0;
}

int keytext_decode(struct view text, struct keytext_payload *payload_r, struct err *err)
{
	struct slot slots[10] = {0}; /* by number */

	collect(text, slots);
	/* First of all, as a newer version may have more lines (T4). */
	if (slots[1].right > 0 && slots[1].bytes[0] > KEYTEXT_VERSION)
		return err_set(err, ERR_VERSION,
			       "the key backup has format version %u, newer than %d",
			       slots[1].bytes[0], KEYTEXT_VERSION);
	if (check_lines(slots, err) < 0)
		return -1;
	for (size_t i = 0; i < KEYTEXT_LINES; i++)
		memcpy((unsigned char *)payload_r + i * KEYTEXT_LINE_BYTES, slots[i + 1].bytes,
		       KEYTEXT_LINE_BYTES);
	return check_payload(payload_r, err);
}

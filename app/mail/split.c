/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/split.h"

#include "app/mail/mail_priv.h"
#include "base/err.h"

#include <openssl/evp.h>

enum { ENCODE_STEP = 48 * 1024 }; /* bytes given to EVP_EncodeBlock at once, a multiple of 3 */

/* A stretch in the making. */
struct run {
	const char *raw;
	size_t limit; /* where the leaf ends */
	struct splice splice;
	struct str decoded;
};

static size_t eol_bytes(enum line_end eol)
{
	return eol == LINE_CRLF ? 2 : 1;
}

static size_t run_end(const struct run *run)
{
	return run->splice.start + run->splice.encoded_len;
}

/* ---- encoding ---- */

static void encode_line(const unsigned char *in, size_t len, struct str *out)
{
	while (len > 0) {
		size_t n = len < ENCODE_STEP ? len : ENCODE_STEP;

		/* EVP_EncodeBlock writes a NUL behind, for which str_reserve() keeps room. */
		str_reserve(out, (n + 2) / 3 * 4);
		out->len += (size_t)EVP_EncodeBlock((unsigned char *)out->data + out->len, in,
						    (int)n);
		in += n;
		len -= n;
	}
}

/* The whole splice again, line by line; false as soon as it grows beyond its length. */
static bool encode(const struct splice *splice, struct view decoded, struct str *out)
{
	size_t step = (size_t)splice->line_chars / 4 * 3, first = out->len;
	const char *eol = splice->eol == LINE_CRLF ? "\r\n" : "\n";

	str_reserve(out, splice->encoded_len);
	for (size_t i = 0; i < decoded.len; i += step) {
		size_t n = decoded.len - i < step ? decoded.len - i : step;

		encode_line((const unsigned char *)decoded.data + i, n, out);
		if (i + n < decoded.len || splice->eol_at_end)
			str_add(out, eol, eol_bytes(splice->eol));
		if (out->len - first > splice->encoded_len)
			return false;
	}
	return out->len - first == splice->encoded_len;
}

/* The encoded length follows from the geometry; checked first, since a splice may come from a
 * damaged record. */
static bool is_consistent(const struct splice *splice, size_t decoded_len)
{
	size_t step = (size_t)splice->line_chars / 4 * 3, lines, line_ends;

	if (step == 0 || splice->line_chars % 4 != 0 || decoded_len == 0 ||
	    decoded_len > SPLICE_MAX || splice->decoded_len != decoded_len)
		return false;
	lines = (decoded_len + step - 1) / step;
	line_ends = splice->eol_at_end ? lines : lines - 1;
	return splice->encoded_len ==
	       (decoded_len + 2) / 3 * 4 + line_ends * eol_bytes(splice->eol);
}

int split_encode(const struct splice *splice, struct view decoded, struct str *out)
{
	if (!is_consistent(splice, decoded.len))
		return -1;
	return encode(splice, decoded, out) ? 0 : -1;
}

/* ---- decoding ---- */

/* The last quad, of which PAD characters are padding. The bits that do not count must be zero, or
 * encoding would not give them back. */
static bool decode_padded(const char *quad, size_t pad, unsigned char *to)
{
	char filled[4] = {quad[0], quad[1], pad == 1 ? quad[2] : 'A', 'A'};

	return base64_quads(filled, 4, to) && to[3 - pad] == 0;
}

/* Decode one line of CHARS characters, a multiple of 4, at the end of which padding may stand. OUT
 * is as before where that fails. */
static bool decode_line(const char *line, size_t chars, bool *padded_r, struct str *out)
{
	size_t pad = 0, whole = chars;
	unsigned char *to;

	while (pad < 2 && line[chars - 1 - pad] == '=')
		pad++;
	if (pad > 0)
		whole -= 4;
	*padded_r = pad > 0;
	str_reserve(out, chars / 4 * 3 + 4);
	to = (unsigned char *)out->data + out->len;
	if (!base64_quads(line, whole, to))
		return false;
	if (pad > 0 && !decode_padded(line + whole, pad, to + whole / 4 * 3))
		return false;
	out->len += chars / 4 * 3 - pad;
	return true;
}

void split_decode(struct view raw, const struct splice *splice, struct str *out)
{
	size_t pos = splice->start, end = splice->start + splice->encoded_len;
	bool padded;

	must(end <= raw.len && splice->line_chars > 0);
	while (pos < end) {
		size_t left = end - pos, tail = splice->eol_at_end ? eol_bytes(splice->eol) : 0;
		size_t chars = left - tail < splice->line_chars ? left - tail : splice->line_chars;

		must(decode_line(raw.data + pos, chars, &padded, out));
		pos += chars + eol_bytes(splice->eol);
	}
	out->data[out->len] = '\0';
}

/* ---- finding ---- */

static bool eol_here(const struct run *run, size_t at, enum line_end eol)
{
	if (eol == LINE_CRLF)
		return run->limit - at >= 2 && run->raw[at] == '\r' && run->raw[at + 1] == '\n';
	return at < run->limit && run->raw[at] == '\n';
}

/* The length of the line at AT, without its end; *EOL_R and *HAS_EOL_R tell what ends it. */
static size_t line_chars(const struct run *run, size_t at, enum line_end *eol_r, bool *has_eol_r)
{
	const char *line = run->raw + at;
	const char *lf = memchr(line, '\n', run->limit - at);
	size_t len = lf ? (size_t)(lf - line) : run->limit - at;

	*has_eol_r = lf != NULL;
	*eol_r = lf != NULL && len > 0 && line[len - 1] == '\r' ? LINE_CRLF : LINE_LF;
	return *eol_r == LINE_CRLF ? len - 1 : len;
}

static bool fits(const struct run *run, size_t chars)
{
	return run->decoded.len + chars / 4 * 3 <= SPLICE_MAX;
}

static void take_line(struct run *run, size_t chars, bool has_eol)
{
	run->splice.encoded_len += chars + (has_eol ? eol_bytes(run->splice.eol) : 0);
	run->splice.eol_at_end = has_eol;
}

/* Take the last line of the run if it is one: shorter, padded, or without a line end. */
static void take_last(struct run *run)
{
	size_t at = run_end(run);
	enum line_end eol;
	bool has_eol, padded;
	size_t chars = at < run->limit ? line_chars(run, at, &eol, &has_eol) : 0;

	if (chars == 0 || chars % 4 != 0 || chars > run->splice.line_chars || !fits(run, chars))
		return;
	if (has_eol && eol != run->splice.eol)
		return;
	if (decode_line(run->raw + at, chars, &padded, &run->decoded))
		take_line(run, chars, has_eol);
}

/* Take all full lines that follow, which stand at equal distances. */
static void take_full_lines(struct run *run)
{
	size_t chars = run->splice.line_chars;

	for (;;) {
		size_t at = run_end(run);
		bool padded;

		if (run->limit - at < chars || !eol_here(run, at + chars, run->splice.eol) ||
		    run->raw[at + chars - 1] == '=' || !fits(run, chars))
			return;
		if (!decode_line(run->raw + at, chars, &padded, &run->decoded))
			return;
		take_line(run, chars, true);
	}
}

/* Begin a run with the line at AT; false, with *NEXT_R behind that line, if it cannot begin one. */
static bool begin(struct run *run, size_t at, size_t *next_r)
{
	enum line_end eol;
	bool has_eol, padded;
	size_t chars = line_chars(run, at, &eol, &has_eol);

	*next_r = at + chars + (has_eol ? eol_bytes(eol) : 0);
	str_reset(&run->decoded);
	run->splice = (struct splice){.start = at, .line_chars = (uint32_t)chars, .eol = eol};
	if (chars == 0 || chars % 4 != 0 || !fits(run, chars))
		return false;
	if (!decode_line(run->raw + at, chars, &padded, &run->decoded))
		return false;
	take_line(run, chars, has_eol);
	if (!padded && has_eol) {
		take_full_lines(run);
		take_last(run);
	}
	run->splice.decoded_len = run->decoded.len;
	return true;
}

static bool is_exact(const struct run *run, struct str *again)
{
	str_reset(again);
	return encode(&run->splice, str_view(&run->decoded), again) &&
	       memcmp(again->data, run->raw + run->splice.start, again->len) == 0;
}

void split_find(struct arena *arena, struct view raw, size_t start, size_t end, struct split *split,
		split_fn *fn, void *arg)
{
	struct run run = {.raw = raw.data, .limit = end, .decoded = STR_INIT};
	CLEAN_STR again = STR_INIT;

	must(start <= end && end <= raw.len);
	for (size_t at = start, next; at < end; at = next) {
		if (!begin(&run, at, &next))
			continue;
		next = run_end(&run);
		if (run.splice.encoded_len < SPLICE_MIN_ENCODED || !is_exact(&run, &again))
			continue;
		ARENA_PUSH(arena, split->splices, run.splice);
		if (fn != NULL)
			fn(arg, &run.splice, str_view(&run.decoded));
	}
	str_clear(&run.decoded);
}

/* ---- the rest ---- */

struct view *split_skeleton(struct arena *arena, struct view raw, const struct split *split,
			    size_t *n_r)
{
	struct view *pieces = arena_get(arena, (split->splices.n + 1) * sizeof(*pieces));
	size_t pos = 0, n = 0;

	for (size_t i = 0; i <= split->splices.n; i++) {
		const struct splice *s = i < split->splices.n ? &split->splices.v[i] : NULL;
		size_t end = s ? s->start : raw.len;

		must(pos <= end && end <= raw.len);
		if (end > pos)
			pieces[n++] = (struct view){raw.data + pos, end - pos};
		pos = s ? s->start + s->encoded_len : end;
	}
	*n_r = n;
	return pieces;
}

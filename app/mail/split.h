/* SPDX-License-Identifier: GPL-3.0-or-later */
/* split.h - take large base64 stretches out of a mail, and put them back bit for bit.
 *
 * A mail becomes a skeleton (all bytes but the stretches) and splices. A splice is a stretch of
 * base64 lines of one length, the last one shorter or equal, with one kind of line end, whose
 * decoding was encoded again and compared with the original: what cannot be rebuilt exactly stays
 * in the skeleton. A stretch that is one line has no geometry but its length, and may be of any
 * length. An attachment of more than SPLICE_MAX decoded bytes becomes several splices that follow
 * each other.
 */
#ifndef APP_MAIL_SPLIT_H
#define APP_MAIL_SPLIT_H

#include "base/arena.h"

enum {
	SPLICE_MIN_ENCODED = 4096,   /* less is not worth a record */
	SPLICE_MAX = 8 * 1024 * 1024 /* decoded bytes of one splice */
};

enum line_end { LINE_LF, LINE_CRLF };

struct splice {
	size_t start;       /* in the raw mail */
	size_t encoded_len; /* in the raw mail */
	size_t decoded_len;
	uint32_t line_chars; /* base64 characters of a full line, a multiple of 4 */
	enum line_end eol;
	bool eol_at_end; /* does the last line end in a line end? */
};

struct split {
	struct {
		struct splice *v;
		size_t n, cap;
	} splices; /* in order, not overlapping */
};

/* Called for each splice as it is found; DECODED is gone afterwards. */
typedef void split_fn(void *arg, const struct splice *splice, struct view decoded);

/* Find the splices of RAW within [start, end), appended to SPLIT. Decodes and compares each, and
 * hands it to FN (may be NULL) so that nobody has to decode it again. */
void split_find(struct arena *arena, struct view raw, size_t start, size_t end, struct split *split,
		split_fn *fn, void *arg);

/* The decoded bytes of one splice, appended to OUT. */
void split_decode(struct view raw, const struct splice *splice, struct str *out);

/* The pieces of RAW that are not in a splice, in order; *N_R of them, n + 1 at most. */
struct view *split_skeleton(struct arena *arena, struct view raw, const struct split *split,
			    size_t *n_r);

/* Append the base64 text of DECODED as the splice had it to OUT. Line geometry alone is used; -1
 * when decoded_len or encoded_len does not fit DECODED. */
int split_encode(const struct splice *splice, struct view decoded, struct str *out);

#endif

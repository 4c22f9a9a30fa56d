/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mail_priv.h - what the files of this folder share: structure, header fields, characters,
 * base64. */
#ifndef APP_MAIL_MAIL_PRIV_H
#define APP_MAIL_MAIL_PRIV_H

#include "app/mail/mail.h"

#include <gmime/gmime.h>

/* ---- header.c: fields as they stand ---- */

struct field {
	struct view name;
	struct view value; /* raw: folded, undecoded, without the final line end */
};

/* Cut one line off *REST, without its end (LF, CRLF or a lone CR). False when nothing is left. */
bool line_next(struct view *rest, struct view *line_r);
/* Cut one header field off *REST; false at the empty line, at the end, and where none
 * comes for a few lines. */
bool field_next(struct view *rest, struct field *field_r);
bool field_is(const struct field *field, const char *name);
/* Without the "From " line that a mailbox file puts before a mail. */
struct view mail_skip_from_line(struct view raw);

/* ---- structure.c: which bytes are which part ---- */

enum part_kind { PART_LEAF, PART_MULTIPART, PART_MESSAGE };

struct part {
	size_t parent; /* index; that of the first part is NO_PART */
	unsigned depth;
	enum part_kind kind;
	size_t head, body, end; /* in the raw mail: header [head, body), content [body, end) */
	struct view type;       /* lower case */
	struct view charset;
	struct view name;
	enum leaf_encoding encoding;
	enum disposition {
		DISPOSITION_NONE,
		DISPOSITION_INLINE,
		DISPOSITION_ATTACHMENT
	} disposition;
	bool has_id; /* Content-ID or Content-Location: others may show it in their place */
};

#define NO_PART SIZE_MAX

struct parts {
	struct part *v; /* in the order of the mail; a parent comes before its children */
	size_t n, cap;
};

void structure_find(struct arena *arena, struct view raw, const struct mail_limits *limits,
		    struct parts *parts);

/* ---- address.c ---- */

/* Add the addresses of an address list (a raw field value), groups flattened. */
void addresses_add(struct arena *arena, struct view value, enum role role, struct mail *mail);

/* ---- parse.c ---- */

/* The value of a Message-ID field without angle brackets and what is around them. */
struct view message_id_read(struct arena *arena, struct view value);

bool type_is_text(struct view type); /* read as text, not hung below the mail */
bool type_is_html(struct view type);
/* A leaf's content, decoded and as UTF-8, markup and all; of MAX bytes of it. */
void leaf_utf8(const struct mail *mail, const struct leaf *leaf, size_t max, struct str *out);

/* ---- text.c: characters ---- */

void text_init(void);
GMimeParserOptions *text_options(void); /* read-only after text_init() */

/* Append BYTES as valid UTF-8 without NULs: from CHARSET if that fits them, else as UTF-8 if valid,
 * else as windows-1252. */
void text_add(struct str *out, struct view bytes, struct view charset);
/* A raw field value, unfolded and valid UTF-8, encoded words still encoded; or decoded (RFC
 * 2047). */
struct view text_unfolded(struct arena *arena, struct view value);
struct view text_decoded(struct arena *arena, struct view value);
/* Lower case, ASCII only. */
struct view text_lower(struct arena *arena, struct view v);
/* At most MAX bytes of V, not cutting a UTF-8 sequence. */
struct view text_cut(struct view v, size_t max);
void content_decode(struct view content, enum leaf_encoding encoding, size_t max, struct str *out);

/* ---- base64.c (RFC 4648, section 4) ---- */

/* N characters, whole quads without padding, into OUT; false if any character is not of the alphabet. OUT
 * needs room for one byte more than the 3 for every 4. */
bool base64_quads(const char *chars, size_t n, unsigned char *out);
/* Whatever IN holds: characters outside the alphabet are skipped (RFC 2045, section 6.8). */
void base64_lenient(struct view in, size_t max, struct str *out);

#endif

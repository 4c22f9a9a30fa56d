/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mail.h - one mail, parsed: what the archive wants to know of it (RFC 5322, RFC 2045 to 2049).
 *
 * Parsing never fails on a mail: whatever is missing or malformed is empty, and every byte of the
 * original stays with the caller. All text is UTF-8 (valid, NULs dropped). The views point into
 * the arena or the raw mail; both must outlive the struct. Safe to call from several threads at
 * once.
 */
#ifndef APP_MAIL_MAIL_H
#define APP_MAIL_MAIL_H

#include "base/arena.h"
#include "base/crypto.h"

enum role { ROLE_FROM, ROLE_TO, ROLE_CC, ROLE_BCC, ROLE_SENDER, ROLE_REPLY_TO, ROLE_ENVELOPE };
/* ROLE_ENVELOPE: a recipient known from the envelope or a report alone; never set by
 * mail_parse(). */

struct address {
	enum role role;
	struct view addr; /* "anna@example.org": lower case, domain without a final dot */
	struct view name; /* display name, decoded; may be empty */
};

/* A leaf part: not a multipart, not a message/rfc822. */
struct leaf {
	size_t start, end; /* the encoded content within the raw mail; trustworthy bounds */
	enum leaf_encoding { LEAF_PLAIN, LEAF_BASE64, LEAF_QP, LEAF_UU } encoding;
	struct view type;    /* "application/pdf", lower case */
	struct view charset; /* as declared, may be empty */
	struct view name; /* file name, decoded (RFC 2231, RFC 2047 in parameters); may be empty */
	bool attachment;  /* shown to people as an attachment, not as text of the mail */
};

struct mail {
	struct view raw;
	struct view message_id; /* without angle brackets; empty when there is none */
	struct view references,
		in_reply_to;   /* likewise; the first of each (RFC 5322, section 3.6.4) */
	struct view subject;   /* decoded, unfolded */
	struct view from_text; /* the From field decoded: "Anna Müller <anna@example.org>" */
	struct view to_text, cc_text, bcc_text; /* likewise */
	bool has_date;
	int64_t date_s;   /* of the Date field, seconds UTC */
	bool marked_spam; /* X-Spam-Flag: YES */
	struct {
		struct address *v;
		size_t n, cap;
	} addresses;
	struct {
		struct leaf *v;
		size_t n, cap;
	} leaves;
	struct view text;  /* of the text leaves, HTML as text, and the header fields of nested
				   messages; for the search index, cut at limits.text_bytes */
	struct view files; /* attachment names, one a line */
	unsigned attachments;
};

struct mail_limits {
	size_t text_bytes; /* of text for the index: default 1 MiB */
	unsigned depth;    /* of nested parts: default 1,000; deeper ones count as one leaf */
	size_t leaves; /* parts of any kind: default 10,000; what is beyond counts as one leaf */
};
#define MAIL_LIMITS_DEFAULT ((struct mail_limits){1024 * 1024, 1000, 10000})

/* Make the libraries ready, once per process; any thread, any number of times. mail_parse() does it. */
void mail_init(void);
void mail_parse(struct arena *arena, struct view raw, const struct mail_limits *limits,
		struct mail *mail_r);

/* The Message-ID that the conversation began with, as far as the mail tells; its own if it answers nothing; may be empty. */
struct view mail_thread(const struct mail *mail);

/* A copy for who may not know of blind copies: all of it but the header fields Bcc and Resent-Bcc (RFC 5322, section 3.6.3), appended. */
bool mail_has_bcc(struct view raw);
void mail_without_bcc(struct view raw, struct str *out);

/* Is this a mail at all? Anything with a header field in its first block is, and so are an empty
 * file, one that begins with an empty line, and plain text; binary data is not, and REASON_R says
 * what it looks like ("a JPEG image"). */
bool mail_is_mail(struct view raw, const char **reason_r);

/* Content identity (architecture.md, Identity): a keyed hash over Message-ID, From, Date, Subject
 * and the decoded leaf parts. Neither trace header fields nor the transfer encoding count, nor do
 * line ends and empty lines at the end, where transport may change them: in leaves of type text/
 * and in those not encoded in base64 or uuencode. identity.c has the exact definition.
 * LEAF_HASH gives hashes of decoded leaves that the caller knows already, by index into
 * mail->leaves (NULL, or an all-zero entry: not known): HMAC-SHA256 of the decoded bytes under the
 * key of PARTS, for a leaf that is base64 from start to end. */
struct hash mail_content_hash(const struct mail *mail, struct hmac *content, struct hmac *parts,
			      const struct hash *leaf_hash);

/* Decode a leaf's content (transfer encoding only), appended to OUT; at most MAX bytes. */
void mail_leaf_decode(const struct mail *mail, const struct leaf *leaf, size_t max,
		      struct str *out);
/* The same as UTF-8 text: charset converted, HTML reduced to its text. */
void mail_leaf_text(const struct mail *mail, const struct leaf *leaf, size_t max, struct str *out);

/* HTML (of any brokenness) to plain text: no markup, no scripts, no styles, entities resolved. */
void mail_html_text(struct view html, size_t max, struct str *out);

/* How often the top header block of RAW has a field of this name (without case) with this value, where any white
 * space, folds included, is like any other and does not count at the ends. */
size_t mail_header_count(struct view raw, struct view name, struct view value);

/* The top header block as the mail has it, up to and without the empty line. */
struct view mail_header_block(struct view raw);

#endif

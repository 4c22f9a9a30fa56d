/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The content identity of a mail, version 1. It must never change: the same mail, captured again in
 * ten years, has to be known again.
 *
 *   identity = HMAC-SHA256(content key,
 *                  "sealpost content v1" NUL
 *                  field(Message-ID) field(From) field(Date) field(Subject)
 *                  u64(number of leaves)
 *                  hash(leaf 1) hash(leaf 2) ...)
 *
 *   field(x)    u64(length of x) x; an absent field has length 0.
 *   u64(n)      eight bytes, little-endian.
 *   Message-ID  without angle brackets and white space at its ends.
 *   From        the field value, encoded words decoded (RFC 2047), as UTF-8, every run of white
 *               space one space. Several From fields are joined by ", ".
 *   Subject     likewise; the first Subject field.
 *   Date        seconds since 1970-01-01 00:00 UTC in decimal; empty if absent, not readable,
 *               before 1970 or after 2100.
 *   hash(leaf)  HMAC-SHA256(part key, decoded bytes of the leaf).
 *
 * Leaves are the parts that are neither a multipart nor a message/rfc822, in the order of the mail.
 * Decoded means: base64 with characters outside the alphabet skipped and each padding ending a
 * quad; quoted-printable with "=" that begins neither a hex pair nor a soft line break left as it
 * is; uuencode; all else as it stands. In leaves of type text/, and in all that are not base64 or
 * uuencode, every CRLF and every lone CR is then one LF, and line ends at the very end are
 * dropped, because transport changes them. A file of no bytes has no leaves; a mail without
 * structure has one, its body. Parts are found within MAIL_LIMITS_DEFAULT, and a field value
 * counts up to 256 KiB.
 */
#include "app/mail/mail_priv.h"

#include <inttypes.h>

static void add_u64(struct hmac *hmac, uint64_t n)
{
	unsigned char b[8];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (unsigned char)(n >> (8 * i));
	hmac_add(hmac, b, sizeof(b));
}

static void add_field(struct hmac *hmac, struct view v)
{
	add_u64(hmac, v.len);
	hmac_add(hmac, v.data, v.len);
}

static void add_folded(struct hmac *hmac, struct view v)
{
	CLEAN_STR s = STR_INIT;

	v = view_trim(v);
	for (size_t i = 0; i < v.len; i++) {
		bool blank = g_ascii_isspace(v.data[i]);

		if (!blank || !g_ascii_isspace(v.data[i - 1]))
			str_addc(&s, blank ? ' ' : v.data[i]);
	}
	add_field(hmac, str_view(&s));
}

static void add_date(struct hmac *hmac, const struct mail *mail)
{
	CLEAN_STR s = STR_INIT;

	if (mail->has_date)
		str_addf(&s, "%" PRId64, mail->date_s);
	add_field(hmac, str_view(&s));
}

static struct view without_final_line_ends(struct view v)
{
	while (v.len > 0 && (v.data[v.len - 1] == '\n' || v.data[v.len - 1] == '\r'))
		v.len--;
	return v;
}

/* Hash V with every CRLF and CR as LF; what lies between two CRs is added as it stands. */
static struct hash hash_text(struct hmac *parts, struct view v)
{
	const char *cr;

	v = without_final_line_ends(v);
	while (v.len > 0 && (cr = memchr(v.data, '\r', v.len)) != NULL) {
		size_t before = (size_t)(cr - v.data), taken = before + 1;

		hmac_add(parts, v.data, before);
		if (taken == v.len || v.data[taken] != '\n')
			hmac_add(parts, "\n", 1);
		v = (struct view){v.data + taken, v.len - taken};
	}
	hmac_add(parts, v.data, v.len);
	return hmac_end(parts);
}

static bool is_known(const struct hash *hash)
{
	static const struct hash unknown;

	return memcmp(hash, &unknown, sizeof(unknown)) != 0;
}

static bool has_lines(const struct leaf *leaf)
{
	return view_starts(leaf->type, "text/") ||
	       (leaf->encoding != LEAF_BASE64 && leaf->encoding != LEAF_UU);
}

static struct hash hash_leaf(struct hmac *parts, const struct mail *mail, const struct leaf *leaf)
{
	struct view bytes = {mail->raw.data + leaf->start, leaf->end - leaf->start};
	CLEAN_STR decoded = STR_INIT;

	if (leaf->encoding != LEAF_PLAIN) {
		mail_leaf_decode(mail, leaf, SIZE_MAX, &decoded);
		bytes = str_view(&decoded);
	}
	return has_lines(leaf) ? hash_text(parts, bytes) : hmac_once(parts, bytes.data, bytes.len);
}

struct hash mail_content_hash(const struct mail *mail, struct hmac *content, struct hmac *parts,
			      const struct hash *leaf_hash)
{
	static const char label[] = "sealpost content v1";

	hmac_add(content, label, sizeof(label));
	add_field(content, mail->message_id);
	add_folded(content, mail->from_text);
	add_date(content, mail);
	add_folded(content, mail->subject);
	add_u64(content, mail->leaves.n);
	for (size_t i = 0; i < mail->leaves.n; i++) {
		const struct leaf *leaf = &mail->leaves.v[i];
		struct hash hash;

		/* What the caller knows is the hash of the bytes, not of normalised text. */
		if (!has_lines(leaf) && leaf_hash != NULL && is_known(&leaf_hash[i]))
			hash = leaf_hash[i];
		else
			hash = hash_leaf(parts, mail, leaf);
		hmac_add(content, hash.b, sizeof(hash.b));
	}
	return hmac_end(content);
}

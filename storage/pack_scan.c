/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walking through a pack, and finding the thread again where it is damaged.
 *
 * Where no record opens, the walk tries each following place that bears a record's magic, and only
 * authentication decides. The claimed length of the lost record is not trusted to lead past it: it
 * may be what is damaged, and would hide the records that it reaches over.
 */
#include "storage/pack_priv.h"

enum { WINDOW_BYTES = 1024 * 1024 };

struct pack_scan {
	struct pack_reader *reader;
	uint64_t pos; /* of the next record */
	uint64_t end; /* of the pack, when the walk began */
	bool whole;   /* it began at the first record: a seal's count and hash can be checked */
	bool sealed;
	uint64_t records;
	struct sha256 *tags;
	uint64_t guesses; /* bytes left to open in vain: forged magics cost linear time */
	uint64_t window_at;
	struct str window; /* the bytes of the pack from window_at on */
	struct str opened; /* the encoded payload of the record opened last */
};

int pack_scan_begin(struct pack_reader *reader, uint64_t from, struct pack_scan **scan_r,
		    struct err *err)
{
	struct pack_scan *s;
	uint64_t end;

	if (medium_size(reader->medium, reader->name, &end, err) < 0)
		return -1;
	reader->size = end;
	if (from < reader->first)
		from = reader->first;
	if (from > end) {
		reader_damaged(reader, end, "the pack ends here", err);
		return -1;
	}
	s = mem_new(sizeof(*s));
	s->reader = reader;
	s->pos = from;
	s->end = end;
	s->whole = from == reader->first;
	s->guesses = 2 * end;
	s->tags = sha256_new();
	str_init(&s->window);
	str_init(&s->opened);
	*scan_r = s;
	return 0;
}

void pack_scan_free(struct pack_scan **scan)
{
	struct pack_scan *s = TAKE(*scan);

	if (s == NULL)
		return;
	sha256_free(&s->tags);
	str_clear(&s->window);
	str_clear(&s->opened);
	free(s);
}

bool pack_scan_sealed(const struct pack_scan *scan)
{
	return scan->sealed;
}

uint64_t scan_take_counts(struct pack_scan *scan, struct sha256 **tags_r)
{
	*tags_r = TAKE(scan->tags);
	return scan->records;
}

/* Move the window to AT, keep what it holds from there on, and fill it up. */
static int window_move(struct pack_scan *s, uint64_t at, size_t len, struct err *err)
{
	struct str *w = &s->window;
	size_t keep = 0, got;

	if (at >= s->window_at && at < s->window_at + w->len) {
		keep = (size_t)(s->window_at + w->len - at);
		memmove(w->data, w->data + w->len - keep, keep);
	}
	w->len = keep;
	s->window_at = at;
	if (len < WINDOW_BYTES)
		len = s->end - at < WINDOW_BYTES ? (size_t)(s->end - at) : WINDOW_BYTES;
	str_reserve(w, len - keep);
	if (medium_read(s->reader->medium, s->reader->name, at + keep, w->data + keep, len - keep,
			&got, err) < 0)
		return -1;
	if (got < len - keep)
		return err_set(err, ERR_IO, "medium %s: %s: %zu bytes read instead of %zu",
			       medium_location(s->reader->medium), s->reader->name, got,
			       len - keep);
	w->len = len;
	return 0;
}

/* At least LEN bytes of the pack at AT, which are there, and what lies ready behind them. */
static int look(struct pack_scan *s, uint64_t at, uint64_t len, struct view *v_r, struct err *err)
{
	must(len <= s->end - at);
	if ((at < s->window_at || at + len > s->window_at + s->window.len) &&
	    window_move(s, at, (size_t)len, err) < 0)
		return -1;
	v_r->data = s->window.data + (at - s->window_at);
	v_r->len = (size_t)(s->window_at + s->window.len - at);
	return 0;
}

/* 1 if AT bears the clear part of a record that fits into the pack. */
static int claims(struct pack_scan *s, uint64_t at, struct clear *clear_r, struct err *err)
{
	struct view v;

	if (s->end - at < OVERHEAD_BYTES)
		return 0;
	if (look(s, at, CLEAR_BYTES, &v, err) < 0)
		return -1;
	return clear_read(v, clear_r) == 0 && clear_r->len <= s->end - at - OVERHEAD_BYTES;
}

static int opens(struct pack_scan *s, uint64_t at, const struct clear *clear, struct err *err)
{
	size_t len = OVERHEAD_BYTES + (size_t)clear->len;
	struct view whole;

	if (look(s, at, len, &whole, err) < 0)
		return -1;
	str_reset(&s->opened);
	str_reserve(&s->opened, clear->len);
	whole.len = len;
	if (!reader_opens(s->reader, at, whole, s->opened.data))
		return 0;
	s->opened.len = clear->len;
	return 1;
}

/* 1 if the pack ends, or another record's magic stands, where this one ends: then a walk that wants
 * no payload need not open it. */
static int is_followed(struct pack_scan *s, uint64_t at, const struct clear *clear, struct err *err)
{
	uint64_t next = at + OVERHEAD_BYTES + clear->len;
	struct view v;

	if (next == s->end)
		return 1;
	if (s->end - next < MAGIC_BYTES)
		return 0;
	/* From the tag on: take() wants that too, and does not want to go back for it. */
	if (look(s, next - TAG_BYTES, TAG_BYTES + MAGIC_BYTES, &v, err) < 0)
		return -1;
	return memcmp(v.data + TAG_BYTES, record_magic, MAGIC_BYTES) == 0;
}

/* 1 if a record stands at the walk's place. A seal is always opened. */
static int stands(struct pack_scan *s, bool skip, struct clear *clear_r, struct err *err)
{
	int rc = claims(s, s->pos, clear_r, err);

	if (rc != 1)
		return rc;
	if (skip && clear_r->type != RECORD_SEAL)
		rc = is_followed(s, s->pos, clear_r, err);
	else
		rc = 0;
	return rc != 0 ? rc : opens(s, s->pos, clear_r, err);
}

static bool seal_fits(struct pack_scan *s)
{
	struct hash tags = sha256_end(s->tags);
	struct seal seal;

	if (seal_read(str_view(&s->opened), &seal) < 0 || seal.size != s->pos)
		return false;
	return !s->whole || (seal.records == s->records && hash_eq(&seal.tags, &tags));
}

/* Decode the record that was opened last. What opens and does not decode is damage as well: its
 * dictionary is. */
static int decode(struct pack_scan *s, const struct record *record, struct str *payload,
		  struct err *err)
{
	if (record->type == RECORD_DICTIONARY && record->encoding == ENCODING_RAW)
		reader_learn(s->reader, str_view(&s->opened));
	if (reader_decode(s->reader, record, str_view(&s->opened), payload, err) == 0)
		return SCAN_RECORD;
	return err->kind == ERR_DAMAGED ? SCAN_DAMAGED : -1;
}

/* Count the record at the walk's place in, and go on behind it. */
static int take(struct pack_scan *s, const struct clear *clear, struct record *record_r,
		struct str *payload, struct err *err)
{
	int rc = SCAN_RECORD;
	struct view tag;

	*record_r = clear_record(clear, s->pos);
	if (look(s, s->pos + record_r->len - TAG_BYTES, TAG_BYTES, &tag, err) < 0)
		return -1;
	if (payload != NULL)
		rc = decode(s, record_r, payload, err);
	if (rc < 0)
		return -1;
	if (record_r->type == RECORD_SEAL) {
		s->sealed = seal_fits(s);
		if (!s->sealed)
			rc = SCAN_DAMAGED;
	}
	sha256_add(s->tags, tag.data, TAG_BYTES);
	s->records++;
	s->pos += record_r->len;
	return rc;
}

/* Try whether a record opens at AT, as long as the allowance for guesses lasts. */
static int guess(struct pack_scan *s, uint64_t at, struct err *err)
{
	struct clear clear = {0};
	int rc = claims(s, at, &clear, err);
	uint64_t cost = OVERHEAD_BYTES + (uint64_t)clear.len;

	if (rc != 1 || cost > s->guesses)
		return rc < 0 ? -1 : 0;
	s->guesses -= cost;
	return opens(s, at, &clear, err);
}

/* Find the next place behind the walk's that bears a record which opens: 1, or 0 if none does. */
static int find_next(struct pack_scan *s, uint64_t *next_r, struct err *err)
{
	uint64_t at = s->pos + 1;

	while (at < s->end && s->end - at >= OVERHEAD_BYTES) {
		const char *hit;
		struct view v;
		int rc;

		if (look(s, at, MAGIC_BYTES, &v, err) < 0)
			return -1;
		hit = memmem(v.data, v.len, record_magic, MAGIC_BYTES);
		if (hit == NULL) {
			at += v.len - MAGIC_BYTES + 1;
			continue;
		}
		at += (size_t)(hit - v.data);
		rc = guess(s, at, err);
		*next_r = at++;
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Did a writer that was stopped leave these bytes, the last of the pack? A beginning of a record
 * then, or zeros, which a file system may show where it had made the file longer but not yet
 * written to it. */
static bool looks_torn(struct view tail, uint64_t len)
{
	static const char zeros[CLEAR_BYTES];
	struct clear clear;
	size_t n = len < MAGIC_BYTES ? (size_t)len : MAGIC_BYTES;

	if (memcmp(tail.data, zeros, tail.len) == 0)
		return true;
	if (memcmp(tail.data, record_magic, n) != 0)
		return false;
	if (tail.len < CLEAR_BYTES)
		return true;
	return clear_read(tail, &clear) == 0 && OVERHEAD_BYTES + (uint64_t)clear.len > len;
}

/* What the clear part says, though it may be what is damaged. */
static struct record hint_of(struct view head)
{
	struct record hint = {.type = (enum record_type)0};

	if (head.len == CLEAR_BYTES) {
		hint.type = (enum record_type)(unsigned char)head.data[MAGIC_BYTES + 4];
		memcpy(hint.id.b, head.data + MAGIC_BYTES + 8, UUID_BYTES);
	}
	return hint;
}

/* No record stands at the walk's place, or it is behind the seal: tell how far that goes. */
static int skip_lost(struct pack_scan *s, struct record *record_r, struct err *err)
{
	uint64_t next = s->end, len = s->end - s->pos;
	struct view head;
	int found = 0;
	bool torn;

	if (look(s, s->pos, len < CLEAR_BYTES ? len : CLEAR_BYTES, &head, err) < 0)
		return -1;
	head.len = len < CLEAR_BYTES ? (size_t)len : CLEAR_BYTES;
	torn = !s->sealed && looks_torn(head, len);
	*record_r = hint_of(head);
	if (!s->sealed)
		found = find_next(s, &next, err);
	if (found < 0)
		return -1;
	if (found == 0)
		next = s->end;
	record_r->offset = s->pos;
	record_r->len = next - s->pos;
	s->pos = next;
	return torn && found == 0 ? SCAN_TORN : SCAN_DAMAGED;
}

int pack_scan_next(struct pack_scan *s, struct record *record_r, struct str *payload,
		   struct err *err)
{
	struct clear clear;
	int rc;

	if (s->pos == s->end)
		return SCAN_END;
	if (s->sealed)
		return skip_lost(s, record_r, err);
	rc = stands(s, payload == NULL, &clear, err);
	if (rc < 0)
		return -1;
	return rc == 1 ? take(s, &clear, record_r, payload, err) : skip_lost(s, record_r, err);
}

int pack_check(struct pack_reader *reader, uint64_t length, struct err *err)
{
	CLEAN(pack_scan) scan = NULL;
	CLEAN_STR payload = STR_INIT;
	struct record record = {0};
	int rc;

	if (pack_scan_begin(reader, 0, &scan, err) < 0)
		return -1;
	if (scan->end != length)
		return reader_damaged(reader, scan->end, "the pack has another length", err);
	do {
		str_reset(&payload);
		rc = pack_scan_next(scan, &record, &payload, err);
	} while (rc == SCAN_RECORD);
	if (rc < 0)
		return -1;
	if (rc != SCAN_END)
		return reader_damaged(reader, record.offset, "no record opens here", err);
	return scan->sealed ? 0 : reader_damaged(reader, length, "there is no true seal", err);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/take.h"

#include "app/archive/archive_priv.h"
#include "app/archive/catch_up.h"
#include "base/file.h"
#include "base/log.h"

#include <unistd.h>

enum {
	INDEX_COMMIT_MAILS =
		10000, /* one index commit for so many mails: see docs/PERFORMANCE.md */
	SAME_MSGID_MAX = 64
};

struct taker {
	struct archive *a;
	struct pack_writer *pack;   /* NULL: none begun yet */
	struct preparer *preparer;  /* for parts that a worker left to us */
	struct index_writer *index; /* NULL: without, at rest, or another process writes it */
	bool at_rest;               /* the index was given up by taker_rest() */
	size_t index_waits;         /* mails put and not committed */
	bool dead;
};

const char *outcome_text(enum outcome outcome)
{
	static const char *const texts[] = {"archived", "duplicate", "ignored", "failed"};

	return texts[outcome];
}

static void open_index(struct taker *t)
{
	struct err err = {0};

	if (index_writer_open(t->a, &t->index, &err) < 0)
		log_error("index not written, \"sealpost index update\" makes it good: %s",
			  err.text);
}

struct taker *taker_new(struct archive *a, bool with_index)
{
	struct taker *t = mem_new(sizeof(*t));
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;

	t->a = a;
	t->preparer = preparer_new(archive_keys(a), NULL, NULL, &limits);
	if (with_index)
		open_index(t);
	return t;
}

void taker_free(struct taker **taker)
{
	struct taker *t = *taker;

	if (t == NULL)
		return;
	archive_drop_pack(t->a, &t->pack);
	index_writer_free(&t->index);
	preparer_free(&t->preparer);
	free(t);
	*taker = NULL;
}

struct mail_row take_row(const struct facts *facts, const struct mail *mail)
{
	struct mail_row row = {
		.msgid = mails_msgid_hash(mail->message_id),
		.sent_s = mail->has_date              ? mail->date_s
			  : facts->source_time_s != 0 ? facts->source_time_s
						      : facts->seen_ms / 1000,
		.attachments = mail->attachments,
		.way = facts->way,
		.seen_ms = facts->seen_ms,
		.place = facts->place,
		.flags = facts->flags,
		.subject = mail->subject,
		.sender = mail->from_text,
	};

	if (mail->attachments > 0)
		row.marks |= MARK_ATTACHMENT;
	if (mail->marked_spam)
		row.marks |= MARK_SPAM;
	return row;
}

static int add_recipient(struct catalog *catalog, uint64_t mail, unsigned role, struct view addr,
			 size_t *new_r, struct err *err)
{
	uint64_t id;
	int rc;

	if (address_id(catalog, addr, true, &id, err) < 0)
		return -1;
	rc = recipients_add(catalog, mail, role, id, err);
	if (rc > 0)
		++*new_r;
	return rc < 0 ? -1 : 0;
}

int take_recipients(struct catalog *catalog, uint64_t mail, const struct mail *parsed,
		    const struct facts *facts, size_t *new_r, struct err *err)
{
	*new_r = 0;
	for (size_t i = 0; i < parsed->addresses.n; i++) {
		const struct address *a = &parsed->addresses.v[i];

		if (add_recipient(catalog, mail, a->role, a->addr, new_r, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < facts->recipients.n; i++)
		if (add_recipient(catalog, mail, ROLE_ENVELOPE, facts->recipients.v[i], new_r,
				  err) < 0)
			return -1;
	return 0;
}

static int flag_mail(struct catalog *catalog, uint64_t mail, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct mail_row row;
	int rc = mails_get(catalog, arena, mail, &row, err);

	if (rc <= 0 || (row.marks & MARK_FLAGGED) != 0)
		return rc < 0 ? -1 : 0;
	if (mails_set_marks(catalog, mail, row.marks | MARK_FLAGGED, err) < 0)
		return -1;
	return todo_add(catalog, mail, err);
}

int take_flag_conflicts(struct catalog *catalog, struct mail_row *row, struct err *err)
{
	uint64_t others[SAME_MSGID_MAX];
	int n;

	if (row->msgid == 0)
		return 0;
	n = mails_by_msgid(catalog, row->msgid, others, SAME_MSGID_MAX, err);
	for (int i = 0; i < n && i < SAME_MSGID_MAX; i++) {
		if (others[i] == row->mail)
			continue;
		row->marks |= MARK_FLAGGED;
		if (flag_mail(catalog, others[i], err) < 0)
			return -1;
	}
	return n < 0 ? -1 : 0;
}

/* Is MAIL known with this very sighting? An envelope that names someone new makes it another one. */
static int is_known(struct catalog *catalog, uint64_t mail, const struct prepared *m,
		    uint64_t source, struct err *err)
{
	const struct facts *facts = &m->facts;
	int rc = sightings_known(catalog, mail, &m->record.exact, facts->way, source, err);

	for (size_t i = 0; rc > 0 && i < facts->recipients.n; i++) {
		uint64_t address;

		rc = address_id(catalog, facts->recipients.v[i], false, &address, err);
		if (rc > 0)
			rc = recipients_known(catalog, mail, address, err);
	}
	return rc;
}

/* Does this mail need a record? */
static int needs_record(struct taker *t, const struct prepared *m, struct err *err)
{
	struct catalog *catalog = archive_catalog(t->a);
	uint64_t mail, source;
	int rc;

	if (m->err.kind != ERR_NONE)
		return 0;
	rc = mails_by_exact(catalog, &m->record.exact, &mail, err);
	if (rc > 0)
		rc = source_id(catalog, m->facts.source, false, &source, err);
	if (rc > 0)
		rc = is_known(catalog, mail, m, source, err);
	return rc < 0 ? -1 : !rc;
}

/* A pack for the batch, if it needs one: a run that only meets what is known leaves no pack behind. */
static int open_pack(struct taker *t, struct prepared **mails, size_t n, struct err *err)
{
	int rc = 0;

	if (t->pack != NULL)
		return 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = needs_record(t, mails[i], err);
	return rc > 0 ? archive_begin_pack(t->a, NULL, 0, &t->pack, err) : rc;
}

static int append(struct taker *t, enum record_type type, const struct uuid *id,
		  enum encoding encoding, struct view payload, struct place *place_r,
		  struct err *err)
{
	struct record record;

	if (t->pack == NULL) /* all of the batch was known a moment ago */
		return err_set(err, ERR_BUSY, "the archive changed meanwhile");
	if (pack_append(t->pack, type, id, encoding, payload, &record, err) < 0)
		return -1;
	*place_r = (struct place){pack_writer_number(t->pack), record.offset, record.len};
	return 0;
}

/* The part as the catalog knows it, appended to the pack if it is new. */
static int keep_part(struct taker *t, struct prepared *m, size_t i, struct part_row *row,
		     struct err *err)
{
	struct catalog *catalog = archive_catalog(t->a);
	struct prepared_part part;
	struct uuid id = uuid_new();
	struct place place;
	int rc = parts_find(catalog, &m->parts.v[i].hash, row, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	part = prepared_part(t->preparer, m, i);
	if (append(t, RECORD_PART, &id, part.encoding, part.payload, &place, err) < 0)
		return -1;
	*row = (struct part_row){.hash = part.hash,
				 .pack = place.pack,
				 .offset = place.offset,
				 .length = place.length,
				 .size = part.size};
	return parts_add(catalog, row, err);
}

static int keep_parts(struct taker *t, struct prepared *m, uint64_t *parts, struct err *err)
{
	for (size_t i = 0; i < m->parts.n; i++) {
		struct part_row row;

		if (keep_part(t, m, i, &row, err) < 0)
			return -1;
		parts[i] = row.part;
	}
	return 0;
}

/* A mail whose record names a dictionary that this pack lacks would break (P5). */
static int need_dictionary(struct taker *t, const struct prepared *m, struct err *err)
{
	if (m->encoding != ENCODING_ZSTD_DICT)
		return 0;
	return pack_append_dictionary(t->pack, archive_dictionary(t->a), err);
}

static int take_new(struct taker *t, struct prepared *m, struct taken *taken, struct err *err)
{
	struct catalog *catalog = archive_catalog(t->a);
	struct mail_row row = take_row(&m->facts, &m->mail);
	uint64_t *parts = arena_get(m->arena, (m->parts.n + 1) * sizeof(*parts));
	size_t n_new;

	row.id = uuid_new();
	row.exact = m->record.exact;
	row.content = m->record.content;
	row.size = m->raw.len;
	if (keep_parts(t, m, parts, err) < 0 || need_dictionary(t, m, err) < 0 ||
	    append(t, RECORD_MAIL, &row.id, m->encoding, str_view(&m->payload), &row.record, err) <
		    0 ||
	    source_id(catalog, m->facts.source, true, &row.source, err) < 0 ||
	    take_flag_conflicts(catalog, &row, err) < 0 || mails_add(catalog, &row, err) < 0 ||
	    take_recipients(catalog, row.mail, &m->mail, &m->facts, &n_new, err) < 0)
		return -1;
	for (size_t i = 0; i < m->parts.n; i++)
		if (parts_use(catalog, row.mail, parts[i], err) < 0)
			return -1;
	taken->outcome = OUTCOME_ARCHIVED;
	taken->id = row.id;
	return t->index ? index_writer_put(t->index, &row, &m->mail, err) : 0;
}

static int append_provenance(struct taker *t, struct prepared *m, struct sighting_row *row,
			     const struct uuid *mail, struct err *err)
{
	struct provenance_record record = {.facts = m->facts,
					   .mail = *mail,
					   .exact = m->record.exact,
					   .size = m->raw.len,
					   .header = mail_header_block(str_view(&m->raw))};
	CLEAN_STR payload = STR_INIT;

	record_write_provenance(&payload, &record);
	str_addv(&payload, record.header);
	return append(t, RECORD_PROVENANCE, &row->id, ENCODING_RAW, str_view(&payload),
		      &row->record, err);
}

/* The same mail again: its recipients grow, and the sighting is kept, once for each way, source and
 * form of the bytes. */
static int take_again(struct taker *t, struct prepared *m, uint64_t mail, struct taken *taken,
		      struct err *err)
{
	struct catalog *catalog = archive_catalog(t->a);
	struct sighting_row row = {.id = uuid_new(),
				   .mail = mail,
				   .exact = m->record.exact,
				   .way = m->facts.way,
				   .seen_ms = m->facts.seen_ms,
				   .place = m->facts.place,
				   .flags = m->facts.flags};
	struct mail_row known;
	size_t n_new;
	int rc;

	taken->outcome = OUTCOME_DUPLICATE;
	if (mails_get(catalog, m->arena, mail, &known, err) < 0 ||
	    source_id(catalog, m->facts.source, true, &row.source, err) < 0)
		return -1;
	taken->id = known.id;
	rc = is_known(catalog, mail, m, row.source, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (append_provenance(t, m, &row, &known.id, err) < 0 ||
	    sightings_add(catalog, &row, err) < 0 ||
	    take_recipients(catalog, mail, &m->mail, &m->facts, &n_new, err) < 0)
		return -1;
	/* its sources and, it may be, its recipients have grown */
	return todo_add(catalog, mail, err);
}

static int take_one(struct taker *t, struct prepared *m, struct taken *taken, struct err *err)
{
	struct catalog *catalog = archive_catalog(t->a);
	uint64_t mail;
	int rc;

	if (m->err.kind != ERR_NONE) {
		taken->outcome = OUTCOME_FAILED;
		taken->err = m->err;
		return 0;
	}
	rc = mails_by_exact(catalog, &m->record.exact, &mail, err);
	if (rc == 0)
		rc = mails_by_content(catalog, &m->record.content, &mail, err);
	if (rc < 0)
		return -1;
	return rc ? take_again(t, m, mail, taken, err) : take_new(t, m, taken, err);
}

static int commit_batch(struct taker *t, struct err *err)
{
	struct catalog *catalog = archive_catalog(t->a);
	uint64_t size;

	if (t->pack != NULL) {
		if (pack_sync(t->pack, err) < 0)
			return -1;
		size = pack_writer_size(t->pack);
		if (packs_set(catalog, pack_writer_number(t->pack), PACK_OPEN, size, err) < 0)
			return -1;
	}
	return catalog_commit(catalog, err);
}

/* The begun pack comes before the transaction: its number is committed on its own (P1). */
static int try_batch(struct taker *t, struct prepared **mails, size_t n, struct taken *taken,
		     struct err *err)
{
	if (open_pack(t, mails, n, err) < 0 || catalog_begin(archive_catalog(t->a), err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		taken[i] = (struct taken){0};
		if (take_one(t, mails[i], &taken[i], err) < 0)
			return -1;
	}
	return commit_batch(t, err);
}

/* The batch is archived by now. What fails here does not undo that, and is made good later: the index
 * by index_catch_up(), the seal by the next opening. */
static void after_batch(struct taker *t, size_t n)
{
	struct err err = {0};

	t->index_waits += n;
	if (t->index != NULL && t->index_waits >= INDEX_COMMIT_MAILS) {
		t->index_waits = 0;
		if (index_writer_commit(t->index, &err) < 0) {
			log_error("index not written: %s", err.text);
			index_writer_free(&t->index);
		}
	}
	if (t->pack != NULL && pack_writer_size(t->pack) >= archive_settings(t->a)->pack_bytes &&
	    archive_seal_pack(t->a, &t->pack, &err) < 0)
		log_error("pack not sealed: %s", err.text);
}

int taker_batch(struct taker *t, struct prepared **mails, size_t n, struct taken *taken,
		struct err *err)
{
	must(!t->dead);
	if (t->at_rest)
		open_index(t);
	t->at_rest = false;
	if (try_batch(t, mails, n, taken, err) == 0) {
		after_batch(t, n);
		return 0;
	}
	catalog_rollback(archive_catalog(t->a));
	t->dead = true;
	return -1;
}

static int give_up_index(struct taker *t, struct err *err)
{
	int rc = t->index ? index_writer_commit(t->index, err) : 0;

	index_writer_free(&t->index);
	t->index_waits = 0;
	return rc;
}

int taker_rest(struct taker *t, struct err *err)
{
	CLEAN(index_writer) catching_up = NULL;

	if (give_up_index(t, err) < 0)
		return -1;
	t->at_rest = true;
	return index_writer_open(t->a, &catching_up, err);
}

int taker_finish(struct taker *t, struct err *err)
{
	/* the index first: its lock is what index_catch_up() needs */
	if (give_up_index(t, err) < 0)
		return -1;
	if (t->pack != NULL && archive_seal_pack(t->a, &t->pack, err) < 0)
		return -1;
	return index_catch_up(t->a, NULL, err);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/take.h"

#include "app/archive/archive_priv.h"
#include "app/archive/catch_up.h"
#include "app/archive/provenance.h"
#include "base/clock.h"
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
	const struct taker_hooks *hooks;
	bool lacks_pack; /* a record was to be written that open_pack() did not foresee */
	bool dead;
};

static const struct taker_hooks no_hooks;

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
	t->hooks = &no_hooks;
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

void taker_set_hooks(struct taker *t, const struct taker_hooks *hooks)
{
	t->hooks = hooks;
}

bool take_is_spam(const struct facts *facts, const struct mail *mail)
{
	bool before_filters = facts->way == WAY_MILTER || facts->way == WAY_LMTP;

	return facts->spam || (mail->marked_spam && !before_filters);
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
	if (take_is_spam(facts, mail))
		row.marks |= MARK_SPAM;
	return row;
}

/* The people of a mail, being added. */
struct people {
	struct catalog *catalog;
	uint64_t mail;
	const struct facts_list *hidden;
	size_t *n_new;
};

static bool is_listed(const struct facts_list *list, struct view addr)
{
	for (size_t i = 0; i < list->n; i++)
		if (view_eq(list->v[i], addr))
			return true;
	return false;
}

static int add_person(const struct people *p, unsigned role, struct view addr, struct err *err)
{
	uint64_t id;
	int rc;

	if (addr.len == 0 || is_listed(p->hidden, addr))
		return 0;
	if (address_id(p->catalog, addr, true, &id, err) < 0)
		return -1;
	rc = recipients_add(p->catalog, p->mail, role, id, err);
	if (rc > 0)
		++*p->n_new;
	return rc < 0 ? -1 : 0;
}

/* Of a journal report's two senders, Sender is who sent, On-Behalf-Of who is meant (RFC 5322, section
 * 3.6.2). On other ways the reverse-path may be anything: a mailing list's, made for one recipient. */
static int add_journal_senders(const struct people *p, const struct facts *facts, struct err *err)
{
	if (facts->way != WAY_JOURNAL)
		return 0;
	if (add_person(p, ROLE_SENDER, facts->reverse_path, err) < 0)
		return -1;
	return add_person(p, ROLE_FROM, facts->on_behalf_of, err);
}

int take_recipients(struct catalog *catalog, uint64_t mail, const struct mail *parsed,
		    const struct facts *facts, size_t *new_r, struct err *err)
{
	struct people p = {catalog, mail, &facts->hidden, new_r};

	*new_r = 0;
	for (size_t i = 0; i < parsed->addresses.n; i++) {
		const struct address *a = &parsed->addresses.v[i];

		if (add_person(&p, a->role, a->addr, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < facts->recipients.n; i++)
		if (add_person(&p, ROLE_ENVELOPE, facts->recipients.v[i], err) < 0)
			return -1;
	return add_journal_senders(&p, facts, err);
}

/* 1 it has the mark, 0 not, or there is no such mail. */
static int has_mark(struct catalog *catalog, uint64_t mail, enum index_mark mark, unsigned *marks_r,
		    struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct mail_row row = {0};
	int rc = mails_get(catalog, arena, mail, &row, err);

	*marks_r = row.marks;
	return rc < 0 ? -1 : (row.marks & mark) != 0;
}

static int add_mark(struct catalog *catalog, uint64_t mail, enum index_mark mark, struct err *err)
{
	unsigned marks;
	int rc = has_mark(catalog, mail, mark, &marks, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (mails_set_marks(catalog, mail, marks | mark, err) < 0)
		return -1;
	return todo_add(catalog, mail, err);
}

int take_mark_spam(struct catalog *catalog, uint64_t mail, struct err *err)
{
	return add_mark(catalog, mail, MARK_SPAM, err);
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
		if (add_mark(catalog, others[i], MARK_FLAGGED, err) < 0)
			return -1;
	}
	return n < 0 ? -1 : 0;
}

/* Several reports tell of one mail, each as it came; on other ways the same bytes from the same source
 * are the same sighting, wherever they stood there. */
static int is_sighted(struct catalog *catalog, uint64_t mail, const struct prepared *m,
		      uint64_t source, struct err *err)
{
	const struct view *place = m->facts.way == WAY_JOURNAL ? &m->facts.place : NULL;

	return sightings_known(catalog, mail, &m->record.exact, m->facts.way, source, place, err);
}

/* Is MAIL known with this very sighting? An envelope that names someone new makes it another one, and so
 * does a mark. */
static int is_known(struct catalog *catalog, uint64_t mail, const struct prepared *m,
		    uint64_t source, struct err *err)
{
	const struct facts *facts = &m->facts;
	int rc = is_sighted(catalog, mail, m, source, err);
	unsigned marks;

	for (size_t i = 0; rc > 0 && i < facts->recipients.n; i++) {
		uint64_t address;

		rc = address_id(catalog, facts->recipients.v[i], false, &address, err);
		if (rc > 0)
			rc = recipients_known(catalog, mail, address, err);
	}
	if (rc > 0 && take_is_spam(facts, &m->mail))
		rc = has_mark(catalog, mail, MARK_SPAM, &marks, err);
	return rc;
}

/* The mail that mail I of the batch is, or is another form of: 1, 0 none. */
static int find_same(struct taker *t, size_t i, const struct prepared *m, uint64_t *mail_r,
		     struct err *err)
{
	struct catalog *catalog = archive_catalog(t->a);
	int rc = 0;

	if (t->hooks->known_as != NULL)
		rc = t->hooks->known_as(t->hooks->arg, i, mail_r, err);
	if (rc == 0)
		rc = mails_by_exact(catalog, &m->record.exact, mail_r, err);
	if (rc == 0)
		rc = mails_by_content(catalog, &m->record.content, mail_r, err);
	return rc;
}

/* Does this mail need a record? */
static int needs_record(struct taker *t, size_t i, const struct prepared *m, struct err *err)
{
	uint64_t mail, source;
	int rc;

	if (m->err.kind != ERR_NONE)
		return 0;
	rc = find_same(t, i, m, &mail, err);
	if (rc > 0)
		rc = source_id(archive_catalog(t->a), m->facts.source, false, &source, err);
	if (rc > 0)
		rc = is_known(archive_catalog(t->a), mail, m, source, err);
	return rc < 0 ? -1 : !rc;
}

/* What fails is made good by the next opening. */
static void seal_pack(struct taker *t)
{
	struct err err = {0};

	if (archive_seal_pack(t->a, &t->pack, &err) < 0)
		log_error("pack not sealed: %s", err.text);
}

/* 1: the pack lies on the medium that is the active one now; 0. */
static int is_on_active(struct taker *t, struct err *err)
{
	struct catalog *catalog = archive_catalog(t->a);
	struct pack_row row;
	unsigned active;
	int rc = packs_get(catalog, pack_writer_number(t->pack), &row, err);

	if (rc > 0)
		rc = media_active(catalog, &active, err);
	return rc > 0 ? row.medium == active : rc;
}

/* A pack for the batch, if it needs one: a run that only meets what is known leaves no pack behind. */
static int open_pack(struct taker *t, struct prepared **mails, size_t n, struct err *err)
{
	int rc = t->pack != NULL ? is_on_active(t, err) : 0;

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (t->pack != NULL)
		seal_pack(t);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = needs_record(t, i, mails[i], err);
	return rc > 0 ? archive_begin_pack(t->a, NULL, 0, &t->pack, err) : rc;
}

static int append(struct taker *t, enum record_type type, const struct uuid *id,
		  enum encoding encoding, struct view payload, struct place *place_r,
		  struct err *err)
{
	struct record record;

	if (t->pack == NULL) { /* all of the batch was known a moment ago */
		t->lacks_pack = true;
		return err_set(err, ERR_BUSY, "the archive changed meanwhile");
	}
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
	if (provenance_wait(
		    t->a, row.mail,
		    &(struct provenance_of){.mail = row.id, .exact = row.exact, .size = row.size},
		    &m->facts, err) < 0)
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
	    take_recipients(catalog, mail, &m->mail, &m->facts, &n_new, err) < 0 ||
	    (take_is_spam(&m->facts, &m->mail) && take_mark_spam(catalog, mail, err) < 0) ||
	    provenance_wait(t->a, mail,
			    &(struct provenance_of){.mail = known.id,
						    .sighting = row.id,
						    .exact = row.exact,
						    .size = m->raw.len},
			    &m->facts, err) < 0)
		return -1;
	/* its sources and, it may be, its recipients have grown */
	return todo_add(catalog, mail, err);
}

static int take_one(struct taker *t, size_t i, struct prepared *m, struct taken *taken,
		    struct err *err)
{
	uint64_t mail;
	int rc;

	if (m->err.kind != ERR_NONE) {
		taken->outcome = OUTCOME_FAILED;
		taken->err = m->err;
		return 0;
	}
	rc = find_same(t, i, m, &mail, err);
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
		if (take_one(t, i, mails[i], &taken[i], err) < 0)
			return -1;
		if (t->hooks->took != NULL && t->hooks->took(t->hooks->arg, i, &taken[i], err) < 0)
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
	if (t->pack != NULL && pack_writer_size(t->pack) >= archive_settings(t->a)->pack_bytes)
		seal_pack(t);
}

/* With a pack, if that is what was missing. Nothing of the first try is left but what the catalog has undone:
 * without a pack there were no records. */
static int try_again(struct taker *t, struct prepared **mails, size_t n, struct taken *taken,
		     struct err *err)
{
	if (!t->lacks_pack)
		return -1;
	t->lacks_pack = false;
	catalog_rollback(archive_catalog(t->a));
	err_clear(err);
	if (archive_begin_pack(t->a, NULL, 0, &t->pack, err) < 0)
		return -1;
	return try_batch(t, mails, n, taken, err);
}

static enum counted counted_as(enum outcome outcome)
{
	return outcome == OUTCOME_ARCHIVED    ? COUNTED_archived
	       : outcome == OUTCOME_DUPLICATE ? COUNTED_duplicate
					      : COUNTED_failed;
}

/* For monitoring. Of an import, how long it waited for its reader says nothing. */
static void count(struct taker *t, struct prepared **mails, size_t n, const struct taken *taken)
{
	struct counters *counters = archive_counters(t->a);
	int64_t now_ms = clock_ms();

	for (size_t i = 0; i < n; i++) {
		const struct facts *facts = &mails[i]->facts;

		counters_add_taken(counters, facts->way, counted_as(taken[i].outcome));
		if (facts->way != WAY_IMPORT && taken[i].outcome == OUTCOME_ARCHIVED)
			counters_add_time(counters, TIMING_archive_latency,
					  (now_ms - facts->seen_ms) * 1000);
	}
	counters_flush(counters);
}

int taker_batch(struct taker *t, struct prepared **mails, size_t n, struct taken *taken,
		struct err *err)
{
	must(!t->dead);
	if (t->at_rest)
		open_index(t);
	t->at_rest = false;
	if (try_batch(t, mails, n, taken, err) < 0 && try_again(t, mails, n, taken, err) < 0) {
		catalog_rollback(archive_catalog(t->a));
		t->dead = true;
		return -1;
	}
	count(t, mails, n, taken);
	after_batch(t, n);
	return 0;
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
	return index_catch_up_soon(t->a, err);
}

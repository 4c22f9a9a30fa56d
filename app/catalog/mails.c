/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/mails.h"

#define MAIL_COLUMNS                                                                               \
	"m.mail, m.id, m.exact, m.content, m.msgid, m.pack, m.offset, m.length, m.size, "          \
	"m.sent_s, m.marks, m.attachments, m.state, m.way, m.source, m.seen_ms, m.place, "         \
	"m.flags, m.subject, m.sender"

const char *way_text(enum way way)
{
	static const char *const texts[] = {
		[WAY_IMPORT] = "import", [WAY_MILTER] = "milter", [WAY_SMTP] = "smtp",
		[WAY_LMTP] = "lmtp",     [WAY_FETCH] = "fetch",   [WAY_JOURNAL] = "journal",
		[WAY_UPLOAD] = "upload",
	};

	return way >= WAY_IMPORT && way <= WAY_UPLOAD ? texts[way] : "unknown";
}

uint64_t mails_msgid_hash(struct view message_id)
{
	struct hash hash;
	uint64_t n;

	if (message_id.len == 0)
		return 0;
	hash = crypto_sha256(message_id.data, message_id.len);
	memcpy(&n, hash.b, sizeof(n));
	return n ? n : 1;
}

int mails_add(struct catalog *catalog, struct mail_row *row, struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (db_run(db, err,
		   "INSERT INTO mails (id, exact, content, msgid, pack, offset, length, size, "
		   "sent_s, marks, attachments, state, way, source, seen_ms, place, flags, "
		   "subject, "
		   "sender) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "
		   "?15, ?16, ?17, ?18, ?19)",
		   BIND_UUID(&row->id), BIND_HASH(&row->exact), BIND_HASH(&row->content),
		   row->msgid ? BIND_INT(row->msgid) : BIND_NULL, BIND_INT(row->record.pack),
		   BIND_INT(row->record.offset), BIND_INT(row->record.length), BIND_INT(row->size),
		   BIND_INT(row->sent_s), BIND_INT(row->marks), BIND_INT(row->attachments),
		   BIND_INT(row->state), BIND_INT(row->way), BIND_INT(row->source),
		   BIND_INT(row->seen_ms), BIND_TEXT(row->place), BIND_TEXT(row->flags),
		   BIND_TEXT(row->subject), BIND_TEXT(row->sender)) < 0)
		return -1;
	row->mail = (uint64_t)db_last_rowid(db);
	return 0;
}

int mails_describe(struct catalog *catalog, const struct mail_row *row, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE mails SET msgid = ?2, sent_s = ?3, marks = ?4, attachments = ?5, "
		      "subject = ?6, sender = ?7 WHERE mail = ?1",
		      BIND_INT(row->mail), row->msgid ? BIND_INT(row->msgid) : BIND_NULL,
		      BIND_INT(row->sent_s), BIND_INT(row->marks), BIND_INT(row->attachments),
		      BIND_TEXT(row->subject), BIND_TEXT(row->sender));
}

int mails_set_marks(struct catalog *catalog, uint64_t mail, unsigned marks, struct err *err)
{
	return db_run(catalog_db(catalog), err, "UPDATE mails SET marks = ?2 WHERE mail = ?1",
		      BIND_INT(mail), BIND_INT(marks));
}

int mails_set_state(struct catalog *catalog, uint64_t mail, enum mail_state state, struct err *err)
{
	return db_run(catalog_db(catalog), err, "UPDATE mails SET state = ?2 WHERE mail = ?1",
		      BIND_INT(mail), BIND_INT(state));
}

int mails_any_deleted(struct catalog *catalog, struct err *err)
{
	CLEAN_STMT q = NULL;

	return db_find(catalog_db(catalog), &q, err,
		       "SELECT 1 FROM mails WHERE state > 0 AND state = ?1",
		       BIND_INT(MAIL_DELETED));
}

int mails_any_to_index(struct catalog *catalog, uint64_t after, struct err *err)
{
	CLEAN_STMT q = NULL;

	return db_find(catalog_db(catalog), &q, err,
		       "SELECT 1 FROM mails WHERE mail > ?1 AND state <> ?2 "
		       "UNION ALL SELECT 1 FROM index_todo LIMIT 1",
		       BIND_INT(after), BIND_INT(MAIL_UNINDEXED));
}

int mails_after(struct catalog *catalog, uint64_t after, uint64_t most, uint64_t *mails_r,
		struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT count(*) FROM (SELECT 1 FROM mails WHERE mail > ?1 AND state <> "
			 "?2 LIMIT ?3)",
			 BIND_INT(after), BIND_INT(MAIL_UNINDEXED), BIND_INT(most));

	if (rc > 0)
		*mails_r = (uint64_t)stmt_int(q, 0);
	return rc < 0 ? -1 : 0;
}

int mails_to_index(struct catalog *catalog, uint64_t after, uint64_t *mails_r, int64_t *oldest_ms_r,
		   struct err *err)
{
	CLEAN_STMT q = NULL;
	struct uuid first;
	int rc = db_find(
		catalog_db(catalog), &q, err,
		"SELECT (SELECT count(*) FROM mails) - (SELECT count(*) FROM mails WHERE "
		"state > 0 AND state = ?2), "
		"(SELECT id FROM mails WHERE mail > ?1 AND state <> ?2 ORDER BY mail LIMIT 1)",
		BIND_INT(after), BIND_INT(MAIL_UNINDEXED));

	if (rc < 0)
		return -1;
	*mails_r = (uint64_t)stmt_int(q, 0);
	*oldest_ms_r = 0;
	if (stmt_blob(q, 1).len == UUID_BYTES) {
		memcpy(first.b, stmt_blob(q, 1).data, UUID_BYTES);
		*oldest_ms_r = uuid_ms(&first);
	}
	return 0;
}

int mails_move(struct catalog *catalog, uint64_t mail, const struct place *to, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE mails SET pack = ?2, offset = ?3, length = ?4 WHERE mail = ?1",
		      BIND_INT(mail), BIND_INT(to->pack), BIND_INT(to->offset),
		      BIND_INT(to->length));
}

int mails_erase(struct catalog *catalog, uint64_t mail, int64_t now_s, uint64_t request,
		struct err *err)
{
	static const char *const last_of_it[] = {
		"UPDATE packs SET erased = erased + (SELECT sum(length) FROM sightings s "
		"WHERE s.mail = ?1 AND s.pack = packs.pack) "
		"WHERE pack IN (SELECT pack FROM sightings WHERE mail = ?1)",
		"DELETE FROM mail_parts WHERE mail = ?1",
		"DELETE FROM recipients WHERE mail = ?1",
		"DELETE FROM sightings WHERE mail = ?1",
		"DELETE FROM index_todo WHERE mail = ?1",
		"DELETE FROM notes WHERE mail = ?1",
		"DELETE FROM to_stamp WHERE mail = ?1",
		"DELETE FROM deletions WHERE mail = ?1",
		"DELETE FROM request_mails WHERE mail = ?1",
		"DELETE FROM hold_mails WHERE mail = ?1",
		"DELETE FROM mails WHERE mail = ?1",
	};
	struct db *db = catalog_db(catalog);

	if (db_run(db, err,
		   "INSERT INTO erased SELECT id, ?2, mail, "
		   "coalesce(nullif(?3, 0), (SELECT request FROM deletions d WHERE d.mail = "
		   "m.mail), 0) "
		   "FROM mails m WHERE mail = ?1 ON CONFLICT DO NOTHING",
		   BIND_INT(mail), BIND_INT(now_s), BIND_INT(request)) < 0 ||
	    db_run(db, err,
		   "UPDATE packs SET erased = erased + (SELECT length FROM mails WHERE mail = ?1) "
		   "WHERE pack = (SELECT pack FROM mails WHERE mail = ?1)",
		   BIND_INT(mail)) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(last_of_it) / sizeof(*last_of_it); i++)
		if (db_run(db, err, last_of_it[i], BIND_INT(mail)) < 0)
			return -1;
	return 0;
}

static void blob_to(struct view blob, void *out, size_t len)
{
	memset(out, 0, len);
	memcpy(out, blob.data, blob.len < len ? blob.len : len);
}

/* The row under Q; its texts are valid until the next step. */
static struct mail_row mail_of(struct stmt *q)
{
	struct mail_row row = {
		.mail = (uint64_t)stmt_int(q, 0),
		.msgid = (uint64_t)stmt_int(q, 4),
		.record = {(uint64_t)stmt_int(q, 5), (uint64_t)stmt_int(q, 6),
			   (uint64_t)stmt_int(q, 7)},
		.size = (uint64_t)stmt_int(q, 8),
		.sent_s = stmt_int(q, 9),
		.marks = (unsigned)stmt_int(q, 10),
		.attachments = (unsigned)stmt_int(q, 11),
		.state = (enum mail_state)stmt_int(q, 12),
		.way = (enum way)stmt_int(q, 13),
		.source = (uint64_t)stmt_int(q, 14),
		.seen_ms = stmt_int(q, 15),
		.place = stmt_text(q, 16),
		.flags = stmt_text(q, 17),
		.subject = stmt_text(q, 18),
		.sender = stmt_text(q, 19),
	};

	blob_to(stmt_blob(q, 1), row.id.b, UUID_BYTES);
	blob_to(stmt_blob(q, 2), row.exact.b, HASH_BYTES);
	blob_to(stmt_blob(q, 3), row.content.b, HASH_BYTES);
	return row;
}

static int each_mail(struct stmt *q, int rc, mails_fn *fn, void *arg, struct err *err)
{
	for (; rc > 0; rc = stmt_step(q, err)) {
		struct mail_row row = mail_of(q);

		if (fn(arg, &row, err) < 0)
			return -1;
	}
	return rc;
}

int mails_get(struct catalog *catalog, struct arena *arena, uint64_t mail, struct mail_row *row_r,
	      struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT " MAIL_COLUMNS " FROM mails m WHERE m.mail = ?1", BIND_INT(mail));

	if (rc > 0) {
		*row_r = mail_of(q);
		row_r->place = arena_view(arena, row_r->place);
		row_r->flags = arena_view(arena, row_r->flags);
		row_r->subject = arena_view(arena, row_r->subject);
		row_r->sender = arena_view(arena, row_r->sender);
	}
	return rc;
}

/* One number out of a statement that was just stepped. */
static int one_number(struct stmt *q, int rc, uint64_t *n_r)
{
	if (rc > 0)
		*n_r = (uint64_t)stmt_int(q, 0);
	return rc;
}

int mails_by_id(struct catalog *catalog, const struct uuid *id, uint64_t *mail_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, "SELECT mail FROM mails WHERE id = ?1",
			 BIND_UUID(id));

	return one_number(q, rc, mail_r);
}

static struct tombstone tombstone_of(struct stmt *q)
{
	return (struct tombstone){.when_s = stmt_int(q, 0),
				  .request = (uint64_t)stmt_int(q, 1),
				  .mail = stmt_int(q, 2)};
}

int mails_erased(struct catalog *catalog, const struct uuid *id, struct tombstone *tombstone_r,
		 struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT erased_s, request, mail FROM erased WHERE id = ?1", BIND_UUID(id));

	if (rc > 0)
		*tombstone_r = tombstone_of(q);
	return rc;
}

int mails_erased_as(struct catalog *catalog, int64_t mail, struct uuid *id_r,
		    struct tombstone *tombstone_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT erased_s, request, mail, id FROM erased "
			 "WHERE mail = ?1 AND mail <> 0",
			 BIND_INT(mail));

	if (rc > 0) {
		*tombstone_r = tombstone_of(q);
		blob_to(stmt_blob(q, 3), id_r->b, UUID_BYTES);
	}
	return rc;
}

int mails_add_erased(struct catalog *catalog, const struct uuid *id, int64_t when_s,
		     uint64_t request, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT OR IGNORE INTO erased (id, erased_s, request) VALUES (?1, ?2, ?3)",
		      BIND_UUID(id), BIND_INT(when_s), BIND_INT(request));
}

int mails_set_erased_number(struct catalog *catalog, const struct uuid *id, int64_t mail,
			    struct err *err)
{
	return db_run(catalog_db(catalog), err, "UPDATE erased SET mail = ?2 WHERE id = ?1",
		      BIND_UUID(id), BIND_INT(mail));
}

int mails_by_exact(struct catalog *catalog, const struct hash *exact, uint64_t *mail_r,
		   struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT mail FROM mails WHERE substr(exact, 1, 8) = ?1 AND exact = ?2 "
			 "AND state = 0 UNION ALL "
			 "SELECT s.mail FROM sightings s JOIN mails m USING (mail) "
			 "WHERE substr(s.exact, 1, 8) = ?1 AND s.exact = ?2 AND m.state = 0",
			 BIND_BLOB(exact->b, 8), BIND_HASH(exact));

	return one_number(q, rc, mail_r);
}

int mails_by_content(struct catalog *catalog, const struct hash *content, uint64_t *mail_r,
		     struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT mail FROM mails WHERE substr(content, 1, 8) = ?1 "
			 "AND content = ?2 AND state = 0",
			 BIND_BLOB(content->b, 8), BIND_HASH(content));

	return one_number(q, rc, mail_r);
}

int mails_by_msgid(struct catalog *catalog, uint64_t msgid, uint64_t *mails, size_t max,
		   struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT mail FROM mails WHERE msgid = ?1 AND state = 0", BIND_INT(msgid));
	int n = 0;

	for (; rc > 0; rc = stmt_step(q, err))
		if ((size_t)n++ < max)
			mails[n - 1] = (uint64_t)stmt_int(q, 0);
	return rc < 0 ? -1 : n;
}

int mails_each(struct catalog *catalog, uint64_t after, mails_fn *fn, void *arg, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	/* not from the cache: FN may well go through the mails itself */
	if (db_query_text(catalog_db(catalog),
			  "SELECT " MAIL_COLUMNS " FROM mails m WHERE m.mail > ?1 ORDER BY m.mail",
			  &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)after);
	rc = stmt_step(q, err);
	return each_mail(q, rc, fn, arg, err);
}

int mails_each_in_state(struct catalog *catalog, enum mail_state state, mails_fn *fn, void *arg,
			struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT " MAIL_COLUMNS " FROM mails m WHERE m.state = ?1 ORDER BY m.mail",
			 BIND_INT(state));

	return each_mail(q, rc, fn, arg, err);
}

int mails_at(struct catalog *catalog, uint64_t pack, uint64_t offset, mails_fn *fn, void *arg,
	     struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT " MAIL_COLUMNS " FROM mails m WHERE m.mail IN ("
			 "SELECT mail FROM mails WHERE pack = ?1 AND offset = ?2 UNION "
			 "SELECT mail FROM sightings WHERE pack = ?1 AND offset = ?2 UNION "
			 "SELECT u.mail FROM parts p JOIN mail_parts u USING (part) "
			 "WHERE p.pack = ?1 AND p.offset = ?2)",
			 BIND_INT(pack), BIND_INT(offset));

	return each_mail(q, rc, fn, arg, err);
}

int recipients_add(struct catalog *catalog, uint64_t mail, unsigned role, uint64_t address,
		   struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (db_run(db, err, "INSERT OR IGNORE INTO recipients VALUES (?1, ?2, ?3)", BIND_INT(mail),
		   BIND_INT(role), BIND_INT(address)) < 0)
		return -1;
	return db_changes(db) > 0;
}

int recipients_known(struct catalog *catalog, uint64_t mail, uint64_t address, struct err *err)
{
	CLEAN_STMT q = NULL;

	return db_find(catalog_db(catalog), &q, err,
		       "SELECT 1 FROM recipients WHERE mail = ?1 AND address = ?2", BIND_INT(mail),
		       BIND_INT(address));
}

int recipients_each(struct catalog *catalog, uint64_t mail, recipients_fn *fn, void *arg,
		    struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT r.role, r.address, a.addr FROM recipients r "
			 "JOIN addresses a USING (address) WHERE r.mail = ?1",
			 BIND_INT(mail));

	for (; rc > 0; rc = stmt_step(q, err))
		if (fn(arg, (unsigned)stmt_int(q, 0), (uint64_t)stmt_int(q, 1), stmt_text(q, 2),
		       err) < 0)
			return -1;
	return rc;
}

struct in_role {
	struct arena *arena;
	unsigned role;
	struct addresses *addresses;
};

static int add_if_in_role(void *arg, unsigned role, uint64_t address, struct view addr,
			  struct err *err)
{
	struct in_role *in = arg;

	(void)address;
	(void)err;
	if (role == in->role)
		ARENA_PUSH(in->arena, *in->addresses, arena_view(in->arena, addr));
	return 0;
}

int recipients_in_role(struct catalog *catalog, struct arena *arena, uint64_t mail, unsigned role,
		       struct addresses *addresses_r, struct err *err)
{
	struct in_role in = {arena, role, addresses_r};

	*addresses_r = (struct addresses){0};
	return recipients_each(catalog, mail, add_if_in_role, &in, err);
}

int sightings_add(struct catalog *catalog, const struct sighting_row *row, struct err *err)
{
	return db_run(
		catalog_db(catalog), err,
		"INSERT OR IGNORE INTO sightings (id, mail, exact, pack, offset, length, way, "
		"source, seen_ms, place, flags) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
		"?11)",
		BIND_UUID(&row->id), BIND_INT(row->mail), BIND_HASH(&row->exact),
		BIND_INT(row->record.pack), BIND_INT(row->record.offset),
		BIND_INT(row->record.length), BIND_INT(row->way), BIND_INT(row->source),
		BIND_INT(row->seen_ms), BIND_TEXT(row->place), BIND_TEXT(row->flags));
}

int sightings_known(struct catalog *catalog, uint64_t mail, const struct hash *exact, enum way way,
		    uint64_t source, const struct view *place, struct err *err)
{
	CLEAN_STMT q = NULL;

	return db_find(catalog_db(catalog), &q, err,
		       "SELECT 1 FROM mails WHERE mail = ?1 AND exact = ?2 AND way = ?3 "
		       "AND source = ?4 AND (?5 IS NULL OR place = ?5) UNION ALL "
		       "SELECT 1 FROM sightings WHERE mail = ?1 AND exact = ?2 AND way = ?3 "
		       "AND source = ?4 AND (?5 IS NULL OR place = ?5)",
		       BIND_INT(mail), BIND_HASH(exact), BIND_INT(way), BIND_INT(source),
		       place ? BIND_TEXT(*place) : BIND_NULL);
}

int sightings_find(struct catalog *catalog, const struct uuid *id, struct err *err)
{
	CLEAN_STMT q = NULL;

	return db_find(catalog_db(catalog), &q, err, "SELECT 1 FROM sightings WHERE id = ?1",
		       BIND_UUID(id));
}

#define SIGHTING_COLUMNS                                                                           \
	"SELECT id, mail, exact, pack, offset, length, way, source, seen_ms, place, flags, stamp " \
	"FROM sightings "

/* The row under Q; its texts are valid until the next step. */
static struct sighting_row sighting_of(struct stmt *q)
{
	struct sighting_row row = {
		.mail = (uint64_t)stmt_int(q, 1),
		.record = {(uint64_t)stmt_int(q, 3), (uint64_t)stmt_int(q, 4),
			   (uint64_t)stmt_int(q, 5)},
		.way = (enum way)stmt_int(q, 6),
		.source = (uint64_t)stmt_int(q, 7),
		.seen_ms = stmt_int(q, 8),
		.place = stmt_text(q, 9),
		.flags = stmt_text(q, 10),
		.stamp = (uint64_t)stmt_int(q, 11),
	};

	blob_to(stmt_blob(q, 0), row.id.b, UUID_BYTES);
	blob_to(stmt_blob(q, 2), row.exact.b, HASH_BYTES);
	return row;
}

int sightings_get(struct catalog *catalog, struct arena *arena, const struct uuid *id,
		  struct sighting_row *row_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, SIGHTING_COLUMNS "WHERE id = ?1",
			 BIND_UUID(id));

	if (rc > 0) {
		*row_r = sighting_of(q);
		row_r->place = arena_view(arena, row_r->place);
		row_r->flags = arena_view(arena, row_r->flags);
	}
	return rc;
}

int sightings_each(struct catalog *catalog, uint64_t mail, sightings_fn *fn, void *arg,
		   struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 SIGHTING_COLUMNS "WHERE mail = ?1 ORDER BY id", BIND_INT(mail));

	for (; rc > 0; rc = stmt_step(q, err)) {
		struct sighting_row row = sighting_of(q);

		if (fn(arg, &row, err) < 0)
			return -1;
	}
	return rc;
}

int sightings_move(struct catalog *catalog, const struct uuid *id, const struct place *to,
		   struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE sightings SET pack = ?2, offset = ?3, length = ?4 WHERE id = ?1",
		      BIND_UUID(id), BIND_INT(to->pack), BIND_INT(to->offset),
		      BIND_INT(to->length));
}

int todo_add(struct catalog *catalog, uint64_t mail, struct err *err)
{
	return db_run(catalog_db(catalog), err, "INSERT OR IGNORE INTO index_todo VALUES (?1)",
		      BIND_INT(mail));
}

int todo_each(struct catalog *catalog, mails_fn *fn, void *arg, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(catalog_db(catalog),
		     "SELECT " MAIL_COLUMNS " FROM index_todo t JOIN mails m USING (mail) "
		     "ORDER BY m.mail",
		     &q, err) < 0)
		return -1;
	rc = stmt_step(q, err);
	return each_mail(q, rc, fn, arg, err);
}

int todo_clear(struct catalog *catalog, struct err *err)
{
	return db_exec(catalog_db(catalog), "DELETE FROM index_todo", err);
}

int mails_count(struct catalog *catalog, uint64_t *n_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(catalog), "SELECT count(*) FROM mails", &q, err) < 0 ||
	    stmt_step(q, err) < 0)
		return -1;
	*n_r = (uint64_t)stmt_int(q, 0);
	return 0;
}

int mails_totals(struct catalog *catalog, struct mails_totals *totals_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(catalog),
		     "SELECT count(*) FILTER (WHERE state = 0), "
		     "coalesce(sum(size) FILTER (WHERE state = 0), 0), "
		     "count(*) FILTER (WHERE state > 0), "
		     "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'mails'), 0), "
		     "(SELECT count(*) FROM parts), (SELECT coalesce(sum(size), 0) FROM parts), "
		     "(SELECT count(*) FROM mail_parts), "
		     "(SELECT coalesce(sum(p.size), 0) FROM mail_parts u JOIN parts p USING "
		     "(part)), "
		     "(SELECT coalesce(max(part), 0) FROM parts), (SELECT count(*) FROM sightings) "
		     "FROM mails",
		     &q, err) < 0 ||
	    stmt_step(q, err) < 0)
		return -1;
	*totals_r = (struct mails_totals){
		.mails = (uint64_t)stmt_int(q, 0),
		.bytes = (uint64_t)stmt_int(q, 1),
		.deleted = (uint64_t)stmt_int(q, 2),
		.highest = (uint64_t)stmt_int(q, 3),
		.parts = (uint64_t)stmt_int(q, 4),
		.part_bytes = (uint64_t)stmt_int(q, 5),
		.uses = (uint64_t)stmt_int(q, 6),
		.used_bytes = (uint64_t)stmt_int(q, 7),
		.highest_part = (uint64_t)stmt_int(q, 8),
		.sightings = (uint64_t)stmt_int(q, 9),
	};
	return 0;
}

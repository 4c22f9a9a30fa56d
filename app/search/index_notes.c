/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notes and categories in the index (X4). They are few beside the mails, and changed by hand: each goes to FTS5 at once. */
#include "app/search/index_priv.h"

/* The words of the notes whose ids Q lists go. */
static int delete_words(struct index *index, struct stmt *q, struct err *err)
{
	int rc;

	while ((rc = stmt_step(q, err)) > 0)
		if (db_run(index->db, err, "DELETE FROM notes WHERE rowid = ?1",
			   BIND_INT(stmt_int(q, 0))) < 0 ||
		    db_exec(index->db, "UPDATE meta SET removed = 1", err) < 0)
			return -1;
	return rc;
}

static int remove_note(struct index *index, uint64_t person, uint64_t mail, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(index->db,
		     "DELETE FROM note_docs WHERE mail = ?1 AND person = ?2 RETURNING id", &q,
		     err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)mail);
	stmt_bind_int(q, 2, (int64_t)person);
	return delete_words(index, q, err);
}

int index_remove_notes(struct index *index, uint64_t mail, struct err *err)
{
	CLEAN_STMT q = NULL;

	must(index->writing);
	if (db_query(index->db, "DELETE FROM note_docs WHERE mail = ?1 RETURNING id", &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)mail);
	return delete_words(index, q, err);
}

int index_put_note(struct index *index, uint64_t person, uint64_t mail, struct view tags,
		   struct view note, struct err *err)
{
	CLEAN_STR owner = STR_INIT;

	must(index->writing);
	if (remove_note(index, person, mail, err) < 0)
		return -1;
	if (tags.len == 0 && note.len == 0)
		return 0;
	token_add(&owner, TOKEN_PERSON, person);
	if (db_run(index->db, err, "INSERT INTO note_docs (mail, person) VALUES (?1, ?2)",
		   BIND_INT(mail), BIND_INT(person)) < 0)
		return -1;
	return db_run(index->db, err,
		      "INSERT INTO notes (rowid, tags, note, owner) VALUES (?1, ?2, ?3, ?4)",
		      BIND_INT(db_last_rowid(index->db)),
		      BIND_TEXT(index_user_text(index->arena, tags)),
		      BIND_TEXT(index_user_text(index->arena, note)), BIND_TEXT(str_view(&owner)));
}

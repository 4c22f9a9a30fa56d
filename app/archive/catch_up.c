/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/catch_up.h"

#include "app/archive/archive_priv.h"
#include "app/archive/may_see.h"
#include "app/archive/read.h"
#include "app/catalog/notes.h"
#include "base/file.h"
#include "base/log.h"

enum { COMMIT_MAILS = 10000, TODO_ROUNDS = 3 };

struct index_writer {
	struct archive *a;
	int lock_fd;
	bool begun;           /* is a transaction open? */
	uint64_t complete_to; /* highest number put so far, all below it included */
	struct arena *arena;  /* of one document */
	uint64_t last_pack;   /* medium of the pack asked for last */
	unsigned last_medium;
};

static int begin(struct index_writer *w, struct err *err)
{
	if (w->begun)
		return 0;
	if (index_begin(w->a->index, err) < 0)
		return -1;
	w->begun = true;
	return 0;
}

int index_writer_commit(struct index_writer *w, struct err *err)
{
	if (!w->begun)
		return 0;
	w->begun = false;
	return index_commit(w->a->index, w->complete_to, err);
}

void index_writer_free(struct index_writer **writer)
{
	struct index_writer *w = *writer;

	if (w == NULL)
		return;
	if (w->begun)
		index_rollback(w->a->index);
	arena_free(&w->arena);
	fd_cleanup(&w->lock_fd);
	free(w);
	*writer = NULL;
}

/* Recipients beyond the mail's own header fields, as the index wants them: one a line, the envelope's in bcc. */
struct recipients {
	struct arena *arena;
	struct {
		uint64_t *v;
		size_t n, cap;
	} ids;
	bool seen_again; /* its other copies may name more people; all are added, double or not */
	struct str to, cc, bcc;
};

static bool is_listed(const struct recipients *r, uint64_t id)
{
	for (size_t i = 0; i < r->ids.n; i++)
		if (r->ids.v[i] == id)
			return true;
	return false;
}

static void add_line(struct str *lines, struct view addr)
{
	str_addv(lines, addr);
	str_addc(lines, '\n');
}

static void add_of_copies(struct recipients *r, unsigned role, struct view addr)
{
	if (role == ROLE_TO)
		add_line(&r->to, addr);
	else if (role == ROLE_CC)
		add_line(&r->cc, addr);
	else if (role == ROLE_BCC)
		add_line(&r->bcc, addr);
}

static int add_recipient(void *arg, unsigned role, uint64_t id, struct view addr, struct err *err)
{
	struct recipients *r = arg;

	(void)err;
	if (role == ROLE_REPLY_TO)
		return 0;
	if (role == ROLE_ENVELOPE && r->ids.n < 1000 && !is_listed(r, id))
		add_line(&r->bcc, addr);
	if (r->seen_again)
		add_of_copies(r, role, addr);
	ARENA_PUSH(r->arena, r->ids, id);
	return 0;
}

static struct view joined(struct arena *arena, struct view header, struct str *more)
{
	struct view v = header;

	if (more->len > 0)
		v = VIEW(arena_f(arena, "%.*s\n%s", (int)header.len, header.data, more->data));
	str_clear(more);
	return v;
}

static int add_recipients(struct index_writer *w, const struct mail_row *row,
			  const struct mail *mail, bool seen_again, struct index_doc *doc,
			  struct err *err)
{
	struct recipients r = {.arena = w->arena,
			       .seen_again = seen_again,
			       .to = STR_INIT,
			       .cc = STR_INIT,
			       .bcc = STR_INIT};
	int rc = recipients_each(w->a->catalog, row->mail, add_recipient, &r, err);

	doc->to = joined(w->arena, mail->to_text, &r.to);
	doc->cc = joined(w->arena, mail->cc_text, &r.cc);
	doc->bcc = joined(w->arena, mail->bcc_text, &r.bcc);
	return rc;
}

static int find_medium(struct index_writer *w, uint64_t pack, unsigned *medium_r, struct err *err)
{
	struct pack_row row;

	if (w->last_pack != pack) {
		if (packs_get(w->a->catalog, pack, &row, err) <= 0)
			return -1;
		w->last_pack = pack;
		w->last_medium = row.medium;
	}
	*medium_r = w->last_medium;
	return 0;
}

static int add_sight(struct index_writer *w, const struct mail_row *row, struct index_doc *doc,
		     struct err *err)
{
	struct scope_mail sight;

	if (mail_sight(w->a->catalog, w->arena, row, &sight, err) < 0)
		return -1;
	doc->addresses = sight.addresses;
	doc->n_addresses = sight.n_addresses;
	doc->domains = sight.domains;
	doc->n_domains = sight.n_domains;
	doc->places = sight.places;
	doc->n_places = sight.n_places;
	return 0;
}

static int put_note(void *arg, const struct note *note, struct err *err)
{
	struct index_writer *w = arg;

	return index_put_note(w->a->index, note->person, note->mail, note->tags, note->text, err);
}

static int put(struct index_writer *w, const struct mail_row *row, const struct mail *mail,
	       struct err *err)
{
	struct catalog *catalog = w->a->catalog;
	struct index_doc doc = {
		.mail = row->mail,
		.sent_s = row->sent_s,
		.size = row->size,
		.marks = row->marks,
		.thread = mails_msgid_hash(mail_thread(mail)),
		.subject = mail->subject,
		.from = mail->from_text,
		.body = mail->text,
		.files = mail->files,
	};

	arena_reset(w->arena);
	if (add_sight(w, row, &doc, err) < 0 ||
	    find_medium(w, row->record.pack, &doc.medium, err) < 0 ||
	    add_recipients(w, row, mail, doc.n_places > 1, &doc, err) < 0 || begin(w, err) < 0)
		return -1;
	if (index_remove_notes(w->a->index, row->mail, err) < 0 ||
	    notes_each(catalog, row->mail, put_note, w, err) < 0)
		return -1;
	return index_put(w->a->index, &doc, err);
}

int index_writer_put(struct index_writer *w, const struct mail_row *row, const struct mail *mail,
		     struct err *err)
{
	/* X3: another process may have archived mails since; they come first. */
	if (row->mail != w->complete_to + 1)
		return 0; /* left to index_catch_up(), which starts at complete_to */
	if (put(w, row, mail, err) < 0)
		return -1;
	w->complete_to = row->mail;
	return 0;
}

struct catching_up {
	struct index_writer *w;
	struct reader *reader;
	struct arena *arena;
	struct str raw;
	uint64_t done;
	struct {
		uint64_t *v;
		size_t n, cap;
	} unread;
	struct arena *lists;
	bool only_known; /* mails that the index has not had yet stay to do */
};

/* Read the mail again and index it. One that cannot be read now must not hold up the others. */
static int catch_up_one(void *arg, const struct mail_row *row, struct err *err)
{
	struct catching_up *c = arg;
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;
	struct err reading = {0};
	struct mail mail;

	limits.text_bytes = c->w->a->settings.index_text_bytes;
	arena_reset(c->arena);
	if (row->state == MAIL_UNINDEXED)
		return 0;
	if (c->only_known && row->mail > c->w->complete_to) {
		ARENA_PUSH(c->lists, c->unread, row->mail);
		return 0;
	}
	if (reader_mail(c->reader, row, &c->raw, &reading) < 0) {
		log_error("mail not indexed: %s", reading.text);
		ARENA_PUSH(c->lists, c->unread, row->mail);
	} else {
		mail_parse(c->arena, str_view(&c->raw), &limits, &mail);
		if (put(c->w, row, &mail, err) < 0)
			return -1;
		c->done++;
	}
	if (row->mail > c->w->complete_to)
		c->w->complete_to = row->mail;
	if (c->done % COMMIT_MAILS == COMMIT_MAILS - 1)
		return index_writer_commit(c->w, err);
	return 0;
}

static int new_todo(struct catalog *catalog, const uint64_t *mails, size_t n, struct err *err)
{
	if (todo_clear(catalog, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (todo_add(catalog, mails[i], err) < 0)
			return -1;
	return catalog_commit(catalog, err);
}

/* The list is emptied only after the index was committed: a crash in between costs work, no mail. And
 * only if nobody else has committed since it was at VERSION: what he put there was not seen. */
static int finish_todo(struct catching_up *c, int64_t version, bool *done_r, struct err *err)
{
	struct catalog *catalog = c->w->a->catalog;
	int64_t now;
	int rc;

	if (index_writer_commit(c->w, err) < 0 || catalog_begin(catalog, err) < 0)
		return -1;
	rc = catalog_version(catalog, &now, err);
	*done_r = rc == 0 && now == version;
	if (*done_r)
		rc = new_todo(catalog, c->unread.v, c->unread.n, err);
	if (rc < 0 || !*done_r)
		catalog_rollback(catalog);
	return rc;
}

static int catch_up_todo(struct catching_up *c, struct err *err)
{
	struct catalog *catalog = c->w->a->catalog;
	bool done = false;
	int64_t version;

	for (int i = 0; i < TODO_ROUNDS && !done; i++) {
		if (catalog_version(catalog, &version, err) < 0 ||
		    todo_each(catalog, catch_up_one, c, err) < 0)
			return -1;
		if (c->done == 0 && c->unread.n == 0)
			return 0;
		if (finish_todo(c, version, &done, err) < 0)
			return -1;
	}
	return 0;
}

static int catch_up(struct index_writer *w, bool only_known, uint64_t *done_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(arena) lists = arena_new();
	CLEAN(reader) reader = reader_new(w->a);
	struct catching_up c = {.w = w,
				.reader = reader,
				.arena = arena,
				.lists = lists,
				.raw = STR_INIT,
				.only_known = only_known};
	int rc = 0;

	if (!only_known)
		rc = mails_each(w->a->catalog, w->complete_to, catch_up_one, &c, err);
	if (rc == 0)
		rc = catch_up_todo(&c, err);
	if (rc == 0 && done_r != NULL)
		*done_r = c.done;
	str_clear(&c.raw);
	return rc;
}

/* Take the lock and learn how far the index is; 1, 0 when another process holds it. */
static int open_locked(struct archive *a, struct index_writer **writer_r, struct err *err)
{
	CLEAN(index_writer) w = mem_new(sizeof(*w));
	CLEAN_STR path = STR_INIT;
	int rc;

	if (archive_need_index(a, err) < 0)
		return -1;
	w->a = a;
	w->lock_fd = -1;
	w->arena = arena_new();
	rc = file_lock(archive_path(a, "index.lock", &path), &w->lock_fd, err);
	if (rc > 0 && index_complete_to(a->index, &w->complete_to, err) < 0)
		rc = -1;
	if (rc > 0)
		*writer_r = TAKE(w);
	return rc;
}

int index_building(struct archive *a, struct err *err)
{
	const uint64_t most = a->settings.index_soon_mails;
	uint64_t complete_to, missing = 0;

	if (index_complete_to(a->index, &complete_to, err) < 0 ||
	    mails_after(a->catalog, complete_to, most + 1, &missing, err) < 0)
		return -1;
	return missing > most;
}

int index_writer_open(struct archive *a, struct index_writer **writer_r, struct err *err)
{
	CLEAN(index_writer) w = NULL;
	int rc = open_locked(a, &w, err);

	if (rc <= 0)
		return rc;
	rc = index_building(a, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (catch_up(w, false, NULL, err) < 0)
		return -1;
	*writer_r = TAKE(w);
	return 1;
}

static int catch_up_locked(struct archive *a, bool only_known, uint64_t *done_r, struct err *err)
{
	CLEAN(index_writer) w = NULL;
	int rc;

	if (done_r != NULL)
		*done_r = 0;
	rc = open_locked(a, &w, err);
	return rc <= 0 ? rc : catch_up(w, only_known, done_r, err);
}

int index_catch_up(struct archive *a, uint64_t *done_r, struct err *err)
{
	return catch_up_locked(a, false, done_r, err);
}

int index_catch_up_soon(struct archive *a, struct err *err)
{
	int rc = archive_need_index(a, err) < 0 ? -1 : index_building(a, err);

	return rc == 0 ? index_catch_up(a, NULL, err) : rc < 0 ? -1 : 0;
}

int index_catch_up_known(struct archive *a, uint64_t *done_r, struct err *err)
{
	return catch_up_locked(a, true, done_r, err);
}

static int lag_of(struct archive *a, struct index *index, struct index_lag *lag_r, struct err *err)
{
	uint64_t complete_to, indexed, mails;

	if (index_complete_to(index, &complete_to, err) < 0 ||
	    index_count(index, &indexed, err) < 0 ||
	    mails_to_index(a->catalog, complete_to, &mails, &lag_r->oldest_ms, err) < 0)
		return -1;
	lag_r->mails = mails > indexed ? mails - indexed : 0;
	return 0;
}

int index_lag(struct archive *a, struct index_lag *lag_r, struct err *err)
{
	CLEAN(secret) key = NULL;
	CLEAN(index) index = NULL;
	CLEAN_STR path = STR_INIT;

	if (a->index != NULL)
		return lag_of(a, a->index, lag_r, err);
	key = keyring_derive(a->keys, KEY_USE_INDEX, VIEW(""));
	if (index_open(archive_path(a, "index.db", &path), key, false, &index, err) < 0)
		return -1;
	return lag_of(a, index, lag_r, err);
}

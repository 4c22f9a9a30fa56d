/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/frozen.h"

#include "base/clock.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <time.h>

enum {
	/* https://sqlite.org/fileformat2.html#walformat */
	LOG_HEADER_BYTES = 32,
	LOG_SALT_AT = 16, /* in the header; 8 bytes in a frame's */
	FRAME_HEADER_BYTES = 24,
	FRAME_SALT_AT = 8,
	SALT_BYTES = 8,

	TRIES = 100,
	SHORT_LOG_FRAMES = 64, /* to bring so many into the file holds nobody up */
	AHEAD_MAX = 8
};

struct frozen {
	struct db *db;
	sqlite3_file *file, *log; /* SQLite's own: to close one of ours would drop its locks */
	uint64_t pages;
	uint32_t page_bytes;
	int64_t held_ms;
	uint32_t *frame_of; /* by page, 0: in the file; NULL: all are in the file */
	unsigned char
		log_salt[SALT_BYTES]; /* of the log with these frames; one begun anew has another */
};

/* What PRAGMA wal_checkpoint tells. */
struct log_state {
	bool busy;       /* somebody else is at it */
	int64_t frames;  /* in the log */
	int64_t in_file; /* and so many of them in the file */
};

static int bring_in(struct db *db, struct log_state *state_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(db, "PRAGMA wal_checkpoint(PASSIVE)", &q, err) < 0 || stmt_step(q, err) < 0)
		return -1;
	*state_r = (struct log_state){
		.busy = stmt_int(q, 0) != 0 || stmt_int(q, 1) < 0,
		.frames = stmt_int(q, 1),
		.in_file = stmt_int(q, 2),
	};
	return 0;
}

/* Before writers are held up: most of the log is brought in while they go on. */
static int bring_in_ahead(struct db *db, struct err *err)
{
	struct log_state s;
	int64_t before = -1;

	for (int i = 0; i < AHEAD_MAX; i++) {
		if (bring_in(db, &s, err) < 0)
			return -1;
		if (s.busy || s.frames - s.in_file <= SHORT_LOG_FRAMES || s.in_file == before)
			break;
		before = s.in_file;
	}
	return 0;
}

static int find_number(struct db *db, const char *pragma, uint64_t *n_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query_text(db, pragma, &q, err) < 0 || stmt_step(q, err) < 0)
		return -1;
	*n_r = (uint64_t)stmt_int(q, 0);
	return 0;
}

/* A read transaction begins with the first page that is read. */
static int begin_reading(struct frozen *f, struct err *err)
{
	uint64_t page_bytes;

	if (db_exec(f->db, "BEGIN; SELECT count(*) FROM sqlite_master", err) < 0 ||
	    find_number(f->db, "PRAGMA page_count", &f->pages, err) < 0 ||
	    find_number(f->db, "PRAGMA page_size", &page_bytes, err) < 0)
		return -1;
	f->page_bytes = (uint32_t)page_bytes;
	return 0;
}

static int read_at(sqlite3_file *file, uint64_t offset, void *out, size_t len, struct err *err)
{
	int rc = file->pMethods->xRead(file, out, (int)len, (sqlite3_int64)offset);

	if (rc == SQLITE_OK)
		return 0;
	return err_set(err, ERR_IO, "%zu bytes at %" PRIu64 " do not read: %s", len, offset,
		       sqlite3_errstr(rc));
}

static int find_files(struct frozen *f, struct err *err)
{
	sqlite3 *sqlite = db_sqlite(f->db);

	if (sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_FILE_POINTER, &f->file) !=
		    SQLITE_OK ||
	    sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &f->log) !=
		    SQLITE_OK ||
	    f->file->pMethods == NULL || f->log->pMethods == NULL)
		return err_set(err, ERR_UNSUPPORTED, "it has no write-ahead log");
	return 0;
}

/* The salt of the log as it is now. */
static int read_salt(struct frozen *f, unsigned char salt[SALT_BYTES], struct err *err)
{
	return read_at(f->log, LOG_SALT_AT, salt, SALT_BYTES, err);
}

/* While nobody writes: 1 done; 0 somebody else is bringing the log in, and its length is not told. */
static int pin_now(struct frozen *f, struct log_state *state_r, struct err *err)
{
	if (bring_in(f->db, state_r, err) < 0)
		return -1;
	if (state_r->busy)
		return 0;
	if (begin_reading(f, err) < 0 || find_files(f, err) < 0)
		return -1;
	if (state_r->in_file < state_r->frames && read_salt(f, f->log_salt, err) < 0)
		return -1;
	return 1;
}

static int pin(struct frozen *f, struct db *other, struct log_state *state_r, struct err *err)
{
	int64_t begun_ms, held_ms;
	int rc;

	if (db_begin(other, err) < 0)
		return -1;
	begun_ms = clock_monotonic_ms();
	rc = pin_now(f, state_r, err);
	db_rollback(other);
	held_ms = clock_monotonic_ms() - begun_ms;
	if (held_ms > f->held_ms)
		f->held_ms = held_ms;
	return rc;
}

static int pin_in_a_gap(struct frozen *f, struct db *other, struct log_state *state_r,
			struct err *err)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	for (int i = 0; i < TRIES; i++) {
		int rc = bring_in_ahead(f->db, err) < 0 ? -1 : pin(f, other, state_r, err);

		if (rc != 0)
			return rc < 0 ? -1 : 0;
		nanosleep(&pause, NULL);
	}
	return err_set(err, ERR_BUSY, "its log is being brought into its file all the time");
}

static uint32_t big_endian(const unsigned char b[4])
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint64_t frame_at(const struct frozen *f, uint32_t frame)
{
	return LOG_HEADER_BYTES + (frame - 1) * (uint64_t)(FRAME_HEADER_BYTES + f->page_bytes);
}

/* Between asking for the log's length and reading, somebody else brought in the rest of it (FZ2). */
static int begun_anew(struct err *err)
{
	return err_set(err, ERR_BUSY, "its log has begun anew");
}

/* Which pages are in the first FRAMES frames of the log, and where the newest of each is. */
static int read_log(struct frozen *f, int64_t frames, struct err *err)
{
	unsigned char frame[FRAME_HEADER_BYTES];

	must(frames <= UINT32_MAX);
	f->frame_of = mem_new((f->pages + 1) * sizeof(*f->frame_of));
	for (uint32_t i = 1; i <= frames; i++) {
		uint32_t page;

		if (read_at(f->log, frame_at(f, i), frame, sizeof(frame), err) < 0)
			return -1;
		if (memcmp(frame + FRAME_SALT_AT, f->log_salt, SALT_BYTES) != 0)
			return begun_anew(err);
		page = big_endian(frame);
		if (page <= f->pages) /* the database may have become smaller since */
			f->frame_of[page] = i;
	}
	return 0;
}

int frozen_begin(struct db *db, struct db *other, struct frozen **frozen_r, struct err *err)
{
	CLEAN(frozen) f = mem_new(sizeof(*f));
	struct log_state log;

	f->db = db;
	if (pin_in_a_gap(f, other, &log, err) < 0)
		return -1;
	if (log.in_file < log.frames && read_log(f, log.frames, err) < 0)
		return -1;
	*frozen_r = TAKE(f);
	return 0;
}

void frozen_free(struct frozen **frozen)
{
	struct frozen *f = TAKE(*frozen);
	struct log_state log;
	struct err err = {0};

	if (f == NULL)
		return;
	db_exec(f->db, "ROLLBACK", &err);
	/* what others could not do meanwhile: else the next one to commit would wait for all of it */
	bring_in(f->db, &log, &err);
	free(f->frame_of);
	free(f);
}

uint64_t frozen_pages(const struct frozen *f)
{
	return f->pages;
}

uint32_t frozen_page_bytes(const struct frozen *f)
{
	return f->page_bytes;
}

int64_t frozen_held_ms(const struct frozen *f)
{
	return f->held_ms;
}

/* The log's header is written before any of its frames: if it is the same behind the reading, so was the frame. */
static int read_in_log(struct frozen *f, uint64_t offset, void *out, size_t len, struct err *err)
{
	unsigned char salt[SALT_BYTES];

	if (read_at(f->log, offset, out, len, err) < 0 || read_salt(f, salt, err) < 0)
		return -1;
	return memcmp(salt, f->log_salt, SALT_BYTES) == 0 ? 0 : begun_anew(err);
}

/* LEN bytes from AT on in PAGE. */
static int read_in_page(struct frozen *f, uint64_t page, uint32_t at, void *out, size_t len,
			struct err *err)
{
	uint32_t frame;

	must(page >= 1 && page <= f->pages);
	frame = f->frame_of != NULL ? f->frame_of[page] : 0;
	if (frame != 0)
		return read_in_log(f, frame_at(f, frame) + FRAME_HEADER_BYTES + at, out, len, err);
	return read_at(f->file, (page - 1) * f->page_bytes + at, out, len, err);
}

int frozen_page(struct frozen *f, uint64_t page, void *out, struct err *err)
{
	return read_in_page(f, page, 0, out, f->page_bytes, err);
}

int frozen_print(struct frozen *f, uint64_t page, struct page_print *print_r, struct err *err)
{
	return read_in_page(f, page, f->page_bytes - PAGE_RESERVE_BYTES, print_r->b,
			    PAGE_VECTOR_BYTES, err);
}

struct page_print frozen_print_of(const struct frozen *f, const void *page)
{
	struct page_print print;

	memcpy(print.b, (const unsigned char *)page + f->page_bytes - PAGE_RESERVE_BYTES,
	       PAGE_VECTOR_BYTES);
	return print;
}

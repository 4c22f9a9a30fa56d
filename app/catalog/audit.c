/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/audit.h"

#include "base/clock.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

static const char *const events[] = {
#define X(name, text) text,
	AUDIT_EVENTS(X)
#undef X
};

const char *audit_event_text(enum audit_event event)
{
	return events[event];
}

static const char *who_acts;

void audit_set_who(const char *who)
{
	who_acts = who;
}

/* The account that runs this process is the best that is known of who sits there. */
void audit_add_who(struct str *out)
{
	const struct passwd *account;

	if (who_acts != NULL) {
		str_adds(out, who_acts);
		return;
	}
	account = getpwuid(geteuid());
	if (account != NULL)
		str_addf(out, "command line (%s)", account->pw_name);
	else
		str_addf(out, "command line (uid %ld)", (long)geteuid());
}

static void add_text(struct str *out, struct view text)
{
	str_addvarint(out, text.len);
	str_addv(out, text);
}

/* (AU1) */
static struct hash hash_of(const struct hash *before, const struct audit_line *line)
{
	CLEAN_STR bytes = STR_INIT;

	str_add(&bytes, before->b, HASH_BYTES);
	str_addu64(&bytes, line->line);
	str_addu64(&bytes, (uint64_t)line->time_ms);
	add_text(&bytes, line->who);
	add_text(&bytes, line->what);
	add_text(&bytes, line->subject);
	add_text(&bytes, line->detail);
	return crypto_sha256(bytes.data, bytes.len);
}

static int hash_at(struct stmt *q, int column, struct hash *hash_r, struct err *err)
{
	struct view blob = stmt_blob(q, column);

	if (blob.len != HASH_BYTES)
		return err_set(err, ERR_DAMAGED, "the audit log: a line without its hash");
	memcpy(hash_r->b, blob.data, HASH_BYTES);
	return 0;
}

int audit_head(struct catalog *catalog, uint64_t *line_r, struct hash *hash_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	*line_r = 0;
	*hash_r = (struct hash){0};
	if (db_query(catalog_db(catalog), "SELECT line, hash FROM audit ORDER BY line DESC LIMIT 1",
		     &q, err) < 0)
		return -1;
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc;
	*line_r = (uint64_t)stmt_int(q, 0);
	return hash_at(q, 1, hash_r, err);
}

int audit_hash(struct catalog *catalog, uint64_t line, struct hash *hash_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, "SELECT hash FROM audit WHERE line = ?1",
			 BIND_INT(line));

	return rc <= 0 ? rc : hash_at(q, 0, hash_r, err) < 0 ? -1 : 1;
}

static int write_line(struct catalog *catalog, const struct audit_line *line, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", BIND_INT(line->line),
		      BIND_INT(line->time_ms), BIND_TEXT(line->who), BIND_TEXT(line->what),
		      BIND_TEXT(line->subject), BIND_TEXT(line->detail), BIND_HASH(&line->hash));
}

static int append(struct catalog *catalog, struct audit_line *line, struct err *err)
{
	struct hash before;

	if (audit_head(catalog, &line->line, &before, err) < 0)
		return -1;
	line->line++;
	line->hash = hash_of(&before, line);
	return write_line(catalog, line, err);
}

static int append_and_commit(struct catalog *catalog, struct audit_line *line, struct err *err)
{
	if (append(catalog, line, err) == 0 && catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

/* A line of now, by who acts; WHO holds his name. */
static struct audit_line line_of(enum audit_event what, struct view subject, struct view detail,
				 struct str *who)
{
	audit_add_who(who);
	return (struct audit_line){.time_ms = clock_ms(),
				   .who = str_view(who),
				   .what = VIEW(events[what]),
				   .subject = subject,
				   .detail = detail};
}

int audit_add(struct catalog *catalog, enum audit_event what, struct view subject,
	      struct view detail, struct err *err)
{
	CLEAN_STR who = STR_INIT;
	struct audit_line line = line_of(what, subject, detail, &who);

	if (db_in_transaction(catalog_db(catalog)))
		return append(catalog, &line, err);
	return catalog_begin(catalog, err) < 0 ? -1 : append_and_commit(catalog, &line, err);
}

int audit_add_soon(struct catalog *catalog, enum audit_event what, struct view subject,
		   struct view detail, struct err *err)
{
	CLEAN_STR who = STR_INIT;
	struct audit_line line;
	int rc = db_try_begin(catalog_db(catalog), err);

	if (rc < 0)
		return -1;
	if (rc == 0) /* somebody else is writing: he is waited for */
		return audit_add(catalog, what, subject, detail, err);
	line = line_of(what, subject, detail, &who);
	return append_and_commit(catalog, &line, err);
}

#define LINE_COLUMNS "SELECT line, time_ms, who, what, subject, detail, hash FROM audit "

static int give_lines(struct stmt *q, int rc, audit_fn *fn, void *arg, struct err *err)
{
	for (; rc > 0; rc = stmt_step(q, err)) {
		struct audit_line line = {.line = (uint64_t)stmt_int(q, 0),
					  .time_ms = stmt_int(q, 1),
					  .who = stmt_text(q, 2),
					  .what = stmt_text(q, 3),
					  .subject = stmt_text(q, 4),
					  .detail = stmt_text(q, 5)};

		if (hash_at(q, 6, &line.hash, err) < 0 || fn(arg, &line, err) < 0)
			return -1;
	}
	return rc;
}

int audit_each(struct catalog *catalog, uint64_t after, audit_fn *fn, void *arg, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, LINE_COLUMNS "WHERE line > ?1 ORDER BY line",
			 BIND_INT(after));

	return give_lines(q, rc, fn, arg, err);
}

int audit_find(struct catalog *catalog, struct view who, struct view what, uint64_t before,
	       uint64_t limit, audit_fn *fn, void *arg, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 LINE_COLUMNS "WHERE line < ?1 AND (?2 = '' OR instr(who, ?2) > 0) AND "
				      "(?3 = '' OR what = ?3) ORDER BY line DESC LIMIT ?4",
			 BIND_INT(before), BIND_TEXT(who), BIND_TEXT(what), BIND_INT(limit));

	return give_lines(q, rc, fn, arg, err);
}

struct checking {
	uint64_t lines;
	struct hash before;
};

static int check_line(void *arg, const struct audit_line *line, struct err *err)
{
	struct checking *c = arg;
	struct hash hash = hash_of(&c->before, line);

	if (line->line != c->lines + 1)
		return err_set(err, ERR_DAMAGED, "the audit log: line %llu is missing",
			       (unsigned long long)c->lines + 1);
	if (!hash_eq(&hash, &line->hash))
		return err_set(err, ERR_DAMAGED,
			       "the audit log: line %llu, or the one before it, was changed",
			       (unsigned long long)line->line);
	c->before = line->hash;
	c->lines = line->line;
	return 0;
}

int audit_verify(struct catalog *catalog, uint64_t *lines_r, struct err *err)
{
	struct checking c = {0};

	if (audit_each(catalog, 0, check_line, &c, err) < 0)
		return -1;
	if (lines_r != NULL)
		*lines_r = c.lines;
	return 0;
}

static int carry_line(void *arg, const struct audit_line *line, struct err *err)
{
	return write_line(arg, line, err);
}

int audit_carry_over(struct catalog *from, struct catalog *to, struct err *err)
{
	return audit_each(from, 0, carry_line, to, err);
}

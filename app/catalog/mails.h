/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mails.h - mails, their recipients and sightings, as the catalog knows them. */
#ifndef APP_CATALOG_MAILS_H
#define APP_CATALOG_MAILS_H

#include "app/catalog/catalog.h"
#include "base/arena.h"
#include "base/id.h"

/* How a mail came. The numbers are in records and never change. */
enum way { WAY_IMPORT = 1, WAY_MILTER, WAY_SMTP, WAY_LMTP, WAY_FETCH, WAY_JOURNAL, WAY_UPLOAD };
const char *way_text(enum way way);

enum mail_state { MAIL_LIVE, MAIL_DELETED, MAIL_UNINDEXED };

struct place {
	uint64_t pack, offset, length;
};

struct mail_row {
	uint64_t mail; /* number, given by mails_add() */
	struct uuid id;
	struct hash exact, content;
	uint64_t msgid; /* mails_msgid_hash(), 0 none */
	struct place record;
	uint64_t size;
	int64_t sent_s;
	unsigned marks, attachments;
	enum mail_state state;
	enum way way;
	uint64_t source;
	int64_t seen_ms;
	struct view place, flags, subject, sender;
};

struct sighting_row {
	struct uuid id;
	uint64_t mail;
	struct hash exact;
	struct place record;
	enum way way;
	uint64_t source;
	int64_t seen_ms;
	struct view place, flags;
	uint64_t
		stamp; /* the timestamp that was the first to cover it, 0 none yet; set by to_stamp_done() */
};

uint64_t mails_msgid_hash(struct view message_id); /* 0 for an empty one */

int mails_add(struct catalog *catalog, struct mail_row *row, struct err *err);
/* What parsing tells, of a mail that is there already (rebuild). */
int mails_describe(struct catalog *catalog, const struct mail_row *row, struct err *err);
int mails_set_marks(struct catalog *catalog, uint64_t mail, unsigned marks, struct err *err);
int mails_any_deleted(struct catalog *catalog, struct err *err); /* 1 some may be indexed, 0 none */
int mails_set_state(struct catalog *catalog, uint64_t mail, enum mail_state state, struct err *err);
int mails_move(struct catalog *catalog, uint64_t mail, const struct place *to, struct err *err);
/* What is left of an erased mail. */
struct tombstone {
	int64_t when_s;
	uint64_t request; /* by which it was deleted (app/catalog/requests.h); 0 not known */
	int64_t mail;     /* the number it had; negative: one for its leaves alone; 0 none */
};
/* Take a deleted mail out of every table and leave its tombstone. The bytes of its records count as
 * erased in their packs. REQUEST 0: the one by which it was deleted. */
int mails_erase(struct catalog *catalog, uint64_t mail, int64_t now_s, uint64_t request,
		struct err *err);
/* 1 if the index, complete to number AFTER, lacks something; 0. */
int mails_any_to_index(struct catalog *catalog, uint64_t after, struct err *err);
/* How many mails above number AFTER the index lacks; counted up to MOST. */
int mails_after(struct catalog *catalog, uint64_t after, uint64_t most, uint64_t *mails_r,
		struct err *err);
/* How many mails belong into the index, and when the first of those with numbers above AFTER was archived; 0 there is none. */
int mails_to_index(struct catalog *catalog, uint64_t after, uint64_t *mails_r, int64_t *oldest_ms_r,
		   struct err *err);

/* Look-ups: 1 found, 0 none. Texts of the row are copied into the arena. */
int mails_get(struct catalog *catalog, struct arena *arena, uint64_t mail, struct mail_row *row_r,
	      struct err *err);
int mails_by_id(struct catalog *catalog, const struct uuid *id, uint64_t *mail_r, struct err *err);
int mails_erased(struct catalog *catalog, const struct uuid *id, struct tombstone *tombstone_r,
		 struct err *err);
int mails_erased_as(struct catalog *catalog, int64_t mail, struct uuid *id_r,
		    struct tombstone *tombstone_r, struct err *err); /* by the number it had */
int mails_add_erased(struct catalog *catalog, const struct uuid *id, int64_t when_s,
		     uint64_t request, struct err *err);
int mails_set_erased_number(struct catalog *catalog, const struct uuid *id, int64_t mail,
			    struct err *err);
/* By identity, live mails only: what comes in again after it was deleted is a new mail, since the old
 * one will be erased. By the exact bytes of the mail itself or of one of its sightings. */
int mails_by_exact(struct catalog *catalog, const struct hash *exact, uint64_t *mail_r,
		   struct err *err);
int mails_by_content(struct catalog *catalog, const struct hash *content, uint64_t *mail_r,
		     struct err *err);
/* Up to MAX mails with this Message-ID; returns how many there are. */
int mails_by_msgid(struct catalog *catalog, uint64_t msgid, uint64_t *mails, size_t max,
		   struct err *err);

/* Go through the mails with numbers above AFTER, in the order of archiving, which is nearly that of
 * their places. FN returns -1 (with err) to stop. */
typedef int mails_fn(void *arg, const struct mail_row *row, struct err *err);
int mails_each(struct catalog *catalog, uint64_t after, mails_fn *fn, void *arg, struct err *err);
int mails_each_in_state(struct catalog *catalog, enum mail_state state, mails_fn *fn, void *arg,
			struct err *err);

/* The mails whose record, sighting or part lies at this place. */
int mails_at(struct catalog *catalog, uint64_t pack, uint64_t offset, mails_fn *fn, void *arg,
	     struct err *err);

/* Recipients: role is enum role of the mail. recipients_add: 1 when it is new, 0 when known. */
int recipients_add(struct catalog *catalog, uint64_t mail, unsigned role, uint64_t address,
		   struct err *err);
int recipients_known(struct catalog *catalog, uint64_t mail, uint64_t address,
		     struct err *err); /* in any role: 1, 0 */
typedef int recipients_fn(void *arg, unsigned role, uint64_t address, struct view addr,
			  struct err *err);
int recipients_each(struct catalog *catalog, uint64_t mail, recipients_fn *fn, void *arg,
		    struct err *err);
/* The addresses in one role, in the arena. */
struct addresses {
	struct view *v;
	size_t n, cap;
};
int recipients_in_role(struct catalog *catalog, struct arena *arena, uint64_t mail, unsigned role,
		       struct addresses *addresses_r, struct err *err);

int sightings_add(struct catalog *catalog, const struct sighting_row *row, struct err *err);
/* Is there a sighting (or the mail itself) with these bytes by this way from this source, and, unless PLACE is
 * NULL, from this place there? */
int sightings_known(struct catalog *catalog, uint64_t mail, const struct hash *exact, enum way way,
		    uint64_t source, const struct view *place, struct err *err);
int sightings_find(struct catalog *catalog, const struct uuid *id, struct err *err); /* 1, 0 */
int sightings_get(struct catalog *catalog, struct arena *arena, const struct uuid *id,
		  struct sighting_row *row_r, struct err *err);
typedef int sightings_fn(void *arg, const struct sighting_row *row, struct err *err);
int sightings_each(struct catalog *catalog, uint64_t mail, sightings_fn *fn, void *arg,
		   struct err *err);
int sightings_move(struct catalog *catalog, const struct uuid *id, const struct place *to,
		   struct err *err);

/* Mails whose index entry must be written anew. */
int todo_add(struct catalog *catalog, uint64_t mail, struct err *err);
int todo_each(struct catalog *catalog, mails_fn *fn, void *arg, struct err *err);
int todo_clear(struct catalog *catalog, struct err *err);

int mails_count(struct catalog *catalog, uint64_t *n_r, struct err *err); /* deleted ones, too */

struct mails_totals {
	uint64_t mails, bytes;      /* live ones, and their captured bytes */
	uint64_t deleted;           /* deleted, not erased from the media yet */
	uint64_t highest;           /* number ever given */
	uint64_t parts, part_bytes; /* kept once */
	uint64_t highest_part;      /* number of them */
	uint64_t sightings;         /* later ones, of live and deleted mails */
	uint64_t uses, used_bytes;  /* references to them, and what they would take uncollected */
};
int mails_totals(struct catalog *catalog, struct mails_totals *totals_r, struct err *err);

#endif

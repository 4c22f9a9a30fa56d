/* SPDX-License-Identifier: GPL-3.0-or-later */
/* media.h - the numbered media, as the catalog knows them (product.md, M1 to M5), and the place of the mirror.
 *
 * (M1) A number is given once: no row ever goes, and none changes its number.
 * (M2) At most one medium is active; an active one is in use.
 * Which changes are allowed is app/archive/media.h's business; here they are only written down.
 */
#ifndef APP_CATALOG_MEDIA_H
#define APP_CATALOG_MEDIA_H

#include "app/catalog/catalog.h"
#include "base/arena.h"
#include "storage/site.h"

enum medium_state {
	MEDIUM_IN_USE = 1,
	MEDIUM_DEACTIVATED, /* neither written nor asked; what is in staging is still read */
	MEDIUM_REMOVED,     /* it never held anything; only its number is left */
	MEDIUM_REDIRECTED   /* its packs lie on another one */
};
enum medium_answers { MEDIUM_NOT_ASKED, MEDIUM_ANSWERS, MEDIUM_SILENT };

struct medium_row {
	unsigned medium;
	char *type; /* "local", "smb" */
	char *location;
	char *user, *domain; /* "" none; the password only media_site() gives out */
	bool active;
	enum medium_state state;
	unsigned redirect; /* MEDIUM_REDIRECTED: the one that has its packs; else 0 */
	int64_t added_s;
	enum medium_answers answers; /* when last asked, at asked_s; since when so */
	int64_t since_s, asked_s;
	char *trouble; /* MEDIUM_SILENT: why, one sentence */
	uint64_t free_bytes, total_bytes;
	uint64_t packs; /* that are there, or in staging */
	uint64_t pack_bytes;
	uint64_t waiting_packs, waiting_bytes; /* of these, what it was not given yet */
	int64_t waiting_since_s;               /* the oldest of that; 0: nothing waits */
};

/* Add a medium, with the next number. Type and log-in are SITE's. */
int media_add(struct catalog *catalog, const struct site *site, bool active, unsigned *medium_r,
	      struct err *err);
/* Give a number that is known from elsewhere, as rebuild does. */
int media_add_numbered(struct catalog *catalog, unsigned medium, const struct site *site,
		       bool active, struct err *err);
int media_active(struct catalog *catalog, unsigned *medium_r, struct err *err); /* 1, 0 none */
/* All of them, removed ones too, in order; V in the arena. */
int media_list(struct catalog *catalog, struct arena *arena, struct medium_row **v_r, size_t *n_r,
	       struct err *err);
int media_get(struct catalog *catalog, struct arena *arena, unsigned medium,
	      struct medium_row *row_r, struct err *err); /* 1, 0 there is no such number */

/* Its state alone, quickly: 1, 0 there is no such number. */
int media_state(struct catalog *catalog, unsigned medium, enum medium_state *state_r,
		unsigned *redirect_r, struct err *err);
/* Where it is: 1, 0 there is no such number. Texts in the arena; the password is the caller's to free. */
int media_site(struct catalog *catalog, struct arena *arena, unsigned medium, struct site *site_r,
	       struct secret **password_r, struct err *err);
/* 1: it is at LOCATION still. */
int media_is_at(struct catalog *catalog, unsigned medium, const char *location, struct err *err);
int media_set_site(struct catalog *catalog, unsigned medium, const struct site *site,
		   struct err *err);
int media_set_active(struct catalog *catalog, unsigned medium, struct err *err); /* and no other */
int media_set_state(struct catalog *catalog, unsigned medium, enum medium_state state,
		    unsigned redirect, struct err *err);
/* It was asked just now: WHY is NULL if it answered. since_s changes only when the answer does. */
int media_note_answer(struct catalog *catalog, unsigned medium, const struct err *why,
		      uint64_t free_bytes, uint64_t total_bytes, struct err *err);
/* The highest number of a medium that holds mail (packs that are neither void nor removed); 0 none does. */
int media_highest_used(struct catalog *catalog, unsigned *medium_r, struct err *err);

/* The mirror's place: 1, 0 none is set; as media_site(). */
int mirror_site(struct catalog *catalog, struct arena *arena, struct site *site_r,
		struct secret **password_r, struct err *err);
/* NULL: there is none any more, and nothing is remembered of what was there. */
int mirror_set_site(struct catalog *catalog, const struct site *site, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* regain_priv.h - the insides of regain.c and regain_media.c. */
#ifndef APP_ARCHIVE_REGAIN_PRIV_H
#define APP_ARCHIVE_REGAIN_PRIV_H

#include "app/archive/archive_priv.h"
#include "app/archive/regain.h"

/* What becomes of a pack. */
enum fate {
	FATE_KEEP,       /* the catalog knows it as it is */
	FATE_SCAN,       /* it is taken in */
	FATE_GAVE_WAY,   /* another took its place */
	FATE_UNFINISHED, /* its writer died before it counted */
	FATE_UNOPENED,   /* it does not open */
	FATE_SHORT,      /* the catalog knows it longer */
	FATE_MISSING,    /* it is not on its medium */
	FATE_AWAY        /* its medium is not in reach */
};

/* A pack that the catalog knows, or that is on a medium, or both. */
struct seen_pack {
	uint64_t pack;
	const struct pack_row *row; /* NULL: the catalog does not know it */
	unsigned medium;            /* where it was found; 0 nowhere */
	bool staged;                /* it is in staging */
	uint64_t size, far_size;
	uint64_t *replaces;
	size_t n_replaces;
	bool opens, sealed;
	uint64_t replaced_by; /* by a pack that the catalog did not know */
	enum fate fate;
};

/* One medium that takes part. */
struct regain_source {
	unsigned medium;
	struct medium *near, *far; /* NULL: there is none; they are the archive's */
	bool is_share;
	bool is_new; /* the catalog did not know it */
	bool has_packs;
	enum medium_state state; /* what it is to be in the end */
};

struct regain {
	struct archive *a;
	struct arena *arena;
	struct found_media *found;
	struct regain_report *report;
	struct medium_row *media; /* as they were known */
	size_t n_media;
	struct regain_source sources[MEDIA_MAX];
	size_t n_sources;
	struct {
		struct seen_pack *v;
		size_t n, cap;
	} packs;
};

/* Decide which media take part, write where they are, and make them the archive's, to be read only. Meanwhile all of them
 * are in use. */
int regain_begin_media(struct regain *rg, struct err *err);
/* Their states as they are to be, and the active one. Those that were deactivated go to the report. */
int regain_end_media(struct regain *rg, struct err *err);
/* The number that NUMBER's packs are on, by redirection. */
unsigned regain_resolve(const struct regain *rg, unsigned number);
struct regain_source *regain_source(struct regain *rg,
				    unsigned number); /* NULL: it takes no part */

#endif

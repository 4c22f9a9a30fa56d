/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stamp_priv.h - what stamp.c, rehash.c and prove.c share: a run that makes stamps, and the bytes that evidence is over. */
#ifndef TSA_STAMP_PRIV_H
#define TSA_STAMP_PRIV_H

#include "app/archive/provenance.h"
#include "tsa/stamp.h"

/* One run. */
struct stamping {
	struct archive *a;
	struct authority authority;
	struct token_trust *trust;
	const struct stamp_watch *watch;
	struct stamp_report *report;
	struct arena *arena; /* of one stamp */
	struct arena *settings_arena;
	struct stamp_row last; /* the stamp before; all zero: there is none */
	int lock;
	uint64_t mails_max;
	uint64_t after; /* mails up to this one had their turn in this run */
	bool renews_now;
	int64_t begun_ms, asked_ms; /* monotonic; how long the authority took */
};

/* stamping_close() whatever open returned; RC is the run's result. */
int stamping_open(struct stamping *s, struct archive *a, const struct stamp_watch *watch,
		  struct stamp_report *report, struct err *err);
int stamping_close(struct stamping *s, int rc, struct err *err);
bool stamping_stopped(const struct stamping *s, struct err *err); /* ERR_STOPPED */

/* The next stamp; its leaves are the caller's to fill in. The arena is empty then. */
int stamping_begin(struct stamping *s, enum digest_alg alg, struct evidence *e, struct err *err);
/* Root, statement, token, file, rows. */
int stamping_finish(struct stamping *s, struct evidence *e, struct err *err);

/* A mail's bytes and provenance texts, read from its medium, each once in a row. */
struct raw_mail {
	struct archive *a;
	struct reader *reader;
	struct arena *arena;
	struct mail_row row; /* of the last mail; 0 none */
	struct str bytes, text;
	bool has_bytes;
};
void raw_mail_init(struct raw_mail *r, struct archive *a);
void raw_mail_clear(struct raw_mail *r);
/* Views are valid until the next call of the same function. ERR_NOTFOUND: the mail, or sighting, is not there any more. */
int raw_mail(struct raw_mail *r, uint64_t mail, struct view *bytes_r, struct err *err);
/* SIGHTING NULL: the mail's own. */
int raw_provenance(struct raw_mail *r, uint64_t mail, const struct uuid *sighting,
		   struct view *text_r, struct err *err);

#endif

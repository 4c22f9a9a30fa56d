/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prove.h - from a mail's bytes to the authority's certificate, offline: proving one mail, proving all, and giving a proof away.
 *
 * Proving one mail reads the mail, and O(log n) hashes of each stamp on its way. All: every stamp's tree from its leaves, the leaves of all
 * mails that are still there from their bytes, every token at the time of the one that renewed it (else now), every statement: numbers without
 * gaps, each binding the token before, counts that agree with the leaves, the audit log's line. What was erased proves nothing of itself, but its
 * leaf stands, and that it was erased is told.
 *
 * Each stamp is held to the CA certificate that is kept with it: the one that the administrator trusted when it was made. That the settings name
 * another now changes nothing for the old ones.
 */
#ifndef TSA_PROVE_H
#define TSA_PROVE_H

#include "app/archive/archive.h"
#include "tsa/evidence_record.h"
#include "tsa/stamp.h"

enum proof_state {
	PROOF_GOOD,
	PROOF_WAITS,  /* not stamped yet */
	PROOF_ERASED, /* erased; its leaf and its stamp are good */
	PROOF_BROKEN
};

/* What one mail's proof is. Texts in the arena. */
struct proof {
	enum proof_state state;
	int64_t proved_ms;     /* GOOD, ERASED: time of the first token */
	const char *authority; /* of it */
	uint64_t stamp;
	size_t renewals;
	uint64_t later_sightings_waiting; /* GOOD: of these, no stamp has seen so many yet */
	int64_t waits_since_ms;           /* WAITS */
	int64_t erased_s;                 /* ERASED; and by which request, 0 not known */
	uint64_t request;
	const char *text; /* one sentence for people; BROKEN: what is wrong, and what it means */
};
/* At the time AT_S, now or another. ERR_NOTFOUND: there is no such mail, and there never was. Trouble that says nothing about the proof (a medium that is away) is -1. */
int prove_mail(struct archive *a, const struct uuid *id, int64_t at_s, struct arena *arena,
	       struct proof *proof_r, struct err *err);

struct prove_report {
	uint64_t stamps, mails, erased, waiting;
	uint64_t left_out; /* mails whose medium is away */
	uint64_t findings;
};
struct prove_watch {
	void *arg;
	void (*finding)(void *arg, uint64_t stamp, const struct uuid *mail,
			const char *text); /* MAIL may be NULL */
	void (*progress)(void *arg, const struct prove_report *report, uint64_t mails_total);
	bool (*stop)(void *arg);
};
/* 0 when the check could be made, whatever it found. */
int prove_all(struct archive *a, int64_t at_s, const struct prove_watch *watch,
	      struct prove_report *report_r, struct err *err);

/* The evidence record of the mail's leaf of origin ORIGIN (0: its first), and the objects of its data group: the mail's bytes, then the
 * provenance texts, in the arena. Nothing is proved. */
struct proof_objects {
	struct view *v;
	size_t n;
};
int prove_record(struct archive *a, const struct mail_row *row, uint64_t origin,
		 struct arena *arena, struct evidence_record **record_r,
		 struct proof_objects *objects_r, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.h - is everything there, and unchanged?
 *
 * verify_all() reads every pack from end to end, opens every record, puts every mail together and
 * compares its SHA-256, and compares catalog and packs in both directions; then it checks every page
 * of catalog and index. verify_mail() does it for one mail. Packs whose medium does not answer are left out, and told
 * medium by medium: nothing is said of their mails.
 */
#ifndef APP_ARCHIVE_VERIFY_H
#define APP_ARCHIVE_VERIFY_H

#include "app/archive/archive.h"

struct finding {
	uint64_t pack, offset;    /* 0 0: not of a pack */
	const char *text;         /* what is wrong, one sentence */
	const struct uuid *mails; /* the mails concerned */
	size_t n_mails;
};

struct verify_report {
	uint64_t packs, mails, bytes, parts;
	uint64_t findings;
	uint64_t unchecked;       /* packs that were left out */
	uint64_t unchecked_mails; /* mails that lie there, in whole or in part */
};

struct verify_watch {
	void *arg;
	void (*finding)(void *arg, const struct finding *finding);
	/* PACKS packs of this medium are not checked, WHY; may be NULL. */
	void (*left_out)(void *arg, unsigned medium, uint64_t packs, const char *why);
	void (*progress)(void *arg, const struct verify_report *report, uint64_t mails_total);
};

/* 0 when the check could be made, whatever it found. */
int verify_all(struct archive *a, const struct verify_watch *watch, struct verify_report *report_r,
	       struct err *err);
int verify_mail(struct archive *a, const struct mail_row *row, struct err *err);

#endif

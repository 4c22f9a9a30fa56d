/* SPDX-License-Identifier: GPL-3.0-or-later */
/* media.h - the archive's numbered media: what may be done with them, and how they are found to be.
 *
 * (N1) A medium is known by its label (medium.json, sealed), not by its address: whatever stands in its place with
 *      another archive's label, another number's or none is not used, and told in those words.
 * (N2) Nothing is added, changed or activated unless the place passed site_test().
 * (N3) A medium that holds mail, stands for one that does, or has a higher-numbered one holding mail, is never removed.
 * (N4) A number is given in one transaction, whose last step before the commit is the label. A crash before the commit
 *      leaves no row and loses no number; there may be a label, whole or torn, in a folder without packs. Whoever adds that
 *      place again finds it: a torn one, one whose number the catalog does not have or has as removed, and one whose
 *      number was given to another place since (that answers, with a label of another time) makes room for the new
 *      one. Where packs lie, no label is ever removed.
 * (N5) A medium that answers moves only to where all its packs are, each of its length; one that is lost, also to a copy
 *      that lacks some. Not while one of them is being written. Other processes notice at their next use of it.
 *
 * Refusals are ERR_DENIED with the reason in words; ERR_NOTFOUND: there is no medium with this number.
 */
#ifndef APP_ARCHIVE_MEDIA_H
#define APP_ARCHIVE_MEDIA_H

#include "app/archive/archive.h"

/* Test the place and give it the next number. A place that has this archive's label already is ERR_EXISTS and names the
 * number, another archive's ERR_FOREIGN. It is activated if ACTIVATE. */
int media_add_site(struct archive *a, const struct site *site, bool activate, unsigned *medium_r,
		   struct err *err);
/* Medium NUMBER is elsewhere now, or has another log-in (N5): the place must have its label. A directory is given
 * absolute. So many packs are *MISSING_R at a new location. ERR_BUSY: it is being written just now. */
int media_move(struct archive *a, unsigned medium, const struct site *site, uint64_t *missing_r,
	       struct err *err);

int media_activate(struct archive *a, unsigned medium, struct err *err);
/* Not the active one. What of it is in staging waits there. */
int media_deactivate(struct archive *a, unsigned medium, struct err *err);
int media_reactivate(struct archive *a, unsigned medium,
		     struct err *err); /* in use again, not active */
int media_remove(struct archive *a, unsigned medium, struct err *err); /* (N3) */

/* (M4) Medium OLD's packs were copied onto medium NEW: compare every one of them, by SHA-256, and if all are there
 * let OLD stand for NEW from now on. Nothing is changed if one is missing or differs: ERR_DAMAGED names the first, and
 * how many there are. PROGRESS may be NULL. */
int media_redirect(struct archive *a, unsigned old, unsigned new,
		   void (*progress)(void *arg, uint64_t packs, uint64_t total), void *arg,
		   struct err *err);

/* All media but removed ones, as media_list(); those that are local are asked first, which takes no time. */
int media_overview(struct archive *a, struct arena *arena, struct medium_row **v_r, size_t *n_r,
		   struct err *err);

/* Ask medium NUMBER: reach it, check its label, measure its space; the catalog keeps what was found. 0 also when it does
 * not answer: then WHY_R tells, else it is ERR_NONE. DEEP: site_test() too. */
int media_ask(struct archive *a, unsigned medium, bool deep, struct err *why_r, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* found.h - which media of an archive are at the places that a person names.
 *
 * A place is a medium's own (its folder "sealpost-UUID" is there), or a mirror's: then it has a folder "medium-N" for
 * each medium, and each of these is that medium's place. What counts is the label there, not the folder's number.
 */
#ifndef APP_ARCHIVE_FOUND_H
#define APP_ARCHIVE_FOUND_H

#include "base/arena.h"
#include "storage/keyring.h"
#include "storage/site.h"

struct found_medium {
	unsigned medium;
	struct site site;    /* where it is; texts in the arena */
	struct secret *own;  /* its password, if nobody else keeps it */
	struct medium *open; /* to be read only; NULL: it was handed on */
	const struct keyring *keys;
};

struct found_media {
	struct arena *arena; /* the caller's */
	struct {
		struct found_medium *v;
		size_t n, cap;
	} media;
};

void found_media_clear(struct found_media *f);

/* Add the media that are at PLACE: 1, 0 there are none; ERR_FOREIGN instead of 0 if it is a directory with
 * another archive's. A number that was found before stays where it was found first. Errors are site_open()'s and label_read()'s. PLACE's
 * password must outlive F. */
int found_media_look(struct found_media *f, const struct keyring *keys, const struct site *place,
		     struct err *err);

struct found_medium *found_media_get(struct found_media *f, unsigned medium); /* NULL: not found */

/* Give it out, opened once more if need be and checked to be the same; the caller's. ARG is a struct found_medium: for
 * storage/staged.h. */
int found_medium_connect(void *arg, struct medium **medium_r, struct err *err);

#endif

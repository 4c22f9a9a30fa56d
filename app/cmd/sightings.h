/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sightings.h - how a mail came, each time it did, for those who read it: what its records know beside its bytes. */
#ifndef APP_CMD_SIGHTINGS_H
#define APP_CMD_SIGHTINGS_H

#include "app/archive/read.h"

struct sighting {
	struct facts facts;
	bool readable; /* else the catalog alone tells: way, source, time, place and flags */
};

struct sightings {
	struct arena *arena;
	struct sighting *v; /* the first is that of the mail itself */
	size_t n, cap;
};

/* All of the mail of ROW; views in the arena. */
int sightings_read(struct archive *a, struct reader *reader, struct arena *arena,
		   const struct mail_row *row, struct sightings *seen_r, struct err *err);

/* The header fields that mail servers put on top, apart from the mail's own; nothing if there are none. */
void sightings_add_trace(const struct sightings *seen, struct str *out);
void sightings_add_text(const struct sightings *seen, struct str *out);
void sightings_add_json(const struct sightings *seen, struct str *out); /* an array */

#endif

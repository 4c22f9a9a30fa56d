/* SPDX-License-Identifier: GPL-3.0-or-later */
/* integrity.h - when the whole archive was last put to the proof, and how that ended: `verify --all` and `restore --drill` note it. */
#ifndef APP_CATALOG_INTEGRITY_H
#define APP_CATALOG_INTEGRITY_H

#include "app/catalog/catalog.h"

enum integrity_proof { INTEGRITY_VERIFY, INTEGRITY_DRILL };
enum integrity_result { INTEGRITY_FINE, INTEGRITY_PARTLY, INTEGRITY_DAMAGED, INTEGRITY_FAILED };
const char *integrity_result_text(
	enum integrity_result result); /* "done", "partly", "damaged", "failed" */

struct integrity {
	int64_t time_s;
	enum integrity_result result;
	uint64_t mails; /* read and compared, or opened */
};
int integrity_note(struct catalog *catalog, enum integrity_proof proof,
		   const struct integrity *integrity, struct err *err);
int integrity_last(struct catalog *catalog, enum integrity_proof proof,
		   struct integrity *integrity_r, struct err *err); /* 1, 0 never */

#endif

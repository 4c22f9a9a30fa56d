/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader_scope.h - what mail a person may see: from who he is to the scope that everything asks (app/search/scope.h).
 *
 * (RS1) An ordinary person: what his addresses, his groups' addresses, and these under a domain that counts like theirs sent or got.
 *       auditor: all. revisor: all, within his bounds, until his account ends. dataofficer: the mails of open requests for deletion.
 *       admin and uploader: nothing.
 * (RS2) It is made anew for each request: who loses a right has lost it with his next click.
 */
#ifndef APP_ACCESS_READER_SCOPE_H
#define APP_ACCESS_READER_SCOPE_H

#include "app/catalog/people.h"
#include "app/search/scope.h"

/* All that the scope points to is in the arena. NOW_S: seconds UTC. */
int reader_scope(struct catalog *catalog, struct arena *arena, const struct person *person,
		 int64_t now_s, struct scope *scope_r, struct err *err);

#endif

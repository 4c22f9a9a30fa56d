/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sight.h - mails as far as whoever sent the request may see them.
 *
 * (SI1) A mail that he may not see is ERR_NOTFOUND, like one that does not exist: the same answer after nearly the same work.
 * (SI2) Who got a blind copy, and for whom the envelope was, is told to who may see all mail, and else of his own addresses only.
 */
#ifndef UI_BACKEND_SIGHT_H
#define UI_BACKEND_SIGHT_H

#include "app/archive/find.h"
#include "app/archive/may_see.h"
#include "app/archive/read.h"
#include "app/catalog/audit.h"
#include "ui-backend/reply.h"

/* The mail that the path names as {NAME}. */
int sight_mail(struct api_request *r, const char *name, struct mail_row *row_r, struct err *err);
/* The same of any id. */
int sight_mail_of(struct api_request *r, const struct uuid *id, struct mail_row *row_r,
		  struct err *err);
bool sight_is_all(const struct api_request *r); /* may he see all mail? */
/* May he be told that this address got a mail that he sees (SI2)? */
bool sight_tells(struct api_request *r, struct view addr);

/* A reader for this request. */
struct reader *sight_reader(struct api_request *r);

/* A row of a list (MailRow in openapi.yaml). */
int sight_row_json(struct api_request *r, const struct mail_row *row, struct json_object **row_r,
		   struct err *err);
/* The fields of a row, into an object that has more. */
int sight_add_row(struct api_request *r, const struct mail_row *row, struct json_object *object,
		  struct err *err);

/* What a search marks (Word in openapi.yaml). */
struct json_object *sight_words_json(struct api_request *r, const struct query *query);

/* A line of the audit log for what was looked at. It is there, and whole, before the answer is; a crash of the machine may lose what it
 * wrote in its last second. */
int sight_audit(struct api_request *r, enum audit_event what, struct view subject,
		struct view detail, struct err *err);

#endif

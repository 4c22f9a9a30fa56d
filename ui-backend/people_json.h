/* SPDX-License-Identifier: GPL-3.0-or-later */
/* people_json.h - what catalog/people.h has, as openapi.yaml has it. */
#ifndef UI_BACKEND_PEOPLE_JSON_H
#define UI_BACKEND_PEOPLE_JSON_H

#include "app/catalog/people.h"
#include "ui-backend/reply.h"

struct json_object *texts_json(const struct texts *texts);
/* The other way round: 1; 0 OBJECT has no NAME; -1 ERR_SYNTAX. Each of 1 to LONGEST bytes. */
int texts_read(struct api_request *r, struct json_object *object, const char *name, size_t most,
	       size_t longest, struct texts *texts_r, struct err *err);
/* Bounds: what does not bound is left out. Dates are local; the last day is included. */
struct json_object *bounds_json(const struct bounds *bounds);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appearance.h - name, colour and logo of the archive, as its page shows them (product.md, P3): settings of the catalog. */
#ifndef UI_BACKEND_APPEARANCE_H
#define UI_BACKEND_APPEARANCE_H

#include "ui-backend/reply.h"

#define APPEARANCE_NAME "appearance_name"           /* empty: "Sealpost" */
#define APPEARANCE_COLOUR "appearance_colour"       /* "#0066cc"; empty: the page's own */
#define APPEARANCE_LOGO "appearance_logo"           /* the image's bytes */
#define APPEARANCE_LOGO_TYPE "appearance_logo_type" /* "image/png" */

/* Appearance in openapi.yaml; without an archive the page's own. */
int appearance_json(struct api_request *r, struct json_object **object_r, struct err *err);

#endif

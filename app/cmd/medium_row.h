/* SPDX-License-Identifier: GPL-3.0-or-later */
/* medium_row.h - how a medium is, for people and for programs: the same in `medium list`, `medium check` and `status`. */
#ifndef APP_CMD_MEDIUM_ROW_H
#define APP_CMD_MEDIUM_ROW_H

#include "app/cmd/cmd.h"

/* Its line, or lines, with their ends. */
void medium_row_text(struct str *out, const struct medium_row *row);
/* One JSON object, without a line end. */
void medium_row_json(struct str *out, const struct medium_row *row);

#endif

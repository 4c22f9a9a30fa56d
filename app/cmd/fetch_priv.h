/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetch_priv.h - the verb fetch, in two files: setting accounts up, and using them. */
#ifndef APP_CMD_FETCH_PRIV_H
#define APP_CMD_FETCH_PRIV_H

#include "app/catalog/accounts.h"
#include "app/cmd/cmd.h"

int fetch_add(struct cmd *cmd);
int fetch_set(struct cmd *cmd);
int fetch_list(struct cmd *cmd);
int fetch_remove(struct cmd *cmd);

#endif

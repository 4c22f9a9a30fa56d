/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backup.h - the halves of `sealpost backup`. */
#ifndef APP_CMD_BACKUP_H
#define APP_CMD_BACKUP_H

#include "app/cmd/cmd.h"

int cmd_backup_mirror(struct cmd *cmd); /* with "mirror" as its first argument */

#endif

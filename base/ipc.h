/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ipc.h - messages between two processes of ours, read strictly.
 *
 * A message is a type (4 bytes), a length (4 bytes), both little-endian, and so many bytes, 16 MiB at most. The
 * receiver takes it apart with view_*() and refuses what is left over: ERR_DAMAGED.
 */
#ifndef BASE_IPC_H
#define BASE_IPC_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

int ipc_send(int fd, uint32_t type, struct view body, struct err *err);
/* To a socket, within TIMEOUT_MS. After ERR_TIMEOUT the descriptor is of no use: a part may have been sent. */
int ipc_send_within(int fd, int timeout_ms, uint32_t type, struct view body, struct err *err);
/* The next message, its body in BODY (reset first): 1; 0 the other side has closed; -1. Waits TIMEOUT_MS at most, -1
 * for ever. After -1 the descriptor is of no use: a message may have been read in part. */
int ipc_receive(int fd, int timeout_ms, uint32_t *type_r, struct str *body, struct err *err);

/* Texts in a body: varint length and bytes. */
void ipc_add_text(struct str *body, struct view text);
int ipc_text(struct view *rest, struct view *text_r);

#endif

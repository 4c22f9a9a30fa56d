/* SPDX-License-Identifier: GPL-3.0-or-later */
/* secret.h - keys and passwords in memory: pages of their own, locked, left out of core dumps,
 * wiped when freed. A secret cannot be printed, and is compared in constant time. A child after fork(2) does not
 * have its parent's: to use one there is a bug, and ends the child.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/err.h"

#include <stddef.h>

struct secret;

struct secret *secret_new(size_t len); /* zeroed; LEN from 1 to 64 KiB */
struct secret *secret_copy(const void *data, size_t len);
void secret_free(struct secret **secret);

unsigned char *secret_bytes(struct secret *secret); /* to fill it */
const unsigned char *secret_data(const struct secret *secret);
size_t secret_len(const struct secret *secret);
void secret_shrink(struct secret *secret, size_t len); /* LEN at most as before; wipes the rest */
bool secret_eq(const struct secret *a, const struct secret *b);

/* Read a secret's bytes from a file descriptor until its end (at most MAX bytes, more is
 * ERR_TOOBIG, none is ERR_SYNTAX), or from a file, of which one final line end is dropped. */
int secret_read_fd(int fd, size_t max, struct secret **secret_r, struct err *err);
int secret_read_line_file(const char *path, struct secret **secret_r, struct err *err);

/* Ask for a password at the terminal, without echo. */
int secret_prompt(const char *question, struct secret **secret_r, struct err *err);

/* Once, at the start of main: no core dumps, no ptrace by others of the same user. */
void secret_harden_process(void);

#endif

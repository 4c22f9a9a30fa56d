/* SPDX-License-Identifier: GPL-3.0-or-later */
/* share.h - one share, by libsmbclient. Only sealpost-smb is linked with it.
 *
 * The library has one state for all of the process and prints what it pleases: one share a process, one thread. Names
 * and meanings are those of storage/medium.h. What the library cannot do: make bytes durable, append (offsets are
 * told), rename over a file in one step, or insist on encryption.
 */
#ifndef STORAGE_SMB_SHARE_H
#define STORAGE_SMB_SHARE_H

#include "base/secret.h"
#include "base/str.h"

#include <stdint.h>

struct share;

struct share_site {
	struct view host;
	unsigned port; /* 0: the usual one */
	struct view share, folder;
	bool create; /* make the folder if it is not there */
	struct view user, domain;
	const struct secret *password; /* NULL: none */
	unsigned timeout_ms;
};

/* Log in and look at the folder; the error kinds are those of site_open(). */
int share_open(const struct share_site *site, struct share **share_r, struct err *err);
void share_free(struct share **share);

int share_create(struct share *s, struct view name, unsigned *handle_r, struct err *err);
int share_reopen(struct share *s, struct view name, unsigned *handle_r, struct err *err);
int share_append(struct share *s, unsigned handle, struct view bytes, struct err *err);
int share_sync(struct share *s, unsigned handle, struct err *err);
int share_close(struct share *s, unsigned handle, struct err *err);

/* At most LEN bytes, appended to OUT. */
int share_read(struct share *s, struct view name, uint64_t offset, size_t len, struct str *out,
	       struct err *err);
/* Close what is open for reading only. Nobody can remove such a file: the library does not share the right to. */
void share_rest(struct share *s);
int share_size(struct share *s, struct view name, uint64_t *size_r, struct err *err);
int share_modified(struct share *s, struct view name, int64_t *time_s_r, struct err *err);
/* For each file below FOLDER: its name and size, as SMB_LIST has them. */
int share_list(struct share *s, struct view folder, struct str *out, struct err *err);
int share_remove(struct share *s, struct view name, struct err *err);
int share_replace(struct share *s, struct view made, struct view name, struct err *err);
int share_cut(struct share *s, struct view name, uint64_t size, struct err *err);
int share_space(struct share *s, uint64_t *free_r, uint64_t *total_r, struct err *err);

#endif

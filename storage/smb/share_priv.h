/* SPDX-License-Identifier: GPL-3.0-or-later */
/* share_priv.h - the insides of struct share, for the files of this folder. */
#ifndef STORAGE_SMB_SHARE_PRIV_H
#define STORAGE_SMB_SHARE_PRIV_H

#include "storage/smb/share.h"
#include "storage/smb_wire.h"

#include <samba-4.0/libsmbclient.h>

enum { READ_HANDLES = 16, NO_FD = -1 };

/* A file that is being written. The library's own offset is not trusted: each write says where it goes. */
struct writing {
	int fd; /* the library's; NO_FD: free */
	uint64_t end;
	struct str name;
};

/* A file that was read lately. */
struct reading {
	int fd;
	uint64_t used; /* by the share's clock */
	struct str name;
};

struct share {
	SMBCCTX *context;
	struct str url;  /* of the folder, without a slash at its end */
	struct str root; /* of the share */
	struct str user, domain;
	struct secret *password;
	unsigned timeout_ms;
	struct writing writing[SMB_HANDLES];
	struct reading reading[READ_HANDLES];
	uint64_t clock;
};

/* Forget that NAME was read: it is removed, or becomes another file, or is to be looked for anew. An open handle would keep
 * the old one. */
void share_forget(struct share *s, struct view name);

/* Set the kind that fits the library's errno, which has some of its own; -1. */
int share_fail(struct err *err, const char *what);
#define share_fail(err, what) (share_fail(err, what), err_minus_one())

/* The URL of NAME below the folder. Everything but letters, digits and "-._~/" is percent-encoded: a "?"
 * would cut a URL. */
const char *share_url(const struct share *s, struct view name, struct str *url);
void share_add_encoded(struct str *url, struct view text);
/* Make the folders that NAME lies in, and the share's own as far as MISSING ones go. */
int share_make_folders(const struct share *s, struct view name, struct err *err);

#endif

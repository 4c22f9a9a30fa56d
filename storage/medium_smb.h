/* SPDX-License-Identifier: GPL-3.0-or-later */
/* medium_smb.h - a folder of a Windows or Samba share as a medium. Type "smb".
 *
 * The share is spoken to by a program of its own, sealpost-smb, over a socket pair: libsmbclient brings some 110
 * libraries, knows no threads and writes to standard error, and a call that hangs is ended by ending the program.
 * ERR_UNSUPPORTED: that program is missing.
 *
 * (SM1) SMB 3.1.1 with signing. Encryption is asked for, but libsmbclient cannot be made to insist on it; what is
 *       written there is sealed by us anyway.
 * (SM2) No call takes longer than the timeout, nor does any piece of a long append or read. After a failure of the
 *       connection the program is ended, and all files open for writing are dead: their calls are ERR_OFFLINE for
 *       ever. Calls by name are tried once more, over a new connection, if that finds the same medium.json there (or
 *       there was none); medium_replace() is not, as it may
 *       have been done. ERR_TIMEOUT of an append: the bytes may be there, may come later, or never.
 * (SM3) A share gives no durability: medium_sync() means that the server has taken all bytes and the file has the length
 *       that was written, and no more. What must not be lost stays on the local disk (storage/staged.h).
 * (SM4) What somebody is reading cannot be removed or replaced: ERR_BUSY. A file that was read is let go of some seconds
 *       after the last request.
 */
#ifndef STORAGE_MEDIUM_SMB_H
#define STORAGE_MEDIUM_SMB_H

#include "storage/site.h"

/* SITE->location is a share's. As site_open(), which is how one gets here. */
int medium_smb_open(const struct site *site, const char *folder, bool create,
		    struct medium **medium_r, struct err *err);

#endif

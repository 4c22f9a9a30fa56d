/* SPDX-License-Identifier: GPL-3.0-or-later */
/* copy.h - what Postfix delivers to the archive beside its users: the completion of a capture.
 *
 * The milter has captured the mail, pending, and named it to Postfix by a recipient <TOKEN@copy.invalid>
 * (app/intake/token.h); Postfix itself tells to whom it delivers, user@dom as <user=dom@copy.invalid>. Both
 * come here in one LMTP transaction, with the mail as it was delivered, behind all filters.
 *
 * The capture is looked for by, in this order, the recipient's token; a token in an X-Sealpost-Capture header; the queue
 * id that XFORWARD tells; the queue ids of our own Received lines, as far as nobody can have forged them. If it is pending, it is completed and made
 * ready, and the copy is dropped. Else (it is ready, archived, expired or was never made) the copy is kept
 * in the spool, flagged, and the archiver merges it or archives it. So nothing depends on the search but
 * which of two sightings of the mail is the original.
 */
#ifndef APP_INTAKE_SMTPD_COPY_H
#define APP_INTAKE_SMTPD_COPY_H

#include "app/intake/smtpd/transaction.h"

/* A recipient of an LMTP transaction: a token, an address in disguise, the archive's own, or anybody. */
void copy_recipient(struct transaction *t, const struct path *path);

/* The transaction's mail came whole: complete its captures, or keep it. As durable as spool_commit(). */
int copy_commit(struct transaction *t, struct err *err);

#endif

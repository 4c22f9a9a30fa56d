/* SPDX-License-Identifier: GPL-3.0-or-later */
/* transaction.h - one mail on its way from MAIL to the spool (RFC 5321, section 3.3).
 *
 * begin, recipients, bytes, commit; reset at any moment forgets it. The bytes stream into a spool entry that has no
 * name until commit (S1), so a mail is never in memory as a whole, and what is not committed leaves nothing.
 */
#ifndef APP_INTAKE_SMTPD_TRANSACTION_H
#define APP_INTAKE_SMTPD_TRANSACTION_H

#include "app/intake/smtpd/head.h"
#include "app/intake/smtpd/path.h"
#include "app/intake/smtpd/smtpd.h"

struct uuids {
	struct uuid *v;
	size_t n, cap;
};

struct transaction {
	const struct smtpd *smtpd;
	enum protocol protocol;
	struct arena *arena; /* reset with the transaction */
	struct view ident;   /* the mail server's queue id, as XFORWARD told */
	bool open;           /* begun */
	bool utf8;           /* SMTPUTF8 (RFC 6531) */
	struct envelope env;
	size_t recipients; /* accepted, of whatever kind */
	size_t envelope_bytes;
	bool for_archive;      /* a recipient is in the archive's domain */
	bool for_copy;         /* or in the copies' */
	struct uuids captures; /* named by recipients, else found at commit */
	struct spool_entry *entry;
	uint64_t size_bytes; /* taken so far */
	struct head head;    /* LMTP only */
	struct err failed;   /* the first failure; the bytes behind it are of no use */
};

void transaction_init(struct transaction *t, const struct smtpd *smtpd, enum protocol protocol);
void transaction_reset(struct transaction *t);
void transaction_clear(struct transaction *t);

/* FACTS is what is known of client and sender; its views must live until the reset. SIZE_BYTES is what was
 * announced, or 0. ERR_NOSPACE, ERR_TOOBIG: before any byte was sent. */
int transaction_begin(struct transaction *t, const struct envelope *facts, uint64_t size_bytes,
		      struct err *err);
/* ERR_DENIED: mail for its domain is not taken. ERR_BUSY: there are too many; they can have a mail of their own. */
int transaction_recipient(struct transaction *t, const struct path *path, struct err *err);
bool transaction_has_bytes(const struct transaction *t); /* or had, and they were too many */
/* The mail's next bytes; what fails is told by commit. */
void transaction_take(struct transaction *t, struct view piece);
/* 0: it is durable, as a mail of its own or as the completion of its capture. */
int transaction_commit(struct transaction *t, struct err *err);

#endif

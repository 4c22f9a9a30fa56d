/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtpd.h - what all sessions share; read-only once it is open. */
#ifndef APP_INTAKE_SMTPD_SMTPD_H
#define APP_INTAKE_SMTPD_SMTPD_H

#include "app/intake/renewed.h"
#include "app/intake/smtpd/settings.h"
#include "app/intake/smtpd/users.h"
#include "app/intake/spool.h"
#include "app/intake/token.h"
#include "base/conn.h"

struct smtpd {
	const char *archive_dir;
	struct smtpd_settings *settings;
	struct users *users;    /* NULL: nobody can log in */
	struct tls_server *tls; /* NULL: in clear only */
	struct spool *spool;
	struct token_key *token_key; /* NULL: no LMTP; only where smtpd_begin() was called */
	struct renewed renewed;
};

/* Read ARCHIVE_DIR/smtpd.conf and the files that it names. Needs the rights that the jail takes away. ARCHIVE_DIR
 * must outlive it. */
int smtpd_new(const char *archive_dir, struct smtpd **smtpd_r, struct err *err);
/* In the jail: what the doors write to has to belong to their user. */
int smtpd_open(struct smtpd *smtpd, struct err *err);
/* In each process that serves: secrets do not go through fork(2) (base/secret.h). */
int smtpd_begin(struct smtpd *smtpd, struct err *err);
void smtpd_free(struct smtpd **smtpd);

/* Are there other settings, and would they do? To be asked every few seconds; what is wrong with them is logged, and not taken. */
bool smtpd_is_renewed(struct smtpd *smtpd);

/* Serve one client until it, a limit, or CONN's stop descriptor ends that. */
void smtpd_serve(const struct smtpd *smtpd, enum protocol protocol, struct conn *conn);

#endif

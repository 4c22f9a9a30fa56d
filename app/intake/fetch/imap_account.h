/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imap_account.h - all that is to be done for an IMAP account: from log-in to the last action. */
#ifndef APP_INTAKE_FETCH_IMAP_ACCOUNT_H
#define APP_INTAKE_FETCH_IMAP_ACCOUNT_H

#include "app/intake/fetch/ledger.h"
#include "app/intake/spool.h"

/* TOKEN: an OAuth access token, or empty. SPOOL may be NULL where the job only lists. */
int imap_account_run(struct ledger *ledger, struct spool *spool, struct view token, int stop_fd,
		     struct err *err);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pop3.h - all that is to be done for a POP3 account (RFC 1939), by libcurl.
 *
 * POP3 knows one folder, and a mail by its number within one session, or by its UIDL for good. So that no number
 * is ever used in a session that it does not belong to, libcurl may connect once a session, and no more.
 */
#ifndef APP_INTAKE_FETCH_POP3_H
#define APP_INTAKE_FETCH_POP3_H

#include "app/intake/fetch/ledger.h"
#include "app/intake/spool.h"

#define POP3_FOLDER "INBOX"

/* As imap_account_run(). */
int pop3_run(struct ledger *ledger, struct spool *spool, struct view token, int stop_fd,
	     struct err *err);

#endif

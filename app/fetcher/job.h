/* SPDX-License-Identifier: GPL-3.0-or-later */
/* job.h - what the settings of an account say, checked, and as an order to sealpost-fetch.
 *
 *     protocol   imap, pop3                 tls        implicit, starttls, none
 *     port       1 to 65535; empty: that of protocol and tls
 *     ca         a file; empty: the system's             verify, journal, enabled   yes, no
 *     grant      password, refresh-token, client-credentials, device-code
 *     preset     microsoft365, google       mechanism  xoauth2, oauthbearer; empty: what the server has
 *     folders    a pattern (app/intake/fetch/pattern.h)
 *     archived, duplicate, failed           leave, tag=KEYWORD, move=FOLDER (not INBOX), delete (not for failed);
 *                                           of POP3 leave and delete only
 */
#ifndef APP_FETCHER_JOB_H
#define APP_FETCHER_JOB_H

#include "app/catalog/accounts.h"
#include "app/intake/fetch/protocol.h"

/* Are the settings well formed, and of an account that is no prototype, do they make a whole? ERR_SYNTAX says what
 * does not. */
int job_check(const struct account *account, struct err *err);

/* The order, but for mode, archive_dir, limits and secrets; views are the account's. */
int job_of(const struct account *account, struct fetch_job *job_r, struct err *err);

/* Send JOB with the secrets of ACCOUNT, which are wiped here. */
int job_send(int fd, struct catalog *catalog, const struct account *account,
	     const struct fetch_job *job, struct err *err);

#endif

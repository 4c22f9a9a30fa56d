/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth.h - an OAuth 2.0 access token for a mailbox (RFC 6749; device code: RFC 8628).
 *
 * Tokens are in memory only; a new refresh token goes to the parent at once, which keeps it. The token server's
 * certificate is checked against the system's CAs; plain http is for this machine's own addresses alone.
 */
#ifndef APP_INTAKE_FETCH_OAUTH_H
#define APP_INTAKE_FETCH_OAUTH_H

#include "app/intake/fetch/ledger.h"

/* The addresses of well-known services. */
#define OAUTH_PRESETS(X)                                                                           \
	X("microsoft365", "https://login.microsoftonline.com/common/oauth2/v2.0/token",            \
	  "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",                       \
	  "https://outlook.office.com/IMAP.AccessAsUser.All "                                      \
	  "https://outlook.office.com/POP.AccessAsUser.All offline_access",                        \
	  "https://outlook.office365.com/.default")                                                \
	X("google", "https://oauth2.googleapis.com/token",                                         \
	  "https://oauth2.googleapis.com/device/code", "https://mail.google.com/",                 \
	  "https://mail.google.com/")

/* Append the token to TOKEN; nothing where the job is for a password. ERR_DENIED: the token server refuses it.
 * DEVICE is sent where a person has to say yes, and waited for until it expires. */
int oauth_token(struct ledger *ledger, int stop_fd, struct str *token, struct err *err);

#endif

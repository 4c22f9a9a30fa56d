/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.h - the milter protocol, version 6: what the mail server says, and what is asked of it in return.
 *
 * capture           Each mail is held in the spool before its end is answered, and gets one more recipient: its
 *                   token in the copy domain, with NOTIFY=NEVER (RFC 3461), so that no report ever shows it.
 * capture-filtered  The same, but the token goes in a header field, which a filter behind the queue passes on.
 * binder            Behind that filter: a token in such a field becomes the recipient. Refuses nothing.
 *
 * All of them delete the header fields that came with a mail and look like ours. A mail that cannot be held
 * is answered 4xx: it waits at its sender, and is not lost. The end of a session or an "abort" behind the
 * end of a mail says nothing of what becomes of it.
 */
#ifndef APP_INTAKE_MILTER_SESSION_H
#define APP_INTAKE_MILTER_SESSION_H

#include "app/intake/milter/settings.h"
#include "app/intake/spool.h"
#include "app/intake/token.h"

#include <libmilter/mfapi.h>

/* libmilter hands its callbacks nothing but the session, and serves one socket a process. It wants its
 * callbacks before it opens the socket: SPOOL and KEY may be put in until it serves. */
struct session_options {
	enum milter_role role;
	const struct milter_settings *settings;
	struct spool *spool; /* of a binder: NULL */
	const struct token_key *key;
};

/* What to register. OPTIONS stays in use for each session. */
struct smfiDesc session_callbacks(const struct session_options *options);
/* From now on no mail begins: it is put off (a binder's still may). */
void session_stop(void);
/* Is a mail being received, or not answered yet? */
bool session_any_mail(void);

#endif

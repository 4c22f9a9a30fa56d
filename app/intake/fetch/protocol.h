/* SPDX-License-Identifier: GPL-3.0-or-later */
/* protocol.h - what sealpost-fetch and the program that started it tell each other.
 *
 * sealpost-fetch talks to one foreign server for one account, and writes what it gets to the spool. It
 * is started with one end of a Unix stream socketpair as descriptor 3, and knows nothing but what comes
 * from there. Its parent holds the catalog: it knows what was fetched before, and learns from the receipts
 * (app/catalog/receipts.h) what became of each mail.
 *
 *     parent                                         sealpost-fetch
 *     JOB, KNOWN ..., DUE ..., START           ->
 *                                              <-    TOKEN, DEVICE, NOTE at any time
 *                                              <-    ACTED for each DUE (POP3: at the end)
 *                                              <-    FOLDER for each folder that is passed over, or does not open
 *                                              <-    per folder: FOLDER, MAIL | FAILED | REACHED ..., FOLDER_DONE
 *     OUTCOME for MAIL and FAILED, at any time ->
 *                                              <-    ACTED for each OUTCOME that has an action
 *     FINISH                                   ->
 *                                              <-    DONE, or ERROR at any time; then it ends
 *
 * (P1) A mail of a MAIL message is in the spool, synced. One without a MAIL message may be there, too, if the
 *      process died in between: fetched again, it is found to be known.
 * (P2) Nothing changes on the server but by an OUTCOME or a DUE, which the parent sends only when the
 *      mail is archived, read back and compared. \Seen never changes.
 * (P3) The child ends with DONE when all folders are done and each MAIL, and each FAILED that no later
 *      try can help (err_retry()), has got its OUTCOME, or FINISH has come: what has none by then is for DUE of the next
 *      run. Where every action is LEAVE it waits for nothing.
 * (P4) The child reads while it writes, so the parent may block in sending; both may send any number of
 *      messages. When the socket closes the child ends. A parent that cannot send any more (ERR_OFFLINE) reads on
 *      to the DONE or ERROR that is still there.
 *
 * Messages are those of base/ipc.h. A body holds the fields of its struct in the order of the struct: a text as
 * ipc_add_text() has it, a number or a switch as a varint, nothing behind them. Folder names are UTF-8 as
 * people see them, with the server's own delimiter.
 */
#ifndef APP_INTAKE_FETCH_PROTOCOL_H
#define APP_INTAKE_FETCH_PROTOCOL_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

enum { FETCH_FD = 3 };

/* name, its struct fetch_NAME, number. First those of the parent, then those of the child. */
#define FETCH_MESSAGES(X)                                                                          \
	X(JOB, job, 1)                                                                             \
	X(KNOWN, known, 2)                                                                         \
	X(DUE, due, 3)                                                                             \
	X(START, start, 4)                                                                         \
	X(OUTCOME, outcome, 5)                                                                     \
	X(FINISH, finish, 6)                                                                       \
	X(FOLDER, folder, 32)                                                                      \
	X(MAIL, mail, 33)                                                                          \
	X(FAILED, failed, 34)                                                                      \
	X(FOLDER_DONE, folder_done, 35)                                                            \
	X(ACTED, acted, 36)                                                                        \
	X(TOKEN, token, 37)                                                                        \
	X(DEVICE, device, 38)                                                                      \
	X(NOTE, note, 39)                                                                          \
	X(DONE, done, 40)                                                                          \
	X(ERROR, error, 41)                                                                        \
	X(REACHED, reached, 42)

enum fetch_message {
#define X(NAME, name, number) FETCH_##NAME = (number),
	FETCH_MESSAGES(X)
#undef X
};

enum fetch_protocol { FETCH_IMAP = 1, FETCH_POP3 = 2 };
enum fetch_mode {
	FETCH_LIST =
		1, /* connect, log in, send a FOLDER for each folder; change nothing, fetch nothing */
	FETCH_ALL = 2
};
enum fetch_tls { FETCH_TLS_IMPLICIT = 1, FETCH_TLS_STARTTLS = 2, FETCH_TLS_NONE = 3 };
enum fetch_grant {
	FETCH_PASSWORD = 1,           /* no OAuth: user and password */
	FETCH_REFRESH_TOKEN = 2,      /* RFC 6749, section 6 */
	FETCH_CLIENT_CREDENTIALS = 3, /* RFC 6749, section 4.4 */
	FETCH_DEVICE_CODE = 4 /* RFC 8628; with a refresh token at hand that one is tried first */
};
enum fetch_mechanism {
	FETCH_ANY_MECHANISM = 0,
	FETCH_XOAUTH2 = 1,
	FETCH_OAUTHBEARER = 2 /* RFC 7628 */
};
enum fetch_what { FETCH_ARCHIVED = 0, FETCH_DUPLICATE = 1, FETCH_FAILURE = 2, FETCH_OUTCOMES = 3 };
enum fetch_act {
	FETCH_LEAVE = 0,
	FETCH_TAG = 1,   /* with the keyword NAME; IMAP only */
	FETCH_MOVE = 2,  /* to the folder NAME/<source folder>, made if it is missing; IMAP only */
	FETCH_DELETE = 3 /* for good; never for FETCH_FAILURE */
};

struct fetch_action {
	enum fetch_act act;
	struct view name;
};

/* What is not used is empty, or 0. Secrets are here and nowhere else; sealpost-fetch writes no core dump. */
struct fetch_job {
	enum fetch_mode mode;
	struct view account;     /* its name: the envelope's source */
	struct view archive_dir; /* where the spool is */
	enum fetch_protocol protocol;
	struct view host; /* name or address, an IPv6 one without brackets */
	uint64_t port;
	enum fetch_tls tls;
	struct view ca_file; /* empty: the system's */
	bool verify;
	struct view user, password;
	enum fetch_grant grant;
	struct view preset; /* "microsoft365", "google": fill in what is empty of the five below */
	struct view token_url, device_url, scope;
	struct view client_id, client_secret, refresh_token;
	enum fetch_mechanism mechanism;
	struct view folders; /* a pattern, pattern.h; empty: all but Drafts, Trash and Junk */
	struct fetch_action actions[FETCH_OUTCOMES];
	bool unwrap;          /* the account is set up for journal reports */
	uint64_t idle_ms;     /* a server that is silent for so long is gone; 0: 60,000 */
	uint64_t mail_bytes;  /* larger ones are FAILED with ERR_TOOBIG; 0: 256 MiB */
	uint64_t folders_max; /* more are ERR_TOOBIG; 0: 200,000 */
};

/* Up to where a folder was fetched: UIDs above UID are new, if the folder still has this UIDVALIDITY. For
 * POP3 one message for each known UIDL. */
struct fetch_known {
	struct view folder;
	uint64_t uidvalidity, uid;
	struct view uidl;
};

/* Which mail. POP3: folder "INBOX", no UIDVALIDITY, no UID; IMAP: no UIDL. */
struct fetch_which {
	struct view folder;
	uint64_t uidvalidity, uid;
	struct view uidl;
};

/* An action that an earlier run did not carry out. Folders with such are looked into, whatever the pattern. */
struct fetch_due {
	struct fetch_which which;
	enum fetch_what what;
};

struct fetch_start {
};

/* WHICH is archived (read back and compared), a duplicate (likewise) or failed for good. */
struct fetch_outcome {
	struct fetch_which which;
	enum fetch_what what;
};

struct fetch_finish {
}; /* no further OUTCOME will come */

/* Before anything else of this folder. One that is wanted but does not open has no UIDVALIDITY, and no FOLDER_DONE
 * follows; a NOTE says why. */
struct fetch_folder {
	struct view folder;
	struct view
		use;   /* special use, RFC 6154, as "\Sent", or guessed by the name; may be empty */
	bool selected; /* false: passed over by rule, or it holds no mail (\Noselect) */
	bool guessed;  /* the server tells no special uses: USE is by the name */
	uint64_t uidvalidity;
	uint64_t on_server; /* mails there */
	uint64_t
		earlier; /* of which up to the known UID, or of known UIDLs; 0 in FETCH_LIST of IMAP */
};

/* In the spool (P1). */
struct fetch_mail {
	struct fetch_which which;
	struct view entry; /* its id, 16 bytes */
	uint64_t size_bytes;
};

/* Every mail of this folder up to UID was told, or is gone: whatever comes then, it need not be fetched
 * again. They are told in any order, so without this only FOLDER_DONE says how far the folder is. */
struct fetch_reached {
	struct view folder;
	uint64_t uidvalidity, uid;
};

struct fetch_failed {
	struct fetch_which which;
	uint64_t kind; /* enum err_kind */
	struct view text;
};

/* on_server = earlier + mails + failed + gone, unless the server counts mails that it does not list. No MAIL or FAILED of this folder comes any more. */
struct fetch_folder_done {
	struct view folder;
	uint64_t uidvalidity;
	uint64_t on_server, earlier, mails, failed;
	uint64_t gone; /* vanished from the server before they could be fetched */
};

/* An outcome's or a due action is done at the server, or there is nothing to do any more (the mail is gone, the
 * folder has another UIDVALIDITY): KIND is ERR_NONE. Else it could not be done; TEXT says why. */
struct fetch_acted {
	struct fetch_which which;
	uint64_t kind; /* enum err_kind */
	struct view text;
};

struct fetch_token {
	struct view refresh_token; /* takes the place of the one in the job */
};

/* To be shown: the user opens URL and enters CODE there. */
struct fetch_device {
	struct view url, code;
	uint64_t expires_s;
};

/* For the report: the server cannot do something that was asked for, and what was done instead. */
struct fetch_note {
	struct view text;
};

struct fetch_done {
};

struct fetch_error {
	uint64_t kind; /* enum err_kind */
	struct view text;
};

/* void fetch_NAME_write(struct str *body, const struct fetch_NAME *m): append it.
 * int fetch_NAME_read(struct view body, struct fetch_NAME *m_r, struct err *err): its views point into
 * BODY. ERR_DAMAGED: it is malformed, or too long, or an enum is out of range.
 * int fetch_send_NAME(int fd, const struct fetch_NAME *m, struct err *err): ipc_send() of both. */
#define X(NAME, name, number)                                                                      \
	void fetch_##name##_write(struct str *body, const struct fetch_##name *m);                 \
	int fetch_##name##_read(struct view body, struct fetch_##name *m_r, struct err *err);      \
	int fetch_send_##name(int fd, const struct fetch_##name *m, struct err *err);
FETCH_MESSAGES(X)
#undef X

#endif

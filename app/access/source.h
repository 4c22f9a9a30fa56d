/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source.h - the foreign sources of people: LDAP and Active Directory, IMAP, this system's own accounts. How each is set up, which
 * are asked in what order, and the asking.
 *
 * (SO1) What the network sends, and what a PAM module does, happens in a program of its own, sealpost-login (login/main.c): it holds
 *       no key and no database, answers one question, and ends. One that does not answer in time is killed: libldap has no end of
 *       waiting for a peer that is silent during the TLS handshake.
 * (SO2) Passwords go to it over a socket, never on a command line, into the environment, a log or a message.
 * (SO3) A password goes to the server only in TLS whose certificate leads to the CA that is set (the system's without one), or
 *       unencrypted to this computer itself.
 * (SO4) An empty password is SOURCE_WRONG, and nobody is asked: some servers take it for an anonymous log-in, and say yes.
 * (SO5) A verdict tells by its time, and to who reads it, whether a name exists. To say nothing of that to who logs in is the
 *       caller's business.
 *
 * OpenID Connect (PERSON_OIDC) is a row in the table of sources; this version cannot ask it: ERR_UNSUPPORTED.
 */
#ifndef APP_ACCESS_SOURCE_H
#define APP_ACCESS_SOURCE_H

#include "app/access/source_wire.h"
#include "app/catalog/catalog.h"
#include "base/secret.h"

/* --- settings --------------------------------------------------------------------------------- */

/* How one source is set up: texts in the arena, the secret the struct's. */
struct source {
	enum person_source source;
	/* What is not set has its default, and of other sources is NULL; so has what is secret. */
	char *value[SOURCE_N_SETTINGS];
	bool given[SOURCE_N_SETTINGS]; /* set, also a secret */
	struct secret *password;       /* of SOURCE_LDAP_BIND_DN; NULL: none */
};
void source_clear(struct source *source);
#define CLEAN_SOURCE __attribute__((cleanup(source_clear))) struct source

const char *source_setting_name(enum source_setting setting);
enum source_form source_setting_form(enum source_setting setting);
bool source_has(enum person_source source, enum source_setting setting);

/* ERR_UNSUPPORTED: SOURCE is none of those that can be set up. */
int source_load(struct catalog *catalog, struct arena *arena, enum person_source source,
		struct source *source_r, struct err *err);
/* Set the setting NAME to VALUE, "" takes it away. Nothing is stored. ERR_NOTFOUND: it has no such setting. */
int source_put(struct source *source, struct arena *arena, struct view name, struct view value,
	       struct err *err);
/* Does it all fit together, and is there all that is needed? ERR_SYNTAX in words. */
int source_check(const struct source *source, struct err *err);
/* ERR_SYNTAX as from source_check(); nothing is stored then. In one transaction, with a line in the audit log for each setting that
 * changed, without secrets. */
int source_save(struct catalog *catalog, const struct source *source, struct err *err);

/* Those that are on, in the order in which they are asked; by default PERSON_OWN alone. */
struct source_order {
	enum person_source v[PERSON_N_SOURCES];
	size_t n;
};
int source_order_load(struct catalog *catalog, struct source_order *order_r, struct err *err);
/* ERR_SYNTAX: one is there twice, or is PERSON_FIXED, which is always asked and first; ERR_UNSUPPORTED: it cannot be asked in this
 * version; with a line in the audit log. Whether they are set up is not looked at: source_check() tells. */
int source_order_save(struct catalog *catalog, const struct source_order *order, struct err *err);

/* --- asking ----------------------------------------------------------------------------------- */

struct source_question {
	enum source_what what;
	const char *name;              /* as typed */
	const struct secret *password; /* NULL: empty, see SO4 */
	bool any_group; /* PERSON_APPLIANCE: who is no member of the group may log in, too: for admin */
};

/* Ask and wait, as long as the source's time limit is. Errors: ERR_OFFLINE it cannot be reached; ERR_TIMEOUT it is silent; ERR_FOREIGN
 * its certificate is not to be trusted; ERR_DENIED it does not let the archive itself search; ERR_SYNTAX it is set up wrongly;
 * ERR_UNSUPPORTED; ERR_IO. The texts are for the administrator. */
int source_ask(const struct source *source, const struct source_question *question,
	       struct arena *arena, struct source_answer *answer_r, struct err *err);

/* The same in two steps, for who has other things to do meanwhile: start, then finish as soon as the descriptor is readable, or the
 * deadline (clock_monotonic_ms()) has come. Freeing a talk that was not finished ends it. While one is open, nobody may
 * wait for any child (waitpid(-1)). */
struct source_talk;
int source_start(const struct source *source, const struct source_question *question,
		 struct source_talk **talk_r, struct err *err);
int source_talk_fd(const struct source_talk *talk);
int64_t source_talk_deadline_ms(const struct source_talk *talk);
/* Does not wait for the answer: ERR_TIMEOUT if it is not there. */
int source_finish(struct source_talk *talk, struct arena *arena, struct source_answer *answer_r,
		  struct err *err);
void source_talk_free(struct source_talk **talk);

const char *source_verdict_text(enum source_verdict verdict); /* "the password is wrong" */

#endif

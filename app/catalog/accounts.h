/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accounts.h - mailboxes on foreign servers that mail is fetched from, and how each is set up.
 *
 * An account has settings, texts all of them; what it does not set itself is its prototype's (a named account
 * of which others inherit, and which is never fetched), and what nobody sets has a default. What the texts may say is
 * app/fetcher/job.h's business.
 */
#ifndef APP_CATALOG_ACCOUNTS_H
#define APP_CATALOG_ACCOUNTS_H

#include "app/catalog/catalog.h"
#include "base/arena.h"

/* setting, name, default, secret: only accounts_secret() gives it out */
#define ACCOUNT_SETTINGS(X)                                                                        \
	X(PROTOCOL, "protocol", "imap", false)                                                     \
	X(HOST, "host", "", false)                                                                 \
	X(PORT, "port", "", false)                                                                 \
	X(TLS, "tls", "implicit", false)                                                           \
	X(CA, "ca", "", false)                                                                     \
	X(VERIFY, "verify", "yes", false)                                                          \
	X(USER, "user", "", false)                                                                 \
	X(PASSWORD, "password", "", true)                                                          \
	X(GRANT, "grant", "password", false)                                                       \
	X(PRESET, "preset", "", false)                                                             \
	X(TOKEN_URL, "token-url", "", false)                                                       \
	X(DEVICE_URL, "device-url", "", false)                                                     \
	X(SCOPE, "scope", "", false)                                                               \
	X(CLIENT_ID, "client-id", "", false)                                                       \
	X(CLIENT_SECRET, "client-secret", "", true)                                                \
	X(REFRESH_TOKEN, "refresh-token", "", true)                                                \
	X(MECHANISM, "mechanism", "", false)                                                       \
	X(FOLDERS, "folders", "", false)                                                           \
	X(ARCHIVED, "archived", "leave", false)                                                    \
	X(DUPLICATE, "duplicate", "leave", false)                                                  \
	X(FAILED, "failed", "leave", false)                                                        \
	X(JOURNAL, "journal", "no", false)                                                         \
	X(ENABLED, "enabled", "yes", false)

enum account_setting {
#define X(setting, name, def, secret) ACCOUNT_##setting,
	ACCOUNT_SETTINGS(X)
#undef X
		ACCOUNT_N_SETTINGS
};
const char *account_setting_name(enum account_setting setting);
bool account_setting_is_secret(enum account_setting setting);

/* Texts in the arena. */
struct account {
	uint64_t account; /* its number */
	struct view name;
	bool is_prototype;
	struct view parent; /* the prototype's name; data NULL: none */
	/* Its own, else the prototype's, else the default; of secrets always empty. */
	struct view value[ACCOUNT_N_SETTINGS];
	bool own[ACCOUNT_N_SETTINGS]; /* set by itself */
	bool set[ACCOUNT_N_SETTINGS]; /* by itself or its prototype */
	int64_t run_s;                /* when the last run began; 0: there was none */
	struct view run_error;        /* problem code of what ended it early; may be empty */
	uint64_t waiting;             /* mails that it left unsettled */
	uint64_t archived, duplicate, failed; /* in all runs */
};

/* What to change: a value with data NULL stays as it is. */
struct account_change {
	struct view value[ACCOUNT_N_SETTINGS];
	const char *parent; /* NULL: as it is; "": none */
};

/* Is what an account becomes all right? -1: it stays as it was, or is not made. */
typedef int account_check_fn(const struct account *account, struct err *err);

/* Make an account. ERR_EXISTS: the name is taken. ERR_NOTFOUND: there is no such prototype. */
int accounts_add(struct catalog *catalog, struct view name, bool is_prototype,
		 const struct account_change *change, account_check_fn *check, struct err *err);
/* ERR_NOTFOUND: there is no such account, or no such prototype. ERR_USAGE: a prototype inherits from none. */
int accounts_change(struct catalog *catalog, struct view name, const struct account_change *change,
		    account_check_fn *check, struct err *err);
/* With all that is remembered of it; what was archived stays. ERR_BUSY: others inherit from it. */
int accounts_remove(struct catalog *catalog, struct view name, struct err *err);

/* 1, 0 there is none with this name. */
int accounts_get(struct catalog *catalog, struct arena *arena, struct view name,
		 struct account *account_r, struct err *err);
struct accounts {
	struct account *v;
	size_t n, cap;
};
int accounts_list(struct catalog *catalog, struct arena *arena, struct accounts *accounts_r,
		  struct err *err); /* by name */

/* A secret, its own or its prototype's: 1; 0 there is none. */
int accounts_secret(struct catalog *catalog, uint64_t account, enum account_setting setting,
		    struct secret **secret_r, struct err *err);

/* One value, durable on return: a server gives a new refresh token once, and the old one is void. */
int accounts_set(struct catalog *catalog, uint64_t account, enum account_setting setting,
		 struct view value, struct err *err);
/* A run has begun at RUN_S, or ended: RUN_ERROR is the problem code, "" if all went well. */
int accounts_note_run(struct catalog *catalog, uint64_t account, int64_t run_s,
		      const char *run_error, uint64_t waiting, struct err *err);

/* Take all accounts, and what is remembered of them, from another catalog into this one, which has none: what no
 * pack knows. */
int accounts_carry_over(struct catalog *from, struct catalog *to, struct err *err);

#endif

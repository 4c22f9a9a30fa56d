/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doors.h - the archive's side of the hook: the folder of its sockets in Postfix's queue, and the settings of the doors behind them (milter.conf,
 * smtpd.conf). ARCHIVE/postfix.conf tells which Postfix is hooked, for whoever looks whether all is well.
 *
 * The archive's files are written by a process that has become the archive's owner.
 */
#ifndef APP_POSTFIX_DOORS_H
#define APP_POSTFIX_DOORS_H

#include "base/arena.h"
#include "base/conf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* The user of doors that are a service; where there is none, they are started as root. */
#define DOORS_USER "sealpost-door"

struct doors {
	const char *archive_dir, *config_dir;
	const char *queue_dir;  /* Postfix's */
	const char *mail_owner; /* Postfix's user */
	const char *hostname, *domain;
	const char *back;        /* the service behind a filter that somebody named; "" none */
	uint64_t max_mail_bytes; /* Postfix's; 0: any */
	bool captures, captures_filtered;
};

/* The sockets that must answer, addresses in the arena. */
struct doors_sockets {
	const char **v;
	size_t n, cap;
};
void doors_sockets(const struct doors *d, struct arena *arena, struct doors_sockets *sockets_r);

/* Make the folder, for Postfix and the doors alone. */
int doors_make_folder(const struct doors *d, struct err *err);
/* Is it as it must be? ERR_NOTFOUND, or ERR_DENIED with what is wrong. */
int doors_check_folder(const struct doors *d, struct err *err);
void doors_remove_folder(const struct doors *d);

/* Write what is missing or wrong in the settings; the rest of them stays. */
int doors_set_up(const struct doors *d, struct err *err);
/* Is it so already? 1, 0 with what is not, -1. */
int doors_are_set_up(const struct doors *d, struct err *err);
/* Take it out again; settings without a listener are put aside (NAME.off). */
int doors_take_down(const struct doors *d, struct err *err);

/* Do they all answer within that time? ERR_OFFLINE names the first that does not. */
int doors_wait(const struct doors *d, int timeout_ms, struct err *err);

/* ARCHIVE/postfix.conf */
struct doors_of {
	char *config_dir, *domain; /* "" : no Postfix is hooked */
	char *back;                /* as in struct doors */
};
int doors_of_read(const char *archive_dir, struct doors_of **of_r, struct err *err);
void doors_of_free(struct doors_of **of);

/* The domain that smtpd.conf has already; in the arena, NULL none. */
const char *doors_domain(const char *archive_dir, struct arena *arena);

/* Do WORK in a process that has become the owner of FOLDER (if this one is root); its error comes back. */
int as_owner_of(const char *folder, int (*work)(const void *arg, struct err *err), const void *arg,
		struct err *err);

#endif

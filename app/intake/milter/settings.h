/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settings.h - ARCHIVE/milter.conf: where the milter listens, and as what. */
#ifndef APP_INTAKE_MILTER_SETTINGS_H
#define APP_INTAKE_MILTER_SETTINGS_H

#include "base/conf.h"

#include <sys/types.h>

/* role, its name in the settings; what each does is told in session.h */
#define MILTER_ROLES(X)                                                                            \
	X(CAPTURE, "capture")                                                                      \
	X(CAPTURE_FILTERED, "capture-filtered")                                                    \
	X(BINDER, "binder")

enum milter_role {
#define X(role, name) ROLE_##role,
	MILTER_ROLES(X)
#undef X
};
const char *milter_role_text(enum milter_role role);

struct milter_listener {
	enum milter_role role;
	const char *address; /* "unix:/path"; the settings' */
};

struct milter_settings {
	struct milter_listener *listeners; /* at least one */
	size_t n_listeners;
	mode_t socket_mode;
	char *socket_group; /* empty: that of the process */
	char *user;         /* what to become when root started it; empty: it stays root */
	char *copy_domain;  /* tokens are addresses in it */
	char *source;       /* the mail server's name in the archive; empty: what it calls itself */
	uint64_t max_mail_bytes, reserve_bytes;

	struct conf_list listen; /* as read */
	char *socket_mode_text;
};

/* A missing file is an error, too: without a listener there is nothing to do. */
int milter_settings_read(const char *archive_dir, struct milter_settings **settings_r,
			 struct err *err);
void milter_settings_free(struct milter_settings **settings);
void milter_settings_table(struct str *out); /* see conf_table() */

#endif

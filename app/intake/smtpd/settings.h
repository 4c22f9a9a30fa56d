/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settings.h - ARCHIVE/smtpd.conf, read by base/conf.h and checked whole before anything is opened. */
#ifndef APP_INTAKE_SMTPD_SETTINGS_H
#define APP_INTAKE_SMTPD_SETTINGS_H

#include "base/network.h"
#include "base/conf.h"

/* SMTP (RFC 5321) faces the network; LMTP (RFC 2033) takes from the mail server of this machine what it
 * delivers, and is never told a 5xx: behind it stands a copy whose loss nobody would be told of. */
enum protocol { PROTOCOL_SMTP, PROTOCOL_LMTP };

struct smtpd_listen {
	enum protocol protocol;
	const char *address; /* for conn_listen(); in the settings */
};

struct smtpd_settings {
	struct conf_list listen, networks, archive_domain, spam_mark;
	char *socket_mode_text, *socket_group, *user;
	char *source, *hostname, *copy_domain;
	char *auth_file, *tls_cert, *tls_key; /* empty: none */
	bool accept_all, journal, bare_newline;
	uint64_t max_connections, max_connections_per_client, max_mail_bytes, max_recipients;
	uint64_t max_errors, idle_timeout_s, data_timeout_s, session_timeout_s, reserve_bytes;
	/* made of the texts */
	unsigned socket_mode;
	struct smtpd_listen *listens; /* listen.n of them */
	struct network *network;      /* networks.n */
};

/* A value that cannot be is ERR_SYNTAX. */
int smtpd_settings_read(const char *path, struct smtpd_settings **settings_r, struct err *err);
void smtpd_settings_free(struct smtpd_settings **settings);
void smtpd_settings_table(struct str *out); /* see conf_table() */

#endif

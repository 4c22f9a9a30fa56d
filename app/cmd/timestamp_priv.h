/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timestamp_priv.h - the verbs of `sealpost timestamp`, in timestamp.c, timestamp_set.c and timestamp_verify.c. Each returns an exit
 * status. */
#ifndef APP_CMD_TIMESTAMP_PRIV_H
#define APP_CMD_TIMESTAMP_PRIV_H

#include "app/cmd/cmd.h"

/* What stands behind `timestamp`; each verb uses its own. */
struct timestamp_options {
	uint64_t at_least;
	bool if_set, renew, all, forget;
	const char *to, *at;
	const char *url, *ca, *policy, *user, *password_file, *tls_ca, *client_cert, *client_key;
	const char *proxy, *proxy_user, *proxy_password_file, *hash;
	const char *settings; /* a file with them as JSON, from the page; instead of the options */
	uint64_t tolerance, renew_days, timeout;
};
enum { OPTION_NOT_GIVEN = UINT32_MAX }; /* of a number */

int timestamp_set(struct cmd *cmd, struct archive *a, const struct timestamp_options *o);
int timestamp_try(struct cmd *cmd, struct archive *a, const struct timestamp_options *o);
int timestamp_verify(struct cmd *cmd, struct archive *a, const struct timestamp_options *o);
int timestamp_export(struct cmd *cmd, struct archive *a, const struct timestamp_options *o);

#endif

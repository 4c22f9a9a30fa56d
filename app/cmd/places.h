/* SPDX-License-Identifier: GPL-3.0-or-later */
/* places.h - places that a command names, and one log-in for those of them that are shares. */
#ifndef APP_CMD_PLACES_H
#define APP_CMD_PLACES_H

#include "app/cmd/cmd.h"
#include "storage/site.h"

struct places {
	struct option_list locations;
	const char *user, *domain, *password_file;
	struct secret *password;
	struct site *v;
	size_t n;
};

#define PLACES_OPTIONS(name, p)                                                                    \
	{(name), OPTION_LIST, &(p)->locations}, {"user", OPTION_TEXT, &(p)->user},                 \
		{"domain", OPTION_TEXT, &(p)->domain},                                             \
	{                                                                                          \
		"password-file", OPTION_TEXT, &(p)->password_file                                  \
	}

/* From the options to V: EXIT_DONE, or another exit status, and it was told. */
int places_load(const struct cmd *cmd, struct places *p);
void places_clear(struct places *p);
#define CLEAN_PLACES __attribute__((cleanup(places_clear))) struct places

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reading.h - what a main.cf and a master.cf say, as postconf(1) understands them. */
#ifndef APP_POSTFIX_READING_H
#define APP_POSTFIX_READING_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

struct postfix_setting {
	const char *service; /* "smtp/inet" of an option in master.cf; NULL: main.cf */
	const char *name;
	const char *value; /* as written */
	const char *means; /* with every $name put in */
	bool is_set;       /* in the file; else it is Postfix's default */
};

struct postfix_service {
	const char *id, *type, *program; /* "smtp/inet", "inet", "smtpd" */
	const char *address;             /* what stands before the slash: "127.0.0.1:10025" */
	char chroot;                     /* as written: y, n, - */
};

struct postfix_reading {
	struct {
		struct postfix_setting *v;
		size_t n, cap;
	} settings;
	struct {
		struct postfix_service *v;
		size_t n, cap;
	} services;
};

/* All of it lives in the arena. What postconf cannot read is ERR_IO, with its words. */
int postfix_read(const char *config_dir, struct arena *arena, struct postfix_reading *reading_r,
		 struct err *err);

/* A parameter of main.cf; "" if there is none. */
const char *postfix_value(const struct postfix_reading *reading, const char *name);
const char *postfix_means(const struct postfix_reading *reading, const char *name);
/* As written in the file, or NULL. */
const char *postfix_written(const struct postfix_reading *reading, const char *service,
			    const char *name);
/* What holds for a service: its own option, or main.cf's. */
const char *postfix_holds(const struct postfix_reading *reading, const char *service,
			  const char *name);
const struct postfix_service *postfix_find_service(const struct postfix_reading *reading,
						   const char *id);

#endif

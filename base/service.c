/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/service.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_ARCHIVE "/var/lib/sealpost/default"

static int usage(const struct service *s)
{
	fprintf(stderr,
		"usage: sealpost-%s [--archive DIR] [--verbose | --quiet] [--follow]%s%s%s\n",
		s->name, s->own ? " [" : "", s->own ? s->own : "", s->own ? "]" : "");
	return -1;
}

int service_parse(struct service *s, int argc, char **argv)
{
	enum log_who who;

	s->archive_dir = getenv("SEALPOST_ARCHIVE");
	if (s->archive_dir == NULL)
		s->archive_dir = DEFAULT_ARCHIVE;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--archive") == 0 && i + 1 < argc)
			s->archive_dir = argv[++i];
		else if (strcmp(argv[i], "--verbose") == 0)
			log_set_level(LOG_LEVEL_INFO);
		else if (strcmp(argv[i], "--quiet") == 0)
			log_set_level(LOG_LEVEL_ERROR);
		else if (strcmp(argv[i], "--follow") == 0)
			s->follow = true;
		else if (s->own != NULL && strcmp(argv[i], s->own) == 0)
			s->own_given = true;
		else
			return usage(s);
	}
	must(log_who_read(s->name, &who) == 0);
	log_follow(s->archive_dir, who);
	return 0;
}

int service_failed(const struct service *s, const struct err *err, const char *meaning)
{
	log_error("%s failed: %s", s->name, err->text);
	fprintf(stderr, "%s\n", meaning);
	return SERVICE_FAILED;
}

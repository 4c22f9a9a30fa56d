/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command.h - running one of Postfix's own programs, and hearing what it says. */
#ifndef APP_POSTFIX_COMMAND_H
#define APP_POSTFIX_COMMAND_H

#include "base/err.h"
#include "base/str.h"

/* Run ARGV (NULL behind the last), of which the first is a path, or a program in /usr/sbin, with INPUT on its standard input and nothing of our environment; what it
 * writes is appended to OUT and to SAID (standard error), each of which may be NULL. Its exit status; -1: it could not be started, was ended by
 * a signal, or took longer than two minutes. */
int command_run(const char *const *argv, struct view input, struct str *out, struct str *said,
		struct err *err);

/* The same where only status 0 is good: else ERR_IO with the program's name and its last line. */
int command_must(const char *const *argv, struct str *out, struct err *err);

#endif

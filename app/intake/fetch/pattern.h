/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pattern.h - which folders of a mailbox are wanted.
 *
 * A pattern has one rule a line; a folder is wanted if any of them holds. A rule is conditions joined by
 * "&", which must all hold: "INBOX*&!*Private*". A condition is a folder's whole name, in which "*"
 * stands for any text (delimiters, too), or a special use (RFC 6154) as "\Sent"; "!" in front turns it
 * round. Exclusions belong into one rule: of two rules that only exclude each wants what the other does not, which is
 * everything, so there may be one such rule at most. A backslash before & * ! or a backslash takes its meaning away. INBOX is INBOX in any case; white space
 * around a condition does not count.
 */
#ifndef APP_INTAKE_FETCH_PATTERN_H
#define APP_INTAKE_FETCH_PATTERN_H

#include "base/err.h"
#include "base/str.h"

/* What an empty pattern means. */
#define PATTERN_DEFAULT "!\\Drafts&!\\Trash&!\\Junk"

/* ERR_SYNTAX: a condition is empty, a special use is not known, or two rules only exclude. */
int pattern_check(struct view pattern, struct err *err);
/* USE is the folder's special use, or empty. */
bool pattern_wants(struct view pattern, struct view folder, struct view use);

/* FLAG as the standard writes it, if it is a special use; else empty. */
struct view special_use(struct view flag);

#endif

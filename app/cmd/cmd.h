/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd.h - what the verbs of the command line share: options, errors, output.
 *
 * Each verb is one file with one function cmd_VERB(); VERBS below is the list of them, from which dispatch and help
 * come. Exit status: 0 done, 1 failed, 2 wrong usage, 3 done with some items refused (each named).
 */
#ifndef APP_CMD_CMD_H
#define APP_CMD_CMD_H

#include "app/archive/archive.h"
#include "app/catalog/audit.h"
#include "base/err.h"

#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3 };

/* What is given before or behind the verb. */
struct cmd {
	const char *archive_dir; /* --archive, else SEALPOST_ARCHIVE, else the default */
	bool json;
	const char *verb;
	const char *usage; /* of the verb */
	int argc;          /* what stands behind the verb and is no option of all verbs */
	char **argv;
};

/* verb, arguments, one line of help */
#define VERBS(X)                                                                                   \
	X(init, "[--medium DIR] [--name NAME]", "make a new archive")                              \
	X(key, "export|import [FILE]|show [--password-file F | --password-prompt] [--html]",       \
	  "the archive key, on paper")                                                             \
	X(import, "PATH... [--source NAME] [--dry-run] [--since D] [--until D] [--jobs N]",        \
	  "take in .eml files, Maildir and mbox mailboxes")                                        \
	X(search, "QUERY [--limit N] [--offset N] [--count]", "find mails, newest first")          \
	X(show, "ID [--raw | --part N | --report]", "read one mail, or its journal report")        \
	X(export, "(QUERY | --all) [--format eml|mbox|zip] --to PATH",                             \
	  "give mails back, with a manifest")                                                      \
	X(verify, "ID | --all [--repair-from mirror]", "prove that nothing is damaged or missing") \
	X(delete, "ID... [--reason TEXT]",                                                         \
	  "delete mails; erase takes them out of index and media")                                 \
	X(request,                                                                                 \
	  "list [--all] | add ID... [--reason TEXT] | approve|reject N [--reason TEXT] | "         \
	  "mode [off|on|approval]",                                                                \
	  "requests for deletion, and who decides on them")                                        \
	X(hold, "list | set QUERY [--reason TEXT] | lift N [--reason TEXT]",                       \
	  "mails that nobody can delete")                                                          \
	X(erase, "index|media", "the nightly steps that erase deleted mails for good")             \
	X(note, "ID [--tags TAGS] [--text TEXT]", "tags and a note for a mail")                    \
	X(index, "update|notes|rebuild", "bring the search index up to date, or make it anew")     \
	X(rebuild, "[--medium LOCATION]... [--user U --password-file F] [--domain D]",             \
	  "make catalog and index from the media and the key")                                     \
	X(backup,                                                                                  \
	  "full | incremental | list [--check] | mirror [--to LOCATION [--user U "                 \
	  "--password-file F] [--domain D]] [--scrub-all] [--now] [--forget]",                     \
	  "backups of the catalog on the active medium, and the mirror of all media")              \
	X(restore,                                                                                 \
	  "--key-backup FILE --from LOCATION... [--user U --password-file F] [--domain D] "        \
	  "[--key-password-file F] | --drill [N] [--from LOCATION]...",                            \
	  "bring an archive back from its media or their mirror, or try to")                       \
	X(spool, "list|show ID|retry ID...|drop ID...|expire [--postqueue COMMAND]",               \
	  "incoming mail that waits or is stuck")                                                  \
	X(fetch,                                                                                   \
	  "add|set NAME [--imap|--pop3 HOST[:PORT]] [--user U] [--password-file F] ... | list | "  \
	  "test NAME | run [NAME...] [--once] [--wait S] | remove NAME",                           \
	  "mailboxes on other servers")                                                            \
	X(postfix,                                                                                 \
	  "enable [--domain D] [--config-dir DIR] [--back SERVICE] [--dry-run] "                   \
	  "[--no-test-mail] [--wait S] | disable [--dry-run] [--now] | check",                     \
	  "archive what the mail server delivers")                                                 \
	X(medium,                                                                                  \
	  "list | add|test LOCATION [--user U --password-file F] [--domain D] [--active] | "       \
	  "set N [--location L] [--user U] [--password-file F] [--domain D] | activate N | "       \
	  "deactivate N | reactivate N | check [N] | redirect N --to M | remove N",                \
	  "the numbered media")                                                                    \
	X(status, "[--check] [--tell] | --metrics | --procedure [--lang de|en]",                   \
	  "how the archive is, and what is wrong; for monitoring, for mail")                       \
	X(statistics, "update | show [--days N]",                                                  \
	  "what came in, is stored, and was searched, by day")                                     \
	X(timestamp,                                                                               \
	  "set --url URL --ca FILE [--user U --password-file F] [--policy OID] [--hash H] ... | "  \
	  "run [--at-least N] [--renew] | status | list | verify ID|--all [--at DATE] | "          \
	  "export ID --to DIR | rehash | refused [--to DIR]",                                      \
	  "prove since when mails are unchanged (RFC 3161)")                                       \
	X(source,                                                                                  \
	  "list | set ldap|imap|appliance [--SETTING VALUE]... [--ca FILE] [--password-file F | "  \
	  "--password-prompt] | test NAME [--user U [--password-file F | --password-prompt]] | "   \
	  "people NAME | order NAME...",                                                           \
	  "where people are known from, beside the archive itself")                                \
	X(user,                                                                                    \
	  "list | add NAME [--role R] [--address A]... [--full-name N] [--password-file F] | "     \
	  "show|password|change|enable|disable|remove|log-out NAME | tie OLD NEW [--source S] | "  \
	  "scope NAME [--domain D]... [--place SOURCE[/FOLDER]]... [--from D] [--until D] "        \
	  "[--valid-until D] | token NAME --for RIGHTS --days N",                                  \
	  "people who may log in")                                                                 \
	X(group, "list | set NAME [--member A]... [--address A]... | remove NAME",                 \
	  "groups, their members, and the addresses by which they are mailed")                     \
	X(domain, "list | set MAIN [ALIAS...]", "domains that count alike")                        \
	X(audit, "list [--last N] | verify", "the log of who did what")                            \
	X(job,                                                                                     \
	  "list | run NAME | log NAME [--run N] | history [NAME] | pause NAME | resume NAME | "    \
	  "set NAME hourly|daily|weekly|on|off",                                                   \
	  "what the archive does by itself, and when")                                             \
	X(log, "list | level DAEMON|all started|error|warning|info|debug",                         \
	  "how much each daemon logs, while it runs")                                              \
	X(task, "list | tidy",                                                                     \
	  "long work that people ordered in the browser, while it is under way")                   \
	X(licence, "show | install FILE | remove", "the licence, where a vendor asks for one")     \
	X(upgrade, "[--check]", "bring an archive of an older version to this one")                \
	X(settings, "", "all settings of the archive's files, with defaults and bounds")           \
	X(serve, "", "run all daemons of the archive, for trials")

#define X(name, args, help) int cmd_##name(struct cmd *cmd);
VERBS(X)
#undef X

/* Options of a verb: one row each, ended by a row without a name. */
struct option_row {
	const char *name; /* without the dashes */
	enum { OPTION_FLAG, OPTION_TEXT, OPTION_NUMBER, OPTION_LIST } kind;
	void *to; /* bool *, const char **, uint64_t *, struct option_list * */
};
struct option_list {
	const char **v;
	size_t n, cap;
};
void option_list_cleanup(struct option_list *list);
#define CLEAN_OPTIONS __attribute__((cleanup(option_list_cleanup))) struct option_list

/* Take the options out of cmd->argv, leaving the arguments. -1: usage was told. */
int cmd_options(struct cmd *cmd, const struct option_row *rows);
/* Tell what is wrong with the call, and how it reads; EXIT_USAGE. */
int cmd_usage(const struct cmd *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Tell an error: what happened, what it means for the mail, what to do. EXIT_FAILED. */
int cmd_fail(const struct cmd *cmd, const struct err *err);
/* The same with another sentence on what it means, and what to do. */
int cmd_fail_meaning(const struct cmd *cmd, const struct err *err, const char *meaning);

/* A number of 1 and up; -1: told, with what it should be the number of. */
int cmd_number(const struct cmd *cmd, const char *text, const char *of, uint64_t *number_r);

/* Open the archive that the command names; -1: told. */
int cmd_open(const struct cmd *cmd, struct archive **archive_r);

/* EXIT_DONE: the licence, where one is asked for, covers another setting; else it was told that not. */
int cmd_permits_settings(const struct cmd *cmd, struct archive *a);

/* The mail whose id is TEXT; -1: told (no such id, erased, malformed). */
int cmd_find_mail(const struct cmd *cmd, struct archive *a, struct arena *arena, const char *text,
		  struct mail_row *row_r);

/* The password OF something ("the key backup") from FILE, or if that is NULL asked for (twice if CONFIRM).
 * -1: told. */
int cmd_password(const struct cmd *cmd, const char *of, const char *file, bool confirm,
		 struct secret **password_r);

/* A line of the audit log, for what was just done. What fails is told: it does not undo what was done. */
void cmd_audit_line(struct archive *a, enum audit_event what, const char *subject,
		    const char *detail);

/* From now on SIGINT and SIGTERM end nothing by themselves: cmd_stop() is true once one of them came. For what takes
 * long, and is to end in good order. */
void cmd_catch_stop(void);
bool cmd_stop(void *unused);

/* One JSON value onto a line being built: a string in quotes, escaped (RFC 8259), and made safe as by
 * str_addsafe(), since TEXT may be of a mail and no valid UTF-8. */
void cmd_json_text(struct str *out, struct view text);
/* ["one", "two"], likewise. */
void cmd_json_list(struct str *out, const struct view *texts, size_t n);
/* , "NAME": "2026-11-22T18:00:00Z", or null for 0. */
void cmd_json_time(struct str *out, const char *name, int64_t time_s);
/* " on 2026-11-22T18:00:00Z: ", behind who did it. */
void cmd_add_when(struct str *out, int64_t time_s);
/* Write a line to standard output; -1: nobody reads it any more, or the disk is full. */
int cmd_print(const struct str *line);

/* "" for one, "s" for none or many: "%llu mail%s". */
const char *cmd_plural(uint64_t n);
/* "1.4 GB". */
const char *cmd_bytes(uint64_t bytes, char out[32]);

/* 2024, 2024-05 or 2024-05-17, local time, the first second of it; -1 malformed. */
int cmd_date(const char *text, int64_t *time_s_r);
/* The same, the first second behind it: for bounds that name the last year, month or day. */
int cmd_date_end(const char *text, int64_t *time_s_r);

#endif

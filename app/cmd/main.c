/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost - the command line.
 *
 * Jail: none. It runs as the administrator and holds the archive key while it works; core dumps are
 * off, the key lies in locked memory.
 */
#include "app/cmd/cmd.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/service.h"

#include <locale.h>
#include <malloc.h>
#include <signal.h>

#define DEFAULT_ARCHIVE "/var/lib/sealpost/default"

static const struct {
	const char *name;
	const char *args;
	const char *help;
	int (*run)(struct cmd *cmd);
} verbs[] = {
#define X(name, args, help) {#name, args, help, cmd_##name},
	VERBS(X)
#undef X
};

enum { N_VERBS = sizeof(verbs) / sizeof(*verbs) };

static int help(FILE *to, int status)
{
	fputs("sealpost keeps mail encrypted, finds it, and gives it back unchanged.\n\n"
	      "usage: sealpost [--archive DIR] [--json] [--verbose] VERB ...\n"
	      "       sealpost --version\n\n",
	      to);
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(to, "  %-8s %s%s%s\n", verbs[i].name, verbs[i].help,
			verbs[i].args[0] ? "\n           " : "", verbs[i].args);
	fputs("\nThe archive is DIR, or $SEALPOST_ARCHIVE, or " DEFAULT_ARCHIVE ".\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done with some items refused.\n",
	      to);
	return status;
}

/* "sealpost VERB --help", "sealpost help VERB". */
static int help_on(size_t verb)
{
	printf("%s: %s\n\nusage: sealpost %s%s%s\n\nsealpost-%s(1) tells of each option, "
	       "\"sealpost help\" of all verbs.\n",
	       verbs[verb].name, verbs[verb].help, verbs[verb].name, verbs[verb].args[0] ? " " : "",
	       verbs[verb].args, verbs[verb].name);
	return EXIT_DONE;
}

static size_t find_verb(const char *name)
{
	size_t i = 0;

	while (i < N_VERBS && strcmp(name, verbs[i].name) != 0)
		i++;
	return i;
}

static int run(struct cmd *cmd, size_t verb, int argc, char **argv)
{
	int status;

	if (argc == 1 && strcmp(argv[0], "--help") == 0)
		return help_on(verb);
	cmd->verb = verbs[verb].name;
	cmd->usage = verbs[verb].args;
	cmd->argc = argc;
	cmd->argv = argv;
	status = verbs[verb].run(cmd);
	if (fflush(stdout) != 0 && status == EXIT_DONE) {
		fprintf(stderr, "sealpost: standard output: %m\n");
		status = EXIT_FAILED;
	}
	return status;
}

static int no_such_verb(const char *word)
{
	if (strcmp(word, "--archive") == 0)
		fputs("sealpost: --archive takes a folder\n", stderr);
	else
		fprintf(stderr, "sealpost: there is no verb \"%s\"; \"sealpost help\" lists them\n",
			word);
	return EXIT_USAGE;
}

static int tell_version(void)
{
	printf("sealpost %s\n", sealpost_version);
	return EXIT_DONE;
}

/* --archive, --json and --verbose may stand anywhere ahead of a "--". Returns the words left. */
static int take_common(struct cmd *cmd, int argc, char **argv)
{
	bool open = true;
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (open && strcmp(argv[i], "--json") == 0)
			cmd->json = true;
		else if (open && strcmp(argv[i], "--verbose") == 0)
			log_set_level(LOG_LEVEL_INFO);
		else if (open && strncmp(argv[i], "--archive=", 10) == 0)
			cmd->archive_dir = argv[i] + 10;
		else if (open && strcmp(argv[i], "--archive") == 0 && i + 1 < argc)
			cmd->archive_dir = argv[++i];
		else
			argv[n++] = argv[i];
		if (strcmp(argv[i], "--") == 0)
			open = false;
	}
	return n;
}

int main(int argc, char **argv)
{
	struct cmd cmd = {.archive_dir = getenv("SEALPOST_ARCHIVE")};
	struct err err = {0};
	size_t verb;
	int n;

	if (jail_follow_starter(&err) < 0) {
		fprintf(stderr, "sealpost: %s\n", err.text);
		return EXIT_FAILED;
	}
	secret_harden_process();
	/* Mails are taken in by one thread and freed by another; without this the heap keeps what they
	 * leave, a fifth more at the peak of an import. */
	mallopt(M_TRIM_THRESHOLD, 128 * 1024);
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if (cmd.archive_dir == NULL)
		cmd.archive_dir = DEFAULT_ARCHIVE;
	n = take_common(&cmd, argc, argv);
	log_follow(cmd.archive_dir, LOG_WHO_command);
	if (n == 0)
		return help(stderr, EXIT_USAGE);
	if (strcmp(argv[0], "help") == 0 && n == 2 && find_verb(argv[1]) < N_VERBS)
		return help_on(find_verb(argv[1]));
	if (strcmp(argv[0], "help") == 0 || strcmp(argv[0], "--help") == 0)
		return help(stdout, EXIT_DONE);
	if (strcmp(argv[0], "--version") == 0)
		return tell_version();
	verb = find_verb(argv[0]);
	return verb < N_VERBS ? run(&cmd, verb, n - 1, argv + 1) : no_such_verb(argv[0]);
}

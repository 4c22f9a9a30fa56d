/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetch test|run, and the way to the rest of fetch. */
#include "app/fetcher/fetcher.h"

#include "app/cmd/fetch_priv.h"
#include "base/file.h"
#include "base/program.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WAIT_S = 60, /* for the archiver */
	WAIT_S_MAX = 24 * 60 * 60,
	CHILD_END_MS = 10000,
	ARCHIVER_END_MS = 120000, /* it ends its batch and seals its pack */
	ARCHIVER_STARTS = 3
};

/* What is the same for all accounts of one call. */
struct fetching {
	struct cmd *cmd;
	struct archive *a;
	const struct account *account; /* in hand */
	struct fetcher_options options;
	pid_t archiver; /* started by us, 0 none */
	int archiver_starts;
	bool any_failed, any_refused;
};

/* --- an archiver, if nobody else runs one ----------------------------------------------------- */

/* Is the one that we started still there? */
static bool archiver_lives(struct fetching *f)
{
	if (f->archiver > 0 && waitpid(f->archiver, NULL, WNOHANG) != 0)
		f->archiver = 0;
	return f->archiver > 0;
}

/* 1 another process archives, 0 nobody does. */
static int archiver_elsewhere(const struct fetching *f, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_FD lock = -1;
	int rc;

	str_addf(&path, "%s/archiver.lock", f->cmd->archive_dir);
	rc = file_lock(path.data, &lock, err);
	return rc < 0 ? -1 : rc == 0;
}

static int need_archiver(void *arg, struct err *err)
{
	struct fetching *f = arg;
	const char *args[] = {"--archive", f->cmd->archive_dir, "--follow", NULL};
	int rc;

	if (archiver_lives(f))
		return 0;
	rc = archiver_elsewhere(f, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (++f->archiver_starts > ARCHIVER_STARTS)
		return err_set(err, ERR_IO, "sealpost-archiver ends as soon as it is started");
	return program_start("archiver", args, -1, &f->archiver, err);
}

static void end_archiver(struct fetching *f)
{
	struct err err = {0};

	if (archiver_lives(f) && program_stop(f->archiver, "archiver", ARCHIVER_END_MS, &err) < 0) {
		cmd_fail(f->cmd, &err);
		f->any_failed = true;
	}
}

/* --- what is told meanwhile ------------------------------------------------------------------- */

static void tell(const struct fetching *f, struct view text)
{
	CLEAN_STR line = STR_INIT;

	str_addsafe(&line, f->account->name, false);
	str_adds(&line, ": ");
	str_addsafe(&line, text, false);
	fprintf(stderr, "%s\n", line.data);
}

static void on_note(void *arg, struct view text)
{
	tell(arg, text);
}

static void on_device(void *arg, struct view url, struct view code)
{
	CLEAN_STR text = STR_INIT;

	str_adds(&text, "open ");
	str_addv(&text, url);
	str_adds(&text, " in a browser, log in as the owner of the mailbox, and enter the code ");
	str_addv(&text, code);
	tell(arg, str_view(&text));
}

/* --- the report ------------------------------------------------------------------------------- */

static const struct {
	const char *name, *text;
	size_t offset;
} counts[] = {
	{"on_server", " on the server", offsetof(struct fetcher_counts, on_server)},
	{"earlier", " fetched earlier", offsetof(struct fetcher_counts, earlier)},
	{"archived", " archived", offsetof(struct fetcher_counts, archived)},
	{"duplicate", " duplicate", offsetof(struct fetcher_counts, duplicate)},
	{"failed", " failed", offsetof(struct fetcher_counts, failed)},
	{"gone", " vanished meanwhile", offsetof(struct fetcher_counts, gone)},
	{"skipped", " skipped by rule", offsetof(struct fetcher_counts, skipped)},
	{"waiting", " waiting in the spool", offsetof(struct fetcher_counts, waiting)},
};
enum { COUNTS = sizeof(counts) / sizeof(*counts) };

static uint64_t count_of(const struct fetcher_counts *c, size_t i)
{
	return *(const uint64_t *)((const char *)c + counts[i].offset);
}

static void add_counts_json(struct str *line, const struct fetcher_counts *c)
{
	for (size_t i = 0; i < COUNTS; i++)
		str_addf(line, ", \"%s\": %llu", counts[i].name,
			 (unsigned long long)count_of(c, i));
}

/* "12 on the server: 10 fetched earlier, 2 archived"; what is none is left out. */
static void add_counts(struct str *line, const struct fetcher_counts *c)
{
	const char *sep = ": ";

	str_addf(line, "%llu%s", (unsigned long long)count_of(c, 0), counts[0].text);
	for (size_t i = 1; i < COUNTS; i++) {
		if (count_of(c, i) == 0)
			continue;
		str_addf(line, "%s%llu%s", sep, (unsigned long long)count_of(c, i), counts[i].text);
		sep = ", ";
	}
}

static void print_folder(const struct fetching *f, const struct fetcher_folder *folder)
{
	CLEAN_STR line = STR_INIT;

	if (f->cmd->json) {
		str_adds(&line, "{\"account\": ");
		cmd_json_text(&line, f->account->name);
		str_adds(&line, ", \"folder\": ");
		cmd_json_text(&line, folder->folder);
		str_adds(&line, ", \"use\": ");
		cmd_json_text(&line, folder->use);
		str_addf(&line, ", \"wanted\": %s", folder->selected ? "true" : "false");
		add_counts_json(&line, &folder->counts);
		str_adds(&line, "}\n");
	} else {
		str_adds(&line, "  ");
		str_addsafe(&line, folder->folder, false);
		str_adds(&line, ": ");
		add_counts(&line, &folder->counts);
		str_adds(&line, folder->left_out   ? " (it did not open)\n"
				: folder->selected ? "\n"
						   : " (not wanted)\n");
	}
	cmd_print(&line);
}

static void print_whole(const struct fetching *f, const struct fetcher_report *r,
			const struct err *err)
{
	CLEAN_STR line = STR_INIT;

	if (f->cmd->json) {
		str_adds(&line, "{\"account\": ");
		cmd_json_text(&line, f->account->name);
		add_counts_json(&line, &r->counts);
		str_addf(&line,
			 ", \"settled\": %llu, \"left_out\": %llu, \"not_acted\": %llu, "
			 "\"sums_fit\": %s, \"error\": \"%s\"}\n",
			 (unsigned long long)r->settled, (unsigned long long)r->left_out,
			 (unsigned long long)r->not_acted, r->sums_fit ? "true" : "false",
			 err->kind == ERR_NONE ? "" : err_code(err->kind));
	} else {
		str_addsafe(&line, f->account->name, false);
		str_adds(&line, ": ");
		add_counts(&line, &r->counts);
		if (r->settled > 0)
			str_addf(&line, "; %llu of an earlier run settled",
				 (unsigned long long)r->settled);
		if (r->not_acted > 0)
			str_addf(&line,
				 "; %llu could not be tagged, moved or deleted, which is tried "
				 "again",
				 (unsigned long long)r->not_acted);
		if (r->left_out > 0)
			str_addf(&line, "; %llu folder%s did not open",
				 (unsigned long long)r->left_out, cmd_plural(r->left_out));
		if (!r->sums_fit)
			str_adds(&line, "; THE SUM DOES NOT FIT: the server has mails that were "
					"never fetched; fetch run --once looks at all of it again");
		str_addc(&line, '\n');
	}
	cmd_print(&line);
}

static void print_report(const struct fetching *f, const struct fetcher_report *r,
			 const struct err *err)
{
	for (size_t i = 0; i < r->n; i++)
		print_folder(f, &r->v[i]);
	print_whole(f, r, err);
}

/* --- one account ------------------------------------------------------------------------------ */

/* Where systemd runs the archive, sealpost-fetch is a unit of the doors' user, who gets into an archive's folder that hands its group on. 1; 0 it is to be a
 * child. */
static int ask_unit(const struct fetching *f, int *fd_r, struct err *err)
{
	struct stat st;

	if (stat(f->cmd->archive_dir, &st) < 0 || !(st.st_mode & S_ISGID))
		return 0;
	return program_connect_unit("fetch", fd_r, err);
}

static int start_child(int *fd_r, pid_t *pid_r, struct err *err)
{
	static const char *const no_args[] = {NULL};
	int fds[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, "socketpair: %m");
	rc = program_start("fetch", no_args, fds[1], pid_r, err);
	close(fds[1]);
	if (rc < 0)
		close(fds[0]);
	else
		*fd_r = fds[0];
	return rc;
}

/* Start a sealpost-fetch; FD_R is the line to it, PID_R 0 if it is no child. */
static int start_fetch(const struct fetching *f, int *fd_r, pid_t *pid_r, struct err *err)
{
	int rc = ask_unit(f, fd_r, err);

	*pid_r = 0;
	return rc > 0 ? 0 : rc < 0 ? -1 : start_child(fd_r, pid_r, err);
}

/* When the line closes it ends; how, has been told by it. */
static void end_fetch(int fd, pid_t pid)
{
	struct err ignored = {0};

	close(fd);
	if (pid != 0 && program_wait(pid, "fetch", CHILD_END_MS, &ignored) < 0 &&
	    ignored.kind == ERR_TIMEOUT)
		program_stop(pid, "fetch", CHILD_END_MS, &ignored);
}

/* What it means for the mail if the other side is to blame: err_sentence() has this archive in mind. */
static const char *meaning_of(enum err_kind kind)
{
	switch (kind) {
	case ERR_DENIED:
	case ERR_NOTFOUND:
		return "No mail is lost: what is not archived is still on the server. Correct "
		       "what is named above with `sealpost fetch set`, and try it with `sealpost "
		       "fetch test`.";
	case ERR_SYNTAX:
	case ERR_UNSUPPORTED:
		return "No mail is lost: what is not archived is still on the server. Check host, "
		       "port and --tls of the account; `sealpost fetch set` changes them, "
		       "`sealpost fetch test` tries them.";
	default:
		return err_sentence(kind);
	}
}

static bool wants_none(const struct fetcher_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].selected)
			return false;
	return r->n > 0;
}

static void fetch_one(struct fetching *f, bool only_list)
{
	const struct fetcher_watch watch = {f, need_archiver, on_device, on_note, cmd_stop};
	CLEAN(arena) arena = arena_new();
	struct fetcher_report report = {.sums_fit = true};
	struct err err = {0};
	pid_t pid;
	int fd, rc;

	rc = start_fetch(f, &fd, &pid, &err);
	if (rc == 0) {
		if (only_list)
			rc = fetcher_list(f->a, f->account, fd, &watch, arena, &report, &err);
		else
			rc = fetcher_run(f->a, f->account, fd, &f->options, &watch, arena, &report,
					 &err);
		end_fetch(fd, pid);
	}
	/* of a server that was not reached there is nothing to say */
	if (rc == 0 || report.n > 0 || f->cmd->json)
		print_report(f, &report, &err);
	if (rc == 0 && only_list && !f->cmd->json)
		puts("The login works. Nothing was fetched, and nothing was changed on the "
		     "server.");
	if (rc < 0) {
		err_add(&err, "%.*s", (int)f->account->name.len, f->account->name.data);
		cmd_fail_meaning(f->cmd, &err, meaning_of(err.kind));
	} else if (wants_none(&report)) {
		tell(f, VIEW("none of its folders is wanted, so nothing is fetched; check "
			     "--folders of the account"));
	}
	f->any_failed = f->any_failed || rc < 0 || !report.sums_fit;
	f->any_refused = f->any_refused || report.counts.failed > 0 || report.counts.waiting > 0 ||
			 report.not_acted > 0 || report.left_out > 0;
}

/* --- the verbs -------------------------------------------------------------------------------- */

/* The account to test or to run; -1: told. */
static int find_account(const struct fetching *f, struct arena *arena, const char *name,
			struct account *account_r)
{
	struct err err = {0};
	int rc = accounts_get(archive_catalog(f->a), arena, VIEW(name), account_r, &err);

	if (rc == 0)
		err_set(&err, ERR_NOTFOUND, "there is no account \"%s\"", name);
	else if (rc > 0 && account_r->is_prototype)
		err_set(&err, ERR_USAGE, "\"%s\" is a prototype, which is never fetched", name);
	else if (rc > 0)
		return 0;
	cmd_fail(f->cmd, &err);
	return -1;
}

/* All whose names are given, else all that are on. -1: told. */
static int choose(struct fetching *f, struct arena *arena, struct accounts *chosen)
{
	struct accounts all;
	struct err err = {0};

	for (int i = 1; i < f->cmd->argc; i++) {
		struct account account;

		if (find_account(f, arena, f->cmd->argv[i], &account) < 0)
			return -1;
		ARENA_PUSH(arena, *chosen, account);
	}
	if (f->cmd->argc > 1)
		return 0;
	if (accounts_list(archive_catalog(f->a), arena, &all, &err) < 0) {
		cmd_fail(f->cmd, &err);
		return -1;
	}
	for (size_t i = 0; i < all.n; i++)
		if (!all.v[i].is_prototype && view_eq(all.v[i].value[ACCOUNT_ENABLED], VIEW("yes")))
			ARENA_PUSH(arena, *chosen, all.v[i]);
	return 0;
}

static int fetch_each(struct fetching *f, bool only_list)
{
	CLEAN(arena) arena = arena_new();
	struct accounts chosen = {0};

	if (choose(f, arena, &chosen) < 0)
		return EXIT_FAILED;
	if (chosen.n == 0)
		fputs("There is no account to fetch: none is set up, or all are switched off.\n",
		      stderr);
	cmd_catch_stop();
	for (size_t i = 0; i < chosen.n && !cmd_stop(NULL); i++) {
		/* cppcheck-suppress autoVariables ; it lies in the arena, and is in use in this loop only */
		f->account = &chosen.v[i];
		fetch_one(f, only_list);
	}
	end_archiver(f);
	if (f->any_failed || cmd_stop(NULL))
		return EXIT_FAILED;
	return f->any_refused ? EXIT_REFUSED : EXIT_DONE;
}

static int fetch_run(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	struct fetching f = {.cmd = cmd};
	uint64_t wait_s = WAIT_S;
	const struct option_row rows[] = {
		{"once", OPTION_FLAG, &f.options.once}, {"wait", OPTION_NUMBER, &wait_s}, {0}};

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (wait_s > WAIT_S_MAX)
		return cmd_usage(cmd, "--wait takes up to %d seconds", WAIT_S_MAX);
	f.options.wait_ms = (int)wait_s * 1000;
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	f.a = a;
	return fetch_each(&f, false);
}

static int fetch_test(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	struct fetching f = {.cmd = cmd};
	const struct option_row rows[] = {{0}};

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 2)
		return cmd_usage(cmd, "name one account");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	f.a = a;
	return fetch_each(&f, true);
}

int cmd_fetch(struct cmd *cmd)
{
	static const struct {
		const char *name;
		int (*run)(struct cmd *cmd);
	} verbs[] = {{"add", fetch_add},   {"set", fetch_set}, {"list", fetch_list},
		     {"test", fetch_test}, {"run", fetch_run}, {"remove", fetch_remove}};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (cmd->argc > 0 && strcmp(cmd->argv[0], verbs[i].name) == 0)
			return verbs[i].run(cmd);
	return cmd_usage(cmd, "say what to do");
}

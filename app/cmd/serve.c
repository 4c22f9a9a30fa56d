/* SPDX-License-Identifier: GPL-3.0-or-later */
/* serve - all daemons of an archive in the foreground, for trials; on a server, systemd runs them.
 *
 * Which ones: the archiver, the shipper and the scheduler always; sealpost-smtpd if ARCHIVE/smtpd.conf is there, sealpost-milter if
 * ARCHIVE/milter.conf is, sealpost-api if ARCHIVE/api.conf is. One that dies is started again, after a pause that grows as long as it does not stay up; one
 * that does not start at all is told once, and keeps the others from nothing. A door whose settings were changed ends by itself, and is started with
 * the new ones; one whose settings are gone is not. On
 * SIGTERM or SIGINT jobs and doors end first, so that all they acknowledged is in the spool; then what is ready is
 * archived, and what was archived is carried to its medium.
 */
#include "app/cmd/cmd.h"
#include "app/intake/milter/settings.h"
#include "app/intake/smtpd/settings.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/program.h"
#include "ui-backend/settings.h"

#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAUSE_MS_MIN = 100, PAUSE_MS_MAX = 10000 };
/* Who ends by itself before STARTED_MS has failed to start. Who is killed, by whatever signal, comes back the faster if
 * it was up for STEADY_MS. */
enum { STARTED_MS = 1000, STEADY_MS = 250 };
/* So many starts that failed in a row: it does not start as it is set up, and nobody needs to read that every few
 * seconds. Once a minute is often enough if it comes right by itself, as a port that becomes free does. */
enum { STARTS_MAX = 6, PAUSE_MS_HOPELESS = 60 * 1000 };
enum { GRACE_MS = 60000, DRAIN_MS = 10 * 60 * 1000, SHIP_MS = 60 * 1000 };
enum { EXPIRE_EVERY_MS = 10 * 60 * 1000 };
/* Jobs and doors first: they end in this order. */
enum { SCHEDULER, API, SMTPD, MILTER, ARCHIVER, SHIPPER, DAEMONS };

struct child {
	const char *name; /* NULL: not wanted here */
	pid_t pid;        /* 0: not running */
	int fd;           /* readable when it has died */
	int pause_ms;
	unsigned failed_starts;     /* in a row */
	int64_t started_ms, due_ms; /* monotonic; when to start it again */
};

struct service {
	struct cmd *cmd;
	int stop_fd;
	struct child child[DAEMONS];
	int64_t expire_ms; /* when the spool is looked through next; never without a milter */
	pid_t expire_pid;
};

/* --- one daemon ------------------------------------------------------------------------------- */

static int start(struct service *s, struct child *child, struct err *err)
{
	const char *args[] = {"--archive", s->cmd->archive_dir, "--verbose", "--follow", NULL};

	if (program_start(child->name, args, -1, &child->pid, err) < 0)
		return -1;
	child->started_ms = clock_monotonic_ms();
	child->fd = pidfd_open(child->pid, 0);
	if (child->fd < 0)
		return err_errno(err, "pidfd_open: %m");
	return 0;
}

static bool has_died(const struct child *child)
{
	struct pollfd p = {.fd = child->fd, .events = POLLIN};

	return child->pid != 0 && poll(&p, 1, 0) > 0;
}

static void forget(struct child *child)
{
	close(child->fd);
	child->fd = -1;
	child->pid = 0;
}

/* WHY it went is told, unless that was said already. */
static void tell_death(struct child *child, const struct err *why)
{
	if (child->failed_starts < STARTS_MAX)
		log_error("%s; it is started again in %d ms", why->text, child->pause_ms);
	else if (child->failed_starts == STARTS_MAX)
		log_error("%s; sealpost-%s does not start, see above for the reason. All else goes "
			  "on. It "
			  "is tried again every minute; mail for it waits where it is",
			  why->text, child->name);
}

/* It ended in good order: it wants to be started with other settings, and is, if there are any. */
static void begin_anew(struct service *s, struct child *child)
{
	const char *name = child->name;
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "%s/%s.conf", s->cmd->archive_dir, name);
	if (access(path.data, F_OK) < 0) {
		log_warn("sealpost-%s has no settings any more, and is not started", name);
		child->name = NULL;
	}
	child->due_ms = clock_monotonic_ms() + PAUSE_MS_MIN;
	forget(child);
}

/* It is started again when its pause is over. */
static void bury(struct service *s, struct child *child)
{
	int64_t now = clock_monotonic_ms(), up_ms;
	struct err why = {0};

	if (program_wait(child->pid, child->name, -1, &why) == 0) {
		if (child == &s->child[SMTPD] || child == &s->child[MILTER]) {
			begin_anew(s, child);
			return;
		}
		err_set(&why, ERR_STOPPED, "sealpost-%s ended unasked", child->name);
	}
	up_ms = now - child->started_ms;
	if (up_ms < STARTED_MS && why.os == 0) {
		if (++child->failed_starts >= STARTS_MAX)
			child->pause_ms = PAUSE_MS_HOPELESS;
	} else {
		child->failed_starts = 0;
		if (up_ms > STEADY_MS)
			child->pause_ms = PAUSE_MS_MIN;
	}
	child->due_ms = now + child->pause_ms;
	tell_death(child, &why);
	child->pause_ms = child->pause_ms < PAUSE_MS_MAX / 2 ? 2 * child->pause_ms : PAUSE_MS_MAX;
	forget(child);
}

static void start_again(struct service *s, struct child *child)
{
	struct err err = {0};

	if (start(s, child, &err) == 0)
		return;
	child->pause_ms = PAUSE_MS_MAX;
	child->due_ms = clock_monotonic_ms() + child->pause_ms;
	log_error("%s; it is tried again in %d s", err.text, child->pause_ms / 1000);
}

/* --- the spool's pending entries -------------------------------------------------------------- */

/* `sealpost spool expire`, beside the service, as it may have to wait for the mail server. */
static void start_expire(struct service *s)
{
	char verb[] = "expire";
	char *argv[] = {verb, NULL};
	struct cmd cmd = *s->cmd;

	if (s->expire_pid != 0)
		return; /* the last one still waits */
	s->expire_pid = fork();
	if (s->expire_pid < 0) {
		log_error("fork: %m");
		s->expire_pid = 0;
		return;
	}
	if (s->expire_pid > 0)
		return;
	cmd.verb = "spool";
	cmd.usage = "expire";
	cmd.argc = 1;
	cmd.argv = argv;
	_exit(cmd_spool(&cmd));
}

static void look_through_spool(struct service *s, int64_t now)
{
	if (s->expire_pid != 0 && waitpid(s->expire_pid, NULL, WNOHANG) != 0)
		s->expire_pid = 0;
	if (now < s->expire_ms)
		return;
	s->expire_ms = now + EXPIRE_EVERY_MS;
	start_expire(s);
}

/* --- for as long as it runs ------------------------------------------------------------------- */

/* How long nothing is to be done, if nobody dies. */
static int next_ms(const struct service *s)
{
	int64_t now = clock_monotonic_ms(), next = s->expire_ms;

	for (size_t i = 0; i < DAEMONS; i++)
		if (s->child[i].name != NULL && s->child[i].pid == 0 && s->child[i].due_ms < next)
			next = s->child[i].due_ms;
	return next <= now ? 0 : next - now > EXPIRE_EVERY_MS ? EXPIRE_EVERY_MS : (int)(next - now);
}

/* Until somebody died, something is due, or the service is to stop: true. */
static bool is_asked_to_stop(const struct service *s, int ms)
{
	struct pollfd fds[DAEMONS + 1] = {{.fd = s->stop_fd, .events = POLLIN}};

	for (size_t i = 0; i < DAEMONS; i++)
		fds[i + 1] = (struct pollfd){.fd = s->child[i].fd, .events = POLLIN};
	poll(fds, DAEMONS + 1, ms);
	return fds[0].revents != 0;
}

static void watch(struct service *s)
{
	while (!is_asked_to_stop(s, next_ms(s))) {
		int64_t now = clock_monotonic_ms();

		for (size_t i = 0; i < DAEMONS; i++) {
			struct child *child = &s->child[i];

			if (has_died(child))
				bury(s, child);
			else if (child->name != NULL && child->pid == 0 && child->due_ms <= now)
				start_again(s, child);
		}
		look_through_spool(s, now);
	}
}

/* --- the end ---------------------------------------------------------------------------------- */

/* -1: it had to be killed. How else it went matters no more: what it acknowledged is in the spool. */
static int end(struct child *child)
{
	struct err err = {0};

	if (child->pid == 0)
		return 0;
	if (program_stop(child->pid, child->name, GRACE_MS, &err) < 0)
		log_warn("%s", err.text);
	forget(child);
	return err.kind == ERR_TIMEOUT ? -1 : 0;
}

/* A daemon once more, for what is left now that nothing more comes; for MS at most. Who does not want to wait asks to
 * stop again: then LEFT is for the next start. -1: it failed, or had to be killed. */
static int run_once(struct service *s, struct child *child, int ms, const char *left)
{
	const char *args[] = {"--archive", s->cmd->archive_dir, "--once",
			      "--verbose", "--follow",          NULL};
	struct pollfd fds[2] = {{.fd = s->stop_fd, .events = POLLIN}, {.events = POLLIN}};
	struct err err = {0};

	if (program_start(child->name, args, -1, &child->pid, &err) < 0) {
		log_error("%s", err.text);
		return -1;
	}
	fds[1].fd = child->fd = pidfd_open(child->pid, 0);
	poll(fds, 2, ms);
	if (fds[1].revents == 0) {
		log_warn("there was no time for %s; it is done at the next start", left);
		return end(child);
	}
	if (program_wait(child->pid, child->name, 0, &err) == 0)
		return 0;
	log_error("%s; %s is done at the next start", err.text, left);
	return -1;
}

/* What the doors left is archived, and what was archived is carried away: it is as safe in staging. */
static int drain(struct service *s)
{
	struct signalfd_siginfo first;
	int rc;

	if (read(s->stop_fd, &first, sizeof(first)) < 0) /* the one that ended watch() */
		log_error("signal: %m");
	rc = run_once(s, &s->child[ARCHIVER], DRAIN_MS, "all that is in the spool");
	run_once(s, &s->child[SHIPPER], SHIP_MS, "all that waits for its medium");
	return rc;
}

static int end_all(struct service *s)
{
	int failed = 0;

	for (size_t i = 0; i < ARCHIVER; i++) /* the doors at the same time */
		if (s->child[i].pid != 0)
			kill(s->child[i].pid, SIGTERM);
	for (size_t i = 0; i < DAEMONS; i++)
		failed |= end(&s->child[i]);
	if (s->expire_pid != 0) {
		kill(s->expire_pid, SIGTERM);
		waitpid(s->expire_pid, NULL, 0);
	}
	return failed;
}

/* --- the beginning ---------------------------------------------------------------------------- */

static bool has_file(const struct service *s, const char *name, struct str *path)
{
	str_addf(path, "%s/%s", s->cmd->archive_dir, name);
	return access(path->data, F_OK) == 0;
}

/* Settings are checked before anything starts; what they open is told. */
static int look_at_smtpd(struct service *s, struct str *told, struct err *err)
{
	CLEAN(smtpd_settings) settings = NULL;
	CLEAN_STR path = STR_INIT;

	if (!has_file(s, "smtpd.conf", &path))
		return 0;
	if (smtpd_settings_read(path.data, &settings, err) < 0)
		return -1;
	s->child[SMTPD].name = "smtpd";
	for (size_t i = 0; i < settings->listen.n; i++)
		str_addf(told, "  smtpd     %s\n", settings->listen.v[i]);
	return 0;
}

static int look_at_milter(struct service *s, struct str *told, struct err *err)
{
	CLEAN(milter_settings) settings = NULL;
	CLEAN_STR path = STR_INIT;

	if (!has_file(s, "milter.conf", &path))
		return 0;
	if (milter_settings_read(s->cmd->archive_dir, &settings, err) < 0)
		return -1;
	s->child[MILTER].name = "milter";
	s->expire_ms = clock_monotonic_ms();
	for (size_t i = 0; i < settings->listen.n; i++)
		str_addf(told, "  milter    %s\n", settings->listen.v[i]);
	return 0;
}

static int look_at_api(struct service *s, struct str *told, struct err *err)
{
	CLEAN(api_settings) settings = NULL;
	CLEAN_STR path = STR_INIT;

	if (!has_file(s, "api.conf", &path))
		return 0;
	if (api_settings_read(path.data, &settings, err) < 0)
		return -1;
	s->child[API].name = "api";
	if (view_starts(VIEW(settings->listen), "unix:"))
		str_addf(told, "  api       %s\n", settings->listen);
	else
		str_addf(told, "  api       http://%s%s\n", settings->listen, settings->base);
	return 0;
}

/* Where mail comes in, and how to send one. */
static int tell(const struct service *s, const struct str *doors, const struct str *page)
{
	CLEAN_STR line = STR_INIT;
	const char *smtp = strstr(doors->data, " smtp ");

	str_addf(&line, "The archive %s is at your service. Ctrl-C ends it.\n",
		 s->cmd->archive_dir);
	str_adds(&line, "  archiver  takes in what the doors leave in the spool\n"
			"  shipper   carries it to the media across the network\n"
			"  scheduler does at their times what \"sealpost job list\" names\n");
	str_adds(&line, page->data);
	str_adds(&line, doors->data);
	if (doors->len == 0)
		str_adds(&line,
			 "No door is open: write smtpd.conf or milter.conf into the archive, "
			 "and start it again.\n");
	if (smtp != NULL)
		str_addf(&line,
			 "To send the mail in FILE: curl smtp://%.*s --mail-from you@example.org "
			 "--mail-rcpt ADDRESS -T FILE\n",
			 (int)strcspn(smtp + strlen(" smtp "), "\n"), smtp + strlen(" smtp "));
	return cmd_print(&line) == 0 && fflush(stdout) == 0 ? 0 : -1;
}

static int prepare(struct service *s, struct err *err)
{
	CLEAN_STR doors = STR_INIT;
	CLEAN_STR page = STR_INIT;
	CLEAN(archive) archive = NULL;

	if (archive_open(s->cmd->archive_dir, &archive, err) < 0 ||
	    archive_keep_spool_key(archive, err) < 0 || look_at_smtpd(s, &doors, err) < 0 ||
	    look_at_milter(s, &doors, err) < 0 || look_at_api(s, &page, err) < 0 ||
	    jail_signals(false, &s->stop_fd, err) < 0)
		return -1;
	return tell(s, &doors, &page) < 0 ? err_errno(err, "standard output: %m") : 0;
}

/* One that cannot even start is no use to wait for. */
static int start_all(struct service *s, struct err *err)
{
	for (size_t i = 0; i < DAEMONS; i++)
		if (s->child[i].name != NULL && start(s, &s->child[i], err) < 0)
			return -1;
	return 0;
}

int cmd_serve(struct cmd *cmd)
{
	const struct option_row rows[] = {{0}};
	struct service s = {.cmd = cmd, .stop_fd = -1, .expire_ms = INT64_MAX};
	struct err err = {0};
	int failed;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 0)
		return cmd_usage(cmd, "it takes no arguments");
	for (size_t i = 0; i < DAEMONS; i++)
		s.child[i] = (struct child){.fd = -1, .pause_ms = PAUSE_MS_MIN};
	s.child[SCHEDULER].name = "scheduler";
	s.child[ARCHIVER].name = "archiver";
	s.child[SHIPPER].name = "shipper";
	if (prepare(&s, &err) < 0)
		return cmd_fail(cmd, &err);
	if (start_all(&s, &err) < 0) {
		end_all(&s);
		return cmd_fail(cmd, &err);
	}
	watch(&s);
	failed = end_all(&s);
	failed |= drain(&s);
	return failed ? EXIT_FAILED : EXIT_DONE;
}

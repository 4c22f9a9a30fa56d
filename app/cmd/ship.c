/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/ship.h"

#include "app/archive/ship.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/program.h"
#include "storage/staged.h"

#include <unistd.h>

enum { END_MS = 30 * 1000 };

/* --- beside ----------------------------------------------------------------------------------- */

static bool is_active_staged(struct archive *a)
{
	struct medium *medium;
	struct err err = {0};
	unsigned number;

	return media_active(archive_catalog(a), &number, &err) > 0 &&
	       archive_medium(a, number, &medium, &err) == 0 && medium_is_staged(medium);
}

pid_t ship_beside(const struct cmd *cmd, struct archive *a)
{
	const char *args[] = {"--archive", cmd->archive_dir, "--quiet", "--follow", NULL};
	struct err err = {0};
	pid_t pid = 0;

	if (!is_active_staged(a))
		return 0;
	if (program_start("shipper", args, -1, &pid, &err) == 0)
		return pid;
	log_warn("not shipped meanwhile: %s", err.text);
	return 0;
}

void ship_beside_end(pid_t *pid)
{
	struct err err = {0};

	/* how it ended matters no more, but that it did */
	if (*pid != 0 && program_stop(*pid, "shipper", END_MS, &err) < 0 && err.kind == ERR_TIMEOUT)
		log_warn("%s", err.text);
	*pid = 0;
}

/* --- now -------------------------------------------------------------------------------------- */

struct showing {
	bool bar;
	uint64_t done, total;
	int64_t drawn_ms;
	bool (*stop)(void *arg);
	void *arg;
};

static void show_progress(void *arg, uint64_t bytes)
{
	struct showing *s = arg;
	int64_t now_ms = clock_monotonic_ms();
	char done[32], total[32];

	s->done += bytes;
	if (!s->bar || now_ms - s->drawn_ms < 100)
		return;
	s->drawn_ms = now_ms;
	fprintf(stderr, "\r\033[K%s of %s carried to the medium; to interrupt this is harmless",
		cmd_bytes(s->done, done), cmd_bytes(s->total, total));
}

static bool is_stopped(void *arg)
{
	const struct showing *s = arg;

	return s->stop(s->arg);
}

/* How much waits, and why: the first medium's reason. */
static uint64_t count_waiting(struct archive *a, struct str *why)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row *media;
	struct err err = {0};
	uint64_t bytes = 0;
	size_t n;

	if (media_list(archive_catalog(a), arena, &media, &n, &err) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		bytes += media[i].waiting_bytes;
		if (media[i].waiting_bytes > 0 && media[i].answers == MEDIUM_SILENT &&
		    why->len == 0)
			str_addf(why, ": medium %u does not take it: %s", media[i].medium,
				 media[i].trouble);
	}
	return bytes;
}

static void tell_waiting(const struct cmd *cmd, struct archive *a)
{
	CLEAN_STR why = STR_INIT;
	uint64_t bytes = count_waiting(a, &why);
	char text[32];

	if (bytes > 0 && !cmd->json)
		fprintf(stderr,
			"%s wait in the staging folder, safe and readable, until sealpost-shipper "
			"carries them to "
			"their medium%s\n",
			cmd_bytes(bytes, text), why.data);
}

void ship_now(const struct cmd *cmd, struct archive *a, bool (*stop)(void *arg), void *arg)
{
	CLEAN_STR why = STR_INIT;
	struct showing s = {.bar = !cmd->json && isatty(STDERR_FILENO), .stop = stop, .arg = arg};
	struct copy_pace pace = {.stop = is_stopped, .progress = show_progress, .arg = &s};
	struct ship_report report;
	struct err err = {0};

	s.total = count_waiting(a, &why);
	if (s.total == 0)
		return;
	if (ship_run(a, 0, 0, &pace, &report, &err) < 0 && err.kind != ERR_STOPPED)
		log_warn("not shipped: %s", err.text);
	if (s.bar)
		fputs("\r\033[K", stderr);
	tell_waiting(cmd, a);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backup mirror - a copy of all media at another place (B2). */
#include "app/cmd/backup.h"
#include "app/cmd/places.h"
#include "backup/mirror.h"
#include "base/clock.h"
#include "base/file.h"
#include "storage/label.h"

#include <unistd.h>

struct printing {
	bool bar;
	uint64_t bytes;
	int64_t begun_ms, drawn_ms;
};

static void print_progress(void *arg, uint64_t bytes)
{
	struct printing *p = arg;
	int64_t now_ms = clock_monotonic_ms();
	double s = (double)(now_ms - p->begun_ms) / 1000;
	char done[32], rate[32];

	p->bytes += bytes;
	if (!p->bar || now_ms - p->drawn_ms < 200)
		return;
	p->drawn_ms = now_ms;
	fprintf(stderr, "\r\033[K%s mirrored, %s a second", cmd_bytes(p->bytes, done),
		cmd_bytes(s > 0 ? (uint64_t)((double)p->bytes / s) : 0, rate));
}

/* --- the report ------------------------------------------------------------------------------- */

static void print_json(const struct mirror_report *r)
{
	printf("{\"files\": %llu, \"bytes\": %llu, \"removed\": %llu, \"checked\": %llu, "
	       "\"missing\": %llu, \"damaged\": %llu, \"repaired\": %llu, \"media_away\": %u, "
	       "\"total_files\": %llu, \"total_bytes\": %llu, \"not_now\": %s}\n",
	       (unsigned long long)r->files, (unsigned long long)r->bytes,
	       (unsigned long long)r->removed, (unsigned long long)r->checked,
	       (unsigned long long)r->missing, (unsigned long long)r->damaged,
	       (unsigned long long)r->repaired, r->media_away, (unsigned long long)r->total_files,
	       (unsigned long long)r->total_bytes, r->not_now ? "true" : "false");
}

static void print_text(const struct mirror_report *r)
{
	char bytes[32], total[32];

	printf("mirrored  %llu file%s, %s; %llu removed\n", (unsigned long long)r->files,
	       cmd_plural(r->files), cmd_bytes(r->bytes, bytes), (unsigned long long)r->removed);
	printf("checked   %llu file%s read again: %llu damaged or lost, %llu repaired\n",
	       (unsigned long long)r->checked, cmd_plural(r->checked),
	       (unsigned long long)r->damaged, (unsigned long long)r->repaired);
	printf("mirror    %llu file%s, %s\n", (unsigned long long)r->total_files,
	       cmd_plural(r->total_files), cmd_bytes(r->total_bytes, total));
	if (r->media_away > 0)
		printf("AWAY      %u %s could not be read; the log says why. What the mirror "
		       "has "
		       "of it stays; run it again when it is back.\n",
		       r->media_away, r->media_away == 1 ? "medium" : "media");
	if (r->missing > 0)
		printf("MISSING   %llu file%s the mirror does not have, and %s medium does not "
		       "give; the "
		       "log names them. What is damaged there is found, and mended as far as the "
		       "mirror "
		       "has it, by: sealpost verify --all --repair-from mirror\n",
		       (unsigned long long)r->missing, cmd_plural(r->missing),
		       r->missing == 1 ? "its" : "their");
	if (r->damaged > r->repaired)
		printf("DAMAGED   %llu file%s of the mirror could not be copied anew; the log "
		       "names them. "
		       "If it happens again, have the mirror's disk looked at.\n",
		       (unsigned long long)(r->damaged - r->repaired),
		       cmd_plural(r->damaged - r->repaired));
	if (r->not_now)
		printf("It is outside of the hours that are set for mirroring; the next run goes "
		       "on. With --now they do not count.\n");
}

/* --- the place -------------------------------------------------------------------------------- */

/* A mirror on the medium itself would go with it. Known by its label, not by its address. */
static int refuse_own(struct archive *a, const struct site *site, struct err *err)
{
	CLEAN(medium) m = NULL;
	CLEAN_STR folder = STR_INIT;
	struct label label;
	struct err why = {0};

	str_adds(&folder, "sealpost-");
	uuid_add(&folder, keyring_archive(archive_keys(a)));
	if (site_open(site, folder.data, false, &m, &why) < 0 ||
	    label_read(m, archive_keys(a), &label, &why) < 0)
		return 0; /* nothing of this archive's; if the place is no good, its test tells */
	return err_set(err, ERR_DENIED,
		       "%s is medium %u itself; a mirror is of use only at another place",
		       site->location, label.medium);
}

static int set_place(struct archive *a, struct site *site, struct err *err)
{
	CLEAN(medium) m = NULL;
	CLEAN_STR absolute = STR_INIT;
	struct site_space space;

	if (!site_is_share(site->location)) {
		if (path_absolute(site->location, &absolute, err) < 0)
			return -1;
		site->location = absolute.data;
	}
	if (site_open(site, "", true, &m, err) < 0 || refuse_own(a, site, err) < 0 ||
	    site_test(m, &space, err) < 0)
		return -1;
	return mirror_set_site(archive_catalog(a), site, err);
}

static int mirror(struct cmd *cmd, struct archive *a, bool scrub_all, bool now)
{
	struct printing p = {.bar = isatty(STDERR_FILENO) && !cmd->json,
			     .begun_ms = clock_monotonic_ms()};
	const struct mirror_options options = {.scrub_all = scrub_all,
					       .any_hour = now,
					       .stop = cmd_stop,
					       .progress = print_progress,
					       .arg = &p};
	struct mirror_report report;
	struct err err = {0};
	int rc;

	cmd_catch_stop();
	rc = mirror_run(a, &options, &report, &err);
	if (p.bar)
		fputs("\r\033[K", stderr);
	if (rc < 0)
		return cmd_fail_meaning(cmd, &err,
					"Your mail is where it was, and what was mirrored stays; "
					"the next run goes on from there.");
	if (cmd->json)
		print_json(&report);
	else
		print_text(&report);
	return report.missing > 0 || report.media_away > 0 || report.damaged > report.repaired
		       ? EXIT_REFUSED
		       : EXIT_DONE;
}

static int forget(const struct cmd *cmd, struct archive *a)
{
	struct err err = {0};

	if (mirror_set_site(archive_catalog(a), NULL, &err) < 0)
		return cmd_fail(cmd, &err);
	printf("The archive has no mirror any more; what is there stays there.\n");
	return EXIT_DONE;
}

int cmd_backup_mirror(struct cmd *cmd)
{
	CLEAN_PLACES to = {0};
	CLEAN(archive) a = NULL;
	bool forget_it = false, scrub_all = false, now = false;
	bool set_only = false; /* the place; the next run copies */
	const struct option_row rows[] = {PLACES_OPTIONS("to", &to),
					  {"forget", OPTION_FLAG, &forget_it},
					  {"scrub-all", OPTION_FLAG, &scrub_all},
					  {"now", OPTION_FLAG, &now},
					  {"set-only", OPTION_FLAG, &set_only},
					  {0}};
	struct err err = {0};
	int status;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 1 || to.locations.n > 1 || (forget_it && to.locations.n > 0))
		return cmd_usage(cmd, "say backup mirror, with --to one place, or --forget");
	status = places_load(cmd, &to);
	if (status != EXIT_DONE)
		return status;
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (forget_it)
		return forget(cmd, a);
	if (to.n > 0 && set_place(a, &to.v[0], &err) < 0)
		return cmd_fail_meaning(cmd, &err,
					"The mirror's place was not changed, and nothing was "
					"copied. Mend what is said above, and say it again.");
	return set_only ? EXIT_DONE : mirror(cmd, a, scrub_all, now);
}

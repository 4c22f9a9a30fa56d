/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/rebuild.h"

#include "app/cmd/places.h"

static void print_json(const struct rebuild_report *r)
{
	printf("{\"packs\": %llu, \"mails\": %llu, \"sightings\": %llu, \"erased\": %llu, "
	       "\"replaced\": %llu, \"unopened\": %llu, \"damaged\": %llu, \"unreadable\": %llu, "
	       "\"timestamps\": %llu, \"timestamps_missing\": %llu}\n",
	       (unsigned long long)r->packs, (unsigned long long)r->adopted.mails,
	       (unsigned long long)r->adopted.sightings, (unsigned long long)r->adopted.tombstones,
	       (unsigned long long)r->replaced, (unsigned long long)r->unopened,
	       (unsigned long long)r->adopted.damaged, (unsigned long long)r->adopted.unreadable,
	       (unsigned long long)r->evidence.stamps, (unsigned long long)r->evidence.missing);
}

static void print_evidence(const struct cmd *cmd, const struct evidence_regained *e)
{
	if (cmd->json)
		return;
	if (e->stamps > 0)
		printf("%llu timestamp%s brought back from the media.\n",
		       (unsigned long long)e->stamps, e->stamps == 1 ? " was" : "s were");
	if (e->missing > 0)
		printf("Of %llu timestamp%s no medium has the evidence: these mails are stamped "
		       "anew.\n",
		       (unsigned long long)e->missing, cmd_plural(e->missing));
}

int cmd_rebuild(struct cmd *cmd)
{
	CLEAN_PLACES places = {0};
	const struct option_row rows[] = {PLACES_OPTIONS("medium", &places), {0}};
	struct rebuild_report r;
	struct err err = {0};
	bool damaged;
	int status;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 0)
		return cmd_usage(cmd, "rebuild takes no arguments");
	status = places_load(cmd, &places);
	if (status != EXIT_DONE)
		return status;
	if (archive_rebuild(cmd->archive_dir, places.v, places.n, &r, &err) < 0)
		return cmd_fail(cmd, &err);
	damaged = r.unopened + r.adopted.damaged + r.adopted.unreadable > 0;
	if (cmd->json)
		print_json(&r);
	else
		printf("The new catalog and index hold %llu mail%s from %llu pack%s.%s\n",
		       (unsigned long long)r.adopted.mails, cmd_plural(r.adopted.mails),
		       (unsigned long long)r.packs, cmd_plural(r.packs),
		       damaged ? " Some stored data is damaged: \"sealpost verify --all\" names it."
			       : "");
	print_evidence(cmd, &r.evidence);
	return damaged ? EXIT_REFUSED : EXIT_DONE;
}

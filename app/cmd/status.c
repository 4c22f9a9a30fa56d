/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/status.h"

#include "app/cmd/medium_row.h"
#include "app/intake/spool.h"

enum { SPOOL_STATES = SPOOL_STUCK + 1 };

/* What waits on its way in, by its state. Without the spool's key no door has ever run here. */
static int count_spool(const struct cmd *cmd, size_t waits_r[SPOOL_STATES], struct err *err)
{
	CLEAN(spool) spool = NULL;
	CLEAN(arena) arena = arena_new();
	struct uuid *ids;

	if (spool_open(cmd->archive_dir, &spool, err) < 0) {
		if (err->kind != ERR_NOTFOUND)
			return -1;
		err_clear(err);
		return 0;
	}
	for (size_t i = 0; i < SPOOL_STATES; i++)
		if (spool_list(spool, (enum spool_state)i, 0, arena, &ids, &waits_r[i], err) < 0)
			return -1;
	return 0;
}

/* What waits of all media, and the room for more of it. */
struct staging {
	uint64_t packs, bytes;
	bool used; /* there are media across a network */
};

static struct staging sum_staging(const struct archive_status *s)
{
	struct staging sum = {0};

	for (size_t i = 0; i < s->n_media; i++) {
		sum.packs += s->media[i].waiting_packs;
		sum.bytes += s->media[i].waiting_bytes;
		sum.used = sum.used || strcmp(s->media[i].type, "local") != 0;
	}
	return sum;
}

static void staging_json(struct str *out, const struct archive_status *s)
{
	struct staging sum = sum_staging(s);

	str_addf(out, "{\"packs\": %llu, \"bytes\": %llu, \"free\": %llu, \"reserve\": %llu}",
		 (unsigned long long)sum.packs, (unsigned long long)sum.bytes,
		 (unsigned long long)s->staging_free_bytes,
		 (unsigned long long)s->staging_reserve_bytes);
}

static void staging_text(struct str *out, const struct archive_status *s)
{
	struct staging sum = sum_staging(s);
	char waits[32], left[32], reserve[32];

	if (!sum.used)
		return;
	if (sum.packs > 0)
		str_addf(out, "staging   %llu pack%s, %s, waiting to be brought to their media",
			 (unsigned long long)sum.packs, cmd_plural(sum.packs),
			 cmd_bytes(sum.bytes, waits));
	else
		str_adds(out, "staging   nothing waits to be brought to its medium");
	str_addf(out, "; %s free on this machine, %s of it in reserve\n",
		 cmd_bytes(s->staging_free_bytes, left),
		 cmd_bytes(s->staging_reserve_bytes, reserve));
}

static void print_json(const struct archive_status *s, const size_t waits[SPOOL_STATES])
{
	CLEAN_STR media = STR_INIT;
	CLEAN_STR staging = STR_INIT;

	staging_json(&staging, s);
	for (size_t i = 0; i < s->n_media; i++) {
		str_adds(&media, i > 0 ? ", " : "");
		medium_row_json(&media, &s->media[i]);
	}
	printf("{\"mails\": %llu, \"bytes\": %llu, \"deleted\": %llu, \"pack_bytes\": %llu, "
	       "\"catalog_bytes\": %llu, \"index_bytes\": %llu, \"indexed\": %llu, "
	       "\"parts\": %llu, \"part_bytes\": %llu, \"part_uses\": %llu, "
	       "\"saved_bytes\": %llu, \"key_backup\": %s, "
	       "\"spool\": {\"pending\": %zu, \"ready\": %zu, \"stuck\": %zu}, "
	       "\"staging\": %s, \"media\": [%s]}\n",
	       (unsigned long long)s->mails.mails, (unsigned long long)s->mails.bytes,
	       (unsigned long long)s->mails.deleted, (unsigned long long)s->pack_bytes,
	       (unsigned long long)s->catalog_bytes, (unsigned long long)s->index_bytes,
	       (unsigned long long)s->indexed, (unsigned long long)s->mails.parts,
	       (unsigned long long)s->mails.part_bytes, (unsigned long long)s->mails.uses,
	       (unsigned long long)(s->mails.used_bytes - s->mails.part_bytes),
	       s->key_backed_up ? "true" : "false", waits[SPOOL_PENDING], waits[SPOOL_READY],
	       waits[SPOOL_STUCK], staging.data, media.data);
}

static void print_warnings(const struct cmd *cmd, const struct archive_status *s, size_t stuck)
{
	CLEAN_STR media = STR_INIT;

	for (size_t i = 0; i < s->n_media; i++)
		medium_row_warn(&media, &s->media[i], cmd->archive_dir);
	fputs(media.data, stdout);
	if (stuck > 0)
		printf("WARNING: %zu incoming mail%s could not be archived. None is lost; look at "
		       "the reasons: sealpost --archive %s spool list\n",
		       stuck, cmd_plural(stuck), cmd->archive_dir);
	if (!s->key_backed_up)
		printf("WARNING: there is no backup of the archive key. If %s/archive.key is lost, "
		       "all "
		       "mail is lost for ever.\n         Make one now: sealpost --archive %s key "
		       "export --password-prompt > key.txt\n",
		       cmd->archive_dir, cmd->archive_dir);
	if (s->indexed < s->mails.mails)
		printf("WARNING: %llu mails are not in the search index yet. None is lost; bring "
		       "them "
		       "in: sealpost --archive %s index update\n",
		       (unsigned long long)(s->mails.mails - s->indexed), cmd->archive_dir);
}

static void print_text(const struct cmd *cmd, const struct archive_status *s,
		       const size_t waits[SPOOL_STATES])
{
	CLEAN_STR media = STR_INIT;
	char in[32], on[32], db[32], saved[32];
	double share = s->mails.bytes ? 100.0 * (double)s->pack_bytes / (double)s->mails.bytes : 0;

	printf("mails     %llu, %s", (unsigned long long)s->mails.mails,
	       cmd_bytes(s->mails.bytes, in));
	if (s->mails.deleted > 0)
		printf(", and %llu deleted that wait for erasing",
		       (unsigned long long)s->mails.deleted);
	printf("\npacks     %s on the media, %.1f %% of the original\n",
	       cmd_bytes(s->pack_bytes, on), share);
	printf("parts     %llu kept once for %llu uses, %s saved\n",
	       (unsigned long long)s->mails.parts, (unsigned long long)s->mails.uses,
	       cmd_bytes(s->mails.used_bytes - s->mails.part_bytes, saved));
	printf("index     %llu mails, catalog and index %s\n", (unsigned long long)s->indexed,
	       cmd_bytes(s->catalog_bytes + s->index_bytes, db));
	printf("spool     %zu to archive, %zu not delivered yet, %zu stuck\n", waits[SPOOL_READY],
	       waits[SPOOL_PENDING], waits[SPOOL_STUCK]);
	staging_text(&media, s);
	for (size_t i = 0; i < s->n_media; i++)
		medium_row_text(&media, &s->media[i]);
	fputs(media.data, stdout);
	print_warnings(cmd, s, waits[SPOOL_STUCK]);
}

int cmd_status(struct cmd *cmd)
{
	const struct option_row rows[] = {{0}};
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	struct archive_status s;
	size_t waits[SPOOL_STATES] = {0};
	struct err err = {0};

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 0)
		return cmd_usage(cmd, "status takes no arguments");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (archive_status(a, arena, &s, &err) < 0 || count_spool(cmd, waits, &err) < 0)
		return cmd_fail(cmd, &err);
	if (cmd->json)
		print_json(&s, waits);
	else
		print_text(cmd, &s, waits);
	return EXIT_DONE;
}

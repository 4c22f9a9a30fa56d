/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/erase.h"

#include "app/cmd/cmd.h"

static void note_erasure(struct archive *a, const char *where, uint64_t mails)
{
	char count[32];

	snprintf(count, sizeof(count), "%llu", (unsigned long long)mails);
	cmd_audit_line(a, AUDIT_ERASED, where, count);
}

int cmd_erase(struct cmd *cmd)
{
	const struct option_row rows[] = {{0}};
	CLEAN(archive) a = NULL;
	struct erase_report r;
	struct err err = {0};
	char bytes[32];
	bool media;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	media = cmd->argc == 1 && strcmp(cmd->argv[0], "media") == 0;
	if (!media && (cmd->argc != 1 || strcmp(cmd->argv[0], "index") != 0))
		return cmd_usage(cmd, "say erase index, and after it erase media");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if ((media ? erase_media : erase_index)(a, &r, &err) < 0)
		return cmd_fail(cmd, &err);
	if (r.mails > 0)
		note_erasure(a, media ? "media" : "index", r.mails);
	if (cmd->json)
		printf("{\"mails\": %llu, \"packs\": %llu, \"bytes_freed\": %llu, \"refused\": "
		       "%llu, \"put_off\": %llu}\n",
		       (unsigned long long)r.mails, (unsigned long long)r.packs,
		       (unsigned long long)r.bytes_freed, (unsigned long long)r.refused,
		       (unsigned long long)r.put_off);
	else if (media)
		printf("%llu mail%s erased from the media: %llu pack%s written anew, %s freed\n",
		       (unsigned long long)r.mails, cmd_plural(r.mails),
		       (unsigned long long)r.packs, cmd_plural(r.packs),
		       cmd_bytes(r.bytes_freed, bytes));
	else
		printf("%llu mail%s erased from the index\n", (unsigned long long)r.mails,
		       cmd_plural(r.mails));
	if (r.put_off > 0 && !cmd->json)
		printf("%llu pack%s not yet: the medium does not answer. Nobody finds these mails "
		       "any more; run it "
		       "again when it does\n",
		       (unsigned long long)r.put_off, cmd_plural(r.put_off));
	return r.refused + r.put_off > 0 ? EXIT_REFUSED : EXIT_DONE;
}

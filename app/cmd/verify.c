/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/verify.h"

#include "app/catalog/integrity.h"
#include "app/cmd/cmd.h"
#include "backup/mirror.h"
#include "base/clock.h"
#include "base/log.h"
#include "tsa/prove.h"

#include <unistd.h>

struct printing {
	const struct cmd *cmd;
	bool bar;
	int64_t drawn_ms;
	struct arena *arena;
	struct {
		uint64_t *v;
		size_t n, cap;
	} packs; /* with findings */
};

static void print_json_finding(const struct finding *f)
{
	CLEAN_STR line = STR_INIT;

	str_addf(&line,
		 "{\"pack\": %llu, \"offset\": %llu, \"finding\": ", (unsigned long long)f->pack,
		 (unsigned long long)f->offset);
	cmd_json_text(&line, VIEW(f->text));
	str_adds(&line, ", \"mails\": [");
	for (size_t i = 0; i < f->n_mails; i++) {
		str_adds(&line, i ? ", \"" : "\"");
		uuid_add(&line, &f->mails[i]);
		str_addc(&line, '"');
	}
	str_adds(&line, "]}\n");
	cmd_print(&line);
}

/* Findings of one pack come one after the other while the packs are read, and again from the catalog's side. */
static void note_pack(struct printing *p, uint64_t pack)
{
	for (size_t i = 0; i < p->packs.n; i++)
		if (p->packs.v[i] == pack)
			return;
	if (pack != 0)
		ARENA_PUSH(p->arena, p->packs, pack);
}

static void print_finding(void *arg, const struct finding *f)
{
	struct printing *p = arg;
	char id[UUID_TEXT + 1];

	note_pack(p, f->pack);
	if (p->cmd->json) {
		print_json_finding(f);
		return;
	}
	if (p->bar)
		fputs("\r\033[K", stderr);
	if (f->pack != 0)
		printf("pack %llu offset %llu: ", (unsigned long long)f->pack,
		       (unsigned long long)f->offset);
	printf("%s\n", f->text);
	for (size_t i = 0; i < f->n_mails; i++)
		printf("  concerns mail %s\n", uuid_text(&f->mails[i], id));
}

static void print_left_out(void *arg, unsigned medium, uint64_t packs, const char *why)
{
	struct printing *p = arg;
	CLEAN_STR line = STR_INIT;

	if (p->cmd->json) {
		str_addf(&line, "{\"medium\": %u, \"unchecked_packs\": %llu, \"reason\": ", medium,
			 (unsigned long long)packs);
		cmd_json_text(&line, VIEW(why));
		str_adds(&line, "}\n");
	} else {
		str_addf(&line,
			 "medium %u cannot be read now, and %llu pack%s there %s not checked: %s\n",
			 medium, (unsigned long long)packs, cmd_plural(packs),
			 packs == 1 ? "was" : "were", why);
	}
	if (p->bar)
		fputs("\r\033[K", stderr);
	cmd_print(&line);
}

static void print_progress(void *arg, const struct verify_report *report, uint64_t total)
{
	struct printing *p = arg;
	int64_t now_ms;

	if (!p->bar || (report->mails & 255) != 0)
		return;
	now_ms = clock_monotonic_ms();
	if (now_ms - p->drawn_ms < 200)
		return;
	p->drawn_ms = now_ms;
	fprintf(stderr, "\r\033[K%llu of %llu mails", (unsigned long long)report->mails,
		(unsigned long long)total);
}

/* For the procedure documentation. That it could not be noted changes nothing about what was found. */
static void note(struct archive *a, int rc, const struct verify_report *report)
{
	bool partly = report->unchecked + report->unchecked_mails > 0;
	struct integrity found = {.time_s = clock_s(), .mails = report->mails};
	struct err err = {0};

	found.result = rc < 0                 ? INTEGRITY_FAILED
		       : report->findings > 0 ? INTEGRITY_DAMAGED
		       : partly               ? INTEGRITY_PARTLY
					      : INTEGRITY_FINE;
	if (integrity_note(archive_catalog(a), INTEGRITY_VERIFY, &found, &err) < 0)
		log_warn("that all was verified could not be noted: %s", err.text);
}

/* P->packs: those with findings. */
static int verify_everything(struct cmd *cmd, struct archive *a, struct printing *p)
{
	struct verify_watch watch = {p, print_finding, print_left_out, print_progress};
	struct verify_report report = {0};
	struct err err = {0};
	int rc;

	p->packs.n = 0;
	rc = verify_all(a, &watch, &report, &err);
	note(a, rc, &report);

	if (p->bar)
		fputs("\r\033[K", stderr);
	if (rc < 0)
		return cmd_fail(cmd, &err);
	if (cmd->json)
		printf("{\"packs\": %llu, \"mails\": %llu, \"bytes\": %llu, \"findings\": %llu, "
		       "\"unchecked_packs\": %llu, \"unchecked_mails\": %llu}\n",
		       (unsigned long long)report.packs, (unsigned long long)report.mails,
		       (unsigned long long)report.bytes, (unsigned long long)report.findings,
		       (unsigned long long)report.unchecked,
		       (unsigned long long)report.unchecked_mails);
	else
		printf("%llu mail%s in %llu pack%s read and compared: %s\n",
		       (unsigned long long)report.mails, cmd_plural(report.mails),
		       (unsigned long long)report.packs, cmd_plural(report.packs),
		       report.findings
			       ? "see above for what is damaged; the rest is as it was captured"
		       : report.unchecked ? "all of that is as it was captured; see above for what "
					    "was not checked"
					  : "everything is as it was captured");
	if (report.findings > 0)
		return EXIT_FAILED;
	return report.unchecked + report.unchecked_mails > 0 ? EXIT_REFUSED : EXIT_DONE;
}

/* ---- mending ---- */

static void tell_mended(const struct cmd *cmd, uint64_t pack, int rc, const struct err *why)
{
	CLEAN_STR line = STR_INIT;

	if (cmd->json) {
		str_addf(&line, "{\"pack\": %llu, \"repaired\": %s, \"reason\": ",
			 (unsigned long long)pack, rc > 0 ? "true" : "false");
		cmd_json_text(&line, VIEW(why->text));
		str_adds(&line, "}\n");
	} else if (rc > 0) {
		str_addf(&line, "pack %llu: mended from the mirror\n", (unsigned long long)pack);
	} else {
		str_addf(&line, "pack %llu: not mended: %s\n", (unsigned long long)pack, why->text);
	}
	cmd_print(&line);
}

/* 1: something was mended. -1: told. */
static int repair(struct cmd *cmd, struct archive *a, const struct printing *p)
{
	int mended = 0;

	for (size_t i = 0; i < p->packs.n; i++) {
		struct err err = {0}, why = {0};
		int rc = mirror_repair(a, p->packs.v[i], &why, &err);

		if (rc < 0) {
			cmd_fail(cmd, &err);
			return -1;
		}
		tell_mended(cmd, p->packs.v[i], rc, &why);
		mended |= rc;
	}
	return mended;
}

/* What was mended is put to the proof again. */
static int verify_and_repair(struct cmd *cmd, struct archive *a, bool from_mirror)
{
	CLEAN(arena) arena = arena_new();
	struct printing p = {
		.cmd = cmd, .bar = isatty(STDERR_FILENO) && !cmd->json, .arena = arena};
	int status = verify_everything(cmd, a, &p);
	int rc;

	if (!from_mirror || p.packs.n == 0)
		return status;
	rc = repair(cmd, a, &p);
	if (rc < 0)
		return EXIT_FAILED;
	return rc > 0 ? verify_everything(cmd, a, &p) : status;
}

static int verify_one(struct cmd *cmd, struct archive *a, const char *text)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR archived = STR_INIT;
	CLEAN_STR sum = STR_INIT;
	struct proof proof;
	struct mail_row row;
	struct err err = {0};

	if (cmd_find_mail(cmd, a, arena, text, &row) < 0)
		return EXIT_FAILED;
	if (verify_mail(a, &row, &err) < 0)
		return cmd_fail(cmd, &err);
	clock_add_utc(&archived, uuid_ms(&row.id) / 1000);
	str_addhex(&sum, row.exact.b, HASH_BYTES);
	if (prove_mail(a, &row.id, clock_s(), arena, &proof, &err) < 0)
		return cmd_fail(cmd, &err);
	if (cmd->json)
		printf("{\"unchanged\": true, \"archived\": \"%s\", \"sha256\": \"%s\", "
		       "\"timestamp\": %llu}\n",
		       archived.data, sum.data, (unsigned long long)proof.stamp);
	else
		printf("This mail is bit for bit what was captured at %s.\nSHA-256 %s\n"
		       "Timestamp: %s\n",
		       archived.data, sum.data, proof.text);
	return proof.state == PROOF_BROKEN ? EXIT_FAILED : EXIT_DONE;
}

int cmd_verify(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	bool all = false;
	const char *repair_from = NULL;
	const struct option_row rows[] = {
		{"all", OPTION_FLAG, &all}, {"repair-from", OPTION_TEXT, &repair_from}, {0}};

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != (all ? 0 : 1))
		return cmd_usage(cmd, "give one id or --all");
	if (repair_from != NULL && (!all || strcmp(repair_from, "mirror") != 0))
		return cmd_usage(cmd, "say --all --repair-from mirror");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	return all ? verify_and_repair(cmd, a, repair_from != NULL)
		   : verify_one(cmd, a, cmd->argv[0]);
}

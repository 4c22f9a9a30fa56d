/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/status.h"

#include "app/cmd/medium_row.h"
#include "app/cmd/procedure.h"
#include "app/intake/spool.h"
#include "app/watch/metrics.h"
#include "app/watch/tell.h"
#include "base/clock.h"
#include "base/service.h"

#include <stdlib.h>

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

static const char *level_name(enum alarm_level level)
{
	static const char *const names[] = {
		[ALARM_FINE] = "OK", [ALARM_WARNING] = "WARNING", [ALARM_CRITICAL] = "CRITICAL"};

	return names[level];
}

static void alarms_json(struct str *out, const struct alarms *alarms)
{
	for (size_t i = 0; i < alarms->n; i++) {
		const struct alarm_row *row = &alarms->v[i];

		str_addf(out, "%s{\"alarm\": \"%s\", \"subject\": ", i > 0 ? ", " : "", row->alarm);
		cmd_json_text(out, VIEW(row->subject));
		str_addf(out, ", \"level\": \"%s\", \"since\": %lld, \"text\": ",
			 row->level == ALARM_CRITICAL ? "critical" : "warning",
			 (long long)row->since_s);
		cmd_json_text(out, VIEW(row->text));
		str_addc(out, '}');
	}
}

static void print_json(const struct archive_status *s, const size_t waits[SPOOL_STATES],
		       const struct alarms *alarms)
{
	CLEAN_STR told = STR_INIT;
	CLEAN_STR media = STR_INIT;
	CLEAN_STR staging = STR_INIT;

	staging_json(&staging, s);
	alarms_json(&told, alarms);
	for (size_t i = 0; i < s->n_media; i++) {
		str_adds(&media, i > 0 ? ", " : "");
		medium_row_json(&media, &s->media[i]);
	}
	printf("{\"version\": \"%s\", \"state\": \"%s\", \"mails\": %llu, \"bytes\": %llu, "
	       "\"deleted\": %llu, \"pack_bytes\": %llu, "
	       "\"catalog_bytes\": %llu, \"index_bytes\": %llu, \"indexed\": %llu, "
	       "\"parts\": %llu, \"part_bytes\": %llu, \"part_uses\": %llu, "
	       "\"saved_bytes\": %llu, \"key_backup\": %s, "
	       "\"spool\": {\"pending\": %zu, \"ready\": %zu, \"stuck\": %zu}, "
	       "\"staging\": %s, \"media\": [%s], \"alarms\": [%s]}\n",
	       sealpost_version, level_name(alarms->worst), (unsigned long long)s->mails.mails,
	       (unsigned long long)s->mails.bytes, (unsigned long long)s->mails.deleted,
	       (unsigned long long)s->pack_bytes, (unsigned long long)s->catalog_bytes,
	       (unsigned long long)s->index_bytes, (unsigned long long)s->indexed,
	       (unsigned long long)s->mails.parts, (unsigned long long)s->mails.part_bytes,
	       (unsigned long long)s->mails.uses,
	       (unsigned long long)(s->mails.used_bytes - s->mails.part_bytes),
	       s->key_backed_up ? "true" : "false", waits[SPOOL_PENDING], waits[SPOOL_READY],
	       waits[SPOOL_STUCK], staging.data, media.data, told.data);
}

static void print_alarms(const struct alarms *alarms)
{
	CLEAN_STR out = STR_INIT;

	for (size_t i = 0; i < alarms->n; i++) {
		str_addf(&out, "%s: ", level_name(alarms->v[i].level));
		str_addsafe(&out, VIEW(alarms->v[i].text), false);
		str_addc(&out, '\n');
	}
	cmd_print(&out);
}

static void print_text(const struct archive_status *s, const size_t waits[SPOOL_STATES],
		       const struct alarms *alarms)
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
	print_alarms(alarms);
}

/* --- for monitoring: one line, and a status as its plugins give it --- */

enum { CHECK_FINE = 0, CHECK_WARNING = 1, CHECK_CRITICAL = 2, CHECK_UNKNOWN = 3 };

/* What stands behind a bar would be taken for figures. */
static void add_plain(struct str *out, const char *text)
{
	size_t begin = out->len;

	str_addsafe(out, VIEW(text), false);
	for (size_t i = begin; i < out->len; i++)
		if (out->data[i] == '|')
			out->data[i] = '/';
}

static int exit_of(enum alarm_level worst)
{
	return worst == ALARM_CRITICAL  ? CHECK_CRITICAL
	       : worst == ALARM_WARNING ? CHECK_WARNING
					: CHECK_FINE;
}

static int print_check_json(const struct alarms *alarms)
{
	CLEAN_STR out = STR_INIT;

	str_addf(&out, "{\"state\": \"%s\", \"alarms\": [", level_name(alarms->worst));
	alarms_json(&out, alarms);
	str_adds(&out, "]}\n");
	return cmd_print(&out) < 0 ? CHECK_UNKNOWN : exit_of(alarms->worst);
}

static int print_check(const struct alarms *alarms)
{
	CLEAN_STR out = STR_INIT;

	str_addf(&out, "%s: ", level_name(alarms->worst));
	if (alarms->n == 0)
		str_adds(&out, "mail is archived, and nothing waits for too long");
	else
		add_plain(&out, alarms->v[0].text);
	if (alarms->n > 1)
		str_addf(&out, " (and %zu more: sealpost status)", alarms->n - 1);
	str_addc(&out, '\n');
	if (cmd_print(&out) < 0)
		return CHECK_UNKNOWN;
	return exit_of(alarms->worst);
}

/* Standard output, since that is what monitoring shows. */
static int print_unknown(const struct cmd *cmd, const struct err *err)
{
	CLEAN_STR out = STR_INIT;

	if (cmd->json) {
		str_adds(&out, "{\"state\": \"UNKNOWN\", \"alarms\": [], \"text\": ");
		cmd_json_text(&out, VIEW(err->text));
		str_adds(&out, "}\n");
		cmd_print(&out);
		return CHECK_UNKNOWN;
	}
	str_adds(&out, "UNKNOWN: how the archive is cannot be told: ");
	add_plain(&out, err->text);
	str_addf(&out, ". %s\n", err_sentence(err->kind));
	cmd_print(&out);
	return CHECK_UNKNOWN;
}

/* --- the verb --- */

struct status {
	struct archive *a;
	struct arena *arena;
	struct alarm_settings *settings;
	struct alarms alarms;
};

static void status_clear(struct status *status)
{
	alarm_settings_free(&status->settings);
	arena_free(&status->arena);
	archive_free(&status->a);
}

static int look(const struct cmd *cmd, struct status *s, struct err *err)
{
	s->arena = arena_new();
	if ((s->a == NULL && archive_open(cmd->archive_dir, &s->a, err) < 0) ||
	    alarm_settings_read(cmd->archive_dir, &s->settings, err) < 0)
		return -1;
	return alarms_look(s->a, s->settings, clock_s(), s->arena, &s->alarms, err);
}

static int check(const struct cmd *cmd, struct status *s)
{
	struct err err = {0};

	if (look(cmd, s, &err) < 0)
		return print_unknown(cmd, &err);
	return cmd->json ? print_check_json(&s->alarms) : print_check(&s->alarms);
}

/* What is counted comes first: counting brings the index up to date, if that can be done. */
static int show(const struct cmd *cmd, struct status *s)
{
	CLEAN(arena) arena = arena_new();
	struct archive_status counts;
	size_t waits[SPOOL_STATES] = {0};
	struct err err = {0};

	if (archive_open(cmd->archive_dir, &s->a, &err) < 0 ||
	    archive_status(s->a, arena, &counts, &err) < 0 || count_spool(cmd, waits, &err) < 0 ||
	    look(cmd, s, &err) < 0)
		return cmd_fail(cmd, &err);
	if (cmd->json)
		print_json(&counts, waits, &s->alarms);
	else
		print_text(&counts, waits, &s->alarms);
	return EXIT_DONE;
}

/* For a monitoring program that reads files, as node_exporter does. */
static int print_metrics(const struct cmd *cmd, struct status *s)
{
	struct metrics_memory memory = {0};
	CLEAN_STR out = STR_INIT;
	struct err err = {0};

	if (archive_open(cmd->archive_dir, &s->a, &err) < 0 ||
	    metrics_write(s->a, &memory, clock_s(), &out, &err) < 0)
		return cmd_fail(cmd, &err);
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* As locale(7) has it. */
static enum procedure_language own_language(void)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && *value != '\0')
			return strncmp(value, "de", 2) == 0 ? PROCEDURE_DE : PROCEDURE_EN;
	}
	return PROCEDURE_EN;
}

static int print_procedure(const struct cmd *cmd, struct status *s, const char *lang)
{
	enum procedure_language language = own_language();
	struct json_object *facts;
	CLEAN_STR out = STR_INIT;
	struct err err = {0};

	if (lang != NULL && procedure_language_read(lang, &language) < 0)
		return cmd_usage(cmd, "--lang is de or en");
	if (look(cmd, s, &err) < 0 || procedure_collect(s->a, &s->alarms, &facts, &err) < 0)
		return cmd_fail(cmd, &err);
	if (cmd->json)
		str_addf(&out, "%s\n",
			 json_object_to_json_string_ext(facts, JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		procedure_write(facts, language, &out);
	json_object_put(facts);
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* To be untold is worth a line, and no other status: this is also how monitoring asks. */
static void tell(struct status *s)
{
	struct err err = {0};

	if (s->settings != NULL && alarms_tell(s->a, s->settings, &s->alarms, clock_s(), &err) < 0)
		fprintf(stderr, "sealpost status: the alarms could not be mailed: %s\n", err.text);
}

int cmd_status(struct cmd *cmd)
{
	__attribute__((cleanup(status_clear))) struct status s = {0};
	bool checks = false, tells = false, counts = false, documents = false;
	const char *lang = NULL;
	const struct option_row rows[] = {
		{"check", OPTION_FLAG, &checks},   {"tell", OPTION_FLAG, &tells},
		{"metrics", OPTION_FLAG, &counts}, {"procedure", OPTION_FLAG, &documents},
		{"lang", OPTION_TEXT, &lang},      {0}};
	int status;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 0)
		return cmd_usage(cmd, "status takes no arguments");
	if ((checks || tells) + counts + documents > 1 || (lang != NULL && !documents))
		return cmd_usage(cmd, "--metrics goes with nothing else, --procedure with --lang");
	if (counts)
		return print_metrics(cmd, &s);
	if (documents)
		return print_procedure(cmd, &s, lang);
	status = checks ? check(cmd, &s) : show(cmd, &s);
	if (tells)
		tell(&s);
	return status;
}

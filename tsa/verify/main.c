/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-verify - check a proof that "sealpost timestamp export" made: without an archive, without a key, without a network.
 *
 * usage: sealpost-verify [--ca FILE] [--at YYYY-MM-DD] [--json] FOLDER
 *
 * Status 0: it is proved; 1: it is not, and why; 2: wrong usage.
 *
 * Jail: no new privileges, few files. It reads the folder, which is whoever's, and writes nothing.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/jail.h"
#include "tsa/proof_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PROVED = 0, NOT_PROVED = 1, USAGE = 2, FILES_MAX = 64, PEM_MAX = 256 * 1024 };

struct call {
	const char *folder, *ca, *at;
	bool json;
};

static int usage(void)
{
	fputs("usage: sealpost-verify [--ca FILE] [--at YYYY-MM-DD] [--json] FOLDER\n"
	      "\n"
	      "Checks the folder that \"sealpost timestamp export\" made: is the mail in it "
	      "unchanged, and "
	      "since when?\n"
	      "  --ca FILE  trust this CA certificate of the timestamping authority, and no other; "
	      "without "
	      "it, the one\n"
	      "             in the folder, whose SHA-256 is printed: compare it with the one that "
	      "the "
	      "authority publishes\n"
	      "  --at DATE  check it as of that day\n",
	      stderr);
	return USAGE;
}

static int read_call(int argc, char **argv, struct call *call)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			call->json = true;
		else if (strcmp(argv[i], "--ca") == 0 && i + 1 < argc)
			call->ca = argv[++i];
		else if (strcmp(argv[i], "--at") == 0 && i + 1 < argc)
			call->at = argv[++i];
		else if (argv[i][0] == '-' || call->folder != NULL)
			return -1;
		else
			call->folder = argv[i];
	}
	return call->folder == NULL ? -1 : 0;
}

static int read_day(const char *text, int64_t *time_s_r)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (end == NULL || *end != '\0')
		return -1;
	*time_s_r = clock_of_utc(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, 0, 0, 0);
	return 0;
}

static int not_proved(const struct call *call, const struct err *err)
{
	CLEAN_STR text = STR_INIT;

	str_addsafe(&text, VIEW(err->text), false);
	if (call->json)
		printf("{\"proved\": false, \"code\": \"%s\"}\n", err_code(err->kind));
	fprintf(stderr,
		"NOT PROVED: %s\nNothing can be said of this mail by this folder. Ask for the "
		"proof once "
		"more: if the archive's own check (sealpost timestamp verify) is good, the folder "
		"was changed "
		"on its way.\n",
		text.data);
	return NOT_PROVED;
}

static void print_time(const char *before, int64_t time_ms, const char *behind)
{
	CLEAN_STR text = STR_INIT;

	clock_add_utc(&text, time_ms / 1000);
	printf("%s%s%s", before, text.data, behind);
}

static int proved(const struct call *call, const struct proof_folder_report *r)
{
	CLEAN_STR authority = STR_INIT;

	str_addsafe(&authority, VIEW(r->evidence.authority), false);
	if (call->json) {
		printf("{\"proved\": true, \"mail\": \"%s\", \"records\": %zu, \"timestamps\": %zu",
		       r->mail, r->records, r->evidence.timestamps);
		print_time(", \"since\": \"", r->evidence.first_ms, "\"");
		printf(", \"ca_sha256\": \"%s\"}\n", r->ca);
		return PROVED;
	}
	printf("PROVED: mail.eml is mail %s\n", r->mail);
	print_time("  unchanged since  ", r->evidence.first_ms, "\n");
	printf("  says             %s\n", authority.data);
	if (r->evidence.timestamps > 1)
		print_time("  renewed until    ", r->evidence.last_ms, "\n");
	print_time("  certificates to  ", r->evidence.ends_s * 1000, "\n");
	printf("  CA, SHA-256      %s\n", r->ca);
	if (call->ca == NULL)
		printf("Compare that SHA-256 with the one that the authority publishes: the folder "
		       "is only "
		       "as good as this CA certificate.\n");
	return PROVED;
}

static int verify(const struct call *call, int64_t at_s)
{
	CLEAN(token_trust) trust = NULL;
	CLEAN(arena) arena = arena_new();
	CLEAN_STR pem = STR_INIT;
	struct proof_folder_report report;
	struct err err = {0};

	if (call->ca != NULL && (file_read(call->ca, PEM_MAX, &pem, &err) < 0 ||
				 token_trust_new(str_view(&pem), &trust, &err) < 0))
		return not_proved(call, &err);
	if (jail_enter("", FILES_MAX, &err) < 0 ||
	    proof_folder_check(call->folder, trust, at_s, arena, &report, &err) < 0)
		return not_proved(call, &err);
	return proved(call, &report);
}

int main(int argc, char **argv)
{
	struct call call = {0};
	int64_t at_s = clock_s();

	if (read_call(argc, argv, &call) < 0)
		return usage();
	if (call.at != NULL && read_day(call.at, &at_s) < 0) {
		fprintf(stderr, "sealpost-verify: \"%s\" is no day: YYYY-MM-DD\n", call.at);
		return USAGE;
	}
	return verify(&call, at_s);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/journal.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena *arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	mail_init();
	arena = arena_new();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct journal_report report;
	struct err err;

	arena_reset(arena);
	if (journal_read(arena, (struct view){(const char *)data, size}, &report, &err) <= 0)
		return 0;
	must(report.recipients.n > 0 && report.originals.n > 0 && report.frame.len <= size);
	for (size_t i = 0; i < report.recipients.n; i++)
		must(report.recipients.v[i].addr.len > 0);
	for (size_t i = 0; i < report.originals.n; i++)
		must(report.originals.v[i].len > 0 && report.originals.v[i].len <= size);
	return 0;
}

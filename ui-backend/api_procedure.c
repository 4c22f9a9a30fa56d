/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The procedure documentation, as the command line writes it. */
#include "base/clock.h"
#include "ui-backend/child.h"

enum { OUTPUT_MAX = 4 * 1024 * 1024, WRITE_MS = 60 * 1000 };

/* Why it failed is in the log, which the command's errors go to as well. */
static int on_written(struct api_request *r, void *arg, bool late, int status, struct view output,
		      struct err *err)
{
	struct reply_file file = {.type = "text/markdown; charset=utf-8",
				  .fallback = "procedure.md"};
	CLEAN_STR name = STR_INIT;
	CLEAN_STR data = STR_INIT;

	(void)arg;
	if (late)
		return err_set(err, ERR_TIMEOUT, "it took too long");
	if (status != 0)
		return err_set(err, ERR_IO, "the procedure documentation was not written");
	clock_add_utc(&name, clock_s());
	name.len = strlen("2026-11-23");
	str_adds(&name, "-procedure.md");
	file.name = str_view(&name);
	str_addv(&data, output);
	return reply_file(r, &file, &data);
}

int api_get_procedure(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"lang", NULL};
	const char *args[] = {"--archive", r->archive_dir, "status", "--procedure",
			      "--lang",    "en",           NULL};
	struct child_call call = {
		.name = "", .args = args, .max_output = OUTPUT_MAX, .timeout_ms = WRITE_MS};
	struct view lang;

	if (request_query_only(r, known, err) < 0)
		return -1;
	request_query(r, "lang", &lang);
	if (view_eq(lang, VIEW("de")))
		args[5] = "de";
	else if (lang.len > 0 && !view_eq(lang, VIEW("en")))
		return err_set(err, ERR_SYNTAX, "lang is de or en");
	return child_run(r, &call, on_written, NULL, err);
}

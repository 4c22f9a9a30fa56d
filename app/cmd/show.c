/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/read.h"
#include "app/cmd/cmd.h"
#include "app/cmd/sightings.h"
#include "app/mail/mail.h"
#include "base/clock.h"

enum { PART_MAX = 1024 * 1024 * 1024, TEXT_MAX = 16 * 1024 * 1024 };

/* Everything printed as text has lost its control characters: a mail must not steer the terminal. */
static void add_field(struct str *out, const char *name, struct view value)
{
	if (value.len == 0)
		return;
	str_addf(out, "%s: ", name);
	str_addsafe(out, value, false);
	str_addc(out, '\n');
}

static void add_headers(struct str *out, const struct mail_row *row, const struct mail *mail)
{
	CLEAN_STR when = STR_INIT;
	char bytes[32];

	add_field(out, "From", mail->from_text);
	add_field(out, "To", mail->to_text);
	add_field(out, "Cc", mail->cc_text);
	add_field(out, "Bcc", mail->bcc_text);
	add_field(out, "Subject", mail->subject);
	clock_add_utc(&when, row->sent_s);
	add_field(out, mail->has_date ? "Sent" : "Sent (no Date field)", str_view(&when));
	str_reset(&when);
	clock_add_utc(&when, uuid_ms(&row->id) / 1000);
	add_field(out, "Archived", str_view(&when));
	add_field(out, "Size", VIEW(cmd_bytes(row->size, bytes)));
	if (row->marks & MARK_FLAGGED)
		add_field(out, "Note",
			  VIEW("another mail has the same Message-ID and other content"));
	if (row->marks & MARK_SPAM)
		add_field(out, "Note", VIEW("was marked as spam"));
}

static void add_parts(struct str *out, const struct mail *mail)
{
	for (size_t i = 0; i < mail->leaves.n; i++) {
		const struct leaf *leaf = &mail->leaves.v[i];

		if (!leaf->attachment)
			continue;
		str_addf(out, "Attachment %zu: ", i + 1);
		str_addsafe(out, leaf->name.len ? leaf->name : VIEW("(no name)"), false);
		str_adds(out, " (");
		str_addsafe(out, leaf->type, false);
		str_adds(out, ")\n");
	}
}

static int print_mail(const struct sightings *seen, const struct mail_row *row,
		      const struct mail *mail, struct err *err)
{
	CLEAN_STR out = STR_INIT;

	sightings_add_trace(seen, &out);
	add_headers(&out, row, mail);
	sightings_add_text(seen, &out);
	add_parts(&out, mail);
	str_addc(&out, '\n');
	str_addsafe(&out, mail->text, true);
	str_addc(&out, '\n');
	return cmd_print(&out) == 0 ? 0 : err_errno(err, "standard output: %m");
}

static void add_json_member(struct str *out, const char *name, struct view value)
{
	str_addf(out, "\"%s\": ", name);
	cmd_json_text(out, value);
	str_adds(out, ", ");
}

static int print_json(const struct sightings *seen, const struct mail_row *row,
		      const struct mail *mail, struct err *err)
{
	CLEAN_STR out = STR_INIT;
	CLEAN_STR text = STR_INIT;
	const char *sep = "";

	str_adds(&out, "{\"id\": \"");
	uuid_add(&out, &row->id);
	str_adds(&out, "\", ");
	add_json_member(&out, "from", mail->from_text);
	add_json_member(&out, "to", mail->to_text);
	add_json_member(&out, "cc", mail->cc_text);
	add_json_member(&out, "bcc", mail->bcc_text);
	add_json_member(&out, "subject", mail->subject);
	add_json_member(&out, "msgid", mail->message_id);
	clock_add_utc(&text, row->sent_s);
	add_json_member(&out, "sent", str_view(&text));
	str_reset(&text);
	str_addhex(&text, row->exact.b, HASH_BYTES);
	add_json_member(&out, "sha256", str_view(&text));
	str_addf(&out, "\"size\": %llu, \"parts\": [", (unsigned long long)row->size);
	for (size_t i = 0; i < mail->leaves.n; i++) {
		const struct leaf *leaf = &mail->leaves.v[i];

		str_addf(&out, "%s{", sep);
		add_json_member(&out, "name", leaf->name);
		add_json_member(&out, "type", leaf->type);
		str_addf(&out, "\"part\": %zu, \"attachment\": %s}", i + 1,
			 leaf->attachment ? "true" : "false");
		sep = ", ";
	}
	str_adds(&out, "], \"sightings\": ");
	sightings_add_json(seen, &out);
	str_adds(&out, ", ");
	add_json_member(&out, "text", mail->text);
	out.len -= 2;
	str_adds(&out, "}\n");
	return cmd_print(&out) == 0 ? 0 : err_errno(err, "standard output: %m");
}

static int print_part(const struct mail *mail, uint64_t part, struct err *err)
{
	CLEAN_STR out = STR_INIT;

	if (part == 0 || part > mail->leaves.n)
		return err_set(err, ERR_NOTFOUND, "this mail has parts 1 to %zu", mail->leaves.n);
	mail_leaf_decode(mail, &mail->leaves.v[part - 1], PART_MAX, &out);
	return cmd_print(&out) == 0 ? 0 : err_errno(err, "standard output: %m");
}

/* As it came, all that came, one behind the other. */
static int print_reports(const struct sightings *seen, struct err *err)
{
	CLEAN_STR out = STR_INIT;

	for (size_t i = 0; i < seen->n; i++)
		str_addv(&out, seen->v[i].facts.report);
	if (out.len == 0)
		return err_set(err, ERR_NOTFOUND, "no journal report came with this mail");
	return cmd_print(&out) == 0 ? 0 : err_errno(err, "standard output: %m");
}

int cmd_show(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	CLEAN(reader) reader = NULL;
	CLEAN_STR bytes = STR_INIT;
	bool raw = false, report = false;
	uint64_t part = UINT64_MAX;
	const struct option_row rows[] = {{"raw", OPTION_FLAG, &raw},
					  {"part", OPTION_NUMBER, &part},
					  {"report", OPTION_FLAG, &report},
					  {0}};
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;
	struct sightings seen;
	struct mail_row row;
	struct mail mail;
	struct err err = {0};
	int rc;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 1 || raw + report + (part != UINT64_MAX) > 1)
		return cmd_usage(cmd, "give one id, and --raw, --part N, --report or none of them");
	if (cmd_open(cmd, &a) < 0 || cmd_find_mail(cmd, a, arena, cmd->argv[0], &row) < 0)
		return EXIT_FAILED;
	reader = reader_new(a);
	if (reader_mail(reader, &row, &bytes, &err) < 0)
		return cmd_fail(cmd, &err);
	if (raw)
		return cmd_print(&bytes) == 0 ? EXIT_DONE : EXIT_FAILED;
	if (sightings_read(a, reader, arena, &row, &seen, &err) < 0)
		return cmd_fail(cmd, &err);
	limits.text_bytes = TEXT_MAX;
	mail_parse(arena, str_view(&bytes), &limits, &mail);
	if (part != UINT64_MAX)
		rc = print_part(&mail, part, &err);
	else if (report)
		rc = print_reports(&seen, &err);
	else if (cmd->json)
		rc = print_json(&seen, &row, &mail, &err);
	else
		rc = print_mail(&seen, &row, &mail, &err);
	return rc < 0 ? cmd_fail(cmd, &err) : EXIT_DONE;
}

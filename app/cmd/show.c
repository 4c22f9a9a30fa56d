/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/read.h"
#include "app/cmd/cmd.h"
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

struct sightings {
	struct catalog *catalog;
	struct str *out;
};

/* "Came: 2024-05-17T08:00:00Z by import from anna, cur/123:2,S (flags S)" */
static int add_origin(const struct sightings *s, const char *label, const struct sighting_row *row,
		      struct err *err)
{
	CLEAN_STR when = STR_INIT;
	CLEAN_STR source = STR_INIT;

	if (source_name(s->catalog, row->source, &source, err) < 0)
		return -1;
	clock_add_utc(&when, row->seen_ms / 1000);
	str_addf(s->out, "%s: %s by %s from ", label, when.data, way_text(row->way));
	str_addsafe(s->out, str_view(&source), false);
	if (row->place.len > 0) {
		str_adds(s->out, ", ");
		str_addsafe(s->out, row->place, false);
	}
	if (row->flags.len > 0) {
		str_adds(s->out, " (flags ");
		str_addsafe(s->out, row->flags, false);
		str_addc(s->out, ')');
	}
	str_addc(s->out, '\n');
	return 0;
}

static int add_sighting(void *arg, const struct sighting_row *row, struct err *err)
{
	return add_origin(arg, "Seen again", row, err);
}

static int add_sightings(struct archive *a, const struct mail_row *row, struct str *out,
			 struct err *err)
{
	struct sightings s = {archive_catalog(a), out};
	struct sighting_row first = {.way = row->way,
				     .source = row->source,
				     .seen_ms = row->seen_ms,
				     .place = row->place,
				     .flags = row->flags};

	if (add_origin(&s, "Came", &first, err) < 0)
		return -1;
	return sightings_each(s.catalog, row->mail, add_sighting, &s, err);
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

static int print_mail(struct archive *a, const struct mail_row *row, const struct mail *mail,
		      struct err *err)
{
	CLEAN_STR out = STR_INIT;

	add_headers(&out, row, mail);
	if (add_sightings(a, row, &out, err) < 0)
		return -1;
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

static int print_json(const struct mail_row *row, const struct mail *mail, struct err *err)
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
	str_adds(&out, "], ");
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

int cmd_show(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	CLEAN(reader) reader = NULL;
	CLEAN_STR bytes = STR_INIT;
	bool raw = false;
	uint64_t part = UINT64_MAX;
	const struct option_row rows[] = {
		{"raw", OPTION_FLAG, &raw}, {"part", OPTION_NUMBER, &part}, {0}};
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;
	struct mail_row row;
	struct mail mail;
	struct err err = {0};
	int rc;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 1 || (raw && part != UINT64_MAX))
		return cmd_usage(cmd, "give one id, and --raw or --part N or neither");
	if (cmd_open(cmd, &a) < 0 || cmd_find_mail(cmd, a, arena, cmd->argv[0], &row) < 0)
		return EXIT_FAILED;
	reader = reader_new(a);
	if (reader_mail(reader, &row, &bytes, &err) < 0)
		return cmd_fail(cmd, &err);
	if (raw)
		return cmd_print(&bytes) == 0 ? EXIT_DONE : EXIT_FAILED;
	limits.text_bytes = TEXT_MAX;
	mail_parse(arena, str_view(&bytes), &limits, &mail);
	if (part != UINT64_MAX)
		rc = print_part(&mail, part, &err);
	else if (cmd->json)
		rc = print_json(&row, &mail, &err);
	else
		rc = print_mail(a, &row, &mail, &err);
	return rc < 0 ? cmd_fail(cmd, &err) : EXIT_DONE;
}

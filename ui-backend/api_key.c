/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The archive key on paper. It counts as kept once two groups were typed back from the sheet. */
#include "app/archive/status.h"
#include "app/catalog/audit.h"
#include "ui-backend/cli.h"

#include <ctype.h>
#include <stdio.h>

#define SETTING_CHALLENGE "key_challenge" /* "LINE GROUP TEXT" twice */
#define SETTING_SKIPPED "key_skipped"

enum { EXPORT_MS = 60 * 1000, LINES = 5, GROUPS = 9, GROUP_CHARS = 4, ASKED = 2 };

/* --- how it stands ------------------------------------------------------------------------------ */

int api_get_key_state(struct api_request *r, struct err *err)
{
	struct json_object *body;
	CLEAN_STR skipped = STR_INIT;
	CLEAN_STR id = STR_INIT;
	int64_t made_s = 0;
	int made = key_backup_made(r->archive_dir, &made_s, err);

	if (made < 0 ||
	    setting_get(archive_catalog(r->archive), SETTING_SKIPPED, &skipped, err) < 0)
		return -1;
	keyring_add_fingerprint(&id, archive_keys(r->archive));
	body = json_object_new_object();
	json_set_flag(body, "backedUp", made > 0);
	json_set_time(body, "madeAt", made_s);
	json_set_flag(body, "skipped", made == 0 && skipped.len > 0);
	json_set_text(body, "keyId", str_view(&id));
	return reply_json(r, 200, body);
}

/* --- the sheet ---------------------------------------------------------------------------------- */

struct asked {
	unsigned line, group;
	struct view text;
};

/* "3: 9690 SRF2 ...": the group of that number, from 1. */
static int find_group(struct view sheet, struct asked *asked)
{
	struct view line, word;
	char head[8];

	snprintf(head, sizeof(head), "%u: ", asked->line);
	while (view_cut(&sheet, '\n', &line)) {
		if (!view_starts(line, head))
			continue;
		for (unsigned i = 0; view_cut(&line, ' ', &word); i++)
			if (i == asked->group && word.len == GROUP_CHARS) {
				asked->text = word;
				return 0;
			}
	}
	return -1;
}

static unsigned dice(unsigned sides)
{
	uint32_t n;

	crypto_random(&n, sizeof(n));
	return n % sides + 1;
}

/* Two, of different lines. */
static int choose(struct view sheet, struct asked asked[ASKED], struct err *err)
{
	asked[0].line = dice(LINES - 1);
	asked[1].line = asked[0].line + dice(LINES - asked[0].line);
	for (size_t i = 0; i < ASKED; i++) {
		asked[i].group = dice(GROUPS);
		if (find_group(sheet, &asked[i]) < 0)
			return err_set(err, ERR_DAMAGED, "the sheet has not the lines it should");
	}
	return 0;
}

static int keep_challenge(struct api_request *r, const struct asked *asked,
			  struct json_object *list, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	for (size_t i = 0; i < ASKED; i++) {
		struct json_object *object = json_object_new_object();

		json_set_number(object, "line", asked[i].line);
		json_set_number(object, "group", asked[i].group);
		json_object_array_add(list, object);
		str_addf(&text, "%.*s\n", (int)asked[i].text.len, asked[i].text.data);
	}
	return setting_set(archive_catalog(r->archive), SETTING_CHALLENGE, str_view(&text), err);
}

static struct view file_name(struct api_request *r)
{
	CLEAN_STR id = STR_INIT;
	char *text;

	keyring_add_fingerprint(&id, archive_keys(r->archive));
	text = arena_f(r->arena, "sealpost-key-%s.txt", id.data);
	for (char *p = text; *p != '\0'; p++)
		if (*p == ' ')
			*p = '-';
	return VIEW(text);
}

/* The text, a form feed, the page. */
static int on_export(struct api_request *r, void *arg, struct view output, struct err *err)
{
	struct json_object *body, *list;
	struct asked asked[ASKED];
	struct view text;

	(void)arg;
	if (!view_cut(&output, '\f', &text) || choose(text, asked, err) < 0)
		return err->kind ? -1 : err_set(err, ERR_IO, "the key was not written");
	body = json_object_new_object();
	list = json_object_new_array();
	json_set_text(body, "text", text);
	json_set_text(body, "page", output);
	json_set_text(body, "fileName", file_name(r));
	json_set(body, "challenge", list);
	if (keep_challenge(r, asked, list, err) == 0 &&
	    audit_add(archive_catalog(r->archive), AUDIT_KEY, VIEW("sheet"), VIEW(""), err) == 0)
		return reply_json(r, 200, body);
	json_object_put(body);
	return -1;
}

int api_export_key(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"password", NULL};
	struct cli cli = {.args = {"key", "export", "--for-page", "--password-file", CLI_HANDED},
			  .timeout_ms = EXPORT_MS,
			  .then = on_export};

	if (json_only(r->body, known, err) < 0 ||
	    json_need_text(r->body, "password", 1, 1024, &cli.handed, err) < 0)
		return -1;
	if (memchr(cli.handed.data, '\n', cli.handed.len) != NULL)
		return err_set(err, ERR_SYNTAX, "a password is one line");
	return cli_run(r, &cli, err);
}

/* --- typed back --------------------------------------------------------------------------------- */

/* As storage/keytext.h takes it. */
static char plain_of(char c)
{
	c = (char)toupper((unsigned char)c);
	return c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
}

static bool is_group(struct view typed, struct view group)
{
	typed = view_trim(typed);
	if (typed.len != group.len)
		return false;
	for (size_t i = 0; i < group.len; i++)
		if (plain_of(typed.data[i]) != group.data[i])
			return false;
	return true;
}

static int check_groups(struct api_request *r, struct json_object *list, struct err *err)
{
	CLEAN_STR challenge = STR_INIT;
	struct view rest, group, typed;

	if (setting_get(archive_catalog(r->archive), SETTING_CHALLENGE, &challenge, err) < 0)
		return -1;
	if (challenge.len == 0)
		return err_set(err, ERR_SYNTAX, "no sheet was made yet");
	rest = str_view(&challenge);
	for (size_t i = 0; i < ASKED; i++) {
		if (json_item_text(list, i, 1, 16, &typed, err) < 0)
			return -1;
		if (!view_cut(&rest, '\n', &group) || !is_group(typed, group))
			return err_set(err, ERR_SYNTAX, "group %zu is not what stands on the sheet",
				       i + 1);
	}
	return 0;
}

static int keep(struct api_request *r, const char *name, const char *value, struct err *err)
{
	return setting_set(archive_catalog(r->archive), name, VIEW(value), err);
}

int api_check_key_backup(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"groups", "skip", NULL};
	struct json_object *list;
	bool skip = false;
	int given;

	if (json_only(r->body, known, err) < 0 || json_flag(r->body, "skip", &skip, err) < 0)
		return -1;
	given = json_list(r->body, "groups", ASKED, &list, err);
	if (given < 0)
		return -1;
	if (skip)
		return keep(r, SETTING_SKIPPED, "yes", err) < 0 ? -1 : reply_nothing(r);
	if (given == 0 || json_object_array_length(list) != ASKED)
		return err_set(err, ERR_SYNTAX, "two groups are asked for");
	if (check_groups(r, list, err) < 0 || key_backup_note(r->archive_dir, err) < 0 ||
	    keep(r, SETTING_CHALLENGE, "", err) < 0 || keep(r, SETTING_SKIPPED, "", err) < 0 ||
	    audit_add(archive_catalog(r->archive), AUDIT_KEY, VIEW("kept on paper"), VIEW(""),
		      err) < 0)
		return -1;
	return reply_nothing(r);
}

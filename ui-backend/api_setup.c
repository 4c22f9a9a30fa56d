/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From an empty directory to an archive, and the wizard's last steps. Who has no archive has no administrator yet either: whoever may read what the server
 * printed when it started is him (settings.h). */
#include "app/archive/find.h"
#include "app/catalog/audit.h"
#include "app/catalog/people.h"
#include "app/intake/spool.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/service.h"
#include "ui-backend/cli.h"
#include "ui-backend/site_order.h"

#include <unistd.h>

#define SETTING_OPEN "setup_open"
#define TEST_ADDRESS "test@sealpost.invalid"

enum { INIT_MS = 120 * 1000, NAME_MAX_BYTES = 100 };

/* --- how far it is ------------------------------------------------------------------------------ */

static int is_open(struct api_request *r, bool *open_r, struct err *err)
{
	CLEAN_STR value = STR_INIT;
	int rc = r->archive == NULL
			 ? 1
			 : setting_get(archive_catalog(r->archive), SETTING_OPEN, &value, err);

	*open_r = rc > 0;
	return rc < 0 ? -1 : 0;
}

static struct json_object *setup_json(bool ready, bool done)
{
	struct json_object *body = json_object_new_object();

	json_set_text(body, "archive", VIEW(ready ? "ready" : "none"));
	json_set_flag(body, "done", done);
	json_set_text(body, "version", VIEW(sealpost_version));
	return body;
}

/* What became of `sealpost restore --order`. */
static int add_restore(struct api_request *r, struct json_object *body, struct err *err)
{
	const char *path = arena_f(r->arena, "%s/restore.state", r->archive_dir);
	CLEAN_STR why = STR_INIT;
	CLEAN_FD lock = -1;
	int rc;

	if (access(path, F_OK) < 0)
		return 0;
	rc = file_lock(path, &lock, err);
	if (rc < 0 || (rc > 0 && file_read(path, 4096, &why, err) < 0))
		return -1;
	json_set_text(body, "archive", VIEW(rc == 0 ? "restoring" : "failed"));
	if (rc > 0)
		json_set_text(body, "text",
			      why.len > 0 ? str_view(&why)
					  : VIEW("It was cut off; begin it again."));
	return 0;
}

int api_get_setup(struct api_request *r, struct err *err)
{
	struct json_object *body;
	bool open;

	if (is_open(r, &open, err) < 0)
		return -1;
	body = setup_json(r->archive != NULL, !open);
	if (add_restore(r, body, err) == 0)
		return reply_json(r, 200, body);
	json_object_put(body);
	return -1;
}

int api_finish_setup(struct api_request *r, struct err *err)
{
	if (setting_remove(archive_catalog(r->archive), SETTING_OPEN, err) < 0)
		return -1;
	return reply_nothing(r);
}

/* --- a new archive ------------------------------------------------------------------------------ */

static int check_token(const struct api_request *r, struct err *err)
{
	struct view given = view_trim(request_header(r, "X-Sealpost-Setup"));
	struct hash hash = crypto_sha256(given.data, given.len);

	if (!r->settings->has_setup || !hash_eq(&hash, &r->settings->setup_hash))
		return err_set(err, ERR_DENIED,
			       "this is not the word that the server printed when it started");
	return 0;
}

/* An archive that is there is made no second time; but one whose administrator got no password yet gets it now. */
static int check_none(struct api_request *r, struct err *err)
{
	struct people people;
	bool open;

	if (r->archive == NULL)
		return 0;
	if (is_open(r, &open, err) < 0 ||
	    people_by_name(archive_catalog(r->archive), r->arena, VIEW("admin"), &people, err) < 0)
		return -1;
	if (!open || people.n == 0 || people.v[0].has_password)
		return err_set(err, ERR_EXISTS, "there is an archive already");
	return 0;
}

static int on_password(struct api_request *r, void *arg, struct view output, struct err *err)
{
	(void)arg;
	(void)output;
	(void)err;
	return reply_json(r, 201, setup_json(true, false));
}

static int set_password(struct api_request *r, struct view password, struct err *err)
{
	const struct cli cli = {
		.args = {"user", "password", "admin", "--password-file", CLI_HANDED},
		.handed = password,
		.timeout_ms = INIT_MS,
		.then = on_password};

	return cli_run(r, &cli, err);
}

static int on_made(struct api_request *r, void *arg, struct view output, struct err *err)
{
	const struct view *password = arg;

	(void)output;
	return set_password(r, *password, err);
}

static int create(struct api_request *r, struct view name, const struct view *password,
		  struct err *err)
{
	const struct cli cli = {
		.args = {"init", "--wizard", "--name",
			 name.len > 0 ? arena_view(r->arena, name).data : "Sealpost"},
		.timeout_ms = INIT_MS,
		.then = on_made,
		.arg = (void *)password};

	return r->archive != NULL ? set_password(r, *password, err) : cli_run(r, &cli, err);
}

/* --- one that is brought back ------------------------------------------------------------------- */

static int on_begun(struct api_request *r, void *arg, struct view output, struct err *err)
{
	struct json_object *body = setup_json(false, false);

	(void)arg;
	(void)output;
	(void)err;
	json_set_text(body, "archive", VIEW("restoring"));
	return reply_json(r, 202, body);
}

static int import(struct api_request *r, struct err *err)
{
	struct cli cli = {.args = {"restore", "--order", CLI_HANDED},
			  .timeout_ms = INIT_MS,
			  .then = on_begun};
	struct site_order order;
	struct view text;

	if (r->archive != NULL)
		return err_set(err, ERR_EXISTS, "there is an archive already");
	if (json_need_text(r->body, "keyBackup", 1, 32768, &text, err) < 0 ||
	    json_need_text(r->body, "keyPassword", 1, 1024, &text, err) < 0 ||
	    site_order_read(r, r->body, &order, err) < 0 || site_order_check_new(&order, err) < 0)
		return -1;
	cli.handed = VIEW(json_object_to_json_string_ext(r->body, JSON_C_TO_STRING_PLAIN));
	return cli_run(r, &cli, err);
}

int api_create_archive(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"kind",        "name",     "adminPassword", "keyBackup",
					    "keyPassword", "location", "user",          "domain",
					    "password",    NULL};
	static const char *const kinds[] = {"create", "import", NULL};
	struct view *password = arena_get(r->arena, sizeof(*password)), name;
	size_t kind;

	if (json_only(r->body, known, err) < 0 ||
	    json_text(r->body, "name", 0, NAME_MAX_BYTES, &name, err) < 0 ||
	    json_need_text(r->body, "adminPassword", 1, 1024, password, err) < 0)
		return -1;
	if (json_word(r->body, "kind", kinds, &kind, err) <= 0)
		return err_set(err, ERR_SYNTAX, "kind is create or import");
	if (password->len < 8 || memchr(password->data, '\n', password->len) != NULL)
		return err_set(err, ERR_SYNTAX, "the password is to have 8 characters or more");
	if (check_token(r, err) < 0 || check_none(r, err) < 0)
		return -1;
	if (kind == 1)
		return import(r, err);
	return create(r, name, password, err);
}

/* --- a mail goes the whole way ------------------------------------------------------------------ */

static void write_mail(struct str *raw, const struct uuid *id)
{
	char text[UUID_TEXT + 1];

	str_addf(raw, "From: Sealpost <" TEST_ADDRESS ">\r\nTo: <" TEST_ADDRESS ">\r\n"
		      "Subject: Sealpost test mail\r\nDate: ");
	clock_add_mail_date(raw, clock_s());
	str_addf(raw,
		 "\r\nMessage-ID: <%s@sealpost.invalid>\r\nMIME-Version: 1.0\r\n"
		 "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
		 "The archive sent itself this mail to show that it takes mail in.\r\n",
		 uuid_text(id, text));
}

int api_send_test_mail(struct api_request *r, struct err *err)
{
	static struct view recipient = {TEST_ADDRESS, sizeof(TEST_ADDRESS) - 1};
	struct envelope env = {.door = DOOR_UPLOAD,
			       .source = VIEW("test"),
			       .seen_ms = clock_ms(),
			       .reverse_path = recipient,
			       .recipients = {&recipient, 1, 1}};
	CLEAN(spool) spool = NULL;
	CLEAN(spool_entry) entry = NULL;
	CLEAN_STR raw = STR_INIT;
	struct json_object *body;
	char id[UUID_TEXT + 1];

	if (spool_open(r->archive_dir, &spool, err) < 0 || spool_begin(spool, 0, &entry, err) < 0)
		return -1;
	uuid_text(spool_entry_id(entry), id);
	write_mail(&raw, spool_entry_id(entry));
	if (spool_write(entry, raw.data, raw.len, err) < 0 || spool_commit(entry, &env, err) < 0)
		return -1;
	body = json_object_new_object();
	json_set_text(body, "id", VIEW(id));
	return reply_json(r, 202, body);
}

static int is_in_state(struct api_request *r, enum spool_state state, const struct uuid *id,
		       struct err *err)
{
	CLEAN(spool) spool = NULL;
	struct spool_item item;

	return spool_open(r->archive_dir, &spool, err) < 0
		       ? -1
		       : spool_look(spool, state, id, r->arena, &item, err);
}

static int where_is(struct api_request *r, const struct uuid *id, const char **state_r,
		    struct err *err)
{
	const struct scope all = SCOPE_ALL;
	char text[UUID_TEXT + 1];
	const char *query = arena_f(r->arena, "msgid:%s@sealpost.invalid", uuid_text(id, text));
	uint64_t found;
	int stuck = is_in_state(r, SPOOL_STUCK, id, err);
	int waits = is_in_state(r, SPOOL_READY, id, err);

	if (stuck < 0 || waits < 0 || find_count(r->archive, VIEW(query), &all, &found, err) < 0)
		return -1;
	*state_r = stuck ? "stuck" : waits ? "spooled" : found > 0 ? "found" : "archived";
	return 0;
}

int api_find_test_mail(struct api_request *r, struct err *err)
{
	struct json_object *body;
	const char *state;
	struct uuid id;

	if (request_param_id(r, "id", &id, err) < 0 || where_is(r, &id, &state, err) < 0)
		return -1;
	body = json_object_new_object();
	json_set_text(body, "state", VIEW(state));
	json_object_object_add(
		body, "seconds",
		json_object_new_double((double)(clock_ms() - uuid_ms(&id)) / 1000.0));
	return reply_json(r, 200, body);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is there: logging in and out. */
#include "app/access/authenticate.h"
#include "app/access/policy.h"
#include "app/archive/deletion.h"
#include "app/catalog/audit.h"
#include "base/clock.h"
#include "ui-backend/appearance.h"

#include <unistd.h>

enum { NAME_MAX_BYTES = 320, PASSWORD_MAX = 1024, CODE_MAX = 64 };

/* --- what the page needs to know first ---------------------------------------------------------- */

static struct json_object *rights_json(unsigned rights)
{
	struct json_object *list = json_object_new_array();

#define X(right, ...)                                                                              \
	if (rights & RIGHT_##right)                                                                \
		json_object_array_add(list, json_of(VIEW(right_name(PLACE_##right))));
	RIGHTS(X)
#undef X
	return list;
}

static int person_json(struct api_request *r, const struct session *session,
		       struct json_object **object_r, struct err *err)
{
	enum deletion_mode deletion;
	struct json_object *object;
	CLEAN_STR csrf = STR_INIT;

	if (deletion_mode_get(archive_catalog(r->archive), &deletion, err) < 0)
		return -1;
	object = json_object_new_object();
	json_set_text(object, "name", session->person.name);
	json_set_text(object, "shown", session->person.shown);
	json_set_text(object, "role", VIEW(person_role_name(session->person.role)));
	json_set(object, "rights", rights_json(session->rights));
	if (session->token == 0)
		session_add_csrf(session, &csrf);
	json_set_text(object, "token", str_view(&csrf));
	json_set_text(object, "language", session->person.language);
	json_set_text(object, "theme", session->person.theme);
	json_set_flag(object, "mustSetUpTotp", session->second);
	json_set_text(object, "deletion", VIEW(deletion_mode_name(deletion)));
	*object_r = object;
	return 0;
}

/* The wizard makes this setting with the archive, and takes it away in the end. */
static int is_in_wizard(struct api_request *r, bool *is_r, struct err *err)
{
	CLEAN_STR value = STR_INIT;
	int rc = r->archive == NULL
			 ? 1
			 : setting_get(archive_catalog(r->archive), "setup_open", &value, err);

	*is_r = rc > 0;
	return rc < 0 ? -1 : 0;
}

static bool has_key_backup(const struct api_request *r)
{
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "%s/key-backup", r->archive_dir);
	return access(path.data, F_OK) == 0;
}

static int reply_session(struct api_request *r, const struct session *session, struct err *err)
{
	struct json_object *body, *appearance, *person = NULL;
	bool wizard;

	if (is_in_wizard(r, &wizard, err) < 0 ||
	    (session != NULL && person_json(r, session, &person, err) < 0) ||
	    appearance_json(r, &appearance, err) < 0)
		return -1;
	body = json_object_new_object();
	json_set(body, "person", person);
	json_set(body, "appearance", appearance);
	json_set_flag(body, "setup", wizard);
	if (r->archive == NULL)
		json_set_flag(body, "noArchive", true);
	if (session != NULL && (session->rights & RIGHT_CONFIGURE))
		json_set_flag(body, "keyWarning", !has_key_backup(r));
	return reply_json(r, 200, body);
}

int api_get_session(struct api_request *r, struct err *err)
{
	return reply_session(r, r->caller.known ? &r->caller.session : NULL, err);
}

/* --- logging in --------------------------------------------------------------------------------- */

static void free_login(void *arg)
{
	struct login *login = arg;

	login_free(&login);
}

static int set_cookie(struct api_request *r, struct view cookie, struct err *err)
{
	struct policy policy;

	if (policy_load(archive_catalog(r->archive), &policy, err) < 0)
		return -1;
	reply_cookie(r, arena_strn(r->arena, cookie.data, cookie.len), policy.absolute_s);
	return 0;
}

static int end_log_in(struct api_request *r, struct login *login, struct err *err)
{
	struct login_result result;

	if (login_end(login, r->arena, &result, err) < 0) {
		int64_t wait_s = err->kind == ERR_THROTTLED ? login_wait_s(login) : 0;

		return wait_s > 0 ? reply_problem_later(r, err, (unsigned)wait_s) : -1;
	}
	return set_cookie(r, result.cookie, err) < 0 ? -1 : reply_session(r, &result.session, err);
}

static int go_on(struct api_request *r, void *arg, bool late, struct err *err)
{
	struct login *login = arg;
	int64_t left_ms;
	int rc = login_step(login, err);

	(void)late;
	if (rc != 0)
		return rc < 0 ? -1 : end_log_in(r, login, err);
	left_ms = login_deadline_ms(login) - clock_monotonic_ms();
	return reply_later(r, login_fd(login), left_ms > 0 ? (int)left_ms : 0, go_on, login, err);
}

/* Whoever was logged in before with this cookie is not any more: it is another person's log-in, or the same one's anew. */
static int end_former(struct api_request *r, struct err *err)
{
	if (!r->caller.known || r->caller.session.token != 0)
		return 0;
	return sessions_end(archive_catalog(r->archive), &r->caller.session.hash, err);
}

int api_log_in(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"name", "password", "code", NULL};
	CLEAN(secret) password = NULL;
	struct login_question question = {.client = r->client, .agent = r->agent};
	struct login *login;

	if (json_only(r->body, known, err) < 0 ||
	    json_need_text(r->body, "name", 1, NAME_MAX_BYTES, &question.name, err) < 0 ||
	    json_secret(r->body, "password", PASSWORD_MAX, &password, err) < 0 ||
	    json_text(r->body, "code", 0, CODE_MAX, &question.code, err) < 0 ||
	    end_former(r, err) < 0)
		return -1;
	if (password == NULL)
		return err_set(err, ERR_SYNTAX, "the password is missing");
	question.password = password;
	if (login_begin(archive_catalog(r->archive), &question, clock_s(), &login, err) < 0)
		return -1;
	request_at_end(r, free_login, login);
	return go_on(r, login, false, err);
}

/* --- and out ------------------------------------------------------------------------------------ */

int api_log_out(struct api_request *r, struct err *err)
{
	struct catalog *catalog = archive_catalog(r->archive);

	if (sessions_end(catalog, &r->caller.session.hash, err) < 0 ||
	    audit_add(catalog, AUDIT_LOGOUT, VIEW(r->caller.who), VIEW(""), err) < 0)
		return -1;
	reply_cookie(r, "", 0);
	return reply_nothing(r);
}

int api_log_out_everywhere(struct api_request *r, struct err *err)
{
	struct catalog *catalog = archive_catalog(r->archive);

	if (sessions_end_all(catalog, r->caller.session.person.person, NULL, err) < 0 ||
	    audit_add(catalog, AUDIT_LOGOUT, VIEW(r->caller.who), VIEW("everywhere"), err) < 0)
		return -1;
	reply_cookie(r, "", 0);
	return reply_nothing(r);
}

int api_list_sessions(struct api_request *r, struct err *err)
{
	struct json_object *body, *list;
	struct session_rows rows;

	if (sessions_list(archive_catalog(r->archive), r->arena, r->caller.session.person.person,
			  &rows, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "sessions", list);
	for (size_t i = 0; i < rows.n; i++) {
		struct json_object *object = json_object_new_object();

		json_set_flag(object, "current", hash_eq(&rows.v[i].hash, &r->caller.session.hash));
		json_set_time(object, "begun", rows.v[i].begun_s);
		json_set_time(object, "used", rows.v[i].used_s);
		json_set_text(object, "peer", rows.v[i].peer);
		json_object_array_add(list, object);
	}
	return reply_json(r, 200, body);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The doors: which of them are set up, and whether they answer. Their settings are files, which a person may edit as well; a door reads its own when it
 * starts. */
#include "app/catalog/alarms.h"
#include "app/catalog/audit.h"
#include "app/intake/milter/settings.h"
#include "app/intake/smtpd/settings.h"
#include "app/postfix/doors.h"
#include "base/conf_edit.h"
#include "base/conn.h"
#include "base/file.h"
#include "ui-backend/reply.h"

#include <stdio.h>
#include <unistd.h>

enum { KNOCK_MS = 200, FILE_MAX = 1024 * 1024, NETWORKS_MAX = 100 };

/* As package/postfix has it. */
#define MILTER_LISTEN "capture unix:/var/spool/postfix/archive/capture.sock"

static const char *path_of(struct api_request *r, const char *name)
{
	return arena_f(r->arena, "%s/%s", r->archive_dir, name);
}

static bool answers(const char *address)
{
	CLEAN(conn) conn = NULL;
	struct err err = {0};

	return conn_connect(address, KNOCK_MS, &conn, &err) == 0;
}

/* --- how it is ---------------------------------------------------------------------------------- */

static int add_milter(struct api_request *r, struct json_object *body, struct err *err)
{
	CLEAN(milter_settings) settings = NULL;

	json_set_flag(body, "milter", false);
	if (access(path_of(r, "milter.conf"), F_OK) < 0)
		return 0;
	if (milter_settings_read(r->archive_dir, &settings, err) < 0)
		return -1;
	json_set_flag(body, "milter", true);
	json_set_flag(body, "milterRuns", answers(settings->listeners[0].address));
	json_set_text(body, "milterListen", VIEW(settings->listeners[0].address));
	return 0;
}

static void add_domain(struct json_object *body, const struct smtpd_settings *settings)
{
	const char *domain = settings->archive_domain.n > 0 ? settings->archive_domain.v[0] : "";
	CLEAN_STR journal = STR_INIT;

	json_set_text(body, "archiveDomain", VIEW(domain));
	if (*domain == '\0')
		return;
	str_addf(&journal, "journal@%s", domain);
	json_set_text(body, "journalAddress", str_view(&journal));
}

/* What a firewall's rule points to. */
static void add_dnat(struct json_object *body, const char *address)
{
	struct json_object *object;
	const char *colon = strrchr(address, ':');

	if (colon == NULL || strncmp(address, "unix:", 5) == 0)
		return;
	object = json_object_new_object();
	json_set_text(object, "address", (struct view){address, (size_t)(colon - address)});
	json_set_number(object, "port", strtol(colon + 1, NULL, 10));
	json_set(body, "dnat", object);
}

static void add_listener(struct json_object *body, const struct smtpd_settings *settings)
{
	for (size_t i = 0; i < settings->listen.n; i++) {
		const struct smtpd_listen *listen = &settings->listens[i];

		if (listen->protocol != PROTOCOL_SMTP)
			continue;
		json_set_flag(body, "smtp", true);
		json_set_flag(body, "smtpRuns", answers(listen->address));
		json_set_text(body, "smtpListen", VIEW(listen->address));
		add_dnat(body, listen->address);
		return;
	}
}

static int add_smtp(struct api_request *r, struct json_object *body, struct err *err)
{
	CLEAN(smtpd_settings) settings = NULL;
	struct json_object *networks = json_object_new_array();
	const char *path = path_of(r, "smtpd.conf");

	json_set_flag(body, "smtp", false);
	json_set_text(body, "archiveDomain", VIEW(""));
	json_set(body, "networks", networks);
	if (access(path, F_OK) < 0)
		return 0;
	if (smtpd_settings_read(path, &settings, err) < 0)
		return -1;
	for (size_t i = 0; i < settings->networks.n; i++)
		json_object_array_add(networks, json_of(VIEW(settings->networks.v[i])));
	add_domain(body, settings);
	add_listener(body, settings);
	return 0;
}

/* What the last look found wrong (app/watch/alarms.h); NULL nothing. */
static int find_trouble(struct api_request *r, const char **text_r, struct err *err)
{
	struct alarm_row *rows;
	size_t n;

	*text_r = NULL;
	if (alarms_list(archive_catalog(r->archive), r->arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].alarm, "mail_server") == 0)
			*text_r = rows[i].text;
	return 0;
}

/* Only root changes the mail server's settings: the page tells him the command. */
static int add_postfix(struct api_request *r, struct json_object *body, struct err *err)
{
	CLEAN(doors_of) of = NULL;
	struct json_object *object;
	const char *trouble;

	if (doors_of_read(r->archive_dir, &of, err) < 0 || find_trouble(r, &trouble, err) < 0)
		return -1;
	object = json_object_new_object();
	json_set_flag(object, "hooked", of->config_dir[0] != '\0');
	json_set_text(object, "configDir", VIEW(of->config_dir));
	json_set_text(
		object, "command",
		VIEW(arena_f(r->arena, "sealpost --archive %s postfix enable", r->archive_dir)));
	if (trouble != NULL)
		json_set_text(object, "trouble", VIEW(trouble));
	json_set(body, "postfix", object);
	return 0;
}

int api_get_intake(struct api_request *r, struct err *err)
{
	struct json_object *body = json_object_new_object();

	if (add_milter(r, body, err) == 0 && add_smtp(r, body, err) == 0 &&
	    add_postfix(r, body, err) == 0)
		return reply_json(r, 200, body);
	json_object_put(body);
	return -1;
}

/* --- changing it -------------------------------------------------------------------------------- */

struct lines {
	struct view *v;
	size_t n, cap;
};

/* ADDRESS:PORT; the rest is found out by who listens there. */
static int check_address(struct view address, struct err *err)
{
	const char *colon = memrchr(address.data, ':', address.len);
	const char *end = address.data + address.len;
	unsigned long port = 0;
	bool fits = colon != NULL && colon > address.data && end - colon > 1 && end - colon <= 6;

	for (const char *p = address.data; fits && p < end; p++)
		fits = p <= colon ? (unsigned char)*p > ' ' : *p >= '0' && *p <= '9';
	if (fits)
		port = strtoul(colon + 1, NULL, 10);
	return port >= 1 && port <= 65535
		       ? 0
		       : err_set(err, ERR_SYNTAX, "smtpListen reads ADDRESS:PORT, 0.0.0.0:2525");
}

/* The listeners that stay: LMTP's, and with HAS_SMTP one for SMTP. */
static int set_listeners(struct api_request *r, const char *path, struct view address,
			 bool has_smtp, size_t *n_r, struct err *err)
{
	CLEAN(smtpd_settings) settings = NULL;
	struct lines lines = {0};

	if (access(path, F_OK) == 0 && smtpd_settings_read(path, &settings, err) < 0)
		return -1;
	for (size_t i = 0; settings != NULL && i < settings->listen.n; i++) {
		const struct smtpd_listen *listen = &settings->listens[i];
		struct view line = arena_view(r->arena, VIEW(settings->listen.v[i]));

		if (listen->protocol == PROTOCOL_LMTP)
			ARENA_PUSH(r->arena, lines, line);
		else if (address.len == 0)
			address = arena_view(r->arena, VIEW(listen->address));
	}
	if (has_smtp) {
		struct view line = VIEW(
			arena_f(r->arena, "smtp %.*s", (int)address.len, address.data));

		if (address.len == 0)
			return err_set(err, ERR_SYNTAX, "smtpListen is missing");
		ARENA_PUSH(r->arena, lines, line);
	}
	*n_r = lines.n;
	return conf_edit(path, "listen", lines.v, lines.n, err);
}

static int set_networks(struct api_request *r, const char *path, struct err *err)
{
	struct json_object *list;
	struct lines lines = {0};
	int rc = json_list(r->body, "networks", NETWORKS_MAX, &list, err);

	if (rc <= 0)
		return rc;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct view text;

		if (json_item_text(list, i, 1, 64, &text, err) < 0)
			return -1;
		ARENA_PUSH(r->arena, lines, text);
	}
	return conf_edit(path, "network", lines.v, lines.n, err);
}

/* *N_R: so many listeners are left. */
static int set_smtp(struct api_request *r, const char *path, size_t *n_r, struct err *err)
{
	struct view domain, address;
	bool smtp = false;
	int has_domain = json_text(r->body, "archiveDomain", 0, 255, &domain, err);
	int has_address = json_text(r->body, "smtpListen", 0, 200, &address, err);
	int has_smtp = json_flag(r->body, "smtp", &smtp, err);

	if (has_domain < 0 || has_address < 0 || has_smtp < 0 ||
	    (address.len > 0 && check_address(address, err) < 0))
		return -1;
	*n_r = 1;
	if ((has_smtp > 0 || address.len > 0) &&
	    set_listeners(r, path, address, has_smtp > 0 ? smtp : true, n_r, err) < 0)
		return -1;
	if (has_domain > 0 && conf_edit(path, "archive_domain", &domain, domain.len > 0, err) < 0)
		return -1;
	return set_networks(r, path, err);
}

/* All of it, or nothing: what the door would not take is taken back. One that listens nowhere is off, and so not there to be started. */
static int set_smtp_whole(struct api_request *r, struct err *err)
{
	CLEAN(smtpd_settings) settings = NULL;
	CLEAN_STR old = STR_INIT;
	const char *path = path_of(r, "smtpd.conf");
	const char *off = path_of(r, "smtpd.conf.off");
	const bool was_there = access(path, F_OK) == 0 || rename(off, path) == 0;
	struct err ignored = {0};
	size_t n;

	if (was_there && file_read(path, FILE_MAX, &old, err) < 0)
		return -1;
	if (set_smtp(r, path, &n, err) == 0) {
		if (access(path, F_OK) < 0 || (n == 0 && rename(path, off) == 0) ||
		    smtpd_settings_read(path, &settings, err) == 0)
			return 0;
	}
	if (was_there)
		file_replace(path, 0640, str_view(&old), &ignored);
	else
		unlink(path);
	return -1;
}

/* Off: its file gets another name, so that nothing of it is lost. */
static int set_milter(struct api_request *r, struct err *err)
{
	const char *path = path_of(r, "milter.conf"), *off = path_of(r, "milter.conf.off");
	struct view listen = VIEW(MILTER_LISTEN);
	bool milter;
	int rc = json_flag(r->body, "milter", &milter, err);

	if (rc <= 0 || milter == (access(path, F_OK) == 0))
		return rc < 0 ? -1 : 0;
	if (!milter)
		return rename(path, off) < 0 ? err_errno(err, "%s: %m", path) : 0;
	if (access(off, F_OK) == 0)
		return rename(off, path) < 0 ? err_errno(err, "%s: %m", off) : 0;
	return conf_edit(path, "listen", &listen, 1, err);
}

/* Without it a hooked Postfix would take no mail. */
static int refuse_off(struct api_request *r, struct err *err)
{
	CLEAN(doors_of) of = NULL;
	bool milter;
	int rc = json_flag(r->body, "milter", &milter, err);

	if (rc <= 0 || milter)
		return rc < 0 ? -1 : 0;
	if (doors_of_read(r->archive_dir, &of, err) < 0)
		return -1;
	if (of->config_dir[0] == '\0')
		return 0;
	return err_set(err, ERR_DENIED,
		       "Postfix hands its mail to this door, and would take none without it. As "
		       "root: sealpost --archive %s postfix disable",
		       r->archive_dir);
}

int api_set_intake(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"milter",     "archiveDomain", "smtp",
					    "smtpListen", "networks",      NULL};

	if (json_only(r->body, known, err) < 0 || refuse_off(r, err) < 0 ||
	    set_smtp_whole(r, err) < 0 || set_milter(r, err) < 0 ||
	    audit_add(archive_catalog(r->archive), AUDIT_SETTING, VIEW("intake"), VIEW(""), err) <
		    0)
		return -1;
	return reply_nothing(r);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backups of the catalog, and the mirror. */
#include "app/archive/archive.h"
#include "app/catalog/audit.h"
#include "app/catalog/mirror.h"
#include "base/conf_edit.h"
#include "scheduler/timetable.h"
#include "ui-backend/cli.h"
#include "ui-backend/site_order.h"

enum { LIST_MS = 60 * 1000, PLACE_MS = 120 * 1000 };

static int read_timetable(struct api_request *r, const char **path_r,
			  struct timetable_settings *settings_r, struct err *err)
{
	*path_r = arena_f(r->arena, "%s/timetable.conf", r->archive_dir);
	return timetable_settings_read(*path_r, settings_r, err);
}

/* --- how it stands ------------------------------------------------------------------------------ */

static int add_rhythms(struct api_request *r, struct json_object *body, struct err *err)
{
	const struct archive_settings *set = archive_settings(r->archive);
	struct timetable_settings settings;
	const char *path;

	if (read_timetable(r, &path, &settings, err) < 0)
		return -1;
	json_set_text(body, "full",
		      VIEW(settings.paused[JOB_BACKUP_FULL]
				   ? "off"
				   : timetable_rhythm(&settings, JOB_BACKUP_FULL)));
	json_set_text(body, "incremental",
		      VIEW(settings.paused[JOB_BACKUP] ? "off"
						       : timetable_rhythm(&settings, JOB_BACKUP)));
	json_set_number(body, "keepDays", (int64_t)set->backup_keep_days);
	json_set_number(body, "keepWeeks", (int64_t)set->backup_keep_weeks);
	return 0;
}

static int add_mirror(struct api_request *r, struct json_object *body, struct err *err)
{
	CLEAN(secret) password = NULL;
	struct catalog *catalog = archive_catalog(r->archive);
	struct json_object *object;
	struct mirror_file *files;
	struct site site;
	uint64_t bytes = 0;
	size_t n;
	int rc = mirror_site(catalog, r->arena, &site, &password, err);

	if (rc <= 0)
		return rc;
	if (mirror_files_list(catalog, r->arena, &files, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		bytes += files[i].size;
	object = json_object_new_object();
	json_set_text(object, "location", VIEW(site.location));
	if (site.user != NULL && site.user[0] != '\0')
		json_set_text(object, "user", VIEW(site.user));
	if (site.domain != NULL && site.domain[0] != '\0')
		json_set_text(object, "domain", VIEW(site.domain));
	json_set_number(object, "files", (int64_t)n);
	json_set_number(object, "bytes", (int64_t)bytes);
	json_set(body, "mirror", object);
	return 0;
}

/* A line of `backup list --json`; what does not open is left out, and told by `backup list`. */
static void add_set(struct api_request *r, struct json_object *list, struct view line)
{
	struct json_object *object = json_tokener_parse(arena_view(r->arena, line).data);
	struct json_object *set;
	struct view name, kind, made;
	int64_t bytes = 0, mails = 0;
	struct err err = {0};

	if (json_object_is_type(object, json_type_object) &&
	    json_text(object, "name", 1, 200, &name, &err) > 0 &&
	    json_text(object, "kind", 1, 20, &kind, &err) > 0 &&
	    json_text(object, "made", 1, 40, &made, &err) > 0 &&
	    json_number(object, "bytes", 0, INT64_MAX, &bytes, &err) > 0) {
		json_number(object, "mails", 0, INT64_MAX, &mails, &err);
		set = json_object_new_object();
		json_set_text(set, "name", name);
		json_set_text(set, "made", made);
		json_set_flag(set, "full", view_eq(kind, VIEW("full")));
		json_set_number(set, "size", bytes);
		json_set_number(set, "mails", mails);
		json_object_array_add(list, set);
	}
	json_object_put(object);
}

static int reply_backup(struct api_request *r, struct view sets, struct err *err)
{
	struct json_object *body = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct view line;

	json_set(body, "sets", list);
	while (view_cut(&sets, '\n', &line))
		if (line.len > 0)
			add_set(r, list, line);
	if (add_rhythms(r, body, err) == 0 && add_mirror(r, body, err) == 0)
		return reply_json(r, 200, body);
	json_object_put(body);
	return -1;
}

static int on_listed(struct api_request *r, void *arg, struct view output, struct err *err)
{
	(void)arg;
	return reply_backup(r, output, err);
}

/* The rest can be told though a medium is away. */
static int on_silent(struct api_request *r, void *arg, struct view output, struct err *err)
{
	(void)arg;
	err_clear(err);
	return reply_backup(r, output, err);
}

int api_get_backup(struct api_request *r, struct err *err)
{
	const struct cli cli = {.args = {"backup", "list"},
				.timeout_ms = LIST_MS,
				.then = on_listed,
				.failed = on_silent};

	return cli_run(r, &cli, err);
}

/* --- changing it -------------------------------------------------------------------------------- */

static int choose(struct timetable_settings *settings, enum job job, struct view word,
		  struct api_request *r, struct err *err)
{
	if (word.len == 0)
		return 0;
	settings->paused[job] = view_eq(word, VIEW("off"));
	if (!settings->paused[job] &&
	    timetable_choose(settings, job, arena_view(r->arena, word).data) < 0)
		return err_set(err, ERR_SYNTAX, "there is no such rhythm for it");
	return 0;
}

static int set_rhythms(struct api_request *r, struct err *err)
{
	struct timetable_settings settings;
	struct view full, incremental;
	const char *path;

	if (json_text(r->body, "full", 0, 10, &full, err) < 0 ||
	    json_text(r->body, "incremental", 0, 10, &incremental, err) < 0)
		return -1;
	if (full.len == 0 && incremental.len == 0)
		return 0;
	if (read_timetable(r, &path, &settings, err) < 0 ||
	    choose(&settings, JOB_BACKUP_FULL, full, r, err) < 0 ||
	    choose(&settings, JOB_BACKUP, incremental, r, err) < 0 ||
	    timetable_settings_write(path, &settings, err) < 0)
		return -1;
	return audit_add(archive_catalog(r->archive), AUDIT_SETTING, VIEW("backup"), VIEW("rhythm"),
			 err);
}

static int set_number(struct api_request *r, const char *field, const char *name, int64_t min,
		      int64_t max, struct err *err)
{
	const char *path = arena_f(r->arena, "%s/sealpost.conf", r->archive_dir);
	struct view value;
	int64_t n;
	int rc = json_number(r->body, field, min, max, &n, err);

	if (rc <= 0)
		return rc;
	value = VIEW(arena_f(r->arena, "%lld", (long long)n));
	return conf_edit(path, name, &value, 1, err);
}

static int on_placed(struct api_request *r, void *arg, struct view output, struct err *err)
{
	(void)arg;
	(void)output;
	if (audit_add(archive_catalog(r->archive), AUDIT_SETTING, VIEW("mirror"), VIEW("place"),
		      err) < 0)
		return -1;
	return reply_nothing(r);
}

static int set_mirror(struct api_request *r, struct json_object *ordered, struct err *err)
{
	static const char *const known[] = {"location", "user", "domain", "password", NULL};
	struct cli cli = {.args = {"backup", "mirror", "--set-only"},
			  .timeout_ms = PLACE_MS,
			  .then = on_placed};
	struct site_order order;
	size_t n = 3;

	if (ordered == NULL) {
		cli.args[2] = "--forget";
		return cli_run(r, &cli, err);
	}
	if (json_only(ordered, known, err) < 0 || site_order_read(r, ordered, &order, err) < 0 ||
	    site_order_check_new(&order, err) < 0)
		return -1;
	cli.args[n++] = "--to";
	cli.args[n++] = order.location.data;
	site_order_add_login(&order, &cli, &n);
	return cli_run(r, &cli, err);
}

int api_set_backup(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"full",      "incremental", "keepDays",
					    "keepWeeks", "mirror",      NULL};
	struct json_object *mirror;

	if (json_only(r->body, known, err) < 0 || set_rhythms(r, err) < 0 ||
	    set_number(r, "keepDays", "backup_keep_days", 1, 3650, err) < 0 ||
	    set_number(r, "keepWeeks", "backup_keep_weeks", 0, 520, err) < 0)
		return -1;
	if (!json_object_object_get_ex(r->body, "mirror", &mirror))
		return reply_nothing(r);
	if (mirror != NULL && !json_object_is_type(mirror, json_type_object))
		return err_set(err, ERR_SYNTAX, "mirror is a place, or null");
	return set_mirror(r, mirror, err);
}

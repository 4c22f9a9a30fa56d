/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backup/restore.h"

#include "app/access/person_password.h"
#include "app/archive/status.h"
#include "app/catalog/integrity.h"
#include "app/cmd/places.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/program.h"
#include "storage/keytext.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKUP_MAX_BYTES = 1024 * 1024, DRILL_MAILS = 100, ORDER_MAX = 64 * 1024 };

struct restore_options {
	struct places from;
	const char *key_backup, *key_password_file;
	const char *order; /* a file with it all as JSON, from the page */
	bool drill;
	uint64_t mails;
};

/* ---- what is told ---- */

static void print_json(const struct restore_report *r, const struct restore_options *o,
		       uint64_t opened)
{
	CLEAN_STR line = STR_INIT;

	str_addf(&line,
		 "{\"mails\": %llu, \"mails_from_packs\": %llu, \"mails_lost\": %llu, "
		 "\"timestamps_from_media\": %llu, \"media\": %u, \"backup\": ",
		 (unsigned long long)r->mails, (unsigned long long)r->mails_from_packs,
		 (unsigned long long)r->mails_lost, (unsigned long long)r->stamps_from_media,
		 r->media);
	if (r->backup != NULL)
		cmd_json_text(&line, VIEW(r->backup));
	else
		str_adds(&line, "null");
	str_addf(&line, ", \"backups_passed_over\": %llu, ",
		 (unsigned long long)r->sets_passed_over);
	if (o->drill)
		str_addf(&line, "\"opened\": %llu, ", (unsigned long long)opened);
	str_adds(&line, "\"lost\": [");
	for (size_t i = 0; i < r->lost.n; i++) {
		str_adds(&line, i ? ", " : "");
		cmd_json_text(&line, VIEW(r->lost.v[i]));
	}
	str_adds(&line, "]}\n");
	cmd_print(&line);
}

static void print_backup(const struct restore_report *r)
{
	CLEAN_STR made = STR_INIT;

	if (r->sets_passed_over > 0)
		printf("%llu backup%s of the database could not be used. The newest of them: %s\n",
		       (unsigned long long)r->sets_passed_over, cmd_plural(r->sets_passed_over),
		       r->passed_over_why);
	if (r->backup == NULL) {
		printf("There is no usable backup of the database: catalog and settings were made "
		       "anew from the mails; tags, notes, accounts and the settings of the "
		       "database are lost.\n");
		return;
	}
	clock_add_utc(&made, r->backup_made_ms / 1000);
	printf("The backup of the database of %s was used (%s).\n", made.data, r->backup);
	if (r->mails_from_packs > 0)
		printf("%llu mail%s archived after it %s taken in from the media.\n",
		       (unsigned long long)r->mails_from_packs, cmd_plural(r->mails_from_packs),
		       r->mails_from_packs == 1 ? "was" : "were");
	if (r->stamps_from_media > 0)
		printf("%llu timestamp%s brought back from the media.\n",
		       (unsigned long long)r->stamps_from_media,
		       r->stamps_from_media == 1 ? " was" : "s were");
}

static void print_lost(const struct restore_report *r)
{
	for (size_t i = 0; i < r->lost.n; i++)
		printf("Not to be had: %s.\n", r->lost.v[i]);
	if (r->mails_lost > 0)
		printf("In all, %llu mail%s the backup knows cannot be read. They are still "
		       "listed, "
		       "and told as damaged.\n",
		       (unsigned long long)r->mails_lost, r->mails_lost == 1 ? " that" : "s that");
}

static int tell(const struct cmd *cmd, const struct restore_report *r,
		const struct restore_options *o, uint64_t opened)
{
	if (cmd->json) {
		print_json(r, o, opened);
	} else {
		print_backup(r);
		print_lost(r);
		if (r->mirror_is_medium && !o->drill)
			printf("The mirror's folders are the archive's media now, so it has no "
			       "mirror any more: set another place with \"sealpost backup mirror "
			       "--to PLACE\".\n");
		if (o->drill)
			printf("Drill: %llu mail%s from %u medi%s restored into a temporary place, "
			       "%llu of them opened and proved; nothing was changed or kept.\n",
			       (unsigned long long)r->mails, cmd_plural(r->mails), r->media,
			       r->media == 1 ? "um" : "a", (unsigned long long)opened);
		else
			printf("The archive %s holds %llu mail%s from %u medi%s and goes on there. "
			       "\"sealpost verify --all\" proves every one.\n",
			       cmd->archive_dir, (unsigned long long)r->mails, cmd_plural(r->mails),
			       r->media, r->media == 1 ? "um" : "a");
	}
	return r->lost.n > 0 || r->mails_lost > 0 ? EXIT_REFUSED : EXIT_DONE;
}

/* ---- the key ---- */

static int read_key(const struct cmd *cmd, const struct restore_options *o, struct keyring **keys_r)
{
	CLEAN(secret) password = NULL;
	CLEAN_STR text = STR_INIT;
	struct err err = {0};

	if (cmd_password(cmd, "the key backup", o->key_password_file, false, &password) < 0)
		return EXIT_FAILED;
	if (file_read(o->key_backup, BACKUP_MAX_BYTES, &text, &err) < 0 ||
	    keytext_read(str_view(&text), password, keys_r, &err) < 0)
		return cmd_fail(cmd, &err);
	return EXIT_DONE;
}

/* ---- a restore ---- */

static int fail(const struct cmd *cmd, const struct err *err)
{
	switch (err->kind) {
	case ERR_NOTFOUND:
		return cmd_fail_meaning(cmd, err,
					"Nothing was changed. Name the folder or share that holds "
					"\"sealpost-...\", or the mirror's, with --from.");
	case ERR_FOREIGN:
		return cmd_fail_meaning(cmd, err,
					"Nothing was changed. Take the key backup of that archive, "
					"or name another place with --from.");
	case ERR_DENIED:
		return cmd_fail_meaning(
			cmd, err,
			"Nothing was changed. Check user, password and domain of the "
			"share, and who may read there.");
	default:
		return cmd_fail(cmd, err);
	}
}

static int restore_true(const struct cmd *cmd, const struct restore_options *o,
			const struct keyring *keys)
{
	CLEAN(arena) arena = arena_new();
	struct restore_report report = {.arena = arena};
	struct err err = {0};

	if (restore_archive(cmd->archive_dir, keys, o->from.v, o->from.n, &report, &err) < 0)
		return fail(cmd, &err);
	if (key_backup_note(cmd->archive_dir, &err) < 0)
		return cmd_fail(cmd, &err);
	return tell(cmd, &report, o, 0);
}

/* ---- a drill ---- */

/* What is known of an archive that is at work here. */
struct drilled {
	struct keyring *keys;
	uint64_t mails; /* that it has */
	struct site *places;
	struct secret **passwords;
	size_t n;
};

/* For the procedure documentation, if the archive is at work here; on another machine there is nobody to note it. */
static void note_drill(const struct cmd *cmd, const struct keyring *keys,
		       enum integrity_result result, uint64_t opened)
{
	const struct integrity found = {clock_s(), result, opened};
	CLEAN(archive) a = NULL;
	struct err err = {0};

	if (archive_open(cmd->archive_dir, &a, &err) == 0 &&
	    uuid_eq(keyring_archive(archive_keys(a)), keyring_archive(keys)) &&
	    integrity_note(archive_catalog(a), INTEGRITY_DRILL, &found, &err) < 0)
		log_warn("the drill could not be noted: %s", err.text);
}

static uint64_t size_of(const struct cmd *cmd, const char *name)
{
	CLEAN_STR path = STR_INIT;
	struct stat st;

	str_addf(&path, "%s/%s", cmd->archive_dir, name);
	return stat(path.data, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* A drill below the archive's folder must not take the room that incoming mail needs. */
static int check_room(const struct cmd *cmd, const char *parent, struct err *err)
{
	uint64_t needed = size_of(cmd, "catalog.db") + size_of(cmd, "index.db"), left, total;
	char room[32], there[32];

	if (file_space(parent, &left, &total, err) < 0)
		return -1;
	needed += file_reserve(FILE_RESERVE_AUTO, total);
	if (left >= needed)
		return 0;
	return err_set(err, ERR_NOSPACE,
		       "a drill makes a second catalog and index in %s: %s must be free for them "
		       "and for incoming mail, and %s are",
		       parent, cmd_bytes(needed, room), cmd_bytes(left, there));
}

static int run_drill(const struct cmd *cmd, const struct restore_options *o,
		     const struct keyring *keys, const struct site *from, size_t n, uint64_t mails)
{
	CLEAN(arena) arena = arena_new();
	struct restore_report report = {.arena = arena};
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/var/tmp";
	const char *parent = access(cmd->archive_dir, W_OK) == 0 ? cmd->archive_dir : tmp;
	struct err err = {0};
	uint64_t opened;

	if (check_room(cmd, parent, &err) < 0)
		return fail(cmd, &err);
	if (restore_drill(parent, keys, from, n, o->mails, &opened, &report, &err) < 0) {
		note_drill(cmd, keys, INTEGRITY_FAILED, 0);
		return fail(cmd, &err);
	}
	if (report.mails < mails)
		ARENA_PUSH(arena, report.lost,
			   arena_f(arena,
				   "%llu of the archive's %llu mails are not there yet, or not "
				   "any more",
				   (unsigned long long)(mails - report.mails),
				   (unsigned long long)mails));
	note_drill(cmd, keys, report.lost.n > 0 ? INTEGRITY_PARTLY : INTEGRITY_FINE, opened);
	return tell(cmd, &report, o, opened);
}

static void drilled_clear(struct drilled *d)
{
	keyring_free(&d->keys);
	for (size_t i = 0; i < d->n; i++)
		secret_free(&d->passwords[i]);
	free(d->places);
	free(d->passwords);
}

static int add_medium(struct archive *a, struct arena *arena, const struct medium_row *row,
		      struct drilled *d, struct err *err)
{
	struct site *site = &d->places[d->n];

	if (row->state != MEDIUM_IN_USE)
		return 0;
	if (media_site(archive_catalog(a), arena, row->medium, site, &d->passwords[d->n], err) < 0)
		return -1;
	if (!site_is_share(site->location) && site->location[0] != '/')
		site->location = arena_f(arena, "%s/%s", archive_dir(a), site->location);
	d->n++;
	return 0;
}

/* The places of its media, and then of its mirror. */
static int add_places(struct archive *a, struct arena *arena, struct drilled *d, struct err *err)
{
	struct medium_row *rows;
	size_t n;
	int rc;

	if (media_list(archive_catalog(a), arena, &rows, &n, err) < 0)
		return -1;
	d->places = mem_new((n + 1) * sizeof(*d->places));
	d->passwords = mem_new((n + 1) * sizeof(*d->passwords));
	for (size_t i = 0; i < n; i++)
		if (add_medium(a, arena, &rows[i], d, err) < 0)
			return -1;
	rc = mirror_site(archive_catalog(a), arena, &d->places[d->n], &d->passwords[d->n], err);
	d->n += rc > 0;
	return rc < 0 ? -1 : 0;
}

/* Closed again at once: a drill takes its time. */
static int look_at_archive(const struct cmd *cmd, struct arena *arena, struct drilled *d)
{
	CLEAN(archive) a = NULL;
	struct mails_totals totals;
	struct err err = {0};

	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (mails_totals(archive_catalog(a), &totals, &err) < 0 ||
	    add_places(a, arena, d, &err) < 0)
		return cmd_fail(cmd, &err);
	d->mails = totals.mails;
	d->keys = keyring_of(keyring_archive(archive_keys(a)), keyring_key(archive_keys(a)));
	return EXIT_DONE;
}

/* With the archive's own key, from where it is or FROM. */
static int drill_here(const struct cmd *cmd, const struct restore_options *o)
{
	CLEAN(arena) arena = arena_new();
	__attribute__((cleanup(drilled_clear))) struct drilled d = {0};
	int status = look_at_archive(cmd, arena, &d);

	if (status != EXIT_DONE)
		return status;
	if (o->from.n > 0)
		return run_drill(cmd, o, d.keys, o->from.v, o->from.n, d.mails);
	return run_drill(cmd, o, d.keys, d.places, d.n, d.mails);
}

/* ---- the verb ---- */

/* "--drill" stands alone or is followed by how many mails; the options' table knows only one of both. */
static int take_drill(struct cmd *cmd, struct restore_options *o)
{
	char *end;

	if (!o->drill)
		return cmd->argc == 0 ? EXIT_DONE : cmd_usage(cmd, "restore takes no arguments");
	o->mails = DRILL_MAILS;
	if (cmd->argc == 0)
		return EXIT_DONE;
	o->mails = strtoull(cmd->argv[0], &end, 10);
	if (cmd->argc > 1 || *end != '\0' || end == cmd->argv[0])
		return cmd_usage(cmd, "--drill is followed by the number of mails to open");
	return EXIT_DONE;
}

static int run(struct cmd *cmd, struct restore_options *o)
{
	CLEAN(keyring) keys = NULL;
	int status = take_drill(cmd, o);

	if (status == EXIT_DONE)
		status = places_load(cmd, &o->from);
	if (status != EXIT_DONE)
		return status;
	if (o->key_backup == NULL && o->drill)
		return drill_here(cmd, o);
	if (o->key_backup == NULL || o->from.n == 0)
		return cmd_usage(cmd, "give --key-backup and --from");
	status = read_key(cmd, o, &keys);
	if (status != EXIT_DONE)
		return status;
	return o->drill ? run_drill(cmd, o, keys, o->from.v, o->from.n, 0)
			: restore_true(cmd, o, keys);
}

/* ---- ordered by the page, in the background ---- */

/* ARCHIVE/restore.state: locked as long as it is at work; then, if it failed, why, in a line; gone if it did not. */
struct ordered {
	struct json_object *object;
	struct keyring *keys;
	struct secret *password, *admin;
};

static void ordered_clear(struct ordered *o)
{
	json_object_put(o->object);
	keyring_free(&o->keys);
	secret_free(&o->password);
	secret_free(&o->admin);
}

static const char *text_of(const struct ordered *o, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(o->object, name, &value) &&
			       json_object_is_type(value, json_type_string)
		       ? json_object_get_string(value)
		       : "";
}

static int read_order(const char *path, struct ordered *o, struct err *err)
{
	CLEAN(secret) key_password = NULL;
	CLEAN_STR text = STR_INIT;

	str_reserve(&text, ORDER_MAX);
	if (file_read(path, ORDER_MAX, &text, err) < 0)
		return -1;
	o->object = json_tokener_parse(text.data);
	explicit_bzero(text.data, text.len);
	if (text_of(o, "keyPassword")[0] == '\0' || text_of(o, "adminPassword")[0] == '\0')
		return err_set(err, ERR_SYNTAX, "the order lacks a password");
	key_password = secret_copy(text_of(o, "keyPassword"), strlen(text_of(o, "keyPassword")));
	o->admin = secret_copy(text_of(o, "adminPassword"), strlen(text_of(o, "adminPassword")));
	if (text_of(o, "password")[0] != '\0')
		o->password = secret_copy(text_of(o, "password"), strlen(text_of(o, "password")));
	return keytext_read(VIEW(text_of(o, "keyBackup")), key_password, &o->keys, err);
}

/* The catalog's people came back with it; whoever ordered this shall get in. */
static int let_admin_in(const struct cmd *cmd, const struct ordered *o, struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	struct people people;

	if (archive_open(cmd->archive_dir, &a, err) < 0 ||
	    people_by_name(archive_catalog(a), arena, VIEW("admin"), &people, err) < 0)
		return -1;
	if (people.n == 0)
		return err_set(err, ERR_NOTFOUND, "there is no admin");
	if (person_password_set(archive_catalog(a), &people.v[0], o->admin, NULL, err) < 0)
		return -1;
	return setting_set(archive_catalog(a), "setup_open", VIEW("yes"), err);
}

static int restore_ordered(const struct cmd *cmd, const char *path, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	__attribute__((cleanup(ordered_clear))) struct ordered o = {0};
	struct restore_report report = {.arena = arena};
	struct site from;

	if (read_order(path, &o, err) < 0)
		return -1;
	from = (struct site){.location = text_of(&o, "location")};
	if (site_is_share(from.location)) {
		from.user = text_of(&o, "user");
		from.domain = text_of(&o, "domain");
		from.password = o.password;
	}
	if (restore_archive(cmd->archive_dir, o.keys, &from, 1, &report, err) < 0 ||
	    key_backup_note(cmd->archive_dir, err) < 0)
		return -1;
	return let_admin_in(cmd, &o, err);
}

static int restore_in_background(const struct cmd *cmd, const char *order)
{
	CLEAN_STR state = STR_INIT;
	CLEAN_STR why = STR_INIT;
	CLEAN_FD lock = -1;
	struct err err = {0}, ignored = {0};

	str_addf(&state, "%s/restore.state", cmd->archive_dir);
	if (file_lock(state.data, &lock, &err) <= 0 || ftruncate(lock, 0) < 0 ||
	    program_to_background(&err) < 0)
		return cmd_fail(cmd, &err);
	if (restore_ordered(cmd, order, &err) == 0) {
		unlink(state.data);
		return EXIT_DONE;
	}
	str_addsafe(&why, VIEW(err.text), false);
	str_addf(&why, ". %s\n", err_sentence(err.kind));
	file_write_all(lock, why.data, why.len, &ignored);
	return EXIT_FAILED;
}

int cmd_restore(struct cmd *cmd)
{
	struct restore_options o = {0};
	const struct option_row rows[] = {PLACES_OPTIONS("from", &o.from),
					  {"key-backup", OPTION_TEXT, &o.key_backup},
					  {"key-password-file", OPTION_TEXT, &o.key_password_file},
					  {"drill", OPTION_FLAG, &o.drill},
					  {"order", OPTION_TEXT, &o.order},
					  {0}};
	int status = cmd_options(cmd, rows) < 0 ? EXIT_USAGE
		     : o.order != NULL          ? restore_in_background(cmd, o.order)
						: run(cmd, &o);

	places_clear(&o.from);
	return status;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder comes from whoever sends it: nothing in it is believed that the tokens do not prove, no name leads out of it, no link is
 * followed, and no file in it stays unexplained. */
#include "tsa/proof_folder.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	JSON_MAX = 64 * 1024,
	FILE_MAX = 1024 * 1024 * 1024, /* the largest mail that an archive takes */
	RECORDS_MAX = 1000,
	OBJECTS_MAX = 1000,
	NUMBERED_MAX = 10000,
	NAME_MAX_BYTES = 40
};

struct checking {
	int dir;
	const char *path;
	struct arena *arena;
	struct json_object *json;
	const struct token_trust *trust;
	int64_t at_s;
	struct proof_folder_report *report;
	struct {
		const char **v; /* that are accounted for */
		size_t n, cap;
	} known;
};

/* Lower-case letters, digits, dots and dashes, and no dot in front: such a name stays in the folder, and is no word that a terminal
 * takes otherwise. */
static bool is_name(const char *name)
{
	const size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_BYTES && name[0] != '.' && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

static int read_file(struct checking *c, const char *name, size_t max, struct view *content_r,
		     struct err *err)
{
	CLEAN_FD fd = openat(c->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	CLEAN_STR content = STR_INIT;
	CLEAN_STR link = STR_INIT;
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_DAMAGED, "%s is missing", name);
	if (fd < 0)
		return errno == ELOOP ? err_set(err, ERR_DAMAGED, "%s is a link, and no file", name)
				      : err_errno(err, "%s: %m", name);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_DAMAGED, "%s is no file", name);
	str_addf(&link, "/proc/self/fd/%d", fd);
	if (file_read(link.data, max, &content, err) < 0)
		return err_add(err, "%s", name);
	*content_r = arena_view(c->arena, str_view(&content));
	ARENA_PUSH(c->arena, c->known, arena_str(c->arena, name));
	return 0;
}

static int malformed(struct err *err)
{
	return err_set(err, ERR_DAMAGED, "proof.json is none that Sealpost writes");
}

static const char *json_name(struct json_object *json)
{
	const char *name = json_object_is_type(json, json_type_string)
				   ? json_object_get_string(json)
				   : "";

	return is_name(name) ? name : NULL;
}

static int json_count(struct checking *c, const char *what, int *n_r, struct err *err)
{
	struct json_object *value;

	if (!json_object_object_get_ex(c->json, what, &value) ||
	    !json_object_is_type(value, json_type_int))
		return malformed(err);
	*n_r = json_object_get_int(value);
	return *n_r < 0 || *n_r > NUMBERED_MAX ? malformed(err) : 0;
}

static int read_json(struct checking *c, struct err *err)
{
	struct json_object *what, *format, *mail;
	struct view text;
	struct uuid id;
	char canonical[UUID_TEXT + 1];

	if (read_file(c, "proof.json", JSON_MAX, &text, err) < 0)
		return -1;
	c->json = json_tokener_parse(arena_strn(c->arena, text.data, text.len));
	if (!json_object_is_type(c->json, json_type_object) ||
	    !json_object_object_get_ex(c->json, "sealpost", &what) ||
	    strcmp(json_object_get_string(what), "proof") != 0 ||
	    !json_object_object_get_ex(c->json, "format", &format) ||
	    !json_object_object_get_ex(c->json, "mail", &mail) ||
	    !json_object_is_type(mail, json_type_string) ||
	    uuid_read(VIEW(json_object_get_string(mail)), &id) < 0)
		return malformed(err);
	if (json_object_get_int(format) != 1)
		return err_set(err, ERR_VERSION,
			       "this folder has a newer format than this program knows");
	c->report->mail = arena_str(c->arena, uuid_text(&id, canonical));
	return 0;
}

/* ---- certificates ---- */

static int read_certificates(struct checking *c, struct str *pem, struct err *err)
{
	struct view content;
	int n;

	if (json_count(c, "certificates", &n, err) < 0)
		return -1;
	for (int i = 1; i <= n; i++) {
		if (read_file(c, arena_f(c->arena, "ca-%d.pem", i), JSON_MAX, &content, err) < 0)
			return -1;
		str_addv(pem, content);
	}
	return n > 0 ? 0 : malformed(err);
}

/* ---- records ---- */

static int read_objects(struct checking *c, struct json_object *over, struct view **v_r,
			size_t *n_r, struct err *err)
{
	size_t n = json_object_is_type(over, json_type_array) ? json_object_array_length(over) : 0;
	const char *name;

	if (n == 0 || n > OBJECTS_MAX)
		return malformed(err);
	*v_r = arena_get(c->arena, n * sizeof(**v_r));
	for (*n_r = 0; *n_r < n; (*n_r)++) {
		name = json_name(json_object_array_get_idx(over, *n_r));
		if (name == NULL)
			return malformed(err);
		/* each record is over the mail, and that comes first */
		if (*n_r == 0 && strcmp(name, "mail.eml") != 0)
			return malformed(err);
		if (read_file(c, name, FILE_MAX, &(*v_r)[*n_r], err) < 0)
			return -1;
	}
	return 0;
}

static int check_record(struct checking *c, struct json_object *entry, struct err *err)
{
	struct json_object *record, *over;
	struct evidence_report report;
	struct view der, *objects;
	const char *name;
	size_t n;

	if (!json_object_object_get_ex(entry, "record", &record) ||
	    !json_object_object_get_ex(entry, "over", &over) || (name = json_name(record)) == NULL)
		return malformed(err);
	if (read_file(c, name, FILE_MAX, &der, err) < 0 ||
	    read_objects(c, over, &objects, &n, err) < 0)
		return -1;
	if (evidence_record_verify(der, objects, n, c->trust, c->at_s, c->arena, &report, err) < 0)
		return err_add(err, "%s", name);
	if (c->report->records++ == 0)
		c->report->evidence = report;
	return 0;
}

static int check_records(struct checking *c, struct err *err)
{
	struct json_object *records;
	size_t n;

	if (!json_object_object_get_ex(c->json, "records", &records) ||
	    !json_object_is_type(records, json_type_array))
		return malformed(err);
	n = json_object_array_length(records);
	if (n == 0 || n > RECORDS_MAX)
		return malformed(err);
	for (size_t i = 0; i < n; i++)
		if (check_record(c, json_object_array_get_idx(records, i), err) < 0)
			return -1;
	return 0;
}

/* ---- what else is there ---- */

static bool is_numbered(const char *name, const char *what, const char *end, int n)
{
	char expected[NAME_MAX_BYTES + 1];

	for (int i = 1; i <= n; i++) {
		snprintf(expected, sizeof(expected), "%s-%d.%s", what, i, end);
		if (strcmp(name, expected) == 0)
			return true;
	}
	return false;
}

static bool is_known(const struct checking *c, const char *name, int tokens, int chains)
{
	for (size_t i = 0; i < c->known.n; i++)
		if (strcmp(c->known.v[i], name) == 0)
			return true;
	/* what README.txt's commands use, and the records have themselves */
	return strcmp(name, "README.txt") == 0 || is_numbered(name, "token", "tsr", tokens) ||
	       is_numbered(name, "token", "pem", tokens) ||
	       is_numbered(name, "chains", "der", chains);
}

static int look_around(struct checking *c, struct err *err)
{
	int tokens, chains, rc = 0;
	const struct dirent *entry;
	DIR *dir;

	if (json_count(c, "tokens", &tokens, err) < 0 || json_count(c, "chains", &chains, err) < 0)
		return -1;
	dir = opendir(c->path);
	if (dir == NULL)
		return err_errno(err, "%s: %m", c->path);
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !is_known(c, entry->d_name, tokens, chains))
			rc = err_set(err, ERR_DAMAGED,
				     "there is a file that does not belong to the proof, and is "
				     "proved by "
				     "nothing: %s",
				     is_name(entry->d_name) ? entry->d_name : "(a strange name)");
	closedir(dir);
	return rc;
}

static int check(struct checking *c, struct err *err)
{
	CLEAN(token_trust) own = NULL;
	CLEAN_STR pem = STR_INIT;
	CLEAN_STR digest = STR_INIT;
	struct hash ca;

	if (read_json(c, err) < 0 || read_certificates(c, &pem, err) < 0)
		return -1;
	if (token_trust_new(str_view(&pem), &own, err) < 0)
		return err_add(err, "the CA certificates of the folder");
	if (c->trust == NULL)
		c->trust = own;
	if (check_records(c, err) < 0)
		return -1;
	ca = crypto_sha256(c->report->evidence.ca.data, c->report->evidence.ca.len);
	str_addhex(&digest, ca.b, HASH_BYTES);
	c->report->ca = arena_str(c->arena, digest.data);
	return look_around(c, err);
}

int proof_folder_check(const char *dir, const struct token_trust *trust, int64_t at_s,
		       struct arena *arena, struct proof_folder_report *report_r, struct err *err)
{
	struct checking c = {.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			     .path = dir,
			     .arena = arena,
			     .trust = trust,
			     .at_s = at_s,
			     .report = report_r};
	int rc;

	*report_r = (struct proof_folder_report){0};
	if (c.dir < 0)
		return err_errno(err, "%s: %m", dir);
	rc = check(&c, err);
	json_object_put(c.json);
	close(c.dir);
	return rc;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder comes from whoever sends it: nothing in it is believed that the tokens do not prove, no name leads out of it, no link is
 * followed, and no file in it stays unexplained. */
#include "tsa/proof_folder.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
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
	unsigned tokens, chains; /* files of them, so far */
	struct {
		struct known {
			const char *name;
			struct view content;
		} * v; /* what was read, and so is accounted for: each once, however often it is named */
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

static const struct known *find_known(const struct checking *c, const char *name)
{
	for (size_t i = 0; i < c->known.n; i++)
		if (strcmp(c->known.v[i].name, name) == 0)
			return &c->known.v[i];
	return NULL;
}

static int read_new_file(struct checking *c, const char *name, size_t max, struct str *content,
			 struct err *err)
{
	CLEAN_FD fd = openat(c->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
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
	return file_read(link.data, max, content, err) < 0 ? err_add(err, "%s", name) : 0;
}

static int read_file(struct checking *c, const char *name, size_t max, struct view *content_r,
		     struct err *err)
{
	const struct known *known = find_known(c, name);
	CLEAN_STR content = STR_INIT;
	struct known new;

	if (known == NULL) {
		if (read_new_file(c, name, max, &content, err) < 0)
			return -1;
		new = (struct known){arena_str(c->arena, name),
				     arena_view(c->arena, str_view(&content))};
		ARENA_PUSH(c->arena, c->known, new);
		known = &new;
	}
	*content_r = known->content;
	return 0;
}

static int malformed(struct err *err)
{
	return err_set(err, ERR_DAMAGED, "proof.json is none that Sealpost writes");
}

/* "": it is no text, or has a NUL in it. */
static const char *json_text(struct json_object *json)
{
	const char *text = json_object_is_type(json, json_type_string)
				   ? json_object_get_string(json)
				   : "";

	return strlen(text) == (size_t)json_object_get_string_len(json) ? text : "";
}

static const char *json_name(struct json_object *json)
{
	const char *name = json_text(json);

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
	    strcmp(json_text(what), "proof") != 0 ||
	    !json_object_object_get_ex(c->json, "format", &format) ||
	    !json_object_object_get_ex(c->json, "mail", &mail) ||
	    uuid_read(VIEW(json_text(mail)), &id) < 0)
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
	int n = 0;

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
		for (size_t i = 0; i < *n_r; i++)
			if ((*v_r)[i].data == (*v_r)[*n_r].data)
				return malformed(err);
	}
	return 0;
}

/* ---- what README.txt's commands use, and the records have themselves ---- */

static int changed(const char *name, struct err *err)
{
	return err_set(err, ERR_DAMAGED, "%s is not the one of the evidence record", name);
}

static int check_copy(struct checking *c, const char *name, struct view expected, struct err *err)
{
	struct view content;

	if (read_file(c, name, FILE_MAX, &content, err) < 0)
		return -1;
	return view_eq(content, expected) ? 0 : changed(name, err);
}

static int check_token(struct checking *c, struct view token, struct err *err)
{
	const unsigned n = ++c->tokens;
	CLEAN_STR response = STR_INIT;
	CLEAN_STR pem = STR_INIT;

	if (token_response_write(token, &response, err) < 0 ||
	    token_certificates(token, &pem, err) < 0 ||
	    check_copy(c, arena_f(c->arena, "token-%u.tsr", n), str_view(&response), err) < 0)
		return -1;
	return check_copy(c, arena_f(c->arena, "token-%u.pem", n), str_view(&pem), err);
}

static int check_chains(struct checking *c, const struct digest *expected, struct err *err)
{
	const char *name = arena_f(c->arena, "chains-%u.der", ++c->chains);
	struct view content;
	struct digest found;

	if (read_file(c, name, FILE_MAX, &content, err) < 0)
		return -1;
	found = digest_of(DIGEST_SHA256, content);
	return digest_eq(DIGEST_SHA256, &found, expected) ? 0 : changed(name, err);
}

static int check_copies(struct checking *c, const struct evidence_report *report, struct err *err)
{
	for (size_t i = 0; i < report->tokens.n; i++)
		if (check_token(c, report->tokens.v[i], err) < 0)
			return -1;
	for (size_t i = 0; i < report->before.n; i++)
		if (check_chains(c, &report->before.v[i], err) < 0)
			return -1;
	return 0;
}

static int check_record(struct checking *c, struct json_object *entry, struct err *err)
{
	struct json_object *record, *over;
	struct evidence_report report;
	struct view der, *objects = NULL;
	const char *name;
	size_t n = 0;

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
	return check_copies(c, &report, err);
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

static int look_around(struct checking *c, struct err *err)
{
	const struct dirent *entry;
	DIR *dir = opendir(c->path);
	int rc = 0;

	if (dir == NULL)
		return err_errno(err, "%s: %m", c->path);
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    strcmp(entry->d_name, "README.txt") != 0 &&
		    find_known(c, entry->d_name) == NULL)
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

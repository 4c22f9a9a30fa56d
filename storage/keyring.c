/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/keyring.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "sealpost archive key v"
#define VERSION "1"
#define ARCHIVE_FIELD "archive: "
#define KEY_FIELD "key: "
#define FILE_NAME "archive.key"

enum {
	KEY_HEX = 2 * KEY_BYTES,
	KEY_FILE_LEN = sizeof(MAGIC VERSION "\n" ARCHIVE_FIELD "\n" KEY_FIELD "\n") - 1 +
		       UUID_TEXT + KEY_HEX,
	KEY_FILE_MAX = 4096, /* what is longer was never a key file */
};

struct keyring {
	struct uuid archive;
	struct secret *key;
	unsigned char id[KEY_ID_BYTES];
};

/* Takes over KEY. */
static struct keyring *keyring_make(const struct uuid *archive, struct secret *key)
{
	struct keyring *keyring = mem_new(sizeof(*keyring));
	CLEAN(secret) id = NULL;

	must(secret_len(key) == KEY_BYTES);
	keyring->archive = *archive;
	keyring->key = key;
	id = keyring_derive(keyring, KEY_USE_KEY_ID, VIEW(""));
	memcpy(keyring->id, secret_data(id), KEY_ID_BYTES);
	return keyring;
}

struct keyring *keyring_new(const struct uuid *archive)
{
	struct secret *key = secret_new(KEY_BYTES);

	crypto_random(secret_bytes(key), KEY_BYTES);
	return keyring_make(archive, key);
}

struct keyring *keyring_of(const struct uuid *archive, const struct secret *key)
{
	return keyring_make(archive, secret_copy(secret_data(key), secret_len(key)));
}

void keyring_free(struct keyring **keyring)
{
	if (*keyring == NULL)
		return;
	secret_free(&(*keyring)->key);
	free(*keyring);
	*keyring = NULL;
}

/* The first line says what the file is, and which version of it. */
static int read_magic(struct view *rest, struct err *err)
{
	struct view line = {NULL, 0};
	uint8_t digit;

	view_cut(rest, '\n', &line);
	line = view_trim(line);
	if (view_eq(line, VIEW(MAGIC VERSION)))
		return 0;
	if (rest->data == NULL && line.len < strlen(MAGIC VERSION) &&
	    memcmp(line.data, MAGIC, line.len) == 0)
		return err_set(err, ERR_DAMAGED, "the key file is cut short in its first line");
	if (!view_starts(line, MAGIC))
		return err_set(err, ERR_SYNTAX, "this is no Sealpost key file");
	line.data += strlen(MAGIC);
	line.len -= strlen(MAGIC);
	if (view_u8(&line, &digit) == 0 && digit >= '1' && digit <= '9')
		return err_set(err, ERR_VERSION, "the key file has a newer format than v" VERSION);
	return err_set(err, ERR_SYNTAX, "the key file's first line is not as Sealpost writes it");
}

/* A line of NAME and a value of LEN characters. */
static int read_field(struct view *rest, const char *name, size_t len, struct view *value_r,
		      struct err *err)
{
	struct view line = {NULL, 0};
	size_t name_len = strlen(name);

	view_cut(rest, '\n', &line);
	line = view_trim(line);
	if (rest->data == NULL && line.len < name_len + len)
		return err_set(err, ERR_DAMAGED,
			       "the key file is cut short before the end of its line \"%s\"", name);
	if (!view_starts(line, name) || line.len != name_len + len)
		return err_set(err, ERR_SYNTAX,
			       "the key file's line \"%s\" is not as Sealpost writes it", name);
	*value_r = (struct view){line.data + name_len, len};
	return 0;
}

static int key_file_parse(struct view text, struct keyring **keyring_r, struct err *err)
{
	CLEAN(secret) key = secret_new(KEY_BYTES);
	struct view archive_text, key_text;
	struct uuid archive;

	if (read_magic(&text, err) < 0 ||
	    read_field(&text, ARCHIVE_FIELD, UUID_TEXT, &archive_text, err) < 0 ||
	    read_field(&text, KEY_FIELD, KEY_HEX, &key_text, err) < 0)
		return -1;
	if (view_trim(text).len > 0)
		return err_set(err, ERR_SYNTAX, "there is text behind the key file's end");
	if (uuid_read(archive_text, &archive) < 0)
		return err_set(err, ERR_SYNTAX, "the key file's archive is no UUID");
	if (str_unhex(key_text, secret_bytes(key), KEY_BYTES) < 0)
		return err_set(err, ERR_SYNTAX, "the key file's key is not written in hex digits");
	*keyring_r = keyring_make(&archive, TAKE(key));
	return 0;
}

/* Nobody but the owner may have been able to read or to exchange the key. Of a credential that is root's, the group's bits are the
 * mask of a list of who may read it (acl(5)); nobody else gets into its folder. */
static int check_rights(const struct stat *st, const char *path, bool credential, struct err *err)
{
	if (credential && st->st_uid == 0 && (st->st_mode & 0337) == 0)
		return 0;
	if (st->st_uid != geteuid())
		return err_set(err, ERR_DENIED,
			       "%s belongs to user %u and this program runs as user %u; run it as "
			       "the file's owner, or: chown %u %s",
			       path, st->st_uid, geteuid(), geteuid(), path);
	if ((st->st_mode & 0377) != 0)
		return err_set(err, ERR_DENIED,
			       "%s has mode %04o, which allows more than reading by its owner; do: "
			       "chmod 0400 %s",
			       path, st->st_mode & 07777, path);
	return 0;
}

static int check_guarded(int fd, const char *path, bool credential, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s: %m", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_DENIED,
			       "%s is not a regular file; name the key file itself", path);
	if (check_rights(&st, path, credential, err) < 0)
		return -1;
	if (st.st_size == 0)
		return err_set(err, ERR_DAMAGED, "%s: the key file is empty", path);
	if (st.st_size > KEY_FILE_MAX)
		return err_set(err, ERR_SYNTAX, "%s: this is no Sealpost key file", path);
	return 0;
}

static int load(const char *path, bool credential, struct keyring **keyring_r, struct err *err)
{
	/* O_NONBLOCK, so that a FIFO in the file's place is refused and not waited for. */
	CLEAN_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	CLEAN(secret) text = NULL;

	if (fd < 0 && errno == ELOOP)
		return err_set(err, ERR_DENIED, "%s is a symbolic link; name the key file itself",
			       path);
	if (fd < 0)
		return err_errno(err, "%s: %m", path);
	if (check_guarded(fd, path, credential, err) < 0)
		return -1;
	if (secret_read_fd(fd, KEY_FILE_MAX, &text, err) < 0 ||
	    key_file_parse((struct view){(const char *)secret_data(text), secret_len(text)},
			   keyring_r, err) < 0)
		return err_add(err, "%s", path);
	return 0;
}

int keyring_load(const char *path, struct keyring **keyring_r, struct err *err)
{
	return load(path, false, keyring_r, err);
}

/* Appended to PATH, if there is one, or one that cannot be looked at. */
static bool find_credential(struct str *path)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	size_t start = path->len;

	if (dir == NULL || dir[0] != '/')
		return false;
	str_addf(path, "%s/" FILE_NAME, dir);
	if (access(path->data + start, F_OK) == 0 || errno != ENOENT)
		return true;
	path->len = start;
	path->data[start] = '\0';
	return false;
}

void keyring_path(const char *archive_dir, struct str *path)
{
	if (!find_credential(path))
		str_addf(path, "%s/" FILE_NAME, archive_dir);
}

int keyring_open(const char *archive_dir, struct keyring **keyring_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	bool credential = find_credential(&path);

	if (!credential)
		str_addf(&path, "%s/" FILE_NAME, archive_dir);
	return load(path.data, credential, keyring_r, err);
}

int keyring_save(const struct keyring *keyring, const char *path, struct err *err)
{
	/* A str over locked memory that is large enough never moves to the heap. */
	CLEAN(secret) room = secret_new(KEY_FILE_LEN + 1);
	struct str text = {(char *)secret_bytes(room), 0, KEY_FILE_LEN + 1};

	str_adds(&text, MAGIC VERSION "\n" ARCHIVE_FIELD);
	uuid_add(&text, &keyring->archive);
	str_adds(&text, "\n" KEY_FIELD);
	str_addhex(&text, secret_data(keyring->key), KEY_BYTES);
	str_addc(&text, '\n');
	must(text.len == KEY_FILE_LEN && text.data == (const char *)secret_data(room));
	return file_create(path, 0400, str_view(&text), err);
}

const struct uuid *keyring_archive(const struct keyring *keyring)
{
	return &keyring->archive;
}

const struct secret *keyring_key(const struct keyring *keyring)
{
	return keyring->key;
}

const unsigned char *keyring_id(const struct keyring *keyring)
{
	return keyring->id;
}

void keyring_add_fingerprint(struct str *s, const struct keyring *keyring)
{
	for (size_t i = 0; i < KEY_ID_BYTES; i += 2) {
		if (i > 0)
			str_addc(s, ' ');
		str_addhex(s, keyring->id + i, 2);
	}
}

struct secret *keyring_derive(const struct keyring *keyring, enum key_use use, struct view salt)
{
	static const char *const labels[] = {
#define X(use, label, doc) [KEY_USE_##use] = label,
		KEY_LABELS(X)
#undef X
	};

	return crypto_hkdf(keyring->key, salt, labels[use]);
}

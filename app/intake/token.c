/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/token.h"

#include "base/file.h"

#include <sys/stat.h>

#define LABEL "sealpost token v1"

enum {
	ID_DIGITS = 2 * UUID_BYTES,
	PROOF_BYTES = 12,
	PROOF_DIGITS = 2 * PROOF_BYTES,
};

struct token_key {
	struct secret *secret;
};

/* --- the key ---------------------------------------------------------------------------------- */

/* Doors that may read their folder may read the key. Who comes second finds the one of the first. */
static int make_key(const char *dir, const char *path, struct err *err)
{
	CLEAN_STR line = STR_INIT;
	unsigned char key[KEY_BYTES];
	struct stat st;
	int rc;

	if (stat(dir, &st) < 0)
		return err_errno(err, "%s: %m", dir);
	crypto_random(key, sizeof(key));
	str_addhex(&line, key, sizeof(key));
	str_addc(&line, '\n');
	rc = file_create(path, st.st_mode & 0666, str_view(&line), err);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(line.data, line.len);
	return rc < 0 && err->kind == ERR_EXISTS ? 0 : rc;
}

static int read_key(const char *path, struct secret **key_r, struct err *err)
{
	CLEAN(secret) key = secret_new(KEY_BYTES);
	CLEAN(secret) line = NULL;

	if (secret_read_line_file(path, &line, err) < 0)
		return -1;
	if (str_unhex((struct view){(const char *)secret_data(line), secret_len(line)},
		      secret_bytes(key), KEY_BYTES) < 0)
		return err_set(err, ERR_SYNTAX,
			       "%s holds no key of %d hex digits; remove it, and the next start "
			       "makes a new one",
			       path, 2 * KEY_BYTES);
	*key_r = TAKE(key);
	return 0;
}

int token_key_open(const char *archive_dir, struct token_key **key_r, struct err *err)
{
	CLEAN(token_key) key = mem_new(sizeof(*key));
	CLEAN_STR dir = STR_INIT;
	CLEAN_STR path = STR_INIT;

	str_addf(&dir, "%s/spool", archive_dir);
	str_addf(&path, "%s/token.key", dir.data);
	if (read_key(path.data, &key->secret, err) < 0) {
		if (err->kind != ERR_NOTFOUND)
			return -1;
		err_clear(err);
		if (make_key(dir.data, path.data, err) < 0 ||
		    read_key(path.data, &key->secret, err) < 0)
			return -1;
	}
	*key_r = TAKE(key);
	return 0;
}

void token_key_free(struct token_key **key)
{
	if (*key == NULL)
		return;
	secret_free(&(*key)->secret);
	free(*key);
	*key = NULL;
}

/* --- tokens ----------------------------------------------------------------------------------- */

/* A context of its own for each call, so that threads share the key and nothing else. The bytes
 * behind the proof are zero. */
static struct hash prove(const struct token_key *key, const struct uuid *id)
{
	struct hmac *hmac = hmac_new(key->secret);
	struct hash proof;

	hmac_add(hmac, LABEL, strlen(LABEL));
	hmac_add(hmac, id->b, sizeof(id->b));
	proof = hmac_end(hmac);
	hmac_free(&hmac);
	memset(proof.b + PROOF_BYTES, 0, sizeof(proof.b) - PROOF_BYTES);
	return proof;
}

void token_write(struct str *out, const struct token_key *key, const struct uuid *id)
{
	struct hash proof = prove(key, id);

	str_addhex(out, id->b, sizeof(id->b));
	str_addc(out, '.');
	str_addhex(out, proof.b, PROOF_BYTES);
}

int token_read(const struct token_key *key, struct view text, struct uuid *id_r)
{
	struct hash given = {0}, proof;
	struct view id_digits, proof_digits;
	struct uuid id;

	if (text.len != TOKEN_TEXT || text.data[ID_DIGITS] != '.')
		return -1;
	id_digits = (struct view){text.data, ID_DIGITS};
	proof_digits = (struct view){text.data + ID_DIGITS + 1, PROOF_DIGITS};
	if (str_unhex(id_digits, id.b, sizeof(id.b)) < 0 ||
	    str_unhex(proof_digits, given.b, PROOF_BYTES) < 0)
		return -1;
	proof = prove(key, &id);
	if (!hash_eq(&given, &proof))
		return -1;
	*id_r = id;
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/password.h"

#include "base/crypto.h"

#include <crypt.h>

enum { PASSWORD_MAX = 1024 };

/* What nobody's password has; as costly as a new one's (libcrypt's default for yescrypt). */
static const char nobody[] =
	"$y$j9T$9hsVNCCqU6WXNlYqkNRY6/$lDqhfZVEMzpPE8o3d1nfVVeyfSW8qGQG2t3bxkHNgR6";

static unsigned work;

unsigned password_work(void)
{
	return work;
}

static size_t characters(const struct secret *password)
{
	size_t n = 0;

	for (size_t i = 0; i < secret_len(password); i++)
		n += (secret_data(password)[i] & 0xc0) != 0x80;
	return n;
}

static bool is_one_character(const struct secret *password)
{
	for (size_t i = 1; i < secret_len(password); i++)
		if (secret_data(password)[i] != secret_data(password)[0])
			return false;
	return true;
}

int password_check(const struct secret *password, struct view name, size_t min, struct err *err)
{
	const struct view text = {(const char *)secret_data(password), secret_len(password)};

	if (text.len > PASSWORD_MAX || memchr(text.data, '\0', text.len) != NULL)
		return err_set(err, ERR_SYNTAX, "a password is text of up to %d bytes",
			       PASSWORD_MAX);
	if (characters(password) < min)
		return err_set(err, ERR_SYNTAX,
			       "the password is too short: it needs %zu characters. Several words "
			       "are easier to keep in mind than signs",
			       min);
	if (view_eq_nocase(text, name) || is_one_character(password))
		return err_set(err, ERR_SYNTAX,
			       "this password could be guessed at once; take another");
	return 0;
}

/* crypt(3) wants a NUL behind it. */
static struct secret *with_end(const struct secret *password)
{
	struct secret *text = secret_new(secret_len(password) + 1);

	memcpy(secret_bytes(text), secret_data(password), secret_len(password));
	return text;
}

/* What crypt(3) makes of it, in DATA; NULL: it cannot. */
static const char *made(const struct secret *password, const char *setting, struct crypt_data *data)
{
	CLEAN(secret) text = with_end(password);

	work++;
	return crypt_r((const char *)secret_data(text), setting, data);
}

static void wipe(struct crypt_data **data)
{
	explicit_bzero(*data, sizeof(**data));
	free(*data);
}

int password_hash(const struct secret *password, struct str *out, struct err *err)
{
	__attribute__((cleanup(wipe))) struct crypt_data *data = mem_new(sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash = NULL;

	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)) != NULL)
		hash = made(password, setting, data);
	if (hash == NULL || hash[0] == '*')
		return err_errno(err, "crypt: %m");
	str_adds(out, hash);
	return 0;
}

bool password_matches(const struct secret *password, const char *hash)
{
	__attribute__((cleanup(wipe))) struct crypt_data *data = mem_new(sizeof(*data));
	const char *asked = hash[0] != '\0' ? hash : nobody;
	const char *found = made(password, asked, data);
	struct hash a, b;

	if (found == NULL)
		return false;
	a = crypto_sha256(asked, strlen(asked));
	b = crypto_sha256(found, strlen(found));
	return hash_eq(&a, &b) && hash[0] != '\0';
}

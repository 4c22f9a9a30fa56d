/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/users.h"

#include "base/crypto.h"
#include "base/file.h"

#include <crypt.h>

enum { FILE_MAX = 16 * 1024 * 1024 };

struct user {
	struct view name;
	char *hash;
};

struct users {
	struct str text; /* the names are in it */
	struct user *v;
	size_t n;
};

static const struct user *find(const struct users *users, struct view name)
{
	for (size_t i = 0; i < users->n; i++)
		if (view_eq(users->v[i].name, name))
			return &users->v[i];
	return NULL;
}

/* What crypt(3) makes of it, compared without telling by time how far they agree. */
static bool is_password(const char *password, const char *hash)
{
	const char *made = crypt(password, hash); /* one thread: its static buffer will do */
	struct hash a, b;

	if (made == NULL)
		return false;
	a = crypto_sha256(hash, strlen(hash));
	b = crypto_sha256(made, strlen(made));
	return hash_eq(&a, &b);
}

bool users_check(const struct users *users, struct view name, const char *password)
{
	const struct user *user = find(users, name);
	bool right = is_password(password, user ? user->hash : users->v[0].hash);

	return user != NULL && right;
}

/* yescrypt and its kin, scrypt, bcrypt, SHA-512 and SHA-256; what is weaker is not taken. */
static bool is_strong(struct view hash)
{
	static const char *const kinds[] = {"$y$", "$gy$", "$7$", "$2b$", "$2y$", "$6$", "$5$"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (view_starts(hash, kinds[i]))
			return true;
	return false;
}

static int read_line(struct users *users, struct view line, struct err *err)
{
	struct view name;
	CLEAN_STR hash = STR_INIT;

	line = view_trim(line);
	if (line.len == 0 || line.data[0] == '#')
		return 0;
	view_cut(&line, ':', &name);
	if (name.len == 0 || line.len == 0)
		return err_set(err, ERR_SYNTAX, "a user reads \"name:hash\"");
	if (find(users, name) != NULL)
		return err_set(err, ERR_SYNTAX, "this user was named before");
	str_addv(&hash, line);
	if (!is_strong(line))
		return err_set(err, ERR_SYNTAX, "the hash is of no kind that is strong enough");
	users->v = mem_grow(users->v, (users->n + 1) * sizeof(*users->v));
	users->v[users->n++] = (struct user){name, mem_strdup(hash.data)};
	return 0;
}

int users_read(const char *path, struct users **users_r, struct err *err)
{
	CLEAN(users) users = mem_new(sizeof(*users));
	struct view rest, line;
	unsigned number = 0;

	str_init(&users->text);
	if (file_read(path, FILE_MAX, &users->text, err) < 0)
		return -1;
	rest = str_view(&users->text);
	while (view_cut(&rest, '\n', &line)) {
		number++;
		if (read_line(users, line, err) < 0)
			return err_add(err, "%s line %u", path, number);
	}
	if (users->n == 0)
		return err_set(err, ERR_SYNTAX, "%s names no user", path);
	*users_r = TAKE(users);
	return 0;
}

void users_free(struct users **users)
{
	struct users *u = *users;

	if (u == NULL)
		return;
	for (size_t i = 0; i < u->n; i++)
		free(u->v[i].hash);
	free(u->v);
	str_clear(&u->text);
	free(u);
	*users = NULL;
}

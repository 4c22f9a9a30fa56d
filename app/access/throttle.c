/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/throttle.h"

#include "app/catalog/sessions.h"

#include <ctype.h>

enum { FREE_OF_NAME = 4, FREE_OF_CLIENT = 19, WAIT_MAX_S = 15 * 60, FORGET_S = 24 * 60 * 60 };
enum { ROWS_MAX = 10000 };
#define KEY_NAME "login.throttle_key"

/* The key, made when it is first needed. */
static int load_key(struct catalog *catalog, struct str *key, struct err *err)
{
	unsigned char random[KEY_BYTES];
	int rc = setting_get(catalog, KEY_NAME, key, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	crypto_random(random, sizeof(random));
	str_add(key, random, sizeof(random));
	return setting_set(catalog, KEY_NAME, str_view(key), err);
}

static struct hash hash_of(const struct str *key, char kind, struct view text)
{
	CLEAN(secret) secret = secret_copy(key->data, key->len);
	CLEAN(hmac) hmac = hmac_new(secret);

	hmac_add(hmac, &kind, 1);
	for (size_t i = 0; i < text.len; i++) {
		const char low = (char)tolower((unsigned char)text.data[i]);

		hmac_add(hmac, &low, 1);
	}
	return hmac_end(hmac);
}

struct keys {
	struct hash name, client;
};

static int keys_of(struct catalog *catalog, struct view name, struct view client,
		   struct keys *keys_r, struct err *err)
{
	CLEAN_STR key = STR_INIT;

	if (load_key(catalog, &key, err) < 0)
		return -1;
	keys_r->name = hash_of(&key, 'n', name);
	keys_r->client = hash_of(&key, 'c', client);
	explicit_bzero(key.data, key.len);
	return 0;
}

static int wait_of(struct catalog *catalog, const struct hash *hash, int64_t now_s, int64_t *wait_s,
		   struct err *err)
{
	struct failure_row row;
	int rc = failures_get(catalog, hash, &row, err);

	/* a clock that was put back must not lock anybody out */
	if (rc > 0 && row.until_s > now_s && row.until_s - now_s <= WAIT_MAX_S &&
	    row.until_s - now_s > *wait_s)
		*wait_s = row.until_s - now_s;
	return rc < 0 ? -1 : 0;
}

int throttle_ask(struct catalog *catalog, struct view name, struct view client, int64_t now_s,
		 int64_t *wait_s_r, struct err *err)
{
	struct keys keys;

	*wait_s_r = 0;
	if (keys_of(catalog, name, client, &keys, err) < 0 ||
	    wait_of(catalog, &keys.name, now_s, wait_s_r, err) < 0)
		return -1;
	if (client.len > 0 && wait_of(catalog, &keys.client, now_s, wait_s_r, err) < 0)
		return -1;
	return *wait_s_r == 0;
}

static int count(struct catalog *catalog, const struct hash *hash, uint64_t free, int64_t now_s,
		 struct err *err)
{
	struct failure_row row;
	int64_t wait_s = 0;

	if (failures_get(catalog, hash, &row, err) < 0)
		return -1;
	if (now_s - row.last_s > FORGET_S)
		row.failed = 0;
	row.failed++;
	row.last_s = now_s;
	if (row.failed > free)
		wait_s = row.failed - free > 10 ? WAIT_MAX_S : 1 << (row.failed - free - 1);
	row.until_s = now_s + (wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S);
	return failures_put(catalog, hash, &row, err);
}

int throttle_failed(struct catalog *catalog, struct view name, struct view client, int64_t now_s,
		    struct err *err)
{
	struct keys keys;

	if (keys_of(catalog, name, client, &keys, err) < 0 ||
	    count(catalog, &keys.name, FREE_OF_NAME, now_s, err) < 0)
		return -1;
	if (client.len > 0 && count(catalog, &keys.client, FREE_OF_CLIENT, now_s, err) < 0)
		return -1;
	return failures_tidy(catalog, now_s - FORGET_S, ROWS_MAX, err);
}

int throttle_right(struct catalog *catalog, struct view name, struct err *err)
{
	struct keys keys;

	if (keys_of(catalog, name, VIEW(""), &keys, err) < 0)
		return -1;
	return failures_remove(catalog, &keys.name, err);
}

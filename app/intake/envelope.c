/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/envelope.h"

/* They are in spool entries that an older program may have written. */
enum tag {
	TAG_DOOR = 1,
	TAG_SOURCE = 2,
	TAG_SEEN_MS = 3,
	TAG_REVERSE_PATH = 4,
	TAG_RECIPIENT = 5, /* one field each */
	TAG_QUEUE_ID = 6,
	TAG_CLIENT_NAME = 7,
	TAG_CLIENT_ADDR = 8,
	TAG_HELO = 9,
	TAG_LOGIN = 10,
	TAG_SPAM = 11
};

const char *door_text(enum door door)
{
	switch (door) {
#define X(door, number, name)                                                                      \
	case DOOR_##door:                                                                          \
		return name;
		DOORS(X)
#undef X
	}
	return "unknown";
}

/* Where the text of TAG belongs, NULL for those that are no single text. */
static struct view *text_of(struct envelope *env, uint64_t tag)
{
	switch (tag) {
	case TAG_SOURCE:
		return &env->source;
	case TAG_REVERSE_PATH:
		return &env->reverse_path;
	case TAG_QUEUE_ID:
		return &env->queue_id;
	case TAG_CLIENT_NAME:
		return &env->client_name;
	case TAG_CLIENT_ADDR:
		return &env->client_addr;
	case TAG_HELO:
		return &env->helo;
	case TAG_LOGIN:
		return &env->login;
	default:
		return NULL;
	}
}

static void put(struct str *out, uint64_t tag, struct view value)
{
	str_addvarint(out, tag);
	str_addvarint(out, value.len);
	str_addv(out, value);
}

static void put_number(struct str *out, uint64_t tag, uint64_t n)
{
	CLEAN_STR value = STR_INIT;

	if (n == 0)
		return;
	str_addvarint(&value, n);
	put(out, tag, str_view(&value));
}

void envelope_write(struct str *out, const struct envelope *env)
{
	struct envelope copy = *env;

	put_number(out, TAG_DOOR, env->door);
	put_number(out, TAG_SEEN_MS, (uint64_t)env->seen_ms);
	put_number(out, TAG_SPAM, env->spam);
	for (uint64_t tag = TAG_SOURCE; tag <= TAG_LOGIN; tag++) {
		const struct view *text = text_of(&copy, tag);

		if (text != NULL && text->len > 0)
			put(out, tag, *text);
	}
	for (size_t i = 0; i < env->recipients.n; i++)
		put(out, TAG_RECIPIENT, env->recipients.v[i]);
}

static int read_door(struct view value, enum door *door_r, struct err *err)
{
	uint64_t n;

	if (view_varint(&value, &n) < 0 || value.len > 0)
		return err_set(err, ERR_DAMAGED, "the envelope's door is no number");
	if (n < DOOR_MILTER || n > DOOR_UPLOAD)
		return err_set(err, ERR_VERSION, "the envelope is of a door that is not known");
	*door_r = (enum door)n;
	return 0;
}

static int read_number(struct view value, uint64_t *n_r, struct err *err)
{
	if (view_varint(&value, n_r) < 0 || value.len > 0)
		return err_set(err, ERR_DAMAGED, "the envelope has a malformed number");
	return 0;
}

static int read_field(struct envelope *env, uint64_t tag, struct view value, struct err *err)
{
	struct view *text = text_of(env, tag);
	uint64_t n;

	if (text != NULL)
		*text = value;
	else if (tag == TAG_DOOR)
		return read_door(value, &env->door, err);
	else if (tag == TAG_SEEN_MS || tag == TAG_SPAM) {
		if (read_number(value, &n, err) < 0)
			return -1;
		if (tag == TAG_SPAM)
			env->spam = n != 0;
		else
			env->seen_ms = (int64_t)n;
	}
	return 0;
}

int envelope_read(struct arena *arena, struct view bytes, struct envelope *env, struct err *err)
{
	struct envelope all = *env;
	bool anew = true; /* the first recipient drops those of an earlier reading */

	while (bytes.len > 0) {
		struct view value;
		uint64_t tag, len;

		if (view_varint(&bytes, &tag) < 0 || view_varint(&bytes, &len) < 0 ||
		    view_bytes(&bytes, len, &value) < 0)
			return err_set(err, ERR_DAMAGED, "the envelope is cut short");
		if (tag == TAG_RECIPIENT) {
			if (anew)
				all.recipients.v = NULL, all.recipients.n = all.recipients.cap = 0;
			anew = false;
			ARENA_PUSH(arena, all.recipients, value);
		} else if (read_field(&all, tag, value, err) < 0) {
			return -1;
		}
	}
	*env = all;
	return 0;
}

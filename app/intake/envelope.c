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
	TAG_SPAM = 11,
	TAG_TLS = 12,
	TAG_MAIL_PARAMS = 13,
	TAG_TRACE = 14,
	TAG_PLACE = 15,
	TAG_PLACE_FLAGS = 16,
	TAG_SOURCE_TIME_S = 17,
	TAG_HIDDEN = 18, /* one field each */
	TAG_MARK = 19,   /* one field each */
	TAG_UNWRAP = 20,
	TAG_IS_COPY = 21,
	TAG_CAPTURE = 22,
	TAG_WANTS_RECEIPT = 23,
	TAG_LAST = TAG_WANTS_RECEIPT
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

/* Where the text, the list, the number or the switch of TAG belongs; NULL: TAG is none. */
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
	case TAG_TLS:
		return &env->tls;
	case TAG_MAIL_PARAMS:
		return &env->mail_params;
	case TAG_TRACE:
		return &env->trace;
	case TAG_PLACE:
		return &env->place;
	case TAG_PLACE_FLAGS:
		return &env->place_flags;
	default:
		return NULL;
	}
}

static struct views *list_of(struct envelope *env, uint64_t tag)
{
	switch (tag) {
	case TAG_RECIPIENT:
		return &env->recipients;
	case TAG_HIDDEN:
		return &env->hidden;
	case TAG_MARK:
		return &env->marks;
	default:
		return NULL;
	}
}

static int64_t *number_of(struct envelope *env, uint64_t tag)
{
	switch (tag) {
	case TAG_SEEN_MS:
		return &env->seen_ms;
	case TAG_SOURCE_TIME_S:
		return &env->source_time_s;
	default:
		return NULL;
	}
}

static bool *switch_of(struct envelope *env, uint64_t tag)
{
	switch (tag) {
	case TAG_SPAM:
		return &env->spam;
	case TAG_UNWRAP:
		return &env->unwrap;
	case TAG_IS_COPY:
		return &env->is_copy;
	case TAG_WANTS_RECEIPT:
		return &env->wants_receipt;
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

static void put_field(struct str *out, uint64_t tag, struct envelope *env)
{
	const struct view *text = text_of(env, tag);
	const struct views *list = list_of(env, tag);
	const int64_t *number = number_of(env, tag);
	const bool *yes = switch_of(env, tag);

	if (text != NULL && text->len > 0)
		put(out, tag, *text);
	if (number != NULL)
		put_number(out, tag, (uint64_t)*number);
	if (yes != NULL)
		put_number(out, tag, *yes);
	for (size_t i = 0; list != NULL && i < list->n; i++)
		put(out, tag, list->v[i]);
}

void envelope_write(struct str *out, const struct envelope *env)
{
	struct envelope copy = *env;
	static const struct uuid none;

	put_number(out, TAG_DOOR, env->door);
	for (uint64_t tag = TAG_DOOR + 1; tag <= TAG_LAST; tag++)
		put_field(out, tag, &copy);
	if (memcmp(&env->capture, &none, sizeof(none)) != 0)
		put(out, TAG_CAPTURE, (struct view){(const char *)env->capture.b, UUID_BYTES});
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

static int read_capture(struct view value, struct uuid *capture_r, struct err *err)
{
	if (value.len != UUID_BYTES)
		return err_set(err, ERR_DAMAGED, "the envelope's capture is no id");
	memcpy(capture_r->b, value.data, UUID_BYTES);
	return 0;
}

static int read_field(struct envelope *env, uint64_t tag, struct view value, struct err *err)
{
	struct view *text = text_of(env, tag);
	int64_t *number = number_of(env, tag);
	bool *yes = switch_of(env, tag);
	uint64_t n;

	if (text != NULL)
		*text = value;
	else if (tag == TAG_DOOR)
		return read_door(value, &env->door, err);
	else if (tag == TAG_CAPTURE)
		return read_capture(value, &env->capture, err);
	else if (number != NULL || yes != NULL) {
		if (read_number(value, &n, err) < 0)
			return -1;
		if (yes != NULL)
			*yes = n != 0;
		else
			*number = (int64_t)n;
	}
	return 0;
}

/* The first item drops what an earlier reading had. */
static void read_item(struct arena *arena, struct views *list, bool *begun, struct view value)
{
	if (!*begun)
		*list = (struct views){0};
	*begun = true;
	ARENA_PUSH(arena, *list, value);
}

int envelope_read(struct arena *arena, struct view bytes, struct envelope *env, struct err *err)
{
	struct envelope all = *env;
	bool begun[TAG_LAST + 1] = {0};

	while (bytes.len > 0) {
		struct views *list;
		struct view value;
		uint64_t tag, len;

		if (view_varint(&bytes, &tag) < 0 || view_varint(&bytes, &len) < 0 ||
		    view_bytes(&bytes, len, &value) < 0)
			return err_set(err, ERR_DAMAGED, "the envelope is cut short");
		list = list_of(&all, tag);
		if (list != NULL)
			read_item(arena, list, &begun[tag], value);
		else if (read_field(&all, tag, value, err) < 0)
			return -1;
	}
	*env = all;
	return 0;
}

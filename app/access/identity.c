/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/identity.h"

#include "base/ipc.h"

#include <ctype.h>

enum { ADDRESS_MAX = 320 };

/* --- addresses -------------------------------------------------------------------------------- */

static bool is_address(struct view text)
{
	const char *at = memrchr(text.data, '@', text.len);

	if (text.len > ADDRESS_MAX || at == NULL || at == text.data ||
	    at == text.data + text.len - 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c <= ' ' || c == 0x7F || strchr("<>,;:()[]\"\\", c) != NULL)
			return false;
	}
	return memchr(text.data, '@', text.len) == at;
}

char *identity_address(struct arena *arena, struct view text)
{
	char *address;

	text = view_trim(text);
	if (view_starts_nocase(text, "smtp:"))
		text = view_trim((struct view){text.data + 5, text.len - 5});
	if (text.len == 0 || !is_address(text))
		return NULL;
	address = arena_strn(arena, text.data, text.len);
	for (char *p = address; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return address;
}

void identity_add(struct arena *arena, struct identity_texts *texts, char *text)
{
	if (text == NULL)
		return;
	for (size_t i = 0; i < texts->n; i++)
		if (strcmp(texts->v[i], text) == 0)
			return;
	ARENA_PUSH(arena, *texts, text);
}

/* --- between processes ------------------------------------------------------------------------ */

static void write_texts(const struct identity_texts *texts, struct str *body)
{
	str_addvarint(body, texts->n);
	for (size_t i = 0; i < texts->n; i++)
		ipc_add_text(body, VIEW(texts->v[i]));
}

void identity_write(const struct identity *identity, struct str *body)
{
	ipc_add_text(body, VIEW(identity->uid));
	ipc_add_text(body, VIEW(identity->name));
	ipc_add_text(body, VIEW(identity->shown));
	write_texts(&identity->addresses, body);
	str_addvarint(body, identity->groups.n);
	for (size_t i = 0; i < identity->groups.n; i++) {
		ipc_add_text(body, VIEW(identity->groups.v[i].name));
		write_texts(&identity->groups.v[i].addresses, body);
	}
}

/* One that is not empty, and of which a C string can be made. */
static int read_text(struct view *rest, struct arena *arena, char **text_r)
{
	struct view text;

	if (ipc_text(rest, &text) < 0 || text.len == 0 || memchr(text.data, '\0', text.len) != NULL)
		return -1;
	*text_r = arena_strn(arena, text.data, text.len);
	return 0;
}

static int read_texts(struct view *rest, struct arena *arena, struct identity_texts *texts_r)
{
	uint64_t n;
	char *text;

	if (view_varint(rest, &n) < 0)
		return -1;
	for (; n > 0; n--) {
		if (read_text(rest, arena, &text) < 0)
			return -1;
		ARENA_PUSH(arena, *texts_r, text);
	}
	return 0;
}

static int read_groups(struct view *rest, struct arena *arena, struct identity *identity_r)
{
	uint64_t n;

	if (view_varint(rest, &n) < 0)
		return -1;
	for (; n > 0; n--) {
		struct identity_group group = {0};

		if (read_text(rest, arena, &group.name) < 0 ||
		    read_texts(rest, arena, &group.addresses) < 0)
			return -1;
		ARENA_PUSH(arena, identity_r->groups, group);
	}
	return 0;
}

int identity_read(struct view *rest, struct arena *arena, struct identity *identity_r,
		  struct err *err)
{
	*identity_r = (struct identity){0};
	if (read_text(rest, arena, &identity_r->uid) == 0 &&
	    read_text(rest, arena, &identity_r->name) == 0 &&
	    read_text(rest, arena, &identity_r->shown) == 0 &&
	    read_texts(rest, arena, &identity_r->addresses) == 0 &&
	    read_groups(rest, arena, identity_r) == 0)
		return 0;
	return err_set(err, ERR_DAMAGED, "what sealpost-login told of a person is malformed");
}

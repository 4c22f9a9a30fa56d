/* SPDX-License-Identifier: GPL-3.0-or-later */
/* peek - shows what is in a spool, which only the archive's key opens; for tests of the doors.
 *
 *     peek ARCHIVE pending|ready|stuck
 *
 * One line of JSON for each entry, oldest first: its id, all that its envelope tells, and its bytes as "raw".
 * Each byte of a text is one character, U+0000 to U+00FF ("latin-1" gives the bytes back). */
#include "app/intake/spool.h"
#include "storage/keyring.h"

#include <ctype.h>
#include <stdio.h>

enum { MAIL_MAX = 1 << 30 };

static void die(const struct err *err)
{
	fprintf(stderr, "peek: %s: %s\n", err_code(err->kind), err->text);
	exit(1);
}

static void print_text(struct view text)
{
	putchar('"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (!isascii(c) || iscntrl(c) || c == '"' || c == '\\')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_list(const char *name, const struct views *list)
{
	printf(", \"%s\": [", name);
	for (size_t i = 0; i < list->n; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		print_text(list->v[i]);
	}
	putchar(']');
}

static void print_texts(const struct envelope *env)
{
	const struct {
		const char *name;
		struct view value;
	} texts[] = {
		{"door", VIEW(door_text(env->door))},
		{"source", env->source},
		{"reverse_path", env->reverse_path},
		{"queue_id", env->queue_id},
		{"client_name", env->client_name},
		{"client_addr", env->client_addr},
		{"helo", env->helo},
		{"login", env->login},
		{"tls", env->tls},
		{"mail_params", env->mail_params},
		{"trace", env->trace},
		{"place", env->place},
		{"place_flags", env->place_flags},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		printf(", \"%s\": ", texts[i].name);
		print_text(texts[i].value);
	}
}

static void print_entry(const struct uuid *id, const struct envelope *env, struct view raw)
{
	static const struct uuid none;
	char text[UUID_TEXT + 1];

	printf("{\"id\": \"%s\"", uuid_text(id, text));
	print_texts(env);
	print_list("recipients", &env->recipients);
	print_list("hidden", &env->hidden);
	print_list("marks", &env->marks);
	printf(", \"seen_ms\": %lld, \"source_time_s\": %lld", (long long)env->seen_ms,
	       (long long)env->source_time_s);
	printf(", \"spam\": %s, \"unwrap\": %s, \"is_copy\": %s, \"wants_receipt\": %s",
	       env->spam ? "true" : "false", env->unwrap ? "true" : "false",
	       env->is_copy ? "true" : "false", env->wants_receipt ? "true" : "false");
	printf(", \"capture\": \"%s\"",
	       uuid_eq(&env->capture, &none) ? "" : uuid_text(&env->capture, text));
	fputs(", \"raw\": ", stdout);
	print_text(raw);
	fputs("}\n", stdout);
}

static struct x25519 *read_key(const char *archive_dir)
{
	CLEAN(keyring) keys = NULL;
	CLEAN(secret) private = NULL;
	CLEAN_STR path = STR_INIT;
	struct err err = {0};

	str_addf(&path, "%s/archive.key", archive_dir);
	if (keyring_load(path.data, &keys, &err) < 0)
		die(&err);
	private = keyring_derive(keys, KEY_USE_SPOOL, VIEW(""));
	return x25519_new(private);
}

static void show(struct spool *spool, enum spool_state state, const struct x25519 *key)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR raw = STR_INIT;
	struct err err = {0};
	struct uuid *ids;
	size_t n;

	if (spool_list(spool, state, 0, arena, &ids, &n, &err) < 0)
		die(&err);
	for (size_t i = 0; i < n; i++) {
		struct envelope env;

		if (spool_read(spool, state, &ids[i], key, MAIL_MAX, &raw, arena, &env, &err) == 0)
			print_entry(&ids[i], &env, str_view(&raw));
		else if (err.kind != ERR_NOTFOUND) /* else it has left meanwhile */
			die(&err);
	}
}

int main(int argc, char **argv)
{
	CLEAN(spool) spool = NULL;
	CLEAN(x25519) key = NULL;
	struct err err = {0};

	must(argc == 3);
	if (spool_open(argv[1], &spool, &err) < 0)
		die(&err);
	key = read_key(argv[1]);
	for (enum spool_state state = SPOOL_PENDING; state <= SPOOL_STUCK; state++)
		if (strcmp(argv[2], spool_state_text(state)) == 0)
			show(spool, state, key);
	return 0;
}

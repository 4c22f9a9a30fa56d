/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A spool entry as a broken disk or a stranger with the public key leaves it. The first byte tells what the
 * rest is:
 *     'E'  edits of a true entry: where (2 bytes), what to exclusive-or (1 byte); 0 cuts it there
 *     'M'  an envelope, to be read in two halves
 *     else a whole entry
 * Whatever is given out must be what was put in. */
#include "app/intake/spool.h"
#include "base/file.h"

#include <stdio.h>
#include <unistd.h>

#define MAIL "From: anna@example.org\r\nSubject: hello\r\n\r\nbody\r\n"

static char dir[] = "/tmp/fuzz_spool.XXXXXX";
static char path[128];
static struct spool *spool;
static struct x25519 *key;
static struct uuid id;
static struct str whole; /* the entry as it was written */

static void clean_up(void)
{
	static const char *const names[] = {"/spool/ready", "/spool/pending", "/spool/stuck",
					    "/spool", ""};
	CLEAN_STR name = STR_INIT;

	unlink(path);
	str_addf(&name, "%s/spool.pub", dir);
	unlink(name.data);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		str_reset(&name);
		str_addf(&name, "%s%s", dir, names[i]);
		rmdir(name.data);
	}
}

static void start(void)
{
	CLEAN_STR name = STR_INIT;
	CLEAN(spool_entry) e = NULL;
	struct view recipient = VIEW("bert@example.org");
	struct envelope env = {.door = DOOR_LMTP, .recipients = {&recipient, 1, 1}};
	struct public_key public;
	struct err err;
	char text[UUID_TEXT + 1];

	must(mkdtemp(dir) != NULL);
	key = x25519_new(NULL);
	public = public_key_of(key);
	str_addf(&name, "%s/spool.pub", dir);
	must(public_key_save(&public, name.data, &err) == 0);
	must(spool_open(dir, &spool, &err) == 0);
	spool_set_reserve(spool, 0);
	must(spool_begin(spool, 0, &e, &err) == 0 &&
	     spool_write(e, MAIL, strlen(MAIL), &err) == 0 && spool_commit(e, &env, &err) == 0);
	id = *spool_entry_id(e);
	snprintf(path, sizeof(path), "%s/spool/ready/%s", dir, uuid_text(&id, text));
	str_init(&whole);
	must(file_read(path, 1 << 20, &whole, &err) == 0);
	atexit(clean_up);
}

static void edit(struct view edits, struct str *entry)
{
	uint16_t where;
	uint8_t what;

	while (entry->len > 0 && view_u16(&edits, &where) == 0 && view_u8(&edits, &what) == 0) {
		where = (uint16_t)(where % entry->len);
		if (what == 0)
			entry->len = where;
		else
			entry->data[where] = (char)(entry->data[where] ^ what);
	}
}

static void write_entry(const struct str *entry)
{
	FILE *file = fopen(path, "w");

	must(file != NULL && fwrite(entry->data, 1, entry->len, file) == entry->len);
	must(fclose(file) == 0);
}

static void read_entry(void)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR raw = STR_INIT;
	struct envelope env;
	struct err err = {0};

	if (spool_read(spool, SPOOL_READY, &id, key, 1 << 20, &raw, arena, &env, &err) < 0) {
		must(err.kind != ERR_NONE && raw.len == 0);
		return;
	}
	must(view_eq(str_view(&raw), VIEW(MAIL)));
	must(env.door == DOOR_LMTP && env.recipients.n == 1);
}

static void read_two_envelopes(struct view bytes)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR again = STR_INIT;
	struct envelope env = {0}, copy = {0};
	struct view first = {bytes.data, bytes.len / 2};
	struct view second = {bytes.data + first.len, bytes.len - first.len};
	struct err err;

	if (envelope_read(arena, first, &env, &err) < 0 ||
	    envelope_read(arena, second, &env, &err) < 0)
		return;
	envelope_write(&again, &env);
	must(envelope_read(arena, str_view(&again), &copy, &err) == 0);
	must(copy.recipients.n == env.recipients.n && copy.door == env.door &&
	     view_eq(copy.helo, env.helo) && copy.seen_ms == env.seen_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view rest = {(const char *)data, size};
	CLEAN_STR entry = STR_INIT;
	uint8_t mode = 0;

	if (spool == NULL)
		start();
	if (size > 0 && (data[0] == 'E' || data[0] == 'M'))
		view_u8(&rest, &mode);
	if (mode == 'M') {
		read_two_envelopes(rest);
		return 0;
	}
	str_addv(&entry, mode == 'E' ? str_view(&whole) : rest);
	if (mode == 'E')
		edit(rest, &entry);
	write_entry(&entry);
	read_entry();
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/haul.h"

#include "base/clock.h"

enum {
	MAILS = 32,
	BYTES = 8 << 20 /* more are not kept waiting */
};

struct item {
	struct spool_entry *entry;
	struct envelope env;
	struct fetch_which which;
	uint64_t size_bytes;
};

struct haul {
	struct ledger *ledger;
	struct spool *spool;
	struct arena *arena; /* of the items' texts */
	struct spool_entry *open;
	uint64_t open_bytes;
	struct item items[MAILS];
	size_t n;
	uint64_t bytes;
};

struct haul *haul_new(struct ledger *ledger, struct spool *spool)
{
	struct haul *b = mem_new(sizeof(*b));

	b->ledger = ledger;
	b->spool = spool;
	b->arena = arena_new();
	return b;
}

static void empty(struct haul *b)
{
	for (size_t i = 0; i < b->n; i++)
		spool_entry_free(&b->items[i].entry);
	b->n = 0;
	b->bytes = 0;
	arena_reset(b->arena);
}

void haul_free(struct haul **haul)
{
	struct haul *b = *haul;

	if (b == NULL)
		return;
	haul_drop(b);
	empty(b);
	arena_free(&b->arena);
	free(b);
	*haul = NULL;
}

int haul_begin(struct haul *b, uint64_t size_bytes, struct err *err)
{
	must(b->open == NULL);
	b->open_bytes = 0;
	return spool_begin(b->spool, size_bytes, &b->open, err);
}

int haul_write(struct haul *b, const void *data, size_t len, struct err *err)
{
	uint64_t max = ledger_job(b->ledger)->mail_bytes;

	if (b->open_bytes > max || len > max - b->open_bytes) {
		b->open_bytes = max + 1;
		return err_set(err, ERR_TOOBIG, "it has more than %llu bytes",
			       (unsigned long long)max);
	}
	b->open_bytes += len;
	return spool_write(b->open, data, len, err);
}

bool haul_is_open(const struct haul *b)
{
	return b->open != NULL;
}

void haul_drop(struct haul *b)
{
	spool_entry_free(&b->open);
}

/* "INBOX/17/4711", or folder and UIDL. */
static struct view place_of(struct arena *arena, const struct fetch_which *which)
{
	CLEAN_STR place = STR_INIT;

	str_addv(&place, which->folder);
	if (which->uidl.len > 0) {
		str_addc(&place, '/');
		str_addv(&place, which->uidl);
	} else {
		str_addf(&place, "/%llu/%llu", (unsigned long long)which->uidvalidity,
			 (unsigned long long)which->uid);
	}
	return arena_view(arena, str_view(&place));
}

int haul_take(struct haul *b, const struct sighting *sighting, struct err *err)
{
	const struct fetch_job *job = ledger_job(b->ledger);
	struct item *item = &b->items[b->n];

	item->which = sighting->which;
	item->which.folder = arena_view(b->arena, sighting->which.folder);
	item->which.uidl = arena_view(b->arena, sighting->which.uidl);
	item->env = (struct envelope){
		.door = DOOR_FETCH,
		.source = job->account,
		.seen_ms = clock_ms(),
		.place = place_of(b->arena, &sighting->which),
		.place_flags = arena_view(b->arena, sighting->flags),
		.source_time_s = sighting->time_s,
		.unwrap = job->unwrap,
		.wants_receipt = true,
	};
	item->entry = TAKE(b->open);
	item->size_bytes = b->open_bytes;
	b->n++;
	b->bytes += b->open_bytes;
	return b->n == MAILS || b->bytes >= BYTES ? haul_commit(b, err) : 0;
}

static int tell(struct haul *b, const struct item *item, struct err *err)
{
	const struct uuid *id = spool_entry_id(item->entry);
	struct fetch_mail m = {
		.which = item->which,
		.entry = {(const char *)id->b, UUID_BYTES},
		.size_bytes = item->size_bytes,
	};

	return ledger_send_mail(b->ledger, &m, err);
}

int haul_commit(struct haul *b, struct err *err)
{
	struct spool_entry *entries[MAILS];
	struct envelope envs[MAILS];

	for (size_t i = 0; i < b->n; i++) {
		entries[i] = b->items[i].entry;
		envs[i] = b->items[i].env;
	}
	if (spool_commit_all(entries, envs, b->n, err) < 0)
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		if (tell(b, &b->items[i], err) < 0)
			return -1;
	}
	empty(b);
	return 0;
}

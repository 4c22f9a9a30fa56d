/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool.h - where a mail waits, safe against power loss, until the archiver has taken it.
 *
 * (S1) A mail is in the spool whole or not at all. spool_commit() has synced file and directory
 *      before it returns 0; only then may a door answer "250".
 * (S2) The bytes of a committed entry are never changed. It leaves through spool_done() or, when a
 *      person says so, spool_drop(), and no other way.
 * (S3) Doors hold no key and no database: entries are sealed to the archiver's public key.
 *
 * An entry is one file, named by its id (UUIDv7; nothing of the mail is in it), in one of three folders:
 *     pending/  captured, but it is not known yet whether the mail server will deliver it
 *     ready/    to be archived
 *     stuck/    cannot be archived; beside it, ID.why says so in one line, "code: text"
 * It moves between them by rename. Files get the rights that their folder has, but for execution, so that doors
 * and archiver may be different users of one group. The folder spool/ is its maker's alone, unless the archive's folder hands on its group
 * (set-group-ID): then it is that group's, too. The file:
 *     8   "SPSPOOL1"
 *     8   length of the sealed mail, little-endian
 *     8   length of the sealed envelope
 *     the mail, sealed (base/seal.h); the envelope, sealed; of an entry that was pending, a second
 *     envelope, sealed, which completes the first
 * The context of each sealing is the entry's id and one byte: 'M' the mail, 'E' an envelope that is
 * complete, 'P' one that waits for its completion.
 *
 * While it is written an entry has no name at all (O_TMPFILE), so a crash leaves nothing to sweep out.
 */
#ifndef APP_INTAKE_SPOOL_H
#define APP_INTAKE_SPOOL_H

#include "app/intake/envelope.h"
#include "base/id.h"
#include "base/seal.h"

struct spool;       /* one open spool; may be shared between threads */
struct spool_entry; /* one mail that is being written; belongs to one thread */

enum spool_state { SPOOL_PENDING, SPOOL_READY, SPOOL_STUCK };
const char *spool_state_text(enum spool_state state);

/* The spool of the archive in ARCHIVE_DIR, made if it is not there: the folder spool/ and the public key
 * spool.pub. A file system that cannot do what (S1) needs is ERR_UNSUPPORTED. */
int spool_open(const char *archive_dir, struct spool **spool_r, struct err *err);
void spool_free(struct spool **spool);

/* Disk space that is never used up, so that the archive on the same disk has room to take what waits:
 * file_reserve() with FILE_RESERVE_AUTO, unless set otherwise. */
void spool_set_reserve(struct spool *spool, uint64_t bytes);

/* The doors' side.
 *
 * Write one mail. Lack of space is ERR_NOSPACE from begin, so that a door can refuse before DATA;
 * SIZE_BYTES is what the client announced (RFC 1870), 0 if nothing. After an error from write, commit or hold the
 * entry is of no use. Freeing an entry that was not committed discards it. */
int spool_begin(struct spool *spool, uint64_t size_bytes, struct spool_entry **entry_r,
		struct err *err);
int spool_write(struct spool_entry *entry, const void *data, size_t len, struct err *err);
const struct uuid *spool_entry_id(const struct spool_entry *entry);
void spool_entry_free(struct spool_entry **entry);

/* To be archived. ERR_UNSURE: it may be in the spool or not; to send it again is safe. */
int spool_commit(struct spool_entry *entry, const struct envelope *env, struct err *err);
/* The same for N entries of one spool at once, with far fewer waits for the disk than one by one. After an error
 * each of them may be in the spool or not. */
int spool_commit_all(struct spool_entry *const *entries, const struct envelope *envs, size_t n,
		     struct err *err);

/* As durable, but pending: for a mail that another program may still refuse. ENV is what is known now;
 * spool_bind() completes it (envelope_read() says how) and makes the entry ready. Binding may
 * be repeated, also after a crash: 1 it is ready now; 0 it was before, and ENV was not used; ERR_NOTFOUND: there is
 * no such entry, or it was archived already. */
int spool_hold(struct spool_entry *entry, const struct envelope *env, struct err *err);
int spool_bind(struct spool *spool, const struct uuid *id, const struct envelope *env,
	       struct err *err);

/* Queue ids: which capture belongs to a mail in the mail server's queue. spool/queue/QUEUE-ID is a symbolic link
 * to the entry's id (with ".filtered" behind it, if the mail will pass a filter behind the queue). A
 * queue id is 1 to 64 letters and digits; anything else is not noted. It is a help where a token got lost: a
 * note that a crash took away costs nothing but the comparison with the original. A queue id that is noted
 * again stands for the new entry. */
enum spool_stage { SPOOL_DELIVERED_NEXT, SPOOL_FILTERED_NEXT };
int spool_note_queue(struct spool *spool, struct view queue_id, const struct uuid *id,
		     enum spool_stage stage, struct err *err);
/* 1, or 0: no entry is known by this queue id. It may be archived already. */
int spool_by_queue(struct spool *spool, struct view queue_id, struct uuid *id_r,
		   enum spool_stage *stage_r, struct err *err);

/* Pending entries of mail that was rejected, deleted or never finished. An entry goes when it is older than
 * KEEP_S and QUEUED says that the mail server does not know its queue id any more; one that has a filter
 * to pass, or no queue id, when it is older than KEEP_FILTERED_S. What the mail server still has in its queue
 * stays however old it is. A note goes when its entry could go: what became ready long ago needs none. */
struct spool_expiry {
	int64_t keep_s, keep_filtered_s;
	void *arg;
	bool (*queued)(void *arg, struct view queue_id); /* NULL: every id may still be there */
};
int spool_expire(struct spool *spool, const struct spool_expiry *expiry, size_t *dropped_r,
		 struct err *err);

/* The archiver's side. */

struct spool_item {
	struct uuid id;
	uint64_t size_bytes; /* of the file */
	int64_t since_s;     /* since when it is in this state */
	struct view why;     /* stuck ones: "code: text" */
};

/* The ids in this state, oldest first, as far as MAX goes (0: all); in the arena. */
int spool_list(struct spool *spool, enum spool_state state, size_t max, struct arena *arena,
	       struct uuid **ids_r, size_t *n_r, struct err *err);
/* One entry: 1, 0 there is none in this state, -1. WHY is in the arena. */
int spool_look(struct spool *spool, enum spool_state state, const struct uuid *id,
	       struct arena *arena, struct spool_item *item_r, struct err *err);

/* Open an entry: its bytes in RAW (reset first), its envelope with views in the arena. Either may be NULL. A
 * mail of more than MAX_BYTES is ERR_TOOBIG, what does not open ERR_DAMAGED or ERR_WRONGKEY. The error does not name the
 * entry: it may become the reason that is kept beside it. */
int spool_read(struct spool *spool, enum spool_state state, const struct uuid *id,
	       const struct x25519 *key, uint64_t max_bytes, struct str *raw, struct arena *arena,
	       struct envelope *env_r, struct err *err);

/* It was archived: its record is durable and the catalog committed. If power fails now it may be there
 * again, and is found to be known. */
int spool_done(struct spool *spool, const struct uuid *id, struct err *err);
/* It cannot be archived, WHY. ERR_NOTFOUND: somebody dropped it meanwhile. */
int spool_stick(struct spool *spool, const struct uuid *id, const struct err *why, struct err *err);
/* Try a stuck one again; forget one for good. ERR_NOTFOUND if it is not in this state. */
int spool_retry(struct spool *spool, const struct uuid *id, struct err *err);
int spool_drop(struct spool *spool, enum spool_state state, const struct uuid *id, struct err *err);

/* A descriptor (the spool's) that is readable, see poll(2), when an entry has become ready since the last
 * spool_heed(). To miss nothing: heed, then list, then wait. */
int spool_watch(struct spool *spool, int *fd_r, struct err *err);
void spool_heed(struct spool *spool);

#endif

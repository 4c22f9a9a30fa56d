/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.h - what a mail record and a provenance record hold, to bytes and back (docs/FORMAT.md).
 *
 * Payload: varint length of the facts, the facts as fields (varint tag, varint length, bytes), then, of a mail
 * record, the skeleton, and of a provenance record, the sighting's header block. A reader passes
 * over tags that it does not know.
 */
#ifndef APP_ARCHIVE_RECORD_H
#define APP_ARCHIVE_RECORD_H

#include "app/catalog/mails.h"
#include "app/mail/split.h"
#include "base/arena.h"
#include "base/crypto.h"

struct facts_list {
	struct view *v;
	size_t n, cap;
};

/* How, when and whence a mail came. What is not known is empty, or 0. */
struct facts {
	enum way way;
	struct view source; /* name of the source */
	struct view place; /* where in the source: "inbox.mbox#17", or the mail server's queue id */
	struct view flags; /* of the source: Maildir flags; then words of ours, see FORMAT.md */
	int64_t seen_ms;   /* when it was taken in */
	int64_t source_time_s; /* what the source says of its time */
	struct view reverse_path;
	struct facts_list recipients; /* of the envelope */
	struct facts_list
		hidden; /* addresses of the archive itself: they never count as recipients */
	struct view on_behalf_of;                               /* as a journal report tells */
	struct view client_name, client_addr, helo, login, tls; /* as in app/intake/envelope.h */
	struct view queue_id, mail_params;
	struct view trace;  /* header fields that the mail server put on top after the capture */
	struct view report; /* the journal report without the mail that was attached */
	bool spam;          /* it was marked on its way, whatever its own header says */
};

/* A copy, with all that it points to in the arena. */
void facts_copy(struct arena *arena, const struct facts *from, struct facts *to);

/* A splice as a record keeps it: where in the skeleton it goes, and which part. */
struct record_splice {
	size_t at;              /* offset in the skeleton */
	struct splice geometry; /* start is not set */
	struct hash part;
};

struct mail_record {
	struct facts facts;
	struct hash exact, content;
	uint64_t size; /* of the captured bytes */
	struct {
		struct record_splice *v;
		size_t n, cap;
	} splices;
	struct view skeleton; /* set by record_read() */
};

struct provenance_record {
	struct facts facts;
	struct uuid mail; /* the id of the mail that was seen again */
	struct hash exact;
	uint64_t size;
	struct view header; /* header block; set by record_read */
};

/* Append the payload up to where the skeleton (or the header block) begins. */
void record_write_mail(struct str *out, const struct mail_record *record);
void record_write_provenance(struct str *out, const struct provenance_record *record);

/* Read a whole payload; views point into it, arrays into the arena. ERR_DAMAGED where it does not
 * hold together. */
int record_read_mail(struct arena *arena, struct view payload, struct mail_record *record_r,
		     struct err *err);
int record_read_provenance(struct arena *arena, struct view payload,
			   struct provenance_record *record_r, struct err *err);

/* The tombstone of an erased mail, in the pack that took the old one's place. */
void record_write_erased(struct str *out, const struct uuid *mail, const struct tombstone *t);
/* Its `mail` stays 0. One that an older version wrote has no request. */
int record_read_erased(struct view payload, struct uuid *mail_r, struct tombstone *tombstone_r,
		       struct err *err);

#endif

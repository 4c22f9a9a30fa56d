/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prepare.h - the first half of taking a mail in: all that needs no database and no lock.
 *
 * A worker thread owns a struct preparer and turns captured bytes into a struct prepared: digests,
 * parsed mail, parts taken out, everything compressed. take.h does the second half, in one thread.
 */
#ifndef APP_ARCHIVE_PREPARE_H
#define APP_ARCHIVE_PREPARE_H

#include "app/archive/record.h"
#include "app/mail/mail.h"
#include "storage/compress.h"
#include "storage/keyring.h"

struct prepared_part {
	struct hash hash;
	size_t size; /* decoded */
	enum encoding encoding;
	struct view payload; /* encoded record payload; data NULL: not made (see prepared_part()) */
};

struct prepared {
	struct arena *arena;
	struct str raw; /* the captured bytes; owned */
	struct facts facts;
	struct mail mail;
	struct mail_record record;
	struct split split;
	struct {
		struct prepared_part *v;
		size_t n, cap;
	} parts; /* one per splice */
	enum encoding encoding;
	struct str payload; /* encoded payload of the mail record */
	struct err err;     /* kind set: it is no mail, or too large; nothing else is set then */
};

/* What preparers in several threads share: which parts some mail of this run carries already, so that an
 * attachment that comes often is compressed once. A hint only. */
struct seen_parts;
struct seen_parts *seen_parts_new(void);
void seen_parts_free(struct seen_parts **seen);

struct preparer; /* one per thread */
struct preparer *preparer_new(const struct keyring *keys, const struct dictionary *dict,
			      struct seen_parts *seen, const struct mail_limits *limits);
void preparer_free(struct preparer **preparer);

/* RAW (taken over) and FACTS (copied) to a prepared mail. DEFINITELY_MAIL: do not ask whether it is one
 * (it was delivered, or stood between From_ lines). Free with prepared_free(). */
struct prepared *prepare(struct preparer *p, struct str *raw, const struct facts *facts,
			 bool definitely_mail);
void prepared_free(struct prepared **prepared);
size_t prepared_bytes(const struct prepared *prepared); /* memory held, for budgets */

/* Part I with its encoded payload, made now if it was not made in the worker (another mail had it
 * first, or this one is large). Valid until the next call. */
struct prepared_part prepared_part(struct preparer *p, struct prepared *m, size_t i);

/* The skeletons' beginnings of mails, for training a dictionary: appended to SAMPLES. */
void prepare_sample(struct preparer *p, struct view raw, struct str *samples);

#endif

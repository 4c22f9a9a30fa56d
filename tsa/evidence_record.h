/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evidence_record.h - evidence records (RFC 4998): the whole proof of some bytes, readable by the programs of others.
 *
 * An EvidenceRecord is a sequence of chains; each chain has one hash algorithm, and archive timestamps, each a reduced hash tree and a
 * token. In a chain, each timestamp covers the token before it (timestamp renewal, section 5.2); the first of a later chain covers the
 * data and all chains before (hash-tree renewal, section 5.3).
 */
#ifndef TSA_EVIDENCE_RECORD_H
#define TSA_EVIDENCE_RECORD_H

#include "tsa/token.h"

/* --- writing --- */

struct evidence_record;
struct evidence_record *evidence_record_new(void);
void evidence_record_free(struct evidence_record **record);
void evidence_record_add_chain(struct evidence_record *record, enum digest_alg alg);
/* An archive timestamp at the end of the last chain. LISTS: the reduced hash tree, lists of digests, the first of which holds what is
 * proved (of a data group: one digest for each object of it); none: the imprint is the digest itself. */
struct digest_list {
	struct digest *v;
	size_t n;
};
int evidence_record_add_timestamp(struct evidence_record *record, const struct digest_list *lists,
				  size_t n_lists, struct view token, struct err *err);
/* DER, appended. Also of a record that is not finished: what section 5.3 hashes (the sequence of chains alone) is
 * evidence_record_write_chains(). */
void evidence_record_write(const struct evidence_record *record, struct str *der);
void evidence_record_write_chains(const struct evidence_record *record, struct str *der);

/* --- reading --- */

/* What was found, chain by chain, for people and for tests. */
struct evidence_report {
	size_t chains, timestamps;
	int64_t first_ms; /* time of the first token: since then the data is proved */
	int64_t last_ms;
	int64_t ends_s;        /* when the last token's first certificate ends */
	const char *authority; /* of the first token */
	struct view ca; /* DER of the CA certificate that it leads to; empty: nothing was trusted */
	struct {
		struct view *v; /* DER, of each timestamp */
		size_t n, cap;
	} tokens;
	struct { /* SHA-256, for each chain but the first: of the chains before it, encoded */
		struct digest *v;
		size_t n, cap;
	} before;
};

/* Read DER (and nothing behind it), and prove with it the N objects of one data group, at AT_S: every reduced hash tree, every
 * token at the time of the one after it, the last at AT_S, each chain over the ones before. ERR_DAMAGED in words says what does not
 * fit; the kinds of token.h for tokens. TRUST NULL: trees and imprints are proved, signatures are not. */
int evidence_record_verify(struct view der, const struct view *objects, size_t n,
			   const struct token_trust *trust, int64_t at_s, struct arena *arena,
			   struct evidence_report *report_r, struct err *err);

#endif

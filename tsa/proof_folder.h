/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proof_folder.h - a proof for strangers: a folder with the mail and all that proves it, and the check of such a folder, for which neither archive
 * nor key is needed.
 *
 *   mail.eml             the mail, bit for bit
 *   provenance-N.txt     how it came (app/archive/provenance.h), N from 1
 *   evidence.ers         the evidence record (RFC 4998), DER; evidence-2.ers ... where sightings were stamped later, each with the provenance
 *                        texts that README.txt names
 *   token-N.tsr          the timestamps in it, as responses (RFC 3161), N from 1 in order of time; token-N.pem: certificates in it
 *   ca-N.pem             the CA certificates that they lead to
 *   README.txt           what it proves since when, and the commands by which a stranger checks it with `openssl ts -verify` and sha256sum alone
 *   proof.json           the same for programs: which files make up which evidence record
 */
#ifndef TSA_PROOF_FOLDER_H
#define TSA_PROOF_FOLDER_H

#include "tsa/prove.h"

/* DIR must not exist, or be empty; after an error nothing of it is left. ERR_BUSY: the mail is not stamped yet. */
int proof_folder_write(struct archive *a, const struct uuid *id, const char *dir, struct err *err);

/* The same files to PUT, one after the other, for who has no folder. */
typedef int proof_put_fn(void *arg, const char *name, struct view content, struct err *err);
int proof_folder_make(struct archive *a, const struct uuid *id, proof_put_fn *put, void *arg,
		      struct err *err);

struct proof_folder_report {
	struct evidence_report evidence; /* of the first record */
	size_t records;
	const char *
		ca; /* SHA-256 of the CA certificate, hex: to be compared with what the authority publishes */
	const char *mail; /* id */
};
/* TRUST: CA certificates; NULL: those of the folder. Files that proof.json does not name are told as an error, too. */
int proof_folder_check(const char *dir, const struct token_trust *trust, int64_t at_s,
		       struct arena *arena, struct proof_folder_report *report_r, struct err *err);

#endif

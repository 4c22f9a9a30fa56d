/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sessions.h - rows of what lets people in: sessions, API tokens, one-time codes, and log-ins that failed. What they mean, and when they
 * end, is app/access's business. Of cookies and tokens only the SHA-256 is kept: who reads the catalog cannot use them.
 */
#ifndef APP_CATALOG_SESSIONS_H
#define APP_CATALOG_SESSIONS_H

#include "app/catalog/catalog.h"
#include "base/arena.h"

struct session_row {
	struct hash hash; /* of the cookie */
	uint64_t person;
	struct hash csrf; /* what goes with all that changes anything */
	int64_t begun_s, used_s;
	struct view peer; /* address and program, for the person to know it again */
	bool second;      /* a one-time code has to be set up before anything else */
};
struct session_rows {
	struct session_row *v;
	size_t n, cap;
};
int sessions_add(struct catalog *catalog, const struct session_row *row, struct err *err);
int sessions_get(struct catalog *catalog, struct arena *arena, const struct hash *hash,
		 struct session_row *row_r, struct err *err); /* 1, 0 */
/* It was used at NOW_S. Not at once durable, and left out while somebody else is writing. */
int sessions_use(struct catalog *catalog, const struct hash *hash, int64_t now_s, struct err *err);
int sessions_second_done(struct catalog *catalog, const struct hash *hash, struct err *err);
int sessions_end(struct catalog *catalog, const struct hash *hash, struct err *err);
/* All of a person's; but the one of KEEP (NULL: none is kept). */
int sessions_end_all(struct catalog *catalog, uint64_t person, const struct hash *keep,
		     struct err *err);
/* The newest use first. */
int sessions_list(struct catalog *catalog, struct arena *arena, uint64_t person,
		  struct session_rows *rows_r, struct err *err);
/* Those begun before BEGUN_S, or not used since USED_S. */
int sessions_expire(struct catalog *catalog, int64_t begun_s, int64_t used_s, struct err *err);

struct api_token_row {
	uint64_t token, person;
	struct view name;
	unsigned scopes; /* app/access/api_token.h */
	int64_t made_s, ends_s, used_s;
};
struct api_token_rows {
	struct api_token_row *v;
	size_t n, cap;
};
int api_tokens_add(struct catalog *catalog, const struct hash *hash,
		   const struct api_token_row *row, uint64_t *token_r, struct err *err);
int api_tokens_get(struct catalog *catalog, struct arena *arena, const struct hash *hash,
		   struct api_token_row *row_r, struct err *err); /* 1, 0 */
int api_tokens_use(struct catalog *catalog, uint64_t token, int64_t now_s, struct err *err);
int api_tokens_list(struct catalog *catalog, struct arena *arena, uint64_t person,
		    struct api_token_rows *rows_r, struct err *err);
int api_tokens_remove(struct catalog *catalog, uint64_t person, uint64_t token,
		      struct err *err); /* ERR_NOTFOUND */

/* One-time codes: one secret a person. */
struct totp_row {
	struct secret *secret; /* the caller's */
	bool confirmed;
	int64_t step; /* the last one used */
};
int totp_get(struct catalog *catalog, uint64_t person, struct totp_row *row_r,
	     struct err *err); /* 1, 0 */
int totp_put(struct catalog *catalog, uint64_t person, const struct secret *secret,
	     struct err *err); /* not confirmed yet */
/* STEP is used up: 1; 0 it, or a later one, was before. In force from the first one on. */
int totp_use_step(struct catalog *catalog, uint64_t person, int64_t step, struct err *err);
int totp_remove(struct catalog *catalog, uint64_t person,
		struct err *err); /* with the recovery codes */
/* Instead of those that were there. */
int recovery_codes_put(struct catalog *catalog, uint64_t person, const struct hash *hashes,
		       size_t n, struct err *err);
int recovery_codes_use(struct catalog *catalog, uint64_t person, const struct hash *hash,
		       struct err *err); /* 1; 0 it is none of his, or was used */
int recovery_codes_left(struct catalog *catalog, uint64_t person, uint64_t *n_r, struct err *err);

/* Failed log-ins, by a keyed hash of what they have in common. */
struct failure_row {
	uint64_t failed; /* in a row */
	int64_t last_s, until_s;
};
int failures_get(struct catalog *catalog, const struct hash *hash, struct failure_row *row_r,
		 struct err *err); /* 1, 0 */
int failures_put(struct catalog *catalog, const struct hash *hash, const struct failure_row *row,
		 struct err *err);
int failures_remove(struct catalog *catalog, const struct hash *hash, struct err *err);
/* Those whose last is older go; of more than MAX the oldest, too. */
int failures_tidy(struct catalog *catalog, int64_t last_s, uint64_t max, struct err *err);
/* Since SINCE_S: how many rows, and how many failures they count. */
int failures_count(struct catalog *catalog, int64_t since_s, uint64_t *rows_r, uint64_t *failed_r,
		   struct err *err);

#endif

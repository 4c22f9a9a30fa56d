/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/session.h"

#include "app/access/policy.h"
#include "app/catalog/audit.h"

enum { USE_S = 60, TOKEN_HEX = 64, TOKENS_MAX = 50 };
#define TOKEN_PREFIX "spt_"

/* 256 random bits, as text behind PREFIX; HASH_R is what is kept of them. */
static void make(const char *prefix, struct str *out, struct hash *hash_r)
{
	unsigned char random[KEY_BYTES];
	const size_t from = out->len;

	crypto_random(random, sizeof(random));
	str_adds(out, prefix);
	str_addhex(out, random, sizeof(random));
	*hash_r = crypto_sha256(out->data + from, out->len - from);
	explicit_bzero(random, sizeof(random));
}

int session_begin(struct catalog *catalog, uint64_t person, struct view peer, bool second,
		  int64_t now_s, struct str *cookie, struct err *err)
{
	struct session_row row = {.person = person,
				  .begun_s = now_s,
				  .used_s = now_s,
				  .peer = peer,
				  .second = second};

	make("", cookie, &row.hash);
	crypto_random(row.csrf.b, HASH_BYTES);
	return sessions_add(catalog, &row, err);
}

/* May the person be here at all? 1, 0. */
static int take_person(struct catalog *catalog, struct arena *arena, uint64_t person, int64_t now_s,
		       struct session *session_r, struct err *err)
{
	struct bounds bounds;
	int rc = people_get(catalog, arena, person, &session_r->person, err);

	if (rc <= 0 || !session_r->person.active)
		return rc < 0 ? -1 : 0;
	if (people_bounds(catalog, arena, person, &bounds, err) < 0)
		return -1;
	session_r->rights = rights_of_role(session_r->person.role);
	return now_s < bounds.valid_until_s;
}

static int is_over(struct catalog *catalog, const struct session_row *row, int64_t now_s,
		   struct err *err)
{
	struct policy policy;

	if (policy_load(catalog, &policy, err) < 0)
		return -1;
	return now_s - row->begun_s > policy.absolute_s || now_s - row->used_s > policy.idle_s;
}

int session_find(struct catalog *catalog, struct arena *arena, struct view cookie, int64_t now_s,
		 struct session *session_r, struct err *err)
{
	const struct hash hash = crypto_sha256(cookie.data, cookie.len);
	struct session_row row;
	int rc;

	*session_r = (struct session){0};
	if (cookie.len != SESSION_COOKIE_TEXT)
		return 0;
	rc = sessions_get(catalog, arena, &hash, &row, err);
	if (rc <= 0)
		return rc;
	rc = is_over(catalog, &row, now_s, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	session_r->hash = row.hash;
	session_r->csrf = row.csrf;
	session_r->begun_s = row.begun_s;
	session_r->second = row.second;
	rc = take_person(catalog, arena, row.person, now_s, session_r, err);
	if (rc <= 0)
		return rc;
	if (now_s - row.used_s >= USE_S && sessions_use(catalog, &row.hash, now_s, err) < 0)
		return -1;
	return 1;
}

bool session_csrf_is(const struct session *session, struct view token)
{
	struct hash given;

	return token.len == SESSION_CSRF_TEXT && str_unhex(token, given.b, HASH_BYTES) == 0 &&
	       hash_eq(&given, &session->csrf);
}

void session_add_csrf(const struct session *session, struct str *out)
{
	str_addhex(out, session->csrf.b, HASH_BYTES);
}

int session_tidy(struct catalog *catalog, int64_t now_s, struct err *err)
{
	struct policy policy;

	if (policy_load(catalog, &policy, err) < 0)
		return -1;
	return sessions_expire(catalog, now_s - policy.absolute_s, now_s - policy.idle_s, err);
}

/* ---- API tokens ---- */

static int check_token(struct catalog *catalog, uint64_t person, unsigned scopes, int64_t now_s,
		       int64_t ends_s, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct api_token_rows rows;
	struct person row;
	int rc = people_get(catalog, arena, person, &row, err);

	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_NOTFOUND, "there is no such person");
	if ((rights_of_scopes(scopes) & rights_of_role(row.role)) == 0)
		return err_set(err, ERR_SYNTAX,
			       "%s has none of these rights; the token could do nothing",
			       person_role_name(row.role));
	if (ends_s <= now_s)
		return err_set(err, ERR_SYNTAX, "a token ends in the future");
	if (api_tokens_list(catalog, arena, person, &rows, err) < 0)
		return -1;
	return rows.n < TOKENS_MAX ? 0
				   : err_set(err, ERR_TOOBIG,
					     "there are %d tokens; revoke one first", TOKENS_MAX);
}

int api_token_make(struct catalog *catalog, uint64_t person, struct view name, unsigned scopes,
		   int64_t now_s, int64_t ends_s, struct str *token, uint64_t *number_r,
		   struct err *err)
{
	const struct api_token_row row = {.person = person,
					  .name = name,
					  .scopes = scopes,
					  .made_s = now_s,
					  .ends_s = ends_s};
	struct hash hash;

	if (check_token(catalog, person, scopes, now_s, ends_s, err) < 0)
		return -1;
	make(TOKEN_PREFIX, token, &hash);
	return api_tokens_add(catalog, &hash, &row, number_r, err);
}

int api_token_find(struct catalog *catalog, struct arena *arena, struct view token, int64_t now_s,
		   struct session *session_r, struct err *err)
{
	const struct hash hash = crypto_sha256(token.data, token.len);
	struct api_token_row row;
	int rc;

	*session_r = (struct session){0};
	if (token.len != strlen(TOKEN_PREFIX) + TOKEN_HEX || !view_starts(token, TOKEN_PREFIX))
		return 0;
	rc = api_tokens_get(catalog, arena, &hash, &row, err);
	if (rc <= 0 || now_s >= row.ends_s)
		return rc < 0 ? -1 : 0;
	rc = take_person(catalog, arena, row.person, now_s, session_r, err);
	if (rc <= 0)
		return rc;
	session_r->rights &= rights_of_scopes(row.scopes);
	session_r->token = row.token;
	if (now_s - row.used_s >= USE_S && api_tokens_use(catalog, row.token, now_s, err) < 0)
		return -1;
	return 1;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a timestamping authority sends, or somebody in its place. The first byte tells what the rest is:
 *     'C'  certificates, to be trusted
 *     'P'  how long they are (2 bytes), certificates, and a token that may lead to them
 *     'R'  the same with a response
 *     else a token */
#include "tsa/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TIME_S = 1800000000, TOLERANCE_S = 1 << 30 };

static struct arena *arena;

/* What is told of a token is whole, and the token can be given away as a response. */
static void check_info(struct view token, const struct token_info *info)
{
	CLEAN_STR der = STR_INIT;
	CLEAN_STR pem = STR_INIT;
	struct err err;

	must(digest_known(info->alg) && info->time_ms > 0);
	must(strlen(info->policy) < 256 && info->authority != NULL && info->serial != NULL);
	must(token_response_write(token, &der, &err) == 0 && der.len > token.len);
	must(token_certificates(token, &pem, &err) == 0);
}

static void read_token(struct view token, const struct token_trust *trust)
{
	struct token_info info;
	struct err err;

	if (token_verify(token, DIGEST_SHA256, NULL, NULL, 0, arena, &info, &err) == 0)
		check_info(token, &info);
	if (trust == NULL ||
	    token_verify(token, DIGEST_SHA256, NULL, trust, TIME_S, arena, &info, &err) < 0)
		return;
	must(info.ca.len > 0 && info.ends_s >= TIME_S);
	must(token_verify(token, info.alg, &info.imprint, trust, TIME_S, arena, &info, &err) == 0);
}

/* The seeds answer a request of zeroes: what is made of them counts only if it says the same. */
static void read_response(struct view response, const struct token_trust *trust)
{
	const struct token_request request = {.alg = DIGEST_SHA256};
	struct token_info info;
	struct view token;
	struct err err;

	if (token_of_response(response, &request, trust, TIME_S, TOLERANCE_S, arena, &token, &info,
			      &err) < 0)
		return;
	must(info.alg == request.alg && info.ca.len > 0);
	must(digest_eq(request.alg, &info.imprint, &request.imprint));
	check_info(token, &info);
}

static void read_with_trust(struct view v, bool is_response)
{
	CLEAN(token_trust) trust = NULL;
	struct view certificates;
	struct err err;
	uint16_t len;

	if (view_u16(&v, &len) < 0 || view_bytes(&v, len, &certificates) < 0 ||
	    token_trust_new(certificates, &trust, &err) < 0)
		return;
	if (is_response)
		read_response(v, trust);
	else
		read_token(v, trust);
}

static void read_certificates(struct view v)
{
	CLEAN(token_trust) trust = NULL;
	struct err err;

	if (token_trust_new(v, &trust, &err) < 0)
		must(err.kind == ERR_SYNTAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = {(const char *)data, size};
	uint8_t what;

	if (view_u8(&v, &what) < 0)
		return 0;
	arena = arena_new();
	if (what == 'P' || what == 'R')
		read_with_trust(v, what == 'R');
	else if (what == 'C')
		read_certificates(v);
	else
		read_token(v, NULL);
	arena_free(&arena);
	return 0;
}

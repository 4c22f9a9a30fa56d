/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a response must be to count (TK1), and an archived token (TK2); against OpenSSL's own responder, and against tokens with one
 * flaw each. */
#include "tests/unit/fixture.h"

#include "base/clock.h"
#include "tests/unit/timestamper.h"
#include "tsa/token.h"

#include <openssl/obj_mac.h>
#include <openssl/ts.h>

enum { TOLERANCE_S = 300 };
static const int64_t now_s = 1700000000, year_s = 365 * 86400;
#define STAMPING "critical,timeStamping"

static struct arena *arena;
static struct party *root, *middle, *signer, *stranger;
static struct token_trust *trust;

static struct party *new_signer(const struct party *issuer, const char *usages)
{
	const struct party_wishes wishes = {.issuer = issuer,
					    .usages = usages,
					    .begins_s = now_s - year_s,
					    .ends_s = now_s + year_s};

	return party_new("Signer of trials", &wishes);
}

static struct party *new_authority(const char *name, const struct party *issuer, int64_t ends_s)
{
	const struct party_wishes wishes = {
		.issuer = issuer, .begins_s = now_s - 5 * year_s, .ends_s = ends_s};

	return party_new(name, &wishes);
}

static int start(void **state)
{
	(void)state;
	arena = arena_new();
	root = new_authority("Root of trials", NULL, now_s + 20 * year_s);
	middle = new_authority("Middle of trials", root, now_s + year_s / 2);
	stranger = new_authority("Root of strangers", NULL, now_s + 20 * year_s);
	signer = new_signer(root, STAMPING);
	trust = trust_in(root, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	token_trust_free(&trust);
	party_free(&signer);
	party_free(&stranger);
	party_free(&middle);
	party_free(&root);
	arena_free(&arena);
	return 0;
}

static struct token_request new_request(struct str *der)
{
	struct token_request request = {.alg = DIGEST_SHA256,
					.imprint = digest_of(DIGEST_SHA256, VIEW("what counts"))};
	struct err err = {0};

	if (token_request_write(&request, der, &err) < 0)
		fail_msg("%s", err.text);
	return request;
}

/* A request, and what is answered to it. */
struct exchange {
	struct token_request request;
	struct recipe recipe;
	struct str query, response;
	struct view token;
	struct token_info info;
	struct err err;
};

static void exchange_clear(struct exchange *x)
{
	str_clear(&x->query);
	str_clear(&x->response);
}
#define EXCHANGE(x)                                                                                \
	__attribute__((cleanup(exchange_clear))) struct exchange x;                                \
	exchange_init(&(x))

static void exchange_init(struct exchange *x)
{
	*x = (struct exchange){.recipe = {.signer = signer, .time_ms = now_s * 1000},
			       .query = STR_INIT,
			       .response = STR_INIT};
	x->request = new_request(&x->query);
}

static int judge_as(struct exchange *x, const struct token_trust *by)
{
	err_clear(&x->err);
	return token_of_response(str_view(&x->response), &x->request, by, now_s, TOLERANCE_S, arena,
				 &x->token, &x->info, &x->err);
}

static int judge(struct exchange *x)
{
	return judge_as(x, trust);
}

static void assert_counts(struct exchange *x)
{
	if (judge(x) < 0)
		fail_msg("%s", x->err.text);
}

/* It is refused as KIND, and the text has SAYS in it, and what becomes of the mails. */
static void assert_refused(struct exchange *x, enum err_kind kind, const char *says)
{
	assert_int_equal(judge(x), -1);
	if (x->err.kind != kind || strstr(x->err.text, says) == NULL)
		fail_msg("%s: %s", err_code(x->err.kind), x->err.text);
	assert_non_null(strstr(x->err.text, "the mails go on waiting"));
}

static void assert_flaw(struct exchange *x, enum err_kind kind, const char *says)
{
	make_response(&x->request, &x->recipe, &x->response);
	assert_refused(x, kind, says);
}

/* --- what counts ------------------------------------------------------------------------------ */

static void a_true_response_counts_and_tells_time_authority_and_end(void **state)
{
	EXCHANGE(x);
	CLEAN_STR ca = STR_INIT;

	(void)state;
	x.recipe.time_ms += 7;
	make_response(&x.request, &x.recipe, &x.response);
	assert_counts(&x);
	assert_int_equal(x.info.time_ms, now_s * 1000 + 7);
	assert_int_equal(x.info.ends_s, now_s + year_s);
	assert_string_equal(x.info.policy, TRIAL_POLICY);
	assert_string_equal(x.info.authority, "CN = Signer of trials");
	assert_true(strlen(x.info.serial) >= 2);
	assert_int_equal(x.info.alg, DIGEST_SHA256);
	assert_true(digest_eq(DIGEST_SHA256, &x.info.imprint, &x.request.imprint));
	party_der(root, &ca);
	assert_true(view_eq(x.info.ca, str_view(&ca)));
}

static void responses_of_openssl_count_with_both_ways_to_name_the_signer(void **state)
{
	static const char *const ways[] = {"sha1", "sha256", "sha512"};
	struct party_wishes wishes = {.issuer = root,
				      .usages = STAMPING,
				      .begins_s = clock_s() - 60,
				      .ends_s = clock_s() + 3600,
				      .rsa_bits = 2048};
	CLEAN(party) rsa = party_new("RSA", &wishes);

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		EXCHANGE(x);

		make_response_by_openssl(str_view(&x.query), rsa, ways[i], &x.response);
		if (token_of_response(str_view(&x.response), &x.request, trust, clock_s(),
				      TOLERANCE_S, arena, &x.token, &x.info, &x.err) < 0)
			fail_msg("%s: %s", ways[i], x.err.text);
	}
}

static void a_grant_with_modifications_counts(void **state)
{
	EXCHANGE(x);
	CLEAN_STR token = STR_INIT;

	(void)state;
	make_token(&x.request, &x.recipe, &token);
	make_status(1, -1, "modified", str_view(&token), &x.response);
	assert_counts(&x);
	assert_true(view_eq(x.token, str_view(&token)));
}

static void each_request_has_a_nonce_of_its_own(void **state)
{
	EXCHANGE(x);
	EXCHANGE(y);

	(void)state;
	assert_true(x.request.nonce != y.request.nonce);
	make_response(&x.request, &x.recipe, &x.response);
	str_addv(&y.response, str_view(&x.response));
	assert_refused(&y, ERR_FOREIGN, "its nonce is not ours");
}

static void a_request_is_one_that_openssl_reads(void **state)
{
	EXCHANGE(x);
	const unsigned char *p = (const unsigned char *)x.query.data;
	TS_REQ *req = d2i_TS_REQ(NULL, &p, (long)x.query.len);
	uint64_t nonce = 0;

	(void)state;
	assert_non_null(req);
	assert_int_equal(TS_REQ_get_version(req), 1);
	assert_true(TS_REQ_get_cert_req(req) != 0);
	assert_int_equal(ASN1_INTEGER_get_uint64(&nonce, TS_REQ_get_nonce(req)), 1);
	assert_true(nonce == x.request.nonce);
	TS_REQ_free(req);
}

static void a_policy_that_is_no_oid_is_refused(void **state)
{
	static const char *const bad[] = {"policy", "1", "1.2.x", "9.9.9"};
	struct token_request request = {.alg = DIGEST_SHA256};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CLEAN_STR der = STR_INIT;

		request.policy = bad[i];
		assert_int_equal(token_request_write(&request, &der, &err), -1);
		assert_int_equal(err.kind, ERR_SYNTAX);
		assert_int_equal(der.len, 0);
	}
}

/* --- form ------------------------------------------------------------------------------------- */

static void a_response_cut_anywhere_is_refused(void **state)
{
	EXCHANGE(x);
	size_t whole;

	(void)state;
	make_response(&x.request, &x.recipe, &x.response);
	whole = x.response.len;
	for (size_t len = 0; len < whole; len++) {
		/* a buffer of its own, so that reading too far is seen */
		CLEAN_STR cut = STR_INIT;

		str_add(&cut, x.response.data, len);
		assert_int_equal(token_of_response(str_view(&cut), &x.request, trust, now_s,
						   TOLERANCE_S, arena, &x.token, &x.info, &x.err),
				 -1);
		assert_int_equal(x.err.kind, ERR_DAMAGED);
	}
}

static void a_response_with_something_behind_it_is_refused(void **state)
{
	EXCHANGE(x);

	(void)state;
	make_response(&x.request, &x.recipe, &x.response);
	str_addc(&x.response, '\0');
	assert_refused(&x, ERR_DAMAGED, "something follows the response");
}

static void something_behind_the_token_within_the_response_is_refused(void **state)
{
	EXCHANGE(x);
	CLEAN_STR token = STR_INIT;

	(void)state;
	make_token(&x.request, &x.recipe, &token);
	str_add(&token, "\x05", 2);
	make_status(0, -1, NULL, str_view(&token), &x.response);
	assert_refused(&x, ERR_DAMAGED, "something follows it");
}

static void nonsense_is_refused(void **state)
{
	static const char *const nonsense[] = {"<html>log in</html>", "0", "\x30\x80",
					       "\x30\x03\x02\x01\x05"};

	(void)state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
		EXCHANGE(x);

		str_adds(&x.response, nonsense[i]);
		assert_refused(&x, ERR_DAMAGED, "timestamp response");
	}
}

/* Some bytes are covered by nothing (a certificate's own signature where it is trusted already): then what is told is still true. */
static void a_response_with_any_bit_changed_proves_nothing_else(void **state)
{
	EXCHANGE(x);
	size_t counted = 0;

	(void)state;
	make_response(&x.request, &x.recipe, &x.response);
	for (size_t i = 0; i < x.response.len; i++) {
		char was = x.response.data[i];

		x.response.data[i] ^= (char)(1 << i % 8);
		if (judge(&x) == 0) {
			counted++;
			assert_int_equal(x.info.time_ms, now_s * 1000);
			assert_true(digest_eq(DIGEST_SHA256, &x.info.imprint, &x.request.imprint));
		}
		x.response.data[i] = was;
		arena_reset(arena);
	}
	assert_true(counted < x.response.len / 20);
	assert_counts(&x);
}

/* --- status ----------------------------------------------------------------------------------- */

static void a_rejection_tells_the_authority_s_reason_and_words(void **state)
{
	static const struct {
		int bit;
		const char *says;
	} rows[] = {
		{0, "does not take this hash function"}, {2, "does not allow this request"},
		{5, "could not read the request"},       {14, "clock is out of order"},
		{15, "does not have the policy"},        {16, "does not take an extension"},
		{17, "cannot give what was asked for"},  {25, "it is out of order"},
		{-1, "no reason that is known"},         {7, "no reason that is known"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		EXCHANGE(x);

		make_status(2, rows[i].bit, "Quota\x1b[2J used up", (struct view){"", 0},
			    &x.response);
		assert_refused(&x, ERR_DENIED, rows[i].says);
		assert_non_null(strstr(x.err.text, "used up"));
		assert_null(strchr(x.err.text, '\x1b'));
	}
}

static void every_status_but_granted_is_a_refusal(void **state)
{
	(void)state;
	for (int status = 2; status < 8; status++) {
		EXCHANGE(x);
		CLEAN_STR token = STR_INIT;

		make_token(&x.request, &x.recipe, &token);
		make_status(status, -1, NULL, str_view(&token), &x.response);
		assert_refused(&x, ERR_DENIED, "grants no timestamp");
	}
}

static void words_of_the_authority_without_end_are_cut(void **state)
{
	EXCHANGE(x);
	CLEAN_STR words = STR_INIT;

	(void)state;
	while (words.len < 100000)
		str_adds(&words, "\xc3\xa4");
	make_status(2, 0, words.data, (struct view){"", 0}, &x.response);
	assert_refused(&x, ERR_DENIED, "does not take this hash function");
	assert_true(strlen(x.err.text) < 400);
}

static void a_grant_without_a_token_is_refused(void **state)
{
	EXCHANGE(x);

	(void)state;
	make_status(0, -1, NULL, (struct view){"", 0}, &x.response);
	assert_refused(&x, ERR_DAMAGED, "grants a timestamp, and has none");
}

/* --- imprint, nonce, policy ------------------------------------------------------------------- */

static void an_imprint_of_something_else_is_refused(void **state)
{
	EXCHANGE(x);

	(void)state;
	make_response(&x.request, &x.recipe, &x.response);
	x.request.imprint.b[31] ^= 1;
	assert_refused(&x, ERR_DAMAGED, "its imprint is another one");
}

static void an_imprint_of_another_algorithm_is_refused(void **state)
{
	EXCHANGE(x);

	(void)state;
	x.recipe.imprint_nid = NID_sha384;
	assert_flaw(&x, ERR_DAMAGED, "wrong length");
}

static void an_imprint_of_an_algorithm_that_is_not_ours_is_refused(void **state)
{
	static const int others[] = {NID_sha1, NID_md5, NID_sha3_256, NID_sha512_256};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		EXCHANGE(x);

		x.recipe.imprint_nid = others[i];
		assert_flaw(&x, ERR_UNSUPPORTED, "not SHA-256");
	}
}

static void a_token_without_our_nonce_is_refused(void **state)
{
	EXCHANGE(x);
	EXCHANGE(y);

	(void)state;
	x.recipe.without_nonce = true;
	assert_flaw(&x, ERR_FOREIGN, "its nonce is not ours");
	make_response(&y.request, &y.recipe, &y.response);
	y.request.nonce++;
	assert_refused(&y, ERR_FOREIGN, "its nonce is not ours");
}

static void another_policy_is_refused_where_one_was_named(void **state)
{
	EXCHANGE(x);

	(void)state;
	x.recipe.policy = "1.2.3.4.2";
	make_response(&x.request, &x.recipe, &x.response);
	assert_counts(&x);
	x.request.policy = TRIAL_POLICY;
	assert_refused(&x, ERR_FOREIGN, "its policy is 1.2.3.4.2");
	x.request.policy = "1.2.3.4.2";
	assert_counts(&x);
	x.request.policy = "";
	assert_counts(&x);
}

/* --- signature and signer --------------------------------------------------------------------- */

static void a_signature_that_is_not_true_is_refused(void **state)
{
	EXCHANGE(x);

	(void)state;
	make_response(&x.request, &x.recipe, &x.response);
	x.response.data[x.response.len - 1] ^= 1;
	assert_refused(&x, ERR_DAMAGED, "its signature is not true");
}

static void a_signer_whose_certificate_is_not_for_timestamps_alone_is_refused(void **state)
{
	static const char *const usages[] = {"",
					     "timeStamping",
					     "critical,serverAuth",
					     "critical,timeStamping,serverAuth",
					     "critical,timeStamping,1.2.3.4.5.6",
					     "critical,1.2.3.4.5.6"};

	(void)state;
	for (size_t i = 0; i < sizeof(usages) / sizeof(*usages); i++) {
		CLEAN(party) other = new_signer(root, usages[i]);
		EXCHANGE(x);

		x.recipe.signer = other;
		assert_flaw(&x, ERR_FOREIGN, "certificate is not for timestamps");
	}
}

static void what_is_wrong_with_the_usages_is_told(void **state)
{
	static const struct {
		const char *usages, *says;
	} rows[] = {
		{"timeStamping", "for timestamps, as that usage is not marked critical (RFC"},
		{"critical,timeStamping,1.2.3.4.5.6", "for timestamps alone (RFC"},
		{"critical,serverAuth", "for timestamps (RFC"},
		{"", "for timestamps (RFC"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEAN(party) other = new_signer(root, rows[i].usages);
		EXCHANGE(x);

		x.recipe.signer = other;
		assert_flaw(&x, ERR_FOREIGN, rows[i].says);
	}
}

static void a_token_without_its_signer_s_certificate_is_refused(void **state)
{
	EXCHANGE(x);
	EXCHANGE(y);

	(void)state;
	x.recipe.without_certificates = true;
	assert_flaw(&x, ERR_DAMAGED, "certificate is not in it");
	y.recipe.shown = root;
	assert_flaw(&y, ERR_DAMAGED, "certificate is not in it");
}

static void a_token_that_does_not_name_its_signer_is_refused(void **state)
{
	EXCHANGE(x);

	(void)state;
	x.recipe.without_named_signer = true;
	assert_flaw(&x, ERR_DAMAGED, "does not name its signer");
}

/* Whoever gets a second certificate for the same key must not be able to put it in the place of one that has ended. */
static void another_certificate_of_the_same_key_is_refused(void **state)
{
	struct party_wishes wishes = {.issuer = root,
				      .usages = STAMPING,
				      .begins_s = now_s - year_s,
				      .ends_s = now_s + 9 * year_s,
				      .as = signer};
	CLEAN(party) twin = party_new("Signer of trials", &wishes);
	EXCHANGE(x);

	(void)state;
	x.recipe.shown = twin;
	assert_flaw(&x, ERR_DAMAGED, "does not name its signer's certificate, or another one");
}

static void a_weak_hash_or_key_is_refused_in_a_new_response(void **state)
{
	struct party_wishes weak = {.issuer = root,
				    .usages = STAMPING,
				    .begins_s = now_s - year_s,
				    .ends_s = now_s + year_s,
				    .rsa_bits = 1024};
	CLEAN(party) short_key = party_new("Short", &weak);
	CLEAN(party) sha1_signed = NULL;
	EXCHANGE(x);
	EXCHANGE(y);
	EXCHANGE(z);

	(void)state;
	weak.rsa_bits = 2048;
	weak.signed_digest = "sha1";
	sha1_signed = party_new("Old", &weak);
	x.recipe.signed_digest = "sha1";
	assert_flaw(&x, ERR_UNSUPPORTED, "too weak");
	y.recipe.signer = short_key;
	assert_flaw(&y, ERR_UNSUPPORTED, "too weak");
	z.recipe.signer = sha1_signed;
	assert_flaw(&z, ERR_UNSUPPORTED, "too weak");
}

/* --- the way to a trusted certificate --------------------------------------------------------- */

static void a_signer_of_another_authority_is_refused(void **state)
{
	CLEAN(party) other = new_signer(stranger, STAMPING);
	EXCHANGE(x);
	EXCHANGE(y);

	(void)state;
	x.recipe.signer = other;
	assert_flaw(&x, ERR_FOREIGN, "does not lead to the trusted certificate authority");
	y.recipe.signer = other;
	y.recipe.also = stranger; /* what a token brings along is not trusted for that */
	assert_flaw(&y, ERR_FOREIGN, "does not lead to the trusted certificate authority");
}

static void a_signer_whose_certificate_had_ended_is_refused(void **state)
{
	struct party_wishes wishes = {.issuer = root,
				      .usages = STAMPING,
				      .begins_s = now_s - year_s,
				      .ends_s = now_s - 1};
	CLEAN(party) ended = party_new("Ended", &wishes);
	CLEAN(party) not_yet = NULL;
	EXCHANGE(x);
	EXCHANGE(y);

	(void)state;
	wishes.begins_s = now_s + 60;
	wishes.ends_s = now_s + year_s;
	not_yet = party_new("Not yet", &wishes);
	x.recipe.signer = ended;
	assert_flaw(&x, ERR_EXPIRED, "had ended");
	y.recipe.signer = not_yet;
	assert_flaw(&y, ERR_EXPIRED, "was not valid yet");
}

static void assert_ca(const struct exchange *x, const struct party *expected)
{
	CLEAN_STR der = STR_INIT;

	party_der(expected, &der);
	assert_true(view_eq(x->info.ca, str_view(&der)));
}

static void the_first_certificate_to_end_on_the_way_is_the_end(void **state)
{
	CLEAN(party) of_middle = new_signer(middle, STAMPING);
	EXCHANGE(x);

	(void)state;
	x.recipe.signer = of_middle;
	x.recipe.also = middle;
	make_response(&x.request, &x.recipe, &x.response);
	assert_counts(&x);
	assert_int_equal(x.info.ends_s, now_s + year_s / 2);
	assert_ca(&x, root);
}

static void an_intermediate_that_is_missing_breaks_the_way(void **state)
{
	CLEAN(party) of_middle = new_signer(middle, STAMPING);
	EXCHANGE(x);

	(void)state;
	x.recipe.signer = of_middle;
	assert_flaw(&x, ERR_FOREIGN, "does not lead to the trusted certificate authority");
}

/* The token and the certificate that is kept with it prove it again, whatever else was trusted when it came. */
static void assert_proved_again_by(struct exchange *x, const struct party *expected)
{
	CLEAN(token_trust) kept = NULL;
	struct token_info info;

	assert_ca(x, expected);
	assert_int_equal(token_trust_new(x->info.ca, &kept, &x->err), 0);
	if (token_verify(x->token, DIGEST_SHA256, &x->request.imprint, kept, now_s, arena, &info,
			 &x->err) < 0)
		fail_msg("%s", x->err.text);
	assert_int_equal(info.ends_s, x->info.ends_s);
}

static void an_intermediate_may_be_trusted_itself(void **state)
{
	CLEAN(party) of_middle = new_signer(middle, STAMPING);
	CLEAN(token_trust) in_middle = trust_in(middle, NULL);
	CLEAN(token_trust) in_both = trust_in(root, middle);
	EXCHANGE(without);
	EXCHANGE(with);

	(void)state;
	without.recipe.signer = with.recipe.signer = of_middle;
	with.recipe.also = middle;
	make_response(&without.request, &without.recipe, &without.response);
	make_response(&with.request, &with.recipe, &with.response);
	assert_int_equal(judge_as(&without, in_middle), 0);
	assert_proved_again_by(&without, middle);
	assert_int_equal(judge_as(&with, in_middle), 0);
	assert_proved_again_by(&with, middle);
	assert_int_equal(judge_as(&without, in_both), 0);
	assert_proved_again_by(&without, middle);
	assert_int_equal(judge_as(&with, in_both), 0);
	assert_proved_again_by(&with, root);
}

/* --- time, and what comes first --------------------------------------------------------------- */

static void a_time_beyond_the_tolerance_is_refused_both_ways(void **state)
{
	static const int64_t off_s[] = {TOLERANCE_S + 1, -TOLERANCE_S - 1, 3600, -3600};

	(void)state;
	for (size_t i = 0; i < sizeof(off_s) / sizeof(*off_s); i++) {
		EXCHANGE(x);

		x.recipe.time_ms += off_s[i] * 1000;
		assert_flaw(&x, ERR_FOREIGN, off_s[i] > 0 ? "s after this computer's" : "s before");
	}
	for (int64_t sign = -1; sign <= 1; sign++) {
		EXCHANGE(x);

		x.recipe.time_ms += sign * TOLERANCE_S * 1000;
		make_response(&x.request, &x.recipe, &x.response);
		assert_counts(&x);
	}
}

/* (TK1) From the last flaw to the first: each is told in place of those behind it. */
static void the_first_of_several_flaws_is_told(void **state)
{
	CLEAN(party) foreign = new_signer(stranger, STAMPING);
	CLEAN(party) useless = new_signer(stranger, "serverAuth");
	EXCHANGE(x);

	(void)state;
	x.recipe.time_ms += 3600 * 1000;
	x.recipe.signer = foreign;
	assert_flaw(&x, ERR_FOREIGN, "does not lead");
	str_reset(&x.response);
	x.recipe.signer = useless;
	assert_flaw(&x, ERR_FOREIGN, "not for timestamps");
	x.response.data[x.response.len - 1] ^= 1;
	assert_refused(&x, ERR_DAMAGED, "signature is not true");
	x.request.policy = "1.2.3.4.9";
	assert_refused(&x, ERR_FOREIGN, "its policy");
	x.request.nonce++;
	assert_refused(&x, ERR_FOREIGN, "its nonce");
	x.request.imprint.b[0] ^= 1;
	assert_refused(&x, ERR_DAMAGED, "its imprint");
}

/* --- archived tokens (TK2) -------------------------------------------------------------------- */

static int verify_at(const struct exchange *x, struct view token, int64_t at_s,
		     struct token_info *info, struct err *err)
{
	return token_verify(token, DIGEST_SHA256, &x->request.imprint, trust, at_s, arena, info,
			    err);
}

static void an_archived_token_is_proved_until_its_certificate_ends(void **state)
{
	EXCHANGE(x);
	CLEAN_STR token = STR_INIT;

	(void)state;
	make_token(&x.request, &x.recipe, &token);
	assert_int_equal(verify_at(&x, str_view(&token), now_s, &x.info, &x.err), 0);
	assert_int_equal(verify_at(&x, str_view(&token), now_s + year_s - 1, &x.info, &x.err), 0);
	assert_int_equal(verify_at(&x, str_view(&token), now_s + year_s + 1, &x.info, &x.err), -1);
	assert_int_equal(x.err.kind, ERR_EXPIRED);
}

static void an_archived_token_over_something_else_is_refused(void **state)
{
	EXCHANGE(x);
	CLEAN_STR token = STR_INIT;

	(void)state;
	make_token(&x.request, &x.recipe, &token);
	x.request.imprint.b[0] ^= 1;
	assert_int_equal(verify_at(&x, str_view(&token), now_s, &x.info, &x.err), -1);
	assert_int_equal(x.err.kind, ERR_DAMAGED);
	assert_int_equal(token_verify(str_view(&token), DIGEST_SHA256, NULL, trust, now_s, arena,
				      &x.info, &x.err),
			 0);
}

static void a_token_older_than_its_signer_s_certificate_is_refused(void **state)
{
	EXCHANGE(x);
	CLEAN_STR token = STR_INIT;

	(void)state;
	x.recipe.time_ms = (now_s - 2 * year_s) * 1000;
	make_token(&x.request, &x.recipe, &token);
	assert_int_equal(verify_at(&x, str_view(&token), now_s, &x.info, &x.err), -1);
	assert_int_equal(x.err.kind, ERR_EXPIRED);
}

static void a_token_can_be_taken_apart_without_trust(void **state)
{
	EXCHANGE(x);
	CLEAN_STR token = STR_INIT;

	(void)state;
	x.recipe.without_certificates = true;
	make_token(&x.request, &x.recipe, &token);
	assert_int_equal(token_verify(str_view(&token), DIGEST_SHA256, &x.request.imprint, NULL, 0,
				      arena, &x.info, &x.err),
			 0);
	assert_int_equal(x.info.time_ms, now_s * 1000);
	assert_int_equal(x.info.ca.len, 0);
	assert_string_equal(x.info.authority, "");
}

static void a_token_of_former_days_may_be_signed_with_sha_1(void **state)
{
	EXCHANGE(x);
	CLEAN_STR token = STR_INIT;

	(void)state;
	x.recipe.signed_digest = "sha1";
	make_token(&x.request, &x.recipe, &token);
	assert_int_equal(verify_at(&x, str_view(&token), now_s, &x.info, &x.err), 0);
}

static void a_token_becomes_a_response_again_and_gives_its_certificates(void **state)
{
	CLEAN(party) of_middle = new_signer(middle, STAMPING);
	EXCHANGE(x);
	CLEAN_STR token = STR_INIT;
	CLEAN_STR pem = STR_INIT;
	CLEAN_STR expected = STR_INIT;

	(void)state;
	x.recipe.signer = of_middle;
	x.recipe.also = middle;
	make_token(&x.request, &x.recipe, &token);
	assert_int_equal(token_response_write(str_view(&token), &x.response, &x.err), 0);
	assert_counts(&x);
	assert_true(view_eq(x.token, str_view(&token)));
	assert_int_equal(token_certificates(x.token, &pem, &x.err), 0);
	party_pem(of_middle, &expected);
	assert_non_null(strstr(pem.data, expected.data));
	str_reset(&expected);
	party_pem(middle, &expected);
	assert_non_null(strstr(pem.data, expected.data));
	x.token.len--;
	assert_int_equal(token_response_write(x.token, &pem, &x.err), -1);
	assert_int_equal(token_certificates(x.token, &pem, &x.err), -1);
}

/* --- what is trusted -------------------------------------------------------------------------- */

static void only_certificates_of_authorities_can_be_trusted(void **state)
{
	CLEAN_STR leaf = STR_INIT;
	CLEAN_STR cut = STR_INIT;
	const struct view bad[] = {VIEW(""), VIEW("nothing"), VIEW("\x30\x03\x02\x01\x05")};
	struct token_trust *none = NULL;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(token_trust_new(bad[i], &none, &err), -1);
		assert_int_equal(err.kind, ERR_SYNTAX);
	}
	party_pem(signer, &leaf);
	assert_int_equal(token_trust_new(str_view(&leaf), &none, &err), -1);
	assert_non_null(strstr(err.text, "not a certificate authority's"));
	party_pem(root, &cut);
	party_pem(middle, &cut);
	cut.len -= 40;
	assert_int_equal(token_trust_new(str_view(&cut), &none, &err), -1);
	assert_non_null(strstr(err.text, "malformed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_true_response_counts_and_tells_time_authority_and_end),
		cmocka_unit_test(responses_of_openssl_count_with_both_ways_to_name_the_signer),
		cmocka_unit_test(a_grant_with_modifications_counts),
		cmocka_unit_test(each_request_has_a_nonce_of_its_own),
		cmocka_unit_test(a_request_is_one_that_openssl_reads),
		cmocka_unit_test(a_policy_that_is_no_oid_is_refused),
		cmocka_unit_test(a_response_cut_anywhere_is_refused),
		cmocka_unit_test(a_response_with_something_behind_it_is_refused),
		cmocka_unit_test(something_behind_the_token_within_the_response_is_refused),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(a_response_with_any_bit_changed_proves_nothing_else),
		cmocka_unit_test(a_rejection_tells_the_authority_s_reason_and_words),
		cmocka_unit_test(every_status_but_granted_is_a_refusal),
		cmocka_unit_test(words_of_the_authority_without_end_are_cut),
		cmocka_unit_test(a_grant_without_a_token_is_refused),
		cmocka_unit_test(an_imprint_of_something_else_is_refused),
		cmocka_unit_test(an_imprint_of_another_algorithm_is_refused),
		cmocka_unit_test(an_imprint_of_an_algorithm_that_is_not_ours_is_refused),
		cmocka_unit_test(a_token_without_our_nonce_is_refused),
		cmocka_unit_test(another_policy_is_refused_where_one_was_named),
		cmocka_unit_test(a_signature_that_is_not_true_is_refused),
		cmocka_unit_test(a_signer_whose_certificate_is_not_for_timestamps_alone_is_refused),
		cmocka_unit_test(what_is_wrong_with_the_usages_is_told),
		cmocka_unit_test(a_token_without_its_signer_s_certificate_is_refused),
		cmocka_unit_test(a_token_that_does_not_name_its_signer_is_refused),
		cmocka_unit_test(another_certificate_of_the_same_key_is_refused),
		cmocka_unit_test(a_weak_hash_or_key_is_refused_in_a_new_response),
		cmocka_unit_test(a_signer_of_another_authority_is_refused),
		cmocka_unit_test(a_signer_whose_certificate_had_ended_is_refused),
		cmocka_unit_test(the_first_certificate_to_end_on_the_way_is_the_end),
		cmocka_unit_test(an_intermediate_that_is_missing_breaks_the_way),
		cmocka_unit_test(an_intermediate_may_be_trusted_itself),
		cmocka_unit_test(a_time_beyond_the_tolerance_is_refused_both_ways),
		cmocka_unit_test(the_first_of_several_flaws_is_told),
		cmocka_unit_test(an_archived_token_is_proved_until_its_certificate_ends),
		cmocka_unit_test(an_archived_token_over_something_else_is_refused),
		cmocka_unit_test(a_token_older_than_its_signer_s_certificate_is_refused),
		cmocka_unit_test(a_token_can_be_taken_apart_without_trust),
		cmocka_unit_test(a_token_of_former_days_may_be_signed_with_sha_1),
		cmocka_unit_test(a_token_becomes_a_response_again_and_gives_its_certificates),
		cmocka_unit_test(only_certificates_of_authorities_can_be_trusted),
	};

	return cmocka_run_group_tests(tests, start, stop);
}

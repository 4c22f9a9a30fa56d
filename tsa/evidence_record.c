/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/evidence_record.h"

#include "tsa/evidence_asn1.h"

#include <limits.h>

struct evidence_record {
	ER_RECORD *asn1;
};

struct evidence_record *evidence_record_new(void)
{
	struct evidence_record *record = mem_new(sizeof(*record));

	record->asn1 = ER_RECORD_new();
	must(record->asn1 != NULL && ASN1_INTEGER_set(record->asn1->version, 1) == 1);
	return record;
}

void evidence_record_free(struct evidence_record **record)
{
	if (*record == NULL)
		return;
	ER_RECORD_free((*record)->asn1);
	free(*record);
	*record = NULL;
}

/* ---- writing ---- */

static X509_ALGOR *algorithm_of(enum digest_alg alg)
{
	X509_ALGOR *algorithm = X509_ALGOR_new();

	must(algorithm != NULL);
	/* without parameters: RFC 5754, section 2 */
	must(X509_ALGOR_set0(algorithm, OBJ_nid2obj(OBJ_txt2nid(digest_name(alg))), V_ASN1_UNDEF,
			     NULL) == 1);
	return algorithm;
}

/* The record names each algorithm once. */
static void name_algorithm(ER_RECORD *record, enum digest_alg alg)
{
	const int nid = OBJ_txt2nid(digest_name(alg));

	for (int i = 0; i < sk_X509_ALGOR_num(record->digestAlgorithms); i++)
		if (OBJ_obj2nid(sk_X509_ALGOR_value(record->digestAlgorithms, i)->algorithm) == nid)
			return;
	must(sk_X509_ALGOR_push(record->digestAlgorithms, algorithm_of(alg)) > 0);
}

void evidence_record_add_chain(struct evidence_record *record, enum digest_alg alg)
{
	ER_CHAIN *chain = sk_ER_TIMESTAMP_new_null();

	must(chain != NULL && sk_ER_CHAIN_push(record->asn1->sequence, chain) > 0);
	name_algorithm(record->asn1, alg);
}

static ER_LIST *list_of(enum digest_alg alg, const struct digest_list *list)
{
	ER_LIST *out = sk_ASN1_OCTET_STRING_new_null();

	must(out != NULL);
	for (size_t i = 0; i < list->n; i++) {
		ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();

		must(s != NULL &&
		     ASN1_OCTET_STRING_set(s, list->v[i].b, (int)digest_bytes(alg)) == 1 &&
		     sk_ASN1_OCTET_STRING_push(out, s) > 0);
	}
	return out;
}

int evidence_record_add_timestamp(struct evidence_record *record, const struct digest_list *lists,
				  size_t n_lists, struct view token, struct err *err)
{
	ER_CHAIN *chain = sk_ER_CHAIN_value(record->asn1->sequence,
					    sk_ER_CHAIN_num(record->asn1->sequence) - 1);
	ER_TIMESTAMP *timestamp = ER_TIMESTAMP_new();
	const unsigned char *der = (const unsigned char *)token.data;
	CLEAN(arena) arena = arena_new();
	struct token_info info;

	must(chain != NULL && timestamp != NULL && token.len <= INT_MAX);
	must(sk_ER_TIMESTAMP_push(chain, timestamp) > 0);
	if (token_verify(token, DIGEST_SHA256, NULL, NULL, 0, arena, &info, err) < 0)
		return -1;
	timestamp->digestAlgorithm = algorithm_of(info.alg);
	if (n_lists > 0)
		timestamp->reducedHashtree = sk_ER_LIST_new_null();
	for (size_t i = 0; i < n_lists; i++)
		must(sk_ER_LIST_push(timestamp->reducedHashtree, list_of(info.alg, &lists[i])) > 0);
	if (d2i_ASN1_TYPE(&timestamp->timeStamp, &der, (long)token.len) == NULL ||
	    timestamp->timeStamp->type != V_ASN1_SEQUENCE)
		return err_set(err, ERR_DAMAGED, "the timestamp token is not DER");
	return 0;
}

void evidence_record_write(const struct evidence_record *record, struct str *der)
{
	unsigned char *out = NULL;
	int len = i2d_ER_RECORD(record->asn1, &out);

	must(len > 0);
	str_add(der, out, (size_t)len);
	OPENSSL_free(out);
}

static void write_chains(ER_SEQUENCE *sequence, struct str *der)
{
	unsigned char *out = NULL;
	int len = i2d_ER_SEQUENCE(sequence, &out);

	must(len > 0);
	str_add(der, out, (size_t)len);
	OPENSSL_free(out);
}

void evidence_record_write_chains(const struct evidence_record *record, struct str *der)
{
	write_chains(record->asn1->sequence, der);
}

/* ---- reading ---- */

/* A chain more is a hash function given up: none lives to see a hundred. Each costs a reading of the data. */
enum { CHAINS_MAX = 100 };

struct proving {
	ER_RECORD *record;
	const struct view *objects;
	size_t n_objects;
	const struct token_trust *trust;
	int64_t at_s;
	struct arena *arena;
	struct evidence_report *report;
	int chain, at; /* where it is, from 0 */
};

static ER_TIMESTAMP *timestamp_at(const struct proving *p, int chain, int at)
{
	ER_CHAIN *c = sk_ER_CHAIN_value(p->record->sequence, chain);

	return c == NULL ? NULL : sk_ER_TIMESTAMP_value(c, at);
}

static struct view token_of(const ER_TIMESTAMP *timestamp)
{
	const ASN1_STRING *s = timestamp->timeStamp->value.sequence;

	return (struct view){(const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)};
}

static int alg_of(const X509_ALGOR *algorithm, enum digest_alg *alg_r)
{
	return digest_by_name(OBJ_nid2ln(OBJ_obj2nid(algorithm->algorithm)), alg_r);
}

/* What token and timestamp say of themselves; proves nothing yet. */
static int look_at(struct proving *p, const ER_TIMESTAMP *timestamp, struct token_info *info_r,
		   struct err *err)
{
	enum digest_alg alg;

	if (timestamp->timeStamp->type != V_ASN1_SEQUENCE)
		return err_set(err, ERR_DAMAGED, "its token is none");
	if (token_verify(token_of(timestamp), DIGEST_SHA256, NULL, NULL, 0, p->arena, info_r, err) <
	    0)
		return -1;
	if (timestamp->digestAlgorithm == NULL)
		return 0;
	if (alg_of(timestamp->digestAlgorithm, &alg) < 0)
		return err_set(err, ERR_UNSUPPORTED, "its hash algorithm is none of SHA-2's");
	if (alg != info_r->alg)
		return err_set(err, ERR_DAMAGED,
			       "its tree and its token name different hash algorithms");
	return 0;
}

/* All chains before this one, as they are encoded. */
static void write_chains_before(struct proving *p, struct str *der)
{
	ER_SEQUENCE *before = sk_ER_CHAIN_new_null();

	must(before != NULL);
	for (int i = 0; i < p->chain; i++)
		must(sk_ER_CHAIN_push(before, sk_ER_CHAIN_value(p->record->sequence, i)) > 0);
	write_chains(before, der);
	sk_ER_CHAIN_free(before);
}

static struct digest digest_chains_before(struct proving *p, enum digest_alg alg)
{
	CLEAN_STR der = STR_INIT;

	write_chains_before(p, &der);
	return digest_of(alg, str_view(&der));
}

/* What the first list of this timestamp must hold. */
static struct digest_list wanted(struct proving *p, enum digest_alg alg)
{
	struct digest_list list = {arena_get(p->arena, (p->n_objects + 1) * sizeof(struct digest)),
				   0};
	struct digest before;

	if (p->at > 0) {
		list.v[list.n++] = digest_of(alg, token_of(timestamp_at(p, p->chain, p->at - 1)));
		return list;
	}
	if (p->chain > 0)
		before = digest_chains_before(p, alg);
	for (; list.n < p->n_objects; list.n++) {
		list.v[list.n] = digest_of(alg, p->objects[list.n]);
		if (p->chain > 0)
			list.v[list.n] = digest_pair(alg, &list.v[list.n], &before);
	}
	return list;
}

static int read_list(struct proving *p, enum digest_alg alg, const ER_LIST *list,
		     const struct digest *below, struct digest_list *out, struct err *err)
{
	const int n = sk_ASN1_OCTET_STRING_num(list);

	/* as many of that length are in no record; empty ones could be */
	if (n > EVIDENCE_RECORD_MAX / (int)digest_bytes(alg))
		return err_set(err, ERR_DAMAGED, "a list of its tree is too long");
	*out = (struct digest_list){arena_get(p->arena, ((size_t)n + 2) * sizeof(*out->v)), 0};
	for (int i = 0; i < n; i++) {
		const ASN1_OCTET_STRING *s = sk_ASN1_OCTET_STRING_value(list, i);
		const struct view bytes = {(const char *)ASN1_STRING_get0_data(s),
					   (size_t)ASN1_STRING_length(s)};

		if (digest_read(alg, bytes, &out->v[out->n++]) < 0)
			return err_set(
				err, ERR_DAMAGED,
				"a hash of its tree has another length than its algorithm's");
	}
	if (below != NULL)
		out->v[out->n++] = *below;
	return out->n > 0 ? 0 : err_set(err, ERR_DAMAGED, "a list of its tree is empty");
}

static bool holds(enum digest_alg alg, const struct digest_list *list, const struct digest *d)
{
	for (size_t i = 0; i < list->n; i++)
		if (digest_eq(alg, &list->v[i], d))
			return true;
	return false;
}

/* Of a data group of several objects the list holds these and no others (section 4.3): none was taken away. */
static int compare_first(struct proving *p, enum digest_alg alg, const struct digest_list *first,
			 const struct digest_list *want, struct err *err)
{
	for (size_t i = 0; i < want->n; i++)
		if (!holds(alg, first, &want->v[i]))
			return err_set(
				err, ERR_DAMAGED, "%s",
				p->at > 0 ? "it is not over the timestamp before it"
				: p->chain > 0
					? "it is not over these data and the chains before it"
					: "it is not over these data: they were changed, or "
					  "belong to another proof");
	if (want->n > 1 && first->n != want->n)
		return err_set(err, ERR_DAMAGED, "it is over more data than there are here");
	return 0;
}

/* A list of one digest is by the letter of section 4.3 hashed once more; makers differ. HASH_ONE says how it is read. */
static struct digest node_of(enum digest_alg alg, struct digest_list *list, bool hash_one)
{
	if (list->n == 1 && hash_one)
		return digest_of(alg, digest_view(alg, &list->v[0]));
	return digest_node(alg, list->v, list->n);
}

static int climb(struct proving *p, enum digest_alg alg, const ER_TIMESTAMP *timestamp,
		 bool hash_one, struct digest *root_r, struct err *err)
{
	const int n = sk_ER_LIST_num(timestamp->reducedHashtree);
	struct digest_list want = wanted(p, alg), list;

	for (int i = 0; i < n; i++) {
		if (read_list(p, alg, sk_ER_LIST_value(timestamp->reducedHashtree, i),
			      i > 0 ? root_r : NULL, &list, err) < 0 ||
		    (i == 0 && compare_first(p, alg, &list, &want, err) < 0))
			return -1;
		*root_r = node_of(alg, &list, hash_one);
	}
	if (n <= 0)
		*root_r = digest_node(alg, want.v, want.n);
	return 0;
}

static int find_root(struct proving *p, const ER_TIMESTAMP *timestamp,
		     const struct token_info *info, struct err *err)
{
	struct digest root;

	for (int hash_one = 0; hash_one <= 1; hash_one++) {
		if (climb(p, info->alg, timestamp, hash_one != 0, &root, err) < 0)
			return -1;
		if (digest_eq(info->alg, &root, &info->imprint))
			return 0;
	}
	return err_set(err, ERR_DAMAGED, "its token is over another tree");
}

/* The time at which its token must be good: that of the next one. */
static int time_of_next(struct proving *p, int64_t *time_s_r, struct err *err)
{
	const ER_TIMESTAMP *next = timestamp_at(p, p->chain, p->at + 1);
	struct token_info info;

	if (next == NULL)
		next = timestamp_at(p, p->chain + 1, 0);
	*time_s_r = p->at_s;
	if (next == NULL)
		return 0;
	if (look_at(p, next, &info, err) < 0)
		return -1;
	*time_s_r = info.time_ms / 1000;
	return 0;
}

static void report_chains_before(struct proving *p)
{
	CLEAN_STR der = STR_INIT;

	write_chains_before(p, &der);
	ARENA_PUSH(p->arena, p->report->before, digest_of(DIGEST_SHA256, str_view(&der)));
}

static void report(struct proving *p, struct view token, const struct token_info *info)
{
	struct evidence_report *r = p->report;

	ARENA_PUSH(p->arena, r->tokens, arena_view(p->arena, token));
	if (p->chain > 0 && p->at == 0)
		report_chains_before(p);

	if (r->timestamps++ == 0) {
		r->first_ms = info->time_ms;
		r->authority = info->authority;
		r->ca = info->ca;
	}
	r->last_ms = info->time_ms;
	r->ends_s = info->ends_s;
}

static int prove(struct proving *p, enum digest_alg *alg, struct err *err)
{
	const ER_TIMESTAMP *timestamp = timestamp_at(p, p->chain, p->at);
	struct token_info info;
	int64_t then_s;

	if (look_at(p, timestamp, &info, err) < 0)
		return -1;
	if (p->at == 0)
		*alg = info.alg;
	if (info.alg != *alg)
		return err_set(err, ERR_DAMAGED, "it has another hash algorithm than its chain");
	if (p->report->timestamps > 0 && info.time_ms < p->report->last_ms)
		return err_set(err, ERR_DAMAGED, "it is older than the one before it");
	if (find_root(p, timestamp, &info, err) < 0 || time_of_next(p, &then_s, err) < 0)
		return -1;
	if (p->trust != NULL && token_verify(token_of(timestamp), info.alg, &info.imprint, p->trust,
					     then_s, p->arena, &info, err) < 0)
		return -1;
	report(p, token_of(timestamp), &info);
	return 0;
}

static int prove_chains(struct proving *p, struct err *err)
{
	enum digest_alg alg = DIGEST_SHA256;

	if (sk_ER_CHAIN_num(p->record->sequence) > CHAINS_MAX)
		return err_set(err, ERR_DAMAGED, "it has more chains than any evidence record");
	for (p->chain = 0; p->chain < sk_ER_CHAIN_num(p->record->sequence); p->chain++) {
		p->report->chains++;
		for (p->at = 0; timestamp_at(p, p->chain, p->at) != NULL; p->at++)
			if (prove(p, &alg, err) < 0)
				return err_add(err, "timestamp %d of chain %d", p->at + 1,
					       p->chain + 1);
		if (p->at == 0)
			return err_set(err, ERR_DAMAGED, "chain %d is empty", p->chain + 1);
	}
	return p->report->timestamps > 0 ? 0
					 : err_set(err, ERR_DAMAGED, "there is no timestamp in it");
}

int evidence_record_verify(struct view der, const struct view *objects, size_t n,
			   const struct token_trust *trust, int64_t at_s, struct arena *arena,
			   struct evidence_report *report_r, struct err *err)
{
	const unsigned char *at = (const unsigned char *)der.data;
	struct proving p = {.objects = objects,
			    .n_objects = n,
			    .trust = trust,
			    .at_s = at_s,
			    .arena = arena,
			    .report = report_r};
	int rc = -1;

	must(n > 0);
	*report_r = (struct evidence_report){0};
	if (der.len > EVIDENCE_RECORD_MAX)
		return err_set(err, ERR_DAMAGED, "it is larger than any evidence record");
	p.record = d2i_ER_RECORD(NULL, &at, (long)der.len);
	if (p.record == NULL || at != (const unsigned char *)der.data + der.len)
		err_set(err, ERR_DAMAGED, "it is no evidence record (RFC 4998), or damaged");
	else if (ASN1_INTEGER_get(p.record->version) != 1)
		err_set(err, ERR_VERSION, "it is an evidence record of another version");
	else
		rc = prove_chains(&p, err);
	ER_RECORD_free(p.record);
	return rc;
}

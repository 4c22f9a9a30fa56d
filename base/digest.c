/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/digest.h"

#include "base/err.h"

#include <openssl/evp.h>
#include <pthread.h>

static const struct {
	const char *name;
	size_t bytes;
} algs[] = {
	[DIGEST_SHA256] = {"sha256", 32},
	[DIGEST_SHA384] = {"sha384", 48},
	[DIGEST_SHA512] = {"sha512", 64},
};
enum { N_ALGS = sizeof(algs) / sizeof(*algs) };

/* Fetched once: a fetch by name for each node of a tree would cost more than the node. */
static EVP_MD *mds[N_ALGS];

static void fetch_all(void)
{
	for (size_t i = DIGEST_SHA256; i < N_ALGS; i++) {
		mds[i] = EVP_MD_fetch(NULL, algs[i].name, NULL);
		must(mds[i] != NULL);
	}
}

static const EVP_MD *md_of(enum digest_alg alg)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	must(digest_known(alg));
	pthread_once(&once, fetch_all);
	return mds[alg];
}

bool digest_known(uint64_t number)
{
	return number >= DIGEST_SHA256 && number < N_ALGS;
}

size_t digest_bytes(enum digest_alg alg)
{
	must(digest_known(alg));
	return algs[alg].bytes;
}

const char *digest_name(enum digest_alg alg)
{
	must(digest_known(alg));
	return algs[alg].name;
}

int digest_by_name(const char *name, enum digest_alg *alg_r)
{
	for (size_t i = DIGEST_SHA256; i < N_ALGS; i++) {
		if (strcmp(name, algs[i].name) != 0)
			continue;
		*alg_r = (enum digest_alg)i;
		return 0;
	}
	return -1;
}

struct digest digest_of(enum digest_alg alg, struct view data)
{
	struct digest d = {0};

	must(EVP_Digest(data.data, data.len, d.b, NULL, md_of(alg), NULL) == 1);
	return d;
}

static int compare(const void *a, const void *b, void *bytes)
{
	return memcmp(a, b, *(const size_t *)bytes);
}

struct digest digest_node(enum digest_alg alg, struct digest *v, size_t n)
{
	size_t bytes = digest_bytes(alg);
	struct digest d = {0};
	EVP_MD_CTX *ctx;

	must(n > 0);
	if (n == 1)
		return v[0];
	qsort_r(v, n, sizeof(*v), compare, &bytes);
	ctx = EVP_MD_CTX_new();
	must(ctx != NULL && EVP_DigestInit_ex2(ctx, md_of(alg), NULL) == 1);
	for (size_t i = 0; i < n; i++)
		must(EVP_DigestUpdate(ctx, v[i].b, bytes) == 1);
	must(EVP_DigestFinal_ex(ctx, d.b, NULL) == 1);
	EVP_MD_CTX_free(ctx);
	return d;
}

struct digest digest_pair(enum digest_alg alg, const struct digest *a, const struct digest *b)
{
	unsigned char both[2 * DIGEST_MAX];
	const size_t bytes = digest_bytes(alg);

	memcpy(both, a->b, bytes);
	memcpy(both + bytes, b->b, bytes);
	return digest_of(alg, (struct view){(const char *)both, 2 * bytes});
}

bool digest_eq(enum digest_alg alg, const struct digest *a, const struct digest *b)
{
	return memcmp(a->b, b->b, digest_bytes(alg)) == 0;
}

struct view digest_view(enum digest_alg alg, const struct digest *d)
{
	return (struct view){(const char *)d->b, digest_bytes(alg)};
}

int digest_read(enum digest_alg alg, struct view bytes, struct digest *d_r)
{
	*d_r = (struct digest){0};
	if (bytes.len != digest_bytes(alg))
		return -1;
	memcpy(d_r->b, bytes.data, bytes.len);
	return 0;
}

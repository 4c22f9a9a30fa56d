/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>

/* Fetched once: a fetch by name for each message would cost more than the message. */
static EVP_MD *md_sha256;
static EVP_CIPHER *cipher_gcm;
static EVP_MAC *mac_hmac;

static void fetch_all(void)
{
	md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	cipher_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	mac_hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	must(md_sha256 != NULL && cipher_gcm != NULL && mac_hmac != NULL);
}

static void init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch_all);
}

bool hash_eq(const struct hash *a, const struct hash *b)
{
	return CRYPTO_memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

void crypto_random(void *out, size_t len)
{
	must(RAND_bytes(out, (int)len) == 1);
}

struct secret *crypto_hkdf(const struct secret *key, struct view salt, const char *label)
{
	struct secret *out = secret_new(KEY_BYTES);
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret_data(key),
						  secret_len(key)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt.data, salt.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)label,
						  strlen(label)),
		OSSL_PARAM_construct_end(),
	};

	must(ctx != NULL && EVP_KDF_derive(ctx, secret_bytes(out), KEY_BYTES, params) == 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return out;
}

struct hash crypto_sha256(const void *data, size_t len)
{
	struct hash out;

	init();
	must(EVP_Digest(data, len, out.b, NULL, md_sha256, NULL) == 1);
	return out;
}

struct sha256 {
	EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
	struct sha256 *sha = mem_new(sizeof(*sha));

	init();
	sha->ctx = EVP_MD_CTX_new();
	must(sha->ctx != NULL && EVP_DigestInit_ex2(sha->ctx, md_sha256, NULL) == 1);
	return sha;
}

void sha256_free(struct sha256 **sha)
{
	if (*sha == NULL)
		return;
	EVP_MD_CTX_free((*sha)->ctx);
	free(*sha);
	*sha = NULL;
}

void sha256_add(struct sha256 *sha, const void *data, size_t len)
{
	must(EVP_DigestUpdate(sha->ctx, data, len) == 1);
}

struct hash sha256_end(struct sha256 *sha)
{
	struct hash out;

	must(EVP_DigestFinal_ex(sha->ctx, out.b, NULL) == 1);
	must(EVP_DigestInit_ex2(sha->ctx, md_sha256, NULL) == 1);
	return out;
}

struct hmac {
	EVP_MAC_CTX *ctx;
};

struct hmac *hmac_new(const struct secret *key)
{
	struct hmac *hmac = mem_new(sizeof(*hmac));
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};

	init();
	hmac->ctx = EVP_MAC_CTX_new(mac_hmac);
	must(hmac->ctx != NULL &&
	     EVP_MAC_init(hmac->ctx, secret_data(key), secret_len(key), params) == 1);
	return hmac;
}

void hmac_free(struct hmac **hmac)
{
	if (*hmac == NULL)
		return;
	EVP_MAC_CTX_free((*hmac)->ctx);
	free(*hmac);
	*hmac = NULL;
}

void hmac_add(struct hmac *hmac, const void *data, size_t len)
{
	must(EVP_MAC_update(hmac->ctx, data, len) == 1);
}

struct hash hmac_end(struct hmac *hmac)
{
	struct hash out;
	size_t len;

	must(EVP_MAC_final(hmac->ctx, out.b, &len, sizeof(out.b)) == 1 && len == sizeof(out.b));
	must(EVP_MAC_init(hmac->ctx, NULL, 0, NULL) == 1);
	return out;
}

struct hash hmac_once(struct hmac *hmac, const void *data, size_t len)
{
	hmac_add(hmac, data, len);
	return hmac_end(hmac);
}

struct aead {
	EVP_CIPHER_CTX *seal;
	EVP_CIPHER_CTX *open;
};

static EVP_CIPHER_CTX *gcm_new(const struct secret *key, int enc)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	must(ctx != NULL &&
	     EVP_CipherInit_ex2(ctx, cipher_gcm, secret_data(key), NULL, enc, NULL) == 1);
	return ctx;
}

struct aead *aead_new(const struct secret *key)
{
	struct aead *aead = mem_new(sizeof(*aead));

	must(secret_len(key) == KEY_BYTES);
	init();
	aead->seal = gcm_new(key, 1);
	aead->open = gcm_new(key, 0);
	return aead;
}

void aead_free(struct aead **aead)
{
	if (*aead == NULL)
		return;
	EVP_CIPHER_CTX_free((*aead)->seal);
	EVP_CIPHER_CTX_free((*aead)->open);
	free(*aead);
	*aead = NULL;
}

/* EVP takes int lengths: feed long messages in pieces. */
static void update(EVP_CIPHER_CTX *ctx, unsigned char *out, struct view in)
{
	while (in.len > 0) {
		int step = in.len > (1 << 30) ? 1 << 30 : (int)in.len;
		int n;

		must(EVP_CipherUpdate(ctx, out, &n, (const unsigned char *)in.data, step) == 1);
		must(n == step);
		in.data += step;
		in.len -= (size_t)step;
		if (out != NULL)
			out += step;
	}
}

void aead_seal_begin(struct aead *aead, const unsigned char nonce[NONCE_BYTES], struct view clear)
{
	must(EVP_CipherInit_ex2(aead->seal, NULL, NULL, nonce, 1, NULL) == 1);
	update(aead->seal, NULL, clear);
}

void aead_seal_piece(struct aead *aead, struct view plain, void *out)
{
	update(aead->seal, out, plain);
}

void aead_seal_end(struct aead *aead, unsigned char tag[TAG_BYTES])
{
	unsigned char none;
	int n;

	must(EVP_CipherFinal_ex(aead->seal, &none, &n) == 1 && n == 0);
	must(EVP_CIPHER_CTX_ctrl(aead->seal, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1);
}

void aead_seal(struct aead *aead, const unsigned char nonce[NONCE_BYTES], struct view clear,
	       struct view plain, void *out)
{
	aead_seal_begin(aead, nonce, clear);
	aead_seal_piece(aead, plain, out);
	aead_seal_end(aead, (unsigned char *)out + plain.len);
}

bool aead_open(struct aead *aead, const unsigned char nonce[NONCE_BYTES], struct view clear,
	       struct view sealed, void *out)
{
	unsigned char *p = out;
	unsigned char tag[TAG_BYTES];
	struct view text = {sealed.data, sealed.len - TAG_BYTES};
	unsigned char none;
	int n;

	if (sealed.len < TAG_BYTES)
		return false;
	memcpy(tag, sealed.data + text.len, TAG_BYTES);
	must(EVP_CipherInit_ex2(aead->open, NULL, NULL, nonce, 0, NULL) == 1);
	update(aead->open, NULL, clear);
	update(aead->open, p, text);
	must(EVP_CIPHER_CTX_ctrl(aead->open, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1);
	if (EVP_CipherFinal_ex(aead->open, p ? p + text.len : &none, &n) == 1)
		return true;
	OPENSSL_cleanse(p, text.len);
	return false;
}

struct x25519 {
	EVP_PKEY *key;
	unsigned char public[KEY_BYTES];
};

struct x25519 *x25519_new(const struct secret *private)
{
	struct x25519 *pair = mem_new(sizeof(*pair));
	size_t len = KEY_BYTES;

	if (private == NULL)
		pair->key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	else
		pair->key = EVP_PKEY_new_raw_private_key_ex(
			NULL, "X25519", NULL, secret_data(private), secret_len(private));
	must(pair->key != NULL);
	must(EVP_PKEY_get_raw_public_key(pair->key, pair->public, &len) == 1 && len == KEY_BYTES);
	return pair;
}

void x25519_free(struct x25519 **pair)
{
	if (*pair == NULL)
		return;
	EVP_PKEY_free((*pair)->key);
	free(*pair);
	*pair = NULL;
}

const unsigned char *x25519_public(const struct x25519 *pair)
{
	return pair->public;
}

struct secret *x25519_shared(const struct x25519 *pair, const unsigned char peer[KEY_BYTES])
{
	struct secret *out = secret_new(KEY_BYTES);
	EVP_PKEY *other = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer, KEY_BYTES);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pair->key, NULL);
	size_t len = KEY_BYTES;

	must(ctx != NULL && other != NULL && EVP_PKEY_derive_init(ctx) == 1);
	/* OpenSSL refuses the all-zero result that a point of low order leads to */
	if (EVP_PKEY_derive_set_peer_ex(ctx, other, 0) != 1 ||
	    EVP_PKEY_derive(ctx, secret_bytes(out), &len) != 1)
		secret_free(&out);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(other);
	return out;
}

bool crypto_ed25519_verify(const unsigned char key[ED25519_KEY_BYTES],
			   const unsigned char signature[ED25519_SIGNATURE_BYTES],
			   struct view message)
{
	EVP_PKEY *public = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key,
							  ED25519_KEY_BYTES);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool right;

	must(ctx != NULL);
	right = public != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public) == 1 &&
		EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_BYTES,
				 (const unsigned char *)message.data, message.len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(public);
	return right;
}

struct secret *crypto_scrypt(const struct secret *password, struct view salt, unsigned log2_n,
			     unsigned r, unsigned p)
{
	struct secret *out = secret_new(KEY_BYTES);

	must(log2_n <= 20 && r >= 1 && p >= 1);
	must(EVP_PBE_scrypt((const char *)secret_data(password), secret_len(password),
			    (const unsigned char *)salt.data, salt.len, 1ULL << log2_n, r, p,
			    (256ULL << log2_n) * r + (64ULL << 20), secret_bytes(out),
			    KEY_BYTES) == 1);
	return out;
}

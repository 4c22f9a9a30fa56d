/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/page.h"

#include <openssl/evp.h>

struct pages {
	EVP_CIPHER_CTX *opening, *closing;
	uint32_t page_bytes;
};

static EVP_CIPHER_CTX *cipher_new(const struct secret *key, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	must(ctx != NULL && secret_len(key) == KEY_BYTES);
	must(EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, secret_data(key), NULL, encrypt) == 1);
	must(EVP_CIPHER_CTX_set_padding(ctx, 0) == 1);
	return ctx;
}

struct pages *pages_new(const struct secret *key, uint32_t page_bytes)
{
	struct pages *p = mem_new(sizeof(*p));

	must(page_bytes >= 512 && page_bytes % 16 == 0);
	p->opening = cipher_new(key, 0);
	p->closing = cipher_new(key, 1);
	p->page_bytes = page_bytes;
	return p;
}

void pages_free(struct pages **pages)
{
	struct pages *p = TAKE(*pages);

	if (p == NULL)
		return;
	EVP_CIPHER_CTX_free(p->opening); /* wipes the key */
	EVP_CIPHER_CTX_free(p->closing);
	free(p);
}

static void run(const struct pages *p, EVP_CIPHER_CTX *ctx, uint64_t number, unsigned char *page)
{
	uint32_t clear = number == 1 ? PAGE_SALT_BYTES : 0;
	uint32_t end = p->page_bytes - PAGE_RESERVE_BYTES;
	int len;

	must(EVP_CipherInit_ex(ctx, NULL, NULL, NULL, page + end, -1) == 1);
	must(EVP_CipherUpdate(ctx, page + clear, &len, page + clear, (int)(end - clear)) == 1 &&
	     len == (int)(end - clear));
}

void page_open(struct pages *pages, uint64_t number, void *page)
{
	run(pages, pages->opening, number, page);
}

void page_close(struct pages *pages, uint64_t number, void *page)
{
	run(pages, pages->closing, number, page);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/keytext.h"

#include "storage/keytext_priv.h"

#include <stddef.h>

static struct secret *password_key(const struct keytext_payload *payload,
				   const struct secret *password)
{
	struct view salt = {(const char *)payload->salt, sizeof(payload->salt)};

	return crypto_scrypt(password, salt, payload->log2_n, payload->r, payload->p);
}

static struct view authenticated(const struct keytext_payload *payload)
{
	return (struct view){(const char *)payload, offsetof(struct keytext_payload, nonce)};
}

void keytext_seal(struct keytext_payload *payload_r, const struct keyring *keyring,
		  const struct secret *password, unsigned char log2_n)
{
	const struct secret *key = keyring_key(keyring);
	CLEAN(secret) wrap = NULL;
	CLEAN(aead) aead = NULL;

	*payload_r = (struct keytext_payload){
		.version = KEYTEXT_VERSION,
		.log2_n = log2_n,
		.r = KEYTEXT_R,
		.p = KEYTEXT_P,
		.archive = *keyring_archive(keyring),
	};
	crypto_random(payload_r->salt, sizeof(payload_r->salt));
	crypto_random(payload_r->nonce, sizeof(payload_r->nonce));
	wrap = password_key(payload_r, password);
	aead = aead_new(wrap);
	aead_seal(aead, payload_r->nonce, authenticated(payload_r),
		  (struct view){(const char *)secret_data(key), KEY_BYTES}, payload_r->sealed);
}

int keytext_open(const struct keytext_payload *payload, const struct secret *password,
		 struct keyring **keyring_r, struct err *err)
{
	CLEAN(secret) wrap = password_key(payload, password);
	CLEAN(secret) key = secret_new(KEY_BYTES);
	CLEAN(aead) aead = aead_new(wrap);
	struct view sealed = {(const char *)payload->sealed, sizeof(payload->sealed)};

	if (!aead_open(aead, payload->nonce, authenticated(payload), sealed, secret_bytes(key)))
		return err_set(err, ERR_WRONGKEY,
			       "the password is wrong; the lines of the key backup are right");
	*keyring_r = keyring_of(&payload->archive, key);
	return 0;
}

int keytext_read(struct view text, const struct secret *password, struct keyring **keyring_r,
		 struct err *err)
{
	struct keytext_payload payload;

	if (keytext_decode(text, &payload, err) < 0)
		return -1;
	return keytext_open(&payload, password, keyring_r, err);
}

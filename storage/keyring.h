/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keyring.h - the archive key (K1), and every key that is derived from it.
 *
 * The archive key is 256 bits from the system's CSPRNG. Nothing is encrypted under it directly: each
 * use has a subkey, HKDF-SHA256(archive key, salt, label), with the labels below. docs/FORMAT.md
 * lists them for those who read an archive without this code.
 *
 * Key file, mode 0400, three lines:
 *     sealpost archive key v1
 *     archive: 0191e2c4-...        (the archive's UUID)
 *     key: 64 hex digits
 */
#ifndef STORAGE_KEYRING_H
#define STORAGE_KEYRING_H

#include "base/crypto.h"
#include "base/id.h"

enum { KEY_ID_BYTES = 8 };

/* use, label, what for */
#define KEY_LABELS(X)                                                                              \
	X(KEY_ID, "sealpost key id v1", "the first 8 bytes name the key in pack headers")          \
	X(PACK, "sealpost pack v1", "AES-256-GCM of a pack's records; salted")                     \
	X(PACK_HEADER, "sealpost pack header v1", "HMAC-SHA256 of a pack's header; salted")        \
	X(MEDIUM, "sealpost medium v1", "AES-256-GCM of medium.json")                              \
	X(CATALOG, "sealpost catalog v1", "SQLCipher raw key of catalog.db")                       \
	X(INDEX, "sealpost index v1", "SQLCipher raw key of index.db")                             \
	X(PART, "sealpost part v1", "HMAC-SHA256 that names a part by its content")                \
	X(CONTENT, "sealpost content v1", "HMAC-SHA256 of a mail's content identity")              \
	X(SPOOL, "sealpost spool v1", "X25519 private key that opens what lies in the spool")      \
	X(BACKUP, "sealpost backup v1", "AES-256-GCM of a backup of the catalog; salted")          \
	X(EVIDENCE, "sealpost evidence v1", "AES-256-GCM of a timestamp's evidence file; salted")

enum key_use {
#define X(use, label, doc) KEY_USE_##use,
	KEY_LABELS(X)
#undef X
};

struct keyring; /* one archive's key; immutable, may be shared between threads */

/* A new random key; an existing one (of KEY_BYTES, copied). */
struct keyring *keyring_new(const struct uuid *archive);
struct keyring *keyring_of(const struct uuid *archive, const struct secret *key);
void keyring_free(struct keyring **keyring);

/* Read a key file. Mode wider than 0400, or an owner other than the caller: ERR_DENIED. */
int keyring_load(const char *path, struct keyring **keyring_r, struct err *err);
/* The key of the archive in ARCHIVE_DIR: the credential "archive.key", if the service manager has one for this process
 * ($CREDENTIALS_DIRECTORY, see systemd.exec(5)); else the file of that name in ARCHIVE_DIR. A credential may also belong to root, who lets
 * this user read it. */
int keyring_open(const char *archive_dir, struct keyring **keyring_r, struct err *err);
/* Its path, appended to PATH: whether a file is there or not. */
void keyring_path(const char *archive_dir, struct str *path);
/* Write it, new and durable; an existing file is ERR_EXISTS. */
int keyring_save(const struct keyring *keyring, const char *path, struct err *err);

const struct uuid *keyring_archive(const struct keyring *keyring);
const struct secret *keyring_key(const struct keyring *keyring);
const unsigned char *keyring_id(const struct keyring *keyring); /* KEY_ID_BYTES */
/* "a1b2 c3d4 e5f6 0718": the key id for human eyes; not secret. */
void keyring_add_fingerprint(struct str *s, const struct keyring *keyring);

struct secret *keyring_derive(const struct keyring *keyring, enum key_use use, struct view salt);

#endif

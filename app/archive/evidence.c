/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/evidence.h"

#include "app/archive/archive_priv.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

#define MAGIC "SEALEVID"
#define FOLDER "evidence"
#define PART ".part"

enum {
	FORMAT = 1,
	SALT_BYTES = 32,
	HEAD_BYTES = 8 + 4 + 4 + UUID_BYTES + 8 + KEY_ID_BYTES + SALT_BYTES,
	FILE_MAX = 256 * 1024 * 1024,
	NAME_BYTES = 64,
	OWN = 1 /* flag of a leaf */
};

static const char *name_of(uint64_t stamp, char out[NAME_BYTES])
{
	snprintf(out, NAME_BYTES, FOLDER "/%08llu.evidence", (unsigned long long)stamp);
	return out;
}

/* 0, -1 it is no name of an evidence file. */
static int stamp_of(const char *name, uint64_t *stamp_r)
{
	char again[NAME_BYTES];

	if (strncmp(name, FOLDER "/", sizeof(FOLDER)) != 0)
		return -1;
	*stamp_r = strtoull(name + sizeof(FOLDER), NULL, 10);
	return strcmp(name, name_of(*stamp_r, again)) == 0 ? 0 : -1;
}

/* ---- the content ---- */

static void put_bytes(struct str *out, struct view v)
{
	str_addvarint(out, v.len);
	str_addv(out, v);
}

static void put_leaf(struct str *out, enum digest_alg alg, const struct evidence_leaf *leaf)
{
	str_add(out, leaf->mail.b, UUID_BYTES);
	str_addvarint(out, leaf->origin);
	str_addc(out, leaf->has_own ? OWN : 0);
	str_addvarint(out, leaf->n_sightings);
	for (size_t i = 0; i < leaf->n_sightings; i++)
		str_add(out, leaf->sightings[i].b, UUID_BYTES);
	str_add(out, leaf->digest.b, digest_bytes(alg));
}

static void put_evidence(struct str *out, const struct evidence *e)
{
	const struct stamp_row *s = &e->stamp;

	str_addvarint(out, s->digest);
	str_addvarint(out, (uint64_t)s->time_ms);
	str_addvarint(out, (uint64_t)s->ends_s);
	str_addvarint(out, s->mails);
	str_addvarint(out, s->leaves);
	str_addvarint(out, s->tokens);
	put_bytes(out, s->statement);
	put_bytes(out, s->token);
	put_bytes(out, s->ca);
	for (uint64_t i = 0; i < s->tokens; i++) {
		str_addvarint(out, e->renewed[i]);
		str_add(out, e->token_leaves[i].b, digest_bytes(s->digest));
	}
	for (uint64_t i = 0; i < s->leaves - s->tokens; i++)
		put_leaf(out, s->digest, &e->leaves[i]);
}

static int get_bytes(struct view *v, struct view *bytes_r)
{
	uint64_t len;

	return view_varint(v, &len) < 0 ? -1 : view_bytes(v, len, bytes_r);
}

static int get_digest(struct view *v, enum digest_alg alg, struct digest *d_r)
{
	struct view bytes;

	return view_bytes(v, digest_bytes(alg), &bytes) < 0 ? -1 : digest_read(alg, bytes, d_r);
}

static int get_uuid(struct view *v, struct uuid *id_r)
{
	struct view bytes;

	if (view_bytes(v, UUID_BYTES, &bytes) < 0)
		return -1;
	memcpy(id_r->b, bytes.data, UUID_BYTES);
	return 0;
}

static int get_leaf(struct view *v, struct arena *arena, enum digest_alg alg,
		    struct evidence_leaf *leaf)
{
	struct uuid *sightings;
	uint64_t n;
	uint8_t flags;

	if (get_uuid(v, &leaf->mail) < 0 || view_varint(v, &leaf->origin) < 0 ||
	    view_u8(v, &flags) < 0 || view_varint(v, &n) < 0 || n > v->len / UUID_BYTES)
		return -1;
	leaf->has_own = (flags & OWN) != 0;
	leaf->n_sightings = n;
	sightings = arena_get(arena, (n + 1) * sizeof(*sightings));
	for (uint64_t i = 0; i < n; i++)
		if (get_uuid(v, &sightings[i]) < 0)
			return -1;
	leaf->sightings = sightings;
	return get_digest(v, alg, &leaf->digest);
}

static int get_stamp(struct view *v, struct stamp_row *s)
{
	uint64_t alg, time_ms, ends_s;

	if (view_varint(v, &alg) < 0 || !digest_known(alg) || view_varint(v, &time_ms) < 0 ||
	    view_varint(v, &ends_s) < 0 || view_varint(v, &s->mails) < 0 ||
	    view_varint(v, &s->leaves) < 0 || view_varint(v, &s->tokens) < 0 ||
	    get_bytes(v, &s->statement) < 0 || get_bytes(v, &s->token) < 0 ||
	    get_bytes(v, &s->ca) < 0)
		return -1;
	s->digest = (enum digest_alg)alg;
	s->time_ms = (int64_t)time_ms;
	s->ends_s = (int64_t)ends_s;
	/* each leaf has its digest at least */
	return s->leaves == 0 || s->tokens > s->leaves ||
			       s->leaves > v->len / digest_bytes(s->digest)
		       ? -1
		       : 0;
}

static int get_evidence(struct view v, struct arena *arena, struct evidence *e)
{
	struct stamp_row *s = &e->stamp;
	uint64_t n;

	if (get_stamp(&v, s) < 0)
		return -1;
	n = s->leaves - s->tokens;
	e->renewed = arena_get(arena, (s->tokens + 1) * sizeof(*e->renewed));
	e->token_leaves = arena_get(arena, (s->tokens + 1) * sizeof(*e->token_leaves));
	e->leaves = arena_get(arena, (n + 1) * sizeof(*e->leaves));
	memset(e->leaves, 0, (n + 1) * sizeof(*e->leaves));
	for (uint64_t i = 0; i < s->tokens; i++)
		if (view_varint(&v, &e->renewed[i]) < 0 ||
		    get_digest(&v, s->digest, &e->token_leaves[i]) < 0)
			return -1;
	for (uint64_t i = 0; i < n; i++)
		if (get_leaf(&v, arena, s->digest, &e->leaves[i]) < 0)
			return -1;
	return v.len == 0 ? 0 : -1;
}

/* ---- the file ---- */

static struct aead *aead_of(const struct archive *a, const char head[HEAD_BYTES])
{
	const struct view salt = {head + HEAD_BYTES - SALT_BYTES, SALT_BYTES};
	CLEAN(secret) key = keyring_derive(a->keys, KEY_USE_EVIDENCE, salt);

	return aead_new(key);
}

/* The key is this file's alone (its salt is random), so that one nonce is enough. */
static const unsigned char the_nonce[NONCE_BYTES];

static void seal_file(const struct archive *a, const struct evidence *e, struct str *file)
{
	CLEAN_STR plain = STR_INIT;
	CLEAN(aead) aead = NULL;
	char salt[SALT_BYTES];

	crypto_random(salt, sizeof(salt));
	str_adds(file, MAGIC);
	str_addu32(file, FORMAT);
	str_addu32(file, 0);
	str_add(file, keyring_archive(a->keys)->b, UUID_BYTES);
	str_addu64(file, e->stamp.stamp);
	str_add(file, keyring_id(a->keys), KEY_ID_BYTES);
	str_add(file, salt, SALT_BYTES);
	must(file->len == HEAD_BYTES);
	put_evidence(&plain, e);
	aead = aead_of(a, file->data);
	str_reserve(file, plain.len + TAG_BYTES);
	aead_seal(aead, the_nonce, (struct view){file->data, HEAD_BYTES}, str_view(&plain),
		  file->data + HEAD_BYTES);
	file->len = HEAD_BYTES + plain.len + TAG_BYTES;
}

static int check_head(const struct archive *a, struct view head, uint64_t stamp, struct err *err)
{
	struct view magic, archive, key_id;
	uint32_t format, zero;
	uint64_t number;

	if (view_bytes(&head, 8, &magic) < 0 || memcmp(magic.data, MAGIC, 8) != 0 ||
	    view_u32(&head, &format) < 0 || view_u32(&head, &zero) < 0 ||
	    view_bytes(&head, UUID_BYTES, &archive) < 0 || view_u64(&head, &number) < 0 ||
	    view_bytes(&head, KEY_ID_BYTES, &key_id) < 0)
		return err_set(err, ERR_DAMAGED, "it does not begin as an evidence file");
	if (format > FORMAT)
		return err_set(err, ERR_VERSION, "it has format %u, this program knows %d", format,
			       FORMAT);
	if (memcmp(archive.data, keyring_archive(a->keys)->b, UUID_BYTES) != 0)
		return err_set(err, ERR_FOREIGN, "it is another archive's");
	if (memcmp(key_id.data, keyring_id(a->keys), KEY_ID_BYTES) != 0)
		return err_set(err, ERR_WRONGKEY, "it was made with another key");
	if (number != stamp)
		return err_set(err, ERR_DAMAGED, "it is the file of timestamp %llu",
			       (unsigned long long)number);
	return 0;
}

static int open_file(const struct archive *a, struct view file, uint64_t stamp, struct arena *arena,
		     struct evidence *e, struct err *err)
{
	const struct view sealed = {file.data + HEAD_BYTES, file.len - HEAD_BYTES};
	CLEAN(aead) aead = NULL;
	struct view plain;
	char *out;

	if (file.len < HEAD_BYTES + TAG_BYTES)
		return err_set(err, ERR_DAMAGED, "it is cut short");
	if (check_head(a, file, stamp, err) < 0)
		return -1;
	aead = aead_of(a, file.data);
	out = arena_get(arena, sealed.len);
	if (!aead_open(aead, the_nonce, (struct view){file.data, HEAD_BYTES}, sealed, out))
		return err_set(err, ERR_DAMAGED, "it is not as it was written");
	plain = (struct view){out, sealed.len - TAG_BYTES};
	e->stamp.stamp = stamp;
	if (get_evidence(plain, arena, e) < 0)
		return err_set(err, ERR_DAMAGED, "its content does not hold together");
	return 0;
}

static int write_file(struct medium *medium, const char *name, struct view bytes, struct err *err)
{
	struct medium_file *file = NULL;
	char part[NAME_BYTES + sizeof(PART)];
	int rc;

	snprintf(part, sizeof(part), "%s" PART, name);
	if (medium_drop(medium, part, err) < 0 || medium_create(medium, part, &file, err) < 0)
		return -1;
	rc = medium_append(file, bytes.data, bytes.len, err) < 0 ? -1 : medium_sync(file, err);
	medium_file_free(&file);
	return rc < 0 ? -1 : medium_replace(medium, part, name, err);
}

static int read_file(struct medium *medium, const char *name, struct str *file, struct err *err)
{
	uint64_t size;
	size_t got;

	if (medium_size(medium, name, &size, err) < 0)
		return -1;
	if (size > FILE_MAX)
		return err_set(err, ERR_DAMAGED, "%s is larger than any evidence file", name);
	str_reserve(file, size);
	if (medium_read(medium, name, 0, file->data, size, &got, err) < 0)
		return -1;
	file->len = got;
	return 0;
}

/* 1 read, 0 this medium has none. */
static int read_from(struct archive *a, unsigned number, uint64_t stamp, struct arena *arena,
		     struct evidence *e, struct err *err)
{
	CLEAN_STR file = STR_INIT;
	struct medium *medium;
	char name[NAME_BYTES];

	if (archive_medium(a, number, &medium, err) < 0)
		return -1;
	if (read_file(medium, name_of(stamp, name), &file, err) < 0) {
		if (err->kind != ERR_NOTFOUND)
			return -1;
		err_clear(err);
		return 0;
	}
	if (open_file(a, str_view(&file), stamp, arena, e, err) < 0)
		return err_add(err, "medium %u: %s", number, name);
	return 1;
}

int evidence_write(struct archive *a, const struct evidence *e, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR file = STR_INIT;
	struct evidence there = {0};
	struct medium *medium;
	char name[NAME_BYTES];
	unsigned number;
	int rc = media_active(a->catalog, &number, err);

	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "no medium is active");
	if (rc < 0 || archive_medium(a, number, &medium, err) < 0)
		return -1;
	name_of(e->stamp.stamp, name);
	rc = read_from(a, number, e->stamp.stamp, arena, &there, err);
	if (rc > 0)
		return err_set(err, ERR_EXISTS, "medium %u has %s already", number, name);
	if (rc < 0 && err->kind != ERR_DAMAGED)
		return -1;
	err_clear(err);
	seal_file(a, e, &file);
	return write_file(medium, name, str_view(&file), err);
}

/* A copy on another medium may be whole; what is wrong with the first is told if there is none. */
int evidence_read(struct archive *a, uint64_t stamp, struct arena *arena,
		  struct evidence *evidence_r, struct err *err)
{
	struct medium_row *rows;
	struct err first = {0};
	size_t n;

	if (media_list(a->catalog, arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct err why = {0};
		int rc;

		if (rows[i].state == MEDIUM_REMOVED || rows[i].state == MEDIUM_REDIRECTED)
			continue;
		*evidence_r = (struct evidence){0};
		rc = read_from(a, rows[i].medium, stamp, arena, evidence_r, &why);
		if (rc > 0)
			return 0;
		if (rc < 0 && (first.kind == ERR_NONE || err_retry(first.kind)))
			first = why;
	}
	if (first.kind == ERR_NONE)
		return err_set(err, ERR_NOTFOUND, "no medium has the file of timestamp %llu",
			       (unsigned long long)stamp);
	*err = first;
	return -1;
}

/* ---- the rows ---- */

struct noting {
	struct archive *a;
	const struct evidence *e;
};

static int keep_nodes(void *arg, unsigned level, uint64_t chunk, struct view nodes, struct err *err)
{
	struct noting *n = arg;

	return stamp_nodes_put(n->a->catalog, n->e->stamp.stamp, level, chunk, nodes, err);
}

int evidence_root(const struct evidence *e, hash_tree_keep_fn *keep, void *arg,
		  struct digest *root_r, struct err *err)
{
	CLEAN(hash_tree) tree = hash_tree_new(e->stamp.digest, keep, arg);

	for (uint64_t i = 0; i < e->stamp.tokens; i++)
		if (hash_tree_add(tree, &e->token_leaves[i], err) < 0)
			return -1;
	for (uint64_t i = 0; i < e->stamp.leaves - e->stamp.tokens; i++)
		if (hash_tree_add(tree, &e->leaves[i].digest, err) < 0)
			return -1;
	return hash_tree_end(tree, root_r, err);
}

/* A number that no mail has: below all that were given so. */
static int number_of_none(struct archive *a, int64_t *number_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(a->catalog),
		     "SELECT min(0, coalesce((SELECT min(mail) FROM stamp_leaves), 0)) - 1", &q,
		     err) < 0 ||
	    stmt_step(q, err) < 0)
		return -1;
	*number_r = stmt_int(q, 0);
	return 0;
}

/* Whose the leaf is in this catalog. A mail that was erased before it was known here, or that is lost, gets a number for its
 * leaves alone. */
static int number_leaf(struct archive *a, const struct uuid *id, int64_t *number_r, struct err *err)
{
	struct tombstone t;
	uint64_t mail;
	char text[UUID_TEXT + 1];
	int rc = mails_by_id(a->catalog, id, &mail, err);

	if (rc != 0) {
		*number_r = (int64_t)mail;
		return rc < 0 ? -1 : 0;
	}
	rc = mails_erased(a->catalog, id, &t, err);
	if (rc > 0 && t.mail != 0) {
		*number_r = t.mail;
		return 0;
	}
	if (rc < 0 || number_of_none(a, number_r, err) < 0)
		return -1;
	if (rc > 0)
		return mails_set_erased_number(a->catalog, id, *number_r, err);
	log_warn("mail %s has a timestamp, and is on no medium in reach", uuid_text(id, text));
	return 0;
}

static int note_leaf(struct noting *n, uint64_t i, struct err *err)
{
	const struct evidence_leaf *leaf = &n->e->leaves[i];
	const uint64_t stamp = n->e->stamp.stamp;
	struct stamp_leaf row = {leaf->number, stamp, n->e->stamp.tokens + i, leaf->origin};

	if (row.mail == 0 && number_leaf(n->a, &leaf->mail, &row.mail, err) < 0)
		return -1;
	if (stamp_leaves_add(n->a->catalog, &row, err) < 0)
		return -1;
	if (row.mail < 0)
		return 0;
	if (leaf->has_own && to_stamp_done(n->a->catalog, (uint64_t)row.mail, NULL, stamp, err) < 0)
		return -1;
	for (size_t s = 0; s < leaf->n_sightings; s++)
		if (to_stamp_done(n->a->catalog, (uint64_t)row.mail, &leaf->sightings[s], stamp,
				  err) < 0)
			return -1;
	return 0;
}

int evidence_note(struct archive *a, const struct evidence *e, struct err *err)
{
	struct noting n = {a, e};
	struct digest root;

	if (stamps_add(a->catalog, &e->stamp, err) < 0 ||
	    evidence_root(e, keep_nodes, &n, &root, err) < 0)
		return -1;
	for (uint64_t i = 0; i < e->stamp.tokens; i++)
		if (stamps_set_covered(a->catalog, e->renewed[i], e->stamp.stamp, i, err) < 0)
			return -1;
	for (uint64_t i = 0; i < e->stamp.leaves - e->stamp.tokens; i++)
		if (note_leaf(&n, i, err) < 0)
			return -1;
	return 0;
}

/* ---- taking in ---- */

struct listing {
	struct arena *arena;
	struct {
		uint64_t *v;
		size_t n, cap;
	} stamps;
};

static int list_file(void *arg, const char *name, uint64_t size_bytes, struct err *err)
{
	struct listing *l = arg;
	uint64_t stamp;

	(void)size_bytes, (void)err;
	if (stamp_of(name, &stamp) == 0)
		ARENA_PUSH(l->arena, l->stamps, stamp);
	return 0;
}

/* BUT is left out, and so is one that does not answer: its files are taken in when it is back. */
static int list_media(struct archive *a, struct listing *l, unsigned but, struct err *err)
{
	struct medium_row *rows;
	struct medium *medium;
	size_t n;

	if (media_list(a->catalog, l->arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct err why = {0};

		if (rows[i].medium == but || rows[i].state == MEDIUM_REMOVED ||
		    rows[i].state == MEDIUM_REDIRECTED)
			continue;
		if (archive_medium(a, rows[i].medium, &medium, &why) < 0 ||
		    medium_list(medium, FOLDER, list_file, l, &why) < 0)
			log_info("evidence of medium %u is left out: %s", rows[i].medium, why.text);
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int list_sorted(struct archive *a, struct listing *l, unsigned but, struct err *err)
{
	if (list_media(a, l, but, err) < 0)
		return -1;
	if (l->stamps.n > 0)
		qsort(l->stamps.v, l->stamps.n, sizeof(*l->stamps.v), by_number);
	return 0;
}

struct counting {
	const struct listing *l;
	uint64_t missing;
};

static int count_elsewhere(void *arg, const struct stamp_row *row, struct err *err)
{
	struct counting *c = arg;

	(void)err;
	c->missing += c->l->stamps.n == 0 || bsearch(&row->stamp, c->l->stamps.v, c->l->stamps.n,
						     sizeof(row->stamp), by_number) == NULL;
	return 0;
}

int evidence_only_on(struct archive *a, unsigned medium, uint64_t *n_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct listing l = {.arena = arena};
	struct counting c = {&l, 0};
	uint64_t last;

	*n_r = 0;
	if (stamps_last(a->catalog, &last, err) < 0)
		return -1;
	if (last == 0)
		return 0;
	if (list_sorted(a, &l, medium, err) < 0 ||
	    stamps_each(a->catalog, count_elsewhere, &c, err) < 0)
		return -1;
	*n_r = c.missing;
	return 0;
}

struct cover {
	uint64_t by, at; /* as in struct stamp_row; 0 there is none */
};

static int find_token(struct archive *a, uint64_t by, uint64_t stamp, struct cover *cover,
		      struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct evidence e;

	if (evidence_read(a, by, arena, &e, err) < 0)
		return -1;
	for (uint64_t i = 0; i < e.stamp.tokens; i++)
		if (e.renewed[i] == stamp)
			*cover = (struct cover){by, i};
	return 0;
}

/* One that comes after those that renew it (its medium was away) did not have its row yet when they were noted. */
static int find_cover(struct archive *a, uint64_t stamp, struct cover *cover_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	*cover_r = (struct cover){0};
	if (db_query(catalog_db(a->catalog),
		     "SELECT stamp FROM stamps WHERE stamp > ?1 AND tokens > 0 ORDER BY stamp", &q,
		     err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)stamp);
	while ((rc = stmt_step(q, err)) > 0) {
		struct err why = {0};

		if (find_token(a, (uint64_t)stmt_int(q, 0), stamp, cover_r, &why) == 0)
			continue;
		if (err_retry(why.kind)) {
			*err = why;
			return -1;
		}
		log_error("%s", why.text);
	}
	return rc;
}

static int note_with_cover(struct archive *a, const struct evidence *e, const struct cover *cover,
			   struct err *err)
{
	if (evidence_note(a, e, err) < 0)
		return -1;
	return cover->by == 0
		       ? 0
		       : stamps_set_covered(a->catalog, e->stamp.stamp, cover->by, cover->at, err);
}

static int note_in_transaction(struct archive *a, const struct evidence *e, struct err *err)
{
	struct cover cover;

	/* before the lock: it reads media */
	if (find_cover(a, e->stamp.stamp, &cover, err) < 0)
		return -1;
	if (db_in_transaction(catalog_db(a->catalog)))
		return note_with_cover(a, e, &cover, err);
	if (catalog_begin(a->catalog, err) < 0)
		return -1;
	if (note_with_cover(a, e, &cover, err) == 0 && catalog_commit(a->catalog, err) == 0)
		return 0;
	catalog_rollback(a->catalog);
	return -1;
}

static int take_in(struct archive *a, uint64_t stamp, struct evidence_regained *regained,
		   struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct stamp_row known;
	struct evidence e;
	struct err why = {0};
	int rc = stamps_get(a->catalog, arena, stamp, &known, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (evidence_read(a, stamp, arena, &e, &why) < 0) {
		if (err_retry(why.kind)) {
			*err = why;
			return -1;
		}
		log_error("%s", why.text);
		regained->damaged++;
		return 0;
	}
	if (note_in_transaction(a, &e, err) < 0)
		return err_add(err, "timestamp %llu", (unsigned long long)stamp);
	regained->stamps++;
	return 0;
}

static int count_missing(struct archive *a, uint64_t *missing_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(a->catalog),
		     "SELECT coalesce(max(stamp), 0) - count(*) FROM stamps", &q, err) < 0 ||
	    stmt_step(q, err) < 0)
		return -1;
	*missing_r = (uint64_t)stmt_int(q, 0);
	return 0;
}

int evidence_take_in(struct archive *a, struct evidence_regained *regained_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct listing l = {.arena = arena};

	*regained_r = (struct evidence_regained){0};
	if (list_sorted(a, &l, 0, err) < 0)
		return -1;
	for (size_t i = 0; i < l.stamps.n; i++)
		if (take_in(a, l.stamps.v[i], regained_r, err) < 0)
			return -1;
	if (regained_r->stamps > 0 && stamps_retire(a->catalog, err) < 0)
		return -1;
	return count_missing(a, &regained_r->missing, err);
}

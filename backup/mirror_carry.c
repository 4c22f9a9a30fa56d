/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file on its way into the mirror: what was carried is read back, and of a failure it is known whose it was. */
#include "backup/mirror_priv.h"

#include "base/log.h"

/* Why a file could not be carried. */
struct trouble {
	struct err why;
	bool of_medium; /* else the mirror's own, or a stop */
};

static int of_medium(struct trouble *t)
{
	t->of_medium = true;
	return -1;
}

/* --- carrying --------------------------------------------------------------------------------- */

/* How many bytes the mirror has of AS: an earlier run may have been interrupted. */
static int size_there(struct medium *to, const char *as, uint64_t *size_r, struct err *err)
{
	*size_r = 0;
	if (medium_size(to, as, size_r, err) < 0 && err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	return 0;
}

/* What cannot be read where it was just written is as good as wrong. */
static int check_there(struct mirroring *mi, struct medium *to, const char *as, uint64_t length,
		       const struct hash *hash, struct err *err)
{
	if (copy_check(to, as, length, hash, &mi->pace, err) == 0)
		return 0;
	if (err->kind == ERR_IO)
		err->kind = ERR_DAMAGED;
	return -1;
}

/* (MI3) Nothing of a damaged file is to stay: only what the mirror HAD before. */
static void put_back(struct medium *to, const char *as, uint64_t had)
{
	struct err err = {0};
	int rc = had > 0 ? medium_cut(to, as, had, &err) : medium_drop(to, as, &err);

	if (rc < 0)
		log_warn("a file that was not whole stays in the mirror: %s", err.text);
}

static int copy(struct mirroring *mi, struct mirrored *m, const char *name, const char *as,
		uint64_t length, uint64_t had, struct trouble *t)
{
	if (copy_file_as(m->from, name, m->to, as, length, &mi->pace, &t->why) == 0)
		return 0;
	if (!mi->pace.from_failed)
		return -1;
	if (t->why.kind == ERR_DAMAGED)
		put_back(m->to, as, had);
	return of_medium(t);
}

/* What arrived differs from what it should be. Is it the medium's file that does? */
static int blame_medium(struct mirroring *mi, struct mirrored *m, const char *name, uint64_t length,
			const struct hash *hash, struct trouble *t)
{
	struct err why = {0};

	if (copy_check(m->from, name, length, hash, &mi->pace, &why) == 0)
		return 0;
	t->why = why;
	return why.kind == ERR_STOPPED ? -1 : of_medium(t);
}

/* The mirror HAD so many bytes of it. What arrived and is wrong goes again. */
static int carry_once(struct mirroring *mi, struct mirrored *m, const char *name, const char *as,
		      uint64_t length, const struct hash *hash, uint64_t had, struct trouble *t)
{
	struct err removing = {0};

	if (copy(mi, m, name, as, length, had, t) < 0)
		return -1;
	if (check_there(mi, m->to, as, length, hash, &t->why) == 0)
		return 0;
	if (t->why.kind != ERR_DAMAGED)
		return -1;
	if (blame_medium(mi, m, name, length, hash, t) < 0) {
		if (had < length)
			put_back(m->to, as, had);
		return -1;
	}
	if (medium_drop(m->to, as, &removing) < 0)
		t->why = removing;
	return -1;
}

/* NAME of the medium, as AS in the mirror, whole and read back. What differs is made anew once. */
static int carry(struct mirroring *mi, struct mirrored *m, const char *name, const char *as,
		 uint64_t length, const struct hash *hash, struct trouble *t)
{
	uint64_t there, had;

	if (medium_size(m->from, name, &there, &t->why) < 0) /* before anything is made for it */
		return of_medium(t);
	if (size_there(m->to, as, &had, &t->why) < 0)
		return -1;
	if (carry_once(mi, m, name, as, length, hash, had, t) == 0)
		return 0;
	if (t->of_medium || t->why.kind != ERR_DAMAGED)
		return -1;
	err_clear(&t->why);
	return carry_once(mi, m, name, as, length, hash, 0, t);
}

/* --- what becomes of a failure ---------------------------------------------------------------- */

/* 1: ROW (NULL: it is no pack) is still to be mirrored, as it was when the run began. */
static int is_wanted(struct mirroring *mi, const struct pack_row *row, const struct trouble *t,
		     struct err *err)
{
	struct pack_row now;
	int rc;

	if (row == NULL)
		return t->why.kind != ERR_NOTFOUND; /* else it was thinned meanwhile */
	rc = packs_get(mi->catalog, row->pack, &now, err);
	return rc > 0 ? now.state == row->state : rc;
}

static int settle(struct mirroring *mi, struct mirrored *m, const char *name,
		  const struct pack_row *row, const struct trouble *t, struct err *err)
{
	int rc;

	if (!t->of_medium && t->why.kind == ERR_DAMAGED) {
		mi->report->damaged++;
		log_error("not mirrored medium=%u name=%s: the mirror does not give back what was "
			  "written there: %s",
			  m->number, name, t->why.text);
		return 0;
	}
	if (!t->of_medium || t->why.kind == ERR_STOPPED)
		return err_set(err, t->why.kind, "%s", t->why.text);
	rc = is_wanted(mi, row, t, err);
	if (rc <= 0)
		return rc;
	mi->report->missing++;
	m->away = m->away || t->why.kind == ERR_OFFLINE || t->why.kind == ERR_TIMEOUT;
	log_error("not mirrored medium=%u name=%s: %s", m->number, name, t->why.text);
	return 0;
}

static bool was_lost(const struct mirrored *m, const char *name)
{
	for (size_t i = 0; i < m->lost.n; i++)
		if (strcmp(m->lost.v[i], name) == 0)
			return true;
	return false;
}

/* HASH: it is complete, and was read back. */
static int note_arrived(struct mirroring *mi, const struct mirrored *m, const char *name,
			uint64_t size, const struct hash *hash, struct err *err)
{
	struct mirror_file file = {.medium = m->number, .name = name, .size = size};

	if (hash != NULL) {
		file.has_hash = true;
		file.hash = *hash;
	}
	mi->report->files++;
	mi->report->repaired += was_lost(m, name);
	return mirror_file_arrived(mi->catalog, &file, err);
}

/* --- packs ------------------------------------------------------------------------------------ */

/* (MI4) The hash of a sealed pack: the catalog's, else of the file once every record of it has opened, and then the
 * catalog has it, too. 1; 0 T tells why not. */
static int need_hash(struct mirroring *mi, struct mirrored *m, const struct pack_row *row,
		     const char *name, struct hash *hash_r, struct trouble *t, struct err *err)
{
	CLEAN(pack_reader) pack = NULL;

	*hash_r = row->hash;
	if (row->has_hash)
		return 1;
	if (pack_open(m->from, archive_keys(mi->a), row->pack, &pack, &t->why) < 0 ||
	    pack_check(pack, row->length, &t->why) < 0 ||
	    copy_hash(m->from, name, row->length, &mi->pace, hash_r, &t->why) < 0) {
		of_medium(t);
		return 0;
	}
	return packs_set_hash(mi->catalog, row->pack, hash_r, err) < 0 ? -1 : 1;
}

int mirror_sealed(struct mirroring *mi, struct mirrored *m, const struct pack_row *row,
		  struct err *err)
{
	struct trouble t = {0};
	struct hash hash;
	char name[64];
	int rc = need_hash(mi, m, row, pack_name(row->pack, name), &hash, &t, err);

	if (rc < 0)
		return -1;
	if (rc == 0 || carry(mi, m, name, name, row->length, &hash, &t) < 0)
		return settle(mi, m, name, row, &t, err);
	return note_arrived(mi, m, name, row->length, &hash, err);
}

/* It is read back when it is sealed. */
int mirror_open_pack(struct mirroring *mi, struct mirrored *m, const struct pack_row *row,
		     struct err *err)
{
	struct trouble t = {0};
	uint64_t there, had;
	char name[64];

	if (medium_size(m->from, pack_name(row->pack, name), &there, &t.why) < 0) {
		of_medium(&t);
		return settle(mi, m, name, row, &t, err);
	}
	if (size_there(m->to, name, &had, &t.why) < 0 ||
	    copy(mi, m, name, name, row->length, had, &t) < 0)
		return settle(mi, m, name, row, &t, err);
	return note_arrived(mi, m, name, row->length, NULL, err);
}

/* --- other files ------------------------------------------------------------------------------ */

/* Under another name until it is whole. */
static int carry_part(struct mirroring *mi, struct mirrored *m, const char *name, uint64_t length,
		      const struct hash *hash, struct trouble *t)
{
	CLEAN_STR part = STR_INIT;

	str_addf(&part, "%s.part", name);
	if (carry(mi, m, name, part.data, length, hash, t) < 0)
		return -1;
	return medium_replace(m->to, part.data, name, &t->why);
}

int mirror_other(struct mirroring *mi, struct mirrored *m, const char *name, struct err *err)
{
	struct trouble t = {0};
	struct mirror_file file;
	struct hash hash;
	uint64_t size;
	int rc;

	if (medium_size(m->from, name, &size, &t.why) < 0) {
		of_medium(&t);
		return settle(mi, m, name, NULL, &t, err);
	}
	rc = mirror_file_get(mi->catalog, m->number, name, &file, err);
	if (rc < 0 || (rc > 0 && file.size == size))
		return rc < 0 ? -1 : 0;
	if (rc > 0) {
		t.of_medium = true;
		err_set(&t.why, ERR_DAMAGED,
			"it has %llu bytes, and had %llu when it was mirrored; the mirror keeps "
			"its own",
			(unsigned long long)size, (unsigned long long)file.size);
		return settle(mi, m, name, NULL, &t, err);
	}
	if (copy_hash(m->from, name, size, &mi->pace, &hash, &t.why) < 0) {
		of_medium(&t);
		return settle(mi, m, name, NULL, &t, err);
	}
	if (carry_part(mi, m, name, size, &hash, &t) < 0)
		return settle(mi, m, name, NULL, &t, err);
	return note_arrived(mi, m, name, size, &hash, err);
}

/* --- reading again ---------------------------------------------------------------------------- */

/* The row of the pack called NAME: 1, 0 it is no pack's name. */
static int find_pack(struct mirroring *mi, const char *name, struct pack_row *row_r,
		     struct err *err)
{
	uint64_t number;

	return pack_number_of(name, &number) < 0 ? 0 : packs_get(mi->catalog, number, row_r, err);
}

/* (MI3) What is damaged stays until there is something better. */
static int renew(struct mirroring *mi, struct mirrored *m, const struct mirror_file *file,
		 const struct err *why, struct err *err)
{
	struct trouble t = {0};
	struct pack_row row;
	int rc;

	mi->report->damaged++;
	log_error("damaged in the mirror medium=%u name=%s: %s", m->number, file->name, why->text);
	if (m->from == NULL)
		return 0;
	if (carry_part(mi, m, file->name, file->size, &file->hash, &t) < 0) {
		rc = find_pack(mi, file->name, &row, err);
		row.state = PACK_SEALED; /* as it was when it came here */
		return rc < 0 ? -1 : settle(mi, m, file->name, rc > 0 ? &row : NULL, &t, err);
	}
	mi->report->repaired++;
	return note_arrived(mi, m, file->name, file->size, &file->hash, err);
}

int mirror_check(struct mirroring *mi, struct mirrored *m, const struct mirror_file *file,
		 struct err *err)
{
	struct err why = {0};

	mi->report->checked++;
	if (check_there(mi, m->to, file->name, file->size, &file->hash, &why) == 0)
		return mirror_file_checked(mi->catalog, file, err);
	if (why.kind != ERR_DAMAGED && why.kind != ERR_NOTFOUND)
		return err_set(err, why.kind, "%s", why.text);
	return renew(mi, m, file, &why, err);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/stamp_priv.h"

void raw_mail_init(struct raw_mail *r, struct archive *a)
{
	*r = (struct raw_mail){.a = a, .reader = reader_new(a), .arena = arena_new()};
	str_init(&r->bytes);
	str_init(&r->text);
}

void raw_mail_clear(struct raw_mail *r)
{
	reader_free(&r->reader);
	arena_free(&r->arena);
	str_clear(&r->bytes);
	str_clear(&r->text);
}

static int load_row(struct raw_mail *r, uint64_t mail, struct err *err)
{
	int rc;

	if (r->row.mail == mail)
		return 0;
	arena_reset(r->arena);
	r->has_bytes = false;
	rc = mails_get(archive_catalog(r->a), r->arena, mail, &r->row, err);
	if (rc > 0)
		return 0;
	r->row.mail = 0;
	return rc < 0 ? -1 : err_set(err, ERR_NOTFOUND, "it was erased meanwhile");
}

int raw_mail(struct raw_mail *r, uint64_t mail, struct view *bytes_r, struct err *err)
{
	if (load_row(r, mail, err) < 0)
		return -1;
	if (!r->has_bytes && reader_mail(r->reader, &r->row, &r->bytes, err) < 0)
		return -1;
	r->has_bytes = true;
	*bytes_r = str_view(&r->bytes);
	return 0;
}

int raw_provenance(struct raw_mail *r, uint64_t mail, const struct uuid *sighting,
		   struct view *text_r, struct err *err)
{
	struct sighting_row row;
	int rc = 1;

	if (load_row(r, mail, err) < 0)
		return -1;
	if (sighting != NULL)
		rc = sightings_get(archive_catalog(r->a), r->arena, sighting, &row, err);
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "a later sighting of it is not known any more");
	str_reset(&r->text);
	if (rc < 0 ||
	    provenance_read(r->a, r->reader, &r->row, sighting ? &row : NULL, &r->text, err) < 0)
		return -1;
	*text_r = str_view(&r->text);
	return 0;
}

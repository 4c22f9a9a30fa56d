/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Categories, and requests for deletion. */
#include "app/archive/deletion.h"
#include "app/archive/noting.h"
#include "app/catalog/audit.h"
#include "app/task/work.h"

#include <stdio.h>

static void tell(struct work *w, const char *what)
{
	str_addf(&w->text, "%llu mail%s %s", (unsigned long long)w->done, w->done == 1 ? "" : "s",
		 what);
	if (w->failed > 0)
		str_addf(&w->text, "; %llu are not there any more", (unsigned long long)w->failed);
}

/* ---- categories ---- */

static int categorise(struct work *w, void *arg, const struct mail_row *row, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	const struct view tags = tags_read(arena, w->order.category, '\n');
	struct view before;
	struct note note;

	(void)arg;
	if (notes_get(archive_catalog(w->a), arena, w->row.person, row->mail, &note, err) < 0)
		return -1;
	note.person = w->row.person;
	note.mail = row->mail;
	before = note.tags;
	note.tags = (w->order.remove ? tags_without : tags_add)(arena, note.tags, tags);
	return view_eq(before, note.tags) ? 0 : note_mail(w->a, &note, err);
}

int work_categorise(struct work *w, struct err *err)
{
	char count[32];

	if (work_each(w, categorise, NULL, err) < 0)
		return -1;
	snprintf(count, sizeof(count), "%llu", (unsigned long long)w->done);
	tell(w, w->order.remove ? "taken out of the category" : "put into the category");
	return audit_add(archive_catalog(w->a), AUDIT_NOTED, VIEW("many mails"), VIEW(count), err);
}

/* ---- deletion ---- */

static int collect(struct work *w, void *arg, const struct mail_row *row, struct err *err)
{
	struct numbers *mails = arg;

	(void)err;
	ARENA_PUSH(w->arena, *mails, row->mail);
	return 0;
}

int work_request_deletion(struct work *w, struct err *err)
{
	struct numbers mails = {0};
	uint64_t request;

	if (work_each(w, collect, &mails, err) < 0)
		return -1;
	if (mails.n == 0)
		return err_set(err, ERR_USAGE, "there is no such mail");
	if (deletion_request(w->a, w->row.person, &mails, w->order.reason, &request, err) < 0)
		return -1;
	tell(w, "asked to be deleted");
	str_addf(&w->text, ", request %llu", (unsigned long long)request);
	return 0;
}

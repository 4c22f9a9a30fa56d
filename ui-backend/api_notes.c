/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person notes for himself. */
#include "app/archive/noting.h"
#include "ui-backend/sight.h"

enum { CATEGORIES_MAX = 50, CATEGORY_MAX = 100, TEXT_MAX = 20000 };

static int read_categories(struct api_request *r, struct view *tags_r, struct err *err)
{
	CLEAN_STR tags = STR_INIT;
	struct json_object *list;

	if (json_list(r->body, "categories", CATEGORIES_MAX, &list, err) <= 0)
		return err_set(err, ERR_SYNTAX, "categories is to be a list of texts");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct view category;

		if (json_item_text(list, i, 1, CATEGORY_MAX, &category, err) < 0)
			return -1;
		str_addv(&tags, category);
		str_addc(&tags, '\n');
	}
	*tags_r = tags_read(r->arena, str_view(&tags), '\n');
	return 0;
}

int api_write_note(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"categories", "note", NULL};
	struct note note = {.person = r->caller.scope.person};
	char id[UUID_TEXT + 1];
	struct mail_row row;

	if (json_only(r->body, known, err) < 0 || sight_mail(r, "id", &row, err) < 0 ||
	    read_categories(r, &note.tags, err) < 0 ||
	    json_need_text(r->body, "note", 0, TEXT_MAX, &note.text, err) < 0)
		return -1;
	note.mail = row.mail;
	if (note_mail(r->archive, &note, err) < 0 ||
	    sight_audit(r, AUDIT_NOTED, VIEW(uuid_text(&row.id, id)), VIEW(""), err) < 0)
		return -1;
	return reply_nothing(r);
}

int api_list_categories(struct api_request *r, struct err *err)
{
	struct json_object *body, *list;
	struct categories categories;

	if (categories_list(archive_catalog(r->archive), r->arena, r->caller.scope.person,
			    &categories, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "categories", list);
	for (size_t i = 0; i < categories.n; i++) {
		struct json_object *object = json_object_new_object();

		json_set_text(object, "name", categories.v[i].name);
		json_set_number(object, "mails", (int64_t)categories.v[i].mails);
		json_object_array_add(list, object);
	}
	return reply_json(r, 200, body);
}

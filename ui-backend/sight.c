/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/sight.h"

#include "app/catalog/holds.h"
#include "app/catalog/notes.h"
#include "app/mail/mail.h"

enum { TO_SHOWN = 5 };

bool sight_is_all(const struct api_request *r)
{
	return r->caller.scope.all;
}

int sight_mail_of(struct api_request *r, const struct uuid *id, struct mail_row *row_r,
		  struct err *err)
{
	return mail_find_in(r->archive, r->arena, &r->caller.scope, id, row_r, err) > 0 ? 0 : -1;
}

int sight_mail(struct api_request *r, const char *name, struct mail_row *row_r, struct err *err)
{
	struct uuid id;

	return request_param_id(r, name, &id, err) < 0 ? -1 : sight_mail_of(r, &id, row_r, err);
}

static bool is_own(const struct scope *scope, uint64_t address)
{
	for (size_t i = 0; i < scope->n_addresses; i++)
		if (scope->addresses[i] == address)
			return true;
	return false;
}

bool sight_tells(struct api_request *r, struct view addr)
{
	struct err err = {0};
	uint64_t id;

	if (sight_is_all(r))
		return true;
	return address_id(archive_catalog(r->archive), addr, false, &id, &err) > 0 &&
	       is_own(&r->caller.scope, id);
}

static void free_reader(void *arg)
{
	struct reader *reader = arg;

	reader_free(&reader);
}

struct reader *sight_reader(struct api_request *r)
{
	struct reader *reader = reader_new(r->archive);

	request_at_end(r, free_reader, reader);
	return reader;
}

/* --- rows --------------------------------------------------------------------------------------- */

static int marks_json(struct api_request *r, const struct mail_row *row,
		      struct json_object **list_r, struct err *err)
{
	static const struct {
		unsigned mark;
		const char *name;
	} names[] = {
		{MARK_ATTACHMENT, "attachment"}, {MARK_SPAM, "spam"}, {MARK_FLAGGED, "flagged"}};
	struct catalog *catalog = archive_catalog(r->archive);
	struct json_object *list = json_object_new_array();
	int held = mail_is_held(catalog, row->mail, err);
	int requested = mail_is_requested(catalog, row->mail, err);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (row->marks & names[i].mark)
			json_object_array_add(list, json_of(VIEW(names[i].name)));
	if (held > 0)
		json_object_array_add(list, json_of(VIEW("hold")));
	if (requested > 0)
		json_object_array_add(list, json_of(VIEW("deletionRequested")));
	*list_r = list;
	return held < 0 || requested < 0 ? -1 : 0;
}

static int add_recipients(struct api_request *r, const struct mail_row *row,
			  struct json_object *object, struct err *err)
{
	struct json_object *list = json_object_new_array();
	struct addresses to;

	json_set(object, "to", list);
	if (recipients_in_role(archive_catalog(r->archive), r->arena, row->mail, ROLE_TO, &to,
			       err) < 0)
		return -1;
	for (size_t i = 0; i < to.n && i < TO_SHOWN; i++)
		json_object_array_add(list, json_of(to.v[i]));
	if (to.n > TO_SHOWN)
		json_set_number(object, "toMore", (int64_t)(to.n - TO_SHOWN));
	return 0;
}

/* Where it came from and where it lies is for those who answer for the archive. */
static int add_origin(struct api_request *r, const struct mail_row *row, struct json_object *object,
		      struct err *err)
{
	struct catalog *catalog = archive_catalog(r->archive);
	CLEAN_STR name = STR_INIT;
	struct pack_row pack;

	if (!sight_is_all(r))
		return 0;
	if (source_name(catalog, row->source, &name, err) < 0 ||
	    packs_get(catalog, row->record.pack, &pack, err) < 0)
		return -1;
	json_set_text(object, "source", str_view(&name));
	json_set_number(object, "medium", pack.medium);
	return 0;
}

static int add_note(struct api_request *r, const struct mail_row *row, struct json_object *object,
		    struct err *err)
{
	struct json_object *list = json_object_new_array();
	struct note note;
	struct view tag;

	json_set(object, "categories", list);
	if (notes_get(archive_catalog(r->archive), r->arena, r->caller.scope.person, row->mail,
		      &note, err) < 0)
		return -1;
	while (note.tags.len > 0 && view_cut(&note.tags, '\n', &tag))
		json_object_array_add(list, json_of(tag));
	json_set_flag(object, "hasNote", note.text.len > 0);
	return 0;
}

int sight_add_row(struct api_request *r, const struct mail_row *row, struct json_object *object,
		  struct err *err)
{
	char id[UUID_TEXT + 1];
	struct json_object *marks;
	int rc;

	json_set_text(object, "id", VIEW(uuid_text(&row->id, id)));
	json_set_text(object, "from", row->sender);
	json_set_text(object, "subject", row->subject);
	json_set_time(object, "sent", row->sent_s != 0 ? row->sent_s : 1);
	json_set_time(object, "archived", uuid_ms(&row->id) / 1000);
	json_set_number(object, "size", (int64_t)row->size);
	json_set_number(object, "attachments", row->attachments);
	rc = marks_json(r, row, &marks, err);
	json_set(object, "marks", marks);
	if (rc < 0)
		return -1;
	return add_recipients(r, row, object, err) < 0 || add_note(r, row, object, err) < 0 ||
			       add_origin(r, row, object, err) < 0
		       ? -1
		       : 0;
}

int sight_row_json(struct api_request *r, const struct mail_row *row, struct json_object **row_r,
		   struct err *err)
{
	*row_r = json_object_new_object();
	if (sight_add_row(r, row, *row_r, err) == 0)
		return 0;
	json_object_put(*row_r);
	*row_r = NULL;
	return -1;
}

struct json_object *sight_words_json(struct api_request *r, const struct query *query)
{
	struct json_object *list = json_object_new_array();
	struct query_words words;

	query_words(query, r->arena, &words);
	for (size_t i = 0; i < words.n; i++) {
		struct json_object *word = json_object_new_object();

		json_set_text(word, "text", words.v[i].text);
		json_set_flag(word, "prefix", words.v[i].prefix);
		if (words.v[i].field != NULL)
			json_set_text(word, "field", VIEW(words.v[i].field));
		json_object_array_add(list, word);
	}
	return list;
}

int sight_audit(struct api_request *r, enum audit_event what, struct view subject,
		struct view detail, struct err *err)
{
	return audit_add_soon(archive_catalog(r->archive), what, subject, detail, err);
}

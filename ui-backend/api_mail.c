/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One mail: reading it, and giving it back. */
#include "app/archive/deletion.h"
#include "app/archive/record.h"
#include "app/archive/verify.h"
#include "app/catalog/notes.h"
#include "app/catalog/stamps.h"
#include "app/mail/shown.h"
#include "base/clock.h"
#include "base/log.h"
#include "tsa/proof_folder.h"
#include "tsa/prove.h"
#include "ui-backend/sight.h"
#include "ui-backend/zip.h"

#include <stdio.h>

enum { SOURCE_MAX = 256 * 1024, ADDRESSES_MAX = 5000, PART_MAX = 1 << 30 };

struct reading {
	struct api_request *r;
	struct mail_row row;
	struct reader *reader;
	struct str raw; /* the original */
};

static void end_reading(void *arg)
{
	struct reading *reading = arg;

	str_clear(&reading->raw);
}

/* The mail that the path names, with its bytes. */
static int begin_reading(struct api_request *r, struct reading **reading_r, struct err *err)
{
	struct reading *reading = arena_get(r->arena, sizeof(*reading));

	reading->r = r;
	str_init(&reading->raw);
	request_at_end(r, end_reading, reading);
	*reading_r = reading;
	if (sight_mail(r, "id", &reading->row, err) < 0 ||
	    request_room(r, reading->row.size, err) < 0)
		return -1;
	reading->reader = sight_reader(r);
	return reader_mail(reading->reader, &reading->row, &reading->raw, err);
}

static int audit_mail(const struct reading *reading, enum audit_event what, const char *detail,
		      struct err *err)
{
	char id[UUID_TEXT + 1];

	return sight_audit(reading->r, what, VIEW(uuid_text(&reading->row.id, id)), VIEW(detail),
			   err);
}

/* --- its header --------------------------------------------------------------------------------- */

/* A copy that was sent has the field Bcc in it; who only received the mail is not shown it. */
static bool is_sender(const struct reading *reading, const struct shown *shown)
{
	for (size_t i = 0; i < shown->mail.addresses.n; i++) {
		const struct address *a = &shown->mail.addresses.v[i];

		if ((a->role == ROLE_FROM || a->role == ROLE_SENDER) &&
		    sight_tells(reading->r, a->addr))
			return true;
	}
	return false;
}

static struct json_object *fields_json(const struct shown *shown, bool with_bcc)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < shown->fields.n; i++) {
		const struct shown_field *field = &shown->fields.v[i];
		struct json_object *object;

		if (!with_bcc && (view_eq_nocase(field->name, VIEW("Bcc")) ||
				  view_eq_nocase(field->name, VIEW("Resent-Bcc"))))
			continue;
		object = json_object_new_object();
		json_set_text(object, "name", field->name);
		json_set_text(object, "value", field->value);
		json_object_array_add(list, object);
	}
	return list;
}

static struct json_object *mailbox_json(struct view addr, struct view name)
{
	struct json_object *object = json_object_new_object();

	json_set_text(object, "address", addr);
	if (name.len > 0)
		json_set_text(object, "name", name);
	return object;
}

static struct json_object *mailboxes_json(const struct shown *shown, enum role role)
{
	struct json_object *list = json_object_new_array();
	size_t n = 0;

	for (size_t i = 0; i < shown->mail.addresses.n && n < ADDRESSES_MAX; i++) {
		const struct address *a = &shown->mail.addresses.v[i];

		if (a->role != role)
			continue;
		json_object_array_add(list, mailbox_json(a->addr, a->name));
		n++;
	}
	return list;
}

/* --- recipients that only the envelope knows ---------------------------------------------------- */

struct hidden {
	const struct reading *reading;
	struct json_object *list;
	bool with_bcc;
};

static int add_hidden(void *arg, unsigned role, uint64_t address, struct view addr, struct err *err)
{
	struct hidden *h = arg;

	(void)address;
	(void)err;
	if ((role == ROLE_ENVELOPE || role == ROLE_BCC) &&
	    json_object_array_length(h->list) < ADDRESSES_MAX &&
	    (sight_tells(h->reading->r, addr) || (role == ROLE_BCC && h->with_bcc)))
		json_object_array_add(h->list, mailbox_json(addr, VIEW("")));
	return 0;
}

static int add_recipients(const struct reading *reading, const struct shown *shown, bool with_bcc,
			  struct json_object *body, struct err *err)
{
	struct json_object *object = json_object_new_object();
	struct hidden hidden = {reading, json_object_new_array(), with_bcc};

	json_set(body, "recipients", object);
	json_set(object, "to", mailboxes_json(shown, ROLE_TO));
	json_set(object, "cc", mailboxes_json(shown, ROLE_CC));
	json_set(object, "bcc", hidden.list);
	return recipients_each(archive_catalog(reading->r->archive), reading->row.mail, add_hidden,
			       &hidden, err);
}

static void add_sender(const struct shown *shown, struct json_object *body)
{
	for (size_t i = 0; i < shown->mail.addresses.n; i++) {
		const struct address *a = &shown->mail.addresses.v[i];

		if (a->role != ROLE_FROM)
			continue;
		json_set(body, "fromMailbox", mailbox_json(a->addr, a->name));
		return;
	}
}

/* --- its parts ---------------------------------------------------------------------------------- */

/* What a page may show in its place, as a type that cannot be anything else. NULL: nothing. */
static const char *shown_type(struct view type)
{
	static const char *const types[] = {"image/png",      "image/jpeg", "image/gif",
					    "image/webp",     "image/bmp",  "image/avif",
					    "application/pdf"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (view_eq(type, VIEW(types[i])))
			return types[i];
	return view_eq(type, VIEW("image/jpg")) ? "image/jpeg" : NULL;
}

static const char *shown_as(struct view type)
{
	const char *known = shown_type(type);

	if (known == NULL)
		return "no";
	return strcmp(known, "application/pdf") == 0 ? "pdf" : "image";
}

static struct json_object *parts_json(const struct shown *shown)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < shown->mail.leaves.n; i++) {
		const struct shown_part *part = &shown->parts[i];
		struct json_object *object;

		if (part->is_body)
			continue;
		object = json_object_new_object();
		json_set_number(object, "part", (int64_t)i + 1);
		json_set_text(object, "type", part->leaf->type);
		if (part->leaf->name.len > 0)
			json_set_text(object, "name", part->leaf->name);
		json_set_number(object, "size", (int64_t)part->size_bytes);
		if (part->content_id.len > 0)
			json_set_text(object, "contentId", part->content_id);
		json_set_text(object, "shown", VIEW(shown_as(part->leaf->type)));
		json_set_flag(object, "inline", !part->leaf->attachment);
		json_object_array_add(list, object);
	}
	return list;
}

/* --- the ways it came --------------------------------------------------------------------------- */

struct ways {
	const struct reading *reading;
	struct json_object *list;
};

static void add_way(struct ways *ways, const struct facts *facts)
{
	struct json_object *object = json_object_new_object(), *to = json_object_new_array();
	struct api_request *r = ways->reading->r;

	json_set_text(object, "way", VIEW(way_text(facts->way)));
	json_set_time(object, "time", facts->seen_ms / 1000);
	if (facts->source.len > 0)
		json_set_text(object, "source", facts->source);
	if (facts->place.len > 0 && sight_is_all(r))
		json_set_text(object, "place", facts->place);
	if (facts->reverse_path.len > 0)
		json_set_text(object, "envelopeFrom", facts->reverse_path);
	for (size_t i = 0; i < facts->recipients.n && i < ADDRESSES_MAX; i++)
		if (sight_tells(r, facts->recipients.v[i]))
			json_object_array_add(to, json_of(facts->recipients.v[i]));
	json_set(object, "envelopeTo", to);
	json_object_array_add(ways->list, object);
}

/* A record that cannot be read must not keep the mail from being read. */
static int add_later_way(void *arg, const struct sighting_row *row, struct err *err)
{
	struct ways *ways = arg;
	struct facts facts = {.way = row->way, .seen_ms = row->seen_ms};
	struct err why = {0};

	(void)err;
	if (reader_sighting(ways->reading->reader, ways->reading->r->arena, row, &facts, NULL,
			    &why) < 0) {
		log_warn("record not read: %s", why.text);
		facts = (struct facts){.way = row->way, .seen_ms = row->seen_ms};
	}
	add_way(ways, &facts);
	return 0;
}

static int add_ways(const struct reading *reading, struct json_object *body, struct err *err)
{
	struct ways ways = {reading, json_object_new_array()};
	struct facts facts;

	json_set(body, "ways", ways.list);
	if (reader_facts(reading->reader, reading->r->arena, &reading->row, &facts, err) < 0)
		return -1;
	add_way(&ways, &facts);
	return sightings_each(archive_catalog(reading->r->archive), reading->row.mail,
			      add_later_way, &ways, err);
}

/* --- integrity ---------------------------------------------------------------------------------- */

static struct json_object *integrity_json(const struct reading *reading, const char *state,
					  const char *text)
{
	struct json_object *object = json_object_new_object();
	CLEAN_STR hex = STR_INIT;

	json_set_text(object, "state", VIEW(state));
	json_set_text(object, "text", VIEW(text));
	json_set_time(object, "archived", uuid_ms(&reading->row.id) / 1000);
	str_addhex(&hex, reading->row.exact.b, HASH_BYTES);
	json_set_text(object, "sha256", str_view(&hex));
	return object;
}

static int first_leaf(void *arg, const struct stamp_leaf *leaf, struct err *err)
{
	uint64_t *stamp = arg;

	(void)err;
	if (*stamp == 0 || leaf->origin < *stamp)
		*stamp = leaf->origin;
	return 0;
}

/* What the catalog knows; that its bytes are those that came was found true by reading them. The timestamp itself is checked when he asks for it. */
static int add_integrity(const struct reading *reading, struct json_object *body, struct err *err)
{
	struct catalog *catalog = archive_catalog(reading->r->archive);
	struct json_object *object;
	struct stamp_row row;
	uint64_t stamp = 0;
	int rc;

	if (stamp_leaves_each(catalog, (int64_t)reading->row.mail, first_leaf, &stamp, err) < 0)
		return -1;
	rc = stamp == 0 ? 0 : stamps_get(catalog, reading->r->arena, stamp, &row, err);
	if (rc < 0)
		return -1;
	object = rc > 0 ? integrity_json(reading, "proved",
					 "It is as it was archived, and a timestamp says since "
					 "when.")
			: integrity_json(reading, "unproved",
					 "It is as it was archived. The next timestamp will prove "
					 "it.");
	if (rc > 0)
		json_set_time(object, "stamped", row.time_ms / 1000);
	json_set(body, "integrity", object);
	return 0;
}

/* --- routes ------------------------------------------------------------------------------------- */

/* Whether he may ask that it be deleted; the answer to asking says so again. */
static int may_request_deletion(const struct reading *reading, bool *may_r, struct err *err)
{
	struct catalog *catalog = archive_catalog(reading->r->archive);
	enum deletion_mode mode;
	int held, requested;

	if (deletion_mode_get(catalog, &mode, err) < 0)
		return -1;
	held = mail_is_held(catalog, reading->row.mail, err);
	requested = mail_is_requested(catalog, reading->row.mail, err);
	*may_r = mode != DELETION_OFF && held == 0 && requested == 0 &&
		 caller_has(reading->r, RIGHT_REQUEST);
	return held < 0 || requested < 0 ? -1 : 0;
}

static int add_his(const struct reading *reading, struct json_object *body, struct err *err)
{
	struct api_request *r = reading->r;
	struct note note;
	bool may;

	if (notes_get(archive_catalog(r->archive), r->arena, r->caller.scope.person,
		      reading->row.mail, &note, err) < 0 ||
	    may_request_deletion(reading, &may, err) < 0)
		return -1;
	json_set_text(body, "note", note.text);
	json_set_flag(body, "mayRequestDeletion", may);
	return 0;
}

static void set_id(struct json_object *body, const char *name, bool has, const struct uuid *id)
{
	char text[UUID_TEXT + 1];

	if (has)
		json_set_text(body, name, VIEW(uuid_text(id, text)));
}

/* What the search, by which it was found, marks in it, and leads to. A mistake in it leads nowhere. */
static int add_search(const struct reading *reading, struct json_object *body, struct err *err)
{
	struct api_request *r = reading->r;
	CLEAN(query) query = NULL;
	struct find_neighbours near;
	struct view text;

	if (request_query(r, "q", &text) == 0)
		return 0;
	if (query_parse(text, &query, err) < 0) {
		err_clear(err);
		return 0;
	}
	json_set(body, "words", sight_words_json(r, query));
	if (find_neighbours(r->archive, text, &r->caller.scope, &reading->row, &near, err) < 0)
		return -1;
	set_id(body, "previous", near.has_newer, &near.newer);
	set_id(body, "next", near.has_older, &near.older);
	return 0;
}

static int fill_mail(const struct reading *reading, const struct shown *shown,
		     struct json_object *body, struct err *err)
{
	bool with_bcc = sight_is_all(reading->r) || is_sender(reading, shown);

	if (shown->mail.message_id.len > 0)
		json_set_text(body, "messageId", shown->mail.message_id);
	add_sender(shown, body);
	json_set_time(body, "received", shown->received_s);
	json_set(body, "headers", fields_json(shown, with_bcc));
	json_set_text(body, "text", shown->text);
	if (shown->html.len > 0)
		json_set_text(body, "html", shown->html);
	json_set_flag(body, "truncated", shown->cut);
	json_set(body, "parts", parts_json(shown));
	if (sight_add_row(reading->r, &reading->row, body, err) < 0 ||
	    add_recipients(reading, shown, with_bcc, body, err) < 0 ||
	    add_ways(reading, body, err) < 0 || add_integrity(reading, body, err) < 0 ||
	    add_his(reading, body, err) < 0)
		return -1;
	return add_search(reading, body, err);
}

int api_read_mail(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"q", NULL};
	struct json_object *body;
	struct reading *reading;
	struct shown shown;

	if (request_query_only(r, known, err) < 0 || begin_reading(r, &reading, err) < 0)
		return -1;
	mail_show(r->arena, str_view(&reading->raw), &SHOWN_LIMITS_DEFAULT, &shown);
	body = json_object_new_object();
	if (fill_mail(reading, &shown, body, err) < 0 ||
	    audit_mail(reading, AUDIT_READ, "", err) < 0) {
		json_object_put(body);
		return -1;
	}
	return reply_json(r, 200, body);
}

/* --- the original ------------------------------------------------------------------------------- */

/* What goes to a reader: every byte; but a sender's copy, given to one who merely got the mail, goes without its blind copies. */
static void hide_bcc(struct reading *reading)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR without = STR_INIT;
	struct shown shown = {0};

	if (sight_is_all(reading->r) || !mail_has_bcc(str_view(&reading->raw)))
		return;
	mail_parse(arena, str_view(&reading->raw), &MAIL_LIMITS_DEFAULT, &shown.mail);
	if (is_sender(reading, &shown))
		return;
	mail_without_bcc(str_view(&reading->raw), &without);
	str_reset(&reading->raw);
	str_addv(&reading->raw, str_view(&without));
}

int api_download_mail(struct api_request *r, struct err *err)
{
	CLEAN_STR name = STR_INIT;
	struct reading *reading;
	struct reply_file file = {.type = "message/rfc822", .fallback = "mail.eml"};

	if (begin_reading(r, &reading, err) < 0 ||
	    audit_mail(reading, AUDIT_DOWNLOADED, "original", err) < 0)
		return -1;
	hide_bcc(reading);
	str_addv(&name, reading->row.subject);
	if (name.len > 0)
		str_adds(&name, ".eml");
	file.name = str_view(&name);
	return reply_file(r, &file, &reading->raw);
}

int api_read_source(struct api_request *r, struct err *err)
{
	const struct reply_file file = {
		.type = "text/plain; charset=utf-8", .fallback = "mail.txt", .shown = true};
	CLEAN_STR text = STR_INIT;
	struct reading *reading;
	struct view raw;

	if (begin_reading(r, &reading, err) < 0 ||
	    audit_mail(reading, AUDIT_READ, "source", err) < 0)
		return -1;
	hide_bcc(reading);
	raw = str_view(&reading->raw);
	if (raw.len > SOURCE_MAX)
		raw.len = SOURCE_MAX;
	str_addsafe(&text, raw, true);
	return reply_file(r, &file, &text);
}

/* Inline only what a browser cannot take for anything else, and as that. */
static int reply_part(struct api_request *r, const struct leaf *leaf, bool show, struct str *bytes)
{
	const char *type = shown_type(leaf->type);
	struct reply_file file = {.type = "application/octet-stream",
				  .name = leaf->name,
				  .fallback = "attachment.bin"};

	if (show && type != NULL) {
		file.type = type;
		file.shown = true;
	}
	return reply_file(r, &file, bytes);
}

int api_read_part(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"inline", NULL};
	const struct mail_limits limits = {.text_bytes = 0, .depth = 1000, .leaves = 10000};
	CLEAN_STR bytes = STR_INIT;
	struct reading *reading;
	struct leaf leaf;
	struct mail mail;
	uint64_t part;
	char detail[32];
	bool show;

	if (request_query_only(r, known, err) < 0 ||
	    request_query_flag(r, "inline", &show, err) < 0 ||
	    request_param_number(r, "part", &part, err) < 0 || begin_reading(r, &reading, err) < 0)
		return -1;
	mail_parse(r->arena, str_view(&reading->raw), &limits, &mail);
	if (part == 0 || part > mail.leaves.n)
		return err_set(err, ERR_NOTFOUND, "there is no such part");
	snprintf(detail, sizeof(detail), "part %llu", (unsigned long long)part);
	if (audit_mail(reading, show ? AUDIT_READ : AUDIT_DOWNLOADED, detail, err) < 0)
		return -1;
	leaf = mail.leaves.v[part - 1];
	leaf.name = arena_view(r->arena, leaf.name);
	leaf.type = arena_view(r->arena, leaf.type);
	mail_leaf_decode(&mail, &mail.leaves.v[part - 1], PART_MAX, &bytes);
	str_clear(&reading->raw); /* only one of both is to wait for a slow line */
	return reply_part(r, &leaf, show, &bytes);
}

/* --- verify now, and proofs --------------------------------------------------------------------- */

static int answer_verified(const struct reading *reading, const char *state, const char *text,
			   const struct proof *proof)
{
	struct json_object *body = integrity_json(reading, state, text);

	if (proof != NULL && proof->state == PROOF_GOOD) {
		json_set_time(body, "stamped", proof->proved_ms / 1000);
		if (proof->authority != NULL)
			json_set_text(body, "authority", VIEW(proof->authority));
	}
	return reply_json(reading->r, 200, body);
}

/* What was found wrong with the mail is an answer; only what keeps one from looking is a problem. */
static int answer_wrong(const struct reading *reading, const struct err *err)
{
	if (err->kind == ERR_DAMAGED)
		return answer_verified(reading, "damaged", err->text, NULL);
	if (err->kind == ERR_OFFLINE || err->kind == ERR_TIMEOUT)
		return answer_verified(reading, "offline",
				       "The medium that it lies on does not answer now.", NULL);
	return -1;
}

int api_verify_mail(struct api_request *r, struct err *err)
{
	struct reading reading = {.r = r};
	struct proof proof;

	if (sight_mail(r, "id", &reading.row, err) < 0 ||
	    request_room(r, reading.row.size, err) < 0)
		return -1;
	if (verify_mail(r->archive, &reading.row, err) < 0 ||
	    prove_mail(r->archive, &reading.row.id, clock_s(), r->arena, &proof, err) < 0)
		return answer_wrong(&reading, err);
	switch (proof.state) {
	case PROOF_GOOD:
		return answer_verified(&reading, "proved", proof.text, &proof);
	case PROOF_BROKEN:
		return answer_verified(&reading, "damaged", proof.text, NULL);
	default:
		return answer_verified(&reading, "unproved", proof.text, NULL);
	}
}

static int put_file(void *arg, const char *name, struct view content, struct err *err)
{
	(void)err;
	zip_add(arg, name, content);
	return 0;
}

static void free_zip(void *arg)
{
	struct zip *zip = arg;

	zip_free(&zip);
}

int api_download_proof(struct api_request *r, struct err *err)
{
	struct reply_file file = {.type = "application/zip", .fallback = "proof.zip"};
	struct reading reading = {.r = r};
	struct zip *zip = zip_new();
	CLEAN_STR bytes = STR_INIT;
	CLEAN_STR name = STR_INIT;

	request_at_end(r, free_zip, zip);
	if (sight_mail(r, "id", &reading.row, err) < 0 ||
	    request_room(r, reading.row.size, err) < 0 ||
	    proof_folder_make(r->archive, &reading.row.id, put_file, zip, err) < 0 ||
	    audit_mail(&reading, AUDIT_PROVED, "", err) < 0)
		return -1;
	zip_end(zip, &bytes);
	str_adds(&name, "proof-");
	uuid_add(&name, &reading.row.id);
	str_adds(&name, ".zip");
	file.name = str_view(&name);
	return reply_file(r, &file, &bytes);
}

/* --- its conversation --------------------------------------------------------------------------- */

struct thread {
	struct api_request *r;
	struct json_object *list;
};

static int add_mail(void *arg, const struct mail_row *row, struct err *err)
{
	struct thread *thread = arg;
	struct json_object *object;

	if (sight_row_json(thread->r, row, &object, err) < 0)
		return -1;
	json_object_array_add(thread->list, object);
	return 0;
}

int api_read_thread(struct api_request *r, struct err *err)
{
	struct thread thread = {.r = r};
	struct json_object *body;
	struct mail_row row;

	if (sight_mail(r, "id", &row, err) < 0)
		return -1;
	body = json_object_new_object();
	thread.list = json_object_new_array();
	json_set(body, "mails", thread.list);
	if (find_conversation(r->archive, &r->caller.scope, &row, add_mail, &thread, err) < 0) {
		json_object_put(body);
		return -1;
	}
	return reply_json(r, 200, body);
}

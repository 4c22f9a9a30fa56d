/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/notes.h"

/* --- categories as text ------------------------------------------------------------------------- */

bool tags_have(struct view tags, struct view tag)
{
	struct view one;

	while (tags.len > 0 && view_cut(&tags, '\n', &one))
		if (view_eq(one, tag))
			return true;
	return false;
}

static void add_tag(struct str *out, struct view tag)
{
	tag = view_trim(tag);
	if (tag.len == 0 || tags_have(str_view(out), tag))
		return;
	if (out->len > 0)
		str_addc(out, '\n');
	str_addv(out, tag);
}

static void add_tags(struct str *out, struct view tags, char sep)
{
	struct view tag;

	while (tags.len > 0 && view_cut(&tags, sep, &tag))
		add_tag(out, tag);
}

struct view tags_read(struct arena *arena, struct view text, char sep)
{
	CLEAN_STR out = STR_INIT;

	add_tags(&out, text, sep);
	return arena_view(arena, str_view(&out));
}

struct view tags_add(struct arena *arena, struct view tags, struct view more)
{
	CLEAN_STR out = STR_INIT;

	add_tags(&out, tags, '\n');
	add_tags(&out, more, '\n');
	return arena_view(arena, str_view(&out));
}

struct view tags_without(struct arena *arena, struct view tags, struct view less)
{
	CLEAN_STR out = STR_INIT;
	struct view tag;

	while (tags.len > 0 && view_cut(&tags, '\n', &tag))
		if (!tags_have(less, tag))
			add_tag(&out, tag);
	return arena_view(arena, str_view(&out));
}

struct view tags_shown(struct arena *arena, struct view tags)
{
	CLEAN_STR out = STR_INIT;
	struct view tag;

	while (tags.len > 0 && view_cut(&tags, '\n', &tag)) {
		str_adds(&out, out.len > 0 ? ", " : "");
		str_addv(&out, tag);
	}
	return arena_view(arena, str_view(&out));
}

/* --- rows --------------------------------------------------------------------------------------- */

int notes_get(struct catalog *catalog, struct arena *arena, uint64_t person, uint64_t mail,
	      struct note *note_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT tags, note FROM notes WHERE mail = ?1 AND person = ?2",
			 BIND_INT(mail), BIND_INT(person));

	*note_r = (struct note){person, mail, VIEW(""), VIEW("")};
	if (rc > 0) {
		note_r->tags = arena_view(arena, stmt_text(q, 0));
		note_r->text = arena_view(arena, stmt_text(q, 1));
	}
	return rc;
}

int notes_set(struct catalog *catalog, const struct note *note, struct err *err)
{
	if (note->tags.len > NOTE_TAGS_MAX || note->text.len > NOTE_TEXT_MAX)
		return err_set(err, ERR_TOOBIG, "a note has at most %d bytes, and categories %d",
			       NOTE_TEXT_MAX, NOTE_TAGS_MAX);
	if (note->tags.len == 0 && note->text.len == 0)
		return db_run(catalog_db(catalog), err,
			      "DELETE FROM notes WHERE mail = ?1 AND person = ?2",
			      BIND_INT(note->mail), BIND_INT(note->person));
	return db_run(catalog_db(catalog), err,
		      "INSERT OR REPLACE INTO notes VALUES (?1, ?2, ?3, ?4)", BIND_INT(note->mail),
		      BIND_INT(note->person), BIND_TEXT(note->tags), BIND_TEXT(note->text));
}

int notes_each(struct catalog *catalog, uint64_t mail, notes_fn *fn, void *arg, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT person, tags, note FROM notes WHERE mail = ?1", BIND_INT(mail));

	for (; rc > 0; rc = stmt_step(q, err)) {
		const struct note note = {(uint64_t)stmt_int(q, 0), mail, stmt_text(q, 1),
					  stmt_text(q, 2)};

		if (fn(arg, &note, err) < 0)
			return -1;
	}
	return rc;
}

static void count_tag(struct arena *arena, struct categories *list, struct view tag)
{
	for (size_t i = 0; i < list->n; i++)
		if (view_eq(list->v[i].name, tag)) {
			list->v[i].mails++;
			return;
		}
	ARENA_PUSH(arena, *list, ((struct category){arena_view(arena, tag), 1}));
}

static int by_name(const void *a, const void *b)
{
	const struct category *x = a, *y = b;
	const size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
	const int order = memcmp(x->name.data, y->name.data, len);

	return order != 0 ? order : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

int categories_list(struct catalog *catalog, struct arena *arena, uint64_t person,
		    struct categories *categories_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT n.tags FROM notes n JOIN mails m USING (mail) "
			 "WHERE n.person = ?1 AND n.tags <> '' AND m.state = 0",
			 BIND_INT(person));

	*categories_r = (struct categories){0};
	for (; rc > 0; rc = stmt_step(q, err)) {
		struct view tags = stmt_text(q, 0), tag;

		while (tags.len > 0 && view_cut(&tags, '\n', &tag))
			count_tag(arena, categories_r, tag);
	}
	if (categories_r->n > 0)
		qsort(categories_r->v, categories_r->n, sizeof(*categories_r->v), by_name);
	return rc;
}

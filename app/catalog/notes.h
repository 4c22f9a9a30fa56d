/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notes.h - a person's categories of a mail and his note on it. They are his alone: nobody sees, finds or counts another's.
 *
 * Person 0 is the command line. Whoever writes one puts the mail on the index's list (todo_add()).
 */
#ifndef APP_CATALOG_NOTES_H
#define APP_CATALOG_NOTES_H

#include "app/catalog/people.h"

struct note {
	uint64_t person, mail;
	struct view tags; /* categories, one a line */
	struct view text;
};
enum { NOTE_TAGS_MAX = 4096, NOTE_TEXT_MAX = 65536 }; /* bytes */

/* 1; 0 there is none, and both texts are empty. In the arena. */
int notes_get(struct catalog *catalog, struct arena *arena, uint64_t person, uint64_t mail,
	      struct note *note_r, struct err *err);
/* Instead of what was there; both empty: none. ERR_TOOBIG. */
int notes_set(struct catalog *catalog, const struct note *note, struct err *err);
typedef int notes_fn(void *arg, const struct note *note, struct err *err);
int notes_each(struct catalog *catalog, uint64_t mail, notes_fn *fn, void *arg, struct err *err);

/* The categories that a person has given, by name. */
struct category {
	struct view name;
	uint64_t mails;
};
struct categories {
	struct category *v;
	size_t n, cap;
};
int categories_list(struct catalog *catalog, struct arena *arena, uint64_t person,
		    struct categories *categories_r, struct err *err);

/* Categories as they were typed: without spaces around, none twice, none empty; SEP between them. In the arena. */
struct view tags_read(struct arena *arena, struct view text, char sep);
struct view tags_add(struct arena *arena, struct view tags, struct view more);
struct view tags_without(struct arena *arena, struct view tags, struct view less);
bool tags_have(struct view tags, struct view tag);
struct view tags_shown(struct arena *arena, struct view tags); /* in one line: "steuer, 2024" */

#endif

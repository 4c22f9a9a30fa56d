/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words.h - the values of Postfix's parameters that are lists: words between commas and white space, where braces hold a word
 * together (postconf(5)).
 *
 * A word is ours if it refers to a parameter of ours: $sealpost_capture, ${sealpost_capture}, $(sealpost_capture). Everything that the hook adds to
 * somebody's list is such a word, so it is found again wherever it was moved.
 */
#ifndef APP_POSTFIX_WORDS_H
#define APP_POSTFIX_WORDS_H

#include "base/arena.h"

#include <stdbool.h>

struct words {
	struct view *v; /* they look into the value */
	size_t n, cap;
};

struct words words_of(struct arena *arena, const char *value);
bool words_are_equal(const struct words *a, const struct words *b);
bool words_have(const struct words *words, struct view word);
bool word_is_ours(struct view word);
/* Does any word of it? */
bool words_any_ours(struct arena *arena, const char *value);

/* VALUE with a word in front, or behind; the rest stays as it was written. SEPARATOR: ", " or ",". */
const char *words_first(struct arena *arena, const char *word, const char *value,
			const char *separator);
const char *words_last(struct arena *arena, const char *value, const char *word,
		       const char *separator);
/* VALUE without the words that LEAVE says, and without the separators beside them. */
const char *words_without(struct arena *arena, const char *value,
			  bool (*leave)(void *arg, struct view word), void *arg);
/* VALUE without what is ours. */
const char *words_foreign(struct arena *arena, const char *value);

/* What NOW becomes, once what led from BEFORE to AFTER is taken back: BEFORE, if nobody touched it since; else NOW without what was
 * added then, and with what was taken out. NULL for each: the parameter is not set. */
const char *words_taken_back(struct arena *arena, const char *before, const char *after,
			     const char *now);

#endif

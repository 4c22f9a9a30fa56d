/* SPDX-License-Identifier: GPL-3.0-or-later */
/* procedure_words.h - what the procedure documentation says, in German and English: of each key of its facts a label, of the words that stand as values
 * a translation, of each chapter what a reader has to know of it.
 */
#ifndef APP_CMD_PROCEDURE_WORDS_H
#define APP_CMD_PROCEDURE_WORDS_H

#include "app/cmd/procedure.h"

struct procedure_word {
	const char *key;
	const char *text[2]; /* by enum procedure_language */
};

/* NULL: there is none. */
const char *procedure_label(const char *key, enum procedure_language language);
const char *procedure_value(const char *value, enum procedure_language language);
const char *procedure_prose(const char *chapter, enum procedure_language language);
/* What timetable_when() says. */
void procedure_add_when(struct str *out, const char *when, enum procedure_language language);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tokenizer_priv.h - "sealpost", the FTS5 tokenizer: how text becomes words, in mails and queries.
 *
 * Words are those of FTS5's unicode61 with remove_diacritics 2 (letters and digits, case folded):
 *
 * (T1) A sharp s is "ss".
 * (T2) A word with an umlaut a, o or u is two tokens at one place, "muller" and "mueller", so that
 *      either spelling finds it; "Mueller" in a text is one token, and "Steuer" is never "stur".
 * (T3) A token has at most TOKEN_MAX bytes; a longer word is cut there, in mails and queries alike.
 * (T4) A machine token is the byte TOKEN_MARK, a letter and a number in base 36. No text of a mail
 *      or of a query holds TOKEN_MARK when it gets here, so words never collide with them.
 */
#ifndef APP_SEARCH_TOKENIZER_PRIV_H
#define APP_SEARCH_TOKENIZER_PRIV_H

#include "app/catalog/db.h"

enum { TOKEN_MAX = 64, TOKEN_MARK = 1 };

/* The kinds of machine tokens. */
enum token_kind {
	TOKEN_ALL = 'a',    /* id 0: in every document; id 1: in none */
	TOKEN_RIGHT = 'r',  /* an address that may see it, by catalog id */
	TOKEN_SOURCE = 's', /* a source it came from, by catalog id */
	TOKEN_FLAG = 'm',   /* one bit of enum index_mark */
	TOKEN_DOMAIN = 'd', /* scope_domain_token() */
	TOKEN_FOLDER = 'f', /* scope_place_token() */
	TOKEN_PERSON = 'p'  /* whose note it is */
};
void token_add(struct str *s, enum token_kind kind, uint64_t id);

/* Make the tokenizer known to this database, before a table that uses it is touched. */
int tokenizer_register(struct db *db, struct err *err);

/* One of our own, outside of any table. */
struct tokenizer;
int tokenizer_new(struct db *db, struct tokenizer **tokenizer_r, struct err *err);
void tokenizer_free(struct tokenizer **tokenizer);

/* Call FN for each token; COLOCATED: at the same place as the one before. FN returns 0 to go on. */
typedef int token_fn(void *arg, struct view token, bool colocated);
int tokenizer_run(struct tokenizer *tokenizer, struct view text, token_fn *fn, void *arg);
bool tokenizer_finds_words(struct tokenizer *tokenizer, struct view text);

#endif

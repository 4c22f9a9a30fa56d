/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/search/tokenizer_priv.h"

#include <sqlite3.h>

/* Of a very long word the second spelling is made from its first bytes only (T3). */
enum { SPELL_MAX = 4 * TOKEN_MAX };

typedef int emit_fn(void *ctx, int flags, const char *token, int len, int start, int end);

struct tokenizer {
	fts5_tokenizer unicode61;
	Fts5Tokenizer *words;   /* for stretches that are not pure ASCII */
	Fts5Tokenizer *spelled; /* for one word with its umlauts spelled out, from within the
				   other's callback: an instance cannot be re-entered */
};

/* One call of the tokenizer, as its callbacks see it. */
struct run {
	struct tokenizer *tokenizer;
	emit_fn *emit;
	void *ctx;
	const char *stretch; /* what unicode61 is at work on ... */
	int at;              /* ... and its place in the text */
};

struct word {
	char bytes[TOKEN_MAX];
	int len;
};

void token_add(struct str *s, enum token_kind kind, uint64_t id)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char text[16];
	size_t at = sizeof(text);

	do {
		text[--at] = digits[id % 36];
		id /= 36;
	} while (id > 0);
	str_addc(s, TOKEN_MARK);
	str_addc(s, (char)kind);
	str_add(s, text + at, sizeof(text) - at);
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_ascii(char c)
{
	return (unsigned char)c < 0x80;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* A copy with every sharp s as "ss" (T1), cut at a whole character (T3). */
static void word_set(struct word *w, const char *token, int len)
{
	int i = 0;

	w->len = 0;
	while (i < len) {
		int n = 1;

		while (i + n < len && is_continuation(token[i + n]))
			n++;
		const bool sharp_s = (n == 2 && memcmp(token + i, "\xc3\x9f", 2) == 0) ||
				     (n == 3 && memcmp(token + i, "\xe1\xba\x9e", 3) == 0);
		const int out = sharp_s ? 2 : n;

		if (w->len + out > TOKEN_MAX)
			return;
		memcpy(w->bytes + w->len, sharp_s ? "ss" : token + i, (size_t)out);
		w->len += out;
		i += n;
	}
}

/* How many bytes at P are an umlaut a, o or u, and its plain letter; 0 if it is none. */
static int umlaut(const char *p, int len, char *letter_r)
{
	static const char precomposed[] = "\xa4"
					  "a\xb6"
					  "o\xbc"
					  "u\x84"
					  "a\x96"
					  "o\x9c"
					  "u";

	if (len >= 2 && p[0] == '\xc3') {
		for (size_t i = 0; i + 1 < sizeof(precomposed); i += 2)
			if (p[1] == precomposed[i]) {
				*letter_r = precomposed[i + 1];
				return 2;
			}
	}
	if (len >= 3 && p[1] == '\xcc' && p[2] == '\x88' && strchr("aouAOU", p[0]) && p[0]) {
		*letter_r = p[0];
		return 3;
	}
	return 0;
}

/* TEXT with its umlauts as ae, oe, ue; the length, or 0 when there was none. */
static int spell_out(const char *text, int len, char out[SPELL_MAX])
{
	bool any = false;
	int n = 0;

	for (int i = 0; i < len && i < SPELL_MAX;) {
		char letter;
		int bytes = umlaut(text + i, len - i, &letter);

		if (bytes > 0 && n + 2 <= SPELL_MAX) {
			out[n++] = letter;
			out[n++] = 'e';
			i += bytes;
			any = true;
		} else {
			out[n++] = text[i++];
		}
	}
	return any ? n : 0;
}

static int keep_first(void *ctx, int flags, const char *token, int len, int start, int end)
{
	struct word *w = ctx;

	(void)flags;
	(void)start;
	(void)end;
	if (w->len == 0)
		word_set(w, token, len);
	return SQLITE_OK;
}

/* A word found by unicode61 in a stretch. */
static int on_word(void *ctx, int flags, const char *token, int len, int start, int end)
{
	struct run *run = ctx;
	struct tokenizer *t = run->tokenizer;
	char text[SPELL_MAX];
	struct word word, second = {.len = 0};
	int spelled = spell_out(run->stretch + start, end - start, text);
	int rc;

	(void)flags;
	word_set(&word, token, len);
	if (word.len == 0)
		return SQLITE_OK;
	rc = run->emit(run->ctx, 0, word.bytes, word.len, run->at + start, run->at + end);
	if (rc != SQLITE_OK || spelled == 0)
		return rc;
	rc = t->unicode61.xTokenize(t->spelled, &second, 0, text, spelled, keep_first);
	if (rc != SQLITE_OK || second.len == 0 ||
	    (second.len == word.len && memcmp(second.bytes, word.bytes, (size_t)word.len) == 0))
		return rc;
	return run->emit(run->ctx, FTS5_TOKEN_COLOCATED, second.bytes, second.len, run->at + start,
			 run->at + end);
}

static int ascii_word(struct run *run, const char *text, int start, int end)
{
	char word[TOKEN_MAX];
	int n = 0;

	for (int i = start; i < end && n < TOKEN_MAX; i++)
		word[n++] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
	return run->emit(run->ctx, 0, word, n, start, end);
}

static int unicode_stretch(struct run *run, const char *text, int start, int end)
{
	struct tokenizer *t = run->tokenizer;

	run->stretch = text + start;
	run->at = start;
	return t->unicode61.xTokenize(t->words, run, 0, text + start, end - start, on_word);
}

/* ASCII that is no letter and no digit always ends a word, so the text falls into stretches; those
 * of ASCII alone need no Unicode tables, and are nearly all of them. */
static int tokenize(Fts5Tokenizer *fts5, void *ctx, int flags, const char *text, int len,
		    emit_fn *emit)
{
	struct run run = {.tokenizer = (struct tokenizer *)(void *)fts5, .emit = emit, .ctx = ctx};
	int rc = SQLITE_OK;
	int i = 0;

	(void)flags;
	while (i < len && rc == SQLITE_OK) {
		const int start = i;
		bool ascii = true;

		if (text[i] == TOKEN_MARK)
			i++;
		for (; i < len && (is_alnum(text[i]) || !is_ascii(text[i])); i++)
			ascii = ascii && is_ascii(text[i]);
		if (i == start)
			i++;
		else if (ascii)
			rc = ascii_word(&run, text, start, i);
		else
			rc = unicode_stretch(&run, text, start, i);
	}
	return rc;
}

static void destroy(Fts5Tokenizer *fts5)
{
	struct tokenizer *t = (struct tokenizer *)(void *)fts5;

	if (t->words != NULL)
		t->unicode61.xDelete(t->words);
	if (t->spelled != NULL)
		t->unicode61.xDelete(t->spelled);
	free(t);
}

static int create(void *ctx, const char **args, int n_args, Fts5Tokenizer **fts5_r)
{
	static const char *options[] = {"remove_diacritics", "2"};
	fts5_api *api = ctx;
	struct tokenizer *t = mem_new(sizeof(*t));
	void *unicode61_ctx;
	int rc;

	(void)args;
	(void)n_args;
	rc = api->xFindTokenizer(api, "unicode61", &unicode61_ctx, &t->unicode61);
	if (rc == SQLITE_OK)
		rc = t->unicode61.xCreate(unicode61_ctx, options, 2, &t->words);
	if (rc == SQLITE_OK)
		rc = t->unicode61.xCreate(unicode61_ctx, options, 2, &t->spelled);
	if (rc != SQLITE_OK) {
		destroy((Fts5Tokenizer *)(void *)t);
		return rc;
	}
	*fts5_r = (Fts5Tokenizer *)(void *)t;
	return SQLITE_OK;
}

static fts5_api *fts5_of(struct db *db)
{
	sqlite3_stmt *s = NULL;
	fts5_api *api = NULL;

	if (sqlite3_prepare_v2(db_sqlite(db), "SELECT fts5(?1)", -1, &s, NULL) == SQLITE_OK) {
		sqlite3_bind_pointer(s, 1, (void *)&api, "fts5_api_ptr", NULL);
		sqlite3_step(s);
	}
	sqlite3_finalize(s);
	return api;
}

static int no_fts5(struct err *err)
{
	return err_set(err, ERR_UNSUPPORTED,
		       "the SQLCipher library comes without FTS5, which the search index needs");
}

int tokenizer_register(struct db *db, struct err *err)
{
	static fts5_tokenizer methods = {create, destroy, tokenize};
	fts5_api *api = fts5_of(db);

	if (api == NULL || api->xCreateTokenizer(api, "sealpost", api, &methods, NULL) != SQLITE_OK)
		return no_fts5(err);
	return 0;
}

int tokenizer_new(struct db *db, struct tokenizer **tokenizer_r, struct err *err)
{
	fts5_api *api = fts5_of(db);
	Fts5Tokenizer *fts5;

	if (api == NULL || create(api, NULL, 0, &fts5) != SQLITE_OK)
		return no_fts5(err);
	*tokenizer_r = (struct tokenizer *)(void *)fts5;
	return 0;
}

void tokenizer_free(struct tokenizer **tokenizer)
{
	if (*tokenizer == NULL)
		return;
	destroy((Fts5Tokenizer *)(void *)*tokenizer);
	*tokenizer = NULL;
}

struct listener {
	token_fn *fn;
	void *arg;
};

static int tell(void *ctx, int flags, const char *token, int len, int start, int end)
{
	struct listener *l = ctx;

	(void)start;
	(void)end;
	return l->fn(l->arg, (struct view){token, (size_t)len}, flags & FTS5_TOKEN_COLOCATED);
}

int tokenizer_run(struct tokenizer *tokenizer, struct view text, token_fn *fn, void *arg)
{
	struct listener listener = {fn, arg};

	return tokenize((Fts5Tokenizer *)(void *)tokenizer, &listener, 0, text.data, (int)text.len,
			tell);
}

static int stop(void *arg, struct view token, bool colocated)
{
	(void)token;
	(void)colocated;
	*(bool *)arg = true;
	return SQLITE_DONE;
}

bool tokenizer_finds_words(struct tokenizer *tokenizer, struct view text)
{
	bool found = false;

	tokenizer_run(tokenizer, text, stop, &found);
	return found;
}

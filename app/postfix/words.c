/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/postfix/words.h"

static bool is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The word that begins at P. */
static struct view word_at(const char *p)
{
	const char *end = p;
	size_t depth = 0;

	while (*end != '\0' && (depth > 0 || !is_separator(*end))) {
		if (*end == '{')
			depth++;
		if (*end == '}' && depth > 0)
			depth--;
		end++;
	}
	return (struct view){p, (size_t)(end - p)};
}

struct words words_of(struct arena *arena, const char *value)
{
	struct words words = {0};

	for (const char *p = value; *p != '\0';) {
		struct view word;

		if (is_separator(*p)) {
			p++;
			continue;
		}
		word = word_at(p);
		ARENA_PUSH(arena, words, word);
		p += word.len;
	}
	return words;
}

bool words_are_equal(const struct words *a, const struct words *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!view_eq(a->v[i], b->v[i]))
			return false;
	return true;
}

bool words_have(const struct words *words, struct view word)
{
	for (size_t i = 0; i < words->n; i++)
		if (view_eq(words->v[i], word))
			return true;
	return false;
}

bool word_is_ours(struct view word)
{
	return view_starts(word, "$sealpost_") || view_starts(word, "${sealpost_") ||
	       view_starts(word, "$(sealpost_");
}

bool words_any_ours(struct arena *arena, const char *value)
{
	const struct words words = words_of(arena, value);

	for (size_t i = 0; i < words.n; i++)
		if (word_is_ours(words.v[i]))
			return true;
	return false;
}

const char *words_first(struct arena *arena, const char *word, const char *value,
			const char *separator)
{
	return words_of(arena, value).n == 0 ? word
					     : arena_f(arena, "%s%s%s", word, separator, value);
}

const char *words_last(struct arena *arena, const char *value, const char *word,
		       const char *separator)
{
	return words_of(arena, value).n == 0 ? word
					     : arena_f(arena, "%s%s%s", value, separator, word);
}

/* With the separators behind each word that goes, or before, if it is the last that is left. */
const char *words_without(struct arena *arena, const char *value,
			  bool (*leave)(void *arg, struct view word), void *arg)
{
	const struct words words = words_of(arena, value);
	const char *end = value + strlen(value), *from = value;
	CLEAN_STR out = STR_INIT;
	bool any = false;

	for (size_t i = 0; i < words.n; i++) {
		const char *next = i + 1 < words.n ? words.v[i + 1].data : end;

		if (leave(arg, words.v[i])) {
			any = true;
			continue;
		}
		from = words.v[i].data;
		str_add(&out, from, (size_t)(next - from));
	}
	if (!any)
		return value;
	while (out.len > 0 && is_separator(out.data[out.len - 1]))
		out.len--;
	return arena_strn(arena, out.data, out.len);
}

static bool is_ours(void *unused, struct view word)
{
	(void)unused;
	return word_is_ours(word);
}

const char *words_foreign(struct arena *arena, const char *value)
{
	return words_without(arena, value, is_ours, NULL);
}

struct change {
	struct words before, after;
};

static bool was_added(void *arg, struct view word)
{
	const struct change *change = arg;

	return word_is_ours(word) ||
	       (words_have(&change->after, word) && !words_have(&change->before, word));
}

static bool is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

const char *words_taken_back(struct arena *arena, const char *before, const char *after,
			     const char *now)
{
	const struct change change = {words_of(arena, before ? before : ""),
				      words_of(arena, after ? after : "")};
	struct words left;

	if (is_same(now, after))
		return before;
	if (now == NULL || is_same(before, after))
		return now == NULL ? NULL : words_foreign(arena, now);
	now = words_without(arena, now, was_added, (void *)&change);
	left = words_of(arena, now);
	for (size_t i = 0; i < change.before.n; i++) {
		struct view word = change.before.v[i];

		if (!words_have(&change.after, word) && !words_have(&left, word))
			now = words_last(arena, now, arena_strn(arena, word.data, word.len), ",");
	}
	return before == NULL && words_of(arena, now).n == 0 ? NULL : now;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every file of a corpus of real and of deliberately broken mail, as far as one is there, and
 * those in tests/data: as they are, cut short, and with bytes changed at random. */
#include "app/mail/mail.h"
#include "app/mail/split.h"
#include "base/clock.h"
#include "base/file.h"

#include <fts.h>
#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FILE_MAX = 64 * 1024 * 1024, SLOW_MS = 10000, TRUNCATIONS = 6, CHANGES = 2 };

static struct arena *arena;
static struct secret *key;
static struct hmac *content, *parts;
static size_t files, bytes;

static const char *corpus(void)
{
	const char *dir = getenv("SEALPOST_CORPUS");

	return dir != NULL && dir[0] != '\0' ? dir : "../shared/corpus";
}

static int start(void **state)
{
	(void)state;
	mail_init();
	arena = arena_new();
	key = secret_new(KEY_BYTES);
	content = hmac_new(key);
	parts = hmac_new(key);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	hmac_free(&content);
	hmac_free(&parts);
	secret_free(&key);
	arena_free(&arena);
	return 0;
}

static void assert_text(struct view v)
{
	assert_non_null(v.data);
	assert_true(g_utf8_validate(v.data, (gssize)v.len, NULL));
	assert_null(memchr(v.data, '\0', v.len));
}

static void check_texts(const struct mail *mail)
{
	assert_text(mail->message_id);
	assert_text(mail->subject);
	assert_text(mail->from_text);
	assert_text(mail->to_text);
	assert_text(mail->cc_text);
	assert_text(mail->bcc_text);
	assert_text(mail->text);
	assert_text(mail->files);
	for (size_t i = 0; i < mail->addresses.n; i++) {
		assert_true(mail->addresses.v[i].addr.len > 0);
		assert_text(mail->addresses.v[i].addr);
		assert_text(mail->addresses.v[i].name);
	}
}

static void check_leaves(const struct mail *mail)
{
	size_t pos = 0;

	for (size_t i = 0; i < mail->leaves.n; i++) {
		const struct leaf *leaf = &mail->leaves.v[i];

		assert_true(leaf->start >= pos && leaf->end >= leaf->start);
		assert_true(leaf->end <= mail->raw.len);
		assert_text(leaf->type);
		assert_text(leaf->charset);
		assert_text(leaf->name);
		pos = leaf->end;
	}
}

static void check_split(struct view raw, const struct mail *mail)
{
	struct split split = {0};
	CLEAN_STR joined = STR_INIT;
	struct view *piece;
	size_t n, at = 0;

	for (size_t i = 0; i < mail->leaves.n; i++) {
		if (mail->leaves.v[i].encoding == LEAF_BASE64)
			split_find(arena, raw, mail->leaves.v[i].start, mail->leaves.v[i].end,
				   &split, NULL, NULL);
	}
	piece = split_skeleton(arena, raw, &split, &n);
	for (size_t i = 0; i < split.splices.n; i++) {
		CLEAN_STR decoded = STR_INIT;

		while (at < n && piece[at].data < raw.data + split.splices.v[i].start)
			str_addv(&joined, piece[at++]);
		split_decode(raw, &split.splices.v[i], &decoded);
		assert_int_equal(split_encode(&split.splices.v[i], str_view(&decoded), &joined), 0);
	}
	while (at < n)
		str_addv(&joined, piece[at++]);
	assert_true(view_eq(str_view(&joined), raw));
}

static void check(struct view raw)
{
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;
	int64_t begin = clock_monotonic_ms();
	struct hash a, b;
	struct mail mail;
	const char *why;

	arena_reset(arena);
	mail_is_mail(raw, &why);
	assert_true(mail_header_block(raw).len <= raw.len);
	mail_parse(arena, raw, &limits, &mail);
	check_texts(&mail);
	check_leaves(&mail);
	check_split(raw, &mail);
	a = mail_content_hash(&mail, content, parts, NULL);
	b = mail_content_hash(&mail, content, parts, NULL);
	assert_true(hash_eq(&a, &b));
	assert_true(clock_monotonic_ms() - begin < SLOW_MS);
}

/* The copy has the exact size, so that the sanitizer sees every step beyond the end. */
static void check_copy(const char *data, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, data, len);
	check((struct view){copy, len});
	free(copy);
}

static void check_broken(struct str *raw, unsigned *seed)
{
	for (int i = 0; i < TRUNCATIONS; i++)
		check_copy(raw->data, (size_t)rand_r(seed) % (raw->len + 1));
	for (int i = 0; i < CHANGES; i++) {
		for (size_t n = 1 + raw->len / 200; n > 0 && raw->len > 0; n--)
			raw->data[(size_t)rand_r(seed) % raw->len] = (char)rand_r(seed);
		check_copy(raw->data, raw->len);
	}
}

/* Files smaller than SMALL are also checked broken. */
static bool check_tree(const char *dir, size_t small)
{
	char *paths[] = {(char *)(uintptr_t)dir, NULL};
	FTS *fts = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	unsigned seed = 1;
	FTSENT *entry;
	size_t before = files;

	assert_non_null(fts);
	while ((entry = fts_read(fts)) != NULL) {
		CLEAN_STR raw = STR_INIT;
		struct err err;

		if (entry->fts_info != FTS_F ||
		    file_read(entry->fts_path, FILE_MAX, &raw, &err) < 0)
			continue;
		files++;
		bytes += raw.len;
		check_copy(raw.data, raw.len);
		if (raw.len < small)
			check_broken(&raw, &seed);
	}
	fts_close(fts);
	return files > before;
}

static void left_out(const char *what)
{
	print_message("left out: no corpus at %s (SEALPOST_CORPUS), %s\n", corpus(), what);
}

static void every_file_of_the_corpus_is_parsed_and_put_together_again(void **state)
{
	int64_t begin = clock_monotonic_ms();

	(void)state;
	if (!check_tree(corpus(), 0))
		left_out("nothing to parse");
	check_tree("tests/data", 4096);
	print_message("%zu files, %.1f MB, %.1f s\n", files, (double)bytes / 1e6,
		      (double)(clock_monotonic_ms() - begin) / 1000);
}

static void broken_pieces_of_the_torture_set_do_no_harm(void **state)
{
	CLEAN_STR dir = STR_INIT;

	(void)state;
	str_addf(&dir, "%s/07-torture", corpus());
	if (!check_tree(dir.data, 4096))
		left_out("nothing to break");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_of_the_corpus_is_parsed_and_put_together_again),
		cmocka_unit_test(broken_pieces_of_the_torture_set_do_no_harm),
	};

	return cmocka_run_group_tests(tests, start, stop);
}

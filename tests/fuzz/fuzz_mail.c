/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/mail.h"
#include "app/mail/shown.h"
#include "app/mail/split.h"
#include "base/err.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena *arena;
static struct hmac *content, *parts;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct secret *key = secret_new(KEY_BYTES);

	(void)argc;
	(void)argv;
	mail_init();
	arena = arena_new();
	content = hmac_new(key);
	parts = hmac_new(key);
	secret_free(&key);
	return 0;
}

static void split_and_join(struct view raw)
{
	struct split split = {0};
	CLEAN_STR joined = STR_INIT;
	size_t pos = 0;

	split_find(arena, raw, 0, raw.len, &split, NULL, NULL);
	for (size_t i = 0; i < split.splices.n; i++) {
		const struct splice *s = &split.splices.v[i];
		CLEAN_STR decoded = STR_INIT;

		str_add(&joined, raw.data + pos, s->start - pos);
		split_decode(raw, s, &decoded);
		must(split_encode(s, str_view(&decoded), &joined) == 0);
		pos = s->start + s->encoded_len;
	}
	str_add(&joined, raw.data + pos, raw.len - pos);
	must(view_eq(str_view(&joined), raw));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view raw = {(const char *)data, size};
	struct mail_limits limits = {4096, 20, 50};
	struct mail mail;
	struct shown shown;
	const char *why;

	arena_reset(arena);
	mail_is_mail(raw, &why);
	must(mail_header_block(raw).len <= size);
	mail_parse(arena, raw, &limits, &mail);
	for (size_t i = 0; i < mail.leaves.n; i++)
		must(mail.leaves.v[i].start <= mail.leaves.v[i].end &&
		     mail.leaves.v[i].end <= size);
	must(mail.text.len <= limits.text_bytes);
	mail_content_hash(&mail, content, parts, NULL);
	mail_show(arena, raw, &(struct shown_limits){4096, 50, 200}, &shown);
	split_and_join(raw);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_archive - how fast an archive answers and gives mail back, in process, as JSON.
 *
 *     bench_archive search ARCHIVE       every class of query, the newest 50 with their rows
 *     bench_archive cold ARCHIVE WORD    open and first query of this process; drop the system's page
 *                                        cache ahead of it
 *     bench_archive read ARCHIVE MAILS [PROGRAMS]
 *                                        so many mails drawn at random, by id. PROGRAMS: where sealpost-smb is, for
 *                                        an archive on a share
 *
 * Words to search for come from the archive's own mail and are sorted by how many mails have them:
 * common 20 to 60 of a hundred, mid 5 to 15, rare at most 1 in 1,000. Each class asks for TERMS
 * different ones, ROUNDS times. */
#include "app/archive/find.h"
#include "app/archive/read.h"
#include "app/catalog/db.h"
#include "app/mail/mail.h"
#include "base/program.h"
#include "tests/bench/bench.h"

enum { TERMS = 24, ROUNDS = 3, TOP = 50, SAMPLES = 400, WORD_MAX = 20, TEXT_MAX = 128 };

struct terms {
	char v[TERMS][TEXT_MAX];
	size_t n;
};

/* What there is to search for. */
struct vocabulary {
	struct terms common, mid, rare, phrase, from, month;
	char (*words)[WORD_MAX];
	size_t n_words, cap_words;
};

struct bench {
	struct archive *a;
	struct reader *reader;
	struct mails_totals totals;
	struct vocabulary vocabulary;
};

static struct archive *open_archive(const char *dir)
{
	struct archive *a = NULL;
	struct err err;

	mail_init();
	check(archive_open(dir, &a, &err), &err);
	return a;
}

/* The vocabulary. */

static uint64_t count(struct bench *b, const char *query)
{
	struct scope scope = SCOPE_ALL;
	uint64_t n = 0;
	struct err err;

	check(find_count(b->a, VIEW(query), &scope, &n, &err), &err);
	return n;
}

static void add_term(struct terms *terms, const char *text)
{
	if (terms->n < TERMS && strlen(text) < TEXT_MAX)
		strcpy(terms->v[terms->n++], text);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The next run of ASCII letters that makes a word worth asking for; 0 at the end. */
static size_t next_word(struct view *rest, char word[WORD_MAX])
{
	while (rest->len > 0) {
		size_t n = 0;

		while (n < rest->len && is_letter(rest->data[n]))
			n++;
		for (size_t i = 0; i < n && i < WORD_MAX - 1; i++)
			word[i] = (char)(rest->data[i] | 0x20);
		rest->data += n < rest->len ? n + 1 : n;
		rest->len -= n < rest->len ? n + 1 : n;
		if (n < 5 || n >= WORD_MAX || (rest->len > 0 && (*rest->data & 0x80) != 0))
			continue;
		word[n] = '\0';
		return n;
	}
	return 0;
}

static void add_word(struct vocabulary *v, const char *word)
{
	if (v->n_words == v->cap_words) {
		v->cap_words = v->cap_words ? 2 * v->cap_words : 1024;
		v->words = mem_grow(v->words, v->cap_words * sizeof(*v->words));
	}
	strcpy(v->words[v->n_words++], word);
}

/* Some words of the mail, and one pair that stands together in it. */
static void take_words(struct bench *b, struct view text)
{
	char word[WORD_MAX], before[WORD_MAX] = "";
	const char *end_before = NULL;
	size_t taken = 0;

	while (taken < 40 && next_word(&text, word) > 0) {
		if (taken++ == 5 && end_before == text.data - strlen(word) - 1) {
			char phrase[TEXT_MAX];

			snprintf(phrase, sizeof(phrase), "\"%s %s\"", before, word);
			add_term(&b->vocabulary.phrase, phrase);
		}
		add_word(&b->vocabulary, word);
		strcpy(before, word);
		end_before = text.data;
	}
}

static void take_sample(struct bench *b, uint64_t number)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR raw = STR_INIT;
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;
	struct mail_row row;
	struct mail mail;
	struct err err;
	char text[TEXT_MAX];
	time_t sent;
	struct tm tm;
	int rc = mails_get(archive_catalog(b->a), arena, number, &row, &err);

	check(rc, &err);
	if (rc == 0 || row.state != MAIL_LIVE)
		return;
	check(reader_mail(b->reader, &row, &raw, &err), &err);
	mail_parse(arena, str_view(&raw), &limits, &mail);
	take_words(b, mail.text);
	if (mail.addresses.n > 0 && mail.addresses.v[0].addr.len < TEXT_MAX - 8) {
		snprintf(text, sizeof(text), "from:%.*s", (int)mail.addresses.v[0].addr.len,
			 mail.addresses.v[0].addr.data);
		add_term(&b->vocabulary.from, text);
	}
	sent = (time_t)row.sent_s;
	gmtime_r(&sent, &tm);
	strftime(text, sizeof(text), "on:%Y-%m", &tm);
	add_term(&b->vocabulary.month, text);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void sort_word(struct bench *b, const char *word)
{
	double share = (double)count(b, word) / (double)b->totals.mails;

	if (share >= 0.2 && share <= 0.6)
		add_term(&b->vocabulary.common, word);
	else if (share >= 0.05 && share <= 0.15)
		add_term(&b->vocabulary.mid, word);
	else if (share <= 0.001)
		add_term(&b->vocabulary.rare, word);
}

/* The words in random order, each once. */
static void sort_words(struct bench *b)
{
	struct vocabulary *v = &b->vocabulary;
	size_t n = 0;

	qsort(v->words, v->n_words, sizeof(*v->words), by_text);
	for (size_t i = 0; i < v->n_words; i++)
		if (i == 0 || strcmp(v->words[i], v->words[i - 1]) != 0)
			memmove(v->words[n++], v->words[i], WORD_MAX);
	for (; n > 0; n--) {
		size_t at = random_number() % n;

		sort_word(b, v->words[at]);
		memmove(v->words[at], v->words[n - 1], WORD_MAX);
	}
	free(v->words);
	v->words = NULL;
}

static void learn_vocabulary(struct bench *b)
{
	struct err err;

	check(mails_totals(archive_catalog(b->a), &b->totals, &err), &err);
	must(b->totals.highest > 0);
	b->reader = reader_new(b->a);
	for (size_t i = 0; i < SAMPLES; i++)
		take_sample(b, 1 + random_number() % b->totals.highest);
	reader_free(&b->reader);
	sort_words(b);
}

/* Searching. */

static int take_row(void *arg, const struct mail_row *row, struct err *err)
{
	(void)row;
	(void)err;
	++*(uint64_t *)arg;
	return 0;
}

static double one(struct bench *b, const char *query, bool counting, uint64_t *hits)
{
	struct scope scope = SCOPE_ALL;
	double start = now_ms();
	struct err err;

	if (counting)
		*hits += count(b, query);
	else
		check(find_mails(b->a, VIEW(query), &scope, 0, TOP, take_row, hits, &err), &err);
	return now_ms() - start;
}

/* A class is up to two terms and a fixed rest. */
struct class
{
	const char *name;
	const struct terms *first, *second; /* NULL: none */
	const char *rest;
	bool counting;
};

static void write_query(const struct class *c, size_t i, struct str *s)
{
	str_reset(s);
	if (c->first != NULL)
		str_adds(s, c->first->v[i % c->first->n]);
	if (c->second != NULL) /* another term, where both come from one list */
		str_addf(s, " %s", c->second->v[(i + c->second->n / 2) % c->second->n]);
	str_addf(s, "%s", c->rest);
}

/* The first letters of a mid word, as a prefix to ask for. */
static struct terms prefixes(const struct terms *words)
{
	struct terms out = {0};

	for (size_t i = 0; i < words->n; i++) {
		char text[TEXT_MAX];

		snprintf(text, sizeof(text), "%.5s*", words->v[i]);
		add_term(&out, text);
	}
	return out;
}

static void run_class(struct bench *b, const struct class *c)
{
	CLEAN_STR query = STR_INIT;
	double ms[TERMS * ROUNDS];
	uint64_t hits = 0;
	size_t n = 0;

	if ((c->first != NULL && c->first->n == 0) || (c->second != NULL && c->second->n == 0)) {
		fprintf(stderr, "left out, for want of such words: %s\n", c->name);
		return;
	}
	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < TERMS; i++) {
			write_query(c, i, &query);
			ms[n++] = one(b, query.data, c->counting, &hits);
		}
	print_times(c->name, ms, n, hits / n);
	printf(",\n");
}

/* The last member: which SQLCipher this was. */
static void print_library(struct bench *b)
{
	CLEAN_STMT q = NULL;
	struct err err;

	check(db_query(catalog_db(archive_catalog(b->a)), "PRAGMA cipher_version", &q, &err), &err);
	check(stmt_step(q, &err), &err);
	printf("  \"sqlcipher\": \"%.*s\"\n}\n", (int)stmt_text(q, 0).len, stmt_text(q, 0).data);
}

static void search(struct bench *b)
{
	const struct vocabulary *v = &b->vocabulary;
	struct terms prefix;

	learn_vocabulary(b);
	prefix = prefixes(&v->mid);
	const struct class classes[] = {
		{"common", &v->common, NULL, "", false},
		{"mid", &v->mid, NULL, "", false},
		{"rare", &v->rare, NULL, "", false},
		{"mid AND mid", &v->mid, &v->mid, "", false},
		{"common AND rare", &v->common, &v->rare, "", false},
		{"common AND common", &v->common, &v->common, "", false},
		{"phrase", &v->phrase, NULL, "", false},
		{"prefix", &prefix, NULL, "", false},
		{"common + date range", &v->common, &v->month, "", false},
		{"from", &v->from, NULL, "", false},
		{"from + common", &v->from, &v->common, "", false},
		{"everything", NULL, NULL, "", false},
		{"has:attachment", NULL, NULL, "has:attachment", false},
		{"common + larger", &v->common, NULL, " larger:100k", false},
		{"count common", &v->common, NULL, "", true},
		{"count mid AND mid", &v->mid, &v->mid, "", true},
		{"count everything", NULL, NULL, "", true},
	};

	printf("{\n");
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		run_class(b, &classes[i]);
	print_library(b);
}

static void cold(const char *dir, const char *word)
{
	double start = now_ms(), opened;
	struct bench b = {.a = open_archive(dir)};
	uint64_t hits = 0;

	opened = now_ms();
	one(&b, word, false, &hits);
	printf("{\"open_ms\": %.2f, \"first_query_ms\": %.2f, \"hits\": %llu}\n", opened - start,
	       now_ms() - opened, (unsigned long long)hits);
	archive_free(&b.a);
}

/* Reading. */

struct drawn {
	struct uuid *v;
	size_t n;
};

static int add_id(void *arg, const struct mail_row *row, struct err *err)
{
	struct drawn *d = arg;

	(void)err;
	if (row->state == MAIL_LIVE)
		d->v[d->n++] = row->id;
	return 0;
}

static double read_one(struct archive *a, struct reader *reader, const struct uuid *id,
		       struct str *raw)
{
	CLEAN(arena) arena = arena_new();
	double start = now_ms();
	struct mail_row row;
	struct err err;

	check(mail_find(a, arena, id, &row, &err), &err);
	check(reader_mail(reader, &row, raw, &err), &err);
	return now_ms() - start;
}

static void read_mails(struct bench *b, size_t n)
{
	CLEAN_STR raw = STR_INIT;
	CLEAN_MEM double *ms = mem_new(n * sizeof(*ms));
	struct drawn ids = {0};
	struct err err;

	check(mails_totals(archive_catalog(b->a), &b->totals, &err), &err);
	must(b->totals.mails > 0);
	ids.v = mem_new((b->totals.mails + b->totals.deleted) * sizeof(*ids.v));
	check(mails_each(archive_catalog(b->a), 0, add_id, &ids, &err), &err);
	b->reader = reader_new(b->a);
	for (size_t i = 0; i < n; i++)
		ms[i] = read_one(b->a, b->reader, &ids.v[random_number() % ids.n], &raw);
	reader_free(&b->reader);
	free(ids.v);
	printf("{\n");
	print_times("read", ms, n, n);
	printf("\n}\n");
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";
	struct bench b = {0};

	if (strcmp(verb, "cold") == 0 && argc == 4) {
		cold(argv[2], argv[3]);
		return 0;
	}
	if (strcmp(verb, "search") != 0 && !(strcmp(verb, "read") == 0 && argc >= 4)) {
		fprintf(stderr,
			"usage: bench_archive search ARCHIVE | read ARCHIVE MAILS [PROGRAMS]"
			" | cold ARCHIVE WORD\n");
		return 2;
	}
	if (argc == 5)
		program_use_folder(argv[4]);
	b.a = open_archive(argv[2]);
	if (strcmp(verb, "search") == 0)
		search(&b);
	else
		read_mails(&b, strtoull(argv[3], NULL, 10));
	archive_free(&b.a);
	return 0;
}

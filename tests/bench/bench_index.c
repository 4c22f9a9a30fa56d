/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_index - how fast the search index is built and answers, as JSON.
 *
 *     bench_index build FILE DOCS [TEXT_BYTES [BATCH]]   make an index of synthetic mail
 *     bench_index search FILE DOCS [TEXT_BYTES]          every class of query, for the same DOCS
 *     bench_index cold FILE DOCS [TEXT_BYTES]            open and first query of this process; drop
 *                                                        the system's page cache ahead of it
 *
 * Words follow Zipf's law over 200,000 words; dates are spread over ten years and come in no order,
 * as in an import of many mailboxes. All is drawn from a fixed seed. */
#include "app/search/index.h"
#include "base/clock.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 200000, PEOPLE = 2000, TERMS = 24, ROUNDS = 3, TOP = 50 };

static char words[WORDS][24]; /* every 16th with an umlaut */
static uint64_t random_state = 88172645463325252u;

static uint64_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* A rank drawn by Zipf's law: each octave is as likely as any other, and rank r of WORDS has about
 * the probability 1 / (12.5 r). */
static size_t zipf(size_t n)
{
	size_t rank;

	do {
		size_t octave = (size_t)1 << random_number() % 18;

		rank = octave + random_number() % octave - 1;
	} while (rank >= n);
	return rank;
}

/* Words of 5 to 12 letters, a vowel after each consonant. */
static void make_words(void)
{
	static const char consonants[] = "bcdfghklmnprstvwzrst";
	static const char vowels[] = "aeiouei";

	for (size_t i = 0; i < WORDS; i++) {
		uint64_t mix = (i + 1) * 0x9e3779b97f4a7c15u;
		size_t letters = 5 + (mix >> 56) % 8;
		char *p = words[i];

		if (i % 16 == 0)
			p = stpcpy(p, "m\xc3\xbc");
		for (size_t n = 0; n < letters; n++, mix = mix * 0xd1342543de82ef95u + 1)
			*p++ = n % 2 ? vowels[(mix >> 40) % 7] : consonants[(mix >> 40) % 20];
	}
}

static void add_words(struct str *s, size_t bytes)
{
	size_t end = s->len + bytes;

	while (s->len < end) {
		str_adds(s, words[zipf(WORDS)]);
		str_addc(s, ' ');
	}
}

static void add_person(struct str *s, uint64_t person)
{
	str_addf(s, "%s %s <p%llu@dept%llu.example.org>", words[person + 500], words[person + 5000],
		 (unsigned long long)person, (unsigned long long)(person % 20));
}

static void put_mail(struct index *index, uint64_t mail, size_t text_bytes)
{
	CLEAN_STR subject = STR_INIT, from = STR_INIT, to = STR_INIT, body = STR_INIT;
	uint64_t people[3] = {1 + zipf(PEOPLE), 1 + random_number() % PEOPLE, 1 + zipf(PEOPLE)};
	const struct scope_place place = {1 + mail % 3, VIEW("INBOX/1/1")};
	const struct view domain = VIEW("dept.example.org");
	struct index_doc doc = {.mail = mail,
				.addresses = people,
				.n_addresses = 3,
				.domains = &domain,
				.n_domains = 1,
				.places = &place,
				.n_places = 1,
				.medium = 1};
	struct err err;

	add_words(&subject, 40);
	add_person(&from, people[0]);
	add_person(&to, people[1]);
	str_adds(&to, ", ");
	add_person(&to, people[2]);
	add_words(&body, text_bytes / 4 + random_number() % (text_bytes * 3 / 2 + 1));
	doc.sent_s = 1400000000 + (int64_t)(random_number() % (10 * 365 * 86400));
	doc.size = body.len * 4 + random_number() % 100000;
	doc.marks = (mail % 5 == 0 ? MARK_ATTACHMENT : 0u) | (mail % 20 == 0 ? MARK_SPAM : 0u);
	doc.subject = str_view(&subject);
	doc.from = str_view(&from);
	doc.to = str_view(&to);
	doc.body = str_view(&body);
	if (index_put(index, &doc, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

static void check(int rc, const struct err *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static struct index *open_index(const char *path, bool create)
{
	CLEAN(secret) key = secret_new(KEY_BYTES);
	struct index *index = NULL;
	struct err err;

	check(index_open(path, key, create, &index, &err), &err);
	return index;
}

static double megabytes(const char *path)
{
	FILE *f = fopen(path, "rb");
	double size;

	must(f != NULL);
	fseeko(f, 0, SEEK_END);
	size = (double)ftello(f) / 1e6;
	fclose(f);
	return size;
}

static void build(const char *path, uint64_t docs, size_t text_bytes, uint64_t batch)
{
	struct index *index = open_index(path, true);
	double start = now_ms(), worst = 0, cpu, wall;
	struct err err;

	for (uint64_t mail = 1; mail <= docs;) {
		uint64_t end = mail + batch <= docs ? mail + batch : docs + 1;
		double commit;

		check(index_begin(index, &err), &err);
		for (; mail < end; mail++)
			put_mail(index, mail, text_bytes);
		commit = now_ms();
		check(index_commit(index, mail - 1, &err), &err);
		commit = now_ms() - commit;
		worst = commit > worst ? commit : worst;
	}
	cpu = (double)clock() / CLOCKS_PER_SEC;
	wall = (now_ms() - start) / 1e3;
	index_free(&index);
	printf("{\"docs\": %llu, \"docs_per_s\": %.0f, \"cpu_s\": %.2f, \"megabytes\": %.1f, "
	       "\"bytes_per_doc\": %.0f, \"worst_commit_ms\": %.0f}\n",
	       (unsigned long long)docs, (double)docs / wall, cpu, megabytes(path),
	       megabytes(path) * 1e6 / (double)docs, worst);
}

/* A word that occurs RATE times in a document on average; N tells several such words apart. None of
 * those that begin with an umlaut: they are many, and their prefix is of no natural word. */
static const char *word_at(double rate, size_t text_bytes, size_t n)
{
	double rank = (double)text_bytes / 8.0 / (rate * 12.5);

	return words[((size_t)(rank * (0.9 + 0.01 * (double)n)) + n) | 1];
}

struct bench {
	struct index *index;
	size_t text_bytes;
	struct scope scope;
	bool count;
	double ms[TERMS * ROUNDS];
	uint64_t hits;
};

static double one(struct bench *b, const char *text)
{
	CLEAN(query) query = NULL;
	uint64_t mails[TOP], hits;
	double start = now_ms();
	struct err err;
	size_t n = 0;

	check(query_parse(VIEW(text), &query, &err), &err);
	if (b->count) {
		check(index_search_count(b->index, query, &b->scope, NULL, &hits, &err), &err);
		b->hits += hits;
	} else {
		check(index_search(b->index, query, &b->scope, NULL, 0, TOP, mails, &n, &err),
		      &err);
		b->hits += n;
	}
	return now_ms() - start;
}

static void write_query(struct bench *b, const char *class, size_t n, struct str *s)
{
	const char *common = word_at(0.5, b->text_bytes, n);
	const char *mid = word_at(0.10, b->text_bytes, n);
	const char *other = word_at(0.10, b->text_bytes, n + 30);
	const char *rare = word_at(0.0006, b->text_bytes, n);

	str_reset(s);
	if (strstr(class, "common") != NULL)
		str_addf(s, "%s ", common);
	if (strstr(class, "mid") != NULL)
		str_addf(s, "%s ", mid);
	if (strstr(class, "mid AND mid") != NULL)
		str_addf(s, "%s ", other);
	if (strstr(class, "rare") != NULL)
		str_addf(s, "%s ", rare);
	if (strstr(class, "phrase") != NULL)
		str_addf(s, "\"%s %s\" ", common, word_at(0.5, b->text_bytes, n + 30));
	if (strcmp(class, "prefix") == 0)
		str_addf(s, "%.5s* ", mid);
	if (strcmp(class, "short prefix") == 0)
		str_addf(s, "%.3s* ", mid);
	if (strstr(class, "date") != NULL)
		str_addf(s, "on:%d-%02d ", 2015 + (int)(n % 8), 1 + (int)(n % 12));
	if (strstr(class, "from") != NULL)
		str_addf(s, "from:p%zu@dept%zu.example.org ", 100 + n, (100 + n) % 20);
	if (strstr(class, "not spam") != NULL)
		str_adds(s, "-is:spam ");
	if (strstr(class, "larger") != NULL)
		str_adds(s, "larger:90k ");
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run_class(struct bench *b, const char *class)
{
	CLEAN_STR text = STR_INIT;
	size_t n = 0;

	b->hits = 0;
	b->count = strncmp(class, "count", 5) == 0;
	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < TERMS; i++) {
			write_query(b, class, i, &text);
			b->ms[n++] = one(b, text.data);
		}
	qsort(b->ms, n, sizeof(b->ms[0]), by_size);
	printf("  \"%s%s\": {\"p50_ms\": %.3f, \"p95_ms\": %.3f, \"hits\": %llu},\n", class,
	       b->scope.all               ? ""
	       : b->scope.n_addresses > 1 ? ", 1000 addresses"
					  : ", one person",
	       b->ms[n / 2], b->ms[n * 95 / 100], (unsigned long long)(b->hits / n));
}

static void search(struct bench *b)
{
	static const char *const classes[] = {"common",
					      "mid",
					      "rare",
					      "mid AND mid",
					      "common AND rare",
					      "phrase",
					      "prefix",
					      "short prefix",
					      "common + date range",
					      "from",
					      "everything",
					      "not spam",
					      "larger",
					      "common + larger",
					      "count common",
					      "count mid AND mid",
					      "count everything"};
	static const char *const scoped[] = {"common", "mid", "rare", "everything",
					     "count everything"};
	uint64_t addresses[1000];

	printf("{\n");
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		run_class(b, classes[i]);
	for (uint64_t i = 0; i < 1000; i++)
		addresses[i] = 2 * i + 1;
	b->scope = (struct scope){.addresses = &addresses[150], .n_addresses = 1};
	for (size_t i = 0; i < sizeof(scoped) / sizeof(scoped[0]); i++)
		run_class(b, scoped[i]);
	b->scope = (struct scope){.addresses = addresses, .n_addresses = 1000};
	for (size_t i = 0; i < sizeof(scoped) / sizeof(scoped[0]); i++)
		run_class(b, scoped[i]);
	printf("  \"end\": 0\n}\n");
}

static void cold(struct bench *b, double start)
{
	CLEAN_STR text = STR_INIT;
	double opened = now_ms();

	write_query(b, "mid", 3, &text);
	one(b, text.data);
	printf("{\"open_ms\": %.2f, \"first_query_ms\": %.2f}\n", opened - start,
	       now_ms() - opened);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 3 ? argv[1] : "";
	struct bench b = {.scope = SCOPE_ALL, .text_bytes = 2800};
	uint64_t docs = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
	double start;

	if (argc > 4)
		b.text_bytes = strtoull(argv[4], NULL, 10);
	make_words();
	start = now_ms();
	if (strcmp(verb, "build") == 0) {
		build(argv[2], docs, b.text_bytes, argc > 5 ? strtoull(argv[5], NULL, 10) : 20000);
		return 0;
	}
	if (strcmp(verb, "search") != 0 && strcmp(verb, "cold") != 0) {
		fprintf(stderr,
			"usage: bench_index build|search|cold FILE DOCS [TEXT_BYTES [BATCH]]\n");
		return 2;
	}
	b.index = open_index(argv[2], false);
	if (strcmp(verb, "search") == 0)
		search(&b);
	else
		cold(&b, start);
	index_free(&b.index);
	return 0;
}

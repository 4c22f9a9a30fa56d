/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smb_probe - a medium at a person's fingertips; for tests of shares.
 *
 *     smb_probe LOCATION FOLDER USER PASSWORD_FILE TIMEOUT_MS
 *
 * Opens the medium and prints "ok", then reads commands, one a line, and answers each with one line: "ok" and what was
 * asked for, or "error KIND TEXT". A file is written through one handle at a time; its bytes are those of pattern().
 */
#include "base/clock.h"
#include "base/program.h"
#include "base/secret.h"
#include "storage/copy.h"
#include "storage/site.h"

#include <pthread.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 1024, PIECE_BYTES = 1024 * 1024, THREADS = 4, READS = 50 };

static struct medium *medium;
static struct medium_file *file;

static unsigned char pattern(uint64_t at)
{
	return (unsigned char)((at * 2654435761U) >> 13);
}

static int answer(int rc, const struct err *err)
{
	if (rc < 0)
		printf("error %s %s\n", err_code(err->kind), err->text);
	else
		printf("ok\n");
	return rc;
}

/* BYTES more, which have the pattern of where they stand. */
static int append(uint64_t from, uint64_t bytes, struct err *err)
{
	CLEAN_MEM unsigned char *buf = mem_new(PIECE_BYTES);

	while (bytes > 0) {
		size_t n = bytes < PIECE_BYTES ? (size_t)bytes : PIECE_BYTES;

		for (size_t i = 0; i < n; i++)
			buf[i] = pattern(from + i);
		if (medium_append(file, buf, n, err) < 0)
			return -1;
		from += n;
		bytes -= n;
	}
	return 0;
}

/* Is there the pattern, as far as the file goes? How many bytes. */
static int read_back(const char *name, uint64_t offset, uint64_t len, uint64_t *got_r,
		     struct err *err)
{
	CLEAN_MEM unsigned char *buf = mem_new(len + 1);
	size_t got;

	if (medium_read(medium, name, offset, buf, len, &got, err) < 0)
		return -1;
	for (size_t i = 0; i < got; i++)
		if (buf[i] != pattern(offset + i))
			return err_set(err, ERR_DAMAGED, "other bytes at %llu",
				       (unsigned long long)(offset + i));
	*got_r = got;
	return 0;
}

static void *read_some(void *arg)
{
	const char *name = arg;
	struct err err = {0};
	uint64_t got;

	for (uint64_t i = 0; i < READS; i++)
		if (read_back(name, i * 7919, 20000, &got, &err) < 0)
			return mem_strdup(err.text);
	return NULL;
}

static int read_in_threads(char *name, struct err *err)
{
	pthread_t threads[THREADS];
	int rc = 0;

	for (size_t i = 0; i < THREADS; i++)
		must(pthread_create(&threads[i], NULL, read_some, name) == 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *why;

		pthread_join(threads[i], &why);
		if (why != NULL)
			rc = err_set(err, ERR_IO, "%s", (char *)why);
		free(why);
	}
	return rc;
}

static int print_name(void *arg, const char *name, uint64_t size, struct err *err)
{
	(void)arg, (void)err;
	printf(" %s=%llu", name, (unsigned long long)size);
	return 0;
}

/* Those that take a name, and may take numbers behind it. */
static int run_named(const char *verb, char *name, uint64_t a, uint64_t b, struct err *err)
{
	uint64_t n = 0;
	int64_t time_s = 0;
	int rc;

	if (strcmp(verb, "create") == 0)
		return answer(medium_create(medium, name, &file, err), err);
	if (strcmp(verb, "reopen") == 0)
		return answer(medium_reopen(medium, name, &file, err), err);
	if (strcmp(verb, "remove") == 0)
		return answer(medium_remove(medium, name, err), err);
	if (strcmp(verb, "cut") == 0)
		return answer(medium_cut(medium, name, a, err), err);
	if (strcmp(verb, "hash") == 0)
		return answer(copy_hash(medium, name, b, NULL, &(struct hash){0}, err), err);
	if (strcmp(verb, "threads") == 0)
		return answer(read_in_threads(name, err), err);
	if (strcmp(verb, "size") == 0)
		rc = medium_size(medium, name, &n, err);
	else if (strcmp(verb, "read") == 0)
		rc = read_back(name, a, b, &n, err);
	else if (strcmp(verb, "modified") == 0) {
		rc = medium_modified(medium, name, &time_s, err);
		n = (uint64_t)time_s;
	} else
		rc = err_set(err, ERR_USAGE, "what is %s?", verb);
	if (rc < 0)
		return answer(rc, err);
	printf("ok %llu\n", (unsigned long long)n);
	return 0;
}

static int list(const char *dir, struct err *err)
{
	printf("ok");
	if (medium_list(medium, dir, print_name, NULL, err) < 0)
		printf(" error %s", err_code(err->kind));
	printf("\n");
	return 0;
}

static int run(char *line, struct err *err)
{
	char verb[32] = "", name[256] = "", second[256] = "";
	unsigned long long a = 0, b = 0;
	struct site_space space;

	sscanf(line, "%31s %255s %255s", verb, name, second);
	if (strcmp(verb, "append") == 0) {
		sscanf(line, "%*s %llu %llu", &a, &b);
		return answer(append(a, b, err), err);
	}
	if (strcmp(verb, "sync") == 0)
		return answer(medium_sync(file, err), err);
	if (strcmp(verb, "close") == 0) {
		medium_file_free(&file);
		return answer(0, err);
	}
	if (strcmp(verb, "test") == 0)
		return answer(site_test(medium, &space, err), err);
	if (strcmp(verb, "replace") == 0)
		return answer(medium_replace(medium, name, second, err), err);
	if (strcmp(verb, "list") == 0)
		return list(name, err);
	if (strcmp(verb, "space") == 0) {
		if (medium_space(medium, &space.free_bytes, &space.total_bytes, err) < 0)
			return answer(-1, err);
		printf("ok %llu %llu\n", (unsigned long long)space.free_bytes,
		       (unsigned long long)space.total_bytes);
		return 0;
	}
	sscanf(line, "%*s %*s %llu %llu", &a, &b);
	return run_named(verb, name, a, b, err);
}

int main(int argc, char **argv)
{
	CLEAN(secret) password = NULL;
	struct err err = {0};
	char line[LINE_MAX_BYTES];
	struct site site = {0};

	if (argc != 6)
		return 2;
	site.location = argv[1];
	site.user = argv[3];
	site.timeout_ms = (unsigned)atoi(argv[5]);
	program_use_folder(getenv("SEALPOST_PROGRAMS"));
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (secret_read_line_file(argv[4], &password, &err) < 0)
		return answer(-1, &err) < 0;
	site.password = password;
	if (answer(site_open(&site, argv[2], true, &medium, &err), &err) < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		err_clear(&err);
		run(line, &err);
	}
	medium_file_free(&file);
	medium_free(&medium);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench.h - what the programs here share: a clock, a seeded draw, percentiles, and the end of a
 * program whose measurement makes no sense any more. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static inline void check(int rc, const struct err *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

/* The same numbers in every run. */
static inline uint64_t random_number(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static inline int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One member of a JSON object: "NAME": {"p50_ms": ..., "hits": ...}. Sorts MS. */
static inline void print_times(const char *name, double *ms, size_t n, uint64_t hits)
{
	qsort(ms, n, sizeof(*ms), by_size);
	printf("  \"%s\": {\"p50_ms\": %.3f, \"p95_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, "
	       "\"runs\": %zu, \"hits\": %llu}",
	       name, ms[n / 2], ms[n * 95 / 100], ms[n * 99 / 100], ms[n - 1], n,
	       (unsigned long long)hits);
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An evidence record that somebody gives away with what it proves: a byte for the number of objects, each with its length (2 bytes)
 * in front; what is left is the record. */
#include "tsa/evidence_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OBJECTS_MAX = 4, TIME_S = 1800000000 };

static int read_objects(struct view *v, struct view *objects, size_t *n_r)
{
	uint16_t len;
	uint8_t n;

	if (view_u8(v, &n) < 0 || n == 0 || n > OBJECTS_MAX)
		return -1;
	for (*n_r = 0; *n_r < n; (*n_r)++)
		if (view_u16(v, &len) < 0 || view_bytes(v, len, &objects[*n_r]) < 0)
			return -1;
	return 0;
}

static int verify(struct view der, const struct view *objects, size_t n, struct arena *arena,
		  struct evidence_report *report)
{
	struct err err = {0};
	int rc = evidence_record_verify(der, objects, n, NULL, TIME_S, arena, report, &err);

	must(rc == 0 || (rc == -1 && err.text[0] != '\0'));
	return rc;
}

/* A record that proves something proves nothing else with it. */
static void check_proof(struct view der, struct view *objects, size_t n, struct arena *arena,
			const struct evidence_report *good)
{
	const struct view was = objects[n - 1];
	struct evidence_report report;
	CLEAN_STR longer = STR_INIT;

	must(good->chains > 0 && good->timestamps >= good->chains);
	must(good->first_ms > 0 && good->first_ms <= good->last_ms && good->authority != NULL);
	must(good->ca.len == 0);
	str_addv(&longer, was);
	str_addc(&longer, 'x');
	objects[n - 1] = str_view(&longer);
	must(verify(der, objects, n, arena, &report) < 0);
	objects[n - 1] = was;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = {(const char *)data, size};
	struct view objects[OBJECTS_MAX];
	CLEAN(arena) arena = arena_new();
	struct evidence_report report;
	size_t n;

	if (read_objects(&v, objects, &n) == 0 && verify(v, objects, n, arena, &report) == 0)
		check_proof(v, objects, n, arena, &report);
	return 0;
}

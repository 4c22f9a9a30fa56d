/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/find.h"

#include "app/archive/archive_priv.h"

enum { STEP = 1000 }; /* numbers asked of the index at a time */

static int name_address(void *arg, struct view addr, uint64_t *ids, size_t max, struct err *err)
{
	struct archive *a = arg;

	return max > 0 ? address_id(a->catalog, addr, false, ids, err) : 0;
}

static int name_source(void *arg, struct view name, uint64_t *ids, size_t max, struct err *err)
{
	struct archive *a = arg;

	return max > 0 ? source_id(a->catalog, name, false, ids, err) : 0;
}

static int name_id(void *arg, const struct uuid *id, uint64_t *mails, size_t max, struct err *err)
{
	struct archive *a = arg;

	return max > 0 ? mails_by_id(a->catalog, id, mails, err) : 0;
}

static int name_msgid(void *arg, struct view msgid, uint64_t *mails, size_t max, struct err *err)
{
	struct archive *a = arg;

	return mails_by_msgid(a->catalog, mails_msgid_hash(msgid), mails, max, err);
}

static struct query_names names_of(struct archive *a)
{
	return (struct query_names){a, name_address, name_source, name_id, name_msgid};
}

struct page {
	uint64_t skip, left; /* live mails still to be passed over, and to be given */
	find_fn *fn;
	void *arg;
};

/* Mails that were deleted today are in the index until the night. They are passed over here, and so
 * never counted in OFFSET or LIMIT. */
static int give(struct archive *a, struct page *page, const uint64_t *mails, size_t n,
		struct err *err)
{
	CLEAN(arena) arena = arena_new();

	for (size_t i = 0; i < n && page->left > 0; i++) {
		struct mail_row row;
		int rc;

		arena_reset(arena);
		rc = mails_get(a->catalog, arena, mails[i], &row, err);
		if (rc < 0)
			return -1;
		if (rc == 0 || row.state != MAIL_LIVE)
			continue;
		if (page->skip > 0) {
			page->skip--;
			continue;
		}
		page->left--;
		if (page->fn(page->arg, &row, err) < 0)
			return -1;
	}
	return 0;
}

/* The offset can ride on the index as long as nothing deleted is left in it. */
static int skip_in_index(struct archive *a, uint64_t *skip, struct err *err)
{
	int rc = mails_any_deleted(a->catalog, err);

	if (rc == 0)
		*skip = 0;
	return rc < 0 ? -1 : 0;
}

int find_mails(struct archive *a, struct view query, const struct scope *scope, uint64_t offset,
	       uint64_t limit, find_fn *fn, void *arg, struct err *err)
{
	CLEAN(query) q = NULL;
	CLEAN_MEM uint64_t *mails = mem_new(STEP * sizeof(*mails));
	struct query_names names = names_of(a);
	struct page page = {offset, limit, fn, arg};
	uint64_t at = 0;
	size_t n = 0;

	if (query_parse(query, &q, err) < 0 || archive_need_index(a, err) < 0 ||
	    skip_in_index(a, &page.skip, err) < 0)
		return -1;
	if (page.skip == 0)
		at = offset;
	do {
		size_t want = page.skip + page.left < STEP ? (size_t)(page.skip + page.left) : STEP;

		if (want == 0)
			break;
		if (index_search(a->index, q, scope, &names, at, want, mails, &n, err) < 0 ||
		    give(a, &page, mails, n, err) < 0)
			return -1;
		at += n;
		if (n < want)
			break;
	} while (page.left > 0);
	return 0;
}

static int count_one(void *arg, const struct mail_row *row, struct err *err)
{
	(void)row;
	(void)err;
	++*(uint64_t *)arg;
	return 0;
}

int find_count(struct archive *a, struct view query, const struct scope *scope, uint64_t *count_r,
	       struct err *err)
{
	CLEAN(query) q = NULL;
	struct query_names names = names_of(a);
	uint64_t skip = 1;

	*count_r = 0;
	if (query_parse(query, &q, err) < 0 || archive_need_index(a, err) < 0 ||
	    skip_in_index(a, &skip, err) < 0)
		return -1;
	if (skip == 0)
		return index_search_count(a->index, q, scope, &names, count_r, err);
	return find_mails(a, query, scope, 0, UINT64_MAX / 2, count_one, count_r, err);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes are a query or a mistake that is explained; what the parser takes, the index can carry
 * out, for readers of all mail and of some. */
#include "app/search/index.h"

static struct index *index_;

static void open_index(void)
{
	CLEAN(secret) key = secret_new(KEY_BYTES);
	const uint64_t address = 1;
	struct index_doc doc = {.mail = 1,
				.sent_s = 1700000000,
				.subject = VIEW("a b"),
				.body = VIEW("c"),
				.addresses = &address,
				.n_addresses = 1};
	struct err err;

	must(index_open(":memory:", key, true, &index_, &err) == 0);
	must(index_begin(index_, &err) == 0);
	must(index_put(index_, &doc, &err) == 0);
	must(index_commit(index_, 1, &err) == 0);
}

static int one_id(void *arg, struct view name, uint64_t *ids, size_t max, struct err *err)
{
	(void)arg;
	(void)max;
	(void)err;
	ids[0] = 1;
	return name.len % 2;
}

static int one_mail(void *arg, const struct uuid *id, uint64_t *mails, size_t max, struct err *err)
{
	(void)arg;
	(void)max;
	(void)err;
	mails[0] = 1;
	return id->b[0] % 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct query_names names = {NULL, one_id, one_id, one_mail, one_id};
	const uint64_t address = 1;
	const struct scope all = SCOPE_ALL, own = {.addresses = &address, .n_addresses = 1};
	CLEAN(query) query = NULL;
	uint64_t all_mail, own_mail, mail;
	struct err err;
	size_t n;

	if (index_ == NULL)
		open_index();
	if (query_parse((struct view){(const char *)data, size}, &query, &err) < 0) {
		must(err.kind == ERR_SYNTAX);
		return 0;
	}
	must(index_search_count(index_, query, &all, &names, &all_mail, &err) == 0);
	must(index_search_count(index_, query, &own, &names, &own_mail, &err) == 0);
	must(index_search(index_, query, &own, &names, 0, 1, &mail, &n, &err) == 0);
	must(all_mail == own_mail && own_mail == n);
	return 0;
}

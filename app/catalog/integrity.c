/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/integrity.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const names[] = {"integrity.verify", "integrity.drill"};
static const char *const results[] = {"done", "partly", "damaged", "failed"};

const char *integrity_result_text(enum integrity_result result)
{
	return results[result];
}

int integrity_note(struct catalog *catalog, enum integrity_proof proof,
		   const struct integrity *integrity, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	str_addf(&text, "%" PRId64 " %d %" PRIu64, integrity->time_s, (int)integrity->result,
		 integrity->mails);
	return setting_set(catalog, names[proof], str_view(&text), err);
}

int integrity_last(struct catalog *catalog, enum integrity_proof proof,
		   struct integrity *integrity_r, struct err *err)
{
	CLEAN_STR text = STR_INIT;
	unsigned long long result;
	char *end;
	int rc = setting_get(catalog, names[proof], &text, err);

	if (rc <= 0)
		return rc;
	integrity_r->time_s = strtoll(text.data, &end, 10);
	result = strtoull(end, &end, 10);
	integrity_r->mails = strtoull(end, NULL, 10);
	if (result > INTEGRITY_FAILED)
		return err_set(err, ERR_DAMAGED, "the setting %s makes no sense", names[proof]);
	integrity_r->result = (enum integrity_result)result;
	return 1;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/selected.h"

enum { RESPONSES = 1000 };

void selected_clear(struct selected *box)
{
	str_clear(&box->flags);
}

bool selected_was_refused(const struct err *err)
{
	return err->kind == ERR_DENIED || err->kind == ERR_UNSUPPORTED;
}

static int hear_open(void *arg, const struct imap_response *response, struct err *err)
{
	struct selected *box = arg;

	(void)err;
	if (response->what == IMAP_DATA && imap_is(response, "EXISTS"))
		box->exists = response->number;
	if (response->what != IMAP_STATUS)
		return 0;
	if (view_eq_nocase(response->code, VIEW("UIDVALIDITY")))
		imap_number(response->code_text, UINT32_MAX, &box->uidvalidity);
	if (view_eq_nocase(response->code, VIEW("PERMANENTFLAGS"))) {
		str_reset(&box->flags);
		str_addv(&box->flags, response->code_text);
	}
	return 0;
}

int selected_open(struct imap *imap, const struct folder *folder, bool change,
		  struct selected *box_r, struct err *err)
{
	const struct imap_hearer hearer = {box_r, hear_open};

	*box_r = (struct selected){.imap = imap, .folder = folder};
	str_init(&box_r->flags);
	imap_text(imap, change ? "SELECT " : "EXAMINE ");
	imap_string(imap, folder->wire);
	if (imap_do(imap, change ? "SELECT" : "EXAMINE", &hearer, RESPONSES, err) < 0)
		return -1;
	if (box_r->uidvalidity != 0)
		return 0;
	return err_set(err, ERR_UNSUPPORTED, "the server keeps no UIDs for this folder");
}

size_t selected_set(const uint32_t *uids, size_t n, size_t max, struct str *out)
{
	size_t done = 0;

	if (n > max)
		n = max;
	while (done < n) {
		size_t first = done++;

		while (done < n && uids[done] == uids[done - 1] + 1)
			done++;
		str_addf(out, "%s%u", first > 0 ? "," : "", uids[first]);
		if (done - first > 1)
			str_addf(out, ":%u", uids[done - 1]);
	}
	return n;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever text is given for a key backup: what is accepted can be written, and read the same. */
#include "storage/keytext_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keytext_payload first, second;
	struct err err = {0};
	CLEAN_STR text = STR_INIT;

	if (keytext_decode((struct view){(const char *)data, size}, &first, &err) < 0) {
		must(err.kind != ERR_NONE && err.text[0] != '\0');
		return 0;
	}
	keytext_encode(&text, &first, KEYTEXT_GROUPED);
	must(keytext_decode(str_view(&text), &second, &err) == 0);
	must(memcmp(&first, &second, sizeof(first)) == 0);
	return 0;
}

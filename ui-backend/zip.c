/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/zip.h"

#include <zlib.h>

enum { ENTRIES_MAX = 65535, VERSION = 20, UTF8_NAMES = 0x800, DOS_1980 = 0x0021 };

struct zip {
	struct str files;     /* each with its header */
	struct str directory; /* what stands behind them */
	uint16_t entries;
};

struct zip *zip_new(void)
{
	struct zip *zip = mem_new(sizeof(*zip));

	str_init(&zip->files);
	str_init(&zip->directory);
	return zip;
}

void zip_free(struct zip **zip)
{
	if (*zip == NULL)
		return;
	str_clear(&(*zip)->files);
	str_clear(&(*zip)->directory);
	free(*zip);
	*zip = NULL;
}

/* What both headers of a file have: from the version that is needed to the length of the extra field. */
static void add_facts(struct str *out, const char *name, struct view content)
{
	uint32_t len = (uint32_t)content.len;
	uLong crc = crc32_z(crc32_z(0, NULL, 0), (const Bytef *)content.data, content.len);

	str_addu16(out, VERSION);
	str_addu16(out, UTF8_NAMES);
	str_addu16(out, 0); /* stored */
	str_addu16(out, 0); /* no time: the files tell theirs themselves */
	str_addu16(out, DOS_1980);
	str_addu32(out, (uint32_t)crc);
	str_addu32(out, len);
	str_addu32(out, len);
	str_addu16(out, (uint16_t)strlen(name));
	str_addu16(out, 0);
}

void zip_add(struct zip *zip, const char *name, struct view content)
{
	uint32_t at = (uint32_t)zip->files.len;

	must(zip->entries < ENTRIES_MAX && zip->files.len + content.len < UINT32_MAX / 2);
	zip->entries++;
	str_adds(&zip->files, "PK\x03\x04");
	add_facts(&zip->files, name, content);
	str_adds(&zip->files, name);
	str_addv(&zip->files, content);

	str_adds(&zip->directory, "PK\x01\x02");
	str_addu16(&zip->directory, VERSION);
	add_facts(&zip->directory, name, content);
	str_addu16(&zip->directory, 0); /* comment */
	str_addu16(&zip->directory, 0); /* disk */
	str_addu16(&zip->directory, 0);
	str_addu32(&zip->directory, 0);
	str_addu32(&zip->directory, at);
	str_adds(&zip->directory, name);
}

void zip_end(struct zip *zip, struct str *out)
{
	str_addv(out, str_view(&zip->files));
	str_addv(out, str_view(&zip->directory));
	str_adds(out, "PK\x05\x06");
	str_addu32(out, 0); /* disks */
	str_addu16(out, zip->entries);
	str_addu16(out, zip->entries);
	str_addu32(out, (uint32_t)zip->directory.len);
	str_addu32(out, (uint32_t)zip->files.len);
	str_addu16(out, 0);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/mail_priv.h"

enum { LOOK_AT = 4096 };

static const struct magic {
	const char *bytes;
	size_t len;
	const char *what;
} magics[] = {
#define MAGIC(bytes, what)                                                                         \
	{                                                                                          \
		bytes, sizeof(bytes) - 1, what                                                     \
	}
	MAGIC("\xff\xd8\xff", "a JPEG image"),
	MAGIC("\x89PNG\r\n\x1a\n", "a PNG image"),
	MAGIC("GIF87a", "a GIF image"),
	MAGIC("GIF89a", "a GIF image"),
	MAGIC("II*\0", "a TIFF image"),
	MAGIC("MM\0*", "a TIFF image"),
	MAGIC("%PDF-", "a PDF document"),
	MAGIC("PK\x03\x04", "a ZIP archive or an office document"),
	MAGIC("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Outlook message or an old office document"),
	MAGIC("!BDN", "an Outlook data file"),
	MAGIC("\x78\x9f\x3e\x22", "a winmail.dat file"),
	MAGIC("\x1f\x8b", "a gzip file"),
	MAGIC("BZh", "a bzip2 file"),
	MAGIC("\xfd"
	      "7zXZ\0",
	      "an xz file"),
	MAGIC("7z\xbc\xaf\x27\x1c", "a 7z archive"),
	MAGIC("Rar!\x1a\x07", "a RAR archive"),
	MAGIC("\x28\xb5\x2f\xfd", "a zstd file"),
	MAGIC("\x7f"
	      "ELF",
	      "a program"),
	MAGIC("SQLite format 3\0", "a database"),
	MAGIC("\xff\xfe", "a text in UTF-16"),
	MAGIC("\xfe\xff", "a text in UTF-16"),
#undef MAGIC
};

static const char *known_magic(struct view raw)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (raw.len >= magics[i].len &&
		    memcmp(raw.data, magics[i].bytes, magics[i].len) == 0)
			return magics[i].what;
	}
	return NULL;
}

/* A header field in the first block, whatever stands before it? */
static bool has_field(struct view raw)
{
	struct view rest = {raw.data, raw.len < 64 * 1024 ? raw.len : 64 * 1024}, line;
	struct field field;

	while (rest.len > 0) {
		if (field_next(&rest, &field))
			return true;
		if (!line_next(&rest, &line) || line.len == 0)
			return false;
	}
	return false;
}

static bool is_plain_text(struct view raw)
{
	size_t n = raw.len < LOOK_AT ? raw.len : LOOK_AT;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)raw.data[i];

		if ((c < 32 && strchr("\t\n\r\f\b\x1b", c) == NULL) || c == 0 || c == 127)
			return false;
	}
	return true;
}

bool mail_is_mail(struct view raw, const char **reason_r)
{
	*reason_r = known_magic(raw);
	if (*reason_r != NULL)
		return false;
	raw = mail_skip_from_line(raw);
	if (raw.len == 0 || raw.data[0] == '\n' || raw.data[0] == '\r')
		return true;
	if (has_field(raw) || is_plain_text(raw))
		return true;
	*reason_r = "binary data";
	return false;
}

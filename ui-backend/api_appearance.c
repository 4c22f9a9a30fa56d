/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Name, colour and logo. */
#include "app/catalog/audit.h"
#include "ui-backend/appearance.h"

#include <openssl/evp.h>

enum { NAME_MAX_CHARS = 60, LOGO_MAX = 300000, LOGO_TEXT_MAX = 400000 };

int api_get_appearance(struct api_request *r, struct err *err)
{
	struct json_object *body;

	return appearance_json(r, &body, err) < 0 ? -1 : reply_json(r, 200, body);
}

int api_get_logo(struct api_request *r, struct err *err)
{
	const struct reply_file file = {.type = "image/png",
					.name = VIEW("logo.png"),
					.fallback = "logo.png",
					.shown = true};
	CLEAN_STR logo = STR_INIT;
	int rc = setting_get(archive_catalog(r->archive), APPEARANCE_LOGO, &logo, err);

	if (rc < 0)
		return -1;
	if (logo.len == 0)
		return err_set(err, ERR_NOTFOUND, "there is no logo");
	reply_header(r, "Cache-Control", "private, max-age=300");
	return reply_file(r, &file, &logo);
}

/* --- changing it -------------------------------------------------------------------------------- */

static int check_name(struct view name, struct err *err)
{
	size_t chars = 0;

	for (size_t i = 0; i < name.len; i++)
		chars += ((unsigned char)name.data[i] & 0xc0) != 0x80;
	return chars <= NAME_MAX_CHARS
		       ? 0
		       : err_set(err, ERR_SYNTAX, "name has %d characters at most", NAME_MAX_CHARS);
}

static int check_colour(struct view colour, struct err *err)
{
	bool fits = colour.len == 0 || (colour.len == 7 && colour.data[0] == '#');

	for (size_t i = 1; fits && i < colour.len; i++)
		fits = strchr("0123456789abcdefABCDEF", colour.data[i]) != NULL;
	return fits ? 0 : err_set(err, ERR_SYNTAX, "colour reads \"#0066cc\", or is empty");
}

/* No more than that it is a PNG: it is given out as nothing else, and never read here. */
static int read_logo(struct view text, struct str *logo, struct err *err)
{
	static const char head[] = "\x89PNG\r\n\x1a\n";
	int n;

	if (text.len == 0)
		return 0;
	str_reserve(logo, text.len);
	n = text.len % 4 != 0 ? -1
			      : EVP_DecodeBlock((unsigned char *)logo->data,
						(const unsigned char *)text.data, (int)text.len);
	if (n < 0)
		return err_set(err, ERR_SYNTAX, "logo is to be base64");
	logo->len = (size_t)n;
	while (text.len > 0 && text.data[text.len - 1] == '=') {
		text.len--;
		logo->len--;
	}
	if (logo->len > LOGO_MAX || logo->len < sizeof(head) ||
	    memcmp(logo->data, head, sizeof(head) - 1) != 0)
		return err_set(err, ERR_SYNTAX, "logo is to be a PNG of %d bytes at most",
			       LOGO_MAX);
	return 0;
}

static int set_logo(struct api_request *r, struct catalog *catalog, struct err *err)
{
	CLEAN_STR logo = STR_INIT;
	struct view text;

	if (!json_object_object_get_ex(r->body, "logo", NULL))
		return 0;
	if (json_text(r->body, "logo", 0, LOGO_TEXT_MAX, &text, err) < 0 ||
	    read_logo(text, &logo, err) < 0)
		return -1;
	if (setting_set(catalog, APPEARANCE_LOGO, str_view(&logo), err) < 0)
		return -1;
	return setting_set(catalog, APPEARANCE_LOGO_TYPE, VIEW(logo.len > 0 ? "image/png" : ""),
			   err);
}

static int set_all(struct api_request *r, struct err *err)
{
	struct catalog *catalog = archive_catalog(r->archive);
	struct view name, colour;
	int has_name = json_text(r->body, "name", 0, NAME_MAX_CHARS * 4, &name, err);
	int has_colour = json_text(r->body, "colour", 0, 7, &colour, err);

	if (has_name < 0 || has_colour < 0 || check_name(name, err) < 0 ||
	    check_colour(colour, err) < 0 || set_logo(r, catalog, err) < 0)
		return -1;
	if ((has_name > 0 && setting_set(catalog, APPEARANCE_NAME, name, err) < 0) ||
	    (has_colour > 0 && setting_set(catalog, APPEARANCE_COLOUR, colour, err) < 0))
		return -1;
	return audit_add(catalog, AUDIT_SETTING, VIEW("appearance"), VIEW(""), err);
}

int api_set_appearance(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"name", "colour", "logo", NULL};
	struct catalog *catalog = archive_catalog(r->archive);

	if (json_only(r->body, known, err) < 0 || catalog_begin(catalog, err) < 0)
		return -1;
	if (set_all(r, err) == 0 && catalog_commit(catalog, err) == 0)
		return reply_nothing(r);
	catalog_rollback(catalog);
	return -1;
}

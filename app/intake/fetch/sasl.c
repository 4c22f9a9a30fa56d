/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/sasl.h"

static void add_base64(struct str *out, const struct str *bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)bytes->data;

	for (size_t i = 0; i < bytes->len; i += 3) {
		size_t n = bytes->len - i;
		uint32_t group = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
				 (n > 2 ? p[i + 2] : 0);

		str_addc(out, digits[group >> 18]);
		str_addc(out, digits[group >> 12 & 63]);
		str_addc(out, n > 1 ? digits[group >> 6 & 63] : '=');
		str_addc(out, n > 2 ? digits[group & 63] : '=');
	}
}

void sasl_plain(struct view user, struct view password, struct str *out)
{
	CLEAN_STR text = STR_INIT;

	str_addc(&text, '\0');
	str_addv(&text, user);
	str_addc(&text, '\0');
	str_addv(&text, password);
	add_base64(out, &text);
}

/* "," and "=" in a name are escaped (RFC 5801, section 4). */
static void add_name(struct str *out, struct view name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] == ',')
			str_adds(out, "=2C");
		else if (name.data[i] == '=')
			str_adds(out, "=3D");
		else
			str_addc(out, name.data[i]);
	}
}

void sasl_oauthbearer(struct view user, struct view token, struct view host, uint64_t port,
		      struct str *out)
{
	CLEAN_STR text = STR_INIT;

	str_adds(&text, "n,a=");
	add_name(&text, user);
	str_adds(&text, ",\1host=");
	str_addv(&text, host);
	str_addf(&text, "\1port=%llu\1auth=Bearer ", (unsigned long long)port);
	str_addv(&text, token);
	str_adds(&text, "\1\1");
	add_base64(out, &text);
}

void sasl_xoauth2(struct view user, struct view token, struct str *out)
{
	CLEAN_STR text = STR_INIT;

	str_adds(&text, "user=");
	str_addv(&text, user);
	str_adds(&text, "\1auth=Bearer ");
	str_addv(&text, token);
	str_adds(&text, "\1\1");
	add_base64(out, &text);
}

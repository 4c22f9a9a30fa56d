/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/login/directory.h"

#include <stdlib.h>

/* --- filters ---------------------------------------------------------------------------------- */

void directory_escape(struct view value, struct str *filter)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (c < ' ' || c == 0x7F || strchr("*()\\", c) != NULL)
			str_addf(filter, "\\%02x", c);
		else
			str_addc(filter, (char)c);
	}
}

static char *fill(struct arena *arena, const char *filter, struct view escaped)
{
	CLEAN_STR text = STR_INIT;
	const char *mark;

	for (; (mark = strstr(filter, "%s")) != NULL; filter = mark + 2) {
		str_add(&text, filter, (size_t)(mark - filter));
		str_addv(&text, escaped);
	}
	str_adds(&text, filter);
	return arena_str(arena, text.data);
}

char *directory_filter(struct arena *arena, const char *filter, struct view value)
{
	CLEAN_STR escaped = STR_INIT;

	directory_escape(value, &escaped);
	return fill(arena, filter, str_view(&escaped));
}

char *directory_filter_all(struct arena *arena, const char *filter)
{
	return fill(arena, filter, VIEW("*"));
}

/* --- ids -------------------------------------------------------------------------------------- */

/* The first three fields are little-endian numbers ([MS-DTYP], section 2.3.4). */
char *directory_guid(struct arena *arena, struct view bytes)
{
	const unsigned char *b = (const unsigned char *)bytes.data;

	if (bytes.len != 16)
		return NULL;
	return arena_f(arena,
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[3],
		       b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12],
		       b[13], b[14], b[15]);
}

/* Revision, count, authority of 6 bytes, then that many numbers, the last of which is the account's in its domain ([MS-DTYP], section
 * 2.4.2). */
char *directory_sid_filter(struct arena *arena, struct view user_sid, uint32_t rid)
{
	enum { HEAD = 8 };
	CLEAN_STR text = STR_INIT;
	size_t domain = user_sid.len - 4;

	if (user_sid.len < HEAD + 4 || user_sid.len != HEAD + 4 * (size_t)user_sid.data[1])
		return NULL;
	str_adds(&text, "(objectSid=");
	for (size_t i = 0; i < user_sid.len; i++)
		str_addf(&text, "\\%02x",
			 i < domain ? (unsigned char)user_sid.data[i]
				    : rid >> 8 * (i - domain) & 0xFF);
	str_adds(&text, ")");
	return arena_str(arena, text.data);
}

/* --- may it log in? --------------------------------------------------------------------------- */

/* 0, -1 no number. */
static int read_number(struct view text, int64_t *n_r)
{
	char digits[24] = "";
	char *end;

	if (text.len == 0 || text.len >= sizeof(digits))
		return -1;
	memcpy(digits, text.data, text.len);
	*n_r = strtoll(digits, &end, 10);
	return *end == '\0' ? 0 : -1;
}

static bool is_switched_off(struct view control)
{
	enum { ACCOUNTDISABLE = 2 };
	int64_t bits;

	return control.len > 0 && (read_number(control, &bits) < 0 || (bits & ACCOUNTDISABLE));
}

static bool has_expired(struct view expires, int64_t now_s)
{
	const int64_t ticks = 10 * 1000 * 1000, from_1601_to_1970_s = 11644473600;
	int64_t at;

	if (expires.len == 0)
		return false;
	if (read_number(expires, &at) < 0)
		return true;
	return at > 0 && at != INT64_MAX && at / ticks - from_1601_to_1970_s <= now_s;
}

static bool has_shadow_expired(struct view expire, int64_t now_s)
{
	int64_t day;

	if (expire.len == 0)
		return false;
	if (read_number(expire, &day) < 0)
		return true;
	return day >= 0 && day <= now_s / (24 * 60 * 60);
}

const char *directory_disabled(const struct directory_state *state, int64_t now_s)
{
	if (is_switched_off(state->user_account_control))
		return "the account is disabled";
	if (has_expired(state->account_expires, now_s) ||
	    has_shadow_expired(state->shadow_expire, now_s))
		return "the account has expired";
	if (state->locked_time.len > 0 || (state->ns_account_lock.len > 0 &&
					   !view_eq_nocase(state->ns_account_lock, VIEW("false"))))
		return "the account is locked";
	return NULL;
}

const char *directory_bind_reason(const char *message)
{
	static const struct {
		const char *code, *reason;
	} reasons[] = {
		{"530", "the account may not log in at this time"},
		{"531", "the account may not log in from here"},
		{"532", "the password has expired"},
		{"533", "the account is disabled"},
		{"701", "the account has expired"},
		{"773", "the password has to be changed first"},
		{"775", "the account is locked after wrong passwords"},
	};
	const char *data = message != NULL ? strstr(message, ", data ") : NULL;

	for (size_t i = 0; data != NULL && i < sizeof(reasons) / sizeof(*reasons); i++)
		if (strncmp(data + strlen(", data "), reasons[i].code, 3) == 0)
			return reasons[i].reason;
	return NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/totp.h"

#include "app/catalog/sessions.h"
#include "base/qr.h"

#include <ctype.h>
#include <liboath/oath.h>

enum { SECRET_BYTES = 20, STEP_S = 30, WINDOW = 1, DIGITS = 6 };
enum { RECOVERY_BYTES = 8, RECOVERY_GROUP = 4 };

/* ---- setting up ---- */

static struct view base32(struct arena *arena, const struct secret *secret)
{
	char *text = NULL;
	size_t len = 0;
	struct view copy;

	must(oath_base32_encode((const char *)secret_data(secret), secret_len(secret), &text,
				&len) == OATH_OK);
	copy = arena_view(arena, (struct view){text, len});
	explicit_bzero(text, len);
	free(text);
	return copy;
}

/* RFC 3986, section 2.1: all but the unreserved. */
static void add_percent(struct str *out, struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.data[i];

		if (isalnum(c) || strchr("-._~", c) != NULL)
			str_addc(out, (char)c);
		else
			str_addf(out, "%%%02X", c);
	}
}

static void fill(struct arena *arena, struct view name, struct view archive,
		 struct totp_offer *offer)
{
	CLEAN_STR url = STR_INIT, qr = STR_INIT;

	str_adds(&url, "otpauth://totp/");
	add_percent(&url, archive);
	str_adds(&url, ":");
	add_percent(&url, name);
	str_addf(&url, "?secret=%.*s&issuer=", (int)offer->secret.len, offer->secret.data);
	add_percent(&url, archive);
	must(url.len < 2000 && qr_add_svg(&qr, url.data, "QR") == 0);
	offer->url = arena_view(arena, str_view(&url));
	offer->qr = arena_view(arena, str_view(&qr));
	explicit_bzero(url.data, url.len);
	explicit_bzero(qr.data, qr.len);
}

static struct view cut(struct view text)
{
	return (struct view){text.data, text.len < 100 ? text.len : 100};
}

int totp_begin(struct catalog *catalog, struct arena *arena, uint64_t person, struct view name,
	       struct view archive, struct totp_offer *offer_r, struct err *err)
{
	CLEAN(secret) secret = secret_new(SECRET_BYTES);
	enum totp_state state;

	if (totp_state(catalog, person, &state, err) < 0)
		return -1;
	if (state == TOTP_ON)
		return err_set(err, ERR_EXISTS, "one-time codes are set up; drop them first");
	crypto_random(secret_bytes(secret), SECRET_BYTES);
	if (totp_put(catalog, person, secret, err) < 0)
		return -1;
	offer_r->secret = base32(arena, secret);
	fill(arena, cut(name), cut(archive), offer_r);
	return 0;
}

/* ---- checking ---- */

/* Without the spaces and dashes that people type. */
static size_t plain_code(struct view code, char *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < code.len; i++)
		if (code.data[i] != ' ' && code.data[i] != '-' && n + 1 < max)
			out[n++] = (char)tolower((unsigned char)code.data[i]);
	out[n] = '\0';
	return n;
}

/* Which step's code it is: 1, 0 none in reach. */
static int step_of(const struct secret *secret, const char *code, int64_t now_s, int64_t *step_r)
{
	int at = 0;

	if (strlen(code) != DIGITS || strspn(code, "0123456789") != DIGITS)
		return 0;
	if (oath_totp_validate2((const char *)secret_data(secret), secret_len(secret), now_s,
				STEP_S, 0, WINDOW, &at, code) < 0)
		return 0;
	*step_r = now_s / STEP_S + at;
	return 1;
}

static struct hash recovery_hash(uint64_t person, const char *code)
{
	CLEAN_STR text = STR_INIT;

	str_addf(&text, "recovery %llu %s", (unsigned long long)person, code);
	return crypto_sha256(text.data, text.len);
}

int totp_check(struct catalog *catalog, uint64_t person, struct view code, int64_t now_s,
	       struct err *err)
{
	char plain[2 * RECOVERY_BYTES + 2];
	struct totp_row row;
	struct hash hash;
	int64_t step;
	int rc = totp_get(catalog, person, &row, err);

	if (rc <= 0)
		return rc;
	plain_code(code, plain, sizeof(plain));
	rc = step_of(row.secret, plain, now_s, &step);
	secret_free(&row.secret);
	if (rc > 0)
		return totp_use_step(catalog, person, step, err);
	hash = recovery_hash(person, plain);
	return row.confirmed ? recovery_codes_use(catalog, person, &hash, err) : 0;
}

int totp_state(struct catalog *catalog, uint64_t person, enum totp_state *state_r, struct err *err)
{
	struct totp_row row;
	int rc = totp_get(catalog, person, &row, err);

	if (rc < 0)
		return -1;
	*state_r = rc == 0 ? TOTP_OFF : row.confirmed ? TOTP_ON : TOTP_BEGUN;
	if (rc > 0)
		secret_free(&row.secret);
	return 0;
}

/* ---- recovery codes: 64 random bits, in groups of four hex digits ---- */

static int make_recovery(struct catalog *catalog, struct arena *arena, uint64_t person,
			 struct view recovery_r[RECOVERY_CODES], struct err *err)
{
	struct hash hashes[RECOVERY_CODES];

	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		CLEAN_STR plain = STR_INIT, shown = STR_INIT;
		unsigned char random[RECOVERY_BYTES];

		crypto_random(random, sizeof(random));
		str_addhex(&plain, random, sizeof(random));
		hashes[i] = recovery_hash(person, plain.data);
		for (size_t at = 0; at < plain.len; at += RECOVERY_GROUP)
			str_addf(&shown, "%s%.*s", at ? "-" : "", RECOVERY_GROUP, plain.data + at);
		recovery_r[i] = arena_view(arena, str_view(&shown));
	}
	return recovery_codes_put(catalog, person, hashes, RECOVERY_CODES, err);
}

static int confirm(struct catalog *catalog, struct arena *arena, uint64_t person, struct view code,
		   int64_t now_s, struct view recovery_r[RECOVERY_CODES], struct err *err)
{
	int rc = totp_check(catalog, person, code, now_s, err);

	if (rc <= 0)
		return rc;
	return make_recovery(catalog, arena, person, recovery_r, err) < 0 ? -1 : 1;
}

int totp_confirm(struct catalog *catalog, struct arena *arena, uint64_t person, struct view code,
		 int64_t now_s, struct view recovery_r[RECOVERY_CODES], struct err *err)
{
	enum totp_state state;
	int rc;

	if (totp_state(catalog, person, &state, err) < 0)
		return -1;
	if (state != TOTP_BEGUN)
		return err_set(err, ERR_NOTFOUND, "no setting up of one-time codes was begun");
	if (catalog_begin(catalog, err) < 0)
		return -1;
	rc = confirm(catalog, arena, person, code, now_s, recovery_r, err);
	if (rc > 0 && catalog_commit(catalog, err) == 0)
		return 1;
	catalog_rollback(catalog);
	return rc == 0 ? 0 : -1;
}

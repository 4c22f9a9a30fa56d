/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/search/scope.h"

#include "base/crypto.h"

static bool has_number(const uint64_t *numbers, size_t n, uint64_t number)
{
	for (size_t i = 0; i < n; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static bool has_domain(const struct scope *scope, struct view domain)
{
	for (size_t i = 0; i < scope->n_domains; i++)
		if (view_eq(scope->domains[i], domain))
			return true;
	return false;
}

static bool lies_in(const struct scope_place *place, const struct scope_place *folder)
{
	const size_t len = folder->folder.len;

	if (place->source != folder->source)
		return false;
	if (len == 0)
		return true;
	return place->folder.len > len && place->folder.data[len] == '/' &&
	       memcmp(place->folder.data, folder->folder.data, len) == 0;
}

static bool has_place(const struct scope *scope, const struct scope_place *place)
{
	for (size_t i = 0; i < scope->n_places; i++)
		if (lies_in(place, &scope->places[i]))
			return true;
	return false;
}

/* --- who he is to the mail, and the bounds ---------------------------------------------------- */

static bool is_his(const struct scope *scope, const struct scope_mail *mail)
{
	if (scope->all || has_number(scope->mails, scope->n_mails, mail->mail))
		return true;
	for (size_t i = 0; i < mail->n_addresses; i++)
		if (has_number(scope->addresses, scope->n_addresses, mail->addresses[i]))
			return true;
	return false;
}

static bool in_domains(const struct scope *scope, const struct scope_mail *mail)
{
	for (size_t i = 0; i < mail->n_domains; i++)
		if (has_domain(scope, mail->domains[i]))
			return true;
	return scope->n_domains == 0;
}

static bool in_places(const struct scope *scope, const struct scope_mail *mail)
{
	for (size_t i = 0; i < mail->n_places; i++)
		if (has_place(scope, &mail->places[i]))
			return true;
	return scope->n_places == 0;
}

static bool in_time(const struct scope *scope, const struct scope_mail *mail)
{
	return (scope->from_s == 0 || mail->sent_s >= scope->from_s) &&
	       (scope->until_s == 0 || mail->sent_s < scope->until_s);
}

bool scope_sees(const struct scope *scope, const struct scope_mail *mail)
{
	return is_his(scope, mail) && in_time(scope, mail) && in_domains(scope, mail) &&
	       in_places(scope, mail);
}

bool scope_is_bounded(const struct scope *scope)
{
	return scope->n_domains > 0 || scope->n_places > 0 || scope->from_s != 0 ||
	       scope->until_s != 0;
}

bool scope_is_empty(const struct scope *scope)
{
	return !scope->all && scope->n_addresses == 0 && scope->n_mails == 0;
}

/* --- tokens ------------------------------------------------------------------------------------- */

struct view scope_domain_of(struct view addr)
{
	const char *at = addr.len > 0 ? memrchr(addr.data, '@', addr.len) : NULL;

	if (at == NULL)
		return VIEW("");
	return (struct view){at + 1, addr.len - (size_t)(at + 1 - addr.data)};
}

static uint64_t token_of(struct view text)
{
	const struct hash hash = crypto_sha256(text.data, text.len);
	uint64_t token;

	memcpy(&token, hash.b, sizeof(token));
	return token;
}

uint64_t scope_domain_token(struct view domain)
{
	return token_of(domain);
}

uint64_t scope_place_token(const struct scope_place *folder)
{
	CLEAN_STR text = STR_INIT;

	str_addu64(&text, folder->source);
	str_addv(&text, folder->folder);
	return token_of(str_view(&text));
}

void scope_folders_each(const struct scope_place *place,
			void (*fn)(void *arg, const struct scope_place *folder), void *arg)
{
	for (size_t i = 1; i < place->folder.len; i++)
		if (place->folder.data[i] == '/')
			fn(arg, &(struct scope_place){place->source, {place->folder.data, i}});
}

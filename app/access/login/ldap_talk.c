/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting to a directory, and searching there.
 *
 * No time limit is given to libldap for connecting: with one it spins in a TLS handshake with a silent peer. The process is killed at
 * the deadline. Why a connection did not come about libldap tells badly, so a second one of ours is made to find that out.
 */
#include "app/access/login/ldap_priv.h"

#include "base/conn.h"

#include <unistd.h>

/* --- values ----------------------------------------------------------------------------------- */

struct view ldap_value(struct ldap_talk *talk, LDAPMessage *entry, const char *attribute)
{
	struct berval **values = ldap_get_values_len(talk->ld, entry, attribute);
	struct view value = VIEW("");

	if (values != NULL && values[0] != NULL)
		value = (struct view){
			arena_strn(talk->login->arena, values[0]->bv_val, values[0]->bv_len),
			values[0]->bv_len};
	ldap_value_free_len(values);
	return value;
}

char *ldap_text(struct ldap_talk *talk, LDAPMessage *entry, const char *attribute)
{
	struct view value = view_trim(ldap_value(talk, entry, attribute));
	CLEAN_STR safe = STR_INIT;

	str_addsafe(&safe, value, false);
	return value.len > 0 && view_eq(value, str_view(&safe))
		       ? arena_strn(talk->login->arena, value.data, value.len)
		       : NULL;
}

static void add_addresses(struct ldap_talk *talk, LDAPMessage *entry, const char *attribute,
			  struct identity_texts *addresses)
{
	struct berval **values = ldap_get_values_len(talk->ld, entry, attribute);
	struct arena *arena = talk->login->arena;

	for (size_t i = 0; values != NULL && values[i] != NULL; i++)
		identity_add(arena, addresses,
			     identity_address(arena,
					      (struct view){values[i]->bv_val, values[i]->bv_len}));
	ldap_value_free_len(values);
}

void ldap_addresses(struct ldap_talk *talk, LDAPMessage *entry, struct identity_texts *addresses)
{
	struct view rest = talk->login->call->value[SOURCE_LDAP_MAIL_ATTRIBUTES], name;

	while (view_cut(&rest, ' ', &name))
		if (name.len > 0)
			add_addresses(talk, entry,
				      arena_strn(talk->login->arena, name.data, name.len),
				      addresses);
}

char *ldap_dn(struct ldap_talk *talk, LDAPMessage *entry)
{
	char *dn = ldap_get_dn(talk->ld, entry);
	char *copy = dn != NULL ? arena_str(talk->login->arena, dn) : NULL;

	ldap_memfree(dn);
	return copy;
}

char **ldap_attributes(struct ldap_talk *talk, const char *const *more)
{
	struct view rest = talk->login->call->value[SOURCE_LDAP_MAIL_ATTRIBUTES], name;
	struct arena *arena = talk->login->arena;
	struct identity_texts names = {0};

	while (view_cut(&rest, ' ', &name))
		if (name.len > 0)
			identity_add(arena, &names, arena_strn(arena, name.data, name.len));
	for (; *more != NULL; more++)
		identity_add(arena, &names, arena_str(arena, *more));
	ARENA_PUSH(arena, names, NULL);
	return names.v;
}

/* --- failures --------------------------------------------------------------------------------- */

static enum err_kind kind_of(const struct ldap_talk *talk, int code)
{
	switch (code) {
	case LDAP_SERVER_DOWN:
	case LDAP_CONNECT_ERROR:
	case LDAP_UNAVAILABLE:
	case LDAP_BUSY:
		return ERR_OFFLINE;
	case LDAP_TIMEOUT:
	case LDAP_TIMELIMIT_EXCEEDED:
		return ERR_TIMEOUT;
	case LDAP_OPERATIONS_ERROR: /* Active Directory's way to say "bind first" */
		return talk->is_ad ? ERR_DENIED : ERR_IO;
	case LDAP_INVALID_CREDENTIALS:
	case LDAP_INSUFFICIENT_ACCESS:
	case LDAP_INAPPROPRIATE_AUTH:
	case LDAP_STRONG_AUTH_REQUIRED:
	case LDAP_CONFIDENTIALITY_REQUIRED:
	case LDAP_UNWILLING_TO_PERFORM:
		return ERR_DENIED;
	case LDAP_FILTER_ERROR:
	case LDAP_NO_SUCH_OBJECT:
	case LDAP_INVALID_DN_SYNTAX:
	case LDAP_INVALID_SYNTAX:
		return ERR_SYNTAX;
	case LDAP_REFERRAL:
		return ERR_UNSUPPORTED;
	default:
		return ERR_IO;
	}
}

static const char *advice_of(int code)
{
	switch (code) {
	case LDAP_SERVER_DOWN:
	case LDAP_CONNECT_ERROR: /* libldap looks for another name than localhost in the certificate */
		return "; instead of localhost, name the host that the certificate is for";
	case LDAP_INVALID_CREDENTIALS:
		return "; check bind-dn and its password";
	case LDAP_FILTER_ERROR:
		return "; check user-filter";
	case LDAP_NO_SUCH_OBJECT:
	case LDAP_INVALID_DN_SYNTAX:
		return "; check base and group-base";
	case LDAP_REFERRAL:
		return "; referrals are not followed: name the directory that has these people";
	default:
		return "";
	}
}

int ldap_talk_failed(const struct ldap_talk *talk, int code, const char *doing, struct err *err)
{
	return err_set(err, kind_of(talk, code), "%s: %s%s", doing, ldap_err2string(code),
		       advice_of(code));
}

/* --- connecting ------------------------------------------------------------------------------- */

/* Certificates of the system, where none is chosen: libldap has no default that can be relied on. */
static const char *system_ca(void)
{
	static const char *const places[] = {"/etc/ssl/certs/ca-certificates.crt",
					     "/etc/pki/tls/certs/ca-bundle.crt",
					     "/etc/ssl/cert.pem"};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return "/dev/null";
}

static bool set(struct ldap_talk *talk, int option, const void *value)
{
	return ldap_set_option(talk->ld, option, value) == LDAP_OPT_SUCCESS;
}

static bool set_number(struct ldap_talk *talk, int option, int number)
{
	return set(talk, option, &number);
}

static struct timeval left(const struct ldap_talk *talk)
{
	int ms = login_left_ms(talk->login);

	return (struct timeval){ms / 1000, ms % 1000 * 1000};
}

/* A new TLS context takes what was set before, so it comes last. */
static int set_options(struct ldap_talk *talk, struct err *err)
{
	struct timeval timeout = left(talk);

	if (set_number(talk, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3) &&
	    set(talk, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) &&
	    set(talk, LDAP_OPT_RESTART, LDAP_OPT_ON) &&
	    set_number(talk, LDAP_OPT_DEREF, LDAP_DEREF_NEVER) &&
	    set(talk, LDAP_OPT_TIMEOUT, &timeout) &&
	    set(talk, LDAP_OPT_X_TLS_CACERTFILE, talk->ca) &&
	    set_number(talk, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND) &&
	    set_number(talk, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2) &&
	    set_number(talk, LDAP_OPT_X_TLS_NEWCTX, 0))
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
		       "libldap refuses an option, or cannot read the CA "
		       "certificate");
}

static int explain(struct ldap_talk *talk, const struct directory_url *url, int code,
		   const char *doing, struct err *err)
{
	bool is_plain = view_eq(talk->login->call->value[SOURCE_LDAP_TLS], VIEW("none"));

	if ((code == LDAP_SERVER_DOWN || code == LDAP_CONNECT_ERROR) &&
	    ldap_find_out(talk, url, !is_plain, err) < 0)
		return -1;
	return ldap_talk_failed(talk, code, doing, err);
}

static int start_tls(struct ldap_talk *talk, const struct directory_url *url, struct err *err)
{
	int code;

	if (url->is_tls || view_eq(talk->login->call->value[SOURCE_LDAP_TLS], VIEW("none")))
		return 0;
	code = ldap_start_tls_s(talk->ld, NULL, NULL);
	if (code == LDAP_SUCCESS)
		return 0;
	if (code == LDAP_PROTOCOL_ERROR || code == LDAP_UNWILLING_TO_PERFORM)
		return err_set(err, ERR_UNSUPPORTED, "the directory does not offer StartTLS");
	return explain(talk, url, code, "StartTLS", err);
}

static int bind_searcher(struct ldap_talk *talk, int *code_r)
{
	const struct source_call *call = talk->login->call;
	struct berval password = {call->value[SOURCE_LDAP_BIND_PASSWORD].len,
				  (char *)call->value[SOURCE_LDAP_BIND_PASSWORD].data};
	const char *dn = login_value(talk->login, SOURCE_LDAP_BIND_DN);

	*code_r = ldap_sasl_bind_s(talk->ld, dn, LDAP_SASL_SIMPLE, &password, NULL, NULL, NULL);
	return *code_r == LDAP_SUCCESS ? 0 : -1;
}

#define BIND_DOING "the account that searches cannot log in"

int ldap_talk_bind(struct ldap_talk *talk, struct err *err)
{
	int code;

	return bind_searcher(talk, &code) == 0 ? 0 : ldap_talk_failed(talk, code, BIND_DOING, err);
}

static int connect_to(struct ldap_talk *talk, const struct directory_url *url, struct err *err)
{
	CLEAN_STR address = STR_INIT;
	const char *text = arena_strn(talk->login->arena, url->text.data, url->text.len);
	int code;

	directory_url_address(url, &address);
	if (ldap_initialize(&talk->ld, text) != LDAP_SUCCESS)
		return err_set(err, ERR_SYNTAX, "%s: libldap cannot read this address", text);
	if (set_options(talk, err) < 0 || start_tls(talk, url, err) < 0)
		return err_add(err, "%s", address.data);
	if (bind_searcher(talk, &code) < 0) {
		explain(talk, url, code, BIND_DOING, err);
		return err_add(err, "%s", address.data);
	}
	return 0;
}

void ldap_talk_close(struct ldap_talk *talk)
{
	if (talk->ld != NULL)
		ldap_unbind_ext(talk->ld, NULL, NULL);
	talk->ld = NULL;
}

/* Is a directory there at all? Asked where another one could take its place: half of the time that is left is for finding out. */
static int is_there(struct ldap_talk *talk, const struct directory_url *url, struct err *err)
{
	CLEAN(conn) conn = NULL;
	CLEAN_STR address = STR_INIT;

	directory_url_address(url, &address);
	return conn_connect(address.data, login_left_ms(talk->login) / 2 + 1, &conn, err);
}

static int connect_to_any(struct ldap_talk *talk, struct err *err)
{
	struct view rest = talk->login->call->value[SOURCE_LDAP_URL], text;
	struct directory_url url;

	while (view_cut(&rest, ' ', &text)) {
		if (directory_url_read(text, &url, err) < 0)
			return -1;
		if (rest.len > 0 && is_there(talk, &url, err) < 0)
			continue;
		if (connect_to(talk, &url, err) == 0)
			return 0;
		ldap_talk_close(talk);
		if (err->kind != ERR_OFFLINE)
			return -1;
	}
	return -1;
}

/* --- what it is ------------------------------------------------------------------------------- */

/* Who speaks Active Directory's language says so by one of two object ids ([MS-ADTS], section 3.1.1.3.4.3). */
static bool says_ad(struct ldap_talk *talk, LDAPMessage *entry)
{
	struct berval **values = ldap_get_values_len(talk->ld, entry, "supportedCapabilities");
	bool is_ad = false;

	for (size_t i = 0; values != NULL && values[i] != NULL; i++)
		is_ad |= strcmp(values[i]->bv_val, "1.2.840.113556.1.4.800") == 0 ||
			 strcmp(values[i]->bv_val, "1.2.840.113556.1.4.1851") == 0;
	ldap_value_free_len(values);
	return is_ad;
}

static int find_kind(struct ldap_talk *talk, struct err *err)
{
	char *attributes[] = {(char *)"supportedCapabilities", NULL};
	const struct ldap_search root = {"", LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 1};
	CLEAN_FOUND found = NULL;
	LDAPMessage *entry;

	if (ldap_talk_search(talk, &root, &found, err) < 0)
		return -1;
	entry = ldap_first_entry(talk->ld, found);
	talk->is_ad = entry != NULL && says_ad(talk, entry);
	return 0;
}

int ldap_talk_open(struct login *login, struct ldap_talk *talk, struct err *err)
{
	char *ca;

	*talk = (struct ldap_talk){.login = login, .base = login_value(login, SOURCE_LDAP_BASE)};
	if (login_ca_file(login, login->call->value[SOURCE_LDAP_CA], &ca, err) < 0)
		return -1;
	talk->ca = ca[0] != '\0' ? ca : system_ca();
	if (connect_to_any(talk, err) == 0 && find_kind(talk, err) == 0)
		return 0;
	ldap_talk_close(talk);
	return -1;
}

/* --- searching -------------------------------------------------------------------------------- */

void ldap_found_free(LDAPMessage **found)
{
	if (*found != NULL)
		ldap_msgfree(*found);
	*found = NULL;
}

int ldap_talk_search(struct ldap_talk *talk, const struct ldap_search *search,
		     LDAPMessage **found_r, struct err *err)
{
	struct timeval timeout = left(talk);
	int code = ldap_search_ext_s(talk->ld, search->base, search->scope, search->filter,
				     search->attributes, 0, NULL, NULL, &timeout, search->limit,
				     found_r);

	if (code == LDAP_SUCCESS || code == LDAP_SIZELIMIT_EXCEEDED)
		return 0;
	ldap_found_free(found_r);
	return ldap_talk_failed(talk, code, "the search", err);
}

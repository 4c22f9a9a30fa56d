/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does what is set of a source fit together? */
#include "app/access/directory_url.h"
#include "app/access/source.h"
#include "base/conf.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

enum { TIMEOUT_MS_MIN = 100, TIMEOUT_MS_MAX = 60 * 1000, PORT_MAX = 65535 };

static int bad(struct err *err, const char *what, const char *how)
{
	return err_set(err, ERR_SYNTAX, "%s %s", what, how);
}

static bool is_set(const char *text)
{
	return text[0] != '\0';
}

/* --- what several have ------------------------------------------------------------------------ */

static int check_timeout(const char *text, struct err *err)
{
	uint64_t ms;

	if (conf_number(text, &ms) < 0 || ms < TIMEOUT_MS_MIN || ms > TIMEOUT_MS_MAX)
		return bad(err, "the time limit", "is from 100 to 60000 milliseconds");
	return 0;
}

static int check_ca(const char *pem, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate;

	must(bio != NULL);
	certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (certificate == NULL)
		return bad(err, "the CA certificate",
			   "is none in PEM, which begins with -----BEGIN CERTIFICATE-----");
	X509_free(certificate);
	return 0;
}

static bool is_domain(struct view domain)
{
	if (domain.len == 0 || domain.len > 255)
		return false;
	for (size_t i = 0; i < domain.len; i++)
		if ((unsigned char)domain.data[i] <= ' ' || strchr("@,;<>*", domain.data[i]))
			return false;
	return true;
}

static int check_domains(const char *text, bool any, struct err *err)
{
	struct view rest = VIEW(text), domain;

	if (any && strcmp(text, "*") == 0)
		return 0;
	while (view_cut(&rest, ' ', &domain))
		if (!is_domain(domain))
			return bad(err, "the domains", "are names with a space between them");
	return 0;
}

static int check_clear(const char *tls, struct view host, struct err *err)
{
	if (strcmp(tls, "none") == 0 && !host_is_here(host))
		return bad(err, "passwords",
			   "are not sent without TLS but to this computer itself: set tls to "
			   "starttls, or use the port that is for TLS only");
	return 0;
}

/* --- each of them ----------------------------------------------------------------------------- */

static int check_appliance(char *const *value, struct err *err)
{
	const char *service = value[SOURCE_APPLIANCE_SERVICE];

	if (service[strlen(service) - 1] == '/' || (service[0] != '/' && strchr(service, '/')))
		return bad(err, "the PAM service", "is a name, or the path of its file");
	if (!is_set(value[SOURCE_APPLIANCE_DOMAINS]))
		return bad(err, "the domains",
			   "are missing, without which nobody here has an address");
	if (check_domains(value[SOURCE_APPLIANCE_DOMAINS], false, err) < 0)
		return -1;
	return check_timeout(value[SOURCE_APPLIANCE_TIMEOUT], err);
}

static int check_urls(const char *text, const char *tls, struct err *err)
{
	struct view rest = VIEW(text), url;
	struct directory_url read;

	if (!is_set(text))
		return bad(err, "the directory's address", "is missing: ldaps://HOST");
	while (view_cut(&rest, ' ', &url)) {
		if (directory_url_read(url, &read, err) < 0)
			return -1;
		if (!read.is_tls && check_clear(tls, read.host, err) < 0)
			return -1;
	}
	return 0;
}

static int check_filter(const char *filter, struct err *err)
{
	if (is_set(filter) && (filter[0] != '(' || strstr(filter, "%s") == NULL))
		return bad(err, "the filter for people",
			   "stands in parentheses and has %s where the name belongs: (uid=%s)");
	return 0;
}

static bool are_attributes(const char *text)
{
	return is_set(text) && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					    "0123456789-;. ") == strlen(text);
}

static int check_attributes(char *const *value, struct err *err)
{
	if (!are_attributes(value[SOURCE_LDAP_SHOWN_ATTRIBUTE]) ||
	    !are_attributes(value[SOURCE_LDAP_MAIL_ATTRIBUTES]) ||
	    (is_set(value[SOURCE_LDAP_NAME_ATTRIBUTE]) &&
	     !are_attributes(value[SOURCE_LDAP_NAME_ATTRIBUTE])))
		return bad(err, "an attribute's name", "has letters, digits and - only");
	return 0;
}

static int check_bind(const struct source *source, struct err *err)
{
	bool named = source->given[SOURCE_LDAP_BIND_DN];

	if (named != (source->password != NULL))
		return bad(err, "the account that searches",
			   "needs both its name (bind-dn) and its password");
	return 0;
}

static int check_ldap(const struct source *source, struct err *err)
{
	char *const *value = source->value;
	const char *tls = value[SOURCE_LDAP_TLS];

	if (strcmp(tls, "starttls") != 0 && strcmp(tls, "none") != 0)
		return bad(err, "tls",
			   "is starttls, or none; with ldaps:// there is nothing to set");
	if (check_urls(value[SOURCE_LDAP_URL], tls, err) < 0 ||
	    check_filter(value[SOURCE_LDAP_USER_FILTER], err) < 0 ||
	    check_attributes(value, err) < 0 || check_bind(source, err) < 0)
		return -1;
	if (!is_set(value[SOURCE_LDAP_BASE]))
		return bad(err, "the base",
			   "is missing, below which people are: dc=firm,dc=example");
	if (is_set(value[SOURCE_LDAP_CA]) && check_ca(value[SOURCE_LDAP_CA], err) < 0)
		return -1;
	return check_timeout(value[SOURCE_LDAP_TIMEOUT], err);
}

static int check_imap_place(char *const *value, struct err *err)
{
	const char *tls = value[SOURCE_IMAP_TLS];
	uint64_t port;

	if (!is_set(value[SOURCE_IMAP_HOST]))
		return bad(err, "the IMAP server's host", "is missing");
	if (strcspn(value[SOURCE_IMAP_HOST], " /@\t\r\n") != strlen(value[SOURCE_IMAP_HOST]))
		return bad(err, "the IMAP server's host", "is a name or an address, without port");
	if (is_set(value[SOURCE_IMAP_PORT]) &&
	    (conf_number(value[SOURCE_IMAP_PORT], &port) < 0 || port == 0 || port > PORT_MAX))
		return bad(err, "the IMAP server's port", "is a number from 1 to 65535");
	if (strcmp(tls, "implicit") != 0 && strcmp(tls, "starttls") != 0 &&
	    strcmp(tls, "none") != 0)
		return bad(err, "tls", "is implicit, starttls, or none");
	return check_clear(tls, VIEW(value[SOURCE_IMAP_HOST]), err);
}

static int check_imap(char *const *value, struct err *err)
{
	if (check_imap_place(value, err) < 0)
		return -1;
	if (!is_set(value[SOURCE_IMAP_DOMAINS]))
		return bad(err, "the domains",
			   "are missing, of which people are: the first is added to a name without "
			   "one");
	if (check_domains(value[SOURCE_IMAP_DOMAINS], true, err) < 0 ||
	    (is_set(value[SOURCE_IMAP_CA]) && check_ca(value[SOURCE_IMAP_CA], err) < 0))
		return -1;
	return check_timeout(value[SOURCE_IMAP_TIMEOUT], err);
}

int source_check(const struct source *source, struct err *err)
{
	switch (source->source) {
	case PERSON_APPLIANCE:
		return check_appliance(source->value, err);
	case PERSON_LDAP:
		return check_ldap(source, err);
	case PERSON_IMAP:
		return check_imap(source->value, err);
	default:
		return err_set(err, ERR_UNSUPPORTED, "the source %s has nothing to set up",
			       person_source_name(source->source));
	}
}

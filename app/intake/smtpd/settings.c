/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/settings.h"

#include "base/str.h"

#include <unistd.h>

enum { TEXT_MAX = 1024, NAME_MAX_BYTES = 255, DAY_S = 24 * 3600, ROWS_MAX = 32 };

static void set_defaults(struct smtpd_settings *s)
{
	static const char *const marks[] = {"X-Spam-Flag: YES", "X-Spam: Yes",
					    "X-Rspamd-Action: add header"};

	s->hostname = mem_strdup("");
	s->source = mem_strdup("");
	s->socket_mode_text = mem_strdup("0660");
	s->socket_group = mem_strdup("");
	s->user = mem_strdup("sealpost");
	s->copy_domain = mem_strdup("copy.invalid");
	s->auth_file = mem_strdup("");
	s->tls_cert = mem_strdup("");
	s->tls_key = mem_strdup("");
	conf_list_add(&s->networks, "127.0.0.0/8");
	conf_list_add(&s->networks, "::1");
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		conf_list_add(&s->spam_mark, marks[i]);
	s->max_connections = 1000;
	s->max_connections_per_client = 50;
	s->max_mail_bytes = 150 << 20;
	s->max_recipients = 10000;
	s->max_errors = 20;
	s->idle_timeout_s = 300;
	s->data_timeout_s = 1200;
	s->session_timeout_s = 3600;
	s->reserve_bytes = CONF_AUTO;
}

/* The rows of S into ROWS; how many. */
static size_t list_rows(struct smtpd_settings *s, struct conf_row rows[ROWS_MAX])
{
	const struct conf_row all[] = {
		{"listen", &s->listen, 1, TEXT_MAX,
		 "where mail is taken: \"smtp 0.0.0.0:2525\" or \"lmtp unix:/path\"", CONF_LIST},
		{"socket_mode", &s->socket_mode_text, 1, 5, "rights of Unix sockets, octal",
		 CONF_TEXT},
		{"socket_group", &s->socket_group, 0, TEXT_MAX, "group of Unix sockets", CONF_TEXT},
		{"user", &s->user, 0, TEXT_MAX,
		 "what the daemon becomes when root started it; empty: it stays root", CONF_TEXT},
		{"source", &s->source, 0, TEXT_MAX, "name of the mail server, kept with each mail",
		 CONF_TEXT},
		{"hostname", &s->hostname, 1, NAME_MAX_BYTES,
		 "name of this machine, unless set what the system calls it; behind Postfix, its "
		 "myhostname",
		 CONF_TEXT},
		{"archive_domain", &s->archive_domain, 1, NAME_MAX_BYTES,
		 "domains of the archive itself, whatever stands before the @", CONF_LIST},
		{"accept_all", &s->accept_all, 0, 0, "take mail for every domain", CONF_SWITCH},
		{"network", &s->networks, 1, TEXT_MAX,
		 "clients that need no log-in: addresses, or networks as 192.0.2.0/24", CONF_LIST},
		{"auth_file", &s->auth_file, 0, TEXT_MAX,
		 "who may log in, over TLS only: lines \"name:hash\" (mkpasswd -m yescrypt)",
		 CONF_TEXT},
		{"tls_cert", &s->tls_cert, 0, TEXT_MAX, "certificate and its chain, PEM",
		 CONF_TEXT},
		{"tls_key", &s->tls_key, 0, TEXT_MAX, "the certificate's key, PEM", CONF_TEXT},
		{"journal", &s->journal, 0, 0,
		 "mail for archive_domain is journal reports: they are unwrapped", CONF_SWITCH},
		{"copy_domain", &s->copy_domain, 1, NAME_MAX_BYTES,
		 "domain of the copies that the mail server makes for the archive", CONF_TEXT},
		{"spam_mark", &s->spam_mark, 3, TEXT_MAX,
		 "header lines by which a filter marks spam, \"Name: value\"", CONF_LIST},
		{"max_connections", &s->max_connections, 1, 20000, "connections at once",
		 CONF_NUMBER},
		{"max_connections_per_client", &s->max_connections_per_client, 0, 20000,
		 "of them from one address (of IPv6: one /64), 0: any", CONF_NUMBER},
		{"max_mail_bytes", &s->max_mail_bytes, 65536, 1ULL << 30,
		 "largest mail that is taken by SMTP", CONF_NUMBER},
		{"max_recipients", &s->max_recipients, 100, 1000000, "recipients of a mail by SMTP",
		 CONF_NUMBER},
		{"max_errors", &s->max_errors, 1, 1000000, "refusals after which SMTP hangs up",
		 CONF_NUMBER},
		{"idle_timeout", &s->idle_timeout_s, 1, DAY_S, "seconds a client may be silent",
		 CONF_NUMBER},
		{"data_timeout", &s->data_timeout_s, 1, DAY_S,
		 "seconds that a mail's bytes may take", CONF_NUMBER},
		{"session_timeout", &s->session_timeout_s, 1, DAY_S,
		 "seconds that a connection by SMTP may last", CONF_NUMBER},
		{"reserve_bytes", &s->reserve_bytes, 0, UINT64_MAX,
		 "disk space that is left free, auto: 5 % of the disk and at most 2G; below it "
		 "mail is told to "
		 "come later",
		 CONF_NUMBER_OR_AUTO},
		{"bare_newline", &s->bare_newline, 0, 0,
		 "take mail with a CR or LF that stands alone, as it is", CONF_SWITCH},
	};

	_Static_assert(sizeof(all) <= ROWS_MAX * sizeof(*rows), "ROWS_MAX is too small");
	memcpy(rows, all, sizeof(all));
	return sizeof(all) / sizeof(*all);
}

/* Unless set, what the system calls this machine. */
static void find_hostname(struct smtpd_settings *s)
{
	char name[NAME_MAX_BYTES + 1] = "";

	if (*s->hostname != '\0')
		return;
	gethostname(name, sizeof(name) - 1);
	free(s->hostname);
	s->hostname = mem_strdup(name[0] ? name : "localhost");
}

static int read_listen(const char *text, struct smtpd_listen *listen_r, struct err *err)
{
	static const char *const protocols[] = {
		[PROTOCOL_SMTP] = "smtp ", [PROTOCOL_LMTP] = "lmtp "};

	for (enum protocol protocol = PROTOCOL_SMTP; protocol <= PROTOCOL_LMTP; protocol++)
		if (view_starts(VIEW(text), protocols[protocol])) {
			*listen_r = (struct smtpd_listen){protocol,
							  text + strlen(protocols[protocol])};
			return 0;
		}
	return err_set(err, ERR_SYNTAX, "listen reads \"smtp ADDRESS\" or \"lmtp ADDRESS\"");
}

static int read_mode(const char *text, unsigned *mode_r, struct err *err)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*end != '\0' || mode > 0777)
		return err_set(err, ERR_SYNTAX, "socket_mode is octal, as 0660");
	*mode_r = (unsigned)mode;
	return 0;
}

static int check(struct smtpd_settings *s, struct err *err)
{
	s->listens = mem_new((s->listen.n + 1) * sizeof(*s->listens));
	s->network = mem_new((s->networks.n + 1) * sizeof(*s->network));
	if (s->listen.n == 0)
		return err_set(err, ERR_SYNTAX, "listen is not set: no mail can come");
	for (size_t i = 0; i < s->listen.n; i++)
		if (read_listen(s->listen.v[i], &s->listens[i], err) < 0)
			return -1;
	for (size_t i = 0; i < s->networks.n; i++)
		if (network_read(s->networks.v[i], &s->network[i], err) < 0)
			return err_add(err, "network");
	for (size_t i = 0; i < s->spam_mark.n; i++)
		if (strchr(s->spam_mark.v[i], ':') == NULL)
			return err_set(err, ERR_SYNTAX, "spam_mark reads \"Name: value\"");
	if (s->archive_domain.n == 0 && !s->accept_all)
		return err_set(err, ERR_SYNTAX,
			       "neither archive_domain nor accept_all is set: no mail is taken");
	if ((*s->tls_cert == '\0') != (*s->tls_key == '\0'))
		return err_set(err, ERR_SYNTAX, "tls_cert and tls_key go together");
	if (*s->auth_file != '\0' && *s->tls_cert == '\0')
		return err_set(err, ERR_SYNTAX, "auth_file needs tls_cert: no log-in in clear");
	return read_mode(s->socket_mode_text, &s->socket_mode, err);
}

int smtpd_settings_read(const char *path, struct smtpd_settings **settings_r, struct err *err)
{
	CLEAN(smtpd_settings) s = mem_new(sizeof(*s));
	struct conf_row rows[ROWS_MAX];

	set_defaults(s);
	if (conf_read(path, rows, list_rows(s, rows), err) < 0)
		return -1;
	find_hostname(s);
	if (check(s, err) < 0)
		return err_add(err, "%s", path);
	*settings_r = TAKE(s);
	return 0;
}

void smtpd_settings_table(struct str *out)
{
	CLEAN(smtpd_settings) s = mem_new(sizeof(*s));
	struct conf_row rows[ROWS_MAX];

	set_defaults(s);
	conf_table(rows, list_rows(s, rows), out);
}

void smtpd_settings_free(struct smtpd_settings **settings)
{
	struct smtpd_settings *s = *settings;

	if (s == NULL)
		return;
	for (struct conf_list *list = &s->listen; list <= &s->spam_mark; list++)
		conf_list_clear(list);
	for (char **text = &s->socket_mode_text; text <= &s->tls_key; text++)
		free(*text);
	free(s->listens);
	free(s->network);
	free(s);
	*settings = NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/settings.h"

#include <ctype.h>

enum { TEXT_MAX = 1024, NAME_MAX_BYTES = 255, HOUR_S = 3600, ROWS_MAX = 32 };

static void set_defaults(struct api_settings *s)
{
	s->listen = mem_strdup("127.0.0.1:8480");
	s->metrics_listen = mem_strdup("");
	s->base = mem_strdup("/archive/");
	s->web = mem_strdup("");
	s->mode_text = mem_strdup("0660");
	s->group = mem_strdup("");
	s->user = mem_strdup("");
	conf_list_add(&s->proxies, "unix");
	s->workers = 4;
	s->connections = 2000;
	s->waiting = 200;
	s->waiting_per_client = 10;
	s->head_timeout_s = 30;
	s->body_timeout_s = 60;
	s->upload_timeout_s = 20 * 60;
	s->reply_timeout_s = HOUR_S;
	s->max_head_bytes = 16 * 1024;
	s->max_json_bytes = 1024 * 1024;
}

/* The rows of S into ROWS; how many. */
static size_t list_rows(struct api_settings *s, struct conf_row rows[ROWS_MAX])
{
	const struct conf_row all[] = {
		{"listen", &s->listen, 1, TEXT_MAX,
		 "where the reverse proxy finds it: \"unix:/path\", or a port of this machine "
		 "alone, "
		 "127.0.0.1:PORT or [::1]:PORT",
		 CONF_TEXT},
		{"socket_mode", &s->mode_text, 1, 5, "rights of a Unix socket, octal", CONF_TEXT},
		{"socket_group", &s->group, 0, TEXT_MAX, "group of a Unix socket", CONF_TEXT},
		{"user", &s->user, 0, TEXT_MAX,
		 "what the program becomes when root started it, to whom the archive belongs; "
		 "empty: "
		 "it stays root",
		 CONF_TEXT},
		{"metrics_listen", &s->metrics_listen, 0, TEXT_MAX,
		 "where GET /metrics is answered for monitoring, as `listen`; empty: nowhere",
		 CONF_TEXT},
		{"base", &s->base, 1, NAME_MAX_BYTES, "path of the page at the reverse proxy",
		 CONF_TEXT},
		{"web", &s->web, 0, TEXT_MAX,
		 "folder of the page's files; empty: where the package has put them", CONF_TEXT},
		{"host", &s->hosts, 1, NAME_MAX_BYTES,
		 "names by which people reach the page; none: any that a trusted proxy passes on, "
		 "and localhost",
		 CONF_LIST},
		{"proxy", &s->proxies, 1, TEXT_MAX,
		 "reverse proxies whose X-Forwarded-For, -Proto and -Host are believed: addresses, "
		 "networks, or \"unix\" for whoever may use the Unix socket",
		 CONF_LIST},
		{"workers", &s->workers, 1, 64, "processes that answer", CONF_NUMBER},
		{"connections", &s->connections, 16, 20000, "connections at once", CONF_NUMBER},
		{"waiting", &s->waiting, 4, 20000,
		 "requests at once that wait for another program, as a log-in does", CONF_NUMBER},
		{"waiting_per_client", &s->waiting_per_client, 1, 20000,
		 "of them from one client's address", CONF_NUMBER},
		{"head_timeout", &s->head_timeout_s, 1, HOUR_S,
		 "seconds until a request's head is there, and that a connection may be idle",
		 CONF_NUMBER},
		{"body_timeout", &s->body_timeout_s, 1, HOUR_S,
		 "seconds that a request's body may take", CONF_NUMBER},
		{"upload_timeout", &s->upload_timeout_s, 1, 24 * HOUR_S, "the same of an upload",
		 CONF_NUMBER},
		{"reply_timeout", &s->reply_timeout_s, 1, 24 * HOUR_S,
		 "seconds that a client may take to fetch an answer", CONF_NUMBER},
		{"max_head_bytes", &s->max_head_bytes, 2048, 24 * 1024,
		 "largest head of a request, its address included", CONF_NUMBER},
		{"max_json_bytes", &s->max_json_bytes, 4096, 16 * 1024 * 1024,
		 "largest body of a request that is no upload", CONF_NUMBER},
	};

	_Static_assert(sizeof(all) <= ROWS_MAX * sizeof(*rows), "ROWS_MAX is too small");
	memcpy(rows, all, sizeof(all));
	return sizeof(all) / sizeof(*all);
}

static bool is_port(const char *text)
{
	uint64_t port;

	return isdigit((unsigned char)*text) && conf_number(text, &port) == 0 && port > 0 &&
	       port < 65536;
}

/* It speaks HTTP in clear, and believes its proxy: no other machine may reach it. */
static int check_listen(const char *name, const char *listen, struct err *err)
{
	static const char *const loopback[] = {"127.0.0.1:", "[::1]:"};

	if (view_starts(VIEW(listen), "unix:/"))
		return 0;
	for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++)
		if (view_starts(VIEW(listen), loopback[i]) && is_port(listen + strlen(loopback[i])))
			return 0;
	return err_set(err, ERR_SYNTAX,
		       "%s reads \"unix:/path\", \"127.0.0.1:PORT\" or \"[::1]:PORT\": people "
		       "come through the reverse proxy",
		       name);
}

static int check_base(const char *base, struct err *err)
{
	size_t len = strlen(base);

	if (base[0] != '/' || base[len - 1] != '/' || strstr(base, "//") != NULL ||
	    strspn(base, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/") !=
		    len)
		return err_set(
			err, ERR_SYNTAX,
			"base begins and ends with a slash, and has letters, digits, - and _ "
			"between them");
	return 0;
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

static int read_proxies(struct api_settings *s, struct err *err)
{
	s->network = mem_new((s->proxies.n + 1) * sizeof(*s->network));
	for (size_t i = 0; i < s->proxies.n; i++) {
		if (strcmp(s->proxies.v[i], "unix") == 0)
			s->trust_unix = true;
		else if (network_read(s->proxies.v[i], &s->network[s->n_network++], err) < 0)
			return err_add(err, "proxy");
	}
	return 0;
}

int api_settings_read(const char *path, struct api_settings **settings_r, struct err *err)
{
	CLEAN(api_settings) s = mem_new(sizeof(*s));
	struct conf_row rows[ROWS_MAX];

	set_defaults(s);
	if (conf_read(path, rows, list_rows(s, rows), err) < 0)
		return -1;
	if (check_listen("listen", s->listen, err) < 0 ||
	    (*s->metrics_listen != '\0' &&
	     check_listen("metrics_listen", s->metrics_listen, err) < 0) ||
	    check_base(s->base, err) < 0 || read_mode(s->mode_text, &s->mode, err) < 0 ||
	    read_proxies(s, err) < 0)
		return err_add(err, "%s", path);
	*settings_r = TAKE(s);
	return 0;
}

void api_settings_table(struct str *out)
{
	CLEAN(api_settings) s = mem_new(sizeof(*s));
	struct conf_row rows[ROWS_MAX];

	set_defaults(s);
	conf_table(rows, list_rows(s, rows), out);
}

void api_settings_free(struct api_settings **settings)
{
	struct api_settings *s = *settings;

	if (s == NULL)
		return;
	free(s->listen);
	free(s->metrics_listen);
	free(s->base);
	free(s->web);
	free(s->mode_text);
	free(s->group);
	free(s->user);
	conf_list_clear(&s->hosts);
	conf_list_clear(&s->proxies);
	free(s->network);
	free(s);
	*settings = NULL;
}

void api_settings_open_setup(struct api_settings *settings, struct str *word)
{
	unsigned char bits[16];

	crypto_random(bits, sizeof(bits));
	str_addhex(word, bits, sizeof(bits));
	settings->setup_hash = crypto_sha256(word->data, word->len);
	settings->has_setup = true;
}

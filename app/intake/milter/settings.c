/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/milter/settings.h"

#include "base/str.h"

#include <sys/un.h>

enum { ADDRESS_MAX = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1 + 5 /* "unix:" */ };

static const struct {
	enum milter_role role;
	const char *name;
} roles[] = {
#define X(role, name) {ROLE_##role, name},
	MILTER_ROLES(X)
#undef X
};
enum { ROLES = sizeof(roles) / sizeof(*roles), ROWS_MAX = 16 };

const char *milter_role_text(enum milter_role role)
{
	return roles[role].name;
}

static int find_role(struct view name, enum milter_role *role_r, struct err *err)
{
	for (size_t i = 0; i < ROLES; i++) {
		if (view_eq(name, VIEW(roles[i].name))) {
			*role_r = roles[i].role;
			return 0;
		}
	}
	return err_set(err, ERR_SYNTAX,
		       "a listener is capture, capture-filtered or binder, not \"%.*s\"",
		       (int)name.len, name.data);
}

/* "ROLE unix:/PATH". TCP is no choice: each mail would wait for its delays, and whoever may connect
 * could put mail into the archive. */
static int read_listener(const char *text, struct milter_listener *listener_r, struct err *err)
{
	struct view rest = VIEW(text), name, address;

	view_cut(&rest, ' ', &name);
	address = view_trim(rest);
	if (find_role(name, &listener_r->role, err) < 0)
		return -1;
	if (!view_starts(address, "unix:/") || address.len > ADDRESS_MAX)
		return err_set(err, ERR_SYNTAX,
			       "a listener reads \"%.*s unix:/PATH\", with at most %d characters",
			       (int)name.len, name.data, ADDRESS_MAX);
	listener_r->address = address.data; /* nothing stands behind it in TEXT */
	return 0;
}

static int read_listeners(struct milter_settings *s, struct err *err)
{
	if (s->listen.n == 0)
		return err_set(err, ERR_SYNTAX,
			       "no listener is set; \"listen = capture unix:/PATH\" sets one");
	s->listeners = mem_new(s->listen.n * sizeof(*s->listeners));
	s->n_listeners = s->listen.n;
	for (size_t i = 0; i < s->listen.n; i++)
		if (read_listener(s->listen.v[i], &s->listeners[i], err) < 0)
			return -1;
	return 0;
}

static int read_mode(struct milter_settings *s, struct err *err)
{
	char *end;
	unsigned long mode = strtoul(s->socket_mode_text, &end, 8);

	if (*end != '\0' || mode > 0777)
		return err_set(err, ERR_SYNTAX,
			       "socket_mode takes an octal number up to 777, not \"%s\"",
			       s->socket_mode_text);
	s->socket_mode = (mode_t)mode;
	return 0;
}

static void set_defaults(struct milter_settings *s)
{
	s->socket_mode_text = mem_strdup("0660");
	s->socket_group = mem_strdup("");
	s->user = mem_strdup("sealpost");
	s->copy_domain = mem_strdup("copy.invalid");
	s->source = mem_strdup("");
	s->max_mail_bytes = 256ULL * 1024 * 1024;
	s->reserve_bytes = CONF_AUTO;
}

/* The rows of S into ROWS; how many. */
static size_t list_rows(struct milter_settings *s, struct conf_row rows[ROWS_MAX])
{
	const struct conf_row all[] = {
		{"listen", &s->listen, 1, 200, "a role and its socket: capture unix:/PATH",
		 CONF_LIST},
		{"socket_mode", &s->socket_mode_text, 1, 4, "rights of the sockets, octal",
		 CONF_TEXT},
		{"socket_group", &s->socket_group, 0, 64, "group of the sockets: the mail server's",
		 CONF_TEXT},
		{"user", &s->user, 0, 64,
		 "what the daemon becomes when root started it; empty: it stays root", CONF_TEXT},
		{"copy_domain", &s->copy_domain, 1, 190,
		 "domain of the addresses that carry tokens", CONF_TEXT},
		{"source", &s->source, 0, 200, "name of this mail server in the archive",
		 CONF_TEXT},
		{"max_mail_bytes", &s->max_mail_bytes, 1024, 1ULL << 30,
		 "larger mail is refused; not below the mail server's own limit", CONF_NUMBER},
		{"reserve_bytes", &s->reserve_bytes, 0, 1ULL << 50,
		 "disk space that is left free, auto: 5 % of the disk and at most 2G; below it "
		 "mail has to wait "
		 "at its sender",
		 CONF_NUMBER_OR_AUTO},
	};

	_Static_assert(sizeof(all) <= ROWS_MAX * sizeof(*rows), "ROWS_MAX is too small");
	memcpy(rows, all, sizeof(all));
	return sizeof(all) / sizeof(*all);
}

int milter_settings_read(const char *archive_dir, struct milter_settings **settings_r,
			 struct err *err)
{
	CLEAN(milter_settings) s = mem_new(sizeof(*s));
	struct conf_row rows[ROWS_MAX];
	CLEAN_STR path = STR_INIT;

	set_defaults(s);
	str_addf(&path, "%s/milter.conf", archive_dir);
	if (conf_read(path.data, rows, list_rows(s, rows), err) < 0)
		return -1;
	if (read_listeners(s, err) < 0 || read_mode(s, err) < 0)
		return err_add(err, "%s", path.data);
	*settings_r = TAKE(s);
	return 0;
}

void milter_settings_table(struct str *out)
{
	CLEAN(milter_settings) s = mem_new(sizeof(*s));
	struct conf_row rows[ROWS_MAX];

	set_defaults(s);
	conf_table(rows, list_rows(s, rows), out);
}

void milter_settings_free(struct milter_settings **settings)
{
	struct milter_settings *s = *settings;

	if (s == NULL)
		return;
	conf_list_clear(&s->listen);
	free(s->listeners);
	free(s->socket_mode_text);
	free(s->socket_group);
	free(s->user);
	free(s->copy_domain);
	free(s->source);
	free(s);
	*settings = NULL;
}

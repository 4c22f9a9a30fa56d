/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/pop3.h"

#include "app/intake/fetch/haul.h"
#include "app/intake/fetch/names.h"
#include "app/intake/fetch/transfer.h"

#include <sys/socket.h>
#include <unistd.h>

enum {
	LIST_MAX_BYTES = 64 << 20,
	UIDL_MAX_BYTES = 1000, /* RFC 1939, section 7, has 70; not all servers know */
	SESSIONS_MAX = 20 /* a refusal ends a session: that many mails may be refused in one run */
};

struct item {
	uint64_t number;
	uint64_t size_bytes; /* 0: not told */
	bool shared;         /* another mail has this UIDL, too */
};

struct items {
	struct item *v;
	size_t n, cap;
};

/* One session, with what is in the mailbox: the number of a UIDL in NAMES is its place in ITEMS. */
struct session {
	struct transfer transfer;
	bool connected; /* it is, or was: no second time */
	struct str url;
	struct arena *arena;
	struct names *uidls;
	struct items items;
	size_t rows; /* mails, as the server lists them; more than items if some have no UIDL of their own */
	char reply[64]; /* to the latest command, cut off */
};

struct pop3 {
	struct ledger *ledger;
	const struct fetch_job *job;
	struct haul *haul;
	struct view token;
	int stop_fd;
	struct names *listed;  /* UIDLs in any session */
	struct names *handled; /* those of them that were fetched in this run, or failed */
	uint64_t n_listed, unlisted;
	struct err failure; /* of the spool, while libcurl calls back */
	struct fetch_folder_done done;
};

/* --- a session -------------------------------------------------------------------------------- */

static curl_socket_t open_once(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	const struct session *s = arg;

	(void)purpose;
	if (s->connected)
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void session_clear(struct session *s)
{
	transfer_clear(&s->transfer);
	str_clear(&s->url);
	arena_free(&s->arena);
	names_free(&s->uidls);
}

static void set_login(const struct pop3 *p, CURL *curl)
{
	CLEAN_STR user = STR_INIT;
	CLEAN_STR secret = STR_INIT;
	bool is_token = p->token.len > 0;

	str_addv(&user, p->job->user);
	str_addv(&secret, is_token ? p->token : p->job->password);
	curl_easy_setopt(curl, CURLOPT_USERNAME, user.data);
	curl_easy_setopt(curl, is_token ? CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD, secret.data);
	if (is_token && p->job->mechanism != FETCH_ANY_MECHANISM)
		curl_easy_setopt(curl, CURLOPT_LOGIN_OPTIONS,
				 p->job->mechanism == FETCH_XOAUTH2 ? "AUTH=XOAUTH2"
								    : "AUTH=OAUTHBEARER");
}

static int session_init(const struct pop3 *p, struct session *s, struct err *err)
{
	const struct fetch_job *job = p->job;
	bool v6 = memchr(job->host.data, ':', job->host.len) != NULL;
	CLEAN_STR ca = STR_INIT;
	struct transfer_options options = {
		.protocols = job->tls == FETCH_TLS_IMPLICIT ? "pop3s" : "pop3",
		.verify = job->verify,
		.idle_ms = job->idle_ms,
		.stop_fd = p->stop_fd,
	};

	*s = (struct session){.arena = arena_new(), .uidls = names_new()};
	str_init(&s->url);
	str_addv(&ca, job->ca_file);
	options.ca_file = ca.len > 0 ? ca.data : NULL;
	if (transfer_init(&s->transfer, &options, err) < 0)
		return -1;
	str_addf(&s->url, "%s://%s%.*s%s:%u/", options.protocols, v6 ? "[" : "", (int)job->host.len,
		 job->host.data, v6 ? "]" : "", (unsigned)job->port);
	if (job->tls == FETCH_TLS_STARTTLS)
		curl_easy_setopt(s->transfer.curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	curl_easy_setopt(s->transfer.curl, CURLOPT_OPENSOCKETFUNCTION, open_once);
	curl_easy_setopt(s->transfer.curl, CURLOPT_OPENSOCKETDATA, s);
	set_login(p, s->transfer.curl);
	return 0;
}

typedef size_t (*write_fn)(char *data, size_t size, size_t n, void *arg);

static size_t write_nothing(char *data, size_t size, size_t n, void *arg)
{
	(void)data, (void)arg;
	return size * n;
}

/* A refusal stays: it may be followed by the answer to a QUIT of libcurl's own. */
static size_t keep_reply(char *data, size_t size, size_t n, void *arg)
{
	struct session *s = arg;
	size_t len = size * n < sizeof(s->reply) ? size * n : sizeof(s->reply) - 1;

	if (s->reply[0] == '-')
		return size * n;
	memcpy(s->reply, data, len);
	s->reply[len] = '\0';
	return size * n;
}

/* RFC 2449 and 3206: what is said of the moment, not of the mail. */
static bool is_passing(const struct session *s)
{
	return strncasecmp(s->reply, "-ERR [SYS/TEMP]", 15) == 0 ||
	       strncasecmp(s->reply, "-ERR [IN-USE]", 13) == 0;
}

/* VERB of the mail NUMBER, or (0) of the mailbox; WRITE NULL: an answer of one line. */
static CURLcode command(struct session *s, const char *verb, uint64_t number, write_fn write,
			void *arg)
{
	CURL *curl = s->transfer.curl;
	CLEAN_STR url = STR_INIT;
	CURLcode code;

	str_addv(&url, str_view(&s->url));
	if (number > 0)
		str_addf(&url, "%llu", (unsigned long long)number);
	curl_easy_setopt(curl, CURLOPT_URL, url.data);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, verb);
	curl_easy_setopt(curl, CURLOPT_NOBODY, write == NULL ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write == NULL ? write_nothing : write);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, arg);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_reply);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, s);
	s->reply[0] = '\0';
	code = transfer_run(&s->transfer);
	s->connected = true;
	return code;
}

/* --- what is there ---------------------------------------------------------------------------- */

static size_t write_list(char *data, size_t size, size_t n, void *arg)
{
	struct str *list = arg;

	if (list->len + size * n > LIST_MAX_BYTES)
		return 0;
	str_add(list, data, size * n);
	return size * n;
}

static int ask_list(struct session *s, const char *verb, struct str *list, struct err *err)
{
	CURLcode code = command(s, verb, 0, write_list, list);

	if (code == CURLE_OK)
		return 0;
	if (code == CURLE_WEIRD_SERVER_REPLY)
		return err_set(err, ERR_UNSUPPORTED, "the server refuses %s, which is needed",
			       verb);
	transfer_failed(&s->transfer, code, err);
	return err_add(err, "%s", verb);
}

/* "17 text": 1; 0 the list ends; -1 this line is something else. */
static int cut_row(struct view *list, uint64_t *number_r, struct view *text_r)
{
	struct view line, number;

	if (!view_cut(list, '\n', &line))
		return 0;
	line = view_trim(line);
	*number_r = 0;
	if (!view_cut(&line, ' ', &number) || line.data == NULL || number.len == 0 ||
	    number.len > 9)
		return -1;
	for (size_t i = 0; i < number.len; i++) {
		if (number.data[i] < '0' || number.data[i] > '9')
			return -1;
		*number_r = *number_r * 10 + (uint64_t)(number.data[i] - '0');
	}
	*text_r = view_trim(line);
	return *number_r > 0 ? 1 : -1;
}

/* The standard allows copies of one mail to share a UIDL: the first is fetched, and since nobody knows whether they
 * are copies none is deleted, and the others are missing in the sum. */
static void add_item(struct session *s, uint64_t number, struct view uidl)
{
	size_t i;

	if (uidl.len == 0 || uidl.len > UIDL_MAX_BYTES)
		return;
	if (names_find(s->uidls, uidl, &i)) {
		s->items.v[i].shared = true;
		return;
	}
	names_put(s->uidls, uidl);
	ARENA_PUSH(s->arena, s->items, ((struct item){.number = number}));
}

static int by_number(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* The list has ascending numbers; where it has not, its sizes are not looked up. */
static void set_size(struct session *s, uint64_t number, struct view text)
{
	struct item key = {.number = number};
	struct item *item = s->items.n == 0 ? NULL
					    : bsearch(&key, s->items.v, s->items.n,
						      sizeof(*s->items.v), by_number);

	if (item == NULL)
		return;
	item->size_bytes = 0;
	for (size_t i = 0; i < text.len && i < 18 && text.data[i] >= '0' && text.data[i] <= '9';
	     i++)
		item->size_bytes = item->size_bytes * 10 + (uint64_t)(text.data[i] - '0');
}

static size_t count_rows(struct view list)
{
	struct view line;
	size_t n = 0;

	while (view_cut(&list, '\n', &line))
		n += view_trim(line).len > 0;
	return n;
}

static int list(struct session *s, struct err *err)
{
	CLEAN_STR uidls = STR_INIT;
	CLEAN_STR sizes = STR_INIT;
	struct view rest, text;
	uint64_t number;
	int rc;

	if (ask_list(s, "UIDL", &uidls, err) < 0 || ask_list(s, "LIST", &sizes, err) < 0)
		return -1;
	s->rows = count_rows(str_view(&sizes));
	if (s->rows < count_rows(str_view(&uidls)))
		s->rows = count_rows(str_view(&uidls));
	for (rest = str_view(&uidls); (rc = cut_row(&rest, &number, &text)) != 0;) {
		if (rc > 0)
			add_item(s, number, text);
	}
	for (rest = str_view(&sizes); (rc = cut_row(&rest, &number, &text)) != 0;) {
		if (rc > 0)
			set_size(s, number, text);
	}
	return 0;
}

static int session_open(const struct pop3 *p, struct session *s, struct err *err)
{
	if (session_init(p, s, err) < 0)
		return -1;
	return list(s, err) < 0 ? err_add(err, "%s", s->url.data) : 0;
}

/* What was deleted is gone once this has gone well. */
static int session_quit(struct session *s, struct err *err)
{
	CURLcode code = command(s, "QUIT", 0, NULL, NULL);

	return code == CURLE_OK ? 0 : transfer_failed(&s->transfer, code, err);
}

/* --- fetching --------------------------------------------------------------------------------- */

static struct fetch_which which_of(struct view uidl)
{
	return (struct fetch_which){.folder = VIEW(POP3_FOLDER), .uidl = uidl};
}

static int fail(struct pop3 *p, struct view uidl, enum err_kind kind, const char *text,
		struct err *err)
{
	struct fetch_failed m = {.which = which_of(uidl), .kind = kind, .text = VIEW(text)};

	p->done.failed++;
	names_put(p->handled, uidl);
	return ledger_send_failed(p->ledger, &m, err);
}

static size_t write_mail(char *data, size_t size, size_t n, void *arg)
{
	struct pop3 *p = arg;

	return haul_write(p->haul, data, size * n, &p->failure) < 0 ? 0 : size * n;
}

/* 1 it came; 0 it did not, and the session is over; -1. */
static int retrieve(struct pop3 *p, struct session *s, const struct item *item, struct view uidl,
		    struct err *err)
{
	struct sighting sighting = {.which = which_of(uidl)};
	CURLcode code;

	if (haul_begin(p->haul, item->size_bytes, err) < 0)
		return -1;
	err_clear(&p->failure);
	code = command(s, "RETR", item->number, write_mail, p);
	if (code == CURLE_OK) {
		p->done.mails++;
		names_put(p->handled, uidl);
		return haul_take(p->haul, &sighting, err) < 0 ? -1 : 1;
	}
	haul_drop(p->haul);
	if (p->failure.kind == ERR_TOOBIG)
		return fail(p, uidl, ERR_TOOBIG, "it is larger than the limit of this archive",
			    err);
	if (p->failure.kind != ERR_NONE) {
		*err = p->failure;
		return -1;
	}
	if (code == CURLE_WEIRD_SERVER_REPLY)
		return fail(p, uidl, is_passing(s) ? ERR_OFFLINE : ERR_DAMAGED,
			    "the server lists this mail but does not give it out", err);
	return transfer_failed(&s->transfer, code, err);
}

/* 1 all is fetched; 0 the session is over. */
static int fetch_session(struct pop3 *p, struct session *s, struct err *err)
{
	for (size_t i = 0; i < s->items.n; i++) {
		struct view uidl = names_text(s->uidls, i);
		size_t place;
		int rc = 1;

		if (ledger_knows_uidl(p->ledger, uidl) || names_find(p->handled, uidl, &place))
			continue;
		if (s->items.v[i].size_bytes > p->job->mail_bytes)
			rc = fail(p, uidl, ERR_TOOBIG,
				  "it is larger than the limit of this archive", err) < 0
				     ? -1
				     : 1;
		else
			rc = retrieve(p, s, &s->items.v[i], uidl, err);
		if (rc <= 0)
			return rc;
	}
	return 1;
}

/* Some may come in, and others go, between two sessions. */
static void count_listed(struct pop3 *p, const struct session *s)
{
	uint64_t unlisted = s->rows - s->items.n;

	for (size_t i = 0; i < s->items.n; i++) {
		struct view uidl = names_text(s->uidls, i);
		size_t place;

		if (names_find(p->listed, uidl, &place))
			continue;
		names_put(p->listed, uidl);
		p->n_listed++;
		p->done.earlier += ledger_knows_uidl(p->ledger, uidl);
	}
	if (p->unlisted < unlisted)
		p->unlisted = unlisted;
	p->done.on_server = p->n_listed + p->unlisted;
}

static int tell_folder(struct pop3 *p, struct err *err)
{
	struct fetch_folder m = {.folder = p->done.folder,
				 .selected = true,
				 .on_server = p->done.on_server,
				 .earlier = p->done.earlier};

	return ledger_send_folder(p->ledger, &m, err);
}

/* 1 all is fetched; 0 another session is needed. */
static int fetch_once(struct pop3 *p, bool first, struct err *err)
{
	struct session s;
	int rc = session_open(p, &s, err);

	if (rc == 0)
		count_listed(p, &s);
	if (rc == 0 && first)
		rc = tell_folder(p, err);
	if (rc == 0)
		rc = p->job->mode == FETCH_LIST ? 1 : fetch_session(p, &s, err);
	if (rc > 0 && session_quit(&s, err) < 0)
		err_clear(err); /* nothing was to be deleted */
	session_clear(&s);
	return rc;
}

static int finish_folder(struct pop3 *p, struct err *err)
{
	if (haul_commit(p->haul, err) < 0)
		return -1;
	/* the last session got all that it listed */
	p->done.gone = p->n_listed - p->done.earlier - p->done.mails - p->done.failed;
	return ledger_send_folder_done(p->ledger, &p->done, err);
}

static int fetch(struct pop3 *p, struct err *err)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < SESSIONS_MAX; i++)
		rc = fetch_once(p, i == 0, err);
	if (rc == 0)
		return err_set(err, ERR_OFFLINE, "the server refuses one mail after the other");
	if (rc < 0 || p->job->mode == FETCH_LIST)
		return rc < 0 ? -1 : 0;
	return finish_folder(p, err);
}

/* --- deleting --------------------------------------------------------------------------------- */

static int delete_tasks(struct pop3 *p, struct session *s, const struct task *tasks, size_t n,
			struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		CURLcode code;
		size_t place;

		if (p->job->actions[tasks[i].what].act != FETCH_DELETE ||
		    !names_find(s->uidls, tasks[i].uidl, &place) || s->items.v[place].shared)
			continue;
		code = command(s, "DELE", s->items.v[place].number, NULL, NULL);
		if (code != CURLE_OK)
			return transfer_failed(&s->transfer, code, err);
	}
	return session_quit(s, err);
}

/* WHY: what kept all of them from being done, or NULL. */
static int tell_acted(struct pop3 *p, const struct session *s, const struct task *task,
		      const struct err *why, struct err *err)
{
	struct err shared = {0};
	size_t place;

	if (why == NULL && names_find(s->uidls, task->uidl, &place) && s->items.v[place].shared) {
		err_set(&shared, ERR_UNSUPPORTED,
			"the server gives several mails this UIDL, so it is not deleted");
		why = &shared;
	}
	return ledger_acted(p->ledger, VIEW(POP3_FOLDER), task, why, err);
}

/* All or nothing: without a good QUIT the server deletes none of them. */
static int act(struct pop3 *p, const struct task *tasks, size_t n, struct err *err)
{
	struct err why = {0};
	struct session s;
	int rc = session_open(p, &s, &why), told = 0;

	if (rc == 0)
		rc = delete_tasks(p, &s, tasks, n, &why);
	for (size_t i = 0; i < n && told == 0; i++)
		told = tell_acted(p, &s, &tasks[i], rc < 0 ? &why : NULL, err);
	session_clear(&s);
	return told;
}

static int act_on_tasks(struct pop3 *p, struct err *err)
{
	struct task *tasks;
	size_t n;
	int rc = 0;

	if (ledger_await_all(p->ledger, err) < 0)
		return -1;
	n = ledger_take(p->ledger, VIEW(POP3_FOLDER), &tasks);
	if (n > 0)
		rc = act(p, tasks, n, err);
	free(tasks);
	return rc;
}

int pop3_run(struct ledger *ledger, struct spool *spool, struct view token, int stop_fd,
	     struct err *err)
{
	CLEAN(haul) haul = haul_new(ledger, spool);
	CLEAN(names) listed = names_new();
	CLEAN(names) handled = names_new();
	struct pop3 p = {
		.ledger = ledger,
		.job = ledger_job(ledger),
		.haul = haul,
		.token = token,
		.stop_fd = stop_fd,
		.listed = listed,
		.handled = handled,
		.done = {.folder = VIEW(POP3_FOLDER)},
	};
	struct err late = {0};

	if (fetch(&p, err) < 0) {
		if (haul_commit(haul, &late) < 0)
			err_add(err, "%s, after", late.text);
		return -1;
	}
	return p.job->mode == FETCH_LIST ? 0 : act_on_tasks(&p, err);
}

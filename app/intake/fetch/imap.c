/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/imap.h"

#include "app/intake/fetch/sasl.h"

#include <ctype.h>
#include <stdio.h>

enum { CONNECT_MS_MAX = 30 * 1000, RESPONSES = 1000 /* of a command that should have few */ };

struct imap {
	struct conn *conn;
	struct imap_reader reader;
	uint32_t capabilities; /* bits by enum imap_capability */
	uint32_t sent, ended;  /* commands */
	struct str command;
	struct str address; /* host and port, as in messages */
};

static const char *const words[] = {
#define X(name, word) word,
	IMAP_CAPABILITIES(X)
#undef X
};

void imap_free(struct imap **imap)
{
	struct imap *i = *imap;

	if (i == NULL)
		return;
	conn_free(&i->conn);
	arena_free(&i->reader.arena);
	str_clear(&i->command);
	str_clear(&i->address);
	free(i);
	*imap = NULL;
}

bool imap_can(const struct imap *imap, enum imap_capability what)
{
	return imap->capabilities >> what & 1;
}

void imap_set_sink(struct imap *imap, const struct imap_sink *sink)
{
	imap->reader.sink = sink;
}

/* --- commands --------------------------------------------------------------------------------- */

void imap_text(struct imap *imap, const char *text)
{
	if (imap->command.len == 0)
		str_addf(&imap->command, "A%u ", imap->sent + 1);
	str_adds(&imap->command, text);
}

static bool can_quote(struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c < 0x20 || c >= 0x7F)
			return false;
	}
	return true;
}

/* A literal's announcement is told from quoted text by the line end, which cannot be in there. */
void imap_string(struct imap *imap, struct view text)
{
	if (!can_quote(text)) {
		str_addf(&imap->command, "{%zu}\r\n", text.len);
		str_addv(&imap->command, text);
		return;
	}
	str_addc(&imap->command, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			str_addc(&imap->command, '\\');
		str_addc(&imap->command, text.data[i]);
	}
	str_addc(&imap->command, '"');
}

static int read_one(struct imap *imap, struct imap_response *response_r, struct err *err)
{
	int rc = imap_read(&imap->reader, response_r, err);

	if (rc == 0)
		return err_set(err, ERR_OFFLINE, "the server closed the connection");
	if (rc > 0 && response_r->what == IMAP_STATUS && response_r->tag.len == 0 &&
	    imap_is(response_r, "BYE"))
		return err_set(err, ERR_OFFLINE, "the server ended the connection (BYE)");
	return rc < 0 ? -1 : 0;
}

/* The server's leave to go on; the text behind "+" in RESPONSE_R. */
static int await_go_ahead(struct imap *imap, struct imap_response *response_r, struct err *err)
{
	if (conn_flush(imap->conn, err) < 0)
		return -1;
	for (unsigned i = 0; i < RESPONSES; i++) {
		if (read_one(imap, response_r, err) < 0)
			return -1;
		if (response_r->what == IMAP_CONTINUE)
			return 0;
		if (response_r->tag.len > 0)
			return err_set(err, ERR_DENIED, "the server refused the command");
	}
	return imap_wrong(err, "no end of responses");
}

/* Where a literal's announcement ends within TEXT; 0: none is in there. */
static size_t literal_at(struct view text, uint64_t *size_r)
{
	const char *end = memmem(text.data, text.len, "}\r\n", 3);
	size_t open;

	if (end == NULL)
		return 0;
	for (open = (size_t)(end - text.data); open > 0 && text.data[open] != '{';)
		open--;
	if (imap_number((struct view){text.data + open + 1, (size_t)(end - text.data) - open - 1},
			text.len, size_r) < 0)
		return 0;
	return (size_t)(end - text.data) + 3;
}

static int write_command(struct imap *imap, struct view text, struct err *err)
{
	struct imap_response response;
	uint64_t size;
	size_t at;

	while ((at = literal_at(text, &size)) > 0) {
		if (conn_write(imap->conn, text.data, at, err) < 0 ||
		    await_go_ahead(imap, &response, err) < 0 ||
		    conn_write(imap->conn, text.data + at, size, err) < 0)
			return -1;
		text = (struct view){text.data + at + size, text.len - at - size};
	}
	return conn_write(imap->conn, text.data, text.len, err);
}

int imap_send(struct imap *imap, uint32_t *number_r, struct err *err)
{
	int rc;

	str_adds(&imap->command, "\r\n");
	*number_r = ++imap->sent;
	rc = write_command(imap, str_view(&imap->command), err);
	if (rc < 0 && err->kind == ERR_DENIED) /* at a literal, which ends this command */
		imap->ended = imap->sent;
	str_reset(&imap->command);
	return rc < 0 ? -1 : conn_flush(imap->conn, err);
}

static int check_tag(const struct imap_response *response, uint32_t number, struct err *err)
{
	char tag[16];

	snprintf(tag, sizeof(tag), "A%u", number);
	if (view_eq(response->tag, VIEW(tag)))
		return 0;
	return imap_wrong(err, "it answers a command that was not sent");
}

/* The server's free text stays out of our messages, since it may name people; its code does not. */
static void set_result(const struct imap_response *response, struct imap_result *result)
{
	size_t n = 0;

	result->ok = imap_is(response, "OK");
	for (size_t i = 0; i < response->code.len && n < sizeof(result->code) - 1; i++) {
		unsigned char c = (unsigned char)response->code.data[i];

		if (isalnum(c) || c == '-')
			result->code[n++] = (char)toupper(c);
	}
	result->code[n] = '\0';
}

int imap_wait(struct imap *imap, uint32_t number, const struct imap_hearer *hearer,
	      uint64_t responses, struct imap_result *result_r, struct err *err)
{
	must(number == imap->ended + 1 && number <= imap->sent);
	for (uint64_t i = 0; i <= responses; i++) {
		struct imap_response response;

		if (read_one(imap, &response, err) < 0)
			return -1;
		if (response.tag.len > 0) {
			if (check_tag(&response, number, err) < 0)
				return -1;
			imap->ended = number;
			set_result(&response, result_r);
			return 0;
		}
		if (hearer != NULL && hearer->hear(hearer->arg, &response, err) < 0)
			return -1;
	}
	return imap_wrong(err, "no end of responses");
}

int imap_do(struct imap *imap, const char *what, const struct imap_hearer *hearer,
	    uint64_t responses, struct err *err)
{
	struct imap_result result;
	uint32_t number;

	if (imap_send(imap, &number, err) < 0 ||
	    imap_wait(imap, number, hearer, responses, &result, err) < 0)
		return err_add(err, "%s", what);
	if (result.ok)
		return 0;
	return err_set(err, ERR_DENIED, "%s: the server refused it%s%s", what,
		       result.code[0] != '\0' ? ", with the code " : "", result.code);
}

/* --- connecting ------------------------------------------------------------------------------- */

static int hear_capability(void *arg, const struct imap_response *response, struct err *err)
{
	struct imap *imap = arg;

	(void)err;
	if (response->what != IMAP_DATA || !imap_is(response, "CAPABILITY"))
		return 0;
	imap->capabilities = 0;
	for (size_t i = 0; i < response->n; i++) {
		for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++) {
			if (view_eq_nocase(response->values[i].text, VIEW(words[k])))
				imap->capabilities |= 1U << k;
		}
	}
	return 0;
}

static int ask_capabilities(struct imap *imap, struct err *err)
{
	const struct imap_hearer hearer = {imap, hear_capability};

	imap_text(imap, "CAPABILITY");
	if (imap_do(imap, "CAPABILITY", &hearer, RESPONSES, err) < 0)
		return -1;
	if (imap_can(imap, IMAP_CAN_IMAP4) || imap_can(imap, IMAP_CAN_IMAP4_2))
		return 0;
	return err_set(err, ERR_UNSUPPORTED, "the server does not speak IMAP4rev1");
}

/* Who greets with PREAUTH skips the log-in, and with it the moment for STARTTLS. */
static int read_greeting(struct imap *imap, struct err *err)
{
	struct imap_response response;

	if (read_one(imap, &response, err) < 0)
		return -1;
	if (response.what == IMAP_STATUS && response.tag.len == 0 && imap_is(&response, "OK"))
		return 0;
	return imap_wrong(err, "it does not greet as an IMAP server does");
}

static int start_tls(struct imap *imap, const struct fetch_job *job, struct err *err)
{
	CLEAN(tls_client) tls = NULL;
	CLEAN_STR ca = STR_INIT;
	CLEAN_STR host = STR_INIT;

	str_addv(&ca, job->ca_file);
	str_addv(&host, job->host);
	if (tls_client_new(ca.len > 0 ? ca.data : NULL, job->verify, &tls, err) < 0)
		return -1;
	return conn_start_tls(imap->conn, tls, host.data, err);
}

static int upgrade(struct imap *imap, const struct fetch_job *job, struct err *err)
{
	if (ask_capabilities(imap, err) < 0)
		return -1;
	if (!imap_can(imap, IMAP_CAN_STARTTLS))
		return err_set(err, ERR_UNSUPPORTED,
			       "the server does not offer STARTTLS; nothing was sent in clear");
	imap_text(imap, "STARTTLS");
	if (imap_do(imap, "STARTTLS", NULL, RESPONSES, err) < 0)
		return -1;
	return start_tls(imap, job, err);
}

static int greet(struct imap *imap, const struct fetch_job *job, struct err *err)
{
	if (job->tls == FETCH_TLS_IMPLICIT && start_tls(imap, job, err) < 0)
		return -1;
	if (read_greeting(imap, err) < 0)
		return -1;
	if (job->tls == FETCH_TLS_STARTTLS && upgrade(imap, job, err) < 0)
		return -1;
	return ask_capabilities(imap, err);
}

int imap_connect(const struct fetch_job *job, int stop_fd, struct imap **imap_r, struct err *err)
{
	CLEAN(imap) imap = mem_new(sizeof(*imap));
	bool v6 = job->host.len > 0 && memchr(job->host.data, ':', job->host.len) != NULL;
	int idle_ms = (int)(job->idle_ms < INT32_MAX ? job->idle_ms : INT32_MAX);

	str_init(&imap->command);
	str_init(&imap->address);
	imap->reader.arena = arena_new();
	str_addf(&imap->address, "%s%.*s%s:%u", v6 ? "[" : "", (int)job->host.len, job->host.data,
		 v6 ? "]" : "", (unsigned)job->port);
	if (conn_connect(imap->address.data, idle_ms < CONNECT_MS_MAX ? idle_ms : CONNECT_MS_MAX,
			 &imap->conn, err) < 0)
		return -1;
	imap->reader.conn = imap->conn;
	conn_set_idle(imap->conn, idle_ms);
	conn_set_stop(imap->conn, stop_fd);
	if (greet(imap, job, err) < 0)
		return err_add(err, "%s", imap->address.data);
	*imap_r = TAKE(imap);
	return 0;
}

/* --- logging in ------------------------------------------------------------------------------- */

/* One way to authenticate: its FIRST words, and what to say to a challenge, which can only be a refusal. */
struct sasl {
	struct imap *imap;
	const char *mechanism;
	const struct str *first;
	const char *last;
};

/* What is written here never reaches a message. */
static int say(struct imap *imap, const char *text, struct err *err)
{
	if (conn_write(imap->conn, text, strlen(text), err) < 0 ||
	    conn_write(imap->conn, "\r\n", 2, err) < 0)
		return -1;
	return conn_flush(imap->conn, err);
}

/* UNAVAILABLE: what it would look the user up in does not answer (RFC 5530, section 3). */
static int refused(const struct imap_result *result, struct err *err)
{
	if (strcmp(result->code, "UNAVAILABLE") == 0)
		return err_set(err, ERR_OFFLINE, "the server cannot check the log-in now");
	return err_set(
		err, ERR_DENIED,
		"the server does not let this user in: name, password or token is wrong, or the "
		"account may not use this way%s%s",
		result->code[0] != '\0' ? "; its code is " : "", result->code);
}

static int hear_challenge(void *arg, const struct imap_response *response, struct err *err)
{
	const struct sasl *sasl = arg;

	return response->what == IMAP_CONTINUE ? say(sasl->imap, sasl->last, err) : 0;
}

static int authenticate(struct sasl *sasl, struct err *err)
{
	const struct imap_hearer hearer = {sasl, hear_challenge};
	struct imap *imap = sasl->imap;
	bool at_once = imap_can(imap, IMAP_CAN_SASL_IR);
	struct imap_result result;
	struct imap_response go;
	uint32_t number;

	imap_text(imap, "AUTHENTICATE ");
	imap_text(imap, sasl->mechanism);
	if (at_once) {
		imap_text(imap, " ");
		imap_text(imap, sasl->first->data);
	}
	if (imap_send(imap, &number, err) < 0)
		return -1;
	if (!at_once &&
	    (await_go_ahead(imap, &go, err) < 0 || say(imap, sasl->first->data, err) < 0))
		return -1;
	if (imap_wait(imap, number, &hearer, RESPONSES, &result, err) < 0)
		return -1;
	return result.ok ? 0 : refused(&result, err);
}

static int log_in_with_token(struct imap *imap, const struct fetch_job *job, struct view token,
			     struct err *err)
{
	CLEAN_STR first = STR_INIT;
	bool bearer = imap_can(imap, IMAP_CAN_OAUTHBEARER) && job->mechanism != FETCH_XOAUTH2;
	bool xoauth2 = imap_can(imap, IMAP_CAN_XOAUTH2) && job->mechanism != FETCH_OAUTHBEARER;

	if (bearer) {
		sasl_oauthbearer(job->user, token, job->host, job->port, &first);
		return authenticate(
			&(struct sasl){imap, "OAUTHBEARER", &first, SASL_OAUTHBEARER_END}, err);
	}
	if (xoauth2) {
		sasl_xoauth2(job->user, token, &first);
		return authenticate(&(struct sasl){imap, "XOAUTH2", &first, ""}, err);
	}
	return err_set(err, ERR_UNSUPPORTED,
		       "the server does not offer to log in with OAuth by this mechanism");
}

static int log_in_with_password(struct imap *imap, const struct fetch_job *job, struct err *err)
{
	CLEAN_STR first = STR_INIT;
	struct imap_result result;
	uint32_t number;

	if (imap_can(imap, IMAP_CAN_PLAIN)) {
		sasl_plain(job->user, job->password, &first);
		return authenticate(&(struct sasl){imap, "PLAIN", &first, "*"}, err);
	}
	if (imap_can(imap, IMAP_CAN_LOGIN_DISABLED))
		return err_set(err, ERR_UNSUPPORTED, "the server takes no password%s",
			       job->tls == FETCH_TLS_NONE ? " without TLS" : "");
	imap_text(imap, "LOGIN ");
	imap_string(imap, job->user);
	imap_text(imap, " ");
	imap_string(imap, job->password);
	if (imap_send(imap, &number, err) < 0 ||
	    imap_wait(imap, number, NULL, RESPONSES, &result, err) < 0)
		return -1;
	return result.ok ? 0 : refused(&result, err);
}

int imap_login(struct imap *imap, const struct fetch_job *job, struct view token, struct err *err)
{
	int rc = token.len > 0 ? log_in_with_token(imap, job, token, err)
			       : log_in_with_password(imap, job, err);

	if (rc < 0)
		return err_add(err, "%s", imap->address.data);
	return ask_capabilities(imap, err);
}

/* An answer is not waited for: all that mattered was answered before. */
void imap_logout(struct imap *imap)
{
	struct err ignored = {0};
	uint32_t number;

	imap_text(imap, "LOGOUT");
	imap_send(imap, &number, &ignored);
}

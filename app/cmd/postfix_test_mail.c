/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/postfix_test_mail.h"

#include "app/archive/read.h"
#include "app/cmd/cmd.h"
#include "app/cmd/sightings.h"
#include "app/intake/spool.h"
#include "app/postfix/command.h"
#include "app/postfix/doors.h"
#include "app/postfix/plan.h"
#include "app/postfix/reading.h"
#include "base/clock.h"
#include "base/conn.h"

#include <json-c/json.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>

#define TO "hook@" TEST_DOMAIN
enum { PAUSE_MS = 100, SMTP_MS = 30 * 1000, LINE_MAX_BYTES = 4096 };

struct test_mail {
	struct str id;    /* its Message-ID, without brackets */
	struct str bytes; /* as they must be in the archive */
};

struct proof {
	const struct test_mail_order *order;
	struct postfix_reading reading;
	struct arena *arena;
	struct test_mail mails[2];
	size_t n; /* that were sent */
	int64_t until_ms;
};

static void add_line(struct str *out, const char *text)
{
	str_addf(out, "%s\r\n", text);
}

/* Complete, so that Postfix has nothing to add. */
static void make_mail(const struct proof *p, struct test_mail *mail)
{
	struct uuid id = uuid_new();

	str_init(&mail->id);
	str_init(&mail->bytes);
	uuid_add(&mail->id, &id);
	str_addf(&mail->id, "@%s", p->order->domain);
	str_addf(&mail->bytes, "From: Sealpost <test@%s>\r\n", p->order->domain);
	add_line(&mail->bytes, "To: " TO);
	add_line(&mail->bytes, "Subject: Sealpost: test of the hook in Postfix");
	str_adds(&mail->bytes, "Date: ");
	clock_add_mail_date(&mail->bytes, clock_s());
	str_addf(&mail->bytes, "\r\nMessage-ID: <%s>\r\n", mail->id.data);
	add_line(&mail->bytes, "MIME-Version: 1.0");
	add_line(&mail->bytes, "Content-Type: text/plain; charset=us-ascii");
	add_line(&mail->bytes, "Auto-Submitted: auto-generated");
	add_line(&mail->bytes, "");
	add_line(&mail->bytes,
		 "That this mail is in the archive proves that what Postfix delivers is");
	add_line(&mail->bytes, "archived. Nobody gets it.");
}

/* --- sending ------------------------------------------------------------------------------------ */

static int send_by_sendmail(struct proof *p, const struct test_mail *mail, struct err *err)
{
	const char *from = arena_f(p->arena, "test@%s", p->order->domain);
	const char *argv[] = {
		"sendmail", "-C", p->order->config_dir, "-i", "-N", "never", "-f", from, "--",
		TO,         NULL};
	CLEAN_STR text = STR_INIT;
	CLEAN_STR said = STR_INIT;
	int status;

	for (size_t i = 0; i < mail->bytes.len; i++)
		if (mail->bytes.data[i] != '\r')
			str_addc(&text, mail->bytes.data[i]);
	status = command_run(argv, str_view(&text), NULL, &said, err);
	return status > 0 ? err_set(err, ERR_IO, "sendmail does not take the test mail (%.200s)",
				    said.data)
			  : status;
}

/* The first service that takes mail by SMTP in clear from anybody; NULL none. */
static const struct postfix_service *find_smtpd(const struct proof *p)
{
	for (size_t i = 0; i < p->reading.services.n; i++) {
		const struct postfix_service *s = &p->reading.services.v[i];

		if (strcmp(s->type, "inet") != 0 ||
		    (strcmp(s->program, "smtpd") != 0 && strcmp(s->program, "postscreen") != 0))
			continue;
		if (strcmp(postfix_holds(&p->reading, s->id, "smtpd_tls_wrappermode"), "yes") !=
			    0 &&
		    strcmp(postfix_holds(&p->reading, s->id, "smtpd_tls_security_level"),
			   "encrypt") != 0 &&
		    strstr(postfix_holds(&p->reading, s->id, "smtpd_milters"), "bind.sock") == NULL)
			return s;
	}
	return NULL;
}

/* "smtp", "127.0.0.1:2525", "[::1]:smtp": where this machine reaches it. */
static const char *address_of(struct proof *p, const struct postfix_service *service)
{
	const char *colon = strrchr(service->address, ':');
	const char *port = colon != NULL ? colon + 1 : service->address;
	const char *host = colon != NULL ? arena_strn(p->arena, service->address,
						      (size_t)(colon - service->address))
					 : "127.0.0.1";
	const struct servent *known = getservbyname(port, "tcp");

	if (known == NULL)
		return arena_f(p->arena, "%s:%s", host, port);
	return arena_f(p->arena, "%s:%u", host, (unsigned)ntohs((uint16_t)known->s_port));
}

/* The last line of a reply; its first digit. */
static int hear(struct conn *conn, struct str *reply, struct err *err)
{
	struct view line;
	int rc;

	do {
		rc = conn_line(conn, LINE_MAX_BYTES, &line, err);
		if (rc <= 0)
			return rc < 0 ? -1 : err_set(err, ERR_OFFLINE, "Postfix hung up");
	} while (line.len > 3 && line.data[3] == '-');
	str_reset(reply);
	str_addsafe(reply, view_trim(line), false);
	return line.data[0];
}

/* 1 the reply is of the kind WANTED ('2'), 0 not. */
static int say(struct conn *conn, const char *text, int wanted, struct str *reply, struct err *err)
{
	int kind;

	if (conn_writef(conn, err, "%s\r\n", text) < 0 || conn_flush(conn, err) < 0 ||
	    (kind = hear(conn, reply, err)) < 0)
		return -1;
	return kind == wanted;
}

static int talk(struct proof *p, struct conn *conn, const struct test_mail *mail, struct str *reply,
		struct err *err)
{
	const char *lines[] = {"EHLO localhost",
			       arena_f(p->arena, "MAIL FROM:<test@%s>", p->order->domain),
			       "RCPT TO:<" TO ">", "DATA"};
	int rc = hear(conn, reply, err);

	if (rc != '2')
		return rc < 0 ? -1 : 0;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		rc = say(conn, lines[i], i < 3 ? '2' : '3', reply, err);
		if (rc <= 0)
			return rc;
	}
	/* no line of it begins with a dot */
	if (conn_write(conn, mail->bytes.data, mail->bytes.len, err) < 0)
		return -1;
	return say(conn, ".", '2', reply, err);
}

/* 1, 0 it is not let in; a reply of "later" is an error. */
static int send_by_smtp(struct proof *p, const struct test_mail *mail,
			struct test_mail_result *result, struct err *err)
{
	const struct postfix_service *service = find_smtpd(p);
	CLEAN(conn) conn = NULL;
	CLEAN_STR reply = STR_INIT;
	int rc;

	if (service == NULL)
		return 0;
	if (conn_connect(address_of(p, service), SMTP_MS, &conn, err) < 0) {
		snprintf(result->refused, sizeof(result->refused), "%.250s", err->text);
		return 0;
	}
	conn_set_deadline(conn, clock_monotonic_ms() + SMTP_MS);
	rc = talk(p, conn, mail, &reply, err);
	if (rc != 0)
		return rc;
	snprintf(result->refused, sizeof(result->refused), "%.250s", reply.data);
	if (reply.data[0] != '4')
		return 0;
	return err_set(err, ERR_OFFLINE, "Postfix puts the test mail off: %.300s", reply.data);
}

/* --- in the archive, as its owner --------------------------------------------------------------- */

static int check_recipients(const struct sightings *seen, struct err *err)
{
	bool is_filtered_copy = false, is_known = false;

	for (size_t i = 0; i < seen->n; i++) {
		const struct facts *facts = &seen->v[i].facts;

		if (facts->flags.len > 0 &&
		    memmem(facts->flags.data, facts->flags.len, "filtered-copy", 13) != NULL)
			is_filtered_copy = true;
		for (size_t r = 0; r < facts->recipients.n; r++)
			is_known |= view_eq(facts->recipients.v[r], VIEW(TO));
	}
	if (is_filtered_copy)
		return err_set(
			err, ERR_NOTFOUND,
			"the test mail was archived as it was delivered, and not as it came: "
			"its capture was not found");
	return is_known ? 0
			: err_set(err, ERR_NOTFOUND,
				  "the test mail was archived, but not for whom it was");
}

static int check_mail(struct archive *a, const struct test_mail *mail, const struct mail_row *row,
		      struct arena *arena, struct err *err)
{
	CLEAN(reader) reader = reader_new(a);
	CLEAN_STR raw = STR_INIT;
	struct sightings seen;

	if (reader_mail(reader, row, &raw, err) < 0 ||
	    sightings_read(a, reader, arena, row, &seen, err) < 0)
		return -1;
	if (!view_eq(str_view(&raw), str_view(&mail->bytes)))
		return err_set(
			err, ERR_DAMAGED,
			"the test mail was archived, but changed on its way: something stands "
			"before the capture, or rewrites the headers of this machine's mail");
	return check_recipients(&seen, err);
}

/* 1 it is there and right, 0 not there yet. */
static int look_for(struct archive *a, const struct test_mail *mail, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	uint64_t found[2];
	struct mail_row row;
	int n = mails_by_msgid(archive_catalog(a), mails_msgid_hash(str_view(&mail->id)), found, 2,
			       err);

	if (n <= 0)
		return n;
	if (n > 1)
		return err_set(err, ERR_EXISTS, "the test mail was archived more than once");
	if (mails_get(archive_catalog(a), arena, found[0], &row, err) <= 0)
		return -1;
	return check_mail(a, mail, &row, arena, err) < 0 ? -1 : 1;
}

static int await_all(const void *arg, struct err *err)
{
	const struct proof *p = arg;
	CLEAN(archive) a = NULL;

	if (archive_open(p->order->archive_dir, &a, err) < 0)
		return -1;
	for (size_t i = 0; i < p->n;) {
		int rc = look_for(a, &p->mails[i], err);

		if (rc < 0)
			return -1;
		if (rc > 0)
			i++;
		else if (clock_monotonic_ms() > p->until_ms)
			return err_set(err, ERR_TIMEOUT, "it is not there");
		else
			poll(NULL, 0, PAUSE_MS);
	}
	return 0;
}

/* --- where it is instead ------------------------------------------------------------------------ */

static const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *text;

	return json_object_object_get_ex(object, name, &text) ? json_object_get_string(text) : "";
}

/* Why the queue still has it, in Postfix's words; "" it is not there. */
static void find_in_queue(struct proof *p, const char *line, struct str *why)
{
	struct json_object *mail = json_tokener_parse(line), *list;

	if (json_object_object_get_ex(mail, "recipients", &list) &&
	    json_object_is_type(list, json_type_array))
		for (size_t i = 0; i < json_object_array_length(list) && why->len == 0; i++) {
			struct json_object *to = json_object_array_get_idx(list, i);
			const char *reason = text_of(to, "delay_reason");
			const char *address = text_of(to, "address");

			if (strstr(address, TEST_DOMAIN) == NULL &&
			    strstr(address, "@" COPY_DOMAIN) == NULL)
				continue;
			str_addf(why, "queue %s, ", text_of(mail, "queue_name"));
			str_addsafe(why, VIEW(reason[0] != '\0' ? reason : "no reason yet"), false);
		}
	json_object_put(mail);
	(void)p;
}

static void look_at_queue(struct proof *p, struct str *why)
{
	const char *argv[] = {"postqueue", "-c", p->order->config_dir, "-j", NULL};
	CLEAN_STR out = STR_INIT;
	struct err err = {0};
	struct view rest, line;

	if (command_must(argv, &out, &err) < 0)
		return;
	rest = str_view(&out);
	while (rest.len > 0 && why->len == 0 && view_cut(&rest, '\n', &line))
		if (line.len > 0)
			find_in_queue(p, arena_strn(p->arena, line.data, line.len), why);
}

static int is_in_spool(const void *arg, struct err *err)
{
	const struct proof *p = arg;
	CLEAN(spool) spool = NULL;
	CLEAN(arena) arena = arena_new();
	struct uuid *ids;
	size_t ready, stuck;

	if (spool_open(p->order->archive_dir, &spool, err) < 0 ||
	    spool_list(spool, SPOOL_READY, 0, arena, &ids, &ready, err) < 0 ||
	    spool_list(spool, SPOOL_STUCK, 0, arena, &ids, &stuck, err) < 0)
		return -1;
	if (ready > 0)
		return err_set(
			err, ERR_TIMEOUT,
			"mail came, and waits in the spool: see that sealpost-archiver runs");
	if (stuck > 0)
		return err_set(err, ERR_TIMEOUT,
			       "mail came, and is stuck in the spool: see sealpost spool list");
	return 0;
}

static int tell_where(struct proof *p, const struct doors *doors, struct err *err)
{
	CLEAN_STR why = STR_INIT;
	struct err told = {0};

	if (doors_wait(doors, 0, &told) < 0)
		return err_set(err, ERR_TIMEOUT, "the test mail is not in the archive: %s",
			       told.text);
	look_at_queue(p, &why);
	if (why.len > 0)
		return err_set(err, ERR_TIMEOUT,
			       "the test mail is not in the archive; Postfix has it yet: %.300s",
			       why.data);
	if (as_owner_of(p->order->archive_dir, is_in_spool, p, &told) < 0)
		return err_set(err, ERR_TIMEOUT, "the test mail is not in the archive; %s",
			       told.text);
	return err_set(
		err, ERR_TIMEOUT,
		"the test mail is neither in the archive nor in Postfix's queue; Postfix's log "
		"tells what became of it");
}

/* --- the whole ---------------------------------------------------------------------------------- */

static int send_all(struct proof *p, struct test_mail_result *result, struct err *err)
{
	int rc;

	if (send_by_sendmail(p, &p->mails[0], err) < 0)
		return -1;
	p->n = 1;
	rc = send_by_smtp(p, &p->mails[1], result, err);
	result->by_smtp = rc > 0;
	p->n += rc > 0;
	if (rc < 0)
		return -1;
	err_clear(err);
	return 0;
}

static bool uses(const struct proof *p, const char *socket)
{
	return strstr(postfix_means(&p->reading, "smtpd_milters"), socket) != NULL ||
	       strstr(postfix_means(&p->reading, "non_smtpd_milters"), socket) != NULL;
}

static int prove(struct proof *p, struct test_mail_result *result, struct err *err)
{
	const struct doors doors = {.queue_dir = postfix_means(&p->reading, "queue_directory"),
				    .captures = uses(p, "capture.sock"),
				    .captures_filtered = uses(p, "filtered.sock")};
	const int64_t begun_ms = clock_monotonic_ms();

	p->until_ms = begun_ms + p->order->wait_ms;
	if (send_all(p, result, err) < 0)
		return -1;
	if (as_owner_of(p->order->archive_dir, await_all, p, err) < 0)
		return err->kind == ERR_TIMEOUT ? tell_where(p, &doors, err) : -1;
	result->took_ms = clock_monotonic_ms() - begun_ms;
	return 0;
}

int test_mail_prove(const struct test_mail_order *order, struct test_mail_result *result_r,
		    struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct proof p = {.order = order, .arena = arena};
	int rc;

	*result_r = (struct test_mail_result){0};
	if (postfix_read(order->config_dir, arena, &p.reading, err) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++)
		make_mail(&p, &p.mails[i]);
	rc = prove(&p, result_r, err);
	for (size_t i = 0; i < 2; i++) {
		str_clear(&p.mails[i].id);
		str_clear(&p.mails[i].bytes);
	}
	return rc;
}

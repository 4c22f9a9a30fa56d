/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/data.h"
#include "app/intake/smtpd/session_priv.h"
#include "base/clock.h"

enum { READ_MAX = 256 * 1024 };

/* The mail came whole. LMTP answers for each recipient (RFC 2033, section 4.2). */
static int finish(struct session *s)
{
	struct err err = {0};
	bool stored = transaction_commit(&s->t, &err) == 0;
	size_t replies = s->protocol == PROTOCOL_LMTP ? s->t.recipients : 1;
	int rc = 0;

	session_end_mail(s);
	if (!stored)
		return session_refuse(s, &err, replies);
	for (size_t i = 0; i < replies && rc == 0; i++)
		rc = session_reply(s, 250, "2.0.0", "the mail is stored");
	return rc;
}

/* A slow sender may take longer than a session, and a fast one must not drip for ever. */
static void set_data_deadline(struct session *s)
{
	int64_t ms = (int64_t)s->smtpd->settings->data_timeout_s * 1000;

	conn_set_deadline(s->conn, clock_monotonic_ms() + ms);
}

/* Replies to what was said before are not held back while we wait. */
static int more(struct session *s)
{
	int rc = conn_flush(s->conn, &s->err);

	if (rc < 0)
		return -1;
	rc = conn_more(s->conn, READ_MAX, &s->err);
	if (rc == 0)
		return err_set(&s->err, ERR_OFFLINE, "the client hung up in the midst of a mail");
	return rc < 0 ? -1 : 0;
}

/* --- DATA ------------------------------------------------------------------------------------- */

/* 1: the mail is over. */
static int take_data(struct session *s, struct data *d)
{
	struct view in = conn_buffered(s->conn), piece;
	size_t there = in.len;
	enum data_step step;

	while ((step = data_next(d, &in, &piece)) == DATA_PIECE)
		transaction_take(&s->t, piece);
	conn_consume(s->conn, there - in.len);
	return step == DATA_END;
}

int receive_data(struct session *s)
{
	bool lax = s->protocol == PROTOCOL_LMTP || s->smtpd->settings->bare_newline;
	struct data d = {0};

	if (session_reply(s, 354, "", "send the mail, and end it with a line with a dot only") <
		    0 ||
	    conn_flush(s->conn, &s->err) < 0)
		return -1;
	set_data_deadline(s);
	while (take_data(s, &d) == 0)
		if (more(s) < 0)
			return -1;
	conn_set_deadline(s->conn, s->deadline_ms);
	if (!d.bare || lax)
		return finish(s);
	session_end_mail(s);
	return session_reply(s, 550, "5.5.2",
			     "the mail has a CR or LF that stands alone; it was not taken");
}

/* --- BDAT ------------------------------------------------------------------------------------- */

/* "SIZE" or "SIZE LAST". */
static int read_chunk_args(struct view args, uint64_t *size_r, bool *last_r)
{
	struct view number;

	view_cut(&args, ' ', &number);
	*last_r = args.data != NULL;
	if (*last_r && !view_eq_nocase(view_trim(args), VIEW("LAST")))
		return -1;
	return path_number(number, size_r);
}

/* The chunk's bytes, to the mail if there is one. */
static int take_chunk(struct session *s, uint64_t size, bool wanted)
{
	while (size > 0) {
		struct view in = conn_buffered(s->conn);

		if (in.len > size)
			in.len = size;
		if (in.len > 0 && wanted)
			transaction_take(&s->t, in);
		conn_consume(s->conn, in.len);
		size -= in.len;
		if (size > 0 && more(s) < 0)
			return -1;
	}
	return 0;
}

/* Behind a failed chunk the others are passed over, up to the last (RFC 3030, section 4.2). */
static int reply_chunk(struct session *s, uint64_t size, bool last)
{
	if (last)
		return finish(s);
	if (s->t.failed.kind != ERR_NONE)
		return session_refuse(s, &s->t.failed, 1);
	return session_reply(s, 250, "2.0.0", "%llu bytes received", (unsigned long long)size);
}

/* The bytes come in any case, and must not be taken for commands. A chunk has a length, so that nobody can
 * mistake where it ends; line ends in it are as they are. */
int receive_bdat(struct session *s, struct view args)
{
	bool wanted = s->t.open && s->t.recipients > 0, last;
	uint64_t size;

	if (read_chunk_args(args, &size, &last) < 0) {
		s->over = true; /* where the next command begins is not known */
		return session_reply(s, 501, "5.5.4", "BDAT takes a size, and maybe LAST");
	}
	set_data_deadline(s);
	if (take_chunk(s, size, wanted) < 0)
		return -1;
	conn_set_deadline(s->conn, s->deadline_ms);
	if (wanted)
		return reply_chunk(s, size, last);
	return session_reply(s, 503, "5.5.1", "MAIL and a valid recipient come first");
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* capture.h - mail as the mail server got it, piece by piece into the spool.
 *
 * One struct capture a connection of the mail server, which brings one mail after the other. The pieces are
 * put together to what the client sent: header fields as they were, with their white space, and CRLF
 * line ends. What goes wrong with a piece is kept, and told by capture_hold(): so most pieces need no
 * answer. It belongs to one thread.
 */
#ifndef APP_INTAKE_MILTER_CAPTURE_H
#define APP_INTAKE_MILTER_CAPTURE_H

#include "app/intake/spool.h"

struct capture_options {
	struct spool *spool; /* shared */
	enum spool_stage stage;
	const char *copy_domain; /* recipients in it are ours, and left out */
	uint64_t max_mail_bytes;
};

/* What the mail server knows at the end of a mail. */
struct capture_facts {
	struct view source, queue_id, login, tls;
};

struct capture;
struct capture *capture_new(const struct capture_options *options);
void capture_free(struct capture **capture);

/* Of the connection: valid for each mail that begins later. */
void capture_client(struct capture *c, struct view name, struct view addr);
void capture_helo(struct capture *c, struct view helo);

/* A mail begins; one that has not been held is dropped. ADDRESS as it stands behind MAIL FROM: and RCPT TO:,
 * in angle brackets or, from the local pick-up, without; PARAMS (RFC 5321, section 4.1.1.11) separated
 * by spaces. ERR_NOSPACE, ERR_TOOBIG (by SIZE=): say so at once, the client needs not send it. */
int capture_begin(struct capture *c, struct view address, struct view params, struct err *err);
void capture_recipient(struct capture *c, struct view address);
/* VALUE is all behind the colon, in it LF or CRLF before each continuation. */
void capture_header(struct capture *c, const char *name, const char *value);
void capture_end_of_header(struct capture *c);
void capture_body(struct capture *c, const void *data, size_t len);
/* Durable and pending (spool.h, S1), known by its queue id. The mail ends, whatever the result. */
int capture_hold(struct capture *c, const struct capture_facts *facts, struct uuid *id_r,
		 struct err *err);
/* The mail ends, and leaves nothing. */
void capture_abort(struct capture *c);

#endif

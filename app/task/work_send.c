/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mails to oneself: each as an attachment, bit for bit, of a mail that the archive writes. Sent on as they are, they would claim to come from
 * whoever wrote them, and be refused where that is checked (SPF, DMARC). */
#include "app/archive/read.h"
#include "app/catalog/audit.h"
#include "app/task/work.h"
#include "app/watch/alarms.h"
#include "app/watch/sendmail.h"
#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

enum { PATIENCE_MS = 60 * 1000 };

struct sending {
	const struct alarm_settings *settings;
	struct reader *reader;
	struct view to;
	struct str raw, message;
	uint64_t sent;
};

static void add_head(struct str *out, const struct sending *s)
{
	struct uuid id = uuid_new();
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	if (s->settings->mail_from[0] != '\0')
		str_addf(out, "From: %s\n", s->settings->mail_from);
	str_adds(out, "To: ");
	str_addv(out, s->to);
	str_adds(out, "\nSubject: [Sealpost] a mail from the archive\nDate: ");
	clock_add_mail_date(out, clock_s());
	str_adds(out, "\nMessage-ID: <");
	uuid_add(out, &id);
	str_addf(out, "@%s>\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n",
		 host[0] != '\0' ? host : "localhost");
}

/* No line of the mail can be the boundary: it is made now, of random bits. */
static void write_message(struct str *out, const struct sending *s)
{
	struct uuid boundary = uuid_new();
	char id[UUID_TEXT + 1];

	uuid_text(&boundary, id);
	str_reset(out);
	add_head(out, s);
	str_addf(out,
		 "Content-Type: multipart/mixed; boundary=\"%s\"\n\n--%s\n"
		 "Content-Type: text/plain; charset=utf-8\n\n"
		 "The archive sends you the attached mail, as you asked it to.\n--%s\n"
		 "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n"
		 "Content-Disposition: attachment; filename=\"mail.eml\"\n\n",
		 id, id, id);
	str_addv(out, str_view(&s->raw));
	str_addf(out, "\n--%s--\n", id);
}

static int send_one(struct work *w, void *arg, const struct mail_row *row, struct err *err)
{
	struct sending *s = arg;
	const struct sendmail sendmail = {s->settings->sendmail, s->settings->mail_from, "the mail",
					  PATIENCE_MS};
	struct err why = {0};

	if (s->sent == TASK_SEND_MAX)
		return err_set(err, ERR_USAGE, "%d mails were sent; more at once are not",
			       TASK_SEND_MAX);
	if (reader_mail(s->reader, row, &s->raw, &why) < 0) {
		w->failed++;
		return 0;
	}
	write_message(&s->message, s);
	if (sendmail_hand_over(&sendmail, str_view(&s->message), err) < 0)
		return -1;
	s->sent++;
	return 0;
}

static int note(struct work *w, uint64_t sent, struct err *err)
{
	char count[48];

	snprintf(count, sizeof(count), "%llu, sent to himself", (unsigned long long)sent);
	str_addf(&w->text, "%llu mail%s sent", (unsigned long long)sent, sent == 1 ? "" : "s");
	if (w->failed > 0)
		str_addf(&w->text, "; %llu left out, since they cannot be read now",
			 (unsigned long long)w->failed);
	return audit_add(archive_catalog(w->a), AUDIT_EXPORTED, VIEW("chosen mails"), VIEW(count),
			 err);
}

static int own_address(struct work *w, struct view *to_r, struct err *err)
{
	struct texts addresses;

	if (people_addresses(archive_catalog(w->a), w->arena, w->row.person, &addresses, err) < 0)
		return -1;
	if (addresses.n == 0)
		return err_set(err, ERR_USAGE,
			       "the archive knows no mail address of yours to send it to");
	*to_r = addresses.v[0];
	return 0;
}

int work_send(struct work *w, struct err *err)
{
	CLEAN(alarm_settings) settings = NULL;
	struct sending s = {.raw = STR_INIT, .message = STR_INIT};
	int rc;

	if (alarm_settings_read(archive_dir(w->a), &settings, err) < 0 ||
	    own_address(w, &s.to, err) < 0)
		return -1;
	s.settings = settings;
	s.reader = reader_new(w->a);
	rc = work_each(w, send_one, &s, err);
	if (rc == 0)
		rc = note(w, s.sent, err);
	reader_free(&s.reader);
	str_clear(&s.raw);
	str_clear(&s.message);
	return rc;
}

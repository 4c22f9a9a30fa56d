/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What makes the archive last: the key on paper, timestamps, certificates. */
#include "app/catalog/stamps.h"
#include "app/intake/smtpd/settings.h"
#include "app/watch/alarms_priv.h"
#include "base/conf.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* --- the key --- */

/* A day after the archive was made the sheet should be in the safe, if mail depends on it. */
static int is_overdue(struct look *l, struct err *err)
{
	CLEAN_STR made = STR_INIT;
	uint64_t made_s = 0, mails;

	if (setting_get(l->catalog, "made_s", &made, err) < 0 ||
	    mails_count(l->catalog, &mails, err) < 0)
		return -1;
	(void)conf_number(made.data, &made_s);
	return mails > 0 && l->now_s - (int64_t)made_s > DAY_S;
}

int look_key_backup(struct look *l, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	int rc;

	str_addf(&path, "%s/key-backup", l->dir);
	if (access(path.data, F_OK) == 0)
		return 0;
	rc = is_overdue(l, err);
	if (rc < 0)
		return -1;
	look_raise(l, "", rc > 0 ? ALARM_CRITICAL : ALARM_WARNING,
		   "there is no backup of the archive key. If %s/archive.key is lost, all mail is "
		   "lost for ever. Make one now: sealpost --archive %s key export "
		   "--password-prompt > key.txt",
		   l->dir, l->dir);
	return 0;
}

/* --- timestamps --- */

static int is_authority_set(struct look *l, struct err *err)
{
	CLEAN_STR url = STR_INIT;
	int rc = setting_get(l->catalog, "tsa.url", &url, err);

	return rc < 0 ? -1 : url.len > 0;
}

static int look_stamps_end(struct look *l, struct err *err)
{
	int64_t ends_s, left_s;
	int rc = stamps_first_end(l->catalog, &ends_s, err);

	left_s = rc > 0 ? ends_s - l->now_s : 0;
	if (rc <= 0 || left_s > (int64_t)l->settings->certificate_days * DAY_S)
		return rc < 0 ? -1 : 0;
	if (left_s > 0)
		look_raise(
			l, "certificate", ALARM_WARNING,
			"a certificate that timestamps rest on ends in %s, and they are not "
			"renewed yet. The mails stay as they are; their proof ends with it unless "
			"it is renewed before: sealpost --archive %s timestamp run",
			look_span(l, left_s), l->dir);
	else
		look_raise(l, "certificate", ALARM_CRITICAL,
			   "a certificate that timestamps rest on has ended, and they were not "
			   "renewed. The mails are as they were; since when is not proved any more "
			   "by these timestamps alone. Renew what is left: sealpost --archive %s "
			   "timestamp run",
			   l->dir);
	return 0;
}

static int look_waiting(struct look *l, struct err *err)
{
	const int64_t bound_s = (int64_t)l->settings->stamp_days * DAY_S;
	struct to_stamp_totals totals;
	int64_t age_s;

	if (to_stamp_totals(l->catalog, &totals, err) < 0)
		return -1;
	age_s = totals.oldest_ms > 0 ? l->now_s - totals.oldest_ms / 1000 : 0;
	if (age_s > bound_s)
		look_raise(l, "waiting", age_s > 2 * bound_s ? ALARM_CRITICAL : ALARM_WARNING,
			   "%llu mail%s for a timestamp, the oldest for %s. They are archived, and "
			   "searchable; only since when they are unchanged is not proved yet. Ask "
			   "the authority now, and see what it says: sealpost --archive %s "
			   "timestamp run",
			   (unsigned long long)totals.mails,
			   totals.mails == 1 ? " waits" : "s wait", look_span(l, age_s), l->dir);
	return 0;
}

static int keep_newest(void *arg, const struct stamp_refused *row, struct err *err)
{
	int64_t *newest_s = arg;

	(void)err;
	if (row->time_s > *newest_s)
		*newest_s = row->time_s;
	return 0;
}

/* When the last stamp was made; 0 none was. */
static int last_stamp(struct look *l, int64_t *time_s_r, struct err *err)
{
	struct stamp_row row;
	uint64_t stamp;
	int rc;

	*time_s_r = 0;
	if (stamps_last(l->catalog, &stamp, err) < 0)
		return -1;
	rc = stamps_get(l->catalog, l->arena, stamp, &row, err);
	if (rc > 0)
		*time_s_r = row.time_ms / 1000;
	return rc < 0 ? -1 : 0;
}

static int look_refused(struct look *l, struct err *err)
{
	int64_t refused_s = 0, stamped_s;

	if (stamp_refused_each(l->catalog, keep_newest, &refused_s, err) < 0 ||
	    last_stamp(l, &stamped_s, err) < 0)
		return -1;
	if (refused_s > stamped_s)
		look_raise(l, "answers", ALARM_WARNING,
			   "the timestamping authority's last answer was wrong, and was refused. "
			   "The mails wait for the next one; see why: sealpost --archive %s "
			   "timestamp refused",
			   l->dir);
	return 0;
}

int look_timestamp(struct look *l, struct err *err)
{
	int rc = look_stamps_end(l, err) < 0 ? -1 : is_authority_set(l, err);

	if (rc <= 0)
		return rc;
	return look_waiting(l, err) < 0 || look_refused(l, err) < 0 ? -1 : 0;
}

/* --- certificates of the doors --- */

static void x509_cleanup(X509 **cert)
{
	X509_free(*cert);
}

/* When the certificate in FILE ends (the first: the door's own); in UTC. */
static int read_end(const char *file, int64_t *ends_s_r, struct err *err)
{
	__attribute__((cleanup(x509_cleanup))) X509 *cert = NULL;
	FILE *f = fopen(file, "re");
	struct tm tm;

	if (f == NULL)
		return err_errno(err, "%s: %m", file);
	cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	if (cert == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return err_set(err, ERR_SYNTAX, "%s: no certificate in PEM form", file);
	*ends_s_r = timegm(&tm);
	return 0;
}

static void raise_ending(struct look *l, const char *file, int64_t left_s)
{
	look_raise(l, "smtpd", left_s > 0 ? ALARM_WARNING : ALARM_CRITICAL,
		   "the TLS certificate %s of the door smtpd %s%s. Servers that look at it then "
		   "send their mail in clear, or not at all, and it waits there: put a new one in "
		   "its place, and restart sealpost-smtpd.",
		   file, left_s > 0 ? "ends in " : "has ended",
		   left_s > 0 ? look_span(l, left_s) : "");
}

/* What is wrong with a file of the door's is for whoever starts it next. */
static void raise_unreadable(struct look *l, struct err *err)
{
	look_raise(
		l, "smtpd", ALARM_WARNING,
		"it cannot be told when the certificate of the door smtpd ends (%s). A door that "
		"is started now would not come up: put that right.",
		err->text);
	err_clear(err);
}

int look_certificate(struct look *l, struct err *err)
{
	CLEAN(smtpd_settings) settings = NULL;
	CLEAN_STR path = STR_INIT;
	int64_t ends_s;

	str_addf(&path, "%s/smtpd.conf", l->dir);
	if (access(path.data, F_OK) < 0)
		return 0;
	if (smtpd_settings_read(path.data, &settings, err) < 0) {
		raise_unreadable(l, err);
		return 0;
	}
	if (*settings->tls_cert == '\0')
		return 0;
	if (read_end(settings->tls_cert, &ends_s, err) < 0)
		raise_unreadable(l, err);
	else if (ends_s - l->now_s < (int64_t)l->settings->certificate_days * DAY_S)
		raise_ending(l, settings->tls_cert, ends_s - l->now_s);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/smtpd.h"

#include "base/log.h"
#include "base/str.h"

#include <unistd.h>

/* Marked before they are read, so that no change falls in between. */
static int read_settings(struct smtpd *smtpd, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	const struct smtpd_settings *s;

	str_addf(&path, "%s/smtpd.conf", smtpd->archive_dir);
	renewed_add(&smtpd->renewed, path.data);
	if (smtpd_settings_read(path.data, &smtpd->settings, err) < 0)
		return -1;
	s = smtpd->settings;
	renewed_add(&smtpd->renewed, s->auth_file);
	renewed_add(&smtpd->renewed, s->tls_cert);
	renewed_add(&smtpd->renewed, s->tls_key);
	return 0;
}

int smtpd_new(const char *archive_dir, struct smtpd **smtpd_r, struct err *err)
{
	CLEAN(smtpd) smtpd = mem_new(sizeof(*smtpd));
	const struct smtpd_settings *s;

	smtpd->archive_dir = archive_dir;
	if (read_settings(smtpd, err) < 0)
		return -1;
	s = smtpd->settings;
	if (*s->auth_file != '\0' && users_read(s->auth_file, &smtpd->users, err) < 0)
		return -1;
	if (*s->tls_cert != '\0' && tls_server_new(s->tls_cert, s->tls_key, &smtpd->tls, err) < 0)
		return -1;
	*smtpd_r = TAKE(smtpd);
	return 0;
}

static bool has_lmtp(const struct smtpd_settings *s)
{
	for (size_t i = 0; i < s->listen.n; i++)
		if (s->listens[i].protocol == PROTOCOL_LMTP)
			return true;
	return false;
}

/* A token key that cannot be had is told now, and not by each worker. */
int smtpd_open(struct smtpd *smtpd, struct err *err)
{
	CLEAN(token_key) made = NULL;

	if (spool_open(smtpd->archive_dir, &smtpd->spool, err) < 0)
		return -1;
	spool_set_reserve(smtpd->spool, smtpd->settings->reserve_bytes);
	return has_lmtp(smtpd->settings) ? token_key_open(smtpd->archive_dir, &made, err) : 0;
}

int smtpd_begin(struct smtpd *smtpd, struct err *err)
{
	if (!has_lmtp(smtpd->settings))
		return 0;
	return token_key_open(smtpd->archive_dir, &smtpd->token_key, err);
}

static bool has_settings(const struct smtpd *smtpd)
{
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "%s/smtpd.conf", smtpd->archive_dir);
	return access(path.data, F_OK) == 0;
}

bool smtpd_is_renewed(struct smtpd *smtpd)
{
	CLEAN(smtpd) next = NULL;
	struct err err = {0};

	if (!renewed_look(&smtpd->renewed))
		return false;
	if (has_settings(smtpd) && smtpd_new(smtpd->archive_dir, &next, &err) < 0) {
		log_error("%s; mail is taken as before, until this is corrected", err.text);
		return false;
	}
	log_info("settings have changed");
	return true;
}

void smtpd_free(struct smtpd **smtpd)
{
	struct smtpd *s = *smtpd;

	if (s == NULL)
		return;
	token_key_free(&s->token_key);
	spool_free(&s->spool);
	tls_server_free(&s->tls);
	users_free(&s->users);
	smtpd_settings_free(&s->settings);
	renewed_clear(&s->renewed);
	free(s);
	*smtpd = NULL;
}

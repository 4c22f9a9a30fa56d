/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/milter/session.h"

#include "app/intake/milter/capture.h"
#include "app/intake/milter/progress.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
	ACTIONS = SMFIF_ADDRCPT_PAR | SMFIF_CHGHDRS | SMFIF_ADDHDRS,
	/* With NR_ the mail server goes on without waiting for an answer. MAIL gets one: that is where a
	 * full disk is told. */
	CAPTURE_STEPS = SMFIP_HDR_LEADSPC | SMFIP_NODATA | SMFIP_NOUNKNOWN | SMFIP_NR_CONN |
			SMFIP_NR_HELO | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY,
	BINDER_STEPS = SMFIP_HDR_LEADSPC | SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NORCPT |
		       SMFIP_NODATA | SMFIP_NOEOH | SMFIP_NOBODY | SMFIP_NOUNKNOWN | SMFIP_NR_MAIL |
		       SMFIP_NR_HDR,
};

static const struct session_options *options;
static atomic_uint mails; /* that are being received */
static atomic_bool stopping;

/* One connection of the mail server. */
struct session {
	struct capture *capture; /* of a binder: NULL */

	/* of the mail */
	bool in_mail;
	unsigned n_token_fields;
	bool is_bound; /* a token of ours was among them */
	struct uuid id;
};

void session_stop(void)
{
	atomic_store(&stopping, true);
}

bool session_any_mail(void)
{
	return atomic_load(&mails) > 0;
}

static struct session *session_of(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s != NULL)
		return s;
	s = mem_new(sizeof(*s));
	if (options->spool != NULL)
		s->capture = capture_new(&(struct capture_options){
			.spool = options->spool,
			.stage = options->role == ROLE_CAPTURE_FILTERED ? SPOOL_FILTERED_NEXT
									: SPOOL_DELIVERED_NEXT,
			.copy_domain = options->settings->copy_domain,
			.max_mail_bytes = options->settings->max_mail_bytes,
		});
	smfi_setpriv(ctx, s);
	return s;
}

static void end_mail(struct session *s)
{
	if (s->capture != NULL)
		capture_abort(s->capture);
	if (s->in_mail)
		atomic_fetch_sub(&mails, 1);
	s->in_mail = false;
	s->n_token_fields = 0;
	s->is_bound = false;
}

static void begin_mail(struct session *s)
{
	end_mail(s);
	atomic_fetch_add(&mails, 1);
	s->in_mail = true;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
			     unsigned long reserved_2, unsigned long reserved_3,
			     unsigned long *actions_r, unsigned long *steps_r,
			     unsigned long *reserved_2_r, unsigned long *reserved_3_r)
{
	unsigned long want = options->role == ROLE_BINDER ? BINDER_STEPS : CAPTURE_STEPS;

	(void)ctx, (void)reserved_2, (void)reserved_3;
	if ((actions & ACTIONS) != ACTIONS || (steps & want) != want) {
		log_error("the mail server does not speak version 6 of the milter protocol whole; "
			  "no mail is captured until it is newer (Postfix from 3.1 on)");
		return SMFIS_REJECT;
	}
	*actions_r = ACTIONS;
	*steps_r = want;
	*reserved_2_r = *reserved_3_r = 0;
	return SMFIS_CONTINUE;
}

/* --- the envelope ----------------------------------------------------------------------------- */

/* Empty if the mail server does not tell it. */
static struct view macro(SMFICTX *ctx, const char *name)
{
	const char *value = smfi_getsymval(ctx, (char *)name);

	return VIEW(value != NULL ? value : "");
}

static struct view address_text(const _SOCK_ADDR *addr, char out[INET6_ADDRSTRLEN])
{
	out[0] = '\0';
	if (addr != NULL && addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)addr)->sin_addr, out,
			  INET6_ADDRSTRLEN);
	else if (addr != NULL && addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)addr)->sin6_addr, out,
			  INET6_ADDRSTRLEN);
	return VIEW(out);
}

/* What stands for a name that was not verified, with Postfix and Sendmail, says nothing. */
static struct view verified(const char *name)
{
	return VIEW(strcmp(name, "unknown") == 0 || name[0] == '[' ? "" : name);
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *addr)
{
	char text[INET6_ADDRSTRLEN];

	capture_client(session_of(ctx)->capture, verified(name), address_text(addr, text));
	return SMFIS_NOREPLY;
}

static sfsistat on_helo(SMFICTX *ctx, char *helo)
{
	capture_helo(session_of(ctx)->capture, VIEW(helo));
	return SMFIS_NOREPLY;
}

/* Not accepted: the client is told to try again, or why that would be of no use. */
static sfsistat refuse(SMFICTX *ctx, const struct err *err)
{
	if (err->kind != ERR_NONE) /* else the end is near */
		log_error("mail not captured: %s", err->text);
	switch (err->kind) {
	case ERR_NOSPACE:
		smfi_setreply(ctx, (char *)"452", (char *)"4.3.1",
			      (char *)"The mail archive has no space left; please try again later");
		return SMFIS_TEMPFAIL;
	case ERR_TOOBIG:
		smfi_setreply(ctx, (char *)"552", (char *)"5.3.4",
			      (char *)"The mail is larger than the mail archive takes; send it in "
				      "parts, or ask the administrator to raise max_mail_bytes");
		return SMFIS_REJECT;
	default:
		smfi_setreply(
			ctx, (char *)"451", (char *)"4.3.0",
			(char *)"The mail archive cannot take mail now; please try again later");
		return SMFIS_TEMPFAIL;
	}
}

static void join(char **words, struct str *out)
{
	for (char **word = words; *word != NULL; word++)
		str_addf(out, "%s%s", word > words ? " " : "", *word);
}

static sfsistat on_mail_from(SMFICTX *ctx, char **words)
{
	struct session *s = session_of(ctx);
	CLEAN_STR params = STR_INIT;
	struct err err = {0};

	begin_mail(s);
	if (s->capture == NULL)
		return SMFIS_NOREPLY;
	join(words + 1, &params);
	if (!atomic_load(&stopping) &&
	    capture_begin(s->capture, VIEW(words[0]), str_view(&params), &err) == 0)
		return SMFIS_CONTINUE;
	end_mail(s);
	return refuse(ctx, &err);
}

static sfsistat on_recipient(SMFICTX *ctx, char **words)
{
	capture_recipient(session_of(ctx)->capture, VIEW(words[0]));
	return SMFIS_NOREPLY;
}

/* --- the bytes -------------------------------------------------------------------------------- */

/* A filter may have folded it, and changed its case. The last token of ours counts: the capture puts its
 * own behind all that came with the mail. */
static void look_for_token(struct session *s, const char *value)
{
	CLEAN_STR token = STR_INIT;

	for (const char *p = value; *p != '\0'; p++)
		if (!isspace((unsigned char)*p))
			str_addc(&token, *p);
	if (token_read(options->key, str_view(&token), &s->id) == 0)
		s->is_bound = true;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *s = session_of(ctx);
	bool is_token_field = view_eq_nocase(VIEW(name), VIEW(TOKEN_HEADER));

	if (is_token_field)
		s->n_token_fields++;
	if (s->capture != NULL)
		capture_header(s->capture, name, value);
	else if (is_token_field)
		look_for_token(s, value);
	return SMFIS_NOREPLY;
}

static sfsistat on_end_of_header(SMFICTX *ctx)
{
	capture_end_of_header(session_of(ctx)->capture);
	return SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
	capture_body(session_of(ctx)->capture, data, len);
	return SMFIS_NOREPLY;
}

/* --- the end of a mail ------------------------------------------------------------------------ */

/* From the last to the first, since the numbers of those behind one that is deleted change. */
static int delete_token_fields(SMFICTX *ctx, const struct session *s)
{
	for (unsigned i = s->n_token_fields; i > 0; i--)
		if (smfi_chgheader(ctx, (char *)TOKEN_HEADER, (int)i, NULL) != MI_SUCCESS)
			return -1;
	return 0;
}

static int add_token_field(SMFICTX *ctx, const struct uuid *id)
{
	CLEAN_STR value = STR_INIT;

	str_addc(&value, ' '); /* with HDR_LEADSPC it is ours to put */
	token_write(&value, options->key, id);
	return smfi_addheader(ctx, (char *)TOKEN_HEADER, value.data) == MI_SUCCESS ? 0 : -1;
}

static int add_token_recipient(SMFICTX *ctx, const struct uuid *id)
{
	CLEAN_STR address = STR_INIT;

	str_addc(&address, '<');
	token_write(&address, options->key, id);
	str_addf(&address, "@%s>", options->settings->copy_domain);
	return smfi_addrcpt_par(ctx, address.data, (char *)"NOTIFY=NEVER") == MI_SUCCESS ? 0 : -1;
}

/* "TLSv1.3 TLS_AES_256_GCM_SHA384 256"; nothing in clear. */
static void join_tls(SMFICTX *ctx, struct str *out)
{
	static const char *const names[] = {"{tls_version}", "{cipher}", "{cipher_bits}"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct view value = macro(ctx, names[i]);

		if (value.len > 0 && out->len > 0)
			str_addc(out, ' ');
		str_addv(out, value);
	}
}

static int hold(SMFICTX *ctx, struct session *s, struct uuid *id_r, struct err *err)
{
	CLEAN_STR tls = STR_INIT;
	struct capture_facts facts = {
		.source = VIEW(options->settings->source),
		.queue_id = macro(ctx, "i"),
		.login = macro(ctx, "{auth_authen}"),
	};
	struct progress progress;
	int rc;

	if (facts.source.len == 0)
		facts.source = macro(ctx, "j");
	join_tls(ctx, &tls);
	facts.tls = str_view(&tls);
	progress_begin(&progress, ctx);
	rc = capture_hold(s->capture, &facts, id_r, err);
	progress_end(&progress);
	return rc;
}

static int end_capture(SMFICTX *ctx, struct session *s, struct err *err)
{
	struct uuid id;
	int rc;

	if (hold(ctx, s, &id, err) < 0)
		return -1;
	rc = delete_token_fields(ctx, s);
	if (rc == 0)
		rc = options->role == ROLE_CAPTURE_FILTERED ? add_token_field(ctx, &id)
							    : add_token_recipient(ctx, &id);
	return rc < 0 ? err_set(err, ERR_OFFLINE, "the mail server does not take the token") : 0;
}

static int end_binding(SMFICTX *ctx, const struct session *s, struct err *err)
{
	if (delete_token_fields(ctx, s) < 0 ||
	    (s->is_bound && add_token_recipient(ctx, &s->id) < 0))
		return err_set(err, ERR_OFFLINE, "the mail server does not take the token");
	return 0;
}

static sfsistat on_end_of_mail(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);
	struct err err = {0};
	int rc = s->capture != NULL ? end_capture(ctx, s, &err) : end_binding(ctx, s, &err);

	end_mail(s);
	return rc < 0 ? refuse(ctx, &err) : SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	end_mail(session_of(ctx));
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL)
		return SMFIS_CONTINUE;
	end_mail(s);
	capture_free(&s->capture);
	free(s);
	smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

struct smfiDesc session_callbacks(const struct session_options *o)
{
	struct smfiDesc callbacks = {
		.xxfi_name = (char *)"sealpost",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = ACTIONS,
		.xxfi_negotiate = on_negotiate,
		.xxfi_envfrom = on_mail_from,
		.xxfi_header = on_header,
		.xxfi_eom = on_end_of_mail,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
	};

	options = o;
	if (o->role != ROLE_BINDER) {
		callbacks.xxfi_connect = on_connect;
		callbacks.xxfi_helo = on_helo;
		callbacks.xxfi_envrcpt = on_recipient;
		callbacks.xxfi_eoh = on_end_of_header;
		callbacks.xxfi_body = on_body;
	}
	return callbacks;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/transaction.h"

#include "app/intake/smtpd/copy.h"
#include "base/clock.h"
#include "base/log.h"

/* Half of what a spool entry's envelope may have; each recipient takes tag and length (envelope.h), too. */
static const size_t envelope_max_bytes = 8 * 1024 * 1024;
enum { RECIPIENT_HEAD_BYTES = 4 };

void transaction_init(struct transaction *t, const struct smtpd *smtpd, enum protocol protocol)
{
	*t = (struct transaction){.smtpd = smtpd, .protocol = protocol, .arena = arena_new()};
	head_init(&t->head);
}

void transaction_reset(struct transaction *t)
{
	struct arena *arena = t->arena;
	struct head head = t->head;

	spool_entry_free(&t->entry);
	arena_reset(arena);
	head_reset(&head);
	*t = (struct transaction){
		.smtpd = t->smtpd, .protocol = t->protocol, .arena = arena, .head = head};
}

void transaction_clear(struct transaction *t)
{
	spool_entry_free(&t->entry);
	head_clear(&t->head);
	arena_free(&t->arena);
}

/* The mail server behind LMTP has a limit of its own; a second one here could only lose what that let pass. */
static bool is_too_big(const struct transaction *t, uint64_t size_bytes)
{
	return t->protocol == PROTOCOL_SMTP && size_bytes > t->smtpd->settings->max_mail_bytes;
}

static int refuse_size(const struct transaction *t, struct err *err)
{
	return err_set(err, ERR_TOOBIG, "it has more than %llu bytes",
		       (unsigned long long)t->smtpd->settings->max_mail_bytes);
}

int transaction_begin(struct transaction *t, const struct envelope *facts, uint64_t size_bytes,
		      struct err *err)
{
	if (is_too_big(t, size_bytes))
		return refuse_size(t, err);
	if (spool_begin(t->smtpd->spool, size_bytes, &t->entry, err) < 0)
		return -1;
	t->env = *facts;
	t->env.door = t->protocol == PROTOCOL_SMTP ? DOOR_SMTP : DOOR_LMTP;
	t->env.source = VIEW(t->smtpd->settings->source);
	t->env.seen_ms = clock_ms();
	t->open = true;
	return 0;
}

static bool is_archive_domain(const struct transaction *t, struct view domain)
{
	const struct conf_list *domains = &t->smtpd->settings->archive_domain;

	for (size_t i = 0; i < domains->n; i++)
		if (view_eq_nocase(domain, VIEW(domains->v[i])))
			return true;
	return false;
}

/* RFC 5321, section 4.5.1: <postmaster> is there without a domain, too; here he is the archive. */
static bool is_archive(const struct transaction *t, const struct path *path)
{
	if (path->domain.len > 0)
		return is_archive_domain(t, path->domain);
	return view_eq_nocase(path->local, VIEW("postmaster"));
}

int transaction_recipient(struct transaction *t, const struct path *path, struct err *err)
{
	const struct smtpd_settings *s = t->smtpd->settings;
	size_t bytes = t->envelope_bytes + RECIPIENT_HEAD_BYTES + path->text.len;
	bool for_archive = is_archive(t, path);

	if (bytes > envelope_max_bytes ||
	    (t->protocol == PROTOCOL_SMTP && t->recipients == s->max_recipients))
		return err_set(err, ERR_BUSY, "there are too many recipients");
	if (for_archive)
		ARENA_PUSH(t->arena, t->env.hidden, arena_view(t->arena, path->text));
	else if (t->protocol == PROTOCOL_LMTP)
		copy_recipient(t, path);
	else if (s->accept_all && path->domain.len > 0)
		ARENA_PUSH(t->arena, t->env.recipients, arena_view(t->arena, path->text));
	else
		return err_set(err, ERR_DENIED, "mail for this domain is not taken");
	t->recipients++;
	t->for_archive = t->for_archive || for_archive;
	t->envelope_bytes = bytes;
	return 0;
}

bool transaction_has_bytes(const struct transaction *t)
{
	return t->size_bytes > 0;
}

void transaction_take(struct transaction *t, struct view piece)
{
	if (t->failed.kind != ERR_NONE)
		return;
	t->size_bytes += piece.len;
	if (is_too_big(t, t->size_bytes)) {
		(void)refuse_size(t, &t->failed);
		return;
	}
	if (t->protocol == PROTOCOL_LMTP)
		head_add(&t->head, piece);
	(void)spool_write(t->entry, piece.data, piece.len, &t->failed);
}

static int commit_new(struct transaction *t, struct err *err)
{
	char id[UUID_TEXT + 1];

	if (spool_commit(t->entry, &t->env, err) < 0)
		return -1;
	log_info("taken door=smtp entry=%s size=%llu recipients=%zu",
		 uuid_text(spool_entry_id(t->entry), id), (unsigned long long)t->size_bytes,
		 t->recipients);
	return 0;
}

int transaction_commit(struct transaction *t, struct err *err)
{
	if (t->failed.kind != ERR_NONE) {
		*err = t->failed;
		return -1;
	}
	t->env.unwrap = t->smtpd->settings->journal && t->for_archive;
	return t->protocol == PROTOCOL_LMTP ? copy_commit(t, err) : commit_new(t, err);
}

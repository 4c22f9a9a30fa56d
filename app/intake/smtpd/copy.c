/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/copy.h"

#include "base/log.h"

/* --- recipients ------------------------------------------------------------------------------- */

/* "user=dom", from the last = on: a local part may have one, a domain has none. */
static bool decode(struct arena *arena, struct view text, struct view *address_r)
{
	size_t at = text.len;
	char *out;

	while (at > 0 && text.data[at - 1] != '=')
		at--;
	if (at < 2 || at == text.len)
		return false;
	out = arena_strn(arena, text.data, text.len);
	out[at - 1] = '@';
	*address_r = (struct view){out, text.len};
	return true;
}

/* A mail that goes through the queue anew may get its token twice. */
static void add_capture(struct transaction *t, const struct uuid *capture)
{
	for (size_t i = 0; i < t->captures.n; i++)
		if (uuid_eq(&t->captures.v[i], capture))
			return;
	ARENA_PUSH(t->arena, t->captures, *capture);
}

/* A token that is not ours is an address like any other: it names nothing. */
void copy_recipient(struct transaction *t, const struct path *path)
{
	const char *copy_domain = t->smtpd->settings->copy_domain;
	struct view local, address;
	struct uuid capture;

	if (!view_eq_nocase(path->domain, VIEW(copy_domain))) {
		ARENA_PUSH(t->arena, t->env.recipients, arena_view(t->arena, path->text));
		return;
	}
	t->for_copy = true;
	local = path_unquote(t->arena, path->local);
	if (token_read(t->smtpd->token_key, local, &capture) == 0)
		add_capture(t, &capture);
	else if (decode(t->arena, local, &address))
		ARENA_PUSH(t->arena, t->env.recipients, address);
	else
		ARENA_PUSH(t->arena, t->env.hidden, arena_view(t->arena, path->text));
}

/* --- looking for the capture ------------------------------------------------------------------ */

static int by_header(struct transaction *t)
{
	struct view rest = str_view(&t->head.text), field, value;
	struct uuid capture;

	while (head_field(&rest, &field))
		if (head_value(t->arena, field, TOKEN_HEADER, &value) &&
		    token_read(t->smtpd->token_key, value, &capture) == 0) {
			add_capture(t, &capture);
			return 1;
		}
	return 0;
}

static int by_queue_id(struct transaction *t, struct view queue_id, bool before_filter,
		       struct err *err)
{
	enum spool_stage stage;
	struct uuid capture;
	int rc = spool_by_queue(t->smtpd->spool, queue_id, &capture, &stage, err);

	if (rc <= 0 || (before_filter && stage != SPOOL_FILTERED_NEXT))
		return rc < 0 ? -1 : 0;
	add_capture(t, &capture);
	return 1;
}

/* The topmost line of ours tells of the way through the queue that ends here; the second one, if the mail had
 * a filter to pass, of the way before it. Lines below came with the mail, and anybody may have written them. */
static int by_received(struct transaction *t, struct err *err)
{
	enum { WAYS = 2 };
	const char *hostname = t->smtpd->settings->hostname;
	struct view rest = str_view(&t->head.text), field, queue_id;
	unsigned ways = 0;
	int rc = 0;

	while (rc == 0 && ways < WAYS && head_field(&rest, &field))
		if (head_queue_id(t->arena, field, hostname, &queue_id))
			rc = by_queue_id(t, queue_id, ways++ > 0, err);
	return rc;
}

static int find_captures(struct transaction *t, struct err *err)
{
	int rc = t->captures.n > 0 || by_header(t);

	if (rc == 0)
		rc = by_queue_id(t, t->ident, false, err);
	return rc == 0 ? by_received(t, err) : rc;
}

/* --- completing it ---------------------------------------------------------------------------- */

static bool is_queue_id_of_capture(void *arg, struct view queue_id)
{
	const struct transaction *t = arg;
	enum spool_stage stage;
	struct uuid capture;
	struct err err;

	return spool_by_queue(t->smtpd->spool, queue_id, &capture, &stage, &err) == 1 &&
	       uuid_eq(&capture, &t->captures.v[0]);
}

/* What only now is known. Sender, client and queue id the milter has seen itself; what comes here may be
 * those of a filter in between. */
static struct envelope completion(const struct transaction *t)
{
	return (struct envelope){.recipients = t->env.recipients,
				 .hidden = t->env.hidden,
				 .trace = t->env.trace,
				 .marks = t->env.marks,
				 .unwrap = t->env.unwrap};
}

/* 1: each of them was pending and is ready now; 0: *UNBOUND_R was not. */
static int bind_captures(struct transaction *t, struct uuid *unbound_r, struct err *err)
{
	struct envelope env = completion(t);
	int bound = 1;

	for (size_t i = 0; i < t->captures.n; i++) {
		int rc = spool_bind(t->smtpd->spool, &t->captures.v[i], &env, err);

		if (rc < 0 && err->kind != ERR_NOTFOUND)
			return -1;
		if (rc == 1)
			continue;
		err_clear(err);
		bound = 0;
		*unbound_r = t->captures.v[i];
	}
	return bound;
}

static int keep(struct transaction *t, struct err *err)
{
	char id[UUID_TEXT + 1];

	if (spool_commit(t->entry, &t->env, err) < 0)
		return -1;
	log_info("taken door=lmtp entry=%s size=%llu recipients=%zu copy=%s capture=%s",
		 uuid_text(spool_entry_id(t->entry), id), (unsigned long long)t->size_bytes,
		 t->recipients, t->env.is_copy ? "yes" : "no", t->captures.n ? "known" : "unknown");
	return 0;
}

/* The copy, with all that is known beside it: a mail of its own, or the later sighting of its capture. */
static void describe(struct transaction *t, bool captured)
{
	const struct head_question q = {t->smtpd->settings->hostname, t, is_queue_id_of_capture};
	struct view head = str_view(&t->head.text);

	t->env.queue_id = t->ident;
	t->env.is_copy = t->for_copy || captured;
	head_marks(t->arena, head, &t->smtpd->settings->spam_mark, &t->env.marks);
	if (captured)
		t->env.trace = head_trace(t->arena, head, &q);
}

int copy_commit(struct transaction *t, struct err *err)
{
	char id[UUID_TEXT + 1];
	int rc = find_captures(t, err);

	if (rc < 0)
		return -1;
	describe(t, rc > 0);
	if (rc > 0)
		rc = bind_captures(t, &t->env.capture, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return keep(t, err);
	log_info("bound door=lmtp capture=%s recipients=%zu", uuid_text(&t->captures.v[0], id),
		 t->recipients);
	return 0;
}

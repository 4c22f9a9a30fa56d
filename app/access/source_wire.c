/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/source_wire.h"

#include "base/ipc.h"

static int malformed(struct err *err)
{
	return err_set(err, ERR_DAMAGED,
		       "a message between sealpost and sealpost-login is malformed");
}

/* --- the question ----------------------------------------------------------------------------- */

void source_call_write(const struct source_call *call, struct str *body)
{
	str_addvarint(body, call->what);
	str_addvarint(body, call->source);
	str_addvarint(body, (uint64_t)call->timeout_ms);
	str_addvarint(body, call->any_group);
	ipc_add_text(body, call->name);
	ipc_add_text(body, call->password);
	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++)
		ipc_add_text(body, call->value[i]);
}

static int read_head(struct view *body, struct source_call *call_r)
{
	uint64_t what, source, timeout_ms, any_group;

	if (view_varint(body, &what) < 0 || view_varint(body, &source) < 0 ||
	    view_varint(body, &timeout_ms) < 0 || view_varint(body, &any_group) < 0 ||
	    what < SOURCE_LOGIN || what > SOURCE_LIST || source >= PERSON_N_SOURCES ||
	    timeout_ms > INT32_MAX || any_group > 1)
		return -1;
	call_r->what = (enum source_what)what;
	call_r->source = (enum person_source)source;
	call_r->timeout_ms = (int)timeout_ms;
	call_r->any_group = any_group;
	return 0;
}

int source_call_read(struct view body, struct source_call *call_r, struct err *err)
{
	if (read_head(&body, call_r) < 0 || ipc_text(&body, &call_r->name) < 0 ||
	    ipc_text(&body, &call_r->password) < 0)
		return malformed(err);
	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++)
		if (ipc_text(&body, &call_r->value[i]) < 0)
			return malformed(err);
	return body.len > 0 ? malformed(err) : 0;
}

/* --- the answer ------------------------------------------------------------------------------- */

void source_answer_write(const struct source_answer *answer, struct str *body)
{
	str_addvarint(body, answer->verdict);
	ipc_add_text(body, VIEW(answer->text != NULL ? answer->text : ""));
	str_addvarint(body, answer->people.n);
	for (size_t i = 0; i < answer->people.n; i++)
		identity_write(&answer->people.v[i], body);
}

static int read_people(struct view *rest, struct arena *arena, struct source_answer *answer_r,
		       struct err *err)
{
	struct identity identity;
	uint64_t n;

	if (view_varint(rest, &n) < 0)
		return malformed(err);
	for (; n > 0; n--) {
		if (identity_read(rest, arena, &identity, err) < 0)
			return -1;
		ARENA_PUSH(arena, answer_r->people, identity);
	}
	return rest->len > 0 ? malformed(err) : 0;
}

int source_answer_read(struct view body, struct arena *arena, struct source_answer *answer_r,
		       struct err *err)
{
	struct view text;
	uint64_t verdict;

	*answer_r = (struct source_answer){0};
	if (view_varint(&body, &verdict) < 0 || verdict < SOURCE_RIGHT ||
	    verdict > SOURCE_NOT_ALLOWED || ipc_text(&body, &text) < 0)
		return malformed(err);
	answer_r->verdict = (enum source_verdict)verdict;
	answer_r->text = arena_strn(arena, text.data, text.len);
	return read_people(&body, arena, answer_r, err);
}

/* --- what went wrong -------------------------------------------------------------------------- */

void source_failure_write(const struct err *why, struct str *body)
{
	str_addvarint(body, why->kind);
	str_adds(body, why->text);
}

int source_failure_read(struct view body, struct err *err)
{
	uint64_t kind;

	if (view_varint(&body, &kind) < 0 || kind == ERR_NONE || kind > ERR_EXPIRED)
		return malformed(err);
	return err_set(err, (enum err_kind)kind, "%.*s", (int)body.len, body.data);
}

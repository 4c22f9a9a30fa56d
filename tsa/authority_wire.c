/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/authority_wire.h"

#include "base/ipc.h"

void authority_order_write(const struct authority_order *order, struct str *body)
{
#define X(name) ipc_add_text(body, order->name);
	AUTHORITY_TEXTS(X)
#undef X
	str_addvarint(body, order->timeout_ms);
}

static int malformed(struct err *err)
{
	return err_set(err, ERR_DAMAGED,
		       "a message between sealpost and sealpost-tsa is malformed");
}

int authority_order_read(struct view body, struct authority_order *order_r, struct err *err)
{
#define X(name)                                                                                    \
	if (ipc_text(&body, &order_r->name) < 0)                                                   \
		return malformed(err);
	AUTHORITY_TEXTS(X)
#undef X
	if (view_varint(&body, &order_r->timeout_ms) < 0 || body.len > 0)
		return malformed(err);
	return 0;
}

void authority_failure_write(const struct err *why, struct str *body)
{
	str_addvarint(body, why->kind);
	str_adds(body, why->text);
}

int authority_failure_read(struct view body, struct err *err)
{
	uint64_t kind;

	if (view_varint(&body, &kind) < 0 || kind == ERR_NONE || kind > ERR_EXPIRED)
		return malformed(err);
	return err_set(err, (enum err_kind)kind, "%.*s", (int)body.len, body.data);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/medium_row.h"

#include "base/clock.h"

static const char *const answers[] = {
	[MEDIUM_NOT_ASKED] = "null", [MEDIUM_ANSWERS] = "true", [MEDIUM_SILENT] = "false"};
static const char *const states[] = {[MEDIUM_IN_USE] = "in-use",
				     [MEDIUM_DEACTIVATED] = "deactivated",
				     [MEDIUM_REMOVED] = "removed",
				     [MEDIUM_REDIRECTED] = "redirected"};

static void add_time(struct str *out, const char *before, int64_t time_s)
{
	str_adds(out, before);
	clock_add_utc(out, time_s);
}

static void add_state(struct str *out, const struct medium_row *row)
{
	if (row->active)
		str_adds(out, ", active");
	else if (row->state == MEDIUM_DEACTIVATED)
		str_adds(out, ", deactivated");
	else if (row->state == MEDIUM_REDIRECTED)
		str_addf(out, ", redirected to medium %u", row->redirect);
}

static void add_reach(struct str *out, const struct medium_row *row)
{
	char left[32], total[32];

	if (row->state != MEDIUM_IN_USE)
		return;
	if (row->answers == MEDIUM_NOT_ASKED) {
		str_adds(out, "  not asked yet whether it answers\n");
		return;
	}
	if (row->answers == MEDIUM_ANSWERS) {
		add_time(out, "  reachable since ", row->since_s);
		str_addf(out, ", %s of %s free", cmd_bytes(row->free_bytes, left),
			 cmd_bytes(row->total_bytes, total));
	} else {
		add_time(out, "  DOES NOT ANSWER since ", row->since_s);
	}
	add_time(out, " (asked at ", row->asked_s);
	str_adds(out, ")\n");
	if (row->answers == MEDIUM_SILENT) {
		str_adds(out, "  why: ");
		str_addsafe(out, VIEW(row->trouble), false);
		str_addc(out, '\n');
	}
}

static void add_waiting(struct str *out, const struct medium_row *row)
{
	char bytes[32];

	if (row->waiting_packs == 0)
		return;
	str_addf(out, "  waiting in staging: %llu pack%s, %s, the oldest",
		 (unsigned long long)row->waiting_packs, cmd_plural(row->waiting_packs),
		 cmd_bytes(row->waiting_bytes, bytes));
	add_time(out, " since ", row->waiting_since_s);
	str_addc(out, '\n');
}

void medium_row_text(struct str *out, const struct medium_row *row)
{
	char bytes[32];

	str_addf(out, "medium %u (%s%s", row->medium, row->type,
		 strcmp(row->type, "local") == 0 ? ": for trials only" : "");
	add_state(out, row);
	str_adds(out, ") ");
	str_addsafe(out, VIEW(row->location), false);
	str_addf(out, ": %llu pack%s, %s\n", (unsigned long long)row->packs, cmd_plural(row->packs),
		 cmd_bytes(row->pack_bytes, bytes));
	add_reach(out, row);
	add_waiting(out, row);
}

static void add_json_text(struct str *out, const char *name, const char *text)
{
	str_addf(out, ", \"%s\": ", name);
	cmd_json_text(out, VIEW(text));
}

static void add_json_number(struct str *out, const char *name, uint64_t n)
{
	str_addf(out, ", \"%s\": %llu", name, (unsigned long long)n);
}

void medium_row_json(struct str *out, const struct medium_row *row)
{
	str_addf(out, "{\"medium\": %u, \"type\": \"%s\", \"state\": \"%s\", \"active\": %s",
		 row->medium, row->type, states[row->state], row->active ? "true" : "false");
	add_json_text(out, "location", row->location);
	add_json_text(out, "user", row->user);
	if (row->redirect != 0)
		add_json_number(out, "redirect", row->redirect);
	str_addf(out, ", \"answers\": %s", answers[row->answers]);
	add_json_number(out, "since", (uint64_t)row->since_s);
	add_json_number(out, "asked", (uint64_t)row->asked_s);
	add_json_text(out, "trouble", row->trouble);
	add_json_number(out, "free", row->free_bytes);
	add_json_number(out, "total", row->total_bytes);
	add_json_number(out, "packs", row->packs);
	add_json_number(out, "bytes", row->pack_bytes);
	add_json_number(out, "waiting_packs", row->waiting_packs);
	add_json_number(out, "waiting_bytes", row->waiting_bytes);
	add_json_number(out, "waiting_since", (uint64_t)row->waiting_since_s);
	str_addc(out, '}');
}

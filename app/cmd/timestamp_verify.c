/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/timestamp_priv.h"
#include "base/clock.h"
#include "tsa/proof_folder.h"
#include "tsa/prove.h"

#include <unistd.h>

static const char *state_text(enum proof_state state)
{
	static const char *const texts[] = {"good", "waiting", "erased", "broken"};

	return texts[state];
}

/* ---- one mail ---- */

static int print_proof_json(const struct proof *p, const char *id)
{
	CLEAN_STR out = STR_INIT;

	str_addf(&out,
		 "{\"id\": \"%s\", \"proof\": \"%s\", \"timestamp\": %llu, \"renewals\": %zu, ", id,
		 state_text(p->state), (unsigned long long)p->stamp, p->renewals);
	if (p->proved_ms != 0) {
		str_adds(&out, "\"since\": \"");
		clock_add_utc(&out, p->proved_ms / 1000);
		str_adds(&out, "\", ");
	}
	if (p->authority != NULL) {
		str_adds(&out, "\"authority\": ");
		cmd_json_text(&out, VIEW(p->authority));
		str_adds(&out, ", ");
	}
	str_addf(&out, "\"request\": %llu, \"text\": ", (unsigned long long)p->request);
	cmd_json_text(&out, VIEW(p->text));
	str_adds(&out, "}\n");
	return cmd_print(&out);
}

static int print_proof_text(const struct proof *p, const char *id)
{
	CLEAN_STR out = STR_INIT;

	str_addf(&out, "%s: ", id);
	str_addsafe(&out, VIEW(p->text), false);
	if (p->later_sightings_waiting > 0)
		str_addf(&out, "; %llu later sighting%s of it wait for the next one",
			 (unsigned long long)p->later_sightings_waiting,
			 cmd_plural(p->later_sightings_waiting));
	str_addc(&out, '\n');
	return cmd_print(&out);
}

static int broken(const struct cmd *cmd)
{
	if (!cmd->json)
		fputs("The mail is given out as it is; but that it is unchanged is not proved. "
		      "\"sealpost "
		      "verify\" tells whether it is still what was archived; a backup of the "
		      "catalog may "
		      "have the evidence as it was.\n",
		      stderr);
	return EXIT_FAILED;
}

static int verify_one(struct cmd *cmd, struct archive *a, int64_t at_s)
{
	CLEAN(arena) arena = arena_new();
	struct proof proof;
	struct uuid id;
	struct err err = {0};

	if (uuid_read(VIEW(cmd->argv[1]), &id) < 0)
		return cmd_usage(cmd, "\"%s\" is no id of a mail", cmd->argv[1]);
	if (prove_mail(a, &id, at_s, arena, &proof, &err) < 0)
		return cmd_fail(cmd, &err);
	if ((cmd->json ? print_proof_json : print_proof_text)(&proof, cmd->argv[1]) < 0)
		return EXIT_FAILED;
	return proof.state == PROOF_BROKEN ? broken(cmd) : EXIT_DONE;
}

/* ---- all ---- */

struct watching {
	struct cmd *cmd;
	bool bar;
};

static void tell_finding(void *arg, uint64_t stamp, const struct uuid *mail, const char *text)
{
	struct watching *w = arg;
	CLEAN_STR out = STR_INIT;
	char id[UUID_TEXT + 1] = "";

	if (mail != NULL)
		uuid_text(mail, id);
	if (w->bar)
		fputs("\r\033[K", stderr);
	if (w->cmd->json) {
		str_addf(&out, "{\"finding\": ");
		cmd_json_text(&out, VIEW(text));
		str_addf(&out, ", \"timestamp\": %llu, \"mail\": \"%s\"}\n",
			 (unsigned long long)stamp, id);
	} else {
		if (stamp != 0)
			str_addf(&out, "timestamp %llu: ", (unsigned long long)stamp);
		if (mail != NULL)
			str_addf(&out, "mail %s: ", id);
		str_addsafe(&out, VIEW(text), false);
		str_addc(&out, '\n');
	}
	cmd_print(&out);
}

static void draw(void *arg, const struct prove_report *report, uint64_t total)
{
	struct watching *w = arg;

	if (w->bar)
		fprintf(stderr, "\r\033[K%llu of %llu mails", (unsigned long long)report->mails,
			(unsigned long long)total);
}

static void print_report(const struct cmd *cmd, const struct prove_report *r)
{
	if (cmd->json)
		printf("{\"timestamps\": %llu, \"mails\": %llu, \"erased\": %llu, \"waiting\": "
		       "%llu, "
		       "\"left_out\": %llu, \"findings\": %llu}\n",
		       (unsigned long long)r->stamps, (unsigned long long)r->mails,
		       (unsigned long long)r->erased, (unsigned long long)r->waiting,
		       (unsigned long long)r->left_out, (unsigned long long)r->findings);
	else
		printf("%llu mail%s proved by %llu timestamp%s, %llu erased, %llu waiting for one, "
		       "%llu left out; %s\n",
		       (unsigned long long)r->mails, cmd_plural(r->mails),
		       (unsigned long long)r->stamps, cmd_plural(r->stamps),
		       (unsigned long long)r->erased, (unsigned long long)r->waiting,
		       (unsigned long long)r->left_out,
		       r->findings > 0 ? "what is wrong stands above" : "nothing is wrong");
}

static int verify_all_mails(struct cmd *cmd, struct archive *a, int64_t at_s)
{
	struct watching w = {cmd, isatty(STDERR_FILENO) && !cmd->json};
	const struct prove_watch watch = {&w, tell_finding, draw, cmd_stop};
	struct prove_report r;
	struct err err = {0};
	int rc;

	cmd_catch_stop();
	rc = prove_all(a, at_s, &watch, &r, &err);
	if (w.bar)
		fputs("\r\033[K", stderr);
	if (rc < 0)
		return cmd_fail(cmd, &err);
	print_report(cmd, &r);
	return r.findings > 0 ? EXIT_FAILED : r.left_out > 0 ? EXIT_REFUSED : EXIT_DONE;
}

int timestamp_verify(struct cmd *cmd, struct archive *a, const struct timestamp_options *o)
{
	int64_t at_s = clock_s();

	if (o->at != NULL && cmd_date(o->at, &at_s) < 0)
		return cmd_usage(cmd, "\"%s\" is no date: 2026, 2026-11 or 2026-11-22", o->at);
	if (o->all != (cmd->argc == 1) || cmd->argc > 2)
		return cmd_usage(cmd, "give one id, or --all");
	return o->all ? verify_all_mails(cmd, a, at_s) : verify_one(cmd, a, at_s);
}

/* ---- giving a proof away ---- */

int timestamp_export(struct cmd *cmd, struct archive *a, const struct timestamp_options *o)
{
	struct uuid id;
	struct err err = {0};

	if (cmd->argc != 2 || o->to == NULL)
		return cmd_usage(cmd, "give one id, and a folder --to");
	if (uuid_read(VIEW(cmd->argv[1]), &id) < 0)
		return cmd_usage(cmd, "\"%s\" is no id of a mail", cmd->argv[1]);
	if (proof_folder_write(a, &id, o->to, &err) < 0)
		return cmd_fail(cmd, &err);
	cmd_audit_line(a, AUDIT_PROVED, cmd->argv[1], o->to);
	if (cmd->json)
		printf("{\"exported\": \"%s\"}\n", cmd->argv[1]);
	else
		printf("The mail and its proof are in %s; README.txt there tells how anybody "
		       "checks it. "
		       "sealpost-verify does it, too.\n",
		       o->to);
	return EXIT_DONE;
}

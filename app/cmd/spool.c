/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/spool.h"

#include "app/cmd/cmd.h"
#include "app/cmd/mail_queue.h"
#include "app/postfix/doors.h"
#include "base/clock.h"

/* Those that wait for somebody come first. */
static const enum spool_state states[] = {SPOOL_STUCK, SPOOL_READY, SPOOL_PENDING};
enum { STATES = sizeof(states) / sizeof(*states) };

static struct view why_of(const struct spool_item *item)
{
	return item->why.data ? item->why : VIEW("");
}

static void print_item(const struct cmd *cmd, enum spool_state state, const struct spool_item *item)
{
	CLEAN_STR line = STR_INIT;
	int64_t age_s = clock_s() - uuid_ms(&item->id) / 1000;
	char id[UUID_TEXT + 1], bytes[32];

	if (cmd->json) {
		str_addf(&line,
			 "{\"id\": \"%s\", \"state\": \"%s\", \"age_s\": %lld, \"bytes\": %llu, "
			 "\"reason\": ",
			 uuid_text(&item->id, id), spool_state_text(state), (long long)age_s,
			 (unsigned long long)item->size_bytes);
		cmd_json_text(&line, why_of(item));
		str_adds(&line, "}\n");
	} else {
		str_addf(&line, "%s  %-7s  %lld s  %s", uuid_text(&item->id, id),
			 spool_state_text(state), (long long)age_s,
			 cmd_bytes(item->size_bytes, bytes));
		if (item->why.len > 0) {
			str_adds(&line, "  ");
			str_addsafe(&line, item->why, false);
		}
		str_addc(&line, '\n');
	}
	cmd_print(&line);
}

static int list_state(const struct cmd *cmd, struct spool *spool, enum spool_state state,
		      struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct uuid *ids;
	size_t n;

	if (spool_list(spool, state, 0, arena, &ids, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct spool_item item;
		int rc = spool_look(spool, state, &ids[i], arena, &item, err);

		if (rc < 0)
			return -1;
		if (rc > 0) /* 0: it has left meanwhile */
			print_item(cmd, state, &item);
	}
	return 0;
}

static int list(struct cmd *cmd, struct spool *spool, struct err *err)
{
	for (size_t i = 0; i < STATES; i++)
		if (list_state(cmd, spool, states[i], err) < 0)
			return cmd_fail(cmd, err);
	return EXIT_DONE;
}

/* In which state is the entry with this id? ERR_NOTFOUND: in none. */
static int find(struct spool *spool, const char *text, struct arena *arena,
		enum spool_state *state_r, struct spool_item *item_r, struct err *err)
{
	struct uuid id;
	int rc = 0;

	if (strlen(text) != UUID_TEXT || uuid_read(VIEW(text), &id) < 0)
		return err_set(err, ERR_SYNTAX, "\"%s\" is no id; spool list shows the ids", text);
	for (size_t i = 0; i < STATES && rc == 0; i++) {
		*state_r = states[i];
		rc = spool_look(spool, states[i], &id, arena, item_r, err);
	}
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "%s: there is no such entry in the spool", text);
	return rc < 0 ? -1 : 0;
}

struct field {
	const char *name;
	struct view value;
};

static void print_field(const struct cmd *cmd, struct str *out, const struct field *field)
{
	if (cmd->json) {
		str_addf(out, ", \"%s\": ", field->name);
		cmd_json_text(out, field->value);
	} else if (field->value.len > 0) {
		str_addf(out, "%-13s ", field->name);
		str_addsafe(out, field->value, false);
		str_addc(out, '\n');
	}
}

static void print_recipients(const struct cmd *cmd, struct str *out, const struct envelope *env)
{
	if (cmd->json)
		str_adds(out, ", \"recipients\": [");
	for (size_t i = 0; i < env->recipients.n; i++) {
		if (cmd->json) {
			str_adds(out, i > 0 ? ", " : "");
			cmd_json_text(out, env->recipients.v[i]);
		} else {
			print_field(cmd, out, &(struct field){"recipient", env->recipients.v[i]});
		}
	}
	if (cmd->json)
		str_adds(out, "]");
}

static void print_envelope(const struct cmd *cmd, enum spool_state state,
			   const struct spool_item *item, const struct envelope *env)
{
	CLEAN_STR out = STR_INIT;
	CLEAN_STR seen = STR_INIT;
	char id[UUID_TEXT + 1];

	clock_add_utc(&seen, env->seen_ms / 1000);
	uuid_text(&item->id, id);
	const struct field fields[] = {
		{"state", VIEW(spool_state_text(state))},
		{"reason", why_of(item)},
		{"door", VIEW(door_text(env->door))},
		{"source", env->source},
		{"seen", str_view(&seen)},
		{"reverse_path", env->reverse_path},
		{"queue_id", env->queue_id},
		{"client_name", env->client_name},
		{"client_addr", env->client_addr},
		{"helo", env->helo},
		{"login", env->login},
		{"marks", VIEW(env->spam ? "spam" : "")},
	};
	str_addf(&out, cmd->json ? "{\"id\": \"%s\"" : "id            %s\n", id);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		print_field(cmd, &out, &fields[i]);
	print_recipients(cmd, &out, env);
	if (cmd->json)
		str_adds(&out, "}\n");
	cmd_print(&out);
}

static int show(struct cmd *cmd, struct spool *spool, struct err *err)
{
	CLEAN(keyring) keys = NULL;
	CLEAN(secret) private = NULL;
	CLEAN(x25519) pair = NULL;
	CLEAN(arena) arena = arena_new();
	enum spool_state state;
	struct spool_item item;
	struct envelope env;

	if (find(spool, cmd->argv[1], arena, &state, &item, err) < 0)
		return cmd_fail(cmd, err);
	if (keyring_open(cmd->archive_dir, &keys, err) < 0)
		return cmd_fail(cmd, err);
	private = keyring_derive(keys, KEY_USE_SPOOL, VIEW(""));
	pair = x25519_new(private);
	if (spool_read(spool, state, &item.id, pair, 0, NULL, arena, &env, err) < 0)
		return cmd_fail(cmd, err);
	print_envelope(cmd, state, &item, &env);
	return EXIT_DONE;
}

static int retry_one(struct spool *spool, const char *text, struct arena *arena, struct err *err)
{
	enum spool_state state;
	struct spool_item item;

	if (find(spool, text, arena, &state, &item, err) < 0)
		return -1;
	if (state != SPOOL_STUCK)
		return err_set(err, ERR_USAGE, "%s is not stuck, but %s", text,
			       spool_state_text(state));
	return spool_retry(spool, &item.id, err);
}

static int drop_one(const struct cmd *cmd, struct spool *spool, const char *text,
		    struct arena *arena, struct err *err)
{
	enum spool_state state;
	struct spool_item item;

	if (find(spool, text, arena, &state, &item, err) < 0 ||
	    spool_drop(spool, state, &item.id, err) < 0)
		return -1;
	print_item(cmd, state, &item);
	return 0;
}

static int each(struct cmd *cmd, struct spool *spool, bool drop)
{
	CLEAN(arena) arena = arena_new();
	int failed = 0;

	for (int i = 1; i < cmd->argc; i++) {
		struct err err = {0};
		int rc = drop ? drop_one(cmd, spool, cmd->argv[i], arena, &err)
			      : retry_one(spool, cmd->argv[i], arena, &err);

		if (rc < 0) {
			cmd_fail(cmd, &err);
			failed++;
		}
	}
	if (failed == 0)
		return EXIT_DONE;
	return failed == cmd->argc - 1 ? EXIT_FAILED : EXIT_REFUSED;
}

/* The queue of the Postfix that is hooked; else of the machine's. Of another one's queue each mail would seem to be gone. */
static int find_postqueue(const struct cmd *cmd, struct str *command, struct err *err)
{
	CLEAN(doors_of) of = NULL;

	if (doors_of_read(cmd->archive_dir, &of, err) < 0)
		return -1;
	str_adds(command, "postqueue");
	if (of->config_dir[0] != '\0' && strchr(of->config_dir, '\'') == NULL)
		str_addf(command, " -c '%s'", of->config_dir);
	str_adds(command, " -j");
	return 0;
}

static bool is_queued(void *arg, struct view queue_id)
{
	return mail_queue_has(arg, queue_id);
}

static void tell_expired(const struct cmd *cmd, size_t dropped, bool asked)
{
	CLEAN_STR line = STR_INIT;

	str_addf(&line,
		 cmd->json ? "{\"dropped\": %zu, \"queue_asked\": %s}\n"
			   : "%zu captures of mail that was never delivered dropped\n",
		 dropped, asked ? "true" : "false");
	cmd_print(&line);
}

/* Does any capture wait to hear from the mail server? */
static bool is_any_pending(struct spool *spool)
{
	CLEAN(arena) arena = arena_new();
	struct err err = {0};
	struct uuid *ids;
	size_t n;

	return spool_list(spool, SPOOL_PENDING, 1, arena, &ids, &n, &err) < 0 || n > 0;
}

static int tell_unasked(const struct err *asking, int64_t keep_s)
{
	fprintf(stderr,
		"The mail server's queue is not known: %s\nNo mail is lost: captures of mail that "
		"was "
		"rejected stay for %lld days. --postqueue names the command that shows the "
		"queue.\n",
		asking->text, (long long)keep_s / 86400);
	return EXIT_REFUSED;
}

/* Without word of the queue only what nobody can wait for any more goes. */
static int expire(struct cmd *cmd, struct spool *spool, const char *postqueue, struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN(mail_queue) queue = NULL;
	struct spool_expiry expiry = {0};
	struct err asking = {0};
	size_t dropped;

	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	expiry.keep_s = (int64_t)archive_settings(a)->pending_keep_s;
	expiry.keep_filtered_s = (int64_t)archive_settings(a)->pending_keep_filtered_s;
	if (mail_queue_read(postqueue, &queue, &asking) == 0) {
		expiry.queued = is_queued;
		expiry.arg = queue;
	}
	if (spool_expire(spool, &expiry, &dropped, err) < 0)
		return cmd_fail(cmd, err);
	tell_expired(cmd, dropped, queue != NULL);
	if (queue == NULL && is_any_pending(spool))
		return tell_unasked(&asking, expiry.keep_filtered_s);
	return EXIT_DONE;
}

int cmd_spool(struct cmd *cmd)
{
	const char *postqueue = NULL;
	const struct option_row rows[] = {{"postqueue", OPTION_TEXT, &postqueue}, {0}};
	CLEAN(spool) spool = NULL;
	CLEAN_STR found = STR_INIT;
	struct err err = {0};
	const char *what;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	what = cmd->argc > 0 ? cmd->argv[0] : "";
	if (!((strcmp(what, "list") == 0 || strcmp(what, "expire") == 0) && cmd->argc == 1) &&
	    !(strcmp(what, "show") == 0 && cmd->argc == 2) &&
	    !((strcmp(what, "retry") == 0 || strcmp(what, "drop") == 0) && cmd->argc >= 2))
		return cmd_usage(cmd, "say what to do, and with which entries");
	if (spool_open(cmd->archive_dir, &spool, &err) < 0)
		return cmd_fail(cmd, &err);
	if (strcmp(what, "list") == 0)
		return list(cmd, spool, &err);
	if (strcmp(what, "show") == 0)
		return show(cmd, spool, &err);
	if (strcmp(what, "expire") == 0 && postqueue == NULL &&
	    find_postqueue(cmd, &found, &err) < 0)
		return cmd_fail(cmd, &err);
	if (strcmp(what, "expire") == 0)
		return expire(cmd, spool, postqueue ? postqueue : found.data, &err);
	return each(cmd, spool, strcmp(what, "drop") == 0);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/cli.h"

enum { OUTPUT_MAX = 4 * 1024 * 1024 };

static enum err_kind kind_of(struct view code)
{
	static const enum err_kind kinds[] = {
#define X(kind, ...) ERR_##kind,
		ERR_KINDS(X)
#undef X
	};

	for (size_t i = 1; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (view_eq(code, VIEW(err_code(kinds[i]))))
			return kinds[i];
	return ERR_IO;
}

/* {"error": CODE, "text": ...}, the last line. */
static int take_error(struct api_request *r, struct view output, struct err *err)
{
	struct view line, last = VIEW(""), code, text;
	struct json_object *object;

	while (view_cut(&output, '\n', &line))
		if (line.len > 0)
			last = arena_view(r->arena, line);
	object = json_tokener_parse(last.data);
	if (!json_object_is_type(object, json_type_object) ||
	    json_text(object, "error", 1, 100, &code, err) <= 0 ||
	    json_text(object, "text", 0, 4096, &text, err) < 0)
		err_set(err, ERR_IO, "%.*s", (int)(last.len < 400 ? last.len : 400), last.data);
	else
		err_set(err, kind_of(code), "%.*s", (int)(text.len < 400 ? text.len : 400),
			text.data);
	json_object_put(object);
	return -1;
}

static int on_end(struct api_request *r, void *arg, bool late, int status, struct view output,
		  struct err *err)
{
	const struct cli *cli = arg;

	if (late)
		err_set(err, ERR_TIMEOUT, "it took too long");
	else if (status != 0)
		take_error(r, output, err);
	else
		return cli->then(r, cli->arg, output, err);
	return cli->failed != NULL ? cli->failed(r, cli->arg, output, err) : -1;
}

int cli_run(struct api_request *r, const struct cli *cli, struct err *err)
{
	struct cli *kept = arena_get(r->arena, sizeof(*kept));
	const char **args = arena_get(r->arena, (CLI_ARGS_MAX + 4) * sizeof(*args));
	struct child_call call = {.name = "",
				  .args = args,
				  .input = cli->handed,
				  .by_pipe = true,
				  .max_output = OUTPUT_MAX,
				  .timeout_ms = cli->timeout_ms};

	*kept = *cli;
	args[0] = "--archive";
	args[1] = r->archive_dir;
	args[2] = "--json";
	for (size_t i = 0; i < CLI_ARGS_MAX && cli->args[i] != NULL; i++)
		args[3 + i] = cli->args[i];
	return child_run(r, &call, on_end, kept, err);
}

int reply_tested(struct api_request *r, const struct err *found, const char *text)
{
	struct json_object *body = json_object_new_object();
	CLEAN_STR words = STR_INIT;

	json_set_flag(body, "ok", found->kind == ERR_NONE);
	if (found->kind == ERR_NONE) {
		json_set_text(body, "text", VIEW(text));
	} else {
		str_addf(&words, "%s. %s", found->text, err_sentence(found->kind));
		json_set_text(body, "text", str_view(&words));
		json_set_text(body, "code", VIEW(err_code(found->kind)));
	}
	return reply_json(r, 200, body);
}

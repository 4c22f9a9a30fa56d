/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/postfix/state.h"

#include "base/conf.h"
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

#define STATE_FILE "sealpost.state"
#define STATE_HEAD "sealpost-postfix 1"
enum { STATE_MAX_BYTES = 32 * 1024 * 1024, PARTS = 7 };

struct part {
	const char *name;
	struct str *text;
};

static void list_parts(struct hook_state *s, struct part parts[PARTS])
{
	const struct part all[PARTS] = {{"archive", &s->archive},
					{"domain", &s->domain},
					{"back", &s->back},
					{"main.cf-before", &s->before.main},
					{"master.cf-before", &s->before.master},
					{"main.cf-after", &s->after.main},
					{"master.cf-after", &s->after.master}};

	memcpy(parts, all, sizeof(all));
}

struct hook_state *hook_state_new(void)
{
	struct hook_state *s = mem_new(sizeof(*s));
	struct part parts[PARTS];

	list_parts(s, parts);
	for (size_t i = 0; i < PARTS; i++)
		str_init(parts[i].text);
	return s;
}

void hook_state_free(struct hook_state **state)
{
	struct part parts[PARTS];

	if (*state == NULL)
		return;
	list_parts(*state, parts);
	for (size_t i = 0; i < PARTS; i++)
		str_clear(parts[i].text);
	free(*state);
	*state = NULL;
}

void hook_state_write(const struct hook_state *state, struct str *out)
{
	struct part parts[PARTS];

	list_parts((struct hook_state *)state, parts);
	str_adds(out, STATE_HEAD "\n");
	for (size_t i = 0; i < PARTS; i++) {
		str_addf(out, "%s %zu\n", parts[i].name, parts[i].text->len);
		str_addv(out, str_view(parts[i].text));
		str_addc(out, '\n');
	}
}

static int parse_part(struct view *rest, const struct part *part, struct err *err)
{
	CLEAN_STR number = STR_INIT;
	struct view line, name, bytes;
	uint64_t len;

	if (!view_cut(rest, '\n', &line) || !view_cut(&line, ' ', &name) ||
	    !view_eq(name, VIEW(part->name)))
		return err_set(err, ERR_DAMAGED, "its part %s is missing", part->name);
	str_addv(&number, line);
	if (conf_number(number.data, &len) < 0 || len >= rest->len ||
	    view_bytes(rest, (size_t)len, &bytes) < 0 || rest->len == 0 || *rest->data != '\n')
		return err_set(err, ERR_DAMAGED, "its part %s is cut", part->name);
	rest->data++;
	rest->len--;
	str_addv(part->text, bytes);
	return 0;
}

int hook_state_parse(struct view text, struct hook_state **state_r, struct err *err)
{
	CLEAN(hook_state) s = hook_state_new();
	struct part parts[PARTS];
	struct view head;

	if (!view_cut(&text, '\n', &head) || !view_starts(head, "sealpost-postfix "))
		return err_set(err, ERR_DAMAGED, "it does not begin as it should");
	if (!view_eq(head, VIEW(STATE_HEAD)))
		return err_set(err, ERR_VERSION, "it is of a newer kind");
	list_parts(s, parts);
	for (size_t i = 0; i < PARTS; i++)
		if (parse_part(&text, &parts[i], err) < 0)
			return -1;
	*state_r = TAKE(s);
	return 0;
}

static void add_path(const char *config_dir, struct str *path)
{
	str_addf(path, "%s/" STATE_FILE, config_dir);
}

int hook_state_load(const char *config_dir, struct hook_state **state_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR text = STR_INIT;

	add_path(config_dir, &path);
	if (access(path.data, F_OK) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "%s: %m", path.data);
	if (file_read(path.data, STATE_MAX_BYTES, &text, err) < 0)
		return -1;
	return hook_state_parse(str_view(&text), state_r, err) < 0 ? err_add(err, "%s", path.data)
								   : 1;
}

int hook_state_store(const char *config_dir, const struct hook_state *state, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR text = STR_INIT;

	add_path(config_dir, &path);
	hook_state_write(state, &text);
	return config_place(path.data, 0600, str_view(&text), err);
}

int hook_state_remove(const char *config_dir, struct err *err)
{
	CLEAN_STR path = STR_INIT;

	add_path(config_dir, &path);
	if (unlink(path.data) < 0 && errno != ENOENT)
		return err_errno(err, "%s: %m", path.data);
	return dir_sync_parent(path.data, err);
}

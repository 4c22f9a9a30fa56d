/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/postfix/reading.h"

#include "app/postfix/command.h"

static struct postfix_setting *find(const struct postfix_reading *r, const char *service,
				    const char *name)
{
	for (size_t i = 0; i < r->settings.n; i++) {
		struct postfix_setting *s = &r->settings.v[i];

		if (strcmp(s->name, name) == 0 &&
		    (service == NULL ? s->service == NULL
				     : s->service != NULL && strcmp(s->service, service) == 0))
			return s;
	}
	return NULL;
}

/* "name = value" of main.cf, "service/type/name = value" of master.cf. */
static bool cut_line(struct arena *arena, struct view line, bool of_service,
		     struct postfix_setting *setting_r)
{
	const char *equals = memchr(line.data, '=', line.len), *slash;
	struct view name, value;

	if (equals == NULL)
		return false;
	name = view_trim((struct view){line.data, (size_t)(equals - line.data)});
	value = view_trim((struct view){equals + 1, line.len - (size_t)(equals - line.data) - 1});
	*setting_r = (struct postfix_setting){.value = arena_strn(arena, value.data, value.len)};
	slash = of_service ? memrchr(name.data, '/', name.len) : NULL;
	if (of_service && slash == NULL)
		return false;
	if (of_service) {
		setting_r->service = arena_strn(arena, name.data, (size_t)(slash - name.data));
		name = (struct view){slash + 1, name.len - (size_t)(slash - name.data) - 1};
	}
	setting_r->name = arena_strn(arena, name.data, name.len);
	setting_r->means = setting_r->value;
	return true;
}

enum how { AS_WRITTEN, AS_SET, AS_MEANT };

static void take_line(struct arena *arena, struct postfix_reading *r,
		      const struct postfix_setting *setting, enum how how)
{
	struct postfix_setting *known = find(r, setting->service, setting->name);

	/* postconf tells it for its option -c, set or not */
	if (strcmp(setting->name, "config_directory") == 0)
		return;
	if (known == NULL && how == AS_WRITTEN)
		ARENA_PUSH(arena, r->settings, *setting);
	if (known != NULL && how == AS_SET)
		known->is_set = true;
	if (known != NULL && how == AS_MEANT)
		known->means = setting->value;
}

/* OPTIONS (NULL: none) are postconf's, and say HOW it tells the values. */
static int read_settings(const char *dir, const char *options, enum how how, struct arena *arena,
			 struct postfix_reading *r, struct err *err)
{
	const bool of_services = options != NULL && strchr(options, 'P') != NULL;
	const char *argv[] = {"postconf", "-c", dir, options, NULL};
	CLEAN_STR out = STR_INIT;
	struct view rest, line;

	if (command_must(argv, &out, err) < 0)
		return -1;
	rest = str_view(&out);
	while (rest.len > 0 && view_cut(&rest, '\n', &line)) {
		struct postfix_setting setting;

		if (!cut_line(arena, line, of_services, &setting))
			continue;
		setting.is_set = of_services;
		take_line(arena, r, &setting, how);
	}
	return 0;
}

/* Parameters of somebody's own are told by -n only. */
static int read_main(const char *dir, struct arena *arena, struct postfix_reading *r,
		     struct err *err)
{
	return read_settings(dir, "-n", AS_WRITTEN, arena, r, err) < 0 ||
			       read_settings(dir, "-n", AS_SET, arena, r, err) < 0 ||
			       read_settings(dir, NULL, AS_WRITTEN, arena, r, err) < 0 ||
			       read_settings(dir, "-x", AS_MEANT, arena, r, err) < 0 ||
			       read_settings(dir, "-nx", AS_MEANT, arena, r, err) < 0
		       ? -1
		       : 0;
}

static bool cut_word(struct view *rest, struct view *word_r)
{
	while (rest->len > 0 && (*rest->data == ' ' || *rest->data == '\t')) {
		rest->data++;
		rest->len--;
	}
	return rest->len > 0 && view_cut(rest, ' ', word_r);
}

/* service type private unpriv chroot wakeup maxproc command; what continues a line begins with white space. */
static void take_service(struct arena *arena, struct postfix_reading *r, struct view line)
{
	struct postfix_service service = {0};
	struct view word[8];

	if (line.len == 0 || *line.data == ' ')
		return;
	for (size_t i = 0; i < 8; i++)
		if (!cut_word(&line, &word[i]))
			return;
	service.address = arena_strn(arena, word[0].data, word[0].len);
	service.type = arena_strn(arena, word[1].data, word[1].len);
	service.id = arena_f(arena, "%s/%s", service.address, service.type);
	service.chroot = *word[4].data;
	service.program = arena_strn(arena, word[7].data, word[7].len);
	ARENA_PUSH(arena, r->services, service);
}

static int read_services(const char *dir, struct arena *arena, struct postfix_reading *r,
			 struct err *err)
{
	const char *argv[] = {"postconf", "-c", dir, "-M", NULL};
	CLEAN_STR out = STR_INIT;
	struct view rest, line;

	if (command_must(argv, &out, err) < 0)
		return -1;
	rest = str_view(&out);
	while (rest.len > 0 && view_cut(&rest, '\n', &line))
		take_service(arena, r, line);
	if (r->services.n == 0)
		return err_set(err, ERR_SYNTAX, "%s/master.cf has no service", dir);
	return read_settings(dir, "-P", AS_WRITTEN, arena, r, err) < 0 ||
			       read_settings(dir, "-Px", AS_MEANT, arena, r, err) < 0
		       ? -1
		       : 0;
}

int postfix_read(const char *config_dir, struct arena *arena, struct postfix_reading *reading_r,
		 struct err *err)
{
	*reading_r = (struct postfix_reading){0};
	return read_main(config_dir, arena, reading_r, err) < 0 ||
			       read_services(config_dir, arena, reading_r, err) < 0
		       ? -1
		       : 0;
}

const char *postfix_value(const struct postfix_reading *reading, const char *name)
{
	const struct postfix_setting *setting = find(reading, NULL, name);

	return setting != NULL ? setting->value : "";
}

const char *postfix_means(const struct postfix_reading *reading, const char *name)
{
	const struct postfix_setting *setting = find(reading, NULL, name);

	return setting != NULL ? setting->means : "";
}

const char *postfix_written(const struct postfix_reading *reading, const char *service,
			    const char *name)
{
	const struct postfix_setting *setting = find(reading, service, name);

	return setting != NULL && setting->is_set ? setting->value : NULL;
}

const char *postfix_holds(const struct postfix_reading *reading, const char *service,
			  const char *name)
{
	const struct postfix_setting *own = find(reading, service, name);

	return own != NULL ? own->means : postfix_means(reading, name);
}

const struct postfix_service *postfix_find_service(const struct postfix_reading *reading,
						   const char *id)
{
	for (size_t i = 0; i < reading->services.n; i++)
		if (strcmp(reading->services.v[i].id, id) == 0)
			return &reading->services.v[i];
	return NULL;
}

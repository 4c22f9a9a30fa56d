/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/conf_edit.h"

#include "base/file.h"

#include <errno.h>
#include <sys/stat.h>

enum { CONF_MAX_BYTES = 1024 * 1024, MODE = 0640 };

static bool is_line(struct view value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.data[i] < ' ' || value.data[i] == '#')
			return false;
	return true;
}

static bool sets(struct view line, const char *name)
{
	struct view left;

	return view_cut(&line, '=', &left) && view_eq(view_trim(left), VIEW(name));
}

static int read_old(const char *path, struct str *old, mode_t *mode_r, struct err *err)
{
	struct stat st;

	*mode_r = MODE;
	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "%s: %m", path);
	*mode_r = st.st_mode & 0777;
	return file_read(path, CONF_MAX_BYTES, old, err);
}

int conf_edit(const char *path, const char *name, const struct view *values, size_t n,
	      struct err *err)
{
	CLEAN_STR old = STR_INIT;
	CLEAN_STR new = STR_INIT;
	struct view rest, line;
	mode_t mode;

	for (size_t i = 0; i < n; i++)
		if (!is_line(values[i]))
			return err_set(err, ERR_SYNTAX, "%s takes no control characters and no #",
				       name);
	if (read_old(path, &old, &mode, err) < 0)
		return -1;
	rest = str_view(&old);
	while (rest.len > 0 && view_cut(&rest, '\n', &line))
		if (!sets(line, name)) {
			str_addv(&new, line);
			str_addc(&new, '\n');
		}
	for (size_t i = 0; i < n; i++)
		str_addf(&new, "%s = %.*s\n", name, (int)values[i].len, values[i].data);
	return file_replace(path, mode, str_view(&new), err);
}

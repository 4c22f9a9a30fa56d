/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/renewed.h"

void renewed_add(struct renewed *r, const char *path)
{
	struct renewed_file *file = &r->file[r->n];

	if (path[0] == '\0')
		return;
	must(r->n++ < RENEWED_MAX);
	file->path = mem_strdup(path);
	file_mark_look(&file->mark, path);
}

void renewed_clear(struct renewed *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->file[i].path);
	*r = (struct renewed){0};
}

bool renewed_look(struct renewed *r)
{
	bool moved = false, settled;

	for (size_t i = 0; i < r->n; i++)
		moved = file_mark_look(&r->file[i].mark, r->file[i].path) || moved;
	settled = r->moving && !moved;
	r->moving = moved;
	return settled;
}

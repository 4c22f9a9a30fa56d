/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/room.h"

#include "base/file.h"

struct room {
	char *dir;
	uint64_t own; /* bytes that are taken of the worker's own */
};

struct room_share {
	struct room *room;
	uint64_t own;
	int units[ROOM_UNITS]; /* locks; -1: not this one */
};

struct room *room_new(const char *archive_dir)
{
	struct room *room = mem_new(sizeof(*room));

	room->dir = mem_strdup(archive_dir);
	return room;
}

void room_free(struct room **room)
{
	if (*room == NULL)
		return;
	must((*room)->own == 0);
	free((*room)->dir);
	free(*room);
	*room = NULL;
}

void room_give(struct room_share **share)
{
	struct room_share *s = *share;

	if (s == NULL)
		return;
	s->room->own -= s->own;
	for (size_t i = 0; i < ROOM_UNITS; i++)
		fd_cleanup(&s->units[i]);
	free(s);
	*share = NULL;
}

static struct room_share *new_share(struct room *room)
{
	struct room_share *s = mem_new(sizeof(*s));

	s->room = room;
	for (size_t i = 0; i < ROOM_UNITS; i++)
		s->units[i] = -1;
	return s;
}

/* 1, 0 there are not so many left; -1. */
static int lock_units(struct room_share *s, size_t wanted, struct err *err)
{
	size_t have = 0;

	for (size_t i = 0; i < ROOM_UNITS && have < wanted; i++) {
		CLEAN_STR path = STR_INIT;
		int rc;

		str_addf(&path, "%s/lock/room-%zu", s->room->dir, i);
		rc = file_lock(path.data, &s->units[i], err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			s->units[i] = -1;
		have += rc > 0;
	}
	return have == wanted;
}

static int take_shared(struct room_share *s, uint64_t bytes, struct err *err)
{
	uint64_t wanted = (bytes + ROOM_UNIT - 1) / ROOM_UNIT;
	CLEAN_STR folder = STR_INIT;
	int rc;

	str_addf(&folder, "%s/lock", s->room->dir);
	if (dir_make(folder.data, 0700, err) < 0)
		return -1;
	rc = lock_units(s, wanted < ROOM_UNITS ? (size_t)wanted : ROOM_UNITS, err);
	if (rc < 0)
		return -1;
	return rc > 0 ? 0 : err_set(err, ERR_OVERLOAD, "too many large mails are read just now");
}

int room_take(struct room *room, uint64_t bytes, struct room_share **share_r, struct err *err)
{
	struct room_share *s;

	*share_r = NULL;
	if (bytes < ROOM_SMALL)
		return 0;
	s = new_share(room);
	if (room->own + bytes <= ROOM_OWN) {
		s->own = bytes;
		room->own += bytes;
	} else if (take_shared(s, bytes, err) < 0) {
		room_give(&s);
		return -1;
	}
	*share_r = s;
	return 0;
}

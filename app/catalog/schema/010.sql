-- SPDX-License-Identifier: GPL-3.0-or-later
-- Long work that a person ordered, how far it is, and what came of it.

-- task: UUID. who: as the audit log names him. kind, state: app/catalog/tasks.h. ordered: what exactly, JSON. stop: 1, it is to end.
-- name .. until_s: the result, which lies sealed in tasks/UUID; key: what opens it; NULL: there is none, or it was fetched
CREATE TABLE tasks (
	task    BLOB PRIMARY KEY,
	person  INTEGER NOT NULL,
	who     TEXT NOT NULL,
	kind    INTEGER NOT NULL,
	state   INTEGER NOT NULL,
	ordered TEXT NOT NULL,
	stop    INTEGER NOT NULL DEFAULT 0,
	done    INTEGER NOT NULL DEFAULT 0,
	total   INTEGER NOT NULL DEFAULT 0,
	made_s  INTEGER NOT NULL,
	begun_s INTEGER NOT NULL DEFAULT 0,
	ended_s INTEGER NOT NULL DEFAULT 0,
	text    TEXT NOT NULL DEFAULT '',
	code    TEXT NOT NULL DEFAULT '',
	name    TEXT NOT NULL DEFAULT '',
	type    TEXT NOT NULL DEFAULT '',
	size    INTEGER NOT NULL DEFAULT 0,
	until_s INTEGER NOT NULL DEFAULT 0,
	key     BLOB
) WITHOUT ROWID;
CREATE INDEX tasks_person ON tasks (person, made_s);

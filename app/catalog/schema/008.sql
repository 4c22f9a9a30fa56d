-- SPDX-License-Identifier: GPL-3.0-or-later
-- Notes and categories become a person's own; what was there is the command line's (person 0).
-- tags: categories, one a line

ALTER TABLE notes RENAME TO notes_of_all;
CREATE TABLE notes (
	mail   INTEGER NOT NULL,
	person INTEGER NOT NULL,
	tags   TEXT NOT NULL,
	note   TEXT NOT NULL,
	PRIMARY KEY (mail, person)
) WITHOUT ROWID;
CREATE INDEX notes_person ON notes (person);
INSERT INTO notes SELECT mail, 0, tags, note FROM notes_of_all;
DROP TABLE notes_of_all;

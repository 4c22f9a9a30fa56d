-- SPDX-License-Identifier: GPL-3.0-or-later
-- What became of spool entries, for a while. Unlike the rest, no pack knows it.

CREATE TABLE receipts (
	entry   BLOB PRIMARY KEY,
	outcome INTEGER NOT NULL, -- 1 archived, 2 duplicate, 3 stuck
	mail    BLOB,             -- its id; none if stuck
	made_s  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX receipts_made ON receipts (made_s);

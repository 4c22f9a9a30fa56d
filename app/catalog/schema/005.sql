-- SPDX-License-Identifier: GPL-3.0-or-later
-- Media across a network: how to reach them, how they were found when last asked, and what of the packs they have.

-- state: 1 in use, 2 deactivated (neither written nor asked), 3 removed (it never held anything), 4 redirected: its
-- packs lie on medium `redirect`
ALTER TABLE media ADD COLUMN state INTEGER NOT NULL DEFAULT 1;
ALTER TABLE media ADD COLUMN redirect INTEGER REFERENCES media;
ALTER TABLE media ADD COLUMN user TEXT NOT NULL DEFAULT '';
ALTER TABLE media ADD COLUMN domain TEXT NOT NULL DEFAULT '';
ALTER TABLE media ADD COLUMN password BLOB;
-- answers: 0 never asked, 1 it does, 2 it does not; since when
ALTER TABLE media ADD COLUMN answers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE media ADD COLUMN since_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE media ADD COLUMN asked_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE media ADD COLUMN trouble TEXT NOT NULL DEFAULT '';
ALTER TABLE media ADD COLUMN free_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE media ADD COLUMN total_bytes INTEGER NOT NULL DEFAULT 0;

-- staged: 1, its file is in staging and not, or not all, on the medium
-- shipped: so many bytes of it the medium was given; waits_s: since when there are more than that, 0 there are none
-- hash: SHA-256 of the sealed file, once it was computed of a pack that opened from end to end
ALTER TABLE packs ADD COLUMN staged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE packs ADD COLUMN shipped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE packs ADD COLUMN waits_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE packs ADD COLUMN hash BLOB;
CREATE INDEX packs_staged ON packs (staged) WHERE staged = 1;

-- The place of the mirror: one row, or none.
CREATE TABLE mirror (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	location TEXT NOT NULL,
	user     TEXT NOT NULL,
	domain   TEXT NOT NULL,
	password BLOB
);
-- What arrived there, by the name it has on its medium.
CREATE TABLE mirror_files (
	medium    INTEGER NOT NULL,
	name      TEXT NOT NULL,
	size      INTEGER NOT NULL,
	hash      BLOB,              -- of a file that is complete and was read back
	arrived_s INTEGER NOT NULL,
	checked_s INTEGER NOT NULL,
	PRIMARY KEY (medium, name)
) WITHOUT ROWID;
CREATE INDEX mirror_files_checked ON mirror_files (checked_s);

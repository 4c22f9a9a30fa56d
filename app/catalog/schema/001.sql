-- SPDX-License-Identifier: GPL-3.0-or-later
-- The catalog: what the archive knows of its mails without opening a pack. All of it but settings,
-- media, notes and sources' names can be made again from the packs and the key (sealpost rebuild).

CREATE TABLE settings (
	name  TEXT PRIMARY KEY,
	value BLOB NOT NULL
) WITHOUT ROWID;

-- Numbered media (M1 to M3). A number is never used again.
CREATE TABLE media (
	medium   INTEGER PRIMARY KEY,
	type     TEXT NOT NULL,
	location TEXT NOT NULL,
	active   INTEGER NOT NULL,
	added_s  INTEGER NOT NULL
);

-- state: 1 open (its writer is at work, or died), 2 sealed, 3 void (the number was given, the pack
-- never came to be), 4 replaced (by a pack without the erased records) and to be removed, 5 removed
CREATE TABLE packs (
	pack        INTEGER PRIMARY KEY,
	medium      INTEGER NOT NULL REFERENCES media,
	state       INTEGER NOT NULL,
	length      INTEGER NOT NULL,            -- bytes that are durable and known here
	erased      INTEGER NOT NULL DEFAULT 0,  -- bytes of records that nothing refers to any more
	replaced_by INTEGER REFERENCES packs
);
CREATE INDEX packs_state ON packs (state) WHERE state IN (1, 4);

CREATE TABLE sources (
	source INTEGER PRIMARY KEY,
	name   TEXT NOT NULL UNIQUE
);

-- One row a mail, one mail record in a pack. archived: the time in the UUIDv7.
CREATE TABLE mails (
	mail        INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: the index counts on it
	id          BLOB NOT NULL,     -- UUIDv7
	exact       BLOB NOT NULL,     -- SHA-256 of the captured bytes
	content     BLOB NOT NULL,     -- content identity
	msgid       INTEGER,           -- 64 bits of the Message-ID's hash
	pack        INTEGER NOT NULL,
	offset      INTEGER NOT NULL,
	length      INTEGER NOT NULL,  -- of the record
	size        INTEGER NOT NULL,  -- of the captured bytes
	sent_s      INTEGER NOT NULL,  -- Date field, else the time the source had, else of archiving
	marks       INTEGER NOT NULL,  -- 1 attachment, 2 spam, 4 flagged: its Message-ID has other content too
	attachments INTEGER NOT NULL,
	state       INTEGER NOT NULL,  -- 0 live, 1 deleted, 2 deleted and out of the index
	way         INTEGER NOT NULL,  -- first sighting: the way it came, source, place and flags there
	source      INTEGER NOT NULL,
	seen_ms     INTEGER NOT NULL,
	place       TEXT NOT NULL,
	flags       TEXT NOT NULL,
	subject     TEXT NOT NULL,
	sender      TEXT NOT NULL
);
CREATE UNIQUE INDEX mails_id ON mails (id);
CREATE INDEX mails_exact ON mails (substr(exact, 1, 8));
CREATE INDEX mails_content ON mails (substr(content, 1, 8));
CREATE INDEX mails_msgid ON mails (msgid) WHERE msgid IS NOT NULL;
CREATE INDEX mails_deleted ON mails (state) WHERE state > 0;

-- Later sightings of a mail, one row a provenance record.
CREATE TABLE sightings (
	id      BLOB PRIMARY KEY,
	mail    INTEGER NOT NULL,
	exact   BLOB NOT NULL,
	pack    INTEGER NOT NULL,
	offset  INTEGER NOT NULL,
	length  INTEGER NOT NULL,
	way     INTEGER NOT NULL,
	source  INTEGER NOT NULL,
	seen_ms INTEGER NOT NULL,
	place   TEXT NOT NULL,
	flags   TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sightings_mail ON sightings (mail);
CREATE INDEX sightings_exact ON sightings (substr(exact, 1, 8));

CREATE TABLE addresses (
	address INTEGER PRIMARY KEY,
	addr    TEXT NOT NULL UNIQUE
);

-- role: enum role of app/mail/mail.h
CREATE TABLE recipients (
	mail    INTEGER NOT NULL,
	role    INTEGER NOT NULL,
	address INTEGER NOT NULL,
	PRIMARY KEY (mail, role, address)
) WITHOUT ROWID;

-- Parts kept once, by keyed hash, and who uses them.
CREATE TABLE parts (
	part   INTEGER PRIMARY KEY,
	hash   BLOB NOT NULL,
	pack   INTEGER NOT NULL,
	offset INTEGER NOT NULL,
	length INTEGER NOT NULL,
	size   INTEGER NOT NULL
);
CREATE INDEX parts_hash ON parts (substr(hash, 1, 8));
CREATE TABLE mail_parts (
	mail INTEGER NOT NULL,
	part INTEGER NOT NULL,
	PRIMARY KEY (mail, part)
) WITHOUT ROWID;
CREATE INDEX mail_parts_part ON mail_parts (part);

-- Mails whose index entry is older than what the catalog knows of them.
CREATE TABLE index_todo (mail INTEGER PRIMARY KEY);

-- What is left of an erased mail.
CREATE TABLE erased (
	id       BLOB PRIMARY KEY,
	erased_s INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE notes (
	mail INTEGER PRIMARY KEY,
	tags TEXT NOT NULL,
	note TEXT NOT NULL
);

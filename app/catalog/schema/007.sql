-- SPDX-License-Identifier: GPL-3.0-or-later
-- People: who may log in, what belongs to them, and where they are logged in. No pack knows any of it.

-- A person is (source, uid), for ever; its number is never used again. source: enum person_source; role: enum role
-- uid: what the source calls it and never changes (own: the first log-in name); name: to log in with, lower case
-- password: yescrypt; NULL: none, or its source's. state: 1 may log in, 0 may not
-- tied: the person that this one's notes, categories and searches went to; it does not log in any more
CREATE TABLE people (
	person   INTEGER PRIMARY KEY AUTOINCREMENT,
	source   INTEGER NOT NULL,
	uid      TEXT NOT NULL,
	name     TEXT NOT NULL,
	shown    TEXT NOT NULL,
	role     INTEGER NOT NULL,
	password TEXT,
	state    INTEGER NOT NULL,
	tied     INTEGER REFERENCES people,
	language TEXT NOT NULL DEFAULT '',
	theme    TEXT NOT NULL DEFAULT '',
	login_s  INTEGER NOT NULL DEFAULT 0, -- the last log-in; 0 never
	UNIQUE (source, uid)
);
CREATE INDEX people_name ON people (name);
INSERT INTO people (source, uid, name, shown, role, state) VALUES
	(0, 'admin', 'admin', 'admin', 1, 1),
	(0, 'auditor', 'auditor', 'auditor', 2, 1),
	(0, 'revisor', 'revisor', 'revisor', 3, 1),
	(0, 'dataofficer', 'dataofficer', 'dataofficer', 4, 1);

CREATE TABLE person_addresses (
	person INTEGER NOT NULL REFERENCES people,
	addr   TEXT NOT NULL, -- lower case
	PRIMARY KEY (person, addr)
) WITHOUT ROWID;

-- Local domains that count alike: anna@one is anna@other. main: the one that stands for all.
CREATE TABLE domains (
	domain TEXT PRIMARY KEY,
	main   INTEGER NOT NULL
) WITHOUT ROWID;

-- Groups: whose addresses are members, and by which addresses the group is mailed. uid: what a foreign source calls it
CREATE TABLE groups (
	grp    INTEGER PRIMARY KEY AUTOINCREMENT,
	source INTEGER NOT NULL,
	uid    TEXT NOT NULL,
	name   TEXT NOT NULL,
	UNIQUE (source, uid)
);
CREATE TABLE group_addresses (
	grp  INTEGER NOT NULL REFERENCES groups,
	addr TEXT NOT NULL,
	PRIMARY KEY (grp, addr)
) WITHOUT ROWID;
CREATE TABLE group_members (
	grp  INTEGER NOT NULL REFERENCES groups,
	addr TEXT NOT NULL,
	PRIMARY KEY (grp, addr)
) WITHOUT ROWID;
CREATE INDEX group_members_addr ON group_members (addr);
-- What a foreign source said at the person's last log-in.
CREATE TABLE group_people (
	grp    INTEGER NOT NULL REFERENCES groups,
	person INTEGER NOT NULL REFERENCES people,
	PRIMARY KEY (grp, person)
) WITHOUT ROWID;
CREATE INDEX group_people_person ON group_people (person);

-- What a revisor sees. kind: 1 domain; 2 source, with a folder there or ''
CREATE TABLE bounds (
	person INTEGER NOT NULL REFERENCES people,
	kind   INTEGER NOT NULL,
	name   TEXT NOT NULL,
	folder TEXT NOT NULL,
	PRIMARY KEY (person, kind, name, folder)
) WITHOUT ROWID;
-- Sent from .. until (not included) and the end of his account; NULL: no bound.
CREATE TABLE bound_dates (
	person        INTEGER PRIMARY KEY REFERENCES people,
	from_s        INTEGER,
	until_s       INTEGER,
	valid_until_s INTEGER
);

-- hash: SHA-256 of the cookie. csrf: what goes with everything that changes anything. second: 1, a one-time code must be set up first
CREATE TABLE sessions (
	hash    BLOB PRIMARY KEY,
	person  INTEGER NOT NULL REFERENCES people,
	csrf    BLOB NOT NULL,
	begun_s INTEGER NOT NULL,
	used_s  INTEGER NOT NULL,
	peer    TEXT NOT NULL,
	second  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_person ON sessions (person);
-- hash: SHA-256 of the token. scopes: enum token_scope, or-ed
CREATE TABLE api_tokens (
	token  INTEGER PRIMARY KEY AUTOINCREMENT,
	hash   BLOB NOT NULL UNIQUE,
	person INTEGER NOT NULL REFERENCES people,
	name   TEXT NOT NULL,
	scopes INTEGER NOT NULL,
	made_s INTEGER NOT NULL,
	ends_s INTEGER NOT NULL,
	used_s INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX api_tokens_person ON api_tokens (person);

-- One-time codes. confirmed: 0, not in force yet. step: the last one that was used, never to be used again
CREATE TABLE totp (
	person    INTEGER PRIMARY KEY REFERENCES people,
	secret    BLOB NOT NULL,
	confirmed INTEGER NOT NULL,
	step      INTEGER NOT NULL
);
CREATE TABLE recovery_codes (
	person INTEGER NOT NULL REFERENCES people,
	hash   BLOB NOT NULL,
	PRIMARY KEY (person, hash)
) WITHOUT ROWID;

-- Log-ins that failed, by a keyed hash of a name or of a client's address.
CREATE TABLE login_failures (
	hash    BLOB PRIMARY KEY,
	failed  INTEGER NOT NULL,
	last_s  INTEGER NOT NULL,
	until_s INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE saved_searches (
	search INTEGER PRIMARY KEY AUTOINCREMENT,
	person INTEGER NOT NULL REFERENCES people,
	name   TEXT NOT NULL,
	query  TEXT NOT NULL
);
CREATE INDEX saved_searches_person ON saved_searches (person);

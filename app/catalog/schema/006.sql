-- SPDX-License-Identifier: GPL-3.0-or-later
-- Timestamps, the audit log, requests for deletion, jobs, alarms, statistics.

-- The audit log. hash: SHA-256 over the line before's hash and this line (app/catalog/audit.h). No row ever changes or goes.
CREATE TABLE audit (
	line    INTEGER PRIMARY KEY,
	time_ms INTEGER NOT NULL,
	who     TEXT NOT NULL,
	what    TEXT NOT NULL,
	subject TEXT NOT NULL,
	detail  TEXT NOT NULL,
	hash    BLOB NOT NULL
);

-- Requests for deletion: by which one a mail went.
CREATE TABLE requests (
	request INTEGER PRIMARY KEY AUTOINCREMENT,
	made_s  INTEGER NOT NULL,
	who     TEXT NOT NULL,
	reason  TEXT NOT NULL
);
CREATE TABLE deletions (
	mail    INTEGER PRIMARY KEY,
	request INTEGER NOT NULL REFERENCES requests
);
-- mail: the number it had; negative: it had none in this catalog. request: 0 not known.
ALTER TABLE erased ADD COLUMN mail INTEGER NOT NULL DEFAULT 0;
ALTER TABLE erased ADD COLUMN request INTEGER NOT NULL DEFAULT 0;
CREATE INDEX erased_mail ON erased (mail) WHERE mail <> 0;

-- What no stamp has yet, in the order in which it came: mails (sighting NULL), and later sightings of mails.
-- digest: SHA-256 of its provenance text (app/archive/provenance.h); NULL: to be made from its record
CREATE TABLE to_stamp (
	item     INTEGER PRIMARY KEY,
	mail     INTEGER NOT NULL,
	sighting BLOB,
	digest   BLOB
);
CREATE INDEX to_stamp_mail ON to_stamp (mail);
INSERT INTO to_stamp (mail) SELECT mail FROM mails ORDER BY mail;
INSERT INTO to_stamp (mail, sighting) SELECT mail, id FROM sightings ORDER BY id;

-- One timestamp each: a hash tree and the token over it (app/catalog/stamps.h).
-- digest: enum digest_alg. token: DER. ca: certificate that it was found to lead to.
-- mails: so many mails are stamped up to here. leaves: of its tree; the first `tokens` of them are tokens that it renews.
-- covered_by: the stamp that renewed this one's token, and the leaf it is there
-- retired: 1, what it proves has a chain of a newer algorithm
CREATE TABLE stamps (
	stamp      INTEGER PRIMARY KEY,
	digest     INTEGER NOT NULL,
	statement  BLOB NOT NULL,
	token      BLOB NOT NULL,
	ca         INTEGER NOT NULL REFERENCES stamp_certificates,
	time_ms    INTEGER NOT NULL,
	ends_s     INTEGER NOT NULL,
	mails      INTEGER NOT NULL,
	leaves     INTEGER NOT NULL,
	tokens     INTEGER NOT NULL,
	covered_by INTEGER REFERENCES stamps,
	covered_at INTEGER,
	retired    INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE stamp_certificates (
	certificate INTEGER PRIMARY KEY,
	der         BLOB NOT NULL UNIQUE
);
-- origin: the stamp in which these bytes of evidence came first; stamp itself, but after hash-tree renewal
CREATE TABLE stamp_leaves (
	mail   INTEGER NOT NULL,
	stamp  INTEGER NOT NULL,
	at     INTEGER NOT NULL,
	origin INTEGER NOT NULL,
	PRIMARY KEY (mail, stamp, at)
) WITHOUT ROWID;
CREATE TABLE stamp_nodes (
	stamp INTEGER NOT NULL,
	level INTEGER NOT NULL,
	chunk INTEGER NOT NULL,
	nodes BLOB NOT NULL,
	PRIMARY KEY (stamp, level, chunk)
);
-- The stamp that binds a later sighting first.
ALTER TABLE sightings ADD COLUMN stamp INTEGER;
-- Answers of a timestamping authority that were refused.
CREATE TABLE stamp_refused (
	refused  INTEGER PRIMARY KEY AUTOINCREMENT,
	time_s   INTEGER NOT NULL,
	reason   TEXT NOT NULL,
	response BLOB NOT NULL
);

-- Runs of jobs. ended_s NULL: it runs, or its runner died. result: enum job_result
CREATE TABLE job_runs (
	run     INTEGER PRIMARY KEY AUTOINCREMENT,
	job     TEXT NOT NULL,
	begun_s INTEGER NOT NULL,
	ended_s INTEGER,
	result  INTEGER NOT NULL,
	by_hand INTEGER NOT NULL,
	summary TEXT NOT NULL,
	log     TEXT NOT NULL
);
CREATE INDEX job_runs_job ON job_runs (job, run);

-- What must not stop unnoticed, and has. told_s: when the administrator was written to; 0 not yet
CREATE TABLE alarms (
	alarm   TEXT NOT NULL,
	subject TEXT NOT NULL,
	level   INTEGER NOT NULL,
	since_s INTEGER NOT NULL,
	seen_s  INTEGER NOT NULL,
	told_s  INTEGER NOT NULL,
	text    TEXT NOT NULL,
	PRIMARY KEY (alarm, subject)
) WITHOUT ROWID;

-- By day (days since 1970, local time) and source (0: all).
CREATE TABLE day_mails (
	day        INTEGER NOT NULL,
	source     INTEGER NOT NULL,
	mails      INTEGER NOT NULL,
	bytes      INTEGER NOT NULL,
	duplicates INTEGER NOT NULL,
	spam       INTEGER NOT NULL,
	PRIMARY KEY (day, source)
) WITHOUT ROWID;
CREATE TABLE day_totals (
	day          INTEGER PRIMARY KEY,
	stored_bytes INTEGER NOT NULL,
	searches     INTEGER NOT NULL
);

-- SPDX-License-Identifier: GPL-3.0-or-later
-- Requests for deletion wait for a decision, and holds that keep mail from being deleted.

-- person: who asked; 0 the command line. state: 0 open, 1 rejected, 2 granted. decider: as the audit log names him
ALTER TABLE requests ADD COLUMN person INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN state INTEGER NOT NULL DEFAULT 2;
ALTER TABLE requests ADD COLUMN decided_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN decider TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN decision TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN mails INTEGER NOT NULL DEFAULT 0; -- so many were asked for
CREATE INDEX requests_open ON requests (request) WHERE state = 0;
-- What is asked for; rows go with their mails.
CREATE TABLE request_mails (
	mail    INTEGER NOT NULL,
	request INTEGER NOT NULL REFERENCES requests,
	PRIMARY KEY (mail, request)
) WITHOUT ROWID;
CREATE INDEX request_mails_request ON request_mails (request);

-- lifted_s: 0 it holds
CREATE TABLE holds (
	hold     INTEGER PRIMARY KEY AUTOINCREMENT,
	made_s   INTEGER NOT NULL,
	who      TEXT NOT NULL,
	reason   TEXT NOT NULL,
	lifted_s INTEGER NOT NULL DEFAULT 0,
	lifter   TEXT NOT NULL DEFAULT '',
	why      TEXT NOT NULL DEFAULT ''
);
CREATE TABLE hold_mails (
	mail INTEGER NOT NULL,
	hold INTEGER NOT NULL REFERENCES holds,
	PRIMARY KEY (mail, hold)
) WITHOUT ROWID;
CREATE INDEX hold_mails_hold ON hold_mails (hold);

-- SPDX-License-Identifier: GPL-3.0-or-later
-- Mailboxes on foreign servers that mail is fetched from. No pack knows them.

CREATE TABLE accounts (
	account   INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
	name      TEXT NOT NULL UNIQUE,
	prototype INTEGER NOT NULL,             -- 1: others inherit from it, itself it is never fetched
	parent    INTEGER REFERENCES accounts,  -- the prototype it inherits from
	run_s     INTEGER NOT NULL DEFAULT 0,   -- the last run: when it began, 0 never
	run_error TEXT NOT NULL DEFAULT '',     -- problem code of what ended it early, '' none
	waiting   INTEGER NOT NULL DEFAULT 0    -- mails it left for the next run to settle
);

-- What is set; what is not is the prototype's, or the default (app/catalog/accounts.h).
CREATE TABLE account_settings (
	account INTEGER NOT NULL REFERENCES accounts,
	setting TEXT NOT NULL,
	value   TEXT NOT NULL,
	PRIMARY KEY (account, setting)
) WITHOUT ROWID;

-- How far each folder is fetched: all mails up to this UID are settled, or stand in fetch_mails. Counts are
-- those of all runs. Of POP3, one row, and what is settled is in fetch_uidls.
CREATE TABLE fetch_folders (
	account     INTEGER NOT NULL REFERENCES accounts,
	folder      TEXT NOT NULL,
	uidvalidity INTEGER NOT NULL,
	uid         INTEGER NOT NULL,
	archived    INTEGER NOT NULL,
	duplicate   INTEGER NOT NULL,
	failed      INTEGER NOT NULL,
	PRIMARY KEY (account, folder)
) WITHOUT ROWID;
CREATE TABLE fetch_uidls (
	account INTEGER NOT NULL REFERENCES accounts,
	uidl    TEXT NOT NULL,
	PRIMARY KEY (account, uidl)
) WITHOUT ROWID;

-- Mails on their way. state: 1 in the spool, 2 settled, but what is to be done on the server is not
-- outcome: 0 archived, 1 duplicate, 2 failed; only in state 2
CREATE TABLE fetch_mails (
	account     INTEGER NOT NULL REFERENCES accounts,
	folder      TEXT NOT NULL,
	uidvalidity INTEGER NOT NULL,
	uid         INTEGER NOT NULL,
	uidl        TEXT NOT NULL,
	entry       BLOB NOT NULL,
	size        INTEGER NOT NULL,
	state       INTEGER NOT NULL,
	outcome     INTEGER NOT NULL,
	PRIMARY KEY (account, folder, uidvalidity, uid, uidl)
) WITHOUT ROWID;

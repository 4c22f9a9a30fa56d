-- SPDX-License-Identifier: GPL-3.0-or-later
-- The mailbox that fetch_folders, fetch_uidls and fetch_mails tell of: '' none yet.

ALTER TABLE accounts ADD COLUMN mailbox TEXT NOT NULL DEFAULT '';

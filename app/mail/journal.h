/* SPDX-License-Identifier: GPL-3.0-or-later */
/* journal.h - a mail within a journal report of Microsoft Exchange, and who got it.
 *
 * For each mail that it journals, Exchange sends a report: a mail with lines such as
 *
 *     Sender: anna@example.org
 *     Message-Id: <4711@example.org>
 *     Bcc: bert@example.org, Expanded: sales@example.org
 *
 * and the mail itself, unaltered, as an attached message. Exchange 2003 to 2019 and Microsoft 365
 * are known, from published descriptions and from real reports.
 *
 * Anyone can write a mail that looks like a report. Call this only for what came in through a way
 * that is set up for journal reports; elsewhere such a mail is a mail like any other.
 *
 * A report that returned as undeliverable, as the alternate journal mailbox gets it, is unwrapped
 * from its non-delivery report first. A report about a report is not: its original is the other
 * report.
 */
#ifndef APP_MAIL_JOURNAL_H
#define APP_MAIL_JOURNAL_H

#include "app/mail/mail.h"
#include "base/err.h"

enum journal_way { JOURNAL_DIRECT, JOURNAL_EXPANDED, JOURNAL_FORWARDED };

struct journal_recipient {
	struct view addr;     /* lower case, as in struct address */
	enum role role;       /* ROLE_TO, ROLE_CC, ROLE_BCC; ROLE_ENVELOPE: not told */
	enum journal_way way; /* how the mail came to ADDR */
	struct view through;  /* the list it was expanded from, the mailbox that forwarded it;
				  empty if direct, or not readable */
};

/* Text is UTF-8 (valid, NULs dropped); what the report does not say is empty. */
struct journal_report {
	struct view sender, on_behalf_of; /* lower case */
	struct view subject;
	struct view message_id; /* without angle brackets */
	struct view label;
	struct {
		struct journal_recipient *v;
		size_t n, cap;
	} recipients; /* at least one; as listed, so the same address may come twice */
	struct {
		struct view *v;
		size_t n, cap;
	} others; /* lines not, or not wholly, understood; unfolded */
	struct {
		struct view *v;
		size_t n, cap;
	} originals; /* at least one, none empty. Two if the mail is rights-managed: a copy in
			clear text and the protected mail. Exactly the bytes that were attached. */
	struct view
		frame; /* the bytes of RAW in front of, between and behind the attached messages, with the
			      non-delivery report around them, if there is one and it was not encoded */
	bool cut_short; /* no closing boundary: the last original may be cut, or another missing */
};

/* 1: RAW is a report, read into REPORT_R. 0: it is none. -1: it is a report, or has one that
 * returned without its content, but cannot be read (ERR_SYNTAX, ERR_TOOBIG): archive it as it is,
 * and flag it. Views point into RAW or the arena. Safe from several threads at once, after
 * mail_init(). */
int journal_read(struct arena *arena, struct view raw, struct journal_report *report_r,
		 struct err *err);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetcher.h - one run for one account: the side of fetching that holds the archive.
 *
 * sealpost-fetch (app/intake/fetch/protocol.h) gets the mails and puts them into the spool; the archiver takes them
 * from there and leaves a receipt for each. Here both come together:
 *
 * (G1) A mail has an outcome when its receipt is there and, of one that is in the archive, when it was read back from
 *      its medium and compared. Only then sealpost-fetch is told to tag, move or delete it on the server.
 * (G2) What is on its way is in the catalog (app/catalog/fetched.h, F1 and F2), so a run that ends anywhere is
 *      made good by the next one: first it settles what is in the spool, then the actions that are
 *      due are carried out, then it fetches what is new.
 * (G3) Of each folder all mails on the server are accounted for; where the sum does not fit, or more are there from
 *      earlier than earlier runs settled, that is an alarm.
 */
#ifndef APP_FETCHER_FETCHER_H
#define APP_FETCHER_FETCHER_H

#include "app/archive/archive.h"
#include "app/catalog/accounts.h"

/* on_server is the sum of the others. */
struct fetcher_counts {
	uint64_t on_server;
	uint64_t earlier; /* settled by earlier runs */
	uint64_t archived, duplicate, failed;
	uint64_t gone;    /* vanished before they could be fetched */
	uint64_t skipped; /* in folders that are not wanted */
	uint64_t waiting; /* in the spool, to be settled by the next run */
};

struct fetcher_folder {
	struct view folder, use; /* use: special use, RFC 6154; may be empty */
	bool selected;
	bool left_out; /* wanted, but it did not open: nothing is known of it */
	struct fetcher_counts counts;
};

struct fetcher_report {
	struct fetcher_counts counts; /* of all folders */
	uint64_t settled;             /* mails of earlier runs that got their outcome in this one */
	uint64_t left_out;            /* folders */
	uint64_t not_acted; /* mails that could not be tagged, moved or deleted: tried again */
	bool sums_fit;      /* (G3); false only of a run that went to its end */
	struct fetcher_folder *v;
	size_t n, cap;
};

struct fetcher_options {
	bool once; /* all mails, whatever was fetched before; nothing is remembered */
	int wait_ms; /* if the archiver settles nothing for so long, the rest is left to the next run */
	uint64_t idle_ms; /* of the server; 0: sealpost-fetch's default */
};

/* Whoever started the run. All but ARG are needed. */
struct fetcher_watch {
	void *arg;
	/* Mails wait in the spool: see to it that an archiver is at work. Called again and again while they do. */
	int (*archiver)(void *arg, struct err *err);
	/* The user must open URL and enter CODE. */
	void (*device)(void *arg, struct view url, struct view code);
	/* Something that the report should tell, in words. */
	void (*note)(void *arg, struct view text);
	bool (*stop)(void *arg); /* true ends the run in good order: ERR_STOPPED */
};

/* Fetch the mail of ACCOUNT through the sealpost-fetch at the other end of FD. ERR_BUSY: another run fetches this
 * account, or the archive does not take what earlier runs left in the spool. The report, in the
 * arena, tells how far it came, also after an error. */
int fetcher_run(struct archive *a, const struct account *account, int fd,
		const struct fetcher_options *options, const struct fetcher_watch *watch,
		struct arena *arena, struct fetcher_report *report_r, struct err *err);

/* Log in, look at the folders, and change nothing. In the report, earlier is what runs so far settled. */
int fetcher_list(struct archive *a, const struct account *account, int fd,
		 const struct fetcher_watch *watch, struct arena *arena,
		 struct fetcher_report *report_r, struct err *err);

/* accounts_remove(), and its lock; never under the hands of a run: ERR_BUSY. */
int fetcher_remove(struct archive *a, const struct account *account, struct err *err);

#endif

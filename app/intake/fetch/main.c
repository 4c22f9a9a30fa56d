/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-fetch - fetches the mails of one account from a foreign server into the spool.
 *
 * Started by `sealpost fetch`, which tells it all it needs over descriptor 3 (protocol.h); never by hand.
 *
 * Jail: no new privileges, no core dumps, few open files; it ends with its parent. It holds the secrets of the one
 * account it works for and the spool's public key, no key to the archive and no database. Where systemd runs the archive it is a unit of its
 * own, as the doors' user (package/systemd); else its starter's child.
 */
#include "app/intake/fetch/imap_account.h"
#include "app/intake/fetch/oauth.h"
#include "app/intake/fetch/pop3.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/program.h"
#include "base/secret.h"

#include <curl/curl.h>
#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { FILES = 128 };

static int run(struct ledger *ledger, int stop_fd, struct err *err)
{
	const struct fetch_job *job = ledger_job(ledger);
	CLEAN(spool) spool = NULL;
	CLEAN_STR dir = STR_INIT;
	CLEAN_STR token = STR_INIT;

	str_addv(&dir, job->archive_dir);
	if (job->mode == FETCH_ALL && spool_open(dir.data, &spool, err) < 0)
		return -1;
	if (jail_enter("", FILES, err) < 0 || oauth_token(ledger, stop_fd, &token, err) < 0)
		return -1;
	if (job->protocol == FETCH_POP3)
		return pop3_run(ledger, spool, str_view(&token), stop_fd, err);
	return imap_account_run(ledger, spool, str_view(&token), stop_fd, err);
}

static int tell_end(struct ledger *ledger, const struct err *why, struct err *err)
{
	struct fetch_error m = {.kind = why->kind, .text = VIEW(why->text)};

	if (why->kind != ERR_NONE)
		return ledger_send_error(ledger, &m, err);
	return ledger_send_done(ledger, &(struct fetch_done){}, err);
}

static int serve(int stop_fd, struct err *err)
{
	CLEAN(ledger) ledger = NULL;
	struct err why = {0};

	if (ledger_open(FETCH_FD, stop_fd, &ledger, err) < 0)
		return -1;
	if (run(ledger, stop_fd, &why) < 0)
		must(why.kind != ERR_NONE);
	return tell_end(ledger, &why, err) < 0 || why.kind != ERR_NONE ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct err err = {0};
	int stop_fd;

	(void)argv;
	secret_harden_process();
	if (!program_was_handed_a_socket(argc)) {
		fputs("sealpost-fetch is started by `sealpost fetch`\n", stderr);
		return EXIT_USAGE;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (jail_signals(true, &stop_fd, &err) == 0 && serve(stop_fd, &err) == 0)
		return EXIT_DONE;
	/* what went wrong with the server is in the parent's report */
	if (err.kind != ERR_NONE)
		log_error("fetch failed: %s", err.text);
	return EXIT_FAILED;
}

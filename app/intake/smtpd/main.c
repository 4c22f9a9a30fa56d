/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-smtpd - takes mail by SMTP and LMTP into an archive's spool.
 *
 *     sealpost-smtpd [--archive DIR] [--verbose] [--follow]
 *
 * Settings: DIR/smtpd.conf (settings.c). It runs until SIGTERM or SIGINT, or until there are other settings that would do: then clients are told
 * 421, and what was answered with 250 is in the spool. Whoever supervises it starts it anew.
 *
 * Jail: reads its settings, certificate and users, and listens; then becomes the user that is set and gives up
 * new privileges. It can write to the spool, and read nothing that is in it: it holds the public key. Its unit
 * (package/systemd) confines it further.
 */
#include "app/intake/smtpd/smtpd.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/service.h"
#include "base/workers.h"

#include <unistd.h>

enum { MIN_IDLE = 4, BACKLOG = 1024, GRACE_MS = 10000, FILES_BESIDE_WORKERS = 64 };

static void begin(void *arg)
{
	struct err err = {0};

	if (smtpd_begin(arg, &err) == 0)
		return;
	log_error("worker cannot serve: %s", err.text);
	_exit(SERVICE_FAILED);
}

/* SERVE's view of a listener is its row in the settings. */
static void serve_one(void *arg, const void *listener_arg, struct conn *conn)
{
	const struct smtpd_listen *listen = listener_arg;

	smtpd_serve(arg, listen->protocol, conn);
}

static bool is_over(void *arg)
{
	return smtpd_is_renewed(arg);
}

static int listen_all(const struct smtpd_settings *s, struct workers_listener *listeners,
		      struct err *err)
{
	const struct listen_options options = {
		.mode = s->socket_mode,
		.group = *s->socket_group ? s->socket_group : NULL,
		.backlog = BACKLOG,
	};

	for (size_t i = 0; i < s->listen.n; i++) {
		listeners[i].arg = &s->listens[i];
		if (conn_listen(s->listens[i].address, &options, &listeners[i].fd, err) < 0)
			return -1;
	}
	return 0;
}

static int run(struct smtpd *smtpd, const struct workers_listener *listeners, int stop_fd,
	       struct err *err)
{
	const struct smtpd_settings *s = smtpd->settings;
	const struct workers_ops ops = {
		.arg = smtpd, .begin = begin, .serve = serve_one, .is_over = is_over};
	const unsigned max = (unsigned)s->max_connections;
	const struct workers_options options = {
		.min_idle = max < MIN_IDLE ? max : MIN_IDLE,
		.max = max,
		.max_per_client = (unsigned)s->max_connections_per_client,
		.grace_ms = GRACE_MS,
		.refusal = "421 4.3.2 too many connections; try again later\r\n",
	};

	log_info("smtpd ready");
	notify_ready();
	return workers_run(listeners, s->listen.n, &ops, &options, stop_fd, err);
}

static int serve(const struct service *service, struct err *err)
{
	CLEAN(smtpd) smtpd = NULL;
	CLEAN_MEM struct workers_listener *listeners = NULL;
	const struct smtpd_settings *s;
	int stop_fd;

	if (jail_signals(service->follow, &stop_fd, err) < 0 ||
	    smtpd_new(service->archive_dir, &smtpd, err) < 0)
		return -1;
	s = smtpd->settings;
	listeners = mem_new(s->listen.n * sizeof(*listeners));
	if (listen_all(s, listeners, err) < 0 ||
	    jail_enter(s->user, 2 * (unsigned)s->max_connections + FILES_BESIDE_WORKERS, err) < 0 ||
	    smtpd_open(smtpd, err) < 0)
		return -1;
	return run(smtpd, listeners, stop_fd, err);
}

int main(int argc, char **argv)
{
	struct service service = {.name = "smtpd"};
	struct err err = {0};

	if (service_parse(&service, argc, argv) < 0)
		return SERVICE_USAGE;
	if (serve(&service, &err) == 0)
		return SERVICE_DONE;
	return service_failed(&service, &err,
			      "Until this is mended no mail comes in by this door. None is lost: "
			      "senders keep theirs and try again.");
}

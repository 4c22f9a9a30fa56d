/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-shipper - carries what was archived from the staging folder to the media across the network.
 *
 *     sealpost-shipper [--archive DIR] [--verbose] [--follow] [--once]
 *
 * --once: end when nothing waits, or nothing that waits can go. --follow: end in good order when the program that started
 * it does. Else it runs until SIGTERM or SIGINT. Several may run; for each medium one ships at a time. It can be ended
 * at any moment, also by kill -9: what waits is on the local disk, and the next one goes on.
 *
 * Jail: none of its own; its unit (package/systemd) confines it. It holds the archive key, and needs the archive's folder,
 * its local media, and through sealpost-smb the network. It yields to the archiver and the doors (nice 10).
 */
#include "app/shipper/shipper.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/secret.h"
#include "base/service.h"
#include "base/file.h"

#include <poll.h>
#include <unistd.h>

enum { PAUSE_MS = 10 * 1000, NICE = 10 };

static int run_once(const struct service *service, int stop_fd, bool *opened_r, struct err *err)
{
	CLEAN(archive) a = NULL;

	if (archive_open(service->archive_dir, &a, err) < 0)
		return -1;
	if (!*opened_r) {
		log_info("shipper ready");
		notify_ready();
	}
	*opened_r = true;
	return shipper_run(a, stop_fd, service->own_given, err);
}

static bool is_stopped(int stop_fd, int ms)
{
	struct pollfd p = {.fd = stop_fd, .events = POLLIN};

	notify_alive();
	return poll(&p, 1, notify_wait_ms(ms)) > 0;
}

/* What failed once it ran is tried again, with an archive opened anew, and told when it is something else than the last
 * time; what cannot even start is for the administrator. */
static int serve(const struct service *service, struct err *err)
{
	CLEAN_FD stop_fd = -1;
	struct err told = {0};
	bool opened = false;

	if (jail_signals(service->follow, &stop_fd, err) < 0)
		return -1;
	for (;;) {
		err_clear(err);
		if (run_once(service, stop_fd, &opened, err) == 0)
			return 0;
		if (service->own_given || !opened || !err_retry(err->kind))
			return -1;
		if (strcmp(told.text, err->text) != 0)
			log_error("shipping stopped, tried again every %d s: %s", PAUSE_MS / 1000,
				  err->text);
		told = *err;
		if (is_stopped(stop_fd, PAUSE_MS))
			return 0;
	}
}

int main(int argc, char **argv)
{
	struct service service = {.name = "shipper", .own = "--once"};
	struct err err = {0};

	secret_harden_process();
	if (service_parse(&service, argc, argv) < 0)
		return SERVICE_USAGE;
	if (nice(NICE) == -1)
		log_warn("nice: %m");
	if (serve(&service, &err) == 0)
		return SERVICE_DONE;
	return service_failed(
		&service, &err,
		"What is archived is safe in the staging folder and can be read; it is carried to "
		"its medium when the shipper runs again.");
}

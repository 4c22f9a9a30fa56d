/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-task - does one task that a person ordered (app/catalog/tasks.h), and tells how far it is in its row.
 *
 *     sealpost-task [--archive DIR] [--verbose] TASK
 *
 * It goes to the background at once, so that the server that started it needs not wait for it, and may itself end or start anew meanwhile.
 * On SIGTERM or SIGINT, or when its row says so, it ends; what it made up to then goes.
 *
 * Jail: none of its own; it is what sealpost-api is, with the key, and reads nothing from outside but the archive. It yields to the archiver
 * and the doors (nice 10).
 */
#include "app/mail/mail.h"
#include "app/task/keep.h"
#include "app/task/work.h"
#include "base/file.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/program.h"
#include "base/secret.h"
#include "base/service.h"

#include <stdio.h>
#include <unistd.h>

enum { NICE = 10 };

static int serve(const struct service *service, const struct uuid *task, struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN_FD stop_fd = -1;
	CLEAN_FD lock = -1;
	int rc = task_lock(service->archive_dir, task, &lock, err);

	if (rc == 0)
		return err_set(err, ERR_BUSY, "somebody is at work on this task");
	/* The lock comes along. */
	if (rc < 0 || program_to_background(err) < 0 || jail_signals(false, &stop_fd, err) < 0 ||
	    archive_open(service->archive_dir, &a, err) < 0)
		return -1;
	mail_init();
	if (nice(NICE) == -1)
		log_warn("nice: %m");
	rc = work_do(a, task, stop_fd, err);
	task_unlock(service->archive_dir, task, &lock);
	return rc;
}

int main(int argc, char **argv)
{
	struct service service = {.name = "task"};
	struct err err = {0};
	struct uuid task;

	secret_harden_process();
	if (argc < 2 || uuid_read(VIEW(argv[argc - 1]), &task) < 0) {
		fputs("usage: sealpost-task [--archive DIR] [--verbose] TASK\n", stderr);
		return SERVICE_USAGE;
	}
	if (service_parse(&service, argc - 1, argv) < 0)
		return SERVICE_USAGE;
	if (serve(&service, &task, &err) == 0)
		return SERVICE_DONE;
	return service_failed(&service, &err,
			      "The task was not done. Mail is archived all the same; order it "
			      "again.");
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-scheduler - the archive's timetable: starts each job when it is due.
 *
 *     sealpost-scheduler [--archive DIR] [--verbose | --quiet] [--follow] [--once]
 *
 * --once: work off what is due now, wait for it, and end. Else it runs until SIGTERM or SIGINT; then the jobs that run are ended in good
 * order. Ended by kill -9, they are, too, each as by a SIGTERM; the next one begins none of them before that, as each holds a lock.
 *
 * Jail: it holds no key, opens neither catalog nor key file, talks to nobody, and reads two small files of the archive's owner. By itself it keeps
 * the right to new privileges, as its jobs write to the administrator through sendmail(1), which may need them; its unit (package/systemd) takes it,
 * and has user sealpost in the group that they are for.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/service.h"
#include "scheduler/scheduler.h"

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MINUTE_S = 60 };
enum { STOP, TIMER, RUNS }; /* what is waited for */

/* Wake at the next minute, and when the clock is set; at once, if it was set since the last time. */
static int set_timer(int timer_fd, int64_t now_s, struct err *err)
{
	const int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
	struct itimerspec next = {.it_value.tv_sec = (time_t)(now_s - now_s % MINUTE_S + MINUTE_S)};

	while (timerfd_settime(timer_fd, flags, &next, NULL) < 0) {
		if (errno != ECANCELED)
			return err_errno(err, "timerfd_settime: %m");
		next.it_value.tv_sec = 1;
	}
	return 0;
}

/* 1 it is to end, 0 something happened. */
static int await(const struct scheduler *s, int stop_fd, int timer_fd, struct err *err)
{
	struct pollfd fds[RUNS + JOB_COUNT] = {
		[STOP] = {.fd = stop_fd, .events = POLLIN},
		[TIMER] = {.fd = timer_fd, .events = POLLIN},
	};
	int runs[JOB_COUNT];
	size_t n = runner_fds(scheduler_runner(s), runs);

	for (size_t i = 0; i < n; i++)
		fds[RUNS + i] = (struct pollfd){.fd = runs[i], .events = POLLIN};
	notify_alive();
	if (poll(fds, RUNS + n, notify_wait_ms(-1)) < 0 && errno != EINTR)
		return err_errno(err, "poll: %m");
	return fds[STOP].revents != 0;
}

static int run_once(struct scheduler *s, int stop_fd, int timer_fd, struct err *err)
{
	int rc = 0;

	scheduler_step(s, clock_s(), clock_monotonic_ms());
	while (rc == 0 && !runner_is_idle(scheduler_runner(s))) {
		if (set_timer(timer_fd, clock_s(), err) < 0)
			return -1;
		rc = await(s, stop_fd, timer_fd, err);
		scheduler_watch(s, clock_monotonic_ms());
	}
	return rc < 0 ? -1 : 0;
}

static int run(struct scheduler *s, int stop_fd, int timer_fd, struct err *err)
{
	int rc = 0;

	while (rc == 0) {
		int64_t now_s;

		tzset(); /* the system's time zone may be another by now */
		now_s = clock_s();
		scheduler_step(s, now_s, clock_monotonic_ms());
		if (set_timer(timer_fd, now_s, err) < 0)
			return -1;
		rc = await(s, stop_fd, timer_fd, err);
	}
	return rc < 0 ? -1 : 0;
}

static int serve(const struct service *service, struct err *err)
{
	CLEAN_FD stop_fd = -1,
		 timer_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	CLEAN(scheduler) s = NULL;
	int rc;

	if (timer_fd < 0)
		return err_errno(err, "timerfd_create: %m");
	if (jail_signals(service->follow, &stop_fd, err) < 0 ||
	    scheduler_open(service->archive_dir, &s, err) < 0)
		return -1;
	log_info("scheduler ready");
	notify_ready();
	rc = (service->own_given ? run_once : run)(s, stop_fd, timer_fd, err);
	notify_stopping();
	scheduler_stop(s);
	log_info("scheduler ends");
	return rc;
}

int main(int argc, char **argv)
{
	struct service service = {.name = "scheduler", .own = "--once"};
	struct err err = {0};

	if (service_parse(&service, argc, argv) < 0)
		return SERVICE_USAGE;
	if (serve(&service, &err) == 0)
		return SERVICE_DONE;
	return service_failed(
		&service, &err,
		"Mail is taken in and can be read as before; but no job runs by itself (search "
		"index, backups, timestamps, fetching, erasing) until the scheduler runs again.");
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/notify.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/program.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { US_PER_MS = 1000, WATCHDOG_MS_MIN = 4 };

const char *const notify_variables[] = {"NOTIFY_SOCKET",
					"WATCHDOG_USEC",
					"WATCHDOG_PID",
					"LISTEN_FDS",
					"LISTEN_PID",
					"LISTEN_FDNAMES",
					NULL};

static int64_t told_ms; /* when it was told last that this process is alive */

/* --- saying ------------------------------------------------------------------------------------- */

/* A path, or an abstract name behind an @: its length as an address, 0 if it is neither. */
static socklen_t address_of(const char *name, struct sockaddr_un *un)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len >= sizeof(un->sun_path))
		return 0;
	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(un->sun_path, name, len);
	if (name[0] == '@')
		un->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Who does not hear it loses nothing, so nothing waits for it. */
static void say(const char *text)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un;
	socklen_t len = name != NULL ? address_of(name, &un) : 0;
	int fd;

	if (len == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
			     (const struct sockaddr *)&un, len) < 0)
		log_warn("the service manager was not told: %m");
	if (fd >= 0)
		close(fd);
}

void notify_ready(void)
{
	say("READY=1");
	told_ms = clock_monotonic_ms();
}

void notify_stopping(void)
{
	say("STOPPING=1");
}

void notify_status(const char *fmt, ...)
{
	CLEAN_STR text = STR_INIT;
	CLEAN_STR line = STR_INIT;
	va_list ap;

	if (getenv("NOTIFY_SOCKET") == NULL)
		return;
	va_start(ap, fmt);
	str_addfv(&text, fmt, ap);
	va_end(ap);
	str_adds(&line, "STATUS=");
	str_addsafe(&line, str_view(&text), false);
	say(line.data);
}

/* --- being alive -------------------------------------------------------------------------------- */

static int64_t number_of(const char *name)
{
	const char *text = getenv(name);
	uint64_t number;

	return text != NULL && conf_number(text, &number) == 0 && number <= INT64_MAX
		       ? (int64_t)number
		       : 0;
}

/* How long the manager waits for a sign of life; 0: it does not. */
static int64_t watchdog_ms(void)
{
	int64_t ms = number_of("WATCHDOG_USEC") / US_PER_MS;

	if (ms < WATCHDOG_MS_MIN ||
	    (getenv("WATCHDOG_PID") != NULL && number_of("WATCHDOG_PID") != getpid()))
		return 0;
	return ms;
}

void notify_alive(void)
{
	int64_t every_ms = watchdog_ms() / 4, now_ms = clock_monotonic_ms();

	if (every_ms == 0 || now_ms - told_ms < every_ms)
		return;
	told_ms = now_ms;
	say("WATCHDOG=1");
}

int notify_wait_ms(int timeout_ms)
{
	int64_t most_ms = watchdog_ms() / 4;

	if (most_ms == 0 || (timeout_ms >= 0 && timeout_ms < most_ms))
		return timeout_ms;
	return most_ms < INT32_MAX ? (int)most_ms : INT32_MAX;
}

/* --- being handed a socket ---------------------------------------------------------------------- */

static bool is_listener(int fd)
{
	int type = 0, listens = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens != 0;
}

/* The first descriptor of sd_listen_fds(3) is where our own programs are handed theirs, too. */
int notify_take_listener(int *fd_r, struct err *err)
{
	*fd_r = -1;
	if (number_of("LISTEN_PID") != getpid() || number_of("LISTEN_FDS") == 0)
		return 0;
	if (number_of("LISTEN_FDS") != 1 || !is_listener(PROGRAM_FD))
		return err_set(err, ERR_SYNTAX,
			       "the service manager handed over something else than one socket "
			       "that listens");
	if (fcntl(PROGRAM_FD, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(PROGRAM_FD, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, "the socket of the service manager: %m");
	*fd_r = PROGRAM_FD;
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conn_listen() and conn_connect(): from the text of an address to a socket. */
#include "base/conn_priv.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HOST_BYTES = 256 }; /* RFC 1035, section 2.3.4: a name has 255 octets at most */

/* --- addresses ---------------------------------------------------------------------------------- */

struct address {
	struct sockaddr_un un; /* its path is empty where it is a host and a port */
	char host[HOST_BYTES];
	char port[6];
};

static bool is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 5 && text[digits] == '\0' && strtol(text, NULL, 10) <= 65535;
}

static int parse_unix(const char *path, struct sockaddr_un *un, struct err *err)
{
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(un->sun_path))
		return err_set(err, ERR_SYNTAX, "unix:%s: a path has 1 to %zu bytes", path,
			       sizeof(un->sun_path) - 1);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len + 1);
	return 0;
}

static int parse(const char *text, struct address *a, struct err *err)
{
	const char *colon = strrchr(text, ':');
	const char *end = colon;
	size_t len;

	*a = (struct address){0};
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text + 5, &a->un, err);
	if (text[0] == '[' && colon != NULL && colon[-1] == ']') {
		text++;
		end = colon - 1;
	}
	len = colon ? (size_t)(end - text) : 0;
	if (len == 0 || len >= sizeof(a->host) || !is_port(colon + 1) ||
	    (end == colon && memchr(text, ':', len) != NULL))
		return err_set(err, ERR_SYNTAX,
			       "%s: an address reads HOST:PORT, [IPV6]:PORT or unix:PATH", text);
	memcpy(a->host, text, len);
	memcpy(a->port, colon + 1, strlen(colon + 1) + 1);
	return 0;
}

static int keep(int *fd)
{
	int kept = *fd;

	*fd = -1;
	return kept;
}

/* --- names -------------------------------------------------------------------------------------- */

/* All that a look-up of the C library's own thread refers to. */
struct lookup {
	struct gaicb cb;
	struct addrinfo hints;
	struct address address;
};

static void lookup_free(struct lookup **lookup)
{
	free(*lookup);
	*lookup = NULL;
}

/* The result of the look-up, or EAI_INPROGRESS if it has none by then. */
static int wait_lookup(const struct lookup *lookup, int64_t end_ms)
{
	const struct gaicb *const list[] = {&lookup->cb};
	int rc;

	while ((rc = gai_error((struct gaicb *)&lookup->cb)) == EAI_INPROGRESS) {
		int64_t left_ms = end_ms - clock_monotonic_ms();
		struct timespec pause = {.tv_sec = left_ms / 1000,
					 .tv_nsec = left_ms % 1000 * 1000000};

		if (left_ms <= 0)
			break;
		gai_suspend(list, 1, &pause);
	}
	return rc;
}

/* getaddrinfo(3) cannot be stopped: one that takes too long is left to its thread, with its memory. */
static int resolve_name(const struct address *a, int64_t end_ms, struct addrinfo **list_r,
			struct err *err)
{
	CLEAN(lookup) lookup = mem_new(sizeof(*lookup));
	struct gaicb *cb = &lookup->cb;
	int rc;

	lookup->address = *a;
	lookup->hints = (struct addrinfo){.ai_socktype = SOCK_STREAM};
	*cb = (struct gaicb){.ar_name = lookup->address.host,
			     .ar_service = lookup->address.port,
			     .ar_request = &lookup->hints};
	rc = getaddrinfo_a(GAI_NOWAIT, &cb, 1, NULL);
	if (rc == 0)
		rc = wait_lookup(lookup, end_ms);
	if (rc == 0) {
		*list_r = cb->ar_result;
		return 0;
	}
	if (rc != EAI_INPROGRESS)
		return err_set(err, ERR_OFFLINE, "looking up the name: %s", gai_strerror(rc));
	if (gai_cancel(cb) == EAI_NOTCANCELED)
		(void)TAKE(lookup);
	return err_set(err, ERR_TIMEOUT, "looking up the name took too long");
}

static int resolve_number(const struct address *a, struct addrinfo **list_r)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};

	return getaddrinfo(a->host, a->port, &hints, list_r) == 0 ? 0 : -1;
}

static int resolve(const struct address *a, int64_t end_ms, struct addrinfo **list_r,
		   struct err *err)
{
	if (resolve_number(a, list_r) == 0)
		return 0;
	return resolve_name(a, end_ms, list_r, err);
}

/* --- listening ---------------------------------------------------------------------------------- */

/* What lies at the path of a socket that could not be bound. Only a socket that nobody listens at is
 * removed. */
static int remove_stale(const struct sockaddr_un *un, struct err *err)
{
	CLEAN_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0 || lstat(un->sun_path, &st) < 0)
		return err_errno(err, "%m");
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_EXISTS, "there is a file that is no socket");
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0 || errno != ECONNREFUSED)
		return err_set(err, ERR_BUSY, "another program listens there");
	if (unlink(un->sun_path) < 0)
		return err_errno(err, "%m");
	return 0;
}

static int bind_unix(int fd, const struct sockaddr_un *un, struct err *err)
{
	const struct sockaddr *addr = (const struct sockaddr *)un;
	mode_t mask = umask(0777); /* nobody gets in before mode and group are set */
	int rc = bind(fd, addr, sizeof(*un));

	if (rc < 0 && errno == EADDRINUSE) {
		if (remove_stale(un, err) < 0) {
			umask(mask);
			return -1;
		}
		rc = bind(fd, addr, sizeof(*un));
	}
	umask(mask);
	return rc < 0 ? err_errno(err, "bind: %m") : 0;
}

static int set_access(const char *path, const struct listen_options *options, struct err *err)
{
	if (options->group != NULL) {
		const struct group *group = getgrnam(options->group);

		if (group == NULL)
			return err_set(err, ERR_NOTFOUND, "there is no group %s", options->group);
		if (lchown(path, (uid_t)-1, group->gr_gid) < 0)
			return err_errno(err, "chown: %m");
	}
	if (chmod(path, options->mode) < 0)
		return err_errno(err, "chmod: %m");
	return 0;
}

/* Two programs that start at once must not take each other's new socket for a stale one. The lock goes
 * with its descriptor. */
static int lock_folder(const char *path, struct err *err)
{
	CLEAN_STR dir = STR_INIT;
	const char *slash = strrchr(path, '/');
	CLEAN_FD fd = -1;

	if (slash == NULL)
		str_adds(&dir, ".");
	else
		str_add(&dir, path, slash == path ? 1 : (size_t)(slash - path));
	fd = open(dir.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_errno(err, "%s: %m", dir.data);
	return keep(&fd);
}

static int listen_unix(const struct sockaddr_un *un, const struct listen_options *options,
		       struct err *err)
{
	CLEAN_FD lock = lock_folder(un->sun_path, err);
	CLEAN_FD fd = -1;

	if (lock < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(err, "socket: %m");
	if (bind_unix(fd, un, err) < 0 || set_access(un->sun_path, options, err) < 0)
		return -1;
	if (listen(fd, options->backlog) < 0)
		return err_errno(err, "listen: %m");
	return keep(&fd);
}

/* An IPv6 socket takes IPv6 only, so that 0.0.0.0 and [::] can both be listened at. */
static int listen_tcp(const struct addrinfo *ai, int backlog, struct err *err)
{
	CLEAN_FD fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return err_errno(err, "socket: %m");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, backlog) < 0) {
		if (errno == EADDRINUSE)
			return err_set(err, ERR_BUSY, "another program listens there");
		return err_errno(err, "bind: %m");
	}
	return keep(&fd);
}

int conn_listen(const char *address, const struct listen_options *options, int *fd_r,
		struct err *err)
{
	enum { LOOKUP_MS = 30 * 1000 };
	struct listen_options o = *options;
	struct addrinfo *list = NULL;
	struct address a;

	if (o.backlog <= 0)
		o.backlog = SOMAXCONN;
	if (parse(address, &a, err) < 0)
		return -1;
	if (a.un.sun_path[0] != '\0') {
		*fd_r = listen_unix(&a.un, &o, err);
	} else {
		if (resolve(&a, clock_monotonic_ms() + LOOKUP_MS, &list, err) < 0)
			return err_add(err, "%s", address);
		*fd_r = listen_tcp(list, o.backlog, err);
		freeaddrinfo(list);
	}
	return *fd_r < 0 ? err_add(err, "%s", address) : 0;
}

/* --- connecting --------------------------------------------------------------------------------- */

/* Who is not there, or not any more, is offline, whatever name the system has for it. */
static int connect_failed(int os, struct err *err)
{
	errno = os;
	if (os == EACCES || os == EPERM)
		return err_errno(err, "%m");
	if (os == ETIMEDOUT)
		return err_set(err, ERR_TIMEOUT, "%m");
	return err_set(err, ERR_OFFLINE, "%m");
}

/* A Unix socket whose queue is full cannot be polled for room; but to block there has a time limit. */
static int connect_unix(const struct sockaddr_un *un, int timeout_ms, struct err *err)
{
	struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
	CLEAN_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return err_errno(err, "socket: %m");
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) < 0)
		return connect_failed(errno == EAGAIN ? ETIMEDOUT : errno, err);
	return keep(&fd);
}

static int wait_connected(int fd, int64_t end_ms, struct err *err)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int os = 0;
	socklen_t len = sizeof(os);
	int n;

	do {
		int64_t left_ms = end_ms - clock_monotonic_ms();

		n = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_set(err, ERR_TIMEOUT, "no answer");
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &os, &len) < 0)
		os = errno;
	return os ? connect_failed(os, err) : 0;
}

static int connect_tcp(const struct sockaddr *addr, socklen_t len, int64_t end_ms, struct err *err)
{
	CLEAN_FD fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_errno(err, "socket: %m");
	if (connect(fd, addr, len) < 0) {
		if (errno != EINPROGRESS)
			return connect_failed(errno, err);
		if (wait_connected(fd, end_ms, err) < 0)
			return -1;
	}
	return keep(&fd);
}

/* An address that swallows everything must not take the time of those behind it: each gets its share of
 * what is left. */
static int connect_any(const struct addrinfo *list, int64_t end_ms, struct err *err)
{
	int left = 0;
	int fd = -1;

	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next)
		left++;
	for (const struct addrinfo *ai = list; ai != NULL && fd < 0; ai = ai->ai_next) {
		int64_t now_ms = clock_monotonic_ms();
		int64_t share_ms = end_ms > now_ms ? (end_ms - now_ms) / left-- : 0;

		fd = connect_tcp(ai->ai_addr, ai->ai_addrlen, now_ms + share_ms, err);
	}
	return fd;
}

int conn_connect(const char *address, int timeout_ms, struct conn **conn_r, struct err *err)
{
	int64_t end_ms = clock_monotonic_ms() + timeout_ms;
	struct addrinfo *list = NULL;
	struct address a;
	int fd;

	if (parse(address, &a, err) < 0)
		return -1;
	if (a.un.sun_path[0] != '\0') {
		fd = connect_unix(&a.un, timeout_ms, err);
	} else {
		if (resolve(&a, end_ms, &list, err) < 0)
			return err_add(err, "%s", address);
		fd = connect_any(list, end_ms, err);
		freeaddrinfo(list);
	}
	if (fd < 0)
		return err_add(err, "%s", address);
	*conn_r = conn_of_fd(fd);
	return 0;
}

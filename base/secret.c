/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

enum { SECRET_MAX = 64 * 1024, SPARE_MAX = 16 };

struct secret {
	size_t mapped; /* bytes of the mapping, this header included */
	size_t len;
	unsigned char data[];
};

/* Wiped pages for the next secrets: mapping and locking one costs more than a short message's
 * encryption. A child after fork() finds them empty, as all of them. */
static struct {
	pthread_mutex_t lock;
	struct secret *pages[SPARE_MAX];
	size_t n;
} spare = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct secret *take_spare(void)
{
	struct secret *s = NULL;

	pthread_mutex_lock(&spare.lock);
	if (spare.n > 0)
		s = spare.pages[--spare.n];
	pthread_mutex_unlock(&spare.lock);
	return s;
}

static bool give_spare(struct secret *s)
{
	bool room;

	pthread_mutex_lock(&spare.lock);
	room = spare.n < SPARE_MAX;
	if (room)
		spare.pages[spare.n++] = s;
	pthread_mutex_unlock(&spare.lock);
	return room;
}

static struct secret *map_pages(size_t mapped)
{
	void *s = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(s != MAP_FAILED);
	(void)mlock(s, mapped); /* may be past RLIMIT_MEMLOCK: better unlocked than refused */
	(void)madvise(s, mapped, MADV_DONTDUMP);
	(void)madvise(s, mapped, MADV_WIPEONFORK); /* children that need a key are handed it */
	return s;
}

struct secret *secret_new(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t mapped = (sizeof(struct secret) + len + page - 1) / page * page;
	struct secret *s = NULL;

	must(len > 0 && len <= SECRET_MAX);
	if (mapped == page)
		s = take_spare();
	if (s == NULL)
		s = map_pages(mapped);
	s->mapped = mapped;
	s->len = len;
	return s;
}

struct secret *secret_copy(const void *data, size_t len)
{
	struct secret *s = secret_new(len);

	memcpy(s->data, data, len);
	return s;
}

void secret_free(struct secret **secret)
{
	struct secret *s = *secret;
	size_t mapped;

	if (s == NULL)
		return;
	mapped = s->mapped;
	OPENSSL_cleanse(s, mapped);
	if (mapped != (size_t)sysconf(_SC_PAGESIZE) || !give_spare(s))
		munmap(s, mapped);
	*secret = NULL;
}

/* All zero, the size of the mapping with it: it was made before a fork(), and this is the child. */
static bool is_left_behind(const struct secret *s)
{
	return s->mapped == 0;
}

unsigned char *secret_bytes(struct secret *secret)
{
	must(!is_left_behind(secret));
	return secret->data;
}

const unsigned char *secret_data(const struct secret *secret)
{
	must(!is_left_behind(secret));
	return secret->data;
}

size_t secret_len(const struct secret *secret)
{
	return secret->len;
}

void secret_shrink(struct secret *secret, size_t len)
{
	must(len <= secret->len);
	OPENSSL_cleanse(secret->data + len, secret->len - len);
	secret->len = len;
}

bool secret_eq(const struct secret *a, const struct secret *b)
{
	must(!is_left_behind(a) && !is_left_behind(b));
	return a->len == b->len && CRYPTO_memcmp(a->data, b->data, a->len) == 0;
}

int secret_read_fd(int fd, size_t max, struct secret **secret_r, struct err *err)
{
	CLEAN(secret) s = secret_new(max + 1);
	size_t used = 0;

	while (used < max + 1) {
		ssize_t n = read(fd, s->data + used, max + 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "read a secret: %m");
		if (n == 0)
			break;
		used += (size_t)n;
	}
	if (used > max)
		return err_set(err, ERR_TOOBIG, "a secret of more than %zu bytes", max);
	if (used == 0)
		return err_set(err, ERR_SYNTAX, "an empty secret");
	secret_shrink(s, used);
	*secret_r = TAKE(s);
	return 0;
}

static void drop_line_end(struct secret *s)
{
	size_t len = s->len;

	if (len > 0 && s->data[len - 1] == '\n')
		len--;
	if (len > 0 && s->data[len - 1] == '\r')
		len--;
	secret_shrink(s, len);
}

int secret_read_line_file(const char *path, struct secret **secret_r, struct err *err)
{
	CLEAN(secret) s = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd < 0)
		return err_errno(err, "%s: %m", path);
	rc = secret_read_fd(fd, 4096, &s, err);
	close(fd);
	if (rc < 0)
		return err_add(err, "%s", path);
	drop_line_end(s);
	if (s->len == 0)
		return err_set(err, ERR_SYNTAX, "%s: the password file is empty", path);
	*secret_r = TAKE(s);
	return 0;
}

/* Read one line byte by byte, so that nothing of it stays in a stdio buffer. */
static int read_line(int fd, struct secret **secret_r, struct err *err)
{
	CLEAN(secret) s = secret_new(1024);
	size_t used = 0;

	for (;;) {
		ssize_t n = read(fd, s->data + used, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "read the password: %m");
		if (n == 0 || s->data[used] == '\n')
			break;
		if (++used == s->len)
			return err_set(err, ERR_TOOBIG, "a password of more than %zu bytes", used);
	}
	if (used == 0)
		return err_set(err, ERR_SYNTAX, "the password is empty");
	secret_shrink(s, used);
	*secret_r = TAKE(s);
	return 0;
}

int secret_prompt(const char *question, struct secret **secret_r, struct err *err)
{
	struct termios shown, hidden;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_set(err, ERR_USAGE,
			       "there is no terminal to ask for the password; use --password-file");
	if (tcgetattr(fd, &shown) < 0) {
		rc = err_errno(err, "terminal: %m");
		close(fd);
		return rc;
	}
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	/* Before the question shows: what is typed right then must not be seen, nor flushed away. */
	tcsetattr(fd, TCSAFLUSH, &hidden);
	if (write(fd, question, strlen(question)) < 0)
		rc = err_errno(err, "terminal: %m");
	else
		rc = read_line(fd, secret_r, err);
	tcsetattr(fd, TCSAFLUSH, &shown);
	if (write(fd, "\n", 1) < 0 && rc == 0)
		rc = err_errno(err, "terminal: %m");
	close(fd);
	return rc;
}

void secret_harden_process(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

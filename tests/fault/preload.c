/* SPDX-License-Identifier: GPL-3.0-or-later */
/* preload.c - stands in front of libc's file calls and makes one of them the last, or fail.
 *
 * Loaded with LD_PRELOAD; told by the environment:
 *   FAULT_CALLS   the calls that count, such as "rename,link,unlink,fsync,ftruncate,write"; fsync
 *                 stands for fdatasync, write for pwrite and writev, ftruncate for fallocate, link for
 *                 linkat too
 *   FAULT_AT      number of the call that is hit, from 1; 0 or none: only count
 *   FAULT_DO      kill: SIGKILL in place of the call; half: a write is carried out by half and then
 *                 SIGKILL; enospc, eio: this call and all later ones fail
 *   FAULT_COUNT   file that gets the number of counted calls at the end of the process
 *   FAULT_SYNCED  file that gets a line "BYTES PATH" for each file that was synced
 *   FAULT_MARK    any data that is hashed with this text in it is deadly: a fault of memory, or, if FAULT_DO
 *                 is kill, SIGKILL
 * Standard streams, pipes and devices never count.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum deed { DEED_NONE, DEED_KILL, DEED_HALF, DEED_FAIL };

static struct {
	char calls[128]; /* ",rename,fsync," */
	long at;
	enum deed deed;
	int os;
	int synced_fd;
	atomic_long count;
} plan;

static const char *mark;

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void read_plan(void)
{
	const char *calls = getenv("FAULT_CALLS");
	const char *at = getenv("FAULT_AT");
	const char *deed = getenv("FAULT_DO");
	const char *synced = getenv("FAULT_SYNCED");

	mark = getenv("FAULT_MARK");
	snprintf(plan.calls, sizeof(plan.calls), ",%s,", calls ? calls : "");
	plan.at = at ? atol(at) : 0;
	plan.synced_fd = synced ? open(synced, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
				: -1;
	if (deed == NULL)
		return;
	plan.deed = strcmp(deed, "kill") == 0 ? DEED_KILL : DEED_FAIL;
	if (strcmp(deed, "half") == 0)
		plan.deed = DEED_HALF;
	plan.os = strcmp(deed, "enospc") == 0 ? ENOSPC : EIO;
}

__attribute__((destructor)) static void write_count(void)
{
	const char *path = getenv("FAULT_COUNT");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%ld\n", atomic_load(&plan.count));
	fclose(f);
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	pause();
}

/* What is to happen to this call. */
static enum deed fate(const char *name)
{
	char listed[32];
	long n;

	snprintf(listed, sizeof(listed), ",%s,", name);
	if (strstr(plan.calls, listed) == NULL)
		return DEED_NONE;
	n = atomic_fetch_add(&plan.count, 1) + 1;
	if (plan.at == 0 || n < plan.at || (n > plan.at && plan.deed != DEED_FAIL))
		return DEED_NONE;
	return plan.deed;
}

/* 0: carry the call out; -1 with errno: it has failed. */
static int suffer(enum deed deed)
{
	if (deed == DEED_KILL || deed == DEED_HALF)
		die();
	errno = plan.os;
	return deed == DEED_FAIL ? -1 : 0;
}

static int is_file(int fd)
{
	struct stat st;
	int is = fd > 2 && fd != plan.synced_fd && fstat(fd, &st) == 0 &&
		 (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));

	errno = 0;
	return is;
}

static int suffer_fd(const char *name, int fd)
{
	return is_file(fd) ? suffer(fate(name)) : 0;
}

int rename(const char *from, const char *to)
{
	return suffer(fate("rename")) < 0 ? -1 : REAL(rename)(from, to);
}

int link(const char *from, const char *to)
{
	return suffer(fate("link")) < 0 ? -1 : REAL(link)(from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	return suffer(fate("link")) < 0 ? -1 : REAL(linkat)(from_dir, from, to_dir, to, flags);
}

int unlink(const char *path)
{
	return suffer(fate("unlink")) < 0 ? -1 : REAL(unlink)(path);
}

static int note_synced(int rc, int fd)
{
	char link[64], path[4096];
	struct stat st;
	ssize_t n;

	if (rc < 0 || plan.synced_fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return rc;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n > 0)
		dprintf(plan.synced_fd, "%lld %.*s\n", (long long)st.st_size, (int)n, path);
	return rc;
}

int fsync(int fd)
{
	return suffer_fd("fsync", fd) < 0 ? -1 : note_synced(REAL(fsync)(fd), fd);
}

int fdatasync(int fd)
{
	return suffer_fd("fsync", fd) < 0 ? -1 : note_synced(REAL(fdatasync)(fd), fd);
}

int ftruncate(int fd, off_t size)
{
	return suffer_fd("ftruncate", fd) < 0 ? -1 : REAL(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
	return suffer_fd("ftruncate", fd) < 0 ? -1 : REAL(ftruncate64)(fd, size);
}

int posix_fallocate(int fd, off_t at, off_t len)
{
	return suffer_fd("ftruncate", fd) < 0 ? errno : REAL(posix_fallocate)(fd, at, len);
}

/* LEN, or half of it where this write is the last; -1 where it fails. */
static ssize_t allowed(int fd, size_t len, int *last_r)
{
	enum deed deed = is_file(fd) ? fate("write") : DEED_NONE;

	*last_r = deed == DEED_HALF;
	if (*last_r)
		return (ssize_t)(len / 2);
	return suffer(deed) < 0 ? -1 : (ssize_t)len;
}

ssize_t write(int fd, const void *data, size_t len)
{
	int last;
	ssize_t n = allowed(fd, len, &last);

	if (n >= 0)
		n = REAL(write)(fd, data, (size_t)n);
	if (last)
		die();
	return n;
}

static ssize_t write_at(int fd, const void *data, size_t len, off64_t at)
{
	int last;
	ssize_t n = allowed(fd, len, &last);

	if (n >= 0)
		n = REAL(pwrite64)(fd, data, (size_t)n, at);
	if (last)
		die();
	return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	return write_at(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	return write_at(fd, data, len, at);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	return suffer_fd("write", fd) < 0 ? -1 : REAL(writev)(fd, v, n);
}

/* A worker of the archiver hashes each mail that it reads. */
int EVP_Digest(const void *data, size_t len, unsigned char *md, unsigned *md_len, const void *type,
	       void *engine)
{
	if (mark != NULL && memmem(data, len, mark, strlen(mark)) != NULL) {
		char *page = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (plan.deed == DEED_KILL)
			die();
		page[0] = 1;
	}
	return REAL(EVP_Digest)(data, len, md, md_len, type, engine);
}

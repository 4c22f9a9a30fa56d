/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Here are the functions that the macros of these names call. */
#undef err_set
#undef err_errno
#undef err_add

static const struct {
	const char *code;
	int http;
	int smtp;
	bool retry;
	const char *sentence;
} kinds[] = {
#define X(kind, code, http, smtp, retry, sentence) {code, http, smtp, retry, sentence},
	ERR_KINDS(X)
#undef X
};

static int set_v(struct err *err, enum err_kind kind, const char *fmt, va_list ap)
{
	int os = errno;

	err->kind = kind;
	err->os = os;
	errno = os; /* for %m */
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	errno = os;
	return -1;
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_v(err, kind, fmt, ap);
	va_end(ap);
	return -1;
}

static enum err_kind kind_of_errno(int os)
{
	switch (os) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_NOSPACE;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case ENOENT:
	case ENOTDIR:
		return ERR_NOTFOUND;
	case EEXIST:
		return ERR_EXISTS;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	case ECONNREFUSED:
	case ECONNRESET:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENOTCONN:
	case ESTALE:
		return ERR_OFFLINE;
	default:
		return ERR_IO;
	}
}

int err_errno(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_v(err, kind_of_errno(errno), fmt, ap);
	va_end(ap);
	return -1;
}

int err_add(struct err *err, const char *fmt, ...)
{
	char old[sizeof(err->text)];
	va_list ap;
	size_t used;
	int n;

	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	used = n < 0 ? 0 : (size_t)n < sizeof(err->text) ? (size_t)n : sizeof(err->text) - 1;
	for (const char *p = ": "; *p != '\0' && used < sizeof(err->text) - 1; p++)
		err->text[used++] = *p;
	for (const char *p = old; *p != '\0' && used < sizeof(err->text) - 1; p++)
		err->text[used++] = *p;
	err->text[used] = '\0';
	return -1;
}

void err_clear(struct err *err)
{
	err->kind = ERR_NONE;
	err->os = 0;
	err->text[0] = '\0';
}

const char *err_code(enum err_kind kind)
{
	return kinds[kind].code;
}

const char *err_sentence(enum err_kind kind)
{
	return kinds[kind].sentence;
}

int err_http(enum err_kind kind)
{
	return kinds[kind].http;
}

int err_smtp(enum err_kind kind)
{
	return kinds[kind].smtp;
}

bool err_retry(enum err_kind kind)
{
	return kinds[kind].retry;
}

void must_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "sealpost: bug: %s:%d: must(%s)\n", file, line, cond);
	abort();
}

void *mem_new(size_t size_bytes)
{
	void *ptr = calloc(1, size_bytes ? size_bytes : 1);

	must(ptr != NULL);
	return ptr;
}

void *mem_grow(void *ptr, size_t size_bytes)
{
	void *bigger = realloc(ptr, size_bytes ? size_bytes : 1);

	must(bigger != NULL);
	return bigger;
}

char *mem_strdup(const char *s)
{
	char *copy = strdup(s);

	must(copy != NULL);
	return copy;
}

void mem_cleanup(void *pptr)
{
	void **p = pptr;

	free(*p);
	*p = NULL;
}

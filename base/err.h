/* SPDX-License-Identifier: GPL-3.0-or-later */
/* err.h - what went wrong, told once and passed on.
 *
 * A function that can fail takes a `struct err *` last and returns 0 or -1 (look-ups and iterators:
 * 1 found, 0 none, -1 error). The one who notices the failure calls err_set(); callers on the way
 * up put their context in front with err_add(). The text then reads from the outside in:
 * "medium 3: packs/00/00000017.pack: fsync: Input/output error".
 *
 * `kind` is the only thing that code branches on. ERR_KINDS below is the one table from which the
 * problem code, the HTTP status, the SMTP reply, the advice to retry and the user's sentence come,
 * so that all doors answer alike.
 *
 * A text never holds a mail's content, an address, a search word, a password or a key.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdlib.h>

/* kind, problem code, HTTP, SMTP, retry, what it means for the user's mail and what to do */
#define ERR_KINDS(X)                                                                               \
	X(NONE, "none", 200, 250, false, "")                                                       \
	X(USAGE, "usage", 400, 501, false, "The command was not understood; nothing was done.")    \
	X(SYNTAX, "syntax", 400, 501, false, "The input has a mistake; nothing was done.")         \
	X(NOTFOUND, "not-found", 404, 550, false, "There is no such thing; nothing was done.")     \
	X(EXISTS, "exists", 409, 550, false, "It is there already; nothing was overwritten.")      \
	X(DENIED, "denied", 403, 550, false,                                                       \
	  "Access was refused. Nothing was changed; check who is allowed to do this.")             \
	X(NOSPACE, "no-space", 507, 452, true,                                                     \
	  "There is no space left. What was archived is safe; free some space and run it again.")  \
	X(OFFLINE, "offline", 503, 451, true,                                                      \
	  "The place does not answer now. No mail is lost; it is tried again.")                    \
	X(TIMEOUT, "timeout", 504, 451, true,                                                      \
	  "It took too long. No mail is lost; it is tried again.")                                 \
	X(BUSY, "busy", 503, 451, true, "Another program is at work there; try again shortly.")    \
	X(IO, "io", 500, 451, true,                                                                \
	  "Reading or writing failed. What was archived is safe; check the disk.")                 \
	X(UNSURE, "unsure", 500, 451, true,                                                        \
	  "It is not known whether this was carried out; look before you repeat it.")              \
	X(DAMAGED, "damaged", 500, 451, false,                                                     \
	  "Stored data is damaged. It is not given out; everything else stays readable.")          \
	X(WRONGKEY, "wrong-key", 403, 451, false,                                                  \
	  "This key or password does not open it. Nothing was changed.")                           \
	X(FOREIGN, "foreign", 409, 451, false,                                                     \
	  "This belongs to another archive. Nothing was changed.")                                 \
	X(VERSION, "version", 501, 451, false,                                                     \
	  "It was written by a newer Sealpost. Nothing was changed; upgrade this program.")        \
	X(TOOBIG, "too-big", 413, 552, false,                                                      \
	  "It is larger than the limit set for this archive, and was not taken in.")               \
	X(NOTMAIL, "not-mail", 415, 554, false, "This is no mail; it was not taken in.")           \
	X(ERASED, "erased", 410, 550, false, "This mail was erased on request.")                   \
	X(UNSUPPORTED, "unsupported", 501, 504, false,                                             \
	  "This version of Sealpost, or a library it uses, cannot do that.")                       \
	X(STOPPED, "stopped", 503, 451, true,                                                      \
	  "It was stopped on request. What was done so far is kept; run it again to go on.")       \
	X(EXPIRED, "expired", 500, 451, false,                                                     \
	  "A certificate has ended. The mail is as it was; only this proof of it rests on "        \
	  "nothing.")                                                                              \
	X(HELD, "held", 409, 550, false,                                                           \
	  "A hold keeps this mail; nothing was deleted. Whoever set the hold can lift it.")        \
	X(SWITCHEDOFF, "switched-off", 403, 550, false,                                            \
	  "The administrator has not switched this on; nothing was done.")                         \
	X(OWN, "own", 403, 550, false,                                                             \
	  "Nobody decides on a request of his own; it waits for somebody else.")                   \
	X(NOSESSION, "no-session", 401, 530, false, "You are not logged in, or not any more.")     \
	X(LOGIN, "log-in", 401, 535, false,                                                        \
	  "Name or password is not right. After several tries the archive makes you wait.")        \
	X(SECOND, "second-factor", 401, 535, false,                                                \
	  "Your one-time code is needed as well: enter the one that your app shows now.")          \
	X(THROTTLED, "throttled", 429, 451, true,                                                  \
	  "Too many log-ins failed. Wait as long as it says, and try again.")                      \
	X(FORGED, "forged", 403, 550, false,                                                       \
	  "This did not come from the archive's own page; nothing was done. Load the page anew.")  \
	X(METHOD, "method", 405, 502, false, "That cannot be done there; nothing was done.")       \
	X(MEDIATYPE, "media-type", 415, 554, false,                                                \
	  "What was sent is not of the kind that is taken here; nothing was done.")                \
	X(WRONGHOST, "wrong-host", 421, 550, false,                                                \
	  "The archive is not reached by this name. The setting \"host\" has those that it is.")   \
	X(OVERLOAD, "overload", 429, 451, true,                                                    \
	  "Too much is asked at once; nothing was done. Try again in a moment.")                   \
	X(NOARCHIVE, "no-archive", 503, 451, true,                                                 \
	  "There is no archive here yet. The administrator sets it up in the browser.")            \
	X(LICENCE, "licence", 402, 550, false,                                                     \
	  "The licence does not cover this; nothing was changed. No mail is lost: archiving, "     \
	  "searching, reading and export go on.")

enum err_kind {
#define X(kind, code, http, smtp, retry, sentence) ERR_##kind,
	ERR_KINDS(X)
#undef X
};

struct err {
	enum err_kind kind;
	int os; /* errno when it was set, 0 where none mattered */
	char text[512];
};

/* Set kind and text (printf, with %m for errno as it is on entry). Returns -1. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with the kind that fits errno (ENOSPC is ERR_NOSPACE, EACCES is ERR_DENIED ...). */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "context: " in front of the text. Returns -1. */
int err_add(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The -1 in plain sight: compilers and analysers see it without looking into err.c. */
static inline int err_minus_one(void)
{
	return -1;
}
#define err_set(...) (err_set(__VA_ARGS__), err_minus_one())
#define err_errno(...) (err_errno(__VA_ARGS__), err_minus_one())
#define err_add(...) (err_add(__VA_ARGS__), err_minus_one())

void err_clear(struct err *err);

const char *err_code(enum err_kind kind);     /* "no-space" */
const char *err_sentence(enum err_kind kind); /* what it means for the mail, what to do */
int err_http(enum err_kind kind);
int err_smtp(enum err_kind kind);
bool err_retry(enum err_kind kind); /* may the same call succeed later? */

/* A condition that only a bug of ours can break. Aborts in every build; never used on input. */
#define must(cond) ((cond) ? (void)0 : must_failed(#cond, __FILE__, __LINE__))
void must_failed(const char *cond, const char *file, int line) __attribute__((noreturn));

/* Ownership in a function: CLEAN(pack) p = NULL; frees p with pack_free(&p) when the block ends;
 * return TAKE(p) hands it on. */
#define CLEAN(S) __attribute__((cleanup(S##_free))) struct S *
#define TAKE(p)                                                                                    \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

/* malloc family that aborts when memory is out; sizes from outside are bounded by the caller. */
void *mem_new(size_t size_bytes); /* zeroed */
void *mem_grow(void *ptr, size_t size_bytes);
char *mem_strdup(const char *s);
void mem_cleanup(void *pptr); /* for __attribute__((cleanup)) on a malloc'ed pointer */
#define CLEAN_MEM __attribute__((cleanup(mem_cleanup)))

#endif

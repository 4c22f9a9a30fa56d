/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/milter/progress.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

/* A mail server waits for minutes (Postfix: milter_content_timeout, 300 s). */
enum { TICK_S = 5 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct progress all = {.next = &all, .prev = &all};

static void tick(void)
{
	pthread_mutex_lock(&lock);
	for (struct progress *p = all.next; p != &all; p = p->next) {
		if (p->seen)
			smfi_progress(p->ctx);
		p->seen = true;
	}
	pthread_mutex_unlock(&lock);
}

static void *run(void *arg)
{
	const struct timespec pause = {.tv_sec = TICK_S};

	(void)arg;
	for (;;) {
		nanosleep(&pause, NULL);
		tick();
	}
	return NULL;
}

int progress_start(struct err *err)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, run, NULL);
	if (errno != 0)
		return err_errno(err, "thread: %m");
	pthread_detach(thread);
	return 0;
}

void progress_begin(struct progress *p, SMFICTX *ctx)
{
	pthread_mutex_lock(&lock);
	*p = (struct progress){.ctx = ctx, .next = &all, .prev = all.prev};
	all.prev->next = p;
	all.prev = p;
	pthread_mutex_unlock(&lock);
}

void progress_end(struct progress *p)
{
	pthread_mutex_lock(&lock);
	p->prev->next = p->next;
	p->next->prev = p->prev;
	pthread_mutex_unlock(&lock);
}

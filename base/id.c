/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/id.h"

#include "base/clock.h"
#include "base/crypto.h"

#include <pthread.h>
#include <unistd.h>

/* RFC 9562, section 6.2, method 1: 12 bits of counter behind the milliseconds keep the order of ids
 * made within one millisecond; when the counter is used up, the clock is run ahead. */
struct uuid uuid_new(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static int64_t last_ms;
	static unsigned counter;
	static unsigned char pool[8 * 128]; /* one CSPRNG call for many ids */
	static size_t pool_left;
	static pid_t owner; /* a child of fork() must not use up the same pool */
	struct uuid id;
	int64_t now = clock_ms();

	pthread_mutex_lock(&lock);
	if (now > last_ms) {
		last_ms = now;
		counter = 0;
	} else if (++counter > 0xfff) {
		last_ms++;
		counter = 0;
	}
	if (pool_left == 0 || owner != getpid()) {
		owner = getpid();
		crypto_random(pool, sizeof(pool));
		pool_left = sizeof(pool);
	}
	pool_left -= 8;
	for (int i = 0; i < 6; i++)
		id.b[i] = (unsigned char)(last_ms >> (8 * (5 - i)));
	id.b[6] = (unsigned char)(0x70 | counter >> 8);
	id.b[7] = (unsigned char)counter;
	memcpy(id.b + 8, pool + pool_left, 8);
	pthread_mutex_unlock(&lock);
	id.b[8] = (unsigned char)(0x80 | (id.b[8] & 0x3f));
	return id;
}

int64_t uuid_ms(const struct uuid *id)
{
	int64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id->b[i];
	return ms;
}

bool uuid_eq(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, UUID_BYTES) == 0;
}

void uuid_add(struct str *s, const struct uuid *id)
{
	static const size_t group[] = {4, 2, 2, 2, 6};
	size_t at = 0;

	for (size_t g = 0; g < 5; g++) {
		if (g > 0)
			str_addc(s, '-');
		str_addhex(s, id->b + at, group[g]);
		at += group[g];
	}
}

const char *uuid_text(const struct uuid *id, char out[UUID_TEXT + 1])
{
	CLEAN_STR s = STR_INIT;

	uuid_add(&s, id);
	memcpy(out, s.data, UUID_TEXT + 1);
	return out;
}

int uuid_read(struct view text, struct uuid *id_r)
{
	char digits[2 * UUID_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		bool at_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (text.data[i] == '-' && text.len == UUID_TEXT && at_dash)
			continue;
		if (n == sizeof(digits))
			return -1;
		digits[n++] = text.data[i];
	}
	return str_unhex((struct view){digits, n}, id_r->b, UUID_BYTES);
}

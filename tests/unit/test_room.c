/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much of large mails the workers of the page hold at once. */
#include "tests/unit/fixture.h"

#include "ui-backend/room.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MB = 1 << 20 };

static struct room_share *taken(struct fixture *f, struct room *room, uint64_t bytes)
{
	struct room_share *share;

	if (room_take(room, bytes, &share, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return share;
}

static void assert_refused(struct fixture *f, struct room *room, uint64_t bytes)
{
	struct room_share *share;

	assert_int_equal(room_take(room, bytes, &share, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_OVERLOAD);
	assert_null(share);
}

static void small_mails_are_not_counted(void **state)
{
	struct fixture *f = *state;
	CLEAN(room) room = room_new(f->dir);

	for (int i = 0; i < 10000; i++)
		assert_null(taken(f, room, ROOM_SMALL - 1));
}

static void a_worker_has_some_of_its_own_and_all_share_the_rest(void **state)
{
	struct fixture *f = *state;
	CLEAN(room) one = room_new(f->dir);
	CLEAN(room) other = room_new(f->dir);
	struct room_share *own = taken(f, one, 30 * MB), *others, *shared[ROOM_UNITS];

	for (size_t i = 0; i < ROOM_UNITS; i++)
		shared[i] = taken(f, one, 30 * MB);
	assert_refused(f, one, 30 * MB);
	assert_refused(f, other, 33 * MB);
	others = taken(f, other, 30 * MB);
	assert_refused(f, other, 30 * MB);
	room_give(&own);
	own = taken(f, one, 32 * MB);
	room_give(&shared[3]);
	shared[3] = taken(f, other, 32 * MB);
	for (size_t i = 0; i < ROOM_UNITS; i++)
		room_give(&shared[i]);
	room_give(&others);
	room_give(&own);
}

static void one_larger_than_all_takes_all(void **state)
{
	struct fixture *f = *state;
	CLEAN(room) one = room_new(f->dir);
	CLEAN(room) other = room_new(f->dir);
	struct room_share *all = taken(f, one, 1000ULL * MB);

	assert_refused(f, other, 33 * MB);
	assert_refused(f, one, 1000ULL * MB);
	room_give(&all);
	all = taken(f, other, 1000ULL * MB);
	room_give(&all);
}

static void what_a_worker_held_that_died_is_free_again(void **state)
{
	struct fixture *f = *state;
	CLEAN(room) room = room_new(f->dir);
	struct room_share *share;
	int ready[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		struct room *own = room_new(f->dir);

		taken(f, own, 1000ULL * MB);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_refused(f, room, 40 * MB);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	share = taken(f, room, 40 * MB);
	room_give(&share);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(small_mails_are_not_counted, fixture_folder,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_worker_has_some_of_its_own_and_all_share_the_rest,
						fixture_folder, fixture_teardown),
		cmocka_unit_test_setup_teardown(one_larger_than_all_takes_all, fixture_folder,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(what_a_worker_held_that_died_is_free_again,
						fixture_folder, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

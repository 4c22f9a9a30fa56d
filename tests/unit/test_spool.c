/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/spool.h"

#include "app/archiver/archiver.h"
#include "base/clock.h"
#include "base/file.h"
#include "tests/unit/fixture.h"

#include <grp.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MAIL "From: anna@example.org\r\nTo: bert@example.org\r\nSubject: hello\r\n\r\nbody\r\n"
#define MAX_BYTES (1 << 20)
#define SIXTY_FIVE "12345678901234567890123456789012345678901234567890123456789012345"

static struct spool *spool;
static struct x25519 *key;
static struct arena *arena;

static int setup(void **state)
{
	struct fixture *f;

	if (fixture_setup(state) < 0)
		return -1;
	f = *state;
	key = archive_spool_key(f->a);
	arena = arena_new();
	if (spool_open(f->archive, &spool, &f->err) < 0)
		fail_msg("%s", f->err.text);
	spool_set_reserve(spool, 0);
	return 0;
}

static int teardown(void **state)
{
	spool_free(&spool);
	x25519_free(&key);
	arena_free(&arena);
	return fixture_teardown(state);
}

static struct envelope some_envelope(void)
{
	static struct view recipients[] = {{"bert@example.org", 16}, {"", 0}, {"blind\n@x", 8}};

	return (struct envelope){.door = DOOR_MILTER,
				 .source = VIEW("mx1"),
				 .seen_ms = 1700000000123,
				 .reverse_path = VIEW("anna@example.org"),
				 .recipients = {recipients, 3, 3},
				 .queue_id = VIEW("4XyZ"),
				 .client_name = VIEW("client.example.org"),
				 .client_addr = VIEW("192.0.2.1"),
				 .helo = VIEW("client"),
				 .login = VIEW("anna"),
				 .spam = true};
}

static struct uuid put(struct fixture *f, struct view raw, const struct envelope *env, bool hold)
{
	CLEAN(spool_entry) e = NULL;

	if (spool_begin(spool, raw.len, &e, &f->err) < 0 ||
	    spool_write(e, raw.data, raw.len, &f->err) < 0 ||
	    (hold ? spool_hold(e, env, &f->err) : spool_commit(e, env, &f->err)) < 0)
		fail_msg("%s", f->err.text);
	return *spool_entry_id(e);
}

static void many_entries_are_committed_at_once(void **state)
{
	struct fixture *f = *state;
	struct spool_entry *entries[3] = {NULL};
	struct envelope envs[3] = {some_envelope(), some_envelope(), some_envelope()};
	struct uuid *ids;
	size_t n;

	assert_int_equal(spool_commit_all(entries, envs, 0, &f->err), 0);
	for (size_t i = 0; i < 3; i++)
		assert_true(spool_begin(spool, 0, &entries[i], &f->err) == 0 &&
			    spool_write(entries[i], MAIL, strlen(MAIL) - i, &f->err) == 0);
	assert_int_equal(spool_commit_all(entries, envs, 3, &f->err), 0);
	assert_int_equal(spool_list(spool, SPOOL_READY, 0, arena, &ids, &n, &f->err), 0);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < 3; i++) {
		CLEAN_STR raw = STR_INIT;

		assert_true(uuid_eq(&ids[i], spool_entry_id(entries[i])));
		assert_int_equal(spool_read(spool, SPOOL_READY, &ids[i], key, MAX_BYTES, &raw,
					    arena, NULL, &f->err),
				 0);
		assert_int_equal(raw.len, strlen(MAIL) - i);
		spool_entry_free(&entries[i]);
	}
}

static struct uuid put_mail(struct fixture *f, bool hold)
{
	struct envelope env = some_envelope();

	return put(f, VIEW(MAIL), &env, hold);
}

static const char *path_of(struct fixture *f, enum spool_state state, const struct uuid *id)
{
	char name[128], text[UUID_TEXT + 1];

	snprintf(name, sizeof(name), "archive/spool/%s/%s", spool_state_text(state),
		 uuid_text(id, text));
	return fixture_path(f, name);
}

static size_t count(struct fixture *f, enum spool_state state)
{
	struct uuid *ids;
	size_t n;

	if (spool_list(spool, state, 0, arena, &ids, &n, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return n;
}

static void assert_view(struct view a, struct view b)
{
	assert_true(view_eq(a, b));
}

static void assert_views(const struct views *a, const struct views *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_view(a->v[i], b->v[i]);
}

static void assert_envelope(const struct envelope *got, const struct envelope *want)
{
	assert_int_equal(got->door, want->door);
	assert_int_equal(got->seen_ms, want->seen_ms);
	assert_int_equal(got->spam, want->spam);
	assert_view(got->source, want->source);
	assert_view(got->reverse_path, want->reverse_path);
	assert_view(got->queue_id, want->queue_id);
	assert_view(got->client_name, want->client_name);
	assert_view(got->client_addr, want->client_addr);
	assert_view(got->helo, want->helo);
	assert_view(got->login, want->login);
	assert_view(got->tls, want->tls);
	assert_view(got->mail_params, want->mail_params);
	assert_view(got->trace, want->trace);
	assert_view(got->place, want->place);
	assert_view(got->place_flags, want->place_flags);
	assert_int_equal(got->source_time_s, want->source_time_s);
	assert_int_equal(got->unwrap, want->unwrap);
	assert_int_equal(got->is_copy, want->is_copy);
	assert_int_equal(got->wants_receipt, want->wants_receipt);
	assert_true(uuid_eq(&got->capture, &want->capture));
	assert_views(&got->recipients, &want->recipients);
	assert_views(&got->hidden, &want->hidden);
	assert_views(&got->marks, &want->marks);
}

static void assert_holds(struct fixture *f, enum spool_state state, const struct uuid *id,
			 struct view raw, const struct envelope *want)
{
	CLEAN_STR got = STR_INIT;
	struct envelope env;

	if (spool_read(spool, state, id, key, MAX_BYTES, &got, arena, &env, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_view(str_view(&got), raw);
	assert_envelope(&env, want);
}

static void assert_unreadable(enum spool_state state, const struct uuid *id,
			      const struct x25519 *with, enum err_kind kind)
{
	CLEAN_STR got = STR_INIT;
	struct envelope env;
	struct err err = {0};

	assert_int_equal(spool_read(spool, state, id, with, MAX_BYTES, &got, arena, &env, &err),
			 -1);
	assert_int_equal(err.kind, kind);
	assert_null(strchr(err.text, '/')); /* it may become the reason why it is stuck */
	assert_int_equal(got.len, 0);
}

static struct view random_text(size_t max)
{
	unsigned len;
	char *data;

	crypto_random(&len, sizeof(len));
	len %= (unsigned)max + 1;
	data = arena_get(arena, len + 1);
	crypto_random(data, len);
	return (struct view){data, len};
}

static void any_bytes_with_any_envelope_come_out_as_they_went_in(void **state)
{
	for (int i = 0; i < 60; i++) {
		struct envelope env = {.door = DOOR_MILTER + i % 6,
				       .source = random_text(20),
				       .seen_ms = i * 1000LL,
				       .reverse_path = random_text(300),
				       .queue_id = random_text(20),
				       .client_name = random_text(100),
				       .client_addr = random_text(40),
				       .helo = random_text(100),
				       .login = random_text(30),
				       .tls = random_text(60),
				       .mail_params = random_text(60),
				       .trace = random_text(3000),
				       .place = random_text(60),
				       .place_flags = random_text(60),
				       .source_time_s = i * -1000LL,
				       .spam = i % 2,
				       .unwrap = i % 3,
				       .is_copy = i % 5,
				       .wants_receipt = i % 7};
		struct view raw = random_text(200000);
		struct uuid id;

		if (env.is_copy)
			env.capture = uuid_new();
		for (int n = 0; n < i; n++) {
			ARENA_PUSH(arena, env.recipients, random_text(64));
			ARENA_PUSH(arena, env.hidden, random_text(64));
			ARENA_PUSH(arena, env.marks, random_text(64));
		}
		id = put(*state, raw, &env, false);
		assert_holds(*state, SPOOL_READY, &id, raw, &env);
	}
}

static void an_entry_that_is_not_committed_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	CLEAN(spool_entry) e = NULL;

	assert_int_equal(spool_begin(spool, 0, &e, &f->err), 0);
	assert_int_equal(spool_write(e, MAIL, strlen(MAIL), &f->err), 0);
	spool_entry_free(&e);
	assert_int_equal(dir_is_empty(fixture_path(f, "archive/spool/ready"), &f->err), 1);
}

static void entries_are_listed_oldest_first_and_named_by_their_ids_alone(void **state)
{
	struct fixture *f = *state;
	struct uuid first = put_mail(f, false), second = put_mail(f, false), *ids;
	size_t n;

	fixture_write(fixture_path(f, "archive/spool/ready/README"), VIEW("not ours"));
	assert_int_equal(spool_list(spool, SPOOL_READY, 0, arena, &ids, &n, &f->err), 0);
	assert_int_equal(n, 2);
	assert_true(uuid_eq(&ids[0], &first) && uuid_eq(&ids[1], &second));
	assert_int_equal(spool_list(spool, SPOOL_READY, 1, arena, &ids, &n, &f->err), 0);
	assert_int_equal(n, 1);
}

static void nothing_of_a_mail_is_on_the_disk_in_clear(void **state)
{
	struct fixture *f = *state;
	struct uuid id = put_mail(f, false);
	CLEAN_STR file = STR_INIT;

	assert_int_equal(file_read(path_of(f, SPOOL_READY, &id), MAX_BYTES, &file, &f->err), 0);
	assert_null(memmem(file.data, file.len, "body", 4));
	assert_null(memmem(file.data, file.len, "anna", 4));
	assert_null(memmem(file.data, file.len, "4XyZ", 4));
}

static void every_flipped_byte_of_an_entry_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct uuid id = put_mail(f, false);
	const char *path = path_of(f, SPOOL_READY, &id);
	CLEAN_STR file = STR_INIT;

	assert_int_equal(file_read(path, MAX_BYTES, &file, &f->err), 0);
	for (size_t i = 0; i < file.len; i++) {
		CLEAN_STR got = STR_INIT;
		struct envelope env;
		struct err err = {0};

		file.data[i] ^= 0x40;
		fixture_write(path, str_view(&file));
		file.data[i] ^= 0x40;
		assert_int_equal(spool_read(spool, SPOOL_READY, &id, key, MAX_BYTES, &got, arena,
					    &env, &err),
				 -1);
		assert_true(err.kind == ERR_DAMAGED || err.kind == ERR_WRONGKEY ||
			    err.kind == ERR_TOOBIG);
	}
}

static void an_entry_cut_short_or_with_something_behind_it_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct uuid id = put_mail(f, false);
	const char *path = path_of(f, SPOOL_READY, &id);
	CLEAN_STR file = STR_INIT;

	assert_int_equal(file_read(path, MAX_BYTES, &file, &f->err), 0);
	for (size_t len = 0; len < file.len; len++) {
		fixture_write(path, (struct view){file.data, len});
		assert_unreadable(SPOOL_READY, &id, key, ERR_DAMAGED);
	}
	str_addc(&file, 'x');
	fixture_write(path, str_view(&file));
	assert_unreadable(SPOOL_READY, &id, key, ERR_DAMAGED);
}

static void another_key_does_not_open_an_entry_and_no_entry_stands_for_another(void **state)
{
	struct fixture *f = *state;
	struct uuid id = put_mail(f, false), with = put_mail(f, false);
	CLEAN(x25519) other = x25519_new(NULL);

	assert_unreadable(SPOOL_READY, &id, other, ERR_WRONGKEY);
	fixture_copy(path_of(f, SPOOL_READY, &with), path_of(f, SPOOL_READY, &id));
	assert_unreadable(SPOOL_READY, &id, key, ERR_DAMAGED);
}

static void a_mail_larger_than_asked_for_is_too_big(void **state)
{
	struct fixture *f = *state;
	struct uuid id = put_mail(f, false);
	CLEAN_STR got = STR_INIT;
	struct envelope env;

	assert_int_equal(spool_read(spool, SPOOL_READY, &id, key, strlen(MAIL) - 1, &got, arena,
				    &env, &f->err),
			 -1);
	assert_int_equal(f->err.kind, ERR_TOOBIG);
}

static void a_pending_entry_is_ready_once_bound_with_both_envelopes(void **state)
{
	struct fixture *f = *state;
	struct uuid id = put_mail(f, true);
	struct view recipient = VIEW("final@example.org");
	struct envelope more = {.door = DOOR_LMTP, .recipients = {&recipient, 1, 1}};
	struct envelope want = some_envelope();

	assert_holds(f, SPOOL_PENDING, &id, VIEW(MAIL), &want);
	assert_int_equal(count(f, SPOOL_READY), 0);
	assert_int_equal(spool_bind(spool, &id, &more, &f->err), 1);
	assert_int_equal(count(f, SPOOL_PENDING), 0);
	want.door = DOOR_LMTP;
	want.recipients.v = &recipient;
	want.recipients.n = 1;
	assert_holds(f, SPOOL_READY, &id, VIEW(MAIL), &want);
	assert_int_equal(spool_bind(spool, &id, &more, &f->err), 0);
	assert_int_equal(spool_done(spool, &id, &f->err), 0);
	assert_int_equal(spool_bind(spool, &id, &more, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
}

static void a_binding_that_was_torn_is_made_good_by_the_next(void **state)
{
	struct fixture *f = *state;
	struct envelope env = some_envelope();
	struct uuid id = put_mail(f, true);
	const char *path = path_of(f, SPOOL_PENDING, &id);
	CLEAN_STR file = STR_INIT;

	assert_int_equal(file_read(path, MAX_BYTES, &file, &f->err), 0);
	str_adds(&file, "SPSEAL1\ntorn");
	fixture_write(path, str_view(&file));
	assert_holds(f, SPOOL_PENDING, &id, VIEW(MAIL), &env);
	assert_int_equal(spool_bind(spool, &id, &env, &f->err), 1);
	assert_holds(f, SPOOL_READY, &id, VIEW(MAIL), &env);
}

static void a_held_entry_whose_completion_was_cut_off_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct envelope env = some_envelope();
	struct uuid id = put_mail(f, true);
	struct stat st;

	assert_int_equal(stat(path_of(f, SPOOL_PENDING, &id), &st), 0);
	assert_int_equal(spool_bind(spool, &id, &env, &f->err), 1);
	assert_int_equal(truncate(path_of(f, SPOOL_READY, &id), st.st_size), 0);
	assert_unreadable(SPOOL_READY, &id, key, ERR_DAMAGED);
}

static void a_stuck_entry_keeps_its_bytes_and_reason_until_retried_or_dropped(void **state)
{
	struct fixture *f = *state;
	struct envelope env = some_envelope();
	struct uuid id = put_mail(f, false);
	struct spool_item item;
	struct err why;

	err_set(&why, ERR_TOOBIG, "far too big");
	assert_int_equal(spool_stick(spool, &id, &why, &f->err), 0);
	assert_int_equal(spool_look(spool, SPOOL_STUCK, &id, arena, &item, &f->err), 1);
	assert_view(item.why, VIEW("too-big: far too big"));
	assert_holds(f, SPOOL_STUCK, &id, VIEW(MAIL), &env);
	assert_int_equal(spool_retry(spool, &id, &f->err), 0);
	assert_int_equal(dir_is_empty(fixture_path(f, "archive/spool/stuck"), &f->err), 1);
	assert_holds(f, SPOOL_READY, &id, VIEW(MAIL), &env);
	assert_int_equal(spool_retry(spool, &id, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
	assert_int_equal(spool_stick(spool, &id, &why, &f->err), 0);
	assert_int_equal(spool_drop(spool, SPOOL_STUCK, &id, &f->err), 0);
	assert_int_equal(dir_is_empty(fixture_path(f, "archive/spool/stuck"), &f->err), 1);
}

static void what_is_gone_already_leaves_no_reason_behind(void **state)
{
	struct fixture *f = *state;
	struct uuid id = put_mail(f, false);
	struct err why;

	err_set(&why, ERR_TOOBIG, "far too big");
	assert_int_equal(spool_drop(spool, SPOOL_READY, &id, &f->err), 0);
	assert_int_equal(spool_stick(spool, &id, &why, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
	assert_int_equal(dir_is_empty(fixture_path(f, "archive/spool/stuck"), &f->err), 1);
}

static void too_little_space_is_told_before_a_mail_is_taken(void **state)
{
	struct fixture *f = *state;
	CLEAN(spool_entry) e = NULL;

	assert_int_equal(spool_begin(spool, 1ULL << 60, &e, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOSPACE);
	spool_set_reserve(spool, 1ULL << 60);
	assert_int_equal(spool_begin(spool, 0, &e, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOSPACE);
	assert_null(e);
}

/* How many mails fit; the next one is refused with ERR_NOSPACE. */
static size_t fill_disk(struct view raw)
{
	struct envelope env = some_envelope();

	for (size_t n = 0;; n++) {
		CLEAN(spool_entry) e = NULL;
		struct err err = {0};

		if (spool_begin(spool, 0, &e, &err) < 0 ||
		    spool_write(e, raw.data, raw.len, &err) < 0 ||
		    spool_commit(e, &env, &err) < 0) {
			assert_int_equal(err.kind, ERR_NOSPACE);
			return n;
		}
	}
}

static void a_full_disk_refuses_and_loses_nothing(void **state)
{
	struct fixture *f = *state;
	const char *dir = fixture_path(f, "archive/spool");
	struct view raw = {arena_get(arena, 50000), 50000};
	struct envelope env = some_envelope();
	struct uuid *ids;
	size_t fit, n;

	spool_free(&spool);
	if (mount("none", dir, "tmpfs", 0, "size=1m") < 0) {
		print_message("left out: mounting takes root\n");
		return skip();
	}
	assert_int_equal(spool_open(f->archive, &spool, &f->err), 0);
	spool_set_reserve(spool, 0);
	fit = fill_disk(raw);
	assert_true(fit > 5);
	assert_int_equal(spool_list(spool, SPOOL_READY, 0, arena, &ids, &n, &f->err), 0);
	assert_int_equal(n, fit);
	for (size_t i = 0; i < n; i++)
		assert_holds(f, SPOOL_READY, &ids[i], raw, &env);
	assert_int_equal(spool_done(spool, &ids[0], &f->err), 0);
	assert_int_equal(fill_disk(raw), 1);
	spool_free(&spool);
	assert_int_equal(umount(fixture_path(f, "archive/spool")), 0);
}

static void whoever_watches_is_woken_by_a_commit_and_by_a_binding(void **state)
{
	struct fixture *f = *state;
	struct envelope env = some_envelope();
	struct pollfd watch = {.events = POLLIN};
	struct uuid id;

	assert_int_equal(spool_watch(spool, &watch.fd, &f->err), 0);
	assert_int_equal(poll(&watch, 1, 0), 0);
	put_mail(f, false);
	assert_int_equal(poll(&watch, 1, 0), 1);
	spool_heed(spool);
	id = put_mail(f, true);
	assert_int_equal(poll(&watch, 1, 0), 0);
	assert_int_equal(spool_bind(spool, &id, &env, &f->err), 1);
	assert_int_equal(poll(&watch, 1, 0), 1);
}

static struct archiver_report archive_once(struct fixture *f)
{
	CLEAN(guard) guard = NULL;
	struct archiver_report report = {0};

	if (guard_open(f->archive, &guard, &f->err) < 0 ||
	    archiver_run(f->a, spool, guard, -1, true, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return report;
}

static void what_is_ready_is_archived_found_and_gone_from_the_spool(void **state)
{
	struct fixture *f = *state;
	struct uuid id = put_mail(f, false);
	struct archiver_report report;

	fixture_copy(path_of(f, SPOOL_READY, &id), fixture_path(f, "kept"));
	put_mail(f, true);
	report = archive_once(f);
	assert_int_equal(report.archived, 1);
	assert_int_equal(count(f, SPOOL_READY), 0);
	assert_int_equal(count(f, SPOOL_PENDING), 1);
	assert_int_equal(fixture_count(f, "hello"), 1);
	/* as if the archiver had died between the catalog's commit and the removal (D1) */
	fixture_copy(fixture_path(f, "kept"), path_of(f, SPOOL_READY, &id));
	report = archive_once(f);
	assert_int_equal(report.archived, 0);
	assert_int_equal(report.duplicate, 1);
	assert_int_equal(count(f, SPOOL_READY), 0);
	assert_int_equal(fixture_count(f, ""), 1);
}

static void no_sighting_is_kept_twice(void **state)
{
	struct fixture *f = *state;
	struct mails_totals totals;
	struct uuid id = put_mail(f, false);

	fixture_copy(path_of(f, SPOOL_READY, &id), fixture_path(f, "kept"));
	archive_once(f);
	fixture_copy(fixture_path(f, "kept"), path_of(f, SPOOL_READY, &id));
	archive_once(f);
	assert_int_equal(mails_totals(archive_catalog(f->a), &totals, &f->err), 0);
	assert_int_equal(totals.mails, 1);
	assert_int_equal(totals.sightings, 0);
}

static void what_cannot_be_taken_gets_stuck_and_the_rest_flows_on(void **state)
{
	struct fixture *f = *state;
	struct uuid bad = put_mail(f, false), *ids;
	struct archiver_report report;
	size_t n;

	put_mail(f, false);
	fixture_write(path_of(f, SPOOL_READY, &bad), VIEW("torn"));
	report = archive_once(f);
	assert_int_equal(report.stuck, 1);
	assert_int_equal(report.archived, 1);
	assert_int_equal(spool_list(spool, SPOOL_STUCK, 0, arena, &ids, &n, &f->err), 0);
	assert_int_equal(n, 1);
	assert_true(uuid_eq(&ids[0], &bad));
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		fail_msg("%s: %m", path);
	return st.st_mode & 07777;
}

static void entries_are_as_open_as_their_folder_is(void **state)
{
	struct fixture *f = *state;
	struct uuid id = put_mail(f, false);
	struct err why;

	assert_int_equal(mode_of(path_of(f, SPOOL_READY, &id)), 0600);
	assert_int_equal(chmod(fixture_path(f, "archive/spool/ready"), 02770), 0);
	id = put_mail(f, true);
	assert_int_equal(mode_of(path_of(f, SPOOL_PENDING, &id)), 0660);
	id = put_mail(f, false);
	assert_int_equal(chmod(fixture_path(f, "archive/spool/stuck"), 02750), 0);
	err_set(&why, ERR_TOOBIG, "far too big");
	assert_int_equal(spool_stick(spool, &id, &why, &f->err), 0);
	assert_int_equal(mode_of(path_of(f, SPOOL_STUCK, &id)), 0660);
}

static void folders_that_are_made_are_as_open_as_the_spool_is(void **state)
{
	struct fixture *f = *state;

	spool_free(&spool);
	fixture_remove(fixture_path(f, "archive/spool/queue"));
	assert_int_equal(chmod(fixture_path(f, "archive/spool"), 02770), 0);
	assert_int_equal(spool_open(f->archive, &spool, &f->err), 0);
	assert_int_equal(mode_of(fixture_path(f, "archive/spool/queue")), 02770);
	assert_int_equal(mode_of(fixture_path(f, "archive/spool/ready")), 0700);
}

enum { GROUP = 4711, MILTER_USER = 4712, DELIVERY_USER = 4713 };

/* Run STEP as this user of the group; 0 if it went well. */
static int as_user(uid_t user, int (*step)(struct fixture *f), struct fixture *f)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(GROUP) < 0 || setuid(user) < 0)
			_exit(9);
		_exit(step(f) < 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int hold_and_note(struct fixture *f)
{
	CLEAN(spool) own = NULL;
	CLEAN(spool_entry) e = NULL;
	struct envelope env = some_envelope();
	struct err err = {0};

	if (spool_open(f->archive, &own, &err) < 0)
		return -1;
	spool_set_reserve(own, 0);
	if (spool_begin(own, 0, &e, &err) < 0 || spool_write(e, "a", 1, &err) < 0 ||
	    spool_hold(e, &env, &err) < 0)
		return -1;
	return spool_note_queue(own, VIEW("4XyZ"), spool_entry_id(e), SPOOL_DELIVERED_NEXT, &err);
}

static int find_and_bind(struct fixture *f)
{
	CLEAN(spool) own = NULL;
	struct envelope env = some_envelope();
	enum spool_stage stage;
	struct err err = {0};
	struct uuid id;

	if (spool_open(f->archive, &own, &err) < 0 ||
	    spool_by_queue(own, VIEW("4XyZ"), &id, &stage, &err) != 1)
		return -1;
	return spool_bind(own, &id, &env, &err) == 1 ? 0 : -1;
}

static void two_users_of_one_group_share_a_spool(void **state)
{
	static const char *const dirs[] = {"archive/spool", "archive/spool/pending",
					   "archive/spool/ready", "archive/spool/queue"};
	struct fixture *f = *state;
	enum spool_stage stage;
	struct uuid id;

	if (getuid() != 0) {
		print_message("left out: becoming another user takes root\n");
		skip();
	}
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(chmod(f->archive, 0755), 0);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		assert_int_equal(chown(fixture_path(f, dirs[i]), 0, GROUP), 0);
		assert_int_equal(chmod(fixture_path(f, dirs[i]), 02770), 0);
	}
	assert_int_equal(as_user(MILTER_USER, hold_and_note, f), 0);
	assert_int_equal(count(f, SPOOL_PENDING), 1);
	assert_int_equal(as_user(DELIVERY_USER, find_and_bind, f), 0);
	assert_int_equal(count(f, SPOOL_PENDING), 0);
	assert_int_equal(spool_by_queue(spool, VIEW("4XyZ"), &id, &stage, &f->err), 1);
	assert_int_equal(spool_done(spool, &id, &f->err), 0);
}

static void note(struct fixture *f, const char *queue_id, const struct uuid *id,
		 enum spool_stage stage)
{
	if (spool_note_queue(spool, VIEW(queue_id), id, stage, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static bool is_noted(struct fixture *f, const char *queue_id, const struct uuid *id)
{
	enum spool_stage stage;
	struct uuid got;
	int rc = spool_by_queue(spool, VIEW(queue_id), &got, &stage, &f->err);

	assert_true(rc >= 0);
	return rc == 1 && uuid_eq(&got, id);
}

static void an_entry_is_known_by_the_queue_id_that_was_noted_last(void **state)
{
	struct fixture *f = *state;
	struct uuid first = uuid_new(), second = uuid_new();

	assert_false(is_noted(f, "4ZJ3kg5fJXz1X", &first));
	note(f, "4ZJ3kg5fJXz1X", &first, SPOOL_DELIVERED_NEXT);
	note(f, "4zj3kg5fJXz1X", &second, SPOOL_FILTERED_NEXT);
	assert_true(is_noted(f, "4ZJ3kg5fJXz1X", &first));
	assert_true(is_noted(f, "4zj3kg5fJXz1X", &second));
	note(f, "4ZJ3kg5fJXz1X", &second, SPOOL_DELIVERED_NEXT);
	assert_true(is_noted(f, "4ZJ3kg5fJXz1X", &second));
}

static void what_is_no_queue_id_is_not_noted(void **state)
{
	static const char *const not_ids[] = {"",     "../ready",   ".",       "4X Z",
					      "4X/Y", "4X\xc3\xa4", SIXTY_FIVE};
	struct fixture *f = *state;
	struct uuid id = uuid_new();

	for (size_t i = 0; i < sizeof(not_ids) / sizeof(*not_ids); i++) {
		note(f, not_ids[i], &id, SPOOL_DELIVERED_NEXT);
		assert_false(is_noted(f, not_ids[i], &id));
	}
	assert_int_equal(dir_is_empty(fixture_path(f, "archive/spool/queue"), &f->err), 1);
}

static void a_note_that_is_damaged_says_nothing(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "archive/spool/queue/4XyZ");
	struct uuid id = uuid_new();

	fixture_write(path, VIEW("a file"));
	assert_false(is_noted(f, "4XyZ", &id));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_false(is_noted(f, "4XyZ", &id));
}

/* A held entry that is AGE_S old, as its name says. */
static struct uuid put_aged(struct fixture *f, int64_t age_s)
{
	struct uuid id = put_mail(f, true), aged = id;
	CLEAN_STR old = STR_INIT;
	int64_t ms = clock_ms() - 1000 * age_s;

	for (int i = 0; i < 6; i++)
		aged.b[i] = (unsigned char)(ms >> (40 - 8 * i));
	str_adds(&old, path_of(f, SPOOL_PENDING, &id));
	assert_int_equal(rename(old.data, path_of(f, SPOOL_PENDING, &aged)), 0);
	return aged;
}

static bool is_held(struct fixture *f, const struct uuid *id)
{
	return access(path_of(f, SPOOL_PENDING, id), F_OK) == 0;
}

static bool is_listed(void *arg, struct view queue_id)
{
	return view_eq(queue_id, VIEW((const char *)arg));
}

/* How many went. */
static size_t expire(struct fixture *f, const char *queued)
{
	struct spool_expiry expiry = {.keep_s = 100,
				      .keep_filtered_s = 1000,
				      .arg = (char *)queued,
				      .queued = queued != NULL ? is_listed : NULL};
	size_t dropped;

	if (spool_expire(spool, &expiry, &dropped, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return dropped;
}

static void what_the_mail_server_no_longer_knows_goes_after_its_time(void **state)
{
	struct fixture *f = *state;
	struct uuid queued = put_aged(f, 2000), gone = put_aged(f, 200), fresh = put_aged(f, 20);

	note(f, "QUEUED", &queued, SPOOL_DELIVERED_NEXT);
	note(f, "GONE", &gone, SPOOL_DELIVERED_NEXT);
	note(f, "FRESH", &fresh, SPOOL_DELIVERED_NEXT);
	assert_int_equal(expire(f, "QUEUED"), 1);
	assert_true(is_held(f, &queued) && is_held(f, &fresh) && !is_held(f, &gone));
	assert_true(is_noted(f, "QUEUED", &queued) && is_noted(f, "FRESH", &fresh));
	assert_false(is_noted(f, "GONE", &gone));
	assert_int_equal(expire(f, "QUEUED"), 0);
}

static void what_a_filter_may_still_release_is_kept_longer(void **state)
{
	struct fixture *f = *state;
	struct uuid filtered = put_aged(f, 200), old = put_aged(f, 2000), held = put_aged(f, 2000);

	note(f, "FILTERED", &filtered, SPOOL_FILTERED_NEXT);
	note(f, "OLD", &old, SPOOL_FILTERED_NEXT);
	note(f, "HELD", &held, SPOOL_FILTERED_NEXT);
	assert_int_equal(expire(f, "HELD"), 1);
	assert_true(is_held(f, &filtered) && !is_held(f, &old) && is_held(f, &held));
	assert_false(is_noted(f, "OLD", &old));
}

static void without_a_queue_id_or_word_of_the_queue_an_entry_is_kept_longer(void **state)
{
	struct fixture *f = *state;
	struct uuid nameless = put_aged(f, 200), old = put_aged(f, 2000), noted = put_aged(f, 200);

	note(f, "NOTED", &noted, SPOOL_DELIVERED_NEXT);
	assert_int_equal(expire(f, NULL), 1);
	assert_true(is_held(f, &nameless) && is_held(f, &noted) && !is_held(f, &old));
}

static void what_is_ready_never_expires_though_its_note_does(void **state)
{
	struct fixture *f = *state;
	struct envelope env = some_envelope();
	struct uuid id = put_aged(f, 200);

	note(f, "GONE", &id, SPOOL_DELIVERED_NEXT);
	assert_int_equal(rename(path_of(f, SPOOL_PENDING, &id), path_of(f, SPOOL_READY, &id)), 0);
	assert_int_equal(expire(f, ""), 0);
	assert_int_equal(count(f, SPOOL_READY), 1);
	assert_false(is_noted(f, "GONE", &id));
	assert_int_equal(spool_bind(spool, &id, &env, &f->err), 0);
}

#define SPOOL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPOOL_TEST(any_bytes_with_any_envelope_come_out_as_they_went_in),
		SPOOL_TEST(an_entry_that_is_not_committed_leaves_nothing_behind),
		SPOOL_TEST(many_entries_are_committed_at_once),
		SPOOL_TEST(entries_are_listed_oldest_first_and_named_by_their_ids_alone),
		SPOOL_TEST(nothing_of_a_mail_is_on_the_disk_in_clear),
		SPOOL_TEST(every_flipped_byte_of_an_entry_is_noticed),
		SPOOL_TEST(an_entry_cut_short_or_with_something_behind_it_is_noticed),
		SPOOL_TEST(another_key_does_not_open_an_entry_and_no_entry_stands_for_another),
		SPOOL_TEST(a_mail_larger_than_asked_for_is_too_big),
		SPOOL_TEST(a_pending_entry_is_ready_once_bound_with_both_envelopes),
		SPOOL_TEST(a_binding_that_was_torn_is_made_good_by_the_next),
		SPOOL_TEST(a_held_entry_whose_completion_was_cut_off_is_noticed),
		SPOOL_TEST(a_stuck_entry_keeps_its_bytes_and_reason_until_retried_or_dropped),
		SPOOL_TEST(what_is_gone_already_leaves_no_reason_behind),
		SPOOL_TEST(too_little_space_is_told_before_a_mail_is_taken),
		SPOOL_TEST(a_full_disk_refuses_and_loses_nothing),
		SPOOL_TEST(whoever_watches_is_woken_by_a_commit_and_by_a_binding),
		SPOOL_TEST(what_is_ready_is_archived_found_and_gone_from_the_spool),
		SPOOL_TEST(no_sighting_is_kept_twice),
		SPOOL_TEST(what_cannot_be_taken_gets_stuck_and_the_rest_flows_on),
		SPOOL_TEST(entries_are_as_open_as_their_folder_is),
		SPOOL_TEST(folders_that_are_made_are_as_open_as_the_spool_is),
		SPOOL_TEST(two_users_of_one_group_share_a_spool),
		SPOOL_TEST(an_entry_is_known_by_the_queue_id_that_was_noted_last),
		SPOOL_TEST(what_is_no_queue_id_is_not_noted),
		SPOOL_TEST(a_note_that_is_damaged_says_nothing),
		SPOOL_TEST(what_the_mail_server_no_longer_knows_goes_after_its_time),
		SPOOL_TEST(what_a_filter_may_still_release_is_kept_longer),
		SPOOL_TEST(without_a_queue_id_or_word_of_the_queue_an_entry_is_kept_longer),
		SPOOL_TEST(what_is_ready_never_expires_though_its_note_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

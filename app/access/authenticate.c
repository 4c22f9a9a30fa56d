/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/authenticate.h"

#include "app/access/password.h"
#include "app/access/policy.h"
#include "app/access/source.h"
#include "app/access/throttle.h"
#include "app/access/totp.h"
#include "app/catalog/audit.h"
#include "app/licence/licence.h"
#include "base/clock.h"
#include "base/log.h"

#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { HOLD_MS = 1000 };

enum outcome { UNDECIDED, RIGHT, WRONG, WAIT, UNASKED };

struct login {
	struct catalog *catalog;
	struct arena *arena;
	struct view name, code, client, agent;
	struct secret *password;
	int64_t now_s, begun_ms;
	struct source_order order;
	size_t at;
	struct source_talk *talk; /* the one that is asked now */
	struct source source;
	bool for_admin; /* it is asked for admin's password */
	bool worked;    /* a password's hash was computed */
	bool unasked;   /* a source could not be asked */
	enum outcome outcome;
	struct person person; /* of RIGHT */
	int64_t wait_s;
	int hold_fd; /* readable when a failure may come out; -1: none is held */
	int64_t hold_ms;
};

void person_add_who(struct str *out, const struct person *person)
{
	str_addv(out, person->name);
	if (person->source != PERSON_FIXED)
		str_addf(out, " (%s)", person_source_name(person->source));
}

void login_free(struct login **login)
{
	struct login *l = *login;

	if (l == NULL)
		return;
	source_talk_free(&l->talk);
	source_clear(&l->source);
	secret_free(&l->password);
	arena_free(&l->arena);
	if (l->hold_fd >= 0)
		close(l->hold_fd);
	free(l);
	*login = NULL;
}

/* ---- one source ---- */

static bool password_is(struct login *l, const char *hash)
{
	l->worked = true;
	return l->password != NULL && password_matches(l->password, hash);
}

/* Whose password is kept here. */
static int ask_here(struct login *l, const struct person *person, struct err *err)
{
	CLEAN_STR hash = STR_INIT;

	if (people_password(l->catalog, person->person, &hash, err) < 0)
		return -1;
	l->person = *person;
	l->outcome = password_is(l, hash.data) && person->active ? RIGHT : WRONG;
	return 0;
}

/* The person of this name and source: 1, 0. One who is tied to another is nobody: his name may be the other one's elsewhere. */
static int named(struct login *l, enum person_source source, struct person *person_r,
		 struct err *err)
{
	struct people people;

	if (people_by_name(l->catalog, l->arena, l->name, &people, err) < 0)
		return -1;
	for (size_t i = 0; i < people.n; i++)
		if (people.v[i].source == source && people.v[i].tied == 0) {
			*person_r = people.v[i];
			return 1;
		}
	return 0;
}

static void not_asked(struct login *l, enum person_source source, const struct err *why)
{
	l->unasked = true;
	log_error("people of %s cannot log in: %s", person_source_name(source), why->text);
}

/* A source that does not work keeps nobody from being asked elsewhere. */
static int start(struct login *l, enum person_source source, struct err *err)
{
	const struct source_question question = {.what = SOURCE_LOGIN,
						 .name = l->name.data,
						 .password = l->password,
						 .any_group = l->for_admin};
	struct err why = {0};

	source_clear(&l->source);
	if (source_load(l->catalog, l->arena, source, &l->source, err) < 0)
		return -1;
	if (source_check(&l->source, &why) < 0 ||
	    source_start(&l->source, &question, &l->talk, &why) < 0)
		not_asked(l, source, &why);
	return 0;
}

static int ask_fixed(struct login *l, struct err *err)
{
	struct person person;
	int rc = named(l, PERSON_FIXED, &person, err);

	if (rc <= 0)
		return rc;
	if (person.role != PERSON_ROLE_ADMIN || person.has_password)
		return ask_here(l, &person, err);
	l->person = person;
	l->for_admin = true;
	l->at = l->order.n; /* nobody else is asked */
	return start(l, PERSON_APPLIANCE, err);
}

static int ask_own(struct login *l, struct err *err)
{
	struct person person;
	int rc = named(l, PERSON_OWN, &person, err);

	return rc <= 0 ? rc : ask_here(l, &person, err);
}

/* ---- who a foreign source has let in ---- */

static void to_texts(struct arena *arena, const struct identity_texts *from, struct texts *to)
{
	for (size_t i = 0; i < from->n; i++)
		ARENA_PUSH(arena, *to, VIEW(from->v[i]));
}

static int make_person(struct login *l, const struct identity *who, enum person_source source,
		       struct err *err)
{
	CLEAN_STR subject = STR_INIT;
	struct person person = {.source = source,
				.role = PERSON_ROLE_USER,
				.uid = VIEW(who->uid),
				.name = VIEW(who->name),
				.shown = VIEW(who->shown),
				.active = true};

	if (licence_permits_user(l->catalog, err) < 0 ||
	    people_add(l->catalog, &person, &person.person, err) < 0)
		return -1;
	person_add_who(&subject, &person);
	return audit_add(l->catalog, AUDIT_PERSON, str_view(&subject),
			 VIEW("added at the first log-in"), err);
}

static int refresh(struct login *l, const struct identity *who, struct err *err)
{
	struct texts addresses = {0};
	struct groups groups = {0};
	struct person *p = &l->person;

	p->name = VIEW(who->name);
	p->shown = VIEW(who->shown);
	to_texts(l->arena, &who->addresses, &addresses);
	for (size_t i = 0; i < who->groups.n; i++) {
		struct group group = {.uid = VIEW(who->groups.v[i].name),
				      .name = VIEW(who->groups.v[i].name)};

		to_texts(l->arena, &who->groups.v[i].addresses, &group.addresses);
		ARENA_PUSH(l->arena, groups, group);
	}
	if (people_change(l->catalog, p, err) < 0 ||
	    people_set_addresses(l->catalog, p->person, &addresses, err) < 0)
		return -1;
	return groups_of_source(l->catalog, p->person, p->source, &groups, err);
}

static int find_or_make(struct login *l, const struct identity *who, enum person_source source,
			struct err *err)
{
	int rc = people_by_uid(l->catalog, l->arena, source, VIEW(who->uid), &l->person, err);

	if (rc == 0 && make_person(l, who, source, err) == 0)
		rc = people_by_uid(l->catalog, l->arena, source, VIEW(who->uid), &l->person, err);
	else if (rc == 0)
		return -1;
	return rc > 0 ? 0 : -1;
}

static int let_in(struct login *l, const struct identity *who, enum person_source source,
		  struct err *err)
{
	audit_set_who("log-in");
	if (catalog_begin(l->catalog, err) < 0)
		return -1;
	if (find_or_make(l, who, source, err) == 0 &&
	    (!l->person.active || refresh(l, who, err) == 0) &&
	    catalog_commit(l->catalog, err) == 0) {
		l->outcome = l->person.active ? RIGHT : WRONG;
		return 0;
	}
	catalog_rollback(l->catalog);
	return -1;
}

/* The source has answered, or has not in time. */
static int hear(struct login *l, struct err *err)
{
	CLEAN(source_talk) talk = TAKE(l->talk);
	const enum person_source source = l->source.source;
	struct source_answer answer = {0};
	struct err why = {0};

	if (source_finish(talk, l->arena, &answer, &why) < 0) {
		not_asked(l, source, &why);
		return 0;
	}
	if (answer.verdict != SOURCE_RIGHT)
		return 0;
	if (l->for_admin) {
		l->outcome = l->person.active ? RIGHT : WRONG;
		return 0;
	}
	if (answer.people.n == 0)
		return 0;
	return let_in(l, &answer.people.v[0], source, err);
}

/* ---- failures ---- */

/* What is written of the name: nobody's may be a password. */
static int failed_name(struct login *l, struct view *name_r, struct err *err)
{
	struct people people;

	if (people_by_name(l->catalog, l->arena, l->name, &people, err) < 0)
		return -1;
	*name_r = people.n > 0 ? l->name : VIEW("a name that nobody has");
	return 0;
}

static int write_failure(struct login *l, const char *why, struct err *err)
{
	struct view name;
	CLEAN_STR detail = STR_INIT;

	if (failed_name(l, &name, err) < 0)
		return -1;
	str_adds(&detail, why);
	if (l->client.len > 0) {
		str_adds(&detail, ", from ");
		str_addv(&detail, l->client);
	}
	audit_set_who("log-in");
	return audit_add(l->catalog, AUDIT_LOGIN_FAILED, name, str_view(&detail), err);
}

static int note_failure(struct login *l, const char *why, struct err *err)
{
	if (catalog_begin(l->catalog, err) < 0)
		return -1;
	if (throttle_failed(l->catalog, l->name, l->client, l->now_s, err) == 0 &&
	    write_failure(l, why, err) == 0 && catalog_commit(l->catalog, err) == 0)
		return 0;
	catalog_rollback(l->catalog);
	return -1;
}

/* ---- the whole ---- */

/* A failure is held back until a whole second has passed since the beginning (LO3). */
static int hold(struct login *l, struct err *err)
{
	const int64_t passed = clock_monotonic_ms() - l->begun_ms;
	const int64_t left = HOLD_MS - passed % HOLD_MS;
	struct itimerspec when = {
		.it_value = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 + 1}};

	l->hold_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->hold_fd < 0 || timerfd_settime(l->hold_fd, 0, &when, NULL) < 0)
		return err_errno(err, "timerfd: %m");
	l->hold_ms = clock_monotonic_ms() + left;
	return 0;
}

/* It is counted at once: who does not wait for the answer has tried all the same (LO4). */
static int fail(struct login *l, struct err *err)
{
	if (l->outcome == UNDECIDED)
		l->outcome = l->unasked ? UNASKED : WRONG;
	if (!l->worked)
		password_is(l, "");
	if (l->outcome == WRONG && note_failure(l, "name or password is not right", err) < 0)
		return -1;
	return hold(l, err);
}

/* Ask on until somebody has to be waited for, or it is decided: 1, 0. */
static int go_on(struct login *l, struct err *err)
{
	while (l->talk == NULL && l->outcome == UNDECIDED && l->at < l->order.n) {
		const enum person_source source = l->order.v[l->at++];
		int rc = source == PERSON_FIXED ? ask_fixed(l, err)
			 : source == PERSON_OWN ? ask_own(l, err)
						: start(l, source, err);

		if (rc < 0)
			return -1;
	}
	if (l->talk != NULL)
		return 0;
	if (l->outcome == RIGHT && l->person.role == PERSON_ROLE_UPLOADER)
		l->outcome = WRONG; /* by token only */
	if (l->outcome == RIGHT)
		return 1;
	return fail(l, err);
}

/* Has the source answered, or its time come? Who drives this may ask at any time. */
static bool has_spoken(const struct login *l)
{
	struct pollfd p = {.fd = source_talk_fd(l->talk), .events = POLLIN};

	return poll(&p, 1, 0) > 0 || clock_monotonic_ms() >= source_talk_deadline_ms(l->talk);
}

int login_step(struct login *l, struct err *err)
{
	if (l->outcome == WAIT || l->outcome == RIGHT)
		return 1;
	if (l->hold_fd >= 0)
		return clock_monotonic_ms() >= l->hold_ms;
	if (l->talk != NULL && !has_spoken(l))
		return 0;
	if (l->talk != NULL && hear(l, err) < 0)
		return -1;
	return go_on(l, err);
}

int login_fd(const struct login *l)
{
	return l->hold_fd >= 0 ? l->hold_fd : l->talk != NULL ? source_talk_fd(l->talk) : -1;
}

int64_t login_deadline_ms(const struct login *l)
{
	return l->hold_fd >= 0   ? l->hold_ms
	       : l->talk != NULL ? source_talk_deadline_ms(l->talk)
				 : 0;
}

int64_t login_wait_s(const struct login *l)
{
	return l->wait_s;
}

/* Fixed people first, whatever the order says. */
static int load_order(struct login *l, struct err *err)
{
	struct source_order order;

	if (source_order_load(l->catalog, &order, err) < 0)
		return -1;
	l->order.v[l->order.n++] = PERSON_FIXED;
	for (size_t i = 0; i < order.n && l->order.n < PERSON_N_SOURCES; i++)
		if (order.v[i] != PERSON_FIXED)
			l->order.v[l->order.n++] = order.v[i];
	return 0;
}

static int prepare(struct login *l, struct err *err)
{
	int rc = throttle_ask(l->catalog, l->name, l->client, l->now_s, &l->wait_s, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		l->outcome = WAIT;
		return 0;
	}
	if (load_order(l, err) < 0)
		return -1;
	if (l->password == NULL || memchr(l->name.data, '\0', l->name.len) != NULL)
		l->at = l->order.n; /* nobody's; the work is done all the same */
	return go_on(l, err) < 0 ? -1 : 0;
}

int login_begin(struct catalog *catalog, const struct login_question *question, int64_t now_s,
		struct login **login_r, struct err *err)
{
	CLEAN(login) l = mem_new(sizeof(*l));
	const struct secret *password = question->password;

	l->catalog = catalog;
	l->arena = arena_new();
	l->hold_fd = -1;
	l->now_s = now_s;
	l->begun_ms = clock_monotonic_ms();
	l->name = arena_view(l->arena, view_trim(question->name));
	l->code = arena_view(l->arena, question->code);
	l->client = arena_view(l->arena, question->client);
	l->agent = arena_view(l->arena, question->agent);
	if (password != NULL && secret_len(password) > 0)
		l->password = secret_copy(secret_data(password), secret_len(password));
	if (prepare(l, err) < 0)
		return -1;
	*login_r = TAKE(l);
	return 0;
}

/* ---- the end ---- */

/* 1 the code is right, or none is asked for; SECOND_R: it is to be set up. */
static int check_second(struct login *l, bool *second_r, struct err *err)
{
	struct policy policy;
	enum totp_state state;
	int rc;

	*second_r = false;
	if (policy_load(l->catalog, &policy, err) < 0 ||
	    totp_state(l->catalog, l->person.person, &state, err) < 0)
		return -1;
	if (state != TOTP_ON) {
		*second_r = (policy.totp_demanded & 1U << l->person.role) != 0;
		return 1;
	}
	if (l->code.len == 0)
		return err_set(err, ERR_SECOND, "a one-time code is needed as well");
	rc = totp_check(l->catalog, l->person.person, l->code, l->now_s, err);
	if (rc != 0)
		return rc;
	if (note_failure(l, "wrong one-time code", err) < 0)
		return -1;
	return err_set(err, ERR_SECOND, "this code is not right, or was used already");
}

static void add_peer(struct login *l, struct str *peer)
{
	str_addv(peer, l->client);
	if (l->agent.len > 0) {
		str_adds(peer, peer->len > 0 ? ", " : "");
		str_addsafe(peer,
			    (struct view){l->agent.data, l->agent.len < 200 ? l->agent.len : 200},
			    false);
	}
}

static int open_session(struct login *l, bool second, struct str *cookie, struct err *err)
{
	CLEAN_STR peer = STR_INIT, who = STR_INIT;

	add_peer(l, &peer);
	person_add_who(&who, &l->person);
	audit_set_who(arena_strn(l->arena, who.data, who.len));
	if (throttle_right(l->catalog, l->name, err) < 0 ||
	    people_logged_in(l->catalog, l->person.person, l->now_s, err) < 0 ||
	    session_tidy(l->catalog, l->now_s, err) < 0 ||
	    session_begin(l->catalog, l->person.person, str_view(&peer), second, l->now_s, cookie,
			  err) < 0)
		return -1;
	return audit_add(l->catalog, AUDIT_LOGIN, str_view(&who), l->client, err);
}

static int succeed(struct login *l, bool second, struct arena *arena, struct login_result *result_r,
		   struct err *err)
{
	CLEAN_STR cookie = STR_INIT;
	int rc = catalog_begin(l->catalog, err);

	if (rc == 0)
		rc = open_session(l, second, &cookie, err);
	audit_set_who(NULL);
	if (rc < 0 || catalog_commit(l->catalog, err) < 0) {
		catalog_rollback(l->catalog);
		return -1;
	}
	result_r->cookie = arena_view(arena, str_view(&cookie));
	rc = session_find(l->catalog, arena, result_r->cookie, l->now_s, &result_r->session, err);
	if (rc == 0) /* a revisor whose time is over */
		return note_failure(l, "the account's time is over", err) < 0
			       ? -1
			       : err_set(err, ERR_LOGIN, "name or password is not right");
	return rc < 0 ? -1 : 0;
}

static int refuse(struct login *l, struct err *err)
{
	if (l->outcome == WAIT)
		return err_set(err, ERR_THROTTLED,
			       "too many log-ins failed; the next try is free in %lld s",
			       (long long)l->wait_s);
	if (l->outcome == UNASKED)
		return err_set(err, ERR_OFFLINE,
			       "the place that knows your password does not answer; nobody can log "
			       "in by it now");
	return err_set(err, ERR_LOGIN, "name or password is not right");
}

int login_end(struct login *l, struct arena *arena, struct login_result *result_r, struct err *err)
{
	bool second;

	if (l->outcome != RIGHT)
		return refuse(l, err);
	if (check_second(l, &second, err) <= 0)
		return -1;
	return succeed(l, second, arena, result_r, err);
}

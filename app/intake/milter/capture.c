/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/milter/capture.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"

struct capture {
	struct capture_options options;
	struct str client_name, client_addr, helo;

	/* of the mail */
	struct spool_entry *entry; /* NULL: none is being captured */
	struct arena *arena;
	struct envelope env;
	uint64_t bytes;
	struct err err;
};

struct capture *capture_new(const struct capture_options *options)
{
	struct capture *c = mem_new(sizeof(*c));

	c->options = *options;
	str_init(&c->client_name);
	str_init(&c->client_addr);
	str_init(&c->helo);
	c->arena = arena_new();
	return c;
}

void capture_free(struct capture **capture)
{
	struct capture *c = *capture;

	if (c == NULL)
		return;
	spool_entry_free(&c->entry);
	arena_free(&c->arena);
	str_clear(&c->client_name);
	str_clear(&c->client_addr);
	str_clear(&c->helo);
	free(c);
	*capture = NULL;
}

/* --- the envelope ----------------------------------------------------------------------------- */

static void replace(struct str *s, struct view text)
{
	str_reset(s);
	str_addv(s, text);
}

void capture_client(struct capture *c, struct view name, struct view addr)
{
	replace(&c->client_name, name);
	replace(&c->client_addr, addr);
	str_reset(&c->helo);
}

void capture_helo(struct capture *c, struct view helo)
{
	replace(&c->helo, helo);
}

static struct view strip_brackets(struct view address)
{
	if (address.len >= 2 && address.data[0] == '<' && address.data[address.len - 1] == '>')
		return (struct view){address.data + 1, address.len - 2};
	return address;
}

/* SIZE= of MAIL (RFC 1870); 0: not announced. */
static uint64_t announced_size(struct view params)
{
	struct view param;

	while (view_cut(&params, ' ', &param)) {
		CLEAN_STR digits = STR_INIT;
		uint64_t size;

		if (!view_starts_nocase(param, "SIZE="))
			continue;
		str_add(&digits, param.data + 5, param.len - 5);
		return conf_number(digits.data, &size) == 0 ? size : 0;
	}
	return 0;
}

static int check_size(const struct capture *c, uint64_t bytes, struct err *err)
{
	if (bytes <= c->options.max_mail_bytes)
		return 0;
	return err_set(err, ERR_TOOBIG, "a mail of more than max_mail_bytes (%llu) in milter.conf",
		       (unsigned long long)c->options.max_mail_bytes);
}

int capture_begin(struct capture *c, struct view address, struct view params, struct err *err)
{
	uint64_t size = announced_size(params);

	capture_abort(c);
	if (check_size(c, size, err) < 0 ||
	    spool_begin(c->options.spool, size, &c->entry, err) < 0) {
		capture_abort(c);
		return -1;
	}
	c->env = (struct envelope){
		.door = DOOR_MILTER,
		.seen_ms = clock_ms(),
		.reverse_path = arena_view(c->arena, strip_brackets(address)),
		.mail_params = arena_view(c->arena, params),
		.client_name = str_view(&c->client_name),
		.client_addr = str_view(&c->client_addr),
		.helo = str_view(&c->helo),
	};
	return 0;
}

static bool is_in_domain(struct view address, const char *domain)
{
	const char *at = memrchr(address.data, '@', address.len);
	struct view of;

	if (at == NULL)
		return false;
	of = (struct view){at + 1, (size_t)(address.data + address.len - at - 1)};
	return view_eq_nocase(of, VIEW(domain));
}

void capture_recipient(struct capture *c, struct view address)
{
	struct view path = strip_brackets(address);

	/* the mail server refuses these; one that came through all the same is nobody's address */
	if (c->entry != NULL && !is_in_domain(path, c->options.copy_domain))
		ARENA_PUSH(c->arena, c->env.recipients, arena_view(c->arena, path));
}

/* --- the bytes -------------------------------------------------------------------------------- */

static void add(struct capture *c, const void *data, size_t len)
{
	if (c->entry == NULL || c->err.kind != ERR_NONE)
		return;
	c->bytes += len;
	if (check_size(c, c->bytes, &c->err) == 0)
		spool_write(c->entry, data, len, &c->err);
}

void capture_header(struct capture *c, const char *name, const char *value)
{
	CLEAN_STR field = STR_INIT;

	str_addf(&field, "%s:", name);
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '\n' && (p == value || p[-1] != '\r'))
			str_addc(&field, '\r');
		str_addc(&field, *p);
	}
	str_adds(&field, "\r\n");
	add(c, field.data, field.len);
}

void capture_end_of_header(struct capture *c)
{
	add(c, "\r\n", 2);
}

void capture_body(struct capture *c, const void *data, size_t len)
{
	add(c, data, len);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Without the note the mail is archived all the same, if its token is not lost. */
static void note_queue(struct capture *c, const struct uuid *id)
{
	struct err err = {0};

	if (spool_note_queue(c->options.spool, c->env.queue_id, id, c->options.stage, &err) < 0)
		log_warn("queue id not noted: %s", err.text);
}

static int hold(struct capture *c, const struct capture_facts *facts, struct uuid *id_r,
		struct err *err)
{
	if (c->entry == NULL)
		return err_set(err, ERR_IO, "the end of a mail that never began");
	if (c->err.kind != ERR_NONE) {
		*err = c->err;
		return -1;
	}
	c->env.source = facts->source;
	c->env.queue_id = facts->queue_id;
	c->env.login = facts->login;
	c->env.tls = facts->tls;
	if (spool_hold(c->entry, &c->env, err) < 0)
		return -1;
	*id_r = *spool_entry_id(c->entry);
	note_queue(c, id_r);
	return 0;
}

int capture_hold(struct capture *c, const struct capture_facts *facts, struct uuid *id_r,
		 struct err *err)
{
	int rc = hold(c, facts, id_r, err);

	capture_abort(c);
	return rc;
}

void capture_abort(struct capture *c)
{
	spool_entry_free(&c->entry);
	arena_reset(c->arena);
	c->env = (struct envelope){0};
	c->bytes = 0;
	err_clear(&c->err);
}

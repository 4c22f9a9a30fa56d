/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mail that is handed in: sealed into the spool as it comes, and acknowledged when it is durable there (product.md, I8). Of what was cut off,
 * whole mails of a batch may have been taken in; to send all of it again is safe, since what is known is not kept twice. */
#include "app/intake/spool.h"
#include "base/clock.h"
#include "ui-backend/mboxrd.h"
#include "ui-backend/sight.h"

/* Of a batch so many are made durable at once: each waits for the disk, and for each a file is open. */
enum { AT_ONCE = 32, ADDRESS_MAX = 320, RECIPIENTS_MAX = 1000 };
enum { BATCH_MAX = 1 << 30 };

struct upload {
	struct api_request *r;
	struct spool *spool;
	struct envelope env;
	struct mboxrd *mbox;       /* NULL: it is one mail */
	struct spool_entry *entry; /* at hand */
	uint64_t size;             /* of it */
	struct spool_entry *whole[AT_ONCE];
	size_t n;
	uint64_t accepted;
};

static void free_upload(void *arg)
{
	struct upload *u = arg;

	spool_entry_free(&u->entry);
	for (size_t i = 0; i < u->n; i++)
		spool_entry_free(&u->whole[i]);
	mboxrd_free(&u->mbox);
	spool_free(&u->spool);
}

/* --- a mail ------------------------------------------------------------------------------------- */

static int begin_mail(void *arg, struct err *err)
{
	struct upload *u = arg;

	u->size = 0;
	return spool_begin(u->spool, 0, &u->entry, err);
}

static int add_piece(void *arg, struct view piece, struct err *err)
{
	struct upload *u = arg;
	const uint64_t max = archive_settings(u->r->archive)->max_mail_bytes;

	u->size += piece.len;
	if (u->size > max)
		return err_set(err, ERR_TOOBIG, "a mail has %llu bytes at most",
			       (unsigned long long)max);
	return spool_write(u->entry, piece.data, piece.len, err);
}

static int commit(struct upload *u, struct err *err)
{
	struct envelope envs[AT_ONCE];

	for (size_t i = 0; i < u->n; i++)
		envs[i] = u->env;
	if (u->n > 0 && spool_commit_all(u->whole, envs, u->n, err) < 0)
		return -1;
	for (size_t i = 0; i < u->n; i++)
		spool_entry_free(&u->whole[i]);
	u->accepted += u->n;
	u->n = 0;
	return 0;
}

static int end_mail(void *arg, struct err *err)
{
	struct upload *u = arg;

	if (u->size == 0)
		return err_set(err, ERR_NOTMAIL, "there is no mail in it");
	u->whole[u->n++] = TAKE(u->entry);
	return u->n == AT_ONCE ? commit(u, err) : 0;
}

/* --- what comes --------------------------------------------------------------------------------- */

static int on_piece(struct api_request *r, void *arg, struct view piece, struct err *err)
{
	struct upload *u = arg;

	(void)r;
	return u->mbox != NULL ? mboxrd_add(u->mbox, piece, err) : add_piece(u, piece, err);
}

static int on_end(struct api_request *r, void *arg, struct err *err)
{
	struct upload *u = arg;
	struct json_object *body;

	if ((u->mbox != NULL ? mboxrd_end(u->mbox, err) : end_mail(u, err)) < 0 ||
	    commit(u, err) < 0)
		return -1;
	body = json_object_new_object();
	json_set_number(body, "accepted", (int64_t)u->accepted);
	return reply_json(r, 201, body);
}

/* --- the envelope ------------------------------------------------------------------------------- */

static int check_address(struct view address, struct err *err)
{
	bool fits = address.len > 0 && address.len <= ADDRESS_MAX &&
		    memchr(address.data, '@', address.len) != NULL;

	for (size_t i = 0; fits && i < address.len; i++)
		fits = (unsigned char)address.data[i] > ' ' && address.data[i] != 0x7f &&
		       address.data[i] != '<' && address.data[i] != '>';
	return fits ? 0 : err_set(err, ERR_SYNTAX, "the envelope has an address that is none");
}

static int read_recipients(struct upload *u, struct view list, struct err *err)
{
	struct view part;

	while (view_cut(&list, ',', &part)) {
		struct view address = arena_view(u->r->arena, view_trim(part));

		if (check_address(address, err) < 0)
			return -1;
		if (u->env.recipients.n == RECIPIENTS_MAX)
			return err_set(err, ERR_SYNTAX, "the envelope has too many recipients");
		ARENA_PUSH(u->r->arena, u->env.recipients, address);
	}
	return 0;
}

/* Whose token it is names the source; what the addresses say, he answers for. */
static int read_envelope(struct upload *u, struct err *err)
{
	struct api_request *r = u->r;
	struct view from = view_trim(request_header(r, "X-Sealpost-From"));
	struct view to = view_trim(request_header(r, "X-Sealpost-To"));

	u->env = (struct envelope){.door = DOOR_UPLOAD,
				   .source = r->caller.session.person.name,
				   .login = r->caller.session.person.name,
				   .seen_ms = clock_ms(),
				   .client_addr = r->client};
	if (from.len > 0 && check_address(from, err) < 0)
		return -1;
	u->env.reverse_path = arena_view(r->arena, from);
	return to.len > 0 ? read_recipients(u, to, err) : 0;
}

/* --- the whole ---------------------------------------------------------------------------------- */

/* Without its parameters. */
static struct view media_type(const struct api_request *r)
{
	struct view rest = request_header(r, "Content-Type"), type = VIEW("");

	view_cut(&rest, ';', &type);
	return view_trim(type);
}

static int read_kind(struct upload *u, struct err *err)
{
	static const struct mboxrd_ops ops = {begin_mail, add_piece, end_mail};
	const struct view type = media_type(u->r);

	if (view_eq_nocase(type, VIEW("application/mbox"))) {
		u->mbox = mboxrd_new(&ops, u);
		return 0;
	}
	if (!view_eq_nocase(type, VIEW("message/rfc822")))
		return err_set(err, ERR_MEDIATYPE, "this takes message/rfc822 or application/mbox");
	return begin_mail(u, err);
}

int api_upload(struct api_request *r, struct err *err)
{
	struct upload *u = arena_get(r->arena, sizeof(*u));

	u->r = r;
	request_at_end(r, free_upload, u);
	if (read_envelope(u, err) < 0 || spool_open(r->archive_dir, &u->spool, err) < 0 ||
	    read_kind(u, err) < 0)
		return -1;
	request_take_body(
		r, u->mbox != NULL ? BATCH_MAX : archive_settings(r->archive)->max_mail_bytes,
		on_piece, on_end, u);
	return 0;
}

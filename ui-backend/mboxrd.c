/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/mboxrd.h"

/* So much of a line is looked at. */
enum { LINE_MAX_BYTES = 8192 };

struct mboxrd {
	const struct mboxrd_ops *ops;
	void *arg;
	struct str line; /* what is there of the line at hand */
	bool within;     /* its beginning was passed on */
	bool in_mail;
	struct str
		held; /* the empty line before, which may be none of the mail's; empty: there was none */
};

struct mboxrd *mboxrd_new(const struct mboxrd_ops *ops, void *arg)
{
	struct mboxrd *m = mem_new(sizeof(*m));

	*m = (struct mboxrd){.ops = ops, .arg = arg, .line = STR_INIT, .held = STR_INIT};
	return m;
}

void mboxrd_free(struct mboxrd **m)
{
	if (*m == NULL)
		return;
	str_clear(&(*m)->line);
	str_clear(&(*m)->held);
	free(*m);
	*m = NULL;
}

static bool is_empty(struct view line)
{
	return view_eq(line, VIEW("\n")) || view_eq(line, VIEW("\r\n"));
}

static bool is_quoted(struct view line)
{
	size_t n = 0;

	while (n < line.len && line.data[n] == '>')
		n++;
	return n > 0 && view_starts((struct view){line.data + n, line.len - n}, "From ");
}

static int begin(struct mboxrd *m, struct err *err)
{
	if (m->in_mail && m->ops->end(m->arg, err) < 0)
		return -1;
	str_reset(&m->held);
	m->in_mail = true;
	return m->ops->begin(m->arg, err);
}

static int release_held(struct mboxrd *m, struct err *err)
{
	int rc = m->held.len > 0 ? m->ops->add(m->arg, str_view(&m->held), err) : 0;

	str_reset(&m->held);
	return rc;
}

static int take_line(struct mboxrd *m, struct view line, struct err *err)
{
	if (view_starts(line, "From ") && (!m->in_mail || m->held.len > 0))
		return begin(m, err);
	if (!m->in_mail)
		return is_empty(line) ? 0
				      : err_set(err, ERR_NOTMAIL,
						"a mailbox begins with a line \"From \"");
	if (release_held(m, err) < 0)
		return -1;
	if (is_empty(line)) {
		str_addv(&m->held, line);
		return 0;
	}
	if (is_quoted(line))
		line = (struct view){line.data + 1, line.len - 1};
	return m->ops->add(m->arg, line, err);
}

/* A whole line, or so much of a long one that its beginning can be judged. */
static int pass_on(struct mboxrd *m, bool ended, struct err *err)
{
	int rc = m->within ? m->ops->add(m->arg, str_view(&m->line), err)
			   : take_line(m, str_view(&m->line), err);

	m->within = !ended;
	str_reset(&m->line);
	return rc;
}

int mboxrd_add(struct mboxrd *m, struct view piece, struct err *err)
{
	while (piece.len > 0) {
		const char *lf = memchr(piece.data, '\n', piece.len);
		size_t n = lf != NULL ? (size_t)(lf - piece.data) + 1 : piece.len;

		str_add(&m->line, piece.data, n);
		piece.data += n;
		piece.len -= n;
		if ((lf != NULL || m->line.len >= LINE_MAX_BYTES) &&
		    pass_on(m, lf != NULL, err) < 0)
			return -1;
	}
	return 0;
}

int mboxrd_end(struct mboxrd *m, struct err *err)
{
	if (m->line.len > 0 && pass_on(m, true, err) < 0)
		return -1;
	if (!m->in_mail)
		return err_set(err, ERR_NOTMAIL, "there is no mail in it");
	return m->ops->end(m->arg, err);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/data.h"

static void take(struct view *in, size_t n)
{
	in->data += n;
	in->len -= n;
}

/* The rest of a line, up to behind its CR, or a bare LF, or all that is there. */
static size_t scan_text(struct data *d, struct view in)
{
	const char *lf = memchr(in.data, '\n', in.len);
	size_t len = lf ? (size_t)(lf - in.data) : in.len;
	const char *cr = memchr(in.data, '\r', len);

	if (cr != NULL) {
		d->at = DATA_CR;
		return (size_t)(cr - in.data) + 1;
	}
	d->bare = d->bare || lf != NULL;
	return lf ? len + 1 : len;
}

/* How many bytes are content as they stand: up to a dot at the start of a line, or all. */
static size_t scan(struct data *d, struct view in)
{
	const char *start = in.data;

	while (in.len > 0) {
		if (d->at == DATA_TEXT) {
			take(&in, scan_text(d, in));
		} else if (d->at == DATA_LINE_START) {
			if (in.data[0] == '.')
				break;
			d->at = DATA_TEXT;
		} else if (in.data[0] == '\n') { /* behind a CR */
			take(&in, 1);
			d->at = DATA_LINE_START;
		} else {
			d->bare = true;
			d->at = DATA_TEXT;
		}
	}
	return (size_t)(in.data - start);
}

/* Behind the dot that begins a line; it is content in no case. */
static enum data_step pass_dot(struct data *d, struct view *in, struct view *piece_r)
{
	char c = in->data[0];

	if (d->at == DATA_DOT) {
		d->at = c == '\r' ? DATA_DOT_CR : DATA_TEXT;
		if (c == '\r')
			take(in, 1);
		return DATA_MORE;
	}
	if (c == '\n') {
		take(in, 1);
		return DATA_END;
	}
	*piece_r = VIEW("\r"); /* the line went on */
	d->at = DATA_CR;
	return DATA_PIECE;
}

enum data_step data_next(struct data *d, struct view *in, struct view *piece_r)
{
	while (in->len > 0) {
		size_t n;

		if (d->at == DATA_DOT || d->at == DATA_DOT_CR) {
			enum data_step step = pass_dot(d, in, piece_r);

			if (step != DATA_MORE)
				return step;
			continue;
		}
		n = scan(d, *in);
		*piece_r = (struct view){in->data, n};
		take(in, n);
		if (in->len > 0) {
			take(in, 1);
			d->at = DATA_DOT;
		}
		if (n > 0)
			return DATA_PIECE;
	}
	return DATA_MORE;
}

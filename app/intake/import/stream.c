/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/import/stream.h"

#include <errno.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define IN_BYTES ((size_t)64 * 1024)
#define GZIP_WRAPPING (15 + 16) /* zlib: largest window, gzip header and trailer */

enum packing { PLAIN, GZIP, ZSTD };

struct stream {
	int fd;
	uint64_t size_bytes;
	uint64_t offset; /* bytes read from fd */
	bool at_end;     /* fd has no more */
	enum packing packing;
	bool between;      /* packed: a member or frame has ended and the next not begun */
	struct err failed; /* kept, so that every later call tells the same */
	size_t in_len;
	size_t in_pos;
	z_stream gzip;
	bool gzip_made;
	ZSTD_DCtx *zstd;
	unsigned char in[IN_BYTES];
};

struct stream *stream_new(void)
{
	struct stream *s = mem_new(sizeof(*s));

	s->fd = -1;
	return s;
}

void stream_free(struct stream **stream)
{
	struct stream *s = *stream;

	if (s == NULL)
		return;
	if (s->gzip_made)
		inflateEnd(&s->gzip);
	ZSTD_freeDCtx(s->zstd);
	free(s);
	*stream = NULL;
}

uint64_t stream_consumed(const struct stream *stream)
{
	return stream->offset;
}

/* One read. On a regular file, fewer bytes than asked for mean its end, once its size is reached. */
static ssize_t read_some(struct stream *s, void *out, size_t max, struct err *err)
{
	ssize_t n = 0;

	if (s->at_end)
		return 0;
	do
		n = read(s->fd, out, max);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, "read: %m");
	s->offset += (uint64_t)n;
	s->at_end = n == 0 || ((size_t)n < max && s->offset >= s->size_bytes);
	return n;
}

static int refill(struct stream *s, struct err *err)
{
	ssize_t n = read_some(s, s->in, sizeof(s->in), err);

	s->in_pos = 0;
	s->in_len = n > 0 ? (size_t)n : 0;
	return n < 0 ? -1 : n > 0;
}

static int start_gzip(struct stream *s, struct err *err)
{
	int rc = s->gzip_made ? inflateReset(&s->gzip) : inflateInit2(&s->gzip, GZIP_WRAPPING);

	if (rc != Z_OK)
		return err_set(err, ERR_UNSUPPORTED, "gzip: cannot start: %s", zError(rc));
	s->gzip_made = true;
	return 0;
}

static int start_zstd(struct stream *s, struct err *err)
{
	if (s->zstd == NULL)
		s->zstd = ZSTD_createDCtx();
	if (s->zstd == NULL)
		return err_set(err, ERR_UNSUPPORTED, "zstd: cannot start");
	ZSTD_DCtx_reset(s->zstd, ZSTD_reset_session_only);
	return 0;
}

static int begin(struct stream *s, struct err *err)
{
	static const unsigned char gzip_magic[] = {0x1f, 0x8b, 0x08};
	static const unsigned char zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd};

	s->offset = 0;
	s->at_end = false;
	s->packing = PLAIN;
	s->between = false;
	err_clear(&s->failed);
	if (refill(s, err) < 0)
		return -1;
	if (s->in_len >= sizeof(gzip_magic) && memcmp(s->in, gzip_magic, sizeof(gzip_magic)) == 0) {
		s->packing = GZIP;
		return start_gzip(s, err);
	}
	if (s->in_len >= sizeof(zstd_magic) && memcmp(s->in, zstd_magic, sizeof(zstd_magic)) == 0) {
		s->packing = ZSTD;
		return start_zstd(s, err);
	}
	return 0;
}

int stream_start(struct stream *stream, int fd, uint64_t size_bytes, struct err *err)
{
	stream->fd = fd;
	stream->size_bytes = size_bytes;
	return begin(stream, err);
}

int stream_rewind(struct stream *stream, struct err *err)
{
	if (lseek(stream->fd, 0, SEEK_SET) < 0)
		return err_errno(err, "seek: %m");
	return begin(stream, err);
}

/* What the first read has fetched, then straight from the file. */
static int plain_more(struct stream *s, size_t max, struct str *out, struct err *err)
{
	size_t ready = s->in_len - s->in_pos;
	ssize_t n;

	if (ready > 0) {
		ready = ready < max ? ready : max;
		str_add(out, s->in + s->in_pos, ready);
		s->in_pos += ready;
		return 1;
	}
	if (s->at_end)
		return 0;
	str_reserve(out, max);
	n = read_some(s, out->data + out->len, max, err);
	if (n <= 0)
		return (int)n;
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return 1;
}

/* Behind a member: the next one, or padding up to the end of the file. 1 more, 0 end, -1. */
static int next_member(struct stream *s, struct err *err)
{
	for (;;) {
		while (s->in_pos < s->in_len && s->in[s->in_pos] == 0)
			s->in_pos++;
		if (s->in_pos < s->in_len)
			break;
		int rc = refill(s, err);

		if (rc <= 0)
			return rc;
	}
	if (s->in[s->in_pos] != 0x1f)
		return err_set(err, ERR_DAMAGED, "gzip: something else follows at byte %llu",
			       (unsigned long long)(s->offset - (s->in_len - s->in_pos)));
	s->between = false;
	return start_gzip(s, err) < 0 ? -1 : 1;
}

/* One step of unpacking: 1 and perhaps no byte yet, 0 at a clean end, -1. */
static int gzip_step(struct stream *s, size_t max, struct str *out, struct err *err)
{
	z_stream *z = &s->gzip;
	size_t got;
	int rc = s->between ? next_member(s, err) : 1;

	if (rc <= 0)
		return rc;
	z->next_in = s->in + s->in_pos;
	z->avail_in = (uInt)(s->in_len - s->in_pos);
	z->next_out = (Bytef *)out->data + out->len;
	z->avail_out = (uInt)max;
	rc = inflate(z, Z_NO_FLUSH);
	got = max - z->avail_out;
	s->in_pos = s->in_len - z->avail_in;
	out->len += got;
	s->between = rc == Z_STREAM_END;
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return err_set(err, ERR_DAMAGED, "gzip: %s", z->msg ? z->msg : zError(rc));
	if (got > 0 || s->between || s->in_pos < s->in_len)
		return 1;
	rc = refill(s, err);
	return rc != 0 ? rc : err_set(err, ERR_DAMAGED, "gzip: the file ends too early");
}

static int zstd_step(struct stream *s, size_t max, struct str *out, struct err *err)
{
	ZSTD_inBuffer in = {s->in, s->in_len, s->in_pos};
	ZSTD_outBuffer to = {out->data + out->len, max, 0};
	size_t left;
	int rc;

	if (s->in_pos == s->in_len && s->between) {
		rc = refill(s, err);
		if (rc <= 0)
			return rc;
		in.size = s->in_len;
		in.pos = 0;
	}
	left = ZSTD_decompressStream(s->zstd, &to, &in);
	s->in_pos = in.pos;
	out->len += to.pos;
	if (ZSTD_isError(left))
		return err_set(err, ERR_DAMAGED, "zstd: %s", ZSTD_getErrorName(left));
	s->between = left == 0;
	if (to.pos > 0 || s->between || s->in_pos < s->in_len)
		return 1;
	rc = refill(s, err);
	return rc != 0 ? rc : err_set(err, ERR_DAMAGED, "zstd: the file ends too early");
}

int stream_more(struct stream *stream, size_t max, struct str *out, struct err *err)
{
	size_t before = out->len;
	int rc;

	must(max > 0 && max <= UINT32_MAX);
	if (stream->failed.kind != ERR_NONE) {
		*err = stream->failed;
		return -1;
	}
	if (stream->packing == PLAIN)
		return plain_more(stream, max, out, err);
	str_reserve(out, max);
	do
		rc = stream->packing == GZIP ? gzip_step(stream, max, out, &stream->failed)
					     : zstd_step(stream, max, out, &stream->failed);
	while (rc > 0 && out->len == before);
	out->data[out->len] = '\0';
	if (out->len > before)
		return 1;
	if (rc < 0)
		*err = stream->failed;
	return rc;
}

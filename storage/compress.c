/* SPDX-License-Identifier: GPL-3.0-or-later */
#define ZDICT_STATIC_LINKING_ONLY
#include "storage/compress.h"

#include <stdatomic.h>
#include <zdict.h>
#include <zstd.h>

enum {
	GATHER_MAX = 1024 *
		     1024, /* inputs up to here are laid together, and may use a dictionary */
	TRAIN_MAX = 4 * 1024 * 1024, /* more samples cost time and hardly help */
	TRAIN_MIN = 64 * 1024,
	TRAIN_MIN_SAMPLES = 16
};

struct dictionary {
	atomic_uint refs;
	uint32_t id;
	struct str bytes;
	ZSTD_DDict *d;
	_Atomic(ZSTD_CDict *) c; /* made at first use: readers never need it, and it is large */
};

struct dictionary *dictionary_new(struct view bytes)
{
	uint32_t id = ZDICT_getDictID(bytes.data, bytes.len);
	ZSTD_DDict *d = id == 0 ? NULL : ZSTD_createDDict(bytes.data, bytes.len);
	struct dictionary *dict;

	if (d == NULL)
		return NULL;
	dict = mem_new(sizeof(*dict));
	atomic_init(&dict->refs, 1);
	dict->id = id;
	dict->d = d;
	str_init(&dict->bytes);
	str_addv(&dict->bytes, bytes);
	return dict;
}

struct dictionary *dictionary_ref(struct dictionary *dict)
{
	atomic_fetch_add_explicit(&dict->refs, 1, memory_order_relaxed);
	return dict;
}

void dictionary_free(struct dictionary **dict)
{
	struct dictionary *d = TAKE(*dict);

	if (d == NULL || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) > 1)
		return;
	ZSTD_freeDDict(d->d);
	ZSTD_freeCDict(atomic_load(&d->c));
	str_clear(&d->bytes);
	free(d);
}

uint32_t dictionary_id(const struct dictionary *dict)
{
	return dict->id;
}

struct view dictionary_bytes(const struct dictionary *dict)
{
	return str_view(&dict->bytes);
}

/* The compressor's side of DICT. Two threads may both make it; one of the two is kept. */
static const ZSTD_CDict *cdict_of(const struct dictionary *dict)
{
	_Atomic(ZSTD_CDict *) *slot = &((struct dictionary *)dict)->c; /* a cache, not a change */
	ZSTD_CDict *made, *old = atomic_load(slot);

	if (old != NULL)
		return old;
	made = ZSTD_createCDict(dict->bytes.data, dict->bytes.len, COMPRESS_LEVEL);
	if (atomic_compare_exchange_strong(slot, &old, made))
		return made;
	ZSTD_freeCDict(made);
	return old;
}

/* Every STEP-th sample, so that all parts of a long list have their say. */
static size_t pick_samples(struct view samples, const size_t *lens, size_t n, size_t step,
			   struct str *picked, size_t *picked_lens)
{
	size_t at = 0, n_picked = 0;

	for (size_t i = 0; i < n; at += lens[i++]) {
		must(lens[i] <= samples.len - at);
		if (i % step != 0 || lens[i] > TRAIN_MAX - picked->len)
			continue;
		str_add(picked, samples.data + at, lens[i]);
		picked_lens[n_picked++] = lens[i];
	}
	return n_picked;
}

/* The fast cover algorithm with fixed parameters. zstd's default tries several values of k: with
 * 4 MB of mail that took 0.34 s and not 0.08 s, and its dictionary was no better. */
struct dictionary *dictionary_train(struct view samples, const size_t *lens, size_t n)
{
	ZDICT_fastCover_params_t params = {.k = 1024, .d = 8, .f = 20, .accel = 1};
	CLEAN_MEM size_t *picked_lens = mem_new((n + 1) * sizeof(*picked_lens));
	CLEAN_STR picked = STR_INIT, out = STR_INIT;
	size_t room, len;

	params.zParams.compressionLevel = COMPRESS_LEVEL;
	n = pick_samples(samples, lens, n, samples.len / TRAIN_MAX + 1, &picked, picked_lens);
	if (n < TRAIN_MIN_SAMPLES || picked.len < TRAIN_MIN)
		return NULL;
	room = picked.len / 4 < DICTIONARY_BYTES ? picked.len / 4 : DICTIONARY_BYTES;
	str_reserve(&out, room);
	len = ZDICT_trainFromBuffer_fastCover(out.data, room, picked.data, picked_lens, (unsigned)n,
					      params);
	if (ZDICT_isError(len))
		return NULL;
	out.len = len;
	return dictionary_new(str_view(&out));
}

struct compressor {
	ZSTD_CCtx *ctx;
	struct str in; /* small inputs, laid together */
};

struct compressor *compressor_new(void)
{
	struct compressor *c = mem_new(sizeof(*c));

	str_init(&c->in);
	c->ctx = ZSTD_createCCtx();
	must(c->ctx != NULL);
	must(!ZSTD_isError(
		ZSTD_CCtx_setParameter(c->ctx, ZSTD_c_compressionLevel, COMPRESS_LEVEL)));
	return c;
}

void compressor_free(struct compressor **c)
{
	if (*c == NULL)
		return;
	ZSTD_freeCCtx((*c)->ctx);
	str_clear(&(*c)->in);
	free(*c);
	*c = NULL;
}

static struct view gather(struct compressor *c, const struct view *pieces, size_t n)
{
	if (n == 1)
		return pieces[0];
	str_reset(&c->in);
	for (size_t i = 0; i < n; i++)
		str_addv(&c->in, pieces[i]);
	return str_view(&c->in);
}

/* The compressors return the frame's length, or 0 where it found no room in OUT. */
static size_t compress_whole(struct compressor *c, struct view in, void *out, size_t room)
{
	size_t len = ZSTD_compress2(c->ctx, out, room, in.data, in.len);

	return ZSTD_isError(len) ? 0 : len;
}

static size_t compress_pieces(struct compressor *c, const struct view *pieces, size_t n,
			      size_t total, void *out, size_t room)
{
	ZSTD_outBuffer to = {out, room, 0};

	must(!ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(c->ctx, total)));
	for (size_t i = 0; i < n; i++) {
		ZSTD_EndDirective mode = i + 1 < n ? ZSTD_e_continue : ZSTD_e_end;
		ZSTD_inBuffer from = {pieces[i].data, pieces[i].len, 0};
		size_t left;

		do {
			left = ZSTD_compressStream2(c->ctx, &to, &from, mode);
			must(!ZSTD_isError(left));
			if (mode == ZSTD_e_continue)
				left = from.size - from.pos;
		} while (left > 0 && to.pos < to.size);
		if (left > 0)
			return 0;
	}
	return to.pos;
}

enum encoding compressor_run(struct compressor *c, const struct dictionary *dict,
			     const struct view *pieces, size_t n, struct str *out)
{
	const ZSTD_CDict *cdict;
	size_t total = 0, len = 0;

	for (size_t i = 0; i < n; i++)
		total += pieces[i].len;
	/* A long input teaches itself more than the dictionary could. */
	cdict = dict != NULL && total <= GATHER_MAX ? cdict_of(dict) : NULL;
	ZSTD_CCtx_reset(c->ctx, ZSTD_reset_session_only);
	must(!ZSTD_isError(ZSTD_CCtx_refCDict(c->ctx, cdict)));

	str_reserve(out, total); /* of which only what is written becomes real memory */
	if (total > 1 && (n == 1 || total <= GATHER_MAX))
		len = compress_whole(c, gather(c, pieces, n), out->data + out->len, total - 1);
	else if (total > 1)
		len = compress_pieces(c, pieces, n, total, out->data + out->len, total - 1);
	if (len == 0) {
		for (size_t i = 0; i < n; i++)
			str_addv(out, pieces[i]);
		return ENCODING_RAW;
	}
	out->len += len;
	out->data[out->len] = '\0';
	return cdict != NULL ? ENCODING_ZSTD_DICT : ENCODING_ZSTD;
}

struct decompressor {
	ZSTD_DCtx *ctx;
};

struct decompressor *decompressor_new(void)
{
	struct decompressor *d = mem_new(sizeof(*d));

	d->ctx = ZSTD_createDCtx();
	must(d->ctx != NULL);
	return d;
}

void decompressor_free(struct decompressor **d)
{
	if (*d == NULL)
		return;
	ZSTD_freeDCtx((*d)->ctx);
	free(*d);
	*d = NULL;
}

/* Our frames always tell the size of their content, so that it is decoded in one go. */
static int decode_frame(struct decompressor *d, const ZSTD_DDict *ddict, struct view in, size_t max,
			struct str *out, struct err *err)
{
	unsigned long long size = ZSTD_getFrameContentSize(in.data, in.len);
	size_t len;

	if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
		return err_set(err, ERR_DAMAGED, "is no zstd frame with a content size");
	if (size > max)
		return err_set(err, ERR_DAMAGED, "decodes to more than %zu bytes", max);
	str_reserve(out, (size_t)size);
	len = ZSTD_decompress_usingDDict(d->ctx, out->data + out->len, (size_t)size, in.data,
					 in.len, ddict);
	if (ZSTD_isError(len) || len != size) {
		out->data[out->len] = '\0';
		return err_set(err, ERR_DAMAGED, "zstd: %s",
			       ZSTD_isError(len) ? ZSTD_getErrorName(len) : "wrong size");
	}
	out->len += len;
	out->data[out->len] = '\0';
	return 0;
}

int decompressor_run(struct decompressor *d, const struct dictionary *dict, enum encoding encoding,
		     struct view in, size_t max, struct str *out, struct err *err)
{
	switch (encoding) {
	case ENCODING_RAW:
		if (in.len > max)
			return err_set(err, ERR_DAMAGED, "is more than %zu bytes", max);
		str_addv(out, in);
		return 0;
	case ENCODING_ZSTD:
		return decode_frame(d, NULL, in, max, out, err);
	case ENCODING_ZSTD_DICT:
		if (dict == NULL || compress_dictionary_id(in) != dict->id)
			return err_set(err, ERR_DAMAGED, "needs another dictionary");
		return decode_frame(d, dict->d, in, max, out, err);
	}
	return err_set(err, ERR_DAMAGED, "unknown encoding %u", (unsigned)encoding);
}

uint32_t compress_dictionary_id(struct view frame)
{
	return ZSTD_getDictID_fromFrame(frame.data, frame.len);
}

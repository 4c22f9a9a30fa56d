/* SPDX-License-Identifier: GPL-3.0-or-later */
/* str.h - bytes that are looked at (struct view) and bytes that grow (struct str).
 *
 * A view never owns. A str owns its buffer, which always ends in a NUL that is not counted in
 * `len`, so that str.data can be handed to functions that want a C string; NULs inside are fine.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const char *data;
	size_t len;
};

#define VIEW(s) ((struct view){(s), strlen(s)})

bool view_eq(struct view a, struct view b);
bool view_eq_nocase(struct view a, struct view b); /* ASCII case only */
bool view_starts(struct view v, const char *prefix);
bool view_starts_nocase(struct view v, const char *prefix);
struct view view_trim(struct view v); /* without white space at both ends */
/* Cut the text up to SEP off the front of *REST; false when *REST was empty (data NULL). */
bool view_cut(struct view *rest, char sep, struct view *part_r);

struct str {
	char *data;
	size_t len;
	size_t cap;
};

extern char str_slop[1];
/* clang-format off */
#define STR_INIT {str_slop, 0, 0}
/* clang-format on */
#define CLEAN_STR __attribute__((cleanup(str_clear))) struct str

void str_init(struct str *s);
void str_clear(struct str *s);                /* free the buffer, and init again */
void str_reset(struct str *s);                /* length 0, buffer kept */
void str_reserve(struct str *s, size_t more); /* room for MORE bytes beyond len */
void str_add(struct str *s, const void *data, size_t len);
void str_addv(struct str *s, struct view v);
void str_adds(struct str *s, const char *text);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_addfv(struct str *s, const char *fmt, va_list ap);
struct view str_view(const struct str *s);

/* Lower-case hex. str_unhex returns 0, or -1 if TEXT is not exactly 2 * LEN hex digits. */
void str_addhex(struct str *s, const void *data, size_t len);
int str_unhex(struct view text, void *out, size_t len);

/* Little-endian integers and LEB128 varints (unsigned, at most 10 bytes), as the pack format has
 * them. The readers advance *V; -1 when it is too short or the varint is malformed. */
void str_addu16(struct str *s, uint16_t n);
void str_addu32(struct str *s, uint32_t n);
void str_addu64(struct str *s, uint64_t n);
void str_addvarint(struct str *s, uint64_t n);
int view_u8(struct view *v, uint8_t *n_r);
int view_u16(struct view *v, uint16_t *n_r);
int view_u32(struct view *v, uint32_t *n_r);
int view_u64(struct view *v, uint64_t *n_r);
int view_varint(struct view *v, uint64_t *n_r);
int view_bytes(struct view *v, size_t len, struct view *part_r);

/* Make TEXT fit for a terminal or a log line: valid UTF-8, every control character (C0, DEL, C1, bidi
 * overrides, line and paragraph separators) shown as U+FFFD; where KEEP_LINES, TAB and LF stay, and CRLF
 * becomes LF. */
void str_addsafe(struct str *s, struct view text, bool keep_lines);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qr.h - a text as a QR code (ISO/IEC 18004), drawn in SVG. */
#ifndef BASE_QR_H
#define BASE_QR_H

#include "base/str.h"

/* Append <svg ...>...</svg>, a module one unit wide, with the quiet zone around it; LABEL is what is read out instead, plain text. -1: the text is too long
 * for any code (some 2,300 bytes). */
int qr_add_svg(struct str *out, const char *text, const char *label);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/qr.h"

#include <qrencode.h>

enum { QR_MARGIN = 4 /* the quiet zone */ };

/* One path of horizontal bars, a module high each. */
static void add_path(struct str *out, const QRcode *code)
{
	for (int y = 0; y < code->width; y++) {
		const unsigned char *row = code->data + (size_t)y * (size_t)code->width;

		for (int x = 0, end; x < code->width; x = end) {
			for (end = x; end < code->width && (row[end] & 1) == (row[x] & 1);)
				end++;
			if (row[x] & 1)
				str_addf(out, "M%d %dh%dv1h-%dz", x + QR_MARGIN, y + QR_MARGIN,
					 end - x, end - x);
		}
	}
}

int qr_add_svg(struct str *out, const char *text, const char *label)
{
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
	int side;

	if (code == NULL)
		return -1;
	side = code->width + 2 * QR_MARGIN;
	str_addf(out,
		 "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"%s\" "
		 "viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">\n"
		 "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>\n<path d=\"",
		 label, side, side, side, side);
	add_path(out, code);
	str_adds(out, "\"/>\n</svg>");
	QRcode_free(code);
	return 0;
}

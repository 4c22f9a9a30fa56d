/* SPDX-License-Identifier: GPL-3.0-or-later */
/* webroot.h - the page's files, read once at the start: no path that a client sends ever opens a file.
 *
 * What lies below assets/ has a hash of its content in its name and may be kept for ever. NAME.gz and NAME.br are NAME, compressed. Where in the
 * page the reader is stands behind the # of the address, and so never comes here.
 */
#ifndef UI_BACKEND_WEBROOT_H
#define UI_BACKEND_WEBROOT_H

#include "base/err.h"
#include "base/str.h"

struct webroot;

/* DIR empty: where the package has put it, or where it was built. None there: WEBROOT_R is empty, which is no error. */
int webroot_read(const char *dir, struct webroot **webroot_r, struct err *err);
void webroot_free(struct webroot **root);
size_t webroot_count(const struct webroot *root);

struct web_file {
	const char *type;
	struct view plain, gz, br; /* the last two may be empty */
	char etag[40];             /* in quotes */
	bool for_ever;
};
/* NULL: there is none. PATH is "assets/x.js", "" for index.html. */
const struct web_file *webroot_find(const struct webroot *root, struct view path);

/* Answer a GET for a path of the page. */
struct api_request;
int webroot_answer(const struct webroot *root, struct api_request *r, struct err *err);

#endif

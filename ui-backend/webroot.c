/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/webroot.h"

#include "base/crypto.h"
#include "base/file.h"
#include "base/program.h"
#include "ui-backend/request_priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 4096, FILE_MAX_BYTES = 32 << 20, DEPTH_MAX = 8 };

struct file {
	char *path;
	struct str content;
	struct web_file page;
};

struct webroot {
	struct file **v;
	size_t n;
};

static const char *type_of(const char *path)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".json", "application/json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".ico", "image/x-icon"},
		{".woff2", "font/woff2"},
		{".woff", "font/woff"},
		{".txt", "text/plain; charset=utf-8"},
		{".webmanifest", "application/manifest+json"},
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(dot, types[i].suffix) == 0)
			return types[i].type;
	return "application/octet-stream";
}

static void set_etag(struct file *file)
{
	struct hash hash = crypto_sha256(file->content.data, file->content.len);
	CLEAN_STR hex = STR_INIT;

	str_addhex(&hex, hash.b, 16);
	snprintf(file->page.etag, sizeof(file->page.etag), "\"%s\"", hex.data);
}

/* --- reading the folder ------------------------------------------------------------------------- */

static int add_file(struct webroot *root, const char *full, const char *path, struct err *err)
{
	struct file *file;

	if (root->n == FILES_MAX)
		return err_set(err, ERR_TOOBIG, "%s: the page has more than %d files", full,
			       FILES_MAX);
	file = mem_new(sizeof(*file));
	str_init(&file->content);
	file->path = mem_strdup(path);
	root->v = mem_grow(root->v, (root->n + 1) * sizeof(*root->v));
	root->v[root->n++] = file;
	return file_read(full, FILE_MAX_BYTES, &file->content, err);
}

static int add_folder(struct webroot *root, const char *dir, const char *prefix, unsigned depth,
		      struct err *err);

static int add_entry(struct webroot *root, const char *dir, const char *prefix, const char *name,
		     unsigned depth, struct err *err)
{
	CLEAN_STR full = STR_INIT;
	CLEAN_STR path = STR_INIT;
	struct stat st;

	if (name[0] == '.')
		return 0;
	str_addf(&full, "%s/%s", dir, name);
	str_addf(&path, "%s%s", prefix, name);
	if (lstat(full.data, &st) < 0)
		return err_errno(err, "%s: %m", full.data);
	if (S_ISREG(st.st_mode))
		return add_file(root, full.data, path.data, err);
	str_addc(&path, '/');
	return S_ISDIR(st.st_mode) && depth < DEPTH_MAX
		       ? add_folder(root, full.data, path.data, depth + 1, err)
		       : 0;
}

static int add_folder(struct webroot *root, const char *dir, const char *prefix, unsigned depth,
		      struct err *err)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		return err_errno(err, "%s: %m", dir);
	while (rc == 0 && (entry = readdir(d)) != NULL)
		rc = add_entry(root, dir, prefix, entry->d_name, depth, err);
	closedir(d);
	return rc;
}

/* --- what they are ------------------------------------------------------------------------------ */

static int by_path(const void *a, const void *b)
{
	return strcmp((*(struct file *const *)a)->path, (*(struct file *const *)b)->path);
}

static struct file *find(const struct webroot *root, const char *path)
{
	struct file key = {.path = (char *)path};
	const struct file *p = &key;
	struct file **found = root->n == 0
				      ? NULL
				      : bsearch(&p, root->v, root->n, sizeof(*root->v), by_path);

	return found ? *found : NULL;
}

static struct view compressed(const struct webroot *root, const char *path, const char *suffix)
{
	CLEAN_STR name = STR_INIT;
	struct file *file;

	str_addf(&name, "%s%s", path, suffix);
	file = find(root, name.data);
	return file ? str_view(&file->content) : (struct view){"", 0};
}

static void describe(struct webroot *root)
{
	if (root->n == 0)
		return;
	qsort(root->v, root->n, sizeof(*root->v), by_path);
	for (size_t i = 0; i < root->n; i++) {
		struct file *file = root->v[i];

		file->page.type = type_of(file->path);
		file->page.plain = str_view(&file->content);
		file->page.for_ever = view_starts(VIEW(file->path), "assets/");
		set_etag(file);
		file->page.gz = compressed(root, file->path, ".gz");
		file->page.br = compressed(root, file->path, ".br");
	}
}

static int find_folder(struct str *dir, struct err *err)
{
	static const char *const places[] = {"../../share/sealpost/web", "web", "../web"};
	CLEAN_STR folder = STR_INIT;

	if (program_folder(&folder, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		str_reset(dir);
		str_addf(dir, "%s%s/index.html", folder.data, places[i]);
		if (access(dir->data, R_OK) == 0) {
			str_reset(dir);
			str_addf(dir, "%s%s", folder.data, places[i]);
			return 0;
		}
	}
	str_reset(dir);
	return 0;
}

int webroot_read(const char *dir, struct webroot **webroot_r, struct err *err)
{
	CLEAN(webroot) root = mem_new(sizeof(*root));
	CLEAN_STR found = STR_INIT;

	str_adds(&found, dir);
	if (found.len == 0 && find_folder(&found, err) < 0)
		return -1;
	if (found.len > 0 && add_folder(root, found.data, "", 0, err) < 0)
		return err_add(err, "the page's files");
	describe(root);
	*webroot_r = TAKE(root);
	return 0;
}

void webroot_free(struct webroot **root)
{
	struct webroot *p = *root;

	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i]->path);
		str_clear(&p->v[i]->content);
		free(p->v[i]);
	}
	free(p->v);
	free(p);
	*root = NULL;
}

size_t webroot_count(const struct webroot *root)
{
	return root->n;
}

const struct web_file *webroot_find(const struct webroot *root, struct view path)
{
	CLEAN_STR name = STR_INIT;
	const struct file *file;

	str_addv(&name, path);
	if (path.len == 0)
		str_adds(&name, "index.html");
	file = find(root, name.data);
	return file ? &file->page : NULL;
}

/* --- answering ---------------------------------------------------------------------------------- */

/* The page runs its own scripts and styles and talks to its own server, and nobody may put it into a frame. Mail is shown in a frame without
 * scripts or an origin of its own; such a frame (srcdoc) is under the page's rules beside its own, stricter ones, which is why styles in the
 * text and images from elsewhere are not forbidden here already: a mail has them. */
static const char policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
	"img-src 'self' data: blob: https: http:; font-src 'self' data:; connect-src 'self'; "
	"frame-src 'self' blob:; object-src 'none'; manifest-src 'self'; base-uri 'self'; "
	"form-action 'self'; frame-ancestors 'none'";

static bool accepts(struct view field, const char *coding)
{
	struct view part, name;

	while (view_cut(&field, ',', &part)) {
		view_cut(&part, ';', &name);
		if (view_eq_nocase(view_trim(name), VIEW(coding)))
			return part.data == NULL || !view_eq(view_trim(part), VIEW("q=0"));
	}
	return false;
}

static struct view choose(const struct api_request *r, const struct web_file *page,
			  const char **coding_r)
{
	struct view accepted = request_header(r, "Accept-Encoding");

	if (page->br.len > 0 && accepts(accepted, "br")) {
		*coding_r = "br";
		return page->br;
	}
	if (page->gz.len > 0 && accepts(accepted, "gzip")) {
		*coding_r = "gzip";
		return page->gz;
	}
	*coding_r = NULL;
	return page->plain;
}

static int answer_with(struct api_request *r, const struct web_file *page)
{
	bool same = view_eq(request_header(r, "If-None-Match"), VIEW(page->etag));
	const char *coding;
	struct view bytes = choose(r, page, &coding);
	struct MHD_Response *response = MHD_create_response_from_buffer(
		same ? 0 : bytes.len, (void *)bytes.data, MHD_RESPMEM_PERSISTENT);

	must(response != NULL);
	reply_header(r, "Content-Type", page->type);
	reply_header(r, "ETag", page->etag);
	reply_header(r, "Vary", "Accept-Encoding");
	reply_header(r, "Cache-Control",
		     page->for_ever ? "public, max-age=31536000, immutable" : "no-cache");
	reply_header(r, "Content-Security-Policy", policy);
	if (coding != NULL && !same)
		reply_header(r, "Content-Encoding", coding);
	return reply_with(r, same ? 304 : 200, response);
}

/* The page's own addresses are relative to where it lies. */
static int redirect(struct api_request *r)
{
	reply_header(r, "Location", r->settings->base);
	return reply_with(r, 308, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
}

int webroot_answer(const struct webroot *root, struct api_request *r, struct err *err)
{
	const struct uri *uri = &r->priv->uri;
	CLEAN_STR path = STR_INIT;
	const struct web_file *page;

	if (uri->segments.n == 0 && !uri->ends_in_slash)
		return redirect(r);
	for (size_t i = 0; i < uri->segments.n; i++) {
		str_adds(&path, i > 0 ? "/" : "");
		str_addv(&path, uri->segments.v[i]);
	}
	page = webroot_find(root, str_view(&path));
	if (page == NULL || (uri->ends_in_slash && uri->segments.n > 0))
		return err_set(err, ERR_NOTFOUND, "there is no such page");
	return answer_with(r, page);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/smb/share.h"

#include "base/conn.h"
#include "base/ipc.h"
#include "storage/smb/share_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SMB_PORT = 445, PROBE_MS = 5000, FOLDER_ATTRIBUTE = 0x10, LIST_DEPTH = 8 };

/* --- names and errors ------------------------------------------------------------------------- */

#undef share_fail /* here is the function that the macro calls */
int share_fail(struct err *err, const char *what)
{
	int os = errno;

	err_errno(err, "%s: %m", what);
	if (os == ECONNABORTED || os == ENETRESET || os == EPIPE || os == EHOSTDOWN ||
	    os == ENODEV || os == EBADF)
		err->kind = ERR_OFFLINE;
	if (os == ENOSPC || os == EDQUOT)
		err_set(err, ERR_NOSPACE, "%s: the disk there is full", what);
	if (os == EBUSY)
		err_set(err, ERR_BUSY, "%s: it is in use by another session", what);
	return -1;
}

void share_add_encoded(struct str *url, struct view text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~/";

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] != '\0' && strchr(plain, text.data[i]) != NULL)
			str_addc(url, text.data[i]);
		else
			str_addf(url, "%%%02X", (unsigned char)text.data[i]);
	}
}

const char *share_url(const struct share *s, struct view name, struct str *url)
{
	str_reset(url);
	str_addv(url, str_view(&s->url));
	if (name.len > 0)
		str_addc(url, '/');
	share_add_encoded(url, name);
	return url->data;
}

static int make_folder(const char *url, struct err *err)
{
	if (smbc_mkdir(url, 0700) < 0 && errno != EEXIST)
		return share_fail(err, "make a folder");
	return 0;
}

/* FROM: where in URL the folders begin that may be missing. The last component is none. */
static int make_folders(struct str *url, size_t from, struct err *err)
{
	for (size_t i = from; i < url->len; i++) {
		if (url->data[i] != '/')
			continue;
		url->data[i] = '\0';
		int rc = make_folder(url->data, err);

		url->data[i] = '/';
		if (rc < 0)
			return -1;
	}
	return 0;
}

int share_make_folders(const struct share *s, struct view name, struct err *err)
{
	CLEAN_STR url = STR_INIT;

	share_url(s, name, &url);
	return make_folders(&url, s->url.len + 1, err);
}

/* --- the library ------------------------------------------------------------------------------ */

/* Its messages name files and servers, and what matters of them comes back as errno. */
static void drop_message(void *arg, int level, const char *text)
{
	(void)arg, (void)level, (void)text;
}

static void give_login(SMBCCTX *context, const char *server, const char *name, char *workgroup,
		       int workgroup_len, char *user, int user_len, char *password,
		       int password_len)
{
	const struct share *s = smbc_getOptionUserData(context);

	(void)server, (void)name;
	if (s->domain.len > 0)
		snprintf(workgroup, (size_t)workgroup_len, "%s", s->domain.data);
	snprintf(user, (size_t)user_len, "%s", s->user.data);
	if (s->password != NULL && secret_len(s->password) < (size_t)password_len) {
		memcpy(password, secret_data(s->password), secret_len(s->password));
		password[secret_len(s->password)] = '\0';
	}
}

/* A configuration of its own, of no file: those of the system and of the user may say anything. Names are asked of the
 * resolver alone: anybody can answer a NetBIOS broadcast. Encryption is asked for and not demanded, since this
 * library, told to demand it, goes on in clear without a word; all that we write is sealed. Signing it does keep to. */
static int configure(SMBCCTX *context, struct err *err)
{
	static const char text[] = "[global]\n"
				   "client min protocol = SMB3_11\n"
				   "client max protocol = SMB3_11\n"
				   "client signing = required\n"
				   "client smb encrypt = desired\n"
				   "name resolve order = host\n"
				   "lock directory = /nonexistent\n"
				   "state directory = /nonexistent\n"
				   "cache directory = /nonexistent\n"
				   "private dir = /nonexistent\n";
	int fd = memfd_create("smb.conf", MFD_CLOEXEC);
	char path[32];
	int rc;

	if (fd < 0 || write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1)
		return err_errno(err, "configuration of the SMB library: %m");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = smbc_setConfiguration(context, path);
	close(fd);
	if (rc < 0)
		return err_errno(err, "configuration of the SMB library: %m");
	return 0;
}

static int init_library(struct share *s, struct err *err)
{
	s->context = smbc_new_context();
	if (s->context == NULL)
		return err_errno(err, "the SMB library: %m");
	smbc_setLogCallback(s->context, NULL, drop_message);
	smbc_setDebug(s->context, 0);
	smbc_setOptionUserData(s->context, s);
	smbc_setFunctionAuthDataWithContext(s->context, give_login);
	/* Its own waits end later than its starter's patience, which alone is to decide, in its own words. */
	smbc_setTimeout(s->context, 2 * (int)s->timeout_ms);
	smbc_setOptionNoAutoAnonymousLogin(s->context, 1);
	smbc_setOptionUseKerberos(s->context, 0);
	smbc_setOptionSmbEncryptionLevel(s->context, SMBC_ENCRYPTLEVEL_REQUEST);
	smbc_setOptionProtocols(s->context, "SMB3_11", "SMB3_11");
	if (smbc_init_context(s->context) == NULL)
		return err_errno(err, "the SMB library: %m");
	smbc_set_context(s->context);
	return configure(s->context, err);
}

/* --- logging in ------------------------------------------------------------------------------- */

/* The library takes the first colon for the port's; encoded, those of an IPv6 address pass. */
static void add_server(struct str *url, const struct share_site *site)
{
	struct view host = site->host;

	if (view_starts(host, "["))
		host = (struct view){host.data + 1, host.len - 2};
	str_adds(url, "smb://");
	share_add_encoded(url, host);
	if (site->port != 0)
		str_addf(url, ":%u", site->port);
}

/* Nobody answered as a share does. How far does one get without SMB? */
static int tell_unreachable(const struct share_site *site, struct err *err)
{
	CLEAN(conn) conn = NULL;
	CLEAN_STR address = STR_INIT;
	struct err why = {0}, said = *err;

	str_addf(&address, "%.*s:%u", (int)site->host.len, site->host.data,
		 site->port ? site->port : SMB_PORT);
	if (conn_connect(address.data, PROBE_MS, &conn, &why) < 0)
		return err_set(err, why.kind == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_OFFLINE,
			       "the server cannot be reached: %s", why.text);
	return err_set(err, said.kind == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_OFFLINE,
		       "the server is there, but does not talk SMB 3.1.1 with us: %s", said.text);
}

/* Refused: the log-in, or this share only? Whoever may log in has access to IPC$, where there are no files. */
static int tell_refused(const struct share_site *site, struct err *err)
{
	CLEAN_STR url = STR_INIT;
	struct stat st;

	add_server(&url, site);
	str_adds(&url, "/IPC$/none");
	if (smbc_stat(url.data, &st) < 0 && (errno == EACCES || errno == EPERM))
		return err_set(err, ERR_DENIED,
			       "the server refuses the log-in: user, password or domain is wrong, "
			       "or the account is locked");
	return err_set(err, ERR_DENIED,
		       "the log-in is good, but this user has no access to the share \"%.*s\"",
		       (int)site->share.len, site->share.data);
}

static int look_at_share(const struct share *s, const struct share_site *site, struct err *err)
{
	int dir = smbc_opendir(s->root.data);

	if (dir >= 0) {
		smbc_closedir(dir);
		return 0;
	}
	switch (errno) {
	case EACCES:
	case EPERM:
		return tell_refused(site, err);
	case ENOENT:
	case ENODEV:
		return err_set(err, ERR_NOTFOUND, "the server has no share \"%.*s\"",
			       (int)site->share.len, site->share.data);
	default:
		share_fail(err, "log in");
		return tell_unreachable(site, err);
	}
}

static int look_at_folder(struct share *s, const struct share_site *site, struct err *err)
{
	struct stat st;

	if (site->folder.len == 0 || smbc_stat(s->url.data, &st) == 0)
		return 0;
	if (errno != ENOENT)
		return share_fail(err, "look at the folder");
	if (!site->create)
		return err_set(err, ERR_NOTFOUND, "the share has no folder \"%.*s\"",
			       (int)site->folder.len, site->folder.data);
	if (make_folders(&s->url, s->root.len + 1, err) < 0)
		return -1;
	return make_folder(s->url.data, err);
}

static struct share *share_new(const struct share_site *site)
{
	struct share *s = mem_new(sizeof(*s));

	for (size_t i = 0; i < SMB_HANDLES; i++)
		s->writing[i] = (struct writing){.fd = NO_FD, .name = STR_INIT};
	for (size_t i = 0; i < READ_HANDLES; i++)
		s->reading[i] = (struct reading){.fd = NO_FD, .name = STR_INIT};
	str_init(&s->root);
	str_init(&s->url);
	str_init(&s->user);
	str_init(&s->domain);
	str_addv(&s->user, site->user);
	str_addv(&s->domain, site->domain);
	if (site->password != NULL)
		s->password = secret_copy(secret_data(site->password), secret_len(site->password));
	s->timeout_ms = site->timeout_ms;
	add_server(&s->root, site);
	str_addc(&s->root, '/');
	share_add_encoded(&s->root, site->share);
	str_addv(&s->url, str_view(&s->root));
	if (site->folder.len > 0) {
		str_addc(&s->url, '/');
		share_add_encoded(&s->url, site->folder);
	}
	return s;
}

int share_open(const struct share_site *site, struct share **share_r, struct err *err)
{
	CLEAN(share) s = share_new(site);

	if (init_library(s, err) < 0 || look_at_share(s, site, err) < 0 ||
	    look_at_folder(s, site, err) < 0)
		return -1;
	*share_r = TAKE(s);
	return 0;
}

/* The process is about to end, and with it all connections: the library's own way to close them may wait for a server
 * that is gone. */
void share_free(struct share **share)
{
	struct share *s = TAKE(*share);

	if (s == NULL)
		return;
	for (size_t i = 0; i < SMB_HANDLES; i++)
		str_clear(&s->writing[i].name);
	for (size_t i = 0; i < READ_HANDLES; i++)
		str_clear(&s->reading[i].name);
	str_clear(&s->root);
	str_clear(&s->url);
	str_clear(&s->user);
	str_clear(&s->domain);
	secret_free(&s->password);
	free(s);
}

/* --- by name ---------------------------------------------------------------------------------- */

static int stat_of(const struct share *s, struct view name, struct stat *st, struct err *err)
{
	CLEAN_STR url = STR_INIT;

	if (smbc_stat(share_url(s, name, &url), st) < 0)
		return share_fail(err, "look");
	return 0;
}

int share_size(struct share *s, struct view name, uint64_t *size_r, struct err *err)
{
	struct stat st;

	share_forget(s, name); /* another file may stand there by now: medium.h */
	if (stat_of(s, name, &st, err) < 0)
		return -1;
	*size_r = (uint64_t)st.st_size;
	return 0;
}

int share_modified(struct share *s, struct view name, int64_t *time_s_r, struct err *err)
{
	struct stat st;

	if (stat_of(s, name, &st, err) < 0)
		return -1;
	*time_s_r = st.st_mtime;
	return 0;
}

/* What is below URL; NAME is the same within the medium. Both are as before afterwards. */
static int list_below(struct str *url, struct str *name, unsigned depth, struct str *out,
		      struct err *err)
{
	const struct libsmb_file_info *info;
	size_t url_len = url->len, name_len = name->len;
	int dir = smbc_opendir(url->data);
	int rc = 0;

	if (dir < 0)
		return share_fail(err, "list");
	while (rc == 0 && (errno = 0, info = smbc_readdirplus((unsigned)dir)) != NULL) {
		if (info->name[0] == '.')
			continue;
		str_addc(url, '/');
		share_add_encoded(url, VIEW(info->name));
		str_addf(name, "%s%s", name_len > 0 ? "/" : "", info->name);
		if ((info->attrs & FOLDER_ATTRIBUTE) == 0) {
			ipc_add_text(out, str_view(name));
			str_addvarint(out, info->size);
		} else if (depth > 0) {
			rc = list_below(url, name, depth - 1, out, err);
		}
		url->data[url->len = url_len] = '\0';
		name->data[name->len = name_len] = '\0';
	}
	if (rc == 0 && errno != 0)
		rc = share_fail(err, "list");
	smbc_closedir(dir);
	return rc;
}

int share_list(struct share *s, struct view folder, struct str *out, struct err *err)
{
	CLEAN_STR url = STR_INIT;
	CLEAN_STR name = STR_INIT;

	share_url(s, folder, &url);
	str_addv(&name, folder);
	if (list_below(&url, &name, LIST_DEPTH, out, err) == 0)
		return 0;
	if (err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err); /* no folder, no files */
	return 0;
}

int share_space(struct share *s, uint64_t *free_r, uint64_t *total_r, struct err *err)
{
	struct statvfs st;
	uint64_t unit;

	if (smbc_statvfs(s->url.data, &st) < 0)
		return share_fail(err, "ask for the space");
	/* f_frsize counts units of f_bsize here */
	unit = (uint64_t)st.f_bsize * (st.f_frsize ? st.f_frsize : 1);
	*free_r = st.f_bavail * unit;
	*total_r = st.f_blocks * unit;
	return 0;
}

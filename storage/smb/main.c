/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-smb - one share, for the program that started it (storage/medium_smb.h); never by hand.
 *
 * It reads requests from descriptor 3 (storage/smb_wire.h), answers each, and ends when that is closed. What it cannot
 * do in time, its starter ends by kill -9.
 *
 * Jail: no new privileges, no core dumps, few open files, no home folder. It holds the log-in of the one share, no key
 * and no database; all bytes that pass are sealed. package/ confines it with the program that starts it.
 */
#include "base/ipc.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/program.h"
#include "base/secret.h"
#include "storage/smb/share.h"
#include "storage/smb_wire.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1 };
enum { FILES = 64, REST_MS = 2000 };

#ifdef __SANITIZE_ADDRESS__
/* What the library, and what it is built of, keep until the end is theirs. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libsmbclient\nleak:libtalloc\nleak:libsmbconf\nleak:libsamba\nleak:"
	       "libtevent\n";
}
#endif

static int malformed(struct err *err)
{
	return err_set(err, ERR_DAMAGED, "a request that is malformed");
}

static int read_site(struct view v, struct share_site *site, struct secret **password_r,
		     struct err *err)
{
	uint64_t port, create, timeout_ms;
	struct view password;

	if (ipc_text(&v, &site->host) < 0 || view_varint(&v, &port) < 0 ||
	    ipc_text(&v, &site->share) < 0 || ipc_text(&v, &site->folder) < 0 ||
	    view_varint(&v, &create) < 0 || ipc_text(&v, &site->user) < 0 ||
	    ipc_text(&v, &site->domain) < 0 || ipc_text(&v, &password) < 0 ||
	    view_varint(&v, &timeout_ms) < 0 || v.len != 0 || port > UINT16_MAX)
		return malformed(err);
	site->port = (unsigned)port;
	site->create = create != 0;
	site->timeout_ms = (unsigned)timeout_ms;
	if (password.len > 0)
		*password_r = secret_copy(password.data, password.len);
	site->password = *password_r;
	return 0;
}

static int connect_share(struct share **s, struct view body, struct str *out, struct err *err)
{
	CLEAN(secret) password = NULL;
	struct share_site site = {0};

	(void)out;
	if (*s != NULL || read_site(body, &site, &password, err) < 0)
		return malformed(err);
	return share_open(&site, s, err);
}

static int told_handle(int rc, unsigned handle, struct str *out)
{
	if (rc == 0)
		str_addvarint(out, handle);
	return rc;
}

static int create(struct share **s, struct view body, struct str *out, struct err *err)
{
	unsigned handle = 0;
	struct view name;

	if (ipc_text(&body, &name) < 0)
		return malformed(err);
	return told_handle(share_create(*s, name, &handle, err), handle, out);
}

static int reopen(struct share **s, struct view body, struct str *out, struct err *err)
{
	unsigned handle = 0;
	struct view name;

	if (ipc_text(&body, &name) < 0)
		return malformed(err);
	return told_handle(share_reopen(*s, name, &handle, err), handle, out);
}

static int read_handle(struct view *body, unsigned *handle_r, struct err *err)
{
	uint64_t handle;

	if (view_varint(body, &handle) < 0 || handle >= SMB_HANDLES)
		return malformed(err);
	*handle_r = (unsigned)handle;
	return 0;
}

static int append(struct share **s, struct view body, struct str *out, struct err *err)
{
	unsigned handle;

	(void)out;
	return read_handle(&body, &handle, err) < 0 ? -1 : share_append(*s, handle, body, err);
}

static int sync_file(struct share **s, struct view body, struct str *out, struct err *err)
{
	unsigned handle;

	(void)out;
	return read_handle(&body, &handle, err) < 0 ? -1 : share_sync(*s, handle, err);
}

static int close_file(struct share **s, struct view body, struct str *out, struct err *err)
{
	unsigned handle;

	(void)out;
	return read_handle(&body, &handle, err) < 0 ? -1 : share_close(*s, handle, err);
}

static int read_bytes(struct share **s, struct view body, struct str *out, struct err *err)
{
	struct view name;
	uint64_t offset, len;

	if (ipc_text(&body, &name) < 0 || view_varint(&body, &offset) < 0 ||
	    view_varint(&body, &len) < 0 || len > SMB_READ_BYTES)
		return malformed(err);
	return share_read(*s, name, offset, (size_t)len, out, err);
}

static int size_of(struct share **s, struct view body, struct str *out, struct err *err)
{
	struct view name;
	uint64_t size;

	if (ipc_text(&body, &name) < 0)
		return malformed(err);
	if (share_size(*s, name, &size, err) < 0)
		return -1;
	str_addvarint(out, size);
	return 0;
}

static int modified(struct share **s, struct view body, struct str *out, struct err *err)
{
	struct view name;
	int64_t time_s;

	if (ipc_text(&body, &name) < 0)
		return malformed(err);
	if (share_modified(*s, name, &time_s, err) < 0)
		return -1;
	str_addvarint(out, (uint64_t)time_s);
	return 0;
}

static int list(struct share **s, struct view body, struct str *out, struct err *err)
{
	struct view folder;

	return ipc_text(&body, &folder) < 0 ? malformed(err) : share_list(*s, folder, out, err);
}

static int remove_file(struct share **s, struct view body, struct str *out, struct err *err)
{
	struct view name;

	(void)out;
	return ipc_text(&body, &name) < 0 ? malformed(err) : share_remove(*s, name, err);
}

static int replace(struct share **s, struct view body, struct str *out, struct err *err)
{
	struct view made, name;

	(void)out;
	if (ipc_text(&body, &made) < 0 || ipc_text(&body, &name) < 0)
		return malformed(err);
	return share_replace(*s, made, name, err);
}

static int cut(struct share **s, struct view body, struct str *out, struct err *err)
{
	struct view name;
	uint64_t size;

	(void)out;
	if (ipc_text(&body, &name) < 0 || view_varint(&body, &size) < 0)
		return malformed(err);
	return share_cut(*s, name, size, err);
}

static int space(struct share **s, struct view body, struct str *out, struct err *err)
{
	uint64_t left, total;

	(void)body;
	if (share_space(*s, &left, &total, err) < 0)
		return -1;
	str_addvarint(out, left);
	str_addvarint(out, total);
	return 0;
}

typedef int request_fn(struct share **s, struct view body, struct str *out, struct err *err);

static request_fn *const requests[SMB_N_REQUESTS] = {
	[SMB_CONNECT] = connect_share,
	[SMB_CREATE] = create,
	[SMB_REOPEN] = reopen,
	[SMB_APPEND] = append,
	[SMB_SYNC] = sync_file,
	[SMB_CLOSE] = close_file,
	[SMB_READ] = read_bytes,
	[SMB_SIZE] = size_of,
	[SMB_MODIFIED] = modified,
	[SMB_LIST] = list,
	[SMB_REMOVE] = remove_file,
	[SMB_REPLACE] = replace,
	[SMB_CUT] = cut,
	[SMB_SPACE] = space,
};

static int answer_failure(const struct err *why, struct err *err)
{
	CLEAN_STR out = STR_INIT;

	str_addvarint(&out, why->kind);
	str_addvarint(&out, (uint64_t)(unsigned)why->os);
	str_adds(&out, why->text);
	return ipc_send(PROGRAM_FD, SMB_FAILED, str_view(&out), err);
}

static int answer(struct share **s, uint32_t type, struct view body, struct str *out,
		  struct err *err)
{
	struct err why = {0};
	int rc;

	str_reset(out);
	if (type >= SMB_N_REQUESTS || (*s == NULL && type != SMB_CONNECT))
		rc = malformed(&why);
	else
		rc = requests[type](s, body, out, &why);
	return rc < 0 ? answer_failure(&why, err)
		      : ipc_send(PROGRAM_FD, SMB_DONE, str_view(out), err);
}

/* A while without requests: what was read may be in somebody's way. */
static void rest(struct share *s)
{
	struct pollfd p = {.fd = PROGRAM_FD, .events = POLLIN};

	if (s != NULL && poll(&p, 1, REST_MS) == 0)
		share_rest(s);
}

static int serve(struct err *err)
{
	CLEAN(share) s = NULL;
	CLEAN_STR body = STR_INIT;
	CLEAN_STR out = STR_INIT;
	uint32_t type;
	int rc;

	while (rest(s), (rc = ipc_receive(PROGRAM_FD, -1, &type, &body, err)) > 0) {
		rc = answer(&s, type, str_view(&body), &out, err);
		if (type == SMB_CONNECT) /* it holds the password */
			explicit_bzero(body.data, body.len);
		if (rc < 0)
			break;
	}
	return rc;
}

/* The terminal's and the service manager's signals are for the program that started this one: it may have something to
 * finish first. */
int main(void)
{
	struct err err = {0};

	secret_harden_process();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	setenv("HOME", "/nonexistent", 1);
	if (jail_enter("", FILES, &err) < 0 || serve(&err) < 0) {
		if (err.kind != ERR_OFFLINE)
			log_error("sealpost-smb: %s", err.text);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

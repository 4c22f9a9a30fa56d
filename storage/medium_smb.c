/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/medium_smb.h"

#include "base/clock.h"
#include "base/ipc.h"
#include "base/program.h"
#include "storage/medium_priv.h"
#include "storage/smb_wire.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LABEL_NAME "medium.json" /* storage/label.h */
enum { LABEL_BYTES_MAX = 4096 };

/* A share's URL, taken apart. */
struct address {
	struct view host, share, folder;
	uint64_t port;
};

struct smb {
	struct medium base;
	struct address address; /* views of `url` */
	char *url, *user, *domain;
	char *folder; /* within the share: the site's own, and the medium's */
	struct secret *password;
	int timeout_ms;
	bool create;          /* at the first connection only */
	pthread_mutex_t lock; /* guards what is below: one request at a time */
	pid_t pid;            /* of sealpost-smb; 0: none runs */
	int fd;
	uint64_t generation; /* of the connection; files keep theirs (SM2) */
	int64_t end_ms;      /* when the request is to be over, on the monotonic clock */
	struct str request, answer;
	struct str identity; /* the label as the first connection found it; empty: there was none */
};

struct smb_file {
	struct medium_file base;
	struct smb *smb; /* base.medium is not known when a file is being opened */
	uint64_t generation;
	uint64_t handle;
};

static struct smb *smb_of(struct medium *m)
{
	return (struct smb *)m;
}

/* --- the program ------------------------------------------------------------------------------ */

static void end_program(struct smb *s)
{
	if (s->pid == 0)
		return;
	kill(s->pid, SIGKILL);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	close(s->fd);
	s->pid = 0;
	s->generation++;
}

static int start_program(struct smb *s, struct err *err)
{
	static const char *const no_args[] = {NULL};
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, "socketpair: %m");
	if (program_start("smb", no_args, fds[1], &s->pid, err) < 0) {
		s->pid = 0;
		close(fds[0]);
		close(fds[1]);
		if (err->kind == ERR_NOTFOUND) /* the program, which says nothing of the share */
			err->kind = ERR_UNSUPPORTED;
		return -1;
	}
	close(fds[1]);
	s->fd = fds[0];
	return 0;
}

static int failure_of(struct view answer, struct err *err)
{
	uint64_t kind, os;

	if (view_varint(&answer, &kind) < 0 || view_varint(&answer, &os) < 0)
		return err_set(err, ERR_IO, "sealpost-smb gave an answer that is malformed");
	err_set(err, (enum err_kind)kind, "%.*s", (int)answer.len, answer.data);
	err->os = (int)os;
	return -1;
}

static int left_ms(const struct smb *s)
{
	int64_t left = s->end_ms - clock_monotonic_ms();

	return left > 0 ? (int)left : 0;
}

/* 1; 0 the program has ended; -1. */
static int exchange(struct smb *s, enum smb_message type, uint32_t *answer_r, struct err *err)
{
	if (ipc_send_within(s->fd, left_ms(s), type, str_view(&s->request), err) < 0)
		return -1;
	return ipc_receive(s->fd, left_ms(s), answer_r, &s->answer, err);
}

/* The request in S->request, of type TYPE, to the program that runs; its answer is in S->answer. */
static int ask_program(struct smb *s, enum smb_message type, struct err *err)
{
	uint32_t answer;
	int rc = exchange(s, type, &answer, err);

	if (rc < 0 && err->kind == ERR_TIMEOUT)
		return err_set(err, ERR_TIMEOUT, "the server has not answered within %d s",
			       (s->timeout_ms + 999) / 1000);
	if (rc <= 0)
		return err_set(err, ERR_OFFLINE, "sealpost-smb ended unasked");
	return answer == SMB_DONE ? 0 : failure_of(str_view(&s->answer), err);
}

static bool is_broken(enum err_kind kind)
{
	return kind == ERR_OFFLINE || kind == ERR_TIMEOUT;
}

static void add_text(struct str *out, const char *text)
{
	ipc_add_text(out, VIEW(text ? text : ""));
}

static void add_site(struct smb *s, struct str *out)
{
	ipc_add_text(out, s->address.host);
	str_addvarint(out, s->address.port);
	ipc_add_text(out, s->address.share);
	add_text(out, s->folder);
	str_addvarint(out, s->create);
	add_text(out, s->user);
	add_text(out, s->domain);
	ipc_add_text(out, s->password ? (struct view){(const char *)secret_data(s->password),
						      secret_len(s->password)}
				      : (struct view){"", 0});
	str_addvarint(out, (uint64_t)s->timeout_ms);
}

/* What tells this medium from another one in its place: its label, as it is. 1; 0 there is none. */
static int read_identity(struct smb *s, struct err *err)
{
	str_reset(&s->request);
	add_text(&s->request, LABEL_NAME);
	str_addvarint(&s->request, 0);
	str_addvarint(&s->request, LABEL_BYTES_MAX);
	if (ask_program(s, SMB_READ, err) == 0)
		return 1;
	if (err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	return 0;
}

/* A new connection leads to what was there before, or it is none: between two calls of whoever uses the medium, and has
 * looked at its label, nothing may be written to another place. */
static int check_identity(struct smb *s, struct err *err)
{
	int rc = read_identity(s, err);

	if (rc < 0)
		return -1;
	if (s->identity.len == 0) {
		if (rc > 0)
			str_addv(&s->identity, str_view(&s->answer));
		return 0;
	}
	if (rc > 0 && view_eq(str_view(&s->identity), str_view(&s->answer)))
		return 0;
	return err_set(err, ERR_OFFLINE,
		       "it is empty, or another one than it was, and nothing is written there");
}

static int log_in(struct smb *s, struct err *err)
{
	int rc;

	str_reset(&s->request);
	add_site(s, &s->request);
	rc = ask_program(s, SMB_CONNECT, err);
	explicit_bzero(s->request.data, s->request.len);
	return rc < 0 ? -1 : check_identity(s, err);
}

/* The request that waits in S->request is kept for afterwards. */
static int connect_share(struct smb *s, struct err *err)
{
	struct str kept = s->request;
	int rc;

	if (start_program(s, err) < 0)
		return -1;
	str_init(&s->request);
	rc = log_in(s, err);
	str_clear(&s->request);
	s->request = kept;
	if (rc < 0)
		end_program(s);
	return rc;
}

static int ask_again(struct smb *s, enum smb_message type, struct err *err)
{
	if (s->pid == 0 && connect_share(s, err) < 0)
		return -1;
	if (ask_program(s, type, err) == 0)
		return 0;
	if (is_broken(err->kind))
		end_program(s);
	return -1;
}

static void set_deadline(struct smb *s)
{
	s->end_ms = clock_monotonic_ms() + s->timeout_ms;
}

static int ask_once(struct smb *s, enum smb_message type, struct err *err)
{
	set_deadline(s);
	return ask_again(s, type, err);
}

/* By name: once more over a new connection, if it was an old one that broke; all within one deadline. The caller holds
 * the lock until it has read the answer. */
static int ask_by_name(struct smb *s, enum smb_message type, struct err *err)
{
	bool was_old = s->pid != 0;

	if (ask_once(s, type, err) == 0)
		return 0;
	if (!was_old || err->kind != ERR_OFFLINE)
		return -1;
	err_clear(err);
	return ask_again(s, type, err);
}

/* --- requests --------------------------------------------------------------------------------- */

static struct smb *begin(struct medium *m)
{
	struct smb *s = smb_of(m);

	pthread_mutex_lock(&s->lock);
	str_reset(&s->request);
	return s;
}

static int end(struct smb *s, int rc)
{
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static struct smb *begin_name(struct medium *m, const char *name)
{
	struct smb *s = begin(m);

	add_text(&s->request, name);
	return s;
}

static int malformed(struct err *err)
{
	return err_set(err, ERR_IO, "sealpost-smb gave an answer that is malformed");
}

static int number_of(struct smb *s, uint64_t *n_r, struct err *err)
{
	struct view v = str_view(&s->answer);

	return view_varint(&v, n_r) < 0 ? malformed(err) : 0;
}

static int open_file(struct medium *m, enum smb_message type, const char *name,
		     struct medium_file **file_r, struct err *err)
{
	struct smb *s = begin_name(m, name);
	struct smb_file *f;
	uint64_t handle;

	if (ask_by_name(s, type, err) < 0 || number_of(s, &handle, err) < 0)
		return end(s, -1);
	f = mem_new(sizeof(*f));
	f->smb = s;
	f->generation = s->generation;
	f->handle = handle;
	*file_r = &f->base;
	return end(s, 0);
}

/* A file may have come into being though the connection broke: made again, it is there already. */
static int smb_create(struct medium *m, const char *name, struct medium_file **file_r,
		      struct err *err)
{
	return open_file(m, SMB_CREATE, name, file_r, err);
}

static int smb_reopen(struct medium *m, const char *name, struct medium_file **file_r,
		      struct err *err)
{
	return open_file(m, SMB_REOPEN, name, file_r, err);
}

/* (SM2) */
static int ask_file(struct smb_file *f, enum smb_message type, struct view bytes, struct err *err)
{
	struct smb *s = begin(&f->smb->base);

	if (s->pid == 0 || f->generation != s->generation)
		return end(s, err_set(err, ERR_OFFLINE,
				      "the connection over which it was opened is gone"));
	str_addvarint(&s->request, f->handle);
	str_addv(&s->request, bytes);
	return end(s, ask_once(s, type, err));
}

static int smb_append(struct medium_file *file, const void *data, size_t len, struct err *err)
{
	struct view rest = {data, len};

	while (rest.len > 0) {
		size_t n = rest.len < SMB_WRITE_BYTES ? rest.len : SMB_WRITE_BYTES;
		struct view piece;

		must(view_bytes(&rest, n, &piece) == 0);
		if (ask_file((struct smb_file *)file, SMB_APPEND, piece, err) < 0)
			return -1;
	}
	return 0;
}

static int smb_sync(struct medium_file *file, struct err *err)
{
	return ask_file((struct smb_file *)file, SMB_SYNC, (struct view){"", 0}, err);
}

static void smb_close(struct medium_file *file)
{
	struct err ignored = {0};

	ask_file((struct smb_file *)file, SMB_CLOSE, (struct view){"", 0}, &ignored);
	free(file);
}

static int read_piece(struct smb *s, const char *name, uint64_t offset, char *out, size_t len,
		      size_t *got_r, struct err *err)
{
	str_reset(&s->request);
	add_text(&s->request, name);
	str_addvarint(&s->request, offset);
	str_addvarint(&s->request, len);
	if (ask_by_name(s, SMB_READ, err) < 0)
		return -1;
	if (s->answer.len > len)
		return malformed(err);
	memcpy(out, s->answer.data, s->answer.len);
	*got_r = s->answer.len;
	return 0;
}

static int smb_read(struct medium *m, const char *name, uint64_t offset, void *out, size_t len,
		    size_t *got_r, struct err *err)
{
	struct smb *s = begin(m);
	size_t done = 0, want, got;

	do {
		want = len - done < SMB_READ_BYTES ? len - done : SMB_READ_BYTES;
		if (read_piece(s, name, offset + done, (char *)out + done, want, &got, err) < 0)
			return end(s, -1);
		done += got;
	} while (done < len && got == want);
	*got_r = done;
	return end(s, 0);
}

static int ask_number(struct medium *m, enum smb_message type, const char *name, uint64_t *n_r,
		      struct err *err)
{
	struct smb *s = begin_name(m, name);

	return end(s, ask_by_name(s, type, err) < 0 ? -1 : number_of(s, n_r, err));
}

static int smb_size(struct medium *m, const char *name, uint64_t *size_r, struct err *err)
{
	return ask_number(m, SMB_SIZE, name, size_r, err);
}

static int smb_modified(struct medium *m, const char *name, int64_t *time_s_r, struct err *err)
{
	uint64_t n;

	if (ask_number(m, SMB_MODIFIED, name, &n, err) < 0)
		return -1;
	*time_s_r = (int64_t)n;
	return 0;
}

/* FN may ask this medium for something: the answer is taken over first. */
static int smb_list(struct medium *m, const char *dir, medium_list_fn *fn, void *arg,
		    struct err *err)
{
	struct smb *s = begin_name(m, dir);
	CLEAN_STR names = STR_INIT;
	CLEAN_STR name = STR_INIT;
	int rc = ask_by_name(s, SMB_LIST, err);

	str_addv(&names, str_view(&s->answer));
	if (end(s, rc) < 0)
		return -1;
	for (struct view rest = str_view(&names); rest.len > 0;) {
		struct view text;
		uint64_t size;

		if (ipc_text(&rest, &text) < 0 || view_varint(&rest, &size) < 0)
			return malformed(err);
		str_reset(&name);
		str_addv(&name, text);
		if (fn(arg, name.data, size, err) < 0)
			return -1;
	}
	return 0;
}

static int smb_remove(struct medium *m, const char *name, struct err *err)
{
	struct smb *s = begin_name(m, name);

	return end(s, ask_by_name(s, SMB_REMOVE, err));
}

/* Not tried again: it may have happened, and NAME is what was MADE. */
static int smb_replace(struct medium *m, const char *made, const char *name, struct err *err)
{
	struct smb *s = begin_name(m, made);

	add_text(&s->request, name);
	return end(s, ask_once(s, SMB_REPLACE, err));
}

static int smb_cut(struct medium *m, const char *name, uint64_t size, struct err *err)
{
	struct smb *s = begin_name(m, name);

	str_addvarint(&s->request, size);
	return end(s, ask_by_name(s, SMB_CUT, err));
}

static int smb_space(struct medium *m, uint64_t *free_r, uint64_t *total_r, struct err *err)
{
	struct smb *s = begin(m);
	struct view v;

	if (ask_by_name(s, SMB_SPACE, err) < 0)
		return end(s, -1);
	v = str_view(&s->answer);
	if (view_varint(&v, free_r) < 0 || view_varint(&v, total_r) < 0)
		return end(s, malformed(err));
	return end(s, 0);
}

static void smb_free(struct medium *m)
{
	struct smb *s = smb_of(m);

	end_program(s);
	str_clear(&s->request);
	str_clear(&s->answer);
	str_clear(&s->identity);
	secret_free(&s->password);
	pthread_mutex_destroy(&s->lock);
	free(s->url);
	free(s->user);
	free(s->domain);
	free(s->folder);
	free(s);
}

static const struct medium_ops smb_ops = {
	.type = "smb",
	.free = smb_free,
	.create = smb_create,
	.reopen = smb_reopen,
	.append = smb_append,
	.sync = smb_sync,
	.close = smb_close,
	.read = smb_read,
	.size = smb_size,
	.list = smb_list,
	.remove = smb_remove,
	.replace = smb_replace,
	.modified = smb_modified,
	.cut = smb_cut,
	.space = smb_space,
};

/* --- opening ---------------------------------------------------------------------------------- */

/* URL is one that site_check() approved of. */
static struct address address_of(const char *url)
{
	struct view rest = VIEW(url + strlen("smb://"));
	struct address a = {0};
	struct view authority;
	const char *colon;

	must(view_cut(&rest, '/', &authority));
	a.host = authority;
	colon = memrchr(authority.data, ':', authority.len);
	if (colon != NULL && authority.data[authority.len - 1] != ']') {
		a.host.len = (size_t)(colon - authority.data);
		a.port = strtoull(colon + 1, NULL, 10);
	}
	view_cut(&rest, '/', &a.share);
	a.folder = rest;
	return a;
}

static char *folder_of(const struct address *a, const char *folder)
{
	CLEAN_STR path = STR_INIT;

	str_addv(&path, a->folder);
	if (path.len > 0 && folder[0] != '\0')
		str_addc(&path, '/');
	str_adds(&path, folder);
	return mem_strdup(path.data);
}

int medium_smb_open(const struct site *site, const char *folder, bool create,
		    struct medium **medium_r, struct err *err)
{
	struct smb *s = mem_new(sizeof(*s));
	CLEAN(medium) m = &s->base;
	CLEAN_STR location = STR_INIT;

	str_addf(&location, "%s%s%s", site->location, folder[0] ? "/" : "", folder);
	s->base = (struct medium){&smb_ops, mem_strdup(location.data)};
	s->url = mem_strdup(site->location);
	s->address = address_of(s->url);
	s->folder = folder_of(&s->address, folder);
	s->user = mem_strdup(site->user ? site->user : "");
	s->domain = mem_strdup(site->domain ? site->domain : "");
	if (site->password != NULL)
		s->password = secret_copy(secret_data(site->password), secret_len(site->password));
	s->timeout_ms = (int)(site->timeout_ms ? site->timeout_ms : SITE_TIMEOUT_MS);
	s->create = create;
	str_init(&s->request);
	str_init(&s->answer);
	str_init(&s->identity);
	pthread_mutex_init(&s->lock, NULL);
	set_deadline(s);
	if (connect_share(s, err) < 0)
		return err_add(err, "%s", site->location);
	s->create = false;
	*medium_r = TAKE(m);
	return 0;
}

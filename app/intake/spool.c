/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/spool.h"

#include "app/intake/spool_priv.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAMILY "SPSPOOL" /* and the number of the format, from 1 to 9 */
#define MAGIC FAMILY "1"

enum {
	HEAD_BYTES = 8 + 8 + 8,
	CONTEXT_BYTES = UUID_BYTES + 1,
	ENVELOPE_MAX = 16 * 1024 * 1024, /* far more than any server takes recipients */
	WHY_MAX = 1024
};

struct spool_entry {
	struct spool *spool;
	struct uuid id;
	int fd;
	struct sealer *sealer;
	struct str sealed; /* not written yet */
	uint64_t mail_bytes;
};

const char *spool_state_text(enum spool_state state)
{
	static const char *const texts[STATES] = {"pending", "ready", "stuck"};

	return texts[state];
}

static const char *entry_path(const struct spool *spool, enum spool_state state,
			      const struct uuid *id, const char *ending, struct str *out)
{
	str_reset(out);
	str_addf(out, "%s/", spool->dirs[state]);
	uuid_add(out, id);
	str_adds(out, ending);
	return out->data;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* With just these rights, and its parent's set-group-id bit, which mkdir hands on. Not by chmod: a unit with RestrictSUIDSGID= cannot
 * set that bit. The spool is opened before a daemon has threads. */
static int mkdir_exactly(const char *path, mode_t rights)
{
	mode_t mask = umask(0);
	int rc = mkdir(path, rights & 0777);

	umask(mask);
	return rc;
}

/* A folder in spool/ is as open as spool/ itself is: who may use the one may use the other. What is
 * there keeps the rights that somebody gave it. */
static int make_dir(const char *spool_dir, const char *name, char **dir_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	struct stat st;

	str_addf(&path, "%s/%s", spool_dir, name);
	if (stat(spool_dir, &st) < 0)
		return err_errno(err, "%s: %m", spool_dir);
	if (mkdir_exactly(path.data, st.st_mode) == 0) {
		if (dir_sync(spool_dir, err) < 0)
			return -1;
	} else if (errno != EEXIST) {
		return err_errno(err, "%s: mkdir: %m", path.data);
	}
	*dir_r = mem_strdup(path.data);
	return 0;
}

/* An archive's folder that hands its group on means the doors by it: the spool is theirs as well as the owner's. */
static int make_spool_dir(const char *archive_dir, const char *dir, struct err *err)
{
	struct stat st;

	if (stat(archive_dir, &st) < 0)
		return err_errno(err, "%s: %m", archive_dir);
	if (mkdir_exactly(dir, st.st_mode & S_ISGID ? 0770 : 0700) < 0)
		return errno == EEXIST ? 0 : err_errno(err, "%s: mkdir: %m", dir);
	return dir_sync(archive_dir, err);
}

static int make_dirs(struct spool *spool, const char *archive_dir, struct err *err)
{
	CLEAN_STR dir = STR_INIT;

	str_addf(&dir, "%s/spool", archive_dir);
	if (make_spool_dir(archive_dir, dir.data, err) < 0)
		return -1;
	for (enum spool_state state = 0; state < STATES; state++)
		if (make_dir(dir.data, spool_state_text(state), &spool->dirs[state], err) < 0)
			return -1;
	return make_dir(dir.data, "queue", &spool->queue_dir, err);
}

/* The rights of a file in DIR: those of the folder, but for execution. */
static int rights_in(const char *dir, mode_t *mode_r, struct err *err)
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return err_errno(err, "%s: %m", dir);
	*mode_r = st.st_mode & 0666;
	return 0;
}

/* A file without a name, which the kernel forgets if we die. */
static int open_unnamed(const struct spool *spool, int *fd_r, struct err *err)
{
	const char *dir = spool->dirs[SPOOL_READY];
	mode_t mode;

	if (rights_in(dir, &mode, err) < 0)
		return -1;
	*fd_r = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*fd_r < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		return err_set(err, ERR_UNSUPPORTED,
			       "%s: its file system has no unnamed files (O_TMPFILE); ext4, xfs "
			       "and btrfs have",
			       dir);
	if (*fd_r < 0 || fchmod(*fd_r, mode) < 0)
		return err_errno(err, "%s: %m", dir);
	return 0;
}

int spool_open(const char *archive_dir, struct spool **spool_r, struct err *err)
{
	CLEAN(spool) spool = mem_new(sizeof(*spool));
	CLEAN_STR path = STR_INIT;
	CLEAN_FD probe = -1;

	spool->watch_fd = -1;
	spool->reserve_bytes = FILE_RESERVE_AUTO;
	str_addf(&path, "%s/spool.pub", archive_dir);
	if (public_key_load(path.data, &spool->to, err) < 0 ||
	    make_dirs(spool, archive_dir, err) < 0 || open_unnamed(spool, &probe, err) < 0)
		return -1;
	*spool_r = TAKE(spool);
	return 0;
}

void spool_free(struct spool **spool)
{
	struct spool *s = *spool;

	if (s == NULL)
		return;
	for (size_t i = 0; i < STATES; i++)
		free(s->dirs[i]);
	free(s->queue_dir);
	fd_cleanup(&s->watch_fd);
	free(s);
	*spool = NULL;
}

void spool_set_reserve(struct spool *spool, uint64_t bytes)
{
	spool->reserve_bytes = bytes;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int check_space(const struct spool *spool, uint64_t size_bytes, struct err *err)
{
	uint64_t left, total, reserve;

	if (file_space(spool->dirs[SPOOL_READY], &left, &total, err) < 0)
		return -1;
	reserve = file_reserve(spool->reserve_bytes, total);
	if (left >= reserve && left - reserve >= size_bytes)
		return 0;
	return err_set(err, ERR_NOSPACE, "%s: %llu bytes are free, %llu of them in reserve",
		       spool->dirs[SPOOL_READY], (unsigned long long)left,
		       (unsigned long long)reserve);
}

static struct view make_context(const struct uuid *id, char part, char out[CONTEXT_BYTES])
{
	memcpy(out, id->b, UUID_BYTES);
	out[UUID_BYTES] = part;
	return (struct view){out, CONTEXT_BYTES};
}

int spool_begin(struct spool *spool, uint64_t size_bytes, struct spool_entry **entry_r,
		struct err *err)
{
	CLEAN(spool_entry) e = mem_new(sizeof(*e));
	char context[CONTEXT_BYTES];

	e->spool = spool;
	e->fd = -1;
	e->id = uuid_new();
	str_init(&e->sealed);
	if (check_space(spool, size_bytes, err) < 0 || open_unnamed(spool, &e->fd, err) < 0)
		return -1;
	/* the head is written last, when the lengths are known */
	str_adds(&e->sealed, MAGIC "0123456701234567");
	must(e->sealed.len == HEAD_BYTES);
	e->sealer = sealer_new(&spool->to, make_context(&e->id, 'M', context), &e->sealed);
	*entry_r = TAKE(e);
	return 0;
}

static int flush(struct spool_entry *e, struct err *err)
{
	if (file_write_all(e->fd, e->sealed.data, e->sealed.len, err) < 0)
		return err_add(err, "%s", e->spool->dirs[SPOOL_READY]);
	e->mail_bytes += e->sealed.len;
	str_reset(&e->sealed);
	return 0;
}

int spool_write(struct spool_entry *entry, const void *data, size_t len, struct err *err)
{
	const char *p = data;

	while (len > 0) {
		size_t n = len < SEAL_CHUNK_BYTES ? len : SEAL_CHUNK_BYTES;

		sealer_add(entry->sealer, p, n, &entry->sealed);
		if (entry->sealed.len >= SEAL_CHUNK_BYTES && flush(entry, err) < 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

const struct uuid *spool_entry_id(const struct spool_entry *entry)
{
	return &entry->id;
}

void spool_entry_free(struct spool_entry **entry)
{
	struct spool_entry *e = *entry;

	if (e == NULL)
		return;
	fd_cleanup(&e->fd);
	sealer_free(&e->sealer);
	str_clear(&e->sealed);
	free(e);
	*entry = NULL;
}

/* The rest of the file, and its head. */
static int complete(struct spool_entry *e, char part, const struct envelope *env, struct err *err)
{
	CLEAN_STR head = STR_INIT;
	CLEAN_STR plain = STR_INIT;
	char context[CONTEXT_BYTES];
	uint64_t mail_end;

	sealer_end(e->sealer, &e->sealed);
	mail_end = e->mail_bytes + e->sealed.len;
	envelope_write(&plain, env);
	sealer_next(e->sealer, make_context(&e->id, part, context), &e->sealed);
	sealer_add(e->sealer, plain.data, plain.len, &e->sealed);
	sealer_end(e->sealer, &e->sealed);
	if (flush(e, err) < 0)
		return -1;
	str_adds(&head, MAGIC);
	str_addu64(&head, mail_end - HEAD_BYTES);
	str_addu64(&head, e->mail_bytes - mail_end);
	if (pwrite(e->fd, head.data, head.len, 0) != (ssize_t)head.len)
		return err_errno(err, "%s: write: %m", e->spool->dirs[SPOOL_READY]);
	return 0;
}

static int give_name(const struct spool_entry *e, enum spool_state state, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	char unnamed[32];

	snprintf(unnamed, sizeof(unnamed), "/proc/self/fd/%d", e->fd);
	if (linkat(AT_FDCWD, unnamed, AT_FDCWD, entry_path(e->spool, state, &e->id, "", &path),
		   AT_SYMLINK_FOLLOW) < 0)
		return err_errno(err, "%s: %m", path.data);
	return 0;
}

/* All files are whole and synced before one gets its name, and the names are synced before this
 * returns (S1). Writing begins for all before the first is waited for: that wait takes the others along,
 * as far as the file system's journal goes. */
static int publish(struct spool_entry *const *entries, size_t n, enum spool_state state,
		   struct err *err)
{
	for (size_t i = 0; n > 1 && i < n; i++)
		sync_file_range(entries[i]->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	for (size_t i = 0; i < n; i++) {
		if (file_sync(entries[i]->fd, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (give_name(entries[i], state, err) < 0)
			return -1;
	}
	if (dir_sync(entries[0]->spool->dirs[state], err) == 0)
		return 0;
	err->kind = ERR_UNSURE; /* the names are there, and may or may not outlive a power loss */
	return -1;
}

int spool_commit_all(struct spool_entry *const *entries, const struct envelope *envs, size_t n,
		     struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (complete(entries[i], 'E', &envs[i], err) < 0)
			return -1;
	}
	return n == 0 ? 0 : publish(entries, n, SPOOL_READY, err);
}

int spool_commit(struct spool_entry *entry, const struct envelope *env, struct err *err)
{
	return spool_commit_all(&entry, env, 1, err);
}

int spool_hold(struct spool_entry *entry, const struct envelope *env, struct err *err)
{
	return complete(entry, 'P', env, err) < 0 ? -1 : publish(&entry, 1, SPOOL_PENDING, err);
}

/* --- binding ---------------------------------------------------------------------------------- */

struct head {
	uint64_t mail_bytes, envelope_bytes, file_bytes;
};

static int foreign_head(const char *bytes, struct err *err)
{
	const char number = bytes[strlen(FAMILY)];

	if (memcmp(bytes, FAMILY, strlen(FAMILY)) == 0 && number >= '2' && number <= '9')
		return err_set(err, ERR_VERSION, "the entry has format %c, this program knows 1",
			       number);
	return err_set(err, ERR_DAMAGED, "this is no spool entry");
}

static int read_head(int fd, struct head *head_r, struct err *err)
{
	char bytes[HEAD_BYTES];
	struct view rest = {bytes + strlen(MAGIC), HEAD_BYTES - strlen(MAGIC)};
	ssize_t n = file_pread(fd, bytes, sizeof(bytes), 0, err);
	struct stat st;

	if (n < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_errno(err, "fstat: %m");
	head_r->file_bytes = (uint64_t)st.st_size;
	if (n < HEAD_BYTES)
		return err_set(err, ERR_DAMAGED, "the entry is cut short");
	if (memcmp(bytes, MAGIC, strlen(MAGIC)) != 0)
		return foreign_head(bytes, err);
	must(view_u64(&rest, &head_r->mail_bytes) == 0 &&
	     view_u64(&rest, &head_r->envelope_bytes) == 0);
	if (head_r->mail_bytes > head_r->file_bytes - HEAD_BYTES ||
	    head_r->envelope_bytes > head_r->file_bytes - HEAD_BYTES - head_r->mail_bytes)
		return err_set(err, ERR_DAMAGED, "the entry is cut short");
	return 0;
}

static bool is_there(const struct spool *spool, enum spool_state state, const struct uuid *id)
{
	CLEAN_STR path = STR_INIT;

	return access(entry_path(spool, state, id, "", &path), F_OK) == 0;
}

/* What an earlier try left behind the first envelope is cut off. */
static int append_envelope(struct spool *spool, int fd, const struct uuid *id,
			   const struct envelope *env, struct err *err)
{
	CLEAN_STR plain = STR_INIT;
	CLEAN_STR sealed = STR_INIT;
	char context[CONTEXT_BYTES];
	struct head head;
	uint64_t end;

	if (read_head(fd, &head, err) < 0)
		return -1;
	end = HEAD_BYTES + head.mail_bytes + head.envelope_bytes;
	envelope_write(&plain, env);
	seal(&spool->to, make_context(id, 'E', context), str_view(&plain), &sealed);
	if (ftruncate(fd, (off_t)end) < 0 || lseek(fd, (off_t)end, SEEK_SET) < 0)
		return err_errno(err, "truncate: %m");
	if (file_write_all(fd, sealed.data, sealed.len, err) < 0)
		return -1;
	return file_sync(fd, err);
}

static int move(struct spool *spool, const struct uuid *id, enum spool_state from,
		enum spool_state to, struct err *err)
{
	CLEAN_STR old = STR_INIT;
	CLEAN_STR new = STR_INIT;

	if (rename(entry_path(spool, from, id, "", &old), entry_path(spool, to, id, "", &new)) < 0)
		return err_errno(err, "%s: rename: %m", old.data);
	/* both: not every file system keeps the two ends of a rename together, and a name that came back in FROM would
	 * be moved a second time */
	if (dir_sync(spool->dirs[to], err) == 0 && dir_sync(spool->dirs[from], err) == 0)
		return 0;
	err->kind = ERR_UNSURE;
	return -1;
}

int spool_bind(struct spool *spool, const struct uuid *id, const struct envelope *env,
	       struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_FD fd = open(entry_path(spool, SPOOL_PENDING, id, "", &path), O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		return err_errno(err, "%s: %m", path.data);
	/* one binder at a time; who waited finds it moved */
	if (fd >= 0 && flock(fd, LOCK_EX) < 0)
		return err_errno(err, "%s: lock: %m", path.data);
	if (fd < 0 || !is_there(spool, SPOOL_PENDING, id)) {
		if (!is_there(spool, SPOOL_READY, id) && !is_there(spool, SPOOL_STUCK, id))
			return err_set(err, ERR_NOTFOUND, "%s: there is no such entry", path.data);
		/* its binder may have died, or be, between rename and sync */
		return dir_sync(spool->dirs[SPOOL_READY], err);
	}
	if (append_envelope(spool, fd, id, env, err) < 0)
		return err_add(err, "%s", path.data);
	return move(spool, id, SPOOL_PENDING, SPOOL_READY, err) < 0 ? -1 : 1;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

struct ids {
	struct uuid *v;
	size_t n, cap;
};

/* Anything that is not named by an id is not ours to touch. */
static int read_dir(const char *path, struct arena *arena, struct ids *ids, struct err *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL)
		return err_errno(err, "%s: %m", path);
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		struct uuid id;

		if (strlen(entry->d_name) == UUID_TEXT && uuid_read(VIEW(entry->d_name), &id) == 0)
			ARENA_PUSH(arena, *ids, id);
	}
	if (errno != 0)
		err_errno(err, "%s: %m", path);
	closedir(dir);
	return err->kind == ERR_NONE ? 0 : -1;
}

int spool_list(struct spool *spool, enum spool_state state, size_t max, struct arena *arena,
	       struct uuid **ids_r, size_t *n_r, struct err *err)
{
	struct ids ids = {0};

	err_clear(err);
	if (read_dir(spool->dirs[state], arena, &ids, err) < 0)
		return -1;
	if (ids.n > 0)
		qsort(ids.v, ids.n, sizeof(*ids.v), by_id);
	*ids_r = ids.v;
	*n_r = max > 0 && ids.n > max ? max : ids.n;
	return 0;
}

/* The reason is for people: without it the entry is as stuck as before. */
static struct view read_why(struct spool *spool, const struct uuid *id, struct arena *arena)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR text = STR_INIT;
	struct err reading = {0};

	entry_path(spool, SPOOL_STUCK, id, ".why", &path);
	if (file_read(path.data, WHY_MAX, &text, &reading) < 0)
		return VIEW("unknown: its reason cannot be read");
	return arena_view(arena, view_trim(str_view(&text)));
}

int spool_look(struct spool *spool, enum spool_state state, const struct uuid *id,
	       struct arena *arena, struct spool_item *item_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	struct stat st;

	if (stat(entry_path(spool, state, id, "", &path), &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "%s: %m", path.data);
	*item_r = (struct spool_item){
		.id = *id, .size_bytes = (uint64_t)st.st_size, .since_s = st.st_ctime};
	if (state == SPOOL_STUCK)
		item_r->why = read_why(spool, id, arena);
	return 1;
}

/* An open entry, where in it a sealed message lies, and what it was sealed under. */
struct section {
	int fd;
	const struct uuid *id;
	const struct x25519 *key;
	struct unsealer **unsealer; /* goes on from section to section; NULL at first */
	uint64_t offset, bytes;
	char part;
};

static int read_exactly(const struct section *s, uint64_t at, size_t len, struct str *out,
			struct err *err)
{
	ssize_t n;

	str_reset(out);
	str_reserve(out, len);
	n = file_pread(s->fd, out->data, len, s->offset + at, err);
	if (n < 0)
		return -1;
	if ((size_t)n < len)
		return err_set(err, ERR_DAMAGED, "the entry is cut short");
	out->len = len;
	return 0;
}

static int begin_section(const struct section *s, struct view head, struct err *err)
{
	char context[CONTEXT_BYTES];
	struct view under = make_context(s->id, s->part, context);

	if (*s->unsealer != NULL)
		return unsealer_next(*s->unsealer, under, head, err);
	return unsealer_new(s->key, under, head, s->unsealer, err);
}

/* Chunk by chunk, so that a large mail is in memory once. */
static int open_section(const struct section *s, uint64_t max_bytes, struct str *out,
			struct err *err)
{
	CLEAN_STR sealed = STR_INIT;
	uint64_t at = SEAL_HEAD_BYTES;

	if (s->bytes > seal_size(max_bytes))
		return err_set(err, ERR_TOOBIG, "it has more than %llu bytes",
			       (unsigned long long)max_bytes);
	if (s->bytes <= SEAL_HEAD_BYTES)
		return err_set(err, ERR_DAMAGED, "the entry is cut short");
	if (read_exactly(s, 0, SEAL_HEAD_BYTES, &sealed, err) < 0 ||
	    begin_section(s, str_view(&sealed), err) < 0)
		return -1;
	str_reserve(out, s->bytes);
	while (at < s->bytes) {
		uint64_t left = s->bytes - at;
		size_t len = left < SEAL_SEALED_CHUNK_BYTES ? left : SEAL_SEALED_CHUNK_BYTES;

		if (read_exactly(s, at, len, &sealed, err) < 0 ||
		    unsealer_chunk(*s->unsealer, str_view(&sealed), left == len, out, err) < 0)
			return -1;
		at += len;
	}
	return 0;
}

static int read_envelope(struct section *s, char part, uint64_t bytes, struct arena *arena,
			 struct envelope *env, struct err *err)
{
	CLEAN_STR plain = STR_INIT;

	s->part = part;
	s->bytes = bytes;
	if (open_section(s, ENVELOPE_MAX, &plain, err) < 0)
		return -1;
	s->offset += bytes;
	return envelope_read(arena, arena_view(arena, str_view(&plain)), env, err);
}

/* A pending entry may have the torn start of its second envelope behind it. */
static int read_envelopes(struct section *s, const struct head *head, bool pending,
			  struct arena *arena, struct envelope *env_r, struct err *err)
{
	uint64_t rest = head->file_bytes - s->offset - head->envelope_bytes;
	bool completed = !pending && rest > 0;

	*env_r = (struct envelope){0};
	if (read_envelope(s, pending || completed ? 'P' : 'E', head->envelope_bytes, arena, env_r,
			  err) < 0)
		return -1;
	return completed ? read_envelope(s, 'E', rest, arena, env_r, err) : 0;
}

static int read_sections(int fd, enum spool_state state, const struct uuid *id,
			 const struct x25519 *key, uint64_t max_bytes, struct str *raw,
			 struct arena *arena, struct envelope *env_r, struct err *err)
{
	CLEAN(unsealer) unsealer = NULL;
	struct section s = {.fd = fd,
			    .id = id,
			    .key = key,
			    .unsealer = &unsealer,
			    .offset = HEAD_BYTES,
			    .part = 'M'};
	struct head head;

	if (read_head(fd, &head, err) < 0)
		return -1;
	s.bytes = head.mail_bytes;
	if (raw != NULL && open_section(&s, max_bytes, raw, err) < 0)
		return -1;
	s.offset += head.mail_bytes;
	return env_r ? read_envelopes(&s, &head, state == SPOOL_PENDING, arena, env_r, err) : 0;
}

int spool_read(struct spool *spool, enum spool_state state, const struct uuid *id,
	       const struct x25519 *key, uint64_t max_bytes, struct str *raw, struct arena *arena,
	       struct envelope *env_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_FD fd = open(entry_path(spool, state, id, "", &path), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "the entry does not open: %m");
	if (raw != NULL)
		str_reset(raw);
	if (read_sections(fd, state, id, key, max_bytes, raw, arena, env_r, err) == 0)
		return 0;
	if (raw != NULL)
		str_reset(raw);
	return -1;
}

/* --- leaving ---------------------------------------------------------------------------------- */

int spool_remove_file(struct spool *spool, enum spool_state state, const struct uuid *id,
		      struct err *err)
{
	CLEAN_STR path = STR_INIT;

	if (unlink(entry_path(spool, state, id, "", &path)) < 0)
		return err_errno(err, "%s: %m", path.data);
	return 0;
}

static void remove_why(struct spool *spool, const struct uuid *id)
{
	CLEAN_STR path = STR_INIT;

	unlink(entry_path(spool, SPOOL_STUCK, id, ".why", &path));
}

int spool_done(struct spool *spool, const struct uuid *id, struct err *err)
{
	return spool_remove_file(spool, SPOOL_READY, id, err);
}

/* The reason comes first: nothing is ever stuck without one. */
int spool_stick(struct spool *spool, const struct uuid *id, const struct err *why, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR text = STR_INIT;
	mode_t mode;

	str_addf(&text, "%s: %s\n", err_code(why->kind), why->text);
	if (rights_in(spool->dirs[SPOOL_STUCK], &mode, err) < 0 ||
	    file_replace(entry_path(spool, SPOOL_STUCK, id, ".why", &path), mode, str_view(&text),
			 err) < 0)
		return -1;
	if (move(spool, id, SPOOL_READY, SPOOL_STUCK, err) == 0)
		return 0;
	if (err->kind == ERR_NOTFOUND)
		remove_why(spool, id);
	return -1;
}

int spool_retry(struct spool *spool, const struct uuid *id, struct err *err)
{
	if (move(spool, id, SPOOL_STUCK, SPOOL_READY, err) < 0)
		return -1;
	remove_why(spool, id);
	return 0;
}

int spool_drop(struct spool *spool, enum spool_state state, const struct uuid *id, struct err *err)
{
	if (spool_remove_file(spool, state, id, err) < 0)
		return -1;
	if (state == SPOOL_STUCK)
		remove_why(spool, id);
	return dir_sync(spool->dirs[state], err);
}

/* --- waiting ---------------------------------------------------------------------------------- */

int spool_watch(struct spool *spool, int *fd_r, struct err *err)
{
	CLEAN_FD fd = -1;

	if (spool->watch_fd < 0) {
		fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (fd < 0 ||
		    inotify_add_watch(fd, spool->dirs[SPOOL_READY], IN_CREATE | IN_MOVED_TO) < 0)
			return err_errno(err, "%s: watch: %m", spool->dirs[SPOOL_READY]);
		spool->watch_fd = fd;
		fd = -1;
	}
	*fd_r = spool->watch_fd;
	return 0;
}

void spool_heed(struct spool *spool)
{
	char events[16 * 1024];

	while (spool->watch_fd >= 0 && read(spool->watch_fd, events, sizeof(events)) > 0)
		;
}

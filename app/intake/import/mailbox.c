/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/import/mailbox.h"

#include "app/intake/import/mbox.h"
#include "app/intake/import/walk.h"
#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#define BLOCK_BYTES ((size_t)64 * 1024) /* enough to tell what a file is; most mails are smaller */

struct mailbox {
	struct walk *walk;
	const char **paths;
	size_t n_paths;
	size_t max_mail_bytes;
	struct stream *stream;
	struct walk_entry entry; /* the current file */
	uint64_t file_bytes;     /* its size */
	uint64_t bytes_done;     /* of the files before it */
	int fd;
	struct mbox *mbox; /* open while the current file is one */
	struct str mbox_place;
	uint64_t mbox_mails;
};

/* Files that mail programs and file managers keep beside the mails. */
static const char *const companions[] = {
	".DS_Store",     ".customflags", ".dovecot*",    ".mh_sequences", ".subscriptions",
	".uidvalidity",  "._*",          "*.lock",       "*.msf",         "Thumbs.db",
	"courier*",      "cyrus.*",      "desktop.ini",  "dovecot-*",     "dovecot.*",
	"maildirfolder", "maildirsize",  "subscriptions"};

void found_init(struct found *found)
{
	*found = (struct found){.raw = STR_INIT, .place = STR_INIT, .flags = STR_INIT};
}

void found_clear(struct found *found)
{
	str_clear(&found->raw);
	str_clear(&found->place);
	str_clear(&found->flags);
	found_init(found);
}

static void found_reset(struct found *found, struct view place)
{
	str_reset(&found->raw);
	str_reset(&found->place);
	str_reset(&found->flags);
	str_addv(&found->place, place);
	found->mtime_s = 0;
	err_clear(&found->err);
}

int mailbox_open(const char *const *paths, size_t n, size_t max_mail_bytes,
		 struct mailbox **mailbox_r, struct err *err)
{
	CLEAN(mailbox) mb = mem_new(sizeof(*mb));

	mb->fd = -1;
	mb->max_mail_bytes = max_mail_bytes;
	str_init(&mb->mbox_place);
	if (walk_open(paths, n, &mb->walk, err) < 0)
		return -1;
	mb->paths = mem_new((n + 1) * sizeof(*mb->paths));
	while (mb->n_paths < n) {
		mb->paths[mb->n_paths] = mem_strdup(paths[mb->n_paths]);
		mb->n_paths++;
	}
	mb->stream = stream_new();
	*mailbox_r = TAKE(mb);
	return 0;
}

void mailbox_free(struct mailbox **mailbox)
{
	struct mailbox *mb = *mailbox;

	if (mb == NULL)
		return;
	mbox_free(&mb->mbox);
	stream_free(&mb->stream);
	fd_cleanup(&mb->fd);
	walk_free(&mb->walk);
	for (size_t i = 0; i < mb->n_paths; i++)
		free((char *)mb->paths[i]);
	free(mb->paths);
	str_clear(&mb->mbox_place);
	free(mb);
	*mailbox = NULL;
}

/* The size of the entry's file; 0 if it is none, or cannot be looked at. */
static uint64_t entry_bytes(const struct walk_entry *entry)
{
	struct stat st;
	int flags = entry->given ? 0 : AT_SYMLINK_NOFOLLOW;

	if (entry->kind != WALK_FILE || fstatat(entry->dir_fd, entry->name, &st, flags) < 0)
		return 0;
	return S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

int mailbox_totals(struct mailbox *mailbox, struct mailbox_totals *totals_r, struct err *err)
{
	CLEAN(walk) walk = NULL;
	struct walk_entry entry;
	int rc;

	*totals_r = (struct mailbox_totals){0};
	if (walk_open(mailbox->paths, mailbox->n_paths, &walk, err) < 0)
		return -1;
	while ((rc = walk_next(walk, &entry, err)) > 0) {
		if (entry.kind != WALK_FILE)
			continue;
		totals_r->files++;
		totals_r->bytes += entry_bytes(&entry);
	}
	return rc;
}

uint64_t mailbox_bytes_read(const struct mailbox *mailbox)
{
	uint64_t here = mailbox->fd >= 0 ? stream_consumed(mailbox->stream) : 0;

	return mailbox->bytes_done + (here < mailbox->file_bytes ? here : mailbox->file_bytes);
}

static bool is_companion(const char *name)
{
	for (size_t i = 0; i < sizeof(companions) / sizeof(companions[0]); i++)
		if (fnmatch(companions[i], name, 0) == 0)
			return true;
	return false;
}

static bool cut_ending(struct view *name, const char *ending)
{
	size_t n = strlen(ending);

	if (name->len <= n ||
	    !view_eq_nocase((struct view){name->data + name->len - n, n}, VIEW(ending)))
		return false;
	name->len -= n;
	return true;
}

/* Does the name end in ENDING, perhaps with .gz or .zst behind it? */
static bool is_named(const char *name, const char *ending)
{
	struct view v = VIEW(name);

	if (!cut_ending(&v, ".gz"))
		cut_ending(&v, ".zst");
	return strncmp(name, "._", 2) != 0 && cut_ending(&v, ending);
}

/* The letters behind "2,"; ";" and "!" stand for the ":" where file systems forbid it. */
static void add_flags(struct str *flags, const char *name)
{
	const char *info = strstr(name, "2,");

	for (const char *next = info; next != NULL; next = strstr(next + 1, "2,"))
		info = next;
	if (info == NULL || info == name || strchr(":;!", info[-1]) == NULL)
		return;
	for (info += 2; isalpha((unsigned char)*info); info++)
		str_addc(flags, *info);
}

static void close_file(struct mailbox *mb)
{
	mbox_free(&mb->mbox);
	fd_cleanup(&mb->fd);
	mb->bytes_done += mb->file_bytes;
	mb->file_bytes = 0;
}

static int ignored(struct found *found, const char *reason)
{
	str_reset(&found->raw);
	found->kind = FOUND_IGNORED;
	err_set(&found->err, ERR_NOTMAIL, "%s", reason);
	return 1;
}

/* found->err tells why. Only a lack of descriptors, which hits every file that follows, ends the walk. */
static int failed(struct found *found, struct err *err)
{
	str_reset(&found->raw);
	found->kind = FOUND_FAILED;
	if (found->err.os != EMFILE && found->err.os != ENFILE)
		return 1;
	*err = found->err;
	return -1;
}

/* Open the current file and start the stream: 1, 0 no regular file, -1. O_NONBLOCK, since between the
 * look at the folder and now a fifo may have taken its place. */
static int open_file(struct mailbox *mb, struct found *found)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st;

	mb->fd = openat(mb->entry.dir_fd, mb->entry.name,
			mb->entry.given ? flags : flags | O_NOFOLLOW);
	if (mb->fd < 0)
		return err_errno(&found->err, "open: %m");
	if (fstat(mb->fd, &st) < 0)
		return err_errno(&found->err, "fstat: %m");
	if (!S_ISREG(st.st_mode))
		return 0;
	mb->file_bytes = (uint64_t)st.st_size;
	found->mtime_s = st.st_mtime;
	return stream_start(mb->stream, mb->fd, mb->file_bytes, &found->err) < 0 ? -1 : 1;
}

/* The rest of a file that is one mail. */
static int whole_mail(struct mailbox *mb, struct found *found, struct err *err)
{
	int rc = 1;

	while (rc > 0 && found->raw.len <= mb->max_mail_bytes)
		rc = stream_more(mb->stream, BLOCK_BYTES, &found->raw, &found->err);
	if (rc > 0)
		rc = err_set(&found->err, ERR_TOOBIG, "larger than %zu bytes", mb->max_mail_bytes);
	if (rc < 0)
		return failed(found, err);
	if (mb->entry.in_maildir)
		add_flags(&found->flags, mb->entry.name);
	found->kind = FOUND_MAIL;
	return 1;
}

/* The next mail of the open mbox; 0 when it has no more. */
static int mbox_mail(struct mailbox *mb, struct found *found, struct err *err)
{
	int rc;

	found_reset(found, str_view(&mb->mbox_place));
	rc = mbox_next(mb->mbox, &found->raw, &found->mtime_s, &found->err);
	if (rc == 0)
		return 0;
	str_addf(&found->place, "#%llu", (unsigned long long)++mb->mbox_mails);
	if (rc < 0)
		return failed(found, err);
	found->kind = FOUND_MAIL;
	return 1;
}

static int start_mbox(struct mailbox *mb, struct found *found, struct err *err)
{
	if (mbox_open(mb->stream, mb->max_mail_bytes, &mb->mbox, &found->err) < 0)
		return failed(found, err);
	str_reset(&mb->mbox_place);
	str_addv(&mb->mbox_place, mb->entry.place);
	mb->mbox_mails = 0;
	return mbox_mail(mb, found, err);
}

/* The first block is in found->raw: what is this file? */
static int tell_apart(struct mailbox *mb, struct found *found, struct err *err)
{
	const struct walk_entry *entry = &mb->entry;
	struct view block = str_view(&found->raw);
	bool is_eml = is_named(entry->name, ".eml");

	if (entry->in_maildir || (is_eml && !entry->given))
		return whole_mail(mb, found, err);
	if (mbox_begins(block) || (entry->given && view_starts(block, "From ")))
		return start_mbox(mb, found, err);
	if (entry->given)
		return whole_mail(mb, found, err);
	if (is_companion(entry->name))
		return ignored(found, "a file that a mail program keeps for itself");
	if (mbox_is_field(block))
		return whole_mail(mb, found, err);
	return ignored(found, found->raw.len > 0 ? "begins neither like a mail nor like an mbox"
						 : "empty");
}

static int next_file(struct mailbox *mb, struct found *found, struct err *err)
{
	const struct walk_entry *entry = &mb->entry;
	int rc;

	if (entry->in_maildir && (entry->name[0] == '.' || is_companion(entry->name))) {
		mb->file_bytes = entry_bytes(entry);
		return ignored(found, "a file beside the mails of a Maildir");
	}
	rc = open_file(mb, found);
	if (rc > 0 && stream_more(mb->stream, BLOCK_BYTES, &found->raw, &found->err) < 0)
		rc = -1;
	if (rc < 0 && !entry->given && is_companion(entry->name))
		return ignored(found, "a file that a mail program keeps for itself");
	if (rc < 0)
		return failed(found, err);
	return rc > 0 ? tell_apart(mb, found, err) : ignored(found, "no regular file");
}

/* What the walk could not enter, or would not. */
static int pass_on(const struct walk_entry *entry, struct found *found)
{
	found->kind = entry->kind == WALK_SKIPPED ? FOUND_IGNORED : FOUND_FAILED;
	found->err = entry->err;
	return 1;
}

int mailbox_next(struct mailbox *mailbox, struct found *found, struct err *err)
{
	int rc = mailbox->mbox ? mbox_mail(mailbox, found, err) : 0;

	while (rc == 0) {
		close_file(mailbox);
		rc = walk_next(mailbox->walk, &mailbox->entry, err);
		if (rc <= 0)
			return rc;
		found_reset(found, mailbox->entry.place);
		if (mailbox->entry.kind == WALK_FILE)
			rc = next_file(mailbox, found, err);
		else
			rc = pass_on(&mailbox->entry, found);
	}
	return rc;
}

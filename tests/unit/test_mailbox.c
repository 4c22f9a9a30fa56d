/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/import/mailbox.h"
#include "app/intake/import/mbox.h"
#include "base/file.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#define MAIL_MAX ((size_t)4 * 1024 * 1024)
#define FROM_ "From carl@example.net Mon Mar  4 09:00:00 2024\n"
#define FROM_TIME_S 1709542800
#define MAIL_A "From: a@example.org\nSubject: A\n\nText A.\n"
#define MAIL_B "From: b@example.org\nSubject: B\n\nText B.\n\n"
#define MAIL_C "From: c@example.org\nSubject: C\n\nText C.\n"

static char dir[64]; /* of the running test */

/* All that a walk has found. */
struct result {
	struct found v[600];
	size_t n;
	struct mailbox_totals totals;
	uint64_t bytes_read;
};

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_mailbox.XXXXXX");
	return mkdtemp(dir) == NULL || chmod(dir, 0755) < 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

static char *path_of(const char *name)
{
	static char path[4][512];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void put(const char *name, struct view content)
{
	char *path = path_of(name);
	FILE *file;

	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		mkdir(path, 0755);
	}
	file = fopen(path, "w"); /* nothing durable: the tests write hundreds of files */
	assert_non_null(file);
	assert_int_equal(fwrite(content.data, 1, content.len, file), content.len);
	assert_int_equal(fclose(file), 0);
}

static void puts_to(const char *name, const char *content)
{
	put(name, VIEW(content));
}

static void take_over(struct found *to, struct found *from)
{
	*to = *from;
	found_init(from);
}

static struct result *walk_max(const char *path, size_t max)
{
	struct result *r = mem_new(sizeof(*r));
	CLEAN(mailbox) mailbox = NULL;
	struct found found;
	struct err err = {0};
	int rc;

	found_init(&found);
	assert_int_equal(mailbox_open(&path, 1, max, &mailbox, &err), 0);
	assert_int_equal(mailbox_totals(mailbox, &r->totals, &err), 0);
	while ((rc = mailbox_next(mailbox, &found, &err)) > 0) {
		assert_true(r->n < sizeof(r->v) / sizeof(r->v[0]));
		assert_true((found.kind == FOUND_MAIL) == (found.err.kind == ERR_NONE));
		take_over(&r->v[r->n++], &found);
	}
	assert_int_equal(rc, 0);
	r->bytes_read = mailbox_bytes_read(mailbox);
	found_clear(&found);
	return r;
}

static struct result *walk(const char *path)
{
	return walk_max(path, MAIL_MAX);
}

static void result_free(struct result **r)
{
	if (*r == NULL)
		return;
	for (size_t i = 0; i < (*r)->n; i++)
		found_clear(&(*r)->v[i]);
	free(*r);
	*r = NULL;
}

static void assert_found(const struct result *r, size_t i, enum found_kind kind, const char *place)
{
	assert_true(i < r->n);
	assert_string_equal(r->v[i].place.data, place);
	assert_int_equal(r->v[i].kind, kind);
}

static void assert_bytes(const struct str *raw, struct view want)
{
	assert_int_equal(raw->len, want.len);
	assert_memory_equal(raw->data, want.data, want.len);
}

static void assert_mail(const struct result *r, size_t i, const char *place, const char *raw)
{
	assert_found(r, i, FOUND_MAIL, place);
	assert_bytes(&r->v[i].raw, VIEW(raw));
}

/* --- mails to write and read back --- */

#define N_MAILS 40

static uint32_t random_below(uint32_t n)
{
	static uint32_t state = 4711;

	state = state * 1664525u + 1013904223u;
	return (state >> 8) % n;
}

/* Lines that an mbox is apt to confuse, and ordinary ones; the first LINES of them. */
static void add_random_mail(struct str *s, uint32_t lines)
{
	static const char *const line[] = {
		"Hello,",
		"",
		"",
		"a line of text that is somewhat longer than the others are",
		" >From the quoted",
		"Content-Length: 3",
		"From: x@example.org",
		"From here on",
		"From carl@example.net Mon Mar  4 09:00:00 2024",
		">From below",
		">>From deeper"};
	uint32_t n = random_below(30);

	str_adds(s, "From: a@example.org\nSubject: random\n\n");
	for (uint32_t i = 0; i < n; i++)
		str_addf(s, "%s\n", line[random_below(lines)]);
}

static bool is_quoted_in(struct view line, bool rd)
{
	while (rd && line.len > 0 && line.data[0] == '>')
		line = (struct view){line.data + 1, line.len - 1};
	return view_starts(line, "From ");
}

static void add_quoted(struct str *out, struct view text, bool rd)
{
	struct view line;

	while (view_cut(&text, '\n', &line) && text.data != NULL) {
		if (is_quoted_in(line, rd))
			str_addc(out, '>');
		str_addv(out, line);
		str_addc(out, '\n');
	}
}

static void add_counted(struct str *out, struct view mail)
{
	const char *body = (const char *)memmem(mail.data, mail.len, "\n\n", 2) + 2;
	size_t head = (size_t)(body - mail.data);

	str_add(out, mail.data, head - 1);
	str_addf(out, "Content-Length: %zu\n", mail.len - head);
	str_add(out, body - 1, mail.len - head + 1);
}

struct box {
	struct str file;
	struct str mails[N_MAILS]; /* as they should come back */
};

enum box_kind { MBOXO, MBOXRD, MBOXCL, MBOXCL2 };

static void write_box(struct box *box, enum box_kind kind)
{
	for (size_t i = 0; i < N_MAILS; i++) {
		CLEAN_STR mail = STR_INIT;
		CLEAN_STR quoted = STR_INIT;
		struct str *want = &box->mails[i];

		add_random_mail(&mail, kind == MBOXO ? 10 : 11);
		if (i == 0 && kind == MBOXRD)
			str_adds(&mail, ">From the first mail on\n");
		add_quoted(&quoted, str_view(&mail), kind == MBOXRD);
		if (kind == MBOXO || kind == MBOXRD)
			str_addv(want, str_view(kind == MBOXRD ? &mail : &quoted));
		else
			add_counted(want, str_view(kind == MBOXCL ? &quoted : &mail));
		str_adds(&box->file, FROM_);
		str_addv(&box->file, str_view(kind == MBOXRD ? &quoted : want));
		str_addc(&box->file, '\n');
	}
}

static struct box *box_new(enum box_kind kind)
{
	struct box *box = mem_new(sizeof(*box));

	str_init(&box->file);
	for (size_t i = 0; i < N_MAILS; i++)
		str_init(&box->mails[i]);
	write_box(box, kind);
	return box;
}

static void box_free(struct box **box)
{
	str_clear(&(*box)->file);
	for (size_t i = 0; i < N_MAILS; i++)
		str_clear(&(*box)->mails[i]);
	free(*box);
	*box = NULL;
}

static void assert_box_comes_back(const struct box *box, const char *name)
{
	CLEAN(result) r = walk(path_of(name));

	assert_int_equal(r->n, N_MAILS);
	for (size_t i = 0; i < N_MAILS; i++) {
		assert_int_equal(r->v[i].kind, FOUND_MAIL);
		assert_int_equal(r->v[i].mtime_s, FROM_TIME_S);
		assert_bytes(&r->v[i].raw, str_view(&box->mails[i]));
	}
	assert_int_equal(r->bytes_read, r->totals.bytes);
}

static void each_mbox_kind_comes_back_byte_by_byte(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++)
		for (enum box_kind kind = MBOXO; kind <= MBOXCL2; kind++) {
			CLEAN(box) box = box_new(kind);

			put("box", str_view(&box->file));
			assert_box_comes_back(box, "box");
		}
}

static void add_crlf(struct str *out, struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n')
			str_addc(out, '\r');
		str_addc(out, text.data[i]);
	}
}

static void an_mbox_in_crlf_keeps_its_line_ends(void **state)
{
	CLEAN(box) box = box_new(MBOXRD);
	CLEAN_STR file = STR_INIT;

	(void)state;
	add_crlf(&file, str_view(&box->file));
	for (size_t i = 0; i < N_MAILS; i++) {
		struct str crlf = STR_INIT;

		add_crlf(&crlf, str_view(&box->mails[i]));
		str_clear(&box->mails[i]);
		box->mails[i] = crlf;
	}
	put("box", str_view(&file));
	assert_box_comes_back(box, "box");
}

/* --- packed --- */

static void add_gzip(struct str *out, struct view data)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	str_reserve(out, data.len + 1024);
	z.next_in = (Bytef *)(uintptr_t)data.data;
	z.avail_in = (uInt)data.len;
	z.next_out = (Bytef *)out->data + out->len;
	z.avail_out = (uInt)(data.len + 1024);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

static void add_zstd(struct str *out, struct view data)
{
	size_t n;

	str_reserve(out, ZSTD_compressBound(data.len));
	n = ZSTD_compress(out->data + out->len, out->cap - out->len, data.data, data.len, 3);
	assert_false(ZSTD_isError(n));
	out->len += n;
}

static void a_packed_mbox_may_have_several_members(void **state)
{
	static void (*const pack[])(struct str *, struct view) = {add_gzip, add_zstd};
	CLEAN(box) box = box_new(MBOXCL2);
	size_t half = box->file.len / 2;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		CLEAN_STR packed = STR_INIT;

		pack[i](&packed, (struct view){box->file.data, half});
		pack[i](&packed, (struct view){box->file.data + half, box->file.len - half});
		if (i == 0)
			str_add(&packed, "\0\0\0", 3); /* padding, as on tapes */
		put("box.packed", str_view(&packed));
		assert_box_comes_back(box, "box.packed");
	}
}

/* Cut a packed mbox at every 7th byte: the mails before are whole, then one failure is named. */
static void check_truncated(const struct box *box, struct view packed)
{
	for (size_t len = 4; len < packed.len; len += 7) {
		put("box", (struct view){packed.data, len});
		CLEAN(result) r = walk(path_of("box"));

		assert_true(r->n >= 1 && r->n <= N_MAILS + 1);
		for (size_t i = 0; i + 1 < r->n; i++)
			assert_bytes(&r->v[i].raw, str_view(&box->mails[i]));
		assert_int_equal(r->v[r->n - 1].kind, FOUND_FAILED);
		assert_int_equal(r->v[r->n - 1].err.kind, ERR_DAMAGED);
	}
}

static void a_truncated_packed_mbox_gives_its_whole_mails_and_one_failure(void **state)
{
	CLEAN(box) box = box_new(MBOXCL);
	CLEAN_STR gz = STR_INIT;
	CLEAN_STR zst = STR_INIT;

	(void)state;
	add_gzip(&gz, str_view(&box->file));
	add_zstd(&zst, str_view(&box->file));
	check_truncated(box, str_view(&gz));
	check_truncated(box, str_view(&zst));
}

static void garbage_behind_a_gzip_member_is_told(void **state)
{
	CLEAN_STR gz = STR_INIT;

	(void)state;
	add_gzip(&gz, VIEW(FROM_ MAIL_A "\n" FROM_ MAIL_B "\n"));
	str_adds(&gz, "garbage");
	put("box.gz", str_view(&gz));
	CLEAN(result) r = walk(dir);

	assert_int_equal(r->n, 2);
	assert_mail(r, 0, "box.gz#1", MAIL_A);
	assert_found(r, 1, FOUND_FAILED, "box.gz#2");
	assert_non_null(strstr(r->v[1].err.text, "something else follows at byte"));
}

/* --- folders --- */

static void a_maildir_gives_cur_and_new_with_flags(void **state)
{
	CLEAN_STR gz = STR_INIT;

	(void)state;
	add_gzip(&gz, VIEW(MAIL_C));
	puts_to("M/cur/2.host:2,RS", MAIL_A);
	puts_to("M/cur/1.host,S=30:2,", "no mail at all");
	put("M/cur/3.host;2,FSZ", str_view(&gz));
	puts_to("M/cur/.hidden", MAIL_A);
	puts_to("M/new/4.host", "From here on, no mbox: new/ has mails only\n");
	puts_to("M/tmp/5.host", MAIL_A);
	puts_to("M/.Sent.2024/cur/6.host:2,S", MAIL_B);
	puts_to("M/.Sent.2024/maildirfolder", "");
	puts_to("M/dovecot-uidlist", "3 V1\n");
	puts_to("M/dovecot.index.log", "\1\2\3");
	puts_to("M/subscriptions", "INBOX: x\n");
	CLEAN(result) r = walk(path_of("M"));

	assert_int_equal(r->n, 11);
	assert_mail(r, 0, ".Sent.2024/cur/6.host:2,S", MAIL_B);
	assert_found(r, 1, FOUND_IGNORED, ".Sent.2024/maildirfolder");
	assert_found(r, 2, FOUND_IGNORED, "cur/.hidden");
	assert_mail(r, 3, "cur/1.host,S=30:2,", "no mail at all");
	assert_mail(r, 4, "cur/2.host:2,RS", MAIL_A);
	assert_mail(r, 5, "cur/3.host;2,FSZ", MAIL_C);
	assert_found(r, 6, FOUND_IGNORED, "dovecot-uidlist");
	assert_found(r, 7, FOUND_IGNORED, "dovecot.index.log");
	assert_mail(r, 8, "new/4.host", "From here on, no mbox: new/ has mails only\n");
	assert_found(r, 9, FOUND_IGNORED, "subscriptions");
	assert_found(r, 10, FOUND_IGNORED, "tmp");
	assert_string_equal(r->v[3].flags.data, "");
	assert_string_equal(r->v[4].flags.data, "RS");
	assert_string_equal(r->v[5].flags.data, "FSZ");
	assert_int_equal(r->bytes_read, r->totals.bytes);
	assert_int_equal(r->totals.files, 10);
}

static void a_folder_tells_mails_mboxes_and_other_files_apart(void **state)
{
	(void)state;
	puts_to("a/empty.eml", "");
	puts_to("a/photo.EML", "\xff\xd8\xff");
	puts_to("b/17", MAIL_A);
	puts_to("c/INBOX", FROM_ MAIL_A "\n" FROM_ MAIL_B "\n");
	puts_to("c/INBOX.msf", "// <!-- <mdb:mork:z v=\"1.4\"/> -->\n");
	puts_to("d/dovecot-users", FROM_ MAIL_C);
	puts_to("d/notes.txt", "From here on we took notes\n");
	puts_to("d/old.mbox", "From nobody\n" MAIL_C);
	puts_to("d/void", "");
	CLEAN(result) r = walk(dir);

	assert_int_equal(r->n, 10);
	assert_mail(r, 0, "a/empty.eml", "");
	assert_mail(r, 1, "a/photo.EML", "\xff\xd8\xff");
	assert_mail(r, 2, "b/17", MAIL_A);
	assert_mail(r, 3, "c/INBOX#1", MAIL_A);
	assert_mail(r, 4, "c/INBOX#2", MAIL_B);
	assert_found(r, 5, FOUND_IGNORED, "c/INBOX.msf");
	assert_mail(r, 6, "d/dovecot-users#1", MAIL_C);
	assert_found(r, 7, FOUND_IGNORED, "d/notes.txt");
	assert_mail(r, 8, "d/old.mbox#1", MAIL_C);
	assert_found(r, 9, FOUND_IGNORED, "d/void");
}

static void a_file_given_by_name_is_always_meant(void **state)
{
	(void)state;
	puts_to("notes.txt", "no mail\n");
	puts_to("box", "From nobody in particular\n" MAIL_A);
	CLEAN(result) notes = walk(path_of("notes.txt"));
	CLEAN(result) box = walk(path_of("box"));

	assert_mail(notes, 0, "notes.txt", "no mail\n");
	assert_mail(box, 0, "box#1", MAIL_A);
}

static void a_path_that_does_not_exist_is_an_error(void **state)
{
	const char *path = "/nonexistent/mails";
	CLEAN(mailbox) mailbox = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(mailbox_open(&path, 1, MAIL_MAX, &mailbox, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
}

static void links_are_followed_only_where_given(void **state)
{
	(void)state;
	puts_to("real/x.eml", MAIL_A);
	assert_int_equal(symlink("..", path_of("real/loop")), 0);
	assert_int_equal(symlink("x.eml", path_of("real/y.eml")), 0);
	assert_int_equal(symlink("real", path_of("door")), 0);
	assert_int_equal(mkfifo(path_of("real/z.eml"), 0600), 0);
	CLEAN(result) r = walk(path_of("door"));

	assert_int_equal(r->n, 4);
	assert_found(r, 0, FOUND_IGNORED, "loop");
	assert_mail(r, 1, "x.eml", MAIL_A);
	assert_found(r, 2, FOUND_IGNORED, "y.eml");
	assert_found(r, 3, FOUND_IGNORED, "z.eml");
	CLEAN(result) fifo = walk(path_of("real/z.eml"));
	assert_found(fifo, 0, FOUND_IGNORED, "z.eml");
}

static void what_cannot_be_read_is_told_and_the_walk_goes_on(void **state)
{
	uid_t me = geteuid();

	(void)state;
	puts_to("a.eml", MAIL_A);
	puts_to("b/x.eml", MAIL_A);
	puts_to("c.eml", MAIL_C);
	assert_int_equal(chmod(path_of("a.eml"), 0), 0);
	assert_int_equal(chmod(path_of("b"), 0), 0);
	if (me == 0)
		assert_int_equal(seteuid(65534), 0); /* root may read everything */
	CLEAN(result) r = walk(dir);

	assert_int_equal(seteuid(me), 0);
	assert_int_equal(chmod(path_of("b"), 0755), 0);
	assert_int_equal(r->n, 3);
	assert_found(r, 0, FOUND_FAILED, "a.eml");
	assert_int_equal(r->v[0].err.kind, ERR_DENIED);
	assert_found(r, 1, FOUND_FAILED, "b");
	assert_mail(r, 2, "c.eml", MAIL_C);
}

static void folders_too_deep_are_told_and_the_walk_goes_on(void **state)
{
	CLEAN_STR name = STR_INIT;

	(void)state;
	for (int i = 0; i < 210; i++)
		str_adds(&name, "d/");
	str_adds(&name, "x.eml");
	puts_to(name.data, MAIL_A);
	puts_to("d/d/y.eml", MAIL_B);
	CLEAN(result) r = walk(dir);

	assert_int_equal(r->n, 2);
	assert_int_equal(r->v[0].kind, FOUND_FAILED);
	assert_int_equal(r->v[0].err.kind, ERR_TOOBIG);
	assert_mail(r, 1, "d/d/y.eml", MAIL_B);
}

/* --- limits --- */

static void a_mail_above_the_limit_is_named_and_the_next_ones_are_found(void **state)
{
	CLEAN_STR box = STR_INIT;

	(void)state;
	str_adds(&box, FROM_ MAIL_A "\n" FROM_ "Subject: large\n\n");
	while (box.len < 6 * MAIL_MAX)
		str_adds(&box, "a line of text in a mail that is much too large for the limit\n");
	str_adds(&box, "\n" FROM_ MAIL_B "\n" FROM_ "Subject: no empty line ");
	while (box.len < 9 * MAIL_MAX)
		str_adds(&box, "and no line end either ");
	str_adds(&box, "\n\n" FROM_ MAIL_C "\n");
	put("box", str_view(&box));
	put("one.eml", str_view(&box));
	CLEAN(result) r = walk(dir);

	assert_int_equal(r->n, 6);
	assert_mail(r, 0, "box#1", MAIL_A);
	assert_found(r, 1, FOUND_FAILED, "box#2");
	assert_int_equal(r->v[1].err.kind, ERR_TOOBIG);
	assert_mail(r, 2, "box#3", MAIL_B);
	assert_found(r, 3, FOUND_FAILED, "box#4");
	assert_mail(r, 4, "box#5", MAIL_C);
	assert_found(r, 5, FOUND_FAILED, "one.eml");
	assert_int_equal(r->v[5].err.kind, ERR_TOOBIG);
}

static void the_limit_is_exact(void **state)
{
	size_t len = strlen(MAIL_A);

	(void)state;
	puts_to("box", FROM_ MAIL_A "\n");
	puts_to("one.eml", MAIL_A);
	CLEAN(result) fits = walk_max(dir, len);
	CLEAN(result) large = walk_max(dir, len - 1);

	assert_mail(fits, 0, "box#1", MAIL_A);
	assert_mail(fits, 1, "one.eml", MAIL_A);
	assert_int_equal(large->v[0].err.kind, ERR_TOOBIG);
	assert_int_equal(large->v[1].err.kind, ERR_TOOBIG);
}

/* --- where a mail ends --- */

static void from_lines_are_told_by_their_date(void **state)
{
	static const struct {
		const char *line;
		int64_t time_s; /* -1: none */
	} rows[] = {
		{"From carl@example.net Mon Mar  4 09:00:00 2024\n", FROM_TIME_S},
		{"From carl@example.net  Mon Mar 04 09:00:00 2024\r\n", FROM_TIME_S},
		{"From carl at example.net  Mon Mar  4 09:00:00 2024", FROM_TIME_S},
		{"From - Mon Mar 04 09:00:00 2024", FROM_TIME_S},
		{"From ?\?\?@?\?\? Mon Mar 04 09:00:00 2024", FROM_TIME_S},
		{"From VM Mon Mar  4 09:00:00 2024", FROM_TIME_S},
		{"From carl@example.net Mon Mar  4 09:00 CET 2024", FROM_TIME_S},
		{"From carl@example.net Mon Mar  4 09:00:00 2024 WETDST", FROM_TIME_S},
		{"From carl@example.net Mon Mar  4 09:00:00 MET DST 2024", FROM_TIME_S},
		{"From carl@example.net Mon Mar  4 10:00:00 2024 +0100", FROM_TIME_S},
		{"From 17@xxx Mon Mar 04 08:30:00 -0030 2024", FROM_TIME_S},
		{"From carl@example.net Mon, 4 Mar 2024 10:00:00 +0100 (CET)", FROM_TIME_S},
		{"From carl@example.net Mon Mar  4 09:00:00 24", FROM_TIME_S},
		{"From - Mon Mar 04 2024 09:00:00", FROM_TIME_S},
		{"From carl Mon Mar  4 09:00:00 2024 remote from relay", FROM_TIME_S},
		{"From Sun to Mon on Mon Mar  4 09:00:00 2024", FROM_TIME_S},
		{"From here on we meet on Mon Mar  4 at 09:00 2024", -1},
		{"From now on Mon Mar  4 09:00 2024 is the date", -1},
		{"From carl@example.net Mon Mar 34 09:00:00 2024", -1},
		{"From carl@example.net Mon Mar  4 29:00:00 2024", -1},
		{"From carl@example.net Mon Mar  4 2024", -1},
		{"From carl@example.net", -1},
		{"From: carl@example.net Mon Mar  4 09:00:00 2024", -1},
		{">From carl@example.net Mon Mar  4 09:00:00 2024", -1},
		{"From ", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t time_s = 0;
		bool is = mbox_is_from_line(VIEW(rows[i].line), &time_s);

		if (is != (rows[i].time_s >= 0) || (is && time_s != rows[i].time_s))
			fail_msg("%s: %d %lld", rows[i].line, is, (long long)time_s);
	}
}

static void a_separator_needs_an_empty_line_or_a_header_behind_it(void **state)
{
	(void)state;
	puts_to("body", FROM_ MAIL_A FROM_ "said so.\n");
	puts_to("forgotten", FROM_ MAIL_A FROM_ MAIL_C);
	puts_to("part", FROM_ MAIL_A "Content-Type: text/plain\n" FROM_ MAIL_C);
	CLEAN(result) r = walk(dir);

	assert_int_equal(r->n, 4);
	assert_mail(r, 0, "body#1", MAIL_A FROM_ "said so.\n");
	assert_mail(r, 1, "forgotten#1", MAIL_A);
	assert_mail(r, 2, "forgotten#2", MAIL_C);
	assert_mail(r, 3, "part#1", MAIL_A "Content-Type: text/plain\n" FROM_ MAIL_C);
}

static void thunderbirds_bare_from_lines_separate_in_its_own_files(void **state)
{
	(void)state;
	puts_to("bare",
		"From \r\n" MAIL_A "\r\nFrom \r\n" MAIL_B "From \r\n" MAIL_C "\nFrom \nno.\n");
	puts_to("older", "From - Mon Mar 04 09:00:00 2024\n" MAIL_A "\nFrom \n" MAIL_C);
	puts_to("others", FROM_ MAIL_A "\nFrom \n" MAIL_C);
	CLEAN(result) r = walk(dir);

	assert_int_equal(r->n, 6);
	assert_mail(r, 0, "bare#1", MAIL_A);
	assert_mail(r, 1, "bare#2", "From: b@example.org\nSubject: B\n\nText B.\n");
	assert_mail(r, 2, "bare#3", MAIL_C "\nFrom \nno.\n");
	assert_mail(r, 3, "older#1", MAIL_A);
	assert_mail(r, 4, "older#2", MAIL_C);
	assert_mail(r, 5, "others#1", MAIL_A "\nFrom \n" MAIL_C);
}

static void a_content_length_that_leads_nowhere_is_not_believed(void **state)
{
	static const char *const lengths[] = {"0", "5", "10", "1000", "99999999999999999999", "x"};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		CLEAN_STR mail = STR_INIT;
		CLEAN_STR box = STR_INIT;

		str_addf(&mail, "Content-Length: %s\n%s", lengths[i], MAIL_A);
		str_addf(&box, "%s%s\n%s%s\n", FROM_, mail.data, FROM_, MAIL_B);
		put("box", str_view(&box));
		CLEAN(result) r = walk(path_of("box"));

		assert_int_equal(r->n, 2);
		assert_mail(r, 0, "box#1", mail.data);
		assert_mail(r, 1, "box#2", MAIL_B);
	}
}

static void an_unquoted_from_in_a_body_rules_mboxrd_out(void **state)
{
	const char *mail = "Subject: x\n\n>>From a reply\nFrom here on\n>From\n";
	CLEAN_STR box = STR_INIT;

	(void)state;
	str_addf(&box, "%s%s\n", FROM_, mail);
	put("box", str_view(&box));
	CLEAN(result) r = walk(path_of("box"));

	assert_mail(r, 0, "box#1", mail);
}

static void an_mbox_of_hardly_anything_is_read(void **state)
{
	(void)state;
	puts_to("1", "From ");
	puts_to("2", FROM_);
	puts_to("3", FROM_ "\n" FROM_ "\n");
	puts_to("4", FROM_ "Subject: x\n\n");
	CLEAN(result) one = walk(path_of("1"));
	CLEAN(result) two = walk(path_of("2"));
	CLEAN(result) three = walk(path_of("3"));
	CLEAN(result) four = walk(path_of("4"));

	assert_mail(one, 0, "1#1", "");
	assert_mail(two, 0, "2#1", "");
	assert_int_equal(three->n, 2);
	assert_mail(four, 0, "4#1", "Subject: x\n");
}

/* --- files that others wrote --- */

static size_t count_mails(const struct result *r, const char *file)
{
	size_t len = strlen(file), n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].kind == FOUND_MAIL && strncmp(r->v[i].place.data, file, len) == 0 &&
		    r->v[i].place.data[len] == '#')
			n++;
	return n;
}

static void the_corpus_gives_as_many_mails_as_it_has(void **state)
{
	static const struct {
		const char *file;
		size_t mails;
	} rows[] = {
		{"aspose/Thunderbird-ExampleMbox.mbox", 1},
		{"grepmail/mailboxes-mailarc-1.txt", 16},
		{"grepmail/mailboxes-mailarc-1.txt.gz", 16},
		{"grepmail/mailboxes-mailarc-1-dos.txt", 16},
		{"grepmail/mailboxes-mailarc-3.txt", 17},
		{"grepmail/mailboxes-mailseparators.txt", 3},
		{"hypermail/mboxes-critmail.mbox", 2},
		{"hypermail/mboxes-t8", 1},
		{"mail-box/folders-mbox.cpy", 45},
		{"mbox-messageparser/mailboxes-invalid-boundaries.txt", 8},
		{"r-lists/r-sig-finance-2017q3.txt", 43},
		{"r-lists/r-sig-finance-2020q1.txt", 29},
		{"r-lists/r-sig-finance-2022q4.txt", 11},
		{"r-lists/r-sig-mac-2004-September.txt", 26},
		{"r-lists/r-sig-mac-2021-August.txt", 39},
	};
	const char *corpus = getenv("SEALPOST_CORPUS");
	CLEAN_STR path = STR_INIT;

	(void)state;
	str_addf(&path, "%s/08-mbox", corpus ? corpus : "../shared/corpus");
	if (access(path.data, R_OK) < 0) {
		print_message("no corpus: its tests are left out\n");
		return;
	}
	CLEAN(result) r = walk(path.data);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (count_mails(r, rows[i].file) != rows[i].mails)
			fail_msg("%s: %zu mails, not %zu", rows[i].file,
				 count_mails(r, rows[i].file), rows[i].mails);
	for (size_t i = 0; i < r->n; i++)
		assert_int_not_equal(r->v[i].kind, FOUND_FAILED);
}

static void the_sample_mboxes_hold_the_sample_mails(void **state)
{
	static const char *const names[] = {"plain-ascii", "from-in-body", "utf8-8bit",
					    "trailing-empty-lines", "header-folded"};

	(void)state;
	if (access("tests/data/mbox/mboxrd.mbox", R_OK) < 0) {
		print_message("not started in the project's root: sample mails are left out\n");
		return;
	}
	CLEAN(result) r = walk("tests/data/mbox/mboxrd.mbox");
	assert_int_equal(r->n, 5);
	for (size_t i = 0; i < 5; i++) {
		CLEAN_STR path = STR_INIT;
		CLEAN_STR raw = STR_INIT;
		struct err err = {0};

		str_addf(&path, "tests/data/mail/%s.eml", names[i]);
		assert_int_equal(file_read(path.data, MAIL_MAX, &raw, &err), 0);
		assert_bytes(&r->v[i].raw, str_view(&raw));
	}
	CLEAN(result) all = walk("tests/data/mail");
	for (size_t i = 0; i < all->n; i++)
		assert_int_equal(all->v[i].kind, FOUND_MAIL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_mbox_kind_comes_back_byte_by_byte),
		T(an_mbox_in_crlf_keeps_its_line_ends),
		T(a_packed_mbox_may_have_several_members),
		T(a_truncated_packed_mbox_gives_its_whole_mails_and_one_failure),
		T(garbage_behind_a_gzip_member_is_told),
		T(a_maildir_gives_cur_and_new_with_flags),
		T(a_folder_tells_mails_mboxes_and_other_files_apart),
		T(a_file_given_by_name_is_always_meant),
		T(a_path_that_does_not_exist_is_an_error),
		T(links_are_followed_only_where_given),
		T(what_cannot_be_read_is_told_and_the_walk_goes_on),
		T(folders_too_deep_are_told_and_the_walk_goes_on),
		T(a_mail_above_the_limit_is_named_and_the_next_ones_are_found),
		T(the_limit_is_exact),
		T(from_lines_are_told_by_their_date),
		T(a_separator_needs_an_empty_line_or_a_header_behind_it),
		T(thunderbirds_bare_from_lines_separate_in_its_own_files),
		T(a_content_length_that_leads_nowhere_is_not_believed),
		T(an_unquoted_from_in_a_body_rules_mboxrd_out),
		T(an_mbox_of_hardly_anything_is_read),
		T(the_corpus_gives_as_many_mails_as_it_has),
		T(the_sample_mboxes_hold_the_sample_mails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

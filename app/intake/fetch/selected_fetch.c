/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/selected.h"

#include <stdio.h>

enum {
	MAILS_MAX = 5 * 1000 * 1000, /* in one folder: what is kept of each is in memory */
	RESPONSES_MORE = 100 * 1000, /* that may come unasked while a command runs */
	SET_MAILS = 100,             /* in one command */
	SET_BYTES = 16 << 20,        /* likewise, unless one mail alone has more */
	SETS = 2,         /* commands on their way at a time: the server never waits for us */
	REACHED_SETS = 8, /* after so many it is told how far the folder is */
};
/* A mail that is larger than it was said to be is read over, up to here. */
static const uint64_t drain_max = 4ULL << 30;

enum state {
	WANTED,
	ASKED,
	GOT,
	MISSING, /* asked for, and not given */
	FAILED
};

struct mail {
	uint32_t uid;
	enum state state;
	uint64_t size_bytes; /* as the server says */
};

struct set {
	size_t from, to; /* places in MAILS */
	uint32_t number; /* of its command */
};

struct fetching {
	struct selected *box;
	struct ledger *ledger;
	struct haul *haul;
	struct mail *mails; /* by ascending UID */
	size_t n, cap;
	uint64_t known; /* UIDs up to this one are */
	uint64_t first; /* the lowest sequence number of a mail that is not known; 0: none */
	bool too_big;   /* the mail that is coming in */
	bool any_missing;
	struct fetch_folder_done done;
};

static struct fetch_which which_of(const struct fetching *f, uint64_t uid)
{
	return (struct fetch_which){
		.folder = f->box->folder->name, .uidvalidity = f->box->uidvalidity, .uid = uid};
}

/* --- what is there ---------------------------------------------------------------------------- */

static bool is_fetch(const struct imap_response *response)
{
	return response->what == IMAP_DATA && imap_is(response, "FETCH") && response->n == 1 &&
	       response->values[0].kind == IMAP_LIST;
}

/* 0: there is none, which is so where the server tells of flags that have changed. */
static uint64_t uid_of(const struct imap_response *response)
{
	const struct imap_value *value = imap_item(&response->values[0], "UID");
	uint64_t uid;

	return value != NULL && imap_number(value->text, UINT32_MAX, &uid) == 0 ? uid : 0;
}

static void add_mail(struct fetching *f, uint64_t uid, uint64_t size)
{
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 1024 : f->cap * 2;
		f->mails = mem_grow(f->mails, f->cap * sizeof(*f->mails));
	}
	f->mails[f->n++] = (struct mail){.uid = (uint32_t)uid, .size_bytes = size};
}

/* "UID FETCH 17:*" gives the last mail even if its UID is less than 17. A mail whose size is not told, or not as
 * a number, is there all the same. EXISTS is not heeded: mails that come in now are for the next run. */
static int hear_survey(void *arg, const struct imap_response *response, struct err *err)
{
	struct fetching *f = arg;
	const struct imap_value *size;
	uint64_t bytes = 0, uid;

	if (imap_is(response, "EXPUNGE") && f->box->exists > 0)
		f->box->exists--;
	if (!is_fetch(response) || (uid = uid_of(response)) <= f->known)
		return 0;
	if (response->number == 0)
		return imap_wrong(err, "a mail without a number");
	if (f->first == 0 || response->number < f->first)
		f->first = response->number;
	size = imap_item(&response->values[0], "RFC822.SIZE");
	if (size == NULL || imap_number(size->text, INT64_MAX, &bytes) < 0)
		bytes = 0;
	if (f->n == MAILS_MAX)
		return err_set(err, ERR_TOOBIG, "a folder has more than %d mails", MAILS_MAX);
	add_mail(f, uid, bytes);
	return 0;
}

static int by_uid(const void *a, const void *b)
{
	const struct mail *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* Ascending, and each once, whatever the server sent. */
static void sort_mails(struct fetching *f)
{
	size_t n = 0;

	if (f->n > 1)
		qsort(f->mails, f->n, sizeof(*f->mails), by_uid);
	for (size_t i = 0; i < f->n; i++) {
		if (n == 0 || f->mails[n - 1].uid != f->mails[i].uid)
			f->mails[n++] = f->mails[i];
	}
	f->n = n;
}

/* UIDs ascend with the sequence numbers (RFC 3501, section 2.3.1.1), so what is known lies before the first that is
 * not. It is not taken for the difference of the others: a mail that the server counts but does not list must be
 * missing in the sum. */
static void count_earlier(struct fetching *f)
{
	uint64_t exists = f->box->exists, whole;

	if (f->first > 0)
		f->done.earlier = f->first - 1;
	else
		f->done.earlier = f->known > 0 ? exists : 0;
	whole = f->done.earlier + f->n; /* more, if some came in after the folder was opened */
	f->done.on_server = exists > whole ? exists : whole;
}

static int survey(struct fetching *f, struct err *err)
{
	const struct imap_hearer hearer = {f, hear_survey};
	uint64_t exists = f->box->exists;
	char range[64];

	if (exists > 0 && f->known < UINT32_MAX) {
		snprintf(range, sizeof(range), "UID FETCH %llu:* (UID RFC822.SIZE)",
			 (unsigned long long)f->known + 1);
		imap_text(f->box->imap, range);
		if (imap_do(f->box->imap, "UID FETCH", &hearer, exists + RESPONSES_MORE, err) < 0)
			return -1;
	}
	sort_mails(f);
	count_earlier(f);
	return 0;
}

/* --- what comes in ---------------------------------------------------------------------------- */

static int begin_content(void *arg, uint64_t size_bytes, struct err *err)
{
	struct fetching *f = arg;
	uint64_t max = ledger_job(f->ledger)->mail_bytes;

	if (haul_is_open(f->haul) || f->too_big)
		return imap_wrong(err, "one mail within another");
	if (size_bytes > drain_max)
		return imap_wrong(err, "a mail of impossible size");
	f->too_big = size_bytes > max;
	return f->too_big ? 0 : haul_begin(f->haul, size_bytes, err);
}

static int write_content(void *arg, const void *data, size_t len, struct err *err)
{
	struct fetching *f = arg;

	return f->too_big ? 0 : haul_write(f->haul, data, len, err);
}

static struct mail *find_mail(struct fetching *f, uint64_t uid)
{
	struct mail key = {.uid = (uint32_t)uid};

	if (f->n == 0)
		return NULL;
	return bsearch(&key, f->mails, f->n, sizeof(*f->mails), by_uid);
}

static int fail(struct fetching *f, struct mail *mail, enum err_kind kind, const char *text,
		struct err *err)
{
	struct fetch_failed m = {.which = which_of(f, mail->uid), .kind = kind, .text = VIEW(text)};

	mail->state = FAILED;
	f->done.failed++;
	return ledger_send_failed(f->ledger, &m, err);
}

static int fail_too_big(struct fetching *f, struct mail *mail, struct err *err)
{
	return fail(f, mail, ERR_TOOBIG, "it is larger than the limit of this archive", err);
}

static void add_flags(struct str *out, const struct imap_value *flags)
{
	for (size_t i = 0; flags != NULL && i < flags->n; i++) {
		if (out->len > 0)
			str_addc(out, ' ');
		str_addsafe(out, flags->items[i].text, false);
	}
}

static int take_content(struct fetching *f, struct mail *mail, const struct imap_value *list,
			struct err *err)
{
	const struct imap_value *date = imap_item(list, "INTERNALDATE");
	struct sighting sighting = {.which = which_of(f, mail->uid)};
	CLEAN_STR flags = STR_INIT;

	if (f->too_big)
		return fail_too_big(f, mail, err);
	add_flags(&flags, imap_item(list, "FLAGS"));
	sighting.flags = str_view(&flags);
	if (date != NULL && imap_date(date->text, &sighting.time_s) < 0)
		sighting.time_s = 0;
	mail->state = GOT;
	f->done.mails++;
	return haul_take(f->haul, &sighting, err);
}

/* Content that was not asked for, or has come before, is let go. */
static int hear_content(void *arg, const struct imap_response *response, struct err *err)
{
	struct fetching *f = arg;
	int rc = 0;

	if (haul_is_open(f->haul) || f->too_big) {
		struct mail *mail = is_fetch(response) ? find_mail(f, uid_of(response)) : NULL;

		if (mail != NULL && mail->state == ASKED)
			rc = take_content(f, mail, &response->values[0], err);
	}
	haul_drop(f->haul);
	f->too_big = false;
	return rc;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* As many mails as one command should ask for, from *AT on; those that are too large are not asked for. The
 * count of those that are. */
static int choose(struct fetching *f, size_t *at, struct set *set_r, uint32_t uids[SET_MAILS],
		  struct err *err)
{
	uint64_t max = ledger_job(f->ledger)->mail_bytes, bytes = 0;
	int n = 0;

	set_r->from = *at;
	for (; *at < f->n && n < SET_MAILS && (n == 0 || bytes < SET_BYTES); ++*at) {
		struct mail *mail = &f->mails[*at];

		if (mail->size_bytes > max) {
			if (fail_too_big(f, mail, err) < 0)
				return -1;
			continue;
		}
		bytes += mail->size_bytes;
		mail->state = ASKED;
		uids[n++] = mail->uid;
	}
	set_r->to = *at;
	return n;
}

static int ask(struct fetching *f, const uint32_t *uids, size_t n, const char *items,
	       uint32_t *number_r, struct err *err)
{
	CLEAN_STR set = STR_INIT;

	str_adds(&set, "UID FETCH ");
	selected_set(uids, n, n, &set);
	str_adds(&set, items);
	imap_text(f->box->imap, set.data);
	return imap_send(f->box->imap, number_r, err);
}

#define CONTENT " (UID FLAGS INTERNALDATE BODY.PEEK[])"

static int await(struct fetching *f, const struct set *set, struct imap_result *result_r,
		 struct err *err)
{
	const struct imap_hearer hearer = {f, hear_content};

	if (imap_wait(f->box->imap, set->number, &hearer, RESPONSES_MORE, result_r, err) < 0)
		return -1;
	for (size_t i = set->from; i < set->to; i++) {
		if (f->mails[i].state == ASKED) {
			f->mails[i].state = MISSING;
			f->any_missing = true;
		}
	}
	return 0;
}

/* The commands up to this one are answered. Where a mail did not come it is not known yet what becomes of it. */
static int tell_reached(struct fetching *f, const struct set *set, struct err *err)
{
	struct fetch_reached m = {.folder = f->box->folder->name,
				  .uidvalidity = f->box->uidvalidity,
				  .uid = f->mails[set->to - 1].uid};

	if (f->any_missing)
		return 0;
	return haul_commit(f->haul, err) < 0 ? -1 : ledger_send_reached(f->ledger, &m, err);
}

static int take_set(struct fetching *f, const struct set *set, bool tell, struct err *err)
{
	struct imap_result result;

	if (await(f, set, &result, err) < 0)
		return -1;
	return tell ? tell_reached(f, set, err) : 0;
}

/* While the mails of one command come in, the next one is with the server already. */
static int fetch_sets(struct fetching *f, struct err *err)
{
	struct set sets[SETS];
	uint32_t uids[SET_MAILS];
	size_t at = 0, sent = 0, done = 0;

	while (at < f->n || done < sent) {
		while (at < f->n && sent - done < SETS) {
			struct set *set = &sets[sent % SETS];
			int n = choose(f, &at, set, uids, err);

			if (n < 0)
				return -1;
			if (n == 0)
				continue;
			if (ask(f, uids, (size_t)n, CONTENT, &set->number, err) < 0)
				return -1;
			sent++;
		}
		if (done == sent)
			continue;
		if (take_set(f, &sets[done % SETS], done % REACHED_SETS == REACHED_SETS - 1, err) <
		    0)
			return -1;
		done++;
	}
	return 0;
}

/* --- what did not come ------------------------------------------------------------------------ */

static int hear_presence(void *arg, const struct imap_response *response, struct err *err)
{
	bool *is_there = arg;

	(void)err;
	*is_there = *is_there || (is_fetch(response) && uid_of(response) > 0);
	return 0;
}

static int is_gone(struct fetching *f, const struct mail *mail, bool *gone_r, struct err *err)
{
	bool is_there = false;
	const struct imap_hearer hearer = {&is_there, hear_presence};
	struct imap_result result;
	uint32_t number;

	if (ask(f, &mail->uid, 1, " (UID)", &number, err) < 0 ||
	    imap_wait(f->box->imap, number, &hearer, RESPONSES_MORE, &result, err) < 0)
		return -1;
	*gone_r = result.ok && !is_there;
	return 0;
}

/* RFC 5530: what is said of the moment, not of the mail. */
static bool is_passing(const struct imap_result *result)
{
	return strcmp(result->code, "UNAVAILABLE") == 0 || strcmp(result->code, "INUSE") == 0 ||
	       strcmp(result->code, "LIMIT") == 0;
}

/* Once more, by itself: among others it may have been a victim of its neighbour. */
static int ask_again(struct fetching *f, struct mail *mail, struct err *err)
{
	size_t place = (size_t)(mail - f->mails);
	struct set set = {.from = place, .to = place + 1};
	struct imap_result result;

	mail->state = ASKED;
	if (ask(f, &mail->uid, 1, CONTENT, &set.number, err) < 0 ||
	    await(f, &set, &result, err) < 0)
		return -1;
	if (mail->state != MISSING)
		return 0;
	return fail(f, mail, is_passing(&result) ? ERR_OFFLINE : ERR_DAMAGED,
		    "the server lists this mail but does not give it out", err);
}

static int settle_missing(struct fetching *f, struct err *err)
{
	for (size_t i = 0; i < f->n; i++) {
		bool gone;

		if (f->mails[i].state != MISSING)
			continue;
		if (is_gone(f, &f->mails[i], &gone, err) < 0)
			return -1;
		if (gone)
			f->done.gone++;
		else if (ask_again(f, &f->mails[i], err) < 0)
			return -1;
	}
	return 0;
}

/* --- a whole folder --------------------------------------------------------------------------- */

static int tell_folder(struct fetching *f, struct err *err)
{
	const struct folder *folder = f->box->folder;
	struct fetch_folder m = {
		.folder = folder->name,
		.use = folder->use,
		.selected = true,
		.guessed = folder->guessed,
		.uidvalidity = f->box->uidvalidity,
		.on_server = f->done.on_server,
		.earlier = f->done.earlier,
	};

	return ledger_send_folder(f->ledger, &m, err);
}

static int fetch_all(struct fetching *f, struct err *err)
{
	const struct imap_sink sink = {f, begin_content, write_content};
	int rc;

	if (survey(f, err) < 0)
		return selected_was_refused(err) ? 1 : -1;
	if (tell_folder(f, err) < 0)
		return -1;
	imap_set_sink(f->box->imap, &sink);
	rc = fetch_sets(f, err) < 0 || settle_missing(f, err) < 0 ? -1 : 0;
	imap_set_sink(f->box->imap, NULL);
	if (rc < 0 || haul_commit(f->haul, err) < 0)
		return -1;
	return ledger_send_folder_done(f->ledger, &f->done, err);
}

int selected_fetch(struct selected *box, struct ledger *ledger, struct spool *spool,
		   struct err *err)
{
	CLEAN(haul) haul = haul_new(ledger, spool);
	struct fetching f = {
		.box = box,
		.ledger = ledger,
		.haul = haul,
		.known = ledger_known_uid(ledger, box->folder->name, box->uidvalidity),
		.done = {.folder = box->folder->name, .uidvalidity = box->uidvalidity},
	};
	int rc = fetch_all(&f, err);
	struct err late = {0};

	/* a connection that broke takes nothing along that had come in whole */
	if (rc < 0 && haul_commit(haul, &late) < 0)
		err_add(err, "%s, after", late.text);
	free(f.mails);
	return rc;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/provenance.h"

#include "app/catalog/stamps.h"
#include "base/clock.h"

#include <string.h>

/* Printable ASCII as it is, all else as %XX: a text that no editor, mail program or terminal changes. */
static void add_line(struct str *out, const char *name, struct view value)
{
	static const char hex[] = "0123456789ABCDEF";

	str_addf(out, "%s: ", name);
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (c >= ' ' && c <= '~' && c != '%') {
			str_addc(out, (char)c);
			continue;
		}
		str_addc(out, '%');
		str_addc(out, hex[c >> 4]);
		str_addc(out, hex[c & 15]);
	}
	str_addc(out, '\n');
}

static void add_known(struct str *out, const char *name, struct view value)
{
	if (value.len > 0)
		add_line(out, name, value);
}

static void add_list(struct str *out, const char *name, const struct facts_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		add_line(out, name, list->v[i]);
}

static void add_hash(struct str *out, const char *name, const struct hash *hash)
{
	str_addf(out, "%s: ", name);
	str_addhex(out, hash->b, HASH_BYTES);
	str_addc(out, '\n');
}

static void add_id(struct str *out, const char *name, const struct uuid *id)
{
	str_addf(out, "%s: ", name);
	uuid_add(out, id);
	str_addc(out, '\n');
}

/* "2026-11-22T18:00:00.123Z" */
static void add_time(struct str *out, const char *name, int64_t time_ms)
{
	int64_t ms = time_ms % 1000;
	int64_t s = time_ms / 1000;

	if (ms < 0) {
		ms += 1000;
		s--;
	}
	str_addf(out, "%s: ", name);
	clock_add_utc(out, s);
	out->len--;
	str_addf(out, ".%03dZ\n", (int)ms);
}

/* A journal report is as long as a mail: its digest stands for it. */
static void add_report(struct str *out, struct view report)
{
	struct hash hash = crypto_sha256(report.data, report.len);

	if (report.len > 0)
		add_hash(out, "report-sha256", &hash);
}

static void add_facts(struct str *out, const struct facts *f)
{
	add_line(out, "way", VIEW(way_text(f->way)));
	add_known(out, "source", f->source);
	add_known(out, "place", f->place);
	add_known(out, "flags", f->flags);
	add_time(out, "seen", f->seen_ms);
	if (f->source_time_s != 0)
		add_time(out, "source-time", f->source_time_s * 1000);
	add_known(out, "reverse-path", f->reverse_path);
	add_list(out, "recipient", &f->recipients);
	add_list(out, "hidden", &f->hidden);
	add_known(out, "on-behalf-of", f->on_behalf_of);
	add_known(out, "client-name", f->client_name);
	add_known(out, "client-address", f->client_addr);
	add_known(out, "helo", f->helo);
	add_known(out, "login", f->login);
	add_known(out, "tls", f->tls);
	add_known(out, "queue-id", f->queue_id);
	add_known(out, "mail-parameters", f->mail_params);
	add_known(out, "trace", f->trace);
	add_report(out, f->report);
	if (f->spam)
		add_line(out, "spam", VIEW("yes"));
}

static bool is_later(const struct provenance_of *of)
{
	static const struct uuid none;

	return !uuid_eq(&of->sighting, &none);
}

void provenance_text(struct str *out, const struct provenance_of *of, const struct facts *facts)
{
	str_adds(out, "sealpost provenance v1\n");
	add_id(out, "archive", &of->archive);
	add_id(out, "mail", &of->mail);
	if (is_later(of))
		add_id(out, "sighting", &of->sighting);
	add_time(out, "archived", uuid_ms(is_later(of) ? &of->sighting : &of->mail));
	add_hash(out, "sha256", &of->exact);
	str_addf(out, "size: %llu\n", (unsigned long long)of->size);
	add_facts(out, facts);
}

int provenance_wait(struct archive *a, uint64_t mail, const struct provenance_of *of,
		    const struct facts *facts, struct err *err)
{
	struct provenance_of whole = *of;
	CLEAN_STR text = STR_INIT;
	struct hash digest;

	whole.archive = *keyring_archive(archive_keys(a));
	provenance_text(&text, &whole, facts);
	digest = crypto_sha256(text.data, text.len);
	return to_stamp_add(archive_catalog(a), mail, is_later(of) ? &of->sighting : NULL, &digest,
			    err);
}

int provenance_read(struct archive *a, struct reader *r, const struct mail_row *mail,
		    const struct sighting_row *sighting, struct str *text, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct provenance_of of = {.archive = *keyring_archive(archive_keys(a)),
				   .mail = mail->id,
				   .exact = mail->exact,
				   .size = mail->size};
	struct facts facts;

	if (sighting == NULL) {
		if (reader_facts(r, arena, mail, &facts, err) < 0)
			return -1;
	} else {
		if (reader_sighting(r, arena, sighting, &facts, &of.size, err) < 0)
			return -1;
		of.sighting = sighting->id;
		of.exact = sighting->exact;
	}
	provenance_text(text, &of, &facts);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/proof_folder.h"

#include "base/clock.h"
#include "base/file.h"
#include "tsa/prove_priv.h"

#include <openssl/pem.h>

struct writing {
	struct archive *a;
	const struct mail_row *row;
	proof_put_fn *put;
	void *arg;
	struct arena *arena;
	struct str readme, json;
	enum digest_alg functions_of; /* the shell functions in it; 0 none yet */
	unsigned tokens, texts, chain_files, records;
	unsigned chains; /* of the record at hand */
	struct {
		struct view *v; /* DER, each once */
		size_t n, cap;
	} cas;
	struct token_info first; /* of the first record's first token */
};

static int write_file(struct writing *w, const char *name, struct view content, struct err *err)
{
	return w->put(w->arg, name, content, err);
}

static const char *name_of(struct writing *w, const char *what, unsigned n, const char *end)
{
	return arena_f(w->arena, "%s-%u.%s", what, n, end);
}

/* ---- certificates ---- */

static void add_pem(struct str *pem, struct view der)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *data;
	long len;

	must(out != NULL && PEM_write_bio(out, PEM_STRING_X509, "", (const unsigned char *)der.data,
					  (long)der.len) > 0);
	len = BIO_get_mem_data(out, &data);
	str_add(pem, data, (size_t)len);
	BIO_free(out);
}

static int write_ca(struct writing *w, struct view der, struct err *err)
{
	CLEAN_STR pem = STR_INIT;

	add_pem(&pem, der);
	return write_file(w, name_of(w, "ca", (unsigned)w->cas.n, "pem"), str_view(&pem), err);
}

/* The number of the CA's file. */
static int keep_ca(struct writing *w, struct view der, unsigned *n_r, struct err *err)
{
	for (size_t i = 0; i < w->cas.n; i++)
		if (view_eq(w->cas.v[i], der)) {
			*n_r = (unsigned)i + 1;
			return 0;
		}
	ARENA_PUSH(w->arena, w->cas, der);
	*n_r = (unsigned)w->cas.n;
	return write_ca(w, der, err);
}

/* ---- the commands of README.txt ---- */

static void add_hex(struct str *out, enum digest_alg alg, const struct digest *d)
{
	str_addc(out, ' ');
	str_addhex(out, d->b, digest_bytes(alg));
}

/* node: the digest of digests, sorted, as RFC 4998 has it; pair: of two in their order. */
static void add_functions(struct str *out, enum digest_alg alg)
{
	str_addf(out,
		 "    bytes() { env printf \"$(tr -d '\\n' | sed 's/../\\\\x&/g')\"; }\n"
		 "    digest() { %ssum | cut -d ' ' -f 1; }\n"
		 "    node() { printf '%%s\\n' \"$@\" | LC_ALL=C sort | bytes | digest; }\n"
		 "    pair() { printf '%%s' \"$@\" | bytes | digest; }\n",
		 digest_name(alg));
}

static void climb(struct writing *w, const struct proof_link *link)
{
	const enum digest_alg alg = link->stamp.digest;
	const struct digest statement = digest_of(alg, link->stamp.statement);

	for (size_t i = 0; i < link->path.n; i++) {
		str_adds(&w->readme, "    x=$(node $x");
		add_hex(&w->readme, alg, &link->path.v[i]);
		str_adds(&w->readme, ")\n");
	}
	str_adds(&w->readme, "    x=$(node $x");
	add_hex(&w->readme, alg, &statement);
	str_adds(&w->readme, ")\n");
}

/* $x is what the leaf is over. */
static void begin_climb(struct writing *w, const struct proof_link *link, const char *const *files,
			size_t n_files, const char *chains)
{
	if (!link->begins_chain) {
		str_addf(&w->readme,
			 "    x=$(openssl ts -reply -in token-%u.tsr -token_out | digest)\n",
			 w->tokens);
		return;
	}
	if (w->functions_of != link->stamp.digest)
		add_functions(&w->readme, link->stamp.digest);
	w->functions_of = link->stamp.digest;
	if (chains != NULL)
		str_addf(&w->readme, "    c=$(digest < %s)\n", chains);
	str_adds(&w->readme, "    x=$(node");
	for (size_t i = 0; i < n_files; i++)
		str_addf(&w->readme,
			 chains != NULL ? " $(pair $(digest < %s) $c)" : " $(digest < %s)",
			 files[i]);
	str_adds(&w->readme, ")\n");
}

static void add_check(struct writing *w, unsigned ca, int64_t then_s)
{
	str_addf(&w->readme,
		 "    openssl ts -verify -digest $x -in token-%u.tsr -CAfile ca-%u.pem "
		 "-untrusted token-%u.pem -partial_chain",
		 w->tokens, ca, w->tokens);
	if (then_s != 0)
		str_addf(&w->readme, " -attime %lld", (long long)then_s);
	str_adds(&w->readme, "\n\n");
}

static void add_heading(struct writing *w, const struct proof_link *link)
{
	str_addf(&w->readme, "Timestamp %u, of ", w->tokens + 1);
	clock_add_utc(&w->readme, link->stamp.time_ms / 1000);
	str_adds(&w->readme, !link->begins_chain ? ", renews the one before it:\n\n"
			     : w->chains > 1
				     ? ", renews all before it with another hash function:\n\n"
				     : ":\n\n");
}

/* ---- one record ---- */

static int write_token(struct writing *w, const struct proof_link *link, struct err *err)
{
	CLEAN_STR response = STR_INIT;
	CLEAN_STR pem = STR_INIT;

	w->tokens++;
	if (token_response_write(link->stamp.token, &response, err) < 0 ||
	    token_certificates(link->stamp.token, &pem, err) < 0 ||
	    write_file(w, name_of(w, "token", w->tokens, "tsr"), str_view(&response), err) < 0)
		return -1;
	return write_file(w, name_of(w, "token", w->tokens, "pem"), str_view(&pem), err);
}

/* The chains that a later one is over, as bytes to be hashed. */
static int write_chains(struct writing *w, const struct evidence_record *so_far,
			const char **name_r, struct err *err)
{
	CLEAN_STR der = STR_INIT;

	*name_r = NULL;
	if (w->chains++ == 0)
		return 0;
	evidence_record_write_chains(so_far, &der);
	*name_r = name_of(w, "chains", ++w->chain_files, "der");
	return write_file(w, *name_r, str_view(&der), err);
}

static int write_link(struct writing *w, const struct proof_links *links, size_t i,
		      const char *const *files, size_t n_files, struct evidence_record *so_far,
		      struct err *err)
{
	const struct proof_link *link = &links->v[i];
	const char *chains = NULL;
	unsigned ca;

	if (link->begins_chain && write_chains(w, so_far, &chains, err) < 0)
		return -1;
	add_heading(w, link);
	begin_climb(w, link, files, n_files, chains);
	climb(w, link);
	if (keep_ca(w, link->stamp.ca, &ca, err) < 0 || write_token(w, link, err) < 0 ||
	    proof_link_add_to(link, so_far, w->arena, err) < 0)
		return -1;
	add_check(w, ca, i + 1 < links->n ? links->v[i + 1].stamp.time_ms / 1000 : 0);
	return 0;
}

static int write_objects(struct writing *w, const struct proof_objects *objects, const char **files,
			 struct err *err)
{
	files[0] = "mail.eml";
	if (w->records == 1 && write_file(w, files[0], objects->v[0], err) < 0)
		return -1;
	for (size_t i = 1; i < objects->n; i++) {
		files[i] = name_of(w, "provenance", ++w->texts, "txt");
		if (write_file(w, files[i], objects->v[i], err) < 0)
			return -1;
	}
	return 0;
}

static void add_json_record(struct writing *w, const char *name, const char *const *files, size_t n)
{
	str_addf(&w->json, "%s\n  {\"record\": \"%s\", \"over\": [", w->records > 1 ? "," : "",
		 name);
	for (size_t i = 0; i < n; i++)
		str_addf(&w->json, "%s\"%s\"", i > 0 ? ", " : "", files[i]);
	str_adds(&w->json, "]}");
}

static void add_record_heading(struct writing *w, const char *name, const char *const *files,
			       size_t n)
{
	str_addf(&w->readme, "%s is over", name);
	for (size_t i = 0; i < n; i++)
		str_addf(&w->readme, "%s %s", i == 0 ? "" : i + 1 < n ? "," : " and", files[i]);
	str_adds(&w->readme, ".\n\n");
}

static int write_record(struct writing *w, const struct proof_leaves *leaves, bool first,
			struct raw_mail *raw, struct err *err)
{
	CLEAN(evidence_record) record = NULL;
	CLEAN(evidence_record) so_far = evidence_record_new();
	CLEAN_STR der = STR_INIT;
	struct proof_objects objects;
	struct proof_links links;
	const char **files, *name;
	struct token_info info;

	w->records++;
	w->chains = 0;
	name = first ? "evidence.ers" : name_of(w, "evidence", w->records, "ers");
	if (proof_objects(w->a, raw, w->row->mail, leaves->v[0].origin, first, w->arena, &objects,
			  err) < 0 ||
	    proof_walk(w->a, leaves, &objects, w->arena, &links, &record, err) < 0 ||
	    proof_check_links(w->a, &links, clock_s(), w->arena, &info, err) < 0)
		return -1;
	if (first)
		w->first = info;
	files = arena_get(w->arena, objects.n * sizeof(*files));
	evidence_record_write(record, &der);
	if (write_objects(w, &objects, files, err) < 0 ||
	    write_file(w, name, str_view(&der), err) < 0)
		return -1;
	add_json_record(w, name, files, objects.n);
	add_record_heading(w, name, files, objects.n);
	for (size_t i = 0; i < links.n; i++)
		if (write_link(w, &links, i, files, objects.n, so_far, err) < 0)
			return -1;
	return 0;
}

/* ---- the whole ---- */

static void begin_json(struct writing *w)
{
	char id[UUID_TEXT + 1];

	str_addf(&w->json,
		 "{\"sealpost\": \"proof\", \"format\": 1, \"mail\": \"%s\", \"records\": [",
		 uuid_text(&w->row->id, id));
}

static void end_json(struct writing *w)
{
	str_addf(&w->json, "\n ], \"tokens\": %u, \"certificates\": %zu, \"chains\": %u}\n",
		 w->tokens, w->cas.n, w->chain_files);
}

static void add_introduction(struct writing *w, struct str *out)
{
	char id[UUID_TEXT + 1];
	struct hash ca;

	str_adds(out, "WHAT THIS PROVES\n\n");
	str_addf(out,
		 "mail.eml is the mail %s of a Sealpost archive, bit for bit. It has not been "
		 "changed since\n",
		 uuid_text(&w->row->id, id));
	clock_add_utc(out, w->first.time_ms / 1000);
	str_addf(
		out,
		", as a timestamp (RFC 3161) of this authority says:\n\n    %s\n\n"
		"provenance-*.txt tells how, when and from where the mail came, and is proved with "
		"it.\n\n"
		"WHOM YOU HAVE TO TRUST\n\n"
		"The authority that made the timestamps, and nobody else: not who gave you this "
		"folder, and not\nthe archive. Compare the SHA-256 of its CA certificate with the "
		"one "
		"that it publishes:\n\n",
		w->first.authority);
	for (size_t i = 0; i < w->cas.n; i++) {
		ca = crypto_sha256(w->cas.v[i].data, w->cas.v[i].len);
		str_addf(out, "    ca-%zu.pem  ", i + 1);
		str_addhex(out, ca.b, HASH_BYTES);
		str_adds(out, "\n");
	}
	str_adds(
		out,
		"\n(openssl x509 -in ca-1.pem -noout -fingerprint -sha256)\n\n"
		"HOW TO CHECK IT\n\n"
		"With the program sealpost-verify: sealpost-verify FOLDER. With any program that "
		"reads "
		"evidence\nrecords (RFC 4998): the files *.ers. Or by hand, in a shell in this "
		"folder, "
		"with OpenSSL and\nsha256sum alone. Each `openssl ts -verify` must say "
		"\"Verification: "
		"OK\"; it does so only if the hashes\ncomputed before it lead from the mail to the "
		"timestamp.\n\n");
}

static int write_rest(struct writing *w, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	end_json(w);
	add_introduction(w, &text);
	str_addv(&text, str_view(&w->readme));
	return write_file(w, "proof.json", str_view(&w->json), err) < 0
		       ? -1
		       : write_file(w, "README.txt", str_view(&text), err);
}

static int write_all(struct writing *w, struct err *err)
{
	struct proof_leaves all;
	struct raw_mail raw;
	int rc = 0;

	if (proof_leaves_list(w->a, (int64_t)w->row->mail, w->arena, &all, err) < 0)
		return -1;
	if (all.n == 0)
		return err_set(err, ERR_BUSY,
			       "this mail has no timestamp yet; the next \"sealpost "
			       "timestamp run\" makes one");
	begin_json(w);
	raw_mail_init(&raw, w->a);
	for (size_t i = 0; rc == 0 && i < all.n;) {
		struct proof_leaves leaves = proof_leaves_of_origin(&all, i);

		rc = write_record(w, &leaves, i == 0, &raw, err);
		i += leaves.n;
	}
	raw_mail_clear(&raw);
	return rc < 0 ? -1 : write_rest(w, err);
}

int proof_folder_make(struct archive *a, const struct uuid *id, proof_put_fn *put, void *arg,
		      struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct mail_row row;
	struct writing w = {.a = a, .row = &row, .put = put, .arg = arg, .arena = arena};
	int rc = mail_find(a, arena, id, &row, err);

	if (rc <= 0)
		return -1;
	str_init(&w.readme);
	str_init(&w.json);
	rc = write_all(&w, err);
	str_clear(&w.readme);
	str_clear(&w.json);
	return rc;
}

static int put_into_folder(void *dir, const char *name, struct view content, struct err *err)
{
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "%s/%s", (const char *)dir, name);
	return file_create(path.data, 0600, content, err);
}

/* That the mail is not there is said before a folder is made for it. */
static int check_mail(struct archive *a, const struct uuid *id, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct mail_row row;

	return mail_find(a, arena, id, &row, err) <= 0 ? -1 : 0;
}

int proof_folder_write(struct archive *a, const struct uuid *id, const char *dir, struct err *err)
{
	int rc = check_mail(a, id, err) < 0 ? -1 : dir_is_empty(dir, err);

	if (rc == 0)
		return err_set(err, ERR_EXISTS, "%s is not empty; give a folder of its own", dir);
	if (rc < 0 || dir_make_all(dir, 0700, err) < 0)
		return -1;
	rc = proof_folder_make(a, id, put_into_folder, (void *)dir, err);
	if (rc == 0)
		rc = dir_sync(dir, err);
	if (rc < 0)
		dir_remove_all(dir);
	return rc;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First each stamp by itself, and how they hang together; then the mails, whose leaves are compared with those that the stamps were
 * found to be true over. So a token is looked at once, and not for each of its mails. */
#include "app/catalog/audit.h"
#include "tsa/prove_priv.h"

/* Here the log goes on from an older state: the catalog was rebuilt or restored, and lines that were behind are gone. */
struct log_break {
	uint64_t line;
	int64_t time_ms;
};

struct proving {
	struct archive *a;
	int64_t at_s;
	const struct prove_watch *watch;
	struct prove_report *report;
	struct raw_mail raw;
	uint64_t total; /* mails */
	/* of the stamp before */
	uint64_t stamp, mails;
	struct hash token;
	uint64_t *first;  /* by stamp: how many mails it was the first to have */
	uint64_t n_first; /* stamps above it were made meanwhile: not counted */
	struct {
		struct log_break *v;
		size_t n, cap;
	} breaks;
	struct arena *arena;
};

static void find(struct proving *p, uint64_t stamp, const struct uuid *mail, const char *text)
{
	p->report->findings++;
	if (p->watch != NULL && p->watch->finding != NULL)
		p->watch->finding(p->watch->arg, stamp, mail, text);
}

/* What ERR says of the proof is a finding: 0; all else is trouble: -1. */
static int judge(struct proving *p, uint64_t stamp, const struct uuid *mail, struct err *err)
{
	if (!proof_is_broken_by(err->kind))
		return -1;
	find(p, stamp, mail, err->text);
	err_clear(err);
	return 0;
}

/* ---- a stamp's tree ---- */

struct comparing {
	struct archive *a;
	uint64_t stamp;
};

static int compare_nodes(void *arg, unsigned level, uint64_t chunk, struct view nodes,
			 struct err *err)
{
	struct comparing *c = arg;
	struct stamp_nodes kept = {archive_catalog(c->a), c->stamp, STR_INIT};
	struct view view;
	int rc = level == 0 ? 0 : stamp_nodes_fetch(&kept, level, chunk, &view, err);

	if (rc == 0 && level > 0 && !view_eq(view, nodes))
		rc = err_set(err, ERR_DAMAGED, "chunk %llu of level %u of its hash tree is damaged",
			     (unsigned long long)chunk, level);
	str_clear(&kept.buf);
	return rc;
}

static int add_leaves(struct hash_tree *tree, const struct stamp_row *row,
		      struct stamp_nodes *nodes, struct err *err)
{
	const size_t bytes = digest_bytes(row->digest);
	struct view chunk;

	for (uint64_t i = 0; i < row->leaves; i++) {
		struct digest leaf;
		size_t at = i % HASH_TREE_CHUNK * bytes;

		if (at == 0 && stamp_nodes_fetch(nodes, 0, i / HASH_TREE_CHUNK, &chunk, err) < 0)
			return -1;
		if (at + bytes > chunk.len)
			return err_set(err, ERR_DAMAGED, "leaf %llu of its hash tree is missing",
				       (unsigned long long)i);
		memcpy(leaf.b, chunk.data + at, bytes);
		if (hash_tree_add(tree, &leaf, err) < 0)
			return -1;
	}
	return 0;
}

static int root_from_leaves(struct archive *a, const struct stamp_row *row, struct digest *root_r,
			    struct err *err)
{
	struct comparing c = {a, row->stamp};
	struct stamp_nodes nodes = {archive_catalog(a), row->stamp, STR_INIT};
	CLEAN(hash_tree) tree = hash_tree_new(row->digest, compare_nodes, &c);
	int rc = add_leaves(tree, row, &nodes, err);

	if (rc == 0)
		rc = hash_tree_end(tree, root_r, err);
	str_clear(&nodes.buf);
	return rc;
}

/* ---- how a stamp hangs together with the rest ---- */

/* What it bound was lost when the catalog was rebuilt, or restored from a backup that is older than it. */
static bool is_lost_since(const struct proving *p, const struct stamp_row *row, uint64_t line)
{
	for (size_t i = 0; i < p->breaks.n; i++)
		if (p->breaks.v[i].line <= line && p->breaks.v[i].time_ms > row->time_ms)
			return true;
	return false;
}

static int check_audit(struct proving *p, const struct stamp_row *row,
		       const struct stamp_statement *s, struct err *err)
{
	struct hash hash;
	int rc;

	if (s->audit_lines == 0 || is_lost_since(p, row, s->audit_lines))
		return 0;
	rc = audit_hash(archive_catalog(p->a), s->audit_lines, &hash, err);
	if (rc < 0 || (rc > 0 && hash_eq(&hash, &s->audit)))
		return rc < 0 ? -1 : 0;
	return err_set(
		err, ERR_DAMAGED,
		"line %llu of the audit log is not the one that was there when it was made: the "
		"log was changed, or cut off",
		(unsigned long long)s->audit_lines);
}

static int check_order(struct proving *p, const struct stamp_row *row, struct err *err)
{
	struct stamp_statement s;

	if (stamp_statement_read(row->statement, &s, err) < 0)
		return -1;
	if (row->stamp == p->stamp + 1 && !hash_eq(&s.previous, &p->token))
		return err_set(err, ERR_DAMAGED,
			       "it was made after another timestamp than the one before it");
	if (row->stamp == p->stamp + 1 && row->stamp <= p->n_first &&
	    row->mails != p->mails + p->first[row->stamp])
		return err_set(
			err, ERR_DAMAGED,
			"%llu mails were stamped up to it, and the catalog knows %llu: some have "
			"vanished",
			(unsigned long long)row->mails,
			(unsigned long long)(p->mails + p->first[row->stamp]));
	return check_audit(p, row, &s, err);
}

static void tell_gap(struct proving *p, uint64_t stamp)
{
	for (uint64_t lost = p->stamp + 1; lost < stamp; lost++)
		find(p, lost, NULL,
		     "it is missing: its mails are not proved by it any more. If a medium has its "
		     "evidence, \"sealpost timestamp run\" takes it in");
}

/* ---- the file on the medium ---- */

static bool is_same(const struct stamp_row *row, const struct evidence *e)
{
	return e->stamp.digest == row->digest && e->stamp.leaves == row->leaves &&
	       e->stamp.tokens == row->tokens && e->stamp.mails == row->mails &&
	       view_eq(e->stamp.statement, row->statement) && view_eq(e->stamp.token, row->token);
}

static int check_file(struct proving *p, const struct stamp_row *row, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct evidence e;

	if (evidence_read(p->a, row->stamp, arena, &e, err) < 0) {
		if (err->kind == ERR_NOTFOUND)
			err->kind = ERR_DAMAGED;
		if (!err_retry(err->kind))
			return -1;
		p->report->left_out++;
		err_clear(err);
		return 0;
	}
	return is_same(row, &e)
		       ? 0
		       : err_set(err, ERR_DAMAGED,
				 "its evidence file on the medium says something else than "
				 "the catalog");
}

static int check_stamp(struct proving *p, const struct stamp_row *row, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct token_info info;
	struct digest root;
	int64_t then_s;

	if (root_from_leaves(p->a, row, &root, err) < 0 ||
	    proof_time_of(p->a, row, p->at_s, &then_s, err) < 0)
		return -1;
	if (proof_check_stamp(p->a, row, &root, then_s, arena, &info, err) < 0)
		return -1;
	if (row->ends_s > info.ends_s) /* it would be renewed too late */
		return err_set(err, ERR_DAMAGED,
			       "the catalog gives it a later end than its certificates have");
	return 0;
}

/* Its mails may all be erased, so that none leads through its renewals. */
static int check_renewals(struct proving *p, const struct stamp_row *row, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct proof_links links;

	if (row->covered_by == 0)
		return 0;
	return proof_walk_kept(p->a, row->stamp, 0, arena, &links, err) < 0
		       ? -1
		       : proof_check_leaves(p->a, &links, arena, err);
}

/* One that retired proves no more by itself, so its certificate may have ended. */
static int prove_stamp(void *arg, const struct stamp_row *row, struct err *err)
{
	struct proving *p = arg;
	static int (*const checks[])(struct proving * p, const struct stamp_row *row,
				     struct err *err) = {check_stamp, check_renewals, check_order,
							 check_file};

	tell_gap(p, row->stamp);
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		if (checks[i](p, row, err) == 0)
			continue;
		if (row->retired && err->kind == ERR_EXPIRED)
			err_clear(err);
		else if (judge(p, row->stamp, NULL, err) < 0)
			return -1;
	}
	p->report->stamps++;
	p->stamp = row->stamp;
	p->mails = row->mails;
	p->token = crypto_sha256(row->token.data, row->token.len);
	return 0;
}

/* ---- mails ---- */

static int check_origins(struct proving *p, const struct mail_row *row,
			 const struct proof_leaves *all, struct arena *arena, struct err *err)
{
	for (size_t i = 0; i < all->n;) {
		struct proof_leaves leaves = proof_leaves_of_origin(all, i);
		struct proof_objects objects;
		struct proof_links links;

		if (proof_objects(p->a, &p->raw, row->mail, leaves.v[0].origin, i == 0, arena,
				  &objects, err) < 0 ||
		    proof_walk(p->a, &leaves, &objects, arena, &links, NULL, err) < 0 ||
		    proof_check_leaves(p->a, &links, arena, err) < 0)
			return -1;
		i += leaves.n;
	}
	return 0;
}

static int prove_one(struct proving *p, const struct mail_row *row, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct proof_leaves all;
	int64_t since_ms;
	int rc;

	if (proof_leaves_list(p->a, (int64_t)row->mail, arena, &all, err) < 0)
		return -1;
	if (all.n > 0) {
		p->report->mails++;
		return check_origins(p, row, &all, arena, err);
	}
	rc = to_stamp_since(archive_catalog(p->a), row->mail, &since_ms, err);
	if (rc == 0)
		return err_set(err, ERR_DAMAGED,
			       "it has no timestamp, and does not wait for one either");
	p->report->waiting++;
	return rc < 0 ? -1 : 0;
}

static int prove_row(void *arg, const struct mail_row *row, struct err *err)
{
	struct proving *p = arg;
	struct err why = {0};

	if (p->watch != NULL && p->watch->stop != NULL && p->watch->stop(p->watch->arg))
		return err_set(err, ERR_STOPPED, "stopped");
	if (prove_one(p, row, &why) < 0) {
		if (err_retry(why.kind)) {
			p->report->left_out++;
		} else if (judge(p, 0, &row->id, &why) < 0) {
			*err = why;
			return -1;
		}
	}
	if (p->watch != NULL && p->watch->progress != NULL)
		p->watch->progress(p->watch->arg, p->report, p->total);
	return 0;
}

/* ---- mails that are not there ---- */

/* Its id, from the evidence file; none if that is not to be had. */
static bool find_id(struct proving *p, const struct stamp_leaf *leaf, struct uuid *id_r)
{
	CLEAN(arena) arena = arena_new();
	struct evidence e;
	struct err err = {0};

	if (evidence_read(p->a, leaf->stamp, arena, &e, &err) < 0 || leaf->at < e.stamp.tokens ||
	    leaf->at >= e.stamp.leaves)
		return false;
	*id_r = e.leaves[leaf->at - e.stamp.tokens].mail;
	return true;
}

static int tell_lost(void *arg, const struct stamp_leaf *leaf, struct err *err)
{
	struct proving *p = arg;
	struct uuid id;

	(void)err;
	find(p, leaf->stamp, find_id(p, leaf, &id) ? &id : NULL,
	     "this mail was stamped, and is neither there nor erased: it has vanished. A backup or "
	     "the "
	     "mirror may have it");
	return 0;
}

static int count_erased(struct proving *p, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(archive_catalog(p->a)),
		     "SELECT count(DISTINCT l.mail) FROM stamp_leaves l JOIN erased e "
		     "ON e.mail = l.mail AND e.mail <> 0",
		     &q, err) < 0 ||
	    stmt_step(q, err) < 0)
		return -1;
	p->report->erased = (uint64_t)stmt_int(q, 0);
	return 0;
}

/* ---- the whole ---- */

static int see_line(void *arg, const struct audit_line *line, struct err *err)
{
	struct proving *p = arg;
	const struct log_break here = {line->line, line->time_ms};

	(void)err;
	if (view_eq(line->what, VIEW(audit_event_text(AUDIT_REBUILT))) ||
	    view_eq(line->what, VIEW(audit_event_text(AUDIT_RESTORED))))
		ARENA_PUSH(p->arena, p->breaks, here);
	return 0;
}

static int prove_log(struct proving *p, struct err *err)
{
	if (audit_each(archive_catalog(p->a), 0, see_line, p, err) < 0)
		return -1;
	return audit_verify(archive_catalog(p->a), NULL, err) < 0 ? judge(p, 0, NULL, err) : 0;
}

int prove_all(struct archive *a, int64_t at_s, const struct prove_watch *watch,
	      struct prove_report *report_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct proving p = {
		.a = a, .at_s = at_s, .watch = watch, .report = report_r, .arena = arena};
	int rc;

	*report_r = (struct prove_report){0};
	if (stamp_leaves_first(archive_catalog(a), arena, &p.first, &p.n_first, err) < 0 ||
	    prove_log(&p, err) < 0 || mails_count(archive_catalog(a), &p.total, err) < 0 ||
	    stamps_each(archive_catalog(a), prove_stamp, &p, err) < 0)
		return -1;
	raw_mail_init(&p.raw, a);
	rc = mails_each(archive_catalog(a), 0, prove_row, &p, err);
	raw_mail_clear(&p.raw);
	return rc < 0 || stamp_leaves_lost(archive_catalog(a), tell_lost, &p, err) < 0
		       ? -1
		       : count_erased(&p, err);
}

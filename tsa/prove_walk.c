/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/prove_priv.h"

/* ---- leaves ---- */

struct leaf_list {
	struct arena *arena;
	struct proof_leaves leaves;
};

static int add_leaf(void *arg, const struct stamp_leaf *leaf, struct err *err)
{
	struct leaf_list *list = arg;

	(void)err;
	ARENA_PUSH(list->arena, list->leaves, *leaf);
	return 0;
}

int proof_leaves_list(struct archive *a, int64_t mail, struct arena *arena,
		      struct proof_leaves *leaves_r, struct err *err)
{
	struct leaf_list list = {.arena = arena};

	if (stamp_leaves_each(archive_catalog(a), mail, add_leaf, &list, err) < 0)
		return -1;
	*leaves_r = list.leaves;
	return 0;
}

struct proof_leaves proof_leaves_of_origin(const struct proof_leaves *all, size_t i)
{
	struct proof_leaves some = {.v = &all->v[i]};

	while (i + some.n < all->n && all->v[i + some.n].origin == all->v[i].origin)
		some.n++;
	return some;
}

/* ---- what is proved ---- */

struct collecting {
	struct archive *a;
	struct raw_mail *raw;
	uint64_t mail, origin;
	struct arena *arena;
	struct {
		struct uuid *v;
		size_t n, cap;
	} sightings;
	struct {
		struct view *v;
		size_t n, cap;
	} objects;
};

static int note_sighting(void *arg, const struct sighting_row *row, struct err *err)
{
	struct collecting *c = arg;

	(void)err;
	if (row->stamp == c->origin)
		ARENA_PUSH(c->arena, c->sightings, row->id);
	return 0;
}

static int add_text(struct collecting *c, const struct uuid *sighting, struct err *err)
{
	struct view text;

	if (raw_provenance(c->raw, c->mail, sighting, &text, err) < 0)
		return -1;
	text = arena_view(c->arena, text);
	ARENA_PUSH(c->arena, c->objects, text);
	return 0;
}

int proof_objects(struct archive *a, struct raw_mail *raw, uint64_t mail, uint64_t origin,
		  bool first, struct arena *arena, struct proof_objects *objects_r, struct err *err)
{
	struct collecting c = {.a = a, .raw = raw, .mail = mail, .origin = origin, .arena = arena};
	struct view bytes;

	if (raw_mail(raw, mail, &bytes, err) < 0 ||
	    sightings_each(archive_catalog(a), mail, note_sighting, &c, err) < 0)
		return -1;
	bytes = arena_view(arena, bytes);
	ARENA_PUSH(arena, c.objects, bytes);
	if (first && add_text(&c, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < c.sightings.n; i++)
		if (add_text(&c, &c.sightings.v[i], err) < 0)
			return -1;
	*objects_r = (struct proof_objects){c.objects.v, c.objects.n};
	return 0;
}

/* ---- the way ---- */

struct walking {
	struct archive *a;
	struct arena *arena;
	struct proof_links *links;
	struct evidence_record *record;
};

static struct digest *digests_of(enum digest_alg alg, const struct proof_objects *objects,
				 struct arena *arena)
{
	struct digest *v = arena_get(arena, (objects->n + 1) * sizeof(*v));

	for (size_t i = 0; i < objects->n; i++)
		v[i] = digest_of(alg, objects->v[i]);
	return v;
}

struct digest *proof_rehash_group(enum digest_alg alg, const struct proof_objects *objects,
				  const struct evidence_record *so_far, struct arena *arena)
{
	CLEAN_STR chains = STR_INIT;
	struct digest *v = digests_of(alg, objects, arena);
	struct digest before;

	evidence_record_write_chains(so_far, &chains);
	before = digest_of(alg, str_view(&chains));
	for (size_t i = 0; i < objects->n; i++)
		v[i] = digest_pair(alg, &v[i], &before);
	return v;
}

static struct digest_list one_digest(const struct digest *d, struct arena *arena)
{
	struct digest *v = arena_get(arena, sizeof(*v));

	*v = *d;
	return (struct digest_list){v, 1};
}

/* The reduced hash tree: the group, each sibling on the way, and the statement in the end. A single digest shares its list with its
 * sibling. */
int proof_link_add_to(const struct proof_link *link, struct evidence_record *record,
		      struct arena *arena, struct err *err)
{
	const size_t n_siblings = link->path.n + 1;
	struct digest_list *lists = arena_get(arena, (n_siblings + 1) * sizeof(*lists));
	struct digest statement = digest_of(link->stamp.digest, link->stamp.statement);
	struct digest *group = arena_get(arena, (link->n_group + 1) * sizeof(*group));
	size_t n = 1;

	memcpy(group, link->group, link->n_group * sizeof(*group));
	lists[0] = (struct digest_list){group, link->n_group};
	for (size_t i = 0; i < n_siblings; i++) {
		const struct digest *d = i < link->path.n ? &link->path.v[i] : &statement;

		if (i == 0 && link->n_group == 1)
			group[lists[0].n++] = *d;
		else
			lists[n++] = one_digest(d, arena);
	}
	if (link->begins_chain)
		evidence_record_add_chain(record, link->stamp.digest);
	return evidence_record_add_timestamp(record, lists, n, link->stamp.token, err);
}

static int no_such_leaf(const struct proof_link *link, struct err *err)
{
	return err_set(err, ERR_DAMAGED, "timestamp %llu has no leaf %llu",
		       (unsigned long long)link->stamp.stamp, (unsigned long long)link->at);
}

static int get_path(struct walking *w, struct proof_link *link, struct err *err)
{
	struct stamp_nodes nodes = {archive_catalog(w->a), link->stamp.stamp, STR_INIT};
	int rc;

	if (link->at >= link->stamp.leaves)
		return no_such_leaf(link, err);
	rc = hash_tree_path(link->stamp.digest, link->stamp.leaves, link->at, stamp_nodes_fetch,
			    &nodes, w->arena, &link->path, err);
	str_clear(&nodes.buf);
	return rc < 0 ? err_add(err, "timestamp %llu", (unsigned long long)link->stamp.stamp) : 0;
}

static int get_stamp(struct walking *w, uint64_t stamp, struct stamp_row *row_r, struct err *err)
{
	int rc = stamps_get(archive_catalog(w->a), w->arena, stamp, row_r, err);

	if (rc == 0)
		return err_set(err, ERR_DAMAGED, "timestamp %llu is missing",
			       (unsigned long long)stamp);
	return rc < 0 ? -1 : 0;
}

static int add_link(struct walking *w, struct proof_link *link, struct err *err)
{
	if (get_path(w, link, err) < 0 ||
	    (w->record != NULL && proof_link_add_to(link, w->record, w->arena, err) < 0))
		return -1;
	ARENA_PUSH(w->arena, *w->links, *link);
	return 0;
}

/* The stamps that renewed the token of the last link, one after the other; those from UNTIL on are of no account for a chain that
 * begins there. */
static int add_renewals(struct walking *w, uint64_t until, struct err *err)
{
	for (;;) {
		const struct stamp_row *last = &w->links->v[w->links->n - 1].stamp;
		struct digest token = digest_of(last->digest, last->token);
		struct proof_link link = {
			.at = last->covered_at,
			.group = one_digest(&token, w->arena).v,
			.n_group = 1,
		};

		if (last->covered_by == 0 || (until != 0 && last->covered_by >= until))
			return 0;
		if (last->covered_by <= last->stamp)
			return err_set(err, ERR_DAMAGED,
				       "timestamp %llu is said to be renewed by an older one",
				       (unsigned long long)last->stamp);
		if (get_stamp(w, last->covered_by, &link.stamp, err) < 0 ||
		    add_link(w, &link, err) < 0)
			return -1;
	}
}

static int add_chain(struct walking *w, const struct stamp_leaf *leaf, uint64_t until,
		     const struct proof_objects *objects, struct err *err)
{
	struct proof_link link = {.at = leaf->at, .n_group = objects->n, .begins_chain = true};

	if (get_stamp(w, leaf->stamp, &link.stamp, err) < 0)
		return -1;
	link.group = w->links->n == 0
			     ? digests_of(link.stamp.digest, objects, w->arena)
			     : proof_rehash_group(link.stamp.digest, objects, w->record, w->arena);
	return add_link(w, &link, err) < 0 ? -1 : add_renewals(w, until, err);
}

int proof_walk(struct archive *a, const struct proof_leaves *leaves,
	       const struct proof_objects *objects, struct arena *arena,
	       struct proof_links *links_r, struct evidence_record **record_r, struct err *err)
{
	CLEAN(evidence_record)
	record = record_r != NULL || leaves->n > 1 ? evidence_record_new() : NULL;
	struct walking w = {a, arena, links_r, record};

	*links_r = (struct proof_links){0};
	for (size_t i = 0; i < leaves->n; i++) {
		uint64_t until = i + 1 < leaves->n ? leaves->v[i + 1].stamp : 0;

		if (add_chain(&w, &leaves->v[i], until, objects, err) < 0)
			return -1;
	}
	if (record_r != NULL)
		*record_r = TAKE(record);
	return 0;
}

/* The leaf as it is kept stands for what it is over. */
static int kept_leaf(struct walking *w, struct proof_link *link, struct err *err)
{
	struct stamp_nodes nodes = {archive_catalog(w->a), link->stamp.stamp, STR_INIT};
	int rc;

	if (link->at >= link->stamp.leaves)
		return no_such_leaf(link, err);
	link->group = arena_get(w->arena, sizeof(*link->group));
	link->n_group = 1;
	rc = hash_tree_leaf(link->stamp.digest, link->stamp.leaves, link->at, stamp_nodes_fetch,
			    &nodes, link->group, err);
	str_clear(&nodes.buf);
	return rc < 0 ? err_add(err, "timestamp %llu", (unsigned long long)link->stamp.stamp) : 0;
}

int proof_walk_kept(struct archive *a, uint64_t stamp, uint64_t at, struct arena *arena,
		    struct proof_links *links_r, struct err *err)
{
	struct walking w = {a, arena, links_r, NULL};
	struct proof_link link = {.at = at, .begins_chain = true};

	*links_r = (struct proof_links){0};
	if (get_stamp(&w, stamp, &link.stamp, err) < 0 || kept_leaf(&w, &link, err) < 0 ||
	    add_link(&w, &link, err) < 0)
		return -1;
	return add_renewals(&w, 0, err);
}

/* ---- is it right? ---- */

bool proof_is_broken_by(enum err_kind kind)
{
	return kind == ERR_DAMAGED || kind == ERR_FOREIGN || kind == ERR_EXPIRED ||
	       kind == ERR_UNSUPPORTED;
}

static int check_statement(struct archive *a, const struct stamp_row *stamp, struct err *err)
{
	struct stamp_statement s;

	if (stamp_statement_read(stamp->statement, &s, err) < 0)
		return -1;
	if (!uuid_eq(&s.archive, keyring_archive(archive_keys(a))) || s.stamp != stamp->stamp ||
	    s.mails != stamp->mails || s.leaves != stamp->leaves)
		return err_set(err, ERR_DAMAGED, "its statement is another one's");
	return 0;
}

int proof_check_stamp(struct archive *a, const struct stamp_row *stamp, const struct digest *root,
		      int64_t at_s, struct arena *arena, struct token_info *info_r, struct err *err)
{
	CLEAN(token_trust) trust = NULL;
	struct digest pair[2] = {*root, digest_of(stamp->digest, stamp->statement)};
	struct digest imprint = digest_node(stamp->digest, pair, 2);

	if (check_statement(a, stamp, err) < 0)
		return -1;
	if (token_trust_new(stamp->ca, &trust, err) < 0) {
		err->kind = ERR_DAMAGED; /* it was good when it was kept */
		return err_add(err, "the authority's certificate that is kept with it");
	}
	if (token_verify(stamp->token, stamp->digest, &imprint, trust, at_s, arena, info_r, err) <
	    0)
		return -1;
	if (info_r->time_ms != stamp->time_ms) /* what it renewed was held to that time */
		return err_set(err, ERR_DAMAGED,
			       "the catalog gives it another time than its token does");
	return 0;
}

int proof_time_of(struct archive *a, const struct stamp_row *stamp, int64_t at_s, int64_t *time_s_r,
		  struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct stamp_row by;
	int rc;

	*time_s_r = at_s;
	if (stamp->covered_by == 0)
		return 0;
	rc = stamps_get(archive_catalog(a), arena, stamp->covered_by, &by, err);
	if (rc > 0)
		*time_s_r = by.time_ms / 1000;
	return rc < 0 ? -1 : 0;
}

static int other_leaf(const struct proof_link *link, struct err *err)
{
	if (link->begins_chain)
		return err_set(
			err, ERR_DAMAGED,
			"timestamp %llu was made of other bytes: the mail, or what is known of "
			"how it came, was changed since",
			(unsigned long long)link->stamp.stamp);
	return err_set(err, ERR_DAMAGED,
		       "timestamp %llu renewed another token than the one that is kept",
		       (unsigned long long)link->stamp.stamp);
}

/* Is LEAF the one that is kept? */
static int check_leaf(struct archive *a, const struct proof_link *link, const struct digest *leaf,
		      struct err *err)
{
	struct stamp_nodes nodes = {archive_catalog(a), link->stamp.stamp, STR_INIT};
	struct digest kept;
	int rc = hash_tree_leaf(link->stamp.digest, link->stamp.leaves, link->at, stamp_nodes_fetch,
				&nodes, &kept, err);

	str_clear(&nodes.buf);
	if (rc < 0 || digest_eq(link->stamp.digest, leaf, &kept))
		return rc;
	return other_leaf(link, err);
}

static struct digest leaf_of(const struct proof_link *link, struct arena *arena)
{
	struct digest *group = arena_get(arena, link->n_group * sizeof(*group));

	memcpy(group, link->group, link->n_group * sizeof(*group));
	return digest_node(link->stamp.digest, group, link->n_group);
}

/* A leaf that leads to the token is proved, whatever is kept in its place; one that does not is looked up there, so that a changed mail
 * is told apart from a damaged tree. */
static int check_link(struct archive *a, const struct proof_link *link, int64_t at_s,
		      struct arena *arena, struct token_info *info_r, struct err *err)
{
	struct digest leaf = leaf_of(link, arena);
	struct digest root = hash_path_root(link->stamp.digest, &leaf, &link->path);
	struct err other = {0};

	if (proof_check_stamp(a, &link->stamp, &root, at_s, arena, info_r, err) == 0)
		return 0;
	if (check_leaf(a, link, &leaf, &other) < 0) {
		*err = other;
		return -1;
	}
	return err_add(err, "timestamp %llu", (unsigned long long)link->stamp.stamp);
}

/* Whose leaf is not the one that is kept may be proved nevertheless: then it is the tree that is damaged. */
int proof_check_leaves(struct archive *a, const struct proof_links *links, struct arena *arena,
		       struct err *err)
{
	for (size_t i = 0; i < links->n; i++) {
		const struct proof_link *link = &links->v[i];
		struct digest leaf = leaf_of(link, arena);
		struct token_info info;
		struct err why = {0};

		if (check_leaf(a, link, &leaf, err) == 0)
			continue;
		if (!proof_is_broken_by(err->kind) ||
		    check_link(a, link, link->stamp.time_ms / 1000, arena, &info, &why) < 0)
			return -1;
		err_clear(err);
	}
	return 0;
}

int proof_check_links(struct archive *a, const struct proof_links *links, int64_t at_s,
		      struct arena *arena, struct token_info *first_r, struct err *err)
{
	for (size_t i = 0; i < links->n; i++) {
		int64_t then_s = i + 1 < links->n ? links->v[i + 1].stamp.time_ms / 1000 : at_s;
		struct token_info info;

		if (check_link(a, &links->v[i], then_s, arena, &info, err) < 0)
			return -1;
		if (i == 0)
			*first_r = info;
	}
	return 0;
}

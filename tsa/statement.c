/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/stamp.h"

#define FIRST_LINE "sealpost timestamp statement v1"
#define NONE "none"

static bool is_zero(const struct hash *hash)
{
	static const struct hash zero;

	return memcmp(hash->b, zero.b, HASH_BYTES) == 0;
}

static void add_hash(struct str *text, const char *name, const struct hash *hash)
{
	str_addf(text, "%s: ", name);
	if (is_zero(hash))
		str_adds(text, NONE);
	else
		str_addhex(text, hash->b, HASH_BYTES);
	str_addc(text, '\n');
}

static void add_number(struct str *text, const char *name, uint64_t n)
{
	str_addf(text, "%s: %llu\n", name, (unsigned long long)n);
}

void stamp_statement_write(const struct stamp_statement *s, struct str *text)
{
	str_adds(text, FIRST_LINE "\n");
	str_adds(text, "archive: ");
	uuid_add(text, &s->archive);
	str_addc(text, '\n');
	add_number(text, "timestamp", s->stamp);
	add_hash(text, "previous", &s->previous);
	add_number(text, "mails", s->mails);
	add_number(text, "leaves", s->leaves);
	add_number(text, "audit-lines", s->audit_lines);
	add_hash(text, "audit", &s->audit);
}

/* The value of the next line, which must have this name. */
static int take(struct view *rest, const char *name, struct view *value_r)
{
	struct view line;
	size_t len = strlen(name);

	if (!view_cut(rest, '\n', &line) || !view_starts(line, name) || line.len < len + 2 ||
	    memcmp(line.data + len, ": ", 2) != 0)
		return -1;
	*value_r = (struct view){line.data + len + 2, line.len - len - 2};
	return 0;
}

static int take_hash(struct view *rest, const char *name, struct hash *hash_r)
{
	struct view value;

	*hash_r = (struct hash){0};
	if (take(rest, name, &value) < 0)
		return -1;
	return view_eq(value, VIEW(NONE)) ? 0 : str_unhex(value, hash_r->b, HASH_BYTES);
}

static int take_number(struct view *rest, const char *name, uint64_t *n_r)
{
	struct view value;

	*n_r = 0;
	if (take(rest, name, &value) < 0 || value.len == 0 || value.len > 19)
		return -1;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return -1;
		*n_r = *n_r * 10 + (uint64_t)(value.data[i] - '0');
	}
	return 0;
}

/* Strictly: there is one text of each statement. */
int stamp_statement_read(struct view text, struct stamp_statement *s, struct err *err)
{
	CLEAN_STR again = STR_INIT;
	struct view rest = text, first, archive;

	*s = (struct stamp_statement){0};
	if (!view_cut(&rest, '\n', &first) || !view_eq(first, VIEW(FIRST_LINE)) ||
	    take(&rest, "archive", &archive) < 0 || uuid_read(archive, &s->archive) < 0 ||
	    take_number(&rest, "timestamp", &s->stamp) < 0 ||
	    take_hash(&rest, "previous", &s->previous) < 0 ||
	    take_number(&rest, "mails", &s->mails) < 0 ||
	    take_number(&rest, "leaves", &s->leaves) < 0 ||
	    take_number(&rest, "audit-lines", &s->audit_lines) < 0 ||
	    take_hash(&rest, "audit", &s->audit) < 0)
		return err_set(err, ERR_DAMAGED, "the statement of a timestamp is malformed");
	stamp_statement_write(s, &again);
	if (!view_eq(str_view(&again), text))
		return err_set(err, ERR_DAMAGED, "the statement of a timestamp is malformed");
	return 0;
}

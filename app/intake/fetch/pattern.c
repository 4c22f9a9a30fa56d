/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/pattern.h"

static const char *const uses[] = {"\\All",  "\\Archive", "\\Drafts", "\\Flagged",
				   "\\Junk", "\\Sent",    "\\Trash",  "\\Important"};

struct view special_use(struct view flag)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		if (view_eq_nocase(flag, VIEW(uses[i])))
			return VIEW(uses[i]);
	}
	return (struct view){NULL, 0};
}

static bool is_escaped(struct view v)
{
	return v.len >= 2 && v.data[0] == '\\' && strchr("&*!\\", v.data[1]) != NULL;
}

static struct view skip(struct view v, size_t n)
{
	return (struct view){v.data + n, v.len - n};
}

/* The next condition of a rule, without the "&" behind it. */
static bool cut_condition(struct view *rule, struct view *condition_r)
{
	struct view rest = *rule;

	if (rule->data == NULL)
		return false;
	while (rest.len > 0 && rest.data[0] != '&')
		rest = skip(rest, is_escaped(rest) ? 2 : 1);
	*condition_r = view_trim((struct view){rule->data, rule->len - rest.len});
	*rule = rest.len > 0 ? skip(rest, 1) : (struct view){NULL, 0};
	return true;
}

/* As above, and whether it is turned round. */
static bool cut_test(struct view *rule, bool *not_r, struct view *what_r)
{
	if (!cut_condition(rule, what_r))
		return false;
	*not_r = what_r->len > 0 && what_r->data[0] == '!';
	if (*not_r)
		*what_r = view_trim(skip(*what_r, 1));
	return true;
}

static bool is_use(struct view what)
{
	return what.len > 0 && what.data[0] == '\\' && !is_escaped(what);
}

/* In linear memory, and time that no pattern can blow up: only the last "*" is ever tried again. */
static bool matches(struct view glob, struct view name)
{
	struct view star = {NULL, 0}, from = name;

	while (name.len > 0) {
		size_t escape = is_escaped(glob) ? 1 : 0;

		if (glob.len > 0 && glob.data[0] == '*') {
			star = glob = skip(glob, 1);
			from = name;
		} else if (glob.len > escape && glob.data[escape] == name.data[0]) {
			glob = skip(glob, 1 + escape);
			name = skip(name, 1);
		} else if (star.data != NULL) {
			glob = star;
			name = from = skip(from, 1);
		} else {
			return false;
		}
	}
	while (glob.len > 0 && glob.data[0] == '*')
		glob = skip(glob, 1);
	return glob.len == 0;
}

static bool holds(struct view what, struct view folder, struct view use)
{
	if (is_use(what))
		return view_eq_nocase(what, use);
	if (view_eq_nocase(folder, VIEW("INBOX")))
		return view_eq_nocase(what, folder) || matches(what, VIEW("INBOX"));
	return matches(what, folder);
}

static bool rule_wants(struct view rule, struct view folder, struct view use)
{
	struct view what;
	bool not ;

	while (cut_test(&rule, &not, &what)) {
		if (holds(what, folder, use) == not )
			return false;
	}
	return true;
}

bool pattern_wants(struct view pattern, struct view folder, struct view use)
{
	struct view rule;

	if (view_trim(pattern).len == 0)
		pattern = VIEW(PATTERN_DEFAULT);
	while (view_cut(&pattern, '\n', &rule)) {
		rule = view_trim(rule);
		if (rule.len > 0 && rule_wants(rule, folder, use))
			return true;
	}
	return false;
}

static int check_rule(struct view rule, bool *only_excludes_r, struct err *err)
{
	struct view what;
	bool not ;

	*only_excludes_r = true;
	while (cut_test(&rule, &not, &what)) {
		*only_excludes_r = *only_excludes_r && not ;
		if (what.len == 0)
			return err_set(err, ERR_SYNTAX,
				       "the folder pattern has an empty condition");
		if (is_use(what) && special_use(what).len == 0)
			return err_set(err, ERR_SYNTAX,
				       "the folder pattern names a special use that there is not: "
				       "%.*s",
				       (int)(what.len < 64 ? what.len : 64), what.data);
	}
	return 0;
}

int pattern_check(struct view pattern, struct err *err)
{
	struct view rule;
	bool only_excludes;
	int n_excluding = 0;

	while (view_cut(&pattern, '\n', &rule)) {
		rule = view_trim(rule);
		if (rule.len == 0)
			continue;
		if (check_rule(rule, &only_excludes, err) < 0)
			return -1;
		n_excluding += only_excludes;
	}
	if (n_excluding > 1)
		return err_set(err, ERR_SYNTAX,
			       "two rules that only exclude let everything pass, since a folder is "
			       "wanted if any rule holds; join them by &: !one&!two");
	return 0;
}

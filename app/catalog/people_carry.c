/* SPDX-License-Identifier: GPL-3.0-or-later */
/* People on their way from an older catalog into one made anew. Sessions stay behind, and so do failed log-ins. */
#include "app/catalog/carry.h"
#include "app/catalog/people_priv.h"

static const struct carry tables[] = {
	{"SELECT person, source, uid, name, shown, role, password, state, language, theme, login_s "
	 "FROM people",
	 "INSERT INTO people (person, source, uid, name, shown, role, password, state, language, "
	 "theme, login_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
	 /* the fixed ones are in every catalog from the start */
	 "ON CONFLICT (person) DO UPDATE SET password = excluded.password, state = excluded.state, "
	 "shown = excluded.shown, language = excluded.language, theme = excluded.theme, "
	 "login_s = excluded.login_s",
	 "iitttititti"},
	{"SELECT person, tied FROM people WHERE tied IS NOT NULL",
	 "UPDATE people SET tied = ?2 WHERE person = ?1", "ii"},
	/* no number is used again, also not that of one who is gone (PE1) */
	{"SELECT seq FROM sqlite_sequence WHERE name = 'people'",
	 "UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'people'", "i"},
	{"SELECT person, addr FROM person_addresses",
	 "INSERT INTO person_addresses VALUES (?1, ?2)", "it"},
	{"SELECT domain, main FROM domains", "INSERT INTO domains VALUES (?1, ?2)", "ti"},
	{"SELECT grp, source, uid, name FROM groups",
	 "INSERT INTO groups (grp, source, uid, name) VALUES (?1, ?2, ?3, ?4)", "iitt"},
	{"SELECT grp, addr FROM group_addresses", "INSERT INTO group_addresses VALUES (?1, ?2)",
	 "it"},
	{"SELECT grp, addr FROM group_members", "INSERT INTO group_members VALUES (?1, ?2)", "it"},
	{"SELECT grp, person FROM group_people", "INSERT INTO group_people VALUES (?1, ?2)", "ii"},
	{"SELECT person, kind, name, folder FROM bounds",
	 "INSERT INTO bounds VALUES (?1, ?2, ?3, ?4)", "iitt"},
	{"SELECT person, from_s, until_s, valid_until_s FROM bound_dates",
	 "INSERT INTO bound_dates VALUES (?1, ?2, ?3, ?4)", "iiii"},
	{"SELECT token, hash, person, name, scopes, made_s, ends_s, used_s FROM api_tokens",
	 "INSERT INTO api_tokens (token, hash, person, name, scopes, made_s, ends_s, used_s) "
	 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	 "ibitiiii"},
	{"SELECT person, secret, confirmed, step FROM totp",
	 "INSERT INTO totp VALUES (?1, ?2, ?3, ?4)", "ibii"},
	{"SELECT person, hash FROM recovery_codes", "INSERT INTO recovery_codes VALUES (?1, ?2)",
	 "ib"},
	{"SELECT search, person, name, query FROM saved_searches",
	 "INSERT INTO saved_searches (search, person, name, query) VALUES (?1, ?2, ?3, ?4)",
	 "iitt"},
};

static int carry_rows(struct catalog *to, void *arg, struct err *err)
{
	return carry_tables(arg, to, tables, sizeof(tables) / sizeof(*tables), err);
}

int people_carry_over(struct catalog *from, struct catalog *to, struct err *err)
{
	return write_all(to, err, carry_rows, from);
}

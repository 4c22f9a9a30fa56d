/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/places.h"

#include "base/arena.h"

int places_load(const struct cmd *cmd, struct places *p)
{
	struct err err = {0};

	if ((p->user == NULL) != (p->password_file == NULL))
		return cmd_usage(cmd, "--user and --password-file are given together");
	if (p->password_file != NULL &&
	    cmd_password(cmd, "the user", p->password_file, false, &p->password) < 0)
		return EXIT_FAILED;
	p->v = mem_new((p->locations.n + 1) * sizeof(*p->v));
	for (size_t i = 0; i < p->locations.n; i++) {
		const char *location = p->locations.v[i];

		if (site_check(location, &err) < 0)
			return cmd_fail(cmd, &err);
		p->v[p->n] = (struct site){.location = location};
		if (site_is_share(location)) {
			p->v[p->n].user = p->user;
			p->v[p->n].domain = p->domain;
			p->v[p->n].password = p->password;
		}
		p->n++;
	}
	return EXIT_DONE;
}

void places_clear(struct places *p)
{
	free(p->locations.v);
	free(p->v);
	secret_free(&p->password);
	*p = (struct places){0};
}

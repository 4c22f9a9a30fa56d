/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/route.h"

const struct route routes[] = {
#define X(method, path, name, needs, body, flags)                                                  \
	{METHOD_##method, path, #name, api_##name, NEEDS_##needs, BODY_##body, flags},
	ROUTES(X)
#undef X
};
const size_t n_routes = sizeof(routes) / sizeof(*routes);

static const char *const method_texts[METHODS] = {
	[METHOD_GET] = "GET",     [METHOD_POST] = "POST",     [METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE",
};

const char *method_text(enum api_method method)
{
	return method_texts[method];
}

int method_read(const char *text, enum api_method *method_r)
{
	if (strcmp(text, "HEAD") == 0)
		text = "GET";
	for (enum api_method m = 0; m < METHODS; m++)
		if (strcmp(text, method_texts[m]) == 0) {
			*method_r = m;
			return 0;
		}
	return -1;
}

const char *needs_text(enum route_needs needs)
{
	static const char *const texts[] = {
#define X(name) #name,
		ROUTE_NEEDS(X)
#undef X
	};

	return texts[needs];
}

/* Does PATH ("/mails/{id}") stand for these segments? */
static bool fits(const char *path, const struct view *segments, size_t n,
		 struct route_params *params)
{
	struct view rest = VIEW(path + 1), part;
	size_t i = 0;

	params->n = 0;
	while (view_cut(&rest, '/', &part)) {
		if (i == n)
			return false;
		if (part.data[0] == '{') {
			params->v[params->n].name = part.data + 1;
			params->v[params->n++].value = segments[i];
		} else if (!view_eq(part, segments[i])) {
			return false;
		}
		i++;
	}
	return i == n;
}

/* A path that is written out comes before one with a {name} in its place, wherever they stand in the table. */
int route_find(enum api_method method, const struct view *segments, size_t n,
	       const struct route **route_r, struct route_params *params_r)
{
	const struct route *best = NULL;
	struct route_params params;

	*route_r = NULL;
	for (size_t i = 0; i < n_routes; i++) {
		if (!fits(routes[i].path, segments, n, &params))
			continue;
		*route_r = &routes[i];
		if (routes[i].method != method || (best != NULL && params.n >= params_r->n))
			continue;
		best = &routes[i];
		*params_r = params;
	}
	if (best != NULL)
		*route_r = best;
	return best != NULL;
}

void route_methods(const struct view *segments, size_t n, struct str *out)
{
	struct route_params params;
	unsigned has = 0;

	for (size_t i = 0; i < n_routes; i++)
		if (fits(routes[i].path, segments, n, &params))
			has |= 1U << routes[i].method;
	for (enum api_method m = 0; m < METHODS; m++)
		if (has & 1U << m)
			str_addf(out, "%s%s", out->len > 0 ? ", " : "", method_texts[m]);
}

void routes_table(struct str *out)
{
	static const char *const bodies[] = {"nothing", "json", "stream"};

	for (size_t i = 0; i < n_routes; i++)
		str_addf(out, "%s %s %s %s %s\n", method_text(routes[i].method), routes[i].path,
			 needs_text(routes[i].needs), bodies[routes[i].body], routes[i].name);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Every screen: where it is, who may see it, and whether the menu names it. A screen is loaded when it is first
// visited. What this table hides is hidden for tidiness; the server decides what anybody gets.
import { lazy, type ComponentType, type LazyExoticComponent } from "react";
import type { Person, Right } from "#/api/types";
import type { en } from "./en";
import { adminRoutes } from "./routes.admin";

export interface ScreenProps {
	/* What the path's :names stand for. */
	readonly params: Readonly<Record<string, string>>;
}

export interface Route {
	/* "/mail/:id" */
	readonly path: string;
	readonly screen: LazyExoticComponent<ComponentType<ScreenProps>>;
	/* One of these is enough; none: whoever is logged in. */
	readonly rights?: readonly Right[];
	readonly when?: (person: Person) => boolean;
	/* The menu's word, in the order of this table. */
	readonly nav?: keyof typeof en;
	/* Stands for the menu's word of another path, such as a mail for the search. */
	readonly under?: string;
}

export const routes: readonly Route[] = [
	{
		path: "/search",
		screen: lazy(() => import("#/screens/search/Search")),
		rights: ["SEARCH"],
		nav: "nav.search",
	},
	{
		path: "/mail/:id",
		screen: lazy(() => import("#/screens/reading/Reading")),
		rights: ["READ"],
		under: "/search",
	},
	...adminRoutes,
	{ path: "/account", screen: lazy(() => import("#/screens/account/Account")) },
];

export function mayVisit(route: Route, person: Person): boolean {
	if (route.rights && !route.rights.some((right) => person.rights.includes(right))) return false;
	return route.when ? route.when(person) : true;
}

/* Where somebody begins: the first screen of the menu that is his. */
export function startOf(person: Person): string {
	return routes.find((route) => route.nav && mayVisit(route, person))?.path ?? "/account";
}

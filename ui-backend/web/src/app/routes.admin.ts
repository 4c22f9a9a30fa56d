// SPDX-License-Identifier: GPL-3.0-or-later
// The screens of those who run the archive and watch over it; part of routes.ts.
import { lazy } from "react";
import type { Route } from "./routes";

export const adminRoutes: readonly Route[] = [
	{
		path: "/requests",
		screen: lazy(() => import("#/screens/requests/Requests")),
		rights: ["REQUEST", "DECIDE", "HOLD"],
		when: (person) => person.deletion !== "off" || person.role === "dataofficer",
		nav: "nav.requests",
	},
	{ path: "/admin/users", screen: lazy(() => import("#/screens/admin/People")), rights: ["CONFIGURE"], nav: "nav.people" },
	{ path: "/admin/groups", screen: lazy(() => import("#/screens/admin/Groups")), rights: ["CONFIGURE"], nav: "nav.groups" },
	{ path: "/admin/sources", screen: lazy(() => import("#/screens/admin/Sources")), rights: ["CONFIGURE"], nav: "nav.sources" },
	{ path: "/admin/rules", screen: lazy(() => import("#/screens/admin/Rules")), rights: ["CONFIGURE"], nav: "nav.rules" },
	{ path: "/admin/media", screen: lazy(() => import("#/screens/admin/Media")), rights: ["CONFIGURE"], nav: "nav.media" },
	{ path: "/admin/intake", screen: lazy(() => import("#/screens/admin/Intake")), rights: ["CONFIGURE"], nav: "nav.intake" },
	{ path: "/admin/backup", screen: lazy(() => import("#/screens/admin/Backup")), rights: ["CONFIGURE"], nav: "nav.backup" },
	{ path: "/admin/timestamps", screen: lazy(() => import("#/screens/admin/Timestamps")), rights: ["CONFIGURE"], nav: "nav.timestamps" },
	{ path: "/admin/key", screen: lazy(() => import("#/screens/admin/Key")), rights: ["CONFIGURE"], nav: "nav.key" },
	{ path: "/admin/tools", screen: lazy(() => import("#/screens/admin/Tools")), rights: ["CONFIGURE"], nav: "nav.tools" },
	{ path: "/admin/spool", screen: lazy(() => import("#/screens/admin/Spool")), rights: ["CONFIGURE"], nav: "nav.spool" },
	{ path: "/admin/jobs", screen: lazy(() => import("#/screens/admin/Jobs")), rights: ["CONFIGURE"], nav: "nav.jobs" },
	{ path: "/admin/statistics", screen: lazy(() => import("#/screens/admin/Statistics")), rights: ["CONFIGURE"], nav: "nav.statistics" },
	{ path: "/log", screen: lazy(() => import("#/screens/admin/Log")), rights: ["AUDIT_LOG"], nav: "nav.log" },
	{ path: "/admin/appearance", screen: lazy(() => import("#/screens/admin/Appearance")), rights: ["CONFIGURE"], nav: "nav.appearance" },
];

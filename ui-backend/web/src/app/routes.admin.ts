// SPDX-License-Identifier: GPL-3.0-or-later
// The screens of those who run the archive and watch over it; part of routes.ts.
import type { Route } from "./routes";

export const adminRoutes: readonly Route[] = [];

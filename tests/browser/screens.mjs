// SPDX-License-Identifier: GPL-3.0-or-later
// Pictures of every screen, wide and narrow, light and dark, in both languages, for people to look at: build/screens.
// @ts-check
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { mailId, startArchive } from "./archive.mjs";
import { openPage, SCREENS, startBrowser } from "./browser.mjs";

/** @typedef {{name: string, at: string, role?: any, loggedIn?: boolean, then?: (page: import("playwright-core").Page) => Promise<unknown>}} Screen */
/** @type {Screen[]} */
const ALL = [
	{ name: "login", at: "", loggedIn: false },
	{ name: "search", at: "#/search?q=angebot" },
	{ name: "search-selected", at: "#/search", role: "auditor", then: async (page) => { await page.locator(".sp-row input").nth(1).check(); await page.locator(".sp-row input").nth(3).check(); } },
	{ name: "search-form", at: "#/search?q=from:anna+rechn*+has:attachment", then: (page) => page.getByRole("button", { name: /Refine|Verfeinern/ }).click() },
	{ name: "search-suggest", at: "#/search", then: async (page) => { await page.getByRole("combobox").fill("f"); await page.getByRole("option").first().waitFor(); } },
	{ name: "search-mistake", at: "#/search?q=angebot+from:+anna" },
	{ name: "search-nothing", at: "#/search?q=nothing" },
	{ name: "search-broken", at: "#/search?q=broken" },
	{ name: "reading", at: `#/mail/${mailId(0)}?q=angebot`, role: "auditor" },
	{ name: "account", at: "#/account" },
];

const only = process.argv.slice(2);
mkdirSync(SCREENS, { recursive: true });
const browser = await startBrowser();
for (const screen of ALL) {
	if (only.length && !only.some((name) => screen.name.startsWith(name))) continue;
	const archive = await startArchive({ ...(screen.role ? { role: screen.role } : {}), loggedIn: screen.loggedIn ?? true });
	for (const [width, scheme, locale] of /** @type {const} */ ([[1280, "light", "de-DE"], [1280, "dark", "en-GB"], [360, "light", "en-GB"], [360, "dark", "de-DE"]])) {
		const { context, page, faults } = await openPage(browser, { viewport: { width, height: width > 400 ? 800 : 740 }, colorScheme: scheme, locale });
		await page.goto(archive.url + screen.at);
		await page.waitForLoadState("networkidle");
		await screen.then?.(page);
		await page.waitForLoadState("networkidle");
		await page.screenshot({ path: join(SCREENS, `${screen.name}-${width}-${scheme}-${locale.slice(0, 2)}.png`) });
		for (const fault of faults) console.log(`${screen.name} ${width}: ${fault}`);
		await context.close();
	}
	await archive.close();
}
await browser.close();

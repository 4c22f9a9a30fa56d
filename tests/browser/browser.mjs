// SPDX-License-Identifier: GPL-3.0-or-later
// Debian's Chromium, driven by the playwright-core that the page's lock file names.
// @ts-check
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../../ui-backend/web/package.json", import.meta.url));
/** @type {typeof import("playwright-core")} */
const { chromium } = require("playwright-core");
export const AXE = require.resolve("axe-core/axe.min.js");
export const SCREENS = fileURLToPath(new URL("../../build/screens", import.meta.url));

export function startBrowser() {
	return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}

/**
 * A page on which every error and every refusal by the policy is kept in `faults`.
 * @param {import("playwright-core").Browser} browser
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function openPage(browser, options = {}) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce", ...options });
	const page = await context.newPage();
	/** @type {string[]} */
	const faults = [];
	page.on("pageerror", (error) => faults.push(String(error)));
	page.on("console", (message) => {
		if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(message.text());
	});
	return { context, page, faults };
}

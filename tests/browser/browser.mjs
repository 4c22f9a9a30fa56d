// SPDX-License-Identifier: GPL-3.0-or-later
// Debian's Chromium, driven by the playwright-core that the page's lock file names.
// @ts-check
import assert from "node:assert/strict";
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

/**
 * Somebody logs in to the archive's own server, SEALPOST_URL, with SEALPOST_PASSWORD, and does RUN.
 * @param {import("playwright-core").Browser} browser
 * @param {string} name
 * @param {(page: import("playwright-core").Page) => Promise<void>} run
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function asPerson(browser, name, run, options = {}) {
	const { context, page, faults } = await openPage(browser, options);
	try {
		await page.goto(process.env.SEALPOST_URL ?? "");
		await page.locator("input").first().fill(name);
		await page.locator("input[type=password]").fill(process.env.SEALPOST_PASSWORD ?? "");
		await page.keyboard.press("Enter");
		await page.locator("input[type=password]").waitFor({ state: "detached" });
		await run(page);
		assert.deepEqual(faults, [], "no error and no breach of the policy");
	} finally {
		await context.close();
	}
}

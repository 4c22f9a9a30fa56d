// SPDX-License-Identifier: GPL-3.0-or-later
// A licence that is asked for and has ended, and one that fits, before the archive's own server (tests/system/test_browser.py).
// @ts-check
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { asPerson, AXE, SCREENS, startBrowser } from "../browser.mjs";

const { SEALPOST_URL: url = "", SEALPOST_LICENCE: licence = "" } = process.env;
const axe = readFileSync(AXE, "utf8");

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
	browser = await startBrowser();
	mkdirSync(SCREENS, { recursive: true });
});
after(() => browser.close());

test("the administrator is told that the licence has ended, and installs one that fits", () =>
	asPerson(browser, "admin", async (page) => {
		await page.goto(`${url}#/admin/rules`);
		await page.getByRole("heading", { name: /The licence has ended/ }).waitFor();
		await page.getByRole("heading", { name: "Licence", exact: true }).waitFor();
		await page.getByText("Old GmbH").waitFor();
		await page.evaluate(axe);
		const found = await page.evaluate(async () => (await /** @type {any} */ (window).axe.run()).violations.map((/** @type {any} */ one) => one.id));
		assert.deepEqual(found, [], "nothing that hinders anybody");
		await page.screenshot({ path: join(SCREENS, "licence-ended.png"), fullPage: true });
		await page.locator("input[type=file]").setInputFiles(licence);
		await page.getByRole("button", { name: "Install" }).click();
		await page.getByText("The licence was installed.").waitFor();
		await page.getByText("Muster GmbH").waitFor();
		await page.getByRole("heading", { name: /The licence has ended/ }).waitFor({ state: "detached" });
		await page.screenshot({ path: join(SCREENS, "licence-valid.png"), fullPage: true });
	}, { locale: "en-GB" }));

test("a person sees nothing of it", () =>
	asPerson(browser, "anna", async (page) => {
		await page.locator(".sp-search").waitFor();
		assert.equal(await page.getByText(/licence/i).count(), 0);
	}, { locale: "en-GB" }));

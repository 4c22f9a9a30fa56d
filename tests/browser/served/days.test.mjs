// SPDX-License-Identifier: GPL-3.0-or-later
// The page before the archive's own server, as tests/system/test_browser.py starts it: a day of each who works with mail.
// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { openPage, startBrowser } from "../browser.mjs";

const url = process.env.SEALPOST_URL ?? "";
const password = process.env.SEALPOST_PASSWORD ?? "";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
	browser = await startBrowser();
});
after(() => browser.close());

/**
 * @param {string} name
 * @param {(page: import("playwright-core").Page) => Promise<void>} run
 */
async function asPerson(name, run) {
	const { context, page, faults } = await openPage(browser);
	try {
		await page.goto(url);
		await page.getByLabel("Name").fill(name);
		await page.getByLabel("Password", { exact: true }).fill(password);
		await page.keyboard.press("Enter");
		await page.getByRole("button", { name: "Log in" }).waitFor({ state: "detached" });
		await run(page);
		assert.deepEqual(faults, [], "no error and no breach of the policy");
	} finally {
		await context.close();
	}
}

test("a person finds a mail of hers, reads it, notes something, and has the original", () =>
	asPerson("anna", async (page) => {
		await page.locator(".sp-row").first().waitFor();
		await page.keyboard.press("/");
		await page.keyboard.type("boundary never");
		await page.keyboard.press("Enter");
		await page.getByText("1 mail").waitFor();
		await page.locator(".sp-row").first().click();
		await page.getByRole("heading", { name: "Boundary never closed" }).waitFor();
		await page.getByPlaceholder("A note, for yourself alone").fill("ask Carl zebra");
		await page.getByRole("button", { name: "Save the note" }).click();
		await page.getByText("The note was saved.").waitFor();
		const download = page.waitForEvent("download");
		await page.getByText("Download the original").click();
		const file = await (await download).path();
		assert.match(readFileSync(file, "latin1"), /^Subject: Boundary never closed\r?$/m);
		await page.goto(`${url}#/search?q=zebra`);
		await page.getByText("1 mail").waitFor();
		await page.goto(`${url}#/search?q=from:dora+-to:anna.becker`);
		await page.getByText(/no mail|nothing/i).first().waitFor();
	}));

test("an auditor sees all mail, and verifies one", () =>
	asPerson("auditor", async (page) => {
		await page.getByText("49 mails").waitFor();
		await page.goto(`${url}#/search?q=zebra`);
		await page.getByText(/no mail|nothing/i).first().waitFor();
		await page.goto(`${url}#/search?q=subject:einladung`);
		await page.locator(".sp-row").first().click();
		await page.getByRole("button", { name: "Verify now" }).click();
		await page.getByText("Unchanged").first().waitFor();
	}));

test("a wrong password and an unknown name are told the same", async () => {
	const said = [];
	for (const name of ["anna", "nobody"]) {
		const { context, page } = await openPage(browser);
		await page.goto(url);
		await page.getByLabel("Name").fill(name);
		await page.getByLabel("Password", { exact: true }).fill("wrong");
		await page.keyboard.press("Enter");
		const alert = page.locator(".pf-v6-c-alert");
		await alert.waitFor();
		said.push(await alert.textContent());
		await context.close();
	}
	assert.equal(said[0], said[1]);
});

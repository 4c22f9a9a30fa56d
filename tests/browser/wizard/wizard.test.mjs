// SPDX-License-Identifier: GPL-3.0-or-later
// The administrator's first hour, as tests/system/test_browser.py starts it: from an empty directory to a mail that is found.
// @ts-check
import assert from "node:assert/strict";
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

test("from an empty directory to a mail that is found", async () => {
	const { context, page, faults } = await openPage(browser);
	const next = () => page.getByRole("button", { name: "Next", exact: true }).click();
	await page.goto(url);

	await page.getByLabel("Set-up token").fill(process.env.SEALPOST_SETUP ?? "");
	await page.getByLabel("Name of the archive").fill("Example Ltd");
	await page.getByLabel("Password for admin").fill(password);
	await page.getByRole("button", { name: "Make the archive" }).click();

	await page.getByLabel("Name or mail address").fill("admin");
	await page.getByLabel("Password", { exact: true }).fill(password);
	await page.keyboard.press("Enter");

	// The key comes first, and is not on paper before two groups of it were typed back.
	await page.getByRole("heading", { name: "Archive key" }).waitFor();
	await page.getByLabel("A password for the backup").fill("on paper it means nothing");
	await page.getByRole("button", { name: "Make a backup" }).click();
	await page.getByRole("button", { name: "Print the page" }).waitFor();
	for (const field of await page.getByLabel(/^Line \d+, group \d+/).all()) await field.fill("wrong");
	await page.getByRole("button", { name: "Is it on paper?" }).click();
	await page.locator(".pf-v6-c-alert.pf-m-danger").first().waitFor();
	await page.getByRole("button", { name: "Put it off" }).click();
	await page.getByText("The backup of the key was put off").waitFor();

	for (const step of ["Storage media", "Backup", "Mail intake", "Timestamps", "Users", "A mail through the archive"]) {
		await next();
		await page.getByRole("heading", { level: 1, name: step }).waitFor();
	}
	await page.getByRole("button", { name: "Send the test mail" }).click();
	await page.getByText("The archive works.").waitFor({ timeout: 120_000 });
	await page.getByRole("button", { name: "Done", exact: true }).click();

	// From now on he is where every administrator is.
	await page.getByRole("button", { name: "Add a user" }).waitFor();
	assert.deepEqual(faults, [], "no error and no breach of the policy");
	await context.close();
});

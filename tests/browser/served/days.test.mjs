// SPDX-License-Identifier: GPL-3.0-or-later
// The page before the archive's own server, as tests/system/test_browser.py starts it: a day of each who works with mail.
// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { asPerson, AXE, openPage, SCREENS, startBrowser } from "../browser.mjs";

const axe = readFileSync(AXE, "utf8");
const url = process.env.SEALPOST_URL ?? "";
const password = process.env.SEALPOST_PASSWORD ?? "";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
	browser = await startBrowser();
});
after(() => browser.close());

test("a person finds a mail of hers, reads it, notes something, and has the original", () =>
	asPerson(browser, "anna", async (page) => {
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
	asPerson(browser, "auditor", async (page) => {
		await page.getByText("49 mails").waitFor();
		await page.goto(`${url}#/search?q=zebra`);
		await page.getByText(/no mail|nothing/i).first().waitFor();
		await page.goto(`${url}#/search?q=subject:einladung`);
		await page.locator(".sp-row").first().click();
		await page.getByRole("button", { name: "Verify now" }).click();
		await page.getByText("Unchanged").first().waitFor();
	}));

test("a person asks that a mail be deleted, and the data protection officer decides", async () => {
	await asPerson(browser, "anna", async (page) => {
		await page.goto(`${url}#/search?q=subject:%22to+a+group%22`);
		await page.locator(".sp-row").first().click();
		await page.getByRole("button", { name: "Request deletion" }).click();
		const dialog = page.getByRole("dialog");
		await dialog.locator("textarea, input").first().fill("private");
		for (const field of await dialog.locator("input[type=text], input:not([type])").all()) if (!(await field.inputValue())) await field.fill("delete");
		await dialog.getByRole("button", { name: "Request deletion" }).click();
		await dialog.waitFor({ state: "detached" });
	});
	await asPerson(browser, "dataofficer", async (page) => {
		await page.goto(`${url}#/requests`);
		await page.getByText("private").waitFor();
		await page.getByRole("button", { name: "Show the mails" }).click();
		await page.getByText("To a group").waitFor();
		await page.keyboard.press("Escape");
		await page.getByRole("button", { name: "Approve" }).click();
		await page.getByRole("dialog").locator("input").fill("1");
		await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
		await page.getByText("No request waits for a decision.").waitFor();
	});
	await asPerson(browser, "anna", async (page) => {
		await page.goto(`${url}#/search?q=subject:%22to+a+group%22`);
		await page.getByText(/no mail|nothing/i).first().waitFor();
	});
});

test("an administrator adds a user, who logs in; and sees jobs and the log, but no mail", async () => {
	await asPerson(browser, "admin", async (page) => {
		await page.getByRole("button", { name: "Add a user" }).click();
		await page.getByLabel("Log-in name").fill("dora");
		await page.getByLabel("Mail addresses").fill("dora@example.com");
		await page.getByLabel("Password", { exact: false }).last().fill(password);
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByRole("button", { name: "dora", exact: true }).first().waitFor();
		await page.goto(`${url}#/admin/jobs`);
		await page.getByText("update the search index").waitFor();
		await page.goto(`${url}#/log`);
		await page.getByText("person changed").first().waitFor();
		await page.goto(`${url}#/search`);
		await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
	});
	await asPerson(browser, "dora", async (page) => {
		await page.locator(".sp-row").first().waitFor();
	});
});

const ADMIN = ["/admin/users", "/admin/groups", "/admin/sources", "/admin/rules", "/admin/key", "/admin/media", "/admin/intake", "/admin/backup", "/admin/timestamps", "/admin/tools", "/admin/spool", "/admin/jobs", "/admin/statistics", "/log", "/admin/appearance"];
for (const [locale, colorScheme, width] of /** @type {const} */ ([["en-GB", "light", 1280], ["de-DE", "dark", 360]]))
	test(`the administrator's screens: axe finds nothing, and nothing sticks out: ${locale}, ${colorScheme}, ${width} pixels`, () =>
		asPerson(
			browser,
			"admin",
			async (page) => {
				for (const at of ADMIN) {
					await page.goto(`${url}#${at}`);
					await page.getByRole("heading", { level: 1 }).waitFor();
					await page.waitForLoadState("networkidle");
					await page.screenshot({ path: `${SCREENS}/${at.slice(1).replace("/", "-")}-${width}-${colorScheme}-${locale.slice(0, 2)}.png` });
					await page.evaluate(axe);
					const found = await page.evaluate(async () => {
						const { violations } = await /** @type {any} */ (window).axe.run(document, { iframes: false });
						return violations.map((/** @type {any} */ one) => `${one.id}: ${one.nodes.map((/** @type {any} */ node) => node.html.slice(0, 160)).join("\n   ")}`);
					});
					assert.deepEqual(found, [], at);
					const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
					assert.ok(wide <= 1, `${at} is ${wide} pixels too wide`);
				}
			},
			{ locale, colorScheme, viewport: { width, height: 800 } },
		));

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

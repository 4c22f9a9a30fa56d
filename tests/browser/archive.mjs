// SPDX-License-Identifier: GPL-3.0-or-later
// An archive made of fixtures, for tests of the page alone: the built page, and answers in the shapes of openapi.yaml (tsc
// holds them against it), under the headers that sealpost-api sends. What is asked is kept in `asked`.
// @ts-check
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {import("../../ui-backend/web/src/api/schema.gen").components["schemas"]} Schemas */
/** @typedef {Schemas["MailRow"]} MailRow */
/** @typedef {Schemas["Mail"]} Mail */
/** @typedef {Schemas["Session"]} Session */
/** @typedef {Schemas["Role"]} Role */
/** @typedef {Schemas["Right"]} Right */
/** @typedef {Schemas["Task"]} Task */

export const WEB = process.env.SEALPOST_WEB_OUT ?? fileURLToPath(new URL("../../build/web", import.meta.url));

export const POLICY =
	"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data: blob: https: http:; font-src 'self' data:; connect-src 'self'; " +
	"frame-src 'self' blob:; object-src 'none'; manifest-src 'self'; base-uri 'self'; " +
	"form-action 'self'; frame-ancestors 'none'";

const TYPES = {
	".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
	".woff2": "font/woff2", ".json": "application/json",
};

/** @type {Record<string, Right[]>} */
const RIGHTS = {
	user: ["SEARCH", "READ", "DOWNLOAD", "NOTE", "SEND", "EXPORT", "REQUEST"],
	auditor: ["SEARCH", "READ", "DOWNLOAD", "NOTE", "SEND", "EXPORT", "EVIDENCE", "REQUEST", "HOLD", "AUDIT_LOG"],
	revisor: ["SEARCH", "READ", "DOWNLOAD", "EXPORT"],
	dataofficer: ["DECIDE"],
	admin: ["CONFIGURE", "AUDIT_LOG"],
	uploader: ["UPLOAD"],
};

const PEOPLE = [
	"Anna Berger <anna.berger@example.org>", "Otto Kranz <otto.kranz@example.org>", "Muster & Söhne GmbH <rechnung@muster.example>",
	"Mehmet Yılmaz <m.yilmaz@example.net>", "Deutsche Bahn <noreply@bahn.example>", "Claire Fontaine <claire@fontaine.example>",
	"IT-Support <support@example.org>", "Dr. Ulrike Schäfer <schaefer@kanzlei-schaefer.example>", "jenkins@build.example.org",
	"Hans-Peter von und zu Hohenstein-Wittelsbach <hp@hohenstein.example>",
];
const SUBJECTS = [
	"Angebot 2026-0417: Wartungsvertrag für die Heizungsanlage", "Re: Termin am Donnerstag", "Rechnung 88123 vom 14. November",
	"Zahlungserinnerung: Rechnung 87001", "Minutes of the project meeting", "AW: AW: Vertragsentwurf mit Anmerkungen",
	"Ihre Buchungsbestätigung Karlsruhe Hbf – Berlin Hbf", "Build #4711 failed", "Fotos vom Sommerfest", "Lieferschein 2026/1107",
	"Einladung: Hauptversammlung der Muster AG am 12. Dezember 2026 in der Stadthalle, mit Tagesordnung und Vollmacht", "Question on the order of last week",
];
const uuid = (/** @type {number} */ n) => `0f6c1a52-7d3e-4b8a-9c41-${String(n).padStart(12, "0")}`;

/** @returns {MailRow} */
function row(/** @type {number} */ n, /** @type {boolean} */ isAuditor) {
	const sent = new Date(Date.UTC(2026, 10, 23, 9, 12) - n * n * 47 * 60_000);
	/** @type {Schemas["Mark"][]} */
	const marks = [];
	if (n % 3 === 0) marks.push("attachment");
	if (n % 13 === 5) marks.push("spam");
	if (n % 11 === 2) marks.push("flagged");
	if (n % 17 === 4) marks.push("hold");
	if (n % 19 === 7) marks.push("deletionRequested");
	return {
		id: uuid(n),
		from: PEOPLE[(n * 7) % PEOPLE.length] ?? "",
		to: [PEOPLE[(n * 3 + 1) % PEOPLE.length] ?? "", ...(n % 4 === 0 ? ["Vertrieb <vertrieb@example.org>"] : [])],
		...(n % 8 === 0 ? { toMore: 14 } : {}),
		subject: SUBJECTS[(n * 5) % SUBJECTS.length] ?? "",
		sent: sent.toISOString(),
		archived: new Date(sent.getTime() + 4000).toISOString(),
		size: 1800 + ((n * 7919) % 90_000) * (n % 3 === 0 ? 37 : 1),
		attachments: n % 3 === 0 ? 1 + (n % 4) : 0,
		marks,
		categories: n % 9 === 1 ? ["Steuer"] : n % 9 === 4 ? ["Wichtig", "Projekt Nord"] : [],
		hasNote: n % 7 === 3,
		...(isAuditor ? { source: n % 2 ? "milter" : "inbox", medium: 1 + (n % 2) } : {}),
	};
}

export const HTML = `<html><head><style>h1 { color: #0b5cad } .price { text-align: right } td { padding: 4px 12px; border-bottom: 1px solid #ddd }</style></head>
<body style="font-family: Arial, sans-serif; color: #333"><h1>Angebot 2026-0417</h1>
<p>Sehr geehrte Frau Berger,</p><p>vielen Dank für Ihre Anfrage. Gern unterbreiten wir Ihnen das folgende Angebot für die <b>Wartung</b> Ihrer Heizungsanlage:</p>
<table><tr><td>Grundwartung, zweimal jährlich</td><td class="price">480,00 €</td></tr><tr><td>Rufbereitschaft</td><td class="price">220,00 €</td></tr>
<tr><td><b>Summe netto</b></td><td class="price"><b>700,00 €</b></td></tr></table>
<p>Näheres auf <a href="https://www.muster.example/wartung?angebot=417">unserer Seite</a>, oder im <a href="https://phish.example.net/login">https://kundenportal.muster.example</a>.</p>
<p><img src="cid:logo@muster" alt="Muster &amp; Söhne" width="160" height="48"></p><p><img src="https://tracker.example.net/open.gif?id=4711" alt="Banner"></p>
<p>Mit freundlichen Grüßen<br>Karl Muster</p></body></html>`;
export const TEXT = `Sehr geehrte Frau Berger,

vielen Dank für Ihre Anfrage. Gern unterbreiten wir Ihnen das folgende Angebot:

  Grundwartung, zweimal jährlich    480,00 €
  Rufbereitschaft                   220,00 €

Näheres auf https://www.muster.example/wartung?angebot=417

> Am 13. November schrieb Anna Berger:
> > Könnten Sie uns ein Angebot machen?
> Das hören wir gern.

Mit freundlichen Grüßen
Karl Muster
-- 
Muster & Söhne GmbH · Hauptstraße 1 · 76131 Karlsruhe
`;

/** @returns {Mail} */
function mail(/** @type {number} */ n, /** @type {boolean} */ isAuditor) {
	const head = row(n, isAuditor);
	const box = (/** @type {string} */ text) => {
		const parts = /^(.*) <(.*)>$/.exec(text);
		return parts ? { name: parts[1] ?? "", address: parts[2] ?? "" } : { address: text };
	};
	return {
		...head,
		attachments: 3,
		messageId: "CAF=2026-0417@muster.example",
		fromMailbox: box(head.from),
		recipients: { to: head.to.map(box), cc: [box("Einkauf <einkauf@example.org>")], bcc: isAuditor ? [box("chef@example.org")] : [] },
		received: new Date(new Date(head.sent).getTime() + 2000).toISOString(),
		headers: [
			{ name: "Received", value: "from mail.muster.example (mail.muster.example [192.0.2.25]) by mx.example.org with ESMTPS id 4Q2 for <anna.berger@example.org>; Mon, 23 Nov 2026 09:12:02 +0100" },
			{ name: "From", value: head.from },
			{ name: "To", value: head.to.join(", ") },
			{ name: "Subject", value: head.subject },
			{ name: "Message-ID", value: "<CAF=2026-0417@muster.example>" },
			{ name: "Content-Type", value: "multipart/mixed; boundary=\"b1\"" },
		],
		text: TEXT,
		html: HTML,
		parts: [
			{ part: 3, type: "image/png", name: "logo.png", size: 812, contentId: "logo@muster", shown: "image", inline: true },
			{ part: 4, type: "application/pdf", name: "Angebot_2026-0417.pdf", size: 184_320, shown: "pdf" },
			{ part: 5, type: "image/png", name: "Anlage, Foto vom Heizungskeller (Nordseite).png", size: 2_400_123, shown: "image" },
			{ part: 6, type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", name: "Kalkulation.xlsx", size: 24_001, shown: "no" },
		],
		ways: [
			{ way: "milter", time: head.archived, source: "milter", envelopeFrom: "rechnung@muster.example", envelopeTo: ["anna.berger@example.org"] },
			{ way: "fetch", time: head.archived, source: "inbox", place: "INBOX/2026", envelopeTo: ["vertrieb@example.org"] },
		],
		integrity: {
			state: "proved", text: "This mail is, byte for byte, what was archived; a timestamp proves since when.", archived: head.archived,
			stamped: new Date(new Date(head.archived).getTime() + 3_600_000).toISOString(), authority: "DFN-CERT Time Stamping Authority",
			sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		},
		note: n % 7 === 3 ? "Mit Frau Schäfer besprochen, 20. November." : "",
		words: [{ text: "angebot", prefix: false }],
		...(n > 0 ? { previous: uuid(n - 1) } : {}),
		...(n < 119 ? { next: uuid(n + 1) } : {}),
		mayRequestDeletion: true,
	};
}

const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFklEQVR4nGPgjlnOgA2g8BkYGLCpBgA3hwU5t0XPNgAAAABJRU5ErkJggg==", "base64");

/**
 * @typedef {object} Options
 * @property {Role} [role]
 * @property {boolean} [loggedIn]
 * @property {Partial<Mail>} [mail] what is other in every mail
 * @property {(request: {method: string, path: string, query: URLSearchParams, body: any}) => {status?: number, json?: any, type?: string, body?: string | Buffer, headers?: object} | undefined} [answer] comes first
 */

/** @param {Options} options */
export async function startArchive(options = {}) {
	/** @type {{method: string, path: string, query: URLSearchParams, body: any, token: string | undefined}[]} */
	const asked = [];
	/** @type {Task[]} */
	let tasks = [];
	let loggedIn = options.loggedIn ?? true;
	let polls = 0;
	const role = options.role ?? "user";
	const isAuditor = role === "auditor" || role === "revisor";
	const rows = Array.from({ length: 120 }, (_, n) => row(n, isAuditor));

	/** @returns {Session} */
	const session = () => ({
		person: loggedIn
			? {
					name: "anna", shown: "Anna Berger", role, rights: RIGHTS[role] ?? [], token: "csrf-token-of-the-session", language: "", theme: "",
					mustSetUpTotp: false, deletion: "approval",
				}
			: null,
		appearance: { name: "Sealpost", colour: "", hasLogo: false },
		setup: false,
	});
	const problem = (/** @type {number} */ status, /** @type {string} */ code, /** @type {string} */ detail, more = {}) => ({
		status, type: "application/problem+json",
		json: { type: `urn:sealpost:problem:${code}`, title: code, status, code, detail, ...more },
	});

	/** @param {{method: string, path: string, query: URLSearchParams, body: any}} request */
	function answer({ method, path, query, body }) {
		const route = `${method} ${path}`;
		const q = query.get("q") ?? "";
		if (route === "GET /session") {
			polls = 0; // the page was loaded, however long that took: what runs goes on for as long again
			return { json: session() };
		}
		if (route === "POST /session") {
			if (body.password === "slow") return problem(429, "busy", "Too many attempts.", { retryAfter: 30 });
			if (body.password !== "secret") return problem(401, "denied", "Name or password is wrong.");
			if (body.name === "otto" && !body.code) return problem(401, "second-factor", "A one-time code is needed.");
			if (body.code && body.code !== "123456") return problem(401, "denied", "Name or password is wrong.");
			loggedIn = true;
			return { json: session() };
		}
		if (route === "DELETE /session" || route === "DELETE /sessions") {
			loggedIn = false;
			return { status: 204 };
		}
		if (!loggedIn) return problem(401, "session", "Nobody is logged in.");
		if (route === "GET /mails" || route === "GET /mails/count") {
			if (q.includes("from: ")) return problem(400, "syntax", `from: has no value; write it right behind the colon, as in from:anna.\n  ${q}\n${" ".repeat(q.indexOf("from: ") + 7)}^`);
			if (q === "broken") return problem(503, "offline", "medium 1 does not answer");
			const found = q === "nothing" ? [] : rows;
			if (path === "/mails/count") return { json: { count: found.length } };
			const at = Number(query.get("cursor") ?? 0);
			const words = (q.match(/(?<![a-z]:)[\p{L}\p{N}]+\*?/gu) ?? []).filter((word) => !/^(from|to|has|is)$/.test(word))
				.map((word) => ({ text: word.replace("*", ""), prefix: word.endsWith("*") }));
			return { json: { mails: found.slice(at, at + 50), words, ...(at + 50 < found.length ? { next: String(at + 50) } : {}) } };
		}
		if (route === "GET /complete") return { json: { addresses: ["anna.berger@example.org", "anna@fontaine.example"].filter((one) => one.startsWith(query.get("prefix") ?? "")) } };
		if (route === "GET /categories") return { json: { categories: [{ name: "Projekt Nord", mails: 12 }, { name: "Steuer", mails: 40 }, { name: "Wichtig", mails: 3 }] } };
		if (route === "GET /sources") return { json: { sources: ["inbox", "milter"] } };
		if (route === "GET /saved-searches") return { json: { searches: [{ search: 1, name: "Rechnungen dieses Jahres", query: "subject:rechnung after:2026" }, { search: 2, name: "Große Anhänge", query: "has:attachment larger:5M" }] } };
		if (route === "POST /saved-searches") return { status: 201, json: { search: 3, ...body } };
		if (route === "GET /tasks") {
			polls++;
			tasks = tasks.map((task) => (task.state === "running" && polls > 3 ? { ...task, state: "done", done: 120, result: { name: "export.zip", size: 4_811_000, until: "2026-11-30T09:00:00Z" } } : task));
			return { json: { tasks } };
		}
		if (route === "GET /admin/licence") return { json: { state: "not-asked", fine: true, text: "No licence is asked for.", counted: 12 } };
		if (route === "POST /tasks") {
			polls = 0;
			/** @type {Task} */
			const task = { id: uuid(900 + tasks.length), kind: body.kind, state: "running", done: 37, total: 120, made: "2026-11-23T09:15:00Z" };
			tasks = [task, ...tasks];
			return { status: 202, json: task };
		}
		if (route === "GET /me")
			return {
				json: {
					name: "anna", shown: "Anna Berger", role, source: "own", addresses: ["anna.berger@example.org", "a.berger@example.org"], groups: ["Vertrieb", "Einkauf"],
					language: "", theme: "", totp: "off", totpDemanded: false, canChangePassword: true,
				},
			};
		if (route === "GET /sessions")
			return {
				json: {
					sessions: [
						{ current: true, begun: "2026-11-23T07:58:00Z", used: "2026-11-23T09:15:00Z", peer: "192.0.2.17, Firefox 144 on Linux" },
						{ current: false, begun: "2026-11-20T16:01:00Z", used: "2026-11-22T19:40:00Z", peer: "198.51.100.4, Safari on iPhone" },
					],
				},
			};
		if (route === "GET /me/tokens") return { json: { tokens: [{ token: 1, name: "nightly export", scopes: ["search", "export"], made: "2026-02-01T00:00:00Z", ends: "2027-02-01T00:00:00Z", used: "2026-11-23T02:00:00Z" }] } };
		if (route === "POST /me/totp") return { json: { secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", url: "otpauth://totp/x", qr: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><path d="M0 0h4v4H0zM6 0h4v4H6zM0 6h4v4H0zM6 6h2v2H6zM8 8h2v2H8z"/></svg>' } };
		if (route === "PUT /me/totp") return body.code === "123456" ? { json: { recoveryCodes: Array.from({ length: 10 }, (_, i) => `k7q${i}-m2x${i}-p9w${i}`) } } : problem(403, "wrong-key", "wrong");
		if (route === "POST /deletion-requests") return { status: 201, json: { request: 7, state: "open", made: "2026-11-23T09:15:00Z", by: "anna", reason: body.reason, mailCount: body.mails.length, own: true } };
		const one = /^\/mails\/([0-9a-f-]+)(\/\w+)?(?:\/(\d+))?$/.exec(path);
		if (one) {
			const n = Number((one[1] ?? "").slice(-12));
			if (!(n < rows.length)) return problem(404, "not-found", "There is no such mail.");
			if (!one[2]) return { json: { ...mail(n, isAuditor), ...options.mail } };
			if (one[2] === "/thread") return { json: { mails: [rows[(n + 2) % 120], rows[(n + 1) % 120], rows[n]] } };
			if (one[2] === "/source") return { type: "text/plain", body: "Received: from mail.muster.example\r\nFrom: =?utf-8?q?Muster?= <rechnung@muster.example>\r\nSubject: Angebot\r\n\r\nText\r\n" };
			if (one[2] === "/parts") return { type: "image/png", body: PIXEL };
			if (one[2] === "/verify") return { json: mail(n, isAuditor).integrity };
			if (one[2] === "/note") return { status: 204 };
			if (one[2] === "/original") return { type: "message/rfc822", body: "From: x\r\n\r\n", headers: { "Content-Disposition": "attachment; filename=mail.eml" } };
		}
		if (method !== "GET") return { status: 204 };
		return problem(404, "not-found", "There is no such thing.");
	}

	const server = createServer(async (request, response) => {
		const url = new URL(request.url ?? "/", "http://localhost");
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		const api = /^\/archive\/api\/v1(\/.*)$/.exec(url.pathname);
		response.setHeader("X-Content-Type-Options", "nosniff");
		if (api) {
			const text = Buffer.concat(chunks).toString();
			const one = {
				method: request.method ?? "GET", path: decodeURIComponent(api[1] ?? ""), query: url.searchParams, body: text ? JSON.parse(text) : undefined,
				token: /** @type {string | undefined} */ (request.headers["x-sealpost-token"]),
			};
			asked.push(one);
			const reply = /** @type {any} */ (options.answer?.(one) ?? answer(one));
			response.writeHead(reply.status ?? 200, {
				"Content-Type": reply.type ?? "application/json", "Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "no-store", ...reply.headers,
			});
			response.end(reply.body ?? (reply.json === undefined ? "" : JSON.stringify(reply.json)));
			return;
		}
		const path = normalize(url.pathname.replace(/^\/archive\/?/, "") || "index.html");
		try {
			const bytes = readFileSync(join(WEB, path));
			response.writeHead(200, { "Content-Type": TYPES[/** @type {".js"} */ (extname(path))] ?? "application/octet-stream", "Content-Security-Policy": POLICY });
			response.end(bytes);
		} catch {
			response.writeHead(404);
			response.end();
		}
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
	const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
	return {
		url: `http://127.0.0.1:${port}/archive/`,
		asked,
		expire: () => (loggedIn = false),
		close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(() => resolve(undefined)); }),
	};
}

export const mailId = uuid;

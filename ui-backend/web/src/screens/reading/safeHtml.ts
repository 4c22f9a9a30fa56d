// SPDX-License-Identifier: GPL-3.0-or-later
// Makes the HTML of a stranger's mail fit to be shown. Three walls, each of which holds alone:
//
//	1. DOMPurify keeps what lays out text and drops the rest: scripts, forms, frames, SVG, MathML, meta, base, events.
//	2. What is left of styles and addresses is rewritten here: nothing remote unless asked for, nothing that leaves its place.
//	3. The frame it is shown in runs no script and may load nothing, by its sandbox and by a policy of its own.
import DOMPurify, { type Config } from "dompurify";
import type { Finder } from "#/parts/Marked";
import { looksAlike, plain } from "#/parts/mailText";

export interface SafeHtml {
	/* A whole document for srcdoc. */
	readonly document: string;
	/* So many addresses of elsewhere were left out. */
	readonly remote: number;
	/* Content-IDs of parts that stand in it: as data-cid of images without a source. */
	readonly cids: readonly string[];
}

interface Options {
	/* Images from elsewhere may be loaded. */
	remote: boolean;
	find: Finder;
}

const CONFIG: Config = {
	USE_PROFILES: { html: true },
	WHOLE_DOCUMENT: true,
	RETURN_DOM: true,
	FORBID_TAGS: [
		"form", "input", "button", "textarea", "select", "option", "optgroup", "datalist", "fieldset", "output", "meter", "progress",
		"iframe", "frame", "frameset", "object", "embed", "applet", "audio", "video", "source", "track", "picture", "canvas", "map", "area",
		"meta", "base", "link", "title", "template", "slot", "dialog", "noscript", "portal", "marquee", "bgsound",
	],
	FORBID_ATTR: ["name", "srcset", "sizes", "ping", "usemap", "ismap", "longdesc", "lowsrc", "dynsrc", "poster", "tabindex", "accesskey", "autofocus", "contenteditable", "draggable", "popover", "popovertarget", "is", "slot", "target", "rel", "loading", "fetchpriority"],
	ALLOW_DATA_ATTR: false,
	ALLOW_ARIA_ATTR: false,
	ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|cid:|data:image\/(?:png|gif|jpe?g|webp|bmp);|#)/i,
};

const CSS_MAX = 512 * 1024;
const NODES_MAX = 50_000;
const OWN_IMAGE = /^data:image\/(png|gif|jpe?g|webp|bmp)[;,]/i;
const ELSEWHERE = /^https?:/i;

// --- styles -----------------------------------------------------------------------------------------------------

/* Reads url(...) and what else can name an address. */
const ADDRESSES = /(?:url|src|image|image-set|-webkit-image-set|cross-fade|element|paint)\s*\(/i;
const DROPPED = /^(?:behavior|-moz-binding|-webkit-user-modify|cursor|pointer-events|animation.*|transition.*|view-transition.*|will-change|z-index|inset.*|--.*)$/i;

class Styles {
	remote = 0;
	constructor(private readonly allowed: boolean) {}

	/* Takes out of a declaration block what may not stay. */
	clean(style: CSSStyleDeclaration): void {
		for (const name of Array.from(style)) {
			const value = style.getPropertyValue(name);
			if (DROPPED.test(name) || this.isForbidden(name, value)) style.removeProperty(name);
		}
	}

	private isForbidden(name: string, value: string): boolean {
		if (name === "position") return !/^(?:static|relative)$/i.test(value.trim());
		if (/^(?:top|right|bottom|left)$/.test(name)) return true;
		if (/^(?:margin|text-indent)/.test(name)) return /-\s*\d{3,}/.test(value);
		if (/expression\s*\(/i.test(value)) return true;
		if (!ADDRESSES.test(value)) return false;
		const urls = Array.from(value.matchAll(/url\(\s*(["']?)(.*?)\1\s*\)/gi), (found) => found[2] ?? "");
		if (urls.length > 0 && urls.every((url) => OWN_IMAGE.test(url))) return false;
		if (urls.some((url) => ELSEWHERE.test(url))) this.remote++;
		return !(this.allowed && urls.length > 0 && urls.every((url) => OWN_IMAGE.test(url) || ELSEWHERE.test(url)));
	}

	/* Rules that style or group; whatever imports, names fonts or moves is left out. */
	private rules(list: CSSRuleList): string {
		return Array.from(list)
			.map((rule) => {
				if (rule instanceof CSSStyleRule) {
					this.clean(rule.style);
					return rule.style.length > 0 ? `${rule.selectorText} { ${rule.style.cssText} }` : "";
				}
				if (rule instanceof CSSMediaRule) return `@media ${rule.media.mediaText} {\n${this.rules(rule.cssRules)}\n}`;
				return "";
			})
			.filter(Boolean)
			.join("\n");
	}

	sheet(text: string): string {
		if (text.length > CSS_MAX) return "";
		if (/@import/i.test(text)) this.remote++;
		const sheet = new CSSStyleSheet();
		try {
			// Old mails hide their styles from older programs: <style><!-- ... --></style>
			sheet.replaceSync(text.replace(/<!--|-->/g, ""));
		} catch {
			return "";
		}
		// No "</style>" in a string of it ends the element.
		return this.rules(sheet.cssRules).replace(/</g, "\\3c ");
	}
}

// --- addresses --------------------------------------------------------------------------------------------------

class Addresses {
	remote = 0;
	readonly cids: string[] = [];
	constructor(private readonly allowed: boolean) {}

	image(image: Element): void {
		const src = (image.getAttribute("src") ?? "").trim();
		image.removeAttribute("src");
		image.setAttribute("referrerpolicy", "no-referrer");
		if (/^cid:/i.test(src)) {
			const cid = decodeURIComponentSafely(src.slice(4)).replace(/^<|>$/g, "");
			image.setAttribute("data-cid", cid);
			if (!this.cids.includes(cid)) this.cids.push(cid);
		} else if (OWN_IMAGE.test(src)) image.setAttribute("src", src);
		else if (ELSEWHERE.test(src)) {
			this.remote++;
			if (this.allowed) image.setAttribute("src", src);
			else image.setAttribute("data-remote", "");
		}
	}

	background(element: Element): void {
		const value = element.getAttribute("background") ?? "";
		if (ELSEWHERE.test(value)) this.remote++;
		if (!(OWN_IMAGE.test(value) || (this.allowed && ELSEWHERE.test(value)))) element.removeAttribute("background");
	}

	link(link: Element): void {
		const href = (link.getAttribute("href") ?? "").trim();
		if (href.startsWith("#")) return;
		if (!/^(?:https?:|mailto:|tel:)/i.test(href)) {
			link.removeAttribute("href");
			return;
		}
		link.setAttribute("target", "_blank");
		link.setAttribute("rel", "noopener noreferrer nofollow");
		link.setAttribute("title", plain(href).slice(0, 500));
	}
}

function decodeURIComponentSafely(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

/* Where a link leads, and whether its words or its letters pretend that it leads elsewhere. */
export function destination(href: string, words: string): { host: string; isDoubtful: boolean } {
	let url: URL;
	try {
		url = new URL(href);
	} catch {
		return { host: href, isDoubtful: true };
	}
	if (url.protocol === "mailto:" || url.protocol === "tel:") return { host: decodeURIComponentSafely(url.pathname), isDoubtful: false };
	const said = /(?:https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+[\p{L}]{2,})/iu.exec(plain(words))?.[1]?.toLowerCase().replace(/^www\./, "");
	const host = url.hostname.replace(/^www\./, "");
	const differs = said !== undefined && said !== host && !host.endsWith("." + said);
	return { host: url.host, isDoubtful: differs || looksAlike(url.hostname) || url.username !== "" };
}

// --- the document -----------------------------------------------------------------------------------------------

const FRAME_CSS = `
html { overflow-wrap: break-word; -webkit-text-size-adjust: 100%; background: #fff; }
body { margin: 0; padding: 16px; color: #151515; background: #fff; font: 15px/1.5 "Helvetica Neue", Arial, "Liberation Sans", sans-serif; }
img { max-width: 100%; height: auto; }
img[data-remote], img[data-cid]:not([src]) { min-width: 24px; min-height: 24px; outline: 1px dashed #8a8d90; outline-offset: -1px; color: #4d4d4d; font-size: 12px; }
table { max-width: 100%; }
pre { white-space: pre-wrap; }
a { color: #0b5cad; }
a:focus-visible { outline: 2px solid #0b5cad; outline-offset: 1px; }
blockquote { margin: 0 0 0 2px; padding-left: 12px; border-left: 2px solid #c7c7c7; }
mark.sp-found { background: #ffe58a; color: #151515; }
`;

export function policy(remote: boolean): string {
	return [
		"default-src 'none'",
		`img-src data: blob:${remote ? " https: http:" : ""}`,
		"style-src 'unsafe-inline'",
		"font-src 'none'",
		"form-action 'none'",
		"base-uri 'none'",
		"frame-src 'none'",
		"script-src 'none'",
	].join("; ");
}

function mark(body: Element, find: Finder): void {
	const document = body.ownerDocument;
	const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
	const nodes: Text[] = [];
	while (walker.nextNode() && nodes.length < NODES_MAX) nodes.push(walker.currentNode as Text);
	for (const node of nodes) {
		const pieces = find(node.data, "body");
		if (!pieces.some((piece) => piece.found)) continue;
		const fragment = document.createDocumentFragment();
		for (const piece of pieces) {
			if (!piece.found) fragment.append(piece.text);
			else {
				const element = document.createElement("mark");
				element.className = "sp-found";
				element.textContent = piece.text;
				fragment.append(element);
			}
		}
		node.replaceWith(fragment);
	}
}

const attribute = (text: string) => text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");

export function safeHtml(html: string, { remote, find }: Options): SafeHtml {
	const root = DOMPurify.sanitize(html, CONFIG) as unknown as HTMLElement;
	const styles = new Styles(remote);
	const addresses = new Addresses(remote);
	const sheets: string[] = [];

	for (const element of Array.from(root.querySelectorAll("style"))) {
		sheets.push(styles.sheet(element.textContent ?? ""));
		element.remove();
	}
	for (const element of [root, ...Array.from(root.querySelectorAll("*"))]) {
		if (element instanceof HTMLElement && element.hasAttribute("style")) styles.clean(element.style);
		if (element.localName === "img") addresses.image(element);
		else if (element.hasAttribute("src")) element.removeAttribute("src");
		if (element.hasAttribute("background")) addresses.background(element);
		if (element.localName === "a") addresses.link(element);
		else if (element.hasAttribute("href")) element.removeAttribute("href");
	}
	const body = root.querySelector("body") ?? root;
	mark(body, find);

	const attributes = ["style", "bgcolor", "text", "dir", "lang", "class", "background"]
		.filter((name) => body.hasAttribute(name))
		.map((name) => ` ${name}="${attribute(body.getAttribute(name) ?? "")}"`)
		.join("");
	const document =
		`<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy(remote)}">` +
		`<meta name="referrer" content="no-referrer"><style>${FRAME_CSS}</style><style>${sheets.join("\n")}</style></head>` +
		`<body${attributes}>${body.innerHTML}</body></html>`;
	return { document, remote: addresses.remote + styles.remote, cids: addresses.cids };
}

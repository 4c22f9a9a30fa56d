// SPDX-License-Identifier: GPL-3.0-or-later
// Names and addresses as strangers wrote them, shown so that they cannot pass for something else.

/* Without control characters and without those that turn the direction of writing around. */
export function plain(text: string): string {
	return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "");
}

export interface Person {
	readonly name: string;
	readonly address: string;
}

/* "Anna Berg <anna@example.org>", or an address alone. */
export function personOf(text: string): Person {
	const parts = /^(.*?)\s*<([^<>]*)>\s*$/s.exec(plain(text));
	if (!parts) return { name: "", address: plain(text).trim() };
	return { name: (parts[1] ?? "").trim().replace(/^"(.*)"$/s, "$1"), address: (parts[2] ?? "").trim() };
}

/* What a list shows: the name, unless it pretends to be another address. */
export function shortName({ name, address }: Person): string {
	if (!name) return address;
	return name.includes("@") && name.toLowerCase() !== address.toLowerCase() ? address : name;
}

const SCRIPTS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u, /\p{Script=Cherokee}/u];

/* Letters of several alphabets in one name of a domain: аpple.com with a Cyrillic а. */
export function looksAlike(domain: string): boolean {
	return domain.split(".").some((label) => SCRIPTS.filter((script) => script.test(label)).length > 1) || /(^|\.)xn--/i.test(domain);
}

export function domainOf(address: string): string {
	return address.slice(address.lastIndexOf("@") + 1);
}

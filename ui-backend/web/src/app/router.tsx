// SPDX-License-Identifier: GPL-3.0-or-later
// Where the reader is stands behind the # of the address: #/search?q=rechnung. What stands there can be kept,
// sent to a colleague and gone back to, and is never sent to a server, so no log of a proxy holds a search word.
import { useMemo, useSyncExternalStore, type AnchorHTMLAttributes, type ReactNode } from "react";

export interface Place {
	readonly path: string;
	readonly query: URLSearchParams;
}

const read = () => location.hash.replace(/^#/, "") || "/";

/* Asked before one leaves; true: stay. */
const guards = new Set<() => boolean>();
export function guard(stays: () => boolean): () => void {
	guards.add(stays);
	return () => guards.delete(stays);
}

function subscribe(listener: () => void): () => void {
	window.addEventListener("hashchange", listener);
	window.addEventListener("popstate", listener);
	window.addEventListener("sealpost:navigate", listener);
	return () => {
		window.removeEventListener("hashchange", listener);
		window.removeEventListener("popstate", listener);
		window.removeEventListener("sealpost:navigate", listener);
	};
}

export function place(text = read()): Place {
	const [path = "/", query = ""] = text.split(/\?(.*)/s);
	return { path, query: new URLSearchParams(query) };
}

export function usePlace(): Place {
	const text = useSyncExternalStore(subscribe, read);
	return useMemo(() => place(text), [text]);
}

export type Query = Record<string, string | number | undefined>;

/* The address of a place: href("/search", { q: "rechnung" }). Empty values are left out. */
export function href(path: string, query: Query = {}): string {
	const params = new URLSearchParams();
	for (const [name, value] of Object.entries(query))
		if (value !== undefined && value !== "") params.set(name, String(value));
	const text = params.toString();
	return "#" + path + (text ? "?" + text : "");
}

export function navigate(path: string, query: Query = {}, { replace = false } = {}): void {
	for (const stays of guards) if (stays()) return;
	const to = href(path, query);
	if (to === location.hash) return;
	if (replace) history.replaceState(null, "", to);
	else history.pushState(null, "", to);
	window.dispatchEvent(new Event("sealpost:navigate"));
}

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & { to: string; query?: Query; children?: ReactNode };

/* An ordinary link, so that it opens in a new tab, too. */
export function Link({ to, query, ...rest }: LinkProps) {
	return <a href={href(to, query)} {...rest} />;
}

/* /mail/:id against /mail/17: { id: "17" }, null if it does not match. */
export function match(pattern: string, path: string): Record<string, string> | null {
	const want = pattern.split("/");
	const have = path.replace(/\/+$/, "").split("/");
	if (want.length !== have.length) return null;
	const params: Record<string, string> = {};
	for (const [i, part] of want.entries()) {
		const value = have[i] ?? "";
		if (part.startsWith(":")) params[part.slice(1)] = decodeURIComponent(value);
		else if (part !== value) return null;
	}
	return params;
}

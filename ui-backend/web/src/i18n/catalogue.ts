// SPDX-License-Identifier: GPL-3.0-or-later
// Each area has its strings twice, in en.ts and de.ts. A string missing in one of them, or a value that a string
// needs and does not get, is a type error:
//
//	export const text = catalogue(en, de);     // text.ts of a screen
//	const t = useText(text);                   // in a component
//	t("mails", { n: 3 })
import { useSyncExternalStore } from "react";

export type Language = "en" | "de";

/* A string with {names} in it, or one per number: `n` decides. */
export interface Plural {
	readonly one: string;
	readonly other: string;
}
export type Texts = { readonly [key: string]: string | Plural };
/* The same keys, each of the same kind. */
export type Same<E extends Texts> = { readonly [K in keyof E]: E[K] extends string ? string : Plural };
export interface Catalogue<E extends Texts> {
	readonly en: E;
	readonly de: Same<E>;
}

export function catalogue<const E extends Texts>(en: E, de: Same<E>): Catalogue<E> {
	return { en, de };
}

type Names<S extends string> = S extends `${string}{${infer Name}}${infer Tail}` ? Name | Names<Tail> : never;
type NamesOf<V> = V extends string ? Names<V> : V extends Plural ? "n" | Names<V["other"]> : never;
export type Say<E extends Texts> = <K extends keyof E & string>(
	key: K,
	...values: [NamesOf<E[K]>] extends [never] ? [] : [values: Record<NamesOf<E[K]>, string | number>]
) => string;

const CHOICE = "sealpost.language";
let chosen: Language | "" = "";
const listeners = new Set<() => void>();

function stored(name: string): string {
	try {
		return localStorage.getItem(name) ?? "";
	} catch {
		return "";
	}
}

function fromBrowser(): Language {
	for (const tag of navigator.languages) {
		if (tag.toLowerCase().startsWith("de")) return "de";
		if (tag.toLowerCase().startsWith("en")) return "en";
	}
	return "en";
}

export function language(): Language {
	return chosen || fromBrowser();
}

export function languageChoice(): Language | "" {
	return chosen;
}

/* "" is the browser's. Kept in the browser too, so that the log-in already speaks it. */
export function chooseLanguage(choice: string): void {
	chosen = choice === "de" || choice === "en" ? choice : "";
	try {
		if (chosen) localStorage.setItem(CHOICE, chosen);
		else localStorage.removeItem(CHOICE);
	} catch {
		// A browser that keeps nothing: the choice lasts as long as the page.
	}
	document.documentElement.lang = language();
	listeners.forEach((listener) => listener());
}
chooseLanguage(stored(CHOICE));

export function useLanguage(): Language {
	return useSyncExternalStore((listener) => {
		listeners.add(listener);
		return () => listeners.delete(listener);
	}, language);
}

const plurals = { en: new Intl.PluralRules("en"), de: new Intl.PluralRules("de") };

export function say<E extends Texts>(catalogue: Catalogue<E>, lang: Language): Say<E> {
	return (key, ...rest) => {
		const values: Record<string, string | number> = rest[0] ?? {};
		const entry: string | Plural = catalogue[lang][key] as string | Plural;
		const n = values["n"];
		const form =
			typeof entry === "string" ? entry : plurals[lang].select(Number(n)) === "one" ? entry.one : entry.other;
		return form.replace(/\{(\w+)\}/g, (_, name: string) => {
			const value = values[name];
			return typeof value === "number" ? value.toLocaleString(lang) : (value ?? "");
		});
	};
}

export function useText<E extends Texts>(catalogue: Catalogue<E>): Say<E> {
	return say(catalogue, useLanguage());
}

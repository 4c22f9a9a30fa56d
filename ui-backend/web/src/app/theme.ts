// SPDX-License-Identifier: GPL-3.0-or-later
// Light or dark, by the system or by choice; and the colour that the administrator gave the archive, moved as far
// towards black or white as text on it needs to be read (WCAG AA: 4.5 to 1).
import { useSyncExternalStore } from "react";

export type ThemeChoice = "" | "light" | "dark";

const CHOICE = "sealpost.theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
let choice: ThemeChoice = "";
let colour = "";

type Rgb = [number, number, number];

function rgb(hex: string): Rgb | null {
	const parts = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex.trim());
	return parts ? [parseInt(parts[1]!, 16), parseInt(parts[2]!, 16), parseInt(parts[3]!, 16)] : null;
}

function luminance(colour: Rgb): number {
	const [r, g, b] = colour.map((v) => {
		const s = v / 255;
		return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
	}) as Rgb;
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: Rgb, b: Rgb): number {
	const [x, y] = [luminance(a), luminance(b)];
	return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

function mix(a: Rgb, b: Rgb, part: number): Rgb {
	return a.map((v, i) => Math.round(v + (b[i]! - v) * part)) as Rgb;
}

function readable(colour: Rgb, on: Rgb, towards: Rgb): Rgb {
	for (let part = 0; part < 1; part += 0.05) {
		const tried = mix(colour, towards, part);
		if (contrast(tried, on) >= 4.6) return tried;
	}
	return towards;
}

const css = (colour: Rgb) => `rgb(${colour.join(" ")})`;
const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];
const NIGHT: Rgb = [41, 41, 41];
const DAY: Rgb = [242, 242, 242];
const TOKENS = {
	brand: ["--pf-t--global--color--brand--default", "--pf-t--global--color--brand--clicked"],
	hover: ["--pf-t--global--color--brand--hover"],
	link: ["--pf-t--global--text--color--link--default", "--pf-t--global--text--color--brand--default"],
	linkHover: ["--pf-t--global--text--color--link--hover", "--pf-t--global--text--color--brand--hover"],
};

function paint(dark: boolean): void {
	const style = document.documentElement.style;
	const own = rgb(colour);
	const set = (names: string[], value: Rgb | null) =>
		names.forEach((name) => (value ? style.setProperty(name, css(value)) : style.removeProperty(name)));
	const base = own && (dark ? readable(own, NIGHT, WHITE) : readable(own, DAY, BLACK));
	const strong = base && mix(base, dark ? WHITE : BLACK, 0.25);
	set(TOKENS.brand, base);
	set(TOKENS.link, base);
	set(TOKENS.hover, strong);
	set(TOKENS.linkHover, strong);
}

export function isDark(): boolean {
	return choice === "dark" || (choice === "" && system.matches);
}

function apply(): void {
	const root = document.documentElement;
	root.classList.toggle("pf-v6-theme-dark", isDark());
	root.style.colorScheme = isDark() ? "dark" : "light";
	paint(isDark());
	listeners.forEach((listener) => listener());
}

export function themeChoice(): ThemeChoice {
	return choice;
}

/* "" is the system's. */
export function chooseTheme(wanted: string): void {
	choice = wanted === "light" || wanted === "dark" ? wanted : "";
	try {
		if (choice) localStorage.setItem(CHOICE, choice);
		else localStorage.removeItem(CHOICE);
	} catch {
		// A browser that keeps nothing: the choice lasts as long as the page.
	}
	apply();
}

/* "#rrggbb"; anything else is the product's own colour. */
export function paintWith(wanted: string): void {
	colour = wanted;
	paint(isDark());
}

export function useDark(): boolean {
	return useSyncExternalStore((listener) => {
		listeners.add(listener);
		return () => listeners.delete(listener);
	}, isDark);
}

try {
	const kept = localStorage.getItem(CHOICE);
	choice = kept === "light" || kept === "dark" ? kept : "";
} catch {
	// As above.
}
system.addEventListener("change", apply);
apply();

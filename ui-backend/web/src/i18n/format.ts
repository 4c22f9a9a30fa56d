// SPDX-License-Identifier: GPL-3.0-or-later
// Dates, sizes and numbers as the reader's language writes them.
import { language } from "./catalogue";

const kept = new Map<string, Intl.DateTimeFormat>();

/* British rather than American English: day before month, and 24 hours. */
function locale(): string {
	return language() === "de" ? "de-DE" : "en-GB";
}

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	const key = locale() + JSON.stringify(options);
	let format = kept.get(key);
	if (!format) kept.set(key, (format = new Intl.DateTimeFormat(locale(), options)));
	return format;
}

export function number(value: number): string {
	return value.toLocaleString(locale());
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/* 1,024-fold, as the query language counts. */
export function size(bytes: number): string {
	let value = bytes;
	let unit = 0;
	while (value >= 1024 && unit < UNITS.length - 1) {
		value /= 1024;
		unit++;
	}
	const digits = unit === 0 || value >= 100 ? 0 : 1;
	return `${value.toLocaleString(locale(), { maximumFractionDigits: digits })}\u00a0${UNITS[unit]}`;
}

export function dateTime(time: string | undefined): string {
	if (!time) return "–";
	return dates({ dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

/* For where a second matters: proofs, logs. */
export function exactTime(time: string | undefined): string {
	if (!time) return "–";
	return dates({ dateStyle: "full", timeStyle: "long" }).format(new Date(time));
}

export function day(time: string | undefined): string {
	if (!time) return "–";
	return dates({ dateStyle: "medium" }).format(new Date(time));
}

/* As a mail list shows it: today the time, this year day and month, else the date. */
export function listDate(time: string, now = new Date()): string {
	const date = new Date(time);
	if (date.toDateString() === now.toDateString()) return dates({ hour: "2-digit", minute: "2-digit" }).format(date);
	if (date.getFullYear() === now.getFullYear()) return dates({ day: "numeric", month: "short" }).format(date);
	return dates({ day: "2-digit", month: "2-digit", year: "numeric" }).format(date);
}

/* "3 minutes ago" */
export function ago(time: string, now = Date.now()): string {
	const seconds = (new Date(time).getTime() - now) / 1000;
	const steps: [Intl.RelativeTimeFormatUnit, number][] = [
		["day", 86400],
		["hour", 3600],
		["minute", 60],
	];
	const format = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
	for (const [unit, length] of steps)
		if (Math.abs(seconds) >= length) return format.format(Math.round(seconds / length), unit);
	return format.format(Math.round(seconds), "second");
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What may follow in the query line at the caret: fields, addresses the reader may see, categories, sources, dates.
import { useEffect, useMemo, useState } from "react";
import type { Right } from "#/api/types";
import { useGet } from "#/api/useGet";
import { useText } from "#/i18n/catalogue";
import { FIELDS, quoted, tokenAt, type Token } from "./query";
import { text } from "./text";

export interface Suggestion {
	readonly text: string;
	readonly hint: string;
	/* The line with it, and where the caret stands then. */
	readonly line: string;
	readonly caret: number;
	/* Complete: search at once. */
	readonly whole?: boolean;
}

const ADDRESS = new Set(["from", "to", "cc", "bcc", "any"]);
const DATE = new Set(["before", "after", "on"]);

function useLate<T>(value: T, ms: number): T {
	const [late, setLate] = useState(value);
	useEffect(() => {
		const timer = setTimeout(() => setLate(value), ms);
		return () => clearTimeout(timer);
	}, [value, ms]);
	return late;
}

function put(line: string, token: Token | null, caret: number, insert: string, open: boolean): { line: string; caret: number } {
	const start = token?.start ?? caret;
	const end = token?.end ?? caret;
	const tail = line.slice(end);
	const text = (token?.negated ? "-" : "") + insert + (open || tail.startsWith(" ") ? "" : " ");
	return { line: line.slice(0, start) + text + tail, caret: start + text.length + (!open && tail.startsWith(" ") ? 1 : 0) };
}

export function useSuggestions(line: string, caret: number, rights: readonly Right[]): readonly Suggestion[] {
	const t = useText(text);
	const token = tokenAt(line, caret);
	const value = (token?.value ?? "").replace(/^"|"$/g, "").trim();
	const asksAddress = token !== null && (ADDRESS.has(token.field) || (token.field === "" && value.includes("@")));
	const prefix = useLate(asksAddress ? value.slice(0, 100) : "", 120);
	const addresses = useGet("/complete", { query: { prefix } }, { enabled: prefix !== "", keep: true, staleTime: 60_000 });
	const tags = useGet("/categories", {}, { enabled: token?.field === "tag" && rights.includes("NOTE"), staleTime: 60_000 });
	const sources = useGet("/sources", {}, { enabled: token?.field === "source", staleTime: 60_000 });
	const saved = useGet("/saved-searches", {}, { enabled: line === "", staleTime: 60_000 });

	return useMemo(() => {
		const open: Suggestion[] = [];
		const add = (insert: string, hint: string, isOpen = false) => open.push({ text: insert, hint, ...put(line, token, caret, insert, isOpen) });
		const begins = (text: string) => text.toLowerCase().startsWith(value.toLowerCase()) && text.toLowerCase() !== value.toLowerCase();
		const field = token?.field ?? "";

		if (line === "")
			for (const one of saved.data?.searches ?? [])
				open.push({ text: one.name, hint: t("hint.saved"), line: one.query, caret: one.query.length, whole: true });
		if (asksAddress && prefix !== "") {
			for (const address of addresses.data?.addresses ?? [])
				if (address.toLowerCase() !== value.toLowerCase()) add(`${field || "any"}:${quoted(address)}`, t("hint.address"));
		} else if (field === "tag") {
			for (const one of tags.data?.categories ?? []) if (begins(one.name)) add(`tag:${quoted(one.name)}`, t("hint.category"));
		} else if (field === "source") {
			for (const one of sources.data?.sources ?? []) if (begins(one)) add(`source:${quoted(one)}`, t("hint.source"));
		} else if (field === "has") {
			if (begins("attachment")) add("has:attachment", t("hint.attachment"));
		} else if (field === "is") {
			for (const mark of ["flagged", "spam"] as const) if (begins(mark)) add(`is:${mark}`, t(`hint.${mark}`));
		} else if (DATE.has(field)) {
			const now = new Date();
			const [year, month, day] = [now.getFullYear(), String(now.getMonth() + 1).padStart(2, "0"), String(now.getDate()).padStart(2, "0")];
			const dates = [
				[`${year}-${month}-${day}`, t("hint.today")],
				[`${year}-${month}`, t("hint.month")],
				[String(year), t("hint.year")],
				[String(year - 1), t("hint.lastYear")],
			] as const;
			for (const [date, hint] of dates) if (begins(date)) add(`${field}:${date}`, hint);
		} else if (token === null || (!field && /^[a-z]*$/i.test(value))) {
			// At the start of a word: its fields; to whom a blind copy went, only some may search.
			for (const name of FIELDS)
				if (name.startsWith(value.toLowerCase()) && (token !== null || line === "")) add(`${name}:`, t(`hint.${name}`), true);
		}
		return open.slice(0, 12);
	}, [line, caret, token?.text, value, asksAddress, prefix, addresses.data, tags.data, sources.data, saved.data, t]);
}

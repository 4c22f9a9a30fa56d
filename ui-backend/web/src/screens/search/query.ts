// SPDX-License-Identifier: GPL-3.0-or-later
// The query language (docs/SEARCH.md) as far as the page has to know it: to complete what is being written, and to
// let a form write the same line. The server alone decides what a query means.

export const FIELDS = [
	"from", "to", "cc", "bcc", "any", "subject", "body", "file", "has", "is",
	"before", "after", "on", "larger", "smaller", "tag", "note", "source", "medium", "id", "msgid",
] as const;
export type Field = (typeof FIELDS)[number];
const isField = (name: string): name is Field => (FIELDS as readonly string[]).includes(name);

export interface Token {
	readonly text: string;
	readonly start: number;
	readonly end: number;
	readonly negated: boolean;
	/* "" for a word of its own. */
	readonly field: Field | "";
	readonly value: string;
}

/* Ends of quotation marks and parentheses that are never closed are taken to be at the end. */
function endOfValue(line: string, at: number): number {
	if (line[at] === '"') {
		const close = line.indexOf('"', at + 1);
		return close < 0 ? line.length : close + 1;
	}
	if (line[at] === "(") {
		let depth = 0;
		for (let i = at; i < line.length; i++) {
			if (line[i] === '"') i = endOfValue(line, i) - 1;
			else if (line[i] === "(") depth++;
			else if (line[i] === ")" && --depth === 0) return i + 1;
		}
		return line.length;
	}
	let i = at;
	while (i < line.length && !/[\s()]/.test(line[i] ?? "")) i++;
	return i;
}

/* The line in pieces; a group in parentheses is one piece. */
export function tokens(line: string): Token[] {
	const found: Token[] = [];
	let at = 0;
	while (at < line.length) {
		if (/\s/.test(line[at] ?? "")) {
			at++;
			continue;
		}
		const start = at;
		const negated = line[at] === "-";
		if (negated) at++;
		const head = /^([a-z]+):/i.exec(line.slice(at));
		const name = head?.[1]?.toLowerCase() ?? "";
		const field = isField(name) ? name : "";
		if (field) at += name.length + 1;
		let end = endOfValue(line, at);
		if (end === at && line[at] === ")") end++;
		found.push({ text: line.slice(start, end), start, end, negated, field, value: line.slice(at, end) });
		at = Math.max(end, start + 1);
	}
	return found;
}

/* The piece that the caret stands in or right behind. */
export function tokenAt(line: string, caret: number): Token | null {
	return tokens(line).find((token) => token.start < caret && caret <= token.end) ?? null;
}

export function quoted(value: string): string {
	const text = value.trim().replace(/"/g, "");
	return /[\s()]/.test(text) || text === "" ? `"${text}"` : text;
}

// --- the form ---------------------------------------------------------------------------------------------------

export const FORM_TEXTS = ["from", "to", "subject", "file", "after", "before", "larger", "tag", "source"] as const;
export type FormText = (typeof FORM_TEXTS)[number];
export type Form = { [K in FormText]: string } & {
	/* Everything that the form has no place for, as it was written. */
	rest: string;
	attachment: boolean;
	flagged: boolean;
	spam: "" | "only" | "without";
};

const unquoted = (value: string) => value.replace(/^"([^"]*)"?$/, "$1");
const isFormText = (field: string): field is FormText => (FORM_TEXTS as readonly string[]).includes(field);

export function read(line: string): Form {
	const form: Form = {
		from: "", to: "", subject: "", file: "", after: "", before: "", larger: "", tag: "", source: "",
		rest: "", attachment: false, flagged: false, spam: "",
	};
	const all = tokens(line);
	const rest: string[] = [];
	// What stands beside OR or AND, or behind NOT, belongs to it: the form leaves such a line as it is.
	if (all.some((token) => ["OR", "AND", "NOT"].includes(token.text))) return { ...form, rest: line.trim() };
	for (const token of all) {
		const value = unquoted(token.value);
		if (token.text === "has:attachment") form.attachment = true;
		else if (token.text === "is:flagged") form.flagged = true;
		else if (token.text === "is:spam") form.spam = "only";
		else if (token.text === "-is:spam") form.spam = "without";
		else if (!token.negated && isFormText(token.field) && !form[token.field] && value && !value.startsWith("("))
			form[token.field] = value;
		else rest.push(token.text);
	}
	form.rest = rest.join(" ");
	return form;
}

export function write(form: Form): string {
	const parts = [form.rest.trim()];
	for (const field of FORM_TEXTS) if (form[field].trim()) parts.push(`${field}:${quoted(form[field])}`);
	if (form.attachment) parts.push("has:attachment");
	if (form.flagged) parts.push("is:flagged");
	if (form.spam) parts.push(form.spam === "only" ? "is:spam" : "-is:spam");
	return parts.filter(Boolean).join(" ");
}

// --- a mistake --------------------------------------------------------------------------------------------------

export interface Mistake {
	readonly sentence: string;
	/* The query and a caret below the place, in letters of one width. */
	readonly place: string;
}

/* The server's words: a sentence, and below it the query with a caret. */
export function mistake(detail: string): Mistake {
	const [sentence = "", ...place] = detail.split("\n");
	return { sentence, place: place.join("\n").replace(/^ {2}/gm, "") };
}

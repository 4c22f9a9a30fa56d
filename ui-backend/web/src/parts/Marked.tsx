// SPDX-License-Identifier: GPL-3.0-or-later
// Marks in a text what the query found there. It folds as the index does: case and accents do not matter, müller
// finds Mueller and Muller, and straße is strasse.
import { useMemo } from "react";
import type { Word } from "#/api/types";

const UMLAUT: Record<string, string> = { ä: "ae", ö: "oe", ü: "ue" };

function bare(word: string): string {
	return word.normalize("NFD").replace(/\p{M}/gu, "");
}

/* The ways a word may be written in the index. */
function folds(word: string): string[] {
	const lower = word.toLowerCase().replace(/ß/g, "ss").normalize("NFC");
	const spelled = bare(lower.replace(/[äöü]/g, (letter) => UMLAUT[letter] ?? letter));
	const dropped = bare(lower);
	return spelled === dropped ? [dropped] : [spelled, dropped];
}

/* The ways a word of the query finds: mueller also finds müller. */
function sought(word: string): string[] {
	return folds(word);
}

export interface Finder {
	/* The pieces of a text, each with whether it was found. */
	(text: string, field: string): { text: string; found: boolean }[];
}

function matches(written: string[], wanted: string[], prefix: boolean): boolean {
	return wanted.some((want) => written.some((have) => (prefix ? have.startsWith(want) : have === want)));
}

export function finder(words: readonly Word[]): Finder {
	const terms = words.flatMap((word) =>
		(word.text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).map((text, i, all) => ({
			wanted: sought(text),
			prefix: word.prefix && i === all.length - 1,
			field: word.field ?? "",
		})),
	);
	return (text, field) => {
		const here = terms.filter((term) => !term.field || term.field === "any" || term.field === field);
		if (here.length === 0) return [{ text, found: false }];
		const pieces: { text: string; found: boolean }[] = [];
		const add = (piece: string, found: boolean) => {
			const last = pieces[pieces.length - 1];
			if (last && last.found === found) last.text += piece;
			else if (piece) pieces.push({ text: piece, found });
		};
		let at = 0;
		for (const token of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
			const written = folds(token[0]);
			add(text.slice(at, token.index), false);
			add(token[0], here.some((term) => matches(written, term.wanted, term.prefix)));
			at = token.index + token[0].length;
		}
		add(text.slice(at), false);
		return pieces;
	};
}

export function useFinder(words: readonly Word[] | undefined): Finder {
	return useMemo(() => finder(words ?? []), [words]);
}

export function Marked({ text, field, find }: { text: string; field: string; find: Finder }) {
	return (
		<bdi>
			{find(text, field).map((piece, i) =>
				piece.found ? (
					<mark key={i} className="sp-found">
						{piece.text}
					</mark>
				) : (
					piece.text
				),
			)}
		</bdi>
	);
}

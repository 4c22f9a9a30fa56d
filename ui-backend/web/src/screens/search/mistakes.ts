// SPDX-License-Identifier: GPL-3.0-or-later
// What the server finds wrong with a query it says in English. Its sentences are few, so they are known here in German;
// one that is not is shown as it came.
import { language } from "#/i18n/catalogue";

const GERMAN: readonly [RegExp, string][] = [
	[/^(\w+:) needs a word with letters or digits, as in (.*)\.$/, "$1 braucht ein Wort aus Buchstaben oder Ziffern, wie in $2."],
	[/^(\w+:) needs a date such as (.*) or (.*)\.$/, "$1 braucht ein Datum wie $2 oder $3."],
	[/^(\w+:) needs a size such as (.*) or (.*)\.$/, "$1 braucht eine Größe wie $2 oder $3."],
	[/^has: knows one value: attachment\.$/, "has: kennt einen Wert: attachment."],
	[/^is: knows two values: spam and flagged\.$/, "is: kennt zwei Werte: spam und flagged."],
	[/^medium: needs the number of a medium, as in (.*)\.$/, "medium: braucht die Nummer eines Mediums, wie in $1."],
	[/^id: needs the identifier of a mail: .*$/, "id: braucht die Kennung einer Mail: 32 hexadezimale Ziffern, mit oder ohne Striche."],
	[/^This quotation mark is never closed\.$/, "Dieses Anführungszeichen wird nie geschlossen."],
	[/^The parentheses are nested more than (\d+) levels deep\.$/, "Die Klammern sind mehr als $1-fach geschachtelt."],
	[/^There is nothing between these parentheses\.$/, "Zwischen diesen Klammern steht nichts."],
	[/^This parenthesis is never closed\.$/, "Diese Klammer wird nie geschlossen."],
	[/^This parenthesis was never opened\.$/, "Diese Klammer wurde nie geöffnet."],
	[/^The query has more than (\d+) terms\.$/, "Die Suche hat mehr als $1 Begriffe."],
	[/^The query is longer than (\d+) bytes\.$/, "Die Suche ist länger als $1 Bytes."],
	[/^A field cannot stand inside the parentheses of (\w+:)\.$/, "In den Klammern von $1 kann kein Feld stehen."],
	[/^(\w+:) has no value; write it right behind the colon, as in (.*)\.$/, "$1 hat keinen Wert; schreiben Sie ihn direkt hinter den Doppelpunkt, wie in $2."],
	[/^NOT needs something behind it\.$/, "NOT braucht etwas dahinter."],
	[/^There is nothing here to search for\.$/, "Hier steht nichts, wonach gesucht werden könnte."],
	[/^(\w+) needs something on both sides\.$/, "$1 braucht etwas auf beiden Seiten."],
];

export function inOwnWords(sentence: string): string {
	if (language() !== "de") return sentence;
	for (const [english, german] of GERMAN) if (english.test(sentence)) return sentence.replace(english, german);
	return sentence;
}

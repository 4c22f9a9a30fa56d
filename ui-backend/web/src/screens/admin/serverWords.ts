// SPDX-License-Identifier: GPL-3.0-or-later
// What the server calls its jobs, their times and the events of the log, it says in English. These words are few, so they are known
// here in German; one that is not is shown as it came.
import { language } from "#/i18n/catalogue";

const GERMAN: Readonly<Record<string, string>> = {
	"update the search index": "Suchindex aktualisieren",
	"search index: personal categories and notes": "Suchindex: persönliche Kategorien und Notizen",
	"timestamps, if at least 10,000 new mails wait": "Zeitstempel, wenn mindestens 10.000 neue Mails warten",
	"fetch mail from POP3 / IMAP4 servers": "Mails von POP3-/IMAP4-Servern abholen",
	"remove deleted mail from the search index": "gelöschte Mails aus dem Suchindex entfernen",
	"remove deleted mail from the storage media": "gelöschte Mails von den Speichermedien entfernen",
	"full database backup + mirror": "vollständige Datenbanksicherung + Spiegel",
	"incremental database backup + mirror": "inkrementelle Datenbanksicherung + Spiegel",
	"statistics for admin": "Statistik für admin",
	"timestamps": "Zeitstempel",
	"archive created": "Archiv angelegt",
	"catalog rebuilt": "Katalog neu aufgebaut",
	"archive restored": "Archiv wiederhergestellt",
	"mail read": "Mail gelesen",
	"mails exported": "Mails exportiert",
	"search": "Suche",
	"deletion requested": "Löschung beantragt",
	"mails erased": "Mails gelöscht",
	"note changed": "Notiz geändert",
	"setting changed": "Einstellung geändert",
	"medium changed": "Medium geändert",
	"key exported": "Schlüssel exportiert",
	"timestamp made": "Zeitstempel erstellt",
	"proof exported": "Nachweis exportiert",
	"job run": "Aufgabe ausgeführt",
	"log-in": "Anmeldung",
	"log-in failed": "Anmeldung gescheitert",
	"log-out": "Abmeldung",
	"person changed": "Benutzer geändert",
	"mail downloaded": "Mail heruntergeladen",
	"deletion decided": "Löschung entschieden",
	"hold changed": "Aufbewahrungssperre geändert",
	"API token changed": "API-Token geändert",
	"archive upgraded": "Archiv auf neue Version gebracht",
};

const TIMES: readonly [RegExp, string][] = [
	[/^daily at (.*)$/, "täglich um $1"],
	[/^(.*) of each hour, but not at (.*)$/, "$1 jeder Stunde, aber nicht um $2"],
	[/^(.*) of each hour$/, "$1 jeder Stunde"],
	[/^Sundays at (.*)$/, "sonntags um $1"],
];

export function inOwnWords(words: string): string {
	if (language() !== "de") return words;
	const known = GERMAN[words];
	if (known) return known;
	for (const [english, german] of TIMES) if (english.test(words)) return words.replace(english, german).replace(/ and /g, " und ");
	return words;
}

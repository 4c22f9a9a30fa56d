// SPDX-License-Identifier: GPL-3.0-or-later
import type { Same } from "#/i18n/catalogue";
import type { en } from "./en";

export const de: Same<typeof en> = {
	"title": "Anmelden",
	"text": "Das Mail-Archiv",
	"name": "Name oder Mail-Adresse",
	"password": "Passwort",
	"enter": "Anmelden",
	"code": "Einmal-Code",
	"code.text": "Geben Sie die sechs Ziffern ein, die Ihre Authenticator-App zeigt, oder einen Ihrer Wiederherstellungs-Codes.",
	"code.enter": "Weiter",
	"code.back": "Zurück zu Name und Passwort",
	"wrong": "Name oder Passwort ist falsch.",
	"wrong.code": "Dieser Code ist falsch oder wurde schon benutzt.",
	"slow": { one: "Zu viele Versuche. Versuchen Sie es in {n} Sekunde noch einmal.", other: "Zu viele Versuche. Versuchen Sie es in {n} Sekunden noch einmal." },
	"slow.again": "Zu viele Versuche. Sie können es jetzt noch einmal versuchen.",
	"language": "Sprache",
};

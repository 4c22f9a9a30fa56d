/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page around the coded lines, as text and as HTML: what it is, whose it is, how to restore. */
#include "storage/keytext_priv.h"

#include "base/clock.h"
#include "base/qr.h"

enum {
	COLUMNS = 78,
	NAME_COLUMNS = 46, /* of a longer name the beginning is shown */
	DATE_LEN = sizeof("2026-11-22") - 1,
	LABEL_COLUMNS = 31,
};

enum { STEPS = 4 };

/* What the page says in one language. */
struct wording {
	const char *lang;
	const char *title;
	const char *warning;
	const char *purpose;
	const char *how;
	const char *steps[STEPS];
};

static const struct wording wordings[] = {
	{
		.lang = "de",
		.title = "Sicherung des Archivschlüssels",
		.warning = "ACHTUNG: Wer den Schlüssel und diese Sicherung (oder ihr Passwort) "
			   "verliert, verliert das ganze Archiv. Niemand kann es dann noch lesen, "
			   "auch der Hersteller nicht.",
		.purpose = "Die nummerierten Zeilen sind der Schlüssel des Archivs, verschlüsselt "
			   "mit Ihrem Passwort. Bewahren Sie dieses Blatt in einem Tresor auf, "
			   "das Passwort an einem anderen Ort.",
		.how = "Wiederherstellen:",
		.steps =
			{
				"Sealpost installieren.",
				"Die nummerierten Zeilen in eine Textdatei tippen, jede mit ihrer "
				"Nummer "
				"und dem Doppelpunkt. Klein oder groß, Leerzeichen, O statt 0, I "
				"oder L "
				"statt 1 sind gleich. Ein Tippfehler wird mit der Nummer der Zeile "
				"gemeldet.",
				"\"sealpost key import DATEI\" aufrufen und das Passwort eingeben.",
				"Ohne Sealpost: docs/FORMAT.md im Quelltext beschreibt jedes Byte.",
			},
	},
	{
		.lang = "en",
		.title = "Backup of the archive key",
		.warning = "WARNING: If the key and this backup (or its password) are lost, the "
			   "whole archive is lost. Nobody can read it then, not even its makers.",
		.purpose = "The numbered lines are the archive's key, encrypted with your "
			   "password. Keep this sheet in a safe, and the password in another "
			   "place.",
		.how = "To restore:",
		.steps =
			{
				"Install Sealpost.",
				"Type the numbered lines into a text file, each with its number "
				"and the "
				"colon. Case, spaces, O for 0, I or L for 1 do not matter. A "
				"typing "
				"mistake is reported with the number of its line.",
				"Run \"sealpost key import FILE\" and enter the password.",
				"Without Sealpost: docs/FORMAT.md in the source describes every "
				"byte.",
			},
	},
};
enum { WORDINGS = sizeof(wordings) / sizeof(wordings[0]) };

/* The facts for human eyes, ready to be printed. */
struct facts {
	struct str name, archive, date, fingerprint;
};

static const struct {
	const char *label;
	size_t offset;
} fact_rows[] = {
	{"Archiv / Archive:", offsetof(struct facts, name)},
	{"UUID:", offsetof(struct facts, archive)},
	{"Datum / Date:", offsetof(struct facts, date)},
	{"Schlüssel / Key fingerprint:", offsetof(struct facts, fingerprint)},
};
enum { FACTS = sizeof(fact_rows) / sizeof(fact_rows[0]) };

static const char *fact(const struct facts *facts, size_t row)
{
	return ((const struct str *)((const char *)facts + fact_rows[row].offset))->data;
}

static bool starts_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80; /* UTF-8 */
}

static size_t columns_of(struct view text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += starts_character(text.data[i]);
	return n;
}

static void add_short(struct str *out, struct view text, size_t columns)
{
	size_t n = 0, i = 0;

	if (columns_of(text) <= columns) {
		str_addv(out, text);
		return;
	}
	for (; n < columns - 3 || !starts_character(text.data[i]); i++)
		n += starts_character(text.data[i]);
	str_add(out, text.data, i);
	str_adds(out, "...");
}

static void facts_init(struct facts *facts, const struct keyring *keyring,
		       const struct keytext_about *about)
{
	CLEAN_STR safe = STR_INIT;
	CLEAN_STR time = STR_INIT;

	*facts = (struct facts){STR_INIT, STR_INIT, STR_INIT, STR_INIT};
	str_addsafe(&safe, VIEW(about->name), false);
	add_short(&facts->name, str_view(&safe), NAME_COLUMNS);
	uuid_add(&facts->archive, keyring_archive(keyring));
	clock_add_utc(&time, about->made_s);
	str_add(&facts->date, time.data, DATE_LEN);
	keyring_add_fingerprint(&facts->fingerprint, keyring);
}

static void facts_clear(struct facts *facts)
{
	str_clear(&facts->name);
	str_clear(&facts->archive);
	str_clear(&facts->date);
	str_clear(&facts->fingerprint);
}

/* Fold TEXT into lines of at most COLUMNS; the first begins with LEAD, the others with as many
 * spaces. */
static void add_folded(struct str *out, const char *lead, const char *text)
{
	struct view rest = VIEW(text), word;
	size_t column = strlen(lead);

	str_adds(out, lead);
	for (bool first = true; view_cut(&rest, ' ', &word); first = false) {
		size_t wide = columns_of(word);

		if (!first && column + 1 + wide > COLUMNS) {
			str_addf(out, "\n%*s", (int)strlen(lead), "");
			column = strlen(lead);
		} else if (!first) {
			str_addc(out, ' ');
			column++;
		}
		str_addv(out, word);
		column += wide;
	}
	str_addc(out, '\n');
}

static void add_rule(struct str *out)
{
	for (int i = 0; i < COLUMNS; i++)
		str_addc(out, '=');
	str_addc(out, '\n');
}

static void add_wording(struct str *out, const struct wording *w)
{
	add_folded(out, "", w->purpose);
	str_addc(out, '\n');
	add_folded(out, "", w->warning);
	str_addf(out, "\n%s\n", w->how);
	for (int i = 0; i < STEPS; i++) {
		char lead[] = {' ', (char)('a' + i), ')', ' ', '\0'};

		add_folded(out, lead, w->steps[i]);
	}
}

static void add_text(struct str *out, const struct facts *facts,
		     const struct keytext_payload *payload)
{
	add_rule(out);
	str_addf(out, "SEALPOST: %s / %s\n", wordings[0].title, wordings[1].title);
	add_rule(out);
	for (size_t i = 0; i < FACTS; i++) {
		size_t columns = columns_of(VIEW(fact_rows[i].label));

		str_addf(out, "%s%*s%s\n", fact_rows[i].label, (int)(LABEL_COLUMNS - columns), "",
			 fact(facts, i));
	}
	str_addc(out, '\n');
	keytext_encode(out, payload, KEYTEXT_GROUPED);
	for (size_t i = 0; i < WORDINGS; i++) {
		str_addc(out, '\n');
		if (i > 0)
			add_rule(out);
		add_wording(out, &wordings[i]);
	}
}

static void add_escaped(struct str *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			str_adds(out, "&amp;");
			break;
		case '<':
			str_adds(out, "&lt;");
			break;
		case '>':
			str_adds(out, "&gt;");
			break;
		case '"':
			str_adds(out, "&quot;");
			break;
		case '\'':
			str_adds(out, "&#39;");
			break;
		default:
			str_addc(out, *text);
		}
	}
}

static void add_element(struct str *out, const char *name, const char *text)
{
	str_addf(out, "<%s>", name);
	add_escaped(out, text);
	str_addf(out, "</%s>\n", name);
}

static void add_qr(struct str *out, const struct keytext_payload *payload)
{
	CLEAN_STR lines = STR_INIT;

	keytext_encode(&lines, payload, KEYTEXT_DENSE);
	must(qr_add_svg(out, lines.data, "QR") == 0); /* it always fits */
	str_addc(out, '\n');
}

static void add_html_head(struct str *out, const struct facts *facts)
{
	str_adds(out, "<!DOCTYPE html>\n<html lang=\"de\">\n<head>\n"
		      "<meta charset=\"utf-8\">\n<title>Sealpost: ");
	add_escaped(out, facts->name.data);
	str_adds(out, "</title>\n<style>\n"
		      "@page { size: A4; margin: 15mm }\n"
		      "body { font: 10pt/1.3 sans-serif; color: #000; background: #fff; "
		      "max-width: 180mm; margin: 0 auto }\n"
		      "h1 { font-size: 14pt; border-bottom: 1pt solid; margin: 0 0 3mm }\n"
		      "h2 { font-size: 11pt; margin: 4mm 0 1mm }\n"
		      "p, ol { margin: 1mm 0 }\n"
		      "ol { list-style: lower-alpha; padding-left: 6mm }\n"
		      "th { text-align: left; font-weight: normal; padding-right: 6mm }\n"
		      "td { overflow-wrap: anywhere }\n"
		      ".code { display: flex; align-items: center; margin: 3mm 0 }\n"
		      "pre { font: 11pt/2 monospace; margin: 0; flex: 1 }\n"
		      "svg { width: 56mm; height: 56mm; flex: none }\n"
		      ".warning { font-weight: bold; border: 1pt solid; padding: 1.5mm }\n"
		      "</style>\n</head>\n<body>\n");
}

static void add_html_facts(struct str *out, const struct facts *facts)
{
	str_adds(out, "<table>\n");
	for (size_t i = 0; i < FACTS; i++) {
		str_addf(out, "<tr><th>%s</th><td>", fact_rows[i].label);
		add_escaped(out, fact(facts, i));
		str_adds(out, "</td></tr>\n");
	}
	str_adds(out, "</table>\n");
}

static void add_html_wording(struct str *out, const struct wording *w)
{
	str_addf(out, "<section lang=\"%s\">\n", w->lang);
	add_element(out, "h2", w->title);
	add_element(out, "p", w->purpose);
	str_adds(out, "<p class=\"warning\">");
	add_escaped(out, w->warning);
	str_adds(out, "</p>\n");
	add_element(out, "p", w->how);
	str_adds(out, "<ol>\n");
	for (int i = 0; i < STEPS; i++)
		add_element(out, "li", w->steps[i]);
	str_adds(out, "</ol>\n</section>\n");
}

static void add_html(struct str *out, const struct facts *facts,
		     const struct keytext_payload *payload)
{
	add_html_head(out, facts);
	str_addf(out, "<h1>SEALPOST: %s / %s</h1>\n", wordings[0].title, wordings[1].title);
	add_html_facts(out, facts);
	str_adds(out, "<div class=\"code\">\n<pre>\n");
	keytext_encode(out, payload, KEYTEXT_GROUPED);
	str_adds(out, "</pre>\n");
	add_qr(out, payload);
	str_adds(out, "</div>\n<p>Der QR-Code enthält dieselben Zeilen. / "
		      "<span lang=\"en\">The QR code holds the same lines.</span></p>\n");
	for (size_t i = 0; i < WORDINGS; i++)
		add_html_wording(out, &wordings[i]);
	str_adds(out, "</body>\n</html>\n");
}

typedef void page_fn(struct str *out, const struct facts *facts,
		     const struct keytext_payload *payload);

static void write_page(struct str *out, const struct keyring *keyring,
		       const struct keytext_about *about, const struct secret *password,
		       page_fn *add_page)
{
	struct keytext_payload payload;
	struct facts facts;

	keytext_seal(&payload, keyring, password, KEYTEXT_LOG2_N);
	facts_init(&facts, keyring, about);
	add_page(out, &facts, &payload);
	facts_clear(&facts);
}

void keytext_write(struct str *out, const struct keyring *keyring,
		   const struct keytext_about *about, const struct secret *password)
{
	write_page(out, keyring, about, password, add_text);
}

void keytext_write_html(struct str *out, const struct keyring *keyring,
			const struct keytext_about *about, const struct secret *password)
{
	write_page(out, keyring, about, password, add_html);
}

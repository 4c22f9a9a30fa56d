/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/mail_priv.h"

#include "base/err.h"

#include <libxml/HTMLparser.h>
#include <libxml/xmlerror.h>

enum {
	HTML_MAX = 4 * 1024 * 1024, /* of markup that is looked at */
	OPEN_MAX = 1000 /* elements open at once: libxml2 searches them for each end tag */
};

struct reading {
	htmlParserCtxtPtr parser;
	struct str *out;
	size_t first, end; /* where in OUT the text begins, and where OUT is full */
	char gap;          /* what is due before the next character: 0, ' ' or a line end */
	unsigned open;
};

static void gap(struct reading *r, char c)
{
	if (r->gap != '\n')
		r->gap = c;
}

static void stop_when_full(struct reading *r)
{
	if (r->out->len >= r->end || r->open > OPEN_MAX)
		xmlStopParser(r->parser);
}

/* White space is one blank, as a browser shows it. */
static void add_words(struct reading *r, const char *text, size_t len)
{
	while (len > 0 && r->out->len < r->end) {
		size_t blank = 0, word = 0;

		while (blank < len && g_ascii_isspace(text[blank]))
			blank++;
		if (blank > 0)
			gap(r, ' ');
		while (blank + word < len && !g_ascii_isspace(text[blank + word]))
			word++;
		if (word > 0 && r->gap != 0 && r->out->len > r->first)
			str_addc(r->out, r->gap);
		if (word > 0)
			r->gap = 0;
		str_add(r->out, text + blank, word);
		text += blank + word;
		len -= blank + word;
	}
}

static void on_characters(void *arg, const xmlChar *text, int len)
{
	struct reading *r = arg;

	add_words(r, (const char *)text, (size_t)len);
	stop_when_full(r);
}

/* Scripts and styles; without a handler of their own they would come as characters. */
static void on_script(void *arg, const xmlChar *text, int len)
{
	(void)arg;
	(void)text;
	(void)len;
}

/* Elements inside a line; any other begins and ends one. */
static bool is_inline(const char *name)
{
	static const char *const names[] = {
		"a",      "abbr", "acronym", "b",    "bdo",  "big",   "cite", "code",
		"del",    "dfn",  "em",      "font", "i",    "ins",   "kbd",  "label",
		"nobr",   "o:p",  "q",       "s",    "samp", "small", "span", "strike",
		"strong", "sub",  "sup",     "tt",   "u",    "var",   NULL};

	for (size_t i = 0; names[i] != NULL; i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static void element_gap(struct reading *r, const char *name)
{
	if (strcmp(name, "td") == 0 || strcmp(name, "th") == 0 || strcmp(name, "img") == 0)
		gap(r, ' ');
	else if (!is_inline(name))
		gap(r, '\n');
}

static void on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
	struct reading *r = arg;

	element_gap(r, (const char *)name);
	for (; attributes != NULL && attributes[0] != NULL; attributes += 2) {
		const char *value = (const char *)attributes[1];

		if (value != NULL && strcmp((const char *)attributes[0], "alt") == 0)
			add_words(r, value, strlen(value));
	}
	element_gap(r, (const char *)name);
	r->open++;
	stop_when_full(r);
}

static void on_end(void *arg, const xmlChar *name)
{
	struct reading *r = arg;

	element_gap(r, (const char *)name);
	if (r->open > 0)
		r->open--;
}

void mail_html_text(struct view html, size_t max, struct str *out)
{
	CLEAN_STR utf8 = STR_INIT;
	size_t first = out->len;
	struct reading r = {
		.parser = htmlNewParserCtxt(), .out = out, .first = first, .end = first + max};

	must(r.parser != NULL);
	text_add(&utf8, text_cut(html, HTML_MAX), VIEW(""));
	memset(r.parser->sax, 0, sizeof(*r.parser->sax));
	r.parser->sax->startElement = on_start;
	r.parser->sax->endElement = on_end;
	r.parser->sax->characters = on_characters;
	r.parser->sax->ignorableWhitespace = on_characters;
	r.parser->sax->cdataBlock = on_script;
	r.parser->userData = &r;
	xmlFreeDoc(htmlCtxtReadMemory(r.parser, utf8.data, (int)utf8.len, NULL, "UTF-8",
				      HTML_PARSE_NONET | HTML_PARSE_RECOVER | HTML_PARSE_NOERROR |
					      HTML_PARSE_NOWARNING | HTML_PARSE_IGNORE_ENC));
	htmlFreeParserCtxt(r.parser);
	if (out->len > first + max) {
		out->len = first +
			   text_cut((struct view){out->data + first, out->len - first}, max).len;
		out->data[out->len] = '\0';
	}
}

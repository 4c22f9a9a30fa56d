/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/mail_priv.h"

#include <strings.h>

/* GMime recurses into a group within a group, which RFC 5322 does not know; without this bound, a
 * field of many colons overflows the stack. */
enum { COLONS_MAX = 500, LIST_MAX = 16 * 1024 * 1024 };

/* GMime takes time in the square of a list's length for some malformed lists, so it sees a list
 * piece by piece. A piece ends at a comma between addresses after SOFT bytes; where quotes or
 * brackets never close, at any comma after HARD bytes; and anywhere after PIECE_MAX. */
enum { SOFT = 512, HARD = 4096, PIECE_MAX = 64 * 1024 };

/* Make VALUE safe and readable for GMime, in place: colons bounded, and ';' between addresses, as
 * some programs write it, made ',' where there is no group to end. */
static void tame(char *value)
{
	size_t colons = 0;
	bool groups = strchr(value, ':') != NULL, quoted = false;

	for (char *p = value; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (*p == ';' && !groups && !quoted)
			*p = ',';
		if (*p == ':' && ++colons > COLONS_MAX)
			*p = ' ';
	}
}

static struct view clean(struct arena *arena, const char *text)
{
	CLEAN_STR s = STR_INIT;

	if (text == NULL)
		return (struct view){"", 0};
	text_add(&s, VIEW(text), VIEW(""));
	return view_trim(text_unfolded(arena, str_view(&s)));
}

static struct view lower(struct arena *arena, struct view v)
{
	char *down;
	struct view copy;

	for (size_t i = 0; i < v.len; i++) {
		if ((unsigned char)v.data[i] >= 0x80) {
			down = g_utf8_strdown(v.data, (gssize)v.len);
			copy = arena_view(arena, VIEW(down));
			g_free(down);
			return copy;
		}
	}
	return text_lower(arena, v);
}

static void add_mailbox(struct arena *arena, InternetAddress *from, bool punycode, enum role role,
			struct mail *mail)
{
	InternetAddressMailbox *mailbox = INTERNET_ADDRESS_MAILBOX(from);
	const char *addr = punycode ? internet_address_mailbox_get_idn_addr(mailbox)
				    : internet_address_mailbox_get_addr(mailbox);
	struct address address = {.role = role};

	address.addr = lower(arena, clean(arena, addr));
	while (address.addr.len > 0 && address.addr.data[address.addr.len - 1] == '.')
		address.addr.len--;
	if (address.addr.len == 0)
		return;
	address.name = clean(arena, internet_address_get_name(from));
	ARENA_PUSH(arena, mail->addresses, address);
}

static void add_list(struct arena *arena, InternetAddressList *list, bool punycode, enum role role,
		     struct mail *mail)
{
	int n = internet_address_list_length(list);

	for (int i = 0; i < n; i++) {
		InternetAddress *one = internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_GROUP(one))
			add_list(arena,
				 internet_address_group_get_members(INTERNET_ADDRESS_GROUP(one)),
				 punycode, role, mail);
		else
			add_mailbox(arena, one, punycode, role, mail);
	}
}

/* Cut the first piece of the list off, ending it with a NUL; returns where the rest begins, or
 * NULL. */
static char *cut_piece(char *list, size_t len)
{
	bool quoted = false, angle = false;
	int comments = 0;

	for (size_t i = 0; i < len; i++) {
		bool between = !quoted && !angle && comments <= 0;
		char c = list[i];

		if (i >= PIECE_MAX || (c == ',' && ((i >= SOFT && between) || i >= HARD))) {
			list[i] = '\0';
			return list + i + 1;
		}
		if (c == '\\')
			i++;
		else if (c == '"' && comments <= 0)
			quoted = !quoted;
		else if (!quoted && (c == '(' || c == ')'))
			comments += c == '(' ? 1 : -1;
		else if (!quoted && (c == '<' || c == '>'))
			angle = c == '<';
	}
	return NULL;
}

static void add_piece(struct arena *arena, const char *piece, enum role role, struct mail *mail)
{
	InternetAddressList *list = internet_address_list_parse(text_options(), piece);

	if (list == NULL)
		return;
	/* GMime decodes punycode; an address in punycode shall stay what it is. */
	add_list(arena, list, strcasestr(piece, "@xn--") || strcasestr(piece, ".xn--"), role, mail);
	g_object_unref(list);
}

void addresses_add(struct arena *arena, struct view value, enum role role, struct mail *mail)
{
	struct view text = text_unfolded(arena, text_cut(value, LIST_MAX));
	char *list = arena_strn(arena, text.data, text.len), *end = list + text.len;

	tame(list);
	while (list != NULL) {
		char *rest = cut_piece(list, (size_t)(end - list));

		add_piece(arena, list, role, mail);
		list = rest;
	}
}

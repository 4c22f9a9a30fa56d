/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/folders.h"

#include "app/intake/fetch/pattern.h"
#include "app/intake/fetch/utf7.h"

enum {
	NAME_MAX_BYTES = 4096,
	MEMORY_MAX = 256 << 20,
	RESPONSES_MORE = 1000 /* that a LIST may have besides its folders */
};

/* What a folder is for, by its name in lower case, where a server does not tell. */
static const struct {
	const char *name, *use;
} customs[] = {
	{"drafts", "\\Drafts"},
	{"draft", "\\Drafts"},
	{"entwürfe", "\\Drafts"},
	{"brouillons", "\\Drafts"},
	{"borradores", "\\Drafts"},
	{"bozze", "\\Drafts"},
	{"concepten", "\\Drafts"},
	{"trash", "\\Trash"},
	{"bin", "\\Trash"},
	{"deleted items", "\\Trash"},
	{"deleted messages", "\\Trash"},
	{"papierkorb", "\\Trash"},
	{"gelöschte elemente", "\\Trash"},
	{"gelöschte objekte", "\\Trash"},
	{"corbeille", "\\Trash"},
	{"éléments supprimés", "\\Trash"},
	{"papelera", "\\Trash"},
	{"cestino", "\\Trash"},
	{"prullenbak", "\\Trash"},
	{"junk", "\\Junk"},
	{"junk e-mail", "\\Junk"},
	{"junk email", "\\Junk"},
	{"junk-e-mail", "\\Junk"},
	{"spam", "\\Junk"},
	{"bulk mail", "\\Junk"},
	{"spamverdacht", "\\Junk"},
	{"courrier indésirable", "\\Junk"},
	{"sent", "\\Sent"},
	{"sent items", "\\Sent"},
	{"sent messages", "\\Sent"},
	{"gesendet", "\\Sent"},
	{"gesendete elemente", "\\Sent"},
	{"gesendete objekte", "\\Sent"},
};

void folders_free(struct folders **folders)
{
	struct folders *f = *folders;

	if (f == NULL)
		return;
	arena_free(&f->arena);
	names_free(&f->names);
	free(f);
	*folders = NULL;
}

const struct folder *folders_find(const struct folders *folders, struct view name)
{
	size_t i;

	return names_find(folders->names, name, &i) ? &folders->v[i] : NULL;
}

/* --- one folder ------------------------------------------------------------------------------- */

/* As it is, where that can be shown; else such that two names never look the same. */
static void add_odd(struct str *out, struct view wire)
{
	CLEAN_STR safe = STR_INIT;

	str_addsafe(&safe, wire, false);
	for (size_t i = 0; i < wire.len; i++) {
		unsigned char c = (unsigned char)wire.data[i];

		if (view_eq(str_view(&safe), wire) || (c > ' ' && c < 0x7F && c != '%'))
			str_addc(out, wire.data[i]);
		else
			str_addf(out, "%%%02X", c);
	}
}

static struct view readable(struct arena *arena, struct view wire, bool *odd_r)
{
	CLEAN_STR name = STR_INIT;

	*odd_r = utf7_decode(wire, &name) < 0;
	if (*odd_r) {
		str_adds(&name, "\xEF\xBF\xBD");
		add_odd(&name, wire);
	}
	return arena_view(arena, str_view(&name));
}

static void read_flags(const struct imap_value *flags, struct folder *folder)
{
	folder->selectable = true;
	for (size_t i = 0; i < flags->n; i++) {
		struct view flag = flags->items[i].text;

		if (view_eq_nocase(flag, VIEW("\\Noselect")) ||
		    view_eq_nocase(flag, VIEW("\\NonExistent")))
			folder->selectable = false;
		if (special_use(flag).len > 0)
			folder->use = special_use(flag);
	}
}

static bool is_text(const struct imap_value *value)
{
	return value->kind == IMAP_ATOM || value->kind == IMAP_STRING;
}

static int add_folder(struct folders *f, const struct imap_value *values, struct err *err)
{
	struct folder folder = {0};
	struct view wire = values[2].text;

	if (wire.len == 0 || wire.len > NAME_MAX_BYTES || arena_used(f->arena) > MEMORY_MAX)
		return err_set(err, ERR_TOOBIG, "the server's list of folders is too large");
	read_flags(&values[0], &folder);
	if (values[1].kind == IMAP_STRING && values[1].text.len == 1)
		folder.delimiter = values[1].text.data[0];
	folder.name = readable(f->arena, wire, &folder.odd);
	if (folders_find(f, folder.name) != NULL)
		return 0;
	folder.wire = arena_view(f->arena, wire);
	names_put(f->names, folder.name);
	must(f->v != NULL || f->cap == 0);
	ARENA_PUSH(f->arena, *f, folder);
	return 0;
}

static int hear_list(void *arg, const struct imap_response *response, struct err *err)
{
	/* a name may be NIL: the atom is meant */
	if (response->what != IMAP_DATA || !imap_is(response, "LIST"))
		return 0;
	if (response->n < 3 || response->values[0].kind != IMAP_LIST ||
	    (!is_text(&response->values[2]) && response->values[2].kind != IMAP_NIL))
		return imap_wrong(err, "a folder that is none");
	return add_folder(arg, response->values, err);
}

/* --- uses ------------------------------------------------------------------------------------- */

/* ASCII, and the capital letters that customs[] needs. */
static void add_lower(struct str *out, struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		bool latin = i > 0 && (unsigned char)text.data[i - 1] == 0xC3;

		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c + 'a' - 'A');
		else if (latin && c >= 0x80 && c <= 0x9E)
			c = (unsigned char)(c + 0x20);
		str_addc(out, (char)c);
	}
}

/* At the top, or right below INBOX or the prefix: deeper ones are the user's own. */
static struct view last_part(const struct folders *f, const struct folder *folder)
{
	struct view name = folder->name;
	const char *at;

	if (folder->delimiter == 0)
		return name;
	at = memrchr(name.data, folder->delimiter, name.len);
	if (at == NULL)
		return name;
	if (!view_eq_nocase((struct view){name.data, (size_t)(at - name.data)}, VIEW("INBOX")) &&
	    (size_t)(at - name.data) + 1 != f->prefix.len)
		return (struct view){NULL, 0};
	return (struct view){at + 1, (size_t)(name.data + name.len - at) - 1};
}

static void guess_use(const struct folders *f, struct folder *folder)
{
	CLEAN_STR lower = STR_INIT;

	add_lower(&lower, last_part(f, folder));
	folder->guessed = true;
	for (size_t i = 0; i < sizeof(customs) / sizeof(*customs); i++) {
		if (view_eq(str_view(&lower), VIEW(customs[i].name)))
			folder->use = VIEW(customs[i].use);
	}
}

/* A server that tells one tells all. */
static void guess_uses(struct folders *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].use.len > 0)
			return;
	}
	for (size_t i = 0; i < f->n; i++)
		guess_use(f, &f->v[i]);
}

/* --- listing ---------------------------------------------------------------------------------- */

/* (("INBOX." ".")) NIL NIL: the first personal one. */
static int hear_namespace(void *arg, const struct imap_response *response, struct err *err)
{
	struct folders *f = arg;
	const struct imap_value *own;
	bool odd;

	(void)err;
	if (response->what != IMAP_DATA || !imap_is(response, "NAMESPACE") || response->n == 0 ||
	    response->values[0].kind != IMAP_LIST || response->values[0].n == 0)
		return 0;
	own = &response->values[0].items[0];
	if (own->kind != IMAP_LIST || own->n < 2 || own->items[0].kind != IMAP_STRING)
		return 0;
	f->prefix = readable(f->arena, own->items[0].text, &odd);
	if (own->items[1].kind == IMAP_STRING && own->items[1].text.len == 1)
		f->delimiter = own->items[1].text.data[0];
	return 0;
}

static int ask_namespace(struct imap *imap, struct folders *f, struct err *err)
{
	const struct imap_hearer hearer = {f, hear_namespace};

	if (!imap_can(imap, IMAP_CAN_NAMESPACE))
		return 0;
	imap_text(imap, "NAMESPACE");
	if (imap_do(imap, "NAMESPACE", &hearer, RESPONSES_MORE, err) < 0)
		return err->kind == ERR_DENIED ? 0 : -1;
	return 0;
}

int folders_list(struct imap *imap, uint64_t folders_max, struct folders **folders_r,
		 struct err *err)
{
	CLEAN(folders) f = mem_new(sizeof(*f));
	const struct imap_hearer hearer = {f, hear_list};

	f->arena = arena_new();
	f->names = names_new();
	if (ask_namespace(imap, f, err) < 0)
		return -1;
	imap_text(imap, "LIST \"\" \"*\"");
	if (imap_can(imap, IMAP_CAN_SPECIAL_USE) && imap_can(imap, IMAP_CAN_LIST_EXTENDED))
		imap_text(imap, " RETURN (SPECIAL-USE)");
	if (imap_do(imap, "LIST", &hearer, folders_max + RESPONSES_MORE, err) < 0)
		return -1;
	if (f->n > folders_max)
		return err_set(err, ERR_TOOBIG,
			       "the account has %zu folders, and %llu is the limit", f->n,
			       (unsigned long long)folders_max);
	for (size_t i = 0; f->delimiter == 0 && i < f->n; i++)
		f->delimiter = f->v[i].delimiter;
	guess_uses(f);
	*folders_r = TAKE(f);
	return 0;
}

/* --- targets ---------------------------------------------------------------------------------- */

void folders_target(const struct folders *folders, struct view base, struct view source,
		    struct str *name)
{
	str_reset(name);
	str_addv(name, base);
	for (size_t i = 0; i < name->len; i++) {
		if (name->data[i] == '/' && folders->delimiter != 0)
			name->data[i] = folders->delimiter;
	}
	if (folders->prefix.len > 0 &&
	    (name->len < folders->prefix.len ||
	     memcmp(name->data, folders->prefix.data, folders->prefix.len) != 0)) {
		CLEAN_STR rest = STR_INIT;

		str_addv(&rest, str_view(name));
		str_reset(name);
		str_addv(name, folders->prefix);
		str_addv(name, str_view(&rest));
	}
	if (source.len > 0) {
		str_addc(name, folders->delimiter != 0 ? folders->delimiter : '-');
		str_addv(name, source);
	}
}

bool folders_is_below(const struct folders *folders, struct view name, struct view base)
{
	CLEAN_STR target = STR_INIT;

	folders_target(folders, base, (struct view){NULL, 0}, &target);
	if (name.len < target.len || memcmp(name.data, target.data, target.len) != 0)
		return false;
	return name.len == target.len ||
	       name.data[target.len] == (folders->delimiter != 0 ? folders->delimiter : '-');
}

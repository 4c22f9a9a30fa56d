/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/protocol.h"

#include "base/ipc.h"

#include <stddef.h>

enum field_kind { TEXT, NUMBER, SWITCH, CHOICE };

/* One member of a message's struct. A choice is an enum: from 0 to LAST. */
struct field {
	enum field_kind kind;
	unsigned last;
	size_t offset;
};

struct layout {
	const struct field *fields;
	size_t n, size_bytes;
};

/* clang-format off */
#define AT(type, member) offsetof(struct fetch_##type, member)
#define WHICH(type)                                                                                \
	{TEXT, 0, AT(type, which.folder)},                                                         \
	{NUMBER, 0, AT(type, which.uidvalidity)},                                                  \
	{NUMBER, 0, AT(type, which.uid)},                                                          \
	{TEXT, 0, AT(type, which.uidl)}
#define ACTION(i)                                                                                  \
	{CHOICE, FETCH_DELETE, AT(job, actions[i].act)},                                           \
	{TEXT, 0, AT(job, actions[i].name)}

static const struct field job_fields[] = {
	{CHOICE, FETCH_ALL, AT(job, mode)},
	{TEXT, 0, AT(job, account)},
	{TEXT, 0, AT(job, archive_dir)},
	{CHOICE, FETCH_POP3, AT(job, protocol)},
	{TEXT, 0, AT(job, host)},
	{NUMBER, 0, AT(job, port)},
	{CHOICE, FETCH_TLS_NONE, AT(job, tls)},
	{TEXT, 0, AT(job, ca_file)},
	{SWITCH, 0, AT(job, verify)},
	{TEXT, 0, AT(job, user)},
	{TEXT, 0, AT(job, password)},
	{CHOICE, FETCH_DEVICE_CODE, AT(job, grant)},
	{TEXT, 0, AT(job, preset)},
	{TEXT, 0, AT(job, token_url)},
	{TEXT, 0, AT(job, device_url)},
	{TEXT, 0, AT(job, scope)},
	{TEXT, 0, AT(job, client_id)},
	{TEXT, 0, AT(job, client_secret)},
	{TEXT, 0, AT(job, refresh_token)},
	{CHOICE, FETCH_OAUTHBEARER, AT(job, mechanism)},
	{TEXT, 0, AT(job, folders)},
	ACTION(FETCH_ARCHIVED),
	ACTION(FETCH_DUPLICATE),
	ACTION(FETCH_FAILURE),
	{SWITCH, 0, AT(job, unwrap)},
	{NUMBER, 0, AT(job, idle_ms)},
	{NUMBER, 0, AT(job, mail_bytes)},
	{NUMBER, 0, AT(job, folders_max)},
};

static const struct field known_fields[] = {
	{TEXT, 0, AT(known, folder)},
	{NUMBER, 0, AT(known, uidvalidity)},
	{NUMBER, 0, AT(known, uid)},
	{TEXT, 0, AT(known, uidl)},
};

static const struct field due_fields[] = {
	WHICH(due),
	{CHOICE, FETCH_FAILURE, AT(due, what)},
};

static const struct field outcome_fields[] = {
	WHICH(outcome),
	{CHOICE, FETCH_FAILURE, AT(outcome, what)},
};

static const struct field folder_fields[] = {
	{TEXT, 0, AT(folder, folder)},
	{TEXT, 0, AT(folder, use)},
	{SWITCH, 0, AT(folder, selected)},
	{SWITCH, 0, AT(folder, guessed)},
	{NUMBER, 0, AT(folder, uidvalidity)},
	{NUMBER, 0, AT(folder, on_server)},
	{NUMBER, 0, AT(folder, earlier)},
};

static const struct field mail_fields[] = {
	WHICH(mail),
	{TEXT, 0, AT(mail, entry)},
	{NUMBER, 0, AT(mail, size_bytes)},
};

static const struct field reached_fields[] = {
	{TEXT, 0, AT(reached, folder)},
	{NUMBER, 0, AT(reached, uidvalidity)},
	{NUMBER, 0, AT(reached, uid)},
};

static const struct field failed_fields[] = {
	WHICH(failed),
	{NUMBER, 0, AT(failed, kind)},
	{TEXT, 0, AT(failed, text)},
};

static const struct field folder_done_fields[] = {
	{TEXT, 0, AT(folder_done, folder)},
	{NUMBER, 0, AT(folder_done, uidvalidity)},
	{NUMBER, 0, AT(folder_done, on_server)},
	{NUMBER, 0, AT(folder_done, earlier)},
	{NUMBER, 0, AT(folder_done, mails)},
	{NUMBER, 0, AT(folder_done, failed)},
	{NUMBER, 0, AT(folder_done, gone)},
};

static const struct field acted_fields[] = {
	WHICH(acted),
	{NUMBER, 0, AT(acted, kind)},
	{TEXT, 0, AT(acted, text)},
};

static const struct field token_fields[] = {
	{TEXT, 0, AT(token, refresh_token)},
};

static const struct field device_fields[] = {
	{TEXT, 0, AT(device, url)},
	{TEXT, 0, AT(device, code)},
	{NUMBER, 0, AT(device, expires_s)},
};

static const struct field note_fields[] = {
	{TEXT, 0, AT(note, text)},
};

static const struct field error_fields[] = {
	{NUMBER, 0, AT(error, kind)},
	{TEXT, 0, AT(error, text)},
};

/* Of the messages that say all by coming. */
static const struct field start_fields[0], finish_fields[0], done_fields[0];
/* clang-format on */

static uint64_t get(const struct field *f, const char *at)
{
	switch (f->kind) {
	case SWITCH:
		return *(const bool *)at;
	case CHOICE:
		return *(const unsigned *)at;
	default:
		return *(const uint64_t *)at;
	}
}

static void write_fields(struct str *body, const struct layout *layout, const void *message)
{
	for (size_t i = 0; i < layout->n; i++) {
		const struct field *f = &layout->fields[i];
		const char *at = (const char *)message + f->offset;

		if (f->kind == TEXT)
			ipc_add_text(body, *(const struct view *)at);
		else
			str_addvarint(body, get(f, at));
	}
}

static int read_number(const struct field *f, struct view *rest, char *at)
{
	uint64_t n;

	if (view_varint(rest, &n) < 0)
		return -1;
	switch (f->kind) {
	case SWITCH:
		*(bool *)at = n == 1;
		return n <= 1 ? 0 : -1;
	case CHOICE:
		*(unsigned *)at = (unsigned)n;
		return n <= f->last ? 0 : -1;
	default:
		*(uint64_t *)at = n;
		return 0;
	}
}

static int read_fields(struct view body, const struct layout *layout, void *message,
		       struct err *err)
{
	memset(message, 0, layout->size_bytes);
	for (size_t i = 0; i < layout->n; i++) {
		const struct field *f = &layout->fields[i];
		char *at = (char *)message + f->offset;
		int rc = f->kind == TEXT ? ipc_text(&body, (struct view *)at)
					 : read_number(f, &body, at);

		if (rc < 0)
			return err_set(err, ERR_DAMAGED,
				       "a message between two processes is "
				       "malformed");
	}
	if (body.len > 0)
		return err_set(err, ERR_DAMAGED, "a message between two processes is too long");
	return 0;
}

#define X(NAME, name, number)                                                                      \
	static const struct layout name##_layout = {name##_fields,                                 \
						    sizeof(name##_fields) / sizeof(struct field),  \
						    sizeof(struct fetch_##name)};                  \
	void fetch_##name##_write(struct str *body, const struct fetch_##name *m)                  \
	{                                                                                          \
		write_fields(body, &name##_layout, m);                                             \
	}                                                                                          \
	int fetch_##name##_read(struct view body, struct fetch_##name *m_r, struct err *err)       \
	{                                                                                          \
		return read_fields(body, &name##_layout, m_r, err);                                \
	}                                                                                          \
	int fetch_send_##name(int fd, const struct fetch_##name *m, struct err *err)               \
	{                                                                                          \
		CLEAN_STR body = STR_INIT;                                                         \
                                                                                                   \
		fetch_##name##_write(&body, m);                                                    \
		return ipc_send(fd, (uint32_t)(number), str_view(&body), err);                     \
	}
FETCH_MESSAGES(X)

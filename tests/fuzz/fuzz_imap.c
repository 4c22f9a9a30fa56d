/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an IMAP server sends, read as responses; and each text of it as a mailbox name, a number and a date. */
#include "app/intake/fetch/pattern.h"
#include "app/intake/fetch/response.h"
#include "app/intake/fetch/utf7.h"

#include <sys/socket.h>
#include <unistd.h>

enum { INPUT_MAX = 64 * 1024 /* that a socket holds without anybody reading */ };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct content {
	uint64_t announced, got;
};

static int begin(void *arg, uint64_t size_bytes, struct err *err)
{
	struct content *content = arg;

	(void)err;
	must(content->got == content->announced); /* of the one before, to the last byte */
	*content = (struct content){.announced = size_bytes};
	return 0;
}

static int take(void *arg, const void *bytes, size_t len, struct err *err)
{
	struct content *content = arg;

	(void)bytes;
	(void)err;
	content->got += len;
	must(len > 0 && content->got <= content->announced);
	return 0;
}

static void check_text(struct view text)
{
	CLEAN_STR name = STR_INIT;
	CLEAN_STR again = STR_INIT;
	struct err err = {0};
	uint64_t n;
	int64_t t;

	imap_number(text, UINT32_MAX, &n);
	imap_date(text, &t);
	pattern_wants(text, text, text);
	pattern_check(text, &err);
	if (utf7_decode(text, &name) == 0) {
		must(utf7_encode(str_view(&name), &again) == 0);
		must(view_eq(str_view(&again), text));
	}
	str_reset(&again);
	if (utf7_encode(text, &again) == 0) {
		str_reset(&name);
		if (utf7_decode(str_view(&again), &name) == 0)
			must(view_eq(str_view(&name), text));
	}
}

static void check_values(const struct imap_value *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (values[i].kind == IMAP_LIST) {
			check_values(values[i].items, values[i].n);
			imap_item(&values[i], "UID");
		} else if (values[i].text.len > 0) {
			check_text(values[i].text);
		}
	}
}

static void read_all(struct imap_reader *reader, const struct content *content)
{
	struct imap_response response;
	struct err err = {0};

	while (imap_read(reader, &response, &err) > 0) {
		must(content->got == content->announced);
		check_values(response.values, response.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content content = {0};
	struct imap_sink sink = {&content, begin, take};
	struct imap_reader reader = {.arena = arena_new(), .sink = &sink};
	int fds[2];

	if (size > INPUT_MAX)
		size = INPUT_MAX;
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	must(size == 0 || write(fds[1], data, size) == (ssize_t)size);
	close(fds[1]);
	reader.conn = conn_of_fd(fds[0]);
	read_all(&reader, &content);
	conn_free(&reader.conn);
	arena_free(&reader.arena);
	return 0;
}

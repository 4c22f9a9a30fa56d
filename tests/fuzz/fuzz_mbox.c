/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as an mbox, packed or not. What comes out is never more than what went in. */
#include "app/intake/import/mbox.h"
#include "base/file.h"

#include <sys/mman.h>
#include <unistd.h>

#define MAIL_MAX ((size_t)64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct stream *stream)
{
	CLEAN(mbox) mbox = NULL;
	CLEAN_STR raw = STR_INIT;
	struct err err = {0};
	int64_t time_s;
	int rc;

	if (mbox_open(stream, MAIL_MAX, &mbox, &err) < 0)
		return;
	while ((rc = mbox_next(mbox, &raw, &time_s, &err)) != 0)
		must(rc > 0 ? raw.len <= MAIL_MAX : err.kind != ERR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_FD fd = memfd_create("mbox", MFD_CLOEXEC);
	CLEAN(stream) stream = stream_new();
	struct err err = {0};

	must(fd >= 0 && file_write_all(fd, data, size, &err) == 0);
	must(lseek(fd, 0, SEEK_SET) == 0);
	if (stream_start(stream, fd, size, &err) == 0)
		read_all(stream);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/login/login.h"

#include "base/clock.h"
#include "base/file.h"

#include <sys/mman.h>

char *login_value(const struct login *login, enum source_setting setting)
{
	const struct view value = login->call->value[setting];

	return arena_strn(login->arena, value.data, value.len);
}

int login_left_ms(const struct login *login)
{
	int64_t left_ms = login->deadline_ms - clock_monotonic_ms();

	return left_ms > 1 ? (int)left_ms : 1;
}

int login_say(struct login *login, enum source_verdict verdict, const char *text)
{
	login->answer.verdict = verdict;
	login->answer.text = text != NULL ? arena_str(login->arena, text) : NULL;
	return 0;
}

/* The libraries want a file's name; this one exists in this process alone, and as long as it does. */
int login_ca_file(const struct login *login, struct view pem, char **path_r, struct err *err)
{
	int fd;

	*path_r = arena_str(login->arena, "");
	if (pem.len == 0)
		return 0;
	fd = memfd_create("ca", MFD_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "a file for the CA certificate: %m");
	if (file_write_all(fd, pem.data, pem.len, err) < 0)
		return -1;
	*path_r = arena_f(login->arena, "/proc/self/fd/%d", fd);
	return 0;
}

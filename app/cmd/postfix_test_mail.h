/* SPDX-License-Identifier: GPL-3.0-or-later */
/* postfix_test_mail.h - the proof that a hook works: mail that Postfix takes and delivers to nobody, looked for in the archive. */
#ifndef APP_CMD_POSTFIX_TEST_MAIL_H
#define APP_CMD_POSTFIX_TEST_MAIL_H

#include "base/err.h"

#include <stdint.h>

struct test_mail_order {
	const char *archive_dir, *config_dir, *domain;
	int wait_ms;
};

struct test_mail_result {
	bool by_smtp;      /* not only by sendmail: one was let in by SMTP, too */
	char refused[256]; /* else why not, in Postfix's words; may be empty */
	int64_t took_ms;   /* until the last was in the archive */
};

/* Send one by sendmail and, if Postfix lets this machine in, one by SMTP, and wait until they are in the archive: once, byte for byte, by the capture, and with
 * whom they were for. An error tells where they are instead, as far as that can be seen. */
int test_mail_prove(const struct test_mail_order *order, struct test_mail_result *result_r,
		    struct err *err);

#endif

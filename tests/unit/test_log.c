/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where lines go, what the journal is told of them, and levels that change while a program runs. */
#include "tests/unit/fixture.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Standard error goes to a pipe for the length of a test. */
struct ear {
	int old, from;
};

static struct ear listen_to_stderr(void)
{
	struct ear ear = {.old = dup(STDERR_FILENO)};
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	close(ends[1]);
	ear.from = ends[0];
	return ear;
}

static void hear(const struct ear *ear, char *text, size_t size)
{
	ssize_t n = read(ear->from, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
}

static void end(struct ear *ear)
{
	unsetenv("JOURNAL_STREAM");
	assert_true(dup2(ear->old, STDERR_FILENO) >= 0);
	close(ear->old);
	close(ear->from);
	log_set_level(LOG_LEVEL_WARN);
}

static void be_the_journal(void)
{
	char told[64];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(told, sizeof(told), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", told, 1);
}

static int bind_journal(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(strlen(path) < sizeof(at.sun_path));
	memcpy(at.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	log_use_journal(path);
	return fd;
}

/* ---- where lines go ---- */

static void a_line_says_how_grave_it_is_and_no_time(void **state)
{
	struct ear ear = listen_to_stderr();
	char text[256];

	(void)state;
	log_warn("worker died pid=%d", 7);
	log_info("not told");
	hear(&ear, text, sizeof(text));
	end(&ear);
	assert_string_equal(text, "sealpost: warning: worker died pid=7\n");
}

static void without_the_journals_socket_its_stream_has_priorities(void **state)
{
	struct ear ear = listen_to_stderr();
	char text[256];

	(void)state;
	log_use_journal("/nonexistent/socket");
	be_the_journal();
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("one");
	log_warn("two");
	log_info("three\nlines");
	log_debug("four");
	hear(&ear, text, sizeof(text));
	end(&ear);
	assert_string_equal(text, "<3>one\n<4>two\n<6>three\xEF\xBF\xBDlines\n<7>four\n");
}

static void a_stream_that_is_not_the_journal_gets_no_priorities(void **state)
{
	struct ear ear = listen_to_stderr();
	char text[256];

	(void)state;
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_error("one");
	setenv("JOURNAL_STREAM", "nonsense", 1);
	log_error("two");
	hear(&ear, text, sizeof(text));
	end(&ear);
	assert_string_equal(text, "sealpost: error: one\nsealpost: error: two\n");
}

static void the_journal_gets_one_datagram_a_line_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "journal");
	int journal = bind_journal(path);
	struct ear ear = listen_to_stderr();
	char text[1024], heard[64];
	ssize_t n;

	be_the_journal();
	log_error("spool entry stuck id=%s reason=damaged: it says from=anna", "0199");
	n = recv(journal, text, sizeof(text) - 1, 0);
	hear(&ear, heard, sizeof(heard));
	end(&ear);
	close(journal);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(heard, "");
	assert_non_null(strstr(text, "PRIORITY=3\nSYSLOG_IDENTIFIER="));
	assert_non_null(strstr(text, "\nMESSAGE=spool entry stuck id=0199 reason=damaged: it says "
				     "from=anna\n"));
	assert_non_null(strstr(text, "\nSEALPOST_EVENT=spool entry stuck\nSEALPOST_ID=0199\n"
				     "SEALPOST_REASON=damaged\n"));
	assert_null(strstr(text, "SEALPOST_FROM"));
}

/* ---- fields ---- */

static const char *fields_of(const char *text, struct str *out)
{
	str_reset(out);
	log_add_fields(out, LOG_LEVEL_INFO, NULL, "x", VIEW(text));
	return strstr(out->data, "SEALPOST_") ? strstr(out->data, "SEALPOST_") : "";
}

static void only_what_is_ours_becomes_a_field(void **state)
{
	CLEAN_STR s = STR_INIT;

	(void)state;
	assert_string_equal(fields_of("archived mails=17 ms=3", &s),
			    "SEALPOST_EVENT=archived\nSEALPOST_MAILS=17\nSEALPOST_MS=3\n");
	assert_string_equal(fields_of("archiver ready", &s), "");
	assert_string_equal(fields_of("it failed: code=5", &s), "");
	assert_string_equal(fields_of("it failed x=1 and y=2", &s),
			    "SEALPOST_EVENT=it failed\nSEALPOST_X=1\n");
	assert_string_equal(fields_of("a PRIORITY=0 b=1", &s), "SEALPOST_EVENT=a PRIORITY=0\n"
							       "SEALPOST_B=1\n");
	assert_string_equal(fields_of("=1 a=", &s), "SEALPOST_EVENT==1\nSEALPOST_A=\n");
	assert_string_equal(fields_of("", &s), "");
}

/* ---- levels while it runs ---- */

static void write_level(struct fixture *f, enum log_who who, int level)
{
	struct log_settings settings;

	log_settings_read(fixture_path(f, "log.conf"), &settings, &f->err);
	settings.level[who] = level;
	assert_int_equal(log_settings_write(fixture_path(f, "log.conf"), &settings, &f->err), 0);
}

/* It looks once a second. */
static void wait_for_level(enum log_level level)
{
	int64_t end_ms = clock_monotonic_ms() + 30000;

	while (log_level() != level && clock_monotonic_ms() < end_ms) {
		log_debug("%s", "");
		usleep(10000);
	}
	assert_int_equal(log_level(), level);
}

static void a_level_is_changed_and_taken_back_while_it_runs(void **state)
{
	struct fixture *f = *state;
	struct ear ear = listen_to_stderr();
	char text[256];
	pid_t child;
	int status;

	log_follow(fixture_path(f, ""), LOG_WHO_archiver);
	write_level(f, LOG_WHO_archiver, LOG_LEVEL_INFO);
	wait_for_level(LOG_LEVEL_INFO);
	write_level(f, LOG_WHO_smtpd, LOG_LEVEL_DEBUG); /* somebody else's */
	write_level(f, LOG_WHO_archiver, LOG_LEVEL_ERROR);
	wait_for_level(LOG_LEVEL_ERROR);
	child = fork(); /* a worker hears of it as its master does */
	if (child == 0) {
		write_level(f, LOG_WHO_archiver, LOG_LEVEL_DEBUG);
		wait_for_level(LOG_LEVEL_DEBUG);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	unlink(fixture_path(f, "log.conf"));
	wait_for_level(LOG_LEVEL_WARN);
	log_info("not told");
	hear(&ear, text, sizeof(text));
	end(&ear);
	assert_null(strstr(text, "told"));
}

static void a_line_tells_the_error_that_was_there_when_it_was_written(void **state)
{
	struct fixture *f = *state;
	struct ear ear = listen_to_stderr();
	char said[256];

	/* There is no file of settings, which the first line finds out. */
	log_follow(fixture_path(f, ""), LOG_WHO_api);
	errno = EPERM;
	log_error("nice: %m");
	hear(&ear, said, sizeof(said));
	end(&ear);
	assert_string_equal(said, "sealpost: error: nice: Operation not permitted\n");
}

static void a_mistake_in_the_file_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct ear ear = listen_to_stderr();
	char text[512];

	log_follow(fixture_path(f, ""), LOG_WHO_api);
	write_level(f, LOG_WHO_api, LOG_LEVEL_INFO);
	wait_for_level(LOG_LEVEL_INFO);
	assert_int_equal(
		file_replace(fixture_path(f, "log.conf"), 0644, VIEW("api = loud\n"), &f->err), 0);
	do {
		log_debug("%s", "");
		usleep(10000);
		hear(&ear, text, sizeof(text));
	} while (text[0] == '\0');
	assert_int_equal(log_level(), LOG_LEVEL_INFO);
	end(&ear);
	assert_non_null(strstr(text, "log level stays as it is"));
	assert_non_null(strstr(text, "log.conf line 1: api takes one of: started, error"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* first, for settings are looked at once in a while */
		cmocka_unit_test_setup_teardown(
			a_line_tells_the_error_that_was_there_when_it_was_written, fixture_folder,
			fixture_teardown),
		cmocka_unit_test(a_line_says_how_grave_it_is_and_no_time),
		cmocka_unit_test(without_the_journals_socket_its_stream_has_priorities),
		cmocka_unit_test(a_stream_that_is_not_the_journal_gets_no_priorities),
		cmocka_unit_test_setup_teardown(
			the_journal_gets_one_datagram_a_line_and_nothing_else, fixture_folder,
			fixture_teardown),
		cmocka_unit_test(only_what_is_ours_becomes_a_field),
		cmocka_unit_test_setup_teardown(a_level_is_changed_and_taken_back_while_it_runs,
						fixture_folder, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_mistake_in_the_file_changes_nothing,
						fixture_folder, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

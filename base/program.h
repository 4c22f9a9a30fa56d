/* SPDX-License-Identifier: GPL-3.0-or-later */
/* program.h - the programs beside this one: where they are, how they are started and ended.
 *
 * sealpost-NAME lies beside the running program (as built), or in ../lib/sealpost of the folder it is in (as
 * installed). NAME "" is sealpost itself: beside, or in ../../bin. Nothing but the standard descriptors and what
 * is handed over is open in a started program, as
 * all of ours are close-on-exec, and no signal is blocked or ignored there. Of the environment, what the service manager
 * has for this process alone (notify.h) is left out.
 */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include "base/err.h"
#include "base/str.h"

#include <sys/types.h>

enum { PROGRAM_FD = 3 }; /* what is handed over becomes this descriptor */
/* In its environment: the process id of who started it, so that it can tell whether that one is still its parent
 * (jail_signals()). */
#define PROGRAM_PARENT "SEALPOST_PARENT"

/* The path of sealpost-NAME, appended to PATH. ERR_NOTFOUND: it is in neither place. */
int program_path(const char *name, struct str *path, struct err *err);

/* The folder of the running program, with the slash behind it; appended to FOLDER. */
int program_folder(struct str *folder, struct err *err);

/* For tests, which lie elsewhere: look in FOLDER (not copied) as if the running program were there. */
void program_use_folder(const char *folder);

/* Start sealpost-NAME with ARGS (without its own name; NULL behind the last). HANDED (-1: nothing) becomes
 * PROGRAM_FD there and stays the caller's here. The caller waits for *PID_R. */
int program_start(const char *name, const char *const *args, int handed, pid_t *pid_r,
		  struct err *err);

/* Where a unit of the service manager's starts it, for who connects to the socket at PATH. 1: connected, blocking, close-on-exec; 0: nobody
 * listens there, or not to this user; -1. */
int program_connect(const char *path, int *fd_r, struct err *err);

/* The same of the units that serve all archives, by name: /run/sealpost/NAME.sock, or in the folder $SEALPOST_SOCKETS. */
int program_connect_unit(const char *name, int *fd_r, struct err *err);

/* As program_start(), with other standard descriptors; -1: this process's. OUT and ERR may be one. */
struct program_fds {
	int handed, out, err;
};
int program_start_with(const char *name, const char *const *args, const struct program_fds *fds,
		       pid_t *pid_r, struct err *err);

/* In a program: let whoever started it go on, as if it had ended well; the rest is done in the background, without a terminal, with standard
 * input and output at /dev/null. Before anything is opened that a child must not share, and any secret. */
int program_to_background(struct err *err);

/* In a program that is started by another only, without words, and with a socket handed over: is it so? That socket is close-on-exec from
 * then on. */
bool program_was_handed_a_socket(int argc);

/* Wait for its end: 0; ERR_IO if that was not with status 0 (err->os is the signal that ended it, or 0), ERR_TIMEOUT if it lives on after TIMEOUT_MS (-1: wait for
 * ever). NAME is for the message. */
int program_wait(pid_t pid, const char *name, int timeout_ms, struct err *err);
/* The same, for ever, where the status says something: it, or -1. */
int program_wait_status(pid_t pid, const char *name, struct err *err);
/* Ask it to end (SIGTERM), and wait as program_wait() does; one that lives on is killed, and that is ERR_TIMEOUT. */
int program_stop(pid_t pid, const char *name, int timeout_ms, struct err *err);

#endif

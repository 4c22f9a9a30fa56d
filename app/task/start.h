/* SPDX-License-Identifier: GPL-3.0-or-later */
/* start.h - what sealpost-api and sealpost-starter say to each other (base/ipc.h): one order a connection, and one byte for an answer.
 *
 * The order is a message: START_TASK with a task's id, or START_JOB with a job's name. The answer is the exit status of what was started, when it is
 * over or went to the background; then the connection ends.
 */
#ifndef APP_TASK_START_H
#define APP_TASK_START_H

/* In sealpost-api's environment: the path of sealpost-starter's socket. Not set: it starts its programs itself. */
#define START_SOCKET "SEALPOST_STARTER"

enum start { START_NOTHING, START_TASK, START_JOB };

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* listener.h - the process behind one socket of the milter. */
#ifndef APP_INTAKE_MILTER_LISTENER_H
#define APP_INTAKE_MILTER_LISTENER_H

#include "app/intake/milter/settings.h"

/* Open the socket, become the settings' user, serve until LIFE_FD has ended: the process at its other end is
 * gone, or wants it so. READY_FD gets a byte when it listens. Mails that are being received then have a moment to be finished, new ones are put
 * off. Returns if it cannot serve, -1; else the process ends. */
int listener_run(const char *archive_dir, const struct milter_settings *settings,
		 const struct milter_listener *listener, int life_fd, int ready_fd,
		 struct err *err);

#endif

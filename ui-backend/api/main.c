/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-api - answers the archive's page and its HTTP interface.
 *
 *     sealpost-api [--archive DIR] [--verbose] [--follow] [--routes]
 *
 * Settings: DIR/api.conf (ui-backend/settings.c). It listens at a Unix socket or on the loopback, for the reverse proxy; if the service manager
 * has opened a socket for it, there and nowhere else. --routes: tell the
 * table of routes, and end. On SIGTERM or SIGINT requests under way are answered, and it ends.
 *
 * Jail: reads its settings and the page's files and listens; then becomes the user that is set, if root started it. It holds the archive
 * key and reads what browsers send, so package/ confines it: it needs the archive's folder, its media, and no network but its
 * socket. It asks no foreign server: sealpost-login does, which holds no key. It keeps the right to start programs with privileges of their own, since
 * PAM has the system's passwords checked by one.
 */
#include "app/mail/mail.h"
#include "base/conn.h"
#include "base/file.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/secret.h"
#include "base/service.h"
#include "storage/keyring.h"
#include "ui-backend/master.h"
#include "ui-backend/route.h"

#include <stdio.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static int listen_at(const struct api_settings *s, const char *address, int *fd_r, struct err *err)
{
	const struct listen_options options = {
		.mode = s->mode,
		.group = *s->group ? s->group : NULL,
		.backlog = BACKLOG,
	};

	return conn_listen(address, &options, fd_r, err);
}

/* People can do without metrics: a port that is taken is told, and stops nothing. */
static void listen_for_metrics(const struct api_settings *s, int *fd_r)
{
	struct err err = {0};

	*fd_r = -1;
	if (*s->metrics_listen != '\0' && listen_at(s, s->metrics_listen, fd_r, &err) < 0)
		log_error("no metrics: %s", err.text);
}

static int listen_for_people(const struct api_settings *s, int *fd_r, struct err *err)
{
	if (notify_take_listener(fd_r, err) < 0)
		return -1;
	return *fd_r >= 0 ? 0 : listen_at(s, s->listen, fd_r, err);
}

/* On standard output, not in the log: it is for who started the program, and of no use once there is an archive. */
static int tell_setup(const char *archive_dir, struct api_settings *settings, struct err *err)
{
	CLEAN_STR key = STR_INIT;
	CLEAN_STR word = STR_INIT;

	keyring_path(archive_dir, &key);
	if (access(key.data, F_OK) == 0)
		return 0;
	api_settings_open_setup(settings, &word);
	if (printf("There is no archive in %s yet. The page at %s makes one, and asks for this "
		   "word: %s\n",
		   archive_dir, settings->base, word.data) < 0 ||
	    fflush(stdout) != 0)
		return err_errno(err, "standard output: %m");
	return 0;
}

static int serve(const struct service *service, struct err *err)
{
	CLEAN(api_settings) settings = NULL;
	CLEAN(webroot) root = NULL;
	CLEAN_STR path = STR_INIT;
	CLEAN_FD listener = -1;
	CLEAN_FD stop_fd = -1;
	CLEAN_FD metrics_listener = -1;
	struct server_options options = {.archive_dir = service->archive_dir};

	str_addf(&path, "%s/api.conf", service->archive_dir);
	if (jail_signals(service->follow, &stop_fd, err) < 0 ||
	    api_settings_read(path.data, &settings, err) < 0 ||
	    tell_setup(service->archive_dir, settings, err) < 0 ||
	    webroot_read(settings->web, &root, err) < 0 ||
	    listen_for_people(settings, &listener, err) < 0)
		return -1;
	listen_for_metrics(settings, &metrics_listener);
	if (jail_become(settings->user, err) < 0)
		return -1;
	if (webroot_count(root) == 0)
		log_warn("the page's files are missing, only the HTTP interface answers");
	options.settings = settings;
	options.root = root;
	options.listener = listener;
	options.metrics_listener = metrics_listener;
	log_info("api ready");
	notify_ready();
	return master_run(&options, stop_fd, err);
}

static int tell_routes(void)
{
	CLEAN_STR table = STR_INIT;

	routes_table(&table);
	return fputs(table.data, stdout) < 0 || fflush(stdout) != 0 ? SERVICE_FAILED : SERVICE_DONE;
}

int main(int argc, char **argv)
{
	struct service service = {.name = "api", .own = "--routes"};
	struct err err = {0};

	secret_harden_process();
	if (service_parse(&service, argc, argv) < 0)
		return SERVICE_USAGE;
	if (service.own_given)
		return tell_routes();
	mail_init();
	if (serve(&service, &err) == 0)
		return SERVICE_DONE;
	return service_failed(
		&service, &err,
		"Until this is mended nobody can search or read in the browser. Mail is "
		"archived all the same.");
}

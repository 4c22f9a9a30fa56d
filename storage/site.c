/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/site.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/id.h"
#include "storage/medium_smb.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEST_BYTES = 256 * 1024, LOCATION_MAX = 1000 };

/* --- locations -------------------------------------------------------------------------------- */

bool site_is_share(const char *location)
{
	return strncmp(location, "smb://", 6) == 0;
}

static int refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_USAGE,
		       "%s; a share is given as smb://HOST[:PORT]/SHARE[/FOLDER...]", why);
}

static bool is_port(struct view text)
{
	unsigned long n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || i > 4)
			return false;
		n = 10 * n + (unsigned long)(text.data[i] - '0');
	}
	return n > 0 && n <= UINT16_MAX;
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT */
static int check_authority(struct view authority, struct err *err)
{
	struct view host = authority, rest = authority;

	if (memchr(authority.data, '@', authority.len) != NULL)
		return refuse(err, "a user or password does not belong into the address; use "
				   "--user and --password-file");
	if (view_starts(authority, "[")) {
		view_cut(&rest, ']', &host);
		if (rest.data == NULL || host.len < 2 || (rest.len > 0 && rest.data[0] != ':'))
			return refuse(err, "the host's address is malformed");
		if (rest.len > 0)
			rest = (struct view){rest.data + 1, rest.len - 1};
		else
			return 0;
	} else {
		view_cut(&rest, ':', &host);
		if (host.len == authority.len && host.len > 0)
			return 0;
	}
	if (host.len == 0)
		return refuse(err, "the host is missing");
	return is_port(rest) ? 0 : refuse(err, "the port is no number from 1 to 65535");
}

/* Windows keeps these characters and endings for itself, and changes or refuses such names. */
static int check_part(struct view part, struct err *err)
{
	char last;

	if (part.len == 0)
		return refuse(err, "there is an empty name in the path");
	last = part.data[part.len - 1];
	for (size_t i = 0; i < part.len; i++)
		if ((unsigned char)part.data[i] < ' ' || strchr(":*?\"<>|\\", part.data[i]) != NULL)
			return refuse(err,
				      "a name on a share cannot have any of : * ? \" < > | \\");
	if (last == '.' || last == ' ')
		return refuse(err, "a name on a share cannot end in a dot or a space");
	return 0;
}

static int check_share(const char *location, struct err *err)
{
	struct view rest = VIEW(location + strlen("smb://"));
	struct view part;

	if (!view_cut(&rest, '/', &part) || check_authority(part, err) < 0)
		return err->kind != ERR_NONE ? -1 : refuse(err, "the host is missing");
	if (rest.len == 0)
		return refuse(err, "the share is missing");
	if (rest.data[rest.len - 1] == '/')
		return refuse(err, "there is a slash at the end");
	while (view_cut(&rest, '/', &part))
		if (check_part(part, err) < 0)
			return -1;
	return 0;
}

int site_check(const char *location, struct err *err)
{
	size_t len = strlen(location);

	if (len > LOCATION_MAX)
		return err_set(err, ERR_USAGE, "the location is longer than %d characters",
			       LOCATION_MAX);
	if (site_is_share(location))
		return check_share(location, err);
	if (strstr(location, "://") != NULL)
		return err_set(err, ERR_USAGE,
			       "only smb:// is known; a directory is given by its path");
	return len > 0 ? 0 : err_set(err, ERR_USAGE, "the location is empty");
}

int site_open(const struct site *site, const char *folder, bool create, struct medium **medium_r,
	      struct err *err)
{
	CLEAN_STR path = STR_INIT;

	if (site_check(site->location, err) < 0)
		return -1;
	if (site_is_share(site->location))
		return medium_smb_open(site, folder, create, medium_r, err);
	str_addf(&path, "%s%s%s", site->location, folder[0] ? "/" : "", folder);
	if (create && dir_make_all(path.data, 0700, err) < 0)
		return -1;
	return medium_local_open(path.data, medium_r, err);
}

/* --- the test --------------------------------------------------------------------------------- */

/* As long as any name that an archive ever gives. */
static void test_name(char out[96])
{
	char uuid[UUID_TEXT + 1];
	struct uuid id = uuid_new();

	snprintf(out, 96, "%s-incremental.set.part", uuid_text(&id, uuid));
}

static int write_test(struct medium *m, const char *name, const unsigned char *bytes,
		      struct err *err)
{
	CLEAN(medium_file) file = NULL;

	if (medium_create(m, name, &file, err) < 0) {
		if (err->kind == ERR_USAGE || err->kind == ERR_SYNTAX)
			err->kind = ERR_UNSUPPORTED;
		return err_add(err, err->kind == ERR_UNSUPPORTED
					    ? "a name of the length that is needed cannot be kept"
					    : "nothing can be written there");
	}
	if (medium_append(file, bytes, TEST_BYTES, err) < 0 || medium_sync(file, err) < 0)
		return err_add(err, err->kind == ERR_NOSPACE ? "it is full"
							     : "nothing can be written there");
	return 0;
}

static int read_test(struct medium *m, const char *name, const unsigned char *bytes,
		     struct err *err)
{
	CLEAN_MEM unsigned char *back = mem_new(TEST_BYTES);
	size_t got;

	if (medium_read(m, name, 0, back, TEST_BYTES, &got, err) < 0)
		return err_add(err, "what was written cannot be read");
	if (got != TEST_BYTES || memcmp(back, bytes, TEST_BYTES) != 0)
		return err_set(err, ERR_DAMAGED,
			       "medium %s: what is read there is not what was written",
			       medium_location(m));
	return 0;
}

static int check_clock(struct medium *m, const char *name, struct err *err)
{
	int64_t theirs, ours = clock_s();

	if (medium_modified(m, name, &theirs, err) < 0)
		return err_add(err, "its clock cannot be read");
	if (llabs(theirs - ours) <= SITE_SKEW_S)
		return 0;
	return err_set(err, ERR_SYNTAX,
		       "medium %s: its clock is %lld s %s ours; set both by a time server",
		       medium_location(m), llabs(theirs - ours),
		       theirs > ours ? "ahead of" : "behind");
}

int site_test(struct medium *medium, struct site_space *space_r, struct err *err)
{
	CLEAN_MEM unsigned char *bytes = mem_new(TEST_BYTES);
	struct err removing = {0};
	char name[96];
	int rc;

	crypto_random(bytes, TEST_BYTES);
	test_name(name);
	if (medium_space(medium, &space_r->free_bytes, &space_r->total_bytes, err) < 0)
		return err_add(err, "its free space is not told");
	rc = write_test(medium, name, bytes, err);
	if (rc == 0)
		rc = read_test(medium, name, bytes, err);
	if (rc == 0)
		rc = check_clock(medium, name, err);
	if (medium_remove(medium, name, &removing) < 0 && rc == 0) {
		*err = removing;
		return err_add(err, "nothing can be removed there");
	}
	return rc;
}

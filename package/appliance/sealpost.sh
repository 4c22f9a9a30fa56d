# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What the hooks of the app have in common.
DATA=/var/lib/sealpost
# Which archives a mail server gave its mail to, with its configuration's folder and the archive's domain, when it was last set back.
# shellcheck disable=SC2034 # it is used where this is read
HOOKED=$DATA/.app/postfix

archives() { # the folders of those that are there
	for folder in "$DATA"/*/; do
		folder=${folder%/}
		[ ! -e "$folder/catalog.db" ] || echo "$folder"
	done
}

# The command line as the archive's owner, so that no file of root's is left in the archive.
sealpost_of() { # FOLDER ARGUMENT...
	archive_folder=$1
	shift
	(cd / && runuser -u sealpost -- /usr/bin/sealpost --archive "$archive_folder" "$@")
}

hooked_archives() { # those that a mail server gives its mail to
	for folder in $(archives); do
		[ ! -e "$folder/postfix.conf" ] || echo "$folder"
	done
}

# The first value of that name in JSON of ours; texts with quotes in them are none.
value() { # NAME
	grep -o "\"$1\": \(\"[^\"\\]*\"\|[0-9]*\)" | head -n 1 | sed 's/^[^:]*: //; s/"//g'
}

systemd_runs() {
	[ -d /run/systemd/system ]
}

say() {
	echo "sealpost: $*"
}

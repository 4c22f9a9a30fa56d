# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What the hooks of the app have in common.
DATA=/var/lib/sealpost

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

has_verb() {
	/usr/bin/sealpost help | grep -q "^  $1 "
}

systemd_runs() {
	[ -d /run/systemd/system ]
}

say() {
	echo "sealpost: $*"
}

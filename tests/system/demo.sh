#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# demo.sh - what `make run` shows: an archive, some mail in it, and a search.
#
# The archive stays in build/demo, so that a second run is quick: it imports the same mail again,
# which adds nothing, because it is archived already.
set -eu

sealpost() {
	printf '\n$ sealpost'
	printf ' %s' "$@"
	printf '\n'
	build/sealpost --archive build/demo/archive "$@"
}

cd "$(dirname "$0")/../.."
mkdir -p build/demo
if [ ! -e build/demo/archive/catalog.db ]; then
	# What an interrupted first run left is of no use.
	rm -rf build/demo/archive
	sealpost init
fi
sealpost import --source demo tests/data/mail
sealpost search rechnung
sealpost status

printf '\nThe archive is build/demo/archive. Try: build/sealpost --archive build/demo/archive'
printf ' search WORD\n'

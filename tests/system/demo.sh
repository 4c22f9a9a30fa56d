#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# demo.sh - what `make run` shows: an archive, some mail in it, the service that takes in more, and a search.
#
# The archive stays in build/demo, so that a second run is quick: it imports the same mail again,
# which adds nothing, because it is archived already.
set -eu

ARCHIVE=build/demo/archive
DOMAIN=archive.example

say() {
	printf '\n$'
	printf ' %s' "$@"
	printf '\n'
}

sealpost() {
	say sealpost "$@"
	build/sealpost --archive "$ARCHIVE" "$@"
}

# One that no outgoing connection is given by chance.
free_port() {
	python3 -c '
import random, socket
while True:
    port = random.randrange(20000, 32768)
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        continue
    print(port)
    break'
}

# Sends one mail with the word $2 to port $1, as soon as somebody listens there.
send_mail() {
	python3 - "$1" "$2" "$DOMAIN" <<'END'
import email.message, email.utils, smtplib, sys, time
port, word, domain = int(sys.argv[1]), sys.argv[2], sys.argv[3]
mail = email.message.EmailMessage()
mail["From"], mail["To"] = "Anna <anna@example.org>", f"archive@{domain}"
mail["Subject"] = f"Greetings by SMTP {word}"
mail["Date"], mail["Message-ID"] = email.utils.localtime(), email.utils.make_msgid(domain="example.org")
mail.set_content("This mail came in through the archive's own SMTP door.\n")
for _ in range(600):
    try:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="demo.example") as client:
            client.send_message(mail)
        sys.exit(0)
    except ConnectionRefusedError:
        time.sleep(0.05)
sys.exit("nobody listens")
END
}

# Until the word $1 is found: within two seconds, where nothing else is going on.
wait_for() {
	tries=0
	until [ "$(build/sealpost --archive "$ARCHIVE" search --count "$1")" = 1 ]; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { echo "the mail is not found" >&2; return 1; }
		sleep 0.1
	done
}

stop_service() {
	[ -z "$service" ] || kill "$service" 2>/dev/null || true
	[ -z "$service" ] || wait "$service"
	service=
}

cd "$(dirname "$0")/../.."
mkdir -p build/demo
if [ ! -e "$ARCHIVE/catalog.db" ]; then
	# What an interrupted first run left is of no use.
	rm -rf "$ARCHIVE"
	sealpost init
fi
sealpost import --source demo tests/data/mail

port=$(free_port)
word=demo$(date +%s%N)
printf 'listen = smtp 127.0.0.1:%s\narchive_domain = %s\nuser =\n' "$port" "$DOMAIN" >"$ARCHIVE/smtpd.conf"
service=
trap stop_service EXIT
say sealpost serve
build/sealpost --archive "$ARCHIVE" serve &
service=$!
send_mail "$port" "$word"
wait_for "$word"
sealpost search "$word"
stop_service

sealpost search rechnung
sealpost status

printf '\nThe archive is %s. Try: build/sealpost --archive %s search WORD\n' "$ARCHIVE" "$ARCHIVE"
printf 'or let it take in mail: build/sealpost --archive %s serve\n' "$ARCHIVE"

#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# demo.sh - what `make run` shows: an archive, some mail in it, the service that takes in more, a search, and the page, with people who
# may log in.
#
# At a terminal it goes on serving until Ctrl+C; elsewhere it ends when the page has answered.
#
# The archive stays in build/demo, so that a second run is quick: it imports the same mail again,
# which adds nothing, because it is archived already.
set -eu

ARCHIVE=build/demo/archive
DOMAIN=archive.example
PASSWORD='a demo password'

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

# Somebody whom the archive may know from the last time: his name, and what else there is to say.
person() {
	build/sealpost --archive "$ARCHIVE" user show "$1" >/dev/null 2>&1 ||
		build/sealpost --archive "$ARCHIVE" user add "$@" --password-file /dev/fd/3 3<<END
$PASSWORD
END
}

fixed_person() {
	build/sealpost --archive "$ARCHIVE" user password "$1" --password-file /dev/fd/3 3<<END
$PASSWORD
END
}

people() {
	person anna --full-name "Anna Becker" --address anna.becker@example.org
	person carl --full-name "Carl Winter" --address carl@example.net
	for name in admin auditor revisor dataofficer; do
		fixed_person "$name"
	done
	build/sealpost --archive "$ARCHIVE" request mode approval >/dev/null
}

# Until the page at $1 answers.
wait_for_page() {
	python3 - "$1" <<'END'
import sys, time, urllib.error, urllib.request
for _ in range(600):
    try:
        urllib.request.urlopen(sys.argv[1]).read()
        sys.exit(0)
    except (ConnectionError, urllib.error.URLError):
        time.sleep(0.05)
sys.exit("the page does not answer")
END
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
page=$(free_port)
printf 'listen = 127.0.0.1:%s\nuser =\nweb = %s\n' "$page" "$PWD/build/web" >"$ARCHIVE/api.conf"
people
printf 'listen = smtp 127.0.0.1:%s\narchive_domain = %s\nuser =\n' "$port" "$DOMAIN" >"$ARCHIVE/smtpd.conf"
service=
trap stop_service EXIT
say sealpost serve
build/sealpost --archive "$ARCHIVE" serve &
service=$!
send_mail "$port" "$word"
wait_for "$word"
sealpost search "$word"

sealpost search rechnung
sealpost status

url=http://localhost:$page/archive/
wait_for_page "$url"
cat <<END

The archive is $ARCHIVE, and its page is at

    $url

People who may log in, all with the password "$PASSWORD":

    anna          her own mail          auditor       all mail
    carl          his own mail          revisor       all mail, or what he was given
    admin         configures            dataofficer   decides what is deleted

It takes in mail by SMTP at port $port of this machine, for archive@$DOMAIN.
END
[ ! -t 1 ] || { echo "Ctrl+C ends it."; wait "$service" || true; service=; }

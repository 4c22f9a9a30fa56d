# SPDX-License-Identifier: GPL-3.0-or-later
"""imap_server - an IMAP server that does as it is told, also what no server should."""
import re

from line_server import Gone, LineServer

CAPABILITIES = "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS MOVE"


class ImapServer(LineServer):
    """MAILS are {uid: bytes} in INBOX. What is set in CHANGES, {verb: function(server, tag, arguments)},
    takes the place of an answer. CUT: after so many bytes the connection breaks. What came in is in LOG."""

    def __init__(self, mails, capabilities=CAPABILITIES, changes=(), cut=None, folders=("INBOX",),
                 greeting=b"* OK ready\r\n"):
        super().__init__(changes, cut)
        self.mails = dict(mails)
        self.copies = {}
        self.deleted = set()
        self.expunged = set()
        self.capabilities = capabilities
        self.folders = folders
        self.greeting = greeting

    def ok(self, tag, text="done"):
        self.send(f"{tag} OK {text}\r\n")

    def _serve(self, lines):
        self.send(self.greeting)
        for line in lines:
            line = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            while match := re.search(r"\{(\d+)\}$", line):
                self.send("+ go on\r\n")
                literal = lines.read(int(match.group(1))).decode()
                line = line[:match.start()] + repr(literal) + lines.readline().decode().rstrip("\r\n")
            tag, _, rest = line.partition(" ")
            verb, _, arguments = rest.partition(" ")
            if verb == "UID":
                verb, _, arguments = arguments.partition(" ")
            self.log.append(rest)
            if verb in self.changes:
                self.changes[verb](self, tag, arguments)
            elif hasattr(self, "do_" + verb.lower()):
                getattr(self, "do_" + verb.lower())(tag, arguments)
            else:
                raise Gone

    def count(self, start):
        return sum(line.startswith(start) for line in self.log)

    # --- the verbs, as they should be ---

    def do_capability(self, tag, _):
        self.send(f"* CAPABILITY {self.capabilities}\r\n")
        self.ok(tag)

    def do_authenticate(self, tag, _):
        self.ok(tag)

    do_login = do_noop = do_authenticate

    def do_logout(self, tag, _):
        self.send("* BYE\r\n")
        self.ok(tag)
        raise Gone

    def do_list(self, tag, _):
        for name in self.folders:
            self.send(f'* LIST (\\HasNoChildren) "/" "{name}"\r\n')
        self.ok(tag)

    def do_namespace(self, tag, _):
        self.send('* NAMESPACE (("INBOX." ".")) NIL NIL\r\n')
        self.ok(tag)

    def do_status(self, tag, arguments):
        self.send(f"* STATUS {arguments.split(' (')[0]} (MESSAGES 1 UIDVALIDITY 7)\r\n")
        self.ok(tag)

    def do_select(self, tag, _):
        self.send(f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n"
                  "* OK [PERMANENTFLAGS (\\Deleted \\*)] kept\r\n")
        self.ok(tag, "[READ-WRITE] open")

    do_examine = do_select

    def uids(self, text):
        last = max(self.mails, default=0)
        for part in text.split(","):
            low, _, high = part.partition(":")
            low, high = sorted((int(low), last if high == "*" else int(high or low)))
            yield from (uid for uid in sorted(self.mails) if low <= uid <= high)

    def fetch_one(self, uid, items):
        """One FETCH response."""
        raw, number = self.mails[uid], sorted(self.mails).index(uid) + 1
        if "BODY.PEEK[]" in items:
            self.send(f"* {number} FETCH (UID {uid} FLAGS (\\Recent) INTERNALDATE "
                      f'"05-Feb-2024 10:00:00 +0100" BODY[] {{{len(raw)}}}\r\n'.encode() + raw + b")\r\n")
        else:
            self.send(f"* {number} FETCH (UID {uid} RFC822.SIZE {len(raw)})\r\n")

    def do_fetch(self, tag, arguments):
        uids, _, items = arguments.partition(" ")
        for uid in self.uids(uids):
            self.fetch_one(uid, items)
        self.ok(tag)

    def do_store(self, tag, arguments):
        if "\\Deleted" in arguments:
            self.deleted.update(self.uids(arguments.split()[0]))
        self.ok(tag)

    def do_expunge(self, tag, arguments):
        for uid in set(self.uids(arguments)) & self.deleted:
            del self.mails[uid]
            self.expunged.add(uid)
        self.ok(tag)

    def do_copy(self, tag, arguments):
        uids, _, name = arguments.partition(" ")
        self.copies.setdefault(name.strip('"'), set()).update(self.uids(uids))
        self.ok(tag)

    def do_move(self, tag, arguments):
        for uid in list(self.uids(arguments.split()[0])):
            del self.mails[uid]
        self.ok(tag)

    def do_create(self, tag, _):
        self.ok(tag)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Can a stranger read an archive with docs/FORMAT.md, the key and the media alone?

The reader in the first half was written from that paper and shares no code with Sealpost; whoever
needs one may begin with it. It uses python3-cryptography for AES-GCM and the program zstd.
"""

import base64
import contextlib
import getpass
import hashlib
import hmac
import io
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import uuid

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("SEALPOST_BIN_FAST", str(ROOT / "build/sealpost"))
PASSWORD = "correct horse, grüne Batterie"
TORN, DAMAGED, SEALED = "torn", "damaged", "sealed"


# ---- the key ----

class WrongPassword(Exception):
    pass


class Mistyped(Exception):
    pass


def hkdf(key, label, salt=b""):
    """HKDF-SHA256 for 32 bytes of output: one round of expanding."""
    extracted = hmac.digest(salt or bytes(32), key, "sha256")
    return hmac.digest(extracted, label.encode() + b"\x01", "sha256")


def read_key_file(text):
    match = re.fullmatch(r"sealpost archive key v1\r?\narchive: ([0-9a-f-]{36})\r?\n"
                         r"key: ([0-9a-fA-F]{64})(\r?\n)?", text)
    return uuid.UUID(match[1]), bytes.fromhex(match[2])


def coded_lines(text):
    """Number and symbols of each coded line, wherever it stands."""
    for line in text.splitlines():
        for match in re.finditer(r"(?<![0-9A-Za-z])([0-9]):((?:(?![0-9A-Za-z]:).)*)", line):
            symbols = re.sub(r"[\s-]", "", match[2]).upper().translate(str.maketrans("OIL", "011"))
            if re.fullmatch("[0-9A-HJKMNP-TV-Z]{36}", symbols):
                yield int(match[1]), symbols


def read_paper_key(text, password):
    """The archive's UUID and key from the printed text."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    pieces = {}
    for number, symbols in coded_lines(text):
        whole = number
        for symbol in symbols:
            whole = whole * 32 + digits.index(symbol)
        if whole % 1048517 != 0 or number in pieces:
            raise Mistyped(number)
        pieces[number] = (whole >> 20 & (1 << 160) - 1).to_bytes(20, "big")
    payload = b"".join(piece for _, piece in sorted(pieces.items()))
    if len(payload) != 100 or hashlib.sha256(payload[:96]).digest()[:4] != payload[96:]:
        raise Mistyped
    version, log2_n, r, p = payload[:4]
    assert version == 1
    wrapping = hashlib.scrypt(password.encode(), salt=payload[20:36], n=2**log2_n, r=r, p=p,
                              maxmem=2**31 - 1, dklen=32)
    try:
        key = AESGCM(wrapping).decrypt(payload[36:48], payload[48:96], payload[:36])
    except InvalidTag:
        raise WrongPassword from None
    return uuid.UUID(bytes=payload[4:20]), key


# ---- packs ----

def decode_zstd(frame, dictionary_file=None):
    command = ["zstd", "-dcq"] + (["-D", dictionary_file] if dictionary_file else [])
    return subprocess.run(command, input=frame, stdout=subprocess.PIPE, check=True).stdout


class Pack:
    """One pack, read from front to back: records as (type, id, encoding, payload)."""

    HEADER = struct.Struct("<8sHHI16sQ8sQ32s")
    CLEAR = struct.Struct("<4sIBBH16s12s")
    MAGIC = bytes.fromhex("d353521a")

    def __init__(self, path, archive, key, folder):
        self.data = path.read_bytes()
        self.key = key
        self.folder = folder
        self.dictionaries = {}
        (magic, version, n, _, uuid_bytes, self.number, key_id, _, self.salt) = \
            self.HEADER.unpack_from(self.data)
        self.first = 88 + 8 * n + 32
        self.replaces = struct.unpack_from(f"<{n}Q", self.data, 88)
        head = self.data[:88 + 8 * n]
        assert magic == b"SEALPACK" and version == 1 and uuid_bytes == archive.bytes
        assert key_id == hkdf(key, "sealpost key id v1")[:8]
        assert hmac.digest(hkdf(key, "sealpost pack header v1", self.salt), head, "sha256") == \
            self.data[88 + 8 * n:self.first]
        assert path.name == f"{self.number:08d}.pack"
        assert path.parent.name == f"{self.number // 100 % 100:02d}"
        self.aead = AESGCM(hkdf(key, "sealpost pack v1", self.salt))
        self.read_all()

    def read_all(self):
        self.records = []
        self.places = []
        self.state = None
        self.damage = []
        tags = hashlib.sha256()
        at = self.first
        while at < len(self.data):
            record = self.open_at(at)
            if record is None:
                at = self.pass_over(at)
                continue
            kind, _, _, payload, end = record
            if kind == 6:
                seal = struct.pack("<QQ", len(self.records), at) + tags.digest()
                assert end == len(self.data), "bytes behind the seal"
                self.state = SEALED if payload == seal or self.damage else DAMAGED
                return
            tags.update(self.data[end - 16:end])
            self.records.append(record[:4])
            self.places.append(at)
            at = end

    def open_at(self, at):
        if len(self.data) - at < 56:
            return None
        magic, length, kind, encoding, reserved, ident, nonce = \
            self.CLEAR.unpack_from(self.data, at)
        end = at + 56 + length
        if magic != self.MAGIC or reserved or length > 2**30 or end > len(self.data):
            return None
        additional = self.data[at:at + 40] + struct.pack("<Q", at)
        try:
            encoded = self.aead.decrypt(nonce, self.data[at + 40:end], additional)
        except InvalidTag:
            return None
        return kind, uuid.UUID(bytes=ident), encoding, self.decode(kind, encoding, encoded), end

    def decode(self, kind, encoding, encoded):
        if kind == 3:
            number = struct.unpack_from("<I", encoded, 4)[0]
            self.dictionaries[number] = self.folder / f"dictionary-{self.number}-{number}"
            self.dictionaries[number].write_bytes(encoded)
        if encoding == 0:
            return encoded
        if encoding == 1:
            return decode_zstd(encoded)
        assert encoding == 2
        return decode_zstd(encoded, self.dictionaries[dictionary_of_frame(encoded)])

    def pass_over(self, at):
        """Nothing opens here: go on at the next record, or tell a torn tail from damage."""
        place = at
        while (place := self.data.find(self.MAGIC, place + 1)) >= 0:
            if self.open_at(place):
                self.damage.append((at, place))
                return place
        rest = self.data[at:]
        begun = self.MAGIC.startswith(rest[:4]) and \
            (len(rest) < 40 or 56 + struct.unpack_from("<I", rest, 4)[0] > len(rest))
        self.state = TORN if begun or not rest.strip(b"\0") else DAMAGED
        return len(self.data)


def dictionary_of_frame(frame):
    """RFC 8878, section 3.1.1.1: the id stands behind descriptor and window descriptor."""
    descriptor = frame[4]
    start = 5 if descriptor & 0x20 else 6
    return int.from_bytes(frame[start:start + (0, 1, 2, 4)[descriptor & 3]], "little")


# ---- the mail record ----

class Cursor:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def varint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def take(self, length):
        self.at += length
        assert self.at <= len(self.data)
        return self.data[self.at - length:self.at]

    def more(self):
        return self.at < len(self.data)

    def rest(self):
        return self.data[self.at:]


def read_fields(payload):
    """The fields as {tag: [value, ...]}, and what stands behind them."""
    whole = Cursor(payload)
    part = Cursor(whole.take(whole.varint()))
    fields = {}
    while part.more():
        tag = part.varint()
        fields.setdefault(tag, []).append(part.take(part.varint()))
    return fields, whole.rest()


def number(fields, tag):
    return Cursor(fields[tag][0]).varint()


def stretch_of(decoded, full_line, line_end, end_at_end):
    step = full_line // 4 * 3
    lines = [base64.b64encode(decoded[i:i + step]) for i in range(0, len(decoded), step)]
    return line_end.join(lines) + (line_end if end_at_end else b"")


def put_together(fields, skeleton, parts):
    mail, done = [], 0
    for value in fields.get(12, []):
        splice = Cursor(value)
        at, length, decoded_length, full_line = (splice.varint() for _ in range(4))
        crlf, end_at_end = splice.take(2)
        decoded = parts[splice.take(32)]
        assert len(decoded) == decoded_length
        stretch = stretch_of(decoded, full_line, b"\r\n" if crlf else b"\n", end_at_end)
        assert len(stretch) == length
        mail += [skeleton[done:at], stretch]
        done = at
    mail = b"".join(mail + [skeleton[done:]])
    assert len(mail) == number(fields, 3)
    assert hashlib.sha256(mail).digest() == fields[1][0]
    return mail


class Archive:
    """All mails of an archive: {id: bytes}."""

    def __init__(self, media, archive, key, folder):
        packs = [Pack(path, archive, key, folder)
                 for medium in media
                 for path in sorted(medium.glob(f"sealpost-{archive}/packs/[0-9][0-9]/*.pack"))
                 if path.stat().st_size > 0]
        replaced = {n for pack in packs if pack.state == SEALED for n in pack.replaces}
        self.packs = [pack for pack in packs if pack.number not in replaced
                      and (pack.state == SEALED or not pack.replaces)]
        part_key = hkdf(key, "sealpost part v1")
        self.parts = {}
        for _, payload in self.of_type(2):
            assert hmac.digest(part_key, payload[32:], "sha256") == payload[:32]
            self.parts[payload[:32]] = payload[32:]
        self.erased = {uuid.UUID(bytes=p[:16]): struct.unpack("<Q", p[16:24])[0]
                       for _, p in self.of_type(7)}
        self.facts, self.mails = {}, {}
        for ident, payload in self.of_type(1):
            if ident not in self.erased:
                fields, skeleton = read_fields(payload)
                self.facts[ident] = fields
                self.mails[ident] = put_together(fields, skeleton, self.parts)
        self.sightings = [read_fields(payload) for _, payload in self.of_type(4)]

    def of_type(self, wanted):
        return [(ident, payload) for pack in self.packs
                for kind, ident, _, payload in pack.records if kind == wanted]


def read_label(medium, archive, key):
    label = json.loads((medium / f"sealpost-{archive}/medium.json").read_text())
    assert label["sealpost"] == "medium" and label["format"] == 1
    return json.loads(AESGCM(hkdf(key, "sealpost medium v1")).decrypt(
        bytes.fromhex(label["nonce"]), bytes.fromhex(label["sealed"]), b"medium.json"))


# ---- backups of the catalog ----

class Backup:
    """One set: what it tells of itself, and its pages by number."""

    HEAD = struct.Struct("<8sH6s16s8s32s")
    ABOUT = struct.Struct("<16s16s32sQQQQII")

    def __init__(self, path, archive, key):
        data = path.read_bytes()
        self.catalog_key = hkdf(key, "sealpost catalog v1")
        magic, version, zeros, uuid_bytes, key_id, salt = self.HEAD.unpack_from(data)
        assert magic == b"SEALBKUP" and version == 1 and zeros == bytes(6)
        assert uuid_bytes == archive.bytes and key_id == hkdf(key, "sealpost key id v1")[:8]
        self.clear, self.sealing = data[:72], AESGCM(hkdf(key, "sealpost backup v1", salt))
        (ident, before, self.before_hash, self.made_ms, self.n_pages, self.highest_pack, self.mails,
         self.page_bytes, self.kind) = self.ABOUT.unpack(self.open(0, False, data[72:192]))
        self.ident, self.before = uuid.UUID(bytes=ident), uuid.UUID(bytes=before)
        assert path.name == f"{self.ident}-{('full', 'incremental')[self.kind - 1]}.set"
        self.hash = hashlib.sha256(data).digest()
        self.pages = dict(self.entries(data[192:]))
        assert list(self.pages) == sorted(self.pages)
        assert self.kind == 2 or list(self.pages) == list(range(1, self.n_pages + 1))

    def open(self, place, last, sealed):
        nonce = struct.pack("<QB3x", place, last)
        return self.sealing.decrypt(nonce, sealed, self.clear)

    def entries(self, data):
        at = place = 0
        while at < len(data):
            place, begin = place + 1, at + 4
            at = begin + struct.unpack_from("<I", data, at)[0]
            plain = self.open(place, at == len(data), data[begin:at])
            entries = decode_zstd(plain[1:]) if plain[0] else plain[1:]
            assert len(entries) <= 2**20
            for entry in range(0, len(entries), 8 + self.page_bytes):
                number = struct.unpack_from("<Q", entries, entry)[0]
                yield number, self.encrypted(number, entries[entry + 8:][:self.page_bytes])

    def encrypted(self, number, page):
        begin, end = 16 if number == 1 else 0, len(page) - 80
        cipher = Cipher(AES(self.catalog_key), CBC(page[end:end + 16])).encryptor()
        return page[:begin] + cipher.update(page[begin:end]) + page[end:]


def catalog_of(last, backups):
    """The catalog's file, put together from a chain."""
    chain = [last]
    while chain[-1].kind == 2:
        chain.append(backups[chain[-1].before])
        assert chain[-2].before_hash == chain[-1].hash
    file = b""
    for backup in reversed(chain):
        file = bytearray(file.ljust(backup.n_pages * backup.page_bytes, b"\0"))
        for page, content in backup.pages.items():
            file[(page - 1) * backup.page_bytes:page * backup.page_bytes] = content
        file = bytes(file[:backup.n_pages * backup.page_bytes])
    return file


# ---- the archives that are read ----

def sealpost(archive, *args):
    done = subprocess.run([BIN, "--archive", str(archive), "--json", *map(str, args)],
                          stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()
            if line.startswith(b"{")]


def mail_with(subject, body, end=b"\n"):
    lines = ["From: Anna Becker <anna@example.org>", "To: Carl Winter <carl@example.net>",
             f"Subject: {subject}", "Date: Fri, 17 May 2024 10:00:00 +0200",
             f"Message-ID: <{subject.replace(' ', '.')}@example.org>", "MIME-Version: 1.0"]
    return end.join(line.encode() for line in lines) + end + body


def attachment(content, line=76, end=b"\n", last_end=True):
    coded = base64.b64encode(content)
    lines = [coded[i:i + line] for i in range(0, len(coded), line)]
    head = b"Content-Type: application/octet-stream" + end + b"Content-Transfer-Encoding: base64"
    return head + end + end + end.join(lines) + (end if last_end else b"")


def special_mails():
    """The forms that a splice may have."""
    noise = random.Random(17)
    small, large = noise.randbytes(20_000), noise.randbytes(9 * 1024 * 1024)
    yield mail_with("lf", attachment(small))
    yield mail_with("crlf", attachment(small, end=b"\r\n"), b"\r\n")
    yield mail_with("no last line end", attachment(small, last_end=False))
    yield mail_with("one line", attachment(small, line=1 << 20))
    yield mail_with("short lines", attachment(small, line=60))
    yield mail_with("larger than one part", attachment(large))
    yield mail_with("two stretches", attachment(small) + b"\nno base64 here!\n" +
                    base64.encodebytes(noise.randbytes(9_001)) + b"\n\n")


def many_mails():
    """So many small ones that the archive trains a dictionary."""
    words = "Angebot Rechnung Mahnung Vertrag Lieferung Termin Protokoll Bestellung".split()
    noise = random.Random(4)
    for i in range(220):
        body = " ".join(noise.choices(words, k=90))
        yield mail_with(f"Nachricht {i}", f"\nGuten Tag,\n\n{body}\n\nmit Gruß\n".encode())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An archive of two imports, with a mail that came twice and one that was erased."""
    folder = tmp_path_factory.mktemp("format")
    source, again = folder / "first", folder / "again"
    source.mkdir()
    again.mkdir()
    for i, mail in enumerate([*many_mails(), *special_mails()]):
        (source / f"{i:04}.eml").write_bytes(mail)
    for path in (ROOT / "tests/data/mail").glob("*.eml"):
        shutil.copy(path, source)
    (again / "same.eml").write_bytes(
        b"Received: from elsewhere\n" + (source / "0007.eml").read_bytes())
    (again / "new.eml").write_bytes(mail_with("shares its attachment",
                                              attachment(random.Random(17).randbytes(20_000))))
    archive = folder / "archive"
    sealpost(archive, "init")
    assert sealpost(archive, "import", source)[-1]["failed"] == 0
    assert sealpost(archive, "import", "--source", "elsewhere", again)[-1]["duplicate"] == 1
    gone = sealpost(archive, "search", "msgid:Nachricht.5@example.org")[0]["id"]
    sealpost(archive, "delete", gone)
    sealpost(archive, "erase", "index")
    sealpost(archive, "erase", "media")
    expected = {path.read_bytes() for path in source.iterdir()} | {(again / "new.eml").read_bytes()}
    expected.remove((source / "0005.eml").read_bytes())
    yield folder, archive, expected, uuid.UUID(gone)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def key(made):
    return read_key_file((made[1] / "archive.key").read_text())


@pytest.fixture(scope="module")
def read(made, key):
    return Archive([made[1] / "media/1"], *key, made[0])


# ---- tests ----

def test_every_mail_is_there_byte_for_byte(made, read):
    assert sorted(read.mails.values()) == sorted(made[2])
    assert all(pack.state == SEALED and not pack.damage for pack in read.packs)


def test_the_archive_has_all_that_the_paper_describes(read):
    encodings = {encoding for pack in read.packs for _, _, encoding, _ in pack.records}
    kinds = {kind for pack in read.packs for kind, _, _, _ in pack.records}
    assert encodings == {0, 1, 2}
    assert kinds == {1, 2, 3, 4, 7}
    assert any(pack.replaces for pack in read.packs)
    assert max(len(fields.get(12, [])) for fields in read.facts.values()) >= 2


def test_the_facts_tell_way_source_place_and_time(read):
    mail = next(ident for ident, raw in read.mails.items() if b"Subject: Nachricht 9\n" in raw)
    facts = read.facts[mail]
    assert number(facts, 4) == 1
    assert facts[5] == [b"first"]
    assert facts[7] == [b"0009.eml"]
    archived_ms = int.from_bytes(mail.bytes[:6], "big")
    assert mail.version == 7
    assert abs(archived_ms - number(facts, 6)) < 600_000


def test_a_part_that_several_mails_have_is_kept_once(read):
    uses = [value[-32:] for fields in read.facts.values() for value in fields.get(12, [])]
    stored = [payload[:32] for _, payload in read.of_type(2)]
    assert len(uses) > len(set(uses))
    assert sorted(stored) == sorted(set(uses))


def test_a_later_sighting_names_its_mail_and_keeps_its_header(read):
    (fields, header), = read.sightings
    mail = read.mails[uuid.UUID(bytes=fields[13][0])]
    assert b"Subject: Nachricht 7\n" in mail
    assert header.startswith(b"Received: from elsewhere\n")
    assert header.endswith(b"MIME-Version: 1.0\n")
    assert number(fields, 3) == len(mail) + len(b"Received: from elsewhere\n")
    assert fields[5] == [b"elsewhere"]


def test_an_erased_mail_is_named_and_not_there(made, read):
    assert list(read.erased) == [made[3]]
    assert made[3] not in read.mails
    assert not any(b"Subject: Nachricht 5\n" in raw for raw in read.mails.values())


def test_the_medium_label_opens(made, key):
    label = read_label(made[1] / "media/1", *key)
    assert label["archive"] == str(key[0])
    assert label["medium"] == 1


def test_a_chain_of_backups_gives_the_catalog(made, key):
    folder, archive = made[:2]
    sealpost(archive, "backup", "full")
    for turn in range(2):
        sealpost(archive, "note", sealpost(archive, "search", "", "--limit", 1)[0]["id"],
                 "--tags", f"turn{turn}")
        sealpost(archive, "backup", "incremental")
    sets = sorted((archive / "media/1" / f"sealpost-{key[0]}" / "catalog").iterdir())
    backups = {backup.ident: backup for backup in (Backup(path, *key) for path in sets)}
    assert [backup.kind for backup in backups.values()] == [1, 2, 2]
    assert 0 < len(list(backups.values())[-1].pages) < list(backups.values())[0].n_pages
    last = list(backups.values())[-1]
    assert last.mails == len(made[2]) and last.highest_pack > 1 and last.page_bytes == 8192
    file = catalog_of(last, backups)
    assert file == (archive / "catalog.db").read_bytes()
    assert not (archive / "catalog.db-wal").exists() or \
        (archive / "catalog.db-wal").stat().st_size == 0


def copy_of_first_pack(made, key, read, change):
    """A pack with its bytes changed, and the same pack whole."""
    whole = read.packs[0]
    path = made[0] / "changed" / f"{whole.number // 100 % 100:02d}" / f"{whole.number:08d}.pack"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(change(whole.data))
    return whole, Pack(path, *key, made[0])


def test_a_torn_pack_gives_all_but_its_last_record(made, key, read):
    seal = 56 + 48
    whole, torn = copy_of_first_pack(made, key, read, lambda data: data[:-seal - 1])
    assert torn.state == TORN
    assert torn.records == whole.records[:-1]


def test_behind_a_damaged_record_reading_goes_on(made, key, read):
    begin, end = read.packs[0].places[1:3]

    def flip(data):
        at = begin + 60
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]

    whole, damaged = copy_of_first_pack(made, key, read, flip)
    assert damaged.damage == [(begin, end)]
    assert damaged.records == whole.records[:1] + whole.records[2:]


def paper(made):
    password = made[0] / "password"
    password.write_text(PASSWORD + "\n")
    done = subprocess.run([BIN, "--archive", made[1], "key", "export", "--password-file", password],
                          stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def test_the_key_on_paper_gives_the_key_back(made, key):
    text = paper(made)
    assert read_paper_key(text, PASSWORD) == key
    assert read_paper_key(text.lower().replace("0", "o"), PASSWORD) == key
    with pytest.raises(WrongPassword):
        read_paper_key(text, PASSWORD + "!")
    third = re.search("^3: .*$", text, re.M)[0]
    mistyped = third[:5] + ("0" if third[5] != "0" else "2") + third[6:]
    with pytest.raises(Mistyped):
        read_paper_key(text.replace(third, mistyped), PASSWORD)


def test_the_example_in_the_paper_is_true():
    text = (ROOT / "docs/FORMAT.md").read_text()
    example = re.search(r"(    sealpost archive key v1\n.*\n.*\n)", text)[1]
    archive, key = read_paper_key(text, PASSWORD)
    assert read_key_file(re.sub("^    ", "", example, flags=re.M)) == (archive, key)


def test_the_program_in_the_paper_restores_the_key_file(made, monkeypatch):
    program = re.search("```python\n(.*?)```", (ROOT / "docs/FORMAT.md").read_text(), re.S)[1]
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO(paper(made)))
    monkeypatch.setattr(getpass, "getpass", lambda: PASSWORD)
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "docs/FORMAT.md", "exec"), {})
    assert printed.getvalue() == (made[1] / "archive.key").read_text()

# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/FORMAT.md, "The spool": a reader written from this paper alone opens an entry with the archive key."""
import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sealpost import mail
from smtp import DOMAIN, Smtpd

CHUNK, TAG = 65536, 16


def hkdf(key, salt, info):
    return HKDF(SHA256(), 32, salt, info).derive(key)


def spool_key(archive):
    line = (archive.path / "archive.key").read_text().splitlines()[2]
    key = bytes.fromhex(line.removeprefix("key: "))
    return X25519PrivateKey.from_private_bytes(hkdf(key, b"", b"sealpost spool v1"))


def unseal(private, sealed, context):
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert sealed[:8] == b"SPSEAL1\n"
    assert sealed[8:16] == hashlib.sha256(public).digest()[:8]
    fleeting, rest = sealed[16:48], sealed[48:]
    secret = private.exchange(X25519PublicKey.from_public_bytes(fleeting))
    key = AESGCM(hkdf(secret, fleeting + public + context, b"sealpost seal v1"))
    chunks = [rest[i:i + CHUNK + TAG] for i in range(0, len(rest), CHUNK + TAG)]
    return b"".join(key.decrypt(struct.pack("<QB3x", i, i + 1 == len(chunks)), chunk, None)
                    for i, chunk in enumerate(chunks))


def varint(data, at):
    n = shift = 0
    while True:
        n |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 0x80:
            return n, at


def fields(data):
    at, found = 0, []
    while at < len(data):
        tag, at = varint(data, at)
        length, at = varint(data, at)
        found.append((tag, data[at:at + length]))
        at += length
    return found


def test_an_entry_of_the_spool_is_read_from_the_paper(archive):
    sent = mail("Sealed", body="Text of this mail.\n" * 10000).replace(b"\n", b"\r\n")
    assert len(sent) > 2 * CHUNK
    with Smtpd(archive, source="mx") as smtpd, smtpd.smtp() as client:
        client.mail(sent, f"x@{DOMAIN}", sender="anna@example.org")
    (entry,) = (archive.path / "spool" / "ready").iterdir()
    data, private = entry.read_bytes(), spool_key(archive)
    ident = bytes.fromhex(entry.name.replace("-", ""))
    magic, mail_len, env_len = struct.unpack_from("<8sQQ", data)
    assert magic == b"SPSPOOL1" and len(data) == 24 + mail_len + env_len
    assert unseal(private, data[24:24 + mail_len], ident + b"M") == sent
    envelope = fields(unseal(private, data[24 + mail_len:], ident + b"E"))
    assert (1, b"\x03") in envelope and (2, b"mx") in envelope
    assert (4, b"anna@example.org") in envelope and (18, f"x@{DOMAIN}".encode()) in envelope


def test_the_public_key_is_the_second_line_of_its_file(archive):
    public = spool_key(archive).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert (archive.path / "spool.pub").read_text().splitlines()[1] == public.hex()

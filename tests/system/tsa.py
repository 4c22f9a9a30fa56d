# SPDX-License-Identifier: GPL-3.0-or-later
"""tsa - a private timestamping authority (RFC 3161) on a loopback port, true or hostile as its `mode` says.

What it signs, openssl signs: `openssl ts` wherever that is willing, else `openssl cms` over a TSTInfo written here, for
tokens that no honest authority would make.
"""
import base64
import contextlib
import datetime
import http.server
import ipaddress
import pathlib
import shutil
import ssl
import subprocess
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from ports import free_port

POLICY, OTHER_POLICY = "1.2.3.4.1", "1.2.3.4.2"
QUERY_TYPE, REPLY_TYPE = "application/timestamp-query", "application/timestamp-reply"
DAY = datetime.timedelta(days=1)

# Modes, beside "good". Those of the first table make a bad token, those of the second answer with something else.
TOKEN_MODES = ("wrong_imprint", "wrong_nonce", "other_ca", "expired_signer", "missing_usage", "not_critical", "more_usages",
               "other_policy", "weak", "hour_off", "rejected")
HTTP_MODES = ("cut", "trailing", "oversized", "endless", "http_500", "http_404", "redirect", "silent", "slow", "not_der", "empty",
              "wrong_content_type", "page", "broken")
# Signers: days until the certificate ends, the key, what it is for, and whose it is.
SIGNERS = {
    "good": {"days": 3650},
    "ec": {"days": 3650, "key": "ec"},
    "short": {"days": 30},
    "expired": {"days": -1},
    "missing_usage": {"days": 3650, "usages": ()},
    "not_critical": {"days": 3650, "critical": False},
    "more_usages": {"days": 3650, "usages": (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH)},
    "other_ca": {"days": 3650, "issuer": "other"},
}
SIGNER_OF_MODE = {"expired_signer": "expired", "missing_usage": "missing_usage", "not_critical": "not_critical",
                  "more_usages": "more_usages", "other_ca": "other_ca"}

CONF = """
[tsa]
default_tsa = here
[here]
serial = {path}/serial
default_policy = {policy}
other_policies = {other_policy}
digests = {digests}
signer_digest = sha256
ess_cert_id_alg = sha256
accuracy = secs:1
tsa_name = yes
"""


# --- DER ----------------------------------------------------------------------------------------

def tlv(tag, *parts):
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes(4, "big").lstrip(b"\0")
    return bytes([tag, 0x80 | len(length)]) + length + body


def integer(n):
    return tlv(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def oid(text):
    first, second, *rest = map(int, text.split("."))
    body = bytes([40 * first + second])
    for number in rest:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.insert(0, 0x80 | number & 0x7F)
        body += bytes(digits)
    return tlv(0x06, body)


def items(der):
    """What follows one another in DER: (tag, body, all of it)."""
    found = []
    while der:
        length, head = der[1], 2
        if length >= 0x80:
            head += length & 0x7F
            length = int.from_bytes(der[2:head], "big")
        found.append((der[0], der[head:head + length], der[:head + length]))
        der = der[head + length:]
    return found


class Query:
    """A request, taken apart: `imprint` is its MessageImprint, whole."""

    def __init__(self, der):
        self.der = der
        (_, body, _), = items(der)
        self.version, (_, imprint, self.imprint), *more = items(body)
        self.digest = items(imprint)[1][1]
        self.policy = next((whole for tag, _, whole in more if tag == 0x06), oid(POLICY))
        self.nonce = next((whole for tag, _, whole in more if tag == 0x02), b"")
        self.wants_certificates = any(tag == 0x01 for tag, _, _ in more)

    def without_truth(self, part):
        """The same request, but for one bit of a part of it."""
        at = self.der.index(part) + len(part) - 1
        return self.der[:at] + bytes([self.der[at] ^ 1]) + self.der[at + 1:]


# --- certificates -------------------------------------------------------------------------------

def new_key(kind):
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Trial authority"),
                      x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Certificate:
    """A certificate with its key, as FOLDER/NAME.pem and FOLDER/NAME.key; ISSUER None: its own."""

    def __init__(self, folder, subject, issuer=None, kind="rsa", days=3650, extensions=()):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.key = new_key(kind)
        self.subject = name(subject)
        builder = (x509.CertificateBuilder().subject_name(self.subject)
                   .issuer_name(issuer.subject if issuer else self.subject)
                   .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - 400 * DAY).not_valid_after(now + days * DAY))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        self.certificate = builder.sign((issuer or self).key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        self.file = folder / f"{subject}.pem"
        self.key_file = folder / f"{subject}.key"
        self.file.write_bytes(self.pem)
        self.key_file.write_bytes(self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def key_usage(**uses):
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{use: uses.get(use, False) for use in names}), True


def authority(folder, subject, issuer=None, kind="rsa"):
    return Certificate(folder, subject, issuer, kind, 7300, [
        (x509.BasicConstraints(ca=True, path_length=None), True), key_usage(key_cert_sign=True, crl_sign=True)])


def of_host(folder, subject, issuer):
    return Certificate(folder, subject, issuer, "ec", 3650, [
        (x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)])


# --- the server ---------------------------------------------------------------------------------

class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):  # noqa: N802, the base class calls it so
        query = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.server.owner.answer(self, query)

    def send(self, status, body, kind=REPLY_TYPE, length=None, **fields):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length != 0:
            self.send_header("Content-Length", str(length or len(body)))
        for field, value in fields.items():
            self.send_header(field.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that does not like the certificate


class Tsa:
    """PATH is made, and holds all of it. Use it in a `with`; `mode` and `signer` may change at any time.

    url           where to post
    ca_file       PEM of the CA that its tokens lead to; other_ca_file: of one that has nothing to do with it
    mode          "good", or one of TOKEN_MODES and HTTP_MODES
    signer        of SIGNERS, in mode "good": "short" ends within 30 days, and must be renewed soon
    offset_s      in mode "hour_off": its clock less ours
    queries       what it was asked, each a Query; asked(N) waits until there were so many
    TLS: https; tls_ca_file leads to its certificate. CLIENT_CERTIFICATE: it wants client_file with client_key_file.
    USER, PASSWORD: it wants them (basic). INTERMEDIATE: its signers are not the CA's own, but of one in between.
    proxied       how often it was asked as a proxy; PROXY_USER, PROXY_PASSWORD as above
    """

    def __init__(self, path, tls=False, client_certificate=False, user=None, password=None, intermediate=False,
                 proxy_user=None, proxy_password=None):
        self.path = pathlib.Path(path)
        self.path.mkdir()
        self.mode, self.signer, self.offset_s = "good", "good", 3600
        self.queries, self.proxied, self.serial = [], 0, 1
        self.lock, self.news, self.ended = threading.Lock(), threading.Condition(), threading.Event()
        self.login = self._basic(user, password)
        self.proxy_login = self._basic(proxy_user, proxy_password)
        self.ca = authority(self.path, "ca")
        self.issuer = authority(self.path, "intermediate", self.ca) if intermediate else self.ca
        self.other = authority(self.path, "other-ca", kind="ec")
        self.signers = {}
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http{'s' if tls else ''}://{self.host}/tsr"
        self.ca_file, self.other_ca_file = self.ca.file, self.other.file
        self.intermediate_file = self.issuer.file
        self.context = self._tls(client_certificate) if tls else None

    @staticmethod
    def _basic(user, password):
        return user and "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def _tls(self, client_certificate):
        web_ca = authority(self.path, "web-ca", kind="ec")
        host, client = of_host(self.path, "host", web_ca), of_host(self.path, "client", web_ca)
        self.tls_ca_file, self.client_file, self.client_key_file = web_ca.file, client.file, client.key_file
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(host.file, host.key_file)
        if client_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(web_ca.file)
        return context

    def __enter__(self):
        self.server = _Server(("127.0.0.1", self.port), _Handler)
        self.server.owner = self
        if self.context:
            # the handshake is the handler's, so that it holds up nobody else
            self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True,
                                                          do_handshake_on_connect=False)
        # it looks so often whether it is to end
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.path)

    def stop(self):
        """Nobody answers there any more."""
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def asked(self, times=1, timeout_s=60):
        with self.news:
            assert self.news.wait_for(lambda: len(self.queries) >= times, timeout_s), len(self.queries)

    def certificate(self, signer):
        with self.lock:
            if signer not in self.signers:
                wants = SIGNERS[signer]
                usages = wants.get("usages", (ExtendedKeyUsageOID.TIME_STAMPING,))
                extensions = [key_usage(digital_signature=True)]
                if usages:
                    extensions.append((x509.ExtendedKeyUsage(usages), wants.get("critical", True)))
                issuer = self.other if wants.get("issuer") else self.issuer
                self.signers[signer] = Certificate(self.path, f"signer-{signer}", issuer, wants.get("key", "rsa"),
                                                   wants["days"], extensions)
            return self.signers[signer]

    # --- tokens ---

    def _files(self, query):
        with self.lock:
            self.serial += 1
            stem = self.path / f"query-{self.serial}"
        query_file = stem.with_suffix(".tsq")
        query_file.write_bytes(query)
        return query_file, stem.with_suffix(".tsr"), self.serial

    def _chain(self):
        return [] if self.issuer is self.ca else [self.issuer.file]

    def _reply(self, query, signer, digests="sha256, sha384, sha512"):
        """What `openssl ts` answers."""
        query_file, reply_file, serial = self._files(query)
        conf = query_file.with_suffix(".cnf")
        serial_file = query_file.with_suffix(".serial")
        serial_file.write_text(f"{serial:08X}\n")
        conf.write_text(CONF.format(path=self.path, policy=POLICY, other_policy=OTHER_POLICY, digests=digests)
                        .replace(f"{self.path}/serial", str(serial_file)))
        certificate = self.certificate(signer)
        chain = [word for file in self._chain() for word in ("-chain", file)]
        subprocess.run(["openssl", "ts", "-reply", "-config", conf, "-queryfile", query_file, "-signer",
                        certificate.file, "-inkey", certificate.key_file, *chain, "-out", reply_file],
                       check=True, capture_output=True)
        return reply_file.read_bytes()

    def _made(self, query, signer, offset_s=0, policy=None, digest="sha256"):
        """What `openssl ts` refuses to make."""
        query_file, token_file, serial = self._files(b"")
        asked = Query(query)
        time = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset_s)
        query_file.write_bytes(tlv(
            0x30, integer(1), oid(policy) if policy else asked.policy, asked.imprint, integer(serial),
            tlv(0x18, time.strftime("%Y%m%d%H%M%SZ").encode()), asked.nonce))
        certificate = self.certificate(signer)
        chain = [word for file in self._chain() for word in ("-certfile", file)]
        subprocess.run(["openssl", "cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-cades", "-md", digest,
                        "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", query_file, "-signer",
                        certificate.file, "-inkey", certificate.key_file, *chain, "-outform", "DER", "-out",
                        token_file], check=True, capture_output=True)
        return tlv(0x30, tlv(0x30, integer(0)), token_file.read_bytes())

    def reply(self, query):
        """The response to a request, as the mode has it made."""
        asked = Query(query)
        signer = SIGNER_OF_MODE.get(self.mode, self.signer)
        if self.mode == "wrong_imprint":
            return self._reply(asked.without_truth(asked.digest), signer)
        if self.mode == "wrong_nonce":
            return self._reply(asked.without_truth(asked.nonce), signer)
        if self.mode == "rejected":
            return self._reply(query, signer, digests="md5")
        if self.mode == "hour_off":
            return self._made(query, signer, offset_s=self.offset_s)
        if self.mode == "other_policy":
            return self._made(query, signer, policy=OTHER_POLICY)
        if self.mode == "weak":
            return self._made(query, signer, digest="sha1")
        if self.mode in ("missing_usage", "not_critical", "more_usages"):
            return self._made(query, signer)
        return self._reply(query, signer)

    # --- answers ---

    def _let_in(self, handler):
        is_proxied = handler.path.startswith("http://")
        if is_proxied and self.proxy_login and handler.headers.get("Proxy-Authorization") != self.proxy_login:
            handler.send(407, b"", "text/plain", Proxy_Authenticate='Basic realm="proxy"')
            return False
        self.proxied += is_proxied
        if self.login and handler.headers.get("Authorization") != self.login:
            handler.send(401, b"", "text/plain", WWW_Authenticate='Basic realm="tsa"')
            return False
        return True

    def answer(self, handler, query):
        if not self._let_in(handler):
            return
        if handler.headers.get("Content-Type") != QUERY_TYPE:
            handler.send(415, b"", "text/plain")
            return
        with self.news:
            self.queries.append(Query(query))
            self.news.notify_all()
        if self.mode in HTTP_MODES:
            getattr(self, f"_{self.mode}")(handler, query)
        else:
            handler.send(200, self.reply(query))

    def _cut(self, handler, query):
        reply = self.reply(query)
        handler.send(200, reply[:len(reply) // 2])

    def _trailing(self, handler, query):
        handler.send(200, self.reply(query) + b"\0")

    def _broken(self, handler, query):
        reply = self.reply(query)
        handler.send(200, reply[:len(reply) // 2], length=len(reply))

    def _oversized(self, handler, query):
        handler.send(200, self.reply(query).ljust(1 << 20, b"\0"))

    def _endless(self, handler, _):
        handler.send(200, b"", length=0)
        while not self.ended.is_set():
            handler.wfile.write(bytes(1 << 16))

    def _http_500(self, handler, _):
        handler.send(500, b"the database of anna@example.org is down", "text/plain")

    def _http_404(self, handler, _):
        handler.send(404, b"<html>nothing here</html>", "text/html")

    def _redirect(self, handler, _):
        handler.send(302, b"", "text/html", Location=self.url + "/elsewhere")

    def _silent(self, *_):
        self.ended.wait()

    def _slow(self, handler, query):
        reply = self.reply(query)
        handler.send(200, b"", length=len(reply))
        for i in range(len(reply)):
            handler.wfile.write(reply[i:i + 1])
            if self.ended.wait(0.5):
                break

    def _not_der(self, handler, _):
        handler.send(200, b"<html>Please log in to this network</html>")

    def _page(self, handler, _):
        handler.send(200, b"<html>Please log in to this network</html>", "text/html; charset=utf-8")

    def _empty(self, handler, _):
        handler.send(200, b"", length=0)

    def _wrong_content_type(self, handler, query):
        handler.send(200, self.reply(query), "text/html")

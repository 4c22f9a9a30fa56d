# SPDX-License-Identifier: GPL-3.0-or-later
"""browse - a browser and a mail program on the machine's network, through its reverse proxy and its mail server."""
import http.client
import smtplib
import ssl
import sys

from machine import COMMAND_S, ROOT

sys.path.insert(0, str(ROOT / "tests/system"))
from http_api import Client  # noqa: E402

HOST = "appliance.example"


class Browser(Client):
    """Over TLS, with the proxy's certificate known."""

    def __init__(self, machine, certificate):
        super().__init__(443, host=HOST)
        self.machine = machine
        self.trust = ssl.create_default_context(cadata=certificate)

    def connection(self):
        connection = http.client.HTTPSConnection(HOST, self.port, timeout=COMMAND_S, context=self.trust)
        connection._create_connection = self.machine.connect  # the one place where http.client makes a socket
        return connection


class Smtp(smtplib.SMTP):
    def __init__(self, machine):
        self.machine = machine
        super().__init__(HOST, 25, local_hostname="client.example", timeout=COMMAND_S)

    def _get_socket(self, host, port, timeout):
        return self.machine.connect((host, port))

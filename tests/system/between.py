# SPDX-License-Identifier: GPL-3.0-or-later
"""between - who stands between a client and a server: passes everything on, slowly, only up to a point, or not at all."""
import contextlib
import socket
import threading
import time

CHUNK = 65536


class Between:
    """At HOST and .port. DELAY_S before each piece that the server sends; after PIECES of them (None: all) it is silent and keeps the
    connection. Without a SERVER_PORT it accepts, and is silent. Use it in a `with`."""

    def __init__(self, server_port=None, delay_s=0, pieces=None, host="127.0.0.1"):
        self.server_port, self.delay_s, self.pieces = server_port, delay_s, pieces
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        self.open = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        for connection in (self.listener, *self.open):
            connection.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                self.accepted += 1
                self.open.append(client)
                if self.server_port is None:
                    continue
                server = socket.create_connection(("127.0.0.1", self.server_port))
                self.open.append(server)
                threading.Thread(target=self._pass_on, args=(client, server, 0, None), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client, self.delay_s, self.pieces), daemon=True).start()

    @staticmethod
    def _pass_on(source, target, delay_s, pieces):
        with contextlib.suppress(OSError):
            while pieces is None or pieces > 0:
                data = source.recv(CHUNK)
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                time.sleep(delay_s)
                target.sendall(data)
                pieces = None if pieces is None else pieces - 1

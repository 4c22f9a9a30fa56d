# SPDX-License-Identifier: GPL-3.0-or-later
"""line_server - what servers of line protocols have in common: one client after the other, and a break where it is wanted."""
import contextlib
import socket
import threading


class Gone(OSError):
    """The connection is over, by our will or the other's."""


class LineServer:
    """_serve(lines) talks to one client. CHANGES are answers that take the place of the right ones; CUT: after so many
    bytes in all the connection breaks. What came in is in LOG."""

    def __init__(self, changes, cut):
        self.changes = dict(changes)
        self.cut = cut
        self.log = []
        self.sent = 0
        self.peer = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        if self.peer is not None:
            self.peer.close()
        self.thread.join(10)

    def _accept(self):
        while True:
            try:
                self.peer = self.listener.accept()[0]
            except OSError:
                return
            self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.peer, self.peer.makefile("rb") as lines, contextlib.suppress(OSError):
                self._serve(lines)

    def _serve(self, lines):
        raise NotImplementedError

    def send(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        if self.cut is not None:
            data = data[:self.cut - self.sent]
        self.sent += len(data)
        self.peer.sendall(data)
        if self.cut is not None and self.sent >= self.cut:
            raise Gone

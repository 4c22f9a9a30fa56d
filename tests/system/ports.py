# SPDX-License-Identifier: GPL-3.0-or-later
"""ports - TCP ports of the loopback for the servers that tests start."""
import contextlib
import random
import socket

GIVEN = set()


def free_port():
    """One that no outgoing connection is given at random meanwhile, and that is given to one caller alone."""
    for port in random.sample(range(20000, 32768), 1000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                if port not in GIVEN:
                    GIVEN.add(port)
                    return port
    raise AssertionError("no port is free")

"""The other process of the inter-process benchmark: swallows bytes, returns pings.

Run as `python -m groundup.chips.echo PORT`; ends when the first process closes the connection.
"""

from __future__ import annotations

import socket
import sys

from groundup.chips.bench_moves import HEADER, receive, stay_on


def serve(port: int) -> None:
    """Connect to `port` on this machine and answer until the other side closes."""
    buffer = memoryview(bytearray(2**20))
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                kind, count = HEADER.unpack(receive(link, HEADER.size))
            except ConnectionError:
                return
            if kind == b"b":
                while count:
                    count -= link.recv_into(buffer, min(count, len(buffer)))
                link.sendall(b".")
            else:
                for _ in range(count):
                    link.sendall(receive(link, 1))


if __name__ == "__main__":
    stay_on(-1)
    serve(int(sys.argv[1]))

"""A forward proxy on loopback that tunnels every CONNECT to one port, whatever host was asked for."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def proxy_to(target: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Host and port of a proxy to ``target``, and what it is asked for: hosts with their ``Proxy-Authorization``."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append((self.path, self.headers.get("Proxy-Authorization", "")))
            host, _, port = target.partition(":")
            with socket.create_connection((host, int(port)), timeout=5) as far:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_copy, args=(far, self.connection))
                back.start()
                _copy(self.connection, far)
                back.join()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _copy(start: socket.socket, end: socket.socket) -> None:
    """Until either side is closed; then the other one is, too."""
    try:
        while data := start.recv(65536):
            end.sendall(data)
    except OSError:
        pass
    finally:
        for side in (start, end):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

"""An engine that speaks just enough of the Docker API, for answers that no real engine gives on demand."""

from __future__ import annotations

import json
import re
import socket
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class _Server(ThreadingUnixStreamServer):
    daemon_threads = True  # clients keep connections open


@dataclass
class FakeEngine:
    """``answers`` (end of path → status and body) win over ``images`` (name → archive).

    An archive begins ``late_seconds`` late; ``cut_after`` breaks the connection after so many of its bytes; ``hung_up``
    tells that the client did.
    """

    socket: Path
    images: Mapping[str, bytes] = field(default_factory=dict)
    api: str = "1.41"
    answers: Mapping[str, tuple[int, bytes]] = field(default_factory=dict)
    cut_after: int | None = None
    late_seconds: float = 0
    requests: list[str] = field(default_factory=list)
    queries: list[dict[str, list[str]]] = field(default_factory=list)
    hung_up: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @contextmanager
    def running(self) -> Iterator[FakeEngine]:
        server = _Server(str(self.socket), self._handler())
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        engine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = False  # there is none on a unix socket

            def do_GET(self) -> None:
                with suppress(BrokenPipeError, ConnectionResetError):
                    engine._answer(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        url = urlsplit(handler.path)
        path = unquote(url.path)
        self.requests.append(path)
        self.queries.append(parse_qs(url.query))
        image = re.fullmatch(r"/v[\d.]+/images/(.+)/(json|get)", path)
        if chosen := next((answer for end, answer in self.answers.items() if path.endswith(end)), None):
            _send(handler, *chosen)
        elif path == "/version":
            _send(handler, 200, json.dumps({"ApiVersion": self.api}).encode())
        elif image is None or image[1] not in self.images:
            _send(handler, 404, b'{"message": "No such image"}')
        elif image[2] == "json":
            _send(handler, 200, b'{"Id": "sha256:0"}')
        else:
            self._stream(handler, self.images[image[1]])

    def _stream(self, handler: BaseHTTPRequestHandler, archive: bytes) -> None:
        """The archive in chunks, as engines send it: the end is not known before it comes."""
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        time.sleep(self.late_seconds)
        try:
            for start in range(0, len(archive), 32768):
                if self.cut_after is not None and start >= self.cut_after:
                    handler.connection.shutdown(socket.SHUT_RDWR)
                    return
                chunk = archive[start : start + 32768]
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            handler.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.hung_up.set()
            handler.close_connection = True


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)

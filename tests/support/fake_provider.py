"""A server on loopback that plays any number of providers by TLS, and counts whoever comes by.

::

    with FakeProvider(certificate) as provider:
        provider.on("api.example.com", Reply(401), Reply(200, {"login": "ann"}))   # the last one stays
        check(candidates, network=provider.network)
        assert provider.asked[0].headers["Authorization"] == …

A reply may also be a function of the connection, for whatever is no HTTP. The certificate must be good for the names.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from imgscan.net.addresses import Endpoint
from imgscan.verify.transport import Network

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from tests.support.certificate import Certificate


@dataclass(frozen=True)
class Reply:
    """An answer; a body that is not bytes is sent as JSON."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def write(self, handler: BaseHTTPRequestHandler) -> None:
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        kind = "text/plain" if isinstance(self.body, bytes) else "application/json"
        handler.send_response(self.status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **self.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    host: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class FakeProvider:
    """All providers at once, told apart by the ``Host`` they are asked as."""

    def __init__(self, certificate: Certificate) -> None:
        self.asked: list[Asked] = []
        self.names: list[str | None] = []  # of the TLS handshakes
        self.connections = 0
        self.released = threading.Event()  # set at the end: whoever hangs may go
        self._certificate = certificate
        self._replies: dict[str, list[Any]] = defaultdict(list)
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.provider = self

    def on(self, host: str, *replies: Any) -> Self:
        """What ``host`` answers, in turn; the last one stays."""
        self._replies[host] = list(replies)
        return self

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def network(self) -> Network:
        """Every name leads here."""
        return Network(self._certificate.cert, self.resolve, lambda _: True)

    def resolve(self, _host: str, _port: int) -> list[Endpoint]:
        return [Endpoint("127.0.0.1", self.port)]

    def wrapped(self, connection: socket.socket) -> socket.socket:
        self.connections += 1
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate.cert, self._certificate.key)
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        return context.wrap_socket(connection, server_side=True)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                host = self.headers.get("Host", "")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                provider.asked.append(Asked(host, self.command, self.path, dict(self.headers), body))
                replies = provider._replies[host] or [Reply(404)]
                reply = replies.pop(0) if len(replies) > 1 else replies[0]
                if isinstance(reply, Reply):
                    reply.write(self)
                else:
                    self.close_connection = True
                    reply(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer  # noqa: N815 - names of the base class

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    provider: FakeProvider

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the thread of the connection: a client may dislike the certificate, or hang up."""
        with suppress(OSError), self.provider.wrapped(request) as connection:
            super().finish_request(connection, client_address)

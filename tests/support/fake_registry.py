"""A registry in this process, on loopback, that can be as bad as a test needs.

::

    with FakeRegistry() as registry:
        registry.push(ImageBuilder().layer({"a": b"x"}), tag="1")
        registry.login = Login("bearer", "user", "password")         # or "basic"
        registry.script("/v2/app/blobs/", Reply(cut_after=100), Reply(503), None)
        RegistrySource(registry.reference("1"), ...)
        registry.seen                                                 # every request with its headers

A script answers the next requests whose path starts so, in order; ``None`` lets one through to the usual answer.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import threading
from collections import deque
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import parse_qs, urlsplit

from imgscan.image.reference import Reference, parse
from imgscan.model.values import Platform
from imgscan.sources.base import Access, Wanted
from imgscan.sources.registry import RegistrySource
from imgscan.sources.registry.patience import Patience
from tests.support.images import ImageBuilder, image_index, sha256

if TYPE_CHECKING:
    from imgscan.sources.base import OpenSource
    from tests.support.certificate import Certificate

REPOSITORY = "team/app"
QUICK = Patience(connect=2, read=0.3, attempts=3, backoff=0.01, longest_wait=0.3, total_wait=1, stall=0.3, resumes=5)


@dataclass
class Reply:
    """An answer other than the usual one, or the usual one broken on its way; ``raw`` is not even HTTP,
    or no more than the beginning of it.
    """

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut_after: int | None = None
    endless: bool = False
    hang: bool = False
    trickle: bool = False
    raw: bytes | None = None


@dataclass(frozen=True)
class Login:
    """What the registry asks for; ``identity`` is the refresh token that its token service takes."""

    scheme: str
    username: str = ""
    password: str = ""
    identity: str = ""


@dataclass(frozen=True)
class Seen:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


class FakeRegistry:
    """A registry for one repository, ``team/app``."""

    def __init__(self, certificate: Certificate | None = None) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}
        self.login: Login | None = None
        self.realm: str | None = None
        self.token_answer: dict[str, Any] = {}
        self.valid_tokens: set[str] = set()
        self.ranges = True
        self.seen: list[Seen] = []
        self.over = threading.Event()
        self._scripts: list[tuple[str, deque[Reply | None]]] = []
        self._server = _Server(self, certificate)
        self.scheme = "https" if certificate else "http"
        self.host = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def reference(self, version: str = "1") -> Reference:
        return parse(f"{self.host}/{REPOSITORY}" + (f"@{version}" if ":" in version else f":{version}"))

    def push(self, *images: ImageBuilder, tag: str = "1") -> str:
        """Store one image under a manifest, several under an index; the digest of what the tag names."""
        if len(images) == 1 and not images[0].statements:
            root, blobs = images[0].manifest(), images[0].blobs()
        else:
            root, blobs = image_index(*images)
        for digest, data in blobs.items():
            (self.manifests if b'"schemaVersion"' in data[:40] else self.blobs)[digest] = data
        return self.put(root, tag)

    def put(self, manifest: bytes, tag: str = "1", *, content_type: str | None = None) -> str:
        digest = sha256(manifest)
        self.manifests[digest] = self.manifests[tag] = manifest
        if content_type:
            self.content_types[digest] = self.content_types[tag] = content_type
        return digest

    def script(self, prefix: str, *replies: Reply | None) -> None:
        self._scripts.append((prefix, deque(replies)))

    def scripted(self, path: str) -> Reply | None:
        for prefix, replies in self._scripts:
            if path.startswith(prefix) and replies:
                return replies.popleft()
        return None

    @property
    def authorizations(self) -> list[str]:
        """Every ``Authorization`` that arrived."""
        return [request.headers["Authorization"] for request in self.seen if "Authorization" in request.headers]

    def asked(self, prefix: str, method: str = "GET") -> list[Seen]:
        """The requests whose path starts so."""
        return [request for request in self.seen if request.method == method and request.path.startswith(prefix)]


class Opener:
    """Opens what the registry has under a name, until the end of the test."""

    def __init__(self, registry: FakeRegistry, stack: ExitStack, access: Access | None = None) -> None:
        self.access = access or Access()
        self._registry = registry
        self._stack = stack

    def __call__(
        self, version: str = "1", *, platform: str | None = None, every: bool = False, patience: Patience = QUICK
    ) -> OpenSource:
        wanted = Wanted(Platform(*platform.split("/")) if platform else None, every)
        reference = self._registry.reference(version)
        source = RegistrySource(reference, wanted=wanted, access=self.access, patience=patience)
        return self._stack.enter_context(source.open())


def content(source: OpenSource, *, size: int = 65536) -> dict[str, bytes]:
    """Every layer read whole."""
    whole = {}
    for blob in source.layers():
        with closing(blob.open()) as reader:
            whole[blob.key] = b"".join(iter(lambda: reader.read(size), b""))
    return whole


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, registry: FakeRegistry, certificate: Certificate | None) -> None:
        self.registry = registry
        self.context: ssl.SSLContext | None = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate.cert, certificate.key)
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> Any:
        connection, address = super().get_request()
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what tests are made of."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[float | None] = 10
    server: _Server  # type: ignore[mutable-override] # the server makes its own handlers

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        registry = self.server.registry
        length = int(self.headers.get("Content-Length", 0))
        registry.seen.append(Seen(self.command, self.path, dict(self.headers), self.rfile.read(length)))
        status, headers, body = self._usual()
        reply = registry.scripted(self.path) or Reply()
        if reply.hang or reply.raw:
            self.wfile.write(reply.raw or b"")
            while reply.endless and not registry.over.is_set():
                self.wfile.write(reply.raw or b"")
            registry.over.wait(10 if reply.hang else 0)
            self.close_connection = True
            return
        self._send(
            reply.status or status, {**headers, **reply.headers}, body if reply.body is None else reply.body, reply
        )

    do_HEAD = do_POST = do_GET  # noqa: N815 - names that the server looks for

    def _send(self, status: int, headers: dict[str, str], body: bytes, reply: Reply) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if not reply.endless and "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reply.endless:
            self.close_connection = True
            while not self.server.registry.over.is_set():
                self.wfile.write(body or bytes(65536))
        elif reply.trickle:
            for position in range(len(body)):
                self.wfile.write(body[position : position + 1])
                if self.server.registry.over.wait(0.05):
                    break
        elif self.command != "HEAD":
            self.wfile.write(body[: reply.cut_after])
        if reply.cut_after is not None:
            self.close_connection = True

    def _usual(self) -> tuple[int, dict[str, str], bytes]:
        registry = self.server.registry
        path = urlsplit(self.path).path
        if path == "/token":
            return self._token()
        if registry.login and not self._is_allowed(registry.login):
            return 401, {"WWW-Authenticate": self._challenge(registry.login)}, _errors("UNAUTHORIZED", "log in first")
        found = re.fullmatch(rf"/v2/{REPOSITORY}/(manifests|blobs)/(.+)", path)
        if found is None:
            return (200, {}, b"{}") if path == "/v2/" else (404, {}, b"")
        if found[1] == "manifests":
            return self._manifest(found[2])
        return self._blob(found[2])

    def _manifest(self, name: str) -> tuple[int, dict[str, str], bytes]:
        manifest = self.server.registry.manifests.get(name)
        if manifest is None:
            return 404, {}, _errors("MANIFEST_UNKNOWN", "manifest unknown")
        kind = self.server.registry.content_types.get(name) or json.loads(manifest).get("mediaType", "application/json")
        digest = {} if "prettyjws" in kind else {"Docker-Content-Digest": sha256(manifest)}
        return 200, {"Content-Type": kind, **digest}, manifest

    def _blob(self, digest: str) -> tuple[int, dict[str, str], bytes]:
        blob = self.server.registry.blobs.get(digest)
        if blob is None:
            return 404, {}, _errors("BLOB_UNKNOWN", "blob unknown to registry")
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked is None or not self.server.registry.ranges:
            return 200, {}, blob
        start = int(asked[1])
        if start >= len(blob):
            return 416, {}, b""
        return 206, {"Content-Range": f"bytes {start}-{len(blob) - 1}/{len(blob)}"}, blob[start:]

    def _is_allowed(self, login: Login) -> bool:
        given = self.headers.get("Authorization", "")
        if login.scheme == "basic":
            return given == _basic(login)
        return given.removeprefix("Bearer ") in self.server.registry.valid_tokens

    def _challenge(self, login: Login) -> str:
        if login.scheme == "basic":
            return 'Basic realm="fake"'
        realm = self.server.registry.realm or f"{self.server.registry.url}/token"
        return f'Bearer realm="{realm}",service="fake registry",scope="repository:{REPOSITORY}:pull,push"'

    def _token(self) -> tuple[int, dict[str, str], bytes]:
        registry = self.server.registry
        login = registry.login or Login("bearer")
        if self.command == "POST":
            form = parse_qs(registry.seen[-1].body.decode())
            allowed = form.get("refresh_token") == [login.identity]
        else:
            allowed = self.headers.get("Authorization", "") == (_basic(login) if login.username else "")
        if not allowed:
            return 401, {}, _errors("UNAUTHORIZED", "incorrect username or password")
        token = f"token-{len(registry.asked('/token')) + len(registry.asked('/token', 'POST'))}"
        registry.valid_tokens.add(token)
        answer = {"token": token, "expires_in": 300, **registry.token_answer}
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def _errors(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message, "detail": {}}]}).encode()

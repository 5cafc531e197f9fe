"""One HTTP request to a registry and whoever it sends us to, with patience. The only module here that knows urllib3.

What a registry says about where to go next is not trusted: redirects are followed here, one by one, without the
``Authorization`` header once they leave the registry, never from https to http, and never further into the network than
where the registry itself lies. Knows nothing of manifests, tokens or credentials. No error repeats a path, a query or a
header, for signed addresses are credentials too.

Plain http is spoken with loopback hosts, and with others only if the user allows it. https is tried first even
then; http follows only if the port does not speak TLS, never if its certificate is not trusted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import urljoin

import urllib3
from urllib3 import exceptions as broken
from urllib3.util import parse_url

from imgscan._version import __version__
from imgscan.errors import LimitExceededError, SourceError, UnreachableError
from imgscan.net.addresses import is_loopback, reach
from imgscan.net.pools import pools
from imgscan.net.proxies import proxy_for
from imgscan.net.retry import retry_after
from imgscan.sources.registry import tls

if TYPE_CHECKING:
    from imgscan.sources.base import Access
    from imgscan.sources.registry.patience import Patience

MAX_REDIRECTS: Final = 5
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
TEMPORARY: Final = frozenset({429, 500, 502, 503, 504})
CHUNK_BYTES: Final = 256 * 1024
"""Most that one read takes from a socket; larger buffers are not filled."""
CONNECTIONS: Final = 32
"""Idle connections kept per host: more than layers are read at a time."""
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

Headers = Mapping[str, str]


class CutError(UnreachableError):
    """The connection broke or fell silent in the middle; asking again may help."""


@dataclass(frozen=True, slots=True)
class Address:
    """A URL taken apart once, so that what is checked is what is asked. Shown as its host only."""

    scheme: str
    host: str
    port: int
    target: str

    def __str__(self) -> str:
        return self.host if self.port == DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Who is asked, whatever for."""
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        """The whole of it. For the wire only, never for a message: a signed query is a credential."""
        return f"{self.scheme}://{self}{self.target}"


def address(url: str, base: str = "") -> Address:
    """Take an http or https URL apart, which may be relative to ``base``.

    Raises:
        SourceError: it is not one, or it carries a user name.
    """
    try:
        parts = parse_url(urljoin(base, url))
    except ValueError:  # of either library
        raise SourceError("the registry names an address that is not a URL") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.host:
        raise SourceError("the registry names an address that is neither http nor https")
    if parts.auth is not None:
        raise SourceError("the registry names an address with a user name in it; refused")
    return Address(parts.scheme, parts.host, parts.port or DEFAULT_PORTS[parts.scheme], parts.request_uri)


class Answer:
    """Status and headers of an answer; its body is read from the socket as asked for.

    ``at_home`` says that the registry itself answered, not a host that it redirected to.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse, source: Address, patience: Patience) -> None:
        self.status = response.status
        self.at_home = True
        self._response = response
        self._source = source
        self._patience = patience
        self._seconds = 0.0
        self._bytes = 0

    def header(self, name: str) -> str | None:
        """A header by name, if it is there."""
        return self._response.headers.get(name)

    def header_lines(self, name: str) -> list[str]:
        """Every line of a header that may be repeated."""
        return self._response.headers.getlist(name)

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, nothing at the end.

        Raises:
            CutError: the connection broke or fell silent.
            UnreachableError: the body comes too slowly.
        """
        started = time.monotonic()
        try:
            data: bytes | None = self._response.read1(min(size, CHUNK_BYTES), decode_content=False)
        except (broken.HTTPError, OSError, ValueError):
            self.close()
            raise CutError("the answer broke off", where=str(self._source)) from None
        self._seconds += time.monotonic() - started
        self._bytes += len(data or b"")
        if self._seconds > self._patience.stall + self._bytes / self._patience.slowest_bytes_per_second:
            self.close()
            raise UnreachableError(f"the answer trickles: {self._bytes} bytes only", where=str(self._source))
        return data or b""

    def read_all(self, limit_bytes: int) -> bytes:
        """The whole body of a small document, and the end of the answer.

        Raises:
            LimitExceededError: there is more than ``limit_bytes``.
        """
        parts, total = [], 0
        while data := self.read(CHUNK_BYTES):
            parts.append(data)
            total += len(data)
            if total > limit_bytes:
                self.close()
                raise LimitExceededError(f"the answer has more than {limit_bytes} bytes", where=str(self._source))
        self.close()
        return b"".join(parts)

    def close(self) -> None:
        """Free the connection: for the next request if the body was read to its end, else it is dropped."""
        self._response.close()
        self._response.release_conn()


class Transport:
    """Requests to one registry, from any number of threads at once."""

    def __init__(self, registry: str, access: Access, patience: Patience) -> None:
        self._home = address(f"https://{registry}/")
        self._registry = registry
        self._access = access
        self._patience = patience
        self._managers: dict[tuple[bool, str | None], urllib3.PoolManager] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._waited = 0.0

    @property
    def home(self) -> Address:
        """The registry itself, as it is spoken to once ``settle`` was called."""
        return self._home

    def close(self) -> None:
        """Drop idle connections and end every wait."""
        self._closed.set()
        for manager in self._managers.values():
            manager.clear()

    def settle(self) -> str:
        """Find out how the registry is spoken to; the start of all its URLs, without a slash at the end.

        Raises:
            UnreachableError: nobody answers there.
        """
        if self._may_be_plain(self._home.host):
            try:
                self._exchange("GET", address("/v2/", self._home.url), {}).close()
            except _PlainPortError:
                self._home = address(f"http://{self._registry}/")
        return f"{self._home.scheme}://{self._registry}"

    def request(self, method: str, url: str, headers: Headers, body: bytes | None = None) -> Answer:
        """Ask, follow redirects, and wait where the server asks for it; any status may come back in the end.

        A request with a body is not redirected: what it carries is meant for one host.

        Raises:
            UnreachableError: nobody answers, or not in time.
            SourceError: a redirect leads where none may.
        """
        for attempt in range(self._patience.attempts - 1):
            try:
                answer = self._follow(method, address(url), headers, body)
            except CutError:
                self.rest(attempt)
                continue
            pause = self._pause(answer, attempt)
            if pause is None:
                return answer
            answer.close()
            self._rest(pause)
        return self._follow(method, address(url), headers, body)

    def _pause(self, answer: Answer, attempt: int) -> float | None:
        """How long to wait before asking again; ``None`` if that is no use, or would take too long."""
        if answer.status not in TEMPORARY:
            return None
        asked = retry_after(answer.header("Retry-After"))
        pause = self._patience.backoff_of(attempt) if asked is None else asked
        too_long = pause > self._patience.longest_wait or self._waited + pause > self._patience.total_wait
        return None if too_long else pause

    def rest(self, attempt: int) -> None:
        """Wait a little before attempt ``attempt + 1`` at something that broke."""
        self._rest(self._patience.backoff_of(attempt))

    def _rest(self, seconds: float) -> None:
        self._waited += seconds
        if self._closed.wait(seconds):
            raise UnreachableError("the scan was ended", where=self._registry)

    def _follow(self, method: str, asked: Address, headers: Headers, body: bytes | None) -> Answer:
        current, sent = asked, dict(headers)
        for _ in range(MAX_REDIRECTS + 1):
            answer = Answer(self._exchange(method, current, sent, body), current, self._patience)
            location = answer.header("Location") if answer.status in REDIRECTS else None
            if location is None:
                answer.at_home = current.origin == self._home.origin
                return answer
            answer.close()
            if body is not None:
                raise SourceError("a request with credentials was redirected; refused", where=str(current))
            target = address(location, current.url)
            self.check_leap(current, target)
            if target.origin != asked.origin:
                sent.pop("Authorization", None)  # for good: it does not come back if a later hop does
            current = target
        raise SourceError(f"more than {MAX_REDIRECTS} redirects", where=str(asked))

    def check_leap(self, start: Address, target: Address) -> None:
        """Whether a host may send us on to another one.

        Raises:
            SourceError: from https to http, to http beyond loopback, or further into the network.
        """
        if target.origin == start.origin:
            return
        if target.scheme == "http" and (start.scheme == "https" or not self._may_be_plain(target.host)):
            raise SourceError(f"sends us on to {target} without encryption; refused", where=str(start))
        inside = reach(target.host, resolve=self._proxy(target) is None)
        if inside > reach(self._home.host, resolve=self._proxy(self._home) is None):
            message = f"sends us on to {target} inside the {inside.name.lower()} network; refused"
            raise SourceError(message, where=str(start))

    def _may_be_plain(self, host: str) -> bool:
        return self._access.plain_http or is_loopback(host)

    def _exchange(
        self, method: str, target: Address, headers: Headers, body: bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        fixed = {"User-Agent": f"imgscan/{__version__}", "Accept-Encoding": "identity"}
        try:
            return self._manager(target).urlopen(
                method,
                target.url,
                redirect=False,
                headers={**fixed, **headers},
                body=body,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=self._patience.connect, read=self._patience.read),
            )
        except (broken.HTTPError, OSError, ValueError) as error:
            self._fail(error, target)

    def _manager(self, target: Address) -> urllib3.PoolManager:
        """Pools by what they trust (certificates kept for a registry are good for that registry) and by proxy."""
        key = (target.origin[1:] == self._home.origin[1:], self._proxy(target))
        with self._lock:
            if key not in self._managers:
                self._managers[key] = self._new_manager(*key)
            return self._managers[key]

    def _new_manager(self, home: bool, proxy: str | None) -> urllib3.PoolManager:  # noqa: FBT001 - one half of a key
        trusted = tls.context(self._access.ca_file, self._registry if home else None)
        return pools(proxy, trusted, connections=CONNECTIONS)

    def _proxy(self, target: Address) -> str | None:
        """The proxy that the environment names for a host."""
        return proxy_for(target.scheme, target.host, target.port)

    def _fail(self, error: Exception, target: Address) -> NoReturn:
        """Say what went wrong without the words of the library, which may repeat a URL or a proxy's password."""
        where = str(target)
        cause = error.args[0] if isinstance(error, broken.SSLError) and error.args else None
        match error:
            case broken.SSLError() if tls.speaks_plain(cause):
                raise _PlainPortError("the port does not speak TLS", where=where, hint=PLAIN_HINT) from None
            case broken.SSLError():
                reason = getattr(cause, "verify_message", None) or "the TLS handshake failed"
                raise UnreachableError(f"not trusted: {reason.lower()}", where=where, hint=TRUST_HINT) from None
            case broken.NameResolutionError():
                raise UnreachableError("the name of the host does not resolve", where=where) from None
            case broken.ProxyError():
                raise UnreachableError("the proxy cannot be reached, or refuses", where=where) from None
            case broken.ReadTimeoutError():
                raise UnreachableError(f"no answer within {self._patience.read:g} seconds", where=where) from None
            case broken.NewConnectionError():
                reason = getattr(error.__cause__, "strerror", None) or "no connection"
                raise UnreachableError(reason.lower(), where=where) from None
            case broken.ConnectTimeoutError():  # NewConnectionError is one, too
                message = f"no connection within {self._patience.connect:g} seconds"
                raise UnreachableError(message, where=where) from None
            case broken.ProtocolError():
                raise CutError("the connection broke off before an answer", where=where) from None
            case _:
                pass  # whatever else the library found wrong with it
        raise UnreachableError("the answer is not HTTP", where=where) from None


class _PlainPortError(UnreachableError):
    """The port answers, but not in TLS."""


PLAIN_HINT: Final = "to allow plain http for it, give --plain-http"
TRUST_HINT: Final = "add its certificate authority with --ca-file, or through SSL_CERT_FILE"

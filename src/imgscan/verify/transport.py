"""One call to a provider, and its answer. Of this room the only module that knows urllib3.

https only, certificates verified, no redirect followed, nothing cached or kept. A name is resolved once, every address
it stands for must be public, and the connection goes to one of these very addresses, so that a name cannot mean one
thing when it is checked and another when it is called. Where the environment names a proxy, the proxy resolves, except
for hosts that the image names. No error repeats a path, a query, a header or a body.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import urllib3
from urllib3 import exceptions as broken

from imgscan._version import __version__
from imgscan.errors import UnreachableError
from imgscan.net import addresses, tls
from imgscan.net.pools import pools
from imgscan.net.proxies import proxy_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from imgscan.net.addresses import Endpoint
    from imgscan.verify.template import Call

USER_AGENT: Final = f"imgscan/{__version__} (+verification)"

MAX_BODY: Final = 256 * 1024
"""Bytes of an answer; what tells live from dead has a few hundred."""

CHUNK: Final = 16 * 1024
MAX_ENDPOINTS: Final = 4
"""Addresses of one name that are tried; often the first ones are IPv6 on a machine that has none."""


@dataclass(frozen=True, slots=True)
class Network:
    """How hosts are found, which addresses may be called, and whom TLS trusts besides the system's authorities.

    Only tests give anything but ``ca_file``: they play the providers on this machine.
    """

    ca_file: Path | None = None
    resolve: Callable[[str, int], Sequence[Endpoint]] = field(default_factory=lambda: addresses.endpoints)
    allows: Callable[[str], bool] = field(default_factory=lambda: addresses.is_public)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, of silence, and for a whole answer."""

    connect: float = 5.0
    read: float = 10.0
    answer: float = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said; names of headers are lower case. ``body`` is ``None`` if there was too much of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class Transport:
    """Calls to any number of providers, from any number of threads at once."""

    def __init__(self, network: Network, timeouts: Timeouts) -> None:
        self._network = network
        self._timeouts = timeouts
        self._trusted = tls.context(filter(None, [network.ca_file]))
        self._managers: dict[str | None, urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Drop idle connections."""
        for manager in self._managers.values():
            manager.clear()

    def send(self, call: Call) -> Answer:
        """Send the call once.

        Raises:
            UnreachableError: says why there is no answer, or why there was no call.
        """
        proxy = proxy_for("https", call.host, call.port)
        by_name = proxy is not None and not call.named_by_image
        places = [addresses.Endpoint(call.host, call.port)] if by_name else self._endpoints(call)
        for place in places[:-1]:
            try:
                return self._exchange(call, place, proxy)
            except _NoConnectionError:
                continue
        return self._exchange(call, places[-1], proxy)

    def _endpoints(self, call: Call) -> Sequence[Endpoint]:
        found = self._network.resolve(call.host, call.port)[:MAX_ENDPOINTS]
        if not found or not all(self._network.allows(place.address) for place in found):
            raise UnreachableError("its name stands for an address that is not public; not called", where=call.host)
        return found

    def _exchange(self, call: Call, place: Endpoint, proxy: str | None) -> Answer:
        until = time.monotonic() + self._timeouts.answer
        authority = call.host if call.port == 443 else f"{call.host}:{call.port}"  # noqa: PLR2004 - that of https
        sent = {
            **{name: value for name, value in call.headers if name.lower() not in ("host", "user-agent")},
            "Host": authority,
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
        }
        try:
            response = self._pool(call, place, proxy).urlopen(
                call.method,
                call.target,
                body=call.body or None,
                headers=sent,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=self._timeouts.connect, read=self._timeouts.read),
            )
            try:
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, headers, _body(response, until))
            finally:
                response.close()
        except (broken.HTTPError, OSError, ValueError) as error:
            raise _failure(error, call.host) from None

    def _pool(self, call: Call, place: Endpoint, proxy: str | None) -> urllib3.HTTPConnectionPool:
        names: dict[str, Any] = {} if place.address == call.host else {"server_hostname": call.host}
        return self._manager(proxy).connection_from_host(place.address, place.port, "https", pool_kwargs=names)

    def _manager(self, proxy: str | None) -> urllib3.PoolManager:
        with self._lock:
            if proxy not in self._managers:
                self._managers[proxy] = pools(proxy, self._trusted)
            return self._managers[proxy]


class _NoConnectionError(UnreachableError):
    """Nobody was there; another address of the same name may help."""


def _body(response: urllib3.BaseHTTPResponse, until: float) -> bytes | None:
    parts, total = [], 0
    while data := response.read1(CHUNK, decode_content=False):
        parts.append(data)
        total += len(data)
        if total > MAX_BODY:
            return None
        if time.monotonic() > until:
            raise broken.ReadTimeoutError(None, None, "")  # type: ignore[arg-type]  # its pool is for its message only
    return b"".join(parts)


def _failure(error: Exception, host: str) -> UnreachableError:
    """What went wrong, without the words of the library, which may repeat what was sent."""
    if isinstance(error, broken.NewConnectionError):
        reason = getattr(error.__cause__, "strerror", None) or "no connection"
        return _NoConnectionError(reason.lower(), where=host)
    if isinstance(error, broken.ConnectTimeoutError):
        return _NoConnectionError("no connection in time", where=host)
    if isinstance(error, broken.SSLError):
        reason = getattr(error.args[0] if error.args else None, "verify_message", None) or "the TLS handshake failed"
        return UnreachableError(f"not trusted: {reason.lower()}", where=host)
    return UnreachableError(next((told for kind, told in REASONS if isinstance(error, kind)), NOT_HTTP), where=host)


NOT_HTTP: Final = "the answer is not HTTP"
REASONS: Final = (
    (broken.ProxyError, "the proxy cannot be reached, or refuses"),
    (broken.ReadTimeoutError, "no answer in time"),
    (broken.ProtocolError, "the connection broke off, or what came is not HTTP"),
)

"""Pools of connections to any host, straight or through the proxy that the environment names.

A timeout of urllib3 is for one read of a socket, so a server that sends its headers byte by byte, or says "continue"
for ever, would never run into it. Here the head of an answer has a time of its own; bodies are their readers' business.
"""

from __future__ import annotations

import base64
import io
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from imgscan.errors import UsageError

if TYPE_CHECKING:
    import ssl

HEAD_SECONDS: Final = 60.0
"""For the status and all headers of one answer; no read may take half of that."""


def pools(proxy: str | None, trusted: ssl.SSLContext, *, connections: int = 1) -> urllib3.PoolManager:
    """Pools that keep so many idle ``connections`` to each host.

    Raises:
        UsageError: the proxy is none that can be used; its address, which may hold a password, is not repeated.
    """
    manager = _manager(proxy, trusted, connections)
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return manager


def _manager(proxy: str | None, trusted: ssl.SSLContext, connections: int) -> urllib3.PoolManager:
    if proxy is None:
        return urllib3.PoolManager(maxsize=connections, ssl_context=trusted)
    try:
        login = parse_url(proxy).auth
        headers = {"Proxy-Authorization": _basic(login)} if login else None
        return urllib3.ProxyManager(proxy, proxy_headers=headers, maxsize=connections, ssl_context=trusted)
    except (HTTPError, ValueError):
        raise UsageError("the proxy is not an http or https address", where="proxy environment") from None


def _basic(login: str) -> str:
    """The header for the user and password of a URL, in which they are percent-encoded."""
    return "Basic " + base64.b64encode(unquote_to_bytes(login)).decode()


class _Answer(HTTPResponse):
    """An answer whose head has to come in time."""

    def begin(self) -> None:
        clocked = _Clocked(self.fp.detach())
        self.fp = io.BufferedReader(clocked)
        super().begin()
        clocked.until = float("inf")


class _Clocked(io.RawIOBase):
    """What comes from a socket until a point in time."""

    def __init__(self, source: io.RawIOBase) -> None:
        self.until = time.monotonic() + HEAD_SECONDS
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int | None:  # type: ignore[override]  # what BufferedReader hands over
        if time.monotonic() > self.until:
            raise TimeoutError
        return self._source.readinto(target)

    def close(self) -> None:
        self._source.close()
        super().close()


class _HTTP(HTTPConnection):
    response_class: type[HTTPResponse] = _Answer


class _HTTPS(HTTPSConnection):
    response_class: type[HTTPResponse] = _Answer


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTP  # type: ignore[mutable-override]  # urllib3 names a base class that it does not export


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPS  # type: ignore[mutable-override]  # as above

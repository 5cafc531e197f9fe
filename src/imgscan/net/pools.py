"""Pools of connections to any host, straight or through the proxy that the environment names."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from imgscan.errors import UsageError

if TYPE_CHECKING:
    import ssl


def pools(proxy: str | None, trusted: ssl.SSLContext, *, connections: int = 1) -> urllib3.PoolManager:
    """Pools that keep so many idle ``connections`` to each host.

    Raises:
        UsageError: the proxy is none that can be used; its address, which may hold a password, is not repeated.
    """
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

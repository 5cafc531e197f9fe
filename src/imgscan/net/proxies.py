"""Which proxy the environment names for a host: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY`` in either case."""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass

from imgscan.net.addresses import is_loopback


def proxy_for(scheme: str, host: str, port: int) -> str | None:
    """The proxy for a host; loopback is always asked directly."""
    name = host.strip("[]")
    if is_loopback(name) or proxy_bypass(f"{name}:{port}"):
        return None
    return getproxies().get(scheme)

"""What makes a registry trusted: the system's certificates, the user's, and those kept for one host.

Verification is always on; there is no switch. Knows nothing of HTTP.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from imgscan.net import tls

HOST_DIRECTORIES: Final = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"))
"""Docker and podman keep the authorities of one registry in ``<host:port>/*.crt``."""

NOT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST"})
"""What OpenSSL says when the other side answers in the clear."""


def context(ca_file: Path | None, registry: str | None = None) -> ssl.SSLContext:
    """Certificates trusted for ``registry`` (``host:port``), or for every other host if ``None``.

    Raises:
        UsageError: a certificate file cannot be used.
    """
    return tls.context([*filter(None, [ca_file]), *_kept_for(registry)])


def _kept_for(registry: str | None) -> list[Path]:
    if registry is None:
        return []
    return [path for directory in HOST_DIRECTORIES for path in sorted((directory / registry).glob("*.crt"))]


def speaks_plain(error: BaseException | None) -> bool:
    """Whether a failed handshake means that the port does not speak TLS, rather than that it is not trusted."""
    return isinstance(error, ssl.SSLError) and error.reason in NOT_TLS

"""Whether an engine listens where it should: asked of the operating system, which tells the reasons apart.

The clients of engines do not: they wait, wrap the reason three times, or leave sockets open. Knows no protocol.
"""

from __future__ import annotations

import socket
from typing import Final

from imgscan.errors import AccessDeniedError, UnreachableError
from imgscan.sources.quote import quoted

CONNECT_SECONDS: Final = 10
"""Longest wait for a connection; an engine that is there takes a millisecond."""


def knock(address: str | tuple[str, int], *, engine: str, hint: str) -> None:
    """Return if somebody listens at the path of a socket, or at a host and port.

    Raises:
        AccessDeniedError: it is for other users.
        UnreachableError: nobody listens, or there is no such place.
    """
    place = address if isinstance(address, str) else ":".join(map(str, address))
    try:
        _connect(address)
    except PermissionError:
        who = f"run as a user who may use {engine}: root, or a member of the group of its socket"
        raise AccessDeniedError(f"{engine} is not for this user ({quoted(place)})", hint=who) from None
    except (OSError, UnicodeError) as error:  # UnicodeError: a host name that cannot be one
        reason = getattr(error, "strerror", None) or "no answer"
        raise UnreachableError(f"{engine} is not there ({quoted(place)}): {reason.lower()}", hint=hint) from None


def _connect(address: str | tuple[str, int]) -> None:
    if isinstance(address, tuple):
        socket.create_connection(address, CONNECT_SECONDS).close()
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CONNECT_SECONDS)
        probe.connect(address)

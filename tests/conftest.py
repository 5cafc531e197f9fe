"""What holds for every test: an environment of its own, no network beyond this machine, engines on demand."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support import engines

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRUBBED: Final = ("CI", "CONTAINER", "DOCKER_", "IMGSCAN_", "NO_COLOR", "FORCE_COLOR", "REGISTRY_", "XDG_")
"""Prefixes of variables that change what imgscan does; proxies go by their ending."""


@pytest.fixture(scope="session", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home without credentials or settings. Its cache serves the whole session: rules take long to compile."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(SCRUBBED) or name.lower().endswith("_proxy"):
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Fail loudly, with an error that no code under test would catch, when something leaves this machine."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def checked_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _require_loopback(address[0])
        connect(self, address)

    def checked_resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        _require_loopback(host)
        return resolve(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", checked_connect)
        patch.setattr(socket, "getaddrinfo", checked_resolve)
        yield


def _require_loopback(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return
    if name.endswith(".invalid"):  # RFC 6761: no such name ever resolves, so nobody needs to be asked
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    try:
        local = ipaddress.ip_address(name).is_loopback
    except ValueError:
        local = False
    if not local:
        raise NetworkUsedError(f"a test wanted to reach {name}")


class NetworkUsedError(BaseException):
    """A test left this machine. Not an ``Exception``: code under test handles those of its network."""


@pytest.fixture(scope="session")
def dockerd() -> Iterator[engines.Engine]:
    with engines.dockerd() as engine:
        yield engine


@pytest.fixture(scope="session")
def podman() -> Iterator[engines.Engine]:
    with engines.podman() as engine:
        yield engine


@pytest.fixture(scope="session")
def containerd() -> Iterator[engines.Containerd]:
    with engines.containerd() as engine:
        yield engine

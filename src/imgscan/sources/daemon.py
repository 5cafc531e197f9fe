"""Images out of an engine that speaks the Docker API: Docker itself, and Podman by its socket.

The engine is asked for the archive that ``docker save`` would write, and the stream is handed on as it comes; what
stands in it is known to ``imgscan.sources.archive`` alone. The only module that imports the Docker SDK, and it does so
when an engine is asked: the import takes longer than ``imgscan --version`` may.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from imgscan.errors import (
    AccessDeniedError,
    ImageNotFoundError,
    ImgscanError,
    SourceError,
    UnreachableError,
)
from imgscan.image.reference import parse
from imgscan.sources.archive import StreamSource
from imgscan.sources.base import Wanted
from imgscan.sources.quote import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker import APIClient
    from requests import Response  # noqa: TID251 - what the SDK returns; only its type

    from imgscan.sources.base import OpenSource

    Endpoint = dict[str, Any]
    """Arguments of ``docker.APIClient`` that say where the engine is: ``base_url`` and ``tls``."""

ANSWER_SECONDS: Final = 30
"""Longest silence before a short answer: version, inspect."""

SAVE_SECONDS: Final = 1800
"""Longest silence while an image is sent. Docker writes the whole archive to its disk before the first byte."""

CHUNK_BYTES: Final = 1 << 20

PLATFORM_API: Final = "1.48"
"""First version of the API whose save takes a platform; on older ones it is chosen within the archive."""

DEFAULT_DOCKER: Final = "unix:///var/run/docker.sock"
SYSTEM_PODMAN: Final = "/run/podman/podman.sock"

_ID: Final = re.compile(r"(?:sha256:)?[0-9a-f]{4,64}")
"""The id of an image, or its beginning."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Where an engine is, how it prefixes names of its own, and what to do when it is not there."""

    kind: str
    endpoint: Callable[[], Endpoint]
    prefixes: tuple[str, ...]
    hint: str


@dataclass(slots=True)
class DaemonSource:
    """An image of a running engine, by name or id."""

    reference: str
    wanted: Wanted = field(default_factory=Wanted)
    engine: Engine = field(default_factory=lambda: DOCKER)

    @property
    def kind(self) -> str:
        """``docker`` or ``podman``."""
        return self.engine.kind

    @contextmanager
    def open(self) -> Iterator[OpenSource]:
        """Ask the engine whether it has the image, then stream it; leaving early closes the connection.

        Raises:
            InvalidReferenceError: the name could not be one.
            SourceError: and its kinds, told apart.
        """
        name = _checked(self.reference)
        with closing(_connect(self.engine)) as api:
            known = self._known_as(api, name)
            archive = StreamSource(
                partial(self._save, api, known), kind=self.kind, reference=self.reference, wanted=self.wanted
            )
            with archive.open() as opened:
                yield opened

    def _known_as(self, api: APIClient, name: str) -> str:
        """The name under which the engine has the image."""
        from docker.errors import NotFound  # noqa: PLC0415 - lazy, see the module docstring

        for prefix in self.engine.prefixes:
            with _translated(self.engine):
                try:
                    api.inspect_image(prefix + name)
                except NotFound:
                    continue
                return prefix + name
        raise ImageNotFoundError(f"{self.kind} has no such image", where=name)

    def _save(self, api: APIClient, name: str) -> _Body:
        """Like ``APIClient.get_image``, which knows no platform and waits for ever once the engine has begun."""
        url = f"{api.base_url}/v{api.api_version}/images/{quote(name, safe='/:@')}/get"
        with _translated(self.engine):
            response = api.get(url, params=self._platform(api), stream=True, timeout=SAVE_SECONDS)
            body = _Body(self.engine, response, response.iter_content(CHUNK_BYTES))
        if response.ok:
            return body
        with closing(body):
            raise _refusal(self.engine, response.status_code, body.read(CHUNK_BYTES).decode(errors="replace"))

    def _platform(self, api: APIClient) -> dict[str, str]:
        from docker.utils import version_gte  # noqa: PLC0415 - lazy, see the module docstring

        platform = self.wanted.platform
        if platform is None or self.wanted.all_platforms or not version_gte(api.api_version, PLATFORM_API):
            return {}
        wire = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
        return {"platform": json.dumps({key: value for key, value in wire.items() if value})}


@dataclass(slots=True)
class _Body:
    """The body of an answer as a ``ByteReader``."""

    engine: Engine
    response: Response
    chunks: Iterator[bytes]
    rest: memoryview = field(default_factory=lambda: memoryview(b""))

    def read(self, size: int, /) -> bytes:
        if not self.rest:
            with _translated(self.engine):
                self.rest = memoryview(next(self.chunks, b""))
        piece, self.rest = self.rest[:size], self.rest[size:]
        return bytes(piece)

    def close(self) -> None:
        self.response.close()


def docker_endpoint() -> Endpoint:
    """``DOCKER_HOST`` and its TLS variables, else the current context of the docker command, else its default."""
    from docker.context import ContextAPI  # noqa: PLC0415 - lazy, see the module docstring
    from docker.utils import kwargs_from_env  # noqa: PLC0415 - lazy, see the module docstring

    endpoint: Endpoint = kwargs_from_env()
    if "base_url" in endpoint:
        return endpoint
    if ContextAPI.get_context(os.environ.get("DOCKER_CONTEXT")) is None:  # the SDK would quietly take the default
        raise UnreachableError("the docker context does not exist", hint="docker context ls lists those that do")
    return {"base_url": DEFAULT_DOCKER} | ContextAPI.kwargs_from_context() | endpoint


def podman_endpoint() -> Endpoint:
    """``CONTAINER_HOST``, else the socket of this user's Podman, else that of the system's; empty if none is there."""
    if host := os.environ.get("CONTAINER_HOST"):
        return {"base_url": host}
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    sockets = (Path(runtime, "podman/podman.sock"), Path(SYSTEM_PODMAN))
    return next(({"base_url": f"unix://{socket}"} for socket in sockets if socket.is_socket()), {})


DOCKER: Final = Engine(
    "docker",
    docker_endpoint,
    prefixes=("",),
    hint="is Docker running? DOCKER_HOST or a docker context says where; from elsewhere: docker save NAME | imgscan -",
)
PODMAN: Final = Engine(
    "podman",
    podman_endpoint,
    prefixes=("", "localhost/"),  # its Docker API takes a bare name for one of Docker Hub, unlike the podman command
    hint="systemctl --user start podman.socket, or set CONTAINER_HOST; without a socket: podman save NAME | imgscan -",
)


def _checked(name: str) -> str:
    """The name, if it is one: what else may come from a command line could change the path of a request."""
    if not _ID.fullmatch(name):
        parse(name)
    return name


def _connect(engine: Engine) -> APIClient:
    """A client that speaks the version of the API that the engine prefers."""
    from docker import APIClient  # noqa: PLC0415 - lazy, see the module docstring

    with _translated(engine):
        endpoint = engine.endpoint()
        if not endpoint:
            raise UnreachableError(f"no socket of {engine.kind} is there", hint=engine.hint)
        return APIClient(version="auto", timeout=ANSWER_SECONDS, **endpoint)


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    """Turn what the SDK raises into our errors, in our words: its own repeat addresses, and so passwords."""
    try:
        yield
    except ImgscanError:
        raise
    except Exception as error:  # noqa: BLE001 - besides its own, the SDK raises KeyError, ValueError, bare Exception
        raise _ours(engine, list(_wrapped(error))) from None


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    """The error and those it hides: the system's own error lies three libraries deep."""
    pending, seen = [error], {id(error)}
    for one in pending:
        yield one
        inner = [e for e in (one.__cause__, one.__context__, *one.args) if isinstance(e, BaseException)]
        pending += [e for e in inner if id(e) not in seen]
        seen |= {id(e) for e in inner}


_SYSTEM: Final = (
    (FileNotFoundError, UnreachableError, "has no socket here"),
    (ConnectionRefusedError, UnreachableError, "does not listen"),
    (PermissionError, AccessDeniedError, "may not be used by this user"),
    (TimeoutError, UnreachableError, "gave no answer in time"),
    (OSError, UnreachableError, "cannot be reached, or stopped answering"),
)
"""What the operating system said, and how to tell it; the last row includes every error of the HTTP library."""


def _ours(engine: Engine, errors: list[BaseException]) -> ImgscanError:
    from docker.errors import APIError  # noqa: PLC0415 - lazy, see the module docstring

    for error in errors:
        if isinstance(error, APIError) and error.response is not None:
            return _refusal(engine, error.response.status_code, str(error.explanation or ""))
    for system, kind, told in _SYSTEM:
        if any(isinstance(error, system) for error in errors):
            return kind(f"{engine.kind} {told}{_place(engine)}", hint=_hint(engine, kind))
    return UnreachableError(f"{engine.kind} cannot be asked{_place(engine)}", hint=_hint(engine, UnreachableError))


def _refusal(engine: Engine, status: int, answer: str) -> SourceError:
    """An answer that is not the one asked for."""
    match status:
        case 404:
            return ImageNotFoundError(f"{engine.kind} has no such image, or not for this platform")
        case 401 | 403 | 407:
            return AccessDeniedError(f"{engine.kind} answered {status}{_place(engine)}")
        case _:
            reason = quoted(answer) or "no reason given"
            return SourceError(f"{engine.kind} answered {status}{_place(engine)}: {reason}")


def _hint(engine: Engine, kind: type[SourceError]) -> str:
    if kind is AccessDeniedError:
        return f"run as a user who may use {engine.kind} (for Docker, the group docker or root)"
    if "ssh://" in _place(engine):
        return "ssh:// needs the package paramiko; or forward the socket: ssh -L /tmp/engine.sock:/var/run/docker.sock"
    return engine.hint


def _place(engine: Engine) -> str:
    """Where the engine is thought to be, without user and password; empty if that is what cannot be found out."""
    try:
        address = str(engine.endpoint().get("base_url", ""))
    except Exception:  # noqa: BLE001 - as in _translated: this is the error that is being told
        return ""
    plain = re.sub(r"^(?:http\+)?(\w+://)?(?:.*@)?", r"\1", address)
    return f" ({quoted(plain)})" if plain else ""

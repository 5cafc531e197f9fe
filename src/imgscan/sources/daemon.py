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
from urllib.parse import quote, urlsplit

from imgscan.errors import (
    AccessDeniedError,
    ImageNotFoundError,
    ImgscanError,
    SourceError,
    UnreachableError,
)
from imgscan.image.reference import DEFAULT_REGISTRY, parse
from imgscan.image.select import fits
from imgscan.model.values import Platform
from imgscan.sources.archive import StreamSource
from imgscan.sources.knock import knock
from imgscan.sources.quote import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker import APIClient
    from requests import Response  # noqa: TID251 - what the SDK returns; only its type

    from imgscan.sources.base import OpenSource, Wanted

    Endpoint = dict[str, Any]
    """Arguments of ``docker.APIClient`` that say where the engine is: ``base_url`` and ``tls``."""

ANSWER_SECONDS: Final = 30
"""Longest silence before a short answer: version, inspect."""

SAVE_SECONDS: Final = 1800
"""Longest silence while an image is sent. Docker writes the whole archive to its disk before the first byte."""

CHUNK_BYTES: Final = 1 << 20

PLATFORM_API: Final = "1.48"
"""First version of the API whose save takes a platform; on older ones it is chosen within the archive."""

SSH_HINT: Final = (
    "ssh:// needs the package paramiko; or forward the socket: ssh -L /tmp/docker.sock:/var/run/docker.sock HOST"
)
"""The SDK takes paramiko even where it could use the ssh command, and fails with a ``NameError`` without it."""

DEFAULT_DOCKER: Final = "unix:///var/run/docker.sock"
SYSTEM_PODMAN: Final = "/run/podman/podman.sock"

_ID: Final = re.compile(r"(?:sha256:)?[0-9a-f]{4,64}")
"""The id of an image, or its beginning."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Where an engine is, what it puts before the names of its own images, and what to do when it is not there."""

    kind: str
    endpoint: Callable[[], Endpoint]
    prefix: str
    hint: str


@dataclass(slots=True)
class DaemonSource:
    """An image of a running engine, by name or id."""

    reference: str
    wanted: Wanted
    engine: Engine

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

        for candidate in _candidates(self.engine, name):
            with _translated(self.engine):
                try:
                    about = api.inspect_image(candidate)  # type: ignore[no-untyped-call] # its decorator has no types
                except NotFound:
                    continue
                self._check_platform(about)
                return candidate
        raise ImageNotFoundError(f"{self.kind} has no such image", where=name)

    def _check_platform(self, about: dict[str, Any]) -> None:
        """Refuse an image of another platform before it is sent; a store of containerd may have others of the name."""
        driver = about.get("GraphDriver") or {}
        if self.wanted.all_platforms or not driver.get("Data") or not about.get("Architecture"):
            return
        there = Platform(about.get("Os") or "linux", about["Architecture"], about.get("Variant") or None)
        if not fits(there, self.wanted.platform):
            hint = f"it has it for {quoted(str(there))}"
            raise ImageNotFoundError(
                f"{self.kind} has no such image for platform {self.wanted.platform}", where=self.reference, hint=hint
            )

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

    endpoint = dict[str, Any](kwargs_from_env())
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
    prefix="",
    hint="is Docker running? DOCKER_HOST or a docker context says where; from elsewhere: docker save NAME | imgscan -",
)
PODMAN: Final = Engine(
    "podman",
    podman_endpoint,
    prefix="localhost/",  # its Docker API takes a bare name for one of Docker Hub, unlike the podman command
    hint="systemctl --user start podman.socket, or set CONTAINER_HOST; without a socket: podman save NAME | imgscan -",
)


def _checked(name: str) -> str:
    """The name, if it is one: what else may come from a command line could change the path of a request."""
    if not _ID.fullmatch(name):
        parse(name)
    return name


def _candidates(engine: Engine, name: str) -> tuple[str, ...]:
    """The name, and what it is called if the engine built it, unless a registry stands in it."""
    if not engine.prefix or _ID.fullmatch(name):
        return (name,)
    of_hub = parse(name).registry == DEFAULT_REGISTRY and not name.startswith(DEFAULT_REGISTRY)
    return (name, engine.prefix + name) if of_hub else (name,)


def _connect(engine: Engine) -> APIClient:
    """A client that speaks the version of the API that the engine prefers."""
    from docker import APIClient  # noqa: PLC0415 - lazy, see the module docstring

    with _translated(engine):
        endpoint = engine.endpoint()
        if not endpoint:
            raise UnreachableError(f"no socket of {engine.kind} is there", hint=engine.hint)
        if address := _address(endpoint):
            knock(address, engine=engine.kind, hint=engine.hint)
        return APIClient(version="auto", timeout=ANSWER_SECONDS, **endpoint)


def _address(endpoint: Endpoint) -> str | tuple[str, int] | None:
    """Where to knock; ``None`` if the way there is an ssh connection."""
    from docker.utils import parse_host  # noqa: PLC0415 - lazy, see the module docstring

    url = urlsplit(parse_host(endpoint["base_url"], tls=bool(endpoint.get("tls"))))
    if url.scheme == "http+unix":
        return f"{url.netloc}{url.path}"
    return (url.hostname, url.port) if url.hostname and url.port and url.scheme != "ssh" else None


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    """Turn what the SDK raises into our errors, in our words: its own repeat addresses, and so passwords."""
    from docker.errors import APIError  # noqa: PLC0415 - lazy, see the module docstring

    try:
        yield
    except ImgscanError:
        raise
    except Exception as error:  # noqa: BLE001 - besides its own, the SDK raises KeyError, ValueError, bare Exception
        answers = [cause for cause in (error, error.__cause__) if isinstance(cause, APIError)]
        if answers and answers[0].response is not None:
            raise _refusal(engine, answers[0].response.status_code, str(answers[0].explanation or "")) from None
        hint = SSH_HINT if isinstance(error.__cause__, NameError) else engine.hint
        raise UnreachableError(
            f"{engine.kind} cannot be asked, or gave no answer that makes sense", hint=hint
        ) from None


def _refusal(engine: Engine, status: int, answer: str) -> SourceError:
    """An answer that is not the one asked for."""
    match status:
        case 404:
            return ImageNotFoundError(f"{engine.kind} has no such image, or not for this platform")
        case 401 | 403 | 407:
            return AccessDeniedError(f"{engine.kind} answered {status}")
        case _:
            return SourceError(f"{engine.kind} answered {status}: {quoted(answer) or 'no reason given'}")

"""From what a person typed to the source that has the image.

An explicit scheme, else a path that exists, else ``-`` for standard input, else a name. A name is asked for at the
local engines and then at its registry; what one of them says never hides what the next one says. Knows the ways and
their order, not what goes on within them.

Every source is imported by the way that takes it: the Docker SDK and the HTTP client take longer to import than
``imgscan --version`` may run.
"""

# ruff: noqa: PLC0415 - see the docstring

from __future__ import annotations

import re
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from imgscan.errors import (
    AccessDeniedError,
    ImageNotFoundError,
    InvalidReferenceError,
    RateLimitedError,
    SourceError,
    UnreachableError,
    UsageError,
)
from imgscan.image.reference import parse
from imgscan.sources.files import translated
from imgscan.sources.quote import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imgscan.sources.base import Access, OpenSource, Source, Wanted

SCHEMES: Final = ("docker", "podman", "containerd", "registry", "docker-archive", "oci-archive", "oci-dir")

_SCHEME: Final = re.compile(rf"({'|'.join(SCHEMES)}):(?://)?(.*)", re.DOTALL)

_NAME_LIKE_A_SCHEME: Final = re.compile(r"(?:docker|registry):[0-9]{1,5}(?:/.*|[.-][\w.-]*)?", re.ASCII)
"""``docker:27-dind`` and ``registry:2`` are images of Docker Hub, ``registry:5000/app`` has a port.

With ``//`` they are schemes all the same.
"""

_ID: Final = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
"""The id of an image, which names nothing outside the engine that gave it."""

_PATH: Final = re.compile(r"\.{1,2}|(?:/|\.{1,2}/).*|.*\.(?:tar|tgz|tar\.\w+)", re.DOTALL)
"""What a person means as a path, whether it exists or not."""

NO_IMAGE: Final = "there is a file or directory of this name here, but it holds no image"

_TAR_MAGIC: Final = slice(257, 262)
"""Where a tar says ``ustar``, POSIX.1-2017 pax."""


@dataclass(slots=True)
class FirstOf:
    """The first of several ways that leads to the image. ``kind`` is that of the way taken, once it is open."""

    text: str
    ways: dict[str, Callable[[], Source]]
    kind: str = "unknown"

    @contextmanager
    def open(self) -> Iterator[OpenSource]:
        """Try the ways in their order.

        Raises:
            SourceError: none led to the image. Its kind is what the last way said, the one that the name points to;
                its message is what each of them said.
        """
        refusals: dict[str, SourceError] = {}
        for name, way in self.ways.items():
            with ExitStack() as stack:
                try:
                    source = way()
                    opened = stack.enter_context(source.open())
                except SourceError as error:
                    refusals[name] = error
                    continue
                self.kind = source.kind
                yield opened
                return
        raise _summary(self.text, refusals)


def resolve(text: str, *, wanted: Wanted, access: Access, stdin: Callable[[], BinaryIO] | None = None) -> Source:
    """The source that ``text`` means. Looks at the file system, and asks nobody yet.

    Raises:
        InvalidReferenceError: it is neither a path nor a name.
        ImageNotFoundError: it is meant as a path, and there is nothing.
        UsageError: standard input is asked for and is a terminal.
    """
    if text == "-":
        return _standard_input(stdin or _process_input, wanted)
    scheme, name = _split(text)
    if not name:
        raise InvalidReferenceError("there is no name" + (f" behind {text}" if text else ""))
    if scheme:
        return _of_scheme(scheme, name, wanted, access)
    if _is_image_path(text):
        return _at_path(text, wanted)
    return _named(text, wanted, access)


def registry_of(text: str) -> str | None:
    """The registry that may be asked for ``text``; ``None`` if that is a path, an image of an engine, or nothing."""
    scheme, name = _split(text)
    try:
        asked = scheme == "registry" if scheme else not (_ID.fullmatch(name) or _is_image_path(name))
        return parse(name).registry if asked else None
    except (InvalidReferenceError, ImageNotFoundError):
        return None


def _split(text: str) -> tuple[str, str]:
    """The scheme, empty if there is none, and the rest."""
    found = _SCHEME.fullmatch(text)
    return ("", text) if found is None or _NAME_LIKE_A_SCHEME.fullmatch(text) else (found[1], found[2])


def _of_scheme(scheme: str, rest: str, wanted: Wanted, access: Access) -> Source:
    match scheme:
        case "docker":
            return _docker(rest, wanted)
        case "podman":
            return _podman(rest, wanted)
        case "containerd":
            from imgscan.sources.containerd import ContainerdSource

            return ContainerdSource(rest, wanted)
        case "registry":
            return _registry(rest, wanted, access)
        case "oci-dir":
            return _layout(rest, wanted)
        case _:
            return _at_path(rest, wanted)


def _named(text: str, wanted: Wanted, access: Access) -> FirstOf:
    from imgscan.sources.daemon import podman_endpoint

    here = _exists(text)
    ways: dict[str, Callable[[], Source]] = {"file": partial(_no_image, text)} if here else {}
    ways["docker"] = partial(_docker, text, wanted)
    if podman_endpoint():
        ways["podman"] = partial(_podman, text, wanted)
    if not _ID.fullmatch(text):
        try:
            parse(text)
        except InvalidReferenceError:
            if here:
                raise InvalidReferenceError(NO_IMAGE, where=quoted(text)) from None
            raise
        ways["registry"] = partial(_registry, text, wanted, access)
    return FirstOf(text, ways)


def _no_image(text: str) -> Source:
    raise SourceError(NO_IMAGE, where=text)


def _docker(name: str, wanted: Wanted) -> Source:
    from imgscan.sources.daemon import DOCKER, DaemonSource

    return DaemonSource(name, wanted, DOCKER)


def _podman(name: str, wanted: Wanted) -> Source:
    from imgscan.sources.daemon import PODMAN, DaemonSource

    return DaemonSource(name, wanted, PODMAN)


def _registry(name: str, wanted: Wanted, access: Access) -> Source:
    from imgscan.sources.registry import RegistrySource

    return RegistrySource(parse(name), wanted=wanted, access=access)


def _standard_input(stdin: Callable[[], BinaryIO], wanted: Wanted) -> Source:
    from imgscan.sources.archive import StreamSource

    if stdin().isatty():
        raise UsageError("standard input is a terminal", where="-", hint="docker save NAME | imgscan -")
    return StreamSource(stdin, kind="docker-archive", reference="-", wanted=wanted)


def _process_input() -> BinaryIO:
    if sys.stdin is None:  # the program was started with it closed
        raise UsageError("standard input is closed", where="-")
    return sys.stdin.buffer


def _is_image_path(text: str) -> bool:
    """Whether it is to be read as a path. A file or folder that only happens to be called like an image does not count.

    Raises:
        ImageNotFoundError: it is meant as a path, and there is nothing.
    """
    if not _PATH.fullmatch(text):
        return _exists(text) and _looks_like_image(Path(text))
    if not _exists(text):
        raise ImageNotFoundError("no such file or directory, or not for this user to see", where=quoted(text))
    return True


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long, not permitted, a zero byte
        return False


def _looks_like_image(path: Path) -> bool:
    from imgscan.streams.compress import detect

    try:
        if path.is_dir():
            return (path / "oci-layout").exists() or (path / "index.json").exists()
        if not path.is_file():
            return True  # a pipe can be read only once
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return True  # the source tells why it cannot be read
    return head[_TAR_MAGIC] == b"ustar" or detect(head) is not None


def _at_path(text: str, wanted: Wanted) -> Source:
    from imgscan.sources.archive import ArchiveSource, StreamSource

    path = Path(text)
    with translated(text):
        is_directory, is_pipe = path.is_dir(), path.is_fifo()
    if is_directory:
        return _layout(text, wanted)
    if is_pipe:  # <(docker save NAME): can be read once
        return StreamSource(partial(_open_pipe, path), kind="docker-archive", reference=text, wanted=wanted)
    return ArchiveSource(path, wanted=wanted)


def _open_pipe(path: Path) -> BinaryIO:
    return path.open("rb")


def _layout(text: str, wanted: Wanted) -> Source:
    """A directory, or ``DIRECTORY:NAME`` as skopeo writes it for one of several images."""
    from imgscan.sources.layout import LayoutSource

    colons = [] if _exists(text) else [found.start() for found in re.finditer(":", text)]  # a name has some, too
    with translated(text):
        at = next((at for at in reversed(colons) if Path(text[:at]).is_dir()), None)
    return LayoutSource(Path(text[:at]), wanted=wanted, name=None if at is None else text[at + 1 :])


_KINDS: Final[tuple[tuple[type[SourceError], str], ...]] = (
    (ImageNotFoundError, "not found"),
    (AccessDeniedError, "access denied"),
    (RateLimitedError, "rate limited"),
    (UnreachableError, "unreachable"),
    (SourceError, "failed"),
)


def _summary(text: str, refusals: dict[str, SourceError]) -> SourceError:
    """One error that says what each way said."""
    told = [f"{name} - {_words(error)}: {_without_name(error, text)}" for name, error in refusals.items()]
    hints = [f"{name}: {error.hint}" for name, error in refusals.items() if error.hint]
    kind, _ = _kind(list(refusals.values())[-1])
    return kind(f"could not be had; {'; '.join(told)}", where=text, hint="; ".join(hints) or None)


def _kind(error: SourceError) -> tuple[type[SourceError], str]:
    """The kind of error that others may be subclasses of, and how a person says it."""
    return next(row for row in _KINDS if isinstance(error, row[0]))


def _words(error: SourceError) -> str:
    return _kind(error)[1]


def _without_name(error: SourceError, name: str) -> str:
    return error.message if error.where == name else str(error)

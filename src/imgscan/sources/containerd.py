"""Images out of containerd, by its own command: ``ctr images export`` writes an archive to its standard output.

Finds the socket, the namespace and the name; what stands in the archive is known to ``imgscan.sources.archive`` alone.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Thread
from typing import IO, TYPE_CHECKING, Final, cast

from imgscan.errors import AccessDeniedError, ImageNotFoundError, SourceError, UnreachableError
from imgscan.image.reference import parse
from imgscan.sources.archive import StreamSource
from imgscan.sources.base import Wanted
from imgscan.sources.quote import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.sources.base import OpenSource

DEFAULT_ADDRESS: Final = "/run/containerd/containerd.sock"

NAMESPACES: Final = ("default", "moby", "k8s.io")
"""nerdctl and ctr, Docker, Kubernetes."""

ANSWER_SECONDS: Final = 30
"""Longest wait for a list of names."""

COMPLAINT_BYTES: Final = 4096
"""What is kept of standard error: its end."""

_ID: Final = re.compile(r"sha256:[0-9a-f]{64}")
"""Kubernetes keeps every image under its id as well."""


@dataclass(slots=True)
class ContainerdSource:
    """An image in the store of containerd, in the first namespace that has it."""

    reference: str
    wanted: Wanted = field(default_factory=Wanted)
    kind: str = field(default="containerd", init=False)

    @contextmanager
    def open(self) -> Iterator[OpenSource]:
        """Look for the image, then stream it; leaving early ends the export.

        Raises:
            InvalidReferenceError: the name could not be one.
            SourceError: and its kinds, told apart.
        """
        names = _names(self.reference)
        command = _ctr()
        namespace, name = _find(command, names)
        export = [*command, f"--namespace={namespace}", "images", "export", *self._platform(), "-", name]
        archive = StreamSource(partial(_Export, export), kind=self.kind, reference=self.reference, wanted=self.wanted)
        with archive.open() as opened:
            yield opened

    def _platform(self) -> list[str]:
        if self.wanted.all_platforms:
            return ["--all-platforms"]
        return [f"--platform={self.wanted.platform}"] if self.wanted.platform else []


class _Export:
    """The standard output of a running export as a ``ByteReader``; an export that failed never looks like the end."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - no shell, and the name was checked
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._archive = cast("IO[bytes]", self._process.stdout)
        self._errors = cast("IO[bytes]", self._process.stderr)
        self._complaint: deque[int] = deque(maxlen=COMPLAINT_BYTES)
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        """Keep the end of standard error, and keep it from filling up."""
        while data := os.read(self._errors.fileno(), COMPLAINT_BYTES):
            self._complaint.extend(data)

    def read(self, size: int, /) -> bytes:
        data = self._archive.read(size)
        if not data and self._process.wait() != 0:
            self._listener.join()
            raise SourceError(f"the export failed: {quoted(bytes(self._complaint).decode(errors='replace'))}")
        return data

    def close(self) -> None:
        self._process.kill()  # does nothing to a process that has been waited for
        self._process.wait()
        self._listener.join()
        self._archive.close()
        self._errors.close()


def _names(reference: str) -> tuple[str, ...]:
    """What containerd may call the image: as it was typed, or in full, as Docker, nerdctl and Kubernetes write it."""
    if _ID.fullmatch(reference):
        return (reference,)
    full = str(parse(reference))
    return (full,) if full == reference else (full, reference)


def _ctr() -> list[str]:
    """The command, when it is there and its socket answers.

    ``ctr`` itself waits ten seconds for a socket that is not there, and tells all failures alike.
    """
    program = shutil.which("ctr")
    if program is None:
        raise UnreachableError("the command ctr is not on PATH", hint="it comes with containerd")
    address = os.environ.get("CONTAINERD_ADDRESS", DEFAULT_ADDRESS).removeprefix("unix://")
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(ANSWER_SECONDS)
            probe.connect(address)
    except PermissionError:
        raise AccessDeniedError(f"containerd may not be used by this user ({address})", hint="run as root") from None
    except OSError as error:
        problem = f"containerd does not answer ({quoted(address)}): {error.strerror or error}"
        raise UnreachableError(problem, hint="CONTAINERD_ADDRESS says where its socket is") from None
    return [program, f"--address={address}"]


def _find(command: list[str], names: tuple[str, ...]) -> tuple[str, str]:
    """The namespace and the name of the image."""
    chosen = os.environ.get("CONTAINERD_NAMESPACE")
    namespaces = (chosen,) if chosen else NAMESPACES
    for namespace in namespaces:
        for name in _listed(command, namespace, names):
            return namespace, name
    where = ", ".join(quoted(namespace) for namespace in namespaces)
    hint = "CONTAINERD_NAMESPACE chooses another namespace; ctr namespaces ls lists them"
    raise ImageNotFoundError(f"containerd has no such image in {where}", where=names[0], hint=hint)


def _listed(command: list[str], namespace: str, names: tuple[str, ...]) -> list[str]:
    filters = [f'name=="{name}"' for name in names]
    query = [*command, f"--namespace={namespace}", "images", "list", "--quiet", *filters]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the names were checked
            query, stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UnreachableError("containerd gave no list of images in time") from None
    if done.returncode != 0:
        raise SourceError(f"containerd gave no list of images: {quoted(done.stderr.decode(errors='replace'))}")
    return [name for name in done.stdout.decode(errors="replace").splitlines() if name in names]

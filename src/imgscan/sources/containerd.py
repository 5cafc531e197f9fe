"""Images out of containerd, by its own command: ``ctr images export`` writes an archive to its standard output.

Finds the socket, the namespace and the name; what stands in the archive is known to ``imgscan.sources.archive`` alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final, cast

from imgscan.errors import ImageNotFoundError, SourceError, UnreachableError
from imgscan.image.reference import parse
from imgscan.sources.archive import StreamSource
from imgscan.sources.base import Wanted
from imgscan.sources.knock import knock
from imgscan.sources.quote import MAX_QUOTED, quoted
from imgscan.streams.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.image.image import Image
    from imgscan.sources.base import LayerBlob, OpenSource

DEFAULT_ADDRESS: Final = "/run/containerd/containerd.sock"

NAMESPACES: Final = ("default", "moby", "k8s.io")
"""nerdctl and ctr, Docker, Kubernetes."""

ANSWER_SECONDS: Final = 30
"""Longest wait for a list of names."""

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
        export_command = [*command, f"--namespace={namespace}", "images", "export", *self._platform(), "-", name]
        with closing(_Export(export_command)) as export:
            archive = StreamSource(lambda: export, kind=self.kind, reference=self.reference, wanted=self.wanted)
            with archive.open() as opened:
                yield _Exported(opened, export)

    def _platform(self) -> list[str]:
        if self.wanted.all_platforms:
            return ["--all-platforms"]
        return [f"--platform={self.wanted.platform}"] if self.wanted.platform else []


@dataclass(slots=True)
class _Exported:
    """An archive that is whole only if its export ended well: a failing one may still write a proper end."""

    archive: OpenSource
    export: _Export
    parallel: bool = field(default=False, init=False)

    def layers(self) -> Iterator[LayerBlob]:
        yield from self.archive.layers()
        while self.export.read(MIB):
            pass  # what follows the end of the archive

    def images(self) -> tuple[Image, ...]:
        return self.archive.images()


class _Export:
    """The standard output of a running export as a ``ByteReader``."""

    def __init__(self, command: list[str]) -> None:
        self._complaint = os.fdopen(os.memfd_create("complaint"), "w+b")
        self._process = subprocess.Popen(  # noqa: S603 - no shell, and the name was checked
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._complaint
        )
        self._archive = cast("IO[bytes]", self._process.stdout)

    def read(self, size: int, /) -> bytes:
        data = self._archive.read(size)
        if not data and self._process.wait() != 0:
            raise SourceError(f"the export failed: {self._last_words()}")
        return data

    def _last_words(self) -> str:
        end = self._complaint.seek(0, os.SEEK_END)
        self._complaint.seek(max(0, end - MAX_QUOTED))
        return quoted(self._complaint.read(MAX_QUOTED).decode(errors="replace")) or "no reason given"

    def close(self) -> None:
        self._process.kill()  # does nothing to a process that has been waited for
        self._process.wait()
        self._archive.close()
        self._complaint.close()


def _names(reference: str) -> tuple[str, ...]:
    """What containerd may call the image: as it was typed, or in full, as Docker, nerdctl and Kubernetes write it."""
    if _ID.fullmatch(reference):
        return (reference,)
    full = str(parse(reference))
    return (full,) if full == reference else (full, reference)


def _ctr() -> list[str]:
    """The command, when it is there and its engine listens."""
    program = shutil.which("ctr")
    if program is None:
        raise UnreachableError("the command ctr is not on PATH", hint="it comes with containerd")
    address = os.environ.get("CONTAINERD_ADDRESS", DEFAULT_ADDRESS).removeprefix("unix://")
    knock(address, engine="containerd", hint="CONTAINERD_ADDRESS says where its socket is")
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

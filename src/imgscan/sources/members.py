"""The members of an archive by path, and what their first bytes tell. Knows nothing of how an archive is read."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from imgscan.errors import ImageFormatError, LimitExceededError
from imgscan.model.values import Notice
from imgscan.sources.manifests import Stored, digest_in, key_of
from imgscan.streams.compress import detect
from imgscan.streams.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAD_BYTES: Final = 512
"""What is looked at to tell what a member is: one tar header."""

MAX_MEMBERS: Final = 65_536
"""Members of an image archive; Docker writes four a layer, and saves of whole engines have some thousands of layers."""

MAX_NAME_CHARS: Final = 8 * MIB
"""All names and link targets of an archive together, which stay in memory; real ones have about 80 each."""

MAX_LINKS: Final = 16
"""Links that lead to links; podman and Docker write one."""

_SUM: Final = slice(148, 156)
"""The checksum field of a tar header, which counts as eight spaces in its own sum (POSIX.1-2017 pax)."""

_OF_AN_IMAGE: Final = re.compile(r"blobs/sha\d+/[0-9a-f]+|(?:sha256:)?[0-9a-f]{64}(?:/layer\.tar|\.tar(?:\.gz)?)")
"""Paths that only an image archive has."""

_MAGICS: Final = (
    (b"\x7fELF", "a program"),
    (b"PK\x03\x04", "a zip file"),
    (b"%PDF", "a PDF file"),
    (b"!<arch>\n", "a Debian package or library"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"hsqs", "a squashfs file system"),
    (b"QFI\xfb", "a virtual machine disk"),
    (b"KDMV", "a virtual machine disk"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"{", "JSON"),
    (b"[", "JSON"),
)


@dataclass(slots=True)
class Members:
    """Regular members and links, by normalized path. Where a path comes twice the last one counts, as in ``tar -x``."""

    files: dict[str, Stored] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)
    left_members: int = MAX_MEMBERS
    left_chars: int = MAX_NAME_CHARS

    def add(self, name: str, size_bytes: int) -> Stored:
        """Take in a regular member; its key is its own even if the path came before.

        Raises:
            LimitExceededError: there are too many, or their names are too long.
        """
        path = self._enter(name, 0)
        key = key_of(path)
        if path in self.files:
            self.repeated.append(path)
            key = f"{key}//{self.left_members}"  # which is no normalized path, so nobody's own key
        self.files[path] = Stored(key, size_bytes, digest_in(path))
        return self.files[path]

    def link(self, name: str, target: str, *, hard: bool) -> None:
        """Take in a link; a hard one names its target from the root of the archive.

        Raises:
            LimitExceededError: as ``add``.
        """
        path = self._enter(name, len(target))
        self.files.pop(path, None)
        self.links[path] = normalized(target if hard else posixpath.join(posixpath.dirname(path), target))

    def find(self, path: str) -> Stored | None:
        """The member at a path, links followed within the archive."""
        path = normalized(path)
        for _ in range(MAX_LINKS):
            if path in self.files or path not in self.links:
                break
            path = self.links[path]
        return self.files.get(path)

    def notices(self) -> tuple[Notice, ...]:
        """What a reader of the report should know about the archive as such."""
        if not self.repeated:
            return ()
        message = f"{len(self.repeated)} paths of the archive come again, this one first; the last of each counts"
        return (Notice("duplicate-member", self.repeated[0], message),)

    def _enter(self, name: str, more_chars: int) -> str:
        self.left_members -= 1
        self.left_chars -= len(name) + more_chars
        if self.left_members < 0:
            raise LimitExceededError(f"the archive has more than {MAX_MEMBERS} members: too many for an image")
        if self.left_chars < 0:
            raise LimitExceededError("the names in the archive are too long for an image")
        return normalized(name)


def normalized(path: str) -> str:
    """One spelling for ``a/b``, ``./a/b`` and ``/a//b``. What leads out of the archive names no member of it."""
    return posixpath.normpath(path.lstrip("/"))


def is_layer(head: bytes) -> bool:
    """Whether what begins with ``head`` is compressed or a tar. An empty tar is neither."""
    return detect(head) is not None or is_tar(head)


def is_tar(head: bytes) -> bool:
    """Whether ``head`` is a tar header, by its checksum: v7 has no magic, and names may begin like JSON."""
    if len(head) < HEAD_BYTES:
        return False
    try:
        stored = int(head[_SUM].strip(b" \0"), 8)
    except ValueError:
        return False
    return stored == sum(head[: _SUM.start]) + 8 * ord(" ") + sum(head[_SUM.stop : HEAD_BYTES])


def is_json(head: bytes) -> bool:
    """Whether ``head`` may begin a JSON object or list."""
    return head.lstrip()[:1] in (b"{", b"[")


def is_of_image(path: str) -> bool:
    """Whether only an image archive has such a path."""
    return _OF_AN_IMAGE.fullmatch(path) is not None


def no_tar(head: bytes, where: str) -> ImageFormatError:
    """The error for what is no archive, with a guess at what it is."""
    if not head:
        return ImageFormatError("nothing is there: the file or stream is empty", where=where)
    guess = next((what for magic, what in _MAGICS if head.startswith(magic)), "text" if _is_text(head) else None)
    hint = f"it looks like {guess}; " if guess else ""
    return ImageFormatError("not an image archive: it is no tar", where=where, hint=f"{hint}docker save writes one")


def no_image(paths: Iterable[str], where: str) -> ImageFormatError:
    """The error for a tar that is something else."""
    roots = {path.partition("/")[0] for path in paths}
    exported = "it looks like a file system, as docker export or a layer has it; " if roots & {"etc", "usr"} else ""
    message = "not an image archive: it has neither manifest.json nor index.json"
    return ImageFormatError(message, where=where, hint=f"{exported}docker save writes one")


def _is_text(head: bytes) -> bool:
    return head.isascii() and all(byte >= ord(" ") or chr(byte).isspace() for byte in head)

"""One layer: from the blob as stored to confirmed matches, with every digest verified on the way.

A pure function of the bytes, the rules and the limits. The calling thread reads, decompresses and walks the tar;
windows are examined on the workers, and the tar is hashed beside them, so that one large layer keeps every core busy.
Memory is a fixed number of windows. Knows nothing of images; whether two layers belong together is for others to say.
"""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from imgscan.errors import BlobAbsentError, ImgscanError
from imgscan.image import overlay
from imgscan.model.values import Digest, LayerStatus, Notice
from imgscan.scan.cutter import Cutter
from imgscan.streams import compress
from imgscan.streams.budget import Budget
from imgscan.streams.digest import HashingReader
from imgscan.streams.tar import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from imgscan.scan.window import FileMatch
    from imgscan.scan.workers import Workers
    from imgscan.sources.base import ByteReader, LayerBlob
    from imgscan.streams.tar import Member

MAX_MATCHES: Final = 20_000
"""Matches kept per layer; beyond that a layer is a list of secrets, and the report is no longer read."""


@dataclass(frozen=True, slots=True)
class LayerScan:
    """What is known of a layer once it was read. Digests are of what was read, whole or not."""

    digest: Digest | None
    diff_id: Digest | None
    size_bytes: int
    uncompressed_bytes: int
    files: int
    status: LayerStatus
    matches: tuple[FileMatch, ...] = ()
    paths: overlay.PathIndex | None = field(default=None, repr=False)
    notices: tuple[Notice, ...] = ()


def scan_layer(blob: LayerBlob, workers: Workers, advanced: Callable[[int], None]) -> LayerScan:
    """Scan one layer; ``advanced`` is told of stored bytes as they are read.

    What goes wrong within the layer becomes a notice, and what was found until then is kept.
    """
    reading = _Reading(blob, workers, advanced)
    try:
        reading.run()
    except BlobAbsentError as error:
        return LayerScan(None, None, 0, 0, 0, LayerStatus.ABSENT, notices=(_notice("absent-layer", blob.key, error),))
    except ImgscanError as error:
        reading.problem(_notice("unreadable-layer", blob.key, error))
    return reading.result()


class _Reading:
    """The state of reading one layer."""

    def __init__(self, blob: LayerBlob, workers: Workers, advanced: Callable[[int], None]) -> None:
        self._blob = blob
        self._workers = workers
        self._advanced = advanced
        self._paths = overlay.PathIndex()
        self._futures: deque[Future[tuple[list[FileMatch], list[Notice]]]] = deque()
        self._matches: list[FileMatch] = []
        self._matched = 0
        self._notices: list[Notice] = []
        self._window_notices: list[Notice] = []
        self._failed = False
        self._stored_bytes = 0
        self._unpacked_bytes = 0
        self._files = 0
        self._stored_digest: Digest | None = None
        self._diff_hash = hashlib.sha256()

    def problem(self, notice: Notice) -> None:
        """The layer could not be read to its end."""
        self._failed = True
        self._notices.append(notice)

    def run(self) -> None:
        """Read the blob to its end.

        Raises:
            ImgscanError: it cannot be read.
        """
        algorithm = self._blob.digest.partition(":")[0] if self._blob.digest else "sha256"
        stored = _Counting(self._blob.open(), self._advanced)
        try:
            head = compress.read_exactly(stored, compress.MAX_MAGIC_BYTES)
            whole = compress.PrefixedReader(head, stored)
            codec = compress.detect(head)
            if codec is None and algorithm == "sha256":
                self._read(whole, stored)
                self._stored_digest = self._diff_id()
            else:
                hashing = HashingReader(whole, algorithm)
                content = compress.DecompressedReader(hashing, codec) if codec else hashing
                self._read(content, stored)
                self._stored_digest = hashing.digest
                self._note_garbage(content)
        finally:
            self._stored_bytes = stored.count
            stored.close()

    def _read(self, content: compress.Reader, stored: _Counting) -> None:
        """Cut the content into windows and send them off."""
        budget = Budget(lambda: stored.count)
        cutter = Cutter(self._workers, content)
        with ThreadPoolExecutor(1, thread_name_prefix="imgscan-hash") as hasher:
            while cut := cutter.next():
                self._take_names(cut.members)
                self._unpacked_bytes += len(cut.fresh)
                hashed = hasher.submit(self._diff_hash.update, cut.fresh)
                self._futures.append(self._workers.examine(cut.window, hashed))
                budget.check(self._unpacked_bytes)
                self._gather(self._workers.windows)
        self._notices += cutter.notices(self._blob.key)
        if cutter.failure:
            raise cutter.failure

    def _gather(self, waiting: int) -> None:
        """Take what windows found, in their order, up to those that may be ``waiting``; no more is kept than told."""
        while len(self._futures) > waiting:
            found, told = self._futures.popleft().result()
            self._matched += len(found)
            self._matches += found[: MAX_MATCHES - len(self._matches)]
            self._window_notices += told

    def _take_names(self, members: list[Member]) -> None:
        add, normalize = self._paths.add, overlay.normalize
        for member in members:
            path = normalize(member.name)
            if member.kind is Kind.FILE:
                self._files += 1
                add(path, directory=False)
            elif member.kind is Kind.HARD_LINK:
                self._paths.add_link(path, normalize(member.link))
            else:
                add(path, directory=member.kind is Kind.DIRECTORY)

    def _note_garbage(self, content: compress.Reader) -> None:
        if isinstance(content, compress.DecompressedReader) and content.garbage_bytes:
            message = f"{content.garbage_bytes} bytes after the end of the {content.codec.name} data were not looked at"
            self._notices.append(Notice("trailing-bytes", self._blob.key, message, incomplete=True))

    def _diff_id(self) -> Digest:
        return Digest("sha256:" + self._diff_hash.hexdigest())

    def result(self) -> LayerScan:
        """Wait for the workers, compare the digest, and put everything together."""
        self._gather(0)
        self._notices += self._window_notices
        if self._matched > MAX_MATCHES:
            message = f"only {MAX_MATCHES} of {self._matched} matches in this layer are reported"
            self._notices.append(Notice("too-many-matches", self._blob.key, message))
        if not self._failed:
            self._notices += compare_digests("layer", self._blob.key, self._stored_digest, self._blob.digest)
        return LayerScan(
            digest=None if self._failed else self._stored_digest,
            diff_id=None if self._failed else self._diff_id(),
            size_bytes=self._stored_bytes,
            uncompressed_bytes=self._unpacked_bytes,
            files=self._files,
            status=LayerStatus.UNREADABLE if self._failed else LayerStatus.SCANNED,
            matches=tuple(self._matches),
            paths=self._paths,
            notices=tuple(self._notices),
        )


def compare_digests(what: str, where: str, actual: Digest | None, expected: Digest | None) -> list[Notice]:
    """A notice if what was read is not what was named; nothing if either is unknown."""
    if expected is None or actual is None or actual == expected:
        return []
    if actual.partition(":")[0] != expected.partition(":")[0]:
        message = f"the digest of the {what} is of a kind that was not verified"
        return [Notice("digest-not-verified", where, message)]
    message = f"the {what} has the digest {actual} instead of {expected}"
    return [Notice("digest-mismatch", where, message, incomplete=True)]


class _Counting:
    """Counts stored bytes as they are read."""

    def __init__(self, stored: ByteReader, advanced: Callable[[int], None]) -> None:
        self.count = 0
        self._stored = stored
        self._advanced = advanced

    def read(self, size: int, /) -> bytes:
        part = self._stored.read(size)
        self.count += len(part)
        self._advanced(len(part))
        return part

    def readinto(self, target: memoryview, /) -> int:
        size = compress.readinto(self._stored, target)
        self.count += size
        self._advanced(size)
        return size

    def close(self) -> None:
        self._stored.close()


def _notice(code: str, where: str, error: ImgscanError) -> Notice:
    return Notice(code, where, error.message, incomplete=True)

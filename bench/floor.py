"""The floor: what no scanner of this design can be faster than, on the bytes of one archive.

Decompresses every layer with the fastest library and runs the same hyperscan databases over blocks of 4 MiB on all
cores, with a callback that does nothing; nothing is hashed, walked, confirmed or reported. A block is scanned by the
thread that has just filled it, so it is still in the cache, and meanwhile another thread reads on in the same layer: no
design keeps the cores busier. Knows nothing of imgscan; the databases come from a file.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import hyperscan
import msgspec
from isal import igzip

BLOCK_BYTES: Final = 4 * 1024 * 1024
GZIP: Final = b"\x1f\x8b"


class _Slice(io.RawIOBase):
    """A layer as it is stored in an archive."""

    def __init__(self, file: int, start: int, size: int) -> None:
        self._file = file
        self._at = start
        self._end = start + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:
        got = os.preadv(self._file, [memoryview(buffer)[: self._end - self._at]], self._at)
        self._at += got
        return got


class Floor:
    """One run over one archive."""

    def __init__(self, databases: list[hyperscan.Database], threads: int) -> None:
        self._databases = databases
        self._threads = threads
        self._waiting: SimpleQueue[io.RawIOBase | igzip.IGzipFile | None] = SimpleQueue()
        self._left: list[None] = []

    def run(self, path: Path) -> None:
        """Scan every layer to its end."""
        with path.open("rb") as file:
            for start, size in layers(path):
                stored = _Slice(file.fileno(), start, size)
                packed = os.pread(file.fileno(), len(GZIP), start) == GZIP
                self._left.append(None)
                self._waiting.put(igzip.IGzipFile(fileobj=stored, mode="rb") if packed else stored)
            workers = [threading.Thread(target=self._work) for _ in range(self._threads)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()

    def _work(self) -> None:
        """Take the layer that has waited longest, fill a block, let others have the layer, scan the block."""
        block = memoryview(bytearray(BLOCK_BYTES))
        scratches = [(database, hyperscan.Scratch(database)) for database in self._databases]
        while (layer := self._waiting.get()) is not None:
            size = layer.readinto(block)
            if not size:
                self._end_layer()
                continue
            self._waiting.put(layer)
            for database, scratch in scratches:
                database.scan(block[:size], match_event_handler=_ignore, scratch=scratch)

    def _end_layer(self) -> None:
        self._left.pop()
        if not self._left:
            for _ in range(self._threads):
                self._waiting.put(None)


def layers(path: Path) -> list[tuple[int, int]]:
    """Where the layers of an archive lie: offset and size of each."""
    with tarfile.open(path) as tar:
        members = {member.name: member for member in tar}
        manifest = tar.extractfile(members["manifest.json"])
        if manifest is None:
            raise SystemExit("not an archive of bench/build.py")
        names = json.load(manifest)[0]["Layers"]
    return [(members[name].offset_data, members[name].size) for name in names]


def _ignore(*_: object) -> None:
    pass


def main() -> None:
    """``floor.py DATABASES ARCHIVE``: both are files that ``run.py`` has made."""
    stored = msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=list[bytes])
    databases = [hyperscan.loadb(database, hyperscan.HS_MODE_BLOCK) for database in stored]
    Floor(databases, len(os.sched_getaffinity(0))).run(Path(sys.argv[2]))


if __name__ == "__main__":
    main()

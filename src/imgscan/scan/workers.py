"""The threads that examine windows, and the buffers that bound the memory of a scan."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from imgscan.errors import ImgscanError
from imgscan.streams.limits import BLOCK_BYTES
from imgscan.streams.tar import RECORD

if TYPE_CHECKING:
    from imgscan.match.detector import Detector
    from imgscan.model.values import Notice
    from imgscan.scan.window import FileMatch, Window

SPARE_WINDOWS: Final = 2
"""Windows beyond two per worker (one in work, one waiting): one being filled, one being hashed."""


class Workers:
    """One set for a whole run; ``ahead`` and ``overlap`` are how far windows look beyond their own bytes.

    ``windows`` is how many there can be at a time.
    """

    def __init__(self, detector: Detector, jobs: int, block_bytes: int = BLOCK_BYTES) -> None:
        self.detector = detector
        self.block_bytes = block_bytes
        self.ahead = -(-detector.reach // RECORD) * RECORD
        self.overlap = 3 * self.ahead
        self._stopped = False
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="imgscan-examine")
        self._buffers: SimpleQueue[bytearray] = SimpleQueue()
        self.windows = 2 * jobs + SPARE_WINDOWS
        for _ in range(self.windows):
            self._buffers.put(bytearray(0))

    def buffer(self) -> bytearray:
        """A buffer to fill; waits until one is free. Made only when first needed: small images need few.

        Raises:
            ImgscanError: the scan was stopped.
        """
        found = self._buffers.get()
        if self._stopped:
            self._buffers.put(found)
            raise ImgscanError("the scan was interrupted")
        return found or bytearray(self.overlap + self.block_bytes)

    def give_back(self, buffer: bytearray) -> None:
        """Let others use a buffer again."""
        self._buffers.put(buffer)

    def examine(self, window: Window, hashed: Future[None]) -> Future[tuple[list[FileMatch], list[Notice]]]:
        """Examine a window on a worker, and free its buffer once it has been hashed too."""

        def task() -> tuple[list[FileMatch], list[Notice]]:
            try:
                return window.examine(self.detector)
            finally:
                hashed.result()
                self.give_back(window.buffer)

        return self._pool.submit(task)

    def stop(self) -> None:
        """Let no reading go on: the next one that asks for a buffer gets an error."""
        self._stopped = True

    def close(self) -> None:
        """End the threads."""
        self.stop()
        self._pool.shutdown(wait=True)

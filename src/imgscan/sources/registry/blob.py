"""A blob as a stream that survives broken connections: what was read stays read, the rest is asked for again.

Does not hash: whoever reads knows the digest and must compare, and that also covers the seams.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn

from imgscan.errors import ImageFormatError, LimitExceededError, UnreachableError
from imgscan.sources.registry.transport import Answer, CutError
from imgscan.streams.limits import MAX_LAYER_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgscan.sources.registry.patience import Patience

PARTIAL: Final = 206
BEYOND_THE_END: Final = 416
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


class BlobReader:
    """The bytes of one blob, in order.

    ``ask`` requests the blob from an offset on, ``rest`` waits before attempt N. ``size_bytes`` is what the manifest
    says.
    """

    def __init__(
        self,
        ask: Callable[[int], Answer],
        rest: Callable[[int], None],
        patience: Patience,
        *,
        size_bytes: int | None,
        where: str,
    ) -> None:
        self._ask = ask
        self._rest = rest
        self._patience = patience
        self._size = size_bytes
        self._where = where
        self._offset = 0
        self._skip = 0  # bytes to drop: the server ignored our range and started over
        self._resumes = 0
        self._idle = 0  # resumes since the last byte of progress
        self._answer = ask(0)

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, nothing at the end.

        Raises:
            UnreachableError: the connection broke too often.
            ImageFormatError: there are more bytes than the manifest says.
        """
        while True:
            data = self._piece(size)
            if data is None:
                self._resume()
                continue
            dropped = min(self._skip, len(data))
            self._skip -= dropped
            if not dropped or dropped < len(data):
                return self._count(data[dropped:])

    def close(self) -> None:
        """Drop the connection, unless everything was read."""
        self._answer.close()

    def _piece(self, size: int) -> bytes | None:
        """What comes next; ``None`` if the answer broke off."""
        try:
            data = self._answer.read(size)
        except CutError:
            return None
        short = self._skip > 0 or (self._size is not None and self._offset < self._size)
        return None if short and not data else data

    def _count(self, data: bytes) -> bytes:
        self._offset += len(data)
        if data:
            self._idle = 0
        if self._size is not None and self._offset > self._size:
            self._refuse(f"has more than the {self._size} bytes that its manifest says")
        if self._offset > MAX_LAYER_BYTES:
            self.close()
            raise LimitExceededError(f"has more than {MAX_LAYER_BYTES} bytes", where=self._where)
        return data

    def _resume(self) -> None:
        self._answer.close()
        self._resumes += 1
        self._idle += 1
        if self._resumes > self._patience.resumes or self._idle > self._patience.resumes_without_progress:
            message = f"broke off at byte {self._offset}, after {self._resumes - 1} attempts to go on"
            raise UnreachableError(message, where=self._where)
        self._rest(self._idle - 1)
        self._answer = self._ask(self._offset)
        self._skip = 0 if self._answer.status == PARTIAL else self._offset
        if self._answer.status == BEYOND_THE_END:
            expected = "" if self._size is None else f" of the {self._size} that its manifest says"
            self._refuse(f"ends at byte {self._offset}{expected}")
        if self._answer.status == PARTIAL and not self._is_continued():
            self._refuse(f"was continued at another place than byte {self._offset}")

    def _refuse(self, message: str) -> NoReturn:
        self.close()
        raise ImageFormatError(message, where=self._where)

    def _is_continued(self) -> bool:
        said = _CONTENT_RANGE.fullmatch(self._answer.header("Content-Range") or "")
        if said is None or int(said[1]) != self._offset:
            return False
        return self._size is None or said[2] in ("*", str(self._size))

"""Watch over what a compressed stream unpacks to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgscan.errors import LimitExceededError
from imgscan.streams.limits import MAX_LAYER_BYTES, MAX_RATIO, RATIO_GRACE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one layer may unpack to; ``stored`` tells how many bytes of the blob have been read so far."""

    stored: Callable[[], int]
    max_bytes: int = MAX_LAYER_BYTES
    max_ratio: int = MAX_RATIO
    grace_bytes: int = RATIO_GRACE_BYTES

    def check(self, unpacked: int) -> None:
        """Compare the bytes unpacked so far with the budget.

        Raises:
            LimitExceededError: it is spent.
        """
        if unpacked > self.max_bytes:
            raise LimitExceededError(f"the layer unpacks to more than {self.max_bytes} bytes")
        if unpacked > self.grace_bytes and unpacked > self.max_ratio * max(self.stored(), 1):
            raise LimitExceededError(f"the layer unpacks to more than {self.max_ratio} times its size")

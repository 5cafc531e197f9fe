"""Hash while reading. Knows digests as ``algorithm:hex`` text and nothing of what they name."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from imgscan.errors import DigestMismatchError, ImageFormatError
from imgscan.model.values import Digest

if TYPE_CHECKING:
    from imgscan.streams.compress import Reader

HEX_LENGTHS: Final = {"sha256": 64, "sha512": 128}
"""The registered algorithms of the OCI image specification."""

_DIGEST: Final = re.compile(r"(sha256|sha512):([0-9a-f]+)")


def parse(text: str) -> Digest:
    """Check that ``text`` is a digest we can verify; safe to use in a path afterwards.

    Raises:
        ImageFormatError: it is not.
    """
    found = _DIGEST.fullmatch(text)
    if found is None or len(found[2]) != HEX_LENGTHS[found[1]]:
        raise ImageFormatError("a digest is malformed or of an unknown algorithm")
    return Digest(text)


def of(data: bytes) -> Digest:
    """The sha256 digest of ``data``."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def verify(data: bytes, expected: Digest, *, what: str) -> None:
    """Check ``data`` against its digest.

    Raises:
        DigestMismatchError: it is something else.
    """
    algorithm = expected.partition(":")[0]
    if hashlib.new(algorithm, data).hexdigest() != expected.partition(":")[2]:
        raise DigestMismatchError(f"{what} does not have the digest {expected}")


class HashingReader:
    """Passes bytes through, and knows their number and digest so far."""

    def __init__(self, stored: Reader, algorithm: str = "sha256") -> None:
        self.count = 0
        self._stored = stored
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)

    def read(self, size: int, /) -> bytes:
        """Give at most ``size`` bytes."""
        part = self._stored.read(size)
        self._hash.update(part)
        self.count += len(part)
        return part

    @property
    def digest(self) -> Digest:
        """The digest of everything read so far."""
        return Digest(f"{self._algorithm}:{self._hash.hexdigest()}")

    def close(self) -> None:
        """Close the stored stream."""
        self._stored.close()

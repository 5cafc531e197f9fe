"""How a scan tells a person how far it is. The scan calls, somebody else draws; calls come from several threads."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One listener for a whole run. Byte counts are of blobs as stored."""

    def image(self, reference: str, source: str) -> None:
        """An image was found and is being read from this kind of source."""
        ...

    def layer_started(self, key: str, size_bytes: int | None) -> None:
        """A layer begins; its size may be unknown."""
        ...

    def layer_advanced(self, key: str, stored_bytes: int) -> None:
        """So many more bytes of the blob were read."""
        ...

    def layer_finished(self, key: str) -> None:
        """A layer is done, well or not."""
        ...


class Silence:
    """Nobody watches."""

    def image(self, reference: str, source: str) -> None:
        """Say nothing."""

    def layer_started(self, key: str, size_bytes: int | None) -> None:
        """Say nothing."""

    def layer_advanced(self, key: str, stored_bytes: int) -> None:
        """Say nothing."""

    def layer_finished(self, key: str) -> None:
        """Say nothing."""

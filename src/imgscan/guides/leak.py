"""Where one finding of a report stands, in words that a guide fills in. Knows nothing of how reports are made.

Whoever makes one sees to it that no text in it holds a secret or a character that does not print.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leak:
    """One finding. ``fate`` says what became of the place, ``lines`` where the instruction stands in the Dockerfile.

    ``reference`` is the image as it was asked for, ``repository`` the same without tag and digest.
    """

    fingerprint: str
    place: str
    fate: str
    reference: str
    repository: str | None = None
    manifest: str | None = None
    layer: str | None = None
    step: str | None = None
    instruction: str | None = None
    lines: str | None = None
    removed_by: str | None = None

"""Named filters: the last look at a candidate before it counts.

A rule names its filters as ``name`` or ``name:argument``; a candidate stays when every one of them says yes. Filters
look at the candidate and the bytes around it, never at a path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Candidate:
    """A stage-2 match on trial: the secret, the whole match, and what stands around it in the same text."""

    secret: bytes
    whole: bytes
    before: bytes
    after: bytes


Filter = Callable[[Candidate], bool]

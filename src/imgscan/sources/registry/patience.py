"""How long a registry may keep us waiting, and how much of it is borne before we give up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """The budgets of one source, in seconds unless named otherwise.

    ``longest_wait`` bounds one ``Retry-After``, ``total_wait`` all of them. A body that comes slower than
    ``slowest_bytes_per_second`` for longer than ``stall`` is given up, so that a trickle cannot hold us for ever.
    """

    connect: float = 10.0
    read: float = 30.0
    attempts: int = 5
    backoff: float = 0.5
    longest_wait: float = 60.0
    total_wait: float = 180.0
    stall: float = 60.0
    slowest_bytes_per_second: int = 1024
    resumes: int = 20
    resumes_without_progress: int = 3

    def backoff_of(self, attempt: int) -> float:
        """The pause after a failed attempt, counted from 0, when the server asks for none."""
        return min(self.backoff * 2.0**attempt, self.longest_wait)

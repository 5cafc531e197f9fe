"""Make calls to many hosts at once: each host at its pace, all of them within one budget of time.

Knows nothing of rules and secrets beyond the ``Job``. A host that asks for patience gets it once, within bounds; one
that does not answer is left alone.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from imgscan.errors import UnreachableError
from imgscan.model.report import Verification
from imgscan.verify.transport import Timeouts
from imgscan.verify.verdict import judge, pause_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgscan.rules.schema import Verify
    from imgscan.verify.template import Call
    from imgscan.verify.transport import Transport

HOSTS_AT_ONCE: Final = 8
"""Hosts that are asked at the same time, each by one connection."""

FAILURES_IN_A_ROW: Final = 2
"""After so many a host is left alone."""

LEAST_PAUSE: Final = 1.0
"""Seconds, for a host that asks for patience and does not say how much."""

OUT_OF_TIME: Final = "there was no time left to ask"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between two calls of a host, for one ``Retry-After``, for everything."""

    between: float = 0.25
    longest_wait: float = 15.0
    total: float = 120.0
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, slots=True)
class Job:
    """One call, what its answer means, what must not be told of it, and where the result goes."""

    call: Call
    verify: Verify
    secrets: tuple[str, ...]
    result: Future[Verification] = field(default_factory=Future)

    def finish(self, result: Verification | BaseException) -> None:
        """Set the result, unless there is one."""
        with suppress(InvalidStateError):
            if isinstance(result, Verification):
                self.result.set_result(result)
            else:
                self.result.set_exception(result)


def run(jobs: Sequence[Job], transport: Transport, pace: Pace) -> None:
    """Finish every job.

    Threads are daemons: one that hangs in the lookup of a name must not hold up the end of the program.
    """
    until, stop = time.monotonic() + pace.total, threading.Event()
    by_host: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        by_host[job.call.host].append(job)
    queue: SimpleQueue[_Host] = SimpleQueue()
    for group in by_host.values():
        queue.put(_Host(group, transport, pace, until, stop))
    for number in range(min(HOSTS_AT_ONCE, len(by_host))):
        threading.Thread(target=_work, args=(queue, stop), name=f"imgscan-verify-{number}", daemon=True).start()
    try:
        for job in jobs:
            _await(job, until)
    finally:
        stop.set()


def _await(job: Job, until: float) -> None:
    try:
        job.result.exception(max(0.0, until - time.monotonic()))
    except TimeoutError:
        job.finish(Verification("unknown", detail=OUT_OF_TIME))


def _work(queue: SimpleQueue[_Host], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            host = queue.get_nowait()
        except Empty:
            return
        host.ask_all()


class _Host:
    """All calls to one host, one after the other."""

    def __init__(
        self, jobs: Sequence[Job], transport: Transport, pace: Pace, until: float, stop: threading.Event
    ) -> None:
        self._jobs = jobs
        self._transport = transport
        self._pace = pace
        self._until = until
        self._stop = stop
        self._failures = 0
        self._given_up: str | None = None

    def ask_all(self) -> None:
        """Finish the jobs of this host."""
        for number, job in enumerate(self._jobs):
            try:
                rested = not number or self._rest(self._pace.between)
                job.finish(self._ask(job) if rested else Verification("unknown", detail=OUT_OF_TIME))
            except BaseException as error:  # noqa: BLE001 - it is raised again where the result is awaited
                job.finish(error)

    def _ask(self, job: Job) -> Verification:
        if self._given_up:
            return Verification("unknown", detail=self._given_up)
        try:
            answer = self._transport.send(job.call)
            if pause := self._pause(pause_of(answer)):
                self._rest(pause)
                answer = self._transport.send(job.call)
        except UnreachableError as error:
            return self._unreachable(error.message)
        self._failures = 0
        if (asked := pause_of(answer)) is not None:
            again = f", to ask again in {asked:.0f} seconds" if asked else ""
            self._given_up = f"the provider asks for fewer calls{again}"
            return _now("unknown", self._given_up)
        told = judge(job.verify, answer, job.secrets)
        return _now(told.status, told.detail)

    def _pause(self, asked: float | None) -> float:
        """Seconds to wait before asking once more; 0 if it is no use or would take too long."""
        if asked is None:
            return 0.0
        pause = max(asked, LEAST_PAUSE)
        fits = pause <= self._pace.longest_wait and time.monotonic() + pause < self._until
        return pause if fits else 0.0

    def _unreachable(self, reason: str) -> Verification:
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            self._given_up = reason
        return _now("unknown", reason)

    def _rest(self, seconds: float) -> bool:
        """Wait; whether there is time left afterwards."""
        return not self._stop.wait(seconds) and time.monotonic() < self._until


def _now(status: str, detail: str | None) -> Verification:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Verification(status, stamp, detail)  # type: ignore[arg-type]

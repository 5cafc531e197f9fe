"""Ask providers whether secrets are live: each secret once, each host at its pace, all within one budget of time.

Knows what to ask and in which order; how one call is made is the business of ``transport``, what its answer means of
``verdict``. Hosts that the image names are called only with ``hosts``.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from imgscan.errors import UnreachableError
from imgscan.model.report import Verification
from imgscan.verify import signature
from imgscan.verify.template import SECRET, Call, CannotAskError, prepare
from imgscan.verify.transport import Answer, Network, Timeouts, Transport
from imgscan.verify.verdict import judge, pause_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgscan.model.values import Secret
    from imgscan.rules.schema import Request, Rule, Verify

HOSTS_AT_ONCE: Final = 8
"""Hosts that are asked at the same time, each by one connection."""

FAILURES_IN_A_ROW: Final = 2
"""After so many a host is left alone."""

ASKING: Final = ("GET", "POST", "HEAD")
"""Methods of calls that only ask."""

OUT_OF_TIME: Final = "there was no time left to ask"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One secret that a rule found, and the other named groups of its match."""

    rule: Rule
    secret: Secret
    parts: tuple[tuple[str, Secret], ...] = ()

    @property
    def values(self) -> dict[str, bytes]:
        """Everything the templates of the rule may name."""
        return {SECRET: self.secret.value} | {name: part.value for name, part in self.parts}


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between two calls of a host, for one ``Retry-After``, for everything."""

    between: float = 0.25
    longest_wait: float = 15.0
    total: float = 120.0
    timeouts: Timeouts = field(default_factory=Timeouts)


USUAL: Final = Pace()


@dataclass(frozen=True, slots=True)
class _Job:
    """One call, and where its result goes."""

    call: Call
    verify: Verify
    values: tuple[str, ...]
    result: Future[Verification]


def check(
    candidates: Sequence[Candidate], *, hosts: bool = False, network: Network | None = None, pace: Pace = USUAL
) -> list[Verification]:
    """Whether each secret is live, in the order of ``candidates``; those that make the same call share its answer.

    Raises:
        UsageError: a certificate file or the proxy of the environment cannot be used.
    """
    now = datetime.now(UTC)
    jobs: dict[Call, _Job] = {}
    results = [_planned(candidate, jobs, now, hosts=hosts) for candidate in candidates]
    if jobs:
        _run(list(jobs.values()), Transport(network or Network(), pace.timeouts), pace)
    return [job.result.result() if isinstance(job, _Job) else job for job in results]


def _planned(candidate: Candidate, jobs: dict[Call, _Job], now: datetime, *, hosts: bool) -> _Job | Verification:
    verify = candidate.rule.verify
    if verify is None:
        return Verification("unsupported")
    try:
        call = call_for(verify.request, candidate.values, now)
    except CannotAskError as error:
        return Verification("unknown", detail=str(error))
    if verify.request.method not in ASKING:
        return Verification("unsupported", detail="the rule would do more than ask")
    if call.named_by_image and not hosts:
        return Verification("unknown", detail="the image names the host; --verify-hosts allows to call it")
    values = tuple(value.decode(errors="replace") for value in (candidate.secret.value,))
    return jobs.setdefault(call, _Job(call, verify, values, Future()))


def call_for(request: Request, values: Mapping[str, bytes], now: datetime) -> Call:
    """The call for one match, signed if the request says so.

    Raises:
        CannotAskError: says what is missing.
    """
    call = prepare(request, values)
    if (sign := request.sign) is None:
        return call
    name = sign.key.strip("{}")
    key = values.get(name, b"").decode("ascii", "replace")
    if not key:
        raise CannotAskError(f"the other half of the credential ({name}) does not stand beside it")
    if key.startswith(signature.TEMPORARY):
        raise CannotAskError("temporary credentials are of no use without their session token")
    return signature.signed(call, key, values[SECRET], (sign.region, sign.service), now)


def _run(jobs: Sequence[_Job], transport: Transport, pace: Pace) -> None:
    """Finish every job. Threads are daemons: one that hangs in a name lookup must not hold up the end of the program."""
    until = time.monotonic() + pace.total
    queue: SimpleQueue[list[_Job]] = SimpleQueue()
    by_host: dict[str, list[_Job]] = defaultdict(list)
    for job in jobs:
        by_host[job.call.host].append(job)
    for group in by_host.values():
        queue.put(group)
    stop = threading.Event()
    for _ in range(min(HOSTS_AT_ONCE, len(by_host))):
        threading.Thread(target=_work, args=(queue, transport, pace, until, stop), name="imgscan-verify", daemon=True).start()
    try:
        for job in jobs:
            _await(job, until)
    finally:
        stop.set()
        transport.close()


def _await(job: _Job, until: float) -> None:
    try:
        job.result.exception(max(0.0, until - time.monotonic()))
    except TimeoutError:
        _finish(job, Verification("unknown", detail=OUT_OF_TIME))


def _work(queue: SimpleQueue[list[_Job]], transport: Transport, pace: Pace, until: float, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            jobs = queue.get_nowait()
        except Empty:
            return
        host = _Host(transport, pace, until, stop)
        for job in jobs:
            try:
                _finish(job, host.ask(job))
            except BaseException as error:  # noqa: BLE001 - it is raised again where the result is awaited
                _finish(job, error)


def _finish(job: _Job, result: Verification | BaseException) -> None:
    """Set the result, unless the other side was quicker."""
    if not job.result.set_running_or_notify_cancel():
        return
    if isinstance(result, Verification):
        job.result.set_result(result)
    else:
        job.result.set_exception(result)

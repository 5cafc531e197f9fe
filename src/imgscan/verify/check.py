"""Whether secrets are live: plan the calls that the rules describe, have them made, and hand out the results.

One call for each secret, however often it was found. Hosts that the image names are called only with ``hosts``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from imgscan.model.report import Verification
from imgscan.verify import signature
from imgscan.verify.asking import Job, Pace, run
from imgscan.verify.template import GROUP, Call, CannotAskError, part, prepare
from imgscan.verify.transport import Network, Transport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgscan.model.values import Secret
    from imgscan.rules.schema import Request, Rule

ASKING: Final = ("GET", "POST", "HEAD")
"""Methods of calls that only ask."""

USUAL: Final = Pace()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One secret that a rule found, and the other named groups of its match."""

    rule: Rule
    secret: Secret
    parts: tuple[tuple[str, Secret], ...] = ()

    @property
    def values(self) -> dict[str, bytes]:
        """Everything that the templates of the rule may name."""
        return {name: part.value for name, part in (*self.parts, (GROUP, self.secret))}


def check(
    candidates: Sequence[Candidate], *, hosts: bool = False, network: Network | None = None, pace: Pace = USUAL
) -> list[Verification]:
    """Whether each secret is live, in the order of ``candidates``; equal calls are made once.

    Raises:
        UsageError: a certificate file or the proxy of the environment cannot be used.
    """
    now = datetime.now(UTC)
    jobs: dict[Call, Job] = {}
    planned = [_planned(candidate, jobs, now, hosts=hosts) for candidate in candidates]
    if jobs:
        transport = Transport(network or Network(), pace.timeouts)
        try:
            run(list(jobs.values()), transport, pace)
        finally:
            transport.close()
    return [plan.result.result() if isinstance(plan, Job) else plan for plan in planned]


def _planned(candidate: Candidate, jobs: dict[Call, Job], now: datetime, *, hosts: bool) -> Job | Verification:
    verify = candidate.rule.verify
    if verify is None or verify.request.method not in ASKING:
        return Verification("unsupported")
    try:
        call = call_for(verify.request, candidate.values, now)
    except CannotAskError as error:
        return Verification("unknown", detail=str(error))
    if call.named_by_image and not hosts:
        return Verification("unknown", detail="the image names the host; --verify-hosts allows to call it")
    return jobs.setdefault(call, Job(call, verify, (candidate.secret.value.decode(errors="replace"),)))


def call_for(request: Request, values: Mapping[str, bytes], now: datetime) -> Call:
    """The call for one match, signed if the request says so.

    Raises:
        CannotAskError: says what is missing.
    """
    call = prepare(request, values)
    if (sign := request.sign) is None:
        return call
    key = part(sign.key, values)
    if key.startswith(signature.TEMPORARY):
        raise CannotAskError("temporary credentials are of no use without their session token")
    return signature.signed(call, key, values[GROUP], (sign.region, sign.service), now)

"""Have a secret put an end to itself, where its provider has a call for that. Only ``imgscan revoke`` comes here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from imgscan.errors import ImgscanError, UsageError
from imgscan.verify.check import call_for
from imgscan.verify.template import CannotAskError
from imgscan.verify.transport import Network, Timeouts, Transport
from imgscan.verify.verdict import deciding, document_of, pause_of

if TYPE_CHECKING:
    from imgscan.rules.schema import Revoke
    from imgscan.verify.check import Candidate
    from imgscan.verify.template import Call
    from imgscan.verify.transport import Answer

Outcome = Literal["done", "gone"]
"""It was revoked just now, or had been of no use before."""

MEANING: Final[dict[str, Outcome]] = {"dead": "done", "unknown": "gone"}
"""What a field says of a call that is to revoke; ``live`` is that it did not."""


def planned(candidate: Candidate, host: str | None = None) -> Call:
    """The call that revokes the secret; where its host stands beside the secret, only if that is ``host``.

    Raises:
        UsageError: there is none for it.
    """
    rule = candidate.rule
    if rule.revoke is None:
        where = f"revoke it at {rule.revoke_url}" if rule.revoke_url else f"`imgscan explain {rule.id}` says what to do"
        raise UsageError("its provider has no call by which it could revoke itself", where=rule.id, hint=where)
    try:
        call = call_for(rule.revoke.request, candidate.values, datetime.now(UTC))
    except CannotAskError as error:
        hint = "give the whole text that it was found in, or revoke it by hand"
        raise UsageError(str(error), where=rule.id, hint=hint) from None
    if call.named_by_image and (host or "").lower() != call.host:
        raise UsageError(
            "its host comes from where the secret was found; not called",
            where=rule.id,
            hint=f"--host {call.host} allows to call it",
        )
    return call


def carry_out(revoke: Revoke, call: Call, network: Network, timeouts: Timeouts | None = None) -> Outcome:
    """Send the call, once.

    Raises:
        UnreachableError: there is no answer.
        ImgscanError: the provider did not do it.
    """
    transport = Transport(network, timeouts or Timeouts())
    try:
        answer = transport.send(call)
    finally:
        transport.close()
    if (outcome := _outcome(revoke, answer)) is not None:
        return outcome
    reason = "asks for fewer calls" if pause_of(answer) is not None else f"answered {answer.status}"
    raise ImgscanError(
        f"the provider {reason}; not known to be revoked", where=call.host, hint="revoke it in its console"
    )


def _outcome(revoke: Revoke, answer: Answer) -> Outcome | None:
    if (field := deciding(revoke.fields, document_of(answer))) is not None:
        return MEANING.get(field.means)
    if answer.status in revoke.done:
        return "done"
    return "gone" if answer.status in revoke.gone else None

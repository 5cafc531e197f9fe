"""An answer that is not what was asked for, as an error that a person understands.

What a registry writes about its reasons is shown, but short, without control characters, and not at all if it repeats
a credential.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from imgscan.errors import (
    AccessDeniedError,
    ImgscanError,
    RateLimitedError,
    SourceError,
    UnreachableError,
)
from imgscan.net.retry import retry_after
from imgscan.sources.quote import quoted

if TYPE_CHECKING:
    from imgscan.sources.registry.transport import Answer

MAX_BODY_BYTES: Final = 64 * 1024
MAX_REASONS: Final = 3


class Reason(msgspec.Struct, frozen=True):
    """One error as the distribution specification has it."""

    code: str = ""
    message: str = ""


class Reasons(msgspec.Struct, frozen=True):
    """The body of a refusal."""

    errors: tuple[Reason, ...] = ()


def refusal(
    answer: Answer, what: str, *, missing: type[ImgscanError], where: str, secrets: tuple[str, ...]
) -> ImgscanError:
    """The error for an answer with an unwanted status; reads and ends the answer.

    ``what`` was asked for, and ``missing`` is the error if it is not there. ``secrets`` are never repeated.
    """
    told = _told(answer, secrets)
    status = f"status {answer.status}" + (f", {told}" if told else "")
    match answer.status:
        case 401 | 403:
            return AccessDeniedError(f"access to {what} denied ({status})", where=where)
        case 404:
            return missing(f"{what} not found ({status})", where=where)
        case 429:
            return RateLimitedError(f"too many requests ({status})", where=where, hint=_when(answer))
        case code if code >= 500:  # noqa: PLR2004 - the class of server errors
            return UnreachableError(f"the registry fails ({status})", where=where, hint="try again later")
    return SourceError(f"unexpected answer for {what} ({status})", where=where)


def _when(answer: Answer) -> str:
    seconds = retry_after(answer.header("Retry-After"))
    wait = "try again later" if seconds is None else f"try again in {seconds:.0f} seconds"
    return f"{wait}, or log in: the limit is often higher then"


def _told(answer: Answer, secrets: tuple[str, ...]) -> str:
    try:
        body = answer.read_all(MAX_BODY_BYTES)
        reasons = msgspec.json.decode(body, type=Reasons).errors[:MAX_REASONS]
    except (ImgscanError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""  # the status alone is an answer
    told = [": ".join(filter(None, (reason.code, reason.message))) for reason in reasons]
    if any(secret in text for secret in secrets for text in told):
        return ""
    return "; ".join(quoted(text) for text in told if text)

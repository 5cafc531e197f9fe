"""What an answer means, by the data of a rule. Nothing of an answer is repeated but what the rule names, and that cut.

Live is only said of an answer that looks as the rule expects: a web page with status 200 or 403 is a firewall's or a
login form's, and says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from imgscan.net.retry import retry_after

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from imgscan.rules.schema import Field, Verify
    from imgscan.verify.transport import Answer

TOO_MANY: Final = 429
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
UNAVAILABLE: Final = 503

MAX_TOLD: Final = 80
"""Characters of one value that a provider tells; names of accounts are shorter."""

MAX_ITEMS: Final = 10
"""Values of one list that a provider tells, such as scopes."""

LEAST_SHARED: Final = 8
"""Characters that a told value may share with the secret by chance."""

HEADER: Final = "header:"


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer says of a secret, and why."""

    status: Literal["live", "dead", "unknown"]
    detail: str | None = None


def pause_of(answer: Answer) -> float | None:
    """Seconds to wait if the answer is that there were too many calls, 0 if it does not say; else ``None``."""
    asked = retry_after(answer.headers.get("retry-after"))
    if answer.status == TOO_MANY or (answer.status in (FORBIDDEN, UNAVAILABLE) and asked is not None):
        return asked or 0.0
    return None


def judge(verify: Verify, answer: Answer, secrets: Sequence[str]) -> Told:
    """What the answer means; of ``secrets`` nothing is told, whatever it says."""
    document = document_of(answer)
    if (field := deciding(verify.fields, document)) is not None:
        about = _account(verify, answer, document, secrets) if field.means == "live" else []
        return Told(field.means, "; ".join(filter(None, [field.note, *about])) or None)
    page = _is_page(answer)
    if answer.status in verify.live and not page:
        return Told("live", "; ".join(_account(verify, answer, document, secrets)) or None)
    if answer.status in verify.dead and (not page or answer.status == UNAUTHORIZED):
        return Told("dead")
    return Told("unknown", _puzzle(answer, page=page))


def deciding(fields: Sequence[Field], document: object) -> Field | None:
    """The first of the fields that fits."""
    return next((field for field in fields if _fits(field, document)), None)


def document_of(answer: Answer) -> object:
    """The JSON of an answer; ``None`` if it is not JSON."""
    if not answer.body:
        return None
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _fits(field: Field, document: object) -> bool:
    value = _at(document, field.path)
    if not field.equals:
        return value is not None
    return any(type(value) is type(expected) and value == expected for expected in field.equals)


def _at(document: Any, path: str) -> Any:
    """The value at a path of keys and list indexes; ``None`` if there is none."""
    for step in path.split("."):
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document


def _account(verify: Verify, answer: Answer, document: object, secrets: Sequence[str]) -> list[str]:
    return [
        f"{label} {text}" for label, text in _told(verify.tells, answer, document) if not _gives_away(text, secrets)
    ]


def _told(tells: Mapping[str, str], answer: Answer, document: object) -> Iterator[tuple[str, str]]:
    for label, path in tells.items():
        is_header = path.startswith(HEADER)
        value = answer.headers.get(path.removeprefix(HEADER).lower()) if is_header else _at(document, path)
        values = value[:MAX_ITEMS] if isinstance(value, list) else [value]
        words = [_clean(str(item)) for item in values if isinstance(item, str | int | float)]
        if text := ", ".join(filter(None, words)):
            yield label, text if len(text) <= MAX_TOLD else text[:MAX_TOLD] + "…"


def _clean(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * MAX_TOLD]).split())


def _gives_away(text: str, secrets: Sequence[str]) -> bool:
    """Whether a long piece of a secret stands in the text."""
    pieces = (
        secret[at : at + LEAST_SHARED] for secret in secrets for at in range(max(1, len(secret) - LEAST_SHARED + 1))
    )
    return any(piece in text for piece in pieces)


def _is_page(answer: Answer) -> bool:
    named = "html" in answer.headers.get("content-type", "").lower()
    return named or (answer.body or b"").lstrip()[:9].lower().startswith((b"<!doctype", b"<html"))


def _puzzle(answer: Answer, *, page: bool) -> str:
    if "location" in answer.headers:
        return f"it answered {answer.status} and sends us elsewhere, where no secret is taken"
    if page:
        return f"it answered {answer.status} with a web page"
    if answer.body is None:
        return f"it answered {answer.status} with more than can be looked at"
    return f"it answered {answer.status}, which does not tell"

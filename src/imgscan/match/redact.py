"""What may be shown of a secret: the prefix that its kind has anyway if that is text, and nothing else.

``prefixes`` are taken from the pattern of a rule, so they say what kind of secret it is and never what it is.
"""

from __future__ import annotations

import re
from functools import cache
from re import _constants as op  # type: ignore[attr-defined]  # see anchors
from re import _parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ELLIPSIS: Final = "…"
MAX_PREFIXES: Final = 64
"""Alternatives of one pattern; beyond that none is shown."""

MAX_PREFIX: Final = 40
"""The first line of an OpenSSH key and the like."""

_TEXT: Final = re.compile(rb"[ -~]+")


def redact(secret: bytes, pattern: str) -> str:
    """The longest literal prefix of the pattern that the secret has, and an ellipsis for the rest."""
    prefix = prefix_of(secret, pattern)
    return (prefix.decode("ascii") if 2 * len(prefix) <= len(secret) else "") + ELLIPSIS


def prefix_of(secret: bytes, pattern: str) -> bytes:
    """The longest literal prefix of the pattern that the secret has."""
    return max((prefix for prefix in prefixes(pattern) if secret.startswith(prefix)), key=len, default=b"")


def redact_within(text: bytes, start: int, spans: Iterable[tuple[int, int, str]]) -> str:
    """``text``, which begins at ``start`` of a buffer, with every span of that buffer replaced by its redacted form.

    Spans may overlap and reach beyond the text. Bytes that are no UTF-8 and control characters become visible escapes.
    """
    parts: list[str] = []
    position = start
    end = start + len(text)
    for span_start, span_end, shown in sorted(spans):
        if span_end <= position or span_start >= end:
            continue  # not skipped: hidden already, or outside
        if span_start >= position:
            parts.append(_printable(text[position - start : span_start - start]))
        parts.append(shown if span_start >= position else ELLIPSIS)
        position = min(max(position, span_end), end)
    parts.append(_printable(text[position - start :]))
    return "".join(parts)


def _printable(text: bytes) -> str:
    decoded = text.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() or char == "\t" else f"\\x{ord(char):02x}" for char in decoded)


@cache
def prefixes(pattern: str) -> tuple[bytes, ...]:
    """The literal beginnings that the group ``secret`` of a pattern can have, as far as they are text."""
    try:
        tree = _parser.parse(pattern.encode())
    except re.error:
        return ()  # written for `regex` alone: nothing is shown of its secrets
    group = tree.state.groupdict.get("secret")
    body = _find(list(tree), group)
    found = _literals(body) if body is not None else []
    texts = (prefix[:MAX_PREFIX] for prefix, _ in found if _TEXT.fullmatch(prefix))
    return tuple(texts) if len(found) <= MAX_PREFIXES else ()


def _find(nodes: Sequence[tuple[Any, Any]], group: int | None) -> list[tuple[Any, Any]] | None:
    for kind, argument in nodes:
        inner: Sequence[Any] = ()
        if kind is op.SUBPATTERN:
            if argument[0] == group:
                return list(argument[3])
            inner = [argument[3]]
        elif kind is op.BRANCH:
            inner = argument[1]
        elif kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            inner = [argument[2]]
        for body in inner:
            if (found := _find(list(body), group)) is not None:
                return found
    return None


def _literals(nodes: Sequence[tuple[Any, Any]]) -> list[tuple[bytes, bool]]:
    """Every literal beginning of a sequence, and whether it is the whole of the sequence."""
    found = [(b"", True)]
    for kind, argument in nodes:
        if kind is op.LITERAL:
            ways = [(bytes([argument]), True)]
        elif kind is op.SUBPATTERN and not argument[1]:
            ways = _literals(list(argument[3]))
        elif kind is op.BRANCH:
            ways = [way for branch in argument[1] for way in _literals(list(branch))]
        else:
            ways = [(b"", False)]
        found = [(head + tail, whole) for head, open_ended in found if open_ended for tail, whole in ways] + [
            item for item in found if not item[1]
        ]
        if len(found) > MAX_PREFIXES or not any(whole for _, whole in found):
            break
    return found

"""The words that every match of a pattern begins with, so that the second stage need not try every place.

Knows the parse tree of ``re`` and nothing of rules.
"""

from __future__ import annotations

import re
from re import _constants as op  # type: ignore[attr-defined]  # undocumented, but the only parse tree there is
from re import _parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAST: Final = 2
"""Bytes of a word; shorter ones stand everywhere."""

MOST: Final = 8
"""Bytes of a word that are looked for."""

MAX_WORDS: Final = 48
"""Looking for more takes as long as trying every place."""

_ZERO_WIDTH: Final = (op.ASSERT, op.ASSERT_NOT, op.AT)
_REPEATS: Final = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)

Starts = tuple[frozenset[bytes], bool]
"""What a piece of a pattern can begin with, and whether that is all there is of it."""


def of(pattern: str) -> frozenset[bytes]:
    """Words in small letters, one of which begins every match whatever its case; none if there are no such words.

    None either for a pattern that knows only one case: ``regex`` itself is quick to find its first literal.
    """
    if "(?i" not in pattern:
        return frozenset()
    try:
        words, _ = _of_nodes(list(_parser.parse(pattern.encode())))
    except (re.error, _TooManyError):
        return frozenset()
    words = frozenset(word[:MOST] for word in words)
    if len(words) > MAX_WORDS or min(map(len, words)) < LEAST:
        return frozenset()
    return frozenset(word for word in words if not any(word != other and word.startswith(other) for other in words))


class _TooManyError(Exception):
    """There are more beginnings than are worth looking for."""


def _of_nodes(nodes: Sequence[tuple[Any, Any]]) -> Starts:
    known = frozenset({b""})
    for kind, argument in nodes:
        if kind in _ZERO_WIDTH:
            continue
        next_, whole = _of_node(kind, argument)
        known = frozenset(first + rest for first in known for rest in next_)
        if len(known) > MAX_WORDS * MOST:
            raise _TooManyError
        if not whole or min(map(len, known)) >= MOST:
            return known, False
    return known, True


def _of_node(kind: Any, argument: Any) -> Starts:
    if kind is op.LITERAL:
        return frozenset({bytes([argument]).lower()}), True
    if kind in (op.SUBPATTERN, op.ATOMIC_GROUP):
        return _of_nodes(list(argument[3] if kind is op.SUBPATTERN else argument))
    if kind is op.BRANCH:
        return _united(_of_nodes(list(branch)) for branch in argument[1])
    if kind in _REPEATS:
        low, high, body = argument
        inner, whole = _of_nodes(list(body))
        if low == 0 and high == 1:
            return inner | {b""}, whole
        return (inner, whole and low == high == 1) if low else (frozenset({b""}), False)
    return frozenset({b""}), False


def _united(branches: Iterable[Starts]) -> Starts:
    every = list(branches)
    return frozenset().union(*(words for words, _ in every)), all(whole for _, whole in every)

r"""The forms the first stage looks for, derived from the patterns of rules.

hyperscan reports every end of an open-ended match, knows no look-around, and slows down with wide repeats; so the first
stage gets a shortened form that every match of the pattern contains: look-around dropped, leading and trailing repeats
cut to their minimum, the whole cut off once it is distinctive. A hit says "look here", never more.

Knows the parse tree of ``re`` (the pattern language is the same as far as rules go) and nothing of scanning.
"""

from __future__ import annotations

import re
from re import _constants as op  # type: ignore[attr-defined]  # undocumented, but the only parse tree there is
from re import _parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from imgscan.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgscan.rules.schema import Rule

ENOUGH: Final = 40
"""Characters after which a form is distinctive; counts up to 40 are as fast as short ones (``rules.md``)."""

ENOUGH_IN_CONTEXT: Final = 20
"""Characters of the value in the form of a contextual rule, behind the name and the separator.

With 12 the word lists of npm packages give five times the hits, with 32 compiling takes a quarter of a second more.
"""

CONTEXT_TEMPLATE: Final = rb"(?i:%s)\w*\W+(?:\w+\W+){0,7}%s"
"""A keyword, up to seven words, the beginning of the value.

Loose, where the second stage is strict: a loop is one state of hyperscan's automaton, where a count is as many as it
counts. Twelve words give half as many hits again, and compiling takes longer.
"""

Node = tuple[Any, Any]
"""An operator of ``re._constants`` and its argument, whose type depends on the operator."""


class Anchor(NamedTuple):
    """One first-stage expression. ``exact`` is false if hyperscan has to approximate it (its prefilter mode)."""

    expression: bytes
    caseless: bool
    exact: bool = True


def derive(rule: Rule) -> Anchor:
    """The first-stage expression of a rule.

    Raises:
        RuleError: the pattern is no regular expression.
    """
    if rule.anchor is not None:
        return Anchor(rule.anchor.encode(), caseless=rule.anchor.startswith("(?i)"))
    tree = _parse(rule)
    caseless = bool(tree.state.flags & re.IGNORECASE)
    if rule.context == "assignment" and rule.keywords:
        return behind(rule.keywords, _beginning(tree))
    try:
        return Anchor(_write(_trim_start(_trim_end(_cut(list(tree), ENOUGH)))), caseless)
    except _InexactError:
        return Anchor(rule.pattern.encode(), caseless, exact=False)


def behind(keywords: Iterable[str], value: bytes) -> Anchor:
    """The expression of all contextual rules whose values begin alike, with the keywords of them all."""
    return Anchor(CONTEXT_TEMPLATE % (b"|".join(map(_keyword, keywords)), value), caseless=True)


def beginning(rule: Rule) -> bytes | None:
    """How the value of a contextual rule begins; nothing for a rule that has an expression of its own.

    Raises:
        RuleError: as for ``derive``.
    """
    if rule.context != "assignment" or not rule.keywords or rule.anchor is not None:
        return None
    return _beginning(_parse(rule))


def _parse(rule: Rule) -> Any:
    try:
        return _parser.parse(rule.pattern.encode())
    except re.error as error:
        raise RuleError(f"the pattern is not a regular expression: {error.msg} at {error.pos}", where=rule.id) from None


def _beginning(tree: Any) -> bytes:
    """Untrimmed at its start, which must meet the separator."""
    return _write(_trim_end(_cut(list(tree), ENOUGH_IN_CONTEXT)))


class _InexactError(Exception):
    """The tree holds something that only hyperscan's prefilter mode can approximate."""


def _keyword(word: str) -> bytes:
    """A keyword; a space in it stands for any separator or none (``my api`` is also ``my_api`` and ``myApi``)."""
    return rb"[ ._-]?".join(re.escape(part.encode()) for part in word.split())


def _cut(nodes: Sequence[Node], enough: int) -> list[Node]:
    """The part of a sequence that is distinctive enough."""
    kept: list[Node] = []
    width = 0
    for node in _without_assertions(nodes):
        if width >= enough:
            break
        kept.append(_limited(node, enough - width))
        width += _width(node)[0]
    return kept


def _without_assertions(nodes: Sequence[Node]) -> list[Node]:
    """The sequence without look-around and boundaries, and with plain groups opened."""
    plain: list[Node] = []
    for kind, argument in nodes:
        if kind is op.SUBPATTERN and not argument[1] and not argument[2]:
            plain += _without_assertions(argument[3])
        elif kind not in (op.ASSERT, op.ASSERT_NOT, op.AT):
            plain.append((kind, argument))
    return plain


def _limited(node: Node, room: int) -> Node:
    """A fixed repeat of one character class that is wider than there is room for needs no more than the room."""
    kind, argument = node
    if kind in _REPEATS:
        low, high, body = argument
        if len(body) == 1 and _width(body[0]) == (1, 1) and low > room:
            return (op.MAX_REPEAT, (room, room, body))
        return (op.MAX_REPEAT, (low, high, body))
    return node


def _trim_end(nodes: list[Node]) -> list[Node]:
    """Any repeat at the end can stop at its minimum; what may be empty at the end can go."""
    while nodes:
        kind, argument = nodes[-1]
        if kind in _REPEATS:
            low, high, body = argument
            if low == 0:
                nodes = nodes[:-1]
                continue
            if low != high:
                nodes = [*nodes[:-1], (op.MAX_REPEAT, (low, low, body))]
        elif kind is op.SUBPATTERN:
            group, add, remove, body = argument
            inner = _trim_end(_without_assertions(list(body)))
            if not inner:
                nodes = nodes[:-1]
                continue
            nodes = [*nodes[:-1], (kind, (group, add, remove, inner))]
        elif kind is op.BRANCH:
            branches = [_trim_end(_without_assertions(list(branch))) for branch in argument[1]]
            if not all(branches):
                nodes = nodes[:-1]
                continue
            nodes = [*nodes[:-1], (kind, (None, branches))]
        break
    return nodes


def _trim_start(nodes: list[Node]) -> list[Node]:
    while nodes:
        kind, argument = nodes[0]
        if kind not in _REPEATS:
            break
        low, high, body = argument
        if low == 0:
            nodes = nodes[1:]
            continue
        return [(op.MAX_REPEAT, (low, low, body)), *nodes[1:]] if low != high else nodes
    return nodes


_REPEATS: Final = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)


def width(pattern: str) -> tuple[int, int]:
    """The least and the greatest number of bytes a pattern can match; the greatest may be ``re``'s infinity."""
    low, high = _parser.parse(pattern.encode()).getwidth()
    return int(low), int(high)


_GROUPS: Final = _parser.State()
_GROUPS.groupwidths = [(0, op.MAXREPEAT)] * 100
"""A back-reference may be of any width; its tree is refused when it comes to writing."""


def _width(node: Node) -> tuple[int, int]:
    sequence = _parser.SubPattern(_GROUPS, [node])
    low, high = sequence.getwidth()
    return int(low), int(high)


def _write(nodes: Sequence[Node]) -> bytes:
    return b"".join(_write_node(kind, argument) for kind, argument in nodes)


def _write_node(kind: Any, argument: Any) -> bytes:  # noqa: PLR0911 - one line per operator is the clearest form
    if kind is op.LITERAL:
        return _character(argument)
    if kind is op.NOT_LITERAL:
        return b"[^" + _character(argument) + b"]"
    if kind is op.ANY:
        return b"."
    if kind is op.IN:
        return b"[" + b"".join(_class_item(*item) for item in argument) + b"]"
    if kind is op.CATEGORY:
        return _CATEGORIES[argument]
    if kind is op.BRANCH:
        return b"(?:" + b"|".join(_write(_without_assertions(branch)) for branch in argument[1]) + b")"
    if kind is op.SUBPATTERN:
        _group, add, remove, body = argument
        inner = _write(_without_assertions(body))
        return b"(?" + _flags(add) + (b"-" + _flags(remove) if remove else b"") + b":" + inner + b")"
    if kind is op.ATOMIC_GROUP:
        return b"(?:" + _write(_without_assertions(argument)) + b")"
    if kind in _REPEATS:
        low, high, body = argument
        return b"(?:" + _write(_without_assertions(body)) + b")" + _count(low, high)
    raise _InexactError


def _count(low: int, high: int) -> bytes:
    if high == op.MAXREPEAT:
        return b"{%d,}" % low
    return b"{%d}" % low if low == high else b"{%d,%d}" % (low, high)


def _character(code: int) -> bytes:
    """Written in hex, whatever it is: nothing to escape, and no NUL byte in a C string."""
    return b"\\x%02x" % code


def _class_item(kind: Any, argument: Any) -> bytes:
    if kind is op.NEGATE:
        return b"^"
    if kind is op.RANGE:
        return _character(argument[0]) + b"-" + _character(argument[1])
    return _write_node(kind, argument)


_CATEGORIES: Final = {
    op.CATEGORY_DIGIT: rb"\d",
    op.CATEGORY_NOT_DIGIT: rb"\D",
    op.CATEGORY_SPACE: rb"\s",
    op.CATEGORY_NOT_SPACE: rb"\S",
    op.CATEGORY_WORD: rb"\w",
    op.CATEGORY_NOT_WORD: rb"\W",
}


def _flags(bits: int) -> bytes:
    return b"".join(letter for flag, letter in _LETTERS if bits & flag)


_LETTERS: Final = ((re.IGNORECASE, b"i"), (re.DOTALL, b"s"), (re.MULTILINE, b"m"))

"""Whose a value is that stands in something named after its owner: ``pinecone:`` and, on the next line, ``api_key: …``.

A contextual rule looks for its keyword right before the value. Where a rule of no provider has matched, this looks at
what the value stands in, and asks the contextual rules whose keywords are there. The first stage has no part in it, so
it costs something only where a generic rule matches.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property
from itertools import accumulate, chain, dropwhile, islice
from typing import TYPE_CHECKING, Final

from imgscan.match.enclosing import LEVELS, LOOK_BACK, around
from imgscan.model.values import Where
from imgscan.rules.schema import GENERIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from imgscan.match.confirm import Confirmer
    from imgscan.match.enclosing import Enclosure, Words
    from imgscan.rules.schema import Rule

LEAST_VALUE: Final = 8
"""Bytes; no contextual rule takes less."""

MOST_VALUE: Final = 1024
"""Bytes; what is longer has a form of its own."""

KEYWORD_WORDS: Final = 8
"""Words of a name that a keyword can be spread over: ``digital ocean`` is two in ``DigitalOcean``."""

FILLER: Final = re.compile(
    "auth|c|client|cfg|conf|config|configure|connect|connection|const|create|credentials?|def|do|env|export|init"
    "|initialize|let|module|new|opts|options|return|secrets|self|settings|setup|this|var"
    "|(?:app|backup|dev|development|live|main|my|prod|production|sandbox|stage|staging|test|v)[0-9]*"
)
"""Words between a provider and a key that say nothing: ``netlify.Client(auth_token=…)``, ``HEROKU_PROD_API_KEY``."""


class Naming:
    """The contextual rules of a set by their keywords, if it has rules of no provider as well."""

    def __init__(self, rules: Sequence[Rule], confirmer: Callable[[int], Confirmer]) -> None:
        """Use the second stage of a rule, by its index, from ``confirmer``."""
        self._rules = rules if any(rule.provider == GENERIC for rule in rules) else ()
        self._confirmer = confirmer

    @cached_property
    def _by_keyword(self) -> Mapping[str, Mapping[int, bytes]]:
        """By keyword without its joints: rules, each with a name that it would take."""
        by_keyword: dict[str, dict[int, bytes]] = defaultdict(dict)
        for index, rule in enumerate(self._rules):
            for keyword in _keywords(rule):
                by_keyword[_squeezed(keyword)][index] = re.sub(r"[^\w.-]", "_", keyword).encode()
        return dict(by_keyword)

    @property
    def reach(self) -> int:
        """How far before a value has to be at hand, in bytes; twice what is looked at, for texts in UTF-16."""
        return 2 * (LOOK_BACK + MOST_VALUE) if any(map(_keywords, self._rules)) else 0

    def owners(self, text: memoryview, start: int, end: int, where: Where, place: str) -> list[int]:
        """The rules, by index, that take the value from ``start`` to ``end`` of a text, by the nearest name it is in.

        Raises:
            TimedOutError: a pattern took too long.
        """
        if not LEAST_VALUE <= end - start <= MOST_VALUE:
            return []
        before = bytes(text[max(0, start - LOOK_BACK - 1) : start])
        value = bytes(text[start:end])
        readings = _readings(around(before, place if where is Where.FILE else None))
        for keyword in dict.fromkeys(chain.from_iterable(self._beginning_in(*reading) for reading in readings)):
            keyed = self._by_keyword[keyword].items()
            owners = [index for index, written in keyed if self._takes(index, written, value, where, place)]
            if owners:
                return owners
        return []

    def _beginning_in(self, name: Words, rest: Words) -> list[str]:
        """The keywords that begin in a name and may go on in the ``rest`` of the words, longest first."""
        whole = name + rest
        found = {
            joined
            for first in range(len(name))
            for joined in accumulate(islice(whole, first, first + KEYWORD_WORDS))
            if joined in self._by_keyword
        }
        return sorted(found, key=lambda keyword: (-len(keyword), keyword))

    def _takes(self, index: int, name: bytes, value: bytes, where: Where, place: str) -> bool:
        """Whether a rule would take the whole of a value if its keyword stood right before it."""
        start = len(name) + len(b' = "')
        end = start + len(value)
        confirmer = self._confirmer(index)
        spans = confirmer.spans(memoryview(b'%s = "%s"' % (name, value)), [confirmer.hit(start, end)], where, place)
        return any((span.secret_start, span.secret_end) == (start, end) for span in spans)


def _readings(enclosure: Enclosure) -> Iterator[tuple[Words, Words]]:
    """The names around a value, nearest first, each with what may follow on it; one that says nothing may be left out.

    ``twilio: {production: {auth_token: …}}`` is read as ``twilio production auth token`` and as ``twilio auth token``.
    """
    own = enclosure.own
    yield own, ()
    yield _telling(own), ()
    for level in range(LEVELS):
        for path in enclosure.paths:
            for name in path[level : level + 1]:
                yield name, (*chain.from_iterable(reversed(path[:level])), *own)
                yield _telling(name), own
                yield _telling(name), tuple(dropwhile(FILLER.fullmatch, own))
    for name in enclosure.file:
        yield name, ()


def _telling(name: Words) -> Words:
    return tuple(word for word in name if not FILLER.fullmatch(word))


def _keywords(rule: Rule) -> tuple[str, ...]:
    """Those by which a rule takes part: not if it must see what stands around its value."""
    sees_around = any(allow.regexes and allow.target != "secret" for allow in rule.allow)
    return rule.keywords if rule.context == "assignment" and not sees_around else ()


def _squeezed(keyword: str) -> str:
    return re.sub(r"[\W_]+", "", keyword).lower()

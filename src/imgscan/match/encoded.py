"""Secrets in base64: their prefixes as base64 shows them, found by the first stage like any other literal.

Three bytes make four characters, so a prefix has one form for each of the three places it can have in such a group;
what a form leaves out at its ends depends on neighbours. A hit tells where the group begins, and the text is decoded
from there. Only secrets with a prefix of their own can be found this way.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from imgscan.match import structure
from imgscan.match.redact import prefixes
from imgscan.model.values import Confidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.rules.schema import Rule

LEAST_PREFIX: Final = 4
"""Bytes; shorter prefixes leave less than four characters that are certain."""

RUN: Final = 16
"""Characters that must follow a short form: alone it turns up by chance in any picture."""

LONG: Final = 7
"""Characters of a form that needs nothing behind it, which takes a fifth less to compile: by chance it turns up once in
64^7 bytes."""

GROUP_BYTES: Final = 3
GROUP_CHARACTERS: Final = 4
_BITS: Final = 6
_ALPHABET: Final = re.compile(rb"[A-Za-z0-9+/_-]*")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_VALUE: Final = re.compile(rb"[A-Za-z0-9+/]{12,4096}={0,2}")
_PLAIN: Final = re.compile(rb"([!-~]{8,})[\r\n]*")


class Form(NamedTuple):
    """A prefix in base64: the characters that are certain, and how many stand before them in their group."""

    literal: bytes
    lead: int

    @property
    def expression(self) -> bytes:
        """What the first stage looks for."""
        literal = re.escape(self.literal).replace(b"/", b"[/_]").replace(rb"\+", b"[+-]")  # both alphabets
        return literal + b"[A-Za-z0-9+/_-]{%d}" % self.run if self.run else literal

    @property
    def run(self) -> int:
        """How many characters must follow."""
        return RUN if len(self.literal) < LONG else 0

    @property
    def width(self) -> int:
        """The length of every match of ``expression``."""
        return len(self.literal) + self.run


def forms_of(rule: Rule) -> Iterator[Form]:
    """The forms of all prefixes of a rule, if its prefixes are all it takes to be sure."""
    if rule.confidence is Confidence.HIGH and not rule.keywords:
        for prefix in prefixes(rule.pattern):
            yield from forms(prefix)


def forms(prefix: bytes) -> tuple[Form, ...]:
    """The three forms of a prefix; none if it is too short."""
    return tuple(_form(prefix, shift) for shift in range(GROUP_BYTES)) if len(prefix) >= LEAST_PREFIX else ()


def _form(prefix: bytes, shift: int) -> Form:
    encoded = base64.b64encode(bytes(shift) + prefix)
    lead = -(-shift * 8 // _BITS)
    return Form(encoded[lead : (shift + len(prefix)) * 8 // _BITS], lead)


def decode(text: memoryview, start: int, limit: int) -> bytes:
    """What the base64 text from ``start`` on says, ``limit`` bytes at the most."""
    characters = -(-limit // GROUP_BYTES) * GROUP_CHARACTERS
    found = _ALPHABET.match(text, start, min(start + characters, len(text)))
    run = bytes(found[0]) if found else b""
    run = run.translate(_STANDARD)
    return base64.b64decode(run[: len(run) - (len(run) % GROUP_CHARACTERS == 1)] + b"===")


def text_of(value: bytes) -> bytes:
    """What a value says that is the base64 of a word, as in secrets of Kubernetes; empty if it is not."""
    word = _PLAIN.fullmatch(structure.from_base64(value)) if _VALUE.fullmatch(value) else None
    return word[1] if word else b""


def place(start: int, offset: int) -> int:
    """The character of a run that begins at ``start`` in which the decoded byte ``offset`` begins."""
    return start + offset * 8 // _BITS

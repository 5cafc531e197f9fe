"""Names for findings that survive a rebuild, and that give nothing away.

A fingerprint stands on the rule, the place (path or config key) and the secret, never on a layer, a tag or a line. A
secret that could be guessed is left out of it: whoever has a report could else try passwords until the hash fits. Such
findings are told apart by their order, or by a keyed hash if there is a key.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from imgscan.model.values import Confidence
from imgscan.rules.schema import GENERIC

if TYPE_CHECKING:
    from imgscan.rules.schema import Rule

VERSION: Final = b"imgscan-1"
LENGTH: Final = 32
"""Hex digits: 128 bits, enough for any number of findings."""

LEAST_LENGTH: Final = 20
LEAST_BITS: Final = 80
"""What nobody can try: 2⁸⁰ hashes; a secret of fewer bits by its own character frequencies is not hashed."""

CHOSEN_BY_PEOPLE: Final = ("password", "passphrase", "basic-auth", "passwd")
"""Parts of ids of rules whose secrets people make up, however long these are."""


def identity(rule: Rule, secret: bytes, key: bytes | None = None) -> bytes | None:
    """What a fingerprint may know of a secret; ``None`` for one that could be guessed."""
    if key is not None:
        return hmac.digest(key, secret, "sha256")
    return None if is_guessable(rule, secret) else hashlib.sha256(VERSION + b"\0" + secret).digest()


def is_guessable(rule: Rule, secret: bytes) -> bool:
    """Whether somebody with the hash of this secret might find it by trying."""
    of_nobody = rule.provider == GENERIC and rule.confidence is not Confidence.HIGH
    if of_nobody or any(part in rule.id for part in CHOSEN_BY_PEOPLE):
        return True
    return len(secret) < LEAST_LENGTH or _bits(secret) < LEAST_BITS


def fingerprint(rule_id: str, place: str, known: bytes | None, ordinal: int) -> str:
    """The name of a finding; ``ordinal`` tells apart what is otherwise the same, from 0."""
    parts = (VERSION, rule_id.encode(), place.encode(), known or b"", str(ordinal).encode())
    content = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.sha256(content).hexdigest()[:LENGTH]


def _bits(secret: bytes) -> float:
    """Shannon entropy of the whole."""
    size = len(secret)
    return -sum(count * math.log2(count / size) for count in Counter(secret).values())

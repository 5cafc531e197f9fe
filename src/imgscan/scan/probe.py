"""Try rules on one text, as if it were a file of a layer: what ``imgscan rules test`` does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from imgscan.match import precedence
from imgscan.match.detector import Detector
from imgscan.scan.window import Window
from imgscan.streams.tar import Kind, Member

if TYPE_CHECKING:
    from imgscan.model.values import Match
    from imgscan.rules.load import RuleSet


def probe(data: bytes, rules: RuleSet, name: str = "input") -> tuple[Match, ...]:
    """The matches that stand in ``data``; ``name`` is the path that rules for certain files look at."""
    detector = Detector(rules)
    member = Member(name.encode(errors="surrogateescape"), Kind.FILE, 0, len(data), b"")
    window = Window(bytearray(data), len(data), 0, -1, math.inf, (member,), None)
    found, _ = window.examine(detector)
    return tuple(precedence.resolve((item.match for item in found), rules.by_id))

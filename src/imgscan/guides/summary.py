"""What a report says of a finding's remedy: one sentence, the guide's name, a link and the first steps. Cheap."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from imgscan.guides import load

if TYPE_CHECKING:
    from imgscan.guides.schema import Step
    from imgscan.rules.schema import Rule

DEFAULT: Final = (
    "Revoke the {title}{where}, put a new one where it is used, and rebuild the image without it: deleting it in a later "
    "layer does not remove it."
)
IMAGE: Final = (
    "Delete the image from the registry by digest, take the secret out of the instruction that brought it, and rebuild."
)
MAX_STEPS: Final = 4
"""Of the guide; with that for the image they are what fits beside a finding."""

MAX_RULES: Final = 4096
"""More than are packaged; a report names few."""

_MARKS: Final = re.compile(r"[`]|\*\*")
_PLAIN: Final = frozenset(
    {"Password", "Private", "Encrypted", "Generic", "Token", "Secret", "Basic", "Hard-coded", "Database", "User", "Key"}
)
"""First words of titles that are no names."""


@dataclass(frozen=True, slots=True)
class Summary:
    """``sentence`` and ``steps`` are plain text."""

    sentence: str
    guide: str
    revoke_url: str | None
    steps: tuple[str, ...]


@lru_cache(maxsize=MAX_RULES)
def summary(rule: Rule) -> Summary:
    """The remedy for what ``rule`` finds."""
    guide = load.for_rule(rule).guide
    url = rule.revoke_url or guide.console
    where = f" at {url}" if url else ""
    sentence = (guide.summary or DEFAULT).replace("{title}", _in_sentence(rule.title)).replace("{where}", where)
    kind = load.kinds()[guide.kind]
    known = guide.contain or kind.contain or load.shared().contain
    steps = tuple(_plain(step, guide.name, guide.docs) for step in known[:MAX_STEPS])
    return Summary(sentence, guide.id, url, (*steps, IMAGE))


def _plain(step: Step, name: str, docs: str) -> str:
    text = _MARKS.sub("", step.text).replace("{name}", name).replace("{docs}", docs)
    link = (step.link or "").replace("{docs}", docs)
    return f"{text} {link}" if link and link not in text else text


def _in_sentence(title: str) -> str:
    """A title within a sentence: its first word is lowered unless it is a name or an abbreviation."""
    first, space, rest = title.partition(" ")
    return (first.lower() if first in _PLAIN else first) + space + rest

"""What a report says of a finding's remedy: one sentence, the guide's name, a link and the first steps. Cheap."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgscan.guides import load

if TYPE_CHECKING:
    from imgscan.guides.schema import Guide
    from imgscan.rules.schema import Rule

DEFAULT: Final = "{verb} the {title}{where}, put a new one where it is used, and rebuild the image without it."
IMAGE: Final = (
    "Take the secret out of the instruction that brought it, rebuild, and delete the old image from the registry by "
    "digest: deleting the file in a later layer does not remove it."
)
MAX_STEPS: Final = 4
"""Of the guide; with that for the image they are what fits beside a finding."""

_REVOKING: Final = re.compile(
    r"(?i)\b(?:revok|delete|deleting|deactivat|disable|disabling|regenerat|rotate|rotating|remov|reset)"
)
"""What a step says that puts an end to a secret."""

_SAID_TWICE: Final = re.compile(
    "(?<=Change the )password behind the (?=(?:stored )?password (?!hash))| with a (?:bind )?password(?=,)"
)
"""Where a title is about a password, and the sentence too."""

_MARKS: Final = re.compile(r"`|\*\*")
_PLAIN: Final = re.compile(
    "Application|Basic|Bearer|Client|Community|Database|Encrypted|Generic|Hard-coded|Key|Keystore|Machine|Obfuscated"
    "|Passphrase|Password|Pre-shared|Private|Registry|Salt|Secret|Short|Stored|Symmetric|Token|User|Value"
)
"""First words of titles that are no names."""


@dataclass(frozen=True, slots=True)
class Summary:
    """``sentence`` and ``steps`` are plain text."""

    sentence: str
    guide: str
    revoke_url: str | None
    steps: tuple[str, ...]


def summary(rule: Rule) -> Summary:
    """The remedy for what ``rule`` finds."""
    guide = load.for_rule(rule).guide
    url = rule.revoke_url or guide.console
    where = f" at {url}" if url else f" (see {_described(guide)})"
    verb = "Change" if rule.title.startswith("Pass") else "Revoke"
    filled = {"{verb}": verb, "{title}": _in_sentence(rule.title), "{where}": where}
    sentence = re.sub(r"\{\w+\}", lambda found: filled[found[0]], guide.summary or DEFAULT)
    return Summary(_SAID_TWICE.sub("", sentence), guide.id, url, (*_steps(guide), IMAGE))


def _described(guide: Guide) -> str:
    """The page that says how, where no page does it: one that is called so, if there is any."""
    links = [step.link for step in guide.contain if step.link and _REVOKING.search(step.text)]
    return min(links, key=lambda link: not _REVOKING.search(link), default=guide.docs)


def _steps(guide: Guide) -> tuple[str, ...]:
    """The author's own steps as they are, or those of the kind filled in."""
    if guide.contain:
        return tuple(_plain(step.text, step.link) for step in guide.contain[:MAX_STEPS])
    common = load.kinds()[guide.kind].contain or load.shared().contain
    return tuple(_plain(_filled(step.text, guide), _filled(step.link or "", guide)) for step in common[:MAX_STEPS])


def _filled(text: str, guide: Guide) -> str:
    return text.replace("{name}", guide.name).replace("{docs}", guide.docs)


def _plain(text: str, link: str | None) -> str:
    plain = _MARKS.sub("", text)
    return f"{plain} {link}" if link and link not in plain else plain


def _in_sentence(title: str) -> str:
    """A title within a sentence: its first word is lowered unless it is a name or an abbreviation."""
    first, space, rest = title.partition(" ")
    return (first.lower() if _PLAIN.fullmatch(first.rstrip(",")) else first) + space + rest

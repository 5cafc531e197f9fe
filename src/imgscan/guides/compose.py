"""Put a guide together: what its author wrote, what holds for its kind and for every secret, and where one was found.

The order of sections and of what stands in them is decided here; how they look is ``guides.render``'s business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgscan.guides import load, snippets
from imgscan.guides.page import SECTIONS, Code, Page, Paragraph, Part, Points, Section, Steps
from imgscan.guides.schema import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from imgscan.guides.dockerfile_fix import Fix
    from imgscan.guides.leak import Leak
    from imgscan.guides.load import Found
    from imgscan.guides.schema import Guide

MAX_INSTRUCTION: Final = 200
"""Characters; a heredoc can be a whole script."""

_PLAIN_NAME: Final = re.compile(r"\w[\w.:/@-]*", re.ASCII)
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")

WHOLE_RISK: Final = 3
"""Sentences of an author who has said it all; fewer are in addition to what holds for the kind."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which parts of a guide a reader asked for, by their names in ``SECTIONS``, ``LANGUAGES`` and ``STORES``."""

    sections: Sequence[str] = tuple(SECTIONS)
    languages: Sequence[str] = tuple(snippets.LANGUAGES)
    stores: Sequence[str] = tuple(snippets.STORES)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page is about: a guide, and what is known of the rule, the finding and its instruction.

    ``variable`` is what the secret is called where it was found, if that is known.
    """

    found: Found
    title: str
    rule: str | None = None
    variable: str | None = None
    leak: Leak | None = None
    fix: Fix | None = None

    @property
    def guide(self) -> Guide:
        """The guide itself."""
        return self.found.guide


def compose(subject: Subject, wanted: Wanted | None = None) -> Page:
    """The page for ``subject``, narrowed to what is ``wanted``."""
    wanted = wanted or Wanted()
    guide = subject.guide
    writer = _Writer(subject, wanted)
    return Page(
        guide=guide.id,
        title=subject.title,
        extent=subject.found.extent,
        docs=guide.docs,
        console=guide.console,
        rule=subject.rule,
        finding=subject.leak.fingerprint if subject.leak else None,
        sections=tuple(
            Section(name, title, tuple(writer.parts(name)))
            for name, title in SECTIONS.items()
            if name in wanted.sections
        ),
    )


class _Writer:
    """Writes the sections of one page."""

    def __init__(self, subject: Subject, wanted: Wanted) -> None:
        self.subject = subject
        self.guide = subject.guide
        self.wanted = wanted
        self.kind = load.kinds()[self.guide.kind]
        self.shared = load.shared()
        self.names = snippets.names(self.guide, subject.variable)
        self.known = self._known()

    def parts(self, section: str) -> Iterable[Part]:
        """Everything that stands in one section; what is empty is left out."""
        written: dict[str, Callable[[], list[Part]]] = {
            "what": self._what,
            "risk": self._risk,
            "leak": self._leak,
            "contain": self._contain,
            "abuse": self._abuse,
            "breaks": self._breaks,
            "generate": self._generate,
            "prevent": self._prevent,
            "more": self._more,
        }
        return filter(_says_something, written[section]())

    def _what(self) -> list[Part]:
        guide = self.guide
        parts: list[Part] = [Paragraph(text) for text in (guide.about, guide.looks) if text]
        parts.append(Paragraph(guide.scopes or self._filled(self.shared.scopes)))
        parts.append(Paragraph(f"It is usually called `{self.names.variable}`."))
        if guide.console:
            parts.append(Paragraph(f"It is managed at {guide.console}"))
        if self.subject.found.extent != "full":
            parts.append(Paragraph(f"This guide is short; its documentation has the rest: {guide.docs}"))
        return parts

    def _risk(self) -> list[Part]:
        own = self.guide.risk
        return [Points(None, own if len(own) >= WHOLE_RISK else (*own, *self._all(self.kind.risk)))]

    def _leak(self) -> list[Part]:
        return [
            *self._here(),
            Points(None, self.guide.leaks),
            Points("Into an image", self._all(self.shared.ways)),
            Points("Elsewhere", self._all(self.shared.leaks)),
        ]

    def _contain(self) -> list[Part]:
        own = self.guide.contain or self._steps(self.kind.contain or self.shared.contain)
        return [
            Steps("Revoke and replace", own),
            Steps("In this order nothing stands still", self._steps(self.shared.order)),
            *self._here(),
            Steps("The image", self._steps(self.shared.image)),
        ]

    def _abuse(self) -> list[Part]:
        own = self.guide.abuse or self._steps((*self.kind.abuse, *self.shared.abuse))
        return [
            Steps(None, own),
            Points("What is unusual", self._all(self.shared.unusual)),
            Points(self._filled("What to ask {name}"), self._all(self.shared.ask)),
        ]

    def _breaks(self) -> list[Part]:
        return [
            Points(None, self.guide.stops or self._all(self.kind.stops or self.shared.stops)),
            Steps("Who uses it", self._steps(self.shared.inventory)),
            Steps("Try the new one, and be able to go back", self._steps(self.shared.staging)),
        ]

    def _generate(self) -> list[Part]:
        return [Steps(None, self.guide.generate or self._steps((*self.kind.generate, *self.shared.generate)))]

    def _prevent(self) -> list[Part]:
        points = Points("Best practice", (*self.guide.practice, *self._all(self.shared.practice)))
        return [points, *self._dockerfile(), *self._code()]

    def _more(self) -> list[Part]:
        return [
            Points("Look here too", self._all(self.shared.places)),
            Steps("So that it does not happen again", self._steps(self.shared.prevention)),
            Points(None, self.guide.see_also),
        ]

    def _dockerfile(self) -> Iterable[Part]:
        if self.subject.fix:
            return self.subject.fix.parts
        return [Code("Dockerfile: a secret for one RUN", "dockerfile", self._filled(self.shared.build).strip("\n"))]

    def _code(self) -> Iterable[Part]:
        for store in self.wanted.stores:
            yield Paragraph(f"**From {snippets.STORES[store]}.** {self._filled(self.shared.stores[store])}")
            for language in self.wanted.languages:
                yield snippets.snippet(language, store, self.names)

    def _here(self) -> list[Part]:
        leak = self.subject.leak
        if not leak:
            return []
        made = f"{_code(leak.place)} in {_code(leak.reference)}"
        made += f", put there by {leak.step} {_code(leak.instruction)}" if leak.step and leak.instruction else ""
        made += f" ({_code(leak.lines)})" if leak.lines else ""
        facts = [f"**This finding**: {made}; {leak.fate}."]
        facts += [f"The layer to be rid of is {_code(leak.layer)}."] if leak.layer else []
        facts += [f"The manifest that refers to it is {_code(leak.manifest)}."] if leak.manifest else []
        return [Paragraph(" ".join(facts))]

    def _known(self) -> dict[str, str]:
        names = self.names
        guide = {"name": self.guide.name, "docs": self.guide.docs, "variable": names.variable, "path": names.path}
        return {**guide, "secret_id": names.variable.lower(), **_image(self.subject.leak)}

    def _filled(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: self.known[found[1]], text)

    def _all(self, texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(self._filled, texts))

    def _steps(self, steps: Iterable[Step]) -> tuple[Step, ...]:
        return tuple(
            Step(
                self._filled(step.text),
                self._filled(step.command) if step.command else None,
                self._filled(step.link) if step.link else None,
            )
            for step in steps
        )


def _says_something(part: Part) -> bool:
    match part:
        case Points(points=content) | Steps(steps=content) | Paragraph(text=content) | Code(text=content):
            return bool(content)


def _image(leak: Leak | None) -> dict[str, str]:
    """The image as commands name it that people paste; a report may come from anybody."""
    unknown = {"reference": "IMAGE", "repository": "REGISTRY/NAME", "manifest": "sha256:DIGEST"}
    known = {name: getattr(leak, name) for name in unknown} if leak else {}
    return unknown | {name: text for name, text in known.items() if text and _PLAIN_NAME.fullmatch(text)}


def _code(text: str) -> str:
    """A code span in Markdown that nothing in ``text`` can end."""
    shown = text if len(text) <= MAX_INSTRUCTION else f"{text[:MAX_INSTRUCTION]}…"
    return f"`{shown.replace('`', chr(0x2019))}`"

"""A guide put together: sections of paragraphs, lists, steps and code, as ``guides.compose`` makes it.

Texts are Markdown in a small part of it: ``code``, **strong** and bare https links. Knows nothing of how it will look.
"""

from __future__ import annotations

from typing import Final

import msgspec

from imgscan.guides.schema import Step

SECTIONS: Final = {
    "what": "What it is",
    "risk": "What a leak puts at risk",
    "leak": "How it gets into an image",
    "contain": "Contain it",
    "abuse": "Check for abuse",
    "breaks": "What will stop working",
    "generate": "Make a new one",
    "prevent": "Keep it out for good",
    "more": "See also",
}
"""Titles by the names that ``--section`` takes, in order."""


class Paragraph(msgspec.Struct, frozen=True, tag_field="kind", tag="paragraph"):
    """Some sentences."""

    text: str


class Points(msgspec.Struct, frozen=True, tag_field="kind", tag="points"):
    """Sentences in no order, under a heading if it has one."""

    title: str | None
    points: tuple[str, ...]


class Steps(msgspec.Struct, frozen=True, tag_field="kind", tag="steps"):
    """What to do, in this order."""

    title: str | None
    steps: tuple[Step, ...]


class Code(msgspec.Struct, frozen=True, tag_field="kind", tag="code"):
    """Lines to be taken over as they are. ``language`` is a name that highlighters know."""

    title: str | None
    language: str
    text: str


Part = Paragraph | Points | Steps | Code


class Section(msgspec.Struct, frozen=True):
    """One of ``SECTIONS``."""

    id: str
    title: str
    parts: tuple[Part, ...]


class Page(msgspec.Struct, frozen=True):
    """A guide for a reader: of a provider, of a rule, or of one finding. ``extent`` tells how much is known."""

    guide: str
    title: str
    extent: str
    docs: str
    console: str | None
    rule: str | None
    finding: str | None
    sections: tuple[Section, ...]

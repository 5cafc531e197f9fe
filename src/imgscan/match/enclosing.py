"""What a value stands in: the names of the keys, sections, elements and blocks around it, from the inside out.

Goes by what all notations have in common (brackets that are still open, lines that are indented less, a section above,
an open element), so it needs to know neither the kind of file nor its grammar, and half a file will do. Knows nothing
of rules; which name means whom is for ``naming`` to say.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LOOK_BACK: Final = 4096
"""Bytes before a value that are looked at; its block with all settings before it is hardly ever longer."""

MAX_OPEN: Final = 24
"""Brackets that are open around a value; in one line of JSON most have no name."""

LEVELS: Final = 4
"""Names that are told of one kind of nesting: those further out say less and less about a value."""

HEAD_BYTES: Final = 96
"""Of a name and what stands beside it: ``resource "datadog_monitor" "cpu"``, ``const client = new Pinecone``."""

BLOCK_BYTES: Final = 512
"""Before a value, where a label or a comment may still be about it."""

MAX_WORDS: Final = 12
"""Of one name, the last ones; more are prose."""

Words = tuple[str, ...]
"""A name taken apart, in small letters: ``pineconeApi-Key`` is ``pinecone``, ``api``, ``key``."""

_WORD: Final = re.compile(rb"[A-Z]?[a-z]+[0-9]*|[A-Z]+(?![a-z])[0-9]*|[0-9]+")
_COMPOUND: Final = re.compile(
    r"\b([a-z]{2,16}?)(keys?|tokens?|secrets?|passwords?|word|phrase|api|client|cloud|config|db|hq|sdk)\b"
)
"""Two words that are written as one: ``apikey``, ``influxdb``."""

_KEY: Final = re.compile(rb"[\w.-]+")
_BRACKET: Final = re.compile(rb"[][(){}]")
_DELIMITERS: Final = b"{}(),;\n"
"""What a name does not reach across."""

_OWN_DELIMITERS: Final = b"<{(,;\n"
_TAG: Final = re.compile(rb"<[A-Za-z_/][^<>]{0,256}>")
_IN_ELEMENT: Final = re.compile(rb"<[A-Za-z_][^<>]{0,256}(>\s{0,16})?\Z")
"""What stands before a text or an attribute in XML."""

_COMMENTS: Final = (b"#", b"//", b"/*", b"*", b";")
_SECTION: Final = re.compile(rb"^[ \t]{0,8}\[{1,2}([^][\n]{1,80})\]{1,2}[ \t]{0,8}(?:[#;][^\n]*)?\r?$", re.MULTILINE)
_BLOCK_EDGE: Final = re.compile(rb"[{}]|\n[ \t]{0,16}\r?\n|\][ \t]{0,8}\r?\n|\n[ \t]{0,64}- ")
_LABEL: Final = re.compile(
    rb"(?i)(?:\A|[\s\"'<,])(?:name|provider|service|vendor|integration|platform|type|id)[\"']?"
    rb"\s{0,2}(?:=>|[:=>])\s{0,4}[\"']?([\w .-]{2,40})"
)
"""A setting beside the value that says whose it is: ``provider: datadog``, ``<id>sonatype</id>``."""

_HEADING: Final = re.compile(rb"^[ \t]{0,16}(?:#|//|--|;)[#/\s=*-]{0,16}([A-Za-z][\w .&()-]{1,40}?)[:#/\s=*-]{0,80}$")
"""A comment of a few words above settings, as in an ``.env`` file."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """The words right before a value, and the names around it: one path for each kind of nesting, from the inside out.

    ``file`` are the names of the file and of its folder.
    """

    own: Words
    paths: tuple[tuple[Words, ...], ...]
    file: tuple[Words, ...] = ()


def around(before: bytes, path: str | None = None) -> Enclosure:
    """What a value stands in that follows ``before``, of which the last ``LOOK_BACK`` bytes are looked at.

    ``path`` is that of the file. Takes time linear in the bytes looked at, whatever they are.
    """
    cut = len(before) > LOOK_BACK
    before = before[-LOOK_BACK:]
    lines = before.split(b"\n")
    if cut and len(lines) > 1:
        del lines[0]  # where it begins is not known
    nestings = (_beside(before, lines), _brackets(before), _elements(before), _outdented(lines), _sections(before))
    paths = tuple(tuple(islice(filter(None, map(words, nesting)), LEVELS)) for nesting in nestings)
    return Enclosure(_own(before), tuple(filter(None, paths)), tuple(_file(path)))


def words(name: bytes) -> Words:
    """The words of a name or of a few names, however they are joined; no more than ``MAX_WORDS``."""
    apart = b" ".join(_WORD.findall(name)).decode().lower()
    return tuple(_COMPOUND.sub(r"\1 \2", apart).split()[-MAX_WORDS:])


def key(before: bytes) -> bytes:
    """The name right before a value that follows ``before``, as it is written; empty if there is none."""
    return b"".join(_KEY.findall(before[-HEAD_BYTES:])[-1:])


def _own(before: bytes) -> Words:
    """The key of a value, with what it is a key of: ``$config['pinecone']['api_key'] =``."""
    return words(_behind(before[-HEAD_BYTES:], _OWN_DELIMITERS))


def _behind(text: bytes, delimiters: bytes) -> bytes:
    """What follows the last of some characters, or all of the text."""
    return text[1 + max(text.rfind(delimiter) for delimiter in delimiters) :]


def _brackets(before: bytes) -> Iterator[bytes]:
    """What stands before every bracket that is still open: ``"pinecone": {``, ``provider "x" {``, ``Pinecone(``."""
    for at in islice(_open(before), MAX_OPEN):
        yield _behind(before[max(0, at - HEAD_BYTES) : at].rstrip(), _DELIMITERS)


def _open(before: bytes) -> Iterator[int]:
    depth = 0
    for bracket in reversed(list(_BRACKET.finditer(before))):
        if bracket[0] in b")]}":
            depth += 1
        elif depth:
            depth -= 1
        else:
            yield bracket.start()


def _elements(before: bytes) -> Iterator[bytes]:
    """The tags of the elements that are open around a value in XML, with their attributes."""
    inside = _IN_ELEMENT.search(before[-2 * HEAD_BYTES :])
    if inside is None:
        return
    depth = -1 if inside[1] else 0  # the element of the value itself is its key
    for tag in reversed(_TAG.findall(before)):
        if tag.startswith(b"</"):
            depth += 1
        elif tag.endswith(b"/>"):
            continue  # not skipped: holds nothing
        elif depth > 0:
            depth -= 1
        elif depth < 0:
            depth = 0
        else:
            yield tag[:HEAD_BYTES]


def _outdented(lines: list[bytes]) -> Iterator[bytes]:
    """Of the lines before a value, the last of which is its own, those that it is nested in by indentation."""
    indent, is_item = _indentation(lines[-1])
    for line in reversed(lines[:-1]):
        if not indent and not is_item:
            return
        here, here_item = _indentation(line)
        if here < indent or (here == indent and is_item and not here_item):
            bare = line.strip()
            if bare and not bare.startswith(_COMMENTS):
                yield bare[:HEAD_BYTES]
                indent, is_item = here, here_item


def _indentation(line: bytes) -> tuple[int, bool]:
    """How far a line is indented, and whether it begins an item of a list, which YAML need not indent."""
    bare = line.lstrip()
    return len(line) - len(bare), bare.startswith(b"- ")


def _sections(before: bytes) -> Iterable[bytes]:
    """The parts of the name of the last section above: ``[providers.datadog]``."""
    found = _SECTION.findall(before)
    return reversed(found[-1].split(b".")) if found else ()


def _beside(before: bytes, lines: list[bytes]) -> Iterator[bytes]:
    """A label in the same block, and the comment above the settings that a value is among."""
    labels = _LABEL.findall(_BLOCK_EDGE.split(before[-BLOCK_BYTES:])[-1])
    yield from labels[-1:]
    for line in reversed(lines[:-1]):
        if not line.strip():
            return
        if heading := _HEADING.match(line[:BLOCK_BYTES]):
            yield heading[1]
            return


def _file(path: str | None) -> Iterator[Words]:
    if path is not None:
        folder, name = posixpath.split(path)
        yield words(name.partition(".")[0].encode())
        yield words(posixpath.basename(folder).encode())

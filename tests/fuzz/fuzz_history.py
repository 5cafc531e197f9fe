"""Fuzz target: any history is read, entry by entry, and its layers are in order or unknown.

The input is text: entries end at ``\\x1e``; one that begins with ``-`` is empty, one with ``k`` is of kaniko, and what
follows ``\\x1f`` is the comment.
"""

import sys

from imgscan.image.created_by import COMMIT, DOCKERFILE_KEYWORDS, IMPORT, SQUASH, STEP
from imgscan.image.history import Instruction, align, setters
from imgscan.image.wire import HistoryEntry, ImageConfig, RunConfig

KEYWORDS = DOCKERFILE_KEYWORDS | {COMMIT, IMPORT, SQUASH, STEP}
GROWTH = 6
"""``\\x01`` in a list is ``\\u0001`` in JSON."""


def check(data: bytes) -> None:
    entries = [_entry(part) for part in data.decode("utf-8", "replace").split("\x1e")]
    words = tuple((entries[0].created_by or "").split())
    config = ImageConfig(config=RunConfig(cmd=words, shell=words), history=tuple(entries))
    claims = sum(not entry.empty_layer for entry in entries)

    exact, shifted = align(config, claims).instructions, align(config, claims + 1).instructions

    assert [item.layer for item in exact if item.layer is not None] == list(range(claims))
    assert all((item.layer is None) == bool(entry.empty_layer) for item, entry in zip(exact, entries, strict=True))
    assert not any(item.exact or item.layer is not None for item in shifted)
    for item, entry in zip(exact, entries, strict=True):
        _check_text(item, entry)
    for (keyword, _), item in setters(exact).items():
        assert item.keyword == keyword


def _entry(text: str) -> HistoryEntry:
    body, _, comment = text.partition("\x1f")
    kaniko, body = body.startswith("k"), body.removeprefix("k")
    empty, body = body.startswith("-"), body.removeprefix("-")
    author = "kaniko" if kaniko else None
    return HistoryEntry(created=comment, created_by=body, author=author, comment=comment, empty_layer=empty)


def _check_text(item: Instruction, entry: HistoryEntry) -> None:
    assert item.keyword in KEYWORDS
    assert item.keyword not in DOCKERFILE_KEYWORDS or (item.text + " ").startswith(f"{item.keyword} ")
    assert len(item.text) <= GROWTH * (len(entry.created_by or "") + len(entry.comment or "")) + len("HEALTHCHECK CMD ")
    assert all(value in (entry.created_by or "") for value in item.arguments.values())
    item.text.encode()


def main() -> None:
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415 - not there on every Python

    atheris.instrument_all()
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

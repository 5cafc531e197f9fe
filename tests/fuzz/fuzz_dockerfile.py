"""Dockerfile parser and matcher against arbitrary bytes; ``python -m tests.fuzz.fuzz_dockerfile`` runs it (atheris)."""

from __future__ import annotations

import sys

from imgscan.errors import ImageFormatError
from imgscan.image.dockerfile import parse
from imgscan.image.dockerfile_match import attach
from imgscan.image.dockerfile_paths import source_of
from imgscan.image.history import Instruction


def check(data: bytes) -> None:
    """Whatever the bytes: a refusal with a place, or steps whose lines rise and lie in the file."""
    try:
        dockerfile = parse(data, "f")
    except ImageFormatError as error:
        if not error.where:
            raise
        return
    last = 0
    for step in dockerfile.steps:
        assert last < step.start_line <= step.end_line <= data.count(b"\n") + 1
        assert step.keyword
        assert step.copied_from is None or step.copied_from < (step.stage or 0)
        source_of(dockerfile, step, "app/.env")
        last = step.end_line
    texts = [step.text for step in dockerfile.steps]
    instructions = [Instruction(index, text.split()[0].upper(), text) for index, text in enumerate(texts)]
    found, _ = attach(instructions, dockerfile)
    starts = [item.dockerfile.start_line for item in found if item.dockerfile]
    assert starts == sorted(starts)


def main() -> None:
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415 - not there on every Python

    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

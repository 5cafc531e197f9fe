"""Fuzz the tar walk: ``python -m tests.fuzz.fuzz_tar`` with atheris installed."""

from __future__ import annotations

import contextlib
import sys

from imgscan.errors import ImgscanError
from imgscan.streams.tar import RECORD, TarWalker


def check(data: bytes) -> None:
    """Whatever the bytes are, members lie in order, and only our own errors come out."""
    walker = TarWalker()
    members = []
    with contextlib.suppress(ImgscanError):
        for start in range(0, len(data), RECORD):
            members += walker.feed(data[start : start + RECORD], len(data[start : start + RECORD]))
        walker.close()
    place = 0
    for member in members:
        assert place <= member.start <= member.end
        place = member.end


def main() -> None:
    """Run the fuzzer."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415 - not there on every Python

    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

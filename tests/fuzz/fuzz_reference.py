"""Fuzz target: any text is an image's name that reads back the same, or is refused with a printable error."""

import sys

from imgscan.errors import InvalidReferenceError
from imgscan.image.reference import Reference, parse


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    reference = _parsed(text)
    if isinstance(reference, InvalidReferenceError):
        assert str(reference).isprintable()
        assert reference.hint
    else:
        assert parse(str(reference)) == parse(reference.familiar) == reference
        assert reference.repository == reference.repository.lower()
        assert reference.tag or reference.digest


def _parsed(text: str) -> Reference | InvalidReferenceError:
    try:
        return parse(text)
    except InvalidReferenceError as error:
        return error


def main() -> None:
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415 - not there on every Python

    atheris.instrument_all()
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

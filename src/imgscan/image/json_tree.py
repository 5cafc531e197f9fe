"""Untrusted JSON of any shape, such as in-toto statements: read within limits, walked without trust.

A part that is absent or of another type than expected reads as empty. Knows nothing of what the parts mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from imgscan.errors import ImageFormatError, LimitExceededError
from imgscan.image.wire import most_values
from imgscan.streams.limits import MAX_JSON_DEPTH, MIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Path: TypeAlias = "tuple[str | int, ...]"
"""Keys and indexes from the root of a document."""

MAX_DISSECTED_BYTES: Final = 8 * MIB
"""A document that is taken apart; provenance of hundreds of steps stays below 2 MiB, configs below 1 MiB."""
MAX_VALUES: Final = 100_000
"""Values of a document that is taken apart. A build step has about 30, a config some hundreds."""


def read(content: bytes) -> dict[str, Json]:
    """The document, a JSON object, as a tree.

    Raises:
        LimitExceededError: it is too large, too deep or has too many values to be taken apart.
        ImageFormatError: it is not a JSON object. The message never quotes it.
    """
    if len(content) > MAX_DISSECTED_BYTES:
        raise LimitExceededError(f"it has more than {MAX_DISSECTED_BYTES} bytes")
    if most_values(content) > MAX_VALUES:
        raise LimitExceededError(f"it may have more than {MAX_VALUES} values")
    try:
        document: Json = msgspec.json.decode(content)
    except RecursionError:
        raise LimitExceededError(f"it is nested more than {MAX_JSON_DEPTH} deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ImageFormatError("it is not readable JSON") from None
    if not isinstance(document, dict):
        raise ImageFormatError("it is not a JSON object")
    if _is_deep(document):
        raise LimitExceededError(f"it is nested more than {MAX_JSON_DEPTH} deep")
    return document


def _is_deep(document: Json) -> bool:
    level = [document]
    for _ in range(MAX_JSON_DEPTH):
        level = [child for value in level for child in _children(value)]
    return bool(level)


def _children(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def leaves(document: Json) -> Iterator[tuple[Path, str]]:
    """Every string of the document with the way to it, in document order."""
    waiting: list[tuple[Path, Json]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            waiting += [((*path, key), value[key]) for key in reversed(value)]
        elif isinstance(value, list):
            waiting += [((*path, at), value[at]) for at in reversed(range(len(value)))]


def at(value: Json, *path: str | int) -> Json:
    """The part of a document behind ``path``, ``None`` if there is none."""
    for key in path:
        if isinstance(key, str) and isinstance(value, dict):
            value = value.get(key)
        elif isinstance(key, int) and isinstance(value, list) and 0 <= key < len(value):
            value = value[key]
        else:
            return None
    return value


def items(value: Json, *path: str | int) -> Sequence[Json]:
    """The list behind ``path``, empty if there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else ()


def table(value: Json, *path: str | int) -> dict[str, Json]:
    """The object behind ``path``, empty if there is none."""
    found = at(value, *path)
    return found if isinstance(found, dict) else {}


def text(value: Json, *path: str | int) -> str:
    """The string behind ``path``, empty if there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def number(value: Json, *path: str | int) -> int | None:
    """The natural number behind ``path``, ``None`` if there is none."""
    found = at(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None

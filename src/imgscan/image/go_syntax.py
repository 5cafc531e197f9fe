"""Lists as Go prints them, ``["a" "b"]`` and ``[a b]``: builders leave them in the history of images."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_STRING = r'"(?:[^"\\]|\\.)*+"'
_LIST: Final = re.compile(rf"(&\{{)?\[((?:{_STRING}[, ]{{0,2}})*+)\](?(1).*\}}|)", re.DOTALL)
_STRINGS: Final = re.compile(_STRING, re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:x(..)|u(.{4})|U(.{8})|([0-7]{3})|(.))", re.DOTALL)
_CONTROL: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LAST_POINT: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)


def strings(text: str) -> list[str] | None:
    """The strings of ``["a" "b"]``, of JSON ``["a", "b"]``, or of a struct that begins with such a list.

    Such a struct is ``&{["a" "b"] "30s"}``. ``None`` if the text is anything else.
    """
    found = _LIST.fullmatch(text)
    return [_ESCAPE.sub(_unescape, item[1:-1]) for item in _STRINGS.findall(found[2])] if found else None


def words(text: str) -> list[str]:
    """The words of ``[a b]``, or the strings of a list of them."""
    quoted = strings(text)
    return text.removeprefix("[").removesuffix("]").split() if quoted is None else quoted


def json_list(items: Iterable[str]) -> str:
    """The list as a Dockerfile has it."""
    return json.dumps(list(items), ensure_ascii=False)


def _unescape(found: re.Match[str]) -> str:
    *hexes, octal, char = found.groups()
    if char is not None:
        return _CONTROL.get(char, char)
    try:
        point = int(octal, 8) if octal else int(next(filter(None, hexes)), 16)
    except ValueError:
        return found[0]
    return "\ufffd" if point > _LAST_POINT or point in _SURROGATES else chr(point)

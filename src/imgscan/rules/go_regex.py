r"""Regular expressions in the syntax of Go (RE2), said in the dialect of rules: over bytes, for ``re`` and ``regex``.

What differs: flags in the middle of a pattern, ``(?U)``, ``\z``, ``$``, ``\Q…\E``, ``\pL``, POSIX classes, braces that
count nothing, octal and wide escapes. All groups but those of the secret lose their names and numbers.

Go matches characters, rules match bytes: ``.`` and a negated class take one byte of a character beyond ASCII, and such
a character within a class stands for any byte of any of them. That finds more than Go would, hardly ever less.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

MAX_LENGTH: Final = 16 * 1024
"""Characters; the longest patterns that people publish have some thousands."""

MAX_REPEAT: Final = 1000
"""As in Go."""

SECRET: Final = "secret"  # noqa: S105 - the name of a group

SPECIAL: Final = "\\]^-[&~|"
"""What ``re`` or ``regex`` may take for an operator within a class."""

_REPEAT: Final = re.compile(r"(?:[*+?]|\{(\d+)(,?)(\d*)\})(\??)")
_FLAGS: Final = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAMED: Final = re.compile(r"\(\?P?<(\w+)>")
_HEX: Final = re.compile(r"\\x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))")
_OCTAL: Final = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_UNICODE: Final = re.compile(r"\\([pP])(?:\{(\^?)(\w+)\}|(\w))")
_POSIX: Final = re.compile(r"\[:(\^?)(\w+):\]")

_DIGITS, _UPPERS, _LOWERS = frozenset(range(48, 58)), frozenset(range(65, 91)), frozenset(range(97, 123))
_LETTERS: Final = _UPPERS | _LOWERS
_ASCII: Final = frozenset(range(128))
_WIDE: Final = frozenset(range(128, 256))
_GRAPHIC: Final = frozenset(range(33, 127))
_SPACES: Final = frozenset(b"\t\n\f\r ")
_CLASSES: Final = {
    "alnum": _LETTERS | _DIGITS,
    "alpha": _LETTERS,
    "ascii": _ASCII,
    "blank": frozenset(b"\t "),
    "cntrl": frozenset(range(32)) | {127},
    "digit": _DIGITS,
    "graph": _GRAPHIC,
    "lower": _LOWERS,
    "print": _GRAPHIC | {32},
    "punct": _GRAPHIC - _LETTERS - _DIGITS,
    "space": _SPACES | {11},
    "upper": _UPPERS,
    "word": _LETTERS | _DIGITS | {95},
    "xdigit": _DIGITS | frozenset(b"abcdefABCDEF"),
}
_PERL: Final = {"d": _DIGITS, "s": _SPACES, "w": _CLASSES["word"]}
_CATEGORIES: Final = {
    "L": _LETTERS | _WIDE,
    "Lu": _UPPERS | _WIDE,
    "Ll": _LOWERS | _WIDE,
    "Latin": _LETTERS | _WIDE,
    "N": _DIGITS | _WIDE,
    "Nd": _DIGITS | _WIDE,
    "P": frozenset(b"!\"#%&'()*,-./:;?@[\\]_{}") | _WIDE,
    "S": frozenset(b"$+<=>^`|~") | _WIDE,
    "Z": frozenset(b" ") | _WIDE,
    "Zs": frozenset(b" ") | _WIDE,
    "C": _CLASSES["cntrl"],
    "Cc": _CLASSES["cntrl"],
}
"""The ASCII part of Unicode categories, and any byte of what is beyond; scripts other than Latin have no ASCII part."""
_CONTROLS: Final = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


class GoSyntaxError(ValueError):
    """What Go would refuse, and where."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(slots=True)
class _Group:
    """An open group: the flags that were in force around it, and what was opened in it for flags of its own."""

    at: int
    flags: frozenset[str]
    opened: list[str] = field(default_factory=list)


class GoRegex:
    """A pattern that was understood. ``groups`` are the names of its groups in order, ``None`` for those without."""

    def __init__(self, source: str) -> None:
        """Translate.

        Raises:
            GoSyntaxError: Go would refuse it.
        """
        if len(source) > MAX_LENGTH:
            raise GoSyntaxError(f"the pattern has more than {MAX_LENGTH} characters", 0)
        self._source = source
        self._at = 0
        self._out: list[str] = []
        self._places: list[int] = []
        self._prefix = ""
        self._flags: frozenset[str] = frozenset()
        self._stack = [_Group(0, self._flags)]
        self._repeatable = False
        self.groups: list[str | None] = []
        self._translate()

    def plain(self) -> str:
        """The pattern without named groups, its flags scoped so that others may stand beside it."""
        body = "".join(self._out)
        return f"{self._prefix[:-1]}:{body})" if self._prefix else body

    def whole(self) -> str:
        """The pattern with all of it as the secret."""
        return f"{self._prefix}(?P<{SECRET}>{''.join(self._out)})"

    def with_secret(self, *numbers: int) -> str:
        """The pattern with some of its groups (from 1) as the secret: the first that is not empty."""
        out = self._out.copy()
        for order, number in enumerate(numbers, 1):
            out[self._places[number - 1]] = f"(?P<{SECRET}{f'_{order}' if order > 1 else ''}>"
        return self._prefix + "".join(out)

    def _translate(self) -> None:
        while self._at < len(self._source):
            self._step(self._source[self._at])
        if len(self._stack) > 1:
            raise GoSyntaxError("missing closing )", self._stack[-1].at)
        self._out.append(")" * len(self._stack[0].opened))

    def _step(self, char: str) -> None:
        if char == "(":
            self._open()
        elif char == ")":
            self._close()
        elif char == "|":
            opened = self._stack[-1].opened
            self._emit(")" * len(opened) + "|" + "".join(opened), 1, repeatable=False)
        elif char == "[":
            self._emit(self._class(), 0)
        elif char == "\\":
            self._escape()
        elif (repeat := _REPEAT.match(self._source, self._at)) and char in "*+?{":
            self._repeat(repeat)
        else:
            self._literal(char)

    def _literal(self, char: str) -> None:
        if char == "$":
            self._emit("$" if "m" in self._flags else r"\Z", 1)
        elif char in "^.":
            self._emit(char, 1)
        elif char.isascii():
            self._emit(re.escape(char), 1)
        else:
            self._emit(f"(?:{char})", 1)  # several bytes, which a repeat must take together

    def _emit(self, text: str, width: int, *, repeatable: bool = True) -> None:
        self._out.append(text)
        self._at += width
        self._repeatable = repeatable

    def _fail(self, message: str) -> GoSyntaxError:
        return GoSyntaxError(message, self._at)

    def _open(self) -> None:
        if found := _FLAGS.match(self._source, self._at):
            self._open_flags(found)
        elif found := _NAMED.match(self._source, self._at):
            self._open_group(found[1], found.end() - self._at)
        elif self._source.startswith("(?", self._at):
            raise self._fail("Go has no such group: no look-around, no conditions")
        else:
            self._open_group(None, 1)

    def _open_group(self, name: str | None, width: int) -> None:
        self._stack.append(_Group(self._at, self._flags))
        self._places.append(len(self._out))
        self.groups.append(name)
        self._emit("(?:", width, repeatable=False)

    def _open_flags(self, found: re.Match[str]) -> None:
        on, off = frozenset(found[1]), frozenset(found[2] or "")
        before, self._flags = self._flags, (self._flags | on) - off
        ours = "".join(sorted(on - {"U"})) + (f"-{''.join(sorted(off - {'U'}))}" if off - {"U"} else "")
        if found[3] == ":":
            self._stack.append(_Group(self._at, before))
            self._emit(f"(?{ours}:", found.end() - self._at, repeatable=False)
        elif self._at == 0 and not off:
            self._prefix = f"(?{ours})" if ours else ""
            self._emit("", found.end() - self._at, repeatable=False)
        else:
            self._stack[-1].opened.append(f"(?{ours}:")
            self._emit(f"(?{ours}:", found.end() - self._at, repeatable=False)

    def _close(self) -> None:
        if len(self._stack) == 1:
            raise self._fail("unexpected )")
        group = self._stack.pop()
        self._flags = group.flags
        self._emit(")" * (len(group.opened) + 1), 1)

    def _repeat(self, found: re.Match[str]) -> None:
        low, comma, high, lazy = found.groups()
        if not self._repeatable:
            raise self._fail("there is nothing to repeat")
        if max(int(low or 0), int(high or 0)) > MAX_REPEAT or (high and int(high) < int(low)):
            raise self._fail(f"not a valid number of repeats: Go counts to {MAX_REPEAT}")
        count = f"{{{low}{comma}{high}}}" if low else found[0][0]
        eager = ("U" in self._flags) == bool(lazy)
        self._emit(count if eager else count + "?", found.end() - self._at, repeatable=False)

    def _escape(self) -> None:
        source, at = self._source, self._at
        char = source[at + 1 : at + 2]
        if source.startswith(r"\Q", at):
            end = source.find(r"\E", at)
            quoted = source[at + 2 : len(source) if end < 0 else end]
            for one in quoted:
                self._emit(f"(?:{one})" if not one.isascii() else re.escape(one), 0)
            self._at = len(source) if end < 0 else end + 2
        elif char and char in "AbB":
            self._emit(f"\\{char}", 2)
        elif char == "z":
            self._emit(r"\Z", 2)
        elif char and char in "dDsSwW":
            self._emit(f"\\{char}", 2)
        elif found := _UNICODE.match(source, at):
            self._emit(_write(_category(found), negated=False), found.end() - at)
        else:
            code, width = self._code()
            self._emit(re.escape(chr(code)) if code < 128 else f"(?:{chr(code)})", width)  # noqa: PLR2004 - ASCII

    def _code(self) -> tuple[int, int]:
        """The character of an escape that stands for one, and its width."""
        source, at = self._source, self._at
        char = source[at + 1 : at + 2]
        if found := _HEX.match(source, at):
            code = int(found[1] or found[2], 16)
            if code > 0x10FFFF or 0xD800 <= code < 0xE000:  # noqa: PLR2004 - the end of Unicode, and halves of pairs
                raise self._fail("no such character")
            return code, found.end() - at
        if found := _OCTAL.match(source, at):
            return int(found[1], 8), found.end() - at
        if char in _CONTROLS:
            return _CONTROLS[char], 2
        if not char or not char.isascii() or char.isalnum():
            raise self._fail(f"Go has no escape \\{char}" if char else "a backslash at the end")
        return ord(char), 2

    def _class(self) -> str:
        """A class in brackets; ends behind it."""
        start = self._at
        negated = self._source.startswith("[^", start)
        self._at += 2 if negated else 1
        members: set[int] = set()
        first = True
        while first or not self._source.startswith("]", self._at):
            if self._at >= len(self._source):
                raise GoSyntaxError("missing closing ]", start)
            members |= self._class_item()
            first = False
        self._at += 1
        return _write(frozenset(members), negated=negated)

    def _class_item(self) -> frozenset[int]:
        source, at = self._source, self._at
        if found := _POSIX.match(source, at):
            if found[2] not in _CLASSES:
                raise self._fail(f"no such class: {found[2]}")
            self._at = found.end()
            return (_ASCII | _WIDE) - _CLASSES[found[2]] if found[1] else _CLASSES[found[2]]
        if found := _UNICODE.match(source, at):
            self._at = found.end()
            return _category(found)
        if source.startswith("\\", at) and source[at + 1 : at + 2].lower() in _PERL and source[at + 1 : at + 2]:
            self._at += 2
            members = _PERL[source[at + 1].lower()]
            return members if source[at + 1].islower() else (_ASCII | _WIDE) - members
        low = self._class_character()
        high = low
        if self._source.startswith("-", self._at) and self._source[self._at + 1 : self._at + 2] not in ("]", ""):
            self._at += 1
            high = self._class_character()
        if high < low:
            raise GoSyntaxError("the range ends before it begins", at)
        wide = _WIDE if high >= 128 else frozenset()  # noqa: PLR2004 - beyond ASCII
        return frozenset(range(low, min(high, 127) + 1)) | wide

    def _class_character(self) -> int:
        if self._at >= len(self._source):
            raise self._fail("missing closing ]")
        if self._source[self._at] == "\\":
            code, width = self._code()
            self._at += width
            return code
        self._at += 1
        return ord(self._source[self._at - 1])


def _category(found: re.Match[str]) -> frozenset[int]:
    name = found[3] or found[4]
    members = _CATEGORIES.get(name) or _CATEGORIES.get(name[:1] if len(name) <= 2 else "", _WIDE)  # noqa: PLR2004 - Lm is a kind of L
    return (_ASCII - members) | _WIDE if (found[1] == "P") != bool(found[2]) else members


def _write(members: frozenset[int], *, negated: bool) -> str:
    """A class of bytes. Bytes beyond ASCII are left out of a negated one, so that it matches rather more."""
    if negated:
        members = members & _ASCII
        if not members:
            return r"[\x00-\xff]"
    ranges: list[list[int]] = []
    for code in sorted(members):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return f"[{'^' if negated else ''}{''.join(_range(*pair) for pair in ranges)}]"


def _range(low: int, high: int) -> str:
    if high - low < 2:  # noqa: PLR2004 - two characters are shorter than a range
        return "".join(map(_member, range(low, high + 1)))
    return f"{_member(low)}-{_member(high)}"


def _member(code: int) -> str:
    char = chr(code)
    if char in SPECIAL:
        return f"\\{char}"
    return char if code in _GRAPHIC else f"\\x{code:02x}"

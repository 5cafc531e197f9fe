"""When the text of a Dockerfile step and the text of an instruction are the same thing, whoever built the image.

Builders drop flags, expand variables, wrap commands in a shell, write lists their own way, and name copied files by
their hash. Compared is what they all keep. ENV, LABEL and ARG are compared pair by pair, as some builders split and
others join them. Knows nothing of order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgscan.image.dockerfile import exec_form, words
from imgscan.image.dockerfile_paths import arguments, directories, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from imgscan.image.dockerfile import Step
    from imgscan.image.history import Instruction

SAME: Final = 10
EXPANDED: Final = 8
"""All literal parts agree, the rest stood in variables."""
WEAK: Final = 5
"""Little more than the keyword agrees: a copied file known by hash, a value that is one variable."""

_PAIRED: Final = frozenset({"ENV", "LABEL", "ARG"})
_UNEXPANDED: Final = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL", "ONBUILD", "HEALTHCHECK", "MAINTAINER"})
"""Instructions in which variables are left to the container."""
_SHELLED: Final = frozenset({"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"})
_SHELL_ENDS: Final = ("-c", "/c", "-command")
_MAX_SHELL: Final = 128
"""Characters of a shell in front of a command, options included."""
_FEW_CHARACTERS: Final = 3
_NOISE: Final = str.maketrans("", "", "\"'\\,[]")
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}|\$\w+")
_PAIR: Final = re.compile(r"(?:^|(?<=\s))([^\s=]+)(?:=|(?=\s|$))")
_FLAGS: Final = re.compile(r"(?:--[^ ]*+ ?+\s*+)*+")
_HASHED: Final = re.compile(r"(?:file|dir|multi):[0-9a-f]+ in (.*)", re.DOTALL)
_PORT: Final = re.compile(r"\d+(?:-\d+)?(?:/(?:udp|sctp))?")
_HASH_MARK: Final = "\0in"
"""In front of the destination where that is all there is to compare."""

Pattern = tuple[str, ...]
"""Literal parts around variables, without spaces and quotes; one part if there is no variable."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing a step would leave in the history: itself, or one of its pairs. ``owner`` is its place in the steps."""

    owner: int
    keyword: str
    name: str
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing in the history. ``owner`` is the place of its instruction."""

    owner: int
    keyword: str
    name: str
    text: str


def wanted(steps: Sequence[Step]) -> tuple[Wanted, ...]:
    """What ``steps`` would leave in the history."""
    places = directories(steps)
    found: list[Wanted] = []
    for owner, step in enumerate(steps):
        if step.keyword in _PAIRED:
            found += [Wanted(owner, step.keyword, name, (_pattern(value),)) for name, value in _pairs(step) if name]
        else:
            before = places[owner - 1] if owner else None
            found.append(Wanted(owner, step.keyword, "", tuple(_patterns(step, before))))
    return tuple(found)


def seen(instructions: Sequence[Instruction], steps: Iterable[Wanted]) -> tuple[Seen, ...]:
    """What ``instructions`` left; names of ``steps`` tell where a pair begins, as values are not quoted there."""
    names = {(step.keyword, step.name) for step in steps}
    declared: set[str] = set()
    found: list[Seen] = []
    for owner, instruction in enumerate(instructions):
        items = list(_seen(owner, instruction, names))
        found += _fresh(items, declared) if instruction.keyword == "ARG" else items
    return tuple(found)


def agreement(step: Wanted, item: Seen) -> int:
    """How well the two agree: ``SAME``, ``EXPANDED``, ``WEAK``, or 0 for not at all."""
    if (step.keyword, step.name) != (item.keyword, item.name):
        return 0
    fit = max((_fit(pattern, item) for pattern in step.patterns), default=0)
    return fit or (EXPANDED if step.keyword == "ARG" else 0)  # whatever was passed stands in place of the default


def _fit(pattern: Pattern, item: Seen) -> int:
    text = item.text
    if text.startswith(_HASH_MARK):
        return WEAK if _matches(pattern, text) else 0
    if len(pattern) > 1:
        certain = sum(map(len, pattern)) >= _FEW_CHARACTERS
        return (EXPANDED if certain else WEAK) if _matches(pattern, text) else 0
    shelled = item.keyword in _SHELLED and (_in_shell(pattern[0], text) or _in_shell(text, pattern[0]))
    return SAME if shelled or text == pattern[0] else 0


def _matches(pattern: Pattern, text: str) -> bool:
    first, *rest = pattern
    if not rest:
        return text == first
    *between, last = rest
    at, end = len(first), len(text) - len(last)
    if at > end or not text.startswith(first) or not text.endswith(last):
        return False
    for part in between:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _in_shell(command: str, text: str) -> bool:
    """Whether ``text`` is ``command`` behind a shell such as ``/bin/bash -o pipefail -c``."""
    if not command or not text.endswith(command) or len(text) - len(command) > _MAX_SHELL:
        return False
    return text.removesuffix(command).lower().endswith(_SHELL_ENDS)


def _plain(text: str) -> str:
    """``text`` without what builders change: blanks, quotes, escapes, brackets and commas."""
    strings = exec_form(text.strip())
    return "".join((" ".join(strings) if strings is not None else text).split()).translate(_NOISE)


def _pattern(text: str) -> Pattern:
    return tuple(_plain(part) for part in _VARIABLE.split(text))


def _patterns(step: Step, directory: str | None) -> Iterator[Pattern]:
    """The forms in which builders record a step."""
    if step.keyword == "EXPOSE":
        yield _ports(step.value)
        return
    yield (_plain(step.value),) if step.keyword in _UNEXPANDED else _pattern(step.value)
    if step.keyword == "RUN":
        yield from _heredoc_patterns(step)
    elif step.keyword in ("COPY", "ADD"):
        yield from _hash_patterns(step, directory)
    elif step.keyword == "WORKDIR":
        yield _place(step.value, directory)


def _heredoc_patterns(step: Step) -> Iterator[Pattern]:
    """The body alone, the path of a script, or all of it put together again."""
    if len(step.heredocs) == 1:
        yield (_plain(step.heredocs[0].body),)
        yield (f"/dev/pipes/{step.heredocs[0].name}",)
    if step.heredocs:
        yield (_plain(step.value + "".join(each.body + each.name for each in step.heredocs)),)
        yield (_plain(step.value + "".join(each.body for each in step.heredocs)),)


def _hash_patterns(step: Step, directory: str | None) -> Iterator[Pattern]:
    target = "".join(arguments(step)[-1:]).rstrip("/") or "/"
    for first, *rest in (_pattern(target), _place(target, directory)):
        yield (_HASH_MARK + first, *rest)


def _place(path: str, directory: str | None) -> Pattern:
    """``path`` as it is seen from the root; anything may stand in front while the working directory is not known."""
    absolute = resolve(path, directory)
    if absolute is not None:
        return (_plain(absolute),)
    return _pattern(path) if path.startswith(("/", "$")) else ("", *_pattern("/" + path.removeprefix("./")))


def _ports(value: str) -> Pattern:
    return ("", "") if "$" in value else ("".join(sorted(_PORT.findall(value))),)


def _pairs(step: Step) -> Iterator[tuple[str, str]]:
    found = words(step.value)
    if step.keyword != "ARG" and found and "=" not in found[0]:
        yield _plain(found[0]), step.value[len(found[0]) :]  # the old form: ENV NAME value
        return
    for word in found:
        name, _, value = word.partition("=")
        yield _plain(name), value


def _seen(owner: int, instruction: Instruction, names: set[tuple[str, str]]) -> Iterator[Seen]:
    keyword, value = instruction.keyword, instruction.text.removeprefix(instruction.keyword).strip()
    if keyword in _PAIRED:
        yield from _seen_pairs(owner, keyword, value, names)
    elif keyword == "EXPOSE":
        yield Seen(owner, keyword, "", _ports(value)[0])
    elif keyword in ("COPY", "ADD") and (hashed := _HASHED.fullmatch(_without_flags(value))):
        yield Seen(owner, keyword, "", _HASH_MARK + (_plain(hashed[1]).rstrip("/") or "/"))
    else:
        yield Seen(owner, keyword, "", _plain(_without_flags(value)))


def _seen_pairs(owner: int, keyword: str, value: str, names: set[tuple[str, str]]) -> Iterator[Seen]:
    found = [each for each in _PAIR.finditer(value) if (keyword, _plain(each[1])) in names and _begins(each, keyword)]
    if not found or found[0].start():
        yield Seen(owner, keyword, "", "")  # not of this Dockerfile
        return
    ends = [*(each.start() for each in found[1:]), len(value)]
    for each, end in zip(found, ends, strict=True):
        yield Seen(owner, keyword, _plain(each[1]), _plain(value[each.end() : end]))


def _fresh(items: list[Seen], declared: set[str]) -> list[Seen]:
    """The args that an ARG adds: buildah repeats the names of all earlier ones in each."""
    fresh = [item for item in items if item.name not in declared]
    declared.update(item.name for item in items)
    return items if any(item.text for item in items) else fresh or items


def _begins(pair: re.Match[str], keyword: str) -> bool:
    """Whether a known name begins a pair here: before ``=``, anywhere in ARG, or first in the old form of ENV."""
    return pair[0].endswith("=") or keyword == "ARG" or not pair.start()


def _without_flags(value: str) -> str:
    flags = _FLAGS.match(value)
    return value[flags.end() :] if flags else value

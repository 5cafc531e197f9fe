"""``history[].created_by`` as a person would have written it: each builder's own noise removed.

For display and for mapping to a Dockerfile only; what is scanned is the text as stored. All patterns are anchored and
take linear time. Knows nothing of layers; the shapes are those of ``image-formats.md`` of the house facts, section 8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from imgscan.image import go_syntax
from imgscan.image.wire import RunConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from imgscan.image.wire import HistoryEntry, ImageConfig

# fmt: off
DOCKERFILE_KEYWORDS: Final = frozenset((
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL",
    "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
))
# fmt: on
COMMIT: Final = "COMMIT"
"""``docker commit``; the text is the command of the container."""
IMPORT: Final = "IMPORT"
"""``docker import``."""
SQUASH: Final = "SQUASH"
"""``docker build --squash``: one layer for the entries before it."""
STEP: Final = "STEP"
"""Whatever else made a layer, in the words of its tool."""

MAX_CREATED_BY: Final = 256 * 1024
"""Characters of one entry that are read; heredocs of real images reach some tens of thousands."""
DEFAULT_SHELLS: Final = ("/bin/sh -c", "cmd /S /C", "powershell -Command", "pwsh -Command")
MAX_SHELL: Final = 512
"""Characters of a ``SHELL`` that is followed; PowerShell with its preferences has about 120."""
MAX_BOUNDARIES: Final = 4
"""Places in one ``|N`` entry that are tried as the end of the build args; more than one needs a hostile value."""
MAX_SUFFIXES: Final = 8
"""Suffixes of buildah on one entry; it has three kinds."""

_BUILDKIT_SUFFIX: Final = " # buildkit"
_NOP: Final = "#(nop)"
_BUILDAH_SUFFIX: Final = re.compile(r"inheritLabels=(?:true|false)|unsetLabel=(?:true|false)|force-mtime=[0-9]{1,20}")
_ARGUMENTS: Final = re.compile(r"\|([0-9]{1,4})(?= )")
_ARGUMENT: Final = re.compile(r" ([A-Za-z_][A-Za-z0-9_]*)=")
_UNIX_SHELL: Final = re.compile(
    r"(?:/[\w.-]{1,64}){0,8}/(?:ba|da|a|z|k)?sh( -\w{1,16}(?: [a-z]{1,16})?){0,8}? -\w{0,16}c "
)
_SHELL_WORD: Final = re.compile(r"(?:/[\w.-]{1,64}){0,8}/?\b(?:ba|da|a|z|k)?sh(?: |$)")
_SOURCE_SUM: Final = re.compile(r"((?:--\S+ )*(?:--\S*?)?) ?((?:file|dir|multi):[0-9a-f]{12})[0-9a-f]{52}(?= in )")
_SIMPLE_WORDS: Final = re.compile(r"\[[\w./:\\ -]+\]")
_SQUASHED: Final = re.compile(r"(?:merge|create new from) sha256:[0-9a-f]{64}")
_LONG_DIGEST: Final = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")


@dataclass(frozen=True, slots=True)
class Step:
    """One entry, cleaned. ``text`` begins with ``keyword`` if that is one of a Dockerfile."""

    keyword: str
    text: str = field(repr=False)
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Reader:
    """Reads entries in order: earlier ones say which shell and which build args later ones have.

    ``committed`` is the command of the container that became the image, if ``docker commit`` made it: the last entry
    and ``config.Cmd`` are then the same.
    """

    last_shell: str
    committed: str
    shell: str = ""
    names: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, config: ImageConfig) -> Reader:
        """A reader for the history of this config."""
        run, history = config.config or RunConfig(), config.history or ()
        command = " ".join(run.cmd or ()).strip()
        same = bool(history) and (history[-1].created_by or "").strip() == command
        return cls(_prefix(run.shell or ()), command if same else "")

    def read(self, entry: HistoryEntry) -> Step:
        """The next entry, cleaned."""
        step = self._step(entry)
        if step.keyword == "SHELL":
            self.shell = _prefix(go_syntax.words(step.text.removeprefix("SHELL ")))
        elif step.keyword == "ARG":
            self.names.update(word.partition("=")[0] for word in step.text.split()[1:])
        return step

    def _step(self, entry: HistoryEntry) -> Step:
        text = (entry.created_by or "")[:MAX_CREATED_BY].strip()
        comment = (entry.comment or "")[:MAX_CREATED_BY].strip()
        if not text:
            return _commented(comment)
        if entry.author == "kaniko" and (step := _verbatim(text)):
            return step
        text = _without_suffixes(text)
        return self._instruction(text) or self._command(text, comment)

    def _instruction(self, text: str) -> Step | None:
        """BuildKit, and the tools that follow it: the instruction with its arguments expanded."""
        keyword, _, body = text.partition(" ")
        if keyword == "RUN":
            return self._run(body.strip())
        return _rebuilt(keyword, body.strip()) if keyword in DOCKERFILE_KEYWORDS else None

    def _command(self, text: str, comment: str) -> Step:
        """The classic builder, buildah and podman: every instruction looks like the command of a container."""
        if text == self.committed:
            return _described(COMMIT, text, comment)
        command = self._without_shell(text)
        if command is not None and command.startswith(_NOP):
            rest = command.removeprefix(_NOP).strip()
            return self._instruction(rest) or _described(STEP, rest, comment)
        if command is not None or _ARGUMENTS.match(text):
            return self._run(text)
        if _UNIX_SHELL.match(text):  # the exec form of RUN: another shell than the one in effect
            return Step("RUN", f"RUN {text}")
        return _described(COMMIT if _SHELL_WORD.match(text) else STEP, text, comment)

    def _run(self, text: str) -> Step:
        arguments: dict[str, str] = {}
        if counted := _ARGUMENTS.match(text):
            arguments, text = self._split_arguments(text[counted.end() :], int(counted[1]))
        command = self._without_shell(text)
        return Step("RUN", f"RUN {text if command is None else command}".rstrip(), arguments)

    def _shells(self) -> Iterator[str]:
        """Prefixes of commands, the likeliest first."""
        yield from filter(None, (self.shell, self.last_shell, *DEFAULT_SHELLS))

    def _without_shell(self, text: str) -> str | None:
        """The command behind the shell in effect, or behind a well-known one with options that nobody types."""
        for shell in self._shells():
            if text.startswith(f"{shell} "):
                return text[len(shell) :].strip()
        found = _UNIX_SHELL.match(text)
        return text[found.end() :].strip() if found and (found[1] or not found[0].endswith(" -c ")) else None

    def _split_arguments(self, text: str, count: int) -> tuple[dict[str, str], str]:
        """Build args and command of `` K=V K=V COMMAND``: values may hold spaces, names of args and shells.

        Docker counts args and buildah counts words, so of several ends the one that fits a count is taken.
        """
        first: tuple[dict[str, str], str] | None = None
        for end in islice(self._boundaries(text), MAX_BOUNDARIES):
            arguments = self._arguments(text[:end], count)
            first = first or (arguments, text[end:].strip())
            if count in (len(arguments), text.count(" ", 0, end)):
                return arguments, text[end:].strip()
        return first or self._split_exec_form(text, count)

    def _boundaries(self, text: str) -> Iterator[int]:
        """Where a shell begins: the ends that the build args may have."""
        for shell in self._shells():
            end = text.find(f" {shell} ")
            while end >= 0:
                yield end
                end = text.find(f" {shell} ", end + 1)

    def _arguments(self, text: str, count: int) -> dict[str, str]:
        """At most ``count`` args; names that no ``ARG`` declared are believed only if the first one is not known."""
        found: dict[str, re.Match[str]] = {}
        for match in _ARGUMENT.finditer(text):
            found.setdefault(match[1], match)  # a name that comes again is part of a value
        declared = [match for name, match in found.items() if name in self.names]
        chosen = (declared if declared and declared[0].start() == 0 else [*found.values()])[:count]
        bounds = [*(match.start() for match in chosen), len(text)]
        return {match[1]: text[match.end() : end] for match, end in zip(chosen, bounds[1:], strict=True)}

    def _split_exec_form(self, text: str, count: int) -> tuple[dict[str, str], str]:
        """Without a shell nothing marks the end: the last value is taken to have no space."""
        arguments = self._arguments(text, count)
        if not arguments:
            return {}, text.strip()
        name, last = arguments.popitem()
        value, _, command = last.partition(" ")
        return {**arguments, name: value}, command.strip()


def _prefix(shell: Sequence[str]) -> str:
    """A shell as it stands before a command."""
    return " ".join(shell)[:MAX_SHELL].strip()


def _commented(comment: str) -> Step:
    """An entry that has a comment only."""
    if comment.startswith("Imported from "):
        return Step(IMPORT, comment)
    if _SQUASHED.match(comment):
        return Step(SQUASH, _LONG_DIGEST.sub(r"\1", comment))
    return Step(STEP, comment)


def _described(keyword: str, text: str, comment: str) -> Step:
    """Text that is no instruction; a comment such as jib's ``classes`` says more than the name of the tool."""
    telling = comment and not comment.startswith(("buildkit.", "FROM "))
    return Step(keyword, f"{text} ({comment})" if telling else text)


def _without_suffixes(text: str) -> str:
    """Without the marks of BuildKit and buildah, which stand at the end: ``cmd | X=1 other`` is legal shell."""
    text = text.removesuffix(_BUILDKIT_SUFFIX).rstrip()
    for _ in range(MAX_SUFFIXES):
        head, _, tail = text.rpartition("|")
        if not _BUILDAH_SUFFIX.fullmatch(tail):
            break
        text = head.rstrip()
    return text


def _verbatim(text: str) -> Step | None:
    """An instruction as a person wrote it, so its keyword may be in lower case."""
    word, *rest = text.split(maxsplit=1)
    keyword = word.upper()
    return Step(keyword, " ".join((keyword, *rest))) if keyword in DOCKERFILE_KEYWORDS else None


def _rebuilt(keyword: str, body: str) -> Step:
    rebuild = _REBUILD.get(keyword)
    return Step(keyword, f"{keyword} {rebuild(body) if rebuild else body}".rstrip())


def _copy(body: str) -> str:
    """``file:<sum> in /app``: the sources are not recorded, and 12 digits of their sum tell them apart."""
    found = _SOURCE_SUM.match(body)
    # Docker 20.10 forgets the space after a flag: --chown=1:1file:<sum>
    return f"{found[1]} {found[2]}{body[found.end() :]}".lstrip() if found else body


def _list(body: str) -> str:
    """Arguments in the exec form; anything else is the shell form and stays."""
    items = go_syntax.strings(body)
    return body if items is None else go_syntax.json_list(items)


def _words(body: str) -> str:
    """``[/bin/bash -c]``; words that may have had spaces in them (PowerShell) stay as they are."""
    return go_syntax.json_list(go_syntax.words(body)) if _SIMPLE_WORDS.fullmatch(body) else _list(body)


def _expose(body: str) -> str:
    """``80``, ``[80/tcp]`` or ``map[80/tcp:{} 443/tcp:{}]``."""
    return body.removeprefix("map").removeprefix("[").removesuffix("]").replace(":{}", "")


def _healthcheck(body: str) -> str:
    """``&{["CMD-SHELL" "curl …"] "30s" …}``: the test as ``config.Healthcheck.Test`` has it, without its times."""
    match go_syntax.strings(body):
        case ["CMD-SHELL", *words]:
            return f"CMD {' '.join(words)}"
        case ["CMD", *words]:
            return f"CMD {go_syntax.json_list(words)}"
        case ["NONE"]:
            return "NONE"
        case _:
            return body


_REBUILD: Final[Mapping[str, Callable[[str], str]]] = {
    "ADD": _copy,
    "COPY": _copy,
    "CMD": _list,
    "ENTRYPOINT": _list,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "SHELL": _words,
    "VOLUME": _words,
}

"""A Dockerfile changed so that it leaks no more, as a unified diff.

Changes only what it understands and gives nothing otherwise: a patch that breaks a build is worse than none.
"""

from __future__ import annotations

import difflib
import fnmatch
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from imgscan.guides.dockerfile_fix import COPIES
from imgscan.image import dockerfile as parser
from imgscan.model.values import Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from imgscan.guides.dockerfile_fix import Spot
    from imgscan.image.dockerfile import Dockerfile, Step

_DIRECTIVE: Final = re.compile(r"\s*#\s*syntax\s*=", re.IGNORECASE)
_ESCAPE: Final = re.compile(r"\s*#\s*escape\s*=\s*`", re.IGNORECASE | re.MULTILINE)
_PAIR: Final = re.compile(r"([A-Za-z_]\w*)(?:=(.*))?", re.DOTALL)
_REMOVE: Final = re.compile(r"\brm(?=\s)(?!\s+-[a-zA-Z]*f)")

_IDLE: Final = frozenset({"rm", "mkdir", "chmod", "chown", "ln", "mv", "cp", "touch", "echo", "useradd", "adduser"})

SYNTAX: Final = "# syntax=docker/dockerfile:1"
"""The frontend that knows ``--mount=type=secret,env=``; builders bring older ones."""

SECRET_FILES: Final = (
    *(".env", ".env.*", "*.env", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".netrc", ".git-credentials"),
    *(".pgpass", ".my.cnf", ".dockercfg", ".htpasswd", "id_rsa*", "id_ed25519*", "id_ecdsa*", "id_dsa*", "*_key"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ovpn", "*.tfstate", "*.tfvars"),
    *("credentials", "credentials.*", "kubeconfig", "secrets.*", "service-account*.json", "service_account*.json"),
    *(".bash_history", "auth.json"),
)
"""Names of files that hold secrets and no program, so that an image can do without them."""


@dataclass(frozen=True, slots=True)
class Change:
    """The Dockerfile as it should be, and the line that its ``.dockerignore`` lacks."""

    text: str
    ignore: str | None = None


@dataclass(slots=True)
class _Edits:
    """Changes to a Dockerfile by line; ``done`` makes them all at once."""

    lines: list[str]
    replaced: dict[int, tuple[int, str]] = field(default_factory=dict)
    mounted: set[int] = field(default_factory=set)

    def raw(self, step: Step) -> str:
        """The lines of a step as they will be."""
        known = self.replaced.get(step.start_line)
        return known[1] if known else "".join(self.lines[step.start_line - 1 : step.end_line])

    def put(self, step: Step, text: str) -> None:
        """Write other lines where a step stands; none remove it."""
        self.replaced[step.start_line] = (step.end_line, text)

    def mount(self, step: Step, flag: str) -> None:
        """Give a RUN the secret, once."""
        if flag not in self.raw(step):
            self.put(step, re.sub(r"(?i)^(\s*RUN)(?=\s)", lambda run: f"{run[1]} {flag}", self.raw(step), count=1))
            self.mounted.add(step.start_line)

    def done(self) -> str:
        lines: list[str] = []
        at = 1
        while at <= len(self.lines):
            end, text = self.replaced.get(at, (at, self.lines[at - 1]))
            lines.append(text)
            at = end + 1
        if self.mounted and not _DIRECTIVE.match(self.lines[0]):
            lines.insert(0, SYNTAX + _newline(self.lines[0]))
        return "".join(lines)


def step_on(dockerfile: Dockerfile, start_line: int, end_line: int) -> Step | None:
    """The step on exactly these lines."""
    return next((step for step in dockerfile.steps if (step.start_line, step.end_line) == (start_line, end_line)), None)


def step_like(dockerfile: Dockerfile, text: str) -> Step | None:
    """The only step whose text is that of a report, where … hides a secret and an ARG has no default value."""
    first, *others = map(re.escape, " ".join(text.split()).split("…"))
    # A piece is taken where it comes first: a report is from anybody, and trying all the other ways might never end.
    inner, last = (f"(?>.+?{piece})" for piece in others[:-1]), (f".+{piece}" for piece in others[-1:])
    pattern = "".join((first, *inner, *last))
    default = "(?:=.*)?" if text.upper().startswith("ARG ") else ""
    same = [step for step in dockerfile.steps if re.fullmatch(pattern + default, " ".join(step.text.split()))]
    return same[0] if len(same) == 1 else None


def change(source: str, dockerfile: Dockerfile, step: Step, spot: Spot, literal: str | None = None) -> Change | None:
    """``source`` without what leaked in ``step``; ``literal`` is the secret, if it stands in the Dockerfile itself."""
    edits = _Edits(_lines(source))
    if spot.where is Where.FILE and step.keyword in COPIES:
        return _without_file(edits, dockerfile, step, spot)
    if spot.where in (Where.ARG, Where.ENV) and step.keyword in ("ARG", "ENV"):
        return _without_variable(edits, dockerfile, step, spot, multi_line=not _ESCAPE.search(source))
    if step.keyword == "RUN" and literal:
        return _without_literal(edits, step, spot, literal)
    return None


def values(step: Step, variable: str) -> tuple[str, ...]:
    """What an ARG or ENV gives to ``variable``."""
    pairs = (_PAIR.fullmatch(word) for word in parser.words(step.value))
    plain = step.value.removeprefix(variable).strip() if step.value.startswith(f"{variable} ") else ""
    found = [pair[2].strip("\"'") for pair in pairs if pair and pair[1] == variable and pair[2]]
    return tuple(filter(None, (*found, plain)))


def diff(before: str, after: str, name: str, *, is_new: bool = False) -> str:
    """A unified diff that ``git apply`` and ``patch -p1`` take."""
    tail = "\t" if " " in name else ""
    old, new = "/dev/null" if is_new else f"a/{name}{tail}", f"b/{name}{tail}"
    lines = difflib.unified_diff(_lines(before), _lines(after), old, new)
    ended = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return "".join(ended)


def ignoring(before: str, pattern: str) -> str:
    """A ``.dockerignore`` with one more line, unless it is there."""
    if pattern in (line.rstrip() for line in _lines(before)):
        return before
    newline = "\n" if before and not before.endswith("\n") else ""
    return f"{before}{newline}{pattern}\n"


def _lines(text: str) -> list[str]:
    """With their ends. Not splitlines(): form feeds and Unicode separators end no line for builders and patch."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _without_variable(
    edits: _Edits, dockerfile: Dockerfile, found: Step, spot: Spot, *, multi_line: bool
) -> Change | None:
    """No ARG or ENV sets it or hands it on; the RUNs that use it have it mounted."""
    names = {spot.variable}
    at = dockerfile.steps.index(found)
    for step in dockerfile.steps if found.keyword == "ARG" else dockerfile.steps[at:]:
        if step.keyword in ("ARG", "ENV"):
            kept, gone = _split(step, names)
            names |= gone
            if gone:
                edits.put(step, _rewritten(edits.raw(step), step.keyword, kept, multi_line=multi_line))
    if not edits.replaced:
        return None
    later = [step for step in dockerfile.steps[at:] if step.keyword == "RUN"]
    users = [step for step in later if _uses(step, names)]
    if found.keyword == "ARG" and not users:
        users = [
            step for step in later if step.stage == found.stage and not _is_idle(step)
        ]  # programs that just read it
    for step in users:
        used = [name for name in sorted(names) if _uses(step, {name})] or [spot.variable]
        for name in used:
            edits.mount(step, f"--mount=type=secret,id={spot.secret_id},env={name}")
    return Change(edits.done())


def _is_idle(step: Step) -> bool:
    """Whether a RUN only moves files about, so that it needs no secret."""
    return parser.words(step.value)[0] in _IDLE and not re.search(r"[;&|]", step.value)


def _split(step: Step, names: set[str]) -> tuple[list[str], set[str]]:
    """What stays of an ARG or ENV, and the names that go: those given, and those whose value is made of them."""
    words = parser.words(step.value)
    if step.keyword == "ENV" and words and "=" not in words[0]:
        words = [f"{words[0]}={step.value[len(words[0]) :].strip()}"]  # the old form, ENV NAME the value
        if (pair := _PAIR.fullmatch(words[0])) and pair[1] not in names and not _mentions(pair[2] or "", names):
            return [step.value], set()
    kept, gone = [], set()
    for word in words:
        pair = _PAIR.fullmatch(word)
        if pair and (pair[1] in names or _mentions(pair[2] or "", names)):
            gone.add(pair[1])
        else:
            kept.append(word)
    return kept, gone


def _rewritten(raw: str, keyword: str, kept: Sequence[str], *, multi_line: bool) -> str:
    if not kept:
        return ""
    newline = _newline(raw)
    between = " \\" + newline + "    " if multi_line and raw.count("\n") > 1 else " "
    return f"{keyword} {between.join(kept)}{newline if raw.endswith(newline) else ''}"


def _newline(raw: str) -> str:
    return "\r\n" if raw.endswith("\r\n") else "\n"


def _without_literal(edits: _Edits, step: Step, spot: Spot, literal: str) -> Change | None:
    raw = edits.raw(step)
    before, found, _ = raw.partition(literal)
    if not found or parser.exec_form(step.value) is not None or before.count("'") % 2:
        return None  # a shell expands nothing in single quotes, and exec form has no shell
    edits.put(step, raw.replace(literal, f"${{{spot.variable}}}"))
    edits.mount(step, f"--mount=type=secret,id={spot.variable.lower()},env={spot.variable}")
    return Change(edits.done())


def _without_file(edits: _Edits, dockerfile: Dockerfile, step: Step, spot: Spot) -> Change | None:
    sources, target = _operands(step)
    if not spot.is_plain or not sources or not any(fnmatch.fnmatchcase(spot.file, pattern) for pattern in SECRET_FILES):
        return None
    named = [source for source in sources if _is_named(source, sources, target, spot)]
    if named and step.value.startswith(("[", "<")):
        return None
    if named:
        kept = [source for source in sources if source not in named]
        edits.put(step, _copying(step, edits.raw(step), kept, target))
        _adapt(edits, dockerfile, step, spot)
    return Change(edits.done(), _pattern(named[0] if named else None, sources, target, spot))


def _operands(step: Step) -> tuple[list[str], str]:
    words = parser.exec_form(step.value) or [word.strip("\"'") for word in parser.words(step.value)]
    return (words[:-1], words[-1]) if len(words) > 1 and not step.heredocs else ([], "")


def _is_named(source: str, sources: Sequence[str], target: str, spot: Spot) -> bool:
    """Whether a source is the file itself, under its own name or given another one."""
    whole = len(sources) == 1 and bool(spot.path) and posixpath.join("/", target) == spot.path
    return posixpath.basename(source) == spot.file or (whole and not _is_directory(source))


def _is_directory(source: str) -> bool:
    return source.endswith("/") or source in (".", "..", "*")


def _copying(step: Step, raw: str, kept: Sequence[str], target: str) -> str:
    end = _newline(raw) if raw.endswith("\n") else ""
    return " ".join((step.keyword, *step.flags, *kept, target)) + end if kept else ""


def _adapt(edits: _Edits, dockerfile: Dockerfile, copied: Step, spot: Spot) -> None:
    """RUNs that use the file have it mounted; those that delete it have nothing to delete."""
    for step in _after(dockerfile, copied):
        if spot.file not in step.text:
            continue
        words = parser.words(step.value)
        if words[0] == "rm" and [word for word in words[1:] if not word.startswith("-")][1:] == []:
            edits.put(step, "")
        elif re.search(rf"\brm\b[^&|;]*{re.escape(spot.file)}", step.value):
            edits.put(step, _REMOVE.sub("rm -f", edits.raw(step)))
        else:
            edits.mount(step, f"--mount=type=secret,id={spot.secret_id},target={spot.path}")


def _after(dockerfile: Dockerfile, copied: Step) -> Iterator[Step]:
    at = dockerfile.steps.index(copied)
    return (step for step in dockerfile.steps[at + 1 :] if step.keyword == "RUN" and step.stage == copied.stage)


def _pattern(named: str | None, sources: Sequence[str], target: str, spot: Spot) -> str:
    """The line for ``.dockerignore``: the file as the context has it, or wherever it is."""
    if named:
        return posixpath.normpath(named).lstrip("/")
    below = posixpath.join("/", target.rstrip("/"), "")
    if len(sources) == 1 and _is_directory(sources[0]) and (spot.path or "").startswith(below) and below != "/":
        return posixpath.normpath(posixpath.join(sources[0], (spot.path or "").removeprefix(below))).lstrip("/")
    return f"**/{spot.file}"


def _uses(step: Step, names: Iterable[str]) -> bool:
    bodies = "\n".join(heredoc.body for heredoc in step.heredocs)
    return _mentions(f"{step.value}\n{bodies}", names)


def _mentions(text: str, names: Iterable[str]) -> bool:
    return any(re.search(rf"\$(?:\{{{name}\b|{name}\b)", text) for name in names)

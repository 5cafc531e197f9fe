"""The patch for one finding: reads the Dockerfile and what it ignores, and hides secrets in what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgscan.cli.finding import spot
from imgscan.errors import UsageError
from imgscan.guides.dockerfile_patch import change, diff, ignoring, step_like, step_on, values
from imgscan.image import dockerfile as parser
from imgscan.scan.probe import probe

if TYPE_CHECKING:
    from imgscan.cli.finding import Case
    from imgscan.image.dockerfile import Dockerfile, Step
    from imgscan.rules.load import RuleSet


@dataclass(frozen=True, slots=True)
class Patched:
    """The patch that applies, and the same as it may be shown; or why there is none."""

    note: str
    whole: str | None = None
    shown: str | None = None


def patch(about: Case, path: Path, rules: RuleSet) -> Patched:
    """The Dockerfile at ``path`` and its ``.dockerignore`` without what leaked.

    Raises:
        ImgscanError: the Dockerfile cannot be read.
    """
    source = _text(path)
    dockerfile = parser.parse(source, str(path))
    step = _step(about, dockerfile)
    if step is None:
        return Patched(f"There is no patch: which step of `{_name(path)}` it was is not certain.{_advice(about)}")
    place = spot(about)
    secrets = _secrets(source, rules)
    literal = next((value for rule, value in secrets if rule == about.rule.id), None)
    changed = change(source, dockerfile, step, place, literal)
    if changed is None:
        return Patched(f"There is no patch: `{_name(path)}` has to be changed by hand.")
    whole = diff(source, changed.text, _name(path)) + _ignored(path, changed.ignore)
    hidden = {*(value for _, value in secrets), *values(step, place.variable)}
    shown = _without(whole, hidden)
    return Patched(_note(redacted=whole != shown), whole, shown)


def _advice(about: Case) -> str:
    """Engines write some steps in words of their own; a scan that is given the file sees all of them at once."""
    known = about.instruction and about.instruction.dockerfile
    return "" if known else " A report that was made with `--dockerfile` says so."


def _without(text: str, secrets: set[str]) -> str:
    for value in sorted(secrets, key=len, reverse=True):  # the longest first: one may hold another
        text = text.replace(value, "…")
    return text


def _note(*, redacted: bool) -> str:
    if redacted:
        return "The patch below does not show secrets, so it does not apply; `--write-patch FILE` writes one that does."
    return "Read the patch before you apply it with `patch -p1` or `git apply`: it does not know what the build needs."


def _step(about: Case, dockerfile: Dockerfile) -> Step | None:
    """The step that brought the secret in; for a file out of an earlier stage the one there."""
    if source := about.finding.copied_from:
        return step_on(dockerfile, source.start_line, source.end_line)
    if not (made := about.instruction):
        return None
    lines = made.dockerfile
    found = step_on(dockerfile, lines.start_line, lines.end_line) if lines else None
    if found and found.keyword == made.keyword.upper():
        return found
    return step_like(dockerfile, made.text)  # the file changed since the scan, or nobody named it then


def _secrets(source: str, rules: RuleSet) -> list[tuple[str, str]]:
    """Every secret in the Dockerfile itself, as written there, with its rule."""
    found = probe(source.encode(), rules, "Dockerfile")
    return [(match.rule_id, match.written.value.decode("utf-8", "replace")) for match in found]


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read(parser.MAX_DOCKERFILE_BYTES + 1)
    except (OSError, UnicodeError):
        raise UsageError("cannot be read as text", where=str(path)) from None


def _name(path: Path) -> str:
    """The path as it stands in a patch: below the current directory, else the name alone."""
    here = Path.cwd().resolve()
    whole = path.resolve()
    return (whole.relative_to(here) if whole.is_relative_to(here) else Path(path.name)).as_posix()


def _ignored(dockerfile: Path, pattern: str | None) -> str:
    """The diff of the file that rules what the build sees: the Dockerfile's own if it has one, else the context's."""
    if pattern is None:
        return ""
    own = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
    path = own if own.exists() else _context(dockerfile, pattern) / ".dockerignore"
    before = _text(path) if path.exists() else ""
    after = ignoring(before, pattern)
    return diff(before, after, _name(path), is_new=not path.exists())


def _context(dockerfile: Path, pattern: str) -> Path:
    """What the build most likely sees: where the file itself or a ``.dockerignore`` is, else the current directory."""
    here, beside = Path.cwd(), dockerfile.parent
    if not dockerfile.resolve().is_relative_to(here.resolve()):
        return beside
    known = (folder for folder in (here, beside) if (folder / ".dockerignore").exists() or (folder / pattern).exists())
    return next(known, here)

"""The report for people: findings by the instruction that put them there, in the order of the Dockerfile.

Lays out; what things are called is in ``imgscan.report.wording``. Nothing out of an image is printed raw.
"""

from __future__ import annotations

import io
import re
import textwrap
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.console import Console
from rich.text import Text

from imgscan.model.report import UNAVAILABLE
from imgscan.model.values import Severity
from imgscan.report import wording
from imgscan.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imgscan.model.report import Finding, Image, NoticeInfo, Report
    from imgscan.report import Look

NARROWEST: Final = 20
"""Columns; below that, words break wherever they must."""

UNBROKEN: Final = 1_000_000
"""Columns of a file or a pipe: one line stays one line, so that grep finds it."""

MAX_EVIDENCE: Final = 120
"""Characters of a line of code around a secret; the rest of a minified file helps nobody."""

MAX_INSTRUCTION: Final = 200
"""Characters of an instruction; a heredoc can be a whole script."""

MAX_NOTICES: Final = 20
"""Notices without ``-v``; a hostile image can cause thousands."""

FEW_NOTICES: Final = 3
"""Harmless notices that are listed without ``-v``: one may say that the wrong Dockerfile was given."""

HANG: Final = 2
"""Columns by which the further lines of a paragraph are indented more."""

BADGES: Final = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold cyan",
    Severity.INFO: "bold",
}

_BLANKS: Final = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph, whose lines are all indented by so many columns, and those after the first by ``hang`` more.

    A word that is too long for a line is broken, unless the paragraph is ``whole``: half a link leads nowhere.
    """

    text: Text
    indent: int = 0
    hang: int = 0
    whole: bool = False


BLANK: Final = Line(Text())


class Group(NamedTuple):
    """What findings are put under, in the order of the report: steps, layers of unknown origin, then the rest."""

    kind: int
    number: int


STEP, LAYER, CONFIG = range(3)


def render(report: Report, look: Look) -> bytes:
    """The report as UTF-8 text, coloured and folded as ``look`` says."""
    console = Console(
        file=io.StringIO(),
        width=max(look.width or UNBROKEN, NARROWEST),
        force_terminal=look.color,
        color_system="standard" if look.color else None,
        legacy_windows=False,
        _environ={},  # the look is an argument, not a matter of the environment
    )
    with console.capture() as capture:
        for line in _lines(report, look):
            for piece in _folded(line, console):
                console.print(piece, soft_wrap=True)
    return capture.get().encode("utf-8", "backslashreplace")


def _folded(line: Line, console: Console) -> Iterator[Text]:
    room = console.width - line.indent - line.hang
    for number, piece in enumerate(_unbroken(line.text, room) if line.whole else line.text.wrap(console, room)):
        piece.rstrip()
        indent = line.indent + (line.hang if number else 0)
        yield Text(" " * indent if piece else "") + piece


def _unbroken(text: Text, room: int) -> list[Text]:
    """What rich cannot: lines of whole words, be they too long."""
    pieces = textwrap.wrap(text.plain, room, break_long_words=False, break_on_hyphens=False)
    return [Text(piece, text.style) for piece in pieces]


def _lines(report: Report, look: Look) -> Iterator[Line]:
    for image in report.images:
        yield from _image(image, look)
        yield BLANK
    if len(report.images) > 1:
        yield _total(report)
    yield from _next(report)
    yield _gate(report)


def _image(image: Image, look: Look) -> Iterator[Line]:
    yield Line(Text(printable(image.reference), "bold"))
    if missing := _missing(image):
        yield Line(Text(f"could not be scanned: {printable(missing.message)}", "bold yellow"), 2)
    else:
        yield from _scanned(image, look)


def _missing(image: Image) -> NoticeInfo | None:
    return next((notice for notice in image.notices if notice.code == UNAVAILABLE), None)


def _scanned(image: Image, look: Look) -> Iterator[Line]:
    yield Line(Text(_about(image), "dim"), 2)
    shown = [finding for finding in image.findings if look.verbose or finding.suppressed is None]
    for group, findings in groupby(sorted(shown, key=_order), key=_group):
        yield BLANK
        yield from _heading(group, image, look)
        yield from _findings(list(findings), image)
    yield from _notices(image.notices, look)
    yield BLANK
    yield from _summary(image, look)


def _about(image: Image) -> str:
    facts = [image.source, image.platform or "unknown platform"]
    if digest := wording.short(image.manifest_digest):
        facts.append(f"manifest {digest}")
    elif digest := wording.short(image.config_digest):
        facts.append(f"config {digest}")
    if image.base.layers:
        facts.append(f"base image {image.base.reference or ''} ({wording.count(image.base.layers, 'layer')})")
    return ", ".join(printable(" ".join(fact.split())) for fact in facts)


def _group(finding: Finding) -> Group:
    if finding.instruction is not None:
        return Group(STEP, finding.instruction)
    return Group(LAYER, finding.layer.index) if finding.layer else Group(CONFIG, 0)


def _order(finding: Finding) -> tuple[Group, int, str, int, int]:
    place = finding.path or finding.key or ""
    return _group(finding), finding.severity.rank, place, finding.line or 0, finding.offset or 0


def _heading(group: Group, image: Image, look: Look) -> Iterator[Line]:
    if group.kind == CONFIG:
        yield Line(Text("image configuration, set by no known step", "bold"))
    elif group.kind == LAYER:
        yield Line(Text(f"{wording.layer(group.number, image)}, made by no known step", "bold"))
    else:
        yield from _step(group.number, image, look)


def _step(index: int, image: Image, look: Look) -> Iterator[Line]:
    made = image.instructions[index]
    text = printable(_BLANKS.sub(" ", made.text))
    if not look.verbose and len(text) > MAX_INSTRUCTION:
        text = f"{text[:MAX_INSTRUCTION]}…"
    yield Line(Text.assemble((f"{wording.step(index, image)}  ", "bold blue"), (text, "bold")), hang=HANG)
    facts = [wording.lines(made)] if made.dockerfile else []
    facts += [wording.layer(made.layer, image)] if made.layer is not None else ["no layer of its own"]
    facts += [] if made.exact else ["its place among the layers is not certain"]
    yield Line(Text(", ".join(facts), "dim"), 2)


def _findings(findings: Sequence[Finding], image: Image) -> Iterator[Line]:
    advised = set()
    for finding in findings:
        yield BLANK
        yield from _finding(finding, image)
        if finding.remediation not in advised:
            yield from _advice(finding)
        advised.add(finding.remediation)


def _finding(finding: Finding, image: Image) -> Iterator[Line]:
    badge = (finding.severity.upper(), BADGES[finding.severity])
    title, rule = printable(finding.rule.title), printable(finding.rule.id)
    yield Line(Text.assemble(badge, "  ", (title, "bold"), (f" [{rule}]", "dim")), 2, HANG)
    yield Line(Text(wording.place(finding), "cyan"), 4)
    yield Line(Text(_evidence(finding)), 4)
    yield Line(Text("; ".join((wording.fate(finding, image), *wording.remarks(finding)))), 4, HANG)


def _evidence(finding: Finding) -> str:
    """The line with the redacted secret, or the secret itself if that was asked for."""
    if finding.secret.value is not None:
        return printable(finding.secret.value)
    start = finding.secret.redacted.partition("\n")[0]
    line = next((line for line in finding.snippet.splitlines() if start in line), start)
    line = line.replace("\t", " ").strip()
    if len(line) <= MAX_EVIDENCE:
        return printable(line)
    first = max(0, min(line.find(start) - MAX_EVIDENCE // 3, len(line) - MAX_EVIDENCE))
    cut = line[first : first + MAX_EVIDENCE]
    return printable(f"{'…' if first else ''}{cut}{'…' if first + MAX_EVIDENCE < len(line) else ''}")


def _advice(finding: Finding) -> Iterator[Line]:
    yield Line(Text(f"→ {printable(finding.remediation.summary)}", "green"), 4, HANG, whole=True)
    if (url := finding.remediation.revoke_url) and url not in finding.remediation.summary:
        yield Line(Text(printable(url), "green"), 6, whole=True)


def _notices(notices: Sequence[NoticeInfo], look: Look) -> Iterator[Line]:
    serious = [notice for notice in notices if notice.incomplete]
    others = [notice for notice in notices if not notice.incomplete]
    if serious:
        yield BLANK
        yield Line(Text("not looked at, so this scan is incomplete", "bold yellow"))
        yield from _listed(serious, None if look.verbose else MAX_NOTICES)
    if others:
        yield BLANK
        shown = look.verbose or len(others) <= FEW_NOTICES
        hint = "" if shown else " (-v shows them)"
        yield Line(Text(f"{wording.count(len(others), 'further notice')}{hint}", "bold" if shown else "dim"))
        yield from _listed(others if shown else [], None)


def _listed(notices: Sequence[NoticeInfo], most: int | None) -> Iterator[Line]:
    for notice in notices[:most]:
        yield Line(Text(f"{printable(notice.where)}: {printable(notice.message)} [{printable(notice.code)}]"), 2, HANG)
    if most and len(notices) > most:
        yield Line(Text(f"and {len(notices) - most:,} more (-v shows them)"), 2)


def _summary(image: Image, look: Look) -> Iterator[Line]:
    counting = [finding for finding in image.findings if finding.suppressed is None]
    found = f"{wording.secrets(counting)} {wording.whereabouts(counting, image)}"
    if image.coverage.complete:
        style = "bold red" if counting else "bold green"
        yield Line(Text.assemble((found, style), f"; {wording.scanned(image)}"))
    else:
        style = "bold red" if counting else "bold yellow"
        yield Line(Text.assemble((f"{found} as far as it was read", style), f"; INCOMPLETE: {wording.scanned(image)}"))
    if hidden := len(image.findings) - len(counting):
        hint = "" if look.verbose else "; -v shows them"
        yield Line(Text(f"{wording.count(hidden, 'further finding')} suppressed{hint}", "dim"))


def _total(report: Report) -> Line:
    findings = [finding for image in report.images for finding in image.findings if finding.suppressed is None]
    total = wording.count(len(report.images), "image")
    had = sum(not _missing(image) for image in report.images)
    if not had:
        return Line(Text(f"none of {total} could be scanned", "bold yellow"))
    images = total if had == len(report.images) else f"{had} of {total}"
    return Line(Text(f"{wording.secrets(findings)} in {images}", "bold"))


def _next(report: Report) -> Iterator[Line]:
    """The command that leads on, for the worst finding."""
    counting = [finding for image in report.images for finding in image.findings if finding.suppressed is None]
    if not counting:
        return
    first, *others = dict.fromkeys(finding.rule.id for finding in sorted(counting, key=lambda item: item.severity.rank))
    todo = f"{wording.count(report.summary.unique_secrets, 'secret')} to replace; how, step by step: imgscan explain"
    yield Line(Text(f"{todo} {printable(first)}{', or another rule in brackets' if others else ''}"))


def _gate(report: Report) -> Line:
    outcome, comma, reasons = wording.gate(report).partition(",")
    return Line(Text.assemble((outcome, "bold green" if report.verdict.passed else "bold red"), comma, reasons))

"""One scan as the command line asked for it: options in, reports out. Knows nothing of flags, variables and files."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from imgscan.cli import failures, output
from imgscan.cli.options import Target
from imgscan.errors import ImgscanError, SourceError, UsageError
from imgscan.model.report import UNAVAILABLE
from imgscan.model.values import Confidence, Severity
from imgscan.report import Look, renderer
from imgscan.report.wording import gate
from imgscan.scan import scan
from imgscan.scan.options import Options
from imgscan.scan.progress import Silence
from imgscan.sources.base import Access, Wanted
from imgscan.sources.resolve import registry_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from imgscan.model.report import Report
    from imgscan.scan.progress import Progress

MAX_PASSWORD: Final = 64 * 1024
"""Bytes of a password line; tokens of cloud registries have some thousands."""

NO_REGISTRY: Final = ""
"""What no registry is called: nobody is told the password."""


def run(images: Sequence[str], given: Mapping[str, Any]) -> int:
    """Scan, write every report that was asked for, and give the exit code.

    Raises:
        ImgscanError: an image cannot be had, or a report not be written.
    """
    targets = _targets(given)
    options = _options(images, given)
    if options.verify and options.access.offline:
        failures.say("note: --verify asks nobody while --offline")
    report = _scanned(images, options, given)
    _tell_unavailable(report, images, given["meant"])
    _deliver_all(report, targets, given)
    _tell_gate(report, targets, given)
    return report.verdict.exit_code


def _scanned(images: Sequence[str], options: Options, given: Mapping[str, Any]) -> Report:
    try:
        with _watcher(given) as progress:
            return scan(images, options, progress)
    except SourceError as error:
        error.hint = given["meant"] or error.hint
        raise


def _tell_unavailable(report: Report, images: Sequence[str], meant: str | None) -> None:
    """Of several images, those that could not be had; a program that reads the report may not show it."""
    missing = [notice for image in report.images for notice in image.notices if notice.code == UNAVAILABLE]
    for notice in missing:
        failures.say(f"error: {notice.where}: {notice.message}")
    if meant and any(notice.where == images[0] for notice in missing):
        failures.say(f"hint: {meant}")


def _tell_gate(report: Report, targets: Sequence[Target], given: Mapping[str, Any]) -> None:
    """Why the exit code is not 0, to whoever sees no report; a failure without a word helps nobody."""
    paths = [target.path for target in targets]
    if not (report.verdict.passed or given["quiet"] or output.STANDARD_OUTPUT in paths):
        failures.say(f"{gate(report)}; the report is in {paths[0]}")


def _targets(given: Mapping[str, Any]) -> list[Target]:
    """Where reports go: the first one to standard output if nothing else is said."""
    targets = [Target(given["format"], given["output"] or output.STANDARD_OUTPUT), *given["report"]]
    places = [_place(target.path) for target in targets]
    for target, place in zip(targets, places, strict=True):
        if places.count(place) > 1:
            raise UsageError("two reports cannot go to the same place", where=str(target.path))
        if place == output.STANDARD_OUTPUT:
            output.require_standard()
        else:
            output.require_writable(target.path)
    return targets


def _place(path: Path) -> Path:
    """One spelling for one file."""
    return path if path == output.STANDARD_OUTPUT else path.resolve()


def _options(images: Sequence[str], given: Mapping[str, Any]) -> Options:
    return Options(
        wanted=Wanted(given["platform"], given["all_platforms"]),
        access=Access(
            offline=given["offline"],
            plain_http=given["plain_http"],
            ca_file=given["ca_file"],
            registry=_registry(images, given),
            username=given["username"],
            password=_password(images, given),
        ),
        dockerfile=given["dockerfile"],
        base=given["base"],
        fail_on=None if given["fail_on"] == "never" else Severity(given["fail_on"]),
        min_confidence=Confidence(given["min_confidence"]),
        allow_incomplete=given["allow_incomplete"],
        show_secrets=given["show_secrets"],
        rules=tuple(given["rules"]),
        only=tuple(given["only"]),
        skip=tuple(given["skip"]),
        fingerprint_key=os.environb.get(b"IMGSCAN_FINGERPRINT_KEY") or None,
        verify=given["verify"] or given["verify_hosts"],
        verify_hosts=given["verify_hosts"],
        jobs=given["jobs"],
        use_cache=not given["no_cache"],
    )


def _registry(images: Sequence[str], given: Mapping[str, Any]) -> str | None:
    """The one registry that user and password are for: that of the images; a base may come from anybody's file."""
    if not given["username"]:
        return None
    registries = sorted({registry for image in images if (registry := registry_of(image))})
    if len(registries) > 1:
        hint = "scan them one by one, or let `docker login` keep the passwords"
        raise UsageError(
            f"one user and password for {len(registries)} registries: {', '.join(registries)}",
            where="--username",
            hint=hint,
        )
    return registries[0] if registries else NO_REGISTRY


def _password(images: Sequence[str], given: Mapping[str, Any]) -> str | None:
    """From standard input or the environment; an argument could be seen by every user of the machine."""
    password = os.environ.get("IMGSCAN_PASSWORD")
    if given["password_stdin"]:
        if "-" in images:
            raise UsageError("standard input cannot hold an image and a password", where="--password-stdin")
        password = os.fsdecode(output.read_standard_line(MAX_PASSWORD).rstrip(b"\r\n"))
    if given["password_stdin"] and not password:
        raise UsageError("there is no password on standard input", where="--password-stdin")
    if bool(password) != bool(given["username"]):
        missing, hint = ("password", "--password-stdin") if given["username"] else ("user", "--username")
        raise UsageError(f"a {missing} is missing for the registry", hint=f"give it with {hint}")
    return password or None


def _watcher(given: Mapping[str, Any]) -> AbstractContextManager[Progress]:
    """Bars for a person who watches; silence for a pipe, a log or ``-q``."""
    unwanted = given["quiet"] or given["no_progress"] or os.environ.get("CI")
    if unwanted or not output.is_terminal(sys.stderr) or os.environ.get("TERM") == "dumb":
        return nullcontext(Silence())
    from imgscan.cli.progress import Bars  # noqa: PLC0415 - rich is heavy, and most scans in CI do without

    return Bars(color=_colorful(given))


def _deliver_all(report: Report, targets: Sequence[Target], given: Mapping[str, Any]) -> None:
    """Write every report that can be written before the first failure is told."""
    failed: list[ImgscanError] = []
    for target in targets:
        try:
            _deliver(report, target, given)
        except ImgscanError as error:
            failed.append(error)
    for further in failed[1:]:
        failures.say(f"error: {further}")
    if failed:
        raise failed[0]


def _deliver(report: Report, target: Target, given: Mapping[str, Any]) -> None:
    render = renderer(target.format)
    if target.path == output.STANDARD_OUTPUT:
        output.write_standard(render(report, _look(given)))
        return
    mode = output.PRIVATE if given["show_secrets"] else output.PUBLIC
    output.write_file(target.path, render(report, Look(verbose=given["verbose"] > 0)), mode=mode)


def _look(given: Mapping[str, Any]) -> Look:
    """For standard output: coloured and folded on a terminal, plain and unbroken in a pipe."""
    verbose = given["verbose"] > 0
    if not output.is_terminal(sys.stdout):
        return Look(verbose=verbose)
    return Look(_colorful(given), shutil.get_terminal_size().columns, verbose)


def _colorful(given: Mapping[str, Any]) -> bool:
    return not (given["no_color"] or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb")

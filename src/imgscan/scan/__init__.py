"""The straight line from a name to a report; the only room that knows all the others."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from imgscan._version import __version__
from imgscan.errors import ImageFormatError, ImgscanError, UsageError
from imgscan.findings.assemble import Policy
from imgscan.findings.policy import judge
from imgscan.guides.summary import summary
from imgscan.image import dockerfile
from imgscan.match.detector import Detector
from imgscan.model import report
from imgscan.model.values import Notice
from imgscan.rules.load import load
from imgscan.scan.join import Context, report_on
from imgscan.scan.layer import LayerScan, scan_layer
from imgscan.scan.options import Options
from imgscan.scan.progress import Progress, Silence
from imgscan.scan.workers import Workers
from imgscan.sources.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from imgscan.image.image import Image
    from imgscan.model.values import Match
    from imgscan.rules.load import RuleSet
    from imgscan.rules.schema import Rule
    from imgscan.sources.base import LayerBlob, OpenSource

LAYERS_AT_ONCE: Final = 4
"""Streams read at the same time: enough to hide the latency of a registry, few enough for memory and good manners."""


def _rules(options: Options) -> RuleSet:
    """The rules that were asked for."""
    if not options.rules:
        return load(only=options.only, skip=options.skip, use_cache=options.use_cache)
    from imgscan.match.vet import vet  # noqa: PLC0415 - packaged rules do not need it

    return load(options.rules, only=options.only, skip=options.skip, use_cache=options.use_cache, vet=vet)


def scan(images: Sequence[str], options: Options | None = None, progress: Progress | None = None) -> report.Report:
    """Scan images and judge what was found.

    Of several images, one that cannot be had does not stop the others: it stands in the report with an incomplete
    notice.

    Raises:
        ImgscanError: a rule file or an option is wrong, or the only image cannot be had.
    """
    options = options or Options()
    started = _now()
    rules = _rules(options)
    # All rules run, also those nobody asked for: what they find must be hidden in the texts of a report.
    detector = Detector(load(options.rules, use_cache=options.use_cache), use_cache=options.use_cache)
    with _Run(detector, frozenset(rules.by_id), options, progress or Silence()) as run:
        found = [image for text in images for image in run.images(text, alone=len(images) == 1)]
        unique = len(run.secrets)
    if options.verify:
        from imgscan.scan.liveness import with_liveness  # noqa: PLC0415 - loads what speaks to the network

        found = with_liveness(found, run.matches, detector.rules.by_id, options)
    summary, verdict = judge(
        found, unique_secrets=unique, fail_on=options.fail_on, allow_incomplete=options.allow_incomplete
    )
    tool = report.Tool("imgscan", __version__, report.Rules(len(rules.rules), rules.fingerprint))
    return report.Report(report.SCHEMA_VERSION, tool, started, _now(), tuple(found), summary, verdict)


class _Run:
    """One run over one or more images: shared workers, and layers that were scanned already."""

    def __init__(self, detector: Detector, told: frozenset[str], options: Options, progress: Progress) -> None:
        self._detector = detector
        self._policy = Policy(_advise, told, options.min_confidence, options.show_secrets, options.fingerprint_key)
        self._options = options
        self._progress = progress
        self._workers = Workers(detector, options.jobs or _cores())
        self._dockerfile = _read_dockerfile(options.dockerfile)
        self.secrets: set[bytes] = set()
        self.matches: list[Match] = []
        self._known: dict[str, LayerScan] = {}
        self._context: Context | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.close()

    def images(self, text: str, *, alone: bool) -> list[report.Image]:
        """The reports of all images that ``text`` leads to."""
        try:
            self._context = self._context or self._shared()
            source = resolve(text, wanted=self._options.wanted, access=self._options.access)
            with source.open() as opened:
                self._progress.image(text, source.kind)
                scans, notices = self._layers(opened)
                return [self._report(image, scans, notices) for image in opened.images()]
        except ImgscanError as error:
            if alone or isinstance(error, UsageError):
                raise
            return [_unavailable(text, error)]

    def _report(self, image: Image, scans: dict[str, LayerScan], notices: list[Notice]) -> report.Image:
        assert self._context is not None  # noqa: S101 - made before any image is read
        about, matches = report_on(image, scans, self._context, notices)
        counted = zip(about.findings, matches, strict=True)
        self.secrets |= {match.secret.value for finding, match in counted if finding.suppressed is None}
        self.matches += matches
        return about

    def _shared(self) -> Context:
        return Context(self._detector, self._policy, self._dockerfile, self._options.base, self._base_images())

    def _base_images(self) -> tuple[Image, ...]:
        if self._options.base is None:
            return ()
        source = resolve(self._options.base, wanted=self._options.wanted, access=self._options.access)
        with source.open() as opened:
            for _ in opened.layers():
                pass  # a stream tells its images only once its blobs have passed; nothing of them is read
            return opened.images()

    def _layers(self, opened: OpenSource) -> tuple[dict[str, LayerScan], list[Notice]]:
        """Every layer of a source, once, by key; and what went wrong on the way."""
        notices: list[Notice] = []
        blobs = _until_broken(opened.layers(), notices)
        if not opened.parallel:
            return {blob.key: self._layer(blob) for blob in blobs}, notices
        with ThreadPoolExecutor(LAYERS_AT_ONCE, thread_name_prefix="imgscan-read") as pool:
            try:
                futures = {blob.key: pool.submit(self._layer, blob) for blob in blobs}
                return {key: future.result() for key, future in futures.items()}, notices
            except BaseException:
                self._workers.stop()  # or the readers would wait for buffers, and leaving the pool for the readers
                raise

    def _layer(self, blob: LayerBlob) -> LayerScan:
        if blob.digest is not None and blob.digest in self._known:
            return self._known[blob.digest]
        self._progress.layer_started(blob.key, blob.size_bytes)
        try:
            found = scan_layer(blob, self._workers, lambda count: self._progress.layer_advanced(blob.key, count))
        finally:
            self._progress.layer_finished(blob.key)
        if blob.digest is not None and blob.digest == found.digest:  # what was broken here may be whole elsewhere
            self._known[blob.digest] = found
        return found


def _until_broken(blobs: Iterator[LayerBlob], notices: list[Notice]) -> Iterator[LayerBlob]:
    """The blobs that a source can deliver; why it stopped goes to ``notices``."""
    try:
        yield from blobs
    except ImgscanError as error:
        notices.append(Notice("source-broken", error.where or "source", error.message, incomplete=True))


def _read_dockerfile(path: Path | None) -> dockerfile.Dockerfile | None:
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return dockerfile.parse(file.read(dockerfile.MAX_DOCKERFILE_BYTES + 1), str(path))
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except ImageFormatError as error:
        raise UsageError(error.message, where=error.where, hint=error.hint) from None


def _unavailable(text: str, error: ImgscanError) -> report.Image:
    """An image that could not be had, among others that could."""
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    notice = report.NoticeInfo(report.UNAVAILABLE, text, message, incomplete=True)
    nothing = report.Coverage(
        complete=False,
        layers_total=0,
        layers_scanned=0,
        files_total=0,
        files_scanned=0,
        bytes_total=0,
        bytes_scanned=0,
    )
    base = report.Base(None, 0, "unknown")
    return report.Image(text, "unknown", None, None, None, base, (), (), (), (notice,), nothing)


def _advise(rule: Rule) -> report.Remediation:
    told = summary(rule)
    return report.Remediation(told.sentence, told.guide, told.revoke_url, told.steps)


def _cores() -> int:
    """The cores this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

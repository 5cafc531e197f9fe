"""Where the processor time of a scan goes: every step of it, without what the steps within it cost.

Counts the processor time of the thread that runs a step, so waiting costs nothing; a measured step costs a microsecond
more than it should. Started by ``run.py --profile``.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections import Counter
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from imgscan.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS: Final = (
    ("read", "imgscan.sources.files:Slice.read"),
    ("read into windows", "imgscan.sources.files:Slice.readinto"),
    ("hash what is stored", "imgscan.streams.digest:HashingReader.read"),
    ("decompress", "imgscan.streams.compress:DecompressedReader.read"),
    ("fill windows", "imgscan.scan.cutter:Cutter._fill"),
    ("walk the tar", "imgscan.streams.tar:TarWalker.feed"),
    ("cut windows", "imgscan.scan.cutter:Cutter.next"),
    ("count lines across windows", "imgscan.scan.window:Window.carry"),
    ("note names", "imgscan.scan.layer:_Reading._take_names"),
    ("hyperscan and its callbacks", "imgscan.match.engine:Engine.scan"),
    ("sort hits into files", "imgscan.scan.window:Window._by_place"),
    ("look for UTF-16", "imgscan.scan.window:Window._wide_members"),
    ("compile patterns", "imgscan.match.confirm:Confirmer.__init__"),
    ("confirm hits", "imgscan.match.detector:_collect"),
    ("examine windows", "imgscan.scan.window:Window.examine"),
    ("examine files", "imgscan.match.detector:Detector.examine"),
    ("load rules", "imgscan.scan:load"),
    ("load the detector", "imgscan.scan:Detector"),
    ("join and report", "imgscan.scan:report_on"),
)
"""What is measured. A step whose function has another name by now is told and left out."""


class Meter:
    """Processor seconds and calls by step."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._thread = threading.local()

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that does the same, and is measured."""

        @wraps(function)
        def measured(*args: Any, **named: Any) -> Any:
            inner: list[float] = self._thread.__dict__.setdefault("inner", [])
            inner.append(0.0)
            started = time.thread_time()
            try:
                return function(*args, **named)
            finally:
                spent = time.thread_time() - started
                self.seconds[name] += spent - inner.pop()
                self.calls[name] += 1
                if inner:
                    inner[-1] += spent

        return measured

    def install(self, name: str, place: str) -> None:
        """Measure a function wherever it is called from."""
        module, _, path = place.partition(":")
        *owners, attribute = path.split(".")
        owner: Any = import_module(module)
        for part in owners:
            owner = getattr(owner, part, None)
        if not hasattr(owner, attribute):
            print(f"there is no {place} any more: not measured")
            return
        setattr(owner, attribute, self.wrap(name, getattr(owner, attribute)))


def sha256_seconds(count: int) -> float:
    """What hashing so many bytes costs; the steps do not show it, as it happens on threads of its own."""
    block, sha256 = bytearray(1 << 22), hashlib.sha256()
    started = time.thread_time()
    for _ in range(count // len(block)):
        sha256.update(block)
    return time.thread_time() - started


def main() -> None:
    """``breakdown.py ARCHIVE``."""
    before = time.process_time()
    meter = Meter()
    for name, place in STEPS:
        meter.install(name, place)
    report = scan([str(Path(sys.argv[1]))])
    total = time.process_time()
    meter.seconds["start of Python, imports"] = before
    unpacked = sum(image.coverage.bytes_total for image in report.images)
    meter.seconds["hash what is unpacked"] = sha256_seconds(unpacked)
    meter.seconds["anything else"] = total - meter.seconds.total()
    print(f"{total:.2f} s of processor time on {len(os.sched_getaffinity(0))} cores, {unpacked / 1e6:.0f} MB")
    for name, seconds in meter.seconds.most_common():
        print(f"{seconds:7.3f} s  {100 * seconds / total:4.1f} %  {meter.calls[name]:7}  {name}")


if __name__ == "__main__":
    main()

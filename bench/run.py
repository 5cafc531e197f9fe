"""Measure imgscan against the floor program, and print how the figures stand to the targets of issue 2.

Every run is a process of its own; runs of the two programs alternate, and of several the best counts, as other work on
the machine only ever makes a run slower. Caches of files and rules are warm unless said otherwise.

    run.py [--repeat N] [SHAPE...]      the tables; builds what is missing first
    run.py --profile SHAPE              where the processor time goes, step by step
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import build

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE: Final = Path(__file__).parent
DATABASE: Final = build.WORK / "database.hs"
IMGSCAN: Final = (sys.executable, "-m", "imgscan")
QUIET: Final = ("--format", "json", "--output", os.devnull, "--quiet", "--no-progress", "--fail-on", "never")

MAX_WALL: Final = 1.4
MAX_CPU: Final = 1.5
MAX_RSS_MB: Final = 200
"""The targets of issue 2: wall and processor time as multiples of the floor, peak memory."""

MAX_MILLISECONDS: Final = {"imgscan --version": 150, "tiny image, warm cache": 400, "tiny image, cold cache": 2000}

FAILED: Final = frozenset({2, 3})
"""Exit codes of imgscan that say it did not scan."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process cost: seconds, seconds, megabytes."""

    wall: float
    cpu: float
    rss_mb: float


def measure(command: Sequence[str], env: dict[str, str] | None = None) -> Cost:
    """Run a program to its end, without output."""
    started = time.perf_counter()
    null = os.open(os.devnull, os.O_WRONLY)
    process = os.posix_spawnp(
        command[0], command, env or dict(os.environ), file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)]
    )
    os.close(null)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - started
    if not os.WIFEXITED(status) or os.WEXITSTATUS(status) in FAILED:
        raise SystemExit(f"{' '.join(command)} failed")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def best(costs: Sequence[Cost]) -> Cost:
    """The least time of several runs, and the most memory."""
    return Cost(min(cost.wall for cost in costs), min(cost.cpu for cost in costs), max(cost.rss_mb for cost in costs))


def compare(shape: str, repeat: int) -> tuple[Cost, Cost]:
    """What an archive costs imgscan and the floor: one run of each to warm up, then runs of both in turn."""
    image = str(build.archive(shape))
    commands = ((*IMGSCAN, *QUIET, image), (sys.executable, str(HERE / "floor.py"), str(DATABASE), image))
    rounds = [[measure(command) for command in commands] for _ in range(repeat + 1)][1:]
    ours, floor = zip(*rounds, strict=True)
    return best(ours), best(floor)


def hashing_seconds(shape: str) -> float:
    """What the SHA-256 sums alone cost that verify an archive: of every layer as it is stored, and unpacked."""
    import floor  # noqa: PLC0415 - heavy, and the memory of this process counts for those it starts

    block = bytearray(floor.BLOCK_BYTES)
    stored = sum(size for _, size in floor.layers(build.archive(shape)))
    unpacked = sum(size for _, size in floor.layers(build.archive(shape.replace("gzip", "plain"))))
    count = (unpacked + (stored if "gzip" in shape else 0)) // len(block)
    sha256 = hashlib.sha256()
    started = time.thread_time()
    for _ in range(count):
        sha256.update(block)
    return time.thread_time() - started


def _print_scans(shapes: Sequence[str], repeat: int) -> None:
    print("                      wall                               cpu                         memory")
    print("image          imgscan  floor  ratio   imgscan  floor  ratio  of it sha256  less sha256      MB")
    for shape in shapes:
        ours, floor = compare(shape, repeat)
        sha256 = hashing_seconds(shape)
        unhashed = (ours.cpu - sha256) / floor.cpu
        print(
            f"{shape:14} {ours.wall:6.2f}s {floor.wall:5.2f}s {_held(ours.wall / floor.wall, MAX_WALL)}   "
            f"{ours.cpu:6.2f}s {floor.cpu:5.2f}s {_held(ours.cpu / floor.cpu, MAX_CPU)}        "
            f"{sha256:5.2f}s       {_held(unhashed, MAX_CPU)}  {_held(ours.rss_mb, MAX_RSS_MB, 0)}",
            flush=True,
        )
    print(f"targets: wall {MAX_WALL} and cpu {MAX_CPU} times the floor, {MAX_RSS_MB} MB; ! is beyond\n")


def _held(value: float, limit: float, digits: int = 2) -> str:
    return f"{value:5.{digits}f}{'!' if value > limit else ' '}"


def _print_starts(repeat: int) -> None:
    tiny = (*IMGSCAN, *QUIET, str(build.archive("tiny")))
    commands = zip(MAX_MILLISECONDS, ((*IMGSCAN, "--version"), tiny, tiny), strict=True)
    for name, command in commands:
        costs = [_start(command, cold="cold" in name) for _ in range(2 * repeat + 1)][1:]
        wall, limit = 1000 * best(costs).wall, MAX_MILLISECONDS[name]
        print(f"{name:24} {_held(wall, limit, 0)} ms of {limit}", flush=True)


def _start(command: Sequence[str], *, cold: bool) -> Cost:
    if not cold:
        return measure(command)
    with tempfile.TemporaryDirectory() as empty:
        return measure(command, dict(os.environ) | {"IMGSCAN_CACHE_DIR": empty})


def _print_written(shape: str) -> None:
    """What a scan leaves behind in a home, working and temporary directory of its own, and all it wrote meanwhile."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        (home / "cache").mkdir(mode=0o700)
        names = dict.fromkeys(("HOME", "TMPDIR", "XDG_RUNTIME_DIR"), scratch)
        env = dict(os.environ) | names | {"IMGSCAN_CACHE_DIR": str(home / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
        wrote = _written_bytes(("env", "-C", scratch, *IMGSCAN, *QUIET, str(build.archive(shape))), env)
        left = sorted(str(path.relative_to(home)) for path in _files(home))
        size = sum(path.stat().st_size for path in _files(home))
    outside = [name for name in left if not name.startswith("cache/")]
    print(f"left on disk: {len(left)} cache files of {size} bytes, {len(outside)} others {outside or ''}")
    print(f"bytes written by the process, as the kernel counts them: {wrote}")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.is_dir())


def _written_bytes(command: Sequence[str], env: dict[str, str]) -> int:
    """Run a program; gives what it sent to files, which includes files it has deleted again."""
    process = os.posix_spawnp(command[0], command, env)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)  # it is over, and still to be asked
    account = Path(f"/proc/{process}/io").read_text("ascii")
    os.waitpid(process, 0)
    return int(dict(line.split(": ") for line in account.splitlines())["wchar"])


def prepare() -> None:
    """Build what is missing, and store the databases that both programs use."""
    build.build()
    program = (
        "import hyperscan, msgspec, sys; from imgscan.match.detector import Detector\n"
        "from imgscan.rules.load import load\n"
        "databases = map(hyperscan.dumpb, Detector(load(())).engine.databases)\n"
        "sys.stdout.buffer.write(msgspec.msgpack.encode(list(databases)))"
    )
    with DATABASE.open("wb") as file:
        process = os.posix_spawn(
            sys.executable,
            (sys.executable, "-c", program),
            dict(os.environ),
            file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), 1)],
        )
        if os.waitpid(process, 0)[1]:
            raise SystemExit("the database could not be made")


def main() -> None:
    """Understand the arguments."""
    parser = argparse.ArgumentParser(description="Measure imgscan against the floor program.")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="runs of which the best counts [5]")
    parser.add_argument("--profile", metavar="SHAPE", help="show where the processor time goes in one archive")
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help=f"of {', '.join(build.SHAPES)}")
    given = parser.parse_args()
    os.environ["IMGSCAN_CACHE_DIR"] = str(build.WORK / "cache")  # nobody else fills it, and nobody's is filled
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled, so this one has to be too
    os.environ["PYTHONPYCACHEPREFIX"] = str(build.WORK / "bytecode")
    prepare()
    if given.profile:
        command = (sys.executable, str(HERE / "breakdown.py"), str(build.archive(given.profile)))
        raise SystemExit(subprocess.call(command))
    shapes = given.shapes or [shape for shape in build.SHAPES if shape != "tiny"]
    print(f"{len(os.sched_getaffinity(0))} cores, Python {sys.version.split()[0]}, best of {given.repeat}\n")
    _print_scans(shapes, given.repeat)
    _print_starts(given.repeat)
    _print_written(shapes[0])


if __name__ == "__main__":
    main()

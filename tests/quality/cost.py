"""What rules cost: hits of the first stage and time of the second by rule, and the time that hostile input takes."""

from __future__ import annotations

import random
import tarfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from imgscan.match.locate import Region
from imgscan.model.values import Where
from imgscan.rules.sample import expand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from imgscan.match.detector import Detector

SHOWN: Final = 10
BLOCK: Final = 4 * 1024 * 1024
"""The size of the windows of a scan."""

ROUNDS: Final = 25
"""Blocks of hostile input: 100 MB."""


@dataclass(slots=True)
class Costs:
    """Sums over many files; by rule: hits of the first stage, seconds of the second."""

    bytes: int = 0
    first_seconds: float = 0
    second_seconds: float = 0
    hits: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def megabytes(self) -> float:
        """Bytes looked at."""
        return self.bytes / 1e6

    @property
    def nanoseconds_per_byte(self) -> float:
        """Both stages together."""
        return (self.first_seconds + self.second_seconds) * 1e9 / self.bytes

    @property
    def first_share(self) -> float:
        """Of the time, what the first stage takes."""
        return self.first_seconds / (self.first_seconds + self.second_seconds)

    def most_expensive(self) -> dict[str, list[tuple[str, float, float]]]:
        """Rules with hits and milliseconds per GB, by each of the two."""
        scale = 1e9 / self.bytes
        rows = [(rule, hits * scale, self.seconds[rule] * scale * 1e3) for rule, hits in self.hits.items()]
        by_hits = sorted(rows, key=lambda row: -row[1])
        by_time = sorted(rows, key=lambda row: -row[2])
        return {"hits of the first stage": by_hits[:SHOWN], "time of the second stage": by_time[:SHOWN]}


def of_rules(detector: Detector, tars: Iterable[Path]) -> Costs:
    """Scan every regular file of some tar archives, rule by rule in the second stage."""
    costs = Costs()
    for name, content in _files(tars):
        _examine(detector, name, content, costs)
    return costs


def _files(tars: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """In pieces of a block, as a scan sees them; a match across two of them does not matter here."""
    for path in tars:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isreg() and (file := archive.extractfile(member)):
                    while block := file.read(BLOCK):
                        yield member.name, block


def _examine(detector: Detector, name: str, content: bytes, costs: Costs) -> None:
    started = time.perf_counter()
    hits = detector.engine.scan(content)
    costs.first_seconds += time.perf_counter() - started
    costs.bytes += len(content)
    by_owner = defaultdict(list)
    for hit in hits:
        by_owner[hit[1]].append(hit)
    region = Region(0, len(content), binary=b"\0" in content[:512])
    for owner, own in by_owner.items():
        rule = detector.rules.rules[owner if owner >= 0 else detector.engine.encoded[~owner][0]].id
        started = time.perf_counter()
        detector.examine(content, region, own, Where.FILE, name)
        seconds = time.perf_counter() - started
        costs.second_seconds += seconds
        costs.hits[rule] += len(own)
        costs.seconds[rule] += seconds


def of_hostile_input(detector: Detector) -> Iterator[tuple[str, Costs]]:
    """What 100 MB of each kind of hostile input cost."""
    for name, block in hostile_blocks().items():
        costs = Costs()
        for _ in range(ROUNDS):
            _examine(detector, name, block, costs)
        yield name, costs


def hostile_blocks() -> dict[str, bytes]:
    """A block of each kind; every one is a single line or nothing but near matches."""
    noise = random.Random(1)
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    tokens = bytes(noise.choices(alphabet, k=1 << 16))
    hexadecimal = noise.randbytes(1 << 15).hex().encode()
    near = b"password = '${X}' api_key=\"$KEY\" token: <token> secret=changeme "
    prefixes = expand("ghp_ sk_live_ AKIA xoxb- glpat- AIza SG. {pem-begin:rsa} eyJ ").encode()
    assigned = b'api_key: "' + tokens[:24] + b'" '
    return {
        "one token character": b"a" * BLOCK,
        "token characters": _repeat(tokens),
        "hexadecimal": _repeat(hexadecimal),
        "base64 line": _repeat(tokens.replace(b"Z", b"+").replace(b"z", b"/")),
        "words and joints": _repeat(b"stripe_api_key_aws_token-"),
        "prefixes": _repeat(prefixes),
        "near matches": _repeat(near),
        "assignments": _repeat(assigned),
        "assignments of nothing": _repeat(b"stripe_key=\n"),
        "addresses": _repeat(b"postgres://a:b@"),
        "quotes": _repeat(b'"\\"password\\":\\"'),
        "spaces": b" " * BLOCK,
        "zeros": bytes(BLOCK),
    }


def _repeat(unit: bytes) -> bytes:
    return (unit * (BLOCK // len(unit) + 1))[:BLOCK]

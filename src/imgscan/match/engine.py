"""The first stage: one hyperscan database of all rules. The only module that imports hyperscan.

Gives hits in no particular order and with repetitions; knows nothing of what lies there. The scan itself runs without
the interpreter lock, so threads scale; each has its own scratch space.
"""

from __future__ import annotations

import hashlib
import platform
import threading
from importlib import metadata
from typing import TYPE_CHECKING, Final

import hyperscan

from imgscan.errors import RuleError
from imgscan.match import anchors
from imgscan.match.anchors import Anchor
from imgscan.rules import cache

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from imgscan.match.encoded import Form
    from imgscan.rules.load import RuleSet

Hit = tuple[int, int]
"""End offset of a first-stage match and index of its rule, or ``~index`` of its base64 form."""

CPU_FLAGS_FILE: Final = "/proc/cpuinfo"


class Engine:
    """Compiled rules, ready to scan from any number of threads.

    ``chosen`` narrows it to some rules of the set, by index; ``forms`` are looked for as well.
    """

    def __init__(
        self,
        rules: RuleSet,
        *,
        chosen: Collection[int] | None = None,
        forms: Sequence[Form] = (),
        use_cache: bool = True,
    ) -> None:
        self._local = threading.local()
        indexes = range(len(rules.rules)) if chosen is None else chosen
        derived = [(index, anchor) for index in indexes for anchor in anchors.derive(rules.rules[index])]
        derived += [(~number, Anchor(form.expression, caseless=False)) for number, form in enumerate(forms)]
        self._owners = [index for index, _ in derived]
        self._database = _database([anchor for _, anchor in derived], use_cache=use_cache) if derived else None

    def scan(self, data: bytes | bytearray | memoryview) -> list[Hit]:
        """Every place where a rule may match in ``data``."""
        hits: list[Hit] = []
        if self._database is None or not len(data):
            return hits
        owners, append = self._owners, hits.append

        def on_match(expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            append((end, owners[expression]))

        self._database.scan(data, match_event_handler=on_match, scratch=self._scratch())  # type: ignore[type-var]  # any buffer will do
        return hits

    def _scratch(self) -> hyperscan.Scratch:
        scratch: hyperscan.Scratch | None = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        return scratch


def _database(derived: list[Anchor], *, use_cache: bool) -> hyperscan.Database:
    """Load the compiled database from the cache, or compile it."""
    entry = f"database-{_key(derived)}.hs"
    if use_cache and (stored := cache.read(entry)) is not None:
        try:
            return hyperscan.loadb(stored, hyperscan.HS_MODE_BLOCK)
        except hyperscan.HyperscanError:
            pass  # of another build of the library: compiled anew below
    database = _compile(derived)
    if use_cache:
        cache.write(entry, hyperscan.dumpb(database))
    return database


def _compile(derived: list[Anchor]) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=[anchor.expression for anchor in derived],
            ids=list(range(len(derived))),
            elements=len(derived),
            flags=[_flags(anchor) for anchor in derived],
        )
    except hyperscan.HyperscanError as error:
        raise RuleError(
            f"hyperscan refuses a pattern: {error}", hint="`imgscan rules check` finds out which rule it is"
        ) from None
    return database


def _flags(anchor: Anchor) -> int:
    flags: int = hyperscan.HS_FLAG_DOTALL
    if anchor.caseless:
        flags |= hyperscan.HS_FLAG_CASELESS
    if not anchor.exact:
        flags |= hyperscan.HS_FLAG_PREFILTER
    return flags


def _key(derived: list[Anchor]) -> str:
    """A database fits the expressions, the library and the features of the processor it was compiled for."""
    about = [metadata.version("hyperscan"), platform.machine(), _cpu_flags(), *map(repr, derived)]
    return hashlib.sha256("\0".join(about).encode()).hexdigest()[:32]


def _cpu_flags() -> str:
    try:
        with open(CPU_FLAGS_FILE, encoding="ascii", errors="replace") as file:  # noqa: PTH123 - a file of the kernel
            return next((line for line in file if line.startswith(("flags", "Features"))), "")
    except OSError:
        return platform.processor()

"""The first stage: one hyperscan database of all rules. The only module that imports hyperscan.

Gives hits in no particular order and with repetitions; knows nothing of what lies there. The scan itself runs without
the interpreter lock, so threads scale; each has its own scratch space.
"""

from __future__ import annotations

import hashlib
import platform
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import hyperscan
import msgspec

from imgscan._version import __version__
from imgscan.errors import RuleError
from imgscan.match import anchors, encoded
from imgscan.match.anchors import Anchor
from imgscan.match.encoded import Form
from imgscan.rules import cache

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from imgscan.rules.load import RuleSet

Hit = tuple[int, int]
"""End offset of a first-stage match and index of its rule, or ``~index`` of its base64 form in ``Engine.encoded``."""

FORMAT: Final = "7"
"""Goes into the name of every cached engine; to be raised when ``anchors`` or ``encoded`` derive other expressions."""

CONTEXTUAL_APART: Final = 78
"""Percent of contextual expressions that have a database of their own: with those both halves take equally long."""

TOGETHER: Final = 6
"""Keywords in one expression, of rules whose values begin alike: a fifth less to compile, and as fast as each alone."""

EVERY_BYTE: Final = rb"\xfe\xff"
"""A literal of two bytes, whose matches are not reported.

Without one that short, hyperscan's matcher of literals looks at every other byte only, and is fooled by texts so often
that it takes 1.6 times as long with our thousands of literals.
"""

CPU_FLAGS_FILE: Final = "/proc/cpuinfo"


Owned = tuple[list[int], Anchor]
"""An expression with its owners."""


class _Compiled(msgspec.Struct, frozen=True, array_like=True):
    """What an engine is made of: base64 forms with their rules, and databases with the owners of each expression."""

    owners: list[list[list[int]]]
    encoded: list[tuple[int, Form]]
    databases: list[bytes]


class Engine:
    """Compiled rules, ready to scan from any number of threads.

    ``chosen`` narrows it to some rules of the set, by index. There are two databases: on two cores they are compiled in
    half the time, and they scan as fast as one.
    """

    def __init__(self, rules: RuleSet, *, chosen: Sequence[int] | None = None, use_cache: bool = True) -> None:
        self._local = threading.local()
        indexes = range(len(rules.rules)) if chosen is None else chosen
        compiled, self.databases = _load(rules, indexes, use_cache=use_cache)
        self._owners = compiled.owners
        self.encoded = compiled.encoded

    def scan(self, data: bytes | bytearray | memoryview) -> list[Hit]:
        """Every place where a rule may match in ``data``."""
        hits: list[Hit] = []
        if not len(data):
            return hits
        for database, owners, scratch in zip(self.databases, self._owners, self._scratches(), strict=True):

            def on_match(
                expression: int, _start: int, end: int, _flags: int, _context: object, owners: list[list[int]] = owners
            ) -> None:
                for owner in owners[expression]:
                    hits.append((end, owner))  # noqa: PERF401 - one owner, as a rule

            database.scan(data, match_event_handler=on_match, scratch=scratch)  # type: ignore[type-var]  # any buffer will do
        return hits

    def _scratches(self) -> list[hyperscan.Scratch]:
        scratches: list[hyperscan.Scratch] | None = getattr(self._local, "scratches", None)
        if scratches is None:
            scratches = self._local.scratches = [hyperscan.Scratch(database) for database in self.databases]
        return scratches


def _load(rules: RuleSet, indexes: Sequence[int], *, use_cache: bool) -> tuple[_Compiled, list[hyperscan.Database]]:
    """An engine from the cache, or compiled anew."""
    entry = f"database-{_key(rules, indexes)}.hs"
    if use_cache and (stored := cache.read(entry)) is not None:
        try:
            compiled = msgspec.msgpack.decode(stored, type=_Compiled)
            return compiled, [hyperscan.loadb(database, hyperscan.HS_MODE_BLOCK) for database in compiled.databases]
        except (msgspec.MsgspecError, hyperscan.HyperscanError):
            pass  # of another build of the library: compiled anew below
    compiled, databases = _compile_all(rules, indexes)
    if use_cache:
        cache.write(entry, msgspec.msgpack.encode(compiled))
    return compiled, databases


def _compile_all(rules: RuleSet, indexes: Sequence[int]) -> tuple[_Compiled, list[hyperscan.Database]]:
    alone: list[int] = []
    alike: dict[bytes, list[int]] = defaultdict(list)
    for index in indexes:
        beginning = anchors.beginning(rules.rules[index])
        (alone if beginning is None else alike[beginning]).append(index)
    contextual = list(_contextual(rules, alike))
    cut = len(contextual) * CONTEXTUAL_APART // 100
    with ThreadPoolExecutor() as pool:  # compiling runs without the interpreter lock
        apart = contextual[:cut]
        first = pool.submit(_compile, apart)  # while the others are derived
        forms = [(index, form) for index in indexes for form in encoded.forms_of(rules.rules[index])]
        others = [*contextual[cut:], *_others(rules, alone, forms)]
        second = pool.submit(_compile, others)
        parts = [(part, compiling.result()) for part, compiling in ((apart, first), (others, second)) if part]
    owners = [[owner for owner, _ in part] for part, _ in parts]
    databases = [database for _, database in parts]
    return _Compiled(owners, forms, [hyperscan.dumpb(database) for database in databases]), databases


def _contextual(rules: RuleSet, alike: Mapping[bytes, Sequence[int]]) -> Iterator[Owned]:
    """Expressions of contextual rules, by how their values begin."""
    for beginning, of_these in alike.items():
        for group in _groups(rules, of_these):
            keywords = [word for index in group for word in rules.rules[index].keywords]
            yield group, anchors.behind(keywords, beginning)


def _others(rules: RuleSet, indexes: Iterable[int], forms: Iterable[tuple[int, Form]]) -> Iterator[Owned]:
    """Expressions of single rules, and base64 forms."""
    for index in indexes:
        yield [index], anchors.derive(rules.rules[index])
    for number, (_, form) in enumerate(forms):
        yield [~number], Anchor(form.expression, caseless=False)


def _groups(rules: RuleSet, indexes: Sequence[int]) -> Iterator[list[int]]:
    """Rules that share an expression."""
    group: list[int] = []
    words = 0
    for index in indexes:
        count = len(rules.rules[index].keywords)
        if group and words + count > TOGETHER:
            yield group
            group, words = [], 0
        group.append(index)
        words += count
    yield group


def _compile(part: Sequence[Owned]) -> hyperscan.Database:
    derived = [anchor for _, anchor in part]
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=[*(anchor.expression for anchor in derived), EVERY_BYTE],
            ids=list(range(len(derived) + 1)),
            elements=len(derived) + 1,
            flags=[*map(_flags, derived), hyperscan.HS_FLAG_QUIET],
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


def _key(rules: RuleSet, indexes: Sequence[int]) -> str:
    """An engine fits the rules, the release, the library and the features of the processor it was compiled for."""
    chosen = hashlib.sha256(repr(list(indexes)).encode()).hexdigest()
    library = hyperscan.__version__  # type: ignore[attr-defined]  # its stub leaves it out
    about = (FORMAT, __version__, rules.fingerprint, chosen, library, platform.machine(), _cpu_flags())
    return hashlib.sha256("\0".join(about).encode()).hexdigest()[:32]


def _cpu_flags() -> str:
    try:
        with open(CPU_FLAGS_FILE, encoding="ascii", errors="replace") as file:  # noqa: PTH123 - a file of the kernel
            return next((line for line in file if line.startswith(("flags", "Features"))), "")
    except OSError:
        return platform.processor()

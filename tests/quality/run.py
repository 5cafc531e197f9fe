"""Measure what the rules find: ``nox -s quality``.

run.py                    recall and precision on the corpus, and what was confused, missed and falsely flagged
run.py --all              the same with every provider and every case
run.py --trees            scan the clean trees, list every finding; builds the trees first
run.py --cost             the most expensive rules on the clean trees, and hostile input
"""

# ruff: noqa: T201 - a script that prints

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from imgscan.match.detector import Detector
from imgscan.rules.load import load
from tests.quality import cost, measure, texts, trees

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.quality.measure import Measurement, Tally

FEW: Final = 25
"""Rows of a list that is not asked for in full."""

FEW_WINNERS: Final = 3

MOST_TIMES: Final = 3
"""What hostile input may cost, as a multiple of ordinary bytes (issue 3)."""


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--all", "--trees", "--cost"):
        parser.add_argument(option, action="store_true")
    asked = parser.parse_args(arguments)
    if asked.trees:
        print_trees()
    if asked.cost:
        print_cost()
    if not asked.trees and not asked.cost:
        print_corpus(None if asked.all else FEW)
    return 0


def print_corpus(limit: int | None) -> None:
    """The tables of the corpus."""
    detector = Detector(load())
    found = measure.Measurement(detector, texts.corpus(detector))
    _print_tallies("part of the corpus", sorted(found.by_source().items()), found.total())
    _print_tallies("format", list(measure.worst(found.by_format())))
    providers = list(measure.worst(found.by_provider()))
    _print_tallies(f"provider (of {len(providers)})", providers[:limit])
    _print_confusions(found, limit)
    _print_missed(found, limit)
    _print_alarms(found, limit)


def _print_tallies(title: str, rows: Sequence[tuple[str, Tally]], total: Tally | None = None) -> None:
    print(f"\n{title:36} texts  secrets   found  named  alarms   recall precision")
    for name, tally in [*rows, *([("all", total)] if total else [])]:
        shares = f"{tally.recall:8.1%} {tally.precision:9.1%}" if tally.secrets else f"{'-':>8} {'-':>9}"
        counts = f"{tally.texts or '':>5} {tally.secrets:8} {tally.found:7} {tally.named:6} {tally.alarms:7}"
        print(f"{name[:36]:36} {counts} {shares}")


def _print_confusions(found: Measurement, limit: int | None) -> None:
    print("\nsecrets that the rule of another provider found")
    print("  times  secret                           of                 won by")
    for (subject, owner), winners in list(found.confused().items())[:limit]:
        won = ", ".join(f"{rule} {count}" for rule, count in winners.most_common(FEW_WINNERS))
        print(f"  {winners.total():5}  {subject[:32]:32} {owner[:18]:18} {won}")


def _print_missed(found: Measurement, limit: int | None) -> None:
    by_subject: dict[tuple[str, str], list[str]] = defaultdict(list)
    for source, subject, form in found.missed():
        by_subject[source, subject].append(form)
    rows = sorted(by_subject.items(), key=lambda item: (-len(item[1]), item[0]))
    print("\nsecrets that nothing found\n  formats  part         secret")
    for (source, subject), forms in rows[:limit]:
        print(f"  {len(forms):7}  {source:12} {subject[:40]:40} {'; '.join(sorted(forms))[:120]}")


def _print_alarms(found: Measurement, limit: int | None) -> None:
    print("\nfalse alarms\n  times  rule                             for example")
    for rule, cases in list(found.alarms().items())[:limit]:
        text, match = cases[0]
        subjects = ", ".join(sorted({case.subject for case, _ in cases}))
        print(f"  {len(cases):5}  {rule[:32]:32} {text.format}: {match.snippet[:80]!r} ({subjects[:100]})")


def print_trees() -> None:
    """Every finding in the clean trees, surest first."""
    findings, size_bytes, seconds = trees.scan()
    for finding in findings:
        print(
            f"{finding.confidence:6} {finding.rule:32} {finding.place}:{finding.line or '-'}  {finding.snippet[:100]!r}"
        )
    high = sum(finding.confidence == "high" for finding in findings)
    size = size_bytes / 1e9
    print(f"\n{len(findings)} findings, {high} of confidence high, in {size:.2f} GB: {len(findings) / size:.1f} per GB")
    print(f"scanned in {seconds:.1f} s")


def print_cost() -> None:
    """What each rule costs on the clean trees, and how hostile input compares with ordinary bytes."""
    detector = Detector(load())
    ordinary = cost.of_rules(detector, trees.tars().values())
    speed = ordinary.megabytes / ordinary.first_seconds
    print(f"{ordinary.megabytes:.0f} MB: stage 1 {speed:.0f} MB/s, stage 2 {1 - ordinary.first_share:.1%} of the time")
    for order, rows in ordinary.most_expensive().items():
        print(f"\nby {order}\n  hits per GB  ms per GB  rule")
        for rule, hits, milliseconds in rows:
            print(f"  {hits:11.0f} {milliseconds:10.1f}  {rule}")
    print("\nhostile input            ns per byte  times ordinary  stage 1  most of stage 2")
    for name, costs in cost.of_hostile_input(detector):
        times = costs.nanoseconds_per_byte / ordinary.nanoseconds_per_byte
        rules = sorted(costs.seconds, key=lambda rule: -costs.seconds[rule])[:FEW_WINNERS]
        print(
            f"  {name:22} {costs.nanoseconds_per_byte:12.2f} {times:14.1f}{'!' if times > MOST_TIMES else ' '}"
            f" {costs.first_share:8.0%}  {', '.join(rules)}",
            flush=True,
        )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

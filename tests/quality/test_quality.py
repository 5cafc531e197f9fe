"""A sample of the corpus: what the rules find must not get worse. ``nox -s quality`` prints the whole of it."""

from __future__ import annotations

from itertools import islice

import pytest

from imgscan.match.detector import Detector
from imgscan.rules.load import load
from tests.quality import texts
from tests.quality.measure import OWN, Measurement

EVERY = 83
"""No divisor of the number of formats, so that every format meets many secrets."""


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(load())


@pytest.fixture(scope="module")
def measurement(detector: Detector) -> Measurement:
    return Measurement(detector, islice(texts.corpus(detector), 0, None, EVERY))


@pytest.mark.parametrize(("source", "floor"), [(OWN, 0.995), ("credentials", 0.94)])
def test_secrets_are_found(measurement: Measurement, source: str, floor: float) -> None:
    assert measurement.by_source()[source].recall >= floor, measurement.missed().most_common(20)


def test_nine_of_ten_secrets_in_whole_files_are_found(detector: Detector) -> None:
    whole = Measurement(detector, texts.of_files())
    assert whole.total().recall >= 0.9, whole.missed()


def test_secrets_of_a_known_owner_are_called_by_the_name_of_the_owner(measurement: Measurement) -> None:
    tallies = [tally for provider, tally in measurement.by_provider().items() if provider != "generic"]
    assert sum(tally.named for tally in tallies) >= 0.98 * sum(tally.found for tally in tallies)


@pytest.mark.parametrize("source", ["placeholders", "innocent", "expressions"])
def test_hardly_anything_else_is_flagged(measurement: Measurement, source: str) -> None:
    tally = measurement.by_source()[source]
    assert tally.alarms <= 0.01 * tally.texts, {rule: cases[0] for rule, cases in measurement.alarms().items()}


def test_nothing_is_flagged_in_files_without_secrets(detector: Detector) -> None:
    harmless = Measurement(detector, texts.harmless())
    assert not harmless.alarms()


def test_every_format_says_the_same_name_in_every_spelling() -> None:
    assert {form.name for form in texts.formats() if "{VALUE}" not in form.text} == set()
    assert len({form.name for form in texts.formats()}) == len(texts.formats())


def test_marks_become_ranges_and_joints_vanish() -> None:
    file = texts.WholeFile("x", "x", "a ⟦bc⟧ d¦e ⟦{hex:4}⟧", providers=("one", "two"))
    text = texts._whole("files", file)
    assert text.content[:8] == b"a bc de "
    assert [(one.start, one.end, one.provider) for one in text.wanted] == [(2, 4, "one"), (8, 12, "two")]

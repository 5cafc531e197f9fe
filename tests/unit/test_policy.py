"""The gate: what counts, what fails, and in which order reasons win."""

from __future__ import annotations

import pytest

from imgscan.findings.policy import judge
from imgscan.model.values import Severity
from tests.support import reports as sample

HIGH = sample.config_finding()
CRITICAL = sample.finding()
INCOMPLETE = (sample.notice(),)


def test_nothing_found_and_everything_looked_at_passes():
    summary, verdict = judge([sample.image()], fail_on=Severity.INFO, unique_secrets=0, allow_incomplete=False)
    assert (verdict.passed, verdict.exit_code, verdict.reasons) == (True, 0, ())
    assert summary.findings == summary.unique_secrets == 0
    assert summary.by_severity == dict.fromkeys(Severity, 0)


@pytest.mark.parametrize(
    ("fail_on", "code"), [(Severity.CRITICAL, 0), (Severity.HIGH, 1), (Severity.INFO, 1), (None, 0)]
)
def test_a_finding_fails_at_its_severity_and_milder_ones(fail_on, code):
    _, verdict = judge([sample.image(HIGH)], fail_on=fail_on, unique_secrets=0, allow_incomplete=False)
    assert verdict.exit_code == code
    assert verdict.passed is (code == 0)


def test_suppressed_findings_are_counted_apart_and_do_not_fail():
    summary, verdict = judge(
        [sample.image(sample.suppressed())], fail_on=Severity.INFO, unique_secrets=0, allow_incomplete=False
    )
    assert verdict.passed
    assert (summary.findings, summary.suppressed, summary.by_severity[Severity.CRITICAL]) == (0, 1, 0)


def test_an_incomplete_scan_is_never_clean():
    _, verdict = judge([sample.image(notices=INCOMPLETE)], fail_on=None, unique_secrets=0, allow_incomplete=False)
    assert (verdict.passed, verdict.exit_code) == (False, 3)
    assert "myimage:tag was not looked at completely" in verdict.reasons


def test_an_incomplete_scan_passes_when_that_is_allowed():
    _, verdict = judge(
        [sample.image(notices=INCOMPLETE)], fail_on=Severity.LOW, unique_secrets=0, allow_incomplete=True
    )
    assert (verdict.passed, verdict.exit_code, verdict.reasons) == (True, 0, ())


def test_an_image_that_could_not_be_had_never_passes():
    _, verdict = judge([sample.image(), sample.unavailable()], fail_on=None, unique_secrets=0, allow_incomplete=True)
    assert (verdict.exit_code, verdict.reasons) == (3, ("absent:1 could not be scanned",))


def test_findings_beat_incompleteness_and_both_are_named():
    _, verdict = judge(
        [sample.image(CRITICAL, notices=INCOMPLETE)], fail_on=Severity.LOW, unique_secrets=0, allow_incomplete=False
    )
    assert verdict.exit_code == 1
    assert len(verdict.reasons) == 2


def test_reasons_tell_how_many_of_which_severity():
    _, verdict = judge(
        [sample.image(CRITICAL, HIGH), sample.image(HIGH)],
        fail_on=Severity.HIGH,
        unique_secrets=0,
        allow_incomplete=False,
    )
    assert verdict.reasons == ("3 findings (1 critical, 2 high) at high or above",)


def test_unique_secrets_are_those_the_scan_counted():
    summary, _ = judge([sample.image(CRITICAL, HIGH)], unique_secrets=1, fail_on=None, allow_incomplete=False)
    assert (summary.findings, summary.unique_secrets) == (2, 1)

"""The text report: order, words, redaction, and nothing that a terminal would obey."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from imgscan.model import report as r
from imgscan.model.values import Confidence, EventKind, LayerStatus, Severity, State, Where
from imgscan.report import Look, renderer
from imgscan.report.escape import HIDDEN, printable
from imgscan.report.text import FEW_NOTICES, MAX_NOTICES
from imgscan.report.wording import size
from tests.support import reports as sample

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def text(report: r.Report, **look: Any) -> str:
    return renderer("text")(report, Look(**look)).decode()


def of(*findings: r.Finding, **changes: Any) -> str:
    return text(sample.report(sample.image(*findings, **changes)))


def test_findings_stand_under_their_instruction_in_the_order_of_the_dockerfile():
    shown = text(sample.everything())
    headings = re.findall(r"^(step \d/6|layer \d/5|image configuration)", shown, re.MULTILINE)
    assert headings == ["step 1/6", "step 2/6", "step 3/6", "layer 2/5", "image configuration"]


def test_an_instruction_is_named_with_its_lines_and_its_layer():
    shown = of(sample.finding())
    assert "step 3/6  COPY .env /app/\n  Dockerfile:2, layer 2/5 sha256:000000000000\n" in shown


def test_an_instruction_of_uncertain_place_says_so():
    steps = tuple(
        r.Instruction(i, "RUN", "RUN x", None, None, "history", exact=False, dockerfile=None) for i in range(3)
    )
    assert "no layer of its own, its place among the layers is not certain" in of(sample.finding(), instructions=steps)


def test_worse_findings_come_first_within_an_instruction():
    mild = sample.finding(severity=Severity.LOW, path="/a")
    assert of(mild, sample.finding()).index("CRITICAL") < of(mild, sample.finding()).index("LOW")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "/app/.env:3:18"),
        ({"chain": ("in.zip", "x.py")}, "/app/.env > in.zip > x.py:3:18"),
        ({"decoded": ("base64", "gzip")}, "/app/.env:3:18 (base64, gzip decoded)"),
        ({"line": None, "column": None, "offset": 4096}, "/app/.env at byte 4,096"),
        (
            {"state": State.DELETED},
            "deleted in step 5, still in layer 2/5 sha256:000000000000 for whoever can pull the image",
        ),
        ({"story": (r.Event(EventKind.DELETED, 3, None),)}, "deleted in layer 4/5 sha256:000000000000, still in"),
        ({"story": ()}, "deleted, still in layer 2/5"),
        ({"state": State.OVERWRITTEN, "story": (r.Event(EventKind.CHANGED, 4, 5),)}, "overwritten in step 6, still in"),
        ({"state": State.PRESENT}, "visible at run time"),
        ({"state": State.CONFIG, "where": Where.ENV}, "visible at run time"),
        ({"state": State.CONFIG, "where": Where.ARG}, "kept in the build history"),
        ({"state": State.CONFIG, "where": Where.ATTESTATION}, "kept in a build attestation"),
        ({"state": State.CONFIG, "where": Where.LABEL}, "visible to whoever can pull the image"),
        ({"confidence": Confidence.MEDIUM}, "confidence medium"),
        ({"base": True}, "from the base image"),
        ({"owner": r.Owner("apk", "curl", unmodified=False)}, "installed by apk package curl, modified since"),
        ({}, "CRITICAL  Pinecone API key [pinecone-api-key]\n"),
        ({}, "→ revoke the key"),
        ({}, "https://app.pinecone.io/"),
        ({"snippet": "a\nkey = pcsk_…;\nb"}, "\n    key = pcsk_…;\n"),
        ({"snippet": ""}, "\n    pcsk_…\n"),
        ({"secret": r.SecretInfo("pcsk_…", 9, "the value")}, "\n    the value\n"),
    ],
)
def test_a_finding_is_told_in_words(changes, words):
    assert words in of(sample.finding(**changes))


def test_a_place_that_nobody_saw_deleted_is_no_certain_one_if_a_later_layer_was_not_read():
    present = sample.finding(state=State.PRESENT)
    layers = [
        replace(layer, status=LayerStatus.ABSENT if layer.index == 3 else layer.status) for layer in sample.layers()
    ]
    whole = text(sample.report(sample.image(present)))
    assert "visible at run time, in the final file system" in whole
    shown = text(sample.report(sample.image(present, layers=tuple(layers))))
    assert "for whoever can pull the image; a later layer that was not read may delete it" in shown
    lost = sample.notice(code="no-manifest")
    assert "the order of layers is not known" in text(sample.report(sample.image(present, notices=(lost,))))


def test_a_field_of_the_config_is_named_by_its_key_without_a_line():
    assert "\n    config.Env[GITHUB_TOKEN]\n    GITHUB_TOKEN=ghp_…\n" in of(sample.config_finding())


def test_advice_is_given_once_for_each_instruction():
    assert of(sample.finding(), sample.finding(path="/app/b")).count("→ revoke") == 1
    assert of(sample.finding(), sample.finding(instruction=None)).count("→ revoke") == 2


def test_a_long_line_of_code_is_cut_around_the_secret():
    shown = of(sample.finding(snippet="x" * 500 + "pcsk_…" + "y" * 500))
    (line,) = [line for line in shown.splitlines() if "pcsk_" in line]
    assert re.fullmatch(r"    …x+pcsk_…y+…", line)


def test_a_long_instruction_is_cut_unless_everything_is_wanted():
    steps = (*sample.instructions()[:2], r.Instruction(2, "RUN", "RUN " + "z" * 999, None, 1, "history", True, None))
    report = sample.report(sample.image(sample.finding(), instructions=steps))
    assert "z" * 300 not in text(report)
    assert "z" * 999 in text(report, verbose=True)


def test_an_instruction_over_several_lines_is_told_without_the_blanks_of_its_indentation():
    steps = (*sample.instructions()[:2], r.Instruction(2, "RUN", "RUN a &&     b\t\tc", None, 1, "history", True, None))
    assert "step 3/3  RUN a && b c\n" in of(sample.finding(), instructions=steps)


def test_what_to_do_next_is_a_command_and_the_number_of_secrets_not_of_places():
    same = sample.finding(), sample.finding(path="/other")
    shown = of(*same)
    assert "\n1 secret to replace; how, step by step: imgscan explain pinecone-api-key\ngate: failed" in shown
    shown = of(sample.config_finding(), *same)
    assert "2 secrets to replace; how, step by step: imgscan explain pinecone-api-key, or another rule in" in shown
    assert "imgscan explain" not in of(sample.suppressed())


def test_the_summary_tells_what_was_found_where_and_what_was_looked_at():
    shown = of(sample.finding(), sample.config_finding())
    assert (
        "2 secrets (1 critical, 1 high) in 1 layer and the configuration of myimage:tag; "
        "scanned 5 layers, 1,234 files, 80 MB\n" in shown
    )
    assert shown.endswith("\ngate: failed, 2 findings (1 critical, 1 high) at low or above\n")


def test_a_gate_that_is_passed_all_the_same_says_so():
    shown = text(sample.report(sample.image(sample.finding()), fail_on=None))
    assert shown.endswith("\ngate: passed, what was found does not fail it\n")


def test_a_clean_answer_says_what_was_looked_at():
    assert of().endswith("\nno secrets in myimage:tag; scanned 5 layers, 1,234 files, 80 MB\n\ngate: passed\n")


def test_an_incomplete_scan_without_findings_does_not_read_as_clean():
    shown = of(notices=(sample.notice(),))
    assert "not looked at, so this scan is incomplete\n  layer 3: gzip data ends early [unreadable-layer]" in shown
    assert "no secrets in myimage:tag as far as it was read; INCOMPLETE: scanned 4 of 5 layers, 988 of" in shown
    assert "gate: failed, myimage:tag was not looked at completely" in shown


def test_an_incomplete_scan_that_is_allowed_still_says_so():
    image = sample.image(notices=(sample.notice(),))
    assert "INCOMPLETE" in text(sample.report(image, allow_incomplete=True))


def test_harmless_notices_are_listed_if_few_and_else_on_demand():
    notice = sample.notice(incomplete=False, message="no history")
    few, many = (sample.report(sample.image(notices=(notice,) * number)) for number in (FEW_NOTICES, FEW_NOTICES + 1))
    assert text(few).count("no history") == FEW_NOTICES
    assert "-v shows" not in text(few)
    assert "4 further notices (-v shows them)" in text(many)
    assert "no history" not in text(many)
    assert text(many, verbose=True).count("no history") == FEW_NOTICES + 1


def test_a_flood_of_notices_is_cut_with_its_number():
    report = sample.report(sample.image(notices=(sample.notice(),) * (MAX_NOTICES + 1234)))
    assert text(report).count("gzip data") == MAX_NOTICES
    assert "and 1,234 more (-v shows them)" in text(report)
    assert text(report, verbose=True).count("gzip data") == MAX_NOTICES + 1234


def test_suppressed_findings_are_counted_and_listed_on_demand():
    report = sample.report(sample.image(sample.suppressed()))
    assert "no secrets in myimage:tag" in text(report)
    assert "1 further finding suppressed; -v shows them" in text(report)
    assert "/app/.env" not in text(report)
    assert "does not count (owner: as the package installed it)" in text(report, verbose=True)


def test_several_images_are_told_apart_and_summed_up():
    shown = text(sample.report(sample.image(sample.finding()), sample.image(reference="other:1")))
    assert "no secrets in other:1" in shown
    assert "\n1 secret (1 critical) in 2 images\n" in shown


def test_an_image_that_could_not_be_had_is_not_called_clean():
    shown = text(sample.report(sample.image(), sample.unavailable()))
    assert "absent:1\n  could not be scanned: no engine and no registry has it\n" in shown
    assert "no secrets in absent" not in shown
    assert "\nno secrets in 1 of 2 images\n" in shown
    shown = text(sample.report(sample.unavailable("a"), sample.unavailable("b")))
    assert "\nnone of 2 images could be scanned\n" in shown
    assert "no secrets" not in shown


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(width):
    path = "/" + "/".join(["very-long-directory-name"] * 20) + "/日本語.env"
    shown = text(sample.report(sample.image(sample.finding(path=path))), width=width)
    assert max(cell_len(line) for line in shown.splitlines() if "https://" not in line) <= width
    assert path in shown.replace("\n", "").replace(" ", "")


def test_links_are_never_broken_and_advice_hangs_under_its_arrow():
    advice = r.Remediation("revoke it at https://provider.example/a-page/with-a-long/name, and rebuild", None, None)
    shown = text(sample.report(sample.image(sample.finding(remediation=advice))), width=30)
    assert "    → revoke it at\n      https://provider.example/a-page/with-a-long/name,\n      and rebuild\n" in shown


def test_without_a_width_no_line_is_broken():
    path = "/" + "x" * 5000
    assert f"\n    {path}:3:18\n" in of(sample.finding(path=path))


def test_no_line_ends_with_a_space():
    assert not re.search(r" $", text(sample.everything(), width=40, verbose=True), re.MULTILINE)


def test_colour_changes_nothing_but_colour():
    report = sample.everything()
    assert "\x1b[" not in text(report, width=80)
    coloured = text(report, width=80, color=True)
    assert "\x1b[" in coloured
    assert ANSI.sub("", coloured) == text(report, width=80)


def test_the_environment_does_not_change_the_look(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    assert "\x1b[" in text(sample.everything(), color=True)


HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\n[bold]\u202egnp.exe\u2066\x9b1m\u200b\udcff"


def test_nothing_out_of_an_image_reaches_the_terminal_raw():
    steps = tuple(
        r.Instruction(i, "RUN", HOSTILE, None, 1, "history", True, r.DockerfileLines(HOSTILE, 1, 2)) for i in range(3)
    )
    image = sample.image(
        sample.finding(
            path=HOSTILE,
            chain=(HOSTILE,),
            decoded=(HOSTILE,),
            snippet=HOSTILE + "pcsk_…",
            rule=r.RuleInfo("x", HOSTILE, "x"),
            owner=r.Owner(HOSTILE, HOSTILE, unmodified=True),
            remediation=r.Remediation(HOSTILE, None, HOSTILE),
        ),
        sample.suppressed(suppressed=r.Suppressed("ignore", HOSTILE, HOSTILE)),
        sample.config_finding(key=HOSTILE, secret=r.SecretInfo("ghp_…", 40, HOSTILE), instruction=None),
        reference=HOSTILE,
        source=HOSTILE,
        platform=HOSTILE,
        manifest_digest=HOSTILE,
        base=r.Base(HOSTILE, 1, "label"),
        instructions=steps,
        notices=(sample.notice(code=HOSTILE, where=HOSTILE, message=HOSTILE),),
    )
    shown = text(sample.report(image), verbose=True)
    assert set(shown) & set("\x1b\x07\r\u202e\u2066\x9b\u200b\udcff") == set()
    assert "[bold]" in shown


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("plain text", "plain text"),
        ("日本 é 😀", "日本 é 😀"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\tb\nc\x00", r"a\tb\nc\x00"),
        ("\u202e\u2066\ufeff\u2028", r"\u202e\u2066\ufeff\u2028"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_does_not_print_as_itself_is_spelled_out(raw, safe):
    assert printable(raw) == safe


@given(st.text())
def test_whatever_a_name_is_it_prints_on_one_line_in_one_direction(name):
    assert all(unicodedata.category(char) not in HIDDEN for char in printable(name))


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (80_200_000, "80 MB"), (4 * 10**15, "4000 TB")],
)
def test_sizes_are_short(number, words):
    assert size(number) == words

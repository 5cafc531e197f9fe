"""Why rules find something or nothing: stages, keywords, filters, exceptions, precedence - and no secret anywhere."""

from __future__ import annotations

import base64

import msgspec
import pytest

from imgscan.model.values import Confidence, Where
from imgscan.rules.load import RuleSet
from imgscan.rules.schema import Allow
from imgscan.scan.explain import MAX_TOLD, explain
from tests.support.layers import NEAR, TOKEN

SECRET = "tok_abcdefgh01234567"


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGSCAN_CACHE_DIR", str(tmp_path))


def told(text, *rules, wanted=(), name="input"):
    data = text if isinstance(text, bytes) else text.encode()
    lines = [f"{one.rule_id}: {line}" for one in explain(data, RuleSet.of(rules), wanted, name) for line in one.lines]
    assert SECRET not in "".join(lines)
    return lines


def changed(rule, **changes):
    return msgspec.structs.replace(rule, **changes)


def test_what_is_found_says_where_each_stage_saw_it():
    assert told(f"a\nkey = {SECRET}\n", TOKEN, NEAR) == [
        "token: stage 1: saw what is distinctive, ending at 2:27",
        "token: stage 2: matches at 2:7 (tok_…, 20 bytes): found",
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"filters": ("min-length:2", "entropy:5")}, "rejected by the filter entropy:5"),
        ({"keywords": ("acme",)}, "no keyword is near"),
        ({"allow": (Allow(stopwords=("abcd",), reason="test"),)}, "allowed by stopword (test)"),
        ({"allow": (Allow(regexes=("^tok",), paths=("a$",), condition="all"),)}, "allowed by path and secret regex"),
        ({"allow": (Allow(regexes=("key",), target="line"),)}, "allowed by line regex"),
    ],
)
def test_what_speaks_against_a_match_is_told(changes, reason):
    lines = told(f"key = {SECRET}", changed(TOKEN, **changes), name="/x/a")
    assert lines[1] == f"token: stage 2: matches at 1:7 (tok_…, 20 bytes): {reason}"


def test_a_match_that_gives_way_names_the_winner():
    weak = changed(TOKEN, id="weak", confidence=Confidence.LOW)
    assert told(SECRET, TOKEN, weak, wanted=["weak"])[1].endswith(": gives way to token at 1:1")


def test_a_hit_without_a_match_is_told():
    loose = changed(TOKEN, anchor="tok_")
    assert told("tok_short", loose)[1] == "token: stage 2: the pattern does not match within 256 bytes of there"


def test_a_rule_that_was_not_seen_is_told_only_if_asked_for():
    assert told("nothing", TOKEN) == []
    assert told("nothing", TOKEN, wanted=["token"]) == [
        "token: stage 1: saw nothing",
        "token: stage 2: the pattern does not match anywhere",
    ]


def test_a_rule_for_texts_is_not_tried_in_binary_ones():
    rule = changed(TOKEN, texts_only=True)
    assert told(f"\0 {SECRET}", rule, wanted=["token"]) == [
        "token: not tried: it is for texts only, and this is binary"
    ]


def test_an_anchor_that_is_too_narrow_is_found_out():
    narrow = changed(TOKEN, anchor="token_")
    assert told(f"\n {SECRET}", narrow, wanted=["token"])[1] == (
        "token: stage 2: the pattern would match at 2:2, so the anchor is wrong"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"path": r"\.env$"}, r"it is for paths that match \.env$"), ({"where": (Where.ENV,)}, "it is for env only")],
)
def test_a_rule_for_other_places_is_not_tried(changes, reason):
    assert told(SECRET, changed(TOKEN, **changes), wanted=["token"]) == [f"token: not tried: {reason}"]


def test_a_pattern_that_takes_too_long_is_told(monkeypatch):
    monkeypatch.setattr("imgscan.match.confirm.TIMEOUT_SECONDS", 0.01)
    slow = changed(TOKEN, pattern=r"(?P<secret>tok_(?:[a-z]|[a-y])+[!?])", anchor="tok_")
    assert told("tok_" + "a" * 60, slow)[1] == "token: stage 2: the pattern took too long, and was given up"


def test_a_secret_in_base64_is_told():
    lines = told(base64.b64encode(f"xyz{SECRET}".encode()), TOKEN)
    assert lines == ["token: in base64 at 1:5 (tok_…): found"]


def test_wide_text_is_explained_as_what_it_says():
    assert told(f"a\nkey = {SECRET}".encode("utf-16"), TOKEN)[1].endswith("(tok_…, 20 bytes): found")


def test_of_very_many_places_some_are_told():
    lines = told(f"{SECRET}\n" * 100, TOKEN)
    assert lines[0].endswith("and 80 more")
    assert len(lines) == MAX_TOLD + 1

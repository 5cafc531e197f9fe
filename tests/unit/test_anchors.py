"""First-stage forms: short, and contained in every match."""

from __future__ import annotations

import msgspec
import pytest

from imgscan.errors import RuleError
from imgscan.match import anchors
from imgscan.match.engine import Engine
from imgscan.rules.load import RuleSet
from tests.support.layers import NEAR, TOKEN


def rule(pattern, **changes):
    return msgspec.structs.replace(TOKEN, pattern=pattern, **changes)


def hits(pattern, text, **changes):
    return [end for end, _ in Engine(RuleSet.of([rule(pattern, **changes)]), use_cache=False).scan(text)]


@pytest.mark.parametrize(
    ("pattern", "text", "ends"),
    [
        (r"\b(?P<secret>ghp_[0-9a-z]{4,9})\b", b"ghp_abcdefghi", [8]),  # the end cut to its minimum: one hit, not six
        (r"(?<!x)(?P<secret>a{3})(?!b)", b"xaaab", [4]),  # look-around is for the second stage
        (r"[a-z]{0,9}(?P<secret>=k\d{2})", b"name=k12", [8]),  # what may be missing in front is dropped
        (r"(?P<secret>x(?:ab|cd{2,5}))", b"xab xcdddd", [3, 8]),  # alternatives, each cut
        (r"(?i)(?P<secret>key-\d{3})", b"KEY-123", [7]),
        (r"(?i:key)-(?P<secret>[a-z]{2})", b"KEY-ab key-AB", [6]),
        (r"(?P<secret>[^\s\"]{3}\x00)", b"abc\x00", [4]),
        (r"(?P<secret>k(?:\w+?)?end)", b"k__end", [6]),
    ],
)
def test_a_form_is_found_where_the_pattern_would_match(pattern, text, ends):
    assert hits(pattern, text) == ends


def test_a_form_stops_once_it_is_distinctive():
    anchor = anchors.derive(rule(r"(?P<secret>tok_[0-9a-z]{500}-[0-9]{9})"))
    assert anchor.expression.endswith(b"{36}")


def test_what_hyperscan_cannot_say_is_approximated():
    anchor = anchors.derive(rule(r"(?P<secret>(ab|cd)x\2)"))
    assert not anchor.exact
    assert hits(r"(?P<secret>(ab|cd)x\2)", b"abxab")[-1] == 5


def test_a_rule_may_state_its_form():
    assert hits(r"(?P<secret>\d{9})", b"acct 1", anchor="acct") == [4]


def test_any_keyword_of_a_contextual_rule_will_do():
    near = msgspec.structs.replace(NEAR, keywords=("acme", "other"))
    engine = Engine(RuleSet.of([near]), use_cache=False)
    assert engine.scan(b"ACME=0123456789abcdef")
    assert engine.scan(b"other: 0123456789abcdef")


@pytest.mark.parametrize("value", ["0123456789abcdef", "cu_0123456789abcdef", "xxxxx0123456789abcdef"])
def test_the_value_of_a_contextual_rule_may_begin_with_what_can_be_missing(value):
    near = msgspec.structs.replace(NEAR, pattern="(?P<secret>(?:cu_)?x{0,9}[0-9a-f]{16})")
    assert Engine(RuleSet.of([near]), use_cache=False).scan(f"acme={value}".encode())


@pytest.mark.parametrize("name", ["my_acme", "MyAcme", "my.acme", "MY-ACME", "my acme"])
def test_a_space_in_a_keyword_stands_for_any_separator(name):
    near = msgspec.structs.replace(NEAR, keywords=("my acme",))
    assert Engine(RuleSet.of([near]), use_cache=False).scan(f"{name}=0123456789abcdef".encode())


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(RuleError, match="not a regular expression"):
        anchors.derive(rule("(?P<secret>["))

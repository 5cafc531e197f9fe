"""What every match of a pattern begins with."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgscan.match import starts
from imgscan.rules.load import load


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"(?P<secret>(?i:tok_)[a-z]{20})", {b"tok_"}),
        (r"(?<![a-z])(?i:Password|TOKEN)=", {b"password", b"token"}),
        (r"(?i)(?:pass(?:wor)?d|pwd)\s", {b"passd", b"password", b"pwd"}),
        (r"(?i)(?:key|keyring|secret)[:=]", {b"key", b"secret"}),
        (r"(?i)(?:abc){2,3}d", {b"abc"}),
        (r"(?i)abcdefghijkl", {b"abcdefgh"}),
    ],
)
def test_a_pattern_begins_with_its_literals(pattern, words):
    assert starts.of(pattern) == words


@pytest.mark.parametrize("pattern", [r"[a-z]{20}", r"x?secret|[0-9]", r"(?:ab)?[0-9]", r"a|bcd", r"\w*token", "", "("])
def test_a_pattern_that_can_begin_with_anything_has_none(pattern):
    assert not starts.of("(?i)" + pattern)


def test_a_pattern_of_one_case_needs_none():
    assert not starts.of("token")


PIECES = st.sampled_from(["abc", "(?:abc|de)", "(?i:Xyz)", "f?", "(?:gh)?", "[ij]", "(?=.)", "(?<!q)", "kl+", "(m|no)"])


@given(st.lists(PIECES, min_size=1, max_size=5).map("".join), st.text("abcdefghijklmnoXYZxyz", max_size=40))
def test_no_match_begins_with_anything_else(pattern, text):
    pattern = "(?i)" + pattern
    words = starts.of(pattern)
    for found in re.finditer(pattern.encode(), text.encode()):
        assert not words or found[0].lower().startswith(tuple(words))


def test_generic_rules_have_some():
    assert sum(bool(starts.of(rule.pattern)) for rule in load(()).rules if rule.provider == "generic") > 20

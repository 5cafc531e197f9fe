"""Fingerprints give nothing away, known secrets are hidden everywhere, and findings come in a fixed order."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgscan.findings.fingerprint import fingerprint, identity, is_guessable
from imgscan.findings.hide import GRAM, Hider
from imgscan.model.values import Confidence
from imgscan.rules.sample import expand
from tests.support.layers import TOKEN

LONG = expand("{base62:40}", "findings").encode()


def rule(**changes):
    return msgspec.structs.replace(TOKEN, **changes)


@pytest.mark.parametrize(
    ("about", "secret", "guessable"),
    [
        (TOKEN, LONG, False),
        (TOKEN, LONG[:19], True),
        (TOKEN, b"ab" * 30, True),
        (rule(id="url-password"), LONG, True),
        (rule(provider="generic", confidence=Confidence.MEDIUM), LONG, True),
        (rule(provider="generic"), LONG, False),
    ],
)
def test_only_what_nobody_can_try_is_hashed_without_a_key(about, secret, guessable):
    assert is_guessable(about, secret) is guessable
    assert (identity(about, secret) is None) is guessable
    assert identity(about, secret, b"key") is not None


def test_every_part_of_a_fingerprint_counts():
    made = {
        fingerprint("rule", "file:a", b"x", 0),
        fingerprint("rule", "file:a", b"x", 1),
        fingerprint("rule", "file:a", b"y", 0),
        fingerprint("rule", "file:a", None, 0),
        fingerprint("rule", "file:b", b"x", 0),
        fingerprint("other", "file:a", b"x", 0),
        fingerprint("rulef", "ile:a", b"x", 0),
    }
    assert len(made) == 7
    assert all(len(name) == 32 for name in made)


secrets = st.text(min_size=GRAM, max_size=12)


@given(st.lists(secrets, max_size=6), st.lists(secrets | st.text(max_size=5), max_size=12))
def test_no_known_secret_is_left_in_any_text(known, parts):
    hide = Hider((secret, "…") for secret in known)
    text = hide("".join(parts + known))
    assert not any(secret in text.replace("…", "\0") for secret in known if "…" not in secret)


def test_the_longest_secret_is_hidden_first():
    assert Hider([("abcd", "1"), ("abcdef", "2")])("x abcdef abcd") == "x 2 1"


def test_a_secret_that_begins_within_another_is_hidden_to_its_end():
    assert Hider([("abcdefgh", "1"), ("efghijkl", "2")])("x abcdefghijkl y") == "x 1… y"


def test_what_is_too_short_to_hide_is_left():
    assert Hider([("abc", "…")])("abc abc") == "abc abc"


def test_many_secrets_that_begin_alike_are_hidden_in_time():
    known = [f"ghp_{number:036}" for number in range(5000)]
    hide = Hider((secret, "…") for secret in known)
    started = time.process_time()
    assert hide("".join(known)) == "…" * 5000
    assert hide("ghp_" * 5000) == "ghp_" * 5000
    assert time.process_time() - started < 1

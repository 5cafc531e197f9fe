"""Scanning in windows finds what scanning whole files finds, for every cut."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from imgscan.findings.hide import Hider
from imgscan.match import precedence
from imgscan.model.values import Match, Where
from imgscan.scan.probe import probe
from tests.support.layers import DETECTOR, RULES, scan_bytes, tar

pieces = st.one_of(
    st.just(b"\n"),
    st.just(b"tok_abcdefgh01234567"),
    st.just(b" tok_0123456789abcdef,"),
    st.just(b"BEGIN-" + b"x\n" * 200 + b"-END"),
    st.just(b"acme_key = 0123456789abcdef\n"),
    st.just(b"\x00\x01"),
    st.integers(1, 700).map(lambda size: b"filler " * (size // 7 + 1)),
    st.binary(max_size=20),
)
contents = st.lists(pieces, max_size=12).map(b"".join)
wide = contents.map(lambda content: content.replace(b"\x00\x01", b"").decode("latin-1").encode("utf-16"))


def comparable(matches):
    return sorted((m.rule_id, m.start, m.end, m.line, m.column, m.end_line, m.decoded) for m in matches)


def by_file(scan):
    found: dict[str, list[Match]] = {}
    for item in scan.matches:
        found.setdefault(item.name.decode(), []).append(item.match)
    return {name: comparable(precedence.resolve(matches, RULES.by_id)) for name, matches in found.items()}


@given(st.lists(contents | wide, min_size=1, max_size=4), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_windows_of_any_size_find_what_a_whole_file_holds(files, records):
    layer = tar({str(number): content for number, content in enumerate(files)})
    expected = {str(number): comparable(probe(content, RULES)) for number, content in enumerate(files)}
    found = by_file(scan_bytes(layer, block_bytes=records * 512))
    assert found == {name: matches for name, matches in expected.items() if matches}


@given(contents)
@settings(max_examples=50, deadline=None)
def test_the_number_of_threads_makes_no_difference(content):
    layer = tar({"a": content, "b": content[::-1], "c": content * 3})
    assert by_file(scan_bytes(layer, block_bytes=4096, jobs=1)) == by_file(scan_bytes(layer, block_bytes=4096, jobs=4))


@given(contents)
@settings(max_examples=100, deadline=None)
def test_a_secret_is_not_in_the_line_that_is_shown_around_it(content):
    matches, _ = DETECTOR.text(content, Where.FILE, "text")
    hide = Hider((match.secret.value.decode(), match.redacted) for match in matches)
    for match in matches:
        for other in matches:
            assert match.secret.value.decode() not in hide(other.snippet) + other.redacted

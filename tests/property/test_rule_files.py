"""Whatever a file of rules holds: it is read, or refused in words; and a translated expression compiles."""

from __future__ import annotations

import re
import tomllib
from contextlib import contextmanager

import regex
from hypothesis import example, given
from hypothesis import strategies as st

from imgscan.rules import gitleaks, trivy
from imgscan.rules.go_regex import GoRegex, GoSyntaxError
from imgscan.rules.places import places
from imgscan.rules.problems import Problem
from imgscan.rules.shape import shaped
from imgscan.rules.source import Source

KEYS = st.sampled_from(
    (
        *("id", "regex", "path", "entropy", "secretGroup", "keywords", "allowlists", "allowlist", "regexes", "paths"),
        *("stopwords", "condition", "regexTarget", "commits", "severity", "title", "allow-rules", "exclude-block"),
    )
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["abc", "(a)", "[", "HIGH", "AND", ""])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12
)
CONFIGS = st.dictionaries(
    st.sampled_from(["rules", "extend", "allowlist", "allowlists", "allow-rules", "exclude-block", "disable-rules"]),
    VALUES | st.lists(st.dictionaries(KEYS, VALUES, max_size=6), max_size=3),
    max_size=4,
)
PIECES = st.sampled_from((*"()[]{}|*+?^$.\\-,:a1é \n", "(?i)", "(?P<n>", "[[:alpha:]]", r"\pL", r"\Q", "{2,3}", "(?s:"))


def translated(text):
    """The translation, or the place where Go would refuse the text."""
    try:
        return GoRegex(text)
    except GoSyntaxError as error:
        return error.offset


@contextmanager
def suppress_repeated_assertions():
    """Go lets ``^`` repeat, Python does not; nobody writes that, and files that do are refused."""
    try:
        yield
    except re.error as error:
        if "nothing to repeat" not in str(error):
            raise


@given(st.lists(PIECES, max_size=25).map("".join))
@example("(?i)(?U)a(?-i)b|(c(?m)$)")
def test_an_expression_is_refused_or_its_translation_compiles(text):
    made = translated(text)
    if isinstance(made, int):
        assert 0 <= made <= len(text)
        return
    for pattern in (made.plain(), made.whole(), made.with_secret(*range(1, len(made.groups) + 1))):
        with suppress_repeated_assertions():
            re.compile(pattern.encode())
            regex.compile(pattern.encode())


@given(st.text(alphabet="abc019.-_", max_size=20))
def test_quoted_text_matches_itself(text):
    for pattern in (rf"\Q{text}\E", re.escape(text)):
        assert re.fullmatch(GoRegex(pattern).plain().encode(), text.encode())


@given(CONFIGS)
def test_any_values_are_read_or_refused_in_words(data):
    for read in (gitleaks.read, trivy.read):
        source = Source("rules", b"")
        source.data = data
        made = read(source, {})
        assert all(problem.message.isascii() for problem in made.problems)
        assert all(entry.rule.pattern for entry in made.entries)


@given(st.binary(max_size=300) | st.text(alphabet="[]{}'\"=#,.\\ \nar:-&*|", max_size=80).map(str.encode))
@example(b"rules: &a\n- *a")
@example(b"rules: [[[[[[[[")
@example(b"[[rules]]\n" + b"a.b = [{c = '''\n]'''}]")
def test_any_bytes_are_read_or_refused_in_words(content):
    source = Source("rules", content)
    assert source.problems or isinstance(source.data, dict)
    assert not (source.problems and source.data)


@given(st.text(alphabet="[]{}'\"=#,.\\ \nar1t", max_size=60))
def test_every_key_of_a_document_has_a_place(text):
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    found = places(text)
    assert {(key,) for key in data} <= found.keys()


@given(st.text(max_size=50), st.integers(0, 50))
def test_a_problem_is_shown_wherever_it_is(text, offset):
    shown = str(Problem("file", "wrong", text, min(offset, len(text)))).split("\n")
    assert len(shown) == 3
    assert shown[2].strip() == "^"


@given(VALUES)
def test_any_value_in_place_of_a_table_is_no_accident(value):
    source = Source("rules", b"")
    made = shaped(value, gitleaks._Rule, source, (), foreign=True)
    assert made is not None or source.problems

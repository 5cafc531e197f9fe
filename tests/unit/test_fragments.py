"""Fragments: pieces of expressions that the rules of a pack share."""

from __future__ import annotations

import pytest

from imgscan.errors import RuleError
from imgscan.match.vet import vet
from imgscan.rules import fragments
from imgscan.rules.load import load, parse
from tests.support.packs import ACME

FRAGMENTS = r"""
[fragments]
body = '''[0-9a-z]{24}'''
token = '''acme_{{body}}'''
"""
MORE = r"""
anchor = '''{{token}}'''
path = '''{{body}}'''
allow = [{ regexes = ['''\A{{token}}\Z'''], stopwords = ["{{body}}"] }]
"""
PACK = FRAGMENTS + ACME.replace("acme_[0-9a-z]{24}", "{{token}}") + MORE


def complaint(tmp_path, text):
    path = tmp_path / "pack.toml"
    path.write_text(text)
    with pytest.raises(RuleError) as caught:
        load([path], use_cache=False, vet=vet)
    return str(caught.value).replace(str(path), "FILE")


def test_fragments_stand_for_their_text_in_expressions_and_nowhere_else(tmp_path):
    path = tmp_path / "pack.toml"
    path.write_text(PACK)
    (packaged,) = parse(PACK.encode(), where="pack.toml")
    rule = load([path], use_cache=False, vet=vet).by_id["acme-key"]
    assert rule == packaged
    assert rule.pattern == r"\b(?P<secret>acme_[0-9a-z]{24})\b"
    assert (rule.anchor, rule.path) == ("acme_[0-9a-z]{24}", "[0-9a-z]{24}")
    assert rule.allow[0].regexes == (r"\Aacme_[0-9a-z]{24}\Z",)
    assert rule.allow[0].stopwords == ("{{body}}",)


def test_a_fragment_that_is_not_above_is_told_at_its_place(tmp_path):
    told = complaint(tmp_path, PACK.replace("{{body}}'''\n\n", "{{bodies}}'''\n\n"))
    assert "FILE:4:" in told
    assert "there is no fragment bodies above" in told
    with pytest.raises(RuleError, match="no fragment token above"):
        parse(PACK.replace("token = ", "tokens = ").encode(), where="pack.toml")


def test_what_is_wrong_with_a_filled_expression_is_told_at_its_beginning(tmp_path):
    told = complaint(tmp_path, PACK.replace("[0-9a-z]{24}'''\ntoken", "[0-9a-z'''\ntoken"))
    assert "FILE:12:11" in told


@pytest.mark.parametrize(
    ("fragment", "reason"),
    [
        ('body = "a"\n[fragments.more]', "expected text"),
        ('"Body!" = "a"', "the name of a fragment"),
    ],
)
def test_fragments_of_the_wrong_kind_are_told(tmp_path, fragment, reason):
    assert reason in complaint(
        tmp_path, PACK.replace("[fragments]", f"[fragments]\n{fragment}", 1).replace("body = '''", "b = '''")
    )


def test_a_table_of_fragments_is_expected(tmp_path):
    assert "expected a table of fragments" in complaint(tmp_path, 'fragments = "x"\n' + PACK.partition("\n\n")[2])


def test_fragments_within_fragments_have_a_bound(tmp_path):
    doubling = "".join(f"f{n} = '''{{{{f{n - 1}}}}}{{{{f{n - 1}}}}}'''\n" for n in range(1, 40))
    told = complaint(tmp_path, PACK.replace("[fragments]", f"[fragments]\nf0 = '''aaaa'''\n{doubling}"))
    assert f"more than {fragments.MAX_FILLED} characters" in told

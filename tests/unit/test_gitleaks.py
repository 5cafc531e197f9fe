"""Configurations of gitleaks: what they mean here, and what is said where they cannot mean it."""

from __future__ import annotations

import msgspec
import pytest

from imgscan.errors import RuleError
from imgscan.match.detector import Detector
from imgscan.match.vet import vet
from imgscan.model.values import Severity, Where
from imgscan.rules import load as loading
from imgscan.rules.load import load
from tests.support.layers import NEAR, TOKEN

SECRET = "q8w7e6r5t4y3u2i1o0p9"
RULE = """
[extend]
useDefault = true

[[rules]]
id = "Acme_Token"
description = "Acme token"
regex = '''(?i)acme_key\\s*=\\s*['"]?([a-z0-9]{20})\\b'''
"""


@pytest.fixture(autouse=True)
def _packaged(monkeypatch):
    monkeypatch.setattr(loading, "packaged", lambda **_: (TOKEN, NEAR))


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(text, **others):
        for name, content in others.items():
            (tmp_path / f"{name}.toml").write_text(content)
        path = tmp_path / "rules.txt"
        path.write_text(text)
        return load([path], use_cache=False, vet=vet)

    return read


def found(rules, text, path="/file", where=Where.FILE):
    matches, notices = Detector(rules, use_cache=False).text(text.encode(), where, path)
    assert not notices
    return [match.secret.value.decode() for match in matches]


def told(rules):
    return [notice.message for notice in rules.notices]


def test_a_rule_is_taken_over(loaded):
    rules = loaded(RULE)
    rule = rules.by_id["Acme_Token"]
    assert (rule.title, rule.provider, rule.origin, rule.severity) == (
        "Acme token",
        "custom",
        "gitleaks",
        Severity.HIGH,
    )
    assert found(rules, f"ACME_KEY = '{SECRET}'") == [SECRET]
    assert told(rules) == []


def test_keys_are_read_in_any_case(loaded):
    rules = loaded(RULE.replace("useDefault", "usedefault").replace("regex", "Regex"))
    assert "Acme_Token" in rules.by_id
    assert told(rules) == []


@pytest.mark.parametrize(
    ("regex", "group", "secret"),
    [
        ("key_(a)(b{9})", "", "a"),
        ("key_(a)(b{9})", "secretGroup = 2", "b" * 9),
        ("key_ab{9}", "", "key_a" + "b" * 9),
        ("key_(x?)(ab{9})", "", "a" + "b" * 9),
        ("key_(?:(c)|(ab{9}))", "", "a" + "b" * 9),
    ],
)
def test_the_secret_is_the_group_that_is_named_or_the_first_that_holds_something(loaded, regex, group, secret):
    rules = loaded(f"[[rules]]\nid = 'x'\nregex = '{regex}'\n{group}\n")
    assert found(rules, "key_a" + "b" * 9) == [secret]


def test_entropy_must_be_more_than_the_number(loaded):
    rule = "[[rules]]\nid = 'x'\nregex = 'key_([a-h]{8})'\nentropy = %s\n"
    assert found(loaded(rule % "3"), "key_abcdefgh") == []
    assert found(loaded(rule % "2.99"), "key_abcdefgh") == ["abcdefgh"]


def test_a_keyword_must_stand_near(loaded):
    rules = loaded("[[rules]]\nid = 'x'\nregex = '[a-z]{8}[0-9]{8}'\nkeywords = ['ACME', '']\n")
    assert found(rules, "abcdefgh01234567") == []
    assert found(rules, "acme" + " " * 3000 + "abcdefgh01234567") == ["abcdefgh01234567"]


def test_a_rule_with_a_path_finds_only_there(loaded):
    rules = loaded(RULE + "path = '''^etc/.*\\.conf$'''\n")
    text = f"acme_key={SECRET}"
    assert found(rules, text, "/etc/a.conf") == [SECRET]
    assert found(rules, text, "/srv/etc/a.conf") == []
    assert found(rules, text, "config.Env[A]", Where.ENV) == []


def test_a_rule_that_has_only_a_path_is_left_out_and_told(loaded):
    rules = loaded("[extend]\nuseDefault = true\n[[rules]]\nid = 'x'\npath = 'p12$'\n")
    assert "x" not in rules.by_id
    (notice,) = rules.notices
    assert "by their name alone" in notice.message
    assert notice.where.endswith("rules.txt:3:1")
    assert not notice.incomplete


@pytest.mark.parametrize(
    ("allowlist", "text", "path", "stays"),
    [
        ("stopwords = ['Q8W7']", f"acme_key={SECRET}", "/file", False),
        ("stopwords = ['acme']", f"acme_key={SECRET}", "/file", True),
        ("regexes = ['^q8']", f"acme_key={SECRET}", "/file", False),
        ("regexes = ['^acme']", f"acme_key={SECRET}", "/file", True),
        ("regexes = ['^acme']\nregexTarget = 'match'", f"acme_key={SECRET}", "/file", False),
        ("regexes = ['# test$']\nregexTarget = 'line'", f"\nacme_key={SECRET} # test\n", "/file", False),
        ("regexes = ['# test$']\nregexTarget = 'line'", f"# test\nacme_key={SECRET}\n# test", "/file", True),
        ("paths = ['^tests/']", f"acme_key={SECRET}", "/tests/a", False),
        ("paths = ['^/tests/']", f"acme_key={SECRET}", "/tests/a", False),
        ("paths = ['^tests/']", f"acme_key={SECRET}", "/a/tests/a", True),
        ("paths = ['x', 'a']\nstopwords = ['nope']", f"acme_key={SECRET}", "/tests/a", False),
        ("paths = ['^tests/']\nstopwords = ['q8']\ncondition = 'AND'", f"acme_key={SECRET}", "/tests/a", False),
        ("paths = ['^tests/']\nstopwords = ['q8']\ncondition = 'AND'", f"acme_key={SECRET}", "/a", True),
        ("paths = ['^tests/']\nstopwords = ['no']\ncondition = '&&'", f"acme_key={SECRET}", "/tests/a", True),
        ("commits = ['abc']\nstopwords = ['q8']\ncondition = 'AND'", f"acme_key={SECRET}", "/a", True),
        ("commits = ['abc']\nstopwords = ['q8']", f"acme_key={SECRET}", "/a", False),
    ],
)
@pytest.mark.parametrize("table", ["[[rules.allowlists]]", "[rules.allowlist]", "[allowlist]", "[[allowlists]]"])
def test_what_is_allowed_is_let_go(loaded, table, allowlist, text, path, stays):
    rules = loaded(f"{RULE}{table}\ndescription = 'known'\n{allowlist}\n")
    assert found(rules, text, path) == ([SECRET] if stays else [])


def test_a_global_allowlist_is_for_the_rules_of_imgscan_too(loaded):
    rules = loaded("[[allowlists]]\nregexes = ['^tok_0']\n")
    assert found(rules, "tok_0123456789abcdef tok_a123456789abcdef") == ["tok_a123456789abcdef"]


def test_a_global_allowlist_can_be_for_some_rules(loaded):
    rules = loaded(f"{RULE}[[allowlists]]\nregexes = ['.']\ntargetRules = ['Acme_Token', 'absent']\n")
    assert found(rules, f"acme_key={SECRET} tok_0123456789abcdef") == ["tok_0123456789abcdef"]
    assert told(rules) == ["there is no rule absent to allow anything for"]


def test_commits_are_told_to_mean_nothing(loaded):
    rules = loaded(f"{RULE}[[rules.allowlists]]\ncommits = ['abc']\n")
    assert told(rules) == ["commits mean nothing in an image, so nothing is allowed by them"]


def test_without_the_default_rules_those_of_imgscan_stay_and_that_is_told(loaded):
    rules = loaded(RULE.replace("true", "false"))
    assert "token" in rules.by_id
    assert any("stay in use" in message for message in told(rules))


def test_rules_can_be_disabled(loaded):
    rules = loaded("[extend]\nuseDefault = true\ndisabledRules = ['token', 'absent']\n")
    assert set(rules.by_id) == {"near"}
    assert told(rules) == ["imgscan has no rule absent to disable"]


def test_a_rule_of_imgscan_can_be_extended(loaded):
    rules = loaded("[extend]\nuseDefault = true\n[[rules]]\nid = 'token'\n[[rules.allowlists]]\nstopwords = ['0123']\n")
    assert found(rules, "tok_0123456789abcdef tok_a123456789abcdef") == ["tok_a123456789abcdef"]
    assert msgspec.structs.replace(rules.by_id["token"], allow=()) == TOKEN


def test_a_rule_of_imgscan_keeps_its_subject_when_it_gets_another_regex(loaded):
    rules = loaded("[extend]\nuseDefault = true\n[[rules]]\nid = 'near'\nregex = 'near_[a-z]{12}'\n")
    assert rules.by_id["near"].provider == "acme"
    assert found(rules, "near_abcdefghijkl") == ["near_abcdefghijkl"]


def test_another_file_can_be_extended(loaded):
    base = f"{RULE}[[rules]]\nid = 'gone'\nregex = 'gone_[a-z]{{9}}'\n[[allowlists]]\nstopwords = ['zzz']\n"
    child = (
        "[extend]\nuseDefault = true\npath = 'base.toml'\ndisabledRules = ['gone']\n"
        "[[rules]]\nid = 'Acme_Token'\nkeywords = ['acme']\n[[rules.allowlists]]\nstopwords = ['0p9']\n"
    )
    rules = loaded(child, base=base)
    assert "gone" not in rules.by_id
    assert rules.by_id["Acme_Token"].keywords == ("acme",)
    assert found(rules, f"acme_key={SECRET}") == []
    assert found(rules, f"acme_key={SECRET[:-1]}8") == [f"{SECRET[:-1]}8"]
    assert found(rules, f"acme_key={SECRET[:-3]}zzz") == []


def test_files_that_extend_each_other_are_refused(loaded):
    with pytest.raises(RuleError, match="extends more than 2 levels deep"):
        loaded("[extend]\npath = 'a.toml'\n", a="[extend]\npath = 'b.toml'\n", b="[extend]\npath = 'a.toml'\n")


def test_problems_of_an_extended_file_are_told_there(loaded):
    with pytest.raises(RuleError, match=r"base\.toml:2:6"):
        loaded("[extend]\npath = 'base.toml'\n", base="[[rules]]\nid = 3\nregex = 'abc'\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("[[rules.required]]\nid = 'token'", "used without the rules it requires"),
        ("skipReport = true", "reports nothing by itself"),
        ("verify = 'x'", "unknown key 'verify'"),
        ("[extend.more]\nx = 1", "unknown key 'more'"),
    ],
)
def test_what_cannot_be_done_is_told(loaded, change, message):
    assert any(message in text for text in told(loaded(f"{RULE}{change}\n")))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[extend]\npath = 'absent.toml'", "2:8: there is no such file"),
        ("[extend]\nuseDefault = 'yes'", "2:14: expected `bool`, got `str`"),
        ("[[rules]]\nid = 'x'\nregex = 'a(?=b)'", "3:11: is not a regular expression of Go"),
        ("[[rules]]\nid = 'x'\nregex = 'abc'\nsecretGroup = 1", "4:15: the regex has no group 1, only 0"),
        ("[[rules]]\nid = 'x'\nregex = 'abc'\nentropy = 9.5", "4:11: entropy is in bits per character"),
        ("[[rules]]\nid = 'x'\nregex = 'a*'", "3:9: the pattern matches the empty text"),
        ("[[rules]]\nid = 'x'\nregex = ''", "1:1: rule x has neither a regex nor a path"),
        ("[[rules]]\nid = 'x'\nregex = 'abc'\n[rules.allowlist]", "4:1: allows nothing"),
        ("[allowlist]\nregexTarget = 'file'\nregexes = ['[']", "2:15: expected secret, match or line"),
        ("[allowlist]\nregexTarget = 'file'\nregexes = ['[']", "3:13: is not a regular expression of Go"),
        ("[allowlist]\ncondition = 'XOR'\npaths = ['a']", "2:13: expected AND or OR"),
        ("[[rules]]\nid = 'x'\nregex = 'abc'\n[[rules]]\nid = 'x'\nregex = 'abd'", "5:6: there is another rule x"),
        ("[[rules]]\nid = \"a\\nb\"\nregex = 'abc'", "2:6: an id has 1 to 120 letters"),
    ],
)
def test_problems_are_told_at_their_place(loaded, text, problem):
    with pytest.raises(RuleError) as caught:
        loaded(text)
    assert f"rules.txt:{problem}" in str(caught.value)

"""Secret configurations of Trivy: what they mean here, and what is said where they cannot mean it."""

from __future__ import annotations

import builtins
import sys

import pytest

from imgscan.errors import RuleError
from imgscan.match.detector import Detector
from imgscan.match.vet import vet
from imgscan.model.values import Severity, Where
from imgscan.rules import load as loading
from imgscan.rules import source
from imgscan.rules.load import load
from tests.support.layers import NEAR, TOKEN

RULE = """\
rules:
  - id: acme-rule
    category: Acme Cloud
    title: Acme thing
    severity: CRITICAL
    regex: (?i)(?P<key>thing)(=|:)'(?P<secret>[0-9a-z_]{8,64})'
    secret-group-name: secret
"""


@pytest.fixture(autouse=True)
def _packaged(monkeypatch):
    monkeypatch.setattr(loading, "packaged", lambda **_: (TOKEN, NEAR))


@pytest.fixture
def loaded(tmp_path):
    def read(text):
        path = tmp_path / "rules.txt"
        path.write_text(text)
        return load([path], use_cache=False, vet=vet)

    return read


def found(rules, text, path="/file"):
    matches, notices = Detector(rules, use_cache=False).text(text.encode(), Where.FILE, path)
    assert not notices
    return [match.secret.value.decode() for match in matches]


def told(rules):
    return [notice.message for notice in rules.notices]


def test_a_rule_is_taken_over(loaded):
    rules = loaded(RULE)
    rule = rules.by_id["acme-rule"]
    assert (rule.title, rule.provider, rule.severity) == ("Acme thing", "acme-cloud", Severity.CRITICAL)
    assert rule.origin == "trivy"
    assert found(rules, "Thing='abcd_1234'") == ["abcd_1234"]
    assert told(rules) == []


def test_without_a_named_group_the_whole_match_is_the_secret(loaded):
    rules = loaded(RULE.replace("    secret-group-name: secret\n", ""))
    assert found(rules, "x thing='abcd_1234' x") == ["thing='abcd_1234'"]


@pytest.mark.parametrize("path", ["path: .*\\.sh", "path:\n      - .*\\.bash\n      - (?i).*\\.SH"])
def test_a_rule_with_a_path_finds_only_there(loaded, path):
    rules = loaded(f"{RULE}    {path}\n")
    assert found(rules, "thing='abcd_1234'", "/a.sh") == ["abcd_1234"]
    assert found(rules, "thing='abcd_1234'", "/a.py") == []


def test_a_keyword_must_stand_near(loaded):
    rules = loaded(f"{RULE}    keywords: [acme]\n")
    assert found(rules, "thing='abcd_1234'") == []
    assert found(rules, "ACME thing='abcd_1234'") == ["abcd_1234"]


@pytest.mark.parametrize("indent", ["    ", ""])
def test_allow_rules_let_go(loaded, indent):
    tables = ("{id: a, description: d, regex: ^abcd}", "{id: b, path: .*\\.txt}")
    allow = f"{indent}allow-rules:\n" + "".join(f"{indent}  - {table}\n" for table in tables)
    rules = loaded(RULE + allow)
    assert found(rules, "thing='abcd_1234'") == []
    assert found(rules, "thing='bbcd_1234'") == ["bbcd_1234"]
    assert found(rules, "thing='bbcd_1234'", "/a.txt") == []


def test_global_allow_rules_are_for_the_rules_of_imgscan_too(loaded):
    rules = loaded("allow-rules:\n  - id: a\n    regex: ^tok_0\n")
    assert found(rules, "tok_0123456789abcdef") == []


@pytest.mark.parametrize("indent", ["    ", ""])
def test_blocks_are_left_out(loaded, indent):
    block = f"{indent}exclude-block:\n{indent}  regexes: ['-- start --(.|\\s)*?-- stop --']\n"
    rules = loaded(RULE + block)
    text = "-- start --\nthing='abcd_1234'\n-- stop --\nthing='bbcd_1234'\n"
    assert found(rules, text) == ["bbcd_1234"]
    assert any("begin and end near" in message for message in told(rules))


def test_rules_can_be_disabled(loaded):
    rules = loaded("disable-rules: [token, absent]\ndisable-allow-rules: [x]\n")
    assert set(rules.by_id) == {"near"}
    assert told(rules) == [
        "imgscan has no rule absent to disable",
        "imgscan has no built-in exceptions, so there is nothing to disable",
    ]


def test_rules_can_be_narrowed_to_some(loaded):
    assert set(loaded(f"{RULE}enable-builtin-rules: [near]\n").by_id) == {"near", "acme-rule"}


def test_rules_are_not_narrowed_to_some_that_are_not_here(loaded):
    rules = loaded("enable-builtin-rules: [near, absent]\n")
    assert set(rules.by_id) == {"near", "token"}
    assert told(rules) == ["imgscan has no rule absent, so all its rules stay in use"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("CRITICAL", "AWFUL"), "5:15: expected one of CRITICAL, HIGH, MEDIUM, LOW, INFO, got 'AWFUL'"),
        (("CRITICAL", "3"), "5:15: expected `str`, got `int`"),
        (("secret-group-name: secret", "secret-group-name: other"), "7:24: the regex has no group named 'other'"),
        (("(=|:)", "(?=x)"), "6:30: is not a regular expression of Go"),
        (("    title", "   title"), "4:4: is not valid YAML"),
        (("title: Acme thing", "title: !!python/object:os.system x"), "4:12: is not valid YAML: could not determine"),
        (("title: Acme thing", "title: 2026-13-45"), "4:12: is not a value of YAML"),
        (("    severity: CRITICAL\n", ""), "2:5: 'severity' is missing"),
        (("rules:\n", "rules: 3\nx:\n"), "1:8: expected `array | null`, got `int`"),
        (("rules:\n", "rules:\n  - 3\n"), "2:5: expected a table, got a number"),
        (("rules:\n", "allow-rules: [{id: a}]\nrules:\n"), "1:15: allows nothing"),
        (("rules:\n", "- rules:\n"), "is neither TOML nor YAML"),
    ],
)
def test_problems_are_told_at_their_place(loaded, change, problem):
    with pytest.raises(RuleError) as caught:
        loaded(RULE.replace(*change))
    assert problem in str(caught.value)


def test_what_is_unknown_is_told(loaded):
    assert told(loaded(f"{RULE}    examples: [a]\n    verify: b\nmore: 1\n")) == [
        "unknown key 'verify'",
        "unknown key 'more'",
    ]


def test_aliases_that_multiply_are_refused(loaded, monkeypatch):
    monkeypatch.setattr(source, "MAX_NODES", 10_000)
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 9))
    with pytest.raises(RuleError, match="nested too deeply"):
        loaded(f"l0: &l0 [a, a]\n{levels}\nrules: []\n")


def test_an_alias_to_itself_is_refused(loaded):
    with pytest.raises(RuleError, match="nested too deeply"):
        loaded("rules: &a [*a]\n")


def test_yaml_without_its_library_says_what_to_install(loaded, monkeypatch):
    found_before = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == "yaml":
            raise ImportError(name)
        return found_before(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    monkeypatch.delitem(sys.modules, "yaml", raising=False)
    with pytest.raises(RuleError) as caught:
        loaded(RULE)
    assert caught.value.hint == "pip install 'imgscan[yaml]'"

"""Files of rules: their kind, and all that is wrong with them at once, each at its place."""

from __future__ import annotations

import textwrap
import tomllib

import pytest

from imgscan.errors import RuleError, UsageError
from imgscan.match.vet import vet
from imgscan.rules import load as loading
from imgscan.rules.load import load, read_file
from imgscan.rules.places import places
from imgscan.rules.problems import MAX_SHOWN
from imgscan.rules.source import MAX_BYTES
from tests.support.packs import ACME as PACK


@pytest.fixture(autouse=True)
def _packaged(monkeypatch):
    monkeypatch.setattr(loading, "_packs", lambda: iter([("base.toml", PACK.replace("acme-key", "base-key").encode())]))


@pytest.fixture
def written(tmp_path):
    def write(text, name="rules.toml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def complaint(path):
    with pytest.raises(RuleError) as caught:
        load([path], use_cache=False, vet=vet)
    return str(caught.value).replace(str(path), "FILE")


def test_a_pack_adds_its_rules(written):
    rules = load([written(PACK)], use_cache=False, vet=vet)
    assert rules.by_id["acme-key"].provider == "acme"
    assert list(rules.by_id) == ["base-key", "acme-key"]
    assert rules.notices == ()


def test_a_rule_of_a_file_replaces_the_packaged_one(written):
    other = PACK.replace("acme-key", "base-key").replace('"acme"', '"other"')
    (rule,) = load([written(other)], use_cache=False).rules
    assert rule.provider == "other"


def test_a_directory_is_all_its_rule_files(written, tmp_path):
    written(PACK, "a.toml")
    written(PACK.replace("acme-key", "other-key"), "b.toml")
    written("no rules", "README.md")
    assert {"acme-key", "other-key"} <= load([tmp_path], use_cache=False).by_id.keys()


def test_a_directory_without_rules_is_a_problem(tmp_path):
    assert "has no file that ends in" in complaint(tmp_path)


def test_every_problem_is_told_with_line_and_caret(written):
    broken = PACK.replace('"high"', '"awful"').replace("{24})", "{24}") + "windw = 3\n"
    assert complaint(written(broken)) == textwrap.dedent("""\
        there are 3 problems with the rules
        FILE:6:12: expected one of critical, high, medium, low, info, got 'awful'
          severity = "awful"
                     ^
        FILE:8:16: the pattern does not compile: missing ), unterminated subpattern
          pattern = '''\\b(?P<secret>acme_[0-9a-z]{24}\\b'''
                         ^
        FILE:10:1: unknown key 'windw'
          windw = 3
          ^""")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('"Acme key"', "3"), "FILE:4:9: expected `str`, got `int`\n  title = 3\n          ^"),
        (('"high"', '"awful"'), "FILE:6:12: expected one of critical, high, medium, low, info, got 'awful'"),
        (("title = ", "titel = "), "FILE:4:1: unknown key 'titel'"),
        (("title = ", "titel = "), "FILE:2:1: 'title' is missing"),
        (("{24})\\b", "{24}\\b"), "missing ), unterminated subpattern\n  pattern = '''\\b(?P<secret>"),
        (("{24})\\b", "{24}\\b"), "FILE:8:16: "),
        (("?P<secret>", ""), "FILE:8:11: the pattern has no group named `secret`"),
        (("acme_[0-9a-z]{24}", "a*"), "FILE:8:11: the pattern matches the empty text"),
        (("acme-key", "a" * 121), "FILE:3:6: an id has 1 to 120 letters"),
    ],
)
def test_a_problem_is_told_at_its_place(written, change, expected):
    assert expected in complaint(written(PACK.replace(*change)))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('filters = ["nope"]', "FILE:10:12: unknown filter 'nope'"),
        ('filters = ["entropy:2", "entropy:9"]', "FILE:10:25: filter 'entropy' does not take"),
        ("window = 0", "FILE:10:10: expected 1 to 16384 bytes, got 0"),
        ("path = '('", "FILE:10:8: an expression does not compile"),
        ("allow = [{regexes = ['a', '(']}]", "FILE:10:27: an expression does not compile"),
        ("allow = [{target = 'file'}]", "FILE:10:9: invalid enum value 'file' (at [0].target)"),
        ('context = "assignment"', "FILE:10:11: the context of an assignment needs keywords"),
        ("keywords = ['acme', ' ']", "FILE:10:21: a keyword is empty"),
        ("by_path = true", "FILE:10:11: a rule that goes by the path needs one"),
        ("anchor = '('", "FILE:10:10: hyperscan refuses a pattern"),
        ("examples = 3", "is not valid TOML"),
    ],
)
def test_a_field_that_the_matcher_would_refuse_is_told_at_its_place(written, line, expected):
    assert expected in complaint(written(f"{PACK}{line}\n"))


def test_all_problems_of_all_files_are_told_at_once(written):
    first = written(PACK.replace('"high"', '"x"').replace('"medium"', '"y"'), "a.toml")
    second = written("[[rules]]\nid = 1\n", "b.toml")
    with pytest.raises(RuleError) as caught:
        load([first, second], use_cache=False, vet=vet)
    told = str(caught.value)
    assert told.startswith("there are 9 problems with the rules\n")
    assert all(place in told for place in ("a.toml:6:12", "a.toml:7:14", "b.toml:2:6", "b.toml:1:1"))


def test_of_very_many_problems_some_are_told(written):
    told = complaint(written("[[rules]]\n" * 100))
    assert "and " in told.splitlines()[-1]
    assert told.count("FILE:") == MAX_SHOWN


def test_an_id_that_stands_there_twice_is_a_problem(written):
    assert "FILE:12:6: there is another rule acme-key in this file" in complaint(written(PACK + PACK))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[[rules]]\nid = 'a\n", "is not valid TOML: "),
        ("[[rules]]\nid =", "FILE:2:5: is not valid TOML"),
        ("password = hunter2\n", "FILE: is neither TOML nor YAML with rules in it"),
        ("a = 1\n", "FILE: is not a rule pack: there are no [[rules]]"),
        ("rules = 3\n", "FILE:1:9: is not a rule pack"),
        ("rules = [1, 'x']\n", "FILE:1:13: expected a table, got text"),
        (b"\xff\xfe[[rules]]", "FILE: is not UTF-8 text"),
        ("[[rules]]\na = " + "[" * 5000 + "]" * 5000, "FILE: is nested too deeply"),
        (b"#" * (MAX_BYTES + 1), "FILE: is larger than 4 MiB"),
        ("[[rules]]\n" + "id = 1\n" * 2, "FILE:3:7: is not valid TOML"),
    ],
    ids=range(10),
)
def test_a_file_that_is_no_rule_file_is_refused(written, content, expected):
    assert expected in complaint(written(content))


def test_a_file_of_something_else_is_not_quoted(written):
    assert "hunter2" not in complaint(written("password = hunter2\n"))


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    assert complaint(tmp_path / "absent").endswith("cannot be read: No such file or directory")


def test_too_many_rules_are_refused(written, monkeypatch):
    monkeypatch.setattr(loading, "MAX_RULES", 1)
    assert "more than 1 rules" in complaint(written(PACK + PACK))


@pytest.mark.parametrize(
    "pattern",
    ["(" * 3000 + "x" + ")" * 3000, "(?P<secret>" + "(?:" * 3000 + "x" + ")" * 3001, "(?P<secret>x)" + "y" * 40_000],
    ids=["groups", "deep", "long"],
)
def test_patterns_of_absurd_size_are_refused(written, pattern):
    assert "the pattern" in complaint(written(PACK.replace(r"\b(?P<secret>acme_[0-9a-z]{24})\b", pattern)))


def test_that_rules_were_sound_is_remembered(written, tmp_path, monkeypatch):
    monkeypatch.setenv("IMGSCAN_CACHE_DIR", str(tmp_path / "cache"))
    path = written(PACK)
    asked = []

    def ask(rule):
        asked.append(rule.id)
        return ()

    for _ in range(2):
        load([path], vet=ask)
    assert asked == ["acme-key"]


def test_that_rules_were_wrong_is_not_remembered(written, tmp_path, monkeypatch):
    monkeypatch.setenv("IMGSCAN_CACHE_DIR", str(tmp_path / "cache"))
    path = written(PACK + 'filters = ["nope"]\n')
    for _ in range(2):
        with pytest.raises(RuleError):
            load([path], vet=vet)


def test_a_file_can_be_read_alone(written):
    assert [rule.id for rule in read_file(written(PACK))] == ["acme-key"]


def test_only_a_rule_that_is_there_can_be_chosen(written):
    with pytest.raises(UsageError) as caught:
        load([written(PACK)], only=["acme-kye"], use_cache=False)
    assert caught.value.hint == "did you mean acme-key or base-key?"


def test_every_value_of_a_document_has_its_place():
    text = textwrap.dedent("""\
        a.b = 1 # c = 2
        "q.\\"x" = [ 'x', # ]
          { y = "}", z = [true] } ]
        [t]
        m = '''
        [no] = 1'''
        n = \"\"\"a\\\"b\"\"\"\"\"
        [[list]]
        x = 1979-05-27T07:32:00Z
        [list.inner]
        y = 1
        [[list]]
        [[list.more]]
        z = inf
        """)
    tomllib.loads(text)
    lines = {path: text.count("\n", 0, mark.value) + 1 for path, mark in places(text).items()}
    assert lines["a", "b"] == 1
    assert lines['q."x', 1, "z", 0] == 3
    assert lines["t", "m"] == 5
    assert ("no",) not in lines
    assert lines["t", "n"] == 7
    assert lines["list", 0, "x"] == 9
    assert lines["list", 0, "inner", "y"] == 11
    assert lines["list", 1, "more", 0, "z"] == 14


def test_numbers_without_end_are_told_like_any_mistake(written):
    assert "is not valid TOML" in complaint(written(PACK + f"window = {'9' * 5000}\n"))


@pytest.mark.parametrize("value", ["!!int ''", "!!float ''", "!!bool x", "!!timestamp x", "!!int '0b'"])
def test_values_that_are_none_of_yaml_are_told_like_any_mistake(written, value):
    assert "is not a value of YAML" in complaint(written(f"rules: {value}\n"))

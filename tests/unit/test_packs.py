"""The packaged rules keep every promise."""

from __future__ import annotations

import tomllib
from collections import Counter
from importlib import resources

import pytest

from imgscan.rules.load import load
from imgscan.scan.check import check

PACKS = sorted(
    (pack for pack in (resources.files("imgscan.rules") / "packs").iterdir() if pack.name.endswith(".toml")),
    key=lambda pack: pack.name,
)


def test_every_rule_keeps_its_promises():
    assert [f"{p.rule_id}: {p.message} [{p.where}]" for p in check(load())] == []


def test_the_catalogue_is_as_wide_as_it_claims_to_be():
    rules = load().rules
    assert len(rules) >= 1500
    assert len({rule.provider for rule in rules}) >= 800


def test_no_two_rules_share_an_id():
    ids = Counter(rule["id"] for pack in PACKS for rule in tomllib.loads(pack.read_text(encoding="utf-8"))["rules"])
    assert [rule for rule, count in ids.items() if count > 1] == []


@pytest.mark.parametrize("rule", load().rules, ids=lambda rule: rule.id)
def test_every_rule_has_examples_and_a_guide(rule):
    assert len(rule.examples) >= 2
    assert rule.non_examples
    assert rule.guide

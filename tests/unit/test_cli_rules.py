"""``imgscan rules`` and ``imgscan cache``, on a rule of our own."""

from __future__ import annotations

import json

import pytest

from imgscan.rules.sample import expand
from tests.support.commands import imgscan

PACK = r"""
[[rules]]
id = "acme-key"
title = "Acme key"
provider = "acme"
severity = "high"
confidence = "medium"
pattern = '''\b(?P<secret>acme_[0-9a-z]{24})\b'''
examples = ["key = acme_{lower:24}"]
non_examples = ["acme_short"]
references = ["https://acme.example/keys"]
"""
TOKEN = expand("acme_{lower:24}")


@pytest.fixture(autouse=True)
def pack(tmp_path, monkeypatch):
    (tmp_path / "acme.toml").write_text(PACK)
    monkeypatch.chdir(tmp_path)


def test_the_list_has_one_line_for_each_rule():
    shown = imgscan("rules", "list", "--rules", "acme.toml", "--only", "acme-key").stdout
    assert shown == "acme-key  acme  high      medium  Acme key\n1 rule\n"


def test_the_list_can_be_read_by_programs():
    content = json.loads(imgscan("rules", "list", "--rules", "acme.toml", "-f", "json").stdout)
    assert content[-1]["id"] == "acme-key"


def test_the_configuration_file_adds_rules_here_too(tmp_path):
    (tmp_path / "imgscan.toml").write_text('rules = ["acme.toml"]\nonly = ["acme-key"]\n')
    assert "acme-key" in imgscan("rules", "list").stdout


def test_a_rule_is_shown_with_all_it_says():
    shown = imgscan("rules", "show", "acme-key", "--rules", "acme.toml").stdout
    assert "acme_[0-9a-z]{24}" in shown
    assert "references    https://acme.example/keys" in shown


@pytest.mark.parametrize("arguments", [("show", "absent"), ("list", "--only", "absent"), ("list", "--rules", "none")])
def test_a_rule_that_is_not_there_is_a_usage_error(arguments):
    result = imgscan("rules", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_file_that_holds_no_rules_is_a_usage_error(tmp_path):
    (tmp_path / "bad.toml").write_text("[[rules]]\nid = 3")
    result = imgscan("rules", "check", "bad.toml")
    assert result.exit_code == 2
    assert "bad.toml" in result.stderr


def test_rules_can_be_tried_on_standard_input():
    result = imgscan("rules", "test", "--rules", "acme.toml", "--only", "acme-key", standard_input=f"a\nb = {TOKEN}\n")
    assert result.stdout == "-:2:5: acme-key: acme_…\n"
    assert TOKEN not in result.output


def test_rules_can_be_tried_on_files(tmp_path):
    (tmp_path / "with").write_text(TOKEN)
    (tmp_path / "without").write_text("nothing")
    acme = ("--rules", "acme.toml", "--only", "acme-key")
    assert imgscan("rules", "test", *acme, "with", "without").stdout == "with:1:1: acme-key: acme_…\n"
    assert imgscan("rules", "test", *acme, "without").stdout == "nothing found\n"


def test_a_rule_that_keeps_its_promises_passes():
    result = imgscan("rules", "check", "acme.toml", "--only", "acme-key")
    assert (result.exit_code, result.stdout) == (0, "1 rule checked, 0 problems\n")


def test_a_rule_that_breaks_a_promise_fails_by_name(tmp_path):
    (tmp_path / "acme.toml").write_text(PACK.replace("acme_short", expand("acme_{lower:24}")))
    result = imgscan("rules", "check", "acme.toml", "--only", "acme-key")
    assert result.exit_code == 1
    assert result.stdout.startswith("acme-key: ")


def test_the_cache_is_shown_and_cleared(tmp_path):
    home = tmp_path / "cache"
    imgscan("rules", "list", IMGSCAN_CACHE_DIR=str(home))
    assert imgscan("cache", "info", IMGSCAN_CACHE_DIR=str(home)).stdout.startswith(f"{home}\n1 file, ")
    assert imgscan("cache", "clear", IMGSCAN_CACHE_DIR=str(home)).stdout == "1 file deleted\n"
    assert imgscan("cache", "info", IMGSCAN_CACHE_DIR=str(home)).stdout == f"{home}\n0 files, 0 bytes\n"

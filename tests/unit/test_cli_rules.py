"""``imgscan rules`` and ``imgscan cache``, on a rule of our own."""

from __future__ import annotations

import json

import pytest

from imgscan.rules.sample import expand
from tests.support.commands import imgscan
from tests.support.packs import ACME

PACK = (
    ACME
    + """non_examples = ["acme_short"]
references = ["https://acme.example/keys"]
"""
)
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


def test_the_list_can_be_narrowed_to_providers():
    shown = imgscan("rules", "list", "--rules", "acme.toml", "--provider", "acme").stdout
    assert shown.startswith("acme-key")
    assert shown.endswith("\n1 rule\n")


def test_a_provider_that_is_not_there_is_a_usage_error():
    result = imgscan("rules", "list", "--rules", "acme.toml", "--provider", "acne")
    assert result.exit_code == 2
    assert "acme" in result.stderr


def test_a_rule_that_is_nearly_there_is_suggested():
    assert "did you mean acme-key" in imgscan("rules", "show", "acme-kye", "--rules", "acme.toml").stderr


def test_every_problem_of_a_file_is_told_under_its_line(tmp_path):
    (tmp_path / "bad.toml").write_text(PACK.replace('"high"', '"dire"').replace("{24})", "{24}"))
    result = imgscan("rules", "list", "--rules", "bad.toml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "imgscan: error: there are 2 problems with the rules\n" in result.stderr
    assert "  bad.toml:6:12: expected one of" in result.stderr
    assert '    severity = "dire"\n               ^\n' in result.stderr
    assert "  bad.toml:8:16: the pattern does not compile" in result.stderr


def test_rules_of_other_tools_are_read_and_what_cannot_be_done_is_noted(tmp_path):
    (tmp_path / ".gitleaks.toml").write_text("[[rules]]\nid = 'other'\nregex = 'other_([a-z]{9})'\n")
    (tmp_path / "trivy-secret.yaml").write_text("disable-rules: [absent]\n")
    files = ("--rules", ".gitleaks.toml", "--rules", "trivy-secret.yaml")
    result = imgscan("rules", "test", *files, "--only", "other", standard_input="other_abcdefghi")
    assert result.stdout == "-:1:7: other: …\n"
    assert "imgscan: note: trivy-secret.yaml:1:17: imgscan has no rule absent to disable\n" in result.stderr


def test_it_is_explained_why_rules_match_or_do_not(tmp_path):
    (tmp_path / "text").write_text(TOKEN)
    acme = ("--rules", "acme.toml", "--only", "acme-key")
    assert imgscan("rules", "test", *acme, "text", "--explain").stdout == (
        "text:1:1: acme-key: acme_…\n"
        "text: acme-key:\n"
        "  stage 1: saw what is distinctive, ending at 1:30\n"
        "  stage 2: matches at 1:1 (acme_…, 29 bytes): found\n"
    )
    assert imgscan("rules", "test", *acme, "--rule", "acme-key", standard_input="x").stdout == (
        "nothing found\n-: acme-key:\n  stage 1: saw nothing\n  stage 2: the pattern does not match anywhere\n"
    )
    assert imgscan("rules", "test", *acme, "--rule", "absent", standard_input="x").exit_code == 2


def test_rules_for_certain_files_look_at_the_name(tmp_path):
    (tmp_path / "acme.toml").write_text(PACK + "path = '''\\.env$'''\n")
    (tmp_path / "a.env").write_text(TOKEN)
    (tmp_path / "a.txt").write_text(TOKEN)
    acme = ("--rules", "acme.toml", "--only", "acme-key")
    assert imgscan("rules", "test", *acme, "a.env", "a.txt").stdout == "a.env:1:1: acme-key: acme_…\n"
    assert imgscan("rules", "check", "acme.toml", "--only", "acme-key").exit_code == 0


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            (r"\b(?P<secret>acme_[0-9a-z]{24})\b", r"(?P<secret>a(?:[a-z]|[0-9a-y]){40,200}[!?])"),
            "does not end on a run of",
        ),
        (("references", "allow = [{regexes = ['(?:[a-z]|[a-y])+$']}]\nreferences"), "the exception "),
    ],
)
def test_expressions_that_explode_are_found_out(tmp_path, change, problem):
    (tmp_path / "acme.toml").write_text(PACK.replace(*change))
    result = imgscan("rules", "check", "acme.toml", "--only", "acme-key")
    assert result.exit_code == 1
    assert problem in result.stdout


def test_rules_of_other_tools_can_be_checked_though_they_have_no_examples(tmp_path):
    (tmp_path / "other.toml").write_text("[[rules]]\nid = 'Other_1'\nregex = 'other_([a-z]{9,400})'\n")
    result = imgscan("rules", "check", "other.toml", "--only", "Other_1")
    assert (result.exit_code, result.stdout) == (0, "1 rule checked, 0 problems\n")


def test_the_cache_is_shown_and_cleared(tmp_path):
    home = tmp_path / "cache"
    imgscan("rules", "list", IMGSCAN_CACHE_DIR=str(home))
    assert imgscan("cache", "info", IMGSCAN_CACHE_DIR=str(home)).stdout.startswith(f"{home}\n1 file, ")
    assert imgscan("cache", "clear", IMGSCAN_CACHE_DIR=str(home)).stdout == "1 file deleted\n"
    assert imgscan("cache", "info", IMGSCAN_CACHE_DIR=str(home)).stdout == f"{home}\n0 files, 0 bytes\n"


def test_a_file_that_cannot_be_read_is_a_usage_error():
    result = imgscan("rules", "test", "/proc/self/mem")
    assert result.exit_code == 2
    assert "/proc/self/mem: cannot be read" in result.stderr

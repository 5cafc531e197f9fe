"""The page of all rules is the one that the rules make."""

from __future__ import annotations

from pathlib import Path

import msgspec

from imgscan.rules.document import COMMAND, main, render
from imgscan.rules.load import packaged
from tests.support.layers import NEAR, TOKEN

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_page_in_the_repository_is_up_to_date():
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    assert written == render(packaged()), f"run: {COMMAND}"


def test_rules_stand_with_their_provider_and_are_counted():
    other = msgspec.structs.replace(TOKEN, id="b", provider="aaa", title="A|b <c>")
    page = render([TOKEN, NEAR, other])
    assert "3 kinds of secrets of 2 providers" in page
    assert "0 critical, 2 high, 0 medium, 1 low, 0 info" in page
    assert "2 high, 1 medium, 0 low" in page
    assert page.endswith(
        "| aaa | `b` | A\\|b \\<c\\> | high | high |\n"
        "| acme | `near` | Near | low | medium |\n"
        "| acme | `token` | Token | high | high |\n"
    )


def test_the_command_writes_the_page(tmp_path):
    assert main([str(tmp_path / "rules.md")]) == 0
    assert (tmp_path / "rules.md").read_text(encoding="utf-8").startswith("# Rules\n")

"""The README says what the program does, and the image it begins with is what its script writes."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from pathlib import Path

from click.testing import CliRunner

from imgscan.cli.app import EXIT_CODES, app
from imgscan.cli.settings import SETTINGS
from tests.support.commands import imgscan

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_help_block_is_what_the_program_prints():
    shown = CliRunner().invoke(app, ["--help"], prog_name="imgscan", terminal_width=78).stdout
    assert f"```\n{shown}```\n" in README, "run: COLUMNS=80 imgscan --help"


def test_every_exit_code_is_explained():
    rows = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)
    assert [int(row) for row in rows] == sorted(EXIT_CODES)


def test_the_two_commands_for_a_fresh_machine_are_there():
    commands = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert [command.rpartition(" && ")[2] for command in commands] == [
        ".venv/bin/imgscan fixtures/leaky-app.tar.gz",
        ".venv/bin/python -m pytest",
    ]


def test_every_option_in_the_examples_exists():
    examples = "".join(re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
    used = {
        word for line in examples.splitlines() if "imgscan " in line for word in re.findall(r"(?<= )--[a-z-]+", line)
    }
    known = {flag for setting in SETTINGS for flag in setting.opts}
    assert used
    assert used <= known


def test_the_leaky_image_is_what_its_script_writes():
    path = ROOT / "fixtures" / "make_leaky_app.py"
    spec = importlib.util.spec_from_file_location("make_leaky_app", path)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    stored = path.with_name("leaky-app.tar.gz").read_bytes()
    # Inside the compression: other versions of zlib write other bytes for the same content.
    assert gzip.decompress(stored) == script.archive()
    assert len(stored) < 20_000
    for token in (script.GITHUB, script.NPM, script.STRIPE, script.DATABASE):
        assert token.encode() not in stored


def test_the_leaky_image_leaks_in_five_ways_and_the_report_says_where():
    result = imgscan(str(ROOT / "fixtures" / "leaky-app.tar.gz"), "--format", "json")
    assert result.exit_code == 1
    (image,) = json.loads(result.stdout)["images"]
    keywords = [step["text"].partition("=")[0] for step in image["instructions"]]
    assert sorted((item["rule"]["id"], keywords[item["instruction"]], item["state"]) for item in image["findings"]) == [
        ("github-pat-classic", "ENV GITHUB_TOKEN", "config"),
        ("npm-access-token", "ARG NPM_TOKEN", "config"),
        ("postgres-url", "COPY .env /app/.env", "deleted"),
        ("private-key-openssh", "COPY deploy_key /root/.ssh/id_ed25519", "present"),
        ("stripe-live-secret-key", "COPY .env /app/.env", "deleted"),
    ]

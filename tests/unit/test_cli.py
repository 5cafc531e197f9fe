"""Commands, options, exit codes, and what goes to which stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from imgscan._version import __version__
from imgscan.cli import run
from imgscan.cli.app import COMMANDS, app
from imgscan.cli.settings import SETTINGS
from imgscan.errors import (
    ImageFormatError,
    ImageNotFoundError,
    InvalidReferenceError,
    RuleError,
    UnreachableError,
)
from imgscan.model.values import Confidence, Platform, Severity
from imgscan.scan.options import Options
from tests.support import reports as sample
from tests.support.commands import FakeScan, imgscan

PASSWORD = {"IMGSCAN_PASSWORD": "hunter-two"}


@pytest.fixture
def scan(monkeypatch, tmp_path):
    fake = FakeScan()
    monkeypatch.setattr(run, "scan", fake)
    monkeypatch.chdir(tmp_path)
    return fake


def test_an_image_needs_no_command(scan):
    assert imgscan("myimage:tag").exit_code == 0
    assert scan.images == ("myimage:tag",)


def test_options_may_stand_before_and_after_the_image(scan):
    assert imgscan("--format", "json", "a", "--jobs", "2", "b").exit_code == 0
    assert (scan.images, scan.options.jobs) == (("a", "b"), 2)


@pytest.mark.parametrize("name", [*COMMANDS])
def test_an_image_named_like_a_command_can_be_scanned(scan, name):
    assert imgscan("scan", name).exit_code == 0
    assert scan.images == (name,)


def test_the_usual_scan_has_the_usual_options(scan):
    imgscan("x")
    assert scan.options == Options()


def test_every_option_arrives(scan, tmp_path):
    for name in ("Dockerfile", "ca.pem", "own.toml"):
        (tmp_path / name).touch()
    flags = (
        "--platform linux/arm64/v8 --dockerfile Dockerfile --base debian:12 --offline --plain-http --ca-file ca.pem "
        "--username me --password-stdin --fail-on high --min-confidence medium --allow-incomplete --rules own.toml "
        "--only a --only b --skip c --verify --verify-hosts --show-secrets --jobs 3 --no-cache"
    )
    result = imgscan(*flags.split(), "x", standard_input="pass word\n")
    assert result.exit_code == 0, result.output
    got = scan.options
    assert got.wanted.platform == Platform("linux", "arm64", "v8")
    assert (got.dockerfile.name, got.base, got.rules[0].name) == ("Dockerfile", "debian:12", "own.toml")
    access = got.access
    assert (access.offline, access.plain_http, access.ca_file.name) == (True, True, "ca.pem")
    assert (access.username, access.password) == ("me", "pass word")
    assert (got.fail_on, got.min_confidence, got.allow_incomplete) == (Severity.HIGH, Confidence.MEDIUM, True)
    assert (got.only, got.skip, got.show_secrets) == (("a", "b"), ("c",), True)
    assert (got.verify, got.verify_hosts, got.jobs, got.use_cache) == (True, True, 3, False)


def test_the_gate_can_be_switched_off(scan):
    imgscan("--fail-on", "NEVER", "x")
    assert scan.options.fail_on is None


def test_a_password_may_come_from_the_environment(scan):
    imgscan("--username", "me", "x", **PASSWORD)
    assert scan.options.access.password == PASSWORD["IMGSCAN_PASSWORD"]
    assert PASSWORD["IMGSCAN_PASSWORD"] not in repr(scan.options)


@pytest.mark.parametrize(
    ("images", "registry"),
    [
        (("a.example/x", "registry:a.example/y", "--base", "debian:12"), "a.example"),
        (("docker:x", "--base", "a.example/base"), ""),
    ],
)
def test_a_password_is_for_the_registry_of_the_images(scan, images, registry):
    imgscan("--username", "me", *images, **PASSWORD)
    assert scan.options.access.registry == registry


def test_a_password_is_not_for_several_registries(scan):
    result = imgscan("--username", "me", "a.example/x", "b.example/y", **PASSWORD)
    assert (result.exit_code, scan.images) == (2, ())
    assert "one user and password for 2 registries: a.example, b.example" in result.stderr


def test_a_password_may_be_bytes_that_are_no_text(scan):
    CliRunner().invoke(app, ["--username", "me", "--password-stdin", "x"], input=b"p\xff\r\n")
    assert scan.options.access.password == os.fsdecode(b"p\xff")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Usage: imgscan"),
        (("scan",), "Missing argument"),
        (("--no-such", "x"), "No such option"),
        (("--fail-on", "awful", "x"), "awful"),
        (("--platform", "arm64", "x"), "is not OS/ARCHITECTURE"),
        (("--platform", "linux/arm64", "--all-platforms", "x"), "exclude each other"),
        (("--dockerfile", "absent", "x"), "does not exist"),
        (("--report", "json", "x"), "is not FORMAT=PATH"),
        (("--report", "pdf=x", "x"), "is not FORMAT=PATH"),
        (("--jobs", "0", "x"), "0 is not in the range"),
        (("--jobs", "many", "x"), "'many' is not a valid whole number"),
        (("--output", "no/such/dir.json", "x"), "directory does not exist"),
        (("--output", ".", "x"), "is a directory"),
        (("-o", "a", "--report", "json=a", "x"), "same place"),
        (("--username", "me", "x"), "a password is missing"),
        (("--username", "me", "--password-stdin", "x"), "no password on standard input"),
        (("--username", "me", "--password-stdin", "-"), "an image and a password"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_scanned(scan, arguments, message):
    result = imgscan(*arguments)
    assert (result.exit_code, result.stdout, scan.images) == (2, "", ())
    assert message in " ".join(result.stderr.split())


def test_a_password_without_a_user_is_refused():
    result = imgscan("x", **PASSWORD)
    assert result.exit_code == 2
    assert PASSWORD["IMGSCAN_PASSWORD"] not in result.output


def test_a_wrong_variable_is_named():
    result = imgscan("x", IMGSCAN_FAIL_ON="awful")
    assert result.exit_code == 2
    assert "IMGSCAN_FAIL_ON" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ImageNotFoundError("not found", where="x", hint="is it spelled right?"), 3),
        (UnreachableError("no answer"), 3),
        (ImageFormatError("not an image"), 3),
        (InvalidReferenceError("not a name"), 2),
        (RuleError("not a rule"), 2),
    ],
)
def test_an_error_is_told_with_its_hint_and_code(scan, error, code):
    scan.answer = error
    result = imgscan("x")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(f"imgscan: error: {error}\n")
    assert (f"imgscan: hint: {error.hint}\n" in result.stderr) is bool(error.hint)


def test_an_error_cannot_write_to_the_terminal_what_it_likes(scan):
    scan.answer = UnreachableError("answer \x1b[2J\nimgscan: all is well", where="x\r")
    result = imgscan("x")
    assert "\x1b" not in result.stderr
    assert "\r" not in result.stderr
    assert "\n  imgscan: all is well" in result.stderr


def test_a_bug_shows_neither_traceback_nor_what_was_scanned(scan):
    scan.answer = KeyError("the secret itself")
    result = imgscan("x")
    assert result.exit_code == 3
    assert "KeyError at commands.py:" in result.stderr
    assert "this is a bug" in result.stderr
    assert "Traceback" not in result.stderr
    assert "the secret itself" not in result.output


def test_a_bug_shows_its_traceback_on_demand(scan):
    scan.answer = KeyError("why")
    assert "Traceback" in imgscan("-vv", "x").stderr
    assert "Traceback" in imgscan("x", IMGSCAN_VERBOSE="2").stderr


def test_ctrl_c_ends_with_130_and_a_word(scan):
    scan.answer = KeyboardInterrupt()
    result = imgscan("x")
    assert (result.exit_code, result.stdout) == (130, "")
    assert "interrupted" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (sample.report(sample.image()), 0),
        (sample.report(sample.image(sample.finding())), 1),
        (sample.report(sample.image(sample.finding()), fail_on=None), 0),
        (sample.report(sample.image(notices=(sample.notice(),))), 3),
        (sample.report(sample.image(notices=(sample.notice(),)), allow_incomplete=True), 0),
    ],
)
def test_the_verdict_is_the_exit_code(scan, report, code):
    scan.answer = report
    assert imgscan("x").exit_code == code


def test_of_several_images_the_missing_one_is_told_and_the_others_are_reported(scan):
    scan.answer = sample.report(sample.image(), sample.unavailable())
    result = imgscan("x", "absent:1")
    assert result.exit_code == 3
    assert result.stderr == "imgscan: error: absent:1: no engine and no registry has it\n"
    assert "no secrets in myimage:tag" in result.stdout


@pytest.mark.parametrize(
    ("word", "meant"), [("xplain", "imgscan explain"), ("ruels", "imgscan rules"), ("help", "imgscan --help")]
)
def test_a_command_that_was_taken_for_an_image_is_suggested(scan, word, meant):
    hint = f"imgscan: hint: did you mean `{meant}`? What is no command is taken for an image\n"
    scan.answer = sample.report(sample.unavailable(word), sample.unavailable("pinecone"))
    assert imgscan(word, "pinecone").stderr.endswith(hint)
    scan.answer = ImageNotFoundError("nobody has it", where=word)
    assert imgscan(word).stderr.endswith(hint)
    scan.answer = ImageNotFoundError("nobody has it", where=word)
    assert "did you mean" not in imgscan("scan", word).stderr


def test_an_image_that_is_there_may_be_called_almost_like_a_command(scan):
    scan.answer = sample.everything()
    assert imgscan("cached").stderr == ""


def test_a_gate_that_fails_is_told_though_the_report_goes_to_a_file(scan):
    scan.answer = sample.report(sample.image(sample.finding()))
    told = imgscan("x", "-o", "out.txt").stderr
    assert told == "imgscan: gate: failed, 1 finding (1 critical) at low or above; the report is in out.txt\n"
    assert imgscan("x", "-o", "out.txt", "-q").stderr == ""
    assert imgscan("x", "-o", "out.txt", "--fail-on", "never", "--report", "json=-").stderr == ""


def test_nobody_believes_that_secrets_were_verified_while_offline(scan):
    scan.answer = sample.report(sample.image())
    assert imgscan("x", "--verify", "--offline").stderr == "imgscan: note: --verify asks nobody while --offline\n"


def test_standard_output_carries_the_report_and_nothing_else(scan):
    scan.answer = sample.everything()
    result = imgscan("-f", "json", "-v", "x")
    assert json.loads(result.stdout)["schema_version"] == "1.0"
    assert result.stderr == ""


def test_a_pipe_gets_no_colours_and_no_folded_lines(scan):
    path = "/" + "x" * 500
    scan.answer = sample.report(sample.image(sample.finding(path=path)))
    shown = imgscan("x").stdout
    assert path in shown
    assert "\x1b" not in shown


def test_several_reports_come_from_one_scan(scan, tmp_path):
    scan.answer = sample.everything()
    result = imgscan("x", "--report", "json=a.json", "--report", "text=b.txt")
    assert json.loads((tmp_path / "a.json").read_bytes())["tool"]["name"] == "imgscan"
    assert (tmp_path / "b.txt").read_text() == result.stdout


@pytest.mark.usefixtures("scan")
def test_a_report_in_a_file_leaves_standard_output_empty(tmp_path):
    assert imgscan("x", "-o", "out.txt").stdout == ""
    assert (tmp_path / "out.txt").read_text().endswith("gate: passed\n")


@pytest.mark.usefixtures("scan")
def test_a_report_that_cannot_be_written_does_not_keep_the_others_from_being(tmp_path):
    result = imgscan("x", "-o", "/dev/full", "--report", "text=b.txt", "--report", "json=c.json")
    assert (result.exit_code, result.stderr) == (
        3,
        "imgscan: error: /dev/full: cannot be written: No space left on device\n",
    )
    assert (tmp_path / "b.txt").read_text().endswith("gate: passed\n")
    assert (tmp_path / "c.json").exists()


@pytest.mark.usefixtures("scan")
def test_a_file_is_the_same_by_another_name(tmp_path):
    (tmp_path / "link").symlink_to("a")
    for other in (f"json={tmp_path}/a", "json=link"):
        result = imgscan("x", "-o", "a", "--report", other)
        assert (result.exit_code, "same place" in result.stderr) == (2, True)


@pytest.mark.usefixtures("scan")
def test_a_dash_is_standard_output(tmp_path):
    result = imgscan("x", "-o", "out.txt", "--report", "json=-")
    assert json.loads(result.stdout)["verdict"]["passed"]
    assert (tmp_path / "out.txt").exists()


@pytest.mark.usefixtures("scan")
def test_reports_with_secrets_are_private(tmp_path):
    imgscan("x", "-o", "open.txt")
    imgscan("x", "-o", "private.txt", "--show-secrets")
    assert (tmp_path / "private.txt").stat().st_mode & 0o077 == 0
    assert (tmp_path / "open.txt").stat().st_mode & 0o400


def test_the_help_names_every_option_and_command():
    shown = imgscan("--help").stdout
    for setting in SETTINGS:
        assert setting.opts[-1] in shown
    for name in COMMANDS:
        assert f"\n  {name} " in shown


@pytest.mark.parametrize("command", [*COMMANDS, "rules list", "rules check", "cache clear"])
def test_every_command_has_help(command):
    result = imgscan(*command.split(), "-h")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: imgscan {command}")


@pytest.mark.parametrize("group", ["rules", "cache"])
def test_the_help_of_a_group_cuts_nothing(group):
    assert "..." not in imgscan(group, "--help").stdout.partition("Commands:")[2]


def test_the_schema_command_prints_the_schema():
    assert json.loads(imgscan("schema").stdout)["$ref"] == "#/$defs/Report"


def completions(words: str) -> list[str]:
    shown = imgscan(_IMGSCAN_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(words.count(" "))).stdout
    return [line.partition(",")[2] for line in shown.splitlines()]


def test_the_shell_completes_options_and_their_values_where_scan_is_left_out():
    assert "--fail-on" in completions("imgscan --fa")
    assert completions("imgscan --fail-on cr") == ["critical"]
    assert "rules" in completions("imgscan ru")


def test_the_shell_completes_files():
    for words in ("imgscan image.t", "imgscan scan image.t", "imgscan --quiet a image.t"):
        assert completions(words) == ["image.t"]  # of the kind "file", which the shell looks up
    assert completions("imgscan ru")[0] == "ru"
    assert "--rules" in completions("imgscan --ru")
    assert "--ru" not in completions("imgscan --ru")


ENDED = "try: main()\nexcept SystemExit: print(*sys.modules)"


def test_the_version_needs_none_of_the_heavy_libraries():
    program = f"import sys; sys.argv[1:] = ['--version']\nfrom imgscan.cli import main\n{ENDED}"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.startswith(f"imgscan {__version__}\n")
    assert set(shown.split()) & {"rich", "regex", "hyperscan", "docker", "urllib3", "asyncio"} == set()

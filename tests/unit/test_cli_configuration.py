"""The configuration file: where it is found, who wins, what it must not do."""

from __future__ import annotations

import pytest

from imgscan.cli import configuration, run
from imgscan.cli.settings import SETTINGS
from imgscan.model.values import Platform, Severity
from tests.support.commands import FakeScan, imgscan


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """The current directory is two below the root of a repository."""
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "services" / "api"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    return tmp_path


@pytest.fixture
def scan(monkeypatch, repository):
    fake = FakeScan()
    monkeypatch.setattr(run, "scan", fake)
    return fake


def test_the_file_gives_defaults(scan, repository):
    (repository / "imgscan.toml").write_text('fail-on = "critical"\njobs = 2\nskip = ["a", "b"]\noffline = true\n')
    assert imgscan("x").exit_code == 0
    got = scan.options
    assert (got.fail_on, got.jobs, got.skip, got.access.offline) == (Severity.CRITICAL, 2, ("a", "b"), True)


def test_pyproject_will_do(scan, repository):
    (repository / "pyproject.toml").write_text('[tool.imgscan]\nfail_on = "high"\n')
    imgscan("x")
    assert scan.options.fail_on is Severity.HIGH


def test_the_nearest_file_wins_and_one_without_our_table_is_passed_over(scan, repository):
    (repository / "imgscan.toml").write_text("jobs = 9")
    (repository / "services" / "imgscan.toml").write_text("jobs = 7")
    (repository / "services" / "api" / "pyproject.toml").write_text("[tool.other]\nx = 1")
    imgscan("x")
    assert scan.options.jobs == 7


def test_flags_win_over_variables_and_variables_over_the_file(scan, repository):
    (repository / "imgscan.toml").write_text("jobs = 1")
    imgscan("x")
    assert scan.options.jobs == 1
    imgscan("x", IMGSCAN_JOBS="2")
    assert scan.options.jobs == 2
    imgscan("x", "--jobs", "3", IMGSCAN_JOBS="2")
    assert scan.options.jobs == 3


def test_a_stronger_platform_option_wins_over_the_one_in_the_file(scan, repository):
    (repository / "imgscan.toml").write_text("all-platforms = true")
    imgscan("x", "--platform", "linux/386")
    assert (scan.options.wanted.platform, scan.options.wanted.all_platforms) == (Platform("linux", "386"), False)
    imgscan("x", "--all-platforms", IMGSCAN_PLATFORM="linux/386")
    assert (scan.options.wanted.platform, scan.options.wanted.all_platforms) == (None, True)


def test_nothing_above_the_repository_is_read(scan, repository):
    (repository / ".git").rmdir()
    (repository / "imgscan.toml").write_text("jobs = 9")
    (repository / "services" / ".git").touch()  # as a worktree or submodule has it
    imgscan("x")
    assert scan.options.jobs is None


def test_outside_of_a_repository_only_the_current_directory_counts(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "imgscan.toml").touch()
    assert configuration.find(inner) is None
    assert configuration.find(tmp_path) == tmp_path / "imgscan.toml"


def test_a_named_file_is_the_only_one(scan, repository):
    (repository / "imgscan.toml").write_text("jobs = 9")
    (repository / "other.toml").write_text('fail-on = "high"')
    imgscan("x", "--config", "../../other.toml")
    assert (scan.options.jobs, scan.options.fail_on) == (None, Severity.HIGH)
    imgscan("x", IMGSCAN_CONFIG="../../other.toml")
    assert scan.options.fail_on is Severity.HIGH


def test_paths_in_the_file_are_relative_to_the_file(scan, repository):
    (repository / "Dockerfile").touch()
    (repository / "imgscan.toml").write_text('dockerfile = "Dockerfile"\nreport = ["json=out.json"]\noutput = "o.txt"')
    assert imgscan("x").exit_code == 0
    assert scan.options.dockerfile == repository / "Dockerfile"
    assert {path.name for path in repository.iterdir()} >= {"out.json", "o.txt"}


@pytest.mark.parametrize(
    ("content", "key", "reason"),
    [
        ('fail-no = "high"', "fail-no", "did you mean 'fail-on'"),
        ("zzz = 1", "zzz", "unknown key"),
        ("[images]\nx = 1", "images", "unknown key"),
        ('config = "x"', "config", "unknown key"),
        ('password = "x"', "password", "unknown key"),
        ("fail-on = 3", "fail-on", "must be a string"),
        ('fail-on = "awful"', "fail-on", "awful"),
        ('offline = "yes"', "offline", "must be true or false"),
        ("jobs = true", "jobs", "must be a whole number"),
        ("jobs = 0", "jobs", "not in the range"),
        ('skip = "a"', "skip", "must be a list, each a string"),
        ("skip = [1]", "skip", "must be a list, each a string"),
        ('dockerfile = "absent"', "dockerfile", "does not exist"),
        ('report = ["pdf=x"]', "report", "is not FORMAT=PATH"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_file(scan, repository, content, key, reason):
    (repository / "imgscan.toml").write_text(content)
    result = imgscan("x")
    shown = result.stderr
    assert (result.exit_code, scan.images) == (2, ())
    assert f"{repository / 'imgscan.toml'}: " in shown
    assert key in shown
    assert reason in shown


@pytest.mark.parametrize("content", [b"= nonsense", b"\xff", b"x = " + b"[" * 5000, b"#" * 2_000_000])
def test_a_file_that_is_no_toml_is_a_usage_error(repository, content):
    (repository / "imgscan.toml").write_bytes(content)
    result = imgscan("x")
    assert result.exit_code == 2
    assert "imgscan.toml" in result.stderr


@pytest.mark.parametrize("line", ["show-secrets = true", "plain-http = true", 'ca-file = "imgscan.toml"'])
def test_a_file_that_merely_lies_there_cannot_lower_the_protection_of_secrets(scan, repository, line):
    (repository / "imgscan.toml").write_text(line)
    result = imgscan("x")
    assert (result.exit_code, scan.images) == (2, ())
    assert "name the file with --config" in result.stderr
    assert imgscan("x", "--config", str(repository / "imgscan.toml")).exit_code == 0


@pytest.mark.parametrize("line", ['output = "../out"', 'report = ["text=/dev/null"]', 'output = "link/out"'])
def test_a_file_that_merely_lies_there_cannot_write_elsewhere(scan, repository, tmp_path_factory, line):
    (repository / "link").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    (repository / "imgscan.toml").write_text(line)
    result = imgscan("x")
    assert (result.exit_code, scan.images) == (2, ())
    assert "writes outside" in result.stderr


def test_completion_and_help_do_not_read_the_file(repository):
    (repository / "imgscan.toml").write_text("= nonsense")
    assert imgscan("--help").exit_code == 0
    assert imgscan(_IMGSCAN_COMPLETE="bash_complete", COMP_WORDS="imgscan --fa", COMP_CWORD="1").exit_code == 0


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_option_has_a_variable(setting):
    assert setting.envvar == "IMGSCAN_" + setting.opts[-1].removeprefix("--").replace("-", "_").upper()

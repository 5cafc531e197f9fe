"""``imgscan explain``: names however written, findings of saved reports, formats, and patches that tell no secret."""

from __future__ import annotations

import json
import stat
import subprocess

import msgspec
import pytest
from msgspec.structs import replace

from imgscan.guides.page import SECTIONS
from imgscan.model.report import DockerfileLines, Remediation, RuleInfo
from imgscan.model.values import Where
from imgscan.rules.sample import expand
from tests.support import reports
from tests.support.commands import imgscan

TOKEN = expand("ghp_{base62:30}{crc32}")
DOCKERFILE = f"""\
FROM debian:12
ENV GITHUB_TOKEN={TOKEN}
COPY .env /app/
RUN pip install -r requirements.txt
RUN rm /app/.env
COPY . /app
"""


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A report of two findings, and the Dockerfile of its image, in the current directory."""
    monkeypatch.chdir(tmp_path)
    steps = tuple(replace(step, dockerfile=None) for step in reports.instructions())
    findings = (reports.finding(), reports.config_finding())
    image = reports.image(*findings, instructions=steps, manifest_digest=reports.DIGESTS[0])
    write(reports.report(image))
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path


def write(report):
    with open("report.json", "wb") as file:  # noqa: PTH123 - the current directory
        file.write(msgspec.json.encode(report))


@pytest.mark.parametrize("name", ["pinecone", "Pinecone", "PINECONE-API-KEY", "Pinecone API key", " pinecone "])
def test_a_rule_a_provider_and_a_title_lead_to_the_guide(name):
    result = imgscan("explain", name, "--section", "contain")
    assert result.exit_code == 0
    assert "CONTAIN IT" in result.stdout
    assert "pc api-key delete -i KEY_ID" in result.stdout


def test_a_provider_whose_guide_nobody_wrote_is_told_by_its_rule(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme.toml").write_text(
        """
        [[rules]]
        id = "acme-key"
        title = "Acme key"
        provider = "acmecorp"
        severity = "high"
        confidence = "medium"
        pattern = '''\\b(?P<secret>acme_[0-9a-z]{24})\\b'''
        examples = ["acme_{lower:24}"]
        references = ["https://acme.example/keys"]
        """
    )
    result = imgscan("explain", "acmecorp", "--rules", "acme.toml", "--format", "json")
    told = json.loads(result.stdout)
    assert (told["extent"], told["docs"], told["rule"]) == ("composed", "https://acme.example/keys", "acme-key")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pinekone", "did you mean pinecone"),
        ("pinecone api", "did you mean pinecone-api-key"),
        ("openssh", "did you mean private-key-openssh"),
        ("abcdef0123", "a fingerprint needs the report"),
        ("!!", "`imgscan rules list` shows them all"),
    ],
)
def test_a_name_that_is_not_there_is_a_usage_error_with_the_next_best(name, hint):
    result = imgscan("explain", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert hint in result.stderr


def test_all_sections_are_told_in_order():
    shown = imgscan("explain", "pinecone", "--language", "go").stdout
    places = [shown.index(f"\n{title.upper()}\n") for title in SECTIONS.values()]
    assert places == sorted(places)


def test_sections_languages_and_stores_narrow_it():
    shown = imgscan(
        "explain", "pinecone", "--section", "prevent", "--section", "what", "--language", "python", "--store", "aws"
    ).stdout
    assert "RISK" not in shown
    assert "import boto3" in shown
    assert "hvac" not in shown
    assert "package secrets" not in shown


@pytest.mark.parametrize("form", ["markdown", "html", "json"])
def test_other_formats_are_for_programs(form):
    shown = imgscan("explain", "pinecone", "--format", form).stdout
    begins = {"markdown": "# Pinecone\n", "html": "<!doctype html>", "json": "{\n"}
    assert shown.startswith(begins[form])
    assert shown.endswith("\n")


def test_a_finding_is_known_by_its_fingerprint_or_the_beginning_of_it(saved):
    for name in ("f" * 32, "ffffffff", "pinecone-api-key", "pinecone"):
        told = json.loads(imgscan("explain", name, "--report", "report.json", "--format", "json").stdout)
        assert (told["finding"], told["rule"]) == ("f" * 32, "pinecone-api-key")


def test_a_finding_fills_in_place_instruction_layer_and_image(saved):
    shown = imgscan(
        "explain", "ffffff", "--report", "report.json", "--format", "markdown", "--section", "contain"
    ).stdout
    assert "`/app/.env:3:18` in `myimage:tag`, put there by step 3/6 `COPY .env /app/`; deleted in step 5" in shown
    assert f"`{reports.DIGESTS[1]}`" in shown
    assert f"@{reports.DIGESTS[0]}" in shown


def test_several_findings_that_fit_are_listed(saved):
    write(reports.report(reports.image(reports.finding(), reports.finding(fingerprint="a" * 32, path="/b"))))
    result = imgscan("explain", "pinecone", "--report", "report.json")
    assert result.exit_code == 2
    assert "a" * 32 + "  /b" in result.stderr


def test_a_report_without_the_finding_still_explains(saved):
    result = imgscan("explain", "stripe", "--report", "report.json", "--section", "what")
    assert result.exit_code == 0
    assert "the report has no such finding" in result.stderr


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 10000, b"\xff", b'{"images": 3}'])
def test_a_file_that_is_no_report_is_a_usage_error(saved, content):
    (saved / "report.json").write_bytes(content)
    result = imgscan("explain", "pinecone", "--report", "report.json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is no JSON report" in result.stderr


def test_a_report_with_an_unknown_rule_and_hostile_texts_is_explained_all_the_same(saved):
    rule = RuleInfo("x\x1b[31m", "Evil\x1b[2J key", "nobody`\x1b")
    finding = reports.finding(
        rule=rule, path="/a\x1b]0;x\x07`<b>", instruction=99, remediation=Remediation("", "no`pe", None)
    )
    write(reports.report(reports.image(finding, reference="a\x1b:$(b)")))
    for form in ("text", "markdown", "html", "json"):
        result = imgscan("explain", "ffffff", "--report", "report.json", "--format", form)
        assert result.exit_code == 0
        assert "\x1b" not in result.stdout
        assert "<b>" not in result.stdout or form in ("text", "markdown", "json")


def patch(saved, name, *more):
    arguments = ("explain", name, "--report", "report.json", "--dockerfile", "Dockerfile", "--format", "markdown")
    return imgscan(*arguments, "--section", "prevent", *more)


def applied(saved):
    subprocess.run(["patch", "-p1", "--quiet", "--input", "fix.patch"], cwd=saved, check=True)
    return (saved / "Dockerfile").read_text()


def test_the_patch_of_a_copy_is_shown_and_applies(saved):
    shown = patch(saved, "pinecone", "--write-patch", "fix.patch").stdout
    assert "-COPY .env /app/\n" in shown
    assert "+++ b/.dockerignore" in shown
    after = applied(saved)
    assert "COPY .env" not in after
    assert "rm /app/.env" not in after
    assert (saved / ".dockerignore").read_text() == ".env\n"


def test_a_patch_that_holds_a_secret_is_shown_without_and_written_with_it(saved):
    shown = patch(saved, "github-pat-classic", "--write-patch", "fix.patch").stdout
    assert TOKEN not in shown
    assert "-ENV GITHUB_TOKEN=…" in shown
    assert "`--write-patch FILE` writes one that does" in shown
    assert stat.S_IMODE((saved / "fix.patch").stat().st_mode) == 0o600
    assert "ENV" not in applied(saved)


def test_context_lines_of_a_patch_show_no_secret_either(saved):
    shown = patch(saved, "pinecone").stdout
    assert TOKEN not in shown
    assert " ENV GITHUB_TOKEN=" in shown


def test_the_lines_of_the_report_tell_steps_apart_that_read_the_same(saved):
    (saved / "Dockerfile").write_text(DOCKERFILE + "FROM debian:12\n" + DOCKERFILE.split("\n")[1] + "\n")
    assert "There is no patch" in patch(saved, "github").stdout
    lines = DockerfileLines("Dockerfile", 2, 2)
    steps = tuple(replace(step, dockerfile=lines) for step in reports.instructions())
    write(reports.report(reports.image(reports.config_finding(), instructions=steps)))
    assert "-ENV GITHUB_TOKEN=…" in patch(saved, "github").stdout


def test_what_is_ignored_stands_beside_the_file_that_is_to_be_ignored(saved):
    (saved / "app").mkdir()
    (saved / "Dockerfile").rename(saved / "app/Dockerfile")
    arguments = (
        "explain",
        "pinecone",
        "--report",
        "report.json",
        "--dockerfile",
        "app/Dockerfile",
        "--section",
        "prevent",
    )
    assert "+++ b/.dockerignore" in imgscan(*arguments).stdout
    (saved / "app/.env").touch()
    assert "+++ b/app/.dockerignore" in imgscan(*arguments).stdout


def test_a_dockerignore_that_is_there_gets_one_more_line(saved):
    (saved / ".dockerignore").write_text("*.md\n")
    patch(saved, "pinecone", "--write-patch", "fix.patch")
    applied(saved)
    assert (saved / ".dockerignore").read_text() == "*.md\n.env\n"


def test_the_own_ignore_file_of_a_dockerfile_is_the_one_that_counts(saved):
    (saved / "Dockerfile.dockerignore").write_text("a\n")
    assert "b/Dockerfile.dockerignore" in patch(saved, "pinecone").stdout


def test_where_no_patch_can_be_made_it_says_so(saved):
    (saved / "Dockerfile").write_text("FROM other\nRUN something else\n")
    result = patch(saved, "pinecone", "--write-patch", "fix.patch")
    assert result.exit_code == 2
    assert "There is no patch" in result.stderr
    assert "There is no patch: which step" in patch(saved, "pinecone").stdout


def test_a_literal_that_is_not_in_the_dockerfile_is_for_a_person(saved):
    write(reports.report(reports.image(reports.config_finding(where=Where.HISTORY, instruction=3))))
    assert "There is no patch: `Dockerfile` has to be changed by hand." in patch(saved, "github").stdout


def test_a_file_out_of_an_earlier_stage_is_fixed_there(saved):
    (saved / "Dockerfile").write_text("FROM a AS build\nCOPY .env /src/\nFROM b\nCOPY --from=build /src /app\n")
    finding = reports.finding(copied_from=DockerfileLines("Dockerfile", 2, 2), story=())
    write(reports.report(reports.image(finding)))
    shown = patch(saved, "pinecone").stdout
    assert "copies `.env` out of an earlier stage" in shown
    assert "-COPY .env /src/\n" in shown


def test_a_finding_without_an_instruction_has_words_and_no_patch(saved):
    write(reports.report(reports.image(reports.finding(instruction=None))))
    shown = patch(saved, "pinecone").stdout
    assert "an instruction that is not known" in shown
    assert "There is no patch: which step" in shown


def test_a_dockerfile_that_is_no_text_is_a_usage_error(saved):
    (saved / "Dockerfile").write_bytes(b"FROM \xff\n")
    result = patch(saved, "pinecone")
    assert result.exit_code == 2
    assert "cannot be read as text" in result.stderr


def test_a_report_beyond_all_bounds_is_not_read(saved, monkeypatch):
    monkeypatch.setattr("imgscan.cli.finding.MAX_REPORT", 10)
    assert imgscan("explain", "pinecone", "--report", "report.json").exit_code == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--dockerfile", "Dockerfile"), "a patch needs the finding"),
        (("--report", "report.json", "--write-patch", "x"), "a patch needs a file to change"),
    ],
)
def test_a_patch_needs_a_report_and_a_dockerfile(saved, options, message):
    result = imgscan("explain", "pinecone", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_dockerfile_for_a_finding_that_is_not_there_is_an_error(saved):
    result = imgscan("explain", "stripe", "--report", "report.json", "--dockerfile", "Dockerfile")
    assert result.exit_code == 2


def test_on_a_terminal_it_is_paged(monkeypatch):
    paged = []
    monkeypatch.setattr("imgscan.cli.explain._is_terminal", lambda: True)
    monkeypatch.setattr("imgscan.cli.explain._width", lambda: 60)
    monkeypatch.setattr("click.echo_via_pager", lambda text, color: paged.append((text, color)))
    imgscan("explain", "pinecone", "--section", "what", "--no-color")
    imgscan("explain", "pinecone", "--section", "what")
    (plain, bare), (colored, color) = paged
    assert "WHAT IT IS" in plain
    assert "\x1b[" not in plain
    assert (bare, color) == (False, None)  # click has `less` show colours only where nobody has decided on them
    assert "\x1b[" in colored


def test_words_are_whole_however_narrow_the_terminal_is(monkeypatch):
    paged: list[str] = []
    monkeypatch.setattr("imgscan.cli.explain._is_terminal", lambda: True)
    monkeypatch.setattr("click.echo_via_pager", lambda text, color: paged.append(text))  # noqa: ARG005 - its signature
    for width in (50, 5000):
        monkeypatch.setattr("imgscan.cli.explain._width", lambda width=width: width)
        imgscan("explain", "pinecone", "--section", "what", "--no-color")
    narrow, wide = paged
    assert narrow.split() == wide.split()
    assert any("https://" in line and len(line) > 50 for line in narrow.splitlines())
    assert all(len(line) <= 50 for line in narrow.splitlines() if "https://" not in line)

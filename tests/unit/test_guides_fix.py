"""The fix of the very instruction: in words for each kind of place, and as a patch that git and patch apply."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from imgscan.guides.dockerfile_fix import Spot, fix
from imgscan.guides.dockerfile_patch import change, diff, ignoring, step_like, step_on, values
from imgscan.image.dockerfile import parse
from imgscan.model.values import Where

if TYPE_CHECKING:
    from pathlib import Path

SYNTAX = "# syntax=docker/dockerfile:1\n"
MOUNT = "--mount=type=secret,id=token,env=TOKEN"


class Yard:
    """A directory in which patches are applied."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def patched(self, text: str, spot: Spot, line: int, literal: str | None = None) -> tuple[str, str | None] | None:
        """The Dockerfile that ``git apply`` and ``patch`` make of ``text``, and the line of the ``.dockerignore``."""
        dockerfile = parse(text, "Dockerfile")
        step = next(step for step in dockerfile.steps if step.start_line <= line <= step.end_line)
        changed = change(text, dockerfile, step, spot, literal)
        if changed is None:
            return None
        whole = diff(text, changed.text, "Dockerfile")
        if changed.ignore:
            whole += diff("", ignoring("", changed.ignore), ".dockerignore", is_new=True)
        for tool in (("git", "apply"), ("patch", "-p1", "--quiet", "--binary")):
            if shutil.which(tool[0]):
                self.assert_applies(tool, text, whole, changed.text, changed.ignore)
        return changed.text, changed.ignore

    def assert_applies(self, tool: tuple[str, ...], before: str, patch: str, after: str, ignore: str | None) -> None:
        (self.root / ".dockerignore").unlink(missing_ok=True)
        (self.root / "Dockerfile").write_bytes(before.encode())
        done = subprocess.run(tool, cwd=self.root, input=patch.encode(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert (self.root / "Dockerfile").read_bytes().decode() == after
        assert not ignore or (self.root / ".dockerignore").read_text() == f"{ignore}\n"


@pytest.fixture
def yard(tmp_path):
    return Yard(tmp_path)


def spot(where: Where, keyword: str, **more: Any) -> Spot:
    return Spot(where, keyword, "TOKEN", step="step 2/9", **more)


ARG = spot(Where.ARG, "ARG")
ENV = spot(Where.ENV, "ENV")
COPY = spot(Where.FILE, "COPY", path="/app/.env")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (ARG, ["build argument", "Remove `ARG TOKEN`", f"RUN {MOUNT} ./build.sh", "--secret id=token,env=TOKEN ."]),
        (ENV, ["Remove it from the ENV", "docker run --env TOKEN IMAGE", "      - TOKEN #"]),
        (COPY, ["copies `.env` out of the build context", "**/.env", "--mount=type=secret,id=env,target=/app/.env"]),
        (spot(Where.FILE, "ADD", path="/a/id_rsa"), ["the ADD", "**/id_rsa", "id=id_rsa,target=/a/id_rsa"]),
        (spot(Where.FILE, "RUN", path="/root/.npmrc"), ["writes `/root/.npmrc`", "&& rm -f /root/.npmrc"]),
        (spot(Where.HISTORY, "RUN"), ["holds the secret itself", "`$TOKEN`, not in single quotes"]),
        (spot(Where.FILE, "COPY", path="/app/.env", from_stage=True), ["earlier stage", "COPY --from=build /app/dist"]),
        (spot(Where.LABEL, "LABEL"), ["step 2/9 (LABEL)", "docker run --env TOKEN"]),
        (spot(Where.CMD, "CMD"), ["step 2/9 (CMD)"]),
        (spot(Where.FILE, "COPY", path="/app/.env", removed_by="step 5/9"), ["That step 5/9 deletes it again"]),
    ],
)
def test_each_kind_of_place_has_its_fix(where, expected):
    told = "\n".join(part.text for part in fix(where).parts)
    for words in expected:
        assert words in told
    assert "{" not in told.replace("${", "")


@pytest.mark.parametrize("where", list(Where))
def test_no_place_is_without_a_fix(where):
    assert fix(spot(where, where.upper())).parts


def test_a_path_that_means_more_to_a_shell_is_not_repeated():
    told = "\n".join(part.text for part in fix(spot(Where.FILE, "COPY", path="/a/$(reboot);.env")).parts)
    assert "reboot" not in told
    assert "/PATH/TO/FILE" in told


def test_patch_and_note_stand_behind_the_words():
    parts = fix(ENV, "--- a\n+++ b\n", "Read it.").parts
    assert [part.text for part in parts[-2:]] == ["Read it.", "--- a\n+++ b"]


def test_an_argument_becomes_a_secret_of_the_runs_that_use_it(yard):
    text = 'FROM a\nARG TOKEN\nRUN mkdir /x\nRUN curl -H "A: $TOKEN" https://a.example\nRUN make\n'
    after, _ = yard.patched(text, ARG, 2)
    assert after == f'{SYNTAX}FROM a\nRUN mkdir /x\nRUN {MOUNT} curl -H "A: $TOKEN" https://a.example\nRUN make\n'


def test_an_argument_that_no_run_names_is_for_all_that_run_a_program(yard):
    after, _ = yard.patched("FROM a\nARG TOKEN=x\nRUN npm ci\nRUN rm -rf /tmp/x\n", ARG, 2)
    assert after == f"{SYNTAX}FROM a\nRUN {MOUNT} npm ci\nRUN rm -rf /tmp/x\n"


def test_an_argument_handed_to_an_env_goes_with_it(yard):
    text = "FROM a\nARG TOKEN\nENV A=1 GH=${TOKEN} B=2\nRUN use $GH\nRUN use ${TOKEN:-x}\n"
    after, _ = yard.patched(text, ARG, 2)
    gh = "--mount=type=secret,id=token,env=GH"
    assert after == f"{SYNTAX}FROM a\nENV A=1 B=2\nRUN {gh} use $GH\nRUN {MOUNT} use ${{TOKEN:-x}}\n"


def test_arguments_in_other_stages_go_too(yard):
    text = "ARG TOKEN\nFROM a AS b\nARG TOKEN\nRUN use $TOKEN\nFROM c\nARG TOKEN\nRUN other $TOKEN\n"
    after, _ = yard.patched(text, ARG, 3)
    assert "ARG" not in after
    assert after.count(MOUNT) == 2


def test_one_of_several_variables_is_taken_out(yard):
    text = (
        "# syntax=docker/dockerfile:1.7\nFROM a\nENV A=1 \\\n    TOKEN='a b' \\\n    C=\"3 4\"\nRUN echo $TOKEN && x\n"
    )
    after, _ = yard.patched(text, ENV, 4)
    assert after == (f'# syntax=docker/dockerfile:1.7\nFROM a\nENV A=1 \\\n    C="3 4"\nRUN {MOUNT} echo $TOKEN && x\n')


def test_a_variable_in_the_old_form_is_removed(yard):
    assert yard.patched("FROM a\nENV TOKEN the value\nCMD run\n", ENV, 2) == ("FROM a\nCMD run\n", None)


def test_another_variable_in_the_old_form_stays(yard):
    assert yard.patched("FROM a\nENV OTHER the value\n", ENV, 2) is None


def test_windows_lines_stay_windows_lines(yard):
    after, _ = yard.patched("FROM a\r\nARG TOKEN\r\nRUN use $TOKEN\r\n", ARG, 2)
    assert after == f"{SYNTAX.strip()}\r\nFROM a\r\nRUN {MOUNT} use $TOKEN\r\n"


def test_a_last_line_without_an_end_is_no_trouble(yard):
    assert yard.patched("FROM a\nRUN x\nENV TOKEN=1", ENV, 3) == ("FROM a\nRUN x\n", None)
    assert yard.patched("FROM a\nENV TOKEN=1\nRUN x", ENV, 2) == ("FROM a\nRUN x", None)


def test_a_copied_file_is_ignored_and_no_longer_copied(yard):
    assert yard.patched("FROM a\nCOPY .env /app/.env\nCMD x\n", COPY, 2) == ("FROM a\nCMD x\n", ".env")


def test_other_files_of_the_copy_stay(yard):
    after, ignore = yard.patched("FROM a\nCOPY --chown=1 src/.env b.txt /app/\n", COPY, 2)
    assert (after, ignore) == ("FROM a\nCOPY --chown=1 b.txt /app/\n", "src/.env")


def test_a_copied_directory_only_ignores_the_file(yard):
    assert yard.patched("FROM a\nCOPY . /app\n", COPY, 2) == ("FROM a\nCOPY . /app\n", ".env")
    deep = spot(Where.FILE, "COPY", path="/app/conf/.env")
    assert yard.patched("FROM a\nCOPY web/ /app/\n", deep, 2) == ("FROM a\nCOPY web/ /app/\n", "web/conf/.env")
    assert yard.patched("FROM a\nCOPY . .\n", deep, 2) == ("FROM a\nCOPY . .\n", "**/.env")


def test_a_file_under_another_name_is_the_one_that_is_ignored(yard):
    key = spot(Where.FILE, "COPY", path="/root/.ssh/id_ed25519")
    assert yard.patched("FROM a\nCOPY deploy_key /root/.ssh/id_ed25519\n", key, 2) == ("FROM a\n", "deploy_key")


def test_runs_between_copy_and_removal_have_the_file_mounted(yard):
    text = "FROM a\nCOPY .env /app/.env\nRUN . /app/.env && make\nRUN rm -f /app/.env\n"
    after, _ = yard.patched(text, COPY, 2)
    mounted = "--mount=type=secret,id=env,target=/app/.env"
    assert after == f"{SYNTAX}FROM a\nRUN {mounted} . /app/.env && make\n"


def test_a_removal_among_others_no_longer_fails(yard):
    text = "FROM a\nCOPY .env /app/\nRUN make && rm /app/.env && ls\n"
    assert yard.patched(text, COPY, 2) == ("FROM a\nRUN make && rm -f /app/.env && ls\n", ".env")


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nCOPY settings.py /app/settings.py\n",  # a program needs it
        'FROM a\nCOPY ["/x/.env", "/app/"]\n',
        "FROM a\nCOPY <<EOF /app/.env\nA=1\nEOF\n",
    ],
)
def test_no_patch_is_better_than_a_wrong_one_for_a_copy(yard, text):
    path = "/app/settings.py" if "settings" in text else "/app/.env"
    assert yard.patched(text, spot(Where.FILE, "COPY", path=path), 2) is None


def test_a_literal_becomes_a_variable_of_that_run(yard):
    text = 'FROM a\nRUN curl -H "Authorization: s3cr3t" \\\n    https://a.example\n'
    after, _ = yard.patched(text, spot(Where.HISTORY, "RUN"), 2, "s3cr3t")
    assert after == (f'{SYNTAX}FROM a\nRUN {MOUNT} curl -H "Authorization: ${{TOKEN}}" \\\n    https://a.example\n')


@pytest.mark.parametrize("run", ["RUN x 's3cr3t'", 'RUN ["x", "s3cr3t"]', "RUN x other"])
def test_a_literal_that_no_shell_would_expand_is_left(yard, run):
    assert yard.patched(f"FROM a\n{run}\n", spot(Where.HISTORY, "RUN"), 2, "s3cr3t") is None


def test_a_file_that_a_run_wrote_is_for_a_person(yard):
    assert yard.patched("FROM a\nRUN aws login\n", spot(Where.FILE, "RUN", path="/root/.aws/credentials"), 2) is None


def test_names_with_spaces_stand_in_patches():
    assert diff("a\n", "b\n", "my Dockerfile").startswith("--- a/my Dockerfile\t\n+++ b/my Dockerfile\t\n")


def test_what_is_ignored_is_not_ignored_twice():
    assert ignoring("*.md\n.env\n", ".env") == "*.md\n.env\n"
    assert ignoring("*.md", ".env") == "*.md\n.env\n"


def test_a_step_is_found_by_its_lines_or_by_the_text_of_a_report():
    dockerfile = parse("FROM a\nENV A=b \\\n  TOKEN=ghp_xyz\nARG N=1\nRUN x\nRUN x\n", "Dockerfile")
    assert step_on(dockerfile, 2, 3) is dockerfile.steps[1]
    assert step_on(dockerfile, 2, 2) is None
    assert step_like(dockerfile, "ENV A=b TOKEN=ghp_…") is dockerfile.steps[1]
    assert step_like(dockerfile, "ARG N") is dockerfile.steps[2]
    assert step_like(dockerfile, "RUN x") is None, "two would fit"


def test_the_text_of_a_report_is_compared_in_no_time_whatever_it_is():
    dockerfile = parse(f"FROM a\nRUN {'a' * 5000}b {'c' * 5000}\n", "Dockerfile")
    assert step_like(dockerfile, f"RUN {'…a' * 60}…b …c") is dockerfile.steps[1]
    assert step_like(dockerfile, f"RUN {'…a' * 60}…d") is None
    assert step_like(dockerfile, f"RUN {'…' * 5000}b …c") is dockerfile.steps[1]
    assert step_like(dockerfile, "RUN …b c…") is dockerfile.steps[1]
    assert step_like(dockerfile, f"RUN a…b {'c' * 5000}…") is None, "at least one character is hidden"


def test_the_values_of_a_variable_are_known_so_that_they_can_be_hidden():
    dockerfile = parse("FROM a\nENV A=1 TOKEN='s3 cr'\nENV TOKEN old form\nARG TOKEN=x\n", "Dockerfile")
    assert [values(step, "TOKEN") for step in dockerfile.steps[1:]] == [("s3 cr",), ("old form",), ("x",)]


@pytest.mark.parametrize("odd", ["\f", "\v", "\x1c", "\x85", "\u2028"])
def test_characters_that_end_no_line_of_a_dockerfile_move_no_line(yard, odd):
    text = f"FROM a\n# one{odd}two\nARG TOKEN\nRUN use $TOKEN\n"
    after, _ = yard.patched(text, ARG, 3)
    assert after == f"{SYNTAX}FROM a\n# one{odd}two\nRUN {MOUNT} use $TOKEN\n"

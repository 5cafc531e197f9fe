"""Secrets that stand in instructions and settings in unusual ways: found, and never printed whole or in part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from imgscan.scan import scan
from imgscan.scan.options import Options
from tests.integration.planted.leaks import leaked
from tests.integration.planted.markers import secret
from tests.support.images import ImageBuilder, oci_layout, tar_of

if TYPE_CHECKING:
    from pathlib import Path

    from imgscan.model.report import Report

KEY, OTHER_KEY = secret("private-key-rsa:heredoc"), secret("private-key-openssh:argument")
TOKEN, PASSWORD = secret("github-pat-classic:token"), secret("generic-password-config:password")
TAIL: Final = secret("generic-password-config:tail")


def report_of(image: ImageBuilder, directory: Path, options: Options | None = None) -> Report:
    path = directory / "image.tar"
    path.write_bytes(tar_of(oci_layout(image)))
    return scan([str(path)], options)


def app() -> ImageBuilder:
    """As BuildKit records it."""
    image = ImageBuilder("app:1")
    image.layer({"key": b"hidden"}, created_by=f"RUN /bin/sh -c cat <<EOF > /key\n{KEY}\nEOF # buildkit")
    image.step(f"RUN |1 KEY={OTHER_KEY} /bin/sh -c make # buildkit")
    image.step(f"ENV TOKEN={TOKEN} DB_PASSWORD={PASSWORD}")
    return image.configure(Env=[f"TOKEN={TOKEN}", f"DB_PASSWORD={PASSWORD}"])


def test_secrets_of_several_lines_are_hidden_in_heredocs_and_build_arguments(tmp_path):
    report = report_of(app(), tmp_path)
    assert len(report.images[0].findings) == 4
    assert leaked(report, [KEY, OTHER_KEY, TOKEN, PASSWORD]) == []


@pytest.mark.parametrize("choice", [{"only": ("github-pat-classic",)}, {"skip": ("private-key-rsa",)}])
def test_secrets_that_nobody_asked_for_are_hidden_too(tmp_path, choice):
    report = report_of(app(), tmp_path, Options(**choice))
    assert leaked(report, [KEY, OTHER_KEY, TOKEN, PASSWORD]) == []


@pytest.mark.parametrize("joint", [*"&;|<'\"\\ "])
def test_the_whole_value_of_a_setting_is_the_password(tmp_path, joint):
    setting = f"DB_PASSWORD=Zk9w{joint}{TAIL}"
    report = report_of(ImageBuilder("app:1").step(f"ENV {setting}").configure(Env=[setting]), tmp_path)
    assert [finding.secret.length for finding in report.images[0].findings] == [len(f"Zk9w{joint}{TAIL}".encode())]
    assert leaked(report, [TAIL]) == []

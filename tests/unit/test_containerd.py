from __future__ import annotations

import os
import socket
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from imgscan.errors import (
    AccessDeniedError,
    ImageNotFoundError,
    InvalidReferenceError,
    SourceError,
    UnreachableError,
)
from imgscan.model.values import Platform
from imgscan.sources import containerd
from imgscan.sources.base import Wanted
from imgscan.sources.containerd import ContainerdSource
from tests.support.images import ImageBuilder, containerd_store, tar_of
from tests.support.reading import read_all

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "docker.io/acme/app:1"
ARCHIVE = tar_of(containerd_store(ImageBuilder("acme/app:1").layer({"noise": os.urandom(300_000)}, codec="plain")))

CTR = """\
#!/bin/sh
cd {directory}
echo "$@" >> calls
case "$*" in
  *" images list "*) {listing} ;;
  *" images export "*) {export} ;;
esac
"""


class Ctr:
    """A ``ctr`` on PATH that does as it is told, in a directory with a socket that listens."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.act()

    def act(self, listing: str = f"echo {NAME}", export: str = "cat archive") -> None:
        program = self.directory / "ctr"
        program.write_text(CTR.format(directory=self.directory, listing=listing, export=export))
        program.chmod(0o755)
        (self.directory / "archive").write_bytes(ARCHIVE)

    @property
    def calls(self) -> list[str]:
        return (self.directory / "calls").read_text().splitlines()


@pytest.fixture
def ctr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ctr]:
    with tempfile.TemporaryDirectory(prefix="imgscan-") as path, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{path}/containerd.sock")
        listener.listen()
        monkeypatch.setenv("PATH", path, prepend=os.pathsep)
        monkeypatch.setenv("CONTAINERD_ADDRESS", f"{path}/containerd.sock")
        yield Ctr(Path(path))


def read(name: str = "acme/app:1", wanted: Wanted | None = None) -> Any:
    with ContainerdSource(name, wanted or Wanted()).open() as opened:
        for blob in opened.layers():
            with closing(blob.open()) as reader:
                read_all(reader)
        return opened.images()


def test_short_name_is_looked_for_as_typed_and_in_full(ctr):
    (image,) = read()
    assert (image.source, image.reference) == ("containerd", "acme/app:1")
    assert 'name=="docker.io/acme/app:1" name=="acme/app:1"' in ctr.calls[0]
    assert ctr.calls[-1].endswith(f"--namespace=default images export - {NAME}")


def test_id_is_looked_for_as_it_is(ctr):
    identity = f"sha256:{'0' * 64}"
    ctr.act(listing=f"echo {identity}")
    read(identity)
    assert ctr.calls[-1].endswith(f" - {identity}")


@pytest.mark.parametrize("name", ["--help", "-x", "a b", 'a"b', "a;id", "../x", ""])
def test_name_that_is_none_runs_nothing(ctr, name):
    with pytest.raises(InvalidReferenceError):
        read(name)
    assert not (ctr.directory / "calls").exists()


@pytest.mark.parametrize(
    ("wanted", "option"),
    [
        (Wanted(Platform("linux", "amd64")), "--platform=linux/amd64"),
        (Wanted(all_platforms=True), "--all-platforms"),
    ],
)
def test_platform_is_asked_for(ctr, wanted, option):
    read(wanted=wanted)
    assert f"images export {option} -" in ctr.calls[-1]


def test_image_in_no_namespace_is_not_found(ctr):
    ctr.act(listing="true")
    with pytest.raises(ImageNotFoundError, match=r"default, moby, k8s\.io"):
        read()
    assert len(ctr.calls) == 3


def test_chosen_namespace_is_the_only_one_searched(ctr, monkeypatch):
    monkeypatch.setenv("CONTAINERD_NAMESPACE", "mine")
    ctr.act(listing="true")
    with pytest.raises(ImageNotFoundError, match="mine"):
        read()
    assert len(ctr.calls) == 1


def test_list_that_fails_is_told_with_the_reason(ctr):
    ctr.act(listing="echo 'no \033[31mluck' >&2; exit 1")
    with pytest.raises(SourceError, match="luck") as caught:
        read()
    assert str(caught.value).isprintable()


def test_list_that_never_comes_is_unreachable(ctr, monkeypatch):
    monkeypatch.setattr(containerd, "ANSWER_SECONDS", 0.2)
    ctr.act(listing="exec sleep 60")
    with pytest.raises(UnreachableError):
        read()


@pytest.mark.parametrize(
    "export",
    [
        "cat archive; echo 'no luck' >&2; exit 1",
        "head -c 200000 archive; echo 'no luck' >&2; exit 1",
        "echo 'no luck' >&2; exit 1",
        "cat archive; yes 'no luck' | head -c 1000000 >&2; exit 1",
    ],
)
def test_export_that_fails_is_an_error_with_the_end_of_its_complaint(ctr, export):
    ctr.act(export=export)
    with pytest.raises(SourceError, match="luck") as caught:
        read()
    assert len(str(caught.value)) < 500


def test_export_that_is_killed_is_an_error(ctr):
    ctr.act(export="head -c 200000 archive; kill -9 $$")
    with pytest.raises(SourceError):
        read()


def test_leaving_early_ends_the_export(ctr):
    ctr.act(export="echo $$ > pid; cat archive; exec sleep 60")
    with ContainerdSource("acme/app:1").open() as opened:
        next(iter(opened.layers())).open().read(1)
        pid = int((ctr.directory / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_missing_command_is_unreachable(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UnreachableError, match="PATH"):
        read()


@pytest.mark.parametrize("address", ["/no/such.sock", "unix:///no/such.sock", "/" + "long" * 100])
@pytest.mark.usefixtures("ctr")
def test_missing_socket_is_unreachable(monkeypatch, address):
    monkeypatch.setenv("CONTAINERD_ADDRESS", address)
    with pytest.raises(UnreachableError) as caught:
        read()
    assert "CONTAINERD_ADDRESS" in str(caught.value.hint)


def test_socket_of_others_is_access_denied(ctr):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    ctr.directory.chmod(0o755)
    (ctr.directory / "containerd.sock").chmod(0o600)
    os.seteuid(65534)
    try:
        with pytest.raises(AccessDeniedError):
            read()
    finally:
        os.seteuid(0)

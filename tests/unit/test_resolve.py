from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest

from imgscan.errors import (
    AccessDeniedError,
    ImageFormatError,
    ImageNotFoundError,
    InvalidReferenceError,
    RateLimitedError,
    SourceError,
    UnreachableError,
    UsageError,
)
from imgscan.sources import resolve as module
from imgscan.sources.archive import ArchiveSource, StreamSource
from imgscan.sources.base import Access, Wanted
from imgscan.sources.containerd import ContainerdSource
from imgscan.sources.daemon import DaemonSource
from imgscan.sources.layout import LayoutSource
from imgscan.sources.registry import RegistrySource
from imgscan.sources.resolve import FirstOf, registry_of, resolve
from tests.support.images import ImageBuilder, docker_25, oci_layout, tar_of, write_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imgscan.sources.base import Source

DIGEST = "sha256:" + "0" * 64


def resolved(text: str, **options: Any) -> Source:
    return resolve(text, wanted=Wanted(), access=Access(), **options)


@dataclass
class Told:
    """A source that refuses, or hands out itself."""

    kind: str
    error: Exception | None = None
    closed: bool = False

    @contextmanager
    def open(self) -> Iterator[Any]:
        if self.error:
            raise self.error
        try:
            yield self
        finally:
            self.closed = True


def first_of(**sources: Told) -> FirstOf:
    return FirstOf("app:1", {name: partial(cast, Any, source) for name, source in sources.items()})


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _archive(tmp_path: Path) -> None:
    (tmp_path / "app").write_bytes(tar_of(docker_25(ImageBuilder("acme/app:1"))))


@pytest.mark.parametrize("text", ["docker:app", "docker://app", "docker:app:1", "docker:0123456789ab", "docker:5a/x"])
def test_docker_scheme_asks_docker_only(text):
    source = resolved(text)
    assert isinstance(source, DaemonSource)
    assert (source.kind, source.reference) == ("docker", text[7:].lstrip("/"))


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("podman:app", "podman", DaemonSource),
        ("podman://localhost/app:1", "podman", DaemonSource),
        ("containerd:app", "containerd", ContainerdSource),
        ("containerd://app", "containerd", ContainerdSource),
        ("registry:app", "registry", RegistrySource),
        ("registry://127.0.0.1:5000/app", "registry", RegistrySource),
        (f"registry:app@{DIGEST}", "registry", RegistrySource),
        ("docker://27", "docker", DaemonSource),
    ],
)
def test_other_schemes_ask_one_place_only(text, kind, expected):
    source = resolved(text)
    assert isinstance(source, expected)
    assert source.kind == kind


@pytest.mark.parametrize(
    "text",
    ["docker:27", "docker:27-dind", "docker:27.3.1", "registry:2", "registry:5000/team/app:1", "docker:5000/app"],
)
def test_version_or_port_after_the_colon_makes_a_name_and_no_scheme(text):
    source = resolved(text)
    assert isinstance(source, FirstOf)
    assert list(source.ways) == ["docker", "registry"]


@pytest.mark.parametrize("form", ["docker-archive:app", "docker-archive://app", "oci-archive:app", "app", "./app"])
@pytest.mark.usefixtures("_archive")
def test_existing_archive_is_taken_with_and_without_scheme(form):
    assert isinstance(resolved(form), ArchiveSource)


def test_existing_layout_is_taken_with_and_without_scheme(tmp_path):
    write_tree(oci_layout(ImageBuilder("acme/app:1")), tmp_path / "app")
    for form in ("app", "./app", f"{tmp_path}/app", "oci-dir:app", "oci-dir:app:1"):
        assert isinstance(resolved(form), LayoutSource)


@pytest.mark.parametrize(
    ("form", "name"), [("app", None), ("app:1", "1"), ("app:acme/app:1", "acme/app:1"), ("a:b:1", "1")]
)
def test_one_image_of_a_layout_has_a_name_which_may_hold_colons(tmp_path, form, name):
    for directory in ("app", "a:b"):
        write_tree(oci_layout(ImageBuilder("acme/app:1")), tmp_path / directory)
    source = resolved(f"oci-dir:{form}")
    assert isinstance(source, LayoutSource)
    assert (source.path.name, source.name) == ("a:b" if form.startswith("a:b") else "app", name)


def test_folder_that_is_no_layout_does_not_hide_the_image_of_that_name(tmp_path):
    (tmp_path / "app").mkdir()
    assert isinstance(resolved("app"), FirstOf)
    assert isinstance(resolved("./app"), LayoutSource), "a path was meant, so the layout tells what is wrong with it"


def test_file_that_is_no_archive_does_not_hide_the_image_of_that_name(tmp_path):
    (tmp_path / "app").write_bytes(b"\x7fELF" + bytes(600))
    assert isinstance(resolved("app"), FirstOf)
    assert isinstance(resolved("./app"), ArchiveSource)


def test_file_that_holds_no_image_is_told_when_no_image_has_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").write_text("no image\n")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    source = resolve("notes", wanted=Wanted(), access=Access(offline=True))
    with (
        pytest.raises(UnreachableError, match="file - failed: there is a file or directory of this name"),
        source.open(),
    ):
        pass


def test_file_whose_name_no_image_can_have_is_told_as_such(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(InvalidReferenceError, match="holds no image"):
        resolved("Dockerfile")


def test_named_pipe_is_read_as_a_stream(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    source = resolved(f"{tmp_path}/pipe")
    assert isinstance(source, StreamSource)


@pytest.mark.parametrize(
    "text", ["./missing", "/no/such/thing", "../x", "image.tar", "a/b.tar.gz", "x.tgz", "y.tar.zst"]
)
def test_missing_path_is_told_as_one_and_no_registry_is_asked(text):
    with pytest.raises(ImageNotFoundError, match="no such file or directory"):
        resolved(text)


def test_zero_byte_and_endless_text_are_no_paths():
    for text in ("a\0b", "a" * 5000):
        with pytest.raises(InvalidReferenceError):
            resolved(text)


def test_control_characters_of_a_path_are_not_repeated():
    with pytest.raises(ImageNotFoundError) as caught:
        resolved("/no/\x1b[31m\nthing")
    assert str(caught.value).isprintable()


def test_dash_reads_standard_input():
    assert isinstance(resolved("-", stdin=lambda: io.BytesIO(b"")), StreamSource)


@pytest.mark.parametrize("text", ["", "docker:", "registry://", "docker-archive:", "oci-dir:"])
def test_a_name_that_was_left_out_is_missed(text):
    with pytest.raises(InvalidReferenceError, match="there is no name"):
        resolve(text, wanted=Wanted(), access=Access())


def test_terminal_as_standard_input_is_refused():
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    with pytest.raises(UsageError, match="terminal"):
        resolved("-", stdin=Terminal)


def test_closed_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="closed"):
        resolved("-")


def test_name_goes_to_docker_and_then_to_the_registry():
    source = resolved("acme/app:1")
    assert isinstance(source, FirstOf)
    assert list(source.ways) == ["docker", "registry"]


def test_podman_is_asked_in_between_when_its_socket_is_there(monkeypatch):
    monkeypatch.setenv("CONTAINER_HOST", "unix:///run/podman.sock")
    source = resolved("acme/app:1")
    assert isinstance(source, FirstOf)
    assert list(source.ways) == ["docker", "podman", "registry"]


@pytest.mark.parametrize("text", [DIGEST, "0" * 64])
def test_id_is_no_name_for_a_registry(text):
    source = resolved(text)
    assert isinstance(source, FirstOf)
    assert list(source.ways) == ["docker"]


def test_what_is_no_name_is_refused_before_anybody_is_asked():
    with pytest.raises(InvalidReferenceError):
        resolved("Not A Name")


def test_first_way_that_leads_to_the_image_is_taken():
    docker, registry = Told("docker"), Told("registry", AssertionError("asked"))
    source = first_of(docker=docker, registry=registry)
    with source.open() as opened:
        assert cast("Any", opened) is docker
        assert (source.kind, docker.closed) == ("docker", False)
    assert (source.kind, docker.closed) == ("docker", True)


@pytest.mark.parametrize(
    "error", [ImageNotFoundError, AccessDeniedError, UnreachableError, RateLimitedError, SourceError]
)
def test_failure_of_one_way_does_not_hide_the_next(error):
    source = first_of(docker=Told("docker", error("no")), registry=Told("registry"))
    with source.open():
        assert source.kind == "registry"


def test_broken_image_is_not_replaced_by_another_one():
    source = first_of(docker=Told("docker", ImageFormatError("torn")), registry=Told("registry"))
    with pytest.raises(ImageFormatError, match="torn"), source.open():
        pytest.fail("opened")


def test_error_while_the_image_is_read_does_not_start_the_next_way():
    docker, registry = Told("docker"), Told("registry")
    with pytest.raises(UnreachableError), first_of(docker=docker, registry=registry).open():
        raise UnreachableError("gone")
    assert docker.closed
    assert not registry.closed


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImageNotFoundError, "not found"),
        (AccessDeniedError, "access denied"),
        (RateLimitedError, "rate limited"),
        (UnreachableError, "unreachable"),
        (SourceError, "failed"),
    ],
)
def test_when_all_fail_the_error_lists_each_way_and_its_reason(error, words):
    docker = Told("docker", UnreachableError("no socket", hint="start it"))
    registry = Told("registry", error("because of that", hint="do this"))
    with pytest.raises(error) as caught, first_of(docker=docker, registry=registry).open():
        pytest.fail("opened")
    assert type(caught.value) is error
    assert caught.value.where == "app:1"
    assert "docker - unreachable: no socket" in caught.value.message
    assert f"registry - {words}: because of that" in caught.value.message
    assert caught.value.hint == "docker: start it; registry: do this"


def test_kind_is_that_of_the_registry_even_if_an_engine_refused():
    docker = Told("docker", AccessDeniedError("not you"))
    with pytest.raises(ImageNotFoundError, match="access denied"):
        first_of(docker=docker, registry=Told("registry", ImageNotFoundError("no tag"))).open().__enter__()


def test_resolving_imports_neither_the_docker_sdk_nor_an_http_client():
    program = (
        "import sys; from imgscan.sources.base import Access, Wanted; from imgscan.sources.resolve import resolve;"
        "resolve('acme/app:1', wanted=Wanted(), access=Access());"
        "print({'docker', 'requests', 'urllib3', 'http.client'} & set(sys.modules))"
    )
    done = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"


def test_every_scheme_leads_somewhere(tmp_path):
    (tmp_path / "app").write_bytes(b"")
    for scheme in module.SCHEMES:
        assert resolved(f"{scheme}:app").kind in module.SCHEMES


@pytest.mark.parametrize("text", ["docker-archive:{}", "oci-archive:{}", "oci-dir:{}", "oci-dir:app:{}", "/{}"])
def test_a_path_that_no_system_could_have_is_not_found(text):
    with pytest.raises((ImageNotFoundError, SourceError)), resolved(text.format("a" * 5000)).open():
        pass


def test_a_path_behind_a_closed_door_is_denied(monkeypatch):
    def closed(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.stat", closed)
    monkeypatch.setattr("os.open", closed)
    with pytest.raises(AccessDeniedError), resolved("docker-archive:/root/image.tar").open():
        pass


@pytest.mark.parametrize(
    ("text", "registry"),
    [
        ("app", "docker.io"),
        ("registry:2", "docker.io"),
        ("registry.example:5000/app:1", "registry.example:5000"),
        ("registry:registry.example/app", "registry.example"),
        ("docker:registry.example/app", None),
        ("oci-dir:app", None),
        ("absent.tar", None),
        ("-", None),
        ("", None),
        ("UPPER/x", None),
        ("0" * 64, None),
    ],
)
def test_it_is_known_beforehand_which_registry_may_be_asked(text, registry):
    assert registry_of(text) == registry

from __future__ import annotations

import json
import os
import socket
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from imgscan.errors import (
    AccessDeniedError,
    ImageFormatError,
    ImageNotFoundError,
    InvalidReferenceError,
    SourceError,
    UnreachableError,
)
from imgscan.model.values import Platform
from imgscan.sources import daemon
from imgscan.sources.base import Wanted
from imgscan.sources.daemon import DOCKER, PODMAN, DaemonSource, podman_endpoint
from tests.support.fake_engine import FakeEngine
from tests.support.images import ImageBuilder, docker_25, tar_of
from tests.support.reading import read_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.sources.base import OpenSource

NOISE = os.urandom(3_000_000)
IMAGE = ImageBuilder("acme/app:1").layer({"app/.env": b"A=1\n"}).layer({"noise": NOISE}, codec="plain")
ARM64 = Wanted(Platform("linux", "arm64"))
ARCHIVE = tar_of(docker_25(IMAGE))


@pytest.fixture
def directory() -> Iterator[Path]:
    """Short enough for the path of a socket."""
    with tempfile.TemporaryDirectory(prefix="imgscan-") as path:
        yield Path(path)


@pytest.fixture
def engine(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    with FakeEngine(directory / "engine.sock", {"acme/app:1": ARCHIVE}).running() as running:
        monkeypatch.setenv("DOCKER_HOST", running.url)
        yield running


@contextmanager
def opened(name: str = "acme/app:1", wanted: Wanted | None = None, kind: Any = DOCKER) -> Iterator[OpenSource]:
    with DaemonSource(name, wanted or Wanted(), kind).open() as source:
        yield source


def fail_to_open(expected: type[Exception], name: str = "acme/app:1", kind: Any = DOCKER) -> Any:
    with pytest.raises(expected) as caught, opened(name, kind=kind) as source:
        drain(source)
    assert type(caught.value) is expected
    return caught.value


def drain(source: OpenSource) -> list[bytes]:
    layers = []
    for blob in source.layers():
        with closing(blob.open()) as reader:
            layers.append(read_all(reader))
    return layers


def test_every_layer_comes_whole(engine):
    with opened() as source:
        layers = drain(source)
        (image,) = source.images()
    assert sorted(layers) == sorted(layer.tar for layer in IMAGE.layers)
    assert (image.source, image.reference) == ("docker", "acme/app:1")
    assert engine.requests == ["/version", "/v1.41/images/acme/app:1/json", "/v1.41/images/acme/app:1/get"]


@pytest.mark.parametrize("api", ["1.24", "1.41", "1.44", "1.52", "1.99"])
def test_version_of_the_api_is_the_one_of_the_engine(engine, api):
    engine.api = api
    with opened() as source:
        drain(source)
    assert all(path.startswith((f"/v{api}/", "/version")) for path in engine.requests)


def test_platform_is_asked_for_where_the_api_knows_it(engine):
    engine.api = "1.48"
    with opened(wanted=Wanted(Platform("linux", "amd64"))) as source:
        drain(source)
    assert json.loads(engine.queries[-1]["platform"][0]) == {"os": "linux", "architecture": "amd64"}


@pytest.mark.parametrize(
    ("api", "wanted"),
    [
        ("1.47", Wanted(Platform("linux", "amd64"))),
        ("1.48", Wanted()),
        ("1.48", Wanted(Platform("linux", "amd64"), all_platforms=True)),
    ],
)
def test_platform_is_left_to_the_archive_otherwise(engine, api, wanted):
    engine.api = api
    with opened(wanted=wanted) as source:
        drain(source)
    assert engine.queries[-1] == {}


def told(platform: str, data: object) -> tuple[int, bytes]:
    """The answer to an inspect, by a store that has ``data`` of a driver or not."""
    system, architecture = platform.split("/")
    about = {"Os": system, "Architecture": architecture, "GraphDriver": {"Name": "overlay2", "Data": data}}
    return 200, json.dumps(about).encode()


def test_an_image_of_another_platform_is_told_before_it_is_sent(engine):
    engine.answers = {"/acme/app:1/json": told("linux/s390x", {"UpperDir": "/x"})}
    with pytest.raises(ImageNotFoundError, match="platform linux/arm64") as caught, opened(wanted=ARM64):
        pass
    assert "linux/s390x" in (caught.value.hint or "")
    assert engine.requests[-1].endswith("/json")


@pytest.mark.parametrize(
    ("there", "data", "wanted"),
    [
        ("linux/s390x", {"UpperDir": "/x"}, Wanted()),
        ("linux/s390x", {"UpperDir": "/x"}, Wanted(Platform("linux", "amd64"), all_platforms=True)),
        ("linux/s390x", None, Wanted(Platform("linux", "amd64"))),
        ("linux/amd64", {"UpperDir": "/x"}, Wanted(Platform("linux", "amd64"))),
    ],
    ids=["any will do", "all are wanted", "a store that may have others", "the right one"],
)
def test_an_image_that_may_be_the_wanted_one_is_sent(engine, there, data, wanted):
    engine.answers = {"/acme/app:1/json": told(there, data)}
    with opened(wanted=wanted) as source:
        assert drain(source)


def test_leaving_early_hangs_up(engine):
    with opened() as source:
        next(iter(source.layers())).open().read(1)
    assert engine.hung_up.wait(10)


def test_unknown_image_is_told_before_anything_is_sent(engine):
    error = fail_to_open(ImageNotFoundError, "acme/other:1")
    assert error.where == "acme/other:1"
    assert engine.requests[-1].endswith("/json")


def test_image_that_is_gone_by_now_is_told_as_not_found(engine):
    engine.answers = {"/get": (404, b'{"message":"reference does not exist"}')}
    fail_to_open(ImageNotFoundError)


@pytest.mark.parametrize(
    "name", ["../../version", "a//b", "UPPER/x", "a b", "", "-x", "a?b=c", "a%2e%2e/b", "x/../../containers"]
)
def test_name_that_is_none_asks_nothing(engine, name):
    fail_to_open(InvalidReferenceError, name)
    assert engine.requests == []


@pytest.mark.parametrize("name", ["sha256:" + "0" * 64, "0" * 64, "0123abcd4567", f"acme/app@sha256:{'0' * 64}"])
def test_ids_and_digests_are_asked_for_as_they_are(engine, name):
    engine.images = {name: ARCHIVE}
    with opened(name) as source:
        assert drain(source)


def test_podman_finds_its_own_images_by_their_bare_names(engine, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("CONTAINER_HOST", engine.url)
    engine.images = {"localhost/app:1": ARCHIVE}
    with opened("app:1", kind=PODMAN) as source:
        drain(source)
        assert source.images()[0].source == "podman"


def test_missing_socket_is_unreachable(directory, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{directory}/none.sock")
    error = fail_to_open(UnreachableError)
    assert f"{directory}/none.sock" in str(error)
    assert error.hint


def test_socket_without_listener_is_unreachable(directory, monkeypatch):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(directory / "dead.sock"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{directory}/dead.sock")
    assert "refused" in str(fail_to_open(UnreachableError))


def test_refused_tcp_port_is_unreachable(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in str(fail_to_open(UnreachableError))


def test_socket_of_others_is_access_denied(engine):
    import docker  # noqa: F401, PLC0415 - before this process may no longer read its files

    engine.socket.chmod(0o600)
    with as_somebody_else():
        error = fail_to_open(AccessDeniedError)
    assert "group" in error.hint


@contextmanager
def as_somebody_else() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_silent_engine_is_unreachable(directory, monkeypatch):
    monkeypatch.setattr(daemon, "ANSWER_SECONDS", 0.1)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{directory}/silent.sock")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(directory / "silent.sock"))
        silent.listen()
        fail_to_open(UnreachableError)


def test_archive_may_begin_later_than_any_other_answer(engine, monkeypatch):
    monkeypatch.setattr(daemon, "ANSWER_SECONDS", 0.2)
    engine.late_seconds = 0.4
    with opened() as source:
        assert drain(source)


def test_archive_that_never_comes_is_unreachable(engine, monkeypatch):
    monkeypatch.setattr(daemon, "SAVE_SECONDS", 0.1)
    engine.late_seconds = 0.4
    fail_to_open(UnreachableError)


def test_connection_cut_in_the_middle_never_looks_like_the_end(engine):
    engine.cut_after = len(ARCHIVE) // 2
    fail_to_open(UnreachableError)


def test_archive_that_ends_early_never_looks_like_the_end(engine):
    engine.images = {"acme/app:1": ARCHIVE[: len(ARCHIVE) // 2]}
    fail_to_open(ImageFormatError)


@pytest.mark.parametrize(
    ("status", "expected"), [(400, SourceError), (401, AccessDeniedError), (403, AccessDeniedError), (500, SourceError)]
)
@pytest.mark.parametrize("end", ["/version", "/json", "/get"])
def test_refusal_of_the_engine_is_told_by_its_status(engine, end, status, expected):
    engine.answers = {end: (status, b'{"message": "because"}')}
    error = fail_to_open(expected)
    assert str(status) in str(error)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b"\xff\xfe", b'{"message": {"a": 1}}', b"<html>" * 10_000]
)
@pytest.mark.parametrize("end", ["/version", "/json", "/get"])
def test_answer_that_makes_no_sense_is_an_error_of_ours(engine, end, body):
    for status in (200, 500):
        engine.answers = {end: (status, body)}
        if (end, status) == ("/json", 200):
            continue  # any answer says that the image is there
        with pytest.raises((SourceError, ImageFormatError)) as caught, opened() as source:
            drain(source)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "host",
    [
        "tcp://user:hunter2@127.0.0.1:1",
        "http://user:hunter2@127.0.0.1:1",
        "user:hunter2@127.0.0.1:1",
        "ssh://user:hunter2@127.0.0.1",
        "nonsense://user:hunter2@x",
        "tcp://user:hunter2@:notaport",
        "tcp://user:hun/hunter2@127.0.0.1:1",
    ],
)
@pytest.mark.parametrize("variable", ["DOCKER_HOST", "CONTAINER_HOST"])
def test_address_that_cannot_be_used_never_shows_its_password(monkeypatch, variable, host):
    monkeypatch.setenv(variable, host)
    error = fail_to_open(UnreachableError, kind=DOCKER if variable == "DOCKER_HOST" else PODMAN)
    assert "hunter2" not in f"{error} {error.hint} {error!r} {error.__cause__} {error.__suppress_context__}"


def test_ssh_says_what_it_needs(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "ssh://somebody@127.0.0.1")
    assert "paramiko" in fail_to_open(UnreachableError).hint


def test_current_context_of_the_docker_command_is_followed(engine, directory, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST")
    configure_context(directory, engine.url)
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    with opened() as source:
        assert drain(source)


def test_context_named_by_the_environment_is_followed(engine, directory, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST")
    configure_context(directory, engine.url, current=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    monkeypatch.setenv("DOCKER_CONTEXT", "elsewhere")
    with opened() as source:
        assert drain(source)


def test_unknown_context_does_not_lead_to_the_default_engine(directory, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    monkeypatch.setenv("DOCKER_CONTEXT", "elsewhere")
    assert "context" in str(fail_to_open(UnreachableError))


def test_damaged_context_is_an_error_of_ours(directory, monkeypatch):
    configure_context(directory, "unix:///x").write_text("{")
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    fail_to_open(UnreachableError)


def configure_context(directory: Path, url: str, *, current: bool = True) -> Path:
    """Write a context as ``docker context create`` does."""
    from docker.context.config import get_context_id  # noqa: PLC0415 - the SDK is slow to import

    meta = directory / "contexts" / "meta" / get_context_id("elsewhere") / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": "elsewhere", "Metadata": {}, "Endpoints": {"docker": {"Host": url}}}))
    (directory / "config.json").write_text(json.dumps({"currentContext": "elsewhere"} if current else {}))
    return meta


def test_podman_is_looked_for_where_its_service_listens(directory, monkeypatch):
    assert podman_endpoint() in ({}, {"base_url": "unix:///run/podman/podman.sock"})
    (directory / "podman").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "podman" / "podman.sock"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    assert podman_endpoint() == {"base_url": f"unix://{directory}/podman/podman.sock"}
    monkeypatch.setenv("CONTAINER_HOST", "unix:///elsewhere.sock")
    assert podman_endpoint() == {"base_url": "unix:///elsewhere.sock"}


def test_podman_without_socket_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(daemon, "SYSTEM_PODMAN", "/nowhere/podman.sock")
    assert "podman.socket" in fail_to_open(UnreachableError, kind=PODMAN).hint

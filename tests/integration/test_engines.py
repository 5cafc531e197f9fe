"""Images built by real engines and read back through each kind of source."""

from __future__ import annotations

import hashlib
import io
import socket
import tarfile
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from imgscan.errors import ImageNotFoundError, SourceError, UnreachableError
from imgscan.scan import scan
from imgscan.sources.base import Access, Wanted
from imgscan.sources.containerd import NAMESPACES, ContainerdSource
from imgscan.sources.daemon import DOCKER, PODMAN, DaemonSource
from imgscan.sources.resolve import resolve
from tests.support.engines import need
from tests.support.images import ImageBuilder
from tests.support.reading import read_all
from tests.support.registry_server import docker_registry

if TYPE_CHECKING:
    from pathlib import Path

    from imgscan.image.image import Image
    from imgscan.sources.base import Source
    from tests.support.engines import Containerd, Engine

pytestmark = pytest.mark.engine

NAME = "imgscan.test/app:1"
DOCKERFILE = """\
FROM scratch
ARG SETTING=none
ENV MODE=production SETTING=$SETTING
COPY app.env /app/.env
COPY noise /noise
"""
NOISE = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(100_000))
"""More than fits into the buffers between an engine and its reader."""


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("context")
    (directory / "Dockerfile").write_text(DOCKERFILE)
    (directory / "app.env").write_text("MODE=test\n")
    (directory / "noise").write_bytes(NOISE)
    return directory


@pytest.fixture(scope="session")
def docker_image(dockerd: Engine, context: Path) -> Engine:
    dockerd.build(context, NAME, {"SETTING": "given"})
    return dockerd


@pytest.fixture(scope="session")
def podman_image(podman: Engine, context: Path) -> Engine:
    podman.build(context, NAME, {"SETTING": "given"})
    return podman


@pytest.fixture(scope="session")
def containerd_image(containerd: Containerd, archive: Path) -> Containerd:
    containerd.ctr("--namespace=moby", "images", "import", str(archive))
    return containerd


@pytest.fixture(scope="session")
def archive(docker_image: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return docker_image.save(NAME, tmp_path_factory.mktemp("saved") / "app.tar")


@pytest.fixture
def use_docker(docker_image: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_image.url)


@pytest.fixture
def use_podman(podman_image: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", podman_image.url)


@pytest.fixture
def use_containerd(containerd_image: Containerd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINERD_ADDRESS", str(containerd_image.socket))


@pytest.fixture(params=["docker", "podman", "containerd"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each engine in turn, in use and with the image."""
    request.getfixturevalue(f"use_{request.param}")
    return str(request.param)


def source_of(kind: str, name: str = NAME, wanted: Wanted | None = None) -> Source:
    if kind == "containerd":
        return ContainerdSource(name, wanted or Wanted())
    return DaemonSource(name, wanted or Wanted(), DOCKER if kind == "docker" else PODMAN)


def read(source: Source) -> tuple[Image, dict[str, bytes]]:
    layers = {}
    with source.open() as opened:
        for blob in opened.layers():
            with closing(blob.open()) as reader:
                layers[blob.key] = read_all(reader)
        (image,) = opened.images()
    return image, layers


def files(layer: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def test_every_file_of_every_layer_is_there(kind):
    image, layers = read(source_of(kind))
    found = [files(layers[layer.key]) for layer in image.layers]
    assert found == [{"app/.env": b"MODE=test\n"}, {"noise": NOISE}]


def test_image_says_what_it_is(kind):
    image, layers = read(source_of(kind))
    assert (image.reference, image.source) == (NAME, kind)
    assert [layer.diff_id for layer in image.layers] == [
        f"sha256:{hashlib.sha256(layers[layer.key]).hexdigest()}" for layer in image.layers
    ]
    assert image.notices == ()


def test_environment_and_build_arguments_are_in_the_config(kind):
    image, _ = read(source_of(kind))
    config: Any = image.config
    assert "SETTING=given" in config.config.env
    assert any("ARG SETTING" in (entry.created_by or "") for entry in config.history)


def test_unknown_image_is_not_found(kind):
    with pytest.raises(ImageNotFoundError):
        read(source_of(kind, "imgscan.test/other:1"))


def test_leaving_in_the_middle_leaves_the_engine_working(kind):
    for _ in range(2):
        with source_of(kind).open() as opened:
            next(iter(opened.layers())).open().read(1)
    image, _ = read(source_of(kind))
    assert image.layers


@pytest.mark.usefixtures("use_docker")
def test_image_is_found_by_its_id(docker_image):
    with docker_image.client() as client:
        identity = client.inspect_image(NAME)["Id"]
    for name in (identity, identity.removeprefix("sha256:"), identity.removeprefix("sha256:")[:12]):
        image, _ = read(source_of("docker", name))
        assert image.config_digest == identity


@pytest.mark.usefixtures("use_podman")
def test_image_that_podman_named_itself_is_found_by_its_bare_name(podman_image):
    with podman_image.client() as client:
        client.tag(NAME, "localhost/own", "2")
    image, _ = read(source_of("podman", "own:2"))
    assert image.layers


@pytest.mark.usefixtures("use_podman")
def test_podman_says_which_layers_are_of_the_base(podman_image, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM {NAME}\nENV OWN=1\nCOPY own /own\n")
    (tmp_path / "own").write_text("own\n")
    podman_image.build(tmp_path, "imgscan.test/own:1")
    (about,) = scan(["podman:imgscan.test/own:1"]).images
    assert (about.base.reference, about.base.how) == (NAME, "label")
    assert [layer.base for layer in about.layers] == [True] * (len(about.layers) - 1) + [False]


@pytest.mark.usefixtures("use_containerd")
@pytest.mark.parametrize("namespace", [*NAMESPACES, "other"])
def test_usual_namespaces_of_containerd_are_searched_and_others_on_request(
    containerd_image, archive, namespace, monkeypatch
):
    name = f"imgscan.test/{namespace.replace('.', '-')}:1"
    add_to(containerd_image, namespace, archive, name)
    if namespace not in NAMESPACES:
        with pytest.raises(ImageNotFoundError):
            read(source_of("containerd", name))
        monkeypatch.setenv("CONTAINERD_NAMESPACE", namespace)
    image, _ = read(source_of("containerd", name))
    assert image.layers


@pytest.mark.usefixtures("use_containerd")
def test_containerd_finds_short_names_as_docker_and_nerdctl_write_them(containerd_image, archive):
    add_to(containerd_image, "default", archive, "docker.io/library/short:1")
    image, _ = read(source_of("containerd", "short:1"))
    assert image.reference == "short:1"


@pytest.mark.usefixtures("use_containerd")
def test_export_that_fails_never_looks_like_the_end(containerd_image, archive, monkeypatch):
    add_to(containerd_image, "torn", archive, NAME)
    monkeypatch.setenv("CONTAINERD_NAMESPACE", "torn")
    image, _ = read(source_of("containerd"))
    containerd_image.ctr("--namespace=torn", "content", "rm", str(image.layers[-1].digest))
    with pytest.raises(SourceError, match="not found"):
        read(source_of("containerd"))


def add_to(engine: Containerd, namespace: str, archive: Path, name: str) -> None:
    engine.ctr(f"--namespace={namespace}", "images", "import", str(archive))
    engine.ctr(f"--namespace={namespace}", "images", "tag", "--force", NAME, name)


@pytest.mark.usefixtures("use_docker", "use_podman")
def test_bare_name_is_taken_from_docker_first_and_from_podman_if_docker_has_it_not(podman_image):
    assert read(resolve_name(NAME))[0].source == "docker"
    with podman_image.client() as client:
        client.tag(NAME, "imgscan.test/only-podman", "1")
    assert read(resolve_name("imgscan.test/only-podman:1"))[0].source == "podman"


@pytest.mark.usefixtures("use_podman")
def test_bare_name_is_taken_from_podman_if_there_is_no_docker(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert read(resolve_name(NAME))[0].source == "podman"


@pytest.mark.usefixtures("use_docker", "use_podman")
def test_name_that_no_engine_has_is_taken_from_its_registry(tmp_path):
    need("docker-registry", "skopeo")
    with docker_registry(tmp_path) as registry:
        registry.push(tmp_path / "layout", "team/app:1", ImageBuilder("team/app:1").layer({"a": b"1"}))
        image, layers = read(resolve_name(f"{registry.host}/team/app:1"))
    assert image.source == "registry"
    assert len(layers) == 1


@pytest.mark.usefixtures("use_docker", "use_podman")
def test_name_that_nobody_has_is_told_with_each_answer():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(UnreachableError) as caught:
        read(resolve_name(f"127.0.0.1:{port}/app:1"))
    for told in ("docker - not found", "podman - not found", "registry - unreachable"):
        assert told in caught.value.message


def resolve_name(text: str) -> Source:
    return resolve(text, wanted=Wanted(), access=Access())

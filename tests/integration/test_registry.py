"""The registry source against the real docker-registry: in the clear, with TLS and a password, and with schema 1."""

from __future__ import annotations

import json
import secrets
import subprocess
import tarfile
from contextlib import closing
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from imgscan.errors import AccessDeniedError, BlobAbsentError, ImageNotFoundError, UnreachableError
from imgscan.image.reference import parse
from imgscan.model.values import Platform
from imgscan.sources.base import Access, Wanted
from imgscan.sources.registry import RegistrySource
from imgscan.sources.registry.client import Client
from imgscan.sources.registry.patience import Patience
from imgscan.streams import digest as digests
from tests.support import engines
from tests.support.images import ImageBuilder
from tests.support.registry_server import RegistryServer, docker_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imgscan.image.image import Image

pytestmark = pytest.mark.engine

USER, PASSWORD = "me", secrets.token_urlsafe(16)
BIG = secrets.token_bytes(3_000_000)


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    engines.need("docker-registry", "skopeo", "htpasswd", "openssl")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, _programs: None) -> Iterator[RegistryServer]:
    with docker_registry(tmp_path_factory.mktemp("plain")) as server:
        yield server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, _programs: None) -> Iterator[RegistryServer]:
    with docker_registry(tmp_path_factory.mktemp("guarded"), htpasswd=(USER, PASSWORD), tls=True) as server:
        yield server


def app(platform: str = "linux/amd64") -> ImageBuilder:
    image = ImageBuilder("app:1", platform=platform).configure(Env=["A=b"])
    image.layer({"big": BIG}, created_by="COPY big / # buildkit")
    return image.layer({"etc/": None, "etc/place": platform.encode()}, codec="zstd").step("ENV A=b")


def read(
    server: RegistryServer, name: str, access: Access | None = None, wanted: Wanted | None = None
) -> tuple[tuple[Image, ...], dict[str, bytes]]:
    """The images, and every layer whole and verified as the scanner would."""
    source = RegistrySource(parse(f"{server.host}/{name}"), wanted=wanted or Wanted(), access=access or Access())
    with source.open() as opened:
        whole = {}
        for blob in opened.layers():
            with closing(blob.open()) as reader:
                whole[blob.key] = b"".join(iter(lambda: reader.read(1 << 20), b""))
            digests.verify(whole[blob.key], digests.parse(blob.key), what=blob.key)
        return opened.images(), whole


def test_an_image_in_the_clear_on_loopback(plain, tmp_path):
    image = app()
    plain.push(tmp_path, "ns/app:1", image)
    (found,), layers = read(plain, "ns/app:1")
    assert found.config_json == image.config
    assert found.manifest_digest == digests.of(image.manifest())
    assert layers == {layer.digest: layer.stored for layer in image.layers}
    assert found.notices == ()


def test_an_image_by_digest(plain, tmp_path):
    plain.push(tmp_path, "ns/bydigest:1", app())
    name = f"ns/bydigest@{digests.of(app().manifest())}"
    assert read(plain, name)[0][0].manifest_digest == digests.of(app().manifest())


def test_an_index_with_platforms_and_attestations(plain, tmp_path):
    amd = app().attest({"predicateType": "x", "predicate": {"builder": 1}})
    arm = app("linux/arm64")
    plain.push(tmp_path, "ns/multi:1", amd, arm)
    (one,), layers = read(plain, "ns/multi:1", wanted=Wanted(Platform("linux", "arm64")))
    assert (one.platform, one.config_json, len(layers)) == (Platform("linux", "arm64"), arm.config, 2)
    every, layers = read(plain, "ns/multi:1", wanted=Wanted(all_platforms=True))
    assert [str(image.platform) for image in every] == ["linux/amd64", "linux/arm64"]
    assert len(layers) == 3  # one is shared
    assert [json.loads(one.content)["predicate"] for one in every[0].attestations] == [{"builder": 1}]
    with pytest.raises(ImageNotFoundError, match="s390x"):
        read(plain, "ns/multi:1", wanted=Wanted(Platform("linux", "s390x")))


def test_an_image_of_schema_1(plain, tmp_path):
    image = ImageBuilder("app:1", docker_types=True).configure(Env=["A=b"])
    image.layer({"one": b"1"}, created_by="/bin/sh -c #(nop) COPY file:1 in / ").step("/bin/sh -c #(nop)  ENV A=b")
    image.layer({"two": b"2"}, created_by="/bin/sh -c touch two")
    image.extra["container_config"] = {"Cmd": ["/bin/sh", "-c", "touch two"]}  # all that is kept of the last step
    plain.push(tmp_path, "ns/old:1", image, form="v2s1")
    (found,), layers = read(plain, "ns/old:1")
    assert found.config is not None
    assert [(step.created_by, bool(step.empty_layer)) for step in found.config.history or ()] == [
        ("/bin/sh -c #(nop) COPY file:1 in / ", False),
        ("/bin/sh -c #(nop)  ENV A=b", True),
        ("/bin/sh -c touch two", False),
    ]
    assert found.config.config is not None
    assert found.config.config.env == ("A=b",)
    assert [names_in(layers[layer.key]) for layer in found.layers] == [["one"], ["two"]]
    assert read(plain, f"ns/old@{found.manifest_digest}")[0][0].manifest_digest == found.manifest_digest


def names_in(layer: bytes) -> list[str]:
    with tarfile.open(fileobj=BytesIO(layer)) as tar:
        return tar.getnames()


def test_an_unknown_repository_and_tag_are_not_found(plain, tmp_path):
    plain.push(tmp_path, "ns/known:1", app())
    for name in ("ns/unknown:1", "ns/known:2"):
        with pytest.raises(ImageNotFoundError, match="404, MANIFEST_UNKNOWN"):
            read(plain, name)


def test_a_password_and_a_private_authority(guarded, tmp_path, monkeypatch):
    image = app()
    guarded.push(tmp_path / "layout", "ns/app:1", image)
    access = Access(ca_file=guarded.ca_file, username=USER, password=PASSWORD)
    assert read(guarded, "ns/app:1", access)[1] == {layer.digest: layer.stored for layer in image.layers}
    with pytest.raises(UnreachableError, match="not trusted"):
        read(guarded, "ns/app:1", Access(username=USER, password=PASSWORD))
    with pytest.raises(AccessDeniedError, match=r"401, UNAUTHORIZED.*without credentials"):
        read(guarded, "ns/app:1", Access(ca_file=guarded.ca_file))
    with pytest.raises(AccessDeniedError, match="with credentials from the options"):
        read(guarded, "ns/app:1", Access(ca_file=guarded.ca_file, username=USER, password=PASSWORD[1:]))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    log_in(guarded, tmp_path / "auth.json")
    assert len(read(guarded, "ns/app:1", Access(ca_file=guarded.ca_file))[1]) == 2


def log_in(server: RegistryServer, auth_file: Path) -> None:
    """As people do it."""
    command = ["skopeo", "login", "--tls-verify=false", "--authfile", str(auth_file), "-u", USER, "--password-stdin"]
    subprocess.run([*command, server.host], input=PASSWORD.encode(), check=True, capture_output=True)


def test_a_blob_that_was_lost_is_absent(tmp_path):
    with docker_registry(tmp_path) as server:
        image = app()
        server.push(tmp_path / "layout", "ns/app:1", image)
        lost = image.layers[0].digest.removeprefix("sha256:")
        (tmp_path / f"data/docker/registry/v2/blobs/sha256/{lost[:2]}/{lost}/data").unlink()
        with pytest.raises(BlobAbsentError):
            read(server, "ns/app:1")


def test_a_blob_is_resumed_by_range(plain, tmp_path):
    image = app()
    plain.push(tmp_path, "ns/resume:1", image)
    big = image.layers[0]
    with closing(Client(parse(f"{plain.host}/ns/resume:1"), Access(), Patience(backoff=0.01))) as client:
        client.connect()
        with closing(client.blob(big.digest, len(big.stored))) as reader:
            got = reader.read(1000)
            reader._answer.close()  # as if the line had been cut
            reader._resume()
            got += b"".join(iter(lambda: reader.read(1 << 20), b""))
            assert (reader._skip, reader._answer.status) == (0, 206)
    assert got == big.stored

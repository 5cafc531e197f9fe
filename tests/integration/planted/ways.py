"""Every way that leads to the planted image: each gives the report of a scan that went that way."""

from __future__ import annotations

import gzip
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from imgscan.model.report import Report
from imgscan.scan import scan
from imgscan.scan.options import Options
from imgscan.sources.base import Access
from tests.support import engines
from tests.support.images import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.support.engines import Containerd, Engine
    from tests.support.registry_server import RegistryServer

NAME: Final = "imgscan.test/planted:1"
USER, PASSWORD = "ci", "let-me-in"


class Site:
    """What ways start from: the image as its builder saved it, fixtures, and a directory to write into."""

    def __init__(self, request: pytest.FixtureRequest, directory: Path) -> None:
        self._request = request
        self.directory = directory
        self.archive: Path = request.getfixturevalue("archive")

    @property
    def dockerd(self) -> Engine:
        engine: Engine = self._request.getfixturevalue("dockerd")
        return engine

    @property
    def podman(self) -> Engine:
        engine: Engine = self._request.getfixturevalue("podman_with_image")
        return engine

    @property
    def containerd(self) -> Containerd:
        engine: Containerd = self._request.getfixturevalue("containerd_with_image")
        return engine

    def registry(self, kind: str) -> RegistryServer:
        server: RegistryServer = self._request.getfixturevalue(f"{kind}_registry")
        return server

    def written(self, name: str, content: bytes) -> Path:
        path = self.directory / name
        path.write_bytes(content)
        return path

    def skopeo(self, target: str, *options: str) -> None:
        engines.need("skopeo")
        command = ("skopeo", "copy", "--quiet", "--insecure-policy", *options, f"docker-archive:{self.archive}", target)
        _run(command)

    def podman_save(self, kind: str) -> Path:
        path = self.directory / f"{kind}.tar"
        command = ("podman", "--remote", f"--url={self.podman.url}", "save", f"--format={kind}", "-o", str(path), NAME)
        _run(command)
        return path


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def _scan(image: str, access: Access | None = None, **variables: str) -> Report:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return scan([image], Options(access=access or Access()))


def engine(site: Site) -> Report:
    return _scan(f"docker:{NAME}", DOCKER_HOST=site.dockerd.url)


def bare_name(site: Site) -> Report:
    return _scan(NAME, DOCKER_HOST=site.dockerd.url)


def standard_input(site: Site) -> Report:
    """As a person would: ``docker save … | imgscan -``."""
    with site.archive.open("rb") as saved:
        command = (sys.executable, "-m", "imgscan", "-", "--format=json")
        done = subprocess.run(command, stdin=saved, capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (1, b"")
    return msgspec.json.decode(done.stdout, type=Report)


def archive(site: Site) -> Report:
    return _scan(str(site.archive))


def archive_in_gzip(site: Site) -> Report:
    path = site.written("planted.tar.gz", gzip.compress(site.archive.read_bytes(), compresslevel=1))
    return _scan(f"docker-archive:{path}")


def archive_in_zstd(site: Site) -> Report:
    return _scan(f"docker-archive:{site.written('planted.tar.zst', pack(site.archive.read_bytes(), 'zstd'))}")


def podman(site: Site) -> Report:
    return _scan(f"podman:{NAME}", CONTAINER_HOST=site.podman.url)


def podman_docker_archive(site: Site) -> Report:
    return _scan(str(site.podman_save("docker-archive")))


def podman_oci_archive(site: Site) -> Report:
    return _scan(f"oci-archive:{site.podman_save('oci-archive')}")


def containerd(site: Site) -> Report:
    return _scan(f"containerd:{NAME}", CONTAINERD_ADDRESS=str(site.containerd.socket))


def oci_archive(site: Site) -> Report:
    site.skopeo(f"oci-archive:{site.directory}/oci.tar:1")
    return _scan(f"oci-archive:{site.directory}/oci.tar")


def oci_directory(site: Site) -> Report:
    site.skopeo(f"oci:{site.directory}/oci:1")
    return _scan(f"oci-dir:{site.directory}/oci")


def oci_directory_with_zstd(site: Site) -> Report:
    site.skopeo(f"oci:{site.directory}/zstd:1", "--dest-compress-format=zstd", "--dest-compress")
    report = _scan(f"oci-dir:{site.directory}/zstd")
    assert all((layer.media_type or "").endswith("+zstd") for layer in report.images[0].layers)
    return report


def registry(site: Site) -> Report:
    """With types of Docker, in the clear on loopback."""
    host = site.registry("plain").host
    site.skopeo(f"docker://{host}/shop/planted:1", "--dest-tls-verify=false", "--format=v2s2")
    return _scan(f"registry:{host}/shop/planted:1")


def registry_with_zstd(site: Site) -> Report:
    host = site.registry("zstd").host
    options = ("--dest-tls-verify=false", "--format=oci", "--dest-compress-format=zstd")
    site.skopeo(f"docker://{host}/shop/zstd:1", *options)
    report = _scan(f"{host}/shop/zstd:1")
    assert all((layer.media_type or "").endswith("+zstd") for layer in report.images[0].layers)
    return report


def registry_with_password(site: Site) -> Report:
    """With TLS by a private authority, and basic authentication."""
    server = site.registry("guarded")
    options = ("--dest-tls-verify=false", f"--dest-creds={USER}:{PASSWORD}")
    site.skopeo(f"docker://{server.host}/shop/planted:1", *options)
    return _scan(f"{server.host}/shop/planted:1", Access(ca_file=server.ca_file, username=USER, password=PASSWORD))


WAYS: Final[dict[Callable[[Site], Report], str]] = {
    engine: "docker",
    bare_name: "docker",
    standard_input: "docker-archive",
    archive: "docker-archive",
    archive_in_gzip: "docker-archive",
    archive_in_zstd: "docker-archive",
    podman: "podman",
    podman_docker_archive: "docker-archive",
    podman_oci_archive: "oci-archive",
    containerd: "containerd",
    oci_archive: "oci-archive",
    oci_directory: "oci-dir",
    oci_directory_with_zstd: "oci-dir",
    registry: "registry",
    registry_with_zstd: "registry",
    registry_with_password: "registry",
}
"""What a report calls the source, by the way that leads there."""

"""The real ``docker-registry`` (2.8), started on loopback for one test."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.certificate import self_signed
from tests.support.images import oci_layout, write_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.images import ImageBuilder

START_SECONDS = 20


@dataclass(frozen=True)
class RegistryServer:
    """A running registry; ``ca_file`` is set if it speaks TLS, ``login`` is ``user:password`` if it wants one."""

    host: str
    ca_file: Path | None
    login: str | None

    def push(self, directory: Path, name: str, *images: ImageBuilder, form: str | None = None) -> None:
        """Push images (several, or one with attestations, under an index) by skopeo; ``directory`` is for the layout.

        ``form`` is skopeo's ``--format``: ``v2s1`` for schema 1.
        """
        nested = len(images) > 1 or bool(images[0].statements)
        layout = write_tree(oci_layout(*images, nested=nested), directory)
        options = ["--dest-tls-verify=false", *(["--all"] if nested else []), *(["--format", form] if form else [])]
        creds = ["--dest-creds", self.login] if self.login else []
        command = ["skopeo", "copy", "--quiet", "--insecure-policy", *options, *creds]
        subprocess.run([*command, f"oci:{layout}", f"docker://{self.host}/{name}"], check=True, timeout=120)


@contextmanager
def docker_registry(
    directory: Path, *, htpasswd: tuple[str, str] | None = None, tls: bool = False
) -> Iterator[RegistryServer]:
    """Run a registry with its files in ``directory``; ``htpasswd`` is the user and password that it asks for."""
    port = _free_port()
    http: dict[str, Any] = {"addr": f"127.0.0.1:{port}"}
    config: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": True}},
        "compatibility": {"schema1": {"enabled": True}},
        "http": http,
    }
    certificate = self_signed(directory) if tls else None
    if certificate:
        http["tls"] = {"certificate": str(certificate.cert), "key": str(certificate.key)}
    if htpasswd:
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(_password_file(directory, *htpasswd))}}
    path = directory / "config.yml"
    path.write_text(json.dumps(config))  # JSON is YAML
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(path)], stdout=log, stderr=log)
    try:
        _wait_for(port, process)
        login = ":".join(htpasswd) if htpasswd else None
        yield RegistryServer(f"127.0.0.1:{port}", certificate.cert if certificate else None, login)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _password_file(directory: Path, username: str, password: str) -> Path:
    """bcrypt is the only form that the registry takes; cost 4 is the quickest."""
    command = ["htpasswd", "-i", "-n", "-B", "-C", "4", username]
    made = subprocess.run(command, input=password.encode(), capture_output=True, check=True)
    path = directory / "htpasswd"
    path.write_bytes(made.stdout)
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("docker-registry did not start; see its log")

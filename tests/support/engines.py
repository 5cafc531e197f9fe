"""Real engines for tests: started as root in directories of their own, stopped by their own process id.

Nothing here touches an engine that was there before. Where an engine cannot run the test is skipped, unless
``IMGSCAN_REQUIRE_ENGINES=1`` says that it must.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import docker
import pytest

from imgscan.errors import UnreachableError
from imgscan.sources.knock import knock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

REQUIRED: Final = os.environ.get("IMGSCAN_REQUIRE_ENGINES") == "1"
"""Read at import: the tests' own environment is scrubbed of such variables."""

PATH: Final = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
START_SECONDS: Final = 60
STOP_SECONDS: Final = 30

CONTAINERD_CONFIG: Final = """\
version = 2
root = "{directory}/root"
state = "{directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{directory}/containerd.sock"
"""


@dataclass(frozen=True)
class Engine:
    """Something with the Docker API at a socket."""

    socket: Path

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @contextmanager
    def client(self) -> Iterator[docker.APIClient]:
        client = docker.APIClient(self.url, timeout=120)
        try:
            yield client
        finally:
            client.close()

    def build(self, context: Path, tag: str, arguments: Mapping[str, str] | None = None, **options: Any) -> str:
        """Build without a network, by the classic builder or buildah; the id of the image."""
        with self.client() as client:
            lines = client.build(
                path=str(context), tag=tag, buildargs=dict(arguments or {}), network_mode="none", decode=True, **options
            )
            if errors := [line["error"] for line in lines if "error" in line]:
                pytest.fail("\n".join(errors))
            return str(client.inspect_image(tag)["Id"])

    def save(self, name: str, path: Path) -> Path:
        with self.client() as client, path.open("wb") as file:
            file.writelines(client.get_image(name))
        return path


@dataclass(frozen=True)
class Containerd:
    """A containerd at a socket, driven by ``ctr``."""

    socket: Path

    def ctr(self, *arguments: str) -> str:
        command = ("ctr", f"--address={self.socket}", *arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=START_SECONDS).stdout


@contextmanager
def dockerd() -> Iterator[Engine]:
    """A dockerd of its own, without a bridge: builds and runs have no network."""
    with _directory("dockerd", "containerd", "runc") as directory:
        engine = Engine(directory / "docker.sock")
        command = (
            *("dockerd", "-H", engine.url, "--data-root", f"{directory}/data", "--exec-root", f"{directory}/exec"),
            *("--pidfile", f"{directory}/pid", "--config-file", str(_written(directory / "daemon.json", "{}"))),
            *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"),
        )
        with _running(command, directory, lambda: _answers(engine)):
            yield engine


@contextmanager
def podman() -> Iterator[Engine]:
    """Podman's service with a store of its own."""
    with _directory("podman") as directory:
        engine = Engine(directory / "podman.sock")
        store = ("--root", f"{directory}/store", "--runroot", f"{directory}/run")
        command = ("podman", *store, "system", "service", "--time=0", engine.url)
        with _running(command, directory, lambda: _answers(engine)):
            yield engine


@contextmanager
def containerd() -> Iterator[Containerd]:
    """A containerd of its own."""
    with _directory("containerd", "ctr") as directory:
        engine = Containerd(directory / "containerd.sock")
        config = _written(directory / "config.toml", CONTAINERD_CONFIG.format(directory=directory))
        with _running(("containerd", "--config", str(config)), directory, lambda: bool(engine.ctr("version"))):
            yield engine


def unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail it where engines are required."""
    if REQUIRED:
        pytest.fail(f"IMGSCAN_REQUIRE_ENGINES=1, but {reason}")
    pytest.skip(reason)


def need(*programs: str) -> None:
    """Go on only with these programs."""
    if missing := [program for program in programs if shutil.which(program, path=PATH) is None]:
        unavailable(f"not installed: {', '.join(missing)}")


@contextmanager
def _directory(*programs: str) -> Iterator[Path]:
    """A directory with a short name, for paths of sockets end at 108 bytes."""
    need("setpriv", *programs)
    if os.geteuid() != 0:
        unavailable("only root can start engines")
    directory = Path(tempfile.mkdtemp(prefix="imgscan-"))
    try:
        yield directory
    finally:
        _unmount_below(directory)
        shutil.rmtree(directory)


def _unmount_below(directory: Path) -> None:
    mounts = (line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines())
    for mount in sorted((m for m in mounts if m.startswith(f"{directory}/")), reverse=True):
        subprocess.run(("umount", mount), check=True, timeout=STOP_SECONDS)


@contextmanager
def _running(command: Sequence[str], directory: Path, ready: Callable[[], bool]) -> Iterator[None]:
    environment = {"PATH": PATH, "HOME": str(directory), "TMPDIR": str(directory), "LANG": "C.UTF-8"}
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # setpriv: the engine does not outlive tests that are killed
            ("setpriv", "--pdeathsig=TERM", *command),
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        if not _wait_until(ready, process):
            unavailable(f"{command[0]} does not start: {log.read_text(errors='replace')[-2000:]}")
        yield
    finally:
        _stop(process)


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(UnreachableError, docker.errors.DockerException, subprocess.SubprocessError):
            if ready():
                return True
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answers(engine: Engine) -> bool:
    knock(str(engine.socket), engine="it", hint="")  # the SDK would leave a socket open
    with engine.client() as client:
        return bool(client.ping())


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path

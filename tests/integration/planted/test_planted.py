"""One image full of planted secrets, built by a real dockerd and read in every way: each plant is found everywhere."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from imgscan.model.values import Where
from imgscan.report import RENDERERS, Look, renderer
from imgscan.scan import scan
from imgscan.scan.options import Options
from tests.integration.planted import ways
from tests.integration.planted.context import dockerfile_lines, write_base, write_context
from tests.integration.planted.expected import of_finding, plants, values
from tests.integration.planted.leaks import leaked
from tests.integration.planted.markers import fill, secret, without_secrets
from tests.integration.planted.steps import BASE, BASE_SETTINGS, BUILD_ARGUMENTS, LAYERS, STEPS
from tests.support import engines
from tests.support.registry_server import docker_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from imgscan.model.report import Image, Report
    from tests.integration.planted.expected import Plant
    from tests.support.engines import Containerd, Engine
    from tests.support.registry_server import RegistryServer

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_context(tmp_path_factory.mktemp("context"))


@pytest.fixture(scope="module")
def archive(dockerd: Engine, context: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image, built and saved."""
    engines.need("busybox")
    directory = tmp_path_factory.mktemp("planted")
    repository, _, tag = BASE.partition(":")
    settings = [fill(setting, "")[0] for setting in BASE_SETTINGS]
    with dockerd.client() as client:
        client.import_image(str(write_base(directory / "base.tar")), repository, tag, changes=settings)
    dockerd.build(context, ways.NAME, {name: fill(text, "")[0] for name, text in BUILD_ARGUMENTS.items()})
    return dockerd.save(ways.NAME, directory / "planted.tar")


@pytest.fixture(scope="module")
def podman_with_image(podman: Engine, archive: Path) -> Engine:
    with podman.client() as client, archive.open("rb") as saved:
        list(client.load_image(saved))
    return podman


@pytest.fixture(scope="module")
def containerd_with_image(containerd: Containerd, archive: Path) -> Containerd:
    containerd.ctr("--namespace=default", "images", "import", str(archive))
    return containerd


@pytest.fixture(scope="module")
def plain_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    engines.need("docker-registry")
    with docker_registry(tmp_path_factory.mktemp("plain")) as server:
        yield server


@pytest.fixture(scope="module")
def zstd_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """Of its own: skopeo takes layers that a registry has already, however they are compressed."""
    engines.need("docker-registry")
    with docker_registry(tmp_path_factory.mktemp("zstd")) as server:
        yield server


@pytest.fixture(scope="module")
def guarded_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    engines.need("docker-registry", "htpasswd", "openssl")
    directory = tmp_path_factory.mktemp("guarded")
    with docker_registry(directory, htpasswd=(ways.USER, ways.PASSWORD), tls=True) as server:
        yield server


@pytest.fixture(scope="module")
def report(archive: Path) -> Report:
    """What all other ways are held against."""
    return scan([str(archive)])


@pytest.fixture(scope="module")
def image(report: Report) -> Image:
    (only,) = report.images
    return only


def test_every_plant_is_found_once_with_its_place_and_story_and_nothing_else(image):
    found = Counter(map(of_finding, image.findings))
    wanted = Counter(plants())
    assert list(wanted - found) == []
    assert list(found - wanted) == []
    assert len(found) >= 100


def test_fingerprints_tell_all_findings_apart(image):
    assert max(Counter(finding.fingerprint for finding in image.findings).values()) == 1


@pytest.mark.parametrize(("way", "source"), ways.WAYS.items(), ids=[way.__name__ for way in ways.WAYS])
def test_every_way_tells_the_same(way: Callable[[ways.Site], Report], source: str, report, request, tmp_path):
    told = way(ways.Site(request, tmp_path))
    assert [image.source for image in told.images] == [source]
    assert findings_of(told) == findings_of(report)
    assert told.images[0].coverage == report.images[0].coverage
    assert told.images[0].notices == ()
    assert told.verdict.exit_code == 1
    assert leaked(told, values()) == []


def findings_of(report: Report) -> dict[str, Plant]:
    """By fingerprint. Triggers and health checks are in the config only where it is of Docker, else in the history."""
    found = {finding.fingerprint: of_finding(finding) for finding in report.images[0].findings}
    moving = (Where.ONBUILD, Where.HEALTHCHECK)
    return {name: plant._replace(key=None) if plant.where in moving else plant for name, plant in found.items()}


def test_secrets_are_shown_whole_when_asked_for_under_the_same_fingerprints(archive, report):
    shown = scan([str(archive)], Options(show_secrets=True))
    assert Counter(finding.secret.value for finding in shown.images[0].findings) == Counter(values())
    assert findings_of(shown).keys() == findings_of(report).keys()
    assert leaked(shown, values()) != []


def test_everything_was_looked_at(image):
    assert image.coverage.complete
    assert image.coverage.layers_scanned == len(LAYERS)
    assert image.coverage.bytes_scanned == image.coverage.bytes_total > 20_000_000
    assert image.notices == ()


def test_names_with_control_characters_are_never_printed_raw(report):
    for name in RENDERERS:
        text = renderer(name)(report, Look(verbose=True)).decode()
        assert [char for char in text if char != "\n" and not char.isprintable()] == []


def test_one_thread_tells_what_many_tell(archive, image):
    assert scan([str(archive)], Options(jobs=1)).images == (image,)


def test_instructions_read_as_they_were_written_but_for_the_secrets(image):
    assert len(image.instructions) == len(STEPS)
    for step, told in zip(STEPS, image.instructions, strict=True):
        assert (told.keyword, told.layer, told.exact) == (step.keyword, LAYERS.get(step.name), True)
        if step.keyword in ("COPY", "ADD"):  # the history has a digest in place of the source
            assert re.fullmatch(rf"{step.keyword} (dir|file):[0-9a-f]{{12}} in /", told.text)
        else:
            parts = step.shown.split("\0") if step.shown else without_secrets(step.text)
            assert re.fullmatch("[^\n]*?…".join(map(re.escape, parts)), told.text), step.name


def test_dockerfile_gives_the_lines_of_each_instruction(archive, context):
    told = scan([str(archive)], Options(dockerfile=context / "Dockerfile"))
    lines = [
        (span.start_line, span.end_line) if (span := step.dockerfile) else None for step in told.images[0].instructions
    ]
    assert lines == [None, *dockerfile_lines()[1:]]
    assert leaked(told, values()) == []


def test_findings_of_the_base_are_marked(archive, dockerd, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", dockerd.url)
    (told,) = scan([str(archive)], Options(base=f"docker:{BASE}")).images
    assert (told.base.layers, told.base.how) == (1, "flag")
    assert {finding.path for finding in told.findings if finding.base} == {"/etc/base.conf"}
    assert [layer.base for layer in told.layers] == [number == 0 for number in range(len(LAYERS))]


@pytest.mark.usefixtures("archive")
def test_what_a_commit_adds_is_put_down_to_it(dockerd, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", dockerd.url)
    file, message, author, variable = (secret(f"gitlab-pat:{name}") for name in ("file", "message", "author", "env"))
    with dockerd.client() as client:
        command = ["/bin/sh", "-c", f"echo {file} > /committed"]
        container = client.create_container(BASE, command, host_config=client.create_host_config(network_mode="none"))
        client.start(container)
        assert client.wait(container)["StatusCode"] == 0
        texts = {"message": f"with {message}", "author": f"me {author}", "changes": f"ENV TOKEN={variable}"}
        client.commit(container, "imgscan.test/committed", "1", **texts)
        client.remove_container(container)
    report = scan(["docker:imgscan.test/committed:1"])
    (told,) = report.images
    assert [(step.keyword, step.layer) for step in told.instructions] == [("IMPORT", 0), ("COMMIT", 1)]
    found = {(finding.path or finding.key, finding.instruction) for finding in told.findings}
    assert found == {
        ("/etc/base.conf", 0),
        ("/committed", 1),
        ("config.Env[BASE_TOKEN]", None),
        ("config.Env[TOKEN]", None),
        ("config.Cmd", None),
        ("history[1].created_by", 1),
        ("history[1].comment", 1),
        ("author", None),
    }
    assert leaked(report, [file, message, author, variable]) == []

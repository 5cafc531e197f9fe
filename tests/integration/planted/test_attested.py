"""Secrets in what BuildKit keeps beside an image, and in annotations: found wherever such an image can come from.

The dockerd of these tests is older than attestations, so the images are made by code.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from imgscan.model.values import State, Where
from imgscan.scan import scan
from tests.integration.planted.leaks import leaked
from tests.integration.planted.markers import secret
from tests.support import engines
from tests.support.images import ImageBuilder, containerd_store, oci_layout, tar_of, write_tree
from tests.support.registry_server import docker_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imgscan.model.report import Finding
    from tests.support.registry_server import RegistryServer


class Plant(NamedTuple):
    mark: str
    where: Where
    place: str
    line: int | None = 1


BUILD_ARGUMENT: Final = Plant("github-pat-classic:arg", Where.ATTESTATION, "provenance.build-arg:GH_TOKEN")
ENVIRONMENT: Final = Plant("npm-access-token:env", Where.ATTESTATION, "provenance.step1.exec.env[NPM_TOKEN]")
COMMAND: Final = Plant("curl-user-password:args", Where.ATTESTATION, "provenance.step1.exec.args[2]")
HEREDOC: Final = Plant("sendgrid-api-key:heredoc", Where.ATTESTATION, "provenance.step2.mkfile[/app.conf]", 2)
COMMENT: Final = Plant("gitlab-pat:comment", Where.ATTESTATION, "provenance.Dockerfile", 2)
SOURCE: Final = Plant("http-url-password:source", Where.ATTESTATION, "provenance.step0.source")
SBOM: Final = Plant("slack-bot-token:sbom", Where.ATTESTATION, "sbom")
OF_IMAGE: Final = Plant("shopify-access-token:of", Where.ANNOTATION, "manifest.annotations[com.acme.token]", None)
OF_LAYER: Final = Plant("docker-pat:of", Where.ANNOTATION, "layers[0].annotations[com.acme.note]", None)
IN_GZIP: Final = Plant("digitalocean-pat:gzip", Where.FILE, "/gzip")
IN_ZSTD: Final = Plant("digitalocean-pat:zstd", Where.FILE, "/zstd")
PLANTS: Final = (
    *(BUILD_ARGUMENT, ENVIRONMENT, COMMAND, HEREDOC, COMMENT, SOURCE, SBOM),
    *(OF_IMAGE, OF_LAYER, IN_GZIP, IN_ZSTD),
)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def operation(name: str, **kind: object) -> dict[str, Any]:
    return {"id": name, "op": {"Op": kind}, "inputs": []}


def provenance() -> dict[str, Any]:
    """As BuildKit writes it with ``mode=max``."""
    meta = {
        "args": ["/bin/sh", "-c", f"curl -u deploy:{secret(COMMAND.mark)} https://repo.acme.example/x"],
        "env": ["PATH=/bin", f"NPM_TOKEN={secret(ENVIRONMENT.mark)}"],
        "cwd": "/",
    }
    heredoc = {"path": "/app.conf", "data": encoded(f"[mail]\nkey = {secret(HEREDOC.mark)}\n")}
    steps = [
        operation("step0", source={"identifier": f"git://https://ci:{secret(SOURCE.mark)}@git.acme.example/app.git"}),
        operation("step1", exec={"meta": meta}),
        operation("step2", file={"actions": [{"Action": {"mkfile": heredoc}}]}),
    ]
    dockerfile = {"filename": "Dockerfile", "data": encoded(f"FROM scratch\n# deploy with {secret(COMMENT.mark)}\n")}
    parameters = {"frontend": "dockerfile.v0", "args": {"build-arg:GH_TOKEN": secret(BUILD_ARGUMENT.mark)}}
    return {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [],
        "predicate": {
            "buildType": "https://mobyproject.org/buildkit@v1",
            "invocation": {"parameters": parameters},
            "buildConfig": {"llbDefinition": steps},
            "metadata": {"https://mobyproject.org/buildkit@v1#metadata": {"source": {"infos": [dockerfile]}}},
        },
    }


def image() -> ImageBuilder:
    built = ImageBuilder("imgscan.test/attested:1")
    note = {"com.acme.note": f"pulled with {secret(OF_LAYER.mark)}"}
    built.layer({"gzip": f"token={secret(IN_GZIP.mark)}\n".encode()}, codec="gzip", annotations=note)
    built.layer({"zstd": f"token={secret(IN_ZSTD.mark)}\n".encode()}, codec="zstd")
    built.annotations["com.acme.token"] = secret(OF_IMAGE.mark)
    built.attest(provenance())
    packages = [{"name": "app", "comment": f"reported to {secret(SBOM.mark)}"}]
    spdx = {"predicateType": "https://spdx.dev/Document", "predicate": {"packages": packages}}
    return built.attest(spdx, "https://spdx.dev/Document")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    engines.need("docker-registry", "skopeo")
    with docker_registry(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The fingerprints of one way, which all others must give as well."""
    path = tmp_path_factory.mktemp("reference") / "image.tar"
    path.write_bytes(tar_of(oci_layout(image(), nested=True)))
    return {finding.fingerprint for finding in scan([str(path)]).images[0].findings}


@pytest.mark.parametrize(
    "way", ["docker-archive", "oci-archive", "oci-dir", pytest.param("registry", marks=pytest.mark.engine)]
)
def test_every_plant_is_found_under_the_same_name_and_nothing_else(way, names, request, tmp_path):
    report = scan([place(way, request, tmp_path)])
    (told,) = report.images
    assert sorted(map(described, told.findings)) == sorted(map(expected, PLANTS))
    assert {finding.fingerprint for finding in told.findings} == names
    assert told.source == way
    assert (told.coverage.complete, report.verdict.exit_code) == (True, 1)
    assert leaked(report, [secret(plant.mark) for plant in PLANTS]) == []


def described(finding: Finding) -> str:
    return f"{finding.rule.id} in {finding.where} {finding.path or finding.key} line {finding.line} {finding.state}"


def expected(plant: Plant) -> str:
    state = State.PRESENT if plant.where is Where.FILE else State.CONFIG
    return f"{plant.mark.partition(':')[0]} in {plant.where} {plant.place} line {plant.line} {state}"


def place(way: str, request: pytest.FixtureRequest, directory: Path) -> str:
    """The image, put where ``way`` finds it."""
    match way:
        case "registry":
            server: RegistryServer = request.getfixturevalue("server")
            server.push(directory, "shop/attested:1", image())
            return f"{server.host}/shop/attested:1"
        case "oci-dir":
            write_tree(oci_layout(image(), nested=True), directory)
            return str(directory)
        case _:
            members = containerd_store(image()) if way == "docker-archive" else oci_layout(image(), nested=True)
            (directory / "image.tar").write_bytes(tar_of(members))
            return f"{way}:{directory}/image.tar"

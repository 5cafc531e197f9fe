"""The samples in Go and Java compile: with the AWS client that Debian packages, else with what libraries declare.

Nothing is run, and C# is not here: its compiler is in no registry that this machine reaches.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from imgscan.guides.snippets import STORES
from tests.integration.test_samples import code, run
from tests.support import engines, libraries

DEBIAN_GO = Path("/usr/share/gocode")
"""Where golang-*-dev packages of Debian put their sources."""

AWS_CLIENT = DEBIAN_GO / "src/github.com/aws/aws-sdk-go-v2/service/secretsmanager"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """What Go compiled for one test serves the next: the client of AWS takes seconds."""
    return tmp_path_factory.mktemp("go-cache")


def go(directory: Path, cache: Path, store: str, text: str) -> tuple[int, str]:
    engines.need("go", "gofmt")
    if store == "aws" and not AWS_CLIENT.is_dir():
        engines.unavailable("apt-get install golang-github-aws-aws-sdk-go-v2-dev")
    sample = directory / "src/example.test/secrets/secrets.go"
    sample.parent.mkdir(parents=True, exist_ok=True)
    sample.write_text(text)
    libraries.write_go(directory)
    settings = {"GO111MODULE": "off", "GOPATH": f"{directory}:{DEBIAN_GO}", "GOCACHE": str(cache), "GOFLAGS": "-p=2"}
    result = run(["go", "vet", "."], sample.parent, **settings)
    return result.returncode, result.stderr


def java(directory: Path, text: str) -> tuple[int, str]:
    engines.need("javac")
    libraries.write_java(directory / "libraries")
    (directory / "Secrets.java").write_text(text)
    compiler = ["javac", "-proc:none", "-Xlint:all,-path,-serial", "-Werror", "-d", "classes"]
    result = run([*compiler, "-sourcepath", "libraries", "Secrets.java"], directory)
    return result.returncode, result.stderr


@pytest.mark.engine
@pytest.mark.parametrize("store", STORES)
def test_go_vets_them(store, cache, tmp_path):
    assert go(tmp_path, cache, store, code("go", store)) == (0, "")
    formatted = run(["gofmt", "-l", "src/example.test"], tmp_path)
    assert formatted.stdout == ""


@pytest.mark.engine
@pytest.mark.parametrize(
    ("store", "right", "wrong"),
    [
        ("aws", "SecretId: ", "SecretID: "),
        ("vault", 'KVv2("secret").Get(ctx, ', 'KVv2("secret").Get('),
        ("conjur", "client.RetrieveSecret(", "client.ReadSecret("),
    ],
)
def test_go_finds_what_the_library_does_not_have(store, right, wrong, cache, tmp_path):
    text = code("go", store)
    assert right in text
    status, message = go(tmp_path, cache, store, text.replace(right, wrong))
    assert status != 0
    assert "secrets.go:" in message


@pytest.mark.engine
@pytest.mark.parametrize("store", STORES)
def test_javac_compiles_them(store, tmp_path):
    assert java(tmp_path, code("java", store)) == (0, "")


@pytest.mark.engine
@pytest.mark.parametrize(
    ("store", "right", "wrong"),
    [
        ("aws", ".secretString()", ".secretText()"),
        ("aws", "catch (SdkClientException error)", "catch (java.io.IOException error)"),
        ("vault", ".getRequiredData().get(", ".getRequiredData().read("),
        ("conjur", "new Conjur()", "new Conjur(1)"),
    ],
)
def test_javac_finds_what_the_library_does_not_have(store, right, wrong, tmp_path):
    text = code("java", store)
    assert right in text
    status, message = java(tmp_path, text.replace(right, wrong))
    assert status != 0
    assert "Secrets.java:" in message

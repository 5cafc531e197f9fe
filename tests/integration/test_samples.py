"""The code of the guides is code: every sample parses in its language, and those in Python and JavaScript really run.

They read a secret from servers on loopback that speak as Vault, AWS and Conjur do. The types of the AWS client check
the TypeScript; Java, Go and C# are parsed here, and ``test_sample_types`` compiles Java and Go.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tree_sitter_c_sharp
import tree_sitter_go
import tree_sitter_java
from msgspec.structs import replace
from tree_sitter import Language, Parser

from imgscan.guides import load, snippets
from imgscan.guides.snippets import LANGUAGES, STORES
from tests.support import engines, secret_stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.secret_stores import Stores

SECRET = "s3cr3t & value/with=all+kinds"
TYPESCRIPT = Path(__file__).parent / "typescript"
PARSERS = {
    "java": Parser(Language(tree_sitter_java.language())),
    "go": Parser(Language(tree_sitter_go.language())),
    "csharp": Parser(Language(tree_sitter_c_sharp.language())),
}
ENDINGS = {"javascript": ".ts", "java": ".java"}
NAMES = {
    "pinecone": "PINECONE_API_KEY",
    "hard-coded-secret": "APP_SECRET",
    "x1": "X",
    "a-b.c": "A_VERY_LONG_NAME_OF_A_VARIABLE_THAT_SOMEBODY_MIGHT_HAVE_CHOSEN_FOR_A_KEY_42",
}
MAX_LINES = 32
"""What a reader takes in at one glance."""

RUN_PYTHON = "import sample, sys; sys.stdout.write(sample.read_secret())"
RUN_NODE = 'process.stdout.write(await (await import("./sample.mjs")).readSecret())'


def names(name: str = "pinecone") -> snippets.Names:
    found = load.named("pinecone")
    assert found
    return snippets.names(replace(found.guide, id=name, variable=NAMES[name]))


def code(language: str, store: str, name: str = "pinecone") -> str:
    return snippets.snippet(language, store, names(name)).text + "\n"


EVERY = [(language, store) for language in LANGUAGES for store in STORES]
every_sample = pytest.mark.parametrize(("language", "store"), EVERY)


def test_every_language_has_every_store_and_nothing_else_lies_there():
    folder = Path(str(resources.files("imgscan.guides") / "samples"))
    assert sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*")) == sorted(
        f"{language}/{store}.txt" for language, store in EVERY
    )


@every_sample
@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_filled_in_and_short(language, store, name):
    text = code(language, store, name)
    assert not re.search(r"\{(?:variable|path|field)\}", text)
    assert text.count("\n") <= MAX_LINES
    assert names(name).variable in text
    assert store == "env" or names(name).path in text


@every_sample
def test_a_sample_writes_no_secret_anywhere(language, store):
    assert not re.search(r"print|console\.log|fmt\.P|System\.out|Console\.Write|logg", code(language, store))


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("name", NAMES)
def test_python_compiles(store, name):
    tree = ast.parse(code("python", store, name))
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] == ["read_secret"]


@pytest.mark.parametrize("language", PARSERS)
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("name", NAMES)
def test_java_go_and_csharp_parse(language, store, name):
    text = code(language, store, name).encode()
    assert not PARSERS[language].parse(text).root_node.has_error
    assert PARSERS[language].parse(text[: len(text) // 2]).root_node.has_error, "half of it must not pass"


@pytest.fixture
def stores() -> Iterator[Stores]:
    with secret_stores.serve(names().path, SECRET) as served:
        yield served


def run(command: list[str], directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    path = {"PATH": os.environ["PATH"], "HOME": str(directory)}
    return subprocess.run(
        command, cwd=directory, env=path | variables, capture_output=True, text=True, timeout=60, check=False
    )


def python(directory: Path, store: str, **variables: str) -> subprocess.CompletedProcess[str]:
    (directory / "sample.py").write_text(code("python", store))
    return run([sys.executable, "-c", RUN_PYTHON], directory, **variables)


def node(directory: Path, store: str, **variables: str) -> subprocess.CompletedProcess[str]:
    modules(directory)
    (directory / "sample.mjs").write_text(code("javascript", store))
    return run(["node", "--input-type=module", "--eval", RUN_NODE], directory, **variables)


def modules(directory: Path) -> None:
    engines.need("node")
    installed = TYPESCRIPT / "node_modules"
    if not installed.is_dir():
        engines.unavailable("npm install --no-package-lock --prefix tests/integration/typescript")
    (directory / "node_modules").symlink_to(installed)


RUNNERS = [
    pytest.param(python, id="python"),
    pytest.param(node, id="node", marks=pytest.mark.engine),
]


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("store", STORES)
def test_a_sample_reads_the_secret(runner, store, stores, tmp_path):
    result = runner(tmp_path, store, PINECONE_API_KEY=f" {SECRET}\n", **stores.environment())
    assert (result.stdout, result.returncode) == (SECRET, 0), result.stderr
    assert bool(stores.asked) is (store != "env")


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("store", STORES)
def test_a_sample_says_what_it_cannot_read_and_shows_no_credential(runner, store, stores, tmp_path):
    stores.path = "other"
    result = runner(tmp_path, store, **stores.environment())
    assert (result.stdout, result.returncode) == ("", 1)
    assert ("PINECONE_API_KEY is not set" if store == "env" else "cannot read prod/pinecone/api-key") in result.stderr
    for credential in (SECRET, secret_stores.TOKEN, secret_stores.API_KEY):
        assert credential not in result.stderr


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("store", ["vault", "conjur"])
def test_a_sample_that_is_refused_says_so(runner, store, stores, tmp_path):
    wrong = dict.fromkeys(("VAULT_TOKEN", "CONJUR_AUTHN_API_KEY"), "a-revoked-credential")
    result = runner(tmp_path, store, **{**stores.environment(), **wrong})
    assert (result.stdout, result.returncode) == ("", 1)
    assert "a-revoked-credential" not in result.stderr
    assert SECRET not in result.stderr


@pytest.mark.engine
def test_typescript_takes_all_of_them_in_its_strict_mode(tmp_path):
    modules(tmp_path)
    (tmp_path / "tsconfig.json").write_text((TYPESCRIPT / "tsconfig.json").read_text())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for store in STORES:
        for name in NAMES:
            (tmp_path / f"{store}-{name}.ts").write_text(code("javascript", store, name))
    compiler = ["node", str(TYPESCRIPT / "node_modules/typescript/bin/tsc"), "--project", "."]
    assert run(compiler, tmp_path).stdout == ""
    wrong = 'import { readSecret } from "./aws-pinecone.js";\nexport const n: number = await readSecret();\n'
    (tmp_path / "wrong.ts").write_text(wrong)
    assert "wrong.ts" in run(compiler, tmp_path).stdout, "the types must be those of the client"


@pytest.mark.engine
def test_javac_parses_all_of_them(tmp_path):
    engines.need("javac")
    for store in STORES:
        for name in NAMES:
            path = tmp_path / f"{store}-{name}" / "Secrets.java"
            path.parent.mkdir()
            path.write_text(code("java", store, name))
    parse = ["javac", "-proc:none", "-XDshould-stop.ifNoError=PARSE"]
    files = [str(path) for path in tmp_path.glob("*/*.java")]
    assert len(files) == len(STORES) * len(NAMES)
    result = run([*parse, *files], tmp_path)
    assert (result.stderr, result.returncode) == ("", 0)
    (tmp_path / "Broken.java").write_text(code("java", "aws")[:-3])
    assert run([*parse, "Broken.java"], tmp_path).returncode == 1, "half of it must not pass"


@pytest.mark.engine
def test_javac_compiles_the_one_that_needs_no_library(tmp_path):
    engines.need("javac")
    (tmp_path / "Secrets.java").write_text(code("java", "env"))
    result = run(["javac", "-Xlint:all", "-Werror", "Secrets.java"], tmp_path)
    assert (result.stderr, result.returncode) == ("", 0)

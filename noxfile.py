"""Every development task: ``nox`` runs what a change must pass."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "imports", "tests", "package"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
FUZZ_SECONDS = "60"
PACKS = """
from importlib.resources import files
assert any(entry.name.endswith(".toml") for entry in files("imgscan.rules").joinpath("packs").iterdir())
"""


def group(name: str) -> list[str]:
    """The requirements of a dependency group, so that pip need not know what groups are."""
    return list(nox.project.dependency_groups(PYPROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and spelling; ``-- --fix`` repairs."""
    session.install(*group("lint"))
    session.run("ruff", "check", *session.posargs, ".")
    session.run("ruff", "format", *([] if session.posargs else ["--check"]), ".")
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.install("--editable", ".", *group("types"))
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """Check that imports run one way."""
    session.install("--editable", ".", *group("lint"))
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests with coverage; what follows ``--`` goes to pytest."""
    session.install("--editable", ".", *group("test"))
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "report")


@nox.session
def package(session: nox.Session) -> None:
    """Build, install the wheel alone, and run it: are the rules inside?"""
    session.install("build")
    out = Path(session.create_tmp()).resolve()
    for old in out.glob("*.whl"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", str(out))
    session.install("--force-reinstall", *map(str, out.glob("*.whl")))
    session.chdir(out)  # not the checkout: src/ must not be found
    session.run("imgscan", "--version")
    session.run("python", "-c", PACKS)


@nox.session
def docs(session: nox.Session) -> None:
    """Write the pages that are made from the rules; a test tells when that is needed."""
    session.install("--editable", ".")
    session.run("python", "-m", "imgscan.rules.document", "docs/rules.md")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed and memory against the floor program; what follows ``--`` goes to ``bench/run.py``."""
    session.install("--editable", ".")
    session.run("python", "bench/run.py", *session.posargs)


@nox.session
def quality(session: nox.Session) -> None:
    """Measure recall and precision of the rules; ``-- --trees`` scans clean software, ``-- --cost`` times the rules."""
    session.install("--editable", ".")
    session.run("python", "tests/quality/run.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Run every fuzz target for a while; what follows ``--`` is the number of seconds."""
    session.install("--editable", ".", *group("test"))
    seconds = session.posargs[0] if session.posargs else FUZZ_SECONDS
    session.run("pytest", "tests/fuzz", env={"IMGSCAN_FUZZ_SECONDS": seconds})

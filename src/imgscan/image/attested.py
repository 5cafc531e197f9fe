"""What an attestation holds that may leak a secret, text by text, named by its place.

Provenance is taken apart: build args, environments and arguments of every step of every stage, embedded files and the
Dockerfile, and every other string. An SBOM, an unknown predicate, and what is too large or not readable is one text:
the statement as stored. Knows nothing of secrets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from imgscan.errors import ImageFormatError
from imgscan.image.json_tree import leaves, read, text
from imgscan.image.provenance import Layout, decode_base64, is_provenance, layout
from imgscan.model.values import Notice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgscan.image.image import Attestation
    from imgscan.image.json_tree import Json, Path

MAX_KEY: Final = 256
"""Characters of a key; names of args and paths of files come from the image."""
_SBOMS: Final = ("https://spdx.dev/", "https://cyclonedx.org/", "cyclonedx", "spdx")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][\w-]{0,63}")


@dataclass(frozen=True, slots=True)
class AttestedText:
    """One text, and the key that names its place. Pairs are ``NAME=value``, so that the name counts as context."""

    key: str
    text: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Named:
    key: str
    leaf: str = field(repr=False)
    encoded: bool = False


class _Head(msgspec.Struct, frozen=True, rename="camel"):
    """The part of a statement that says of what kind it is."""

    predicate_type: str | None = None


def texts(attestation: Attestation) -> tuple[tuple[AttestedText, ...], tuple[Notice, ...]]:
    """Everything to be scanned. Of equal texts in one statement only the first counts, build args before all others."""
    kind = _kind(attestation)
    whole = AttestedText(kind, attestation.content)
    if kind != "provenance":
        return (whole,), ()
    try:
        document = read(attestation.content)
    except ImageFormatError as error:
        message = f"scanned as one text, embedded files not decoded: {error.message}"
        return (whole,), (Notice("attestation-unreadable", attestation.digest, message, incomplete=True),)
    return _decoded(_once(_named(document)))


def _kind(attestation: Attestation) -> str:
    types = {attestation.predicate_type or "", _predicate_type(attestation.content)}
    if any(map(is_provenance, types)):
        return "provenance"
    return "sbom" if any(each.lower().startswith(_SBOMS) for each in types) else "attestation"


def _predicate_type(content: bytes) -> str:
    try:
        return msgspec.json.decode(content, type=_Head).predicate_type or ""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def _named(document: Json) -> list[_Named]:
    form = layout(document)
    named = [_name(document, form, path, leaf) for path, leaf in leaves(document)]
    return sorted(named, key=lambda item: not item.key.startswith("provenance.build-arg:"))


def _once(named: Iterable[_Named]) -> Iterable[_Named]:
    """The same environment stands in every later step of a stage."""
    first: dict[tuple[str, bool], _Named] = {}
    for item in named:
        first.setdefault((item.leaf, item.encoded), item)
    return first.values()


def _decoded(named: Iterable[_Named]) -> tuple[tuple[AttestedText, ...], tuple[Notice, ...]]:
    found: list[AttestedText] = []
    notices: list[Notice] = []
    for item in named:
        content = decode_base64(item.leaf) if item.encoded else _utf8(item.leaf)
        if content is None:
            notices.append(
                Notice("attestation-undecodable", item.key, "scanned as it stands: it is not base64", incomplete=True)
            )
        found.append(AttestedText(item.key, _utf8(item.leaf) if content is None else content))
    return tuple(found), tuple(notices)


def _utf8(leaf: str) -> bytes:
    return leaf.encode(errors="surrogatepass")


def _name(document: Json, form: Layout, path: Path, leaf: str) -> _Named:
    """The key of a leaf; pairs become ``NAME=value``."""
    if argument := _argument(form, path):
        return _Named(_key(argument), f"{argument.partition(':')[2]}={leaf}")
    if _starts(path, form.steps) and len(path) > len(form.steps) + 1:
        step = path[: len(form.steps) + 1]
        return _step(document, step, path[len(step) :], leaf)
    if _starts(path, (*form.buildkit, "source", "infos")) and path[-1] == "data":
        return _Named(_key(text(document, *path[:-1], "filename") or _rendered(path)), leaf, encoded=True)
    if _starts(path, form.buildkit):
        return _Named(_key(_rendered(("buildkit", *path[len(form.buildkit) :]))), leaf)
    return _Named(_key(_rendered(path[1:] if path[0] == "predicate" else path)), leaf)


def _argument(form: Layout, path: Path) -> str | None:
    """``build-arg:NAME`` or ``label:KEY`` of the request or of a request in it."""
    name = path[-1]
    if isinstance(name, str) and path[-2:-1] == ("args",) and _starts(path, form.request):
        return name if name.startswith(("build-arg:", "label:")) else None
    return None


def _step(document: Json, step: Path, rest: Path, leaf: str) -> _Named:
    name = text(document, *step, "id")[:MAX_KEY] or f"step[{step[-1]}]"
    match rest:
        case ("op", "Op", "exec", "meta", "env", int(at)):
            variable, assigned, _ = leaf.partition("=")
            return _Named(_key(f"{name}.exec.env[{variable if assigned else at}]"), leaf)
        case ("op", "Op", "exec", "meta", "args", int(at)):
            return _Named(_key(f"{name}.exec.args[{at}]"), leaf)
        case ("op", "Op", "file", "actions", int(at), "Action", "mkfile", "data"):
            path = text(document, *step, *rest[:-1], "path")
            return _Named(_key(f"{name}.mkfile[{path or at}]"), leaf, encoded=True)
        case ("op", "Op", "source", "identifier"):
            return _Named(_key(f"{name}.source"), leaf)
        case _:
            return _Named(_key(f"{name}.{_rendered(rest)}"), leaf)


def _starts(path: Path, prefix: Path) -> bool:
    return path[: len(prefix)] == prefix


def _rendered(path: Path) -> str:
    """``a.b[0][odd key]``."""
    cut = (part[:MAX_KEY] if isinstance(part, str) else part for part in path)
    parts = (f".{part}" if isinstance(part, str) and _IDENTIFIER.fullmatch(part) else f"[{part}]" for part in cut)
    return "".join(parts).removeprefix(".")


def _key(place: str) -> str:
    return f"provenance.{place}" if len(place) <= MAX_KEY else f"provenance.{place[:MAX_KEY]}…"

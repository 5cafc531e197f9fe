"""The corpus: texts of every format, with the places in them where a secret has to be found, or none.

Everything is made from the templates in ``corpus`` and from the examples of the rules, the same on every machine. Knows
nothing of what is found; that is for ``measure``.
"""

from __future__ import annotations

import base64
import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.sax import saxutils

import msgspec

from imgscan.model.values import Where
from imgscan.rules.sample import expand, is_binary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.match.detector import Detector
    from imgscan.model.values import Match
    from imgscan.rules.schema import Rule

CORPUS: Final = Path(__file__).parent / "corpus"
OPEN, CLOSE, JOINT = "⟦⟧¦"
"""Around what has to be found; and within published example keys, so that no file of ours holds one."""

MARKS: Final = re.compile(f"([{OPEN}{CLOSE}{JOINT}])")
TOKEN: Final = re.compile(r"\{(NAME|name|nAme|Name|na-me|na\.me|words|head|tail|VALUE|TEXT)\}")
SECRET_WORD: Final = re.compile(r"key|token|secret|pass|pwd|auth|credential|pat$|webhook|dsn|url", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A secret of a text: half-open range of bytes, and whose it is."""

    start: int
    end: int
    provider: str


@dataclass(frozen=True, slots=True)
class Text:
    """One text of the corpus. ``source`` says which part of it, ``subject`` what it is about."""

    source: str
    subject: str
    format: str
    where: Where
    path: str
    content: bytes
    wanted: tuple[Wanted, ...]


class Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of file, see the head of ``formats.toml``."""

    name: str
    path: str
    text: str
    escape: str = ""
    where: Where = Where.FILE
    basic: bool = False
    code: bool = False


class WholeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as it may stand somewhere, see the heads of ``files.toml`` and ``harmless.toml``."""

    format: str
    path: str
    text: str
    providers: tuple[str, ...] = ()
    where: Where = Where.FILE


def corpus(detector: Detector) -> Iterator[Text]:
    """Every text; the detector knows the rules and tells where the secrets of their examples are."""
    return chain(
        of_rules(detector), of_credentials(), of_files(), placeholders(), innocent(), expressions(), harmless()
    )


def of_rules(detector: Detector) -> Iterator[Text]:
    """The first example of every rule, in every basic format or in every form of lines."""
    for rule in detector.rules.rules:
        example = expand(rule.examples[0], f"quality {rule.id}")
        if is_binary(example):
            continue  # not skipped: `rules check` holds it to its examples, and no text holds it
        match = next((match for match in _matches(detector, rule, example) if match.rule_id == rule.id), None)
        if match is None or rule.path is not None or (rule.where and Where.FILE not in rule.where):
            continue  # not skipped: `rules check` holds it to its examples
        secret = match.secret.value.decode()
        if rule.context == "assignment" or secret == example:
            for form in formats():
                if form.basic:
                    yield _filled("rules", rule.id, form, _name_for(rule), secret, rule.provider)
        else:
            marked = example.replace(secret, f"{OPEN}{secret}{CLOSE}", 1)
            for form in _table("formats")["lines"]:
                yield _lines(rule, msgspec.convert(form, Format), marked)


def of_credentials() -> Iterator[Text]:
    """Credentials that are named as developers name them, in every format."""
    for provider, name, template in _table("credentials")["credentials"]:
        for form in formats():
            value = expand(template, f"{name} {form.name}")
            yield _filled("credentials", name, form, name, value, provider)


def of_files() -> Iterator[Text]:
    """Whole files with secrets."""
    return (_whole("files", file) for file in msgspec.convert(_table("files")["files"], list[WholeFile]))


def placeholders() -> Iterator[Text]:
    """What people write in place of a secret, each in every format, under one name after the other."""
    credentials = _table("credentials")["credentials"]
    values = _table("values")["placeholders"]
    prefixed = [_placeholder_of(template) for _, _, template in credentials]
    for number, value in enumerate([*values, *filter(None, prefixed)]):
        for at, form in enumerate(formats()):
            _, name, _ = credentials[(number * 7 + at * 13) % len(credentials)]
            yield _filled("placeholders", value, form, name, expand(value, name))


def innocent() -> Iterator[Text]:
    """Values that are random, or look it, and no secrets, in every format."""
    for name, template in _table("values")["innocent"]:
        for form in formats():
            yield _filled("innocent", name, form, name, expand(template, f"{name} {form.name}"))


def expressions() -> Iterator[Text]:
    """Code that gets a secret from somewhere."""
    credentials = _table("credentials")["credentials"]
    forms = [form for form in formats() if form.code]
    for number, value in enumerate(_table("values")["expressions"]):
        for at, form in enumerate(forms):
            bare = msgspec.structs.replace(form, text=re.sub(r"""["']\{VALUE\}["']""", "{VALUE}", form.text))
            yield _filled("expressions", value, bare, credentials[(number * 7 + at * 13) % len(credentials)][1], value)


def harmless() -> Iterator[Text]:
    """Whole files without secrets."""
    return (_whole("harmless", file) for file in msgspec.convert(_table("harmless")["files"], list[WholeFile]))


@cache
def formats() -> tuple[Format, ...]:
    """Every format for one setting."""
    return msgspec.convert(_table("formats")["formats"], tuple[Format, ...])


@cache
def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((CORPUS / f"{name}.toml").read_text())


def _matches(detector: Detector, rule: Rule, example: str) -> list[Match]:
    found, _ = detector.text(example.encode(), Where.FILE, rule.id)
    return found


def _name_for(rule: Rule) -> str:
    word = rule.keywords[0] if rule.context == "assignment" else rule.provider
    name = re.sub(r"\W+", "_", word).strip("_").upper()
    return name if SECRET_WORD.search(name) else f"{name}_TOKEN"


def _placeholder_of(template: str) -> str:
    """The prefix of a credential with a mask behind it, if it has a prefix."""
    prefix, _, rest = MARKS.sub("", template).partition("{")
    length = sum(int(count) for count in re.findall(r":(\d+)\}", rest)) or 32
    return prefix + "x" * length if len(prefix) > 2 and "://" not in prefix else ""


def _filled(source: str, subject: str, form: Format, name: str, value: str, provider: str = "") -> Text:
    """A format with one setting in it; without a provider it is no secret."""
    shown = _escape(value, form.escape)
    if provider and OPEN not in shown:
        shown = f"{OPEN}{shown}{CLOSE}"
    spellings = _spellings(name) | {"VALUE": shown}
    template = expand(form.text, f"{form.name} {name}")
    text = TOKEN.sub(lambda found: spellings[found[1]], template)
    return _text(source, subject, form, text, (provider,) if provider else ())


def _lines(rule: Rule, form: Format, marked: str) -> Text:
    text = form.text.replace("{TEXT}", _escape(marked, form.escape))
    return _text("rules", rule.id, form, text, (rule.provider,))


def _whole(source: str, file: WholeFile) -> Text:
    form = Format(file.format, file.path, file.text, where=file.where)
    return _text(source, file.path, form, expand(file.text, file.path), file.providers)


def _text(source: str, subject: str, form: Format, marked: str, providers: tuple[str, ...]) -> Text:
    content = bytearray()
    edges: list[int] = []
    for part in MARKS.split(marked):
        if part in (OPEN, CLOSE):
            edges.append(len(content))
        elif part != JOINT:
            content += part.encode()
    spans = zip(edges[::2], edges[1::2], providers, strict=True)
    wanted = tuple(Wanted(start, end, provider) for start, end, provider in spans)
    return Text(source, subject, form.name, form.where, form.path, bytes(content), wanted)


def _escape(value: str, how: str) -> str:
    match how:
        case "json":
            return json.dumps(value, ensure_ascii=False)[1:-1]
        case "xml":
            return saxutils.escape(value)
        case "base64":
            return base64.b64encode(MARKS.sub("", value).encode()).decode()
        case "indent":
            return value.replace("\n", "\n    ")
        case "crlf":
            return value.replace("\n", "\r\n")
        case _:
            return value


def _spellings(name: str) -> dict[str, str]:
    words = name.lower().split("_")
    titles = [word.title() for word in words]
    return {
        "NAME": name,
        "name": "_".join(words),
        "nAme": words[0] + "".join(titles[1:]),
        "Name": "".join(titles),
        "na-me": "-".join(words),
        "na.me": ".".join(words),
        "words": " ".join([titles[0], *words[1:]]),
        "head": words[0],
        "tail": "_".join(words[1:]) or words[0],
    }

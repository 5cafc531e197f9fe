"""Hold rules to their promises: the acceptance kit behind ``imgscan rules check``.

Every example of a rule is planted in files of many forms, the files are packed into one layer whose window edges cut
through some of them, and the layer goes through the real pipeline. What a rule promises stands in ``rules.schema``.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from xml.sax import saxutils

import msgspec

from imgscan.match import anchors, confirm
from imgscan.match.detector import Detector
from imgscan.match.exceptions import compiled
from imgscan.match.vet import vet
from imgscan.model.values import Where
from imgscan.rules.load import RuleSet, load, read_file
from imgscan.rules.sample import content, expand, is_binary
from imgscan.scan.layer import scan_layer
from imgscan.scan.workers import Workers
from imgscan.sources.base import LayerBlob
from imgscan.streams.limits import KIB
from imgscan.verify.template import flaws as request_flaws

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imgscan.rules.schema import Rule
    from imgscan.scan.window import FileMatch

BLOCK: Final = 64 * KIB
"""Small windows, so that every rule meets an edge without megabytes of padding."""

BATCH: Final = 2_000
"""Plants in one layer, so that it stays well below the number of matches that a layer may have."""

HOSTILE_BYTES: Final = 8 * KIB
HOSTILE_SECONDS: Final = 0.25
"""For one run of hostile text against one rule; ordinary patterns take less than a millisecond."""

HOSTILE: Final = (b"a", b"A1", b"0", b"-", b"=", b" ", b"a.", b'"', b"\\n", b"-----BEGIN ")
"""What hostile text repeats."""

_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_BARE: Final = re.compile(r"[^\s\"'<>&\\]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """A promise that a rule does not keep; ``where`` names the text it was tried on, if it was."""

    rule_id: str
    message: str
    where: str = "rule"


@dataclass(frozen=True, slots=True)
class Plant:
    """A text with an example in it, and how often the example must be found there."""

    rule: Rule
    name: str
    text: bytes
    count: int = 1


def check(rules: RuleSet) -> tuple[Problem, ...]:
    """Every promise of every rule that is not kept; empty if all is well."""
    problems = [problem for rule in rules.rules for problem in _check_alone(rule)]
    broken = {problem.rule_id for problem in problems}
    everywhere = (msgspec.structs.replace(rule, path=None) for rule in rules.rules)  # plants have names of no meaning
    sound = RuleSet.of(rule for rule in everywhere if rule.id not in broken)
    detector = Detector(sound, use_cache=False)
    problems += _check_files(detector)
    problems += _check_environment(detector)
    problems += _check_hostile(detector)
    return tuple(problems)


def _check_alone(rule: Rule) -> Iterator[Problem]:
    """What can be told from the rule itself."""
    if not rule.origin and not _ID.fullmatch(rule.id):
        yield Problem(rule.id, "the id is not kebab-case")
    for url in (*rule.references, *([rule.revoke_url] if rule.revoke_url else ())):
        if urlsplit(url).scheme != "https":
            yield Problem(rule.id, f"{url} is not an https URL")
    for request in [table.request for table in (rule.verify, rule.revoke) if table]:
        yield from (Problem(rule.id, f"the request cannot be made: {flaw}") for flaw in request_flaws(request))
    if not rule.examples and not rule.origin:  # other formats have none
        yield Problem(rule.id, "there is no example")
    flaws = [Problem(rule.id, flaw.message) for flaw in vet(rule)]
    yield from flaws or _check_width(rule)


def _check_width(rule: Rule) -> Iterator[Problem]:
    try:
        _, high = anchors.width(rule.pattern)
    except re.error:
        return  # written for `regex` alone; the examples have to do
    if high > rule.window and not rule.origin:  # other formats know no windows
        yield Problem(rule.id, f"the pattern can match more than its window of {rule.window} bytes")


def _check_files(detector: Detector) -> Iterator[Problem]:
    workers = Workers(detector, jobs=2, block_bytes=BLOCK)
    plants = _plants(detector)
    try:
        while batch := list(islice(plants, BATCH)):
            yield from _check_layer(batch, workers)
    finally:
        workers.close()


def _check_layer(batch: Sequence[Plant], workers: Workers) -> Iterator[Problem]:
    plants = {f"{index:06d}": plant for index, plant in enumerate(batch)}
    layer = _pack(plants)
    scan = scan_layer(LayerBlob("check", None, None, lambda: io.BytesIO(layer)), workers, lambda _: None)
    found: dict[str, list[FileMatch]] = defaultdict(list)
    for match in scan.matches:
        found[match.name.decode()].append(match)
    for name, plant in plants.items():
        hits = sum(match.match.rule_id == plant.rule.id for match in found[name])
        if plant.count and hits < plant.count:
            yield Problem(plant.rule.id, f"found {hits} of {plant.count}", plant.name)
        if not plant.count and hits:
            yield Problem(plant.rule.id, "matches what it must not match", plant.name)


def _plants(detector: Detector) -> Iterator[Plant]:
    for rule in detector.rules.rules:
        if rule.where and Where.FILE not in rule.where:
            continue  # not skipped: such a rule is tried where it belongs, in the environment
        for index, template in enumerate(rule.examples):
            text = expand(template, rule.id)
            yield from _forms(rule, f"example {index}", text)
            if rule.context == "assignment" and (secret := _secret(detector, rule, text)):
                yield from _assignments(rule, f"example {index}", secret)
        for index, template in enumerate(rule.non_examples):
            yield Plant(rule, f"non-example {index}", content(expand(template, rule.id)), count=0)


def _forms(rule: Rule, name: str, text: str) -> Iterator[Plant]:
    """An example in every form it may take in a file; what is no text has only those of a file by itself."""
    encoded = content(text)
    yield Plant(rule, f"{name} alone", encoded)
    if rule.pattern.startswith(r"\A"):
        return  # not skipped: for files that begin so, and the other forms do not
    yield Plant(rule, f"{name} at the start of a file", encoded + b"\n" + b"more text\n" * 9)
    yield Plant(rule, f"{name} at the end of a file", b"some text\n" * 9 + encoded)
    yield Plant(rule, f"{name} across an edge", encoded)
    if is_binary(text):
        return
    yield Plant(rule, f"{name} with CRLF", ("first\n" + text + "\nlast\n").replace("\n", "\r\n").encode())
    yield Plant(rule, f"{name} in UTF-16", ("first\n" + text + "\nlast\n").encode("utf-16"))
    if "\n" not in text and not _is_line(rule):
        yield Plant(rule, f"{name} twice on a line", encoded + b" , " + encoded + b"\n", 2)
    if _BARE.fullmatch(text) and not _is_line(rule):
        yield Plant(rule, f"{name} as .env", f'VALUE="{text}"\n'.encode())
        yield Plant(rule, f"{name} as shell", f"export VALUE='{text}'; run\n".encode())
        yield Plant(rule, f"{name} as JSON", json.dumps({"value": text, "other": 1}).encode())
        yield Plant(rule, f"{name} as YAML", f"settings:\n  value: {text}\n  other: 1\n".encode())
        yield Plant(rule, f"{name} as XML", f"<a><value>{saxutils.escape(text)}</value></a>".encode())


def _is_line(rule: Rule) -> bool:
    """Whether the rule wants a line of its own, as records of password files do."""
    return "(?m" in rule.pattern or r"(?<=\n)" in rule.pattern or "^" in re.sub(r"\[\^|\\\^", "", rule.pattern)


def _assignments(rule: Rule, name: str, secret: str) -> Iterator[Plant]:
    """The secret of an example under the name of each keyword, in every form of assignment."""
    for word in rule.keywords:
        key = re.sub(r"\W+", "_", word)
        upper = key.upper()
        for form, text in {
            ".env": f"{upper}_KEY={secret}\n",
            "shell": f"export {upper}_KEY='{secret}'; run\n",
            "JSON": json.dumps({f"{key}_key": secret, "other": 1}),
            "escaped JSON": json.dumps(json.dumps({f"{key}_key": secret})),
            "YAML": f"{key}_key: {secret}\nother: 1\n",
            "Kubernetes": f"- name: {upper}_KEY\n  value: {secret}\n",
            "XML": f"<{key}Key>{secret}</{key}Key>",
            "Python": f'{key}_key: str = "{secret}"\n',
            "PHP": f"'{key}_key' => '{secret}',\n",
            "command line": f"run --{key}-key {secret} --more\n",
        }.items():
            yield Plant(rule, f"{name} as {form} with {word}", text.encode())


def _secret(detector: Detector, rule: Rule, text: str) -> str | None:
    found, _ = detector.text(text.encode(), Where.FILE, rule.id)
    return next((match.secret.value.decode() for match in found if match.rule_id == rule.id), None)


def _pack(plants: dict[str, Plant]) -> bytes:
    """One tar archive with every plant in a file; some are padded so that a window edge cuts the example in half."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.USTAR_FORMAT) as archive:  # noqa: TID251 - writes, not reads
        for name, plant in plants.items():
            text = plant.text
            if plant.name.endswith("across an edge"):
                data_start = archive.offset + tarfile.BLOCKSIZE
                padding = -(data_start + len(text) // 2) % BLOCK
                text = (b"line of padding\n" * (padding // 16 + 1))[-padding:] + text if padding else text
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    return output.getvalue()


def _check_environment(detector: Detector) -> Iterator[Problem]:
    """Examples of one line as the value of an environment variable, or as the whole ``NAME=value``."""
    for rule in detector.rules.rules:
        if rule.where and Where.ENV not in rule.where:
            continue  # not skipped: the rule does not promise it
        for index, template in enumerate(rule.examples):
            text = expand(template, rule.id)
            if "\n" in text or is_binary(text) or _is_line(rule):
                continue  # not skipped: no environment variable looks like that
            forms = [text] if not _BARE.fullmatch(text) else [f"VALUE={text}"]
            for form in forms:
                found, _ = detector.text(form.encode(), Where.ENV, rule.id)
                if all(match.rule_id != rule.id for match in found):
                    yield Problem(rule.id, "not found in an environment variable", f"example {index}")


def _check_hostile(detector: Detector) -> Iterator[Problem]:
    """Text made to send a careless pattern into exponential time."""
    for rule in detector.rules.rules:
        pattern = confirm.Confirmer(rule)
        prefix = rule.keywords[0].encode() if rule.keywords else b""
        yield from _check_exceptions(rule)
        for filler in HOSTILE:
            text = (prefix + b"=" + filler * HOSTILE_BYTES)[:HOSTILE_BYTES]
            begun = time.perf_counter()
            try:
                list(pattern.spans(memoryview(text), [len(text) // 2], Where.FILE))
            except confirm.TimedOutError:
                yield Problem(rule.id, f"the pattern does not end on a run of {filler!r}")
            else:
                if time.perf_counter() - begun > HOSTILE_SECONDS:
                    yield Problem(rule.id, f"the pattern is slow on a run of {filler!r}")


def _check_exceptions(rule: Rule) -> Iterator[Problem]:
    """The same for the expressions of what a rule lets go."""
    for text in [text for allow in rule.allow for text in (*allow.regexes, *allow.paths)]:
        for filler in HOSTILE:
            content = (filler * HOSTILE_BYTES)[: rule.window] + b"!"
            try:
                compiled(text, rule.id).search(content, timeout=HOSTILE_SECONDS)
            except TimeoutError:
                yield Problem(rule.id, f"the exception {text!r} does not end on a run of {filler!r}")
                break


def main(names: Sequence[str]) -> int:
    """Check the packs named, or the packaged ones: a short cut for those who write rules."""
    rules = RuleSet.of(rule for name in names for rule in read_file(Path(name))) if names else load()
    problems = check(rules)
    for problem in problems:
        sys.stdout.write(f"{problem.rule_id}: {problem.message} [{problem.where}]\n")
    sys.stdout.write(f"{len(rules.rules)} rules, {len(problems)} problems\n")
    return bool(problems)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

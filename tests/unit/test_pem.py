"""Private keys are known by their inner structure, in every form that files, JSON, YAML and variables give them."""

from __future__ import annotations

import base64
import json
import random
from typing import TYPE_CHECKING

import pytest

from imgscan.match.keys.pem import is_encrypted, is_plausible, parse
from imgscan.rules.sample import expand
from imgscan.rules.sample_keys import KINDS, pem

if TYPE_CHECKING:
    from collections.abc import Callable

ENCRYPTED = {"rsa-encrypted", "ec-encrypted", "encrypted", "openssh-encrypted", "ssh2"}
UNSTRUCTURED = {"pgp", "rsa-encrypted", "ec-encrypted"}  # cannot be told from random bytes
FORMS: dict[str, Callable[[str], str]] = {
    "a file": lambda key: key,
    "CRLF": lambda key: key.replace("\n", "\r\n"),
    "a YAML block": lambda key: key.replace("\n", "\n      "),
    "one line with spaces": lambda key: key.replace("\n", " "),
    "a JSON string": json.dumps,
    "JSON within JSON": lambda key: json.dumps(json.dumps(key)),
    "strings that source code joins": lambda key: key.replace("\n", '\\n" +\n  "'),
    "a RUN instruction": lambda key: key.replace("\n", "\\n\\\n"),
    "a comment": lambda key: key.replace("\n", "\n# "),
}


def made(kind: str) -> str:
    return pem(kind, random.Random(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_known_in_every_form(kind: str, form: str) -> None:
    key = FORMS[form](made(kind)).encode()
    assert is_plausible(key)
    assert is_encrypted(key) is (None if kind == "pgp" else kind in ENCRYPTED)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"ssh2"}))
def test_a_key_is_known_in_base64(kind: str) -> None:
    assert is_plausible(base64.b64encode(made(kind).encode() + b"\n"))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - UNSTRUCTURED))
def test_a_truncated_key_is_none(kind: str) -> None:
    lines = made(kind).split("\n")
    assert not is_plausible("\n".join(lines[:2] + lines[-1:]).encode())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", ["", "...", "AAAA" * 100, "{base64:12}", "not base64 at all"])
def test_a_dummy_body_is_no_key(kind: str, body: str) -> None:
    lines = made(kind).split("\n")
    header = lines[1:4] if "Proc-Type" in lines[1] else []
    assert not is_plausible(expand("\n".join([lines[0], *header, body, lines[-1]])).encode())


@pytest.mark.parametrize("kind", sorted(set(KINDS) - UNSTRUCTURED))
def test_random_bytes_are_no_key(kind: str) -> None:
    lines = made(kind).split("\n")
    assert not is_plausible(expand(f"{lines[0]}\n{{base64:400}}\n{lines[-1]}").encode())


def test_headers_and_the_checksum_are_no_part_of_the_body() -> None:
    plain = made("pgp")
    armored = plain.replace("BLOCK-----\n\n", "BLOCK-----\nVersion: GnuPG v2\nComment: mine\n\n").replace(
        "\n-----END", "\n=AbC1\n-----END"
    )
    assert armored != plain
    first, second = parse(plain.encode()), parse(armored.encode())
    assert first is not None
    assert second is not None
    assert first.body == second.body


@pytest.mark.parametrize(
    "text", [b"", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", b"LS0tLS1CRUdJTi!"]
)
def test_what_is_no_private_key_is_none(text: bytes) -> None:
    assert parse(text) is None
    assert not is_plausible(text)
    assert is_encrypted(text) is None


def test_begin_and_end_must_agree() -> None:
    assert parse(made("rsa").replace("END RSA", "END EC").encode()) is None


def test_the_content_does_not_show_in_a_repr() -> None:
    found = parse(made("ec").encode())
    assert found is not None
    assert found.body.hex()[:16] not in repr(found)
    assert repr(found.body)[2:12] not in repr(found)

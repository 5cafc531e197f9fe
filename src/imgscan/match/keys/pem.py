"""Private keys as text: PEM of every label, as it stands in files, JSON strings, YAML and one-line variables.

Tells whether a key could be one (its DER or OpenSSH structure holds together) and whether it is encrypted. Does no
cryptography and cannot tell whether a key works. Nothing here raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from imgscan.match.structure import from_base64

_WRAPPED: Final = b"LS0tLS1CRUdJTi"
"""``-----BEGIN`` in base64: a key within a Kubernetes secret or a variable."""
_LINE_ENDS: Final = re.compile(
    rb"\\{1,8}(?:[nrt]|u000[aAdD]|\r?\n)"  # escaped within a string, or a line that goes on
    rb"|[\"'`][ \t]{0,40}[+,.]?[ \t]{0,40}\\?\r?\n[ \t]{0,80}[\"'`]?"  # strings that source code joins
    rb"|\n[ \t]{0,80}(?:[#*>]|//)[ \t]+"  # a comment or a quotation
)
_BLOCK: Final = re.compile(
    rb"----[- ]BEGIN (?P<label>[A-Z0-9 ]{0,30})PRIVATE KEY(?: BLOCK)?[- ]----"
    rb"(?P<body>.*?)----[- ]END (?P=label)PRIVATE KEY",
    re.DOTALL,
)
_HEADERS: Final = re.compile(
    rb"Proc-Type:[ \t]*4[ \t]*,[ \t]*ENCRYPTED|DEK-Info:[ \t]*[\w-]+,[ \t]*[0-9A-Fa-f]+"
    rb"|(?:Version|Hash|Charset|Subject):[^\n]*|Comment:[ \t]*(?:\"[^\"\n]*\"|[^\n]*)"
)
_CHECKSUM: Final = re.compile(rb"=[A-Za-z0-9+/]{4}\s*\Z")
_SPACE: Final = re.compile(rb"[\s\\]+")
_OPENSSH: Final = b"openssh-key-v1\0"
_SSH2: Final = b"\x3f\x6f\xf9\xeb"
_SEQUENCE, _INTEGER, _OCTETS = 0x30, 0x02, 0x04
_MIN_MODULUS_BYTES: Final = 64
"""512 bits: the smallest modulus that ssh or TLS software ever made."""
_MIN_SCALAR_BYTES: Final = 14
"""secp112r1 is the smallest curve anyone names."""
_MIN_ENCRYPTED_BYTES: Final = 64
_MIN_PGP_BYTES: Final = 80
_MIN_VARIETY: Final = 4
"""Distinct bytes: random ones have more, dummies fewer."""


@dataclass(frozen=True, slots=True, repr=False)
class Pem:
    """A PEM block: its label without ``PRIVATE KEY``, its decoded body, and what its headers say."""

    label: str
    body: bytes
    encrypted_by_header: bool


def is_plausible(text: bytes) -> bool:
    """Whether ``text`` is a private key whose body could be one: not truncated, not a dummy."""
    pem = parse(text)
    if pem is None or not _is_varied(pem.body, _MIN_SCALAR_BYTES):
        return False
    if pem.encrypted_by_header:
        return len(pem.body) >= _MIN_ENCRYPTED_BYTES
    match pem.label:
        case "OPENSSH":
            return _openssh_cipher(pem.body) is not None
        case "SSH2 ENCRYPTED":
            return _ssh2_cipher(pem.body) is not None
        case "PGP":
            return len(pem.body) >= _MIN_PGP_BYTES and pem.body[0] >= 0x80  # noqa: PLR2004 - RFC 9580: bit 7 of a tag
        case _:
            return _is_der_key(pem.label, pem.body)


def is_encrypted(text: bytes) -> bool | None:
    """Whether the private key in ``text`` needs a passphrase; ``None`` when there is no key or it cannot be told."""
    pem = parse(text)
    if pem is None or pem.label == "PGP":
        return None
    match pem.label:
        case "OPENSSH":
            cipher = _openssh_cipher(pem.body)
        case "SSH2 ENCRYPTED":
            cipher = _ssh2_cipher(pem.body)
        case label:
            return label == "ENCRYPTED" or pem.encrypted_by_header
    return None if cipher is None else cipher != b"none"


def parse(text: bytes) -> Pem | None:
    """The first PEM private key in ``text``, whatever its line ends look like; ``None`` when there is none."""
    if text.startswith(_WRAPPED):
        text = from_base64(_SPACE.sub(b"", text))
    found = _BLOCK.search(_LINE_ENDS.sub(b"\n", text))
    if not found:
        return None
    bare = _CHECKSUM.sub(b"", _HEADERS.sub(b"", found["body"]))
    body = from_base64(_SPACE.sub(b"", bare))
    return Pem(found["label"].decode().strip(), body, b"ENCRYPTED" in found["body"]) if body else None


def _is_der_key(label: str, body: bytes) -> bool:
    """RFC 8017 (RSA), RFC 5915 (EC), RFC 5958 (PKCS#8, plain and encrypted) and OpenSSL's own form for DSA."""
    outer = _der(body)
    if [tag for tag, _ in outer] != [_SEQUENCE]:
        return False
    fields = _der(outer[0][1])
    tags = [tag for tag, _ in fields]
    match label:
        case "RSA" | "DSA":
            return tags == [_INTEGER] * (9 if label == "RSA" else 6) and _is_varied(fields[1][1], _MIN_MODULUS_BYTES)
        case "EC":
            return tags[:2] == [_INTEGER, _OCTETS] and _is_varied(fields[1][1], _MIN_SCALAR_BYTES)
        case "ENCRYPTED":
            return tags == [_SEQUENCE, _OCTETS] and _is_varied(fields[1][1], _MIN_SCALAR_BYTES)
        case _:
            return tags[:3] == [_INTEGER, _SEQUENCE, _OCTETS] and _is_varied(fields[2][1], _MIN_SCALAR_BYTES)


def _is_varied(content: bytes, least_bytes: int) -> bool:
    return len(content) >= least_bytes and len(set(content)) >= _MIN_VARIETY


def _der(data: bytes) -> list[tuple[int, bytes]]:
    """The elements of DER, tag and content each; none at all where it does not hold together."""
    elements, at = [], 0
    while at < len(data):
        start, end = _der_content(data, at + 1)
        if end > len(data):
            return []
        elements.append((data[at], data[start:end]))
        at = end
    return elements


def _der_content(data: bytes, at: int) -> tuple[int, int]:
    """Where the content starts and ends whose length stands at ``at``."""
    first = data[at] if at < len(data) else 0
    if first < 0x80:  # noqa: PLR2004 - X.690: a short length
        return at + 1, at + 1 + first
    start = at + 1 + (first & 0x7F)
    return start, start + int.from_bytes(data[at + 1 : start], "big")


def _openssh_cipher(body: bytes) -> bytes | None:
    """The cipher of an OpenSSH key; ``None`` when its fields do not add up (PROTOCOL.key of OpenSSH)."""
    fields = _strings(body.removeprefix(_OPENSSH), (0, 0, 0, 4, 0))  # the number of keys stands before the public key
    whole = body.startswith(_OPENSSH) and fields and fields[3] and len(fields[4]) >= _MIN_SCALAR_BYTES
    return fields[0] if whole else None


def _ssh2_cipher(body: bytes) -> bytes | None:
    """The cipher of an ssh.com key; ``None`` when its fields do not add up."""
    fields = _strings(body.removeprefix(_SSH2), (4, 0, 0))  # the length of all stands before the type
    return fields[1] if body.startswith(_SSH2) and fields else None


def _strings(data: bytes, skips: tuple[int, ...]) -> list[bytes]:
    """As many SSH strings (RFC 4251) as there are ``skips``, each behind that many bytes; none when one is cut off."""
    strings, at = [], 0
    for skip in skips:
        start = at + skip + 4
        at = start + int.from_bytes(data[start - 4 : start], "big")
        if at > len(data):
            return []
        strings.append(data[start:at])
    return strings

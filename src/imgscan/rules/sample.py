r"""Example secrets from templates, so that no real-looking token stands in the repository.

A template is text with placeholders: ``{base62:30}`` stands for 30 random characters of that alphabet, ``{uuid}`` for
a UUID, ``{crc32}`` for the six base62 digits of the CRC-32 of the placeholder before it (GitHub, npm), ``{pem:rsa}``
for a private key of a kind of ``sample_keys``, ``{pem-line:rsa}`` for the same with ``\n`` in place of line ends,
``{pem-begin:rsa}`` and ``{pem-end:rsa}`` for its first and last line, ``{age}`` for an age identity, ``{keystore:jks}``
for a keystore of a kind of ``sample_keystores``, and ``{b64:…:b64}`` and ``{b64url:…:b64url}`` for the encoded form of
what stands between, after its own placeholders were filled in. Braces that fit none of these are left as they are. The
same template and seed give the same text for ever.

A keystore is no text: its bytes that are no UTF-8 become half surrogates, as in file names, which ``content`` undoes.
"""

from __future__ import annotations

import base64
import random
import re
import string
import uuid
import zlib
from typing import Final

from imgscan.rules import sample_keystores
from imgscan.rules.sample_keys import KINDS, age, edge, pem

BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
ALPHABETS: Final = {
    "base62": BASE62,
    "alnum": BASE62,
    "alpha": string.ascii_letters,
    "letters": string.ascii_lowercase,
    "capitals": string.ascii_uppercase,
    "lower": string.ascii_lowercase + string.digits,
    "upper": string.ascii_uppercase + string.digits,
    "digits": string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "base32": string.ascii_uppercase + "234567",
    "base36": string.digits + string.ascii_lowercase,
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "bech32": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "base64": string.ascii_letters + string.digits + "+/",
    "base64url": string.ascii_letters + string.digits + "-_",
    "word": string.ascii_letters + string.digits + "_",
}
_KEYS: Final = rf"pem(?:-line|-begin|-end)?:(?:{'|'.join(KINDS)})|age|keystore:(?:{'|'.join(sample_keystores.KINDS)})"
_PLACEHOLDER: Final = re.compile(rf"\{{(?:(uuid|crc32|{_KEYS})|({'|'.join(ALPHABETS)}):(\d+))\}}")
_ENCODED: Final = re.compile(r"\{(b64url|b64):((?:(?!\{b64).)*?):\1\}", re.DOTALL)


def expand(template: str, seed: str = "") -> str:
    """Fill in every placeholder of ``template``."""
    source = random.Random(f"{seed}|{template}")  # noqa: S311 - examples must be the same on every machine
    last = ""

    def fill(found: re.Match[str]) -> str:
        nonlocal last
        fixed, alphabet, count = found.groups()
        if fixed == "crc32":
            return crc32_base62(content(last))
        last = _fixed(fixed, source) if fixed else "".join(source.choices(ALPHABETS[alphabet], k=int(count)))
        return last

    text = _PLACEHOLDER.sub(fill, template)
    while _ENCODED.search(text):
        text = _ENCODED.sub(_encode, text)
    return text


def content(text: str) -> bytes:
    """The bytes of what a template became."""
    return text.encode(errors="surrogateescape")


def is_binary(text: str) -> bool:
    """Whether what a template became is no text."""
    return any("\udc80" <= char <= "\udcff" for char in text)


def crc32_base62(body: bytes, width: int = 6) -> str:
    """CRC-32 of ``body`` in base62 digits, padded with zeros: the checksum of GitHub and npm tokens."""
    value, digits = zlib.crc32(body), ""
    while value:
        value, digit = divmod(value, len(BASE62))
        digits = BASE62[digit] + digits
    return digits.rjust(width, "0")


def _fixed(placeholder: str, source: random.Random) -> str:
    match placeholder.partition(":"):
        case "uuid", _, _:
            return str(uuid.UUID(int=source.getrandbits(128), version=4))
        case "age", _, _:
            return age(source)
        case "keystore", _, kind:
            return sample_keystores.keystore(kind, source).decode(errors="surrogateescape")
        case "pem", _, kind:
            return pem(kind, source)
        case "pem-begin" | "pem-end" as which, _, kind:
            return edge(which.removeprefix("pem-").upper(), kind)
        case _, _, kind:
            return pem(kind, source).replace("\n", r"\n")


def _encode(found: re.Match[str]) -> str:
    kind, text = found.groups()
    if kind == "b64":
        return base64.b64encode(content(text)).decode()
    return base64.urlsafe_b64encode(content(text)).decode().rstrip("=")

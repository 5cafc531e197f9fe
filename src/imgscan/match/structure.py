"""Whether bytes have the inner structure that their outer shape promises: JSON in base64, JWT, AWS key ids, bech32.

Knows formats, nothing of rules or candidates; private keys have ``pem``. Nothing here raises.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

import msgspec

from imgscan.rules.sample_keys import BECH32, bech32_polymod

_JSON_START: Final = re.compile(rb"e[wy][A-Za-z0-9]")
"""What ``{`` with a quote, a space or a line end behind it becomes in base64."""
_JWT_PARTS: Final = 3
_AWS_ID: Final = re.compile(rb"[A-Z]{4}([A-Z2-7]{16})")
_AWS_OLD: Final = b"IJ"
"""Key ids made before 2019 have one of these in the fifth place and hold no account number."""
_AWS_MARK: Final = 1 << 47
_AWS_SHIFT: Final = 7
_AWS_ACCOUNTS: Final = 10**12
_BECH32_CHECKSUM: Final = 6


def from_base64(text: bytes) -> bytes:
    """``text`` decoded from either base64 alphabet, padded or not; empty when it is neither."""
    text = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return b""


def json_object(text: bytes) -> dict[str, msgspec.Raw]:
    """The fields of the JSON object ``text``, undecoded; empty when it is none."""
    try:
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}


def json_in_base64(secret: bytes) -> dict[str, msgspec.Raw]:
    """The fields of the JSON object that ``secret`` encodes, perhaps behind a prefix such as ``ops_``."""
    start = _JSON_START.search(secret)
    return json_object(from_base64(secret[start.start() :])) if start else {}


def is_jwt(secret: bytes) -> bool:
    """Whether ``secret`` is a signed JSON web token (RFC 7519)."""
    parts = secret.split(b".")
    if len(parts) != _JWT_PARTS:
        return False
    header, payload, signature = map(from_base64, parts)
    return "alg" in json_object(header) and bool(json_object(payload)) and bool(signature)


def aws_account(key_id: bytes) -> int | None:
    """The account number within an AWS key id, 0 for ids that hold none, ``None`` when it cannot be one.

    The 16 characters behind the prefix are base32; bits 1 to 40 of them are the account since 2019.
    """
    found = _AWS_ID.fullmatch(key_id)
    if not found:
        return None
    if found[1][:1] in _AWS_OLD:
        return 0
    leading = int.from_bytes(base64.b32decode(found[1])[:6], "big")
    account = (leading & ~_AWS_MARK) >> _AWS_SHIFT
    return account if leading & _AWS_MARK and account < _AWS_ACCOUNTS else None


def is_bech32(secret: bytes) -> bool:
    """Whether the last six characters are the bech32 checksum of what stands before them (BIP 173)."""
    prefix, mark, data = secret.lower().rpartition(b"1")
    values = [BECH32.find(chr(char)) for char in data]
    if not mark or len(values) < _BECH32_CHECKSUM or -1 in values:
        return False
    return bech32_polymod(prefix, values) == 1

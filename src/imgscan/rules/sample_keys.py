"""Private keys for examples: the structure of real ones around random numbers, so that they are keys of nobody.

Knows the outer shape of each kind; does no cryptography, and nothing here works as a key.
"""

from __future__ import annotations

import base64
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_RSA_OID, _EC_OID, _PBES2_OID = "2a864886f70d010101", "2a8648ce3d0201", "2a864886f70d01050d"
_P256_OID: Final = "2a8648ce3d030107"


def pem(kind: str, source: random.Random) -> str:
    """A key of ``kind`` (one of ``KINDS``) with line ends, the last one left out."""
    label, make = KINDS[kind]
    encrypted = kind in ("rsa-encrypted", "ec-encrypted")
    header = (
        f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{source.randbytes(16).hex().upper()}\n\n" if encrypted else ""
    )
    body = base64.b64encode(make(source)).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    blank = "\n" if label.startswith("PGP") else ""
    return "\n".join((edge("BEGIN", kind), blank + header + lines, edge("END", kind)))


def edge(which: str, kind: str) -> str:
    """The line that a key of ``kind`` begins or ends with: ``which`` is ``BEGIN`` or ``END``."""
    label, _ = KINDS[kind]
    dashes = "---- {} {} ----" if label.startswith("SSH2") else "-----{} {}-----"
    return dashes.format(which, label)


def age(source: random.Random) -> str:
    """An age identity with a valid checksum (BIP 173): 52 digits for 256 bits, six for the checksum."""
    values = [source.randrange(32) for _ in range(51)] + [source.choice((0, 16))]
    remainder = bech32_polymod(b"age-secret-key-", [*values, *(0,) * 6]) ^ 1
    digits = (*values, *(remainder >> shift & 31 for shift in range(25, -1, -5)))
    return f"age-secret-key-1{''.join(BECH32[digit] for digit in digits)}".upper()


def bech32_polymod(prefix: bytes, values: list[int]) -> int:
    """The bech32 remainder of ``values`` (five bits each) under ``prefix``; 1 when they end in a valid checksum."""
    checksum = 1
    for value in (*(char >> 5 for char in prefix), 0, *(char & 31 for char in prefix), *values):
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_BECH32_GENERATORS):
            checksum ^= generator if top >> bit & 1 else 0
    return checksum


def der(tag: int, content: bytes) -> bytes:
    """One element of ASN.1, of less than 64 KiB."""
    size = len(content)
    short = size < 0x80  # noqa: PLR2004 - X.690: a short length
    length = bytes([size]) if short else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE of elements."""
    return der(0x30, b"".join(parts))


def _integer(source: random.Random, size: int) -> bytes:
    return der(0x02, b"\x5a" + source.randbytes(size - 1))


def small(number: int) -> bytes:
    """An INTEGER from 0 to 127, such as a version."""
    return der(0x02, bytes([number]))


def oids(*content: str) -> bytes:
    """A SEQUENCE of object identifiers, whose content is given in hex."""
    return sequence(*(der(0x06, bytes.fromhex(oid)) for oid in content))


def _rsa(source: random.Random) -> bytes:
    exponent = der(0x02, b"\x01\x00\x01")
    rest = (_integer(source, size) for size in (256, 128, 128, 128, 128, 128))
    return sequence(small(0), _integer(source, 256), exponent, *rest)


def _dsa(source: random.Random) -> bytes:
    return sequence(small(0), *(_integer(source, size) for size in (128, 20, 128, 128, 20)))


def _ec(source: random.Random) -> bytes:
    public = der(0xA1, der(0x03, b"\x00\x04" + source.randbytes(64)))
    curve = der(0xA0, der(0x06, bytes.fromhex(_P256_OID)))
    return sequence(small(1), der(0x04, source.randbytes(32)), curve, public)


def _pkcs8(source: random.Random) -> bytes:
    return sequence(small(0), oids(_RSA_OID), der(0x04, _rsa(source)))


def _pkcs8_ec(source: random.Random) -> bytes:
    return sequence(small(0), oids(_EC_OID, _P256_OID), der(0x04, _ec(source)))


def _pkcs8_encrypted(source: random.Random) -> bytes:
    return sequence(oids(_PBES2_OID), der(0x04, source.randbytes(1232)))


def _string(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def _openssh(cipher: bytes) -> Callable[[random.Random], bytes]:
    def make(source: random.Random) -> bytes:
        kdf = (b"none", b"") if cipher == b"none" else (b"bcrypt", _string(source.randbytes(16)) + b"\0\0\0\x10")
        public = _string(b"ssh-ed25519") + _string(source.randbytes(32))
        fields = (*map(_string, (cipher, *kdf)), b"\0\0\0\x01", _string(public), _string(source.randbytes(144)))
        return b"openssh-key-v1\0" + b"".join(fields)

    return make


def _pgp(source: random.Random) -> bytes:
    return b"\x95\x03\xbe" + source.randbytes(958)


def _ssh2(source: random.Random) -> bytes:
    fields = b"".join(map(_string, (b"if-modn{sign{rsa-pkcs1-sha1}}", b"3des-cbc", source.randbytes(512))))
    return b"\x3f\x6f\xf9\xeb" + (len(fields) + 8).to_bytes(4, "big") + fields


KINDS: Final[Mapping[str, tuple[str, Callable[[random.Random], bytes]]]] = MappingProxyType(
    {
        "rsa": ("RSA PRIVATE KEY", _rsa),
        "rsa-encrypted": ("RSA PRIVATE KEY", lambda source: source.randbytes(1200)),
        "ec": ("EC PRIVATE KEY", _ec),
        "ec-encrypted": ("EC PRIVATE KEY", lambda source: source.randbytes(128)),
        "dsa": ("DSA PRIVATE KEY", _dsa),
        "pkcs8": ("PRIVATE KEY", _pkcs8),
        "pkcs8-ec": ("PRIVATE KEY", _pkcs8_ec),
        "encrypted": ("ENCRYPTED PRIVATE KEY", _pkcs8_encrypted),
        "openssh": ("OPENSSH PRIVATE KEY", _openssh(b"none")),
        "openssh-encrypted": ("OPENSSH PRIVATE KEY", _openssh(b"aes256-ctr")),
        "pgp": ("PGP PRIVATE KEY BLOCK", _pgp),
        "ssh2": ("SSH2 ENCRYPTED PRIVATE KEY", _ssh2),
    }
)
"""Label and maker of the body, by kind."""

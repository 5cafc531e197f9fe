"""Keystores for examples: PKCS#12 and Java stores around random bytes, closed by a password with one hash.

Enough for whoever looks at one from outside, as scanners do; nothing in them works as a key or a certificate.
"""

from __future__ import annotations

import hashlib
import hmac
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from imgscan.rules.sample_keys import der, oids, sequence, small

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    Maker = Callable[[random.Random], bytes]

COMMON: Final = "changeit"
JKS, JCEKS = b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"
LARGE_BYTES: Final = 17_000
"""Of certificates: more than anybody reads to find the end of a store."""

_DATA, _ENCRYPTED, _SHA256 = "2a864886f70d010701", "2a864886f70d010706", "608648016503040201"
_SHROUDED_KEY, _PBES2 = "2a864886f70d010c0a0102", "2a864886f70d01050d"
_JKS_PROTECTOR, _JCEKS_PROTECTOR = "2b060104012a02110101", "2b060104012a021301"
_KEY_BYTES: Final = 1_200
_CERTIFICATE_BYTES: Final = 800
_DATE: Final = bytes(2)
"""The first two of eight bytes: milliseconds of our time take six."""


def keystore(kind: str, source: random.Random) -> bytes:
    """A keystore of ``kind``, one of ``KINDS``."""
    return KINDS[kind](source)


def _explicit(*parts: bytes) -> bytes:
    return der(0xA0, b"".join(parts))


def _octets(content: bytes) -> bytes:
    return der(0x04, content)


def _oid(oid: str) -> bytes:
    return der(0x06, bytes.fromhex(oid))


def _plain_part(content: bytes) -> bytes:
    return sequence(_oid(_DATA), _explicit(_octets(content)))


def _encrypted_part(source: random.Random, size: int) -> bytes:
    content = sequence(_oid(_DATA), oids(_PBES2), der(0x80, source.randbytes(size)))
    return sequence(_oid(_ENCRYPTED), _explicit(sequence(small(0), content)))


def _pkcs12(password: str | None, *, keys: int = 1, certificates: int = _CERTIFICATE_BYTES) -> Maker:
    """Keys first, as Java has it; ``None`` is a password that nobody knows."""

    def make(source: random.Random) -> bytes:
        shrouded = sequence(oids(_PBES2), _octets(source.randbytes(_KEY_BYTES)))
        bags = sequence(*[sequence(_oid(_SHROUDED_KEY), _explicit(shrouded)) for _ in range(keys)])
        content = sequence(*[_plain_part(bags)] * bool(keys), _encrypted_part(source, certificates))
        salt = source.randbytes(20)
        mac = hmac.digest(_mac_key(_chosen(password, source), salt), content, "sha256")
        mac_data = sequence(sequence(oids(_SHA256), _octets(mac)), _octets(salt), small(1))
        return sequence(small(3), _plain_part(content), mac_data)

    return make


def _mac_key(password: str, salt: bytes) -> bytes:
    """Appendix B.2 of RFC 7292 for SHA-256, one iteration, and texts of less than a block."""
    blocks = ((text * 64)[:64] for text in (b"\x03", salt, f"{password}\0".encode("utf-16-be")))
    return hashlib.sha256(b"".join(blocks)).digest()


def _java(
    magic: bytes,
    password: str | None,
    *,
    key: bool = True,
    certificate_bytes: int = _CERTIFICATE_BYTES,
    trusted_bytes: int = 0,
) -> Maker:
    protector = _JKS_PROTECTOR if magic == JKS else _JCEKS_PROTECTOR

    def make(source: random.Random) -> bytes:
        certificate = _counted(b"X.509", 2) + _counted(sequence(source.randbytes(certificate_bytes)))
        hidden = source.randbytes(_KEY_BYTES)
        if password and trusted_bytes:  # nobody comes to the digest of such a store, so its key is to be opened
            hidden = _sealed(password, hidden)
        protected = sequence(oids(protector), _octets(hidden))
        content = _counted(protected) + _number(1) + certificate if key else certificate
        entry = _named(source, 1 if key else 2, content)
        body = magic + _number(2) + _number(1) + entry
        if trusted_bytes:
            trusted = _counted(b"X.509", 2) + _counted(sequence(source.randbytes(trusted_bytes)))
            body = magic + _number(2) + _number(2) + _named(source, 2, trusted) + entry
        encoded = _chosen(password, source).encode("utf-16-be")
        return body + hashlib.sha1(encoded + b"Mighty Aphrodite" + body).digest()  # noqa: S324 - the format says so

    return make


def _named(source: random.Random, tag: int, content: bytes) -> bytes:
    """An entry of a Java store."""
    return _number(tag) + _counted(b"server", 2) + _DATE + source.randbytes(6) + content


def _sealed(password: str, key: bytes) -> bytes:
    """Salt, hidden key and digest, as a JKS has them."""
    encoded = password.encode("utf-16-be")
    salt = last = hashlib.sha1(key).digest()  # noqa: S324 - the format says so
    mask = b""
    while len(mask) < len(key):
        last = hashlib.sha1(encoded + last).digest()  # noqa: S324 - the format says so
        mask += last
    hidden = bytes(a ^ b for a, b in zip(key, mask, strict=False))
    return salt + hidden + hashlib.sha1(encoded + key).digest()  # noqa: S324 - the format says so


def _number(value: int, size: int = 4) -> bytes:
    return value.to_bytes(size, "big")


def _counted(content: bytes, size: int = 4) -> bytes:
    return _number(len(content), size) + content


def _chosen(password: str | None, source: random.Random) -> str:
    return source.randbytes(8).hex() if password is None else password


KINDS: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "pkcs12": _pkcs12(None),
        "pkcs12-open": _pkcs12(COMMON),
        "pkcs12-empty": _pkcs12(""),
        "pkcs12-large": _pkcs12(COMMON, certificates=LARGE_BYTES),
        "pkcs12-trusted": _pkcs12(COMMON, keys=0),
        "jks": _java(JKS, None),
        "jks-open": _java(JKS, COMMON),
        "jks-trusted": _java(JKS, COMMON, key=False),
        "jks-late": _java(JKS, None, trusted_bytes=LARGE_BYTES),
        "jks-late-open": _java(JKS, COMMON, trusted_bytes=LARGE_BYTES),
        "jceks": _java(JCEKS, None),
        "jceks-open": _java(JCEKS, COMMON),
        "jceks-large": _java(JCEKS, COMMON, certificate_bytes=LARGE_BYTES),
        "jceks-late": _java(JCEKS, None, trusted_bytes=LARGE_BYTES),
    }
)
"""Maker by kind: ``-open`` with a common password, ``-trusted`` without a key, ``-large`` with a long certificate.

In ``-late`` that stands before the key.
"""

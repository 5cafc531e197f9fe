"""PKCS#12 keystores (RFC 7292): whether one holds a private key, and whether a password fits its MAC.

Nothing is decrypted: a key counts where the part that anybody can read names it, which is where every program known
puts keys; parts that are encrypted as a whole hold certificates. Without a MAC, or with one of an unknown kind, no
password can be tried. Nothing here raises.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from imgscan.match.keys import der
from imgscan.match.keys.der import Element

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

VERSION: Final = Element(der.INTEGER, b"\x03")
DATA: Final = Element(der.OID, bytes.fromhex("2a864886f70d010701"))
PBMAC1: Final = bytes.fromhex("2a864886f70d01050e")
PBKDF2: Final = Element(der.OID, bytes.fromhex("2a864886f70d01050c"))
_BAGS: Final = "2a864886f70d010c0a01"
PLAIN_KEY, ENCRYPTED_KEY, OTHER_SECRET = (bytes.fromhex(f"{_BAGS}{kind}") for kind in ("01", "02", "05"))
KEYS: Final = frozenset((PLAIN_KEY, ENCRYPTED_KEY, OTHER_SECRET))

HASHES: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        bytes.fromhex("2b0e03021a"): "sha1",
        **{bytes.fromhex(f"60864801650304020{n}"): f"sha{bits}" for n, bits in enumerate((256, 384, 512, 224), 1)},
    }
)
HMACS: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        bytes.fromhex(f"2a864886f70d02{oid}"): name
        for oid, name in {"07": "sha1", "08": "sha224", "09": "sha256", "0a": "sha384", "0b": "sha512"}.items()
    }
)
"""Hash functions by object identifier: of the MAC of RFC 7292, and of HMACs in RFC 9579."""

MAX_SALT_BYTES: Final = 1024
MAX_KEY_BYTES: Final = 64
_MAC_KEY: Final = b"\x03"
"""What the key is for, as the derivation of RFC 7292 counts purposes."""


@dataclass(frozen=True, slots=True, repr=False)
class Mac:
    """How a password makes a MAC; with ``kdf``, a hash function, by PBKDF2 as RFC 9579 has it."""

    hash: str
    salt: bytes
    iterations: int
    digest: bytes
    kdf: str | None = None
    key_bytes: int = 0

    def fits(self, password: str, content: bytes) -> bool:
        """Whether ``password`` makes this MAC of ``content``."""
        made = (hmac.digest(key, content, self.hash) for key in self._keys(password))
        return any(hmac.compare_digest(one, self.digest) for one in made)

    def _keys(self, password: str) -> Iterator[bytes]:
        """No password at all and an empty one differ under the older derivation; programs make either."""
        if self.kdf:
            yield hashlib.pbkdf2_hmac(self.kdf, password.encode(), self.salt, self.iterations, self.key_bytes)
            return
        if not password:
            yield self._derived(b"")
        yield self._derived(f"{password}\0".encode("utf-16-be"))

    def _derived(self, password: bytes) -> bytes:
        """Appendix B.2 of RFC 7292, of which a MAC needs the first round only."""
        start = hashlib.new(self.hash)
        size = start.block_size
        start.update(_MAC_KEY * size + _filled(self.salt, size) + _filled(password, size))
        key, make = start.digest(), getattr(hashlib, self.hash)
        for _ in range(self.iterations - 1):
            key = make(key).digest()
        return key


@dataclass(frozen=True, slots=True, repr=False)
class Store:
    """A keystore as far as it can be read without a password."""

    content: bytes
    bags: frozenset[bytes]
    mac: Mac | None

    @property
    def has_key(self) -> bool:
        """Whether it holds a private or secret key."""
        return not self.bags.isdisjoint(KEYS)

    @property
    def cost(self) -> int | None:
        """Hashes it takes to try one password; ``None`` if it cannot be tried."""
        if PLAIN_KEY in self.bags:
            return 0
        return self.mac.iterations if self.mac else None

    def opens(self, password: str) -> bool:
        """Whether ``password`` opens it, or none is needed."""
        return PLAIN_KEY in self.bags or (self.mac is not None and self.mac.fits(password, self.content))


def parse(data: bytes) -> Store | None:
    """The keystore that ``data`` begins with, perhaps cut off; ``None`` when there is none."""
    match der.elements(data)[:1]:
        case [Element(tag=der.SEQUENCE, content=fields)]:
            return _store(der.elements(fields))
        case _:
            return None


def _store(fields: Sequence[Element]) -> Store | None:
    match fields:
        case [version, Element(tag=der.SEQUENCE) as safe, *rest] if version == VERSION:
            content = _data(safe)
            mac = _mac(rest[0]) if rest and rest[0].tag == der.SEQUENCE else None
            return Store(content, frozenset(_bags(content)), mac) if content else None
        case _:
            return None


def _data(info: Element) -> bytes:
    """What a ContentInfo of plain data holds; nothing of any other."""
    match der.inner(info):
        case [kind, Element(tag=der.EXPLICIT) as wrapped, *_] if kind == DATA:
            return b"".join(map(der.octets, der.inner(wrapped)[:1]))
        case _:
            return b""


def _bags(content: bytes) -> Iterator[bytes]:
    """The kinds of everything in the readable parts."""
    for info in _items(content):
        for bag in _items(_data(info)):
            yield from (field.content for field in der.inner(bag)[:1])


def _items(sequence: bytes) -> list[Element]:
    return [item for outer in der.elements(sequence)[:1] for item in der.inner(outer)]


def _mac(field: Element) -> Mac | None:
    match der.inner(field):
        case [Element(tag=der.SEQUENCE) as info, Element(tag=der.OCTETS, content=salt), *rest]:
            iterations = der.integer(rest[0]) if rest else 1
        case _:
            return None
    match der.inner(info):
        case [Element(tag=der.SEQUENCE) as algorithm, Element(tag=der.OCTETS, content=digest)]:
            kind, *parameters = der.inner(algorithm) or [DATA]  # which is no algorithm
        case _:
            return None
    if kind.content == PBMAC1:
        return _pbmac1(parameters, digest)
    name = HASHES.get(kind.content)
    return _checked(Mac(name, salt, iterations, digest)) if name else None


def _pbmac1(parameters: Sequence[Element], digest: bytes) -> Mac | None:
    match [der.inner(part) for outer in parameters[:1] for part in der.inner(outer)]:
        case [[kdf, Element(tag=der.SEQUENCE) as derivation], [Element(content=hmac_oid), *_]] if kdf == PBKDF2:
            name = HMACS.get(hmac_oid)
        case _:
            return None
    match der.inner(derivation):
        case [Element(tag=der.OCTETS, content=salt), iterations, size, Element(tag=der.SEQUENCE) as prf]:
            kdf_name = next((HMACS.get(field.content) for field in der.inner(prf)[:1]), None)
        case _:  # RFC 9579 asks for the size of the key; without a PRF it is SHA-1, which nobody writes
            return None
    if name is None or kdf_name is None:
        return None
    return _checked(Mac(name, salt, der.integer(iterations), digest, kdf_name, der.integer(size)))


def _checked(mac: Mac) -> Mac | None:
    """The MAC if its numbers are what they can be."""
    sound = (
        mac.iterations > 0
        and len(mac.salt) <= MAX_SALT_BYTES
        and (mac.kdf is None or 0 < mac.key_bytes <= MAX_KEY_BYTES)
        and len(mac.digest) == hashlib.new(mac.hash).digest_size
    )
    return mac if sound else None


def _filled(text: bytes, size: int) -> bytes:
    """``text`` repeated until it fills a whole number of blocks, the last one cut."""
    whole = -(-len(text) // size) * size
    return (text * (whole // len(text)) + text)[:whole] if text else b""

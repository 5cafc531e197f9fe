"""Java keystores, JKS and JCEKS: whether one holds a private or secret key, and whether a password opens it.

The digest at the end of a store is made with its password, and each private key of a JKS carries a digest made with a
password of its own, so that even a store that is cut off can be tried. JCEKS protects keys by a cipher that is not
undone here, and its secret keys are Java objects whose length nothing tells. Nothing here raises.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgscan.match.keys import der
from imgscan.match.keys.der import Element

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGICS: Final = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
TYPED: Final = 2
"""The version since which certificates name their type."""

PRIVATE, TRUSTED, SECRET = 1, 2, 3
SALT: Final = b"Mighty Aphrodite"
"""What the digest of a store hashes between the password and the content."""

PROTECTOR: Final = Element(der.OID, bytes.fromhex("2b060104012a02110101"))
"""The algorithm that a JKS encrypts its private keys with."""

DIGEST_BYTES: Final = 20
BLOCK_BYTES: Final = 64
"""What one step of SHA-1 takes in."""

HEAD_BYTES: Final = 4
"""Of an encrypted key: tag, and a length in two bytes."""

MAX_KEYS: Final = 8
"""Private keys of one store that passwords are tried on."""


class _CutError(Exception):
    """The data ends before the store does."""


@dataclass(frozen=True, slots=True, repr=False)
class Store:
    """A keystore as far as it can be read; ``signed`` and ``digest`` are empty where its end is not at hand."""

    has_key: bool
    keys: tuple[bytes, ...]
    signed: bytes
    digest: bytes

    @property
    def cost(self) -> int | None:
        """Hashes it takes to try one password; ``None`` if it cannot be tried."""
        of_keys = sum(len(key) // DIGEST_BYTES for key in self.keys)
        return (of_keys + len(self.signed) // BLOCK_BYTES + 1) if self.digest or self.keys else None

    def opens(self, password: str) -> bool:
        """Whether ``password`` is that of the store or of a private key in it."""
        encoded = password.encode("utf-16-be")
        made = hashlib.sha1(encoded + SALT + self.signed).digest()  # noqa: S324 - the format says so
        return hmac.compare_digest(made, self.digest) or any(_opens_key(encoded, key) for key in self.keys)


def parse(data: bytes, *, cut: bool = False) -> Store | None:
    """The keystore that ``data`` begins with; ``None`` when there is none. ``cut`` says that more would follow."""
    if not data.startswith(MAGICS):
        return None
    reader = _Reader(data)
    has_key, keys, end = False, list[bytes](), 0
    try:
        for tag, content in _entries(reader):
            has_key |= tag in (PRIVATE, SECRET)
            keys += [key] if tag == PRIVATE and len(keys) < MAX_KEYS and (key := _protected(content)) else []
            if tag == SECRET:
                reader.at = len(data) if cut else max(reader.at, len(data) - DIGEST_BYTES)
        end = reader.at
        digest = reader.take(DIGEST_BYTES)
    except _CutError:
        return Store(has_key, tuple(keys), b"", b"")
    return Store(has_key, tuple(keys), data[:end], digest)


def lone_key(data: bytes) -> Store | None:
    """The encrypted private key that ``data`` begins with, as a store of nothing else; ``None`` if it is of no JKS."""
    key = _protected(data[: HEAD_BYTES + int.from_bytes(data[2:HEAD_BYTES], "big")])
    return Store(True, (key,), b"", b"") if key else None  # noqa: FBT003 - a record


def _entries(reader: _Reader) -> Iterator[tuple[int, bytes]]:
    """Tag and key or certificate of each entry, up to the first that is of no known kind."""
    reader.take(len(MAGICS[0]))
    version = reader.number()
    for _ in range(reader.number()):
        tag = reader.number()
        reader.block(2)
        reader.take(8)  # alias and date
        if tag == PRIVATE:
            yield tag, reader.block()
            for _ in range(reader.number()):
                reader.certificate(version)
        elif tag == TRUSTED:
            yield tag, reader.certificate(version)
        elif tag == SECRET:
            yield tag, b""
            return
        else:
            raise _CutError


@dataclass(slots=True, repr=False)
class _Reader:
    """Reads big-endian numbers and counted blocks; raises ``_CutError`` at the end of the data."""

    data: bytes
    at: int = 0

    def take(self, size: int) -> bytes:
        taken = self.data[self.at : self.at + size]
        if len(taken) < size:
            raise _CutError
        self.at += size
        return taken

    def number(self, size: int = 4) -> int:
        return int.from_bytes(self.take(size), "big")

    def block(self, size_bytes: int = 4) -> bytes:
        return self.take(self.number(size_bytes))

    def certificate(self, version: int) -> bytes:
        if version >= TYPED:
            self.block(2)
        return self.block()


def _protected(content: bytes) -> bytes:
    """Salt, encrypted key and digest out of an EncryptedPrivateKeyInfo; nothing if it is of another kind."""
    match [der.inner(outer) for outer in der.elements(content)[:1]]:
        case [[Element(tag=der.SEQUENCE) as algorithm, Element(tag=der.OCTETS, content=protected)]]:
            whole = len(protected) > 2 * DIGEST_BYTES and PROTECTOR in der.inner(algorithm)
            return protected if whole else b""
        case _:
            return b""


def _opens_key(password: bytes, protected: bytes) -> bool:
    """Whether a key becomes one whose digest fits; it is hidden under digests, each made of the one before it."""
    body, digest = protected[DIGEST_BYTES:-DIGEST_BYTES], protected[-DIGEST_BYTES:]
    mask = bytearray()
    last = protected[:DIGEST_BYTES]
    while len(mask) < len(body):
        last = hashlib.sha1(password + last).digest()  # noqa: S324 - the format says so
        mask += last
    plain = int.from_bytes(body, "big") ^ int.from_bytes(mask[: len(body)], "big")
    made = hashlib.sha1(password + plain.to_bytes(len(body), "big")).digest()  # noqa: S324 - the format says so
    return hmac.compare_digest(made, digest)

"""Values that everybody has, as they stand in documentation, emulators, self-tests and packages, known by their hashes.

A secret that is one of them keeps nothing. Knows nothing of rules.
"""

from __future__ import annotations

import hashlib
from typing import Final

HASHED_BYTES: Final = 512
"""Of a value; keys differ long before."""

DIGITS: Final = 16
"""Of a hash; with some thousands of them a secret is taken for one once in 10^16 times."""

BY_ORIGIN: Final = {
    "Azurite, the storage emulator": "0011cc25eb432071",
    "the Cosmos DB emulator": "aa6547439583c3a2",
    "the token that jwt.io opens with": "7f75367e78812551 da816f9f2c16e6c5",
    "Stripe's documentation": "2cafc0970149a84f f2d6ca16515033e5",
    "RFC 6749, the access token": "6c96130f130ab0d6",
    "RFC 6749, the refresh token": "00cf4c781dc37003",
    "RFC 6749, the client secret": "53f5da0aaa93d64c",
    "the docstrings of oauthlib": "d167410a16865cd6",
    "the README of npm's arborist": "7e8a30c801002173",
    "the docstrings of urllib.request": "1fec4e9dead2fb48",
    "the examples of botocore, IAM": "6caa448826c11cd3 e6c2d3455587c47c d8ccc3c547c85017",
    "the help of kubectl": "6a81b2429c0ba421",
    "the self-test keys of GnuTLS": (
        "a4d138d7ef974846 fa0b06a72461ec0a ef237ea8db4f2ae9 f8766749b0c6f9b5 293216817f0d585f a0b9679665e29ac2 "
        "934b3e9bfd9936c5 91ea1699ff6b1a34 89a1cd753aee7a09 34a1db511a0d713a"
    ),
    "the test key of Tornado": "f7f81447380b74bb",
    "the documentation of python-jose": "b816f36b4715af4b 5cefcbea13e8e57c",
    "the temporary key of CMake for Windows": "c2550e2c4603fe63",
    "the docstrings of Django REST framework": "b9904b8ed45bc574",
}
"""``digest`` of each value, by where it stands."""

_KNOWN: Final = frozenset(known for digests in BY_ORIGIN.values() for known in digests.split())


def digest(value: bytes) -> str:
    """What stands for a value here."""
    return hashlib.sha256(value.strip()[:HASHED_BYTES]).hexdigest()[:DIGITS]


def is_published(value: bytes) -> bool:
    """Whether everybody has ``value``."""
    return digest(value) in _KNOWN

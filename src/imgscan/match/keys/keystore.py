"""Keystores, PKCS#12 and Java: whether one with a private key is opened by a password that everybody knows.

Trying a password is slow by design, so it is done in measure: a store that asks for more than ``MAX_STEPS`` is not
tried, and all stores of a run together get no more than an allowance that grows with time. Stores of certificates
alone, such as ``cacerts``, are none of anybody's secrets.
"""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Final, Protocol

from imgscan.match.keys import jks, pkcs12
from imgscan.match.structure import from_base64

if TYPE_CHECKING:
    from collections.abc import Callable

WELL_KNOWN: Final = (
    "changeit",  # Java's own, and that of most instructions
    "",  # certificate tools of Elasticsearch, `openssl pkcs12 -passout pass:`
    "changeme",
    "password",
    "secret",
    "notasecret",  # service accounts of Google
    "keystore",
    "android",  # the debug keystore of Android
    "storepass",
    "keypass",
    "mypassword",
    "test",
    "test123",
    "test1234",  # documentation of Kafka
    "confluent",  # demonstrations of Confluent
    "default",
    "admin",
    "123456",
    "12345678",
    "pass",
    "password123",
    "passphrase",
    "storepwd",  # demonstrations of Jetty
    "welcome1",  # Oracle
    "WebAS",  # WebSphere
    "wso2carbon",  # WSO2
    "DemoIdentityKeyStorePassPhrase",  # WebLogic
    "DemoIdentityPassPhrase",  # the key in it
)
"""The likely ones first; of a store that is slow to open only as many are tried as ``MAX_STEPS`` allows."""

MAX_BYTES: Final = 16 * 1024
"""Of a store that are looked at, as wide as the window of its rule; one key with its chain takes 2 to 8 KiB."""

MAX_STEPS: Final = 300_000
"""Hashes for one store, a sixth of a second: OpenSSL makes 2,048 for a password, Java 10,000 (100,000 before 16)."""

MAX_STARTS: Final = 8
"""Places before a key where its store may begin; those bytes hardly ever stand there by chance."""

LEAST_TRIED: Final = 2
"""Passwords that must be affordable, or trying would mean little."""

BURST_STEPS: Final = 10_000_000
STEPS_PER_SECOND: Final = 200_000
"""The allowance for all stores: thousands of them cost some seconds, and of what follows a tenth of the time."""

_BASE64: Final = (b"MII", b"/u3+7Q", b"zs7Ozg")
"""How DER of 256 to 16,383 bytes begins, and the Java stores."""
_JAVA: Final = re.compile(rb"(?:\xfe\xed\xfe\xed|\xce\xce\xce\xce)\0\0\0[\1\2]")
_BASE64_RUN: Final = re.compile(rb"[0-9A-Za-z+/\s]*")
_SPACE: Final = re.compile(rb"\s+")


class Store(Protocol):
    """What can be asked of a keystore without its password."""

    @property
    def has_key(self) -> bool:
        """Whether it holds a private or secret key."""

    @property
    def cost(self) -> int | None:
        """Hashes it takes to try one password; ``None`` if it cannot be tried."""

    def opens(self, password: str) -> bool:
        """Whether ``password`` opens it."""


class Allowance:
    """A number of hashes that grows with time up to a bound; for use from any number of threads."""

    def __init__(self, most: int, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._per_second = per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._left: float = most
        self._then = clock()

    def take(self, steps: int) -> bool:
        """Whether there was as much as ``steps``, which is then spent."""
        with self._lock:
            now = self._clock()
            self._left = min(self._most, self._left + (now - self._then) * self._per_second)
            self._then = now
            affordable = steps <= self._left
            self._left -= steps if affordable else 0
            return affordable


ALLOWANCE: Final = Allowance(BURST_STEPS, STEPS_PER_SECOND)


def parse(data: bytes) -> Store | None:
    """The keystore that ``data`` begins with, as it is or in base64; ``None`` if there is none or it has no key."""
    if data.startswith(_BASE64):
        data = _decoded(data)
    looked_at = data[:MAX_BYTES]
    store = jks.parse(looked_at, cut=len(data) > MAX_BYTES) or pkcs12.parse(looked_at)
    return store if store is not None and store.has_key else None


def is_testable(data: bytes) -> bool:
    """Whether ``data`` begins with a keystore that holds a key and that passwords can be tried on."""
    return (store := parse(data)) is not None and _affordable(store) > 0


def is_untestable(data: bytes) -> bool:
    """Whether it holds a key, and is too large or too costly to try, or does not tell whether a password is right."""
    return (store := parse(data)) is not None and not _affordable(store)


def is_late(before: bytes, entry: bytes) -> bool:
    """Whether ``entry``, that of a key in a Java store, lies behind what is looked at of the store.

    Most stores that large hold certificates alone, and nothing in their beginning tells.
    """
    whole = before + entry
    starts = [found.start() for found in _JAVA.finditer(before)][-MAX_STARTS:]
    return not any(parse(whole[start : start + MAX_BYTES + 1]) for start in starts)


def opens(data: bytes, allowance: Allowance = ALLOWANCE) -> bool:
    """Whether a well-known password opens it.

    Raises:
        TimeoutError: the allowance is used up, so it cannot be told.
    """
    store = parse(data)
    return store is not None and opens_store(store, allowance)


def opens_key(data: bytes, allowance: Allowance = ALLOWANCE) -> bool:
    """Whether a well-known password opens the private key of a JKS that ``data`` begins with.

    Raises:
        TimeoutError: as for ``opens``.
    """
    key = jks.lone_key(data)
    return key is not None and opens_store(key, allowance)


def opens_store(store: Store, allowance: Allowance) -> bool:
    """The same for a store that was parsed."""
    tried = WELL_KNOWN[: _affordable(store)]
    return any(_paid(store, allowance) and store.opens(password) for password in tried)


def _paid(store: Store, allowance: Allowance) -> bool:
    if not allowance.take(store.cost or 0):
        raise TimeoutError
    return True


def _affordable(store: Store) -> int:
    """How many of the well-known passwords may be tried."""
    if store.cost is None:
        return 0
    count = min(len(WELL_KNOWN), MAX_STEPS // max(store.cost, 1))
    return count if count >= LEAST_TRIED else 0


def _decoded(text: bytes) -> bytes:
    found = _BASE64_RUN.match(text)
    run = _SPACE.sub(b"", found[0]) if found else b""
    return from_base64(run[: len(run) - (len(run) % 4 == 1)])  # what is cut off may end in a lone character

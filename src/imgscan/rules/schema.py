"""What a rule is: one table of a pack, as data.

Knows the shape of a rule and nothing of matching; ``rules.load`` reads packs, ``imgscan.match`` runs them and
``imgscan.scan.check`` holds every rule to its promises.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from imgscan.model.values import Confidence, Severity, Where

DEFAULT_WINDOW: Final = 256
"""Most tokens with the words around them are shorter."""

MAX_WINDOW: Final = 16 * 1024
"""An RSA-8192 key in PEM has about 6,500 bytes, an OpenSSH RSA-16384 key about 12,500."""

GENERIC: Final = "generic"
"""The provider of rules that do not know whose secret it is; every other rule wins over them."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that tells whether a secret is live; ``{secret}`` stands for it."""

    method: Literal["GET", "POST", "HEAD"]
    url: str
    headers: dict[str, str] = {}
    body: str | None = None


class Verify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to tell a live secret from a dead one, as data; nothing here is called without ``--verify``."""

    request: Request
    live: tuple[int, ...]
    dead: tuple[int, ...]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    r"""One kind of secret.

    ``pattern`` is a regular expression over bytes with exactly one group named ``secret``; flags only as ``(?i)`` at
    the start or scoped as ``(?i:…)``. ``window`` bounds, in bytes, how far before and after the end of its shortest
    form a match may reach.

    ``keywords`` are words (any case) of which one must stand near. ``context`` says how near: ``near`` within the
    window in the same text; ``assignment`` in the name that the value is assigned to (``PINECONE_API_KEY = "…"``,
    ``"pinecone": "…"``, ``--pinecone-key …``, ``<pineconeKey>…``), and then ``pattern`` describes the value alone.

    ``anchor`` states the form the first stage looks for, where the one derived from ``pattern`` is too slow or hits
    too often; every match must contain it, and it must not contain look-around, back-references or open-ended repeats.
    """

    id: str
    title: str
    provider: str
    severity: Severity
    confidence: Confidence
    pattern: str
    examples: tuple[str, ...]
    non_examples: tuple[str, ...] = ()
    window: int = DEFAULT_WINDOW
    filters: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    context: Literal["near", "assignment"] = "near"
    anchor: str | None = None
    where: tuple[Where, ...] = ()
    references: tuple[str, ...] = ()
    guide: str | None = None
    revoke_url: str | None = None
    verify: Verify | None = None


class Pack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of rules."""

    rules: tuple[Rule, ...]

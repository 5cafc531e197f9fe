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


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Version 4 of the signatures of AWS, made with the secret; ``key`` is a template for the access key id."""

    key: str
    region: str
    service: str


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call to a provider, as data.

    In ``url``, ``headers`` and ``body``, ``{secret}`` stands for the secret and ``{name}`` for another named group of
    the pattern, each written as its place asks (percent-encoded in a URL or a form, escaped in JSON), and ``{b64:…}``
    for the base64 of what stands in it; ``{path:name}`` keeps the slashes of a group that is a path. A URL holds the
    secret only if ``secret_in_url`` says that the provider takes it no other way. A group in the host makes it a host
    that the image names, which is called only if that was asked for.
    """

    method: Literal["GET", "POST", "HEAD", "PUT", "DELETE"]
    url: str
    headers: dict[str, str] = {}
    body: str | None = None
    secret_in_url: bool = False
    sign: Signature | None = None


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one field of a JSON answer means if it is there, and, unless ``equals`` is empty, has one of its values.

    ``path`` leads there by keys and list indexes (``errors.0.code``); ``note`` is told with the result.
    """

    path: str
    means: Literal["live", "dead", "unknown"]
    equals: tuple[str | int | bool, ...] = ()
    note: str | None = None


class Verify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to tell a live secret from a dead one, as data; nothing here is called without ``--verify``.

    The first of ``fields`` that fits decides, else the status of the answer; what neither knows is unknown, and so is
    being told to come back later. ``tells`` names what the provider says of the account: a label, and the ``path`` of
    its value or ``header:NAME``.
    """

    request: Request
    live: tuple[int, ...] = ()
    dead: tuple[int, ...] = ()
    fields: tuple[Field, ...] = ()
    tells: dict[str, str] = {}


class Revoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a secret puts an end to itself, as data; nothing here is called but by ``imgscan revoke``.

    ``done`` are the statuses that say so, ``gone`` those of a secret that was of no use before. ``fields`` come first,
    as in ``Verify``: ``dead`` is done, ``unknown`` is gone, ``live`` refused. ``note`` is shown before it is sent.
    """

    request: Request
    done: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()
    fields: tuple[Field, ...] = ()
    note: str | None = None


class Allow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is no secret although a rule matches: a match is let go if any kind of what stands here fits it.

    ``regexes`` are searched in the ``target``: the secret, the whole match, the line around it, or, for ``block``, in
    the text around it, where what they match must hold the secret. ``stopwords`` (any case) stand in the secret.
    ``paths`` are searched in the path of the file, with and without a ``/`` in front. With ``condition = "all"`` every
    kind that is there must fit, and of each kind one.
    """

    regexes: tuple[str, ...] = ()
    target: Literal["secret", "match", "line", "block"] = "secret"
    stopwords: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    condition: Literal["any", "all"] = "any"
    reason: str = ""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    r"""One kind of secret.

    ``pattern`` is a regular expression over bytes with a group named ``secret`` (where the secret may be in one of
    several, the others are ``secret_2``, ``secret_3``…; the first that is not empty counts); flags only as ``(?i)`` at
    the start or scoped as ``(?i:…)``. ``window`` bounds, in bytes, how far before and after the end of its shortest
    form a match may reach.

    ``keywords`` are words (any case) of which one must stand near. ``context`` says how near: ``near`` within the
    window in the same text; ``assignment`` in the name that the value is assigned to (``PINECONE_API_KEY = "…"``,
    ``"pinecone": "…"``, ``--pinecone-key …``, ``<pineconeKey>…``), and then ``pattern`` describes the value alone.

    ``anchor`` states the form the first stage looks for, where the one derived from ``pattern`` is too slow or hits
    too often; every match must contain it, and it must not contain look-around, back-references or open-ended repeats.

    ``path`` is searched in the path of the file, with and without a ``/`` in front; a rule that has one finds nothing
    anywhere else; one for ``texts_only`` finds nothing in binary files, where words stand side by side by chance. One
    that goes ``by_path`` has no first stage: it is asked about every file there that holds a few words.
    ``allow`` names what the rule must let go. ``origin`` is the format that a rule was translated from.
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
    path: str | None = None
    texts_only: bool = False
    by_path: bool = False
    allow: tuple[Allow, ...] = ()
    references: tuple[str, ...] = ()
    guide: str | None = None
    revoke_url: str | None = None
    verify: Verify | None = None
    revoke: Revoke | None = None
    origin: Literal["gitleaks", "trivy"] | None = None


class Pack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of rules; ``fragments`` are filled in before (see ``rules.fragments``)."""

    rules: tuple[Rule, ...]
    fragments: dict[str, str] = {}

"""Named filters: the last look at a candidate before it counts.

A rule names its filters as ``name`` or ``name:argument``; a candidate stays when every one of them says yes. Filters
look at the candidate and the bytes around it, never at a path. All take time linear in the candidate and never raise.

=================== ============ ======================================================================================
name                argument     the candidate stays when its secret
=================== ============ ======================================================================================
entropy             BITS         has at least this many bits (Shannon) per character, as ``entropy:3.2``
min-length          N            has at least N bytes
min-digits          N            has at least N decimal digits
mixed               [N]          has characters of at least N (default 3) of: lower, upper, digit, anything else
not-hex             -            is more than hex digits and dashes: no digest, no UUID
not-digest          -            does not stand behind ``sha256:``, ``integrity=``, ``checksum`` and the like
not-placeholder     -            is no example, mask, template, sequence, repetition or filler words (``placeholder``)
not-encoded-filler  -            is no base64 of a placeholder or of code, as in manifests of Kubernetes
not-word            -            is more than ordinary words (``administrator``, ``Correct-Horse``)
not-code            -            is a literal: no path, call, member, type name, identifier, bare URL or ARN
crc32-base62        WIDTH        ends in the CRC-32, in WIDTH base62 digits, of what stands behind its first ``_``
base64-json         FIELD[,…]    holds base64 (a prefix in front is fine) of a JSON object with all these fields
jwt                 -            is a JSON web token: a header with ``alg``, a payload object, a signature
aws-account         -            is an AWS key id of which the account number decodes
bech32              -            ends in a valid bech32 checksum
pem-key             -            is a private key, PEM or its base64, with a body of plausible structure and length
pem-plain           -            is a PEM private key that is not encrypted
pem-encrypted       -            is a PEM private key that is encrypted (PKCS#8, Proc-Type, OpenSSH cipher)
keystore-opens      -            begins a keystore (PKCS#12, JKS, JCEKS) with a private key; a common password opens it
keystore-testable   -            begins one with a private key on which passwords can be tried, whether one fits or not
keystore-untestable -            begins one with a private key that is too large or too slow for that, or has no MAC
keystore-late       -            is a private key of a Java keystore, further behind its beginning than those look
keystore-key-opens  -            is an encrypted private key of a JKS, and a common password opens it
url-password        -            is a URL (or the password of one) with a password that is no placeholder
basic-credentials   -            is base64 of ``user:password`` with a password that is no placeholder
base64-text         -            is base64 of printable text that is neither a placeholder nor code
=================== ============ ======================================================================================
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_to_bytes

from imgscan.errors import RuleError
from imgscan.match import placeholder, structure
from imgscan.match.keys import keystore, pem
from imgscan.rules.sample import crc32_base62

_CLASSES: Final = tuple(re.compile(c) for c in (rb"[a-z]", rb"[A-Z]", rb"[0-9]", rb"[^0-9A-Za-z]"))
_HEX: Final = re.compile(rb"[0-9A-Fa-f-]+")
_DIGIT: Final = re.compile(rb"[0-9]")
_DIGEST: Final = re.compile(
    rb"(?i)(?:sha-?(?:1|224|256|384|512)|sha|md5|integrity|checksum|digest|hash|etag)(?:sums?)?[\"'\s:;=@-]*"
    rb"(?:s:\d{1,3}:[\"']?)?\Z"  # the last in PHP's serialised form
)
_DIGEST_LABEL_BYTES: Final = 32
"""Longer than any label and the quotes behind it."""
_URL_PASSWORD: Final = re.compile(rb"[A-Za-z][\w.+-]*:\\?/\\?/([^\s:@/]*):([^\s/]*)@")
_PRINTABLE: Final = re.compile(rb"[\t\r\n -~]{3,}")


@dataclass(frozen=True, slots=True, repr=False)
class Candidate:
    """A stage-2 match on trial: the secret, the whole match, and what stands around it in the same text."""

    secret: bytes
    whole: bytes
    before: bytes
    after: bytes


Filter = Callable[[Candidate], bool]


def parse(spec: str) -> Filter:
    """The filter a rule names as ``name`` or ``name:argument``.

    Raises:
        RuleError: the name is unknown or the argument does not fit.
    """
    name, _, argument = spec.partition(":")
    if name not in FILTERS:
        raise RuleError(f"unknown filter {name!r}", hint=f"one of {', '.join(sorted(FILTERS))}")
    try:
        return FILTERS[name](argument)
    except ValueError as error:
        raise RuleError(f"filter {name!r} does not take the argument {argument!r}", hint=str(error)) from None


def entropy_bits(text: bytes) -> float:
    """Shannon entropy of ``text`` in bits per byte."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _entropy(argument: str) -> Filter:
    bits = float(argument)
    if not 0 < bits <= 8:  # noqa: PLR2004 - a byte has eight bits
        raise ValueError("bits per character, more than 0 and at most 8")
    return lambda c: entropy_bits(c.secret) >= bits


def _min_length(argument: str) -> Filter:
    least = int(argument)
    return lambda c: len(c.secret) >= least


def _min_digits(argument: str) -> Filter:
    least = int(argument)
    return lambda c: len(_DIGIT.findall(c.secret)) >= least


def _mixed(argument: str) -> Filter:
    least = int(argument or "3")
    if least not in range(2, len(_CLASSES) + 1):
        raise ValueError(f"a number of character classes, 2 to {len(_CLASSES)}")
    return lambda c: sum(1 for one in _CLASSES if one.search(c.secret)) >= least


def _crc32_base62(argument: str) -> Filter:
    width = int(argument)
    if width not in range(1, 12):
        raise ValueError("the number of checksum digits, 1 to 11")

    def stays(candidate: Candidate) -> bool:
        body = candidate.secret.split(b"_", 1)[-1]
        return body[-width:] == crc32_base62(body[:-width], width).encode()

    return stays


def _base64_json(argument: str) -> Filter:
    fields = frozenset(argument.split(","))
    if "" in fields:
        raise ValueError("the names of the fields, with commas between")
    return lambda c: fields <= structure.json_in_base64(c.secret).keys()


def _not_digest(candidate: Candidate) -> bool:
    return not _DIGEST.search(candidate.before[-_DIGEST_LABEL_BYTES:])


def _url_password(candidate: Candidate) -> bool:
    found = _URL_PASSWORD.match(candidate.secret) or _URL_PASSWORD.search(candidate.whole)
    user, password = found.groups() if found else (b"", candidate.secret)
    password = unquote_to_bytes(password)
    return bool(password) and password != user and not placeholder.is_placeholder(password)


def _basic_credentials(candidate: Candidate) -> bool:
    user, colon, password = structure.from_base64(candidate.secret).partition(b":")
    return bool(user and colon) and password != user and _is_telling_text(user + colon + password, password)


def _base64_text(candidate: Candidate) -> bool:
    text = structure.from_base64(candidate.secret)
    return _is_telling_text(text, text) and not placeholder.is_code(text)


def _encoded_filler(candidate: Candidate) -> bool:
    text = structure.from_base64(candidate.secret)
    return bool(_PRINTABLE.fullmatch(text)) and (placeholder.is_placeholder(text) or placeholder.is_code(text))


def _is_telling_text(text: bytes, secret: bytes) -> bool:
    return bool(_PRINTABLE.fullmatch(text)) and not placeholder.is_placeholder(secret)


def _plain(stays: Filter) -> Callable[[str], Filter]:
    def make(argument: str) -> Filter:
        if argument:
            raise ValueError("it takes none")
        return stays

    return make


FILTERS: Final[Mapping[str, Callable[[str], Filter]]] = MappingProxyType(
    {
        "entropy": _entropy,
        "min-length": _min_length,
        "min-digits": _min_digits,
        "mixed": _mixed,
        "crc32-base62": _crc32_base62,
        "base64-json": _base64_json,
        "not-hex": _plain(lambda c: not _HEX.fullmatch(c.secret)),
        "not-digest": _plain(_not_digest),
        "not-placeholder": _plain(lambda c: not placeholder.is_placeholder(c.secret)),
        "not-encoded-filler": _plain(lambda c: not _encoded_filler(c)),
        "not-word": _plain(lambda c: not placeholder.is_words(c.secret)),
        "not-code": _plain(lambda c: not placeholder.is_code(c.secret)),
        "jwt": _plain(lambda c: structure.is_jwt(c.secret)),
        "aws-account": _plain(lambda c: structure.aws_account(c.secret) is not None),
        "bech32": _plain(lambda c: structure.is_bech32(c.secret)),
        "pem-key": _plain(lambda c: pem.is_plausible(c.secret)),
        "pem-plain": _plain(lambda c: pem.is_encrypted(c.secret) is False),
        "pem-encrypted": _plain(lambda c: pem.is_encrypted(c.secret) is True),
        "keystore-opens": _plain(lambda c: keystore.opens(c.secret + c.after)),
        "keystore-testable": _plain(lambda c: keystore.is_testable(c.secret + c.after)),
        "keystore-untestable": _plain(lambda c: keystore.is_untestable(c.secret + c.after)),
        "keystore-late": _plain(lambda c: keystore.is_late(c.before, c.whole + c.after)),
        "keystore-key-opens": _plain(lambda c: keystore.opens_key(c.secret + c.after)),
        "url-password": _plain(_url_password),
        "basic-credentials": _plain(_basic_credentials),
        "base64-text": _plain(_base64_text),
    }
)
"""What makes a filter of its argument (empty when the rule gives none), by name."""

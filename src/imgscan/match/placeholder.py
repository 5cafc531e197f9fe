"""What people write where a secret would stand: examples, masks, templates, filler words, code.

Knows bytes and words, nothing of rules or providers' formats. The words and shapes are the tables at the top.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from imgscan.match.published import is_published

LOOKED_AT: Final = 512
"""Longer secrets are keys and tokens with structure of their own; five-letter words turn up in them by chance."""

TELLING: Final = tuple(
    b"example placeholder changeme changeit replaceme replacewith replacethis redacted dummy lorem insertyour enteryour"
    b" putyour addyour yourapi yourtoken yoursecret yourkey yourpass youraccess yourauth foobar qwerty asdfgh deadbeef"
    b" zxcvbn 1q2w3e qazwsx notreal notasecret xxxxx sanitized obfuscated thisisa fakekey faketoken fakesecret"
    b" fakepass".split()
)
"""Any of these anywhere, whatever the case and the joints between: too long to come up by chance."""

TELLING_PARTS: Final = frozenset(b"your fake mock todo fixme insert replace masked hidden removed stub".split())
"""Any of these as a whole part between joints."""

FILLER: Final = frozenset(
    b"a abc access account admin an any api apikey app application auth bar base baz bearer blah change client"
    b" credential credentials db default demo dev empty encoded enter env false foo from go goes good guest here"
    b" hunter id in invalid is key live local localhost me my mypassword mysecret name new nil no none not null of old"
    b" or pass passphrase passwd password pk private project public pw pwd random real required root sample secret"
    b" secure see server service set sk some something string strong super supersecret test tester testing tests"
    b" testtest the this to token top true undefined unknown unset use user username value very with x xx xxx xxxx"
    b" yes".split()
)
"""A value of nothing but these, and of short numbers, is no secret."""

_TEMPLATE: Final = re.compile(
    rb"\$\{|\$\(|\{\{|\}\}|<%|%>|[#%]\{"  # ${VAR} $(command) {{ value }} <%= value %> #{value} %{value}
    rb"|\A\$[A-Za-z_]\w*\Z|\A%\w+%\Z|\A@\w+@\Z|\A__\w+__\Z"  # $VAR %VAR% @VAR@ __VAR__
    rb"|\A<[^<>]*>\Z|\A\[[^\[\]]*\]\Z|\A\{[^{}]*\}\Z|\A\([^()]*\)\Z"  # <token> [token] {token} (token)
    rb"|<[A-Za-z][\w .-]{0,40}>"  # sk-<your key>
    rb"|%env\([\w:.]{1,80}\)%"  # %env(resolve:NAME)%
    rb"|%[sdvq](?![0-9A-Za-z])|%\(\w{1,40}\)s|\{(?:\w{0,40}|\w{1,20}:\d{1,4})\}"  # %s %(name)s {} {0} {name} {hex:32}
)
_MASK: Final = re.compile(rb"\*{3}|\.{3}|#{4}|_{5}|-{6}|\xe2\x80\xa6|(?:\xe2\x80\xa2){3}")
_REPEATED: Final = re.compile(rb"(.{1,16}?)\1{2,}|(.{6,24}?)\2", re.DOTALL)
_CONSTANT: Final = re.compile(rb"[A-Z][A-Z0-9]*(?:_{1,2}[A-Z0-9]+){2,}")
"""``CLOUDFLARE_D1_ROWS_WRITTEN``, if what is left of it without digits is words."""
_LEET: Final = bytes.maketrans(b"013457@$", b"oieastas")
"""How ``p4ssw0rd`` and ``s3cr3t`` are read."""
_JOINTS: Final = re.compile(rb"(?:[-_.\s:+=]|%20)+")
_WORDS: Final = re.compile(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_MEAN_WORD: Final = 4
"""Letters; random text falls apart into shorter pieces wherever its case changes."""
_ABBREVIATION: Final = 4
"""Letters of the longest, in capitals; in small letters they are shorter."""
_SHORT_NUMBER: Final = 4
_WRAPS: Final = frozenset((ord(a), ord(b)) for a, b in ("90", "9a", "9A", "zA", "Za", "f0", "F0"))
"""Where a sequence goes on: 8, 9, 0, 1 and 9, a, b."""
_VOWELS: Final = re.compile(rb"(?i)[aeiouy]")
_CONSONANTS: Final = re.compile(rb"(?i)[b-df-hj-np-tv-xz]{6}")
"""``strengths`` and ``lengths`` have five in a row."""
_EXPRESSION: Final = re.compile(rb"[A-Za-z_$][\w$.]{0,80}[(\[]|[)\]};,]\Z|=>|->|::|&&|\|\|")
_CALL: Final = re.compile(rb"!?[\w$.]+[(\[].*[)\]][;,]?", re.DOTALL)
_UNLIKE_CODE: Final = re.compile(rb"[#%^~@]")
"""In passwords as frequent as brackets, in expressions without spaces hardly ever; a call may hold them in a string."""
_URL: Final = re.compile(rb"[A-Za-z][\w+.-]{0,20}://[^@]*\Z")
_KEPT_ELSEWHERE: Final = re.compile(rb"(?:arn|vault|ssm|kms|secretsmanager|op):|projects/")
"""The beginning of what a secret store calls a secret of its own."""


def is_placeholder(value: bytes) -> bool:
    """Whether nobody would take ``value`` for a secret."""
    value = value.strip()[:LOOKED_AT]
    return (
        not value
        or bool(_TEMPLATE.search(value) or _MASK.search(value))
        or _is_filler(value.lower())
        or _is_monotonous(value)
        or _is_constant(value)
        or is_published(value)
    )


def is_words(value: bytes) -> bool:
    """Whether ``value`` is nothing but ordinary words: letters in usual cases, with joints such as ``_`` between."""
    letters = _JOINTS.sub(b"", value)
    words = [word for part in _JOINTS.split(value) for word in _WORDS.findall(part)]
    long_enough = len(letters) >= _MEAN_WORD * (len(words) - 1)
    return letters.isalpha() and long_enough and all(map(_is_word, words))


def is_code(value: bytes) -> bool:
    """Whether ``value`` is an expression, a name, a path, a URL or a secret of a store rather than a literal."""
    value = value.strip()
    path = value.lstrip(b"~.$").replace(b"/", b"-").replace(b"\\", b"-")
    return bool(_is_expression(value) or _URL.match(value) or _KEPT_ELSEWHERE.match(value)) or is_words(path)


def _is_expression(value: bytes) -> bool:
    return bool(_EXPRESSION.search(value)) and bool(not _UNLIKE_CODE.search(value) or _CALL.fullmatch(value))


def _is_constant(value: bytes) -> bool:
    return bool(_CONSTANT.fullmatch(value)) and is_words(value.translate(None, b"0123456789"))


def _is_filler(value: bytes) -> bool:
    joined = _JOINTS.sub(b"", value)
    read = joined.translate(_LEET)
    if any(word in joined or word in read for word in TELLING):
        return True
    parts = [part for part in _JOINTS.split(value) if part]
    if any(part in TELLING_PARTS for part in parts):
        return True
    return all(_is_filler_part(part) for part in parts)


def _is_filler_part(part: bytes) -> bool:
    stem = part.rstrip(b"0123456789!")
    words = (stem, stem.lstrip(b"0123456789"), stem.translate(_LEET))
    return not FILLER.isdisjoint(words) or (not stem and len(part) <= _SHORT_NUMBER)


def _is_monotonous(value: bytes) -> bool:
    """Whether at least half of ``value`` only repeats or counts: ``aaaa…``, ``abcabcabc``, ``0123456789abcdef``."""
    steps = sum(1 for a, b in pairwise(value) if b - a in (0, 1, -1) or (a, b) in _WRAPS)
    repeated = sum(len(found[0]) for found in _REPEATED.finditer(value))
    return steps * 2 >= len(value) or repeated * 2 >= len(value)


def _is_word(part: bytes) -> bool:
    abbreviation = len(part) < _ABBREVIATION or (part.isupper() and len(part) == _ABBREVIATION)
    return abbreviation or bool(_VOWELS.search(part) and not _CONSONANTS.search(part))

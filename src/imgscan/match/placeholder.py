"""What people write where a secret would stand: examples, masks, templates, filler words, code.

Knows bytes and words, nothing of rules or providers' formats. The words and shapes are the tables at the top.
"""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from typing import Final

LOOKED_AT: Final = 512
"""Longer secrets are keys and tokens with structure of their own; five-letter words turn up in them by chance."""

TELLING: Final = tuple(
    b"example placeholder changeme changeit replaceme replacewith replacethis redacted dummy lorem insertyour enteryour"
    b" putyour addyour yourapi yourtoken yoursecret yourkey yourpass youraccess yourauth foobar qwerty asdfgh deadbeef"
    b" notreal notasecret xxxxx sanitized obfuscated thisisa".split()
)
"""Any of these anywhere, whatever the case and the joints between: too long to come up by chance."""

TELLING_PARTS: Final = frozenset(b"your fake mock todo fixme insert replace masked hidden removed stub".split())
"""Any of these as a whole part between joints."""

FILLER: Final = frozenset(
    b"a abc access account admin an any api apikey app application auth bar baz bearer blah change client credential"
    b" credentials db default demo dev empty enter env false foo from go goes good guest here hunter id in invalid is"
    b" key live local localhost me my mypassword mysecret name new nil no none not null of old or pass passphrase"
    b" passwd password pk private project public pw pwd random real required root sample secret secure see server"
    b" service set sk some something string strong super supersecret test tester testing tests testtest the this to"
    b" token top true undefined unknown unset use user username value very with x xx xxx xxxx yes".split()
)
"""A value of nothing but these, and of short numbers, is no secret."""

PUBLISHED: Final = frozenset(
    (
        "0011cc25eb4320717494d2703e8cba85743e71b500283c21c8b88147992f9059",  # Azurite, the storage emulator
        "aa6547439583c3a275d4542a0df6c1ad6a863971be9f2a2220f027cc02aef615",  # the Cosmos DB emulator
        "7f75367e7881255134e1375e723d1dea8ad5f6a4fdb79d938df1f1754a830606",  # the token that jwt.io opens with
        "da816f9f2c16e6c5390e7636cadc40c43551bf0bbcf8f36c65539e6633a9c5e8",  # the same, before 2018
        "2cafc0970149a84f3b9e62eaf169f36f59907a3b3e31f7b82e68c69cd27f7326",  # Stripe's documentation
        "f2d6ca16515033e5dce14eba840b979d27b5cbae24bb3e5bf484339667f86397",  # the same, before 2018
        "6c96130f130ab0d6d158397e24d2bcc1c9a5e73ae081f6e983f1c7b545d24a4c",  # RFC 6749, the access token
        "00cf4c781dc37003f7c7dd7d4c9a6ef1e0f4c62d9a291aa8bc398774e3fefd32",  # RFC 6749, the refresh token
        "53f5da0aaa93d64cd5772c554cbf940f0539e689dddbeb8f923eec3f72c02ea9",  # RFC 6749, the client secret
        "d167410a16865cd6463a00034dff5e571738b101e6a273d9fe3fe30f10db5bd5",  # the docstrings of oauthlib
        "7e8a30c801002173d74cfad5c170a84b6b26ff5252bf0b7430a2d569f949cab7",  # the README of npm's arborist
        "1fec4e9dead2fb48b893f5ff01018b8b8dde322d67813ea103213cffccb0ddab",  # the docstrings of urllib.request
        "6caa448826c11cd39c78a3a223c3ddb55358c975c0456e37058ccfbc559c86ce",  # the examples of botocore, IAM
        "e6c2d3455587c47ccdd3df1271882656bc27be85f8eb6576eea35fe1aafa172a",  # the examples of botocore, IAM
        "d8ccc3c547c850170a24a46dceca05861438dca7b115589739d526d2df404b66",  # the examples of botocore, IAM
        "6a81b2429c0ba421955f8772675488d1689d9a24aa1c96a6f1c4c70b708af1fa",  # the help of kubectl
        "a4d138d7ef9748464117b44fb9c0a4b5b85a1599a127d02690abaa96d03c16e6",  # the self-test keys of GnuTLS
        "fa0b06a72461ec0a963dcfccb8d5b61bd88a6074fc7271573bff68ab86b8c1af",  # the self-test keys of GnuTLS
        "ef237ea8db4f2ae9ee100e8ced96d29b5dceb0e6a948443e6b8a00b1791f9ec9",  # the self-test keys of GnuTLS
        "f8766749b0c6f9b5661364568226af0ba7ae8d87c0073df24e440de4417521cd",  # the self-test keys of GnuTLS
        "293216817f0d585f0b54f225582f59e7b2e2a795b5f8002e2d71c5e3d49ce9b0",  # the self-test keys of GnuTLS
        "a0b9679665e29ac220dfb0b366317e1b9dd5fe31e9def8b2e511669a041389ae",  # the self-test keys of GnuTLS
        "934b3e9bfd9936c5e30c7f0ed7d36a05e2044f755c0aa433e1d6bef6a68d1391",  # the self-test keys of GnuTLS
        "91ea1699ff6b1a34b4a1d500a9c75a808441e47b9ea68da6fb0195e01ce1dc61",  # the self-test keys of GnuTLS
        "89a1cd753aee7a097cc6c81db06886975a9208303a7fe6217b76c5d932c79bed",  # the self-test keys of GnuTLS
        "34a1db511a0d713a5bb9d62f694baa0faeca6f7c8f84987fc4ec122fd450830c",  # the self-test keys of GnuTLS
        "f7f81447380b74bb2129e8f81031d11d742a1fa380a8f7bdcb0fa95623ed4d39",  # the test key of Tornado
        "b816f36b4715af4b5161f3bd9f1074eaf0489ebd543446f8952ce034a2e52d9a",  # the documentation of python-jose
        "5cefcbea13e8e57cc93b66c326997d57ccb6556919133f56915f6ed5b5bd7a4f",  # the documentation of python-jose
        "c2550e2c4603fe63850a6aad4cf7ecde1a7d0f94868302da2faa4a393415873a",  # the temporary key of CMake for Windows
        "b9904b8ed45bc574ee1851896a4deb1ca049289603297d62ee474707136b6f17",  # the docstrings of Django REST framework
    )
)
"""SHA-256 of values (of the first ``LOOKED_AT`` bytes) that everybody has: documentation, emulators, self-tests."""

_TEMPLATE: Final = re.compile(
    rb"\$\{|\$\(|\{\{|\}\}|<%|%>|#\{"  # ${VAR} $(command) {{ value }} <%= value %> #{value}
    rb"|\A\$[A-Za-z_]\w*\Z|\A%\w+%\Z|\A@\w+@\Z|\A__\w+__\Z"  # $VAR %VAR% @VAR@ __VAR__
    rb"|\A<[^<>]*>\Z|\A\[[^\[\]]*\]\Z|\A\{[^{}]*\}\Z|\A\([^()]*\)\Z"  # <token> [token] {token} (token)
    rb"|<[A-Za-z][\w .-]{0,40}>"  # sk-<your key>
    rb"|%[sdvq](?![0-9A-Za-z])|%\(\w{1,40}\)s|\{(?:\w{0,40}|\w{1,20}:\d{1,4})\}"  # %s %(name)s {} {0} {name} {hex:32}
)
_MASK: Final = re.compile(rb"\*{3}|\.{3}|#{4}|_{5}|-{6}|\xe2\x80\xa6|(?:\xe2\x80\xa2){3}")
_REPEATED: Final = re.compile(rb"(.{1,16}?)\1{2,}|(.{6,24}?)\2", re.DOTALL)
_CONSTANT: Final = re.compile(rb"[A-Z][A-Z0-9]*(?:_{1,2}[A-Z0-9]+){2,}")
"""``CLOUDFLARE_D1_ROWS_WRITTEN``, if what is left of it without digits is words."""
_LEET: Final = bytes.maketrans(b"013457@$", b"oieastas")
"""How ``p4ssw0rd`` and ``s3cr3t`` are read."""
_JOINTS: Final = re.compile(rb"[-_.\s:+=]+")
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


def is_published(secret: bytes) -> bool:
    """Whether ``secret`` stands in public documentation or software, and so keeps nothing."""
    return hashlib.sha256(secret.strip()[:LOOKED_AT]).hexdigest() in PUBLISHED


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

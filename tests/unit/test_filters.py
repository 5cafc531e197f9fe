"""Each named filter says yes to what it is for and no to what it keeps out."""

from __future__ import annotations

import inspect

import pytest

from imgscan.errors import RuleError
from imgscan.match import filters, published
from imgscan.match.filters import FILTERS, Candidate, entropy_bits, parse
from imgscan.rules.sample import content, expand


def stays(spec: str, secret: str | bytes, *, before: bytes = b"") -> bool:
    value = secret if isinstance(secret, bytes) else content(expand(secret))
    return parse(spec)(Candidate(secret=value, whole=value, before=before, after=b""))


STORE = content(expand("{keystore:jks-late-open}"))
KEY_ENTRY = STORE[STORE.rindex(b"\x30\x82", 0, STORE.index(bytes.fromhex("060a2b060104012a02110101"))) :]

KEPT = [
    ("entropy:3.5", "{base62:40}"),
    ("min-length:8", "12345678"),
    ("min-digits:2", "ab1c2d"),
    ("mixed", "aB3"),
    ("mixed:4", "aB3-"),
    ("not-hex", "{hex:31}g"),
    ("not-digest", "{hex:64}"),
    ("not-placeholder", "{base62:40}"),
    ("not-word", "Summer2024"),
    ("not-word", "{base62:24}"),
    ("not-code", "{base62:24}"),
    ("not-code", "correct!horse"),
    ("crc32-base62:6", "ghp_{base62:30}{crc32}"),
    ("crc32-base62:6", "npm_{base62:30}{crc32}"),
    ("base64-json:email,key", 'ops_{b64url:{"email": "a@b", "key": "{hex:8}"}:b64url}'),
    ("base64-json:type", '{b64:{\n "type": "service_account"\n}:b64}'),
    ("jwt", '{b64url:{"alg":"HS256"}:b64url}.{b64url:{"sub":"{digits:8}"}:b64url}.{base64url:43}'),
    ("aws-account", "AKIAQ{base32:15}"),
    ("aws-account", "AKIAI{base32:15}"),
    ("bech32", "{age}"),
    ("pem-key", "{pem:rsa}"),
    ("pem-key", "{pem-line:openssh}"),
    ("pem-plain", "{pem:pkcs8}"),
    ("pem-encrypted", "{pem:openssh-encrypted}"),
    ("pem-encrypted", "{pem:ec-encrypted}"),
    ("keystore-opens", "{keystore:jks-open}"),
    ("keystore-opens", "{b64:{keystore:pkcs12-open}:b64}"),
    ("keystore-testable", "{keystore:jks}"),
    ("keystore-testable", "{keystore:pkcs12}"),
    ("keystore-untestable", "{keystore:pkcs12-large}"),
    ("keystore-late", "{base62:64}"),
    ("keystore-key-opens", KEY_ENTRY),
    ("url-password", "postgres://app:{base62:12}@db:5432/x"),
    ("url-password", "{base62:12}"),
    ("basic-credentials", "{b64:deploy:{base62:12}:b64}"),
    ("base64-text", "{b64:{base62:12}:b64}"),
    ("not-encoded-filler", "{b64:{base62:18}:b64}"),
    ("not-encoded-filler", "{base62:40}"),
]

DROPPED = [
    ("entropy:3.5", "abababababababab"),
    ("min-length:8", "1234567"),
    ("min-digits:2", "abc1def"),
    ("mixed", "abc123"),
    ("mixed:4", "aB3"),
    ("not-hex", "{hex:32}"),
    ("not-hex", "{uuid}"),
    ("not-placeholder", "changeme"),
    ("not-word", "administrator"),
    ("not-word", "Correct-Horse"),
    ("not-code", "os.environ['KEY']"),
    ("not-code", "config.database.password"),
    ("crc32-base62:6", "ghp_{base62:30}000000"),
    ("crc32-base62:6", "ghp_"),
    ("base64-json:email,key", 'ops_{b64url:{"email": "a@b"}:b64url}'),
    ("base64-json:email", "ops_eyJ{base64url:60}"),
    ("base64-json:email", "{b64:[1, 2]:b64}"),
    ("keystore-opens", "{keystore:jks}"),
    ("keystore-opens", "{keystore:pkcs12}"),
    ("keystore-testable", "{keystore:jks-trusted}"),
    ("keystore-testable", "{keystore:pkcs12-large}"),
    ("keystore-untestable", "{keystore:pkcs12}"),
    ("keystore-key-opens", KEY_ENTRY[:900]),
    ("keystore-key-opens", "{keystore:jks-open}"),
    ("jwt", "{base64url:20}.{base64url:20}.{base64url:43}"),
    ("jwt", '{b64url:{"alg":"none"}:b64url}.{b64url:{"sub":"1"}:b64url}.'),
    ("jwt", '{b64url:{"alg":"HS256"}:b64url}.{b64url:{"sub":"1"}:b64url}'),
    ("aws-account", "AKIAA{base32:15}"),
    ("aws-account", f"AKIA{'7' * 16}"),
    ("aws-account", "AKIAQ{base32:10}"),
    ("bech32", "AGE-SECRET-KEY-1{bech32:58}"),
    ("bech32", "AGE-SECRET-KEY"),
    ("bech32", "age1bio"),
    ("pem-key", "{pem-begin:rsa}\nMIIE...\n{pem-end:rsa}"),
    ("pem-key", "{base64:64}"),
    ("pem-plain", "{pem:rsa-encrypted}"),
    ("pem-plain", "{pem:pgp}"),
    ("pem-encrypted", "{pem:pkcs8}"),
    ("pem-encrypted", "{base64:64}"),
    ("url-password", "postgres://app:${PASSWORD}@db/x"),
    ("url-password", "postgres://app:app@db/x"),
    ("url-password", "postgres://app:%70assword@db/x"),
    ("url-password", "postgres://app:@db/x"),
    ("basic-credentials", "{b64:user:password:b64}"),
    ("basic-credentials", "{b64:{base62:12}:b64}"),
    ("base64-text", "{b64:changeme:b64}"),
    ("base64-text", "{b64:/run/secrets/key:b64}"),
    ("base64-text", "!!!!"),
    ("not-encoded-filler", "{b64:${API_KEY:-default}:b64}"),
    ("not-encoded-filler", "{b64:getAccessToken:b64}"),
]


@pytest.mark.parametrize(("spec", "secret"), KEPT)
def test_a_filter_keeps_what_it_is_for(spec: str, secret: str) -> None:
    assert stays(spec, secret)


@pytest.mark.parametrize(("spec", "secret"), DROPPED)
def test_a_filter_drops_what_it_keeps_out(spec: str, secret: str) -> None:
    assert not stays(spec, secret)


@pytest.mark.parametrize(
    "label", [b"sha256:", b'"integrity": "sha512-', b"checksum = ", b"ETag: ", b"md5=", b'"md5sum";s:32:"']
)
def test_a_digest_is_known_by_the_label_before_it(label: bytes) -> None:
    assert not stays("not-digest", "{hex:64}", before=label)


@pytest.mark.parametrize("label", [b"token: ", b"sha256 of the file\nkey=", b""])
def test_other_labels_make_no_digest(label: bytes) -> None:
    assert stays("not-digest", "{hex:64}", before=label)


def test_a_key_that_its_store_shows_is_not_late() -> None:
    store = content(expand("{keystore:jks}"))
    assert not filters.parse("keystore-late")(filters.Candidate(store[40:], store[40:], store[:40], b""))


def test_every_filter_is_tried_both_ways_and_documented() -> None:
    for cases in (KEPT, [*DROPPED, ("not-digest", ""), ("keystore-late", "")]):
        assert {spec.partition(":")[0] for spec, _ in cases} == set(FILTERS)
    table = inspect.getdoc(filters) or ""
    assert {line.split()[0] for line in table.splitlines() if line.split()[:1] and line.split()[0] in FILTERS} == set(
        FILTERS
    )


@pytest.mark.parametrize("name", sorted(FILTERS))
@pytest.mark.parametrize(
    "secret", [b"", b"\0", b"\xff" * 40, b".", b"..", b"://@", expand("{pem-begin:pkcs8}").encode(), b"1"]
)
def test_no_filter_raises_whatever_the_bytes(name: str, secret: bytes) -> None:
    argument = {"entropy": "3", "min-length": "1", "min-digits": "1", "crc32-base62": "6", "base64-json": "a"}.get(name)
    assert stays(f"{name}:{argument}" if argument else name, secret) in (True, False)


@pytest.mark.parametrize(
    "spec",
    [
        "no-such-filter",
        "entropy",
        "entropy:high",
        "entropy:9",
        "entropy:nan",
        "mixed:5",
        "min-digits:x",
        "crc32-base62:0",
        "base64-json:",
        "base64-json:a,",
        "jwt:1",
    ],
)
def test_a_wrong_name_or_argument_is_a_rule_error(spec: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(spec)
    assert caught.value.hint


def test_entropy_is_bits_per_byte() -> None:
    assert entropy_bits(b"aabb") == pytest.approx(1.0)
    assert entropy_bits(bytes(range(256))) == pytest.approx(8.0)
    assert entropy_bits(b"") == 0


def test_values_that_providers_publish_are_placeholders(monkeypatch: pytest.MonkeyPatch) -> None:
    value = expand("{base64:86}==").encode()
    assert stays("not-placeholder", value)
    monkeypatch.setattr(published, "_KNOWN", frozenset({published.digest(value)}))
    assert not stays("not-placeholder", value)

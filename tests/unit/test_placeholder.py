"""What nobody would take for a secret is told from what may be one."""

from __future__ import annotations

import base64
import random
import re
import string

import pytest

from imgscan.match import published
from imgscan.match.placeholder import is_code, is_placeholder, is_words
from imgscan.match.published import is_published
from imgscan.rules.sample import ALPHABETS, expand

PLACEHOLDERS = [
    "changeme",
    "CHANGE_ME",
    "change-this-value",
    "example",
    "my-example-key",
    "your-api-key",
    "<token>",
    "<your-token-here>",
    "sk-<your-key>",
    "${TOKEN}",
    "%{control:Token}",
    "$(cat-token)",
    "{{token}}",
    "{{.Values.token}}",
    "$TOKEN",
    "%TOKEN%",
    "@TOKEN@",
    "__TOKEN__",
    "%s",
    "%(password)s",
    "{0}",
    "[password]",
    "{password}",
    "****",
    "xxxx",
    "sk-...",
    "sk_test_xxxxxxxxxxxx",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "aaaaaaaa",
    "00000000",
    "0123456789abcdef",
    "abcdefghijklmnop",
    "1234567890",
    "12345678-1234-1234-1234-123456789012",
    "00000000-0000-0000-0000-000000000000",
    "deadbeefdeadbeefdeadbeef",
    "abcabcabcabc",
    "password",
    "secret",
    "password123",
    "test",
    "test-secret",
    "my_password",
    "None",
    "null",
    "undefined",
    "dummy-token",
    "fake-key",
    "foobar",
    "REDACTED",
    "AKIAIOSFODNN7EXAMPLE",
    "the-api-key",
    "ghp_1234567890" + string.ascii_lowercase,
    "hunter2",
    "s3cr3t",
    "p4ssw0rd1",
    "P@ssw0rd",
    "ch4ng3m3",
    "see-1password",
    "top-secret",
    "%env(resolve:APP_SECRET)%",
    "Base64-encoded",
    "#0123FakeToken4567/8",
]

PLAUSIBLE = [
    "Tr0ub4dor&3",
    "correcthorsebatterystaple",
    "S3cure!pass",
    "pa55w0rd-prod",
    "Summer2024",
    "sk_test_{base62:24}",
    "p@ss/word+1",
    "{base62:8}x9",
    "{hex:32}",
    "{uuid}",
    "{base64:40}",
    "{base64url:20}-test-{base64url:20}",
]


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_a_placeholder_is_known(value: str) -> None:
    assert is_placeholder(value.encode())


@pytest.mark.parametrize("value", PLAUSIBLE)
def test_what_may_be_a_secret_is_no_placeholder(value: str) -> None:
    assert not is_placeholder(expand(value).encode())


@pytest.mark.parametrize("alphabet", ["base62", "base64", "base64url", "hex", "base32", "lower"])
def test_random_tokens_are_hardly_ever_taken_for_anything_else(alphabet: str) -> None:
    source = random.Random(alphabet)
    tokens = ["".join(source.choices(ALPHABETS[alphabet], k=32)).encode() for _ in range(2000)]
    assert sum(map(is_placeholder, tokens)) <= 2
    assert sum(map(is_words, tokens)) <= 2
    assert sum(map(is_code, tokens)) <= 2


@pytest.mark.parametrize(
    "value", [b"administrator", b"Correct-Horse", b"access_token", b"getAccessToken", b"AWS_REGION"]
)
def test_words_are_words_in_every_usual_case(value: bytes) -> None:
    assert is_words(value)


@pytest.mark.parametrize("value", [b"", b"-", b"hunter2", b"xkqzvbwj", b"qWeRtZuIoP", b"12345678", b"s3cret"])
def test_other_text_is_no_words(value: bytes) -> None:
    assert not is_words(value)


CODE = [
    'os.environ["KEY"]',
    "process.env.KEY",
    "getToken()",
    "self.password",
    "config.get(",
    "Optional[str]",
    "/etc/ssl/private.key",
    "./secrets.txt",
    "~/keys/deploy.pem",
    "https://example.org/x",
    "x=>y",
    "this->key",
    "Foo::bar",
    "db_password",
    "$this",
    "vault:secret/data/app#key",
    "arn:aws:secretsmanager:eu-west-1:420000000000:secret:prod/db-Xk29vQ",
]


@pytest.mark.parametrize("value", CODE)
def test_code_is_code(value: str) -> None:
    assert is_code(value.encode())


@pytest.mark.parametrize(
    "value", [b"http://user:Xk29vQz1@host/", b"hunter2", b"Tr0ub4dor&3", b"Pa55/w0rd", b"x9$k2!m4"]
)
def test_a_literal_is_no_code(value: bytes) -> None:
    assert not is_code(value)


def test_only_the_beginning_of_a_long_value_is_looked_at() -> None:
    assert not is_placeholder(expand("{base64:2000}").encode() + b"example")


def test_a_value_is_known_as_published_by_its_hash_and_by_its_beginning_if_it_is_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short, long = (expand(template).encode() for template in ("{base62:20}", "{base64:2000}"))
    monkeypatch.setattr(published, "_KNOWN", frozenset(map(published.digest, (short, long))))
    assert is_published(short + b"\n")
    assert is_published(long[:1000])
    assert not is_published(short[:-1])


def test_a_published_key_is_known_however_its_lines_are_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    key, other = (expand("{pem:rsa}", seed).encode() for seed in "ab")
    layouts = (
        key.replace(b"\n", b"\r\n"),
        key.replace(b"\n", b"\n        "),
        key.replace(b"\n", rb"\n"),
        key.replace(b"\n", b'\\n" +\n  "'),
        base64.b64encode(key),
    )
    monkeypatch.setattr(published, "_KNOWN", frozenset([published.digest(key)]))
    assert all(map(is_published, layouts))
    assert not is_published(other)


def test_digests_of_published_values_are_well_formed_and_stand_once() -> None:
    known = [digest for digests in published.BY_ORIGIN.values() for digest in digests.split()]
    assert all(re.fullmatch(rf"[0-9a-f]{{{published.DIGITS}}}", digest) for digest in known)
    assert len(known) == len(set(known))

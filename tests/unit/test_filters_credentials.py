"""Filters that look into encoded or embedded credentials."""

from __future__ import annotations

import base64

import pytest

from imgscan.errors import RuleError
from imgscan.match.filters import Candidate, parse
from imgscan.rules.sample import expand

PASSWORD = expand("{base62:12}7").encode()


def _stays(name: str, secret: bytes, whole: bytes | None = None) -> bool:
    return parse(name)(Candidate(secret, whole or secret, b"", b""))


def _encoded(text: bytes) -> bytes:
    return base64.b64encode(text)


def test_basic_credentials_are_base64_of_a_user_and_a_real_password() -> None:
    assert _stays("basic-credentials", _encoded(b"deploy:" + PASSWORD))


@pytest.mark.parametrize("colons", [1, 3])
def test_basic_credentials_may_have_colons_in_the_password(colons: int) -> None:
    assert _stays("basic-credentials", _encoded(b"deploy:" + b":" * colons + PASSWORD))


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(_encoded(b"user:password"), id="placeholder"),
        pytest.param(_encoded(b"guest:guest"), id="the user again"),
        pytest.param(_encoded(b"deploy:"), id="no password"),
        pytest.param(_encoded(b":" + PASSWORD), id="no user"),
        pytest.param(_encoded(PASSWORD), id="no colon"),
        pytest.param(_encoded(b"deploy:\x00\x01\xfe\xff"), id="not text"),
        pytest.param(b"not base64!", id="not base64"),
    ],
)
def test_other_base64_is_no_basic_credentials(secret: bytes) -> None:
    assert not _stays("basic-credentials", secret)


def test_base64_text_is_printable_and_no_placeholder() -> None:
    assert _stays("base64-text", _encoded(PASSWORD))
    assert not _stays("base64-text", _encoded(b"changeme"))
    assert not _stays("base64-text", _encoded(bytes(range(128, 160))))
    assert not _stays("base64-text", b"")


@pytest.mark.parametrize("slashes", [b"//", rb"\/\/"])
def test_url_password_finds_the_user_in_the_whole_match(slashes: bytes) -> None:
    whole = b"postgres:" + slashes + b"%s:%s@"
    assert _stays("url-password", PASSWORD, whole % (b"app", PASSWORD))
    assert not _stays("url-password", PASSWORD, whole % (PASSWORD, PASSWORD))


def test_url_password_without_any_url_looks_at_the_password_alone() -> None:
    assert _stays("url-password", PASSWORD)
    assert not _stays("url-password", b"password")


@pytest.mark.parametrize("name", ["basic-credentials", "base64-text"])
def test_these_filters_take_no_argument(name: str) -> None:
    with pytest.raises(RuleError, match="does not take the argument"):
        parse(f"{name}:1")

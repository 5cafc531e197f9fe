"""How the registry source proves who it is, what it does with tokens, and where it never sends a credential."""

from __future__ import annotations

import base64
import json
import os
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from imgscan.errors import AccessDeniedError, ImgscanError, RateLimitedError, SourceError, UnreachableError
from imgscan.sources.base import Access
from imgscan.sources.registry.auth import Challenge, challenges
from tests.support.commands import imgscan
from tests.support.fake_registry import REPOSITORY, FakeRegistry, Login, Reply, content
from tests.support.images import ImageBuilder

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = secrets.token_urlsafe(24)
USER = Access(username="me", password=PASSWORD)
BEARER, BASIC = Login("bearer", "me", PASSWORD), Login("basic", "me", PASSWORD)
BLOBS = f"/v2/{REPOSITORY}/blobs/"


@pytest.fixture
def registry(registry: FakeRegistry) -> FakeRegistry:
    registry.push(ImageBuilder().layer({"a": b"a"}).layer({"b": b"b" * 1000}))
    return registry


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


# The three ways


def test_an_open_registry_is_sent_no_credentials(registry, opened):
    opened.access = USER
    content(opened())
    assert registry.authorizations == []


def test_a_password_goes_with_every_request_once_it_was_asked_for(registry, opened):
    registry.login, opened.access = BASIC, USER
    assert len(content(opened())) == 2
    first, *others = [request for request in registry.seen if request.path != "/v2/"]
    assert "Authorization" not in first.headers
    assert {request.headers["Authorization"] for request in others} == {
        "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    }


def test_a_password_of_bytes_that_are_no_text_goes_as_it_is(registry, opened):
    registry.login, opened.access = BASIC, Access(username="me", password=os.fsdecode(b"\xff\xfe"))
    with pytest.raises(AccessDeniedError):
        opened()
    sent = {request.headers.get("Authorization") for request in registry.seen}
    assert "Basic " + base64.b64encode(b"me:\xff\xfe").decode() in sent


@pytest.mark.parametrize("login", [Login("bearer"), BEARER], ids=["anonymous", "password"])
@pytest.mark.parametrize("field", ["token", "access_token"])
def test_one_token_serves_the_whole_image(registry, opened, login, field):
    registry.login, opened.access = login, USER if login.username else Access()
    registry.token_answer = {"token": "", field: "token-1"}
    assert len(content(opened())) == 2
    (request,) = registry.asked("/token")
    query = parse_qs(urlsplit(request.path).query)
    assert query == {"service": ["fake registry"], "scope": [f"repository:{REPOSITORY}:pull"]}  # not the push it named


def test_a_realm_may_have_a_query_of_its_own(registry, opened):
    registry.login, registry.realm = Login("bearer"), f"{registry.url}/token?a=b"
    opened()
    assert registry.asked("/token?a=b&service=")


def test_an_identity_token_is_posted_and_never_redirected(registry, opened, docker_config):
    docker_config.write_text(json.dumps({"auths": {registry.host: {"auth": "eDp5", "identitytoken": PASSWORD}}}))
    registry.login = Login("bearer", identity=PASSWORD)
    opened()
    (request,) = registry.asked("/token", "POST")
    form = parse_qs(request.body.decode())
    assert form["grant_type"] == ["refresh_token"]
    assert form["scope"] == [f"repository:{REPOSITORY}:pull"]
    assert registry.asked("/token") == []
    registry.script("/token", Reply(307, {"Location": f"{registry.url}/steal"}))
    with pytest.raises(SourceError, match="redirected"):
        opened()
    assert registry.asked("/steal", "POST") == []


def test_a_token_of_the_credential_file_is_used_as_it_is(registry, opened, docker_config):
    docker_config.write_text(json.dumps({"auths": {registry.host: {"registrytoken": "ready"}}}))
    registry.login = Login("bearer")
    registry.valid_tokens.add("ready")
    opened()
    assert registry.asked("/token") == []
    registry.valid_tokens.clear()
    with pytest.raises(AccessDeniedError):
        opened()


def test_a_token_that_ends_meanwhile_is_renewed(registry, opened):
    registry.login, opened.access = BEARER, USER
    source = opened()
    registry.valid_tokens.clear()
    assert len(content(source)) == 2
    assert len(registry.asked("/token")) == 2


def test_a_token_is_renewed_before_it_ends(registry, opened, monkeypatch):
    registry.login, registry.token_answer = Login("bearer"), {"expires_in": 6}
    source = opened()
    monkeypatch.setattr("imgscan.sources.registry.auth.time.monotonic", lambda: float("1e12"))
    next(iter(source.layers())).open().close()
    assert len(registry.asked("/token")) == 2
    assert all("Authorization" in request.headers for request in registry.asked(BLOBS))


def test_layers_that_are_refused_at_the_same_time_share_a_new_token(registry, opened):
    registry.login = Login("bearer")
    source = opened()
    registry.valid_tokens.clear()
    ready = threading.Barrier(2)

    def read(blob):
        ready.wait(5)
        with closing(blob.open()) as reader:
            return reader.read(1)

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(read, source.layers()))
    assert len(registry.asked("/token")) <= 3


@pytest.mark.parametrize("seconds", [0, -5, 1e300])
def test_an_odd_life_of_a_token_does_no_harm(registry, opened, seconds):
    registry.login, registry.token_answer = Login("bearer"), {"expires_in": seconds}
    assert len(content(opened())) == 2
    assert len(registry.asked("/token")) == 1


# Refusals


@pytest.mark.parametrize("login", [BASIC, BEARER], ids=["basic", "bearer"])
def test_without_credentials_the_error_says_how_to_log_in(registry, opened, login):
    registry.login = login
    with pytest.raises(AccessDeniedError, match="without credentials") as caught:
        opened()
    assert f"docker login {registry.host}" in (caught.value.hint or "")


@pytest.mark.parametrize("login", [BASIC, BEARER], ids=["basic", "bearer"])
def test_refused_credentials_are_named_by_their_origin_and_never_shown(registry, opened, docker_config, login):
    registry.login = login
    wrong = base64.b64encode(f"me:{PASSWORD}x".encode()).decode()
    docker_config.write_text(json.dumps({"auths": {registry.host: {"auth": wrong}}}))
    registry.script(
        "/token", Reply(401, body=json.dumps({"errors": [{"message": f"no: {wrong} {PASSWORD}x"}]}).encode())
    )
    with pytest.raises(AccessDeniedError, match="401") as caught:
        opened()
    told = f"{caught.value!r} {caught.value} {caught.value.hint}"
    assert f"credentials from {docker_config}" in told
    assert PASSWORD not in told
    assert wrong not in told


def test_a_registry_that_repeats_a_token_is_not_quoted(registry, opened):
    registry.login = Login("bearer")
    long = "x" * 295 + "token-1"  # cut in the middle of it, it would not be recognised any more
    registry.script(f"/v2/{REPOSITORY}/", None, Reply(403, body=json.dumps({"errors": [{"message": long}]}).encode()))
    with pytest.raises(AccessDeniedError, match=r"\(status 403\)") as caught:
        opened()
    assert "xxx" not in str(caught.value)


def test_a_registry_that_takes_no_token_ends(registry, opened):
    registry.login = Login("bearer")
    registry.token_answer = {"token": "never valid"[:5]}
    with pytest.raises(AccessDeniedError, match="none of the tokens"):
        opened()
    assert len(registry.asked("/token")) == 3


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"token": 5}', b'{"token": "a\\r\\nX: y"}', b"[" * 70_000, b"{}"]
)
def test_a_token_service_that_answers_garbage_is_an_error(registry, opened, body):
    registry.login = Login("bearer")
    registry.script("/token", Reply(200, body=body))
    with pytest.raises(ImgscanError, match="token"):
        opened()


@pytest.mark.parametrize(("status", "kind"), [(404, SourceError), (429, RateLimitedError), (503, UnreachableError)])
def test_what_the_token_service_says_is_told_apart(registry, opened, status, kind):
    registry.login = Login("bearer")
    registry.script("/token", *[Reply(status)] * 3)
    with pytest.raises(SourceError) as caught:
        opened()
    assert type(caught.value) is kind


@pytest.mark.parametrize("header", ["", "Negotiate", "Bearer", 'Bearer realm=""', "\x7f", "Digest realm=x", '"' * 5000])
def test_a_challenge_that_cannot_be_met_is_an_error(registry, opened, header):
    registry.script(f"/v2/{REPOSITORY}/", Reply(401, {"WWW-Authenticate": header}))
    with pytest.raises(SourceError):
        opened()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ['Bearer realm="https://a/t",service="s, t",scope="x"'],
            [("bearer", {"realm": "https://a/t", "service": "s, t", "scope": "x"})],
        ),
        (
            ['Negotiate, Basic realm="x", Bearer realm=y'],
            [("negotiate", {}), ("basic", {"realm": "x"}), ("bearer", {"realm": "y"})],
        ),
        (
            ["BASIC Realm = x", 'Basic realm="a\\"b"'],
            [("basic", {"realm": "x"}), ("basic", {"realm": 'a"b'})],
        ),
        (["Basic"], [("basic", {})]),
        (["realm=x", "", ", ,"], []),
    ],
)
def test_challenges_are_taken_apart(lines, expected):
    assert list(challenges(lines)) == [Challenge(*pair) for pair in expected]


# Notices


def test_credentials_that_could_not_be_used_are_told_with_the_image(registry, opened, docker_config):
    docker_config.write_text(json.dumps({"credsStore": "not-installed"}))
    registry.login = Login("bearer")
    (notice,) = opened().images()[0].notices
    assert (notice.code, notice.where) == ("credentials-unusable", "docker-credential-not-installed")


def test_credentials_that_could_not_be_used_are_told_with_the_refusal(registry, opened, docker_config):
    docker_config.write_text(json.dumps({"credsStore": "not-installed"}))
    registry.login = BEARER
    with pytest.raises(AccessDeniedError) as caught:
        opened()
    assert "docker-credential-not-installed is not installed" in (caught.value.hint or "")


def test_the_password_for_the_image_is_not_told_to_the_registry_of_its_base(registry):
    registry.login = BASIC
    with FakeRegistry() as other:
        other.push(ImageBuilder().layer({"a": b"a"}))
        other.login = BASIC
        arguments = (
            "--username",
            "me",
            "--base",
            f"{other.host}/{REPOSITORY}:1",
            f"registry:{registry.host}/{REPOSITORY}:1",
        )
        result = imgscan(*arguments, IMGSCAN_PASSWORD=PASSWORD, DOCKER_HOST="unix:///nowhere")
        assert other.seen
        assert not any("Authorization" in request.headers for request in other.seen)
    assert "without credentials" in result.stderr

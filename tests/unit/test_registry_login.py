"""How the registry source proves who it is, what it does with tokens, and where it never sends a credential."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from imgscan.errors import AccessDeniedError, ImgscanError, RateLimitedError, SourceError, UnreachableError, UsageError
from imgscan.image.reference import parse
from imgscan.sources.base import Access, Wanted
from imgscan.sources.registry import RegistrySource, addresses, tls
from imgscan.sources.registry.addresses import Reach, reach
from imgscan.sources.registry.auth import Challenge, challenges
from imgscan.sources.registry.patience import Patience
from imgscan.sources.registry.transport import Transport, address
from tests.support.certificate import Certificate, self_signed
from tests.support.fake_registry import QUICK, REPOSITORY, FakeRegistry, Login, Opener, Reply, content
from tests.support.images import ImageBuilder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = secrets.token_urlsafe(24)
USER = Access(username="me", password=PASSWORD)
BEARER, BASIC = Login("bearer", "me", PASSWORD), Login("basic", "me", PASSWORD)
BLOBS = f"/v2/{REPOSITORY}/blobs/"


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as fake:
        fake.push(ImageBuilder().layer({"a": b"a"}).layer({"b": b"b" * 1000}))
        yield fake


@pytest.fixture
def opened(registry: FakeRegistry) -> Iterator[Opener]:
    with ExitStack() as stack:
        yield Opener(registry, stack)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def sent(registry: FakeRegistry) -> list[str]:
    """Every ``Authorization`` that arrived."""
    return [request.headers["Authorization"] for request in registry.seen if "Authorization" in request.headers]


# The three ways


def test_an_open_registry_is_sent_no_credentials(registry, opened):
    opened.access = USER
    content(opened())
    assert sent(registry) == []


def test_a_password_goes_with_every_request_once_it_was_asked_for(registry, opened):
    registry.login, opened.access = BASIC, USER
    assert len(content(opened())) == 2
    first, *others = [request for request in registry.seen if request.path != "/v2/"]
    assert "Authorization" not in first.headers
    assert {request.headers["Authorization"] for request in others} == {
        "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    }


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
    registry.script(f"/v2/{REPOSITORY}/", None, Reply(403, body=b'{"errors":[{"message":"token-1 is bad"}]}'))
    with pytest.raises(AccessDeniedError, match=r"\(status 403\)") as caught:
        opened()
    assert "token-1" not in str(caught.value)


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
        (['Bearer realm="https://a/t",service="s, t",scope="x"'], [("bearer", {"realm": "https://a/t", "service": "s, t", "scope": "x"})]),
        (["BASIC Realm = x", 'Basic realm="a\\"b"'], [("basic", {}), ("basic", {"realm": 'a"b'})]),
        (['Negotiate, Basic realm="x", Bearer realm=y'], [("negotiate", {}), ("basic", {"realm": "x"}), ("bearer", {"realm": "y"})]),
        (["Basic"], [("basic", {})]),
        (["realm=x", "", ", ,"], []),
    ],
)  # fmt: skip
def test_challenges_are_taken_apart(lines, expected):
    assert [challenge for challenge in challenges(lines)] == [Challenge(*pair) for pair in expected]


# Elsewhere


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("login", [BASIC, BEARER], ids=["basic", "bearer"])
def test_credentials_do_not_follow_a_redirect_to_another_host(registry, opened, login, status):
    registry.login, opened.access = login, USER
    with FakeRegistry() as storage:
        storage.blobs = registry.blobs
        for digest in registry.blobs:
            registry.script(BLOBS + digest, Reply(status, {"Location": f"{storage.url}{BLOBS}{digest}?X-Sig=abc"}))
        assert len(content(opened())) == 2
        assert len(storage.seen) == 3
        assert sent(storage) == []
        assert not any("cookie" in name.lower() for request in storage.seen for name in request.headers)


def test_credentials_do_not_come_back_with_a_redirect_back(registry, opened):
    registry.login, opened.access = BASIC, USER
    (digest, *_) = registry.blobs
    with FakeRegistry() as middle:
        middle.script("/", Reply(307, {"Location": f"{registry.url}/v2/"}))
        source = opened()
        registry.script(BLOBS + digest, Reply(307, {"Location": f"{middle.url}/x"}))
        content(source)
        assert sent(middle) == []
    assert "Authorization" not in registry.asked("/v2/")[-1].headers or len(registry.asked(BLOBS)) == 3


def test_a_redirect_on_the_same_host_keeps_the_login(registry, opened):
    registry.login, opened.access = BASIC, USER
    (digest, *_) = registry.blobs
    registry.script(BLOBS + digest, None, Reply(307, {"Location": f"{BLOBS}{digest}?again"}))
    assert len(content(opened())) == 2


def test_a_challenge_of_another_host_is_not_answered(registry, opened):
    opened.access = USER
    with FakeRegistry() as storage:
        storage.login = BASIC
        for digest in registry.blobs:
            registry.script(BLOBS + digest, Reply(307, {"Location": f"{storage.url}{BLOBS}{digest}"}))
        with pytest.raises(AccessDeniedError):
            opened()
        assert sent(storage) == []


def test_a_signed_address_is_never_shown(registry, opened):
    with FakeRegistry() as storage:
        location = f"{storage.url}{BLOBS}x?X-Amz-Signature=s3cr3t"
        for digest in registry.blobs:
            registry.script(BLOBS + digest, *[Reply(307, {"Location": location})] * 3)
        storage.script("/", Reply(403, body=b"<Error>"))
        with pytest.raises(AccessDeniedError) as refused:
            opened()
    with pytest.raises(UnreachableError) as gone:
        opened()
    for error in (refused.value, gone.value):
        assert "s3cr3t" not in f"{error!r} {error} {error.hint} {error.__cause__}"


def test_redirects_end(registry, opened):
    registry.script("/", *[Reply(302, {"Location": "/round"})] * 50)
    with pytest.raises(SourceError, match="more than 5 redirects"):
        opened()


@pytest.mark.parametrize(
    "location",
    [
        "ftp://x/y",
        "file:///etc/passwd",
        "//user:pw@127.0.0.1/x",
        "http://[::1",
        "http://",
        "https://x:99999/",
        "javascript:x",
    ],
)
def test_a_redirect_to_nowhere_is_refused(registry, opened, location):
    registry.script(f"/v2/{REPOSITORY}/", Reply(302, {"Location": location}))
    with pytest.raises(SourceError) as caught:
        opened()
    assert "pw" not in str(caught.value)


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Transport:
    """To a registry on the internet, though nothing is asked. Names resolve as their first label says."""
    places = {"inside": ("10.1.2.3",), "both": ("93.184.216.34", "127.0.0.1"), "0x7f": ("127.0.0.1",)}
    lookup = lambda name, _: places.get(name.partition(".")[0], ("93.184.216.34",))  # noqa: E731
    monkeypatch.setattr(addresses, "_lookup", lookup)
    return Transport("registry.example", Access(), Patience())


@pytest.mark.parametrize(
    "target",
    [
        "http://storage.example/x",
        "http://registry.example/x",
        "http://localhost/x",
        "https://localhost/x",
        "https://127.0.0.1:8443/x",
        "https://10.0.0.1/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/x",
        "https://[::1]/x",
        "https://[fe80::1]/x",
        "https://[fd00::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://0.0.0.0/x",
        "https://0x7f.1/x",
        "https://inside.example/x",
        "https://both.example/x",
    ],
)
def test_a_registry_outside_cannot_send_us_inside_or_into_the_clear(outside, target):
    with pytest.raises(SourceError, match="refused"):
        outside.check_leap(outside.home, address(target))


@pytest.mark.parametrize(
    "target", ["https://storage.example/x", "https://93.184.216.34/x", "https://registry.example/y"]
)
def test_a_registry_outside_may_send_us_outside(outside, target):
    outside.check_leap(outside.home, address(target))


def test_a_registry_inside_may_send_us_to_its_neighbours_but_not_to_ourselves(outside):
    inside = Transport("inside.example", Access(), Patience())
    inside.check_leap(inside.home, address("https://10.0.0.9/x"))
    with pytest.raises(SourceError, match="loopback"):
        inside.check_leap(inside.home, address("https://localhost/x"))


def test_plain_http_beyond_loopback_is_only_followed_where_it_is_allowed(outside):
    start = address("http://registry.example/")
    plain = Transport("registry.example", Access(plain_http=True), Patience())
    plain.check_leap(start, address("http://storage.example/x"))
    with pytest.raises(SourceError, match="without encryption"):
        plain.check_leap(address("https://registry.example/"), address("http://storage.example/x"))


@pytest.mark.parametrize(
    "realm", ["http://auth.example/token", "http://u:p@127.0.0.1/token", "/token", "", "ldap://127.0.0.1/"]
)
def test_a_realm_where_no_credentials_may_go_is_refused(registry, opened, realm):
    registry.login, registry.realm, opened.access = BEARER, realm, USER
    with pytest.raises(SourceError) as caught:
        opened()
    assert PASSWORD not in str(caught.value)
    assert sent(registry) == []


def test_a_realm_on_another_host_gets_the_password_and_the_registry_only_the_token(registry, opened):
    with FakeRegistry() as service:
        service.login = registry.login = BEARER
        service.valid_tokens = registry.valid_tokens
        registry.realm, opened.access = f"{service.url}/token", USER
        assert len(content(opened())) == 2
        assert [value.split()[0] for value in sent(service)] == ["Basic"]
    assert {value.split()[0] for value in sent(registry)} == {"Bearer"}


def test_the_password_does_not_follow_a_redirect_of_the_token_service(registry, opened):
    registry.login, opened.access = BEARER, USER
    with FakeRegistry() as thief:
        registry.script("/token", Reply(307, {"Location": f"{thief.url}/token"}))
        opened()  # the thief gives out a token, though to somebody it does not know
        assert thief.seen
        assert sent(thief) == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", Reach.LOOPBACK),
        ("a.LOCALHOST.", Reach.LOOPBACK),
        ("127.9.9.9", Reach.LOOPBACK),
        ("[::1]", Reach.LOOPBACK),
        ("::ffff:127.0.0.1", Reach.LOOPBACK),
        ("10.0.0.1", Reach.PRIVATE),
        ("8.8.8.8", Reach.PUBLIC),
        ("localhost.evil.example", Reach.PUBLIC),
        ("127.0.0.1.evil.example", Reach.PUBLIC),
    ],
)
def test_hosts_are_judged_by_how_far_inside_they_are(host, expected, monkeypatch):
    monkeypatch.setattr(addresses, "_lookup", lambda *_: ())
    assert reach(host, resolve=False) is expected


# TLS


def test_a_certificate_nobody_vouches_for_is_refused_even_on_loopback(certificate):
    with (
        FakeRegistry(certificate) as registry,
        pytest.raises(UnreachableError, match="not trusted: self-signed") as caught,
    ):
        open_once(registry, Access())
    assert "--ca-file" in (caught.value.hint or "")
    assert registry.seen == []


def test_a_private_authority_is_trusted_by_file_variable_or_directory(certificate, monkeypatch, tmp_path):
    with FakeRegistry(certificate) as registry:
        registry.push(ImageBuilder().layer({"a": b"a"}))
        open_once(registry, Access(ca_file=certificate.cert))
        with monkeypatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(certificate.cert))
            open_once(registry, Access())
        kept = tmp_path / registry.host / "ca.crt"
        kept.parent.mkdir()
        kept.write_bytes(certificate.cert.read_bytes())
        monkeypatch.setattr(tls, "HOST_DIRECTORIES", (tmp_path,))
        open_once(registry, Access())


def test_an_authority_kept_for_one_registry_is_not_trusted_for_another_host(certificate, monkeypatch, tmp_path):
    with FakeRegistry(certificate) as registry, FakeRegistry(certificate) as storage:
        registry.push(ImageBuilder().layer({"a": b"a"}))
        kept = tmp_path / registry.host / "ca.crt"
        kept.parent.mkdir()
        kept.write_bytes(certificate.cert.read_bytes())
        monkeypatch.setattr(tls, "HOST_DIRECTORIES", (tmp_path,))
        registry.script(BLOBS, Reply(307, {"Location": f"{storage.url}/x"}))
        with pytest.raises(UnreachableError, match=f"{storage.host}: not trusted"):
            open_once(registry, Access())


def test_a_certificate_of_another_name_is_refused(tmp_path):
    other = self_signed(tmp_path, names="DNS:elsewhere.example")
    with FakeRegistry(other) as registry, pytest.raises(UnreachableError, match="not trusted: .*mismatch"):
        open_once(registry, Access(ca_file=other.cert))


def test_https_is_preferred_on_loopback_and_a_downgrade_refused(certificate, registry):
    with FakeRegistry(certificate) as secure:
        secure.push(ImageBuilder().layer({"a": b"a"}))
        secure.script(BLOBS, Reply(307, {"Location": f"{registry.url}/x"}))
        with pytest.raises(SourceError, match="without encryption"):
            open_once(secure, Access(ca_file=certificate.cert))
        assert secure.asked("/v2/")
    assert registry.seen == []


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_certificate_file_that_cannot_be_used_is_a_usage_error(registry, tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        open_once(registry, Access(ca_file=path))
    assert caught.value.where == str(path)


def open_once(registry: FakeRegistry, access: Access) -> None:
    source = RegistrySource(registry.reference(), wanted=Wanted(), access=access, patience=QUICK)
    with source.open() as opened:
        assert opened.images()


# Proxies


def test_loopback_is_never_asked_through_a_proxy(registry, opened, monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://user:pw@127.0.0.1:1")
    assert len(content(opened())) == 2


def test_other_hosts_are_asked_through_the_proxy_of_the_environment(registry, monkeypatch):
    monkeypatch.setenv("https_proxy", f"http://user:pw@{registry.host}")
    monkeypatch.setenv("no_proxy", "direct.invalid")
    with pytest.raises(UnreachableError, match="registry.invalid: the proxy") as caught:
        open_name("registry.invalid/x")
    assert "pw" not in f"{caught.value!r}"
    with pytest.raises(UnreachableError, match="does not resolve"):
        open_name("direct.invalid/x")


def test_a_proxy_that_is_none_is_a_usage_error(monkeypatch):
    monkeypatch.setenv("https_proxy", "socks5://user:pw@127.0.0.1:1")
    with pytest.raises(UsageError) as caught:
        open_name("registry.invalid/x")
    assert "pw" not in str(caught.value)


def open_name(name: str) -> None:
    source = RegistrySource(parse(name), wanted=Wanted(), access=Access(), patience=QUICK)
    with source.open():
        pass


# Notices


def test_credentials_that_could_not_be_used_are_told_with_the_image(registry, opened, docker_config):
    docker_config.write_text(json.dumps({"credsStore": "not-installed"}))
    registry.login = Login("bearer")
    (notice,) = opened().images()[0].notices
    assert (notice.code, notice.where) == ("credentials-unusable", "docker-credential-not-installed")

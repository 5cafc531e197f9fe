"""Where a registry may send us, whom we trust there, and what never goes along."""

from __future__ import annotations

import base64
import secrets

import pytest

from imgscan.errors import AccessDeniedError, SourceError, UnreachableError, UsageError
from imgscan.image.reference import parse
from imgscan.net import addresses
from imgscan.net.addresses import Reach, reach
from imgscan.sources.base import Access, Wanted
from imgscan.sources.registry import RegistrySource, tls
from imgscan.sources.registry.patience import Patience
from imgscan.sources.registry.transport import Transport, address
from tests.support.certificate import Certificate, self_signed
from tests.support.fake_registry import QUICK, REPOSITORY, FakeRegistry, Login, Reply, content
from tests.support.images import ImageBuilder
from tests.support.proxy import proxy_to

PASSWORD = secrets.token_urlsafe(24)
USER = Access(username="me", password=PASSWORD)
BEARER, BASIC = Login("bearer", "me", PASSWORD), Login("basic", "me", PASSWORD)
BLOBS = f"/v2/{REPOSITORY}/blobs/"


@pytest.fixture
def registry(registry: FakeRegistry) -> FakeRegistry:
    registry.push(ImageBuilder().layer({"a": b"a"}).layer({"b": b"b" * 1000}))
    return registry


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"))


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
        assert storage.authorizations == []
        assert not any("cookie" in name.lower() for request in storage.seen for name in request.headers)


def test_credentials_do_not_come_back_with_a_redirect_back(registry, opened):
    registry.login, opened.access = BASIC, USER
    source = opened()
    layer = next(iter(source.layers()))
    with FakeRegistry() as middle:
        registry.script(BLOBS + layer.key, Reply(307, {"Location": f"{middle.url}/x"}))
        middle.script("/x", Reply(307, {"Location": f"{registry.url}/back"}))
        registry.script("/back", Reply(200, body=b"x"))
        layer.open().close()
    (request,) = registry.asked("/back")
    assert "Authorization" not in request.headers
    assert middle.authorizations == []


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
        assert storage.authorizations == []


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
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names resolve as their first label says, and nobody is asked."""
    places = {"inside": ("10.1.2.3",), "both": ("93.184.216.34", "127.0.0.1"), "0x7f": ("127.0.0.1",)}
    monkeypatch.setattr(addresses, "_lookup", lambda name, _: places.get(name.partition(".")[0], ("93.184.216.34",)))


@pytest.fixture
def outside(names: None) -> Transport:
    """To a registry on the internet, though nothing is asked."""
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


@pytest.mark.usefixtures("names")
def test_a_registry_inside_may_send_us_to_its_neighbours_but_not_to_ourselves():
    inside = Transport("inside.example", Access(), Patience())
    inside.check_leap(inside.home, address("https://10.0.0.9/x"))
    with pytest.raises(SourceError, match="loopback"):
        inside.check_leap(inside.home, address("https://localhost/x"))


@pytest.mark.usefixtures("names")
def test_plain_http_beyond_loopback_is_only_followed_where_it_is_allowed():
    start = address("http://registry.example/")
    plain = Transport("registry.example", Access(plain_http=True), Patience())
    plain.check_leap(start, address("http://storage.example/x"))
    with pytest.raises(SourceError, match="without encryption"):
        plain.check_leap(address("https://registry.example/"), address("http://storage.example/x"))


@pytest.mark.parametrize(
    "realm", ["http://auth.example/token", "http://u:p@127.0.0.1/token", "/token", "ldap://127.0.0.1/"]
)
def test_a_realm_where_no_credentials_may_go_is_refused(registry, opened, realm):
    registry.login, registry.realm, opened.access = BEARER, realm, USER
    with pytest.raises(SourceError) as caught:
        opened()
    assert PASSWORD not in str(caught.value)
    assert registry.authorizations == []


def test_a_realm_on_another_host_gets_the_password_and_the_registry_only_the_token(registry, opened):
    with FakeRegistry() as service:
        service.login = registry.login = BEARER
        service.valid_tokens = registry.valid_tokens
        registry.realm, opened.access = f"{service.url}/token", USER
        assert len(content(opened())) == 2
        assert [value.split()[0] for value in service.authorizations] == ["Basic"]
    assert {value.split()[0] for value in registry.authorizations} == {"Bearer"}


def test_the_password_does_not_follow_a_redirect_of_the_token_service(registry, opened):
    registry.login, opened.access = BEARER, USER
    with FakeRegistry() as thief:
        registry.script("/token", Reply(307, {"Location": f"{thief.url}/token"}))
        opened()  # the thief gives out a token, though to somebody it does not know
        assert thief.seen
        assert thief.authorizations == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", Reach.LOOPBACK),
        ("a.LOCALHOST.", Reach.LOOPBACK),
        ("127.9.9.9", Reach.LOOPBACK),
        ("[::1]", Reach.LOOPBACK),
        ("::ffff:127.0.0.1", Reach.LOOPBACK),
        ("10.0.0.1", Reach.PRIVATE),
        ("fec0::1", Reach.PRIVATE),
        ("::127.0.0.1", Reach.PRIVATE),
        ("64:ff9b:1::1", Reach.PRIVATE),
        ("8.8.8.8", Reach.PUBLIC),
        ("localhost.evil.example", Reach.PUBLIC),
        ("127.0.0.1.evil.example", Reach.PUBLIC),
    ],
)
def test_hosts_are_judged_by_how_far_inside_they_are(host, expected, monkeypatch):
    monkeypatch.setattr(addresses, "_lookup", lambda *_: ())
    assert reach(host, resolve=False) is expected


def test_names_are_looked_up_and_those_without_an_address_are_outside():
    assert addresses._lookup("127.0.0.1", 0) == ("127.0.0.1",)
    assert reach("nowhere.invalid", resolve=True) is Reach.PUBLIC


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
    with FakeRegistry(other) as registry, pytest.raises(UnreachableError, match=r"not trusted: .*mismatch"):
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


def test_loopback_is_never_asked_through_a_proxy(opened, monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://user:pw@127.0.0.1:1")
    assert len(content(opened())) == 2


def test_other_hosts_are_asked_through_the_proxy_of_the_environment(tmp_path, monkeypatch):
    certificate = self_signed(tmp_path, names="DNS:registry.invalid")
    access = Access(ca_file=certificate.cert, username="me", password=PASSWORD)
    with FakeRegistry(certificate) as registry, proxy_to(registry.host) as (proxy, asked):
        registry.push(ImageBuilder().layer({"a": b"a"}))
        registry.login = BASIC
        monkeypatch.setenv("https_proxy", f"http://user:pw@{proxy}")
        open_name(f"registry.invalid/{REPOSITORY}:1", access)
        monkeypatch.setenv("no_proxy", "registry.invalid")
        with pytest.raises(UnreachableError, match="does not resolve"):
            open_name(f"registry.invalid/{REPOSITORY}:1", access)
    assert set(asked) == {("registry.invalid:443", "Basic dXNlcjpwdw==")}
    assert registry.asked("/v2/")
    assert "Proxy-Authorization" not in {name for request in registry.seen for name in request.headers}


def test_a_proxy_that_refuses_is_told_without_its_password(registry, monkeypatch):
    monkeypatch.setenv("https_proxy", f"http://user:pw-of-proxy@{registry.host}")
    with pytest.raises(UnreachableError, match=r"registry\.invalid: the proxy") as caught:
        open_name("registry.invalid/x")
    assert "pw-of-proxy" not in f"{caught.value!r} {caught.value.hint}"


def test_a_proxy_of_another_kind_is_a_usage_error(monkeypatch):
    monkeypatch.setenv("https_proxy", "socks5://user:pw-of-proxy@127.0.0.1:1")
    with pytest.raises(UsageError) as caught:
        open_name("registry.invalid/x")
    assert "pw-of-proxy" not in f"{caught.value!r}"


def open_name(name: str, access: Access | None = None) -> None:
    source = RegistrySource(parse(name), wanted=Wanted(), access=access or Access(), patience=QUICK)
    with source.open() as opened:
        assert opened.images()


def test_the_password_of_a_proxy_is_sent_as_it_is_and_not_as_its_url_spells_it(tmp_path, monkeypatch):
    certificate = self_signed(tmp_path, names="DNS:registry.invalid")
    with FakeRegistry(certificate) as registry, proxy_to(registry.host) as (proxy, asked):
        registry.push(ImageBuilder().layer({"a": b"a"}))
        monkeypatch.setenv("https_proxy", f"http://us%40er:p%2Fw%C3%A9@{proxy}")
        open_name(f"registry.invalid/{REPOSITORY}:1", Access(ca_file=certificate.cert))
    told = {base64.b64decode(login.removeprefix("Basic ")).decode() for _, login in asked}
    assert told == {"us@er:p/wé"}

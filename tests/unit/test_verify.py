"""Liveness against servers that play the providers: every state, every kind of bad luck, and what never leaves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise

import msgspec
import pytest

from imgscan.errors import UsageError
from imgscan.model.values import Confidence, Secret, Severity
from imgscan.net.addresses import Endpoint
from imgscan.rules.sample import expand
from imgscan.rules.schema import Rule, Verify
from imgscan.verify.asking import Pace
from imgscan.verify.check import Candidate, call_for, check
from imgscan.verify.transport import USER_AGENT, Network, Timeouts
from tests.support.certificate import self_signed
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.proxy import proxy_to

HOST = "api.example.com"
OTHER = "api.example.net"
TOKEN = expand("tok_{base62:40}", "verify")
PACE = Pace(between=0.0, longest_wait=2.0, total=10.0, timeouts=Timeouts(1.0, 0.3, 0.6))
GET = {"method": "GET", "url": f"https://{HOST}/me", "headers": {"Authorization": "Bearer {secret}"}}

IN_HOST = {**GET, "url": "https://{site}.example.com/me"}
WHOLE = {"method": "GET", "url": "{secret}", "secret_in_url": True}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("tls"), "DNS:*.example.com,DNS:*.example.net")


@pytest.fixture
def provider(certificate):
    with FakeProvider(certificate) as running:
        yield running


def rule(name="example-token", **verify):
    told = msgspec.convert({"request": GET, "live": [200], "dead": [401], **verify}, Verify)
    return Rule(name, "Example token", "example", Severity.HIGH, Confidence.HIGH, "(?P<secret>.)", (), verify=told)


def candidate(of=None, secret=TOKEN, **parts):
    of = of or rule()
    return Candidate(of, Secret(secret.encode()), tuple((name, Secret(text.encode())) for name, text in parts.items()))


def ask(provider, *candidates, **options):
    return check(candidates or [candidate()], network=options.pop("network", provider.network), pace=PACE, **options)


def one(provider, *candidates, **options):
    (result,) = ask(provider, *candidates, **options)
    return result


def test_a_key_that_is_accepted_is_live_and_the_call_is_what_the_rule_says(provider):
    result = one(provider.on(HOST, Reply(200, {"login": "ann"})))
    assert (result.status, result.detail) == ("live", None)
    assert datetime.fromisoformat(result.checked_at) <= datetime.now(UTC)
    (asked,) = provider.asked
    assert (asked.method, asked.path, asked.headers["Authorization"]) == ("GET", "/me", f"Bearer {TOKEN}")
    assert asked.headers["User-Agent"] == USER_AGENT
    assert provider.names == [HOST]


def test_a_key_that_is_refused_is_dead(provider):
    assert one(provider.on(HOST, Reply(401, {"error": "no"}))).status == "dead"


@pytest.mark.parametrize("status", [403, 404, 418, 500, 502])
def test_a_status_that_the_rule_does_not_name_is_unknown(provider, status):
    result = one(provider.on(HOST, Reply(status)))
    assert (result.status, result.detail) == ("unknown", f"it answered {status}, which does not tell")


def test_a_rule_without_a_check_is_unsupported_and_nothing_is_sent(provider):
    bare = msgspec.structs.replace(rule(), verify=None)
    result = one(provider, candidate(bare))
    assert (result.status, result.checked_at, provider.connections) == ("unsupported", None, 0)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_check_that_would_change_something_is_not_made(provider, method):
    assert one(provider, candidate(rule(request={**GET, "method": method}))).status == "unsupported"
    assert provider.connections == 0


def test_what_the_provider_tells_of_the_account_is_named_and_cut_and_clean(provider):
    tells = {"account": "user.login", "scopes": "header:X-Scopes", "teams": "teams", "org": "orgs.0.name"}
    document = {"user": {"login": "ann\x1b[31m" + "x" * 200}, "teams": ["a", 2, {"no": 1}], "orgs": [{"name": "acme"}]}
    provider.on(HOST, Reply(200, document, {"X-Scopes": "repo, gist"}))
    account, *rest = one(provider, candidate(rule(tells=tells))).detail.split("; ")
    assert account.startswith("account ann [31mxxx")
    assert len(account) < 100
    assert rest == ["scopes repo, gist", "teams a, 2", "org acme"]


@pytest.mark.parametrize("echo", [TOKEN, f"<{TOKEN}>", TOKEN[5:20], TOKEN[-9:]])
def test_a_provider_that_repeats_the_secret_is_not_quoted(provider, echo):
    provider.on(HOST, Reply(200, {"login": echo, "id": 7}))
    result = one(provider, candidate(rule(tells={"account": "login", "id": "id"})))
    assert (result.status, result.detail) == ("live", "id 7")


FIELDS = [
    {"path": "ok", "means": "live", "equals": [True]},
    {"path": "error", "means": "dead", "equals": ["invalid_auth", "token_revoked"], "note": "revoked"},
    {"path": "error", "means": "unknown", "note": "something else"},
]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"ok": True, "team": "acme"}, ("live", "team acme")),
        ({"ok": 1}, ("unknown", "it answered 200, which does not tell")),
        ({"ok": False, "error": "token_revoked", "team": "acme"}, ("dead", "revoked")),
        ({"ok": False, "error": "internal"}, ("unknown", "something else")),
        ([1], ("unknown", "it answered 200, which does not tell")),
        (b"{", ("unknown", "it answered 200, which does not tell")),
        (b"[" * 100_000, ("unknown", "it answered 200, which does not tell")),
        (b"\xff\xfe", ("unknown", "it answered 200, which does not tell")),
        (b"", ("unknown", "it answered 200, which does not tell")),
    ],
)
def test_fields_of_the_answer_decide_where_its_status_does_not(provider, document, expected):
    checked = rule(live=[], dead=[], fields=FIELDS, tells={"team": "team"})
    result = one(provider.on(HOST, Reply(200, document)), candidate(checked))
    assert (result.status, result.detail) == expected


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize(("body", "kind"), [(b"<!DOCTYPE html>login", "text/plain"), (b"x", "text/html; charset=x")])
def test_a_web_page_says_nothing_of_a_key(provider, status, body, kind):
    provider.on(HOST, Reply(status, body, {"Content-Type": kind}))
    result = one(provider, candidate(rule(live=[200], dead=[403])))
    assert (result.status, result.detail) == ("unknown", f"it answered {status} with a web page")


def test_a_page_with_401_is_a_refusal_all_the_same(provider):
    assert one(provider.on(HOST, Reply(401, b"<html>", {"Content-Type": "text/html"}))).status == "dead"


class TestCalls:
    def test_basic_authentication_is_data(self, provider):
        request = {**GET, "headers": {"Authorization": "Basic {b64:{user}:{secret}}"}}
        one(provider, candidate(rule(request=request), user="ann"))
        assert base64.b64decode(provider.asked[0].headers["Authorization"].split()[1]).decode() == f"ann:{TOKEN}"

    def test_every_place_is_written_in_its_own_way(self, provider):
        secret = 'a&b="c"/d ü'
        url = f"https://{HOST}/v1/{{secret}}?key={{secret}}"
        requests = [
            {"method": "GET", "url": url, "secret_in_url": True},
            {"method": "POST", "url": f"https://{HOST}/", "body": "key={secret}&x=1"},
            {"method": "POST", "url": f"https://{HOST}/", "body": '{"key": "{secret}", "b": "{b64:{secret}}"}'},
        ]
        ask(provider, *(candidate(rule(request=request), secret) for request in requests))
        url, form, document = provider.asked
        assert url.path == "/v1/a%26b%3D%22c%22%2Fd%20%C3%BC?key=a%26b%3D%22c%22%2Fd%20%C3%BC"
        assert form.body == b"key=a%26b%3D%22c%22%2Fd+%C3%BC&x=1"
        assert form.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert json.loads(document.body) == {"key": secret, "b": base64.b64encode(secret.encode()).decode()}
        assert document.headers["Content-Type"] == "application/json"

    @pytest.mark.parametrize("secret", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "ключ"])
    def test_nothing_reaches_over_into_another_header(self, provider, secret):
        result = one(provider, candidate(secret=secret))
        assert (result.status, provider.connections) == ("unknown", 0)
        assert secret not in result.detail

    @pytest.mark.parametrize("secret", [b"\xff\xfe", b"x" * 100_000])
    def test_what_is_no_text_or_too_much_is_not_sent(self, provider, secret):
        result = one(provider, Candidate(rule(), Secret(secret)))
        assert (result.status, provider.connections) == ("unknown", 0)

    def test_a_rule_cannot_put_the_secret_into_a_url_in_passing(self, provider):
        request = {"method": "GET", "url": f"https://{HOST}/?key={{b64:{{secret}}}}"}
        result = one(provider, candidate(rule(request=request)))
        assert (result.status, provider.connections) == ("unknown", 0)
        assert "takes it no other way" in result.detail

    def test_a_rule_cannot_send_without_encryption(self, provider):
        result = one(provider, candidate(rule(request={**GET, "url": f"http://{HOST}/"})))
        assert (result.status, result.detail) == ("unknown", "the rule cannot be asked: its URL is not https")

    def test_the_other_half_of_a_credential_must_be_there(self, provider):
        request = {**GET, "headers": {"Authorization": "Basic {b64:{account_id}:{secret}}"}}
        result = one(provider, candidate(rule(request=request)))
        assert result.detail == "the other half of the credential (account id) does not stand beside it"
        assert provider.connections == 0

    def test_a_rule_cannot_pass_for_another_program(self, provider):
        request = {**GET, "headers": {"User-Agent": "x", "Host": "evil.example.net", "accept-encoding": "gzip"}}
        one(provider, candidate(rule(request=request)))
        (asked,) = provider.asked
        assert (asked.host, asked.headers["User-Agent"]) == (HOST, USER_AGENT)

    def test_equal_calls_are_made_once_and_share_their_answer(self, provider):
        provider.on(HOST, Reply(200))
        results = ask(provider, candidate(), candidate(), candidate(rule("example-other")), candidate(secret="tok_2"))
        assert [result.status for result in results] == ["live"] * 4
        assert len(provider.asked) == 2


class TestAws:
    KEY = expand("AKIAQ{base32:15}", "verify")

    def rule(self):
        request = {
            "method": "POST",
            "url": "https://sts.example.com/",
            "headers": {"Accept": "application/json"},
            "body": "Action=GetCallerIdentity&Version=2011-06-15",
            "sign": {"key": "{id}", "region": "us-east-1", "service": "sts"},
        }
        return rule(request=request, tells={"account": "Account"})

    def test_the_secret_signs_and_does_not_go_along(self, provider):
        provider.on("sts.example.com", Reply(200, {"Account": "123456789012"}))
        result = one(provider, candidate(self.rule(), id=self.KEY))
        assert (result.status, result.detail) == ("live", "account 123456789012")
        (asked,) = provider.asked
        told = {name.lower(): value for name, value in asked.headers.items()}
        assert told["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={self.KEY}/")
        assert TOKEN not in repr(asked)
        assert told["authorization"] == _signature_of(asked, told, self.KEY, TOKEN)

    def test_temporary_keys_are_nothing_by_themselves(self, provider):
        result = one(provider, candidate(self.rule(), id=self.KEY.replace("AKIA", "ASIA")))
        assert "session token" in result.detail
        assert provider.connections == 0

    def test_a_secret_without_its_id_cannot_be_asked(self, provider):
        assert one(provider, candidate(self.rule())).status == "unknown"
        assert provider.connections == 0


def _signature_of(asked, told, key, secret):
    """What AWS would compute from the request that came, by its published steps."""
    credential, names, _ = told["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", ")
    scope = credential.partition("/")[2]
    signed = names.partition("=")[2].split(";")
    lines = "".join(f"{name}:{told[name]}\n" for name in signed)
    digest = hashlib.sha256(asked.body).hexdigest()
    canonical = f"{asked.method}\n{asked.path}\n\n{lines}\n{';'.join(signed)}\n{digest}"
    text = f"AWS4-HMAC-SHA256\n{told['x-amz-date']}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    made = b"AWS4" + secret.encode()
    for step in (*scope.split("/"), text):
        made = hmac.new(made, step.encode(), hashlib.sha256).digest()
    return f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={';'.join(signed)}, Signature={made.hex()}"


class TestPatience:
    def test_a_short_wait_is_waited_for_and_asked_once_more(self, provider):
        provider.on(HOST, Reply(429, headers={"Retry-After": "1"}), Reply(200))
        started = time.monotonic()
        assert one(provider).status == "live"
        assert time.monotonic() - started >= 1
        assert len(provider.asked) == 2

    def test_a_date_counts_as_well(self, provider):
        soon = format_datetime(datetime.fromtimestamp(int(time.time()) + 1, UTC), usegmt=True)
        assert one(provider.on(HOST, Reply(429, headers={"Retry-After": soon}), Reply(401))).status == "dead"

    @pytest.mark.parametrize("status", [429, 403, 503])
    def test_a_long_wait_is_not_waited_for_and_the_host_left_alone(self, provider, status):
        provider.on(HOST, Reply(status, headers={"Retry-After": "3600"}))
        started = time.monotonic()
        checked = rule(live=[200, 403, 429], dead=[401, 503])
        results = ask(provider, candidate(checked), candidate(checked, "tok_other_one"))
        assert {(result.status, result.detail) for result in results} == {
            ("unknown", "the provider asks for fewer calls, to ask again in 3600 seconds")
        }
        assert [result.checked_at is None for result in results] == [False, True]
        assert (len(provider.asked), time.monotonic() - started < 1) == (1, True)

    def test_who_still_asks_for_patience_after_a_wait_is_left_alone(self, provider):
        provider.on(HOST, Reply(429))
        assert one(provider).detail == "the provider asks for fewer calls"
        assert len(provider.asked) == 2

    def test_hosts_are_asked_one_call_at_a_time_and_at_a_pace(self, provider):
        at = []

        def reply(handler):
            at.append(time.monotonic())
            Reply(200).write(handler)

        candidates = [candidate(secret=f"tok_number_{number}") for number in range(4)]
        pace = Pace(between=0.1, timeouts=PACE.timeouts)
        check(candidates, network=provider.on(HOST, reply).network, pace=pace)
        assert all(later - earlier >= 0.09 for earlier, later in pairwise(at))
        assert len(at) == 4

    def test_hosts_do_not_wait_for_each_other(self, provider):
        both = threading.Barrier(2, timeout=5)

        def reply(handler):
            both.wait()
            Reply(200).write(handler)

        provider.on(HOST, reply).on(OTHER, reply)
        other = rule(request={**GET, "url": f"https://{OTHER}/"})
        assert [result.status for result in ask(provider, candidate(), candidate(other))] == ["live", "live"]

    def test_everything_ends_with_the_budget(self, provider):
        provider.on(HOST, lambda _: provider.released.wait(10))
        pace = Pace(between=0.0, total=0.3, timeouts=Timeouts(5, 5, 5))
        started = time.monotonic()
        results = check([candidate(), candidate(secret="tok_2")], network=provider.network, pace=pace)
        assert time.monotonic() - started < 2
        assert {(result.status, result.detail) for result in results} == {("unknown", "there was no time left to ask")}


class TestBadLuck:
    def hang(self, handler):
        handler.server.provider.released.wait(5)

    def trickle(self, handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not handler.server.provider.released.wait(0.02):
            handler.wfile.write(b"x")

    def test_silence(self, provider):
        assert one(provider.on(HOST, self.hang)).detail == "no answer in time"

    def test_a_trickle(self, provider):
        assert one(provider.on(HOST, self.trickle)).detail == "no answer in time"

    @pytest.mark.parametrize(
        "raw",
        [b"", b"SSH-2.0-x\r\n\r\n", b"\0" * 100, b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000],
    )
    def test_garbage(self, provider, raw):
        result = one(provider.on(HOST, lambda handler: handler.wfile.write(raw)))
        assert (result.status, result.detail) == ("unknown", "the connection broke off, or what came is not HTTP")

    def test_half_an_answer(self, provider):
        raw = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"'
        assert one(provider.on(HOST, lambda handler: handler.wfile.write(raw))).status == "unknown"

    def test_too_much_is_not_read_and_the_status_counts(self, provider):
        provider.on(HOST, Reply(200, b"x" * 3_000_000))
        assert one(provider).status == "live"
        assert one(provider, candidate(rule(live=[], fields=FIELDS))).detail.endswith("with more than can be looked at")

    @pytest.mark.parametrize("target", [f"https://{OTHER}/", "/elsewhere", "http://169.254.169.254/"])
    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_redirects_are_not_followed(self, provider, target, status):
        provider.on(HOST, Reply(status, headers={"Location": target})).on(OTHER, Reply(200))
        result = one(provider)
        assert result.detail == f"it answered {status} and sends us elsewhere, where no secret is taken"
        assert len(provider.asked) == 1

    def test_a_certificate_that_nobody_vouches_for(self, provider):
        strangers = Network(None, provider.resolve, lambda _: True)
        assert one(provider, network=strangers).detail.startswith("not trusted: ")
        assert provider.asked == []

    def test_a_certificate_for_another_name(self, provider):
        wrong = rule(request={**GET, "url": "https://api.example.org/"})
        assert one(provider, candidate(wrong)).detail.startswith("not trusted: ")
        assert provider.asked == []

    def test_nobody_there(self, provider):
        nowhere = Network(None, lambda *_: [Endpoint("127.0.0.1", 1)], lambda _: True)
        assert one(provider, network=nowhere).detail == "connection refused"

    def test_a_name_that_leads_nowhere(self, provider):
        gone = rule(request={**GET, "url": "https://api.example.invalid/"})
        assert one(provider, candidate(gone), network=Network()).detail == "the name of the host does not resolve"

    def test_another_address_of_the_same_name_helps(self, provider):
        both = lambda *_: [Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", provider.port)]  # noqa: E731
        network = Network(provider.network.ca_file, both, lambda _: True)
        assert one(provider.on(HOST, Reply(200)), network=network).status == "live"

    def test_a_host_that_does_not_answer_is_left_alone(self, provider):
        provider.on(HOST, self.hang)
        results = ask(provider, *(candidate(secret=f"tok_number_{number}") for number in range(5)))
        assert [result.detail for result in results] == ["no answer in time"] * 5
        assert len(provider.asked) == 2


class TestWhereWeMayCall:
    ADDRESSES = (
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - connecting to it reaches this machine
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
    )

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_addresses_that_are_not_public_are_refused(self, provider, address):
        network = Network(provider.network.ca_file, lambda *_: [Endpoint(address, provider.port)])
        result = one(provider, network=network)
        assert (result.status, result.detail) == (
            "unknown",
            "its name stands for an address that is not public; not called",
        )
        assert provider.connections == 0

    def test_one_bad_address_among_good_ones_is_enough(self, provider):
        places = [Endpoint("93.184.216.34", 443), Endpoint("10.0.0.1", 443)]
        assert "not public" in one(provider, network=Network(None, lambda *_: places)).detail

    def test_the_name_is_asked_for_once_and_that_address_is_called(self, provider):
        asked = []

        def resolve(host, port):
            asked.append((host, port))
            return [Endpoint("127.0.0.1", provider.port if len(asked) == 1 else 1)]

        network = Network(provider.network.ca_file, resolve, lambda _: True)
        assert one(provider.on(HOST, Reply(200)), network=network).status == "live"
        assert asked == [(HOST, 443)]

    def test_hosts_out_of_the_image_are_not_called_unless_that_is_asked_for(self, provider):
        provider.on("acme.example.com", Reply(200))
        asked = candidate(rule(request=IN_HOST), site="acme")
        result = one(provider, asked)
        assert (result.status, provider.connections) == ("unknown", 0)
        assert "--verify-hosts" in result.detail
        assert one(provider, asked, hosts=True).status == "live"

    @pytest.mark.parametrize(("base", "path"), [("/", "/me"), ("/a/b/", "/a/b/me"), ("/a?b#c/", "/a%3Fb%23c/me")])
    def test_a_path_out_of_the_image_keeps_its_slashes_and_is_no_more_than_a_path(self, provider, base, path):
        request = {**GET, "url": f"https://{HOST}/{{path:base}}me"}
        assert one(provider.on(HOST, Reply(200)), candidate(rule(request=request), base=base)).status == "live"
        assert provider.asked[0].path == path

    def test_where_no_host_stands_beside_it_nothing_is_called(self, provider):
        result = one(provider, candidate(rule(request={**GET, "url": "https://{site}/me"})), hosts=True)
        assert (result.status, result.detail, provider.connections) == ("unknown", "no host stands beside it", 0)

    def test_a_url_out_of_the_image_is_called_as_it_stands_there(self, provider):
        hook = f"https://{HOST}/hooks/{TOKEN}?x=1"
        provider.on(HOST, Reply(200))
        assert "--verify-hosts" in one(provider, candidate(rule(request=WHOLE), hook)).detail
        assert one(provider, candidate(rule(request=WHOLE), hook), hosts=True).status == "live"
        assert provider.asked[0].path == f"/hooks/{TOKEN}?x=1"

    @pytest.mark.parametrize(
        "site",
        ["evil.net/", "evil.net#", "evil.net?", "a@evil.net", "a:80@b", "evil.net\\", "", "-", "a b", "[::1]", "a%2f"],
    )
    def test_a_part_cannot_take_the_host_over(self, provider, site):
        result = one(provider, candidate(rule(request=IN_HOST), site=site), hosts=True)
        assert (result.status, provider.connections) == ("unknown", 0)

    @pytest.mark.parametrize(
        "url",
        [
            "http://api.example.com/",
            "https://u:p@api.example.com/",
            "https://localhost/",
            "https://2130706433/",
            "//x",
            "x",
            "https://[",
            "https://a\u2100.example.com/",
            "https://api.example.com:0/",
            "https://api.example.com:65536/",
            "https://api.example.com/a/../../b",
        ],
    )
    def test_urls_that_are_not_proper_are_not_called(self, provider, url):
        result = one(provider, candidate(rule(request=WHOLE), url), hosts=True)
        assert (result.status, provider.connections) == ("unknown", 0)


class TestProxies:
    @pytest.fixture
    def proxy(self, provider, monkeypatch):
        with proxy_to(f"127.0.0.1:{provider.port}") as (host, asked):
            monkeypatch.setenv("HTTPS_PROXY", f"http://me:word@{host}")
            yield asked

    def test_the_proxy_of_the_environment_is_asked_for_the_name(self, provider, proxy):
        nowhere = Network(provider.network.ca_file, lambda *_: [], lambda _: False)
        assert one(provider.on(HOST, Reply(200)), network=nowhere).status == "live"
        assert proxy == [(f"{HOST}:443", f"Basic {base64.b64encode(b'me:word').decode()}")]

    def test_for_a_host_out_of_the_image_it_is_asked_for_the_address_that_was_checked(self, provider, proxy):
        asked = candidate(rule(request=IN_HOST), site="acme")
        places = [Endpoint("93.184.216.34", 443)]
        public = Network(provider.network.ca_file, lambda *_: places)
        assert one(provider.on("acme.example.com", Reply(200)), asked, hosts=True, network=public).status == "live"
        assert proxy[0][0] == "93.184.216.34:443"
        inside = Network(provider.network.ca_file, lambda *_: [Endpoint("10.0.0.1", 443)])
        assert "not public" in one(provider, asked, hosts=True, network=inside).detail
        assert len(proxy) == 1

    def test_a_proxy_that_is_none_is_an_error_of_usage(self, provider, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", "ftp://nowhere")
        with pytest.raises(UsageError, match="proxy"):
            ask(provider)


def test_a_certificate_file_that_is_none_is_an_error_of_usage(tmp_path):
    (tmp_path / "ca.pem").write_text("no")
    with pytest.raises(UsageError, match="certificate"):
        check([candidate()], network=Network(tmp_path / "ca.pem"))


def test_secrets_are_in_no_repr(provider):
    asked = candidate()
    call = call_for(asked.rule.verify.request, asked.values, datetime.now(UTC))
    assert TOKEN not in repr((asked, call))

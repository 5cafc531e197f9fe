"""The checks and revocations of the packaged rules, as far as they can be held to something without their providers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from imgscan.match.detector import Detector
from imgscan.model.values import Where
from imgscan.rules.load import RuleSet, load
from imgscan.rules.sample import expand
from imgscan.rules.schema import Request, Verify
from imgscan.scan.check import check
from imgscan.verify.check import ASKING, call_for
from imgscan.verify.template import flaws, names_host

RULES = load().rules
VERIFIED = [rule for rule in RULES if rule.verify]
REVOKED = [rule for rule in RULES if rule.revoke]
REQUESTS = [(rule, f"{kind} {rule.id}") for rule in RULES for kind in ("verify", "revoke") if getattr(rule, kind)]
NOW = datetime(2026, 1, 1, tzinfo=UTC)

NAMED_BY_IMAGES = {"docker-config-auth-registry", "npm-access-token", "npmrc-auth-token"}
"""The rules whose host comes out of the image; all others call the host of their provider."""


def test_at_least_300_rules_can_be_verified():
    assert len(VERIFIED) >= 300


@pytest.mark.parametrize(("rule", "name"), REQUESTS, ids=[name for _, name in REQUESTS])
def test_requests_are_sound_and_the_calls_for_all_examples_can_be_made(rule, name):
    request = getattr(rule, name.partition(" ")[0]).request
    assert flaws(request) == []
    calls = 0
    for match in found_in_examples(rule):
        values = values_of(match)
        if values.get("id", b"").startswith(b"ASIA"):
            continue  # temporary keys of AWS cannot be asked about
        if rule.id in NAMED_BY_IMAGES and "registry" not in values:
            continue  # a token alone names no host
        call = call_for(request, values, NOW)
        calls += 1
        assert call.named_by_image or call.host == urlsplit(request.url).hostname
        assert not re.search(r"\{[a-z_]+\}", call.target + repr(call.headers) + call.body.decode())
        assert request.secret_in_url or match.secret.value.decode() not in call.target
    assert calls


def found_in_examples(rule):
    detector = Detector(RuleSet.of([rule]), use_cache=False)
    return [match for text in rule.examples for match in detector.text(expand(text).encode(), Where.FILE, "x")[0]]


@pytest.mark.parametrize("rule", VERIFIED, ids=lambda rule: rule.id)
def test_a_check_only_asks_and_can_come_to_a_result(rule):
    verify = rule.verify
    assert verify.request.method in ASKING
    assert names_host(verify.request) == (rule.id in NAMED_BY_IMAGES)
    assert verify.live or any(field.means == "live" for field in verify.fields)
    assert not {*verify.live} & {*verify.dead}
    assert {429, 500, 502, 503}.isdisjoint((*verify.live, *verify.dead))
    assert 401 not in verify.live
    assert 200 not in verify.dead


def test_a_login_of_docker_hub_is_asked_about_at_its_host_of_tokens():
    rule, match = one_example("docker-config-auth-hub")
    call = call_for(rule.verify.request, values_of(match), NOW)
    assert (call.host, call.named_by_image) == ("auth.docker.io", False)
    assert dict(call.headers)["Authorization"] == f"Basic {match.secret.value.decode()}"


def test_a_login_of_another_registry_is_asked_about_at_the_host_that_its_entry_names():
    rule, match = one_example("docker-config-auth-registry")
    call = call_for(rule.verify.request, values_of(match), NOW)
    assert (call.host, call.port, call.target, call.named_by_image) == ("registry.acme.example", 5000, "/v2/", True)


NPM = {
    "npm-access-token": ("npm.acme.example", 8443, "/api/npm/team/"),
    "npmrc-auth-token": ("npm.pkg.acme.example", 443, "/api/npm/team/"),
}


@pytest.mark.parametrize("rule_id", NPM)
def test_a_token_of_npm_is_asked_about_and_ended_at_the_registry_that_its_line_names(rule_id):
    rule, match = one_example(rule_id)
    host, port, path = NPM[rule_id]
    token = match.secret.value.decode()
    asked, ended = (call_for(table.request, values_of(match), NOW) for table in (rule.verify, rule.revoke))
    assert {(call.host, call.port, call.named_by_image) for call in (asked, ended)} == {(host, port, True)}
    assert (asked.method, asked.target) == ("GET", f"{path}-/whoami")
    assert (ended.method, ended.target) == ("DELETE", f"{path}-/user/token/{token}")
    assert {dict(call.headers)["Authorization"] for call in (asked, ended)} == {f"Bearer {token}"}


def one_example(rule_id):
    rule = next(rule for rule in VERIFIED if rule.id == rule_id)
    return rule, found_in_examples(rule)[-1]


def values_of(match):
    return {name: part.value for name, part in (*match.parts, ("secret", match.secret))}


@pytest.mark.parametrize("rule", REVOKED, ids=lambda rule: rule.id)
def test_a_revocation_says_when_it_is_done(rule):
    revoke = rule.revoke
    assert revoke.done or any(field.means == "dead" for field in revoke.fields)
    assert not {*revoke.done} & {*revoke.gone}
    assert names_host(revoke.request) == (rule.id in NAMED_BY_IMAGES)


def test_the_secret_stands_in_a_url_only_where_the_rule_admits_it():
    requests = [(rule.id, table.request) for rule in RULES for table in (rule.verify, rule.revoke) if table]
    admitted = {name for name, request in requests if request.secret_in_url}
    assert admitted == {name for name, request in requests if "{secret}" in request.url}
    assert len(admitted) < len(VERIFIED) / 20


@pytest.mark.parametrize("url", ["http://api.example.com/", "https://api.example.com/?key={secret}"])
def test_a_request_that_is_not_sound_breaks_the_promise_of_a_rule(url):
    rule = VERIFIED[0]
    problems = check(RuleSet.of([replace(rule, verify=Verify(Request("GET", url), live=(200,)))]))
    assert ["the request cannot be made: its URL" in problem.message for problem in problems] == [True]

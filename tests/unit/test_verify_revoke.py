"""``imgscan revoke``: what it says, what it asks, what it sends, and that it sends nothing else."""

from __future__ import annotations

import json

import pytest

from imgscan.net import addresses
from imgscan.rules.sample import expand
from tests.support.certificate import self_signed
from tests.support.commands import imgscan
from tests.support.fake_provider import FakeProvider, Reply

GITHUB = expand("ghp_{base62:30}{crc32}", "revoke")
SLACK = expand("xoxb-{digits:12}-{digits:13}-{base62:24}", "revoke")
GITLAB = expand("glpat-{base62:20}", "revoke")
STRIPE = expand("sk_live_{base62:24}", "revoke")
REGISTRY = "npm.acme.example"
NPM = expand("npm_{base62:30}{crc32}", "revoke")
NPMRC = f"//{REGISTRY}/team/:_authToken={NPM}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    names = ("api.github.com", "slack.com", "gitlab.com", "discord.com", REGISTRY)
    return self_signed(tmp_path_factory.mktemp("tls"), ",".join(f"DNS:{name}" for name in names))


@pytest.fixture
def provider(certificate, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with FakeProvider(certificate) as running:
        monkeypatch.setattr(addresses, "endpoints", running.resolve)
        monkeypatch.setattr(addresses, "is_public", lambda _: True)
        yield running


@pytest.fixture
def revoke(certificate):
    def run(secret, *flags):
        result = imgscan("revoke", "--ca-file", str(certificate.cert), *flags, standard_input=secret)
        assert secret.strip() not in result.output or not secret.strip()
        return result

    return run


def test_a_token_revokes_itself(provider, revoke):
    provider.on("api.github.com", Reply(202))
    result = revoke(f"{GITHUB}\n", "--yes")
    assert (result.exit_code, result.stdout) == (0, "revoked; what used it needs a new one now\n")
    (asked,) = provider.asked
    assert (asked.method, asked.path) == ("POST", "/credentials/revoke")
    assert json.loads(asked.body) == {"credentials": [GITHUB]}
    assert asked.headers["Content-Type"] == "application/json"


def test_a_secret_among_the_arguments_is_refused_and_not_repeated():
    result = imgscan("revoke", "--dry-run", GITHUB, standard_input="")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no place for a secret" in result.stderr
    assert GITHUB not in result.stderr


def test_what_will_be_done_is_said_without_the_secret(provider, revoke):
    result = revoke(GITHUB, "--dry-run")
    assert (result.exit_code, result.stdout, provider.connections) == (0, "nothing was sent\n", 0)
    assert "GitHub personal access token (classic) ghp_… (github-pat-classic)" in result.stderr
    assert "the call is POST https://api.github.com/credentials/revoke" in result.stderr


def test_the_words_around_a_secret_do_no_harm_and_tell_its_parts(provider, revoke):
    provider.on("discord.com", Reply(204))
    hook = expand("https://discord.com/api/webhooks/{digits:18}/{base62:68}", "revoke")
    assert revoke(f"HOOK={hook}", "--yes").exit_code == 0
    assert provider.asked[0].path == hook.removeprefix("https://discord.com")


@pytest.mark.parametrize(
    ("secret", "reply", "code", "told"),
    [
        (SLACK, Reply(200, {"ok": True, "revoked": True}), 0, "revoked; "),
        (SLACK, Reply(200, {"ok": False, "error": "token_revoked"}), 0, "had been of no use before"),
        (SLACK, Reply(200, {"ok": False, "error": "fatal"}), 3, "answered 200; not known to be revoked"),
        (GITLAB, Reply(204), 0, "revoked; "),
        (GITLAB, Reply(401), 3, "answered 401; not known to be revoked"),
        (GITLAB, Reply(500, b"<html>"), 3, "answered 500"),
        (GITLAB, Reply(429, headers={"Retry-After": "9"}), 3, "asks for fewer calls"),
        (GITLAB, Reply(302, headers={"Location": "https://slack.com/"}), 3, "answered 302"),
        (
            GITLAB,
            lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"),
            3,
            "gitlab.com: the connection",
        ),
    ],
)
def test_the_answer_decides(provider, revoke, secret, reply, code, told):
    provider.on("slack.com", reply).on("gitlab.com", reply)
    result = revoke(secret, "--yes")
    assert result.exit_code == code
    assert told in result.output
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("secret", "flags", "told"),
    [
        ("", ("--yes",), "there is no secret"),
        ("nothing like it", ("--yes",), "no rule recognises it"),
        (f"{GITHUB} {SLACK}", ("--yes",), "more than one secret"),
        (STRIPE, ("--yes",), "has no call by which it could revoke itself"),
        (GITHUB, (), "nobody can be asked"),
        (NPM, ("--yes",), "give the whole text that it was found in"),
        (GITHUB, ("--yes", "--offline"), "revoking is a call to the provider"),
        (GITHUB, ("--yes", "--rule", "github-pat-clasic"), "did you mean github-pat-classic"),
        ("x" * 100_000, ("--yes",), "larger than 64 KiB"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_sent(provider, revoke, secret, flags, told):
    result = revoke(secret, *flags)
    assert (result.exit_code, result.stdout, provider.connections) == (2, "", 0)
    assert told in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("reply", "code", "told"),
    [
        (Reply(200), 0, "revoked; "),
        (Reply(204), 0, "revoked; "),
        (Reply(200, {"ok": "Logged out"}), 3, "answered 200; not known to be revoked"),
        (Reply(401), 3, "answered 401; not known to be revoked"),
    ],
)
def test_a_token_beside_its_registry_is_ended_there_if_the_host_is_given_too(provider, revoke, reply, code, told):
    provider.on(REGISTRY, reply)
    result = revoke(NPMRC, "--yes", "--host", REGISTRY.upper())
    assert (result.exit_code, told in result.output) == (code, True)
    (asked,) = provider.asked
    assert (asked.method, asked.path) == ("DELETE", f"/team/-/user/token/{NPM}")
    assert asked.headers["Authorization"] == f"Bearer {NPM}"


@pytest.mark.parametrize(
    ("secret", "flags", "told"),
    [
        (NPMRC, (), f"--host {REGISTRY} allows to call it"),
        (NPMRC, ("--host", "npm.acme.test"), f"--host {REGISTRY} allows to call it"),
        (NPM, ("--host", REGISTRY), "no host stands beside it"),
    ],
)
def test_a_registry_that_only_a_text_names_is_not_called(provider, revoke, secret, flags, told):
    result = revoke(secret, "--yes", *flags)
    assert (result.exit_code, provider.connections) == (2, 0)
    assert told in " ".join(result.stderr.split())


def test_a_secret_that_does_not_show_what_it_is_may_be_told(provider, revoke):
    provider.on("gitlab.com", Reply(204))
    assert revoke("custom-prefix-abcdefgh", "--yes", "--rule", "gitlab-pat").exit_code == 0
    assert provider.asked[0].headers["PRIVATE-TOKEN"] == "custom-prefix-abcdefgh"


def test_addresses_inside_the_network_are_refused(provider, revoke, monkeypatch):
    monkeypatch.setattr(addresses, "is_public", lambda _: False)
    result = revoke(GITHUB, "--yes")
    assert (result.exit_code, provider.connections) == (3, 0)
    assert "not public" in result.stderr


RULES = """
[[rules]]
id = "github-pat-classic"
title = "x"
provider = "x"
severity = "low"
confidence = "high"
pattern = '(?P<secret>ghp_[0-9A-Za-z]{36})'
examples = []
[rules.revoke]
request = { method = "POST", url = "https://slack.com/", body = "x={secret}" }
done = [200]
"""


def test_rules_of_a_configuration_that_was_merely_found_get_no_secret(provider, revoke, tmp_path):
    (tmp_path / "own.toml").write_text(RULES)
    (tmp_path / "imgscan.toml").write_text('rules = ["own.toml"]')
    result = revoke(GITHUB, "--yes")
    assert (result.exit_code, provider.connections) == (2, 0)
    assert "merely found" in result.stderr
    provider.on("slack.com", Reply(200))
    assert revoke(GITHUB, "--yes", "--config", "imgscan.toml").exit_code == 0
    assert [asked.host for asked in provider.asked] == ["slack.com"]


class TestAsked:
    """On a terminal: without echo, and once more before anything is sent."""

    @pytest.fixture(autouse=True)
    def _terminal(self, monkeypatch):
        monkeypatch.setattr("imgscan.cli.revoke.is_watched", lambda: True)

    def test_yes_is_yes(self, provider, revoke):
        provider.on("api.github.com", Reply(202))
        assert revoke(f"{GITHUB}\ny\n").exit_code == 0
        assert len(provider.asked) == 1

    @pytest.mark.parametrize("answer", ["n\n", "\n", ""])
    def test_anything_else_is_no(self, provider, revoke, answer):
        result = revoke(f"{GITHUB}\n{answer}")
        assert (result.exit_code, provider.connections) == (1, 0)
        assert "This cannot be undone" in result.output

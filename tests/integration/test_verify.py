"""``--verify`` over the whole line: what is asked, what is told, and that nothing is sent where nobody asked for it."""

from __future__ import annotations

import json
import threading

import pytest

from imgscan.net import addresses
from imgscan.rules.sample import expand
from tests.support.certificate import self_signed
from tests.support.commands import imgscan
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.images import ImageBuilder, docker_25, tar_of

GITHUB = expand("ghp_{base62:30}{crc32}", "verify")
STRIPE = expand("sk_live_{base62:24}", "verify")
AWS_ID, AWS_SECRET = expand("AKIAQ{base32:15}", "verify"), expand("{base64:39}7", "verify")
WEBHOOK = expand("https://hooks.slack.com/services/T{upper:8}/B{upper:10}/{base62:24}", "verify")
SECRETS = (GITHUB, STRIPE, AWS_SECRET, WEBHOOK)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    names = ("api.github.com", "api.stripe.com", "sts.amazonaws.com")
    return self_signed(tmp_path_factory.mktemp("tls"), ",".join(f"DNS:{name}" for name in names))


@pytest.fixture
def provider(certificate, monkeypatch):
    identity = {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ci", "UserId": "x"}
    with FakeProvider(certificate) as running:
        monkeypatch.setattr(addresses, "endpoints", running.resolve)
        monkeypatch.setattr(addresses, "is_public", lambda _: True)
        running.on("api.github.com", Reply(200, {"login": "ann"}, {"X-OAuth-Scopes": "repo"}))
        running.on("api.stripe.com", Reply(401, {"error": {}}))
        wrapped = {"GetCallerIdentityResponse": {"GetCallerIdentityResult": identity}}
        yield running.on("sts.amazonaws.com", Reply(200, wrapped))


@pytest.fixture
def image(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    built = ImageBuilder("acme/app:1").configure(Env=[f"GITHUB_TOKEN={GITHUB}"])
    pair = f"aws_access_key_id={AWS_ID}\naws_secret_access_key={AWS_SECRET}\n"
    files = {
        "app/.env": f"TOKEN={GITHUB}\nSTRIPE={STRIPE}\nHOOK={WEBHOOK}\n".encode(),
        "root/.aws/credentials": f"[default]\n{pair}".encode(),
    }
    built.layer(files, created_by="COPY . / # buildkit").step(f"ENV GITHUB_TOKEN={GITHUB}")
    path = tmp_path / "image.tar"
    path.write_bytes(tar_of(docker_25(built)))
    return str(path)


@pytest.fixture
def scan(image, certificate):
    def run(*flags, **variables):
        result = imgscan("--ca-file", str(certificate.cert), *flags, image, **variables)
        assert not [secret for secret in SECRETS if secret in result.output]
        return result

    return run


def verifications(result):
    (image,) = json.loads(result.stdout)["images"]
    return {finding["rule"]["id"]: finding["verification"] for finding in image["findings"]}


def test_every_state_is_told_and_each_secret_was_sent_once(provider, scan):
    result = scan("--verify", "--format", "json")
    assert result.exit_code == 1
    told = {name: (found["status"], found["detail"]) for name, found in verifications(result).items()}
    assert told == {
        "github-pat-classic": ("live", "account ann; scopes repo"),
        "stripe-live-secret-key": ("dead", None),
        "aws-access-key-pair": ("live", "account 123456789012; arn arn:aws:iam::123456789012:user/ci"),
        "slack-webhook-url": ("unsupported", None),
    }
    assert sorted(asked.host for asked in provider.asked) == ["api.github.com", "api.stripe.com", "sts.amazonaws.com"]
    assert all(AWS_SECRET not in repr(asked) for asked in provider.asked)


def test_the_text_says_live_and_dead_and_severities_stay(provider, scan):
    text = scan("--verify").stdout
    assert "live (account ann; scopes repo)" in text
    assert "; dead" in text
    severities = [[line for line in shown.splitlines() if " CRITICAL " in line] for shown in (text, scan().stdout)]
    assert severities[0] == severities[1] != []


def test_why_something_is_unknown_is_told_and_does_not_stop_the_rest(provider, scan):
    provider.on("api.github.com", Reply(429, headers={"Retry-After": "3600"}))
    found = verifications(scan("--verify", "--format", "json"))
    assert found["github-pat-classic"]["status"] == "unknown"
    assert found["github-pat-classic"]["detail"] == "the provider asks for fewer calls, to ask again in 3600 seconds"
    assert found["stripe-live-secret-key"]["status"] == "dead"
    assert "unknown whether live (the provider asks for fewer calls" in scan("--verify").stdout


@pytest.mark.parametrize("flags", [(), ("--offline",), ("--verify", "--offline"), ("--verify-hosts", "--offline")])
def test_nothing_is_sent_unless_it_was_asked_for_and_never_offline(provider, scan, flags):
    found = verifications(scan(*flags, "--format", "json"))
    assert {verification["status"] for verification in found.values()} == {"not_attempted"}
    assert (provider.connections, provider.asked) == (0, [])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("imgscan-verify")]


def test_a_variable_and_a_named_file_ask_for_it_too(provider, scan, tmp_path):
    assert verifications(scan("--format", "json", IMGSCAN_VERIFY="1"))["github-pat-classic"]["status"] == "live"
    (tmp_path / "own.toml").write_text("verify = true")
    named = scan("--config", "own.toml", "--format", "json")
    assert verifications(named)["github-pat-classic"]["status"] == "live"


@pytest.mark.parametrize("text", ["verify = true", "verify-hosts = true"])
def test_a_file_that_was_merely_found_cannot_ask_for_it(provider, scan, tmp_path, text):
    (tmp_path / "imgscan.toml").write_text(text)
    assert scan().exit_code == 2
    assert provider.connections == 0


def test_a_file_that_was_merely_found_cannot_say_where_secrets_go(provider, scan, tmp_path):
    (tmp_path / "own.toml").write_text("rules = []")
    (tmp_path / "imgscan.toml").write_text('rules = ["own.toml"]')
    result = scan("--verify")
    assert (result.exit_code, provider.connections) == (2, 0)
    assert "merely found" in result.stderr


def test_without_trust_nothing_is_told_to_the_provider(provider, image):
    found = verifications(imgscan("--verify", "--format", "json", image))
    assert found["github-pat-classic"]["detail"].startswith("not trusted: ")
    assert provider.asked == []

"""Credential files and helpers: which one wins, what is passed over, and that nothing of them is ever shown."""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from imgscan.errors import UsageError
from imgscan.sources import credentials
from imgscan.sources.base import Access
from imgscan.sources.credentials import Credentials, find

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = secrets.token_urlsafe(16)
HOST = "registry.example:5000"


class Machine:
    """A home with credential files and helper programs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {"HOME": str(home), "PATH": str(home / "bin"), "XDG_RUNTIME_DIR": str(home / "run")}
        (home / "bin").mkdir()

    def write(self, path: str, document: Any) -> Path:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
        return file

    def helper(self, name: str, script: str) -> None:
        program = self.home / "bin" / f"docker-credential-{name}"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def find(
        self, registry: str = HOST, repository: str = "team/app", access: Access | None = None
    ) -> Credentials | None:
        found, self.notices = find(registry, repository, access or Access(), self.environ)
        return found

    def user(self, registry: str = HOST, repository: str = "team/app") -> str | None:
        found = self.find(registry, repository)
        return found.username if found else None


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def entry(user: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()}


def test_there_are_none_where_nothing_is_configured(machine):
    assert machine.find() is None
    assert machine.notices == ()


def test_options_win_over_every_file(machine):
    machine.write(".docker/config.json", {"auths": {HOST: entry("file")}})
    found = machine.find(access=Access(username="me", password=PASSWORD))
    assert (found.username, found.password) == ("me", PASSWORD)


def test_a_password_without_a_user_is_an_error_that_does_not_repeat_it(machine):
    with pytest.raises(UsageError) as caught:
        machine.find(access=Access(password=PASSWORD))
    assert PASSWORD not in str(caught.value)


FILES = ("run/containers/auth.json", ".config/containers/auth.json", ".docker/config.json")


@pytest.mark.parametrize("first", range(len(FILES)))
def test_files_are_asked_in_order_and_the_first_with_an_entry_wins(machine, first):
    for path in FILES[:first]:
        machine.write(path, {"auths": {"elsewhere.example": entry("wrong")}})
    for number, path in enumerate(FILES[first:], first):
        machine.write(path, {"auths": {HOST: entry(f"user{number}")}})
    assert machine.user() == f"user{first}"
    assert machine.find().password == PASSWORD


def test_variables_say_where_the_files_are(machine):
    machine.write("auth/mine.json", {"auths": {HOST: entry("auth file")}})
    machine.write("docker/config.json", {"auths": {HOST: entry("docker file")}})
    machine.write("xdg/containers/auth.json", {"auths": {HOST: entry("xdg file")}})
    machine.environ["DOCKER_CONFIG"] = str(machine.home / "docker")
    assert machine.user() == "docker file"
    machine.environ["XDG_CONFIG_HOME"] = str(machine.home / "xdg")
    assert machine.user() == "xdg file"
    machine.environ["REGISTRY_AUTH_FILE"] = str(machine.home / "auth/mine.json")
    assert machine.user() == "auth file"


def test_the_longest_key_that_fits_the_repository_wins(machine):
    keys = {HOST: "host", f"{HOST}/team": "team", f"{HOST}/team/app": "app", f"{HOST}/tea": "tea"}
    machine.write("run/containers/auth.json", {"auths": {key: entry(user) for key, user in keys.items()}})
    assert machine.user(repository="team/app") == "app"
    assert machine.user(repository="team/other/deep") == "team"
    assert machine.user(repository="tea-room/app") == "host"


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"])
def test_docker_hub_is_found_under_every_name_it_has(machine, key):
    machine.write(".docker/config.json", {"auths": {key: entry("hub")}})
    assert machine.user("docker.io", "library/alpine") == "hub"


@pytest.mark.parametrize("key", [f"https://{HOST}", f"https://{HOST}/v2/", f"http://{HOST}/v1/", f"{HOST}/"])
def test_keys_may_be_urls(machine, key):
    machine.write(".docker/config.json", {"auths": {key: entry("url")}})
    assert machine.user() == "url"


def test_another_port_is_another_registry(machine):
    machine.write(".docker/config.json", {"auths": {"registry.example": entry("other")}})
    assert machine.user("registry.example:5000") is None


def test_tokens_and_plain_fields_of_an_entry_are_understood(machine):
    machine.write(
        ".docker/config.json",
        {
            "auths": {
                "identity.example": {**entry("x"), "identitytoken": "refresh"},
                "registry.example": {"registrytoken": "bearer"},
                "plain.example": {"username": "u", "password": "p"},
                "empty.example": {},
                "null.example": None,
            }
        },
    )
    assert machine.find("identity.example").secrets() == (PASSWORD, "refresh")
    assert machine.find("registry.example").secrets() == ("bearer",)
    assert machine.find("plain.example").secrets() == ("p",)
    assert machine.find("empty.example") is None
    assert machine.find("null.example") is None
    assert machine.notices == ()


def answering(user: str) -> str:
    return f"""printf '{{"ServerURL":"%s","Username":"{user}","Secret":"{PASSWORD}"}}' "$(/bin/cat)" """


def test_a_helper_for_the_registry_wins_over_the_store_and_that_over_entries(machine):
    machine.helper("one", answering("one"))
    machine.helper("store", answering("store"))
    content = {"auths": {HOST: entry("entry")}, "credsStore": "store", "credHelpers": {HOST: "one"}}
    machine.write(".docker/config.json", content)
    assert machine.user() == "one"
    machine.write(".docker/config.json", {**content, "credHelpers": {"elsewhere.example": "one"}})
    assert machine.user() == "store"
    machine.write(".docker/config.json", {**content, "credsStore": None, "credHelpers": None})
    assert machine.user() == "entry"


@pytest.mark.parametrize(
    ("registry", "server"), [(HOST, HOST), ("docker.io", "https://index.docker.io/v1/"), ("[::1]:5000", "[::1]:5000")]
)
def test_a_helper_is_asked_for_the_host_with_its_port(machine, registry, server):
    machine.helper("store", f'printf "%s %s" "$1" "$(/bin/cat)" > {machine.home}/asked; {answering("me")}')
    machine.write(".docker/config.json", {"credsStore": "store"})
    assert machine.user(registry) == "me"
    assert (machine.home / "asked").read_text() == f"get {server}"


def test_a_helper_may_give_an_identity_token(machine):
    machine.helper("store", answering("<token>"))
    machine.write(".docker/config.json", {"credsStore": "store"})
    found = machine.find()
    assert (found.username, found.identity_token) == ("", PASSWORD)


def test_a_helper_that_has_none_is_no_failure_and_the_search_goes_on(machine):
    machine.helper("store", "echo 'credentials not found in native keychain'; exit 1")
    machine.write("run/containers/auth.json", {"credsStore": "store"})
    machine.write(".docker/config.json", {"auths": {HOST: entry("next")}})
    assert machine.user() == "next"
    assert machine.notices == ()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (f"echo {PASSWORD}; echo {PASSWORD} >&2; exit 7", "failed with exit code 7"),
        (f"echo {PASSWORD}", "gave an answer that is not readable"),
        ("exec /bin/sleep 30", "gave no answer in 0.2 seconds"),
    ],
)
def test_a_failing_helper_is_a_notice_without_its_words(machine, monkeypatch, script, said):
    monkeypatch.setattr(credentials, "HELPER_SECONDS", 0.2)
    machine.helper("store", script)
    machine.write(".docker/config.json", {"credsStore": "store", "auths": {HOST: entry("entry")}})
    assert machine.user() == "entry"
    (notice,) = machine.notices
    assert (notice.code, notice.where, notice.message) == ("credentials-unusable", "docker-credential-store", said)


def test_a_helper_that_is_not_installed_is_a_notice(machine):
    machine.write(".docker/config.json", {"credsStore": "desktop"})
    assert machine.find() is None
    assert [notice.message for notice in machine.notices] == ["is not installed"]


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "-x", "x;touch y", "x" * 65, "a\nb"])
def test_a_helper_is_a_program_name_and_nothing_else(machine, name):
    machine.helper("b", f"touch {machine.home}/ran")
    machine.write(".docker/config.json", {"credHelpers": {HOST: name}})
    assert machine.find() is None
    assert [notice.message for notice in machine.notices] == ["has a name that is no program name"]
    assert not (machine.home / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"not json",
        b'{"auths": 5}',
        b'{"auths": {"' + HOST.encode() + b'": {"auth": "' + PASSWORD.encode() + b'!"}}}',
        b"[" * 100_000,
        b'{"auths": {}, "x": "' + b"y" * (credentials.MAX_FILE_BYTES) + b'"}',
        b'{"auths": {"\xff": {}}}',
    ],
)
def test_a_file_that_cannot_be_used_is_a_notice_and_the_next_one_is_asked(machine, content):
    path = machine.write("run/containers/auth.json", content)
    machine.write(".docker/config.json", {"auths": {HOST: entry("next")}})
    assert machine.user() == "next"
    (notice,) = machine.notices
    assert notice.where == str(path)
    assert PASSWORD not in notice.message


def test_a_directory_in_place_of_a_file_is_a_notice(machine):
    (machine.home / ".docker/config.json").mkdir(parents=True)
    assert machine.find() is None
    assert len(machine.notices) == 1


def test_no_repr_shows_a_secret():
    shown = repr(Credentials("here", "user", PASSWORD, "identity-secret", "token-secret"))
    assert not any(part in shown for part in (PASSWORD, "identity-secret", "token-secret", "user"))


def test_a_user_that_was_given_for_one_registry_is_not_for_another(machine):
    machine.write(".docker/config.json", {"auths": {"other.example": entry("filed")}})
    given = Access(registry=HOST, username="given", password=PASSWORD)
    assert machine.find(HOST, access=given) == Credentials("the options", "given", PASSWORD)
    other = machine.find("other.example", access=given)
    assert other is not None
    assert other.username == "filed"
    assert machine.find("third.example", access=given) is None

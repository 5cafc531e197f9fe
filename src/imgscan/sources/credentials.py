"""Who we are to a registry: credential files of Docker, podman and skopeo, and credential helpers.

Only looks things up on this machine. Knows nothing of HTTP, and does not decide where a credential may be sent.

Order: explicit user and password, then the containers files (``$REGISTRY_AUTH_FILE`` alone if it is set), then Docker's
``config.json``. Within a file ``credHelpers`` wins over ``credsStore`` over ``auths``, and a longer key (``host/team``)
over a shorter one (``host``). A file or helper that cannot be used is a notice, and the search goes on.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from imgscan.errors import UsageError
from imgscan.model.values import Notice
from imgscan.sources.base import Access
from imgscan.streams.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_FILE_BYTES: Final = 1 * MIB
"""A credential file or the answer of a helper; real ones stay below some KiB."""

HELPER_SECONDS: Final = 30.0
"""A helper may ask a cloud service for a token, or a person to unlock a key ring."""

HELPER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NOT_FOUND: Final = b"credentials not found"
IDENTITY: Final = "<token>"
"""User name by which a helper says that the secret is an identity token."""

HUB: Final = "docker.io"
HUB_NAMES: Final = frozenset({HUB, "index.docker.io", "registry-1.docker.io"})
HUB_HELPER_KEY: Final = "https://index.docker.io/v1/"
"""The name under which Docker keeps the credentials of Docker Hub."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who we are to one registry; ``origin`` says where it was found. Its repr shows no secret.

    ``identity_token`` is exchanged for a token at the realm; ``registry_token`` is a bearer token ready for use.
    """

    origin: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    def secrets(self) -> tuple[str, ...]:
        """Every part that must never be shown."""
        return tuple(part for part in (self.password, self.identity_token, self.registry_token) if part)


class AuthEntry(msgspec.Struct, frozen=True):
    """One registry below ``auths``."""

    auth: str = ""
    username: str = ""
    password: str = ""
    identity_token: str = msgspec.field(default="", name="identitytoken")
    registry_token: str = msgspec.field(default="", name="registrytoken")


class AuthFile(msgspec.Struct, frozen=True, rename="camel"):
    """``config.json`` of Docker and ``auth.json`` of containers: one format."""

    auths: dict[str, AuthEntry | None] | None = None
    creds_store: str | None = None
    cred_helpers: dict[str, str] | None = None


class HelperAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    """What ``docker-credential-… get`` prints."""

    username: str = ""
    secret: str = ""


def find(
    registry: str, repository: str, access: Access, environ: Mapping[str, str] = os.environ
) -> tuple[Credentials | None, tuple[Notice, ...]]:
    """The credentials for a repository (``None``: anonymous), and what could not be used on the way to them.

    ``registry`` is a host with its port, if it has one. Raises ``UsageError`` for a password without a user name.
    """
    if access.registry not in (None, registry):
        access = Access()
    if access.username is not None:
        return Credentials("the options", access.username, access.password or ""), ()
    if access.password is not None:
        raise UsageError("a registry password was given without a user name")
    notices: list[Notice] = []
    keys = _keys(registry, repository)
    for path in _files(environ):
        found = _in_file(path, keys, environ, notices)
        if found is not None:
            return found, tuple(notices)
    return None, tuple(notices)


def _keys(registry: str, repository: str) -> list[str]:
    """``host/a/b``, ``host/a``, ``host``: what a file may call a repository, longest first."""
    parts = [HUB if registry in HUB_NAMES else registry, *repository.split("/")]
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environ.get("HOME") or "/")
    if chosen := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(chosen)
    else:
        runtime = environ.get("XDG_RUNTIME_DIR")
        yield Path(runtime, "containers/auth.json") if runtime else Path(f"/run/containers/{os.getuid()}/auth.json")
        yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "containers/auth.json")
    yield Path(environ.get("DOCKER_CONFIG") or home / ".docker", "config.json")


def _in_file(path: Path, keys: list[str], environ: Mapping[str, str], notices: list[Notice]) -> Credentials | None:
    content = _read(path, notices)
    if content is None:
        return None
    helpers = {_plain(key): name for key, name in (content.cred_helpers or {}).items()}
    named = [helpers[key] for key in keys if key in helpers][:1]
    for helper in [*named, *filter(None, [content.creds_store])]:
        found = _ask(helper, keys[-1], environ, notices)
        if found is not None:
            return found
    entries = {_plain(key): entry for key, entry in (content.auths or {}).items()}
    found_entries = (entries[key] for key in keys if entries.get(key))
    return next(filter(None, (_of_entry(entry, path, notices) for entry in found_entries if entry)), None)


def _read(path: Path, notices: list[Notice]) -> AuthFile | None:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        notices.append(_unusable(str(path), error.strerror or "cannot be read"))
        return None
    if len(data) > MAX_FILE_BYTES:
        notices.append(_unusable(str(path), f"has more than {MAX_FILE_BYTES} bytes"))
        return None
    try:
        return msgspec.json.decode(data, type=AuthFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # The error text is left out: it might quote the file.
        notices.append(_unusable(str(path), "is not a credential file"))
        return None


def _plain(key: str) -> str:
    """A key without scheme and API version: Docker writes ``https://index.docker.io/v1/`` and older ``https://host``."""
    bare = re.sub(r"(^https?://|(/v[12])?/*$)", "", key)
    host, slash, path = bare.partition("/")
    return (HUB if host in HUB_NAMES else host) + slash + path


def _of_entry(entry: AuthEntry, path: Path, notices: list[Notice]) -> Credentials | None:
    username, password = entry.username, entry.password
    if entry.auth:
        try:
            username, _, password = base64.b64decode(entry.auth, validate=True).decode().partition(":")
        except ValueError:
            notices.append(_unusable(str(path), "holds an entry that is not base64"))
            return None
    if not (username or entry.identity_token or entry.registry_token):
        return None  # an empty entry: the file only remembers that a helper was used
    return Credentials(str(path), username, password.rstrip("\0"), entry.identity_token, entry.registry_token)


def _ask(helper: str, registry: str, environ: Mapping[str, str], notices: list[Notice]) -> Credentials | None:
    """Run ``docker-credential-<helper> get``; neither its output nor its errors are ever shown."""
    if not HELPER_NAME.fullmatch(helper):
        notices.append(_unusable("credential helper", "has a name that is no program name"))
        return None
    name = f"docker-credential-{helper}"
    program = shutil.which(name, path=environ.get("PATH"))
    if program is None:
        notices.append(_unusable(name, "is not installed"))
        return None
    server = HUB_HELPER_KEY if registry == HUB else registry
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the name is checked, the program is the user's own choice
            [program, "get"],
            input=server.encode(),
            capture_output=True,
            timeout=HELPER_SECONDS,
            check=False,
            env=dict(environ),
        )
    except subprocess.TimeoutExpired:
        notices.append(_unusable(name, f"gave no answer in {HELPER_SECONDS:g} seconds"))
        return None
    except OSError:
        notices.append(_unusable(name, "cannot be run"))
        return None
    if done.returncode == 0:
        return _of_answer(done.stdout, name, notices)
    if NOT_FOUND not in done.stdout.lower() + done.stderr.lower():
        notices.append(_unusable(name, f"failed with exit code {done.returncode}"))
    return None


def _of_answer(output: bytes, name: str, notices: list[Notice]) -> Credentials | None:
    try:
        answer = msgspec.json.decode(output[:MAX_FILE_BYTES], type=HelperAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        notices.append(_unusable(name, "gave an answer that is not readable"))
        return None
    if not answer.secret:
        return None
    if answer.username == IDENTITY:
        return Credentials(name, identity_token=answer.secret)
    return Credentials(name, answer.username, answer.secret)


def _unusable(where: str, message: str) -> Notice:
    return Notice("credentials-unusable", where, message)

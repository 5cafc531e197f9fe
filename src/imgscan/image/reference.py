"""Names of images as people type them: registry, repository, tag and digest.

The rules are those of Docker, but for upper case before the first slash, which Docker takes for a host and we refuse.
Knows nothing of schemes, of where a registry's API answers, or of image ids, which only an engine can resolve.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from imgscan.errors import InvalidReferenceError
from imgscan.model.values import Digest

DEFAULT_REGISTRY: Final = "docker.io"
DEFAULT_TAG: Final = "latest"
OFFICIAL: Final = "library"
"""The namespace of names without a slash on the default registry."""

MAX_HOST: Final = 253
"""RFC 1035, without the final dot."""
MAX_PORT: Final = 65535
MAX_REPOSITORY: Final = 255
"""As Docker and the distribution registry limit it."""
MAX_TEXT: Final = 1024
"""Longer than any name that is valid: host, port, repository, tag and a sha512 digest."""
MAX_SHOWN: Final = 80
"""Characters of a refused name that an error repeats."""

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY: Final = re.compile(rf"{_PART}(?:/{_PART})*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_DIGEST_LIKE: Final = re.compile(r"sha[0-9]+:[^@]*")
_IMAGE_ID: Final = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A valid name, every part filled in. ``registry`` is ``host`` or ``host:port`` in lower case."""

    registry: str
    repository: str
    tag: str | None
    digest: Digest | None

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def familiar(self) -> str:
        """As Docker shows it: without the default registry and namespace. Parses back to the same reference."""
        for short in (self.repository.removeprefix(f"{OFFICIAL}/"), self.repository):
            if _split_registry(short) == (self.registry, self.repository):
                return short + self._version
        return str(self)

    @property
    def _version(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.name + self._version


def parse(text: str) -> Reference:
    """The image that ``text`` names.

    Raises:
        InvalidReferenceError: it names none. The error repeats nothing that stands before an ``@``, so no password.
    """
    if problem := _problem(text):
        raise _refuse(text, *problem)
    rest, at, digest = text.partition("@")
    path, tag = _split_tag(rest)
    registry, repository = _split_registry(path)
    if problem := _problem_of_name(registry, repository):
        raise _refuse(text, *problem)
    if tag is not None and not _TAG.fullmatch(tag):
        raise _refuse(text, "the tag is not valid", "a tag is up to 128 letters, digits, '_', '.' and '-'")
    if at and not _DIGEST.fullmatch(digest):
        raise _refuse(text, "what follows the '@' is not a digest", "a digest is sha256: and 64 lower-case hex digits")
    if tag is None and not at:
        tag = DEFAULT_TAG
    return Reference(registry, repository, tag, Digest(digest) if at else None)


def _split_tag(text: str) -> tuple[str, str | None]:
    """A colon after the last slash starts a tag; others belong to a port or an address."""
    head, colon, tail = text.rpartition(":")
    return (head, tail) if colon and "/" not in tail and "]" not in tail else (text, None)


def _split_registry(path: str) -> tuple[str, str]:
    """What stands before the first slash is a host if it cannot be a namespace."""
    first, slash, rest = path.partition("/")
    host = first.lower()
    if not slash or not (host == "localhost" or any(mark in host for mark in ".:[")):
        host, rest = DEFAULT_REGISTRY, path
    if host == f"index.{DEFAULT_REGISTRY}":  # the name that Docker's credential files keep
        host = DEFAULT_REGISTRY
    if host == DEFAULT_REGISTRY and "/" not in rest:
        rest = f"{OFFICIAL}/{rest}"
    return host, rest


def _problem(text: str) -> tuple[str, str] | None:
    """What is wrong with the text before it can be taken apart, and what to do."""
    if not text:
        return "the name of the image is empty", "give a name such as alpine:3.20"
    if len(text) > MAX_TEXT:
        return f"the name has more than {MAX_TEXT} characters", "give a name such as alpine:3.20"
    if not text.isascii() or not text.isprintable() or " " in text:
        return "the name has spaces, control characters or letters beyond ASCII", "look for characters that were pasted"
    if "://" in text:
        return "the name has a URL scheme", "leave out everything up to '://'"
    if _IMAGE_ID.fullmatch(text):
        return "an image id is not a name", "give a name with a tag, or name@sha256:…"
    return None


def _problem_of_name(registry: str, repository: str) -> tuple[str, str] | None:
    if not _is_registry(registry):
        return "the registry is not a host and port", "write it as host, host:port or [IPv6]:port"
    if len(repository) > MAX_REPOSITORY:
        return f"the repository has more than {MAX_REPOSITORY} characters", "look for a missing space"
    if repository != repository.lower():
        return "the repository has upper case letters", "write it in lower case; only tags may have upper case"
    if not _REPOSITORY.fullmatch(repository):
        hint = "its parts are lower-case letters and digits, with '.', '_', '__' or '-' between them"
        return "the repository is not valid", hint
    return None


def _is_registry(text: str) -> bool:
    host, bracket, port = text.partition("]") if text.startswith("[") else text.partition(":")
    if bracket == "]":
        return _is_ipv6(host[1:]) and (not port or (port[0] == ":" and _is_port(port[1:])))
    return len(host) <= MAX_HOST and bool(_HOST.fullmatch(host)) and (not bracket or _is_port(port))


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False


def _is_port(text: str) -> bool:
    return bool(_PORT.fullmatch(text)) and int(text) <= MAX_PORT


def _refuse(text: str, message: str, hint: str) -> InvalidReferenceError:
    return InvalidReferenceError(message, where=_shown(text), hint=hint)


def _shown(text: str) -> str | None:
    """What may be repeated of a refused name: before an ``@`` that starts no digest, people put passwords."""
    _, at, tail = text.partition("@")
    safe = f"…@{tail.rpartition('@')[2]}" if at and not _DIGEST_LIKE.fullmatch(tail) else text
    return "".join(char if char.isprintable() else "?" for char in safe[:MAX_SHOWN]) or None

"""From a request of a rule and a secret to the call that goes out: templates filled in, each place in its own way.

Knows nothing of sockets, nor of what an answer means.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imgscan.rules.schema import Request

GROUP: Final = "secret"
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
PORT: Final = 443
PORTS: Final = range(1, 1 << 16)
NO_ADDRESS: Final = "the address in the image is not one that can be called"

MAX_CALL: Final = 64 * 1024
"""Bytes of one value that goes out; the longest keys that providers take have some thousands."""

_NAME: Final = r"\{([a-z][a-z0-9_]*)\}"
_PLACE: Final = re.compile(rf"\{{b64:((?:[^{{}}]|{_NAME})*)\}}|\{{(path:)?([a-z][a-z0-9_]*)\}}")
_HOST: Final = re.compile(r"(?=.{4,253}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]+\Z")
_AUTHORITY: Final = re.compile(r"([^:]+)(?::([0-9]{1,5}))?\Z")
_VISIBLE: Final = re.compile(r"[!-~]+\Z")
_LINE: Final = re.compile(r"[ -~]*\Z")
_WHOLE: Final = re.compile(rf"{_NAME}\Z")


class CannotAskError(Exception):
    """There is no call to make; the message says why, and holds nothing of the secret."""


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """A request that is ready to be sent, by https. ``named_by_image`` says whose idea the host was.

    Two that are equal ask the same, so one answer does for both. Holds secrets: its repr shows the host only.
    """

    method: str
    host: str
    port: int
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    named_by_image: bool

    def __repr__(self) -> str:
        return f"Call({self.method} {self.host})"


def flaws(request: Request) -> list[str]:
    """What is wrong with a request, whatever the secret."""
    found = []
    if not request.url.startswith("https://") and not _WHOLE.match(request.url):
        found.append("its URL is not https")
    if GROUP in _names(request.url) and not request.secret_in_url:
        found.append("its URL would hold the secret, and it does not say that the provider takes it no other way")
    return found


def names_host(request: Request) -> bool:
    """Whether the host comes out of the match, and so out of the image."""
    scheme, separator, rest = request.url.partition("://")
    return bool(_names(rest.partition("/")[0] if separator else scheme))


def prepare(request: Request, parts: Mapping[str, bytes]) -> Call:
    """The call for one match; ``parts`` are its named groups, ``secret`` among them.

    Raises:
        CannotAskError: a part is missing or cannot stand where it should, or the request is not sound.
    """
    for flaw in flaws(request):
        raise CannotAskError(f"the rule cannot be asked: {flaw}")
    texts = _texts(parts)
    host, port, target = _url(request.url, texts)
    headers = {name: _fill(value, texts, str) for name, value in request.headers.items()}
    if not all(_LINE.match(value) for value in headers.values()):
        raise CannotAskError("the secret cannot stand in a header")
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    body = b""
    if request.body is not None:
        kind = kind or (JSON if request.body.startswith(("{", "[")) else FORM)
        headers = {**headers, "Content-Type": kind}
        body = _fill(request.body, texts, _in_json if JSON in kind else quote_plus).encode()
    return Call(request.method, host, port, target, tuple(headers.items()), body, names_host(request))


def part(template: str, parts: Mapping[str, bytes]) -> str:
    """A template that stands by itself, filled in.

    Raises:
        CannotAskError: a part is missing.
    """
    return _fill(template, _texts(parts), str)


def _names(template: str) -> set[str]:
    return {
        name for found in _PLACE.finditer(template) for name in (found[4], *re.findall(_NAME, found[1] or "")) if name
    }


def _texts(parts: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _text(name, value) for name, value in parts.items()}


def _text(name: str, value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise CannotAskError(f"the {name} is not text") from None
    if len(value) > MAX_CALL:
        raise CannotAskError(f"the {name} has more than {MAX_CALL} bytes")
    return text


def _fill(template: str, parts: Mapping[str, str], write: Callable[[str], str]) -> str:
    def one(found: re.Match[str]) -> str:
        if found[4] is None:
            return write(base64.b64encode(_fill(found[1], parts, str).encode()).decode())
        if found[4] not in parts:
            raise CannotAskError(
                f"the other half of the credential ({found[4].replace('_', ' ')}) does not stand beside it"
            )
        return "/".join(map(write, parts[found[4]].split("/"))) if found[3] else write(parts[found[4]])

    return _PLACE.sub(one, template)


def _url(template: str, parts: Mapping[str, str]) -> tuple[str, int, str]:
    """Host, port and target, each filled in by itself, so that no part of a match can reach over into another."""
    if _WHOLE.match(template):
        try:
            url = urlsplit(_fill(template, parts, str))
        except ValueError:
            raise CannotAskError(NO_ADDRESS) from None
        authority, target = url.netloc, url.path + (f"?{url.query}" if url.query else "")
        if url.scheme != "https":
            raise CannotAskError("the address in the image is not an https URL")
    else:
        authority, _, target = template.removeprefix("https://").partition("/")
        if _names(authority) - parts.keys():
            raise CannotAskError("no host stands beside it")
        authority, target = _fill(authority, parts, str), _fill(target, parts, _in_url)
    found = _AUTHORITY.match(authority)
    target = "/" + target.removeprefix("/")
    port = int(found[2] or PORT) if found else 0
    climbs = not {".", ".."}.isdisjoint(target.partition("?")[0].split("/"))
    if not found or port not in PORTS or not _HOST.match(found[1]) or not _VISIBLE.match(target) or climbs:
        raise CannotAskError(NO_ADDRESS)
    return found[1].lower(), port, target


def _in_url(text: str) -> str:
    return quote(text, safe="")


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]

"""Who we are, as the registry wants to hear it: nothing, a password, or a token that a token service gives out.

Credentials go to the registry only after it asked, and to the token service it names only over https (or on
loopback, to a loopback registry). That service may be on another host: whoever answers as the registry could ask for
the password itself, so naming a service gains nothing. Only read access to the one repository is ever asked for,
whatever the challenge says.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from imgscan.errors import AccessDeniedError, ImageFormatError, ImgscanError, SourceError
from imgscan.sources.registry.refusals import refusal
from imgscan.sources.registry.transport import Address, Answer, Transport, address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from imgscan.sources.credentials import Credentials

MAX_CHALLENGE_CHARS: Final = 4096
MAX_TOKEN_ANSWER_BYTES: Final = 256 * 1024
DEFAULT_SECONDS: Final = 60.0
"""Life of a token that does not say how long it lives, by the distribution specification."""
MARGIN_SECONDS: Final = 5.0
"""A token is renewed this long before it ends: it has to reach the registry in time."""
CLIENT_ID: Final = "imgscan"

_SCHEME: Final = re.compile(r"[\s,]*([A-Za-z]+)(?:\s+(?=[A-Za-z_]+\s*=)|\s*(?=,|$))")
_PARAMETER: Final = re.compile(r'[\s,]*([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,65536}")


class TokenAnswer(msgspec.Struct, frozen=True):
    """What a token service answers."""

    token: str = ""
    access_token: str = ""
    expires_in: float = DEFAULT_SECONDS


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to prove who we are; ``scheme`` is in lower case."""

    scheme: str
    parameters: dict[str, str]


def challenges(lines: Iterable[str]) -> tuple[Challenge, ...]:
    """The challenges of ``WWW-Authenticate`` headers; what cannot be read is left out."""
    return tuple(challenge for line in lines for challenge in _of_line(line[:MAX_CHALLENGE_CHARS]))


def _of_line(line: str) -> list[Challenge]:
    found: list[Challenge] = []
    position = 0
    while True:
        if scheme := _SCHEME.match(line, position):
            found.append(Challenge(scheme[1].lower(), {}))
            position = scheme.end()
        elif found and (parameter := _PARAMETER.match(line, position)):
            name, quoted, plain = parameter.groups()
            found[-1].parameters.setdefault(name.lower(), plain or re.sub(r"\\(.)", r"\1", quoted))
            position = parameter.end()
        else:
            return found


class Login:
    """The ``Authorization`` of requests for one repository, shared by all threads."""

    def __init__(
        self, transport: Transport, registry: str, repository: str, find: Callable[[], Credentials | None]
    ) -> None:
        """``find`` is called once, on the first challenge: a helper may ask a person."""
        self._transport = transport
        self._registry = registry
        self._where = f"{registry}/{repository}"
        self._scope = f"repository:{repository}:pull"
        self._find = find
        self._credentials: Credentials | None = None
        self._asked = False
        self._bearer: Challenge | None = None
        self._header: str | None = None
        self._ends = float("inf")
        self._lock = threading.Lock()

    def header(self) -> str | None:
        """The value to send now; renewed first if it is about to end."""
        with self._lock:
            if self._bearer and time.monotonic() > self._ends:
                self._take_token(self._bearer)
            return self._header

    def answer(self, refused: Answer, sent: str | None) -> bool:
        """Take up the challenge of a 401 from the registry to a request with ``sent``; false if nothing is left to try.

        Raises:
            AccessDeniedError: the token service refuses.
            SourceError: it is named at a place where no credentials may go.
        """
        with self._lock:
            if self._header != sent:
                return True  # another thread was faster
            offered = {
                challenge.scheme: challenge for challenge in challenges(refused.header_lines("WWW-Authenticate"))
            }
            if bearer := offered.get("bearer"):
                return self._use_bearer(bearer)
            return "basic" in offered and self._use_password()

    def refusal(self, answer: Answer, what: str, *, missing: type[ImgscanError]) -> ImgscanError:
        """The error for an unwanted answer; if access is denied, it says which credentials were refused."""
        error = refusal(answer, what, missing=missing, where=self._where, secrets=self._secrets())
        if isinstance(error, AccessDeniedError):
            used = f"with credentials from {self._credentials.origin}" if self._credentials else "without credentials"
            error.message += f", {used}"
            error.hint = f"log in with 'docker login {self._registry}'; a private image and none look the same"
        return error

    def _secrets(self) -> tuple[str, ...]:
        """What no message may repeat, in every form in which it travels."""
        known = self._credentials
        mine = (*known.secrets(), _basic(known).split()[1]) if known else ()
        return (*mine, *(self._header or "").split()[1:])

    def _known(self) -> Credentials | None:
        if not self._asked:
            self._credentials, self._asked = self._find(), True
        return self._credentials

    def _use_password(self) -> bool:
        known = self._known()
        if known is None or not known.username:
            return False
        proof, previous = _basic(known), self._header
        self._header = proof
        return proof != previous

    def _use_bearer(self, bearer: Challenge) -> bool:
        known = self._known()
        if known and known.registry_token:
            proof, previous = f"Bearer {known.registry_token}", self._header
            self._header = proof
            return proof != previous
        self._bearer = bearer
        self._take_token(bearer)
        return True

    def _take_token(self, bearer: Challenge) -> None:
        realm = address(bearer.parameters.get("realm", ""))
        self._transport.check_leap(self._transport.home, realm)
        answer = self._ask(realm, bearer.parameters.get("service"))
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise self.refusal(answer, "a token", missing=SourceError)
        token, seconds = _token(answer.read_all(MAX_TOKEN_ANSWER_BYTES), str(realm))
        self._header = f"Bearer {token}"
        self._ends = time.monotonic() + max(seconds - MARGIN_SECONDS, MARGIN_SECONDS)

    def _ask(self, realm: Address, service: str | None) -> Answer:
        known = self._credentials
        query = {"service": service} if service else {}
        if known and known.identity_token:
            form = {"grant_type": "refresh_token", **query, "client_id": CLIENT_ID, "scope": self._scope}
            body = urlencode({**form, "refresh_token": known.identity_token}).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return self._transport.request("POST", realm.url, headers, body)
        joint = "&" if "?" in realm.target else "?"
        url = f"{realm.url}{joint}{urlencode({**query, 'scope': self._scope})}"
        headers = {"Authorization": _basic(known)} if known and known.username else {}
        return self._transport.request("GET", url, headers)


def _basic(known: Credentials) -> str:
    pair = f"{known.username}:{known.password}".encode("utf-8", "surrogateescape")  # may be bytes that are no UTF-8
    return f"Basic {base64.b64encode(pair).decode()}"


def _token(body: bytes, where: str) -> tuple[str, float]:
    try:
        answer = msgspec.json.decode(body, type=TokenAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ImageFormatError("the token service answers with something else than a token", where=where) from None
    token = answer.token or answer.access_token
    if not _TOKEN.fullmatch(token):
        raise SourceError("the token service gives out no token that can be used", where=where)
    return token, answer.expires_in if answer.expires_in > 0 else DEFAULT_SECONDS

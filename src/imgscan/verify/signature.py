"""Version 4 of the signatures of AWS, over a call that is otherwise ready. Pure computation."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from imgscan.verify.template import Call

ALGORITHM: Final = "AWS4-HMAC-SHA256"
TEMPORARY: Final = "ASIA"
"""How access key ids begin whose secret is worth nothing without the session token that came with it."""


def signed(call: Call, key: str, secret: bytes, scope: tuple[str, str], now: datetime) -> Call:
    """The call with a signature; ``scope`` is the region and the service, ``now`` the time in UTC.

    The target must have no query: nothing that is signed here has one.
    """
    region, service = scope
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {**{name.lower(): value for name, value in call.headers}, "host": call.host, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    asked = "\n".join((call.method, call.target, "", lines, names, hashlib.sha256(call.body).hexdigest()))
    within = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join((ALGORITHM, stamp, within, hashlib.sha256(asked.encode()).hexdigest()))
    made = hmac.digest(_key(secret, within), text.encode(), "sha256").hex()
    headers["authorization"] = f"{ALGORITHM} Credential={key}/{within}, SignedHeaders={names}, Signature={made}"
    return replace(call, headers=tuple((name, value) for name, value in headers.items() if name != "host"))


def _key(secret: bytes, within: str) -> bytes:
    made = b"AWS4" + secret
    for part in within.split("/"):
        made = hmac.digest(made, part.encode(), "sha256")
    return made

"""No filter raises or loops, whatever bytes a hostile image puts before it."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from imgscan.match.filters import FILTERS, Candidate, parse
from imgscan.match.keys import pem
from imgscan.rules.sample_keys import KINDS
from imgscan.rules.sample_keys import pem as make_key

ARGUMENTS = {"entropy": "3", "min-length": "1", "min-digits": "1", "crc32-base62": "6", "base64-json": "a"}
SPECS = [f"{name}:{ARGUMENTS[name]}" if name in ARGUMENTS else name for name in FILTERS]
PIECES = st.sampled_from(
    [b"=", b".", b"_", b"://", b"@", b":", b"\\n", b"\n", b'"', b"${", b"eyJ", b"-----", b"1", b"\xff"]
)
SECRETS = st.binary(max_size=400) | st.lists(PIECES | st.binary(max_size=8), max_size=60).map(b"".join)


@given(st.sampled_from(SPECS), SECRETS, SECRETS)
def test_a_filter_decides_on_any_bytes(spec: str, secret: bytes, before: bytes) -> None:
    assert parse(spec)(Candidate(secret, before + secret, before, b"")) in (True, False)


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_damaged_key_is_judged_without_an_error(kind: str, data: st.DataObject) -> None:
    key = make_key(kind, random.Random(kind)).encode()
    start = data.draw(st.integers(0, len(key)))
    end = data.draw(st.integers(start, min(len(key), start + 80)))
    damaged = key[:start] + data.draw(st.binary(max_size=20)) + key[end:]
    assert pem.is_plausible(damaged) in (True, False)
    assert pem.is_encrypted(damaged) in (True, False, None)

"""Keystores: told apart from stores of certificates, opened by well-known passwords, at a cost that is bounded."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgscan.match.detector import Detector
from imgscan.match.keys import keystore
from imgscan.match.keys.keystore import MAX_BYTES, WELL_KNOWN, Allowance, is_testable, is_untestable, opens, parse
from imgscan.model.values import Where
from imgscan.rules import sample_keystores
from imgscan.rules.load import load
from imgscan.rules.sample_keys import der, oids, sequence, small

OPENSSL, KEYTOOL = shutil.which("openssl"), shutil.which("keytool")
CACERTS = [path for path in map(Path, ("/etc/ssl/certs/java/cacerts", "/etc/default/cacerts")) if path.is_file()]
UNKNOWN = random.Random("keystore").randbytes(9).hex()
DATA, PBMAC1, PBKDF2 = "2a864886f70d010701", "2a864886f70d01050e", "2a864886f70d01050c"
SEALED = b"\xac\xed\x00\x05sr" + bytes(400)


def made(kind: str) -> bytes:
    return sample_keystores.keystore(kind, random.Random(kind))


def verdict(data: bytes) -> tuple[bool, bool, bool]:
    return opens(data), is_testable(data), is_untestable(data)


OPEN, CLOSED, UNTRIED, NOTHING = (True, True, False), (False, True, False), (False, False, True), (False,) * 3


@pytest.mark.parametrize("kind", sample_keystores.KINDS)
def test_every_sample_is_what_its_name_says(kind):
    wanted = {"open": OPEN, "empty": OPEN, "large": UNTRIED, "trusted": NOTHING}.get(kind.partition("-")[2], CLOSED)
    assert verdict(made(kind)) == (NOTHING if "late" in kind else wanted)


@pytest.mark.parametrize("kind", ["jks", "jceks"])
def test_a_key_is_late_if_its_store_does_not_show_it_where_it_is_looked_at(kind):
    late, early = made(f"{kind}-late"), made(kind)
    at = {data: data.index(b"\0\0\0\x01\0\x06server") for data in (late, early)}
    assert at[late] > MAX_BYTES
    assert keystore.is_late(late[: at[late]], late[at[late] :])
    assert not keystore.is_late(early[: at[early]], early[at[early] :])
    assert not keystore.is_late(late + early[: at[early]], early[at[early] :])


@pytest.mark.parametrize("kind", ["pkcs12-open", "jks-open", "jceks-open"])
def test_what_follows_a_store_does_not_matter(kind):
    assert verdict(made(kind) + b"PK\x03\x04" * 5000) == OPEN


def test_a_pkcs12_store_is_known_in_base64_however_it_is_wrapped():
    data = made("pkcs12-open")
    assert verdict(base64.b64encode(data) + b'", "other": 1') == OPEN
    assert verdict(base64.encodebytes(data)) == OPEN
    assert verdict(base64.b64encode(made("pkcs12")).replace(b"A", b"\n  A")) == CLOSED


def test_a_store_without_its_end_still_shows_its_key():
    assert verdict(made("jks-open")[:-30]) == CLOSED  # its key can be tried, and has a password of its own
    assert verdict(made("jceks-open")[:-30]) == UNTRIED
    assert verdict(made("pkcs12-open")[:-30]) == UNTRIED


def pkcs12(mac: bytes, content: bytes) -> bytes:
    part = sequence(der(0x06, bytes.fromhex(DATA)), der(0xA0, der(0x04, content)))
    return sequence(small(3), part, mac)


def content_with(bag: str) -> bytes:
    bags = sequence(sequence(der(0x06, bytes.fromhex(f"2a864886f70d010c0a01{bag}")), der(0xA0, der(0x04, bytes(300)))))
    return sequence(sequence(der(0x06, bytes.fromhex(DATA)), der(0xA0, der(0x04, bags))))


def pbmac1(content: bytes, password: str, *, iterations: int = 2, size: int = 32) -> bytes:
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), b"salt", iterations, size)
    count = der(0x02, iterations.to_bytes(5, "big"))
    kdf = sequence(
        der(0x06, bytes.fromhex(PBKDF2)), sequence(der(0x04, b"salt"), count, small(size), oids("2a864886f70d020b"))
    )
    algorithm = sequence(der(0x06, bytes.fromhex(PBMAC1)), sequence(kdf, oids("2a864886f70d0209")))
    digest = hmac.digest(key, content, "sha256")
    return sequence(sequence(algorithm, der(0x04, digest)), der(0x04, b"unused"), small(1))


def test_a_pbmac1_is_tried():
    content = content_with("02")
    assert verdict(pkcs12(pbmac1(content, "changeme"), content)) == OPEN
    assert verdict(pkcs12(pbmac1(content, UNKNOWN), content)) == CLOSED


@pytest.mark.parametrize("size", [0, 65, 127])
def test_a_pbmac1_with_a_key_of_no_sensible_size_is_not_tried(size):
    content = content_with("02")
    made_of = pbmac1(content, "changeit", size=32).replace(small(32), small(size))
    assert verdict(pkcs12(made_of, content)) == UNTRIED


@pytest.mark.parametrize(
    ("bag", "wanted"), [("01", OPEN), ("02", UNTRIED), ("05", UNTRIED), ("03", NOTHING), ("04", NOTHING)]
)
def test_without_a_mac_only_a_bare_key_is_open(bag, wanted):
    assert verdict(pkcs12(b"", content_with(bag))) == wanted


def slow(iterations: bytes) -> bytes:
    """A store whose MAC asks for any number of iterations."""
    mac = sequence(sequence(oids("608648016503040201"), der(0x04, bytes(32))), der(0x04, b"salt"), der(2, iterations))
    return pkcs12(mac, content_with("02"))


@pytest.mark.parametrize("iterations", [b"\x7f\xff\xff\xff", b"\x00", b"\xff", b"\x7f" * 200])
def test_a_hostile_number_of_iterations_costs_nothing(iterations):
    begun = time.process_time()
    assert verdict(slow(iterations)) == UNTRIED
    assert time.process_time() - begun < 0.1


def test_of_a_slow_store_some_passwords_are_tried():
    seen: list[str] = []

    class Slow:
        has_key = True
        cost = keystore.MAX_STEPS // 5

        def opens(self, password: str) -> bool:
            seen.append(password)
            return False

    assert not keystore.opens_store(Slow(), Allowance(keystore.MAX_STEPS, 0))
    assert tuple(seen) == WELL_KNOWN[:5]


def test_the_allowance_is_spent_and_grows_again():
    now = [0.0]
    allowance = Allowance(100, 10, lambda: now[0])
    assert [allowance.take(60), allowance.take(60), allowance.take(40)] == [True, False, True]
    now[0] = 5
    assert [allowance.take(51), allowance.take(50), allowance.take(1)] == [False, True, False]
    now[0] = 1000
    assert [allowance.take(101), allowance.take(100)] == [False, True]


def test_without_an_allowance_a_store_is_still_known():
    with pytest.raises(TimeoutError):
        opens(made("jks-open"), Allowance(0, 0))
    assert is_testable(made("jks-open"))


def test_a_store_that_was_not_tried_is_told_and_found(monkeypatch):
    monkeypatch.setattr(keystore.ALLOWANCE, "_left", 0)
    monkeypatch.setattr(keystore.ALLOWANCE, "_per_second", 0)
    matches, notices = Detector(load(())).text(made("jks-open"), Where.FILE, "app.jks")
    assert [match.rule_id for match in matches] == ["keystore-java"]
    assert [(notice.code, notice.where, notice.incomplete) for notice in notices] == [
        ("match-timeout", "app.jks", True)
    ]


def indefinite(data: bytes) -> bytes:
    """The outer elements of a PKCS#12 store with lengths left open and its content in pieces, as NSS writes it."""
    version, safe, mac = (element_bytes for element_bytes in split(split(data)[0][4:]))
    oid, wrapped = split(safe[4:])
    content = split(wrapped[4:])[0][4:]
    pieces = b"".join(der(0x04, content[at : at + 1000]) for at in range(0, len(content), 1000))
    octets = b"\x24\x80" + pieces + b"\0\0"
    return b"\x30\x80" + version + b"\x30\x80" + oid + b"\xa0\x80" + octets + b"\0\0\0\0" + mac + b"\0\0"


def split(data: bytes) -> list[bytes]:
    """Elements with their heads; of those of two bytes of length the head has four bytes."""
    parts = []
    while data:
        size = 4 + int.from_bytes(data[2:4], "big") if data[1] == 0x82 else 2 + data[1]
        parts.append(data[:size])
        data = data[size:]
    return parts


@pytest.mark.parametrize(("kind", "wanted"), [("pkcs12-open", OPEN), ("pkcs12", CLOSED), ("pkcs12-trusted", NOTHING)])
def test_lengths_may_be_left_open(kind, wanted):
    data = indefinite(made(kind))
    assert verdict(data) == wanted
    assert verdict(data + bytes(100)) == wanted


def sha1(data: bytes) -> bytes:
    return hashlib.sha1(data).digest()  # noqa: S324 - the format says so


def java(
    *entries: bytes, password: str = sample_keystores.COMMON, version: int = 2, magic: bytes = sample_keystores.JKS
) -> bytes:
    body = magic + version.to_bytes(4, "big") + len(entries).to_bytes(4, "big") + b"".join(entries)
    return body + sha1(password.encode("utf-16-be") + b"Mighty Aphrodite" + body)


def counted(content: bytes, size: int = 4) -> bytes:
    return len(content).to_bytes(size, "big") + content


def head(tag: int) -> bytes:
    return tag.to_bytes(4, "big") + counted(b"alias", 2) + bytes(8)


def protected(password: str, plain: bytes) -> bytes:
    """A private key as a JKS hides it."""
    encoded, salt, mask = password.encode("utf-16-be"), bytes(range(20)), b""
    last = salt
    while len(mask) < len(plain):
        last = sha1(encoded + last)
        mask += last
    body = bytes(a ^ b for a, b in zip(plain, mask, strict=False))
    data = salt + body + sha1(encoded + plain)
    return sequence(sequence(der(0x06, bytes.fromhex("2b060104012a02110101")), der(0x05, b"")), der(0x04, data))


def private(password: str = UNKNOWN) -> bytes:
    return head(1) + counted(protected(password, bytes(range(250)))) + bytes(4)


TRUSTED = head(2) + counted(b"X.509", 2) + counted(bytes(900))


def test_the_password_of_the_store_or_that_of_a_key_opens_it():
    assert verdict(java(private("secret"), password=UNKNOWN)) == OPEN
    assert verdict(java(private(UNKNOWN), password="secret")) == OPEN
    assert verdict(java(private(UNKNOWN), password=UNKNOWN)) == CLOSED


def test_a_key_behind_certificates_is_seen_and_tried_even_if_the_end_is_out_of_reach():
    few, many = [TRUSTED] * 5, [TRUSTED] * 20
    assert verdict(java(*few, private("changeit"), *many, password=UNKNOWN)) == OPEN
    assert verdict(java(*few, private(UNKNOWN), *many)) == CLOSED
    assert verdict(java(*many)) == NOTHING


def test_certificates_without_types_are_read():
    trusted = head(2) + counted(bytes(900))
    assert verdict(java(trusted, private(UNKNOWN), trusted, version=1)) == OPEN
    assert verdict(java(trusted, version=1)) == NOTHING


def test_a_store_of_secret_keys_is_tried_if_it_ends_where_the_data_ends():
    store = java(head(3) + SEALED, magic=sample_keystores.JCEKS)
    assert verdict(store) == OPEN
    assert verdict(java(head(3) + SEALED, password=UNKNOWN, magic=sample_keystores.JCEKS)) == CLOSED
    assert verdict(java(head(3) + SEALED * 100, magic=sample_keystores.JCEKS)) == UNTRIED


def test_an_entry_of_no_known_kind_ends_the_reading():
    assert verdict(java(head(9), private())) == NOTHING


@given(
    kind=st.sampled_from([*sample_keystores.KINDS]),
    cut=st.integers(0, 3000),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
)
def test_damage_is_survived(kind, cut, changes):
    data = bytearray(made(kind)[:cut])
    for at, value in changes:
        if at < len(data):
            data[at] = value
    opened, testable, untestable = verdict(bytes(data))
    assert testable or not opened
    assert not (testable and untestable)


@given(st.binary(max_size=300), st.sampled_from([b"", b"MII", b"\x30\x80", b"\x30\x82\xff\xff\x02\x01\x03\x30\x80"]))
def test_no_bytes_are_too_odd(data, start):
    assert verdict(start + data) == NOTHING


@pytest.mark.parametrize("filler", [b"\x30\x80", b"\x24\x80\x04\x00", b"\x04\x00", b"\x30\x84\x00\x00\x00\x01"])
def test_a_hostile_structure_costs_little(filler):
    data = (b"\x30\x80\x02\x01\x03\x30\x80\x06\x09" + bytes.fromhex(DATA) + b"\xa0\x80" + filler * MAX_BYTES)[:20_000]
    begun = time.process_time()
    for _ in range(20):
        parse(data)
    assert time.process_time() - begun < 0.5


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """A key and its certificate, made by OpenSSL."""
    folder = tmp_path_factory.mktemp("keystore")
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-subj", "/CN=test", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
    )
    return folder


def run(*command: str | Path) -> bytes:
    return subprocess.run(command, check=True, capture_output=True).stdout


def exported(folder: Path, password: str, *options: str) -> bytes:
    files = ("-inkey", folder / "key.pem", "-in", folder / "cert.pem")
    return run("openssl", "pkcs12", "-export", *files, "-passout", f"pass:{password}", *options)


@pytest.mark.skipif(not OPENSSL, reason="needs openssl")
@pytest.mark.parametrize(
    ("password", "options", "wanted"),
    [
        ("changeit", (), OPEN),
        ("", (), OPEN),
        ("secret", ("-macalg", "sha1"), OPEN),
        ("password", ("-macalg", "sha384"), OPEN),
        ("notasecret", ("-macalg", "sha512", "-maciter"), OPEN),
        ("changeme", ("-iter", "10000"), OPEN),
        ("password", ("-macalg", "md5"), UNTRIED),
        (UNKNOWN, (), CLOSED),
        (UNKNOWN, ("-macalg", "sha512"), CLOSED),
        ("changeit", ("-nomac",), UNTRIED),
        ("changeit", ("-nomac", "-keypbe", "NONE", "-certpbe", "NONE"), OPEN),
        ("changeit", ("-nokeys",), NOTHING),
    ],
)
def test_stores_made_by_openssl(key, password, options, wanted):
    assert verdict(exported(key, password, *options)) == wanted


@pytest.mark.skipif(not (OPENSSL and KEYTOOL), reason="needs openssl and keytool")
@pytest.mark.engine
@pytest.mark.parametrize("kind", ["JKS", "JCEKS", "PKCS12"])
def test_stores_made_by_keytool(key, tmp_path, kind):
    def tool(command: str, password: str, *options: str | Path) -> bytes:
        store = tmp_path / f"{command}{password}"
        secrets = ("-storepass", password, *(("-keypass", password) if command != "-importcert" else ()))
        run("keytool", command, "-alias", "a", "-keystore", store, "-storetype", kind, *secrets, *options)
        return Path(store).read_bytes()

    pair = ("-keyalg", "EC", "-dname", "CN=test")
    assert verdict(tool("-genkeypair", "changeit", *pair)) == OPEN
    assert verdict(tool("-genkeypair", UNKNOWN, *pair)) == CLOSED
    assert verdict(tool("-importcert", "changeit", "-noprompt", "-file", key / "cert.pem")) == NOTHING
    if kind != "JKS":
        assert verdict(tool("-genseckey", "changeit", "-keyalg", "AES", "-keysize", "256")) == OPEN


@pytest.mark.skipif(not CACERTS, reason="needs the certificates of Java")
def test_the_trust_store_of_java_is_no_finding():
    assert {verdict(path.read_bytes()) for path in CACERTS} == {NOTHING}

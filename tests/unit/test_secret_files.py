"""Files that their name makes secret, rows of dumps and recorded requests: what the packaged rules see there."""

from __future__ import annotations

import io
import tarfile

import pytest

from imgscan.match.detector import Detector
from imgscan.model.values import Where
from imgscan.rules.load import RuleSet, load
from imgscan.rules.sample import expand
from imgscan.scan.layer import scan_layer
from imgscan.scan.workers import Workers
from imgscan.sources.base import LayerBlob

IDS = (
    "dumped-password-hash",
    "erlang-cookie-file",
    "openvpn-auth-file",
    "rails-master-key-file",
    "recorded-authorization",
    "secret-file",
    "session-cookie",
    "vault-token-file",
)
WHOLE = {
    "root/.vault-token": ("vault-token-file", "{uuid}", "{secret}\n"),
    "app/config/master.key": ("rails-master-key-file", "{hex:32}", "{secret}"),
    "root/.erlang.cookie": ("erlang-cookie-file", "{capitals:20}", "{secret}"),
    "run/secrets/db_password": ("secret-file", "{base62:14}7a", "{secret}\n"),
    "app/db_password.txt": ("secret-file", "{hex:40}", "{secret}\r\n"),
    "etc/openvpn/auth.txt": ("openvpn-auth-file", "{base62:14}7a", "jane\n{secret}\n"),
}
BLOCK = 64 * 1024


@pytest.fixture(scope="module")
def detector():
    return Detector(RuleSet.of(rule for rule in load().rules if rule.id in IDS), use_cache=False)


@pytest.fixture
def scanned(detector):
    def scan_of(files: dict[str, str], form: int) -> dict[str, tuple[str, str]]:
        output = io.BytesIO()
        with tarfile.open(fileobj=output, mode="w", format=form) as archive:
            for name, text in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(text)
                info.mtime = 1700000000.5  # a fraction, so that PAX writes headers of its own
                archive.addfile(info, io.BytesIO(text.encode()))
        workers = Workers(detector, jobs=1, block_bytes=BLOCK)
        try:
            layer = scan_layer(
                LayerBlob("x", None, None, lambda: io.BytesIO(output.getvalue())), workers, lambda _: None
            )
        finally:
            workers.close()
        return {one.name.decode(): (one.match.rule_id, one.match.secret.value.decode()) for one in layer.matches}

    return scan_of


def found(detector, text, path="app/notes.txt"):
    matches, notices = detector.text(text.encode(), Where.FILE, "/" + path)
    assert not notices
    return [(match.rule_id, match.secret.value.decode()) for match in matches]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_file_that_is_a_secret_is_found_in_every_form_of_tar(scanned, form):
    secrets = {path: expand(template, path) for path, (_, template, _) in WHOLE.items()}
    files = {path: text.replace("{secret}", secrets[path]) for path, (_, _, text) in WHOLE.items()}
    long = "app/" + "deep/" * 30 + "master.key"
    files |= {"app/filler": "x\n" * BLOCK, long: expand("{hex:32}", long)}
    expected = {path: (rule, secrets[path]) for path, (rule, _, _) in WHOLE.items()}
    assert scanned(files, form) == expected | {long: ("rails-master-key-file", files[long])}


@pytest.mark.parametrize("path", WHOLE)
def test_elsewhere_the_same_content_is_none(detector, path):
    _, template, text = WHOLE[path]
    content = text.replace("{secret}", expand(template, path))
    assert found(detector, content, path)
    assert not found(detector, content, "app/notes.txt")
    assert not found(detector, content + "and more\n", path)


@pytest.mark.parametrize("path", ["etc/passwd", "etc/passwd-"])
def test_the_list_of_accounts_is_no_password(detector, path):
    assert not found(detector, "root:x:0:0:root:/root:/bin/sh\n", path)


@pytest.mark.parametrize("content", ["changeme", "${DB_PASSWORD}", "/run/other/place", "db.acme.example", "12345678"])
def test_a_file_of_a_secret_name_may_hold_none(detector, content):
    assert not found(detector, content, "run/secrets/db_password")


@pytest.mark.parametrize(
    "template",
    [
        "$2y$10${base62:53}",
        "bcrypt_sha256$$2b$12${base62:53}",
        "$argon2id$v=19$m=65536,t=3,p=4${base64:22}${base64:43}",
        "$P$B{base62:30}",
        "$S$E{base62:51}",
        "scrypt:32768:8:1${base62:16}${hex:128}",
        "pbkdf2:sha256:600000${base62:16}${hex:64}",
        "pbkdf2_sha256$600000${base62:22}${base64:43}=",
        "$6${base62:16}${base62:86}",
    ],
)
def test_hashes_are_found_in_rows_and_nowhere_else(detector, template):
    one, two = expand(template, "1"), expand(template, "2")
    for text in (
        f"INSERT INTO `users` VALUES (1,'jane','{one}',NULL),(2,'joe','{two}',NULL);\n",  # noqa: S608 - a dump, never run
        f"COPY public.users (id, password) FROM stdin;\n1\t{one}\tjane\n2\t{two}\tjoe\n\\.\n",
        f"id,email,password\n1,jane@acme.example,{one}\n2,joe@acme.example,{two}\n",
    ):
        assert found(detector, text) == [("dumped-password-hash", one), ("dumped-password-hash", two)]
    assert not found(detector, f"assert check('password', '{one}')\n")


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("sessionid", "{lower:30}7a"),
        ("connect.sid", "s%3A{base64url:32}.{base62:43}"),
        ("JSESSIONID", "{HEX:32}"),
        ("laravel_session", "eyJpdiI6{base62:160}%3D"),
        (".AspNetCore.Cookies", "CfDJ8{base64url:200}"),
        ("session", '{b64url:{"user":42}:b64url}.{base64url:6}.{base62:27}'),
    ],
)
def test_a_session_cookie_is_found_however_its_request_was_recorded(detector, name, template):
    value = expand(template, name)
    for text in (
        f"> Cookie: theme=dark; {name}={value}; lang=en\n",
        f'"cookies": [{{"name": "{name}", "value": "{value}", "path": "/"}}]',
        f".acme.example\tTRUE\t/\tTRUE\t1790000000\t{name}\t{value}\n",
    ):
        assert found(detector, text) == [("session-cookie", value)]
    assert not found(detector, f"Cookie: theme={value}\n")


def test_the_headers_of_a_cassette_are_read(detector):
    token = expand("{base62:38}77", "cassette")
    assert found(detector, f"  headers:\n    Authorization:\n    - Bearer {token}\n") == [
        ("recorded-authorization", token)
    ]

"""The registry source against bad luck and bad will: broken connections, busy servers, wrong and endless answers."""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from imgscan.errors import (
    DigestMismatchError,
    ImageFormatError,
    ImageNotFoundError,
    LimitExceededError,
    RateLimitedError,
    SourceError,
    UnreachableError,
)
from imgscan.image.reference import parse
from imgscan.net.retry import retry_after
from imgscan.sources.base import Access, Wanted
from imgscan.sources.registry import RegistrySource
from imgscan.sources.registry.patience import Patience
from imgscan.streams.digest import of
from tests.support.fake_registry import QUICK, REPOSITORY, FakeRegistry, Reply, content
from tests.support.images import OCI, ImageBuilder, descriptor, dump

NOISE = secrets.token_bytes(50_000)
BLOBS = f"/v2/{REPOSITORY}/blobs/"
MANIFESTS = f"/v2/{REPOSITORY}/manifests/"
TAG = MANIFESTS + "1"


def app(platform: str = "linux/amd64") -> ImageBuilder:
    return ImageBuilder(platform=platform).layer({"one": NOISE}).layer({"two": b"2"})


def layers_of(image: ImageBuilder) -> dict[str, bytes]:
    return {layer.digest: layer.stored for layer in image.layers}


# Broken connections


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_blob_is_resumed_where_it_broke(registry, opened, ranges):
    image = app()
    registry.push(image)
    registry.ranges = ranges
    cuts = (100, 200, 50) if ranges else (100, 250, 270)
    registry.script(BLOBS + image.layers[0].digest, *(Reply(cut_after=cut) for cut in cuts))
    assert content(opened()) == layers_of(image)
    asked = [request.headers.get("Range") for request in registry.asked(BLOBS + image.layers[0].digest)]
    sent = ["bytes=100-", "bytes=300-", "bytes=350-"] if ranges else ["bytes=100-", "bytes=250-", "bytes=270-"]
    assert asked == [None, *sent]


def test_a_blob_that_hangs_is_resumed(registry, opened):
    image = app()
    registry.push(image)
    size = len(image.layers[0].stored)
    registry.script(BLOBS + image.layers[0].digest, Reply(body=b"", headers={"Content-Length": str(size)}))
    assert content(opened()) == layers_of(image)


@pytest.mark.parametrize(("cuts", "at"), [([0] * 5, 0), ([1] * 9, 6)])
def test_resuming_ends_without_progress_and_in_the_end_with_it(registry, opened, cuts, at):
    image = app()
    registry.push(image)
    registry.script(BLOBS + image.layers[0].digest, *(Reply(cut_after=cut) for cut in cuts))
    with pytest.raises(UnreachableError, match=f"broke off at byte {at}"):
        content(opened())


@pytest.mark.parametrize("said", ["bytes 7-99/100", "bytes 100-1/2", "nonsense", ""])
def test_a_continuation_from_another_place_is_refused(registry, opened, said):
    image = app()
    registry.push(image)
    wrong = Reply(206, {"Content-Range": said}, b"x")
    registry.script(BLOBS + image.layers[0].digest, Reply(cut_after=100), wrong)
    with pytest.raises(ImageFormatError, match="another place than byte 100"):
        content(opened())


def test_a_cut_manifest_is_asked_for_again(registry, opened):
    registry.push(app())
    registry.script(TAG, Reply(cut_after=10), Reply(cut_after=0))
    assert opened().images()
    registry.script(TAG, *[Reply(cut_after=10)] * 3)
    with pytest.raises(UnreachableError, match="again and again"):
        opened()


def test_a_hanging_registry_is_unreachable(registry, opened):
    registry.script("/v2/", Reply(hang=True))
    started = time.monotonic()
    with pytest.raises(UnreachableError, match=r"no answer within 0.3 seconds"):
        opened()
    assert time.monotonic() - started < 3


def test_a_port_where_nobody_listens_is_unreachable():
    with FakeRegistry() as gone:
        reference = gone.reference()
    source = RegistrySource(reference, wanted=Wanted(), access=Access(), patience=QUICK)
    with pytest.raises(UnreachableError, match="connection refused"), source.open():
        pass


def test_a_name_that_does_not_resolve_is_unreachable():
    source = RegistrySource(parse("registry.invalid/x"), wanted=Wanted(), access=Access(), patience=QUICK)
    with pytest.raises(UnreachableError, match="does not resolve"), source.open():
        pass


def test_offline_asks_nobody(registry):
    source = RegistrySource(registry.reference(), wanted=Wanted(), access=Access(offline=True))
    with pytest.raises(UnreachableError, match="offline"), source.open():
        pass
    assert registry.seen == []


# Busy servers


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_registry_is_asked_again(registry, opened, status):
    registry.push(app())
    registry.script(TAG, Reply(status), Reply(status, {"Retry-After": "0"}))
    assert opened().images()


def test_a_wait_that_the_registry_asks_for_is_kept(registry, opened):
    registry.push(app())
    registry.script(TAG, Reply(429, {"Retry-After": "1"}))
    started = time.monotonic()
    opened(patience=Patience(longest_wait=2))
    assert 1 <= time.monotonic() - started < 5


def test_a_wait_that_is_too_long_is_told_at_once(registry, opened):
    registry.script(TAG, Reply(429, {"Retry-After": "3600"}, b'{"errors":[{"code":"TOOMANYREQUESTS"}]}'))
    with pytest.raises(RateLimitedError, match="429, TOOMANYREQUESTS") as caught:
        opened()
    assert "3600 seconds" in (caught.value.hint or "")
    assert len(registry.asked(TAG)) == 1


def test_all_waits_together_are_bounded(registry, opened):
    registry.push(app())
    registry.script(TAG, *[Reply(429)] * 10)
    patient = Patience(backoff=0.05, total_wait=0.2, attempts=50)
    with pytest.raises(RateLimitedError):
        opened(patience=patient)
    assert len(registry.asked(TAG)) == 3  # 0.05 and 0.1, and 0.2 would be too much


def test_a_registry_that_keeps_failing_is_unreachable(registry, opened):
    registry.script(TAG, *[Reply(503, body=b"<html>")] * 3)
    with pytest.raises(UnreachableError, match=r"the registry fails \(status 503\)"):
        opened()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("9" * 400, 999999999999),
        ("-1", None),
        ("soon", None),
        ("1.5", None),
        (None, None),
        (f"Mon, 01 Jan {10**20} 00:00:00 GMT", None),
        (f"Mon, 01 Jan 2026 00:00:00 +{10**20}", None),
    ],
)
def test_retry_after_is_a_number_of_seconds(value, seconds):
    assert retry_after(value) == seconds


def test_retry_after_may_be_a_date():
    now = datetime.now(UTC)
    assert 58 < (retry_after(format_datetime(now + timedelta(minutes=1), usegmt=True)) or 0) <= 60
    assert retry_after(format_datetime(now - timedelta(minutes=1), usegmt=True)) == 0


# Bad answers


def test_an_unknown_tag_is_not_found(registry, opened):
    with pytest.raises(ImageNotFoundError, match="404, MANIFEST_UNKNOWN: manifest unknown") as caught:
        opened("nope")
    assert registry.host in str(caught.value)
    assert REPOSITORY in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b"[]",
        b"null",
        b"[" * 50_000,
        b'{"layers":[],"manifests":[]}',
        b'{"manifests":7}',
        b"\xff",
    ],
)
def test_garbage_for_a_manifest_is_no_image(registry, opened, body):
    registry.script(TAG, Reply(200, {"Content-Type": "text/html"}, body))
    with pytest.raises((ImageFormatError, ImageNotFoundError)):
        opened()


def test_a_manifest_that_does_not_end_is_refused(registry, opened, monkeypatch):
    monkeypatch.setattr("imgscan.sources.registry.client.MAX_JSON_BYTES", 100_000)
    registry.script(TAG, Reply(200, body=b" " * 65536, endless=True))
    with pytest.raises(LimitExceededError):
        opened()


def test_a_layer_that_does_not_end_stops_at_its_size(registry, opened):
    image = app()
    registry.push(image)
    registry.script(BLOBS + image.layers[0].digest, Reply(endless=True))
    with pytest.raises(ImageFormatError, match=f"more than the {len(image.layers[0].stored)} bytes"):
        content(opened())


def test_a_layer_shorter_than_its_manifest_says_is_refused(registry, opened):
    image = app()
    registry.push(image)
    registry.blobs[image.layers[0].digest] = image.layers[0].stored[:-5]
    with pytest.raises(ImageFormatError, match=f"of the {len(image.layers[0].stored)} that"):
        content(opened())


def test_an_answer_that_is_announced_for_ever_is_given_up(registry, opened, monkeypatch):
    monkeypatch.setattr("imgscan.net.pools.HEAD_SECONDS", 0.1)
    registry.push(app())
    registry.script(MANIFESTS, Reply(raw=b"HTTP/1.1 100 Continue\r\n\r\n", endless=True))
    with pytest.raises(UnreachableError, match="no answer within"):
        opened()


def test_a_body_that_trickles_is_given_up(registry, opened):
    registry.push(app())
    for layer in app().layers:
        registry.script(BLOBS + layer.digest, Reply(trickle=True))
    with pytest.raises(UnreachableError, match="trickles"):
        content(opened())


def test_a_layer_that_says_another_digest_is_left_to_its_reader(registry, opened):
    image = app()
    registry.push(image)
    registry.blobs[image.layers[1].digest] = bytes(len(image.layers[1].stored))
    whole = content(opened())
    assert of(whole[image.layers[1].digest]) != image.layers[1].digest


@pytest.mark.parametrize("headers", [{"Docker-Content-Digest": of(b"other")}, {"Docker-Content-Digest": "sha256:xyz"}])
def test_a_manifest_must_be_what_the_registry_says_it_is(registry, opened, headers):
    registry.push(app())
    registry.script(TAG, Reply(headers=headers))
    with pytest.raises(ImageFormatError, match="digest"):
        opened()


def test_a_manifest_must_be_what_was_asked_for(registry, opened):
    digest = registry.push(app())
    other = app(platform="linux/arm64").manifest()
    registry.script(MANIFESTS, Reply(body=other, headers={"Docker-Content-Digest": of(other)}))
    with pytest.raises(DigestMismatchError):
        opened(digest)


def test_a_manifest_must_have_the_size_that_its_index_says(registry, opened):
    image = app()
    registry.push(image)
    registry.put(
        dump({"schemaVersion": 2, "manifests": [{**descriptor(image.manifest(), OCI + "manifest.v1+json"), "size": 5}]})
    )
    with pytest.raises(ImageFormatError, match="another size"):
        opened()


def test_a_config_must_be_what_the_manifest_names(registry, opened):
    image = app()
    registry.push(image)
    registry.blobs[of(image.config)] = image.config[:-1] + b" "
    with pytest.raises(ImageFormatError):
        opened()


@pytest.mark.parametrize("digest", ["sha256:../../../etc", "", "sha256:" + "A" * 64, "md5:" + "0" * 32, "x/../y"])
def test_a_malformed_digest_is_never_asked_for(registry, opened, digest):
    image = app()
    manifest = json.loads(image.manifest())
    manifest["layers"][0]["digest"] = digest
    registry.push(image)
    registry.put(dump(manifest))
    source = opened()
    assert "malformed" in (source.images()[0].layers[0].absent or "")
    assert list(content(source)) == [image.layers[1].digest]
    entry = {**descriptor(b"", OCI + "manifest.v1+json"), "digest": digest}
    registry.put(dump({"schemaVersion": 2, "manifests": [entry]}))
    with pytest.raises(ImageFormatError):
        opened()
    assert not [request for request in registry.seen if digest and digest in request.path]


def test_what_a_registry_says_is_shown_without_control_characters_and_short(registry, opened):
    words = {"code": "X\x1b[31m", "message": "a\r\nb\u202e" + "c" * 5000}
    registry.script(TAG, Reply(418, body=dump({"errors": [words] * 50})))
    with pytest.raises(SourceError, match="418") as caught:
        opened()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"errors": 1}', b"\x00", b"x" * 100_000, b'{"errors":[{"code":1}]}'])
def test_a_refusal_in_garbage_is_told_by_its_status(registry, opened, body):
    registry.script(TAG, Reply(404, body=body))
    with pytest.raises(ImageNotFoundError, match=r"\(status 404\)"):
        opened()


def test_an_answer_that_is_not_http_is_unreachable(registry, opened):
    registry.push(app())
    registry.script(TAG, *[Reply(raw=b"SSH-2.0-OpenSSH\r\n\r\n")] * 3)
    with pytest.raises(UnreachableError):
        opened()


def test_a_blob_of_unknown_size_that_does_not_go_on_is_an_error_that_says_so(registry, opened):
    image = app()
    manifest = json.loads(image.manifest())
    del manifest["layers"][0]["size"]
    registry.push(image)
    registry.put(dump(manifest))
    first = image.layers[0]
    registry.script(BLOBS + first.digest, Reply(cut_after=100), Reply(416))
    with pytest.raises(ImageFormatError, match="ends at byte 100"):
        content(opened())


def test_a_config_that_does_not_end_is_given_up_and_told(registry, opened, monkeypatch):
    monkeypatch.setattr("imgscan.sources.assemble.MAX_JSON_BYTES", 100_000)
    image = app()
    manifest = json.loads(image.manifest())
    del manifest["config"]["size"]
    registry.push(image)
    registry.put(dump(manifest))
    registry.script(BLOBS + manifest["config"]["digest"], Reply(body=b" " * 65536, endless=True))
    (found,) = opened().images()
    assert found.config_json is None
    assert [(notice.code, notice.incomplete) for notice in found.notices] == [("bad-config", True)]

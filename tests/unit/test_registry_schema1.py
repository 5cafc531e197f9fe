"""Manifests of schema 1: payload and digest, steps and layers, and what is no such manifest."""

from __future__ import annotations

import base64
import json
import tracemalloc
from contextlib import closing
from typing import Any

import pytest

from imgscan.errors import DigestMismatchError, ImageFormatError, ImageNotFoundError, LimitExceededError
from imgscan.image import wire
from imgscan.model.values import Platform
from imgscan.sources.base import Access, Wanted
from imgscan.sources.registry import RegistrySource, schema1
from imgscan.streams.digest import of
from tests.support.fake_registry import QUICK, FakeRegistry, Reply
from tests.support.images import BuiltLayer, tar_of

LAYERS = [BuiltLayer(tar_of({name: name.encode()})) for name in ("old", "new")]
OLD, NEW = (layer.digest for layer in LAYERS)


def step(command: list[str] | None, **fields: Any) -> dict[str, str]:
    container = {} if command is None else {"container_config": {"Cmd": command}}
    return {"v1Compatibility": json.dumps({"id": "1" * 64, "created": "2020-01-01T00:00:00Z", **container, **fields})}


def manifest(**changes: Any) -> bytes:
    """Two layers with a step without a layer between them, newest first."""
    newest = {
        "os": "linux",
        "architecture": "arm64",
        "config": {"Env": ["A=b"]},
        "author": "me",
        "comment": "last",
        "parent": "0",
        "Size": 5,
    }
    document = {
        "schemaVersion": 1,
        "name": "team/app",
        "tag": "1",
        "architecture": "amd64",
        "fsLayers": [{"blobSum": digest} for digest in (NEW, schema1.EMPTY_LAYER, OLD)],
        "history": [
            step(["/bin/sh", "-c", "touch new"], **newest),
            step(["/bin/sh", "-c", "#(nop) ", 'CMD ["/x"]'], throwaway=True),
            step(["/bin/sh -c #(nop) ADD file:1 in / "]),
        ],
        **changes,
    }
    return json.dumps(document, indent=3).encode()


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def protected(payload: bytes, *, length: int | None = None) -> str:
    cut = payload.rindex(b"\n}") if length is None else length
    return unpadded(json.dumps({"formatLength": cut, "formatTail": unpadded(payload[cut:])}).encode())


def signed(payload: bytes, *seals: str) -> bytes:
    """The payload with signatures put in before its end, as old registries did."""
    cut = payload.rindex(b"\n}")
    signatures = [{"header": {}, "signature": "x", "protected": seal} for seal in seals or [protected(payload)]]
    return payload[:cut] + b',\n   "signatures": ' + json.dumps(signatures).encode() + b"\n}"


def test_the_payload_is_what_was_signed():
    payload = manifest()
    assert schema1.payload(signed(payload)) == payload
    assert schema1.payload(payload) == payload


BAD_SEALS = [
    "",
    "!",
    unpadded(b"[]"),
    unpadded(b'{"formatLength":1}'),
    protected(manifest(), length=0),
    unpadded(b'{"formatLength":1000000000,"formatTail":""}'),
]


@pytest.mark.parametrize("seal", BAD_SEALS)
def test_a_signature_that_covers_nothing_is_refused(seal):
    with pytest.raises(ImageFormatError):
        schema1.payload(signed(manifest(), seal))


def test_signatures_of_different_content_are_refused():
    payload = manifest()
    other = unpadded(json.dumps({"formatLength": 5, "formatTail": unpadded(b"}")}).encode())
    with pytest.raises(ImageFormatError, match="different"):
        schema1.payload(signed(payload, protected(payload), other))


def test_steps_become_history_oldest_first_with_its_layers():
    converted = schema1.convert(manifest())
    config = wire.decode(converted.config_json, wire.ImageConfig, what="config")
    assert converted.layers == (OLD, NEW)
    told = [(entry.created_by, bool(entry.empty_layer), entry.author) for entry in config.history or ()]
    assert told == [
        ("/bin/sh -c #(nop) ADD file:1 in / ", False, None),
        ('/bin/sh -c #(nop)  CMD ["/x"]', True, None),
        ("/bin/sh -c touch new", False, "me"),
    ]
    assert (config.os, config.architecture, config.author) == ("linux", "arm64", "me")
    assert config.config is not None
    assert config.config.env == ("A=b",)
    assert not {"id", "parent", "Size", "throwaway"} & json.loads(converted.config_json).keys()


def test_a_layer_that_is_said_to_be_empty_is_kept_unless_its_digest_says_so_too():
    steps = [step(["x"], throwaway=True), step(["y"])]
    converted = schema1.convert(manifest(fsLayers=[{"blobSum": NEW}, {"blobSum": OLD}], history=steps))
    assert converted.layers == (OLD, NEW)


@pytest.mark.parametrize(
    "changes",
    [
        {"history": []},
        {"fsLayers": [], "history": []},
        {"fsLayers": [{"blobSum": OLD}]},
        {"fsLayers": [{}] * 3},
        {"history": [{"v1Compatibility": "["}] * 3},
        {"history": [{"v1Compatibility": "[]"}] * 3},
        {"history": [{"v1Compatibility": "[" * 50_000}] * 3},
        {"history": [step(None, created=5)] * 3},
        {"fsLayers": [{"blobSum": OLD}] * 2000, "history": [step(None)] * 2000},
    ],
)
def test_what_does_not_fit_is_refused(changes):
    with pytest.raises(ImageFormatError) as caught:
        schema1.convert(manifest(**changes))
    assert isinstance(caught.value, LimitExceededError) == (len(changes.get("fsLayers", ())) == 2000)


def read(registry: FakeRegistry, version: str = "1", platform: Platform | None = None) -> Any:
    source = RegistrySource(registry.reference(version), wanted=Wanted(platform), access=Access(), patience=QUICK)
    with source.open() as opened:
        whole = []
        for blob in opened.layers():
            with closing(blob.open()) as reader:
                whole.append((blob.key, reader.read(10**6)))
        return opened.images()[0], whole


def test_an_old_image_is_read_like_any_other():
    payload = manifest()
    with FakeRegistry() as registry:
        registry.put(signed(payload), content_type=wire.DOCKER_SCHEMA1_SIGNED)
        registry.blobs = {layer.digest: layer.stored for layer in LAYERS}
        registry.manifests[of(payload)] = signed(payload)
        registry.content_types[of(payload)] = wire.DOCKER_SCHEMA1_SIGNED
        for version in ("1", of(payload)):
            image, layers = read(registry, version)
            assert image.manifest_digest == of(payload)
            assert image.platform == Platform("linux", "arm64")
            assert [(layer.digest, layer.diff_id) for layer in image.layers] == [(OLD, None), (NEW, None)]
            assert layers == [(layer.digest, layer.stored) for layer in LAYERS]
        with pytest.raises(ImageNotFoundError, match="s390x"):
            read(registry, platform=Platform("linux", "s390x"))


def test_the_digest_of_an_old_image_is_that_of_its_payload():
    payload = manifest()
    with FakeRegistry() as registry:
        registry.put(signed(payload), content_type=wire.DOCKER_SCHEMA1_SIGNED)
        registry.script("/v2/team/app/manifests/1", Reply(headers={"Docker-Content-Digest": of(signed(payload))}))
        with pytest.raises(DigestMismatchError):
            read(registry)


def test_a_malformed_digest_of_an_old_layer_is_refused():
    with FakeRegistry() as registry:
        registry.put(manifest(fsLayers=[{"blobSum": "sha256:../../x"}] * 3))
        with pytest.raises(ImageFormatError, match="malformed"):
            read(registry)


def test_many_signatures_of_a_large_manifest_take_the_memory_of_one():
    payload = manifest(padding="x" * 1_000_000)
    seals = [unpadded(json.dumps({"formatLength": 10**6 + at, "formatTail": ""}).encode()) for at in range(50)]
    body = signed(payload, *seals)
    tracemalloc.start()
    try:
        with pytest.raises(ImageFormatError, match="different"):
            schema1.payload(body)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body)
    finally:
        tracemalloc.stop()

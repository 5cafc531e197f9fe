"""The registry source against a registry in this process: images, layers, broken connections, busy and bad servers."""

from __future__ import annotations

import json
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from imgscan.errors import (
    BlobAbsentError,
    ImageNotFoundError,
)
from imgscan.model.values import Platform
from imgscan.streams.digest import of
from tests.support.fake_registry import REPOSITORY, content
from tests.support.images import ImageBuilder, dump

NOISE = secrets.token_bytes(50_000)
BLOBS = f"/v2/{REPOSITORY}/blobs/"
MANIFESTS = f"/v2/{REPOSITORY}/manifests/"
TAG = MANIFESTS + "1"


def app(*, docker_types: bool = False, platform: str = "linux/amd64") -> ImageBuilder:
    image = ImageBuilder("app:1", docker_types=docker_types, platform=platform)
    image.layer({"one": NOISE}, created_by="COPY one / # buildkit")
    return image.layer({"two": platform.encode()}).configure(Env=["A=b"])


def layers_of(*images: ImageBuilder) -> dict[str, bytes]:
    return {layer.digest: layer.stored for image in images for layer in image.layers}


@pytest.mark.parametrize("docker_types", [False, True])
def test_an_image_has_its_config_layers_and_digests(registry, opened, docker_types):
    image = app(docker_types=docker_types)
    image.annotations["note"] = "hello"
    digest = registry.push(image)
    source = opened()
    (read,) = source.images()
    assert (read.source, read.reference) == ("registry", str(registry.reference()))
    assert (read.manifest_digest, read.config_json) == (digest, image.config)
    assert read.platform == Platform("linux", "amd64")
    assert [layer.diff_id for layer in read.layers] == [layer.diff_id for layer in image.layers]
    assert read.annotations == {"manifest.annotations[note]": "hello"}
    assert read.notices == ()
    assert content(source) == layers_of(image)


def test_a_digest_is_read_as_well_as_a_tag(registry, opened):
    digest = registry.push(app())
    assert opened(digest).images()[0].manifest_digest == digest


def test_all_kinds_of_manifest_are_accepted_and_nothing_encoded(registry, opened):
    registry.push(app())
    opened()
    (request,) = registry.asked(TAG)
    kinds = request.headers["Accept"].split(", ")
    assert len(kinds) == 6
    assert request.headers["Accept-Encoding"] == "identity"


def test_the_manifest_of_a_tag_is_asked_for_once(registry, opened):
    registry.push(app())
    opened()
    assert len(registry.asked(MANIFESTS)) == 1  # Docker Hub counts them


def test_layers_stream_at_the_same_time(registry, opened):
    image = ImageBuilder("app:1")
    for number in range(4):
        image.layer({f"f{number}": bytes([number]) * 1000})
    registry.push(image)
    source = opened()
    assert source.parallel
    together = threading.Barrier(4)

    def read(blob):
        with closing(blob.open()) as reader:
            first = reader.read(10)
            together.wait(5)  # all four are open now
            return blob.key, first + b"".join(iter(lambda: reader.read(100), b""))

    with ThreadPoolExecutor(4) as pool:
        assert dict(pool.map(read, source.layers())) == layers_of(image)


def test_a_layer_may_be_dropped_before_its_end(registry, opened):
    registry.push(app())
    for blob in opened().layers():
        reader = blob.open()
        assert reader.read(1)
        reader.close()
        reader.close()


def test_one_platform_is_chosen_or_all_with_shared_layers_once(registry, opened):
    arm, amd = app(platform="linux/arm64"), app(platform="linux/amd64")
    registry.push(arm, amd)
    chosen = opened(platform="linux/arm64")
    assert [str(image.platform) for image in chosen.images()] == ["linux/arm64"]
    everything = opened(every=True)
    assert [str(image.platform) for image in everything.images()] == ["linux/arm64", "linux/amd64"]
    assert len(list(everything.layers())) == 3
    assert content(everything) == layers_of(arm, amd)


@pytest.mark.parametrize("images", [1, 2])
def test_a_platform_that_is_not_there_is_not_found(registry, opened, images):
    registry.push(*[app(), app(platform="linux/arm64")][:images])
    with pytest.raises(ImageNotFoundError, match="s390x") as caught:
        opened(platform="linux/s390x")
    assert "linux/amd64" in (caught.value.hint or "")


def test_one_bad_platform_of_all_is_a_notice(registry, opened):
    arm, amd = app(platform="linux/arm64"), app()
    registry.push(arm, amd)
    del registry.manifests[of(arm.manifest())]
    (image,) = opened(every=True).images()
    assert image.platform == Platform("linux", "amd64")
    assert [(notice.code, notice.where, notice.incomplete) for notice in image.notices] == [
        ("bad-image", "linux/arm64", True)
    ]
    with pytest.raises(BlobAbsentError):
        opened(platform="linux/arm64")


def test_attestations_of_the_index_come_with_the_image(registry, opened):
    registry.push(app().attest({"predicate": {"x": 1}}, "https://slsa.dev/provenance/v1"))
    (attestation,) = opened().images()[0].attestations
    assert attestation.predicate_type == "https://slsa.dev/provenance/v1"
    assert json.loads(attestation.content) == {"predicate": {"x": 1}}


def test_an_attestation_that_is_something_else_is_a_notice(registry, opened):
    image = app().attest(b'{"a":1}')
    registry.push(image)
    registry.blobs[of(b'{"a":1}')] = b'{"a":2}'
    (read,) = opened().images()
    assert read.attestations == ()
    assert [notice.code for notice in read.notices] == ["bad-attestation"]


def test_foreign_layers_are_absent_and_their_addresses_never_asked(registry, opened):
    image = app(docker_types=True)
    manifest = json.loads(image.manifest())
    for layer in manifest["layers"]:
        layer["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
        layer["urls"] = [f"{registry.url}/elsewhere"]
    registry.push(image)
    registry.put(dump(manifest))
    del registry.blobs[image.layers[0].digest]
    source = opened()
    assert [layer.absent for layer in source.images()[0].layers] == ["a foreign layer, which is kept elsewhere", None]
    assert list(content(source)) == [image.layers[1].digest]  # pushed along with its image
    assert not registry.asked("/elsewhere")


def test_a_blob_that_is_gone_is_absent(registry, opened):
    image = app()
    registry.push(image)
    registry.blobs.clear()
    source = opened()
    with pytest.raises(BlobAbsentError, match="404, BLOB_UNKNOWN"):
        next(iter(source.layers())).open()
    assert [notice.code for notice in source.images()[0].notices] == ["no-config"]

"""Image archives of every generation, in a file and through a pipe."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING

import pytest

from imgscan.errors import (
    ImageFormatError,
    LimitExceededError,
    SourceError,
)
from imgscan.model.values import Platform
from imgscan.sources import archive
from imgscan.sources.archive import StreamSource
from imgscan.sources.base import Wanted
from tests.support.archives import FORMS, WAYS, app, as_file, as_source, without
from tests.support.images import (
    ImageBuilder,
    Link,
    docker_25,
    docker_legacy,
    dump,
    oci_layout,
    pack,
    podman_docker,
    sha256,
    tar_of,
)
from tests.support.images import Members as Tree
from tests.support.reading import Got, got, read_all

if TYPE_CHECKING:
    from tests.support.archives import Open

AMD64 = Platform("linux", "amd64")


@pytest.fixture(params=WAYS)
def open_archive(request, tmp_path) -> Open:
    return partial(as_source, request.param, tmp_path)


def check(result: Got, image: ImageBuilder, *, compressed: bool) -> None:
    assert result.error is None
    assert result.content(result.image) == [layer.stored if compressed else layer.tar for layer in image.layers]
    assert [ref.diff_id for ref in result.image.layers] == [layer.diff_id for layer in image.layers]
    assert [ref.index for ref in result.image.layers] == [0, 1, 2]
    assert result.image.config_json == image.config
    assert result.image.config_digest == sha256(image.config)
    assert result.image.platform == AMD64
    assert result.image.notices == ()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("order", ["as written", "backwards", "./"])
def test_every_form_gives_the_same_image(open_archive, form, order):
    image = app("acme/app:1", "acme/app:2")
    write, compressed = FORMS[form]
    members = write(image)
    if order == "backwards":
        members = dict(reversed(members.items()))
    data = tar_of(members, prefix="./" if order == "./" else "")

    result = got(open_archive(data))

    check(result, image, compressed=compressed)
    assert result.image.reference == ("image.tar" if form == "oci, nested" else "acme/app:1")
    assert result.image.source == ("docker-archive" if "manifest.json" in members else "oci-archive")


@pytest.mark.parametrize("form", ["docker 25", "containerd", "oci"])
def test_digests_of_manifest_and_layers_are_told_where_they_are_known(open_archive, form):
    image = app("acme/app:1")
    write, compressed = FORMS[form]

    found = got(open_archive(write(image))).image

    assert found.manifest_digest == sha256(image.manifest(plain=not compressed))
    assert [ref.digest for ref in found.layers] == [
        layer.digest if compressed else layer.diff_id for layer in image.layers
    ]


def test_layers_of_old_docker_archives_have_no_digest_of_their_own(open_archive):
    assert {ref.digest for ref in got(open_archive(docker_legacy(app("a:1")))).image.layers} == {None}


def test_a_repeated_layer_is_delivered_once(open_archive):
    result = got(open_archive(docker_legacy(app("a:1"))))

    assert len(result.layers) == 2
    assert result.image.layers[0].key == result.image.layers[2].key


def test_a_layer_may_be_a_hard_link(open_archive):
    image = ImageBuilder("a:1").layer({"f": b"1"})
    members = docker_legacy(image)
    path = next(name for name in members if name.endswith("layer.tar"))
    members = {"real.tar": image.layers[0].tar, path: Link("real.tar", hard=True), **without(members, path)}

    assert got(open_archive(members)).content(got(open_archive(members)).image) == [image.layers[0].tar]


@pytest.mark.parametrize("target", ["../x/layer.tar", "../../../etc/passwd", "/etc/passwd", "nowhere"])
def test_links_that_lead_nowhere_or_out_of_the_archive_are_absent_layers(open_archive, target):
    image = ImageBuilder("a:1").layer({"f": b"1"})
    item = {"Config": "c.json", "RepoTags": None, "Layers": ["x/layer.tar"]}
    members: Tree = {"x/layer.tar": Link(target), "c.json": image.config, "manifest.json": dump([item])}

    result = got(open_archive(members))

    assert result.layers == {}
    assert result.image.layers[0].absent


def test_annotations_are_named_by_their_place(open_archive):
    image = app("acme/app:1")

    found = got(open_archive(oci_layout(image))).image.annotations

    assert found["manifest.annotations[k]"] == "manifest"
    assert found["layers[0].annotations[k]"] == "layer"
    assert found["index.annotations[org.opencontainers.image.ref.name]"] == "acme/app:1"


def test_a_bare_tag_gets_the_name_of_the_file_in_front(open_archive):
    assert got(open_archive(oci_layout(ImageBuilder("latest").layer({})))).image.reference == "image.tar:latest"


def test_the_kind_that_an_engine_gives_stays():
    data = tar_of(docker_legacy(app("a:1")))
    source = StreamSource(lambda: io.BytesIO(data), kind="podman", reference="a", wanted=Wanted())

    assert got(source).image.source == "podman"


def test_the_kind_of_a_file_is_told_by_its_content(tmp_path):
    source = as_file(tmp_path, tar_of(oci_layout(app("a:1"))))
    with source.open():
        assert source.kind == "oci-archive"


@pytest.mark.parametrize("form", ["docker ≤ 24", "docker 25", "podman", "crane", "oci"])
def test_several_images_are_all_read(open_archive, form):
    images = [app("acme/one:1"), app("acme/two:1", text=b"y"), app("acme/three:1", platform="linux/arm64")]
    write, compressed = FORMS[form]

    result = got(open_archive(write(*images)))

    assert [image.reference for image in result.images] == ["acme/one:1", "acme/two:1", "acme/three:1"]
    for built, found in zip(images, result.images, strict=True):
        assert result.content(found) == [layer.stored if compressed else layer.tar for layer in built.layers]


class TestReading:
    data = tar_of(docker_25(app("a:1")))

    def test_layers_of_a_file_are_read_side_by_side(self, tmp_path):
        with as_file(tmp_path, self.data).open() as opened:
            assert opened.parallel
            one, two = [blob.open() for blob in opened.layers()]
            parts: tuple[list[bytes], list[bytes]] = ([], [])
            for _ in range(3000):
                parts[0].append(one.read(10))
                parts[1].append(two.read(10))
            (image,) = opened.images()

        assert [sha256(b"".join(part)) for part in parts] == [image.layers[0].key, image.layers[1].key]

    def test_what_is_not_read_of_a_layer_in_a_pipe_is_skipped(self):
        with StreamSource(lambda: io.BytesIO(self.data), kind="docker", reference="-").open() as opened:
            assert not opened.parallel
            readers = []
            for layer in opened.layers():
                readers.append(layer.open())
                assert len(readers[-1].read(5)) == 5
            assert len(opened.images()[0].layers) == 3
            assert [reader.read(600) == b"" or True for reader in readers]

    def test_a_reader_whose_layer_has_passed_gives_nothing(self):
        with StreamSource(lambda: io.BytesIO(self.data), kind="docker", reference="-").open() as opened:
            readers = [layer.open() for layer in opened.layers()]
            assert all(len(read_all(reader)) <= 512 for reader in readers)

    def test_a_corrupt_outer_codec_is_an_error_after_the_good_layers(self):
        image = ImageBuilder("a:1").layer({"a": b"1"}).layer({"b": b"2" * 3_000_000})
        packed = pack(tar_of(podman_docker(image)), "gzip")
        broken = packed[:-2000] + b"\xff" * 2000

        result = got(StreamSource(lambda: io.BytesIO(broken), kind="docker", reference="-"))

        assert isinstance(result.error, ImageFormatError)
        assert result.content(result.image)[0] == image.layers[0].tar

    def test_an_archive_that_unpacks_to_too_much_is_stopped(self, monkeypatch):
        monkeypatch.setattr(archive, "RATIO_GRACE_BYTES", 1 << 20)
        bomb = pack(tar_of({"0" * 64 + ".tar": tar_of({"zeros": bytes(30 << 20)})}), "zstd")

        result = got(StreamSource(lambda: io.BytesIO(bomb), kind="docker", reference="-"))

        assert isinstance(result.error, LimitExceededError)

    def test_a_pipe_that_breaks_is_a_source_error(self):
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                if self.tell() > 4096:
                    raise OSError(5, "Input/output error")
                return super().read(min(size or 0, 1024))

        result = got(StreamSource(lambda: Broken(self.data), kind="docker", reference="-"))

        assert isinstance(result.error, SourceError)

    def test_the_stream_is_closed_whatever_happens(self):
        streams = [io.BytesIO(self.data), io.BytesIO(b"nonsense")]
        for stream in streams:
            try:
                with StreamSource(lambda stream=stream: stream, kind="docker", reference="-").open():  # type: ignore[misc] # bound early
                    pass
            except ImageFormatError:
                pass

        assert all(stream.closed for stream in streams)

"""Image layouts on disk: the same images as in archives, and nothing outside the directory is ever read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from imgscan.errors import DigestMismatchError, ImageFormatError, ImageNotFoundError, LimitExceededError
from imgscan.image import select
from imgscan.model.values import Platform
from imgscan.sources import manifests
from imgscan.sources.base import Wanted
from imgscan.sources.layout import LayoutSource
from tests.support.archives import app, with_manifest, without
from tests.support.images import ImageBuilder, Link, blob, containerd_store, docker_25, oci_layout, sha256, write_tree
from tests.support.reading import got, read_all

AMD64 = Platform("linux", "amd64")


@pytest.mark.parametrize("write", [oci_layout, docker_25, containerd_store])
def test_a_layout_gives_its_image(tmp_path, write):
    image = app("acme/app:1")
    plain = write is docker_25

    result = got(LayoutSource(write_tree(write(image), tmp_path)))

    assert result.content(result.image) == [layer.tar if plain else layer.stored for layer in image.layers]
    assert result.image.config_json == image.config
    assert result.image.reference == "acme/app:1"
    assert result.image.source == "oci-dir"
    assert result.image.manifest_digest == sha256(image.manifest(plain=plain))
    assert (result.error, result.notices) == (None, {})


def test_an_image_without_a_name_is_called_like_the_directory(tmp_path):
    (tmp_path / "mine").mkdir()

    assert got(LayoutSource(write_tree(oci_layout(app()), tmp_path / "mine"))).image.reference == "mine"


def test_one_of_several_images_is_chosen_by_name(tmp_path):
    write_tree(oci_layout(app("one"), app("two", text=b"y")), tmp_path)

    result = got(LayoutSource(tmp_path, name="two"))

    assert result.image.reference == f"{tmp_path.name}:two"
    assert len(got(LayoutSource(tmp_path)).images) == 2


def test_a_name_that_is_not_there_is_told_with_those_that_are(tmp_path):
    write_tree(oci_layout(app("one"), app("two")), tmp_path)

    with pytest.raises(ImageNotFoundError) as caught:
        got(LayoutSource(tmp_path, name="three"))

    assert "one, two" in (caught.value.hint or "")


def test_the_platform_is_chosen(tmp_path, monkeypatch):
    monkeypatch.setattr(select, "host_platform", lambda: AMD64)
    write_tree(oci_layout(app("a:1"), app("a:1", platform="linux/arm64"), nested=True), tmp_path)

    assert got(LayoutSource(tmp_path)).image.platform == AMD64
    assert got(LayoutSource(tmp_path, wanted=Wanted(Platform("linux", "arm64")))).image.platform != AMD64
    assert len(got(LayoutSource(tmp_path, wanted=Wanted(all_platforms=True))).images) == 2


def test_layers_are_read_side_by_side_and_leave_no_file_open(tmp_path):
    before = open_files()
    with LayoutSource(write_tree(oci_layout(app("a:1")), tmp_path)).open() as opened:
        assert opened.parallel
        readers = [layer.open() for layer in opened.layers()]
        for reader in readers:
            reader.read(1)
        for reader in readers:
            assert read_all(reader)
            reader.close()
            reader.close()

    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_an_absent_layer_is_named(tmp_path):
    image = app("a:1")
    write_tree(without(oci_layout(image), blob(image.layers[1].digest)), tmp_path)

    assert [bool(ref.absent) for ref in got(LayoutSource(tmp_path)).image.layers] == [False, True, False]


def test_wrong_digests_of_documents_are_refused(tmp_path):
    image = app("a:1")
    for number, content in enumerate((image.config, image.manifest())):
        directory = tmp_path / str(number)
        directory.mkdir()
        with pytest.raises(DigestMismatchError):
            got(LayoutSource(write_tree({**oci_layout(image), blob(sha256(content)): content + b" "}, directory)))


def test_documents_that_are_too_large_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(manifests, "MAX_JSON_BYTES", 50)

    with pytest.raises(LimitExceededError):
        got(LayoutSource(write_tree(oci_layout(app("a:1")), tmp_path)))


@pytest.mark.parametrize("tree", [{}, {"index.json/": None}, {"manifest.json": b"[]"}])
def test_a_directory_without_an_index_is_no_layout(tmp_path, tree):
    with pytest.raises(ImageFormatError, match=r"index\.json") as caught:
        got(LayoutSource(write_tree(tree, tmp_path)))

    assert caught.value.hint


def test_a_directory_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(ImageNotFoundError):
        got(LayoutSource(tmp_path / "nothing"))


class TestOutside:
    """A secret stands beside the layout; whatever the layout says, it is not read."""

    @pytest.fixture
    def layout(self, tmp_path: Path) -> Path:
        (tmp_path / "secret").write_bytes(b"secret")
        (tmp_path / "layout").mkdir()
        return tmp_path / "layout"

    def test_links_out_of_the_directory_are_not_followed(self, layout):
        image = ImageBuilder("a:1").layer({"f": b"1"})
        path = blob(image.layers[0].digest)
        write_tree({**oci_layout(image), path: Link("../../../secret")}, layout)

        result = got(LayoutSource(layout))

        assert result.layers == {}
        assert result.image.layers[0].absent

    def test_neither_are_linked_directories(self, layout):
        image = ImageBuilder("a:1").layer({"f": b"1"})
        write_tree(oci_layout(image), layout)
        (layout / "blobs" / "sha256").rename(layout.parent / "sha256")
        (layout / "blobs" / "sha256").symlink_to("../../sha256")

        with pytest.raises(ImageFormatError):
            got(LayoutSource(layout))

    def test_links_within_the_directory_are(self, layout):
        image = ImageBuilder("a:1").layer({"f": b"1"})
        path = blob(image.layers[0].digest)
        members = {**oci_layout(image), path: Link("../../elsewhere"), "elsewhere": image.layers[0].stored}

        assert got(LayoutSource(write_tree(members, layout))).layers == {image.layers[0].digest: image.layers[0].stored}

    @pytest.mark.parametrize(
        "digest", ["sha256:../../../secret", "../..:secret", f"md5:{'0' * 32}", "sha256:", "", "x"]
    )
    def test_digests_that_are_paths_are_absent_layers(self, layout, digest):
        image = ImageBuilder("a:1").layer({"f": b"1"})
        manifest = json.loads(image.manifest())
        manifest["layers"][0]["digest"] = digest

        result = got(LayoutSource(write_tree(with_manifest(image, json.dumps(manifest).encode()), layout)))

        assert result.layers == {}
        assert result.image.layers[0].absent
        assert result.image.layers[0].digest is None

    def test_pipes_and_link_loops_do_not_block(self, layout):
        image = ImageBuilder("a:1").layer({"f": b"1"}).layer({"g": b"2"})
        one, two = (blob(layer.digest) for layer in image.layers)
        write_tree({**without(oci_layout(image), one), two: Link(two.rpartition("/")[2])}, layout)
        os.mkfifo(layout / one)

        result = got(LayoutSource(layout))

        assert [bool(ref.absent) for ref in result.image.layers] == [True, True]

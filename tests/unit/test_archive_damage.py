"""Archives that are damaged, hostile, or none: a clear error or notice, and what could be read is kept."""

from __future__ import annotations

import io
import json
import tarfile
from functools import partial
from typing import TYPE_CHECKING

import pytest

from imgscan.errors import (
    DigestMismatchError,
    ImageFormatError,
    ImageNotFoundError,
    ImgscanError,
    LimitExceededError,
)
from imgscan.sources.archive import ArchiveSource, StreamSource
from imgscan.sources.members import MAX_MEMBERS, Members
from imgscan.streams.limits import MAX_LAYERS
from tests.support.archives import FORMS, WAYS, app, as_file, as_source, with_manifest, without
from tests.support.images import (
    ImageBuilder,
    blob,
    crane,
    docker_25,
    docker_legacy,
    dump,
    oci_layout,
    podman_docker,
    sha256,
    tar_of,
)
from tests.support.images import Members as Tree
from tests.support.reading import got

if TYPE_CHECKING:
    from tests.support.archives import Open


@pytest.fixture(params=WAYS)
def open_archive(request, tmp_path) -> Open:
    return partial(as_source, request.param, tmp_path)


def test_what_is_corrupt_from_the_start_is_named(tmp_path):
    path = tmp_path / "app.tar.gz"
    path.write_bytes(b"\x1f\x8b" + b"no gzip" * 100)
    with pytest.raises(ImageFormatError, match="corrupt gzip data") as caught:
        got(ArchiveSource(path))
    assert caught.value.where == "app.tar.gz"


class TestDamage:
    image = app("acme/app:1")

    def test_an_absent_layer_is_named_and_the_others_are_read(self, open_archive):
        for write, compressed in ((docker_25, False), (oci_layout, True)):
            lost = self.image.layers[1]
            result = got(open_archive(without(write(self.image), blob(lost.digest if compressed else lost.diff_id))))

            assert [bool(ref.absent) for ref in result.image.layers] == [False, True, False]
            assert len(result.layers) == 1

    def test_a_foreign_layer_says_so(self, open_archive):
        image = ImageBuilder("a:1").layer({})
        manifest = json.loads(image.manifest())
        manifest["layers"][0]["urls"] = ["https://example.com/layer"]
        members = with_manifest(image, dump(manifest))

        result = got(open_archive(without(members, blob(image.layers[0].digest))))

        assert "foreign" in (result.image.layers[0].absent or "")

    def test_an_absent_config_makes_the_scan_incomplete(self, open_archive):
        for write in (docker_legacy, docker_25, oci_layout):
            members = write(self.image)
            path = next(name for name, content in members.items() if content == self.image.config)
            result = got(open_archive(without(members, path)))

            assert result.image.config is None
            assert result.notices["no-config"] is True
            assert None not in result.content(result.image)

    def test_a_config_that_is_none_makes_the_scan_incomplete(self, open_archive):
        layer = self.image.layers[0].tar
        for config in (b"", b"{", b"[]", b'{"config":{"Env":"A=b"}}', b"[" * 100_000):
            members: Tree = {"l.tar": layer, "c": config, "manifest.json": dump([{"Config": "c", "Layers": ["l.tar"]}])}
            result = got(open_archive(members))

            assert result.notices == {"bad-config": True}
            assert result.content(result.image) == [layer]

    @pytest.mark.parametrize("diff_ids", [[], ["sha256:" + "0" * 64], None, ["nonsense"] * 3])
    def test_a_config_that_does_not_fit_its_manifest_verifies_no_layer(self, open_archive, diff_ids):
        image = app("a:1")
        image.extra["rootfs"] = None
        config = dump({**json.loads(image.config), "rootfs": {"diff_ids": diff_ids}})
        layers = ["0.tar", "1.tar", "2.tar"]
        members: Tree = {name: layer.tar for name, layer in zip(layers, image.layers, strict=True)}
        members |= {"c": config, "manifest.json": dump([{"Config": "c", "Layers": layers}])}

        result = got(open_archive(members))

        assert [ref.diff_id for ref in result.image.layers] == [None] * 3
        assert list(result.notices) == ["bad-diff-id" if diff_ids and len(diff_ids) == 3 else "layer-count"]
        assert result.content(result.image) == [layer.tar for layer in image.layers]

    @pytest.mark.parametrize(("listed", "incomplete"), [(1, True), (3, False)])
    def test_a_layer_that_only_the_config_knows_makes_the_scan_incomplete(self, open_archive, listed, incomplete):
        image = ImageBuilder("a:1").layer({"one": b"1"}).layer({"two": b"2"})
        manifest = json.loads(image.manifest())
        manifest["layers"] = [*manifest["layers"], manifest["layers"][0]][:listed]

        result = got(open_archive(with_manifest(image, dump(manifest))))

        assert result.notices == {"layer-count": incomplete}

    def test_a_config_with_another_digest_is_refused_by_name(self, tmp_path):
        for write in (docker_legacy, docker_25, crane, oci_layout):
            members = write(self.image)
            path = next(name for name, content in members.items() if content == self.image.config)
            with pytest.raises(DigestMismatchError):
                got(as_file(tmp_path, tar_of({**members, path: self.image.config + b" "})))

    def test_a_manifest_with_another_digest_is_refused(self, tmp_path):
        members = oci_layout(self.image)
        path = blob(sha256(self.image.manifest()))

        with pytest.raises(DigestMismatchError):
            got(as_file(tmp_path, tar_of({**members, path: self.image.manifest() + b" "})))

    def test_in_a_pipe_a_wrong_digest_leaves_the_layers_without_a_manifest(self):
        members = docker_legacy(self.image)
        path = next(name for name, content in members.items() if content == self.image.config)
        data = tar_of({**members, path: b"{}"})

        result = got(StreamSource(lambda: io.BytesIO(data), kind="docker", reference="-"))

        assert sorted(map(str, result.content(result.image))) == sorted({str(layer.tar) for layer in self.image.layers})
        assert result.notices == {"no-manifest": True}

    @pytest.mark.parametrize("form", ["docker ≤ 24", "docker 25", "podman", "crane", "oci"])
    def test_what_stands_before_a_cut_is_kept(self, open_archive, form):
        write, compressed = FORMS[form]
        data = tar_of(write(self.image))
        layers = [layer.stored if compressed else layer.tar for layer in self.image.layers[:2]]
        first, second = sorted(layers, key=data.index)

        result = got(open_archive(data[: data.index(second) + len(second) // 2]))

        assert isinstance(result.error, ImageFormatError)
        assert result.notices == {"no-manifest": True}
        assert result.image.config is None
        assert list(result.layers.values()) == [first]
        assert {ref.key for ref in result.image.layers} >= set(result.layers)

    def test_with_the_manifest_in_front_a_cut_costs_only_what_is_behind(self, open_archive):
        data = tar_of(dict(reversed(podman_docker(self.image).items())))
        last = self.image.layers[0].tar

        result = got(open_archive(data[: data.index(last) + len(last) // 2]))

        assert isinstance(result.error, ImageFormatError)
        assert result.image.config is not None
        assert [ref.index for ref in result.image.layers if ref.key in result.layers] == [1]

    def test_an_image_of_too_many_layers_is_refused(self, open_archive):
        image = ImageBuilder("a:1").layer({"f": b"1"})
        manifest = json.loads(image.manifest())
        manifest["layers"] *= MAX_LAYERS + 1

        result = got(open_archive(with_manifest(image, dump(manifest))))

        assert result.notices == {"no-manifest": True}
        assert result.content(result.image) == [image.layers[0].stored]

    def test_layers_without_any_manifest_are_read_all_the_same(self, open_archive):
        members = without(oci_layout(self.image), "index.json", "oci-layout")

        result = got(open_archive(members))

        assert result.error is None
        assert result.notices == {"no-manifest": True}
        assert None not in result.content(result.image)

    def test_a_damaged_header_is_not_taken_for_the_end(self, open_archive):
        data = bytearray(tar_of(docker_legacy(self.image)))
        with tarfile.open(fileobj=io.BytesIO(data)) as whole:
            second = whole.getmembers()[4]
        data[second.offset : second.offset + 100] = b"?" * 100

        result = got(open_archive(bytes(data)))

        assert isinstance(result.error, ImageFormatError)

    def test_a_path_that_comes_twice_counts_the_second_time(self, open_archive):
        members = podman_docker(self.image)
        path, tar = next((name, content) for name, content in members.items() if name.endswith(".tar"))
        head = tar_of({path: tar_of({"other": b"1"})})[: 512 + 10240]  # without the end marker

        result = got(open_archive(head + tar_of(members)))

        assert result.content(result.image)[0] == tar
        assert result.notices == {"duplicate-member": False}

    def test_no_name_can_stand_for_a_path_that_came_twice(self, tmp_path):
        tars = [tar_of({name: name.encode()}) for name in ("first", "second")]
        item = {"Config": "c.json", "Layers": ["l.tar"]}
        guesses: Tree = {f"l.tar{mark}{MAX_MEMBERS - 2}": tar_of({"guess": b"1"}) for mark in ("#", "//", "/")}
        start = tar_of({"l.tar": tars[0]})[: 512 + 10240]  # without the end marker
        rest = tar_of({"l.tar": tars[1], **guesses, "c.json": b"{}", "manifest.json": dump([item])})

        result = got(as_file(tmp_path, start + rest))

        assert result.content(result.image) == [tars[1]]

    def test_what_a_hostile_manifest_calls_a_layer_is_handed_out_for_judgement(self, open_archive):
        item = {"Config": "c.json", "Layers": ["c.json", "VERSION", "empty.tar"]}
        members: Tree = {"c.json": b"{}", "VERSION": b"1.0", "empty.tar": bytes(1024), "manifest.json": dump([item])}

        result = got(open_archive(members))

        assert result.content(result.image) == [b"{}", b"1.0", bytes(1024)]

    @pytest.mark.parametrize(
        "manifest",
        [
            b"",
            b"{}",
            b"[1]",
            b"\xff",
            b'[{"Layers":[]}]',
            b'[{"Config":"c","Layers":[1]}]',
            b"[" * 1_000_000,
            b'[{"Config":"c","Layers":[' + b'"a",' * 2000 + b'"a"]}]',
            b"[" + b'{"Config":"c"},' * 2000 + b'{"Config":"c"}]',
        ],
    )
    def test_a_manifest_json_that_is_none_is_an_error(self, open_archive, manifest):
        with pytest.raises(ImageFormatError) as caught:
            got(open_archive({"c": b"{}", "manifest.json": manifest}))

        assert "manifest.json" in f"{caught.value.where} {caught.value.message}"

    def test_a_manifest_json_without_images_is_an_error(self, open_archive):
        with pytest.raises(ImgscanError):
            got(open_archive({"manifest.json": b"[]"}))


class TestHostileTar:
    def refused(self, open_archive, data: bytes) -> None:
        try:
            error = got(open_archive(data)).error
        except ImgscanError as problem:
            error = problem
        assert error is not None

    def header(self, **fields: object) -> bytes:
        info = tarfile.TarInfo("x")
        for name, value in fields.items():
            setattr(info, name, value)
        return info.tobuf(tarfile.GNU_FORMAT)

    @pytest.mark.parametrize(
        "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]
    )
    @pytest.mark.parametrize("size", [1 << 20, 1 << 50, -512])
    def test_long_headers_are_not_read_into_memory(self, open_archive, kind, size):
        self.refused(open_archive, self.header(type=kind, size=size) + b"1" * 100_000)

    def test_numbers_that_take_quadratic_time_are_not_parsed(self, open_archive):
        self.refused(open_archive, self.header(type=tarfile.XHDTYPE, size=4096) + b"1" * 4096 + self.header())

    def test_neither_are_chains_of_headers(self, open_archive):
        link = self.header(type=tarfile.GNUTYPE_LONGNAME, size=1) + b"a".ljust(512, b"\0")
        self.refused(open_archive, link * 2000)

    @pytest.mark.parametrize("size", [-512, -1, 1 << 60])
    def test_absurd_sizes_are_refused(self, open_archive, size):
        self.refused(open_archive, self.header(size=size) + bytes(10240))

    def test_sparse_members_are_refused(self, open_archive):
        self.refused(open_archive, self.header(type=tarfile.GNUTYPE_SPARSE, size=512) + bytes(10240))

    @pytest.mark.parametrize(
        "pax",
        [
            {"size": "-1"},
            {"size": "9" * 5000},
            {"GNU.sparse.map": "a,b"},
            {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x", "GNU.sparse.realsize": "z"},
            {"path": "a" * 15_000},
            {"hdrcharset": "BINARY", "path": "\udcff"},
        ],
    )
    def test_pax_records_of_any_kind_never_end_in_a_traceback(self, open_archive, pax):
        info = tarfile.TarInfo("x")
        info.pax_headers = pax
        data = info.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape") + bytes(10240)

        with pytest.raises(ImgscanError):
            got(open_archive(data))

    def test_too_many_members_are_no_image(self):
        members = Members(left_members=2)
        members.add("a", 1)
        members.link("b", "a", hard=True)

        with pytest.raises(LimitExceededError):
            members.add("c", 1)

    def test_too_many_characters_in_names_are_no_image(self):
        members = Members(left_chars=100)

        with pytest.raises(LimitExceededError):
            members.link("a" * 50, "b" * 51, hard=False)

    def test_links_that_go_round_in_circles_end(self):
        members = Members()
        members.link("a", "b", hard=True)
        members.link("b", "a", hard=True)

        assert members.find("a") is None


class TestNoImage:
    @pytest.mark.parametrize(
        ("data", "hint"),
        [
            (b"hello\n" * 200, "text"),
            (b"\x7fELF" + bytes(1000), "program"),
            (b"PK\x03\x04" + bytes(1000), "zip"),
            (b'{"a": 1}', "JSON"),
            (bytes(range(256)) * 4, "docker save"),
            (tar_of({"etc/passwd": b"x", "usr/bin/sh": b"y"}), "file system"),
            (tar_of({"notes": b"x"}), "docker save"),
            (tar_of({}), "docker save"),
        ],
    )
    def test_the_error_says_what_it_looks_like(self, open_archive, data, hint):
        with pytest.raises(ImageFormatError, match="not an image archive") as caught:
            got(open_archive(data))

        assert hint in (caught.value.hint or "")

    def test_an_empty_stream_is_told_as_such(self, open_archive):
        with pytest.raises(ImageFormatError):
            got(open_archive(b""))

    def test_a_path_that_is_not_there_is_not_found(self, tmp_path):
        with pytest.raises(ImageNotFoundError):
            got(ArchiveSource(tmp_path / "nothing"))

    def test_a_directory_is_no_archive(self, tmp_path):
        with pytest.raises(ImageFormatError) as caught:
            got(ArchiveSource(tmp_path))

        assert "oci-dir" in (caught.value.hint or "")

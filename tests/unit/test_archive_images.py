"""Which images an archive holds: platforms, attestations, and two roots that need not agree."""

from __future__ import annotations

import io
import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from imgscan.errors import (
    ImageNotFoundError,
)
from imgscan.image import select
from imgscan.model.values import Platform
from imgscan.sources import archive
from imgscan.sources.archive import StreamSource
from imgscan.sources.base import Wanted
from tests.support.archives import WAYS, app, as_source, without
from tests.support.images import (
    Link,
    blob,
    containerd_store,
    descriptor,
    docker_25,
    docker_legacy,
    dump,
    image_index,
    oci_layout,
    sha256,
    tar_of,
)
from tests.support.reading import got

if TYPE_CHECKING:
    from tests.support.archives import Open

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64", "v8")


@pytest.fixture(params=WAYS)
def open_archive(request, tmp_path) -> Open:
    return partial(as_source, request.param, tmp_path)


class TestPlatforms:
    arm = app("acme/app:1", platform="linux/arm64/v8")
    amd = app("acme/app:1")

    @pytest.fixture(autouse=True)
    def host(self, monkeypatch):
        monkeypatch.setattr(select, "host_platform", lambda: AMD64)

    @pytest.mark.parametrize("write", [containerd_store, oci_layout, lambda *images: oci_layout(*images, nested=True)])
    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            (Wanted(), [AMD64]),
            (Wanted(ARM64), [ARM64]),
            (Wanted(Platform("linux", "arm64")), [ARM64]),
            (Wanted(all_platforms=True), [ARM64, AMD64]),
        ],
    )
    def test_the_wanted_ones_are_taken(self, open_archive, write, wanted, expected):
        result = got(open_archive(write(self.arm, self.amd), wanted=wanted))

        assert [image.platform for image in result.images] == expected
        assert result.error is None
        assert result.notices == {}

    def test_one_that_is_not_there_is_an_error_that_lists_those_that_are(self, open_archive):
        with pytest.raises(ImageNotFoundError, match="linux/s390x") as caught:
            got(open_archive(oci_layout(self.arm, self.amd), wanted=Wanted(Platform("linux", "s390x"))))

        assert "linux/amd64, linux/arm64/v8" in (caught.value.hint or "")

    def test_the_config_tells_the_platform_where_no_index_does(self, open_archive):
        for write in (docker_legacy, oci_layout):
            with pytest.raises(ImageNotFoundError) as caught:
                got(open_archive(write(self.amd), wanted=Wanted(ARM64)))
            assert "linux/amd64" in (caught.value.hint or "")

    def test_of_several_images_those_of_another_platform_are_noticed(self, open_archive):
        images = self.amd, app("acme/arm:1", platform="linux/arm64")

        result = got(open_archive(docker_legacy(*images), wanted=Wanted(AMD64)))

        assert result.image.reference == "acme/app:1"
        assert [(n.code, n.where, n.incomplete) for n in result.image.notices] == [("no-platform", "acme/arm:1", False)]

    @pytest.mark.parametrize("manifest_too", [True, False])
    def test_a_platform_that_was_never_pulled_is_a_notice(self, open_archive, manifest_too):
        members = containerd_store(self.amd, self.arm)
        gone = [blob(layer.digest) for layer in self.arm.layers]
        gone += [blob(sha256(self.arm.manifest())), blob(sha256(self.arm.config))] if manifest_too else []

        result = got(open_archive(without(members, *gone)))

        assert result.image.platform == AMD64
        assert [(n.code, n.where, n.incomplete) for n in result.image.notices] == [
            ("absent-platform", "linux/arm64/v8", False)
        ]

    def test_the_platform_that_is_here_is_taken_before_that_of_the_host(self, open_archive):
        gone = [blob(digest) for digest in self.amd.blobs() if digest not in self.arm.blobs()]

        result = got(open_archive(without(containerd_store(self.arm, self.amd), *gone)))

        assert result.image.platform == ARM64
        assert result.notices == {"absent-platform": False}

    def test_a_platform_that_was_asked_for_is_not_replaced_by_another(self, open_archive):
        gone = [blob(layer.digest) for layer in self.arm.layers if layer not in self.amd.layers]

        result = got(open_archive(without(containerd_store(self.amd, self.arm), *gone), wanted=Wanted(ARM64)))

        assert result.image.platform == ARM64
        assert result.image.layers[0].absent

    def test_with_all_platforms_an_absent_one_makes_the_scan_incomplete(self, open_archive):
        gone = [blob(digest) for digest in self.arm.blobs() if digest not in self.amd.blobs()]

        result = got(open_archive(without(containerd_store(self.amd, self.arm), *gone), wanted=Wanted(None, True)))

        assert result.notices == {"absent-platform": True}

    def test_without_the_manifest_its_layers_are_read_all_the_same(self, open_archive):
        members = without(containerd_store(self.arm), blob(sha256(self.arm.manifest())), "manifest.json")

        result = got(open_archive(members, wanted=Wanted(ARM64)))

        assert result.notices == {"no-manifest": True}
        assert len(result.layers) == 2


class TestAttestations:
    image = app("acme/app:1").attest({"predicate": "p"}, "https://slsa.dev/provenance/v1").attest({"sbom": 1})

    @pytest.mark.parametrize("write", [containerd_store, lambda image: oci_layout(image, nested=True)])
    def test_are_read_with_their_image(self, open_archive, write):
        found = got(open_archive(write(self.image))).image.attestations

        assert [(item.predicate_type, json.loads(item.content)) for item in found] == [
            ("https://slsa.dev/provenance/v1", {"predicate": "p"}),
            ("https://slsa.dev/provenance/v0.2", {"sbom": 1}),
        ]

    def test_may_be_absent(self, open_archive):
        manifest, _ = self.image.attestation_blobs()

        result = got(open_archive(without(containerd_store(self.image), blob(sha256(manifest)))))

        assert result.notices == {"absent-attestation": False}

    def test_other_blobs_beside_them_are_noticed(self, open_archive):
        manifest, _ = self.image.attestation_blobs()
        odd = dump({**json.loads(manifest), "layers": [descriptor(b"{}", "application/other")]})
        index, _ = image_index(self.image)
        index = index.replace(sha256(manifest).encode(), sha256(odd).encode())
        root = dump({"manifests": [descriptor(index, "application/vnd.oci.image.index.v1+json")]})
        members = {**oci_layout(self.image, nested=True), blob(sha256(index)): index, blob(sha256(odd)): odd}

        result = got(open_archive({**members, "index.json": root}))

        assert result.notices == {"artifact-ignored": False}
        assert result.image.attestations == ()

    def test_that_are_damaged_make_the_scan_incomplete(self, open_archive):
        path = blob(sha256(self.image.statements[0][1]))

        result = got(open_archive({**containerd_store(self.image), path: b'{"other": 1}'}))

        assert result.notices == {"bad-attestation": True}

    def test_that_are_too_large_to_keep_never_push_out_the_config(self, monkeypatch):
        monkeypatch.setattr(archive, "MAX_DOCUMENT_BYTES", 40_000)
        monkeypatch.setattr(archive, "RESERVED_BYTES", 20_000)
        monkeypatch.setattr(archive, "LARGE_BYTES", 10_000)
        image = app("acme/app:1").attest({"sbom": "x" * 30_000})
        statement = blob(sha256(image.statements[0][1]))
        members = containerd_store(image)
        data = tar_of({statement: members[statement], **members})

        result = got(StreamSource(lambda: io.BytesIO(data), kind="docker", reference="-"))

        assert result.image.config is not None
        assert result.notices["bad-attestation"] is True


class TestTwoRoots:
    image = app("acme/app:1")

    @pytest.mark.parametrize("layers", [[], None])
    def test_an_index_whose_manifest_lost_its_layers_is_made_good_by_manifest_json(self, open_archive, layers):
        """moby/moby#47065."""
        manifest = {**json.loads(self.image.manifest(plain=True)), "layers": layers}
        self.check_with(open_archive, dump(manifest), {})

    def check_with(self, open_archive, manifest: bytes, notices: dict[str, bool]):
        members = docker_25(self.image)
        index = json.loads(members["index.json"])  # type: ignore[arg-type] # it is bytes
        index["manifests"][0] |= {"digest": sha256(manifest), "size": len(manifest)}

        result = got(open_archive({**members, "index.json": dump(index), blob(sha256(manifest)): manifest}))

        assert result.content(result.image) == [layer.tar for layer in self.image.layers]
        assert [ref.diff_id for ref in result.image.layers] == [layer.diff_id for layer in self.image.layers]
        assert result.notices == notices

    @pytest.mark.parametrize("manifest", [b"[]", b"{}", b"\xff", b'{"config": 1}'])
    def test_a_manifest_that_is_none_is_made_good_too(self, open_archive, manifest):
        self.check_with(open_archive, manifest, {"bad-index": True})

    @pytest.mark.parametrize("index", [b"", b"[]", b"{}", b"\xff", b'{"manifests":' + b"[" * 100_000])
    def test_so_is_an_index_that_is_none(self, open_archive, index):
        result = got(open_archive({**docker_25(self.image), "index.json": index}))

        assert result.content(result.image) == [layer.tar for layer in self.image.layers]
        assert result.notices == {"bad-index": True}

    def test_full_names_come_from_manifest_json(self, open_archive):
        members = docker_25(app("registry.example/acme/app:1"))
        index = json.loads(members["index.json"])  # type: ignore[arg-type] # it is bytes
        index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": "1"}

        result = got(open_archive({**members, "index.json": dump(index)}))

        assert result.image.reference == "registry.example/acme/app:1"


class TestLinks:
    """A blob that is a link has a name that its content did not give."""

    def test_a_layer_behind_a_link_is_absent_where_only_the_index_names_it(self, open_archive):
        image = app("acme/app:1")
        lost = image.layers[1]
        members = {**oci_layout(image), "real": lost.stored, blob(lost.digest): Link("../../real")}

        result = got(open_archive(members))

        assert [bool(ref.absent) for ref in result.image.layers] == [False, True, False]
        assert "a link to something else" in (result.image.layers[1].absent or "")

    def test_a_layer_behind_a_link_is_read_where_the_manifest_of_docker_names_it(self, open_archive):
        image = app("acme/app:1")
        lost = image.layers[1]
        members = {**docker_25(image), "real": lost.tar, blob(lost.diff_id): Link("../../real")}

        result = got(open_archive(members))

        assert [ref.absent for ref in result.image.layers] == [None, None, None]
        assert lost.tar in result.layers.values()

"""The walk from an index to the manifests of one image, or of several."""

from __future__ import annotations

import platform

import pytest

from imgscan.errors import BlobAbsentError, ImageFormatError, ImageNotFoundError, LimitExceededError
from imgscan.image import select, wire
from imgscan.image.select import Chosen, Standing, choose, choose_each
from imgscan.model.values import Notice, Platform
from imgscan.streams.limits import MAX_INDEX_DEPTH, MAX_INDEX_ENTRIES
from tests.support.images import dump

Choice = tuple[tuple[Chosen, ...], tuple[Notice, ...]]

AMD64 = Platform("linux", "amd64")
ARM_V7 = Platform("linux", "arm", "v7")


@pytest.fixture(autouse=True)
def host(monkeypatch):
    monkeypatch.setattr(select, "host_platform", lambda: AMD64)


def entry(name: str, platform: str | None = None, *, kind: str | None = wire.OCI_MANIFEST, **annotations: str):
    """A descriptor whose digest is its name."""
    os, _, rest = (platform or "").partition("/")
    architecture, _, variant = rest.partition("/")
    return wire.Descriptor(
        digest=name,
        media_type=kind,
        annotations=annotations or None,
        platform=wire.WirePlatform(os, architecture, variant or None) if platform else None,
    )


def attestation(name: str, subject: str, kind: str = "attestation-manifest"):
    notes = {"vnd.docker.reference.type": kind, "vnd.docker.reference.digest": subject}
    return entry(name, "unknown/unknown", **notes)


def index(*entries, **annotations: str) -> wire.Index:
    return wire.Index(entries, annotations=annotations or None)


class Blobs(dict[str, bytes]):
    def fetch(self, descriptor: wire.Descriptor) -> bytes:
        try:
            return self[descriptor.digest]
        except KeyError:
            raise BlobAbsentError("it is not there") from None

    def nested(self, name: str, *entries, **annotations: str):
        """A descriptor of an index, whose content this keeps."""
        import msgspec  # noqa: PLC0415 - only to write what wire reads

        self[name] = msgspec.json.encode(index(*entries, **annotations))
        return entry(name, kind=wire.OCI_INDEX)


def names(chosen: tuple[Chosen, ...]) -> list[str]:
    return [item.descriptor.digest for item in chosen]


class TestOneImage:
    def choose(self, root: wire.Index, *, wanted=None, every=False, blobs=None) -> Choice:
        return choose(root, (blobs or Blobs()).fetch, wanted=wanted, every=every)

    @pytest.mark.parametrize(
        ("wanted", "every", "expected"),
        [
            (None, False, ["amd"]),
            (AMD64, False, ["amd"]),
            (ARM_V7, False, ["v7"]),
            (Platform("linux", "arm"), False, ["v6", "v7"]),
            (None, True, ["v6", "amd", "v7"]),
        ],
    )
    def test_the_platform_decides(self, wanted, every, expected):
        root = index(entry("v6", "linux/arm/v6"), entry("amd", "linux/amd64"), entry("v7", "linux/arm/v7"))

        chosen, notices = self.choose(root, wanted=wanted, every=every)

        assert names(chosen) == expected
        assert notices == ()

    def test_the_host_is_the_platform_of_this_machine(self, monkeypatch):
        monkeypatch.undo()
        monkeypatch.setattr(platform, "machine", lambda: "x86_64")
        assert select.host_platform() == AMD64

    def test_a_lone_manifest_is_taken_unless_another_platform_was_named(self):
        root = index(entry("a", "linux/s390x"))

        assert names(self.choose(root)[0]) == ["a"]
        with pytest.raises(ImageNotFoundError, match="linux/amd64") as caught:
            self.choose(root, wanted=AMD64)
        assert "linux/s390x" in (caught.value.hint or "")

    def test_a_variant_is_preferred_to_none(self):
        root = index(entry("any", "linux/arm"), entry("v7", "linux/arm/v7"))

        assert names(self.choose(root, wanted=ARM_V7)[0]) == ["v7"]
        assert names(self.choose(index(entry("any", "linux/arm")), wanted=ARM_V7)[0]) == ["any"]

    def test_manifests_without_platform_fit(self):
        assert names(self.choose(index(entry("a"), entry("b", "linux/s390x")))[0]) == ["a"]

    def test_an_empty_index_has_no_image(self):
        with pytest.raises(ImageNotFoundError):
            self.choose(index())

    def test_names_within_one_image_do_not_make_several(self):
        notes = {"org.opencontainers.image.ref.name": "1.0.arm64"}
        root = index(entry("arm", "linux/arm64", **notes), entry("amd", "linux/amd64"))

        assert names(self.choose(root)[0]) == ["amd"]

    def test_attestations_go_with_the_manifest_they_describe(self):
        root = index(entry("a", "linux/amd64"), entry("b", "linux/arm64"), attestation("x", "a"), attestation("y", "b"))

        chosen, notices = self.choose(root, every=True)

        assert [[one.digest for one in item.attestations] for item in chosen] == [["x"], ["y"]]
        assert notices == ()

    @pytest.mark.parametrize(
        "artifact",
        [
            attestation("x", "a", kind="other\x1b[31m"),
            entry("x", "unknown/unknown"),
            entry("x", kind="application/vnd.other+json"),
            wire.Descriptor("x", wire.OCI_MANIFEST, artifact_type="application/report"),
        ],
    )
    def test_other_artifacts_are_noticed_and_not_taken_for_images(self, artifact):
        chosen, notices = self.choose(index(artifact, entry("a", "linux/amd64")))

        assert names(chosen) == ["a"]
        assert [(notice.code, notice.where) for notice in notices] == [("artifact-ignored", "x")]
        assert notices[0].message.isprintable()

    def test_annotations_are_inherited_from_every_index_above(self):
        blobs = Blobs()
        inner = blobs.nested("inner", entry("a", "linux/amd64", a="1"), b="2")
        inner = wire.Descriptor("inner", inner.media_type, annotations={"c": "3"})

        chosen, _ = self.choose(index(inner, d="4"), blobs=blobs)

        assert chosen[0].index_annotations == {"a": "1", "b": "2", "c": "3", "d": "4"}

    def test_the_content_tells_an_index_without_media_type(self):
        blobs = Blobs()
        inner = blobs.nested("inner", entry("a", "linux/amd64"))
        blobs["b"] = dump({"config": {"digest": "c"}, "layers": []})

        chosen, _ = self.choose(index(wire.Descriptor(inner.digest), entry("b", "linux/amd64", kind=None)), blobs=blobs)

        assert names(chosen) == ["a", "b"]

    def test_an_absent_index_is_noticed(self):
        chosen, notices = self.choose(index(entry("gone", kind=wire.OCI_INDEX), entry("a")))

        assert names(chosen) == ["a"]
        assert [(notice.code, notice.incomplete) for notice in notices] == [("absent-index", True)]

    def test_an_index_that_is_none_is_an_error(self):
        with pytest.raises(ImageFormatError):
            self.choose(index(entry("bad", kind=wire.OCI_INDEX)), blobs=Blobs(bad=b"[]"))

    def test_an_index_in_itself_ends(self):
        blobs = Blobs()
        loop = blobs.nested("loop", entry("loop", kind=wire.OCI_INDEX), entry("a"))

        assert names(self.choose(index(loop), blobs=blobs)[0]) == ["a"]

    def test_indexes_may_not_be_too_deep(self):
        blobs = Blobs()
        inner = entry("a")
        for depth in range(MAX_INDEX_DEPTH):
            inner = blobs.nested(str(depth), inner)

        with pytest.raises(LimitExceededError, match="deep"):
            self.choose(index(inner), blobs=blobs)

    def test_indexes_may_not_be_too_large(self):
        many = [entry(str(number)) for number in range(MAX_INDEX_ENTRIES + 1)]

        assert len(self.choose(index(*many[1:]), every=True)[0]) == MAX_INDEX_ENTRIES
        with pytest.raises(LimitExceededError, match="more than"):
            self.choose(index(*many), every=True)


class TestSeveralImages:
    def choose(self, root: wire.Index, *, wanted=None, every=False, blobs=None, here=None) -> Choice:
        """``here`` is what the inspection says, by name; where it says nothing all is well."""

        def inspect(descriptor: wire.Descriptor) -> Standing:
            standing: Standing | None = (here or {}).get(descriptor.digest, Standing(None, here=True))
            if standing is None:
                raise BlobAbsentError("it is not there")
            return standing

        return choose_each(root, (blobs or Blobs()).fetch, inspect, wanted=wanted, every=every)

    def test_the_platform_is_chosen_within_each_image(self):
        blobs = Blobs()
        one = blobs.nested("one", entry("amd", "linux/amd64"), entry("arm", "linux/arm64"))
        two = blobs.nested("two", entry("lone", "linux/s390x"))

        chosen, notices = self.choose(index(one, two), blobs=blobs)

        assert names(chosen) == ["amd", "lone"]
        assert notices == ()

    def test_manifests_under_different_names_are_different_images(self):
        key = "io.containerd.image.name"
        root = index(entry("a", **{key: "one"}), entry("b", **{key: "two"}), entry("a", **{key: "three"}))

        chosen, _ = self.choose(root, here={"a": Standing(AMD64, True), "b": Standing(ARM_V7, True)})

        assert names(chosen) == ["a", "b"]
        assert chosen[0].index_annotations == {key: "one"}
        assert [item.platform for item in chosen] == [AMD64, ARM_V7]

    def test_an_image_without_the_platform_is_noticed_while_another_has_it(self):
        blobs = Blobs()
        one = blobs.nested("one", entry("amd", "linux/amd64"))
        two = blobs.nested("two", entry("arm", "linux/arm64"))

        chosen, notices = self.choose(index(one, two), blobs=blobs, wanted=AMD64)

        assert names(chosen) == ["amd"]
        assert [(notice.code, notice.where) for notice in notices] == [("no-platform", "two")]

    def test_no_image_with_the_platform_is_an_error(self):
        with pytest.raises(ImageNotFoundError):
            self.choose(index(entry("a", "linux/arm64"), entry("b", "linux/s390x")))

    @pytest.mark.parametrize("gone", [None, Standing(None, here=False)])
    def test_a_platform_of_which_nothing_is_here_is_noticed_once(self, gone):
        root = index(entry("amd", "linux/amd64"), entry("arm", "linux/arm64"), entry("arm", "linux/arm64"))

        chosen, notices = self.choose(root, here={"arm": gone})

        assert names(chosen) == ["amd"]
        assert [(n.code, n.where, n.incomplete) for n in notices] == [("absent-platform", "linux/arm64", False)]

    def test_what_is_here_is_taken_before_the_platform_of_the_host(self):
        root = index(entry("amd", "linux/amd64"), entry("arm", "linux/arm64"))

        assert names(self.choose(root, here={"amd": None})[0]) == ["arm"]

    def test_what_was_asked_for_is_taken_though_it_is_not_here(self):
        root = index(entry("amd", "linux/amd64"), entry("arm", "linux/arm64"))

        assert names(self.choose(root, here={"amd": None}, wanted=AMD64)[0]) == ["amd"]
        assert names(self.choose(root, here={"amd": None, "arm": None})[0]) == ["amd"]

    def test_an_index_of_attestations_alone_has_no_image(self):
        assert self.choose(index(attestation("x", "a"))) == ((), ())

    def test_one_index_under_many_tags_is_walked_once(self):
        blobs = Blobs()
        many = [entry(str(number), "linux/arm64") for number in range(MAX_INDEX_ENTRIES - 1)]
        nested = blobs.nested("one", *many)

        chosen, _ = self.choose(index(*[nested] * 50), blobs=blobs, every=True)

        assert len(chosen) == MAX_INDEX_ENTRIES - 1

    def test_what_a_manifest_is_is_looked_up_once_however_often_it_is_named(self):
        blobs = Blobs(one=b'{"config":{"digest":"c"}}')
        asked: list[str] = []

        def fetch(descriptor: wire.Descriptor) -> bytes:
            asked.append(descriptor.digest)
            return blobs[descriptor.digest]

        root = index(*[entry("one", kind=None)] * 3000)
        choose_each(root, fetch, lambda _: Standing(AMD64, here=True), wanted=None)

        assert len(asked) <= 2

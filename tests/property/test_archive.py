"""Order, spelling and packing of an archive's members change nothing, and no damage to them is a traceback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgscan.errors import ImgscanError
from imgscan.image import select, wire
from imgscan.sources.base import Wanted
from tests.fuzz import fuzz_manifest
from tests.support.archives import FORMS, WAYS, app, as_source
from tests.support.images import pack, tar_of
from tests.support.reading import got

if TYPE_CHECKING:
    from pathlib import Path

    from imgscan.sources.base import Source
    from tests.support.reading import Got

IMAGE = app("acme/app:1").attest({"build": "arg"})
ARCHIVES = {form: write(IMAGE) for form, (write, _) in FORMS.items()}
FORM = st.sampled_from(sorted(FORMS))
WAY = st.sampled_from(WAYS)

MEDIA_TYPE = st.sampled_from(sorted(wire.INDEX_TYPES | wire.MANIFEST_TYPES | {wire.IN_TOTO, "other"}))
NAME = st.sampled_from(["@", "manifest.json", "index.json", *fuzz_manifest.MEMBERS]) | st.text(max_size=3)
DIGEST = NAME.map(lambda name: name.removeprefix("blobs/").replace("/", ":"))
PLATFORM = st.fixed_dictionaries({"os": NAME, "architecture": st.sampled_from(["amd64", "unknown", ""])})
NOTE = st.sampled_from([select.ATTESTATION_TYPE, select.ATTESTATION_SUBJECT, select.REF_NAME])
NOTES = st.dictionaries(NOTE, NAME | st.just("attestation-manifest"))
DESCRIPTOR = st.fixed_dictionaries(
    {"digest": DIGEST},
    optional={"mediaType": MEDIA_TYPE, "platform": PLATFORM, "annotations": NOTES, "urls": st.just(["u"])},
)
DESCRIPTORS = st.lists(DESCRIPTOR, max_size=4)
ITEM = st.fixed_dictionaries({"Config": NAME}, optional={"Layers": st.lists(NAME), "RepoTags": st.lists(NAME)})
DOCUMENT = st.one_of(
    st.lists(ITEM, max_size=4),
    st.fixed_dictionaries({"manifests": DESCRIPTORS}, optional={"annotations": NOTES}),
    st.fixed_dictionaries({"config": DESCRIPTOR, "layers": DESCRIPTORS}, optional={"annotations": NOTES}),
    st.fixed_dictionaries({"rootfs": st.fixed_dictionaries({"diff_ids": st.lists(DIGEST)})}),
)
JSON = DOCUMENT.map(lambda document: json.dumps(document).encode()) | st.binary(max_size=20)


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    made: Path = tmp_path_factory.mktemp("archives")
    return made


@given(form=FORM, way=WAY, prefix=st.sampled_from(["", "./", "/", ".//"]), data=st.data())
def test_order_spelling_and_packing_of_members_change_nothing(directory, form, way, prefix, data):
    members = ARCHIVES[form]
    shuffled = {name: members[name] for name in data.draw(st.permutations(sorted(members)))}
    expected = got(as_source("file", directory, members))

    result = got(as_source(way, directory, tar_of(shuffled, prefix=prefix)))

    assert result.error is None
    assert result.images == expected.images
    assert result.content(result.image) == expected.content(expected.image)


@given(form=FORM, cut=st.floats(0, 1), codec=st.sampled_from(["plain", "gzip", "zstd"]))
def test_whatever_is_cut_off_layers_in_front_of_it_are_whole(directory, form, cut, codec):
    data = pack(tar_of(ARCHIVES[form]), codec)
    whole = {layer.tar for layer in IMAGE.layers} | {layer.stored for layer in IMAGE.layers}

    result = _read(as_source("pipe", directory, data[: int(len(data) * cut)]))

    assert result is None or whole.issuperset(result.layers.values())


@given(form=FORM, way=WAY, damage=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=8))))
def test_no_damage_is_a_traceback(directory, form, way, damage):
    data = bytearray(tar_of(ARCHIVES[form]))
    for place, scrap in damage:
        start = int(place * (len(data) - 8))
        data[start : start + len(scrap)] = scrap

    result = _read(as_source(way, directory, bytes(data), Wanted(all_platforms=True)))

    assert result is None or result.images


@given(noise=st.binary(max_size=2000), way=WAY)
def test_neither_is_noise(directory, noise, way):
    result = _read(as_source(way, directory, noise))

    assert result is None or result.images


@given(packed=JSON, index=JSON, document=JSON)
def test_whatever_manifests_say_is_an_image_or_an_error(packed, index, document):
    fuzz_manifest.check(b"\x1e".join((packed, index, document)))


def _read(source: Source) -> Got | None:
    try:
        return got(source)
    except ImgscanError:
        return None

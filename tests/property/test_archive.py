"""For archives of any form: order, spelling and packing of members change nothing, and no cut or damage is a traceback."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgscan.errors import ImgscanError
from imgscan.sources.archive import ArchiveSource, StreamSource
from imgscan.sources.base import Wanted
from tests.support.archives import FORMS, WAYS, app, as_source
from tests.support.images import pack, tar_of
from tests.support.reading import got

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.reading import Got

IMAGE = app("acme/app:1").attest({"build": "arg"})
ARCHIVES = {form: write(IMAGE) for form, (write, _) in FORMS.items()}
FORM = st.sampled_from(sorted(FORMS))


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    made: Path = tmp_path_factory.mktemp("archives")
    return made


def told(result: Got) -> object:
    return [(image, result.content(image)) for image in result.images]


@given(form=FORM, way=st.sampled_from(WAYS), prefix=st.sampled_from(["", "./", "/", ".//"]), data=st.data())
def test_order_spelling_and_packing_of_members_change_nothing(directory, form, way, prefix, data):
    members = ARCHIVES[form]
    shuffled = {name: members[name] for name in data.draw(st.permutations(sorted(members)))}
    expected = got(as_source("file", directory, members))

    result = got(as_source(way, directory, tar_of(shuffled, prefix=prefix)))

    assert result.error is None
    assert told(result) == told(expected)


@given(form=FORM, cut=st.floats(0, 1), codec=st.sampled_from(["plain", "gzip", "zstd"]))
def test_whatever_is_cut_off_layers_in_front_of_it_are_whole(form, cut, codec):
    data = pack(tar_of(ARCHIVES[form]), codec)
    whole = {layer.tar for layer in IMAGE.layers} | {layer.stored for layer in IMAGE.layers}

    result = _read(data[: int(len(data) * cut)])

    if result is not None:
        assert set(result.layers.values()) <= whole | {IMAGE.config}
        assert result.error is not None or cut > 0.5 or not result.layers


@given(
    form=FORM, way=st.sampled_from(WAYS), damage=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=8)), max_size=8)
)
def test_no_damage_is_a_traceback(directory, form, way, damage):
    data = bytearray(tar_of(ARCHIVES[form]))
    for place, scrap in damage:
        start = int(place * (len(data) - 8))
        data[start : start + len(scrap)] = scrap

    try:
        result = got(as_source(way, directory, bytes(data), Wanted(all_platforms=True)))
    except ImgscanError as error:
        assert error.message
    else:
        assert result.images


@given(data=st.binary(max_size=2000), form=FORM)
def test_neither_is_anything_else(directory, data, form):
    path = directory / "anything"
    for archive in (
        data,
        tar_of({**ARCHIVES[form], "manifest.json": data}),
        tar_of({**ARCHIVES[form], "index.json": data}),
    ):
        path.write_bytes(archive)
        try:
            got(ArchiveSource(path))
        except ImgscanError as error:
            assert error.message


def _read(data: bytes) -> Got | None:
    try:
        return got(StreamSource(lambda: io.BytesIO(data), kind="docker", reference="-"))
    except ImgscanError:
        return None

"""Texts of the config, and the instruction that each is put down to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imgscan.image.fields import Field, fields
from imgscan.image.history import align
from imgscan.image.image import Image
from imgscan.model.values import Where
from imgscan.sources.base import Access, Wanted
from imgscan.sources.resolve import resolve
from tests.support.images import ImageBuilder, dump, oci_layout, tar_of
from tests.support.reading import got

if TYPE_CHECKING:
    from pathlib import Path


def fields_of(image: ImageBuilder, directory: Path) -> dict[str, Field]:
    """By key, the last one of each."""
    path = directory / "image.tar"
    path.write_bytes(tar_of(oci_layout(image)))
    read = got(resolve(str(path), wanted=Wanted(), access=Access())).image
    found, _ = fields(read, align(read.config, len(read.layers)).instructions)
    return {field.key: field for field in found}


def test_triggers_and_volumes_belong_to_the_instruction_that_added_them(tmp_path):
    image = ImageBuilder().step("ONBUILD RUN one").step("VOLUME [/a]").step("ONBUILD RUN two").step("VOLUME [/b /c]")
    image.configure(OnBuild=["RUN one", "RUN two"], Volumes={"/a": {}, "/b": {}, "/c": {}})
    found = fields_of(image, tmp_path)
    keys = ("config.OnBuild[0]", "config.OnBuild[1]", "config.Volumes./a", "config.Volumes./b", "config.Volumes./c")
    assert [found[key].instruction for key in keys] == [0, 2, 1, 3, 3]


def test_build_argument_belongs_to_its_declaration_even_if_that_is_the_first_instruction(tmp_path):
    image = ImageBuilder().step("ARG TOKEN").step("RUN |1 TOKEN=x /bin/sh -c true # buildkit")
    found = fields_of(image, tmp_path)
    arguments = [field for field in found.values() if field.where is Where.ARG]
    assert {field.instruction for field in arguments} == {0}


def test_author_belongs_to_the_maintainer(tmp_path):
    image = ImageBuilder().step("/bin/sh -c #(nop)  ENV A=b").step("/bin/sh -c #(nop)  MAINTAINER me")
    image.extra["author"] = "me"
    assert fields_of(image, tmp_path)["author"].instruction == 1


def test_an_instruction_has_one_place_in_the_config_and_in_the_history(tmp_path):
    image = (
        ImageBuilder().step("USER me").step("HEALTHCHECK CMD test").configure(User="me", Healthcheck={"Test": ["CMD"]})
    )
    found = fields_of(image, tmp_path)
    assert found["config.User"].place == found["history[0].created_by"].place
    assert found["config.Healthcheck.Test"].place == found["history[1].created_by"].place
    assert found["config.User"].where is found["history[0].created_by"].where


def stored(config: bytes) -> Image:
    """An image of which nothing but its config is known, as it was stored."""
    return Image("a:1", "docker", None, None, None, config_json=config, config=None, layers=())


def nested(depth: int, inner: str) -> bytes:
    return b'{"x":' + b'{"a":' * depth + inner.encode() + b"}" * depth + b"}"


@pytest.mark.parametrize(
    "config",
    [b"{", b"[]", b'{"x":"\xff"}', b'{"x":1e999}', b'{"x":' + b"1" * 5000 + b"}", nested(900, "1"), b"[" * 100_000],
    ids=lambda config: str(config[:8]),
)
def test_a_config_that_cannot_be_taken_apart_is_one_text_and_a_notice(config):
    found, notices = fields(stored(config), ())
    assert [(field.key, field.text) for field in found] == [("config", config)]
    assert [(notice.code, notice.incomplete) for notice in notices] == [("config-unreadable", True)]


def test_however_deep_a_text_of_the_config_stands_it_is_found():
    found, notices = fields(stored(nested(100, '"deep"')), ())
    assert b"a=deep" in {field.text for field in found}
    assert notices == ()


def test_long_keys_of_the_config_are_not_repeated_for_every_text_below_them():
    config = dump({"k" * 50_000: {str(number): "text" for number in range(1000)}})
    found, _ = fields(stored(config), ())
    assert len(found) == 1000
    assert max(len(field.key) for field in found) < 300


def test_a_config_of_which_one_field_is_wrong_is_scanned_down_to_its_history():
    config = dump({"os": 1, "config": "alone", "history": [{"created_by": "RUN first"}]})
    found, _ = fields(stored(config), ())
    assert {field.text for field in found} >= {b"alone", b"created_by=RUN first"}

"""Texts of the config, and the instruction that each is put down to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgscan.image.fields import Field, fields
from imgscan.image.history import align
from imgscan.model.values import Where
from imgscan.sources.base import Access, Wanted
from imgscan.sources.resolve import resolve
from tests.support.images import ImageBuilder, oci_layout, tar_of
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

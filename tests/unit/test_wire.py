"""Untrusted JSON becomes types, or a short error that quotes nothing of it."""

from __future__ import annotations

import pytest

from imgscan.errors import ImageFormatError, LimitExceededError
from imgscan.image import wire
from imgscan.streams.limits import MAX_JSON_BYTES, MAX_JSON_VALUES
from tests.support.images import ImageBuilder, docker_25, dump

DOCUMENTS = (wire.Index, wire.Manifest, wire.ImageConfig, tuple[wire.ArchiveItem, ...])


def decode(document: object, shape):
    return wire.decode(document if isinstance(document, bytes) else dump(document), shape, what="it")


def test_what_a_builder_writes_is_understood():
    image = (
        ImageBuilder("a:1")
        .layer({"f": b""})
        .step("ENV A=b")
        .configure(Env=["A=b"], Labels={"k": "v"}, OnBuild=["RUN x"])
    )
    image.extra["container_config"] = {"Cmd": ["x"]}

    config = decode(image.config, wire.ImageConfig)
    manifest = decode(image.manifest(), wire.Manifest)
    (item,) = decode(docker_25(image)["manifest.json"], tuple[wire.ArchiveItem, ...])

    assert config.config == wire.RunConfig(env=("A=b",), labels={"k": "v"}, on_build=("RUN x",))
    assert config.container_config == wire.RunConfig(cmd=("x",))
    assert config.history[1] == wire.HistoryEntry(config.created, "ENV A=b", empty_layer=True)
    assert config.rootfs.diff_ids == (image.layers[0].diff_id,)
    assert manifest.layers[0].digest == image.layers[0].digest
    assert item.repo_tags == ("a:1",)


@pytest.mark.parametrize(
    ("document", "shape"),
    [
        ({"config": None, "history": None, "rootfs": None, "container_config": None}, wire.ImageConfig),
        (
            {"rootfs": {"diff_ids": None}, "config": {"Env": None, "Labels": None, "Healthcheck": None}},
            wire.ImageConfig,
        ),
        ({}, wire.ImageConfig),
        ({"config": {"digest": "d"}, "layers": None, "annotations": None}, wire.Manifest),
        ({"config": {"digest": "d", "platform": {}}}, wire.Manifest),
        ({"manifests": [], "annotations": None}, wire.Index),
        ([{"Config": "c", "RepoTags": None, "Layers": None}], tuple[wire.ArchiveItem, ...]),
    ],
)
def test_what_go_programs_write_for_nothing_is_nothing(document, shape):
    assert decode(document, shape) is not None


@pytest.mark.parametrize("shape", DOCUMENTS)
@pytest.mark.parametrize(
    "document", [b"", b"{", b"\xff\xfe", b"nul", b"1", b'"a"', b"[" * 200_000, b'{"a":' * 200_000, b'[{"config":1}]']
)
def test_what_is_no_such_document_is_an_error(document, shape):
    with pytest.raises(ImageFormatError, match=r"^it is not"):
        decode(document, shape)


@pytest.mark.parametrize(
    ("document", "shape"),
    [
        ({"config": {"Env": "A=b"}}, wire.ImageConfig),
        ({"config": {"Labels": {"TOP-SECRET": ["TOP-SECRET"]}}}, wire.ImageConfig),
        ({"history": [{"empty_layer": "TOP-SECRET"}]}, wire.ImageConfig),
        ({"layers": [], "config": "TOP-SECRET"}, wire.Manifest),
        ({"manifests": [{"digest": "d", "size": 2**63}]}, wire.Index),
        ({"manifests": [{"digest": "d", "size": 10**30}]}, wire.Index),
        ({"manifests": [{"digest": "d", "size": -1}]}, wire.Index),
        ([{"Layers": ["TOP-SECRET"]}], tuple[wire.ArchiveItem, ...]),
    ],
)
def test_wrong_types_are_an_error_that_names_the_place_and_not_the_value(document, shape):
    with pytest.raises(ImageFormatError) as caught:
        decode(document, shape)

    assert "$" in caught.value.message
    assert "SECRET" not in caught.value.message.upper()


def test_fields_that_are_not_known_are_passed_over():
    assert decode({"manifests": [], "more": {"deep": [1, 2]}}, wire.Index) == wire.Index(())


def test_documents_have_a_largest_size():
    with pytest.raises(LimitExceededError):
        decode(b" " * (MAX_JSON_BYTES + 1), wire.Index)


@pytest.mark.parametrize(
    ("document", "shape"),
    [
        (b'{"history":[' + b"{}," * MAX_JSON_VALUES + b"{}]}", wire.ImageConfig),
        (b'{"manifests":[' + b'{"digest":""},' * MAX_JSON_VALUES + b'{"digest":""}]}', wire.Index),
        (b'{"config":{"Env":[' + b'"",' * MAX_JSON_VALUES + b'""]}}', wire.ImageConfig),
    ],
)
def test_small_documents_that_unpack_to_large_ones_are_refused(document, shape):
    with pytest.raises(LimitExceededError, match="values"):
        decode(document, shape)

"""Whatever a config says, each of its texts is in a field."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from imgscan.image.fields import fields
from imgscan.image.image import Image
from tests.support.images import dump

if TYPE_CHECKING:
    from collections.abc import Iterator

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

KEYS = st.sampled_from(["config", "container_config", "Cmd", "User", "Volumes", "author", "os", "history"]) | st.text(
    max_size=5
)
VALUES = st.recursive(
    st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
)


def texts_of(config: bytes) -> list[bytes]:
    image = Image("a:1", "docker", None, None, None, config_json=config, config=None, layers=())
    return [field.text for field in fields(image, ())[0]]


def strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_every_string_of_a_config_is_in_a_field(document):
    texts = texts_of(dump(document))
    assert all(any(text.encode() in found for found in texts) for text in strings(document))


@given(st.binary(max_size=100))
def test_what_is_no_config_is_a_field_itself(config):
    assert texts_of(config) in ([config], [])

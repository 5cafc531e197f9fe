"""Tables to structs, field by field, so that everything that does not fit is told and not only the first of it."""

from __future__ import annotations

from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgscan.rules.places import Path
    from imgscan.rules.source import Source

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

T = TypeVar("T", bound=msgspec.Struct)


def shaped(
    table: Any, kind: type[T], source: Source, at: Path, *, foreign: bool = False, instead: Mapping[str, Any] = NOTHING
) -> T | None:
    """The struct that a table at ``at`` describes; what is wrong with it is told to ``source``.

    A field that is wrong gets its default, or what ``instead`` has for it, so that the rest can be looked at too;
    without either the answer is ``None``. A key that is not known is a problem; in a ``foreign`` format only a notice,
    and keys are read in any case.
    """
    if not isinstance(table, dict):
        source.problem(at, f"expected a table, got {_kind(table)}")
        return None
    fields = _fields(kind)
    values = dict(instead)
    for key, value in table.items():
        field = fields.get(key.lower() if foreign else key)
        if field is None:
            tell = source.notice if foreign else source.problem
            tell((*at, key), f"unknown key {key!r}", of_key=True)
        elif (made := _value(value, field.type, source, (*at, key))) is not msgspec.UNSET:
            values[field.name] = made
    present = {key.lower() if foreign else key for key in table}
    for name, field in fields.items():
        if field.required and name not in present:
            source.problem(at, f"{name!r} is missing")
    required = {field.name for field in fields.values() if field.required}
    return kind(**values) if required <= values.keys() else None


def _value(value: Any, kind: Any, source: Source, at: Path) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, _, inner = str(error).partition(" - at `$")
        place = f" (at {inner.rstrip('`').lstrip('.')})" if inner else ""
        if isinstance(kind, type) and issubclass(kind, Enum):
            message = f"expected one of {', '.join(kind)}, got {value!r}"
        source.problem(at, f"{message[:1].lower()}{message[1:]}{place}")
    return msgspec.UNSET


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """By the name that the file has for it."""
    foreign = kind.__struct_config__.forbid_unknown_fields is False
    return {
        field.encode_name.lower() if foreign else field.encode_name: field for field in msgspec.structs.fields(kind)
    }


def _kind(value: Any) -> str:
    return {dict: "a table", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}.get(
        type(value), "a number"
    )

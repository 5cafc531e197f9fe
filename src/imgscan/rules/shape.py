"""Tables to structs, field by field, so that everything that does not fit is told and not only the first of it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from imgscan.rules.places import Path
    from imgscan.rules.source import Source

T = TypeVar("T", bound=msgspec.Struct)


def shaped(table: Any, kind: type[T], source: Source, at: Path, *, foreign: bool = False) -> T | None:
    """The struct that a table at ``at`` describes, or ``None`` after telling ``source`` what is wrong with it.

    A key that is not known is a problem; in a ``foreign`` format only a notice, and keys are read in any case.
    """
    if not isinstance(table, dict):
        source.problem(at, f"expected a table, got {_kind(table)}")
        return None
    fields = _fields(kind)
    values: dict[str, Any] = {}
    sound = True
    for key, value in table.items():
        field = fields.get(key.lower() if foreign else key)
        if field is None:
            tell = source.notice if foreign else source.problem
            tell((*at, key), f"unknown key {key!r}", of_key=True)
            sound = sound and foreign
        elif (made := _value(value, field.type, source, (*at, key))) is not msgspec.UNSET:
            values[field.name] = made
        else:
            sound = False
    present = {key.lower() if foreign else key for key in table}
    missing = [name for name, field in fields.items() if field.required and name not in present]
    for name in missing:
        source.problem(at, f"{name!r} is missing")
    return kind(**values) if sound and not missing else None


def _value(value: Any, kind: Any, source: Source, at: Path) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message = str(error)
        inner = message.partition(" - at `$")[2].rstrip("`")
        place = f" (at {inner.lstrip('.')})" if inner else ""
        source.problem(at, f"{message.partition(' - at')[0].replace('Expected', 'expected', 1)}{place}")
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

"""The report as JSON, and the JSON Schema of that. Knows no more of findings than their type says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from imgscan.model.report import SCHEMA_VERSION, Report

if TYPE_CHECKING:
    from imgscan.report import Look

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_ID: Final = f"urn:imgscan:report:{SCHEMA_VERSION}"


def render(report: Report, look: Look) -> bytes:  # noqa: ARG001 - a program does not care how it looks
    """The report, indented, with every key present."""
    return msgspec.json.format(_encode(report), indent=2) + b"\n"


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of what ``render`` gives."""
    described = msgspec.json.schema(Report)
    for definition in described["$defs"].values():
        if "properties" in definition:
            definition["required"] = list(definition["properties"])  # a reader may rely on every key
    return {"$schema": DIALECT, "$id": SCHEMA_ID, "title": f"imgscan report {SCHEMA_VERSION}", **described}


def _encode(report: Report) -> bytes:
    try:
        return msgspec.json.encode(report)
    except UnicodeEncodeError:
        # An image named on the command line in bytes that are no UTF-8 holds half characters, which JSON cannot.
        return json.dumps(msgspec.to_builtins(report), ensure_ascii=False).encode("utf-8", "replace")

"""JSON reports fit the schema that imgscan prints, whatever is in them."""

from __future__ import annotations

import json

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError

from imgscan.model.report import Report
from imgscan.report import Look, renderer
from imgscan.report.json import schema
from tests.support import reports as sample

VALIDATOR = Draft202012Validator(schema())


def rendered(report: Report) -> bytes:
    return renderer("json")(report, Look())


@pytest.mark.parametrize("report", [sample.everything(), sample.report(), sample.report(sample.image())])
def test_reports_fit_the_schema(report):
    VALIDATOR.validate(json.loads(rendered(report)))


def test_the_schema_is_itself_valid_and_has_a_name():
    Draft202012Validator.check_schema(schema())
    assert schema()["$id"] == "urn:imgscan:report:1.0"


def test_the_schema_demands_every_key():
    content = json.loads(rendered(sample.everything()))
    del content["images"][0]["findings"][0]["verification"]["detail"]
    with pytest.raises(ValidationError, match="detail"):
        VALIDATOR.validate(content)


def test_a_report_reads_back_as_it_was():
    report = sample.everything()
    assert msgspec.json.decode(rendered(report), type=Report) == report


def test_the_text_is_indented_and_ends_with_a_newline():
    assert rendered(sample.report()).startswith(b'{\n  "schema_version": "1.0",\n')
    assert rendered(sample.report()).endswith(b"}\n")


def test_an_image_named_in_bytes_that_are_no_utf8_does_not_break_the_report():
    report = sample.report(sample.image(reference="caf\udce9.tar"))
    assert json.loads(rendered(report))["images"][0]["reference"] == "caf?.tar"

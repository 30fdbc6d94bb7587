from __future__ import annotations

from typing import Any

import pytest

from glue.privacy.tags import personal_fields, tag_of


def record(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields)}


@pytest.mark.parametrize(
    ("avro_type", "expected"),
    [
        ("string", "PII_TEXT"),
        (["null", "string"], "PII_TEXT"),
        ("bytes", "PII_TEXT"),
        ({"type": "array", "items": "string"}, "PII_TEXT"),
        ({"type": "map", "values": "long"}, "PII_TEXT"),
        ("bd.millionx.Named", "PII_TEXT"),
        ("long", "PUBLIC"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, "PUBLIC"),
        ({"type": "long", "logicalType": "timestamp-millis"}, "PUBLIC"),
        ({"type": "array", "items": "float"}, "PUBLIC"),
    ],
)
def test_a_field_without_a_tag_is_personal_when_text_may_lie_in_it(avro_type: Any, expected: str) -> None:
    assert tag_of({"name": "f", "type": avro_type}) == expected


def test_the_strictest_tag_holds_and_an_unknown_one_is_personal() -> None:
    assert tag_of({"name": "f", "type": "string", "confluent:tags": ["PUBLIC", "PII_ID"]}) == "PII_ID"
    assert tag_of({"name": "f", "type": "string", "confluent:tags": ["HARMLESS"]}) == "PII_TEXT"


def test_personal_fields_are_found_inside_records_and_lists() -> None:
    inner = record({"name": "a", "type": "string"}, {"name": "b", "type": "string", "confluent:tags": ["PUBLIC"]})
    outer = record(
        {"name": "safe", "type": "long"},
        {"name": "one", "type": ["null", inner]},
        {"name": "many", "type": {"type": "array", "items": inner}},
        {"name": "open", "type": inner, "confluent:tags": ["PUBLIC"]},
    )
    assert personal_fields(outer) == ["one.a", "many.a"]


def test_an_unknown_schema_is_personal() -> None:
    assert personal_fields(None) == ["*"]

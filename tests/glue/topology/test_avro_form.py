"""Schemas by meaning: the same schema written in another way is no change; another meaning is one, field by field."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from glue.topology.avro_form import canonical, schema_fields

BASE: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "doc": "An order.",
    "fields": [
        {"name": "id", "type": "string", "confluent:tags": ["PUBLIC"]},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
        {"name": "before", "type": ["null", "State"], "default": None},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "lines", "type": {"type": "array", "items": {"type": "string"}}},
    ],
}


def edited(change: Any) -> dict[str, Any]:
    schema = copy.deepcopy(BASE)
    change(schema)
    return schema


def _reorder(schema: dict[str, Any]) -> None:
    for key in list(schema):
        schema[key] = schema.pop(key)


SAME = {
    "keys in another order": edited(lambda s: s.update({"fields": s.pop("fields"), "type": s.pop("type")})),
    "full name instead of a namespace": edited(lambda s: (s.pop("namespace"), s.update(name="shop.Order"))),
    "a primitive written as an object": edited(lambda s: s["fields"][0].update(type={"type": "string"})),
    "a primitive written short": edited(lambda s: s["fields"][4]["type"].update(items="string")),
    "a reference by its full name": edited(lambda s: s["fields"][2].update(type=["null", "shop.State"])),
    "a namespace repeated inside": edited(lambda s: s["fields"][1]["type"].update(namespace="shop")),
    "the default order written out": edited(lambda s: s["fields"][0].update(order="ascending")),
    "no aliases written out": edited(lambda s: s.update(aliases=[])),
    "a reference as an object": edited(lambda s: s["fields"][2].update(type=["null", {"type": "State"}])),
    "a type wrapped twice": edited(lambda s: s["fields"][0].update(type={"type": {"type": "string"}})),
}
PAIRS = {
    "size as a text": ({"type": "fixed", "name": "n.F", "size": "016"}, {"type": "fixed", "name": "n.F", "size": 16}),
    "an alias by its full name": (
        {"type": "enum", "name": "n.E", "symbols": ["A"], "aliases": ["Old", "o.Older"]},
        {"type": "enum", "name": "E", "namespace": "n", "symbols": ["A"], "aliases": ["o.Older", "n.Old"]},
    ),
    "no namespace written out": (
        {"type": "record", "name": "R", "namespace": "", "fields": [{"name": "r", "type": ["null", "R"]}]},
        {"type": "record", "name": "R", "fields": [{"name": "r", "type": ["null", "R"]}]},
    ),
    "scale of 0": (
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 0},
        {"type": "bytes", "logicalType": "decimal", "precision": 9},
    ),
    "order of tags": (
        {"type": "record", "name": "R", "fields": [{"name": "r", "type": "int", "confluent:tags": ["A", "B"]}]},
        {"type": "record", "name": "R", "fields": [{"name": "r", "type": "int", "confluent:tags": ["B", "A"]}]},
    ),
    "a primitive alone": ("string", {"type": "string"}),
}
DIFFERENT = {
    "a field more": (edited(lambda s: s["fields"].append({"name": "x", "type": "int", "default": 0})), "schema.x"),
    "a field less": (edited(lambda s: s["fields"].pop(0)), "schema.id"),
    "another type": (edited(lambda s: s["fields"][0].update(type="bytes")), "schema.id.type"),
    "another default": (edited(lambda s: s["fields"][2].pop("default")), "schema.before.default"),
    "another tag": (
        edited(lambda s: s["fields"][0].update({"confluent:tags": ["PII_ID"]})),
        "schema.id.confluent:tags",
    ),
    "another symbol": (edited(lambda s: s["fields"][1]["type"]["symbols"].append("X")), "schema.state.type.symbols"),
    "another logical type": (edited(lambda s: s["fields"][3]["type"].pop("logicalType")), "schema.at.type"),
    "another doc": (edited(lambda s: s.update(doc="Else.")), "schema.doc"),
    "another name": (edited(lambda s: s.update(name="Orders")), "schema.name"),
    "fields in another order": (edited(lambda s: s["fields"].reverse()), "schema.fields"),
}


@pytest.mark.parametrize("schema", SAME.values(), ids=list(SAME))
def test_means_the_same(schema: dict[str, Any]) -> None:
    assert canonical(schema) == canonical(BASE)
    assert list(schema_fields(canonical(BASE), canonical(json.loads(json.dumps(schema))))) == []


@pytest.mark.parametrize(("left", "right"), PAIRS.values(), ids=list(PAIRS))
def test_two_ways_to_write_it(left: Any, right: Any) -> None:
    assert canonical(left) == canonical(right)
    assert canonical(canonical(left)) == canonical(left)


@pytest.mark.parametrize(("schema", "path"), DIFFERENT.values(), ids=list(DIFFERENT))
def test_a_change_is_told_by_field(schema: dict[str, Any], path: str) -> None:
    assert [one.path for one in schema_fields(canonical(BASE), canonical(schema))] == [path]


def test_every_schema_of_the_project_is_its_own_canonical_twin() -> None:
    from glue.settings import Settings

    for file in sorted(Settings().schemas_dir.glob("*.avsc")):
        schema = json.loads(file.read_text(encoding="utf-8"))
        assert canonical(canonical(schema)) == canonical(schema), file.name

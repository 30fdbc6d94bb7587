"""From records to Weaviate's objects: ids as the official connector makes them, and what is refused without values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from glue.connect_python.sinks.weaviate import is_transient, reason
from glue.connect_python.sinks.weaviate_config import WeaviateSinkConfig
from glue.connect_python.sinks.weaviate_objects import Objects, Write, waves
from glue.errors import DataError
from glue.stores.weaviate.client import document_id
from glue.transforms.contract import Record


def _write(value: Any, key: str | None = "k", **options: Any) -> Write | None:
    config = WeaviateSinkConfig.model_validate({name.replace("__", "."): text for name, text in options.items()})
    return Objects(config).write(Record("topic", key, value, partition=1, offset=7))


def test_ids_are_javas_name_uuids() -> None:
    # what java.util.UUID.nameUUIDFromBytes("hello".getBytes()) gives
    assert document_id("hello") == UUID("5d41402a-bc4b-3a76-b971-9d911017c592")
    found = _write({"a": 1}, key="hello", document__id__strategy="io.weaviate.connector.idstrategy.KafkaIdStrategy")
    assert found is not None and found.id == document_id("hello")
    found = _write({"a": 5}, document__id__strategy="FieldIdStrategy", document__id__field__name="a")
    assert found is not None and found.id == document_id("5")


def test_without_a_strategy_a_redelivery_gives_the_same_id() -> None:
    first, again = _write({"a": 1}), _write({"a": 1})
    assert first is not None and again is not None and first.id == again.id
    assert first.collection == "Topic"


@pytest.mark.parametrize("strategy", ["kafka", "field"])
def test_a_record_without_an_id_is_refused_and_not_hashed_as_null(strategy: str) -> None:
    with pytest.raises(DataError, match="the record has no"):
        _write({"a": 1}, key=None, document__id__strategy=strategy)


@pytest.mark.parametrize(
    ("vector", "why"),
    [
        (None, "missing or null"),
        ([], "not a list of numbers"),
        ("abc", "not a list of numbers"),
        ([0.5], "1 dimensions where 2 are needed"),
        ([0.5, float("nan")], "not a finite number"),
        ([0.5, float("inf")], "not a finite number"),
        ([0.5, "x"], "not a finite number"),
        ([0.5, None], "not a finite number"),
    ],
)
def test_a_bad_vector_is_refused(vector: Any, why: str) -> None:
    with pytest.raises(DataError, match=why):
        _write({"vector": vector}, vector__strategy="FieldVectorStrategy", vector__dimensions="2")


def test_of_named_vectors_a_needed_one_may_not_lack_and_one_that_is_not_named_is_left_out() -> None:
    options = {"vector__strategy": "field", "vector__dimensions": "a:2,b:1?"}
    both = _write({"vector": {"a": [1.0, 0.0], "b": [1.0], "gone": [1.0]}}, **options)
    assert both is not None and both.vector == {"a": [1.0, 0.0], "b": [1.0]}
    one = _write({"vector": {"a": [1.0, 0.0]}}, **options)
    assert one is not None and one.vector == {"a": [1.0, 0.0]}
    with pytest.raises(DataError, match=r"has \['b'\], and not a"):
        _write({"vector": {"b": [1.0]}}, **options)
    with pytest.raises(DataError, match="2 dimensions where 1 are needed"):
        _write({"vector": {"a": [1.0, 0.0], "b": [1.0, 0.0]}}, **options)


def test_the_vector_is_no_property_and_nulls_are_left_out() -> None:
    found = _write({"a": 1, "b": None, "d": Decimal("1.5"), "vector": [1.0]}, vector__strategy="field")
    assert found is not None
    assert found.properties == {"a": 1, "d": 1.5} and found.vector == [1.0]


def test_a_tombstone_deletes_only_when_asked() -> None:
    assert _write(None, document__id__strategy="kafka") is None
    found = _write(None, document__id__strategy="kafka", delete__enabled="true")
    assert found is not None and found.properties is None and found.id == document_id("k")


@pytest.mark.parametrize(
    "wrong",
    [
        {"weaviate.connection.url": "localhost:8080"},
        {"weaviate.grpc.url": ""},
        {"document.id.strategy": "Java"},
        {"batch.size": "0"},
        {"delete.enabled": "true"},
        {"weaviate.auth.scheme": "API_KEY"},
        {"consistency.level": "SOME"},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        WeaviateSinkConfig.model_validate(wrong)


def test_a_wave_ends_where_an_id_comes_again() -> None:
    def write(key: str, value: Any) -> Write:
        found = _write(value, key=key, document__id__strategy="kafka", delete__enabled="true")
        assert found is not None
        return found

    cut = list(waves([write("a", {}), write("b", {}), write("a", None), write("a", {"x": 1})]))
    assert [len(wave) for wave in cut] == [2, 1, 1]
    assert cut[1][0].properties is None and cut[2][0].properties == {"x": 1}


def test_a_reason_quotes_no_value() -> None:
    told = reason("invalid integer property 'n' on class 'T': requires an integer, the given value is '01712345678'")
    assert "0171" not in told and told.startswith("invalid integer property 'n'")


@pytest.mark.parametrize(
    ("message", "transient"),
    [
        ("store is read-only", True),
        ("no space left on device", True),
        ("context deadline exceeded", True),
        ("invalid text property 'memory' on class 'T'", False),
        ("vector dimensions do not match the index dimensions", False),
    ],
)
def test_a_transient_fault_is_told_from_one_of_the_object(message: str, transient: bool) -> None:
    assert is_transient(message) is transient

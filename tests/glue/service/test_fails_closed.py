"""What is personal does not leave a chain, whatever the chain forgot and whatever the registry calls it."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema

from glue.avro import Encoder
from glue.privacy.declared import schema_of, stricter
from glue.privacy.tags import personal_fields
from glue.service.decode import TopicReader
from glue.service.process import Processor, Produced
from glue.transforms.chain import Chain, Failure
from glue.transforms.contract import Record, Transform, TransformConfig

AT = datetime(2026, 1, 5, tzinfo=UTC)
TOPIC = "source.market.shopify"
ORDER = {
    "platform": "shopify", "merchant_id": "made.example", "order_id": "O-1", "line_id": "L-1", "product_id": "P-1",
    "product_name": "Saree for Rahim Uddin 01712345678", "line_kind": "product", "is_test": False, "quantity": 1,
    "quantity_cancelled": 0, "quantity_returned": 0, "quantity_unclear": 0, "price": Decimal(5), "currency": "BDT",
    "order_status": "paid", "customer_name": "Rahim Uddin", "customer_phone": "01712345678",
    "sku": "CUSTOM-01712345678", "ordered_at": AT, "updated_at": AT,
    "collected_at": AT,
}  # fmt: skip


def public(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema with every tag PUBLIC, and anything allowed: compatible, so a registry takes it."""
    made = copy.deepcopy(schema)
    for field in made["fields"]:
        field["confluent:tags"] = ["PUBLIC"]
        field.pop("constraints", None)
        field["closed"] = ".*"
    return made


class Registry:
    """Stands for a registry to which somebody wrote."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = Schema(json.dumps(schema), "AVRO")

    def get_schema(self, _number: int) -> Schema:
        return self._schema

    def get_latest_version(self, _subject: str) -> Any:
        return SimpleNamespace(schema_id=7, schema=self._schema)


def message(data: bytes) -> Any:
    return SimpleNamespace(
        key=lambda: b"5b1f64f1-0a6e-5b8e-9f5e-7c1d2f6f3a10", value=lambda: data, topic=lambda: TOPIC,
        headers=lambda: [], timestamp=lambda: (1, 5), partition=lambda: 0, offset=lambda: 0,
    )  # fmt: skip


def through(registered: dict[str, Any], transforms: dict[str, str]) -> tuple[Any, list[Any]]:
    """What the chain makes of ORDER, and what it gave to the encoder of a sink that takes anything."""
    written: list[Any] = []

    def encode(value: dict[str, Any]) -> bytes:
        written.append(value)
        return b"x"

    config: Any = SimpleNamespace(headers_pass=[], output_topic="sink.snowflake.orders")
    chain = Chain.from_config({"transforms": ",".join(transforms), **{
        f"transforms.{name}.type": path for name, path in transforms.items()
    }})  # fmt: skip
    read = TopicReader(Registry(registered))  # type: ignore[arg-type]
    (result,) = Processor("c", chain, read, encode, config)([message(Encoder(registered, 7)(ORDER))])  # type: ignore[arg-type]
    return result, written


@pytest.mark.parametrize("transforms", [{}, {"v": "glue.transforms.validate:Validate"}], ids=["none", "validate"])
@pytest.mark.parametrize("lies", [False, True], ids=["registry", "registry that lies"])
def test_a_chain_that_neither_scrubs_nor_shapes_writes_nothing(transforms: dict[str, str], lies: bool) -> None:
    schema = schema_of(TOPIC)
    result, written = through(public(schema) if lies else schema, transforms)
    assert isinstance(result, Failure) and written == []
    assert "customer_phone" in str(result.error) and "017" not in str(result.error)


def test_what_the_registry_calls_public_is_scrubbed_as_the_file_says() -> None:
    drop = {"s": "glue.transforms.scrub:ScrubPII", "r": "tests.glue.service.test_fails_closed:WithoutIds"}
    result, (value,) = through(public(schema_of(TOPIC)), drop)
    assert isinstance(result, Produced)
    assert "017" not in repr(value) and "Rahim" not in repr(value)
    assert value["order_id"] == "O-1"


class WithoutIds(Transform[TransformConfig]):
    """Takes away what only HashIdentity may."""

    def apply(self, record: Record) -> Record:
        gone = {"customer_phone", "customer_email"}
        record.value = {name: one for name, one in (record.value or {}).items() if name not in gone}
        assert record.schema is not None
        record.schema = {**record.schema, "fields": [f for f in record.schema["fields"] if f["name"] not in gone]}
        return record


def test_the_stricter_of_both_holds_and_a_new_field_stays_as_it_was_registered() -> None:
    own = schema_of(TOPIC)
    assert stricter(own, own) is own
    newer = public(own)
    newer["fields"].append({"name": "grade", "type": "string", "confluent:tags": ["PUBLIC"]})
    newer["fields"].append({"name": "remark", "type": "string"})
    assert set(personal_fields(stricter(newer, own))) == {*personal_fields(own), "remark"}
    tightened = copy.deepcopy(own)
    next(one for one in tightened["fields"] if one["name"] == "sku")["confluent:tags"] = ["PII_DROP"]
    assert "sku" in personal_fields(stricter(tightened, own))

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import Schema

from glue.avro import Decoder, Encoder, load_schema
from glue.errors import ConfigError, DataError

SCHEMAS = Path(__file__).parents[2] / "schemas"
NOW = datetime(2026, 11, 1, 12, 0, 0, 123000, tzinfo=UTC)
ORDER = {
    "order_id": "1", "line_id": "1", "source": "daraz", "product_id": "p", "title": "জুতা", "quantity": 2,
    "price": Decimal("1499.5000"), "ordered_at": NOW, "updated_at": NOW, "collected_at": NOW,
}  # fmt: skip


class OneSchema:
    """A registry that knows one schema and counts how often it is asked."""

    def __init__(self, schema: dict) -> None:
        self.schema, self.asked = schema, 0

    def get_schema(self, schema_id: int) -> Schema:
        self.asked += 1
        return Schema(json.dumps(self.schema), "AVRO")


@pytest.fixture
def order_schema() -> dict:
    return load_schema(SCHEMAS / "market_order.avsc")


def test_a_value_survives_the_wire_with_its_types_and_defaults(order_schema):
    registry = OneSchema(order_schema)
    decode = Decoder(registry)
    data = Encoder(order_schema, 7)(ORDER)
    assert data[:5] == b"\x00\x00\x00\x00\x07"
    value, schema = decode(data)
    assert {name: value[name] for name in ORDER} == ORDER
    assert value["currency"] == "BDT"
    assert value["customer_phone"] is None
    assert schema["fields"][0]["confluent:tags"] == ["PUBLIC"]
    decode(data)
    assert registry.asked == 1


@pytest.mark.parametrize(
    "change",
    [{"price": Decimal("1.23456")}, {"quantity": "two"}, {"order_id": None}, {"ordered_at": "yesterday"}],
)
def test_a_value_that_does_not_fit_is_refused_without_naming_its_content(order_schema, change):
    with pytest.raises(DataError) as caught:
        Encoder(order_schema, 7)(ORDER | change)
    for content in ("1.23456", "two", "yesterday"):
        assert content not in str(caught.value)


def test_an_encoder_is_clean_after_a_refused_value(order_schema):
    encode = Encoder(order_schema, 7)
    expected = encode(ORDER)
    with pytest.raises(DataError):
        encode(ORDER | {"quantity": None})
    assert encode(ORDER) == expected


@pytest.mark.parametrize(
    "damage", [lambda d: b"", lambda d: b"{}", lambda d: d[:-3], lambda d: d + b"x", lambda d: b"\x01" + d[1:]]
)
def test_bytes_that_are_not_the_schema_are_a_data_error(order_schema, damage):
    data = Encoder(order_schema, 7)(ORDER)
    with pytest.raises(DataError):
        Decoder(OneSchema(order_schema))(damage(data))


def test_a_schema_file_that_is_missing_or_wrong_names_itself(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.avsc"):
        load_schema(tmp_path / "nowhere.avsc")
    wrong = tmp_path / "wrong.avsc"
    wrong.write_text('{"type": "record", "name": "X", "fields": [{"name": "a", "type": "strang"}]}')
    with pytest.raises(ConfigError, match=r"wrong\.avsc"):
        load_schema(wrong)

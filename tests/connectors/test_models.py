"""The edge models and the Avro schemas say the same."""

from __future__ import annotations

import base64
import json
import types
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import ValidationError

from connectors.models import MarketOrder, SocialPost, SourceRecord, WeatherData, millis
from connectors.models_market import MarketListing, MarketProduct
from glue.settings import get_settings

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
PAIRS = [(SocialPost, "social_post"), (MarketOrder, "market_order"), (MarketListing, "market_listing"),
         (MarketProduct, "market_product"),
         (WeatherData, "weather")]  # fmt: skip
INT64_MAX = 2**63 - 1


def avro_type(annotation: Any) -> Any:
    """The Avro type that a field's annotation stands for, without sizes."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return sorted(avro_type(one) for one in get_args(annotation))
    if origin is Literal:
        return "string"
    if origin is Annotated:
        return avro_type(get_args(annotation)[0])
    if origin is list:
        return {"array": avro_type(get_args(annotation)[0])}
    return {
        str: "string", int: "integer", float: "double", bool: "boolean", Decimal: "decimal", datetime: "timestamp",
        type(None): "null",
    }.get(annotation, "timestamp" if "Aware" in repr(annotation) else annotation)  # fmt: skip


def declared_type(avro: Any) -> Any:
    """The same shape from an .avsc."""
    if isinstance(avro, list):
        return sorted(declared_type(one) for one in avro)
    if isinstance(avro, dict):
        if avro["type"] == "array":
            return {"array": declared_type(avro["items"])}
        return {"timestamp-millis": "timestamp", "decimal": "decimal"}[avro["logicalType"]]
    return {"long": "integer", "int": "integer"}.get(avro, avro)


def constraints_of(model: type[SourceRecord], name: str) -> dict[str, Any]:
    """What the model checks, in the words of the schemas."""
    field = model.model_fields[name]
    found: dict[str, Any] = {}
    for meta in field.metadata:
        for ours, theirs in (
            ("min_length", "minLength"), ("max_length", "maxLength"), ("ge", "minimum"), ("le", "maximum"),
            ("gt", "exclusiveMinimum"), ("pattern", "pattern"),
        ):  # fmt: skip
            value = getattr(meta, ours, None)
            if value is not None and value != INT64_MAX:
                found[theirs] = value
    if get_origin(field.annotation) is Literal:
        found["enum"] = list(get_args(field.annotation))
    return found


@pytest.mark.parametrize(("model", "schema"), PAIRS)
def test_model_equals_schema(model: type[SourceRecord], schema: str) -> None:
    fields = json.loads((SCHEMAS / f"{schema}.avsc").read_text())["fields"]
    assert sorted(model.model_fields) == sorted(field["name"] for field in fields)
    for field in fields:
        info = model.model_fields[field["name"]]
        assert avro_type(info.annotation) == declared_type(field["type"]), field["name"]
        assert constraints_of(model, field["name"]) == field.get("constraints", {}), field["name"]
        assert info.is_required() == ("default" not in field), field["name"]
        if "default" in field:
            assert info.default == field["default"], field["name"]


def order(**change: Any) -> dict[str, Any]:
    now = datetime(2026, 1, 5, 10, 30, 15, 123456, tzinfo=UTC)
    return {
        "order_id": "1", "line_id": "2", "platform": "shopify", "product_id": "3", "product_name": "Saree",
        "quantity": 1,
        "price": "1250.50", "ordered_at": now, "updated_at": now, "collected_at": now, **change,
    }  # fmt: skip


def test_times_are_utc_milliseconds_and_money_has_four_places() -> None:
    made = MarketOrder.model_validate(order(updated_at="2026-01-05T16:30:15.123999+06:00"))
    assert made.updated_at == datetime(2026, 1, 5, 10, 30, 15, 123000, tzinfo=UTC)
    assert millis(made.updated_at) == 1767609015123
    assert str(made.price) == "1250.5000"


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 0}, {"price": "NaN"}, {"price": "12.34567"}, {"price": "1e15"}, {"platform": "etsy"},
        {"currency": "USDT"}, {"currency": "£"}, {"updated_at": "2026-01-06T10:30:16Z"},
        {"order_id": ""}, {"updated_at": "2026-01-05T10:30:15"}, {"surprise": 1},
        {"quantity": 2**63}, {"product_name": "\ud800"},
    ],
)  # fmt: skip
def test_bad_order_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MarketOrder.model_validate(order(**change))


def test_key_changes_with_time_and_state_only() -> None:
    first = MarketOrder.model_validate(order())
    assert first.key == MarketOrder.model_validate(order(note="call me")).key
    assert first.key != MarketOrder.model_validate(order(order_status="paid")).key
    assert first.subject == MarketOrder.model_validate(order(order_status="paid")).subject
    assert first.key != MarketOrder.model_validate(order(updated_at="2026-01-06T00:00:00Z")).key


_KEYED = [
    (MarketOrder, "order_id"), (MarketOrder, "line_id"), (MarketOrder, "sku"), (MarketOrder, "product_id"),
    (SocialPost, "post_id"), (MarketProduct, "product_id"), (MarketListing, "product_id"), (MarketListing, "seller_id"),
    (MarketListing, "variant_id"),
]  # fmt: skip


def _keys_under_two_key_files(
    model: type[SourceRecord], field: str, native: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> set[str]:
    """The keys of one record, made twice under each of two key files."""
    known = dict.fromkeys(
        ("platform", "merchant_id", "order_id", "line_id", "seller_id", "product_id", "found_by"), "1"
    )
    moment, found = datetime(2026, 1, 5, tzinfo=UTC), set()
    for name in ("a.json", "b.json"):
        if not (folder / name).exists():
            key = base64.b64encode(name.encode() * 8).decode()
            (folder / name).write_text(json.dumps({"active": "k1", "keys": {"k1": key}}))
        monkeypatch.setenv("MXCTL_HASH_KEYS_FILE", str(folder / name))
        get_settings.cache_clear()
        values = {**dict.fromkeys(model.model_fields), **known, "updated_at": moment, "observed_at": moment}
        found |= {model.model_construct(**{**values, field: native}).key for _ in range(2)}
    return found


@pytest.mark.parametrize(
    "native", ["01712345678", "+880 1712-345678", "০১৭১২৩৪৫৬৭৮", "1712345678", "for-01712345678", "a@b.co"]
)
@pytest.mark.parametrize(("model", "field"), _KEYED)
def test_a_phone_in_a_record_s_key_takes_the_key_file_to_find(
    model: type[SourceRecord], field: str, native: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(_keys_under_two_key_files(model, field, native, tmp_path, monkeypatch)) == 2


@pytest.mark.parametrize(
    "native", ["5123456789012", "O-1", "7212345678901234567", "1234567890_987654321", "2026-01-05", "8801017123456789"]
)
@pytest.mark.parametrize(("model", "field"), _KEYED)
def test_other_ids_make_one_key_everywhere(
    model: type[SourceRecord], field: str, native: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(_keys_under_two_key_files(model, field, native, tmp_path, monkeypatch)) == 1

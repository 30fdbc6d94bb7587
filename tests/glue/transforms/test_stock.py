"""Connect's usual transforms: the value, the schema that leaves, and the tags that go with it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pytest

from glue.errors import ConfigError, DataError
from glue.privacy.tags import personal_fields
from glue.transforms.catalogue import find
from glue.transforms.chain import Chain, Failure
from glue.transforms.contract import Record, Transform

Make = Callable[..., Record]


def made(name: str, **props: str) -> Transform[Any]:
    transform: Transform[Any] = find(name).type()  # type: ignore[assignment]
    transform.configure({key.replace("__", "."): value for key, value in props.items()})
    return transform


def through(record: Record, name: str, **props: str) -> Record:
    """The record after the transform; its value fits its schema, which ``output_schema`` foretold."""
    transform = made(name, **props)
    before = record.schema
    left = transform.apply(record)
    assert isinstance(left, Record)
    assert left.schema is not None and left.value is not None and before is not None
    assert transform.output_schema(before) is left.schema
    fastavro.schemaless_writer(io.BytesIO(), fastavro.parse_schema(left.schema), left.value, strict=True)
    return left


def tags(record: Record) -> dict[str, Any]:
    assert record.schema is not None
    return {field["name"]: field.get("confluent:tags") for field in record.schema["fields"]}


def test_fields_tell_where_a_record_came_from(post: Make) -> None:
    record = post()
    record.partition, record.offset, record.timestamp = 3, 42, 1_767_607_200_000
    names = {"topic__field": "t", "partition__field": "p", "offset__field": "o", "timestamp__field": "at"}
    left = through(record, "InsertField", **names, static__field="by", static__value="millionx")
    assert left.value is not None
    assert [left.value[name] for name in ("t", "p", "o", "by")] == ["source.social.tiktok", 3, 42, "millionx"]
    assert left.value["at"] == datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
    assert tags(left)["by"] == ["PUBLIC"]


def test_fields_are_left_out_and_renamed_with_their_tags(post: Make) -> None:
    before = post()
    assert before.schema is not None
    author = next(field for field in before.schema["fields"] if field["name"] == "author_username")
    left = through(before, "ReplaceField", exclude="url,shares", renames="author_username:who,likes:hearts")
    assert left.value is not None
    assert left.value["who"] == "rahim_bd" and left.value["hearts"] == 3
    assert not {"url", "shares", "likes", "author_username"} & set(left.value)
    assert tags(left)["who"] == author["confluent:tags"]
    only = through(post(), "ReplaceField", include="post_id,likes")
    assert only.value == {"post_id": "7301", "likes": 3}


def test_a_masked_field_is_empty_and_safe(post: Make, order: Make) -> None:
    left = through(post(), "MaskField", fields="content,author_username,hashtags,likes,posted_at", replacement="***")
    assert left.value is not None
    assert (left.value["content"], left.value["author_username"]) == ("***", "***")
    assert (left.value["hashtags"], left.value["likes"]) == ([], 0)
    assert "content" not in personal_fields(left.schema)
    price = through(order(customer_phone=None), "MaskField", fields="price,customer_phone")
    assert price.value is not None
    assert price.value["price"] == 0 and price.value["customer_phone"] is None


@pytest.mark.parametrize(
    ("field", "kind", "before", "after"),
    [
        ("likes", "string", 3, "3"),
        ("likes", "float64", 3, 3.0),
        ("likes", "int8", 127, 127),
        ("likes", "boolean", 3, True),
        ("posted_at", "int64", datetime(2026, 1, 5, 10, 0, tzinfo=UTC), 1_767_607_200_000),
        ("posted_at", "string", datetime(2026, 1, 5, 10, 0, tzinfo=UTC), "2026-01-05T10:00:00.000Z"),
        ("post_id", "int64", " 7301 ", 7301),
    ],
)
def test_fields_are_cast(post: Make, field: str, kind: str, before: Any, after: Any) -> None:
    left = through(post(**{field: before}), "Cast", spec=f"{field}:{kind}")
    assert left.value is not None
    assert left.value[field] == after and type(left.value[field]) is type(after)


@pytest.mark.parametrize(
    ("field", "kind", "value"), [("likes", "int8", 128), ("post_id", "int64", "x"), ("post_id", "boolean", "yes")]
)
def test_what_can_not_be_cast_is_refused_without_telling_it(post: Make, field: str, kind: str, value: Any) -> None:
    with pytest.raises(DataError) as refusal:
        made("Cast", spec=f"{field}:{kind}").apply(post(**{field: value}))
    assert repr(value) not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "props"),
    [
        ("Cast", {"spec": "author_username:int64"}),
        ("HeaderFrom", {"fields": "content", "headers": "millionx.text"}),
    ],
)
def test_personal_data_does_not_leave_the_reach_of_its_tag(post: Make, name: str, props: dict[str, str]) -> None:
    with pytest.raises(DataError, match="scrub and hash first"):
        made(name, **props).apply(post(author_username="01712345678"))


def test_headers_are_added_taken_from_fields_and_dropped(post: Make) -> None:
    record = through(post(), "HeaderFrom", fields="post_id,likes", headers="id,likes", operation="move")
    assert record.value is not None and "likes" not in record.value
    record = through(record, "InsertHeader", header="by", value__literal="glue")
    assert record.headers == [("id", b"7301"), ("likes", b"3"), ("by", b"glue")]
    assert through(record, "DropHeaders", headers="id,by").headers == [("likes", b"3")]


def test_topics_are_renamed_as_connect_does(post: Make) -> None:
    left = through(post(), "RegexRouter", regex=r"source\.(\w+)\.(\w+)", replacement="$2_$1")
    assert left.topic == "tiktok_social"
    assert through(post(), "RegexRouter", regex="social", replacement="x").topic == "source.social.tiktok"


def test_a_predicate_chooses_what_a_filter_drops(post: Make) -> None:
    config = {
        "transforms": "filter",
        "transforms.filter.type": "glue.transforms.filter:Filter",
        "transforms.filter.predicate": "spam",
        "predicates": "spam",
        "predicates.spam.type": "glue.transforms.predicates:HasHeaderKey",
        "predicates.spam.name": "spam",
    }
    spam = post()
    spam.headers.append(("spam", b""))
    dropped, kept = Chain.from_config(config).run([spam, post()])
    assert dropped is None and isinstance(kept, Record)


@pytest.mark.parametrize(
    ("price", "passes"), [(0, False), (Decimal("0.0000"), False), (Decimal("0.0001"), True), (None, True)]
)
def test_a_filter_drops_what_is_zero(price: Any, passes: bool) -> None:
    config = {
        "transforms": "filter",
        "transforms.filter.type": "glue.transforms.filter:Filter",
        "transforms.filter.predicate": "free",
        "predicates": "free",
        "predicates.free.type": "glue.transforms.predicates:FieldIsZero",
        "predicates.free.field": "price",
    }
    (outcome,) = Chain.from_config(config).run([Record("t", "k", {"price": price})])
    assert isinstance(outcome, Record) is passes


@pytest.mark.parametrize("name", ["Cast", "HeaderFrom", "InsertField", "MaskField", "ReplaceField"])
def test_a_tombstone_passes(name: str) -> None:
    props = {
        "Cast": {"spec": "a:string"},
        "HeaderFrom": {"fields": "a", "headers": "a"},
        "InsertField": {"topic__field": "a"},
        "MaskField": {"fields": "a"},
        "ReplaceField": {"exclude": "a"},
    }
    record = Record("t", "k", None)
    assert made(name, **props[name]).apply(record) is record and record.value is None


@pytest.mark.parametrize(
    ("name", "props"),
    [
        ("Cast", {"spec": "likes:int65"}),
        ("HeaderFrom", {"fields": "a,b", "headers": "a"}),
        ("InsertField", {"static__value": "x"}),
        ("ReplaceField", {"renames": "a"}),
        ("RegexRouter", {"regex": "(a", "replacement": "b"}),
        ("RegexRouter", {"regex": "a", "replacement": "$1"}),
    ],
)
def test_a_wrong_setting_does_not_start(name: str, props: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        made(name, **props)


def test_schemas_that_take_turns_keep_what_follows_from_them(post: Make, order: Make) -> None:
    transform = made("InsertIngestionTime")
    first = [transform.apply(make()) for make in (post, order)]
    again = [transform.apply(make()) for make in (post, order)]
    assert all(a.schema is b.schema for a, b in zip(first, again, strict=True))  # type: ignore[union-attr]


def test_a_failure_names_the_class(post: Make) -> None:
    config = {
        "transforms": "cast",
        "transforms.cast.type": "glue.transforms.cast:Cast",
        "transforms.cast.spec": "post_id:int64",
    }
    (failure,) = Chain.from_config(config).run([post(post_id="x")])
    assert isinstance(failure, Failure) and failure.class_name == "glue.transforms.cast:Cast"

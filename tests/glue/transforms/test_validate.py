from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from glue.errors import ConfigError, DataError
from glue.transforms.constraints import Constraints
from glue.transforms.contract import Record
from glue.transforms.validate import Validate

Make = Callable[..., Record]


@pytest.fixture
def validate() -> Validate:
    made = Validate()
    made.configure({})
    return made


def test_a_good_record_passes_unchanged(validate: Validate, post: Make) -> None:
    record = post()
    before = dict(record.value or {})
    assert validate.apply(record).value == before


def test_every_problem_is_named_and_no_value_is_reported(validate: Validate, post: Make) -> None:
    with pytest.raises(DataError) as caught:
        validate.apply(post(content="0171", likes=-5, platform="me"))
    text = str(caught.value)
    assert all(name in text for name in ("content: minLength 5", "likes: minimum 0", "platform: enum"))
    assert "0171" not in text
    assert "-5" not in text


def test_no_value_or_no_schema_is_refused(validate: Validate, post: Make) -> None:
    for record in (Record("t", "k", None), Record("t", "k", {"a": 1})):
        with pytest.raises(DataError):
            validate.apply(record)


def test_a_tombstone_may_be_allowed() -> None:
    validate = Validate()
    validate.configure({"allow.tombstones": "true"})
    assert validate.apply(Record("t", "k", None)).value is None


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ({"minLength": 2}, "ab", "a"),
        ({"maxLength": 2}, "ab", "abc"),
        ({"length": 2}, [1, 2], [1]),
        ({"minimum": 0}, 0, -1),
        ({"maximum": 1.5}, 1.5, 1.6),
        ({"exclusiveMinimum": 0}, 1, 0),
        ({"exclusiveMaximum": 3}, 2, 3),
        ({"enum": ["a"]}, "a", "b"),
        ({"pattern": "^a+$"}, "aa", "ab"),
        ({"minimum": 0}, 0.0, math.nan),
    ],
)
def test_each_constraint(rule: dict[str, Any], good: Any, bad: Any) -> None:
    checks = Constraints({"fields": [{"name": "f", "type": "string", "constraints": rule}]})
    assert checks.broken({"f": good}) == ""
    assert checks.broken({"f": bad}).startswith("f: ")
    assert checks.broken({"f": None}) == ""


def test_an_unknown_constraint_does_not_start() -> None:
    with pytest.raises(ConfigError, match="minimal"):
        Constraints({"fields": [{"name": "f", "type": "long", "constraints": {"minimal": 1}}]})

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import Field

from glue.errors import ConfigError, DataError
from glue.transforms.chain import Chain, Failure
from glue.transforms.contract import Record, Transform, TransformConfig

HERE = __name__
CLOSED: list[str] = []


class NoteConfig(TransformConfig):
    text: str = "x"
    words_kept: list[str] = Field(default_factory=list)


class Note(Transform[NoteConfig]):
    """Append a text to the key; refuse the key ``bad`` and drop the key ``drop``."""

    def apply(self, record: Record) -> Record | None:
        if record.key == "bad":
            raise DataError("Note", "bad")
        if record.key == "drop":
            return None
        record.key = f"{record.key}{self.config.text}"
        return record

    def close(self) -> None:
        CLOSED.append(self.config.text)


class Broken(Note):
    """Fails to start."""

    def configure(self, props: Any) -> None:
        super().configure(props)
        raise ConfigError("Broken", "as promised")


class Short(Note):
    """Breaks the contract of batches."""

    def apply_batch(self, records: Any) -> list[Any]:
        return []


def config(**more: str) -> dict[str, str]:
    return {name.replace("__", "."): value for name, value in more.items()}


def records(*keys: str, topic: str = "t") -> list[Record]:
    return [Record(topic, key, {}) for key in keys]


def outcomes(chain: Chain, *keys: str) -> list[str | None]:
    return [
        outcome.key if isinstance(outcome, Record) else outcome and outcome.class_name
        for outcome in chain.run(records(*keys))
    ]


def two(**more: str) -> Chain:
    path = f"{HERE}:Note"
    base = config(transforms="a,b", transforms__a__type=path, transforms__b__type=path, transforms__b__text="y")
    return Chain.from_config(base | config(**more))


def test_records_pass_in_order_and_neighbours_of_a_bad_one_are_untouched() -> None:
    assert outcomes(two(), "1", "bad", "2", "drop", "3") == ["1xy", f"{HERE}:Note", "2xy", None, "3xy"]


def test_a_later_step_sees_only_what_is_left() -> None:
    failure = two().run(records("bad"))[0]
    assert isinstance(failure, Failure)
    assert (failure.stage, str(failure.error)) == ("TRANSFORMATION", "Note: bad")


@pytest.mark.parametrize(("negate", "expected"), [("false", "1y"), ("true", "1xy")])
def test_a_predicate_guards_a_step(negate: str, expected: str) -> None:
    chain = two(
        predicates="p",
        predicates__p__type="glue.transforms.predicates:TopicNameMatches",
        predicates__p__pattern="other.*",
        transforms__a__predicate="p",
        transforms__a__negate=negate,
    )
    assert outcomes(chain, "1") == [expected]


@pytest.mark.parametrize(
    "changes",
    [
        {"transforms__a__predicate": "unknown"},
        {"transforms__a__typo": "1"},
        {"transforms__a__type": "no.such:Thing"},
        {"transforms__a__type": "glue.errors:DataError"},
        {"transforms": "a,a"},
        {"transforms": "a,c"},
        {"predicates": "p", "predicates__p__type": "glue.transforms.predicates:TopicNameMatches"},
        {
            "predicates": "p",
            "predicates__p__type": "glue.transforms.predicates:TopicNameMatches",
            "predicates__p__pattern": "(",
        },
    ],
)
def test_a_wrong_declaration_does_not_start(changes: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        two(**changes)


def test_what_was_opened_is_closed_when_another_fails_to_start() -> None:
    CLOSED.clear()
    with pytest.raises(ConfigError, match="as promised"):
        two(transforms__b__type=f"{HERE}:Broken")
    assert CLOSED == ["x", "y"]


def test_a_transform_that_loses_records_is_stopped() -> None:
    with pytest.raises(ConfigError, match="another number"):
        two(transforms__a__type=f"{HERE}:Short").run(records("1"))


def test_lists_and_dotted_names_in_settings() -> None:
    chain = two(transforms__a__words__kept="one, two ,")
    assert chain.steps[0].transform.config.words_kept == ["one", "two"]


Predicates = Callable[[str, dict[str, str]], Any]


@pytest.mark.parametrize(
    ("name", "props", "record", "expected"),
    [
        ("TopicNameMatches", {"pattern": "source.*"}, Record("source.x", None, {}), True),
        ("TopicNameMatches", {"pattern": "source"}, Record("source.x", None, {}), False),
        ("HasHeaderKey", {"name": "h"}, Record("t", None, {}, headers=[("h", None)]), True),
        ("HasHeaderKey", {"name": "h"}, Record("t", None, {}), False),
        ("RecordIsTombstone", {}, Record("t", None, None), True),
        ("RecordIsTombstone", {}, Record("t", None, {}), False),
    ],
)
def test_stock_predicates(name: str, props: dict[str, str], record: Record, expected: bool) -> None:
    from glue.transforms import predicates

    predicate = getattr(predicates, name)()
    predicate.configure(props)
    assert predicate.test(record) is expected

"""The contract of a Python SMT: Kafka Connect's Transformation, in Python.

The same class runs in the glue service, in ``mxctl transforms test``, and inside a Connect worker. Its life:
``configure`` once, then any number of ``apply`` (or ``apply_batch``), then ``close``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from glue.reasons import invalid

Headers = list[tuple[str, bytes | None]]


@dataclass(slots=True)
class Record:
    """One record on its way through a chain.

    Attributes:
        topic: where it came from, or, once a transform changed it, where it goes.
        key: the record key; in this project the text of a UUID5.
        value: the decoded value; None is a tombstone. Avro logical types are Python's (datetime, Decimal).
        schema: the Avro record schema (parsed JSON) that ``value`` was written with; None for schemaless values.
        headers: name and raw bytes, in order; names may repeat.
        timestamp: milliseconds since the epoch.
        partition, offset: position in the source topic; None where there is none.
    """

    topic: str
    key: str | None
    value: dict[str, Any] | None
    schema: dict[str, Any] | None = None
    headers: Headers = field(default_factory=list)
    timestamp: int | None = None
    partition: int | None = None
    offset: int | None = None


class TransformConfig(BaseModel):
    """Base of a transform's settings: names with dots as in Connect, values as strings, unknown names refused.

    A field ``cache_size`` is written ``cache.size``; a list is written with commas.
    """

    model_config = ConfigDict(
        alias_generator=lambda name: name.replace("_", "."), populate_by_name=True, extra="forbid", frozen=True
    )

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        lists = {
            name
            for field_name, info in cls.model_fields.items()
            if get_origin(info.annotation) in (list, tuple, set, frozenset)
            for name in (field_name, info.alias)
        }
        return {
            name: [part.strip() for part in value.split(",") if part.strip()]
            if name in lists and isinstance(value, str)
            else value
            for name, value in data.items()
        }


ConfigT = TypeVar("ConfigT", bound=TransformConfig)


class Configurable(ABC, Generic[ConfigT]):
    """What transforms and predicates share: typed settings, and a life from ``configure`` to ``close``."""

    config_class: ClassVar[type[TransformConfig]]
    config: ConfigT

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in getattr(cls, "__orig_bases__", ()):
            arguments = get_args(base)
            if arguments and isinstance(arguments[0], type) and issubclass(arguments[0], TransformConfig):
                cls.config_class = arguments[0]

    def configure(self, props: Mapping[str, str]) -> None:
        """Check and take the settings; open what is needed. Called once, before the first record.

        Raises:
            ConfigError: naming each wrong setting.
        """
        try:
            self.config = self.config_class.model_validate(dict(props))  # type: ignore[assignment]
        except ValidationError as error:
            name = type(self).__name__
            raise invalid(name, error, f"mxctl transforms describe {name}") from None

    def offline(self, fixtures: Mapping[str, Any]) -> None:
        """Answer from ``fixtures`` instead of outside services, for test cases. Called after ``configure``."""

    def close(self) -> None:
        """Release what ``configure`` opened. Called once, also after a failure."""


class Transform(Configurable[ConfigT]):
    """A single-message transform. Subclass as ``class Mine(Transform[MyConfig])``; the docstring is its help.

    Raise :class:`glue.errors.DataError` for a record that can never pass (it goes to dead letters), and an error with
    the mixin :class:`glue.errors.Transient` where trying again may help.
    """

    @abstractmethod
    def apply(self, record: Record) -> Record | None:
        """The transformed record (the same object may be changed and returned), or None to drop it."""

    def apply_batch(self, records: Sequence[Record]) -> list[Record | Exception | None]:
        """As ``apply`` for many: one result a record, in order; an exception stands for the record that raised it.

        Override where a batch gains (embedding, Redis).
        """
        results: list[Record | Exception | None] = []
        for record in records:
            try:
                results.append(self.apply(record))
            except Exception as error:
                results.append(error)
        return results

    def looks_at(self, schema: dict[str, Any]) -> Collection[str] | None:
        """The fields of a value of ``schema`` that ``apply`` looks at; None, the default, where it may do anything.

        A transform that names them may replace or remove their values, but changes no list and no map in place, and
        leaves the other fields as they are. A Connect worker then converts these fields alone, and takes no value back
        that is equal: a gate that finds nothing costs little more than the way there and back.
        """
        return None

    def passes(self, schema: dict[str, Any]) -> Mapping[str, str | None] | None:
        """What lets a record of ``schema`` pass without ``apply``; None, the default, where each has to be shown.

        Texts of these fields pass where they have the form given (a pattern that the whole text has to match; None:
        there is no such form), or where a record with the same text in the same field came back as it was. For a
        transform that decides about each of the fields by its text alone, always in the same way, and looks at nothing
        else. A Connect worker then spares such a record the way to Python and back.
        """
        return None

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The Avro schema of what ``apply`` returns for values of ``schema``; asked once a schema.

        A Connect worker needs it; the glue service writes with the schema declared for the sink topic.
        """
        return schema


class Predicate(Configurable[ConfigT]):
    """Connect's Predicate: decides which records a transform sees. Configured and closed like a transform."""

    @abstractmethod
    def test(self, record: Record) -> bool:
        """Whether the transform applies to ``record``."""

"""The contract of a Python sink: Kafka Connect's SinkTask, in Python."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, get_args, get_origin

from pydantic import ValidationError

from glue.reasons import invalid
from glue.transforms.contract import Record, TransformConfig

Partition = tuple[str, int]
Report = Callable[[Record, Exception], None]
ConfigT = TypeVar("ConfigT", bound=TransformConfig)


class Sink(ABC, Generic[ConfigT]):
    """A sink. Subclass as ``class Mine(Sink[MyConfig])``; the docstring is its help.

    Its life: ``configure``, ``open``, any number of ``put`` and ``flush``, ``close``, ``stop``. After the loss of its
    process or a retry it sees records again, so writing must be idempotent. What it raises decides what happens: an
    error with the mixin :class:`glue.errors.Transient` (or ConnectionError, TimeoutError) delivers the same batch
    again after ``retry_after_ms`` of the error (default 1000); any other one fails the task.
    """

    config_class: ClassVar[type[TransformConfig]]
    config: ConfigT

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is Sink and isinstance(get_args(base)[0], type):
                cls.config_class = get_args(base)[0]

    def configure(self, props: Mapping[str, str]) -> None:
        """Check and take the settings; called once. Override to open what is needed, and call this first.

        Raises:
            ConfigError: naming each wrong setting.
        """
        try:
            self.config = self.config_class.model_validate(dict(props))  # type: ignore[assignment]
        except ValidationError as error:
            raise invalid(f"sink {type(self).__name__}", error, "correct the connector's config") from None

    def open(self, partitions: Collection[Partition]) -> None:
        """These partitions (topic, number) are now ours."""

    @abstractmethod
    def put(self, records: Sequence[Record], report: Report) -> None:
        """Take a batch; it may be buffered until ``flush``.

        ``report(record, error)`` refuses one record: it goes to dead letters with the error's text, and is done with.
        """

    def flush(self, offsets: Mapping[Partition, int]) -> None:
        """Return only when all that was put is stored; these offsets (the next to read) are then committed."""

    def close(self, partitions: Collection[Partition]) -> None:
        """These partitions are no longer ours; what was put is already flushed."""

    def stop(self) -> None:
        """Release what ``configure`` opened. Called once, also after a failure; not when the process is killed."""

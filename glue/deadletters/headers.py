"""Connect's headers of a dead letter: ``__connect.errors.*``, all UTF-8 text, added to those that are there.

Names and meaning as in Kafka Connect's DeadLetterQueueReporter (KIP-298). Exceptions may carry contents of records, so
the message is that of ``glue.reasons``, and the trace names places only.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from glue.reasons import reason_of
from glue.transforms.chain import Failure
from glue.transforms.contract import Headers

PREFIX = "__connect.errors."
RETRY_COUNT = "millionx.retry_count"
SEALED = "millionx.sealed"
TRUNCATED = "millionx.truncated"
REPLAY_FOR = "millionx.replay.for"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a bad record lies, and who refused it."""

    topic: str
    partition: int
    offset: int
    connector: str
    task: int


def error_headers(position: Position, failure: Failure) -> Headers:
    """The ten headers of one failure."""
    error = failure.error
    values = {
        "topic": position.topic, "partition": position.partition, "offset": position.offset,
        "connector.name": position.connector, "task.id": position.task,
        "stage": failure.stage, "class.name": failure.class_name,
        "exception.class.name": f"{type(error).__module__}.{type(error).__qualname__}",
        "exception.message": reason_of(error), "exception.stacktrace": _places(error),
    }  # fmt: skip
    return [(PREFIX + name, str(value).encode()) for name, value in values.items()]


def _places(error: BaseException) -> str:
    lines = [type(error).__qualname__]
    frames = traceback.extract_tb(error.__traceback__)
    lines += [f"  at {frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in reversed(frames)]
    return "\n".join(lines)


def last(headers: Headers | None, name: str) -> str | None:
    """The text of the last header of that name: after a replay there are several."""
    for found, value in reversed(headers or []):
        if found == name:
            return None if value is None else value.decode("utf-8", "replace")
    return None


def retry_count(headers: Headers | None) -> int:
    """How often a record was replayed already."""
    text = last(headers, RETRY_COUNT)
    return int(text) if text and text.isdigit() else 0


def without_errors(headers: Headers | None) -> Headers:
    """The record's own headers, as they were before it became a dead letter."""
    own = headers or []
    return [(name, value) for name, value in own if not name.startswith(PREFIX) and name not in (RETRY_COUNT, SEALED)]

"""Where the records are that one worker has read and not yet committed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from glue.errors import Transient
from glue.service.process import Result
from glue.transforms.chain import Failure

_CHUNK = 500  # records: the producer sends one chunk while the next is processed
_CHUNK_BYTES = 2_000_000  # what a chunk holds at most when records are large
Partition = tuple[str, int]


def partition_of(message: Any) -> Partition:
    """Topic and number of a message's partition."""
    return message.topic(), message.partition()


@dataclass
class Progress:
    """Where each record is that was read and is not committed; in the order of its partition throughout.

    Attributes:
        queue: read from the broker, not yet in the chain.
        chunk: in the chain; ``results`` has one entry for each message of it, once it was processed.
        published: in the open transaction.
    """

    queue: list[Any] = field(default_factory=list)
    chunk: list[Any] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    published: list[tuple[Any, Result]] = field(default_factory=list)

    def next_chunk(self) -> list[Any]:
        """Move the next messages from ``queue`` to ``chunk``: a limited number, and a limited size, at least one."""
        count = size = 0
        for message in self.queue[:_CHUNK]:
            size += len(message)
            if size > _CHUNK_BYTES and count:
                break
            count += 1
        self.chunk, self.queue, self.results = self.queue[:count], self.queue[count:], []
        return self.chunk

    def transient(self) -> list[int]:
        """The places in ``chunk`` whose result is an error that may pass."""
        return [i for i, r in enumerate(self.results) if isinstance(r, Failure) and isinstance(r.error, Transient)]

    def forget(self, gone: set[Partition]) -> None:
        """Leave out the messages of these partitions: whoever has them now reads them from the last commit."""
        self.queue = [message for message in self.queue if partition_of(message) not in gone]
        kept = [i for i, message in enumerate(self.chunk) if partition_of(message) not in gone]
        self.results = [self.results[i] for i in kept] if self.results else []
        self.chunk = [self.chunk[i] for i in kept]

    def uncommitted(self) -> list[Any]:
        return [message for message, _ in self.published] + self.chunk + self.queue

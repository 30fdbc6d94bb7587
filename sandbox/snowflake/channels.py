"""The rules of streaming channels: who may write, and what was written already.

Opening a channel gives its writer the next *client sequencer*; every write carries it and the next *row sequencer*.
Codes and texts: ``StreamingIngestResponseCode`` of ``snowflake-ingest-java``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum


class Status(IntEnum):
    """``status_code`` of streaming answers."""

    SUCCESS = 0
    TABLE_UNKNOWN = 4
    COLUMN_UNSUPPORTED = 6
    QUEUE_FULL = 7
    DATABASE_UNKNOWN = 8
    SCHEMA_UNKNOWN = 9
    RETRY = 10
    INVALID_CLIENT_SEQUENCER = 20
    INVALID_ROW_SEQUENCER = 21
    OTHER_CHANNEL_HAS_ISSUE = 22
    CHANNEL_UNKNOWN = 25
    ROW_COUNT_DIFFERS = 31
    COLUMN_MISSING = 40


MESSAGES: dict[Status, str] = {
    Status.SUCCESS: "Success",
    Status.TABLE_UNKNOWN: "The table does not exist, or the role may not insert into it",
    Status.COLUMN_UNSUPPORTED: "The table has a column that streaming does not load (type, or a default value)",
    Status.QUEUE_FULL: "Too many outstanding registrations; try again",
    Status.DATABASE_UNKNOWN: "The database does not exist or is not authorized",
    Status.SCHEMA_UNKNOWN: "The schema does not exist or is not authorized",
    Status.RETRY: "A transient failure; try again",
    Status.INVALID_CLIENT_SEQUENCER: "Another writer owns the channel; open it again to take it back",
    Status.INVALID_ROW_SEQUENCER: "A message is out of order; open the channel again",
    Status.OTHER_CHANNEL_HAS_ISSUE: "Another channel of the same chunk was refused; open the channel again",
    Status.CHANNEL_UNKNOWN: "The channel does not exist or is not authorized",
    Status.ROW_COUNT_DIFFERS: "The blob is not what its registration says",
    Status.COLUMN_MISSING: "The table has changed; open the channel again",
}


@dataclass(frozen=True)
class ChannelState:
    """What is persisted of a channel; ``last_chunk`` names the chunk that set the row sequencer."""

    client_sequencer: int
    row_sequencer: int
    offset_token: str | None
    last_chunk: str | None = None

    def reopened(self) -> ChannelState:
        """After a writer opened it: its own client sequencer, rows counted from the start."""
        return replace(self, client_sequencer=self.client_sequencer + 1, row_sequencer=0, last_chunk=None)


NEW_CHANNEL = ChannelState(client_sequencer=-1, row_sequencer=0, offset_token=None)


@dataclass(frozen=True)
class ChannelWrite:
    """One channel's part in a chunk."""

    name: str
    client_sequencer: int
    row_sequencer: int
    offset_token: str | None


def judge(state: ChannelState | None, write: ChannelWrite, chunk_id: str) -> tuple[Status, bool]:
    """What becomes of a write: its status, and whether its rows are stored already.

    A repetition of the last chunk (the reply was lost, or the endpoint died after its commit) is a success that
    stores nothing, so that the client's own retry is not a duplicate.
    """
    if state is None:
        return Status.CHANNEL_UNKNOWN, False
    if write.client_sequencer != state.client_sequencer:
        return Status.INVALID_CLIENT_SEQUENCER, False
    if write.row_sequencer == state.row_sequencer and state.last_chunk == chunk_id:
        return Status.SUCCESS, True
    if write.row_sequencer != state.row_sequencer + 1:
        return Status.INVALID_ROW_SEQUENCER, False
    return Status.SUCCESS, False


def judge_chunk(
    states: Sequence[ChannelState | None], writes: Sequence[ChannelWrite], chunk_id: str
) -> tuple[list[Status], bool]:
    """Statuses of all channels of a chunk, and whether it has to be stored.

    A chunk's rows are not separable by channel, so it is stored whole or not at all: when one channel is refused,
    the others have to open again too (status 22) and send their rows once more.
    """
    verdicts = [judge(state, write, chunk_id) for state, write in zip(states, writes, strict=True)]
    if all(status is Status.SUCCESS for status, _ in verdicts):
        stored = {already for _, already in verdicts}
        if len(stored) == 1:
            return [Status.SUCCESS] * len(verdicts), stored == {False}
        return [
            Status.INVALID_ROW_SEQUENCER if already else Status.OTHER_CHANNEL_HAS_ISSUE for _, already in verdicts
        ], False
    return [Status.OTHER_CHANNEL_HAS_ISSUE if s is Status.SUCCESS else s for s, _ in verdicts], False

"""The steps of the loop without a broker: what is open during a wait, and what becomes of a revoked partition."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from glue.errors import DataError, ServiceError, ServiceUnavailableError
from glue.service import loop as loop_module
from glue.service import progress as module
from glue.service.config import ServiceConfig
from glue.service.health import Health
from glue.service.loop import Loop
from glue.service.metrics import Metrics
from glue.service.process import Produced, Result
from glue.service.progress import Progress
from glue.service.transaction import Aborted, StuckError, TransactionalWriter
from glue.transforms.chain import Failure
from glue.transforms.declared import DeclaredChain


class Message:
    def __init__(self, partition: int, offset: int, size: int = 10) -> None:
        self._at, self._size = (partition, offset), size

    def topic(self) -> str:
        return "source"

    def partition(self) -> int:
        return self._at[0]

    def offset(self) -> int:
        return self._at[1]

    def headers(self) -> None:
        return None

    def error(self) -> None:
        return None

    def __len__(self) -> int:
        return self._size


class Consumer:
    """Holds two partitions; ``on_poll`` is called in each wait."""

    def __init__(self) -> None:
        self.assigned = {0, 1}
        self.paused = False
        self.sought: list[tuple[int, int]] = []
        self.offsets = {0: -1001, 1: -1001}
        self.on_poll: Callable[[], Any] = lambda: None
        self.on_consume: Callable[[], list[Message]] = list

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition("source", number) for number in sorted(self.assigned)]

    def consumer_group_metadata(self) -> str:
        return "member"

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.paused = True

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.paused = False

    def poll(self, seconds: float) -> Any:
        return self.on_poll()

    def consume(self, count: int, seconds: float) -> list[Message]:
        return self.on_consume()

    def committed(self, partitions: list[TopicPartition], seconds: float) -> list[TopicPartition]:
        return [TopicPartition(p.topic, p.partition, self.offsets[p.partition]) for p in partitions]

    def seek(self, partition: TopicPartition) -> None:
        self.sought.append((partition.partition, partition.offset))

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned = {p.partition for p in partitions}

    def unassign(self) -> None:
        self.assigned = set()


class Writer:
    """What is visible after a commit, and whether a transaction is open."""

    def __init__(self) -> None:
        self.is_open = False
        self.open: list[Result] = []
        self.visible: list[Result] = []
        self.offsets: dict[int, int] = {}
        self.refuses = False

    def publish(self, messages: list[Any], results: list[Result]) -> None:
        assert messages, "a transaction is opened for nothing"
        self.is_open = True
        self.open += results

    def commit(self, offsets: list[TopicPartition], member: str) -> None:
        if self.refuses:
            self.abort()
            raise Aborted
        self.visible += self.open
        self.offsets |= {p.partition: p.offset for p in offsets}
        self.abort()

    def abort(self) -> None:
        self.is_open, self.open = False, []


class Bench:
    """A loop over fakes; ``refuse`` says what the chain raises for (partition, offset)."""

    def __init__(self, **config: str) -> None:
        base = {"topics": "source", "output.topic": "sink", "errors.tolerance": "all",
                "errors.deadletterqueue.topic.name": "dead", "errors.retry.timeout": "10000",
                "errors.retry.delay.max.ms": "1", "transforms": "",
                **{name.replace("__", "."): value for name, value in config.items()}}  # fmt: skip
        self.consumer, self.writer, self.stop = Consumer(), Writer(), threading.Event()
        self.metrics, self.health = Metrics("posts", ["source"]), Health()
        self.refuse: dict[tuple[int, int], Exception] = {}
        self.loop = Loop("posts", ServiceConfig.of(DeclaredChain(name="posts", config=base)), self.consumer,
                         self.writer, self.process, self.metrics, self.health, self.stop)  # type: ignore[arg-type]  # fmt: skip

    def process(self, messages: list[Message]) -> list[Result]:
        return [
            Failure(self.refuse[m.partition(), m.offset()], "TRANSFORMATION", "it")
            if (m.partition(), m.offset()) in self.refuse
            else Produced("sink", f"{m.partition()}/{m.offset()}", b"", [], None)
            for m in messages
        ]

    def work(self, *messages: Message) -> None:
        self.loop.progress.queue = list(messages)
        self.loop.work()

    @property
    def keys(self) -> list[Any]:
        return [result.key if isinstance(result, Produced) else result for result in self.writer.visible]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(module, "_CHUNK", 2)
    return Bench()


DOWN = ServiceUnavailableError("Redis", "is down")


def test_no_transaction_is_open_during_any_wait_and_the_order_stays(bench: Bench) -> None:
    """Two chunks of one batch wait, one after the other: before each, what was published is committed."""
    bench.refuse = {(0, 3): DOWN, (0, 5): DOWN}
    waits: list[tuple[bool, bool, list[str]]] = []

    def on_poll() -> None:
        waits.append((bench.writer.is_open, bench.consumer.paused, bench.keys))
        bench.refuse.pop((0, 5) if "0/3" in bench.keys else (0, 3), None)

    bench.consumer.on_poll = on_poll
    bench.work(*(Message(0, offset) for offset in range(7)))
    assert [is_open for is_open, _, _ in waits] == [False] * len(waits)
    assert all(paused for _, paused, _ in waits)
    assert waits[0][2] == ["0/0", "0/1"] and "0/3" in waits[-1][2]
    assert bench.keys == [f"0/{offset}" for offset in range(7)]
    assert bench.writer.offsets == {0: 7} and not bench.writer.is_open


@pytest.mark.parametrize(("seconds", "transactions"), [(0.0, 1), (2.0, 2), (9.0, 4)])
def test_a_transaction_ends_before_slow_records_make_it_last(
    bench: Bench, seconds: float, transactions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four chunks of one batch, each in the chain for so long; 5 s is a sixth of the transaction's timeout."""
    now, process, began = [0.0], bench.process, []

    def slow(messages: list[Message]) -> list[Result]:
        now[0] += seconds
        return process(messages)

    publish = bench.writer.publish

    def opened(messages: list[Any], results: list[Result]) -> None:
        began.extend([now[0]] if not bench.writer.is_open else [])
        assert now[0] - began[-1] <= 4, "it was open while the chain worked"
        publish(messages, results)

    monkeypatch.setattr(loop_module.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(bench.writer, "publish", opened)
    monkeypatch.setattr(bench.loop, "_process", slow)
    bench.work(*(Message(0, offset) for offset in range(8)))
    assert bench.keys == [f"0/{offset}" for offset in range(8)] and not bench.writer.is_open
    assert len(began) == transactions


def test_a_partition_revoked_during_a_wait_is_neither_published_nor_committed(bench: Bench) -> None:
    bench.refuse = {(1, 0): DOWN}

    def revoke() -> None:
        if 1 in bench.consumer.assigned:
            bench.loop._revoked(bench.consumer, [TopicPartition("source", 1)])

    bench.consumer.on_poll = revoke
    bench.work(Message(1, 0), Message(0, 0), Message(1, 1), Message(0, 1))
    assert bench.keys == ["0/0", "0/1"]
    assert bench.writer.offsets == {0: 2}


def test_records_that_come_after_their_partition_was_revoked_are_left_to_its_next_owner(bench: Bench) -> None:
    """librdkafka collects records, calls back that their partition is gone, and returns them all the same."""
    ours = [TopicPartition("source", 1)]

    def consume() -> list[Message]:
        bench.loop._revoked(bench.consumer, ours)
        return [Message(1, 0), Message(0, 0), Message(1, 1)]

    bench.consumer.on_consume = consume
    bench.loop.read()
    assert [message.partition() for message in bench.loop.progress.queue] == [0]
    bench.loop.work()
    assert bench.writer.offsets == {0: 1}

    bench.consumer.on_poll = lambda: Message(1, 2)
    bench.refuse = {(0, 1): DOWN}
    bench.stop.clear()
    threading.Timer(0.05, bench.stop.set).start()
    bench.work(Message(0, 1))
    assert bench.loop.progress.queue == []

    bench.loop._assigned(bench.consumer, ours)
    bench.consumer.on_consume = lambda: [Message(1, 0)]
    bench.loop.read()
    assert [message.offset() for message in bench.loop.progress.queue] == [0]


def test_a_partition_that_went_and_came_back_within_one_read_begins_at_its_last_commit(bench: Bench) -> None:
    """Which of its records were collected before it went cannot be seen: they would be done twice."""
    ours = [TopicPartition("source", 1)]
    bench.consumer.offsets[1] = 5

    def consume() -> list[Message]:
        bench.loop._revoked(bench.consumer, ours)
        bench.loop._assigned(bench.consumer, ours)
        return [Message(1, 3), Message(1, 4), Message(1, 5)]

    bench.consumer.on_consume = consume
    bench.loop.read()
    assert (bench.loop.progress.queue, bench.consumer.sought) == ([], [(1, 5)])
    bench.consumer.on_consume = lambda: [Message(1, 5)]
    bench.loop.read()
    assert len(bench.loop.progress.queue) == 1 and len(bench.consumer.sought) == 1


class FencedProducer:
    """Its broker says that another member has the name of the group's one."""

    def begin_transaction(self) -> None: ...

    def produce(self, *message: Any, **more: Any) -> None: ...

    def poll(self, seconds: float) -> None: ...

    def send_offsets_to_transaction(self, *offsets: Any) -> None:
        raise KafkaException(KafkaError(KafkaError.FENCED_INSTANCE_ID))


def test_a_member_that_was_fenced_by_what_it_asked_for_itself_is_replaced() -> None:
    """After a pause of the broker; where another worker has the name, its producer fences this one."""
    writer = TransactionalWriter(FencedProducer(), "dead", None, lambda: True)  # type: ignore[arg-type]
    writer.publish([Message(0, 0)], [Produced("sink", "k", b"", [], None)])
    with pytest.raises(StuckError):
        writer.commit([TopicPartition("source", 0, 1)], "member")


def test_nothing_stays_open_when_all_that_waited_was_revoked(bench: Bench) -> None:
    bench.refuse = {(1, 0): DOWN}
    bench.consumer.on_poll = lambda: bench.loop._revoked(bench.consumer, [TopicPartition("source", 1)])
    bench.work(Message(1, 0), Message(1, 1))
    assert (bench.keys, bench.writer.offsets, bench.writer.is_open) == ([], {}, False)


def test_what_arrives_during_a_wait_comes_next_in_order(bench: Bench) -> None:
    bench.refuse = {(0, 0): DOWN}
    late = [Message(0, 2), Message(0, 1)]

    def on_poll() -> Message | None:
        bench.refuse.clear()
        return late.pop() if late else None

    bench.consumer.on_poll = on_poll
    bench.work(Message(0, 0))
    assert bench.keys == [f"0/{offset}" for offset in range(len(bench.keys))]
    assert len(bench.keys) == 3 - len(late)


def test_an_aborted_batch_is_read_again_from_the_last_commit(bench: Bench) -> None:
    bench.writer.refuses = True
    with pytest.raises(Aborted):
        bench.work(Message(0, 5), Message(1, 7), Message(0, 6), Message(1, 8))
    bench.consumer.offsets = {0: 6, 1: -1001}
    bench.loop._seek()
    assert bench.consumer.sought == [(0, 6), (1, 7)]
    assert bench.loop.progress == Progress()
    assert bench.keys == []


def test_told_to_stop_a_waiting_chunk_is_left_to_the_next_start(bench: Bench) -> None:
    bench.refuse = {(0, 2): DOWN}
    bench.consumer.on_poll = bench.stop.set
    bench.work(*(Message(0, offset) for offset in range(4)))
    assert bench.keys == ["0/0", "0/1"]
    assert bench.writer.offsets == {0: 2} and not bench.writer.is_open


def test_a_bounded_wait_ends_in_a_dead_letter_in_its_place() -> None:
    bench = Bench(errors__retry__timeout="20")
    bench.refuse = {(0, 1): DOWN}
    bench.work(*(Message(0, offset) for offset in range(3)))
    first, second, third = bench.keys
    assert (first, third) == ("0/0", "0/2") and isinstance(second, Failure)
    assert bench.writer.offsets == {0: 3}


def test_tolerance_none_stops_before_the_bad_record(bench: Bench) -> None:
    strict = Bench(errors__tolerance="none")
    strict.refuse = {(0, 1): DataError("Validate", "content: minLength 5")}
    with pytest.raises(ServiceError, match="content: minLength 5"):
        strict.work(Message(0, 0), Message(0, 1))
    assert strict.keys == []


def test_a_chunk_is_bounded_in_bytes_too(bench: Bench) -> None:
    progress = Progress([Message(0, offset, size=1_500_000) for offset in range(2)] + [Message(0, 2), Message(0, 3)])
    assert [len(progress.next_chunk()) for _ in range(3)] == [1, 2, 1]

"""One contender of the benchmark: ``NAME TOPICS_JSON RECORDS``; prints ``{"seconds": …, "cpu": …, "rss": …}``: the time
and the processor's time from the first record to the last commit, in seconds, and the most memory, in MB.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from glue.kafka.config import KafkaConfig
from glue.service.config import ServiceConfig
from glue.service.decode import TopicReader
from glue.service.process import Processor, Produced
from glue.service.run import tune_memory
from glue.settings import get_settings
from glue.transforms.chain import Chain
from glue.transforms.declared import DeclaredChain

CHAIN = {
    "errors.tolerance": "all",
    "transforms": "validate,scrub,hash,shape",
    "transforms.validate.type": "glue.transforms.validate:Validate",
    "transforms.scrub.type": "glue.transforms.scrub:ScrubPII",
    "transforms.hash.type": "glue.transforms.identity:HashIdentity",
    "transforms.shape.type": "glue.transforms.post:ToEnrichedPost",
}
_CHUNK = 500
RUN = os.environ.get("BENCH_RUN", "")
BATCH = re.search(r"batches of (\d+)", " ".join(sys.argv))


class Stopwatch:
    """Runs from the first ``start`` to ``stop``."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None

    def start(self) -> None:
        self._began = self._began or (time.perf_counter(), time.process_time())

    def stop(self) -> dict[str, float]:
        assert self._began  # noqa: S101
        seconds, cpu = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        return {"seconds": seconds, "cpu": cpu, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}


def declared(topics: dict[str, str]) -> DeclaredChain:
    names = {"topics": topics["source"], "output.topic": topics["output"]}
    if BATCH:
        names["batch.max.records"] = BATCH[1]
    return DeclaredChain(
        name=f"bench{RUN}", config=CHAIN | names | {"errors.deadletterqueue.topic.name": topics["dead"]}
    )


def processor(topics: dict[str, str]) -> Processor:
    from glue.avro import encoder_for_subject
    from glue.registry import registry_client

    chain, registry = declared(topics), registry_client(get_settings())
    encode = encoder_for_subject(registry, f"{topics['output']}-value")
    parts = (Chain.from_config(chain.config), TopicReader(registry), encode, ServiceConfig.of(chain))
    return Processor(chain.name, *parts)


def passthrough(topics: dict[str, str], records: int, process: Processor | None = None) -> dict[str, float]:
    """Consume and produce in batches, committing offsets; with ``process`` the loop at least once."""
    kafka = KafkaConfig.of(get_settings())
    consumer, producer = kafka.consumer(f"bench-{RUN}"), kafka.producer()
    consumer.subscribe([topics["source"]])
    done, watch = 0, Stopwatch()
    while done < records:
        messages = [m for m in consumer.consume(2000, 0.1) if m.error() is None]
        if not messages:
            continue
        watch.start()
        for first in range(0, len(messages), _CHUNK):
            chunk = messages[first : first + _CHUNK]
            if process is None:
                for message in chunk:
                    producer.produce(topics["output"], message.value(), message.key())
            else:
                for result in process(chunk):
                    if not isinstance(result, Produced):
                        raise SystemExit(f"a record did not pass: {result}")
                    producer.produce(result.topic, result.value, result.key, headers=result.headers or None)
            producer.poll(0)
        producer.flush()
        consumer.commit(asynchronous=False)
        done += len(messages)
    found = watch.stop()
    consumer.close()
    return found


def service(topics: dict[str, str], records: int) -> dict[str, float]:
    """The service as it is, transactions and dead letters included."""
    from glue.service.loop import Loop
    from glue.service.worker import Worker

    worker, watch, found = Worker(declared(topics), RUN), Stopwatch(), dict[str, float]()
    count, work = worker.metrics.registry.get_sample_value, Loop.work

    def look() -> None:
        while (count("millionx_glue_batch_records_sum", {"chain": worker.name}) or 0.0) < records:
            time.sleep(0.01)  # looking costs, too
        found.update(watch.stop())
        worker.stop.set()

    def timed(self: Loop) -> None:
        watch.start()
        work(self)

    Loop.work = timed  # type: ignore[method-assign]
    threading.Thread(target=look, daemon=True).start()
    worker.run()
    return found


def one_of_many(topics: dict[str, str], instance: str) -> None:
    """A worker of the group that works until it is told to end."""
    from glue.service.worker import Worker

    worker = Worker(declared(topics), instance)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop.set())
    worker.run()


class Message:
    """A message that no broker has seen."""

    def __init__(self, value: bytes, key: str, topic: str) -> None:
        self._value, self._key, self._topic = value, key.encode(), topic

    def value(self) -> bytes:
        return self._value

    def key(self) -> bytes:
        return self._key

    def topic(self) -> str:
        return self._topic

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 1, 0

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 0


def steps(records: int) -> Iterator[tuple[str, float]]:
    """Step of the loop and its seconds, for chunk after chunk of so many records."""
    from bench_glue_load import encoded, subjects

    from glue.service.decode import to_records
    from glue.transforms.contract import Record

    topics = subjects()
    process = processor(topics)
    values = [Message(value, f"00000000-0000-5000-8000-{i:012d}", topics["source"]) for i, value in encoded(records)]
    tune_memory()
    for first in range(0, records, _CHUNK):
        started = time.perf_counter()
        found: list[Any] = to_records(values[first : first + _CHUNK], process._read)
        yield "decode", time.perf_counter() - started
        for step in process._chain.steps:
            started = time.perf_counter()
            found = step.transform.apply_batch(found)
            yield f"{step.alias}: {type(step.transform).__name__}", time.perf_counter() - started
        started = time.perf_counter()
        made = [process._encoded(record, topics["source"]) for record in found if isinstance(record, Record)]
        yield "encode", time.perf_counter() - started
        if not all(isinstance(result, Produced) for result in made) or len(made) != len(found):
            raise SystemExit("a record did not pass")


def main() -> None:
    name, topics, records = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    tune_memory()  # as the service does; for every contender alike
    if name.startswith("worker"):
        one_of_many(topics, name.split()[1])
        return
    if name == "passthrough":
        found = passthrough(topics, records)
    elif name == "glue at least once":
        found = passthrough(topics, records, processor(topics))
    elif name.startswith("glue exactly once"):  # of this commit, or of another
        found = service(topics, records)
    else:
        from bench_glue_peers import PROGRAMS

        found = PROGRAMS[name.split()[0]](name, topics, records)
    print(json.dumps(found))


if __name__ == "__main__":
    main()

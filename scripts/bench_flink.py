"""PyFlink as a contender: a map over the values with our codecs, exactly once, Python in processes of its own.

Keys and headers are left out, which favours it, and so does its clock: it runs from the first record in the output
topic to the end of the job, which is its last commit; starting takes seconds more.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import psutil
from bench_glue_contender import RUN
from bench_glue_peers import with_our_codecs
from confluent_kafka import TopicPartition
from pyflink.common import Configuration, Types, WatermarkStrategy
from pyflink.common.serialization import ByteArraySchema
from pyflink.datastream import MapFunction, StreamExecutionEnvironment
from pyflink.datastream.connectors.base import DeliveryGuarantee
from pyflink.datastream.connectors.kafka import (
    KafkaOffsetsInitializer,
    KafkaRecordSerializationSchema,
    KafkaSink,
    KafkaSource,
)

from glue.kafka.config import KafkaConfig
from glue.settings import get_settings


class Work(MapFunction):  # type: ignore[misc]
    """The chain, made in the process that runs it."""

    def __init__(self, topics: dict[str, str]) -> None:
        self._topics = topics

    def open(self, runtime_context: Any) -> None:
        self._work = with_our_codecs(self._topics)

    def map(self, value: bytes) -> bytes:
        made: bytes = self._work(bytes(value), "00000000-0000-5000-8000-000000000000")
        return made


class Used:
    """Processor time and memory of this process and all below it, looked at while they live."""

    def __init__(self) -> None:
        self._most, self._done, self._first = {"cpu": 0.0, "rss": 0.0}, threading.Event(), self._cpu()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _all(self) -> list[psutil.Process]:
        this = psutil.Process()
        return [this, *this.children(recursive=True)]

    def _cpu(self) -> float:
        return sum(time.user + time.system for one in self._all() for time in [one.cpu_times()])

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            try:
                cpu, rss = self._cpu() - self._first, sum(one.memory_info().rss for one in self._all()) / 1e6
            except psutil.NoSuchProcess:
                continue
            self._most = {"cpu": max(self._most["cpu"], cpu), "rss": max(self._most["rss"], rss)}

    def stop(self) -> dict[str, float]:
        """Seconds of processor time since the start, and the most memory in MB."""
        self._done.set()
        self._thread.join()
        return self._most


def _written(topics: dict[str, str]) -> int:
    consumer = KafkaConfig.of(get_settings()).consumer(f"bench-{RUN}-look")
    try:
        places = [TopicPartition(topics["output"], number) for number in range(6)]
        return sum(consumer.get_watermark_offsets(place, timeout=10)[1] for place in places)
    finally:
        consumer.close()


def job(topics: dict[str, str]) -> dict[str, float]:
    """What a contender is asked for; the job ends where the source topic ended when it began."""
    kafka = get_settings().kafka
    before = _written(topics)
    configuration = Configuration()
    configuration.set_string("pipeline.jars", os.environ["BENCH_FLINK_JAR"])
    configuration.set_string("python.executable", sys.executable)
    configuration.set_string("execution.checkpointing.interval", "1s")
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    env.set_parallelism(1)
    source = (
        KafkaSource.builder()
        .set_bootstrap_servers(kafka)
        .set_topics(topics["source"])
        .set_group_id(f"bench-{RUN}")
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_bounded(KafkaOffsetsInitializer.latest())
        .set_value_only_deserializer(ByteArraySchema())
        .build()
    )
    values = KafkaRecordSerializationSchema.builder().set_topic(topics["output"])
    sink = (
        KafkaSink.builder()
        .set_bootstrap_servers(kafka)
        .set_record_serializer(values.set_value_serialization_schema(ByteArraySchema()).build())
        .set_delivery_guarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .set_transactional_id_prefix(f"bench-{RUN}")
        .set_property("transaction.timeout.ms", "600000")
        .set_property("compression.type", "lz4")
        .set_property("linger.ms", "5")
        .build()
    )
    kind = Types.PRIMITIVE_ARRAY(Types.BYTE())
    read = env.from_source(source, WatermarkStrategy.no_watermarks(), "source", kind)
    read.map(Work(topics), kind).sink_to(sink)
    running = env.execute_async("bench")
    while _written(topics) == before:
        time.sleep(0.02)
    began, used = time.perf_counter(), Used()
    running.get_job_execution_result().result()
    return {"seconds": time.perf_counter() - began, **used.stop()}

"""Other ways to run the same transforms over Kafka, record by record, each in the interpreter that has it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

from bench_glue_contender import RUN, Message, Stopwatch, declared, processor

from glue.service.process import Produced
from glue.settings import get_settings
from glue.transforms.chain import Chain


def quixstreams(name: str, topics: dict[str, str], records: int) -> dict[str, float]:
    """quixstreams; its own codecs of Avro, or ours."""
    from quixstreams import Application
    from quixstreams.models import BytesDeserializer, BytesSerializer

    app = Application(
        broker_address=get_settings().kafka,
        consumer_group=f"bench-{RUN}",
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once" if "exactly" in name else "at-least-once",
        commit_every=2000,
        loglevel="ERROR",
        auto_create_topics=False,
        producer_extra_config={"linger.ms": 5, "compression.type": "lz4"},
    )
    if "our codecs" in name:
        reads, writes, work = BytesDeserializer(), BytesSerializer(), with_our_codecs(topics)
    else:
        reads, writes, work = _with_its_codecs(topics)
    source = app.topic(topics["source"], value_deserializer=reads, key_deserializer="str")
    output = app.topic(topics["output"], value_serializer=writes, key_serializer="str")
    watch = Stopwatch()

    def transform(value: Any, key: str, timestamp: int, headers: Any) -> Any:
        watch.start()
        return work(value, key)

    frame = app.dataframe(source)
    frame = frame.apply(transform, metadata=True).to_topic(output)
    app.run(count=records, timeout=60)
    return watch.stop()


def with_our_codecs(topics: dict[str, str]) -> Callable[[bytes, str], Any]:
    process = processor(topics)

    def work(value: bytes, key: str) -> Any:
        (result,) = process([Message(value, key, topics["source"])])
        if not isinstance(result, Produced) or result.value is None:
            raise SystemExit(f"a record did not pass: {result}")
        return result.value

    return work


def _with_its_codecs(topics: dict[str, str]) -> tuple[Any, Any, Callable[[Any, str], Any]]:
    from quixstreams.models.serializers.avro import AvroDeserializer, AvroSerializer
    from quixstreams.models.serializers.schema_registry import (
        SchemaRegistryClientConfig,
        SchemaRegistrySerializationConfig,
    )

    from glue.avro import load_schema
    from glue.transforms.contract import Record

    client = SchemaRegistryClientConfig(url=get_settings().registry)
    latest = SchemaRegistrySerializationConfig(auto_register_schemas=False, use_latest_version=True)
    folder = get_settings().schemas_dir
    schema, output = load_schema(folder / "social_post.avsc"), load_schema(folder / "enriched_post.avsc")
    writes = AvroSerializer(output, schema_registry_client_config=client, schema_registry_serialization_config=latest)
    chain = Chain.from_config(declared(topics).config)

    def work(value: Any, key: str) -> Any:
        (result,) = chain.run([Record(topics["source"], key, value, schema)])
        if not isinstance(result, Record):
            raise SystemExit(f"a record did not pass: {result}")
        return result.value

    return AvroDeserializer(schema_registry_client_config=client), writes, work


def faust(name: str, topics: dict[str, str], records: int) -> dict[str, float]:
    """faust-streaming with our codecs: an agent that sends what it made of each event."""
    import faust

    app = faust.App(
        f"bench-{RUN}",
        broker=f"kafka://{get_settings().kafka}",
        processing_guarantee="exactly_once" if "exactly" in name else "at_least_once",
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        producer_compression_type="lz4",
        producer_linger_ms=5,
        broker_commit_every=2000,
        broker_commit_interval=0.5,
    )
    raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    source, output = (app.topic(topics[part], partitions=6, **raw) for part in ("source", "output"))
    work, watch, done = with_our_codecs(topics), Stopwatch(), asyncio.Event()

    @app.agent(source)  # type: ignore[untyped-decorator]
    async def each(stream: Any) -> None:
        count = 0
        async for event in stream.events():
            watch.start()
            await output.send(key=event.key, value=work(event.value, event.key.decode()))
            count += 1
            if count == records:
                done.set()

    async def run() -> dict[str, float]:
        await app.start()
        await done.wait()
        await app.producer.flush()
        await app.consumer.commit()
        return watch.stop()

    found = asyncio.get_event_loop().run_until_complete(run())
    print(json.dumps(found), flush=True)
    os._exit(0)  # its own end waits for timeouts


def pyflink(name: str, topics: dict[str, str], records: int) -> dict[str, float]:
    """PyFlink, which has a file of its own."""
    from bench_flink import job

    return job(topics)


PROGRAMS = {"quixstreams": quixstreams, "faust": faust, "PyFlink": pyflink}

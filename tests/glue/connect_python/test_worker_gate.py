"""ScrubPII and HashIdentity inside the worker, before a sink and in it: the last gate, with the tags of the files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from glue.avro import Encoder, load_schema
from glue.settings import Settings
from tests.glue.connect_python.worker import Bench
from tests.waiting import wait_for

pytestmark = pytest.mark.stack

_POST: dict[str, Any] = {
    "post_id": "7301234567890123456",
    "platform": "tiktok",
    "content": "call me on 01712345678 or write to karim@example.com",
    "author_username": "karim_uddin",
    "url": None,
    "hashtags": ["winter"],
    "posted_at": 1_700_000_000_000,
    "collected_at": 1_700_000_000_000,
}


def _gate(schemas: str, keys: Path) -> dict[str, str]:
    config = {"transforms": "scrub,hash"}
    for alias, name in (("scrub", "glue.transforms.scrub:ScrubPII"), ("hash", "glue.transforms.identity:HashIdentity")):
        config |= {
            f"transforms__{alias}__type": "bd.millionx.connect.PythonTransform$Value",
            f"transforms__{alias}__class": name,
            f"transforms__{alias}__python__executable": sys.executable,
            f"transforms__{alias}__python__schemas": schemas,
        }
    return config | {"transforms__hash__keys__file": str(keys)}


def _produce(bench: Bench, settings: Settings) -> None:
    schema = load_schema(settings.schemas_dir / "social_post.avsc")
    registry = SchemaRegistryClient({"url": settings.registry})
    number = registry.register_schema(f"{bench.topic}-value", Schema(json.dumps(schema), "AVRO"))
    producer = Producer({"bootstrap.servers": settings.kafka})
    producer.produce(bench.topic, Encoder(schema, number)(_POST), key="0")
    producer.flush(30)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"active": "k1", "keys": {"k1": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="}}))
    return file


def test_no_personal_data_passes_the_gate(stack: Settings, tmp_path: Path, keys: Path) -> None:
    bench = Bench(stack, tmp_path)
    avro = {
        "value__converter": "io.confluent.connect.avro.AvroConverter",
        "value__converter__schema__registry__url": stack.registry,
    }
    with bench.running(bench.config(**avro, **_gate(str(stack.schemas_dir.resolve()), keys))):
        _produce(bench, stack)
        bench.wait_for_keys({"0"})
    ((*_, value, headers),) = bench.lines()
    assert value["content"] == "call me on [PHONE] or write to [EMAIL]"
    assert value["author_username_hash"].startswith("k1:")
    assert "author_username" not in value
    assert value["post_id"] == _POST["post_id"]
    assert headers == 1  # what was redacted is counted
    assert "karim" not in bench.file.read_text() and "0171" not in bench.file.read_text()


@pytest.mark.parametrize(
    ("change", "why"),
    [({"transforms__scrub__python__schemas": "/no/such"}, "there is no such folder"), ({}, "hash keys: the key")],
)
def test_a_gate_without_its_schemas_or_its_key_does_not_start(
    stack: Settings, tmp_path: Path, change: dict[str, str], why: str
) -> None:
    bench = Bench(stack, tmp_path)
    gate = _gate(str(stack.schemas_dir.resolve()), tmp_path / "no-keys.json") | change
    with bench.running(bench.config(**gate)):
        wait_for(lambda: bench.states() == ["FAILED"], what="a failed task")
        assert why in bench.trace()


def test_a_gate_inside_the_sink_scrubs_and_refuses_as_the_one_before_it_does(stack: Settings, tmp_path: Path) -> None:
    avro = {
        "value__converter": "io.confluent.connect.avro.AvroConverter",
        "value__converter__schema__registry__url": stack.registry,
    }
    inside = {"python__class": "plugins:GatedFileSink", "python__schemas": str(stack.schemas_dir.resolve())}
    before = _gate(str(stack.schemas_dir.resolve()), tmp_path) | {
        "transforms": "scrub",
        "transforms__scrub__again": "true",
    }
    written, refused = [], []
    for name, gate in (("inside", inside), ("before", before)):
        folders = [tmp_path / f"{name}-{what}" for what in ("avro", "json")]
        for folder in folders:
            folder.mkdir()
        bench = Bench(stack, folders[0])
        with bench.running(bench.config(**avro, **gate)):
            _produce(bench, stack)
            bench.wait_for_keys({"0"})
        ((*_, value, headers),) = bench.lines()
        written.append((value, headers))
        bench = Bench(stack, folders[1])  # JSON has no schema, so nothing says what in it is personal
        with bench.running(bench.config(**gate)):
            bench.produce([{"text": "call 01712345678"}, None])
            bench.wait_for_keys({"1"})
            refused.append(bench.letters(1)["0"])
    assert written[0] == written[1]
    assert written[0][0]["content"] == "call me on [PHONE] or write to [EMAIL]"
    assert [letter["stage"] for letter in refused] == ["TASK_PUT", "TRANSFORMATION"]
    (why,) = {letter["exception.message"] for letter in refused}
    assert why.startswith("ScrubPII: the record has no schema")
    assert len({letter["exception.class.name"] for letter in refused}) == 1

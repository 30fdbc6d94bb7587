"""The gate inside a sink's process: what it lets through, what it refuses, and that nothing comes before it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from glue.avro import load_schema
from glue.connect_python.adapters import SinkAdapter
from glue.connect_python.avro_schemas import from_avro
from glue.connect_python.gate import Gated
from glue.connect_python.schemas import Annotations, SchemaTable
from glue.connect_python.sink import Report, Sink
from glue.connect_python.sinks.weaviate import GatedWeaviateSink
from glue.connect_python.sinks.weaviate_config import WeaviateSinkConfig
from glue.connect_python.wire import Op
from glue.errors import DataError
from glue.settings import Settings
from glue.transforms.contract import Record, TransformConfig

_SCHEMAS = Settings().schemas_dir
_SCHEMA = load_schema(_SCHEMAS / "vector_post.avsc")
_HASH = "k1:" + "a" * 64
_POST: dict[str, Any] = {
    "post_id": "7301234567890123456",
    "platform": "tiktok",
    "content": "call me on 01712345678 or write to karim@example.com",
    "author_username_hash": _HASH,
    "hashtags": ["winter", "01812345678"],
    "product_mentions": [],
    "language": "en",
    "likes": 1,
    "comments": 2,
    "shares": 3,
    "engagement": 6,
    "timestamp": "2026-11-01T10:00:00Z",
    "collected_at": "2026-11-01T10:05:00Z",
    "words": "call write 01912345678",
    "embedding_models": ["e5@0123456789ab"],
    "embedding_variant": "onnx/fp32",
    "vectors": {"e5": [0.25, -0.5], "minilm": [0.125]},
}


class Kept(Sink[TransformConfig]):
    """Keeps what it gets, and refuses one key."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def put(self, records: Sequence[Record], report: Report) -> None:
        for record in records:
            if record.key == "refused by the store":
                report(record, DataError("store", "no"))
            else:
                self.records.append(record)


class GatedKept(Gated[TransformConfig], Kept):
    """The same behind the gate."""


def _adapter() -> tuple[SinkAdapter, GatedKept]:
    table, sink = SchemaTable(), GatedKept()
    table.annotations = Annotations(_SCHEMAS)
    table.receive([Op.SCHEMA, 1, from_avro(_SCHEMA).unparse()])
    adapter = SinkAdapter(sink, table, error_text=False)
    adapter.configure({"connector.class": "x", "python.schemas": str(_SCHEMAS)})
    return adapter, sink


def _row(offset: int, key: str, schema: int, value: Any) -> list[Any]:
    return ["sink.weaviate.vectors", 0, offset, 0, key, schema, value, [], 1]


def _wire(value: dict[str, Any]) -> Any:
    return from_avro(_SCHEMA).encode(copy.deepcopy(value))


def test_texts_are_scrubbed_once_more_and_vectors_pass_as_they_are() -> None:
    adapter, sink = _adapter()
    row = _row(0, "a", 1, _wire(_POST))
    assert adapter.handlers[Op.PUT]([Op.PUT, [row, _row(1, "gone", 1, None)]]) == [Op.OK, []]
    record, tombstone = sink.records
    changed = {"content": "call me on [PHONE] or write to [EMAIL]", "hashtags": ["winter", "[PHONE]"]}
    assert record.value == _POST | changed | {"words": "call write [PHONE]"}
    assert record.headers == [("millionx.redacted", b"EMAIL=1;PHONE=3")]
    assert tombstone.value is None
    assert row[6] == _wire(_POST), "a batch that is delivered again comes as it was"


def test_one_bad_record_is_reported_and_its_batch_goes_on() -> None:
    adapter, sink = _adapter()
    rows = [
        _row(0, "a", 1, _wire(_POST)),
        _row(1, "without schema", 0, {"content": "call 01712345678"}),
        _row(2, "refused by the store", 1, _wire(_POST)),
        _row(3, "not a text", 1, _wire(_POST | {"content": 7})),
        _row(4, "b", 1, _wire(_POST)),
    ]
    status, refused = adapter.handlers[Op.PUT]([Op.PUT, rows])
    assert status == Op.OK
    assert [record.key for record in sink.records] == ["a", "b"]
    told = {at: text for at, text, _ in refused}
    assert sorted(told) == [1, 2, 3]
    assert told[1].startswith("ScrubPII: the record has no schema, so nothing says what in it is personal")
    assert told[3] == "TypeError", "an exception that nobody foresaw may quote the record"
    frames = {at: [module for module, *_ in frames] for at, _, frames in refused}
    assert frames[1][0] == "glue.transforms.scrub"


def test_memory_that_is_short_is_not_the_records_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, sink = _adapter()

    def out_of_memory(record: Record) -> Record:
        raise MemoryError

    monkeypatch.setattr(sink._gate, "apply", out_of_memory)
    with pytest.raises(MemoryError):  # on which the host ends its process
        adapter.handlers[Op.PUT]([Op.PUT, [_row(0, "a", 1, _wire(_POST))]])
    assert sink.records == []


def test_no_put_comes_before_the_gates() -> None:
    with pytest.raises(TypeError, match="derive from Gated first"):
        type("Wrong", (Kept, Gated), {})
    with pytest.raises(TypeError, match="derive from Gated first"):
        type("Wrong", (GatedKept,), {"put": Kept.put})


def test_the_declared_sink_has_the_options_of_the_one_without_a_gate() -> None:
    assert GatedWeaviateSink.config_class is WeaviateSinkConfig
    sink = GatedWeaviateSink()
    sink.configure({"weaviate.grpc.url": "127.0.0.1:1", "collection.mapping": "Post"})
    assert sink.config.collection_mapping == "Post"
    sink.stop()

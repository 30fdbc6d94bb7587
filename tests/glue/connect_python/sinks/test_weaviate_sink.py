"""The Weaviate sink against a real Weaviate: what is stored, what is refused and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from glue.connect_python.sinks.weaviate import WeaviateSink
from glue.errors import ServiceUnavailableError
from glue.settings import Settings
from glue.stores.weaviate.client import WeaviateStoreClient, document_id, open_client
from glue.transforms.contract import Record
from tests.stores import collection

_OPTIONS = {
    "collection.mapping": "SinkTest",
    "document.id.strategy": "kafka",
    "vector.strategy": "field",
    "delete.enabled": "true",
    "batch.size": "10",
    "pool.size": "2",
    "retry.interval": "1",
}


def _record(key: str | None, value: dict[str, Any] | None, offset: int = 0) -> Record:
    return Record("t", key, value, partition=0, offset=offset)


def _post(number: int, **more: Any) -> dict[str, Any]:
    return {"text": f"post {number}", "n": number, "tags": ["a", "b"], "vector": [1.0, float(number)]} | more


@pytest.mark.stack
class TestRealWeaviate:
    """One collection of its own."""

    @pytest.fixture
    def sink(self, stack: Settings) -> Iterator[WeaviateSink]:
        body = {
            "class": "SinkTest",
            "vectorizer": "none",
            "properties": [
                {"name": "text", "dataType": ["text"]},
                {"name": "n", "dataType": ["int"]},
                {"name": "tags", "dataType": ["text[]"]},
            ],
        }
        requests.delete(f"{stack.weaviate}/v1/schema/SinkTest", timeout=20)
        assert requests.post(f"{stack.weaviate}/v1/schema", json=body, timeout=20).ok
        sink = WeaviateSink()
        where = {"weaviate.connection.url": stack.weaviate, "weaviate.grpc.url": stack.weaviate_grpc}
        sink.configure(_OPTIONS | where)
        yield sink
        sink.stop()
        requests.delete(f"{stack.weaviate}/v1/schema/SinkTest", timeout=20)

    def _put(self, sink: WeaviateSink, records: list[Record]) -> dict[str | None, str]:
        refused: dict[str | None, str] = {}
        sink.put(records, lambda record, error: refused.update({record.key: str(error)}))
        return refused

    def test_all_properties_arrive_and_a_second_delivery_changes_nothing(
        self, sink: WeaviateSink, stack: Settings
    ) -> None:
        records = [_record(f"k{n}", _post(n)) for n in range(95)]
        assert self._put(sink, records) == {} == self._put(sink, records)
        with open_client(stack.weaviate, stack.weaviate_grpc, grpc_secure=False) as client:
            found = client.collections.use("SinkTest").query.fetch_object_by_id(document_id("k7"), include_vector=True)
        assert found.properties == {"text": "post 7", "n": 7, "tags": ["a", "b"]}
        assert found.vector["default"] == [1.0, 7.0]
        with WeaviateStoreClient(stack) as weaviate:
            assert weaviate.size(collection("SinkTest")) == 95

    def test_refused_objects_are_reported_one_by_one_and_the_others_are_stored(
        self, sink: WeaviateSink, stack: Settings
    ) -> None:
        assert self._put(sink, [_record("first", _post(0))]) == {}
        refused = self._put(
            sink,
            [
                _record("good1", _post(1)),
                _record("dimension", _post(2, vector=[1.0, 2.0, 3.0])),
                _record("type", _post(3, n="many")),
                _record("mixed", _post(4, tags=["a", 5])),
                _record("unsendable", _post(5, text=object())),
                _record(None, _post(6)),
                _record("good2", _post(7)),
            ],
        )
        assert set(refused) == {"dimension", "type", "mixed", "unsendable", None}
        assert "dimensions do not match" in refused["dimension"]
        assert "invalid integer property 'n'" in refused["type"] and "many" not in refused["type"]
        with WeaviateStoreClient(stack) as weaviate:
            assert weaviate.count(collection("SinkTest"), ["good1", "good2", "dimension", "type"]).keys() == {
                "good1",
                "good2",
            }

    def test_a_batch_of_which_nothing_is_taken_gives_a_reason_each(self, sink: WeaviateSink) -> None:
        refused = self._put(sink, [_record(f"k{n}", _post(n, n=f"x{n}")) for n in range(5)])
        assert len(refused) == 5
        assert all("invalid integer property" in why for why in refused.values())

    def test_the_last_of_several_writes_of_a_key_stands(self, sink: WeaviateSink, stack: Settings) -> None:
        history = [_record("a", _post(1)), _record("a", None), _record("a", _post(2)), _record("b", _post(3))]
        assert self._put(sink, [*history, _record("b", None), _record("never", None)]) == {}
        with open_client(stack.weaviate, stack.weaviate_grpc, grpc_secure=False) as client:
            found = client.collections.use("SinkTest").query.fetch_object_by_id(document_id("a"))
        assert found.properties["n"] == 2
        with WeaviateStoreClient(stack) as weaviate:
            assert weaviate.count(collection("SinkTest"), ["a", "b"]).keys() == {"a"}

    def test_a_collection_that_is_not_there_is_waited_for_and_not_made_up(
        self, sink: WeaviateSink, stack: Settings
    ) -> None:
        body = requests.get(f"{stack.weaviate}/v1/schema/SinkTest", timeout=20).json()
        requests.delete(f"{stack.weaviate}/v1/schema/SinkTest", timeout=20)
        with pytest.raises(ServiceUnavailableError, match="it does not exist"):
            self._put(sink, [_record("a", _post(1))])
        assert requests.post(f"{stack.weaviate}/v1/schema", json=body, timeout=20).ok
        assert self._put(sink, [_record("a", _post(1))]) == {}


def test_while_weaviate_is_away_the_batch_is_to_be_delivered_again() -> None:
    sink = WeaviateSink()
    sink.configure(_OPTIONS | {"weaviate.connection.url": "http://127.0.0.1:9", "weaviate.grpc.url": "127.0.0.1:10"})
    sink.open([("t", 0)])  # tries to connect, and does not mind
    with pytest.raises(ServiceUnavailableError) as caught:
        sink.put([_record("a", _post(1))], lambda record, error: None)
    assert caught.value.retry_after_ms == 1  # type: ignore[attr-defined]
    sink.stop()

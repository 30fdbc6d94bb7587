"""The stores, asked by key in chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from glue.audit import expect
from glue.settings import Settings
from glue.stores.snowflake.client import Warehouse
from glue.stores.weaviate.client import Weaviate

_CHUNK = 1000
_TABLES = {expect.ORDERS: "ORDERS", expect.PRICES: "PRICE_HISTORY", expect.WEATHER: "WEATHER_LOGS"}


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(keys)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


class TableStore:
    """One table of MILLIONX.RAW_DATA; rows are appended, so that a key may stand there more than once."""

    def __init__(self, name: str, warehouse: Warehouse) -> None:
        self.name, self._warehouse = name, warehouse
        self._table = f"MILLIONX.RAW_DATA.{_TABLES[name]}"

    def size(self) -> int:
        """All rows; Snowflake knows it without reading any."""
        return int(self._warehouse.query(f"select count(*) from {self._table}").rows[0][0])  # noqa: S608

    def count(self, keys: Iterable[str]) -> Counter[str]:
        """Rows by key."""
        found: Counter[str] = Counter()
        for chunk in _chunks(keys):
            marks = ", ".join(["%s"] * len(chunk))
            sql = f"select RECORD_KEY, count(*) from {self._table} where RECORD_KEY in ({marks}) group by RECORD_KEY"  # noqa: S608
            found.update({str(key): int(rows) for key, rows in self._warehouse.query(sql, chunk).rows})
        return found


class CollectionStore:
    """The Weaviate collection SocialPost; its ids are made of the keys, so that a key stands there at most once."""

    name = expect.VECTORS

    def __init__(self, weaviate: Weaviate) -> None:
        self._weaviate = weaviate

    def size(self) -> int:
        """All objects."""
        return self._weaviate.count("SocialPost")

    def count(self, keys: Iterable[str]) -> Counter[str]:
        """1 for each key that has an object."""
        found: Counter[str] = Counter()
        for chunk in _chunks(keys):
            found.update(self._weaviate.stored("SocialPost", chunk))
        return found


@contextmanager
def all_stores(settings: Settings) -> Iterator[tuple[TableStore | CollectionStore, ...]]:
    """Every store behind a sink, over two connections that are closed after."""
    with Warehouse(settings) as warehouse, Weaviate(settings) as weaviate:
        tables = [TableStore(name, warehouse) for name in _TABLES]
        stores: tuple[TableStore | CollectionStore, ...] = (*tables, CollectionStore(weaviate))
        for store in stores:
            store.count(["none"])  # logs in now, so that no record's latency holds the time of it
        yield stores

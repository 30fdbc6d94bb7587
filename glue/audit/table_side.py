"""What a table of the warehouse holds: hash buckets by SQL, and the keys of single buckets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from glue.audit.buckets import FIRST, PREFIX, SECOND, Sums, sum_sql
from glue.audit.topic_side import Ends
from glue.stores.snowflake.client import Warehouse

_TIME = "coalesce(RECORD_METADATA:CreateTime, RECORD_METADATA:LogAppendTime)::bigint"
_PARTITION, _OFFSET = "RECORD_METADATA:partition::int", "RECORD_METADATA:offset::int"
_IN_ONE = 64
_KEYS = 1000


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key's rows: how many, and where the first of them came from (-1: the row does not say)."""

    rows: int
    partition: int
    offset: int
    time: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows are looked at: those whose records the topic still has, and of a window of record timestamps (ms)."""

    ends: Ends
    since: int = 0
    until: int = 0

    def sql(self) -> str:
        """As a condition; a row that does not say where it came from is inside."""
        gone = [f"({_PARTITION} = {p} and {_OFFSET} < {first})" for p, (first, _) in self.ends.items() if first > 0]
        outside = [*gone]
        outside += [f"{_TIME} < {self.since}"] if self.since else []
        outside += [f"{_TIME} >= {self.until}"] if self.until else []
        return f"not coalesce({' or '.join(outside)}, false)" if outside else "true"


class TableSide:
    """One table of MILLIONX.RAW_DATA, with RECORD_KEY and the connector's RECORD_METADATA."""

    def __init__(self, table: str, warehouse: Warehouse) -> None:
        self._table, self._warehouse = f"MILLIONX.RAW_DATA.{table}", warehouse

    def buckets(self, scope: Scope) -> dict[str, Sums]:
        """All buckets, by one statement."""
        sums = f"{sum_sql('RECORD_KEY', FIRST)}, {sum_sql('RECORD_KEY', SECOND)}"
        sql = (  # every part of it is made here
            f"select left(RECORD_KEY, {PREFIX}), count(*), count(distinct RECORD_KEY), {sums} "  # noqa: S608
            f"from {self._table} where {scope.sql()} group by 1"
        )
        return {str(r[0]): Sums(*(int(n or 0) for n in r[1:])) for r in self._warehouse.query(sql).rows}

    def keys(self, buckets: Sequence[str], scope: Scope) -> dict[str, StoredKey]:
        """The keys of some buckets."""
        found: dict[str, StoredKey] = {}
        for at in range(0, len(buckets), _IN_ONE):
            names = buckets[at : at + _IN_ONE]
            marks = ", ".join(["%s"] * len(names))
            sql = (
                f"select RECORD_KEY, count(*), min({_PARTITION}), min({_OFFSET}), min({_TIME}) from {self._table} "  # noqa: S608
                f"where left(RECORD_KEY, {PREFIX}) in ({marks}) and {scope.sql()} group by RECORD_KEY"
            )
            for key, *numbers in self._warehouse.query(sql, names).rows:
                found[str(key)] = StoredKey(*(-1 if n is None else int(n) for n in numbers))
        return found

    def count(self, keys: Iterable[str]) -> Counter[str]:
        """Rows by key, in no matter which scope; absent keys are left out."""
        found: Counter[str] = Counter()
        wanted = list(keys)
        for at in range(0, len(wanted), _KEYS):
            chunk = wanted[at : at + _KEYS]
            marks = ", ".join(["%s"] * len(chunk))
            sql = f"select RECORD_KEY, count(*) from {self._table} where RECORD_KEY in ({marks}) group by 1"  # noqa: S608
            found.update({str(key): int(rows) for key, rows in self._warehouse.query(sql, chunk).rows})
        return found

    def rows(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """One row of each key, by lower-case column."""
        marks = ", ".join(["%s"] * len(keys))
        answer = self._warehouse.query(f"select * from {self._table} where RECORD_KEY in ({marks})", keys)  # noqa: S608
        names = [name.lower() for name in answer.columns]
        at = names.index("record_key")
        return {str(row[at]): dict(zip(names, row, strict=True)) for row in answer.rows}

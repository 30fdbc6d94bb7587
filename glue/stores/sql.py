"""What stores that speak SQL have in common: scripts that make them ready, and questions by record key.

Keys are compared by hash buckets. A bucket is named by the first characters of the key. It holds the number of keys and
two sums over ten further characters of each key, five packed into one number with seven bits a character. The sums stay
exact as doubles up to 260,000 keys in a bucket, a billion keys in all.
"""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar

from glue.errors import ConfigError
from glue.settings import Settings
from glue.stores.contract import (
    COLLECTED_AT,
    MOST,
    Conditions,
    KeyClient,
    Schemas,
    Scope,
    Store,
    StoredKey,
    Sums,
    Target,
)
from glue.stores.rows import Rows

PREFIX = 3
# One-based positions of the characters that are summed; random ones, so neither dashes nor the UUID's version.
FIRST, SECOND = (4, 5, 6, 7, 8), (32, 33, 34, 35, 36)
_BITS_A_CHARACTER = 7
_CHUNK, _BUCKETS = 1000, 64
_KEY = "record_key"
_PLAIN = re.compile(r"[A-Za-z_][\w$]*", re.ASCII)
_OBJECT = re.compile(
    r"\bcreate\s+(?:or\s+replace\s+)?(table|view)\s+(?:if\s+not\s+exists\s+)?([\w$]+(?:\.[\w$]+)+)", re.IGNORECASE
)


def weights(positions: tuple[int, ...]) -> list[tuple[int, int]]:
    """(position, factor) of each character of a sum."""
    return [(at, 1 << _BITS_A_CHARACTER * n) for n, at in enumerate(positions)]


def _sum(positions: tuple[int, ...]) -> str:
    terms = (f"ascii(substr({_KEY}, {at}, 1))::bigint * {factor}" for at, factor in weights(positions))
    return f"sum({' + '.join(terms)})"


def quoted(name: str) -> str:
    """A name with its parts quoted where they are not plain identifiers."""
    return ".".join(p if _PLAIN.fullmatch(p) else '"' + p.replace('"', '""') + '"' for p in name.split("."))


def namespace(targets: Iterable[Target]) -> str:
    """Where names without one are looked up: what the places of the targets begin with; empty if they have none."""
    return next((space for target in targets if (space := target.place.rpartition(".")[0])), "")


def chunks(keys: Iterable[str], size: int = _CHUNK) -> Iterator[list[str]]:
    """The keys, so many at a time."""
    iterator = iter(keys)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _condition(where: Conditions, before: datetime) -> tuple[str, list[Any]]:
    parts = [f"{quoted(field)} in ({_marks(values)})" for field, values in where.items()]
    return " and ".join([*parts, f"{COLLECTED_AT} < %s"]), [
        *(one for values in where.values() for one in values),
        before,
    ]


def _marks(values: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(values))


class SqlClient(KeyClient):
    """Questions by record key. A dialect says how to run them, and where rows came from."""

    @abstractmethod
    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run one statement; ``%s`` stands for a parameter."""

    @abstractmethod
    def changed(self, sql: str, parameters: Sequence[Any]) -> int:
        """Run one statement that changes rows; how many it has changed."""

    @abstractmethod
    def origin(self, target: Target) -> tuple[str, str, str]:
        """The partition, offset and time (ms) of a row's record as expressions; empty ones are unknown."""

    def size(self, target: Target) -> int:
        """All rows."""
        return int(self.query(f"select count(*) from {quoted(target.place)}").rows[0][0])  # noqa: S608 - ours

    def count(self, target: Target, keys: Iterable[str]) -> Counter[str]:
        """Rows by key, regardless of any scope."""
        found: Counter[str] = Counter()
        for chunk in chunks(keys):
            sql = f"select {_KEY}, count(*) from {quoted(target.place)} where {_KEY} in ({_marks(chunk)}) group by 1"  # noqa: S608
            found.update({str(key): int(rows) for key, rows in self.query(sql, chunk).rows})
        return found

    def rows(self, target: Target, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """One row of each key."""
        found: dict[str, dict[str, Any]] = {}
        for chunk in chunks(keys):
            answer = self.query(f"select * from {quoted(target.place)} where {_KEY} in ({_marks(chunk)})", chunk)  # noqa: S608
            names = [name.lower() for name in answer.columns]
            at = names.index(_KEY)
            found.update({str(row[at]): dict(zip(names, row, strict=True)) for row in answer.rows})
        return found

    def matching(self, target: Target, where: Conditions, before: datetime, limit: int = MOST) -> list[dict[str, Any]]:
        """By one statement."""
        condition, values = _condition(where, before)
        answer = self.query(f"select * from {quoted(target.place)} where {condition} limit {limit:d}", values)  # noqa: S608
        names = [name.lower() for name in answer.columns]
        return [dict(zip(names, row, strict=True)) for row in answer.rows]

    def erase(self, target: Target, where: Conditions, before: datetime) -> int:
        """By one statement."""
        condition, values = _condition(where, before)
        return self.changed(f"delete from {quoted(target.place)} where {condition}", values)  # noqa: S608 - ours

    def delete(self, target: Target, keys: Iterable[str]) -> int:
        """Remove the rows of the keys."""
        removed = 0
        for chunk in chunks(keys):
            removed += self.changed(f"delete from {quoted(target.place)} where {_KEY} in ({_marks(chunk)})", chunk)  # noqa: S608
        return removed

    def buckets(self, target: Target, scope: Scope) -> dict[str, Sums]:
        """All buckets, by one statement."""
        sql = (  # every part of it is made here
            f"select left({_KEY}, {PREFIX}), count(*), count(distinct {_KEY}), {_sum(FIRST)}, {_sum(SECOND)} "  # noqa: S608
            f"from {quoted(target.place)} where {self._inside(target, scope)} group by 1"
        )
        return {str(r[0]): Sums(*(int(n or 0) for n in r[1:])) for r in self.query(sql).rows}

    def keys(self, target: Target, buckets: Sequence[str], scope: Scope) -> dict[str, StoredKey]:
        """The keys of some buckets, with where their first rows came from."""
        found: dict[str, StoredKey] = {}
        columns = ", ".join(f"min({expression})" if expression else "null" for expression in self.origin(target))
        for names in chunks(buckets, _BUCKETS):
            sql = (
                f"select {_KEY}, count(*), {columns} from {quoted(target.place)} "  # noqa: S608
                f"where left({_KEY}, {PREFIX}) in ({_marks(names)}) and {self._inside(target, scope)} group by {_KEY}"
            )
            for key, *numbers in self.query(sql, names).rows:
                found[str(key)] = StoredKey(*(-1 if n is None else int(n) for n in numbers))
        return found

    def _inside(self, target: Target, scope: Scope) -> str:
        """The scope as a condition; a row that does not say where it came from is inside."""
        partition, offset, time = self.origin(target)
        outside: list[str] = []
        if partition and offset:
            outside += [f"({partition} = {p} and {offset} < {first})" for p, (first, _) in scope.ends.items() if first]
        if time:
            outside += [f"{time} < {scope.since}"] if scope.since else []
            outside += [f"{time} >= {scope.until}"] if scope.until else []
        return f"not coalesce({' or '.join(outside)}, false)" if outside else "true"


class SqlStore(Store):
    """A database that scripts make ready. What they create is compared by name, and by a digest of their text."""

    folder: ClassVar[str]  # of the scripts, in the folder of the configuration
    unit: ClassVar[str] = "statements"  # what :meth:`run` counts

    @abstractmethod
    def open(self, settings: Settings, targets: Iterable[Target] = ()) -> SqlClient:
        """A client that speaks SQL."""

    @abstractmethod
    def admin(self, settings: Settings) -> SqlClient:
        """A client that may create what the scripts create."""

    @abstractmethod
    def run(self, settings: Settings, scripts: Sequence[str]) -> int:
        """Run scripts in order; how many statements, or scripts, ran."""

    @abstractmethod
    def add_columns(self, table: str, fields: Sequence[Mapping[str, Any]]) -> str:
        """A statement that gives a table the columns of Avro fields which it lacks."""

    def scripts(self, settings: Settings, schemas: Schemas) -> list[str]:
        """The scripts, ready to run.

        Before the first that makes a view comes a generated one: it gives each table that the scripts create a column
        for every field of the schema of its topic, so that a new field has its column before the first row with it.

        Raises:
            ConfigError: there are no scripts.
        """
        files = sorted((settings.config_dir / self.folder).glob("*.sql"))
        if not files:
            raise ConfigError(
                f"no SQL scripts for {self.title}", f"{self.folder}/*.sql is empty", "set MXCTL_CONFIG_DIR"
            )
        texts = [file.read_text(encoding="utf-8") for file in files]
        kinds = [{kind.lower(): name.lower() for kind, name in _OBJECT.findall(text)} for text in texts]
        views = next((at for at, found in enumerate(kinds) if "view" in found), len(texts))
        created = {name.lower() for text in texts for kind, name in _OBJECT.findall(text) if kind.lower() == "table"}
        added = [
            self.add_columns(target.place, schema["fields"])
            for target, schema in schemas.items()
            if schema is not None and target.place.lower() in created
        ]
        if added:
            texts.insert(views, "-- From the Avro schemas: columns for new fields.\n" + "".join(added))
        return texts

    def digest(self, settings: Settings, schemas: Schemas) -> str:
        """Of the scripts' text."""
        return hashlib.sha256("\n".join(self.scripts(settings, schemas)).encode()).hexdigest()[:16]

    def pending(self, settings: Settings, schemas: Schemas, applied: str | None) -> list[str]:
        """Tables and views that are not there, and whether the scripts have changed since they ran."""
        names = {n.lower(): n for text in self.scripts(settings, schemas) for _, n in _OBJECT.findall(text)}
        with self.admin(settings) as client:
            found = self.existing(client, list(names))
        changes = [f"create {names[name]}" for name in sorted(names.keys() - found)]
        if applied != self.digest(settings, schemas):
            changes.append("run its script" if applied is None else "run its script, which has changed")
        return changes

    @abstractmethod
    def existing(self, client: SqlClient, names: Sequence[str]) -> set[str]:
        """Those tables and views of which there are, in lower case and as long as ``names``."""

    def ensure(self, settings: Settings, schemas: Schemas) -> None:
        """Run the scripts."""
        self.run(settings, self.scripts(settings, schemas))


def column_type(avro: Any, types: Mapping[str, str], decimal: str) -> str:
    """The column type that holds an Avro type without loss.

    Args:
        types: by Avro's primitive or logical type. decimal: with ``{precision}`` and ``{scale}``.

    Raises:
        ConfigError: it is none that rows may have.
    """
    if isinstance(avro, list):
        branches = [branch for branch in avro if branch != "null"]
        avro = branches[0] if len(branches) == 1 else None
    if isinstance(avro, dict) and avro.get("logicalType") == "decimal":
        return decimal.format(precision=avro["precision"], scale=avro["scale"])
    kind = str(avro.get("logicalType") or avro.get("type") if isinstance(avro, dict) else avro)
    if kind not in types:
        raise ConfigError(f"no column type for Avro type {avro}", "rows are flat", f"use one of {', '.join(types)}")
    return types[kind]

"""The contract of a store, the same tests for each: Snowflake's local endpoint, a PostgreSQL of our own, Weaviate."""

from __future__ import annotations

import datetime as dt
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from glue.audit.compare import ByKey, ByTime, Comparison, Wanted
from glue.audit.topic import Collector, TopicSnapshot
from glue.errors import ServiceError, ServiceUnavailableError, UsageError
from glue.identity import record_key
from glue.settings import Settings, get_settings
from glue.stores.contract import KeyClient, Schemas, Search, Store, Target, TimeClient
from glue.stores.registry import STORES
from glue.stores.weaviate.client import document_id
from glue.topology.kinds.store import schemas_of
from glue.topology.load import load
from tests.glue.stores.postgres import Postgres
from tests.sandbox.snowflake.endpoint import Endpoint
from tests.sandbox.snowflake.sdk import Sdk
from tests.stores import target

# a window of this run's own: a Weaviate that is kept may hold what an interrupted run has left
NOW = dt.datetime(2001, 1, 5, 18, 30, 0, 123000, tzinfo=dt.UTC) + dt.timedelta(days=secrets.randbelow(7000))
MANY = 12


class Case(ABC):
    """One kind of store with one target of the declared sinks.

    Attributes:
        text, number: fields of every record that hold its run and its number.
    """

    store: Store
    target: Target
    settings: Settings
    away: dict[str, Any]
    text = "order_id"
    number = "quantity"

    @abstractmethod
    def put(self, key: str, record: dict[str, Any], offset: int) -> None:
        """Store a record as the sink does."""

    @property
    def schemas(self) -> Schemas:
        declared = load(get_settings(), profile=self.settings.profile)
        return schemas_of(declared, self.store)

    def open(self) -> KeyClient | TimeClient:
        return self.store.open(self.settings, [self.target])

    def compared(self, client: KeyClient | TimeClient) -> Comparison[Any]:
        if isinstance(client, KeyClient):
            return ByKey(self.target, client)
        return ByTime(self.target, client, None)  # type: ignore[arg-type]


class SnowflakeCase(Case):
    def __init__(self, endpoint: Endpoint) -> None:
        self.store, self.target = STORES["snowflake"], target("orders")
        self.settings, self._endpoint = endpoint.settings(), endpoint
        self.away = {"warehouse": "http://127.0.0.1:9"}
        self.store.ensure(self.settings, self.schemas)

    def put(self, key: str, record: dict[str, Any], offset: int) -> None:
        sdk = Sdk(self._endpoint)
        metadata = f'{{"partition": 0, "offset": {offset}, "CreateTime": {1_764_000_000_000 + offset}}}'
        upper = {name.upper(): value for name, value in record.items()} | {"RECORD_METADATA": metadata}
        assert sdk.write(
            sdk.open("ORDERS", f"c{uuid4().hex[:6]}"), [{"RECORD_KEY": key, "VERSION": 1, **upper}], "1"
        ) == [0]


class PostgresCase(Case):
    def __init__(self, server: Postgres) -> None:
        self.store, self.target = STORES["postgres"], target("orders", "postgres")
        self.settings = server.settings()
        self.away = {"postgres": "jdbc:postgresql://127.0.0.1:9/none"}
        self.store.ensure(self.settings, self.schemas)

    def put(self, key: str, record: dict[str, Any], offset: int) -> None:
        row = {"record_key": key, "version": 1, "record_partition": 0, "record_offset": offset, **record}
        row["ingestion_time"] = dt.datetime.fromtimestamp(1_764_000_000 + offset / 1000, dt.UTC)
        marks = ", ".join(["%s"] * len(row))
        with self.open() as client:
            client.query(f"insert into {self.target.place} ({', '.join(row)}) values ({marks})", list(row.values()))


class WeaviateCase(Case):
    text, number = "post_id", "likes"

    def __init__(self, stack: Settings) -> None:
        self.store, self.target, self.settings = STORES["weaviate"], target("socialpost"), stack
        self.away = {"weaviate": "http://127.0.0.1:9"}
        self.store.ensure(self.settings, self.schemas)

    def put(self, key: str, record: dict[str, Any], offset: int) -> None:
        properties = {name: one.isoformat() if isinstance(one, dt.datetime) else one for name, one in record.items()}
        vector = [1.0, *([0.0] * 382), float(record[self.number])]
        body = {"class": self.target.place, "id": str(document_id(key)), "properties": properties}
        body["vectors"] = {"e5": vector, "minilm": vector}
        httpx.post(f"{self.settings.weaviate}/v1/objects", json=body, timeout=30).raise_for_status()


@pytest.fixture(scope="module", params=["snowflake", "postgres", pytest.param("weaviate", marks=pytest.mark.stack)])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    if request.param == "snowflake":
        with Endpoint(tmp_path_factory.mktemp("endpoint")) as endpoint:
            yield SnowflakeCase(endpoint)
    elif request.param == "postgres":
        with Postgres() as server:
            yield PostgresCase(server)
    else:
        yield WeaviateCase(request.getfixturevalue("stack"))


@pytest.fixture
def run(case: Case) -> Iterator[list[str]]:
    """Keys of records that are stored: the n-th has number n, a run of its own, and was collected n hours after NOW."""
    keys = [record_key("contract", uuid4().hex, n) for n in range(MANY)]
    for n, key in enumerate(keys):
        case.put(key, {case.text: keys[0], case.number: n, "collected_at": NOW + dt.timedelta(hours=n)}, n)
    yield keys
    with case.open() as client:
        client.delete(case.target, keys)


def test_what_is_declared_is_made_once(case: Case) -> None:
    case.store.ensure(case.settings, case.schemas)
    digest = case.store.digest(case.settings, case.schemas)
    assert case.store.pending(case.settings, case.schemas, digest) == []
    if digest:
        assert case.store.pending(case.settings, case.schemas, "another") == ["run its script, which has changed"]


def test_keys_are_counted_read_and_deleted(case: Case, run: list[str]) -> None:
    absent = record_key("contract", "absent")
    with case.open() as client:
        assert client.size(case.target) >= MANY
        assert client.count(case.target, [*run, absent]) == dict.fromkeys(run, 1)
        assert client.count(case.target, []) == {}
        rows = client.rows(case.target, [run[3], absent])
        assert rows.keys() == {run[3]}
        assert (rows[run[3]][case.text], int(rows[run[3]][case.number])) == (run[0], 3)
        assert rows[run[3]]["collected_at"] == NOW + dt.timedelta(hours=3)
        if case.target.vector:
            vector = [1.0, *([0.0] * 382), 3.0]
            assert rows[run[3]][case.target.vector] == {"e5": vector, "minilm": vector}
        assert client.delete(case.target, [run[3], run[4], absent]) == 2
        assert client.delete(case.target, [run[3]]) == 0
        assert client.count(case.target, run).keys() == {*run[:3], *run[5:]}


def test_what_a_field_holds_is_found_up_to_a_moment(case: Case, run: list[str]) -> None:
    with case.open() as client:
        found = client.find(case.target, case.text, run[0], NOW + dt.timedelta(hours=2))
        assert sorted(int({k.lower(): v for k, v in one.items()}[case.number]) for one in found) == [0, 1]
        assert client.find(case.target, case.text, 'it\'s \\ "nothing"', NOW + dt.timedelta(days=9)) == []


def test_what_meets_all_conditions_is_erased_up_to_a_moment_and_no_more(case: Case, run: list[str]) -> None:
    where, before = {case.text: ["another", run[0]], "platform": ["daraz"]}, NOW + dt.timedelta(hours=3)
    for n in (1, 2, 5):
        with case.open() as client:
            client.delete(case.target, [run[n]])
        case.put(
            run[n],
            {
                case.text: run[0], case.number: n, "platform": "daraz",
                "collected_at": NOW + dt.timedelta(hours=n),
            },
            n,
        )  # fmt: skip
    with case.open() as client:
        found = client.matching(case.target, where, before)
        assert sorted(int(one[case.number]) for one in found) == [1, 2]
        assert client.erase(case.target, where, before) == 2
        assert client.erase(case.target, where, before) == 0
        assert client.count(case.target, run).keys() == {run[0], *run[3:]}


class Message:
    """A record of a run on the topic."""

    def __init__(self, key: str, at: int) -> None:
        self.key, self.value = (lambda: key.encode()), (lambda: str(at).encode())
        self.offset, self.partition = (lambda: at), (lambda: 0)
        self.timestamp = lambda: (1, 1_764_000_000_000 + at)


def topic(keys: dict[int, str], ends: int = MANY) -> TopicSnapshot:
    """The topic with those keys, by offset."""

    def facts(value: bytes) -> tuple[int, int]:
        return int((NOW + dt.timedelta(hours=int(value))).timestamp() * 1000), int(value)

    collector = Collector(facts)
    collector.add([Message(key, at) for at, key in keys.items()])
    return collector.snapshot({0: (0, ends)})


def test_the_audit_finds_what_is_lost_and_what_is_too_many_and_nothing_else(case: Case, run: list[str]) -> None:
    lost = record_key("contract", uuid4().hex, "lost")
    snapshot = topic({n: key for n, key in enumerate(run) if n != 7} | {MANY: lost})
    first = int(NOW.timestamp() * 1000)
    with case.open() as client:
        by_time = isinstance(client, TimeClient)
        hour = 3_600_000
        window = (first, first + (MANY + 1) * hour) if by_time else (1_764_000_000_000, 1_764_000_000_000 + MANY + 1)
        one = case.compared(client)
        found = one.suspects(snapshot, snapshot.live, Wanted(*window), lambda text: None)
        missing = [(snapshot.key(row), what) for row, what, _ in one.verdicts(snapshot, sorted(found.rows))]
        assert missing == [(lost, "missing")]
        extra = [each.name for each in one.unexpected(snapshot, found.extra)]
        assert extra == [client.identity(run[7]) if isinstance(client, TimeClient) else run[7]]
        if isinstance(client, KeyClient):
            (at,) = (stored for key, stored in found.extra.items() if key == run[7])
            assert (at.partition, at.offset, at.time) == (0, 7, 1_764_000_000_007), "the row says where it came from"


def test_a_store_answers_what_it_can_and_says_what_it_can_not(case: Case, run: list[str]) -> None:
    with case.open() as client:
        if case.target.vector:
            near = client.search(
                case.target, "x", [1.0, *([0.0] * 383)], Search(((case.text, "=", run[0]),), limit=2, vector="e5")
            )
            assert [one[case.number] for one in near] == [0, 1]
            with pytest.raises(UsageError):
                client.query("select 1")
        else:
            short = case.target.place.rpartition(".")[2]
            rows = client.query(f"select count(*) from {short} where {case.text} = %s", [run[0]]).rows
            assert rows == [(MANY,)], "names are looked up where the tables are"
            with pytest.raises(UsageError):
                client.search(case.target, "x", [], Search())


def test_what_is_not_there_is_an_error_that_says_so(case: Case) -> None:
    nowhere = Target("", "", "", f"{case.target.place}x", case.store.name, "")
    with case.open() as client, pytest.raises(ServiceError):
        client.size(nowhere)
    away = case.settings.model_copy(update=case.away)
    with case.store.open(away) as client, pytest.raises(ServiceUnavailableError) as error:
        client.size(case.target)
    assert error.value.fix

"""The profile postgres: the same topics into a real PostgreSQL, each key once, its last state, and typed."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from glue.errors import ConfigError
from glue.local.report import Reporter
from glue.local.stack import PARTS, Stack
from glue.settings import Settings, get_settings
from tests.glue.stores.postgres import Postgres
from tests.sandbox.snowflake.rows import Topic, order, weather
from tests.waiting import wait_for

pytestmark = pytest.mark.stack
MANY = 2000
Running = tuple[Settings, Postgres]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A stack with that profile and all services, and a database that was empty."""
    folder = tmp_path_factory.mktemp("stack")
    with pytest.MonkeyPatch.context() as patch, Postgres() as postgres:
        for name, value in (postgres.environment() | {"MXCTL_STATE_DIR": str(folder)}).items():
            patch.setenv(name, value)
        get_settings.cache_clear()
        stack = Stack(folder, Reporter(quiet=True))
        try:
            stack.up()  # applies what is declared: the tables too
            get_settings.cache_clear()
            yield get_settings(), postgres
        finally:
            stack.down()
            get_settings.cache_clear()


def test_rows_arrive_once_and_typed(running: Running) -> None:
    settings, postgres = running
    rows = [order(n, "pg") for n in range(MANY)]
    seen = [weather(n, "pg") for n in range(5)]
    orders, context = Topic(settings, "sink.snowflake.orders"), Topic(settings, "context.weather")
    for _ in range(2):  # a second delivery changes nothing
        orders.send(rows)
        context.send(seen)
    count = "select count(*), count(distinct record_key) from raw_data.orders"
    assert wait_for(lambda: postgres.ask(count), lambda found: found == [[str(MANY)] * 2], 120) == [[str(MANY)] * 2]
    assert wait_for(lambda: postgres.ask("select count(*) from raw_data.weather_logs") == [["5"]])
    wanted = rows[7]
    columns = "price, quantity, sku is null, product_name, extract(epoch from ordered_at), ingestion_time > ordered_at"
    ((price, quantity, no_sku, title, epoch, later),) = postgres.ask(
        f"select {columns} from raw_data.orders where record_key = '{wanted['record_key']}'"
    )
    assert (Decimal(price), int(quantity), no_sku, title, later) == (
        wanted["price"], wanted["quantity"], "t", wanted["product_name"], "t"
    )  # fmt: skip
    assert dt.datetime.fromtimestamp(float(epoch), dt.UTC) == wanted["ordered_at"]
    assert postgres.ask("select data_type from information_schema.columns where column_name = 'price' limit 1") == [
        ["numeric"]
    ]


def test_an_update_replaces_a_version_is_kept_and_a_tombstone_is_passed_over(running: Running) -> None:
    settings, postgres = running
    topic = Topic(settings, "sink.snowflake.orders")
    first = order(1, "versions")
    topic.send([first, order(1, "versions", 2), first | {"order_status": "refunded"}])
    topic._producer.produce(topic.topic, key=first["record_key"], value=None)
    topic.send([order(2, "versions")])
    mine = "select version, order_status from raw_data.orders where order_id = 'versions-1' order by 1"
    assert wait_for(lambda: postgres.ask(mine), lambda found: found[:1] == [["1", "refunded"]]) == [
        ["1", "refunded"],
        ["2", "paid"],
    ]
    assert wait_for(lambda: postgres.ask("select 1 from raw_data.orders where order_id = 'versions-2'"))
    assert postgres.ask("select version from raw_data.orders_latest where order_id = 'versions-1'") == [["2"]]
    ((orders,),) = postgres.ask("select count(*) from raw_data.orders_with_weather where order_id like 'versions-%'")
    assert orders == "2", "an order without weather is still an order"
    assert postgres.ask("select sum(units) from raw_data.demand_daily where product_id = 'p2'") != [[""]]


def mxctl(*arguments: str) -> tuple[int, Any, str]:
    """Exit code, what stdout says as JSON, stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "glue", *arguments, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


def test_every_command_works_as_with_snowflake(running: Running, tmp_path: Path) -> None:
    _, postgres = running
    mark = uuid4().hex[:12]
    file = tmp_path / "orders.csv"
    lines = [f"{mark},{n},p-{n},Premium Juta,2,1499.50,2026-11-01T10:00:00+06:00" for n in range(1, 4)]
    header = "order_id,line_id,product_id,title,quantity,price,ordered_at"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    code, result, errors = mxctl("ingest", str(file), "--source", "daraz", "--wait")
    assert code == 0, errors
    assert result["arrived"]["lost"] == 0, result

    code, found, errors = mxctl(
        "query", f"select count(*) as n, sum(price) as total from ORDERS where order_id = '{mark}'"
    )
    assert (code, found) == (0, [{"n": 3, "total": "4498.5000"}]), errors

    window = ("audit", "--since", "1h", "--store", "orders", "--store", "price_history")
    code, answer, errors = mxctl(*window, "--deep")
    assert code == 0, (answer, errors)
    orders, prices = answer["stores"]
    assert orders["on_topic"] == orders["stored"] >= 3 and prices["stored"] >= 3
    mine = f"from raw_data.orders where order_id = '{mark}' and line_id = "
    ((gone,),) = postgres.ask(f"select record_key {mine}'2'")
    ((changed,),) = postgres.ask(f"select record_key {mine}'3'")
    postgres.ask(f"delete from raw_data.orders where record_key = '{gone}'")
    postgres.ask(f"update raw_data.orders set product_name = 'x' where record_key = '{changed}'")
    code, answer, _ = mxctl(*window, "--deep")
    assert code == 1
    assert {(one["kind"], one["key"]) for one in answer["stores"][0]["differences"]} == {
        ("missing", gone),
        ("different", changed),
    }
    code, answer, errors = mxctl(*window, "--deep", "--repair", "--yes")
    assert code == 0, (answer, errors)
    assert (
        postgres.ask(f"select product_name {mine}'2'")
        == postgres.ask(f"select product_name {mine}'3'")
        == [["Premium Juta"]]
    )
    assert postgres.ask(f"select record_offset is not null, record_partition is not null {mine}'2'") == [["t", "t"]]

    code, _, errors = mxctl("canary", "--timeout", "120s")
    assert code == 0, errors
    assert postgres.ask("select count(*) from raw_data.orders where order_id like 'millionx-canary-%'") != [["0"]]
    assert postgres.ask("select count(*) from raw_data.orders_latest where order_id like 'millionx-canary-%'") == [
        ["0"]
    ]


def test_without_an_address_the_profile_does_not_start(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCTL_PROFILE", "postgres")
    monkeypatch.delenv("MXCTL_POSTGRES", raising=False)  # of the stack above
    get_settings.cache_clear()
    try:
        with pytest.raises(ConfigError, match="no address is set"):
            Stack(tmp_path, Reporter(quiet=True), [part for part in PARTS if part.name == "connect"]).up(services=False)
    finally:
        get_settings.cache_clear()

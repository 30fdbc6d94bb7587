"""The warehouse client and its script, against the local endpoint."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from glue.avro import load_schema
from glue.cli.main import cli
from glue.errors import ConfigError, ServiceError, ServiceUnavailableError
from glue.settings import Settings, get_settings
from glue.stores.rows import Rows
from glue.stores.snowflake import client as warehouse
from glue.stores.snowflake.client import connection_options
from glue.stores.snowflake.store import public_key
from glue.stores.sql import column_type
from tests.sandbox.snowflake.endpoint import ROOT, Endpoint, new_key
from tests.sandbox.snowflake.rows import order, weather
from tests.sandbox.snowflake.sdk import Sdk
from tests.stores import ask as ask_on
from tests.stores import make_ready, scripts, snowflake

TABLES = {"ORDERS": "order_row.avsc", "PRICE_HISTORY": "price_observation.avsc", "WEATHER_LOGS": "weather.avsc"}
ADDED = {"INGESTION_TIME": "TIMESTAMP_TZ", "RECORD_METADATA": "VARIANT"}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with Endpoint(tmp_path_factory.mktemp("endpoint")) as running:
        settings = running.settings()
        make_ready(settings)
        yield running


def stored(endpoint: Endpoint, table: str, rows: list[dict[str, Any]]) -> None:
    """Put Avro rows into a table as the connector does."""
    sdk = Sdk(endpoint)
    upper = [{name.upper(): value for name, value in row.items()} for row in rows]
    assert sdk.write(sdk.open(table, "test"), upper, "1") == [0]


def ask(endpoint: Endpoint, sql: str) -> list[dict[str, Any]]:
    with snowflake(endpoint.settings()) as client:
        return client.query(sql).dicts()


# --- where and who -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "account", "host", "port", "protocol"),
    [
        ("https://xy12345.eu-central-1.snowflakecomputing.com", "xy12345.eu-central-1", None, 443, "https"),
        ("xy12345.snowflakecomputing.com:443", "xy12345", "xy12345.snowflakecomputing.com", 443, "https"),
        ("http://127.0.0.1:8085", "local", "127.0.0.1", 8085, "http"),
    ],
)
def test_an_address_becomes_options(
    tmp_path: Path, url: str, account: str, host: str | None, port: int, protocol: str
) -> None:
    settings = Settings(warehouse=url, warehouse_private_key_file=new_key(tmp_path, "k"))
    options = connection_options(settings, "MILLIONX.RAW_DATA")
    expected = (account, host or url.partition("//")[2], port, protocol)
    assert (options["account"], options["host"], options["port"], options["protocol"]) == expected
    assert (options["database"], options["schema"], options["role"]) == (
        "MILLIONX",
        "RAW_DATA",
        "MILLIONX_CONNECT_ROLE",
    )


def test_a_missing_key_names_its_setting(tmp_path: Path) -> None:
    for file in (None, tmp_path / "nowhere.pem"):
        with pytest.raises(ConfigError) as error:
            connection_options(Settings(warehouse_private_key_file=file))
        assert "MXCTL_WAREHOUSE_PRIVATE_KEY_FILE" in error.value.fix


def test_a_warehouse_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse, "_LOGIN_SECONDS", 1)
    settings = Settings(warehouse="http://127.0.0.1:9", warehouse_private_key_file=new_key(tmp_path, "k"))
    with pytest.raises(ServiceUnavailableError) as error:
        ask_on("select 1", settings=settings)
    assert "mxctl local up" in error.value.fix


# --- statements --------------------------------------------------------------------------------------------------


def test_scripts_are_split_as_snowflake_does() -> None:
    scripts = ["-- a; b\nselect ';' as x;\n\n/* none; */ select 2", "select $$a;b$$;;"]
    assert warehouse.split_statements(scripts) == ["select ';' as x", "select 2", "select $$a;b$$"]


def test_parameters_are_values_and_never_sql(endpoint: Endpoint) -> None:
    with snowflake(endpoint.settings()) as client:
        hostile = "x'; drop table ORDERS; --"
        assert client.query("select %s, %s", [hostile, None]).rows == [(hostile, None)]
        assert client.query("select count(*) from ORDERS").rows


def test_a_refused_statement_is_named(endpoint: Endpoint) -> None:
    with pytest.raises(ServiceError) as error:
        warehouse.apply_ddl(["select 1;\ncreate stage s\n;"], endpoint.settings())
    assert "statement 2 (create stage s)" in error.value.what


def test_rows_in_three_spellings() -> None:
    rows = Rows(["N", "টাইপ", "AT"], [(Decimal("1.50"), "শাড়ি", dt.date(2026, 1, 2)), (None, 'a"b\nc', None)])
    assert rows.render("csv") == 'N,টাইপ,AT\n1.50,শাড়ি,2026-01-02\n,"a""b\nc",'
    assert json.loads(rows.render("json")) == [
        {"N": "1.50", "টাইপ": "শাড়ি", "AT": "2026-01-02"},
        {"N": None, "টাইপ": 'a"b\nc', "AT": None},
    ]
    lines = rows.render("table").splitlines()
    assert lines[0].split() == ["N", "টাইপ", "AT"] and lines[-1] == "(2 rows)"
    assert 'a"b c' in lines[3], "a line break would break the table"


def test_query_on_the_command_line(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCTL_WAREHOUSE", endpoint.url)
    monkeypatch.setenv("MXCTL_WAREHOUSE_PRIVATE_KEY_FILE", str(endpoint.key))
    get_settings.cache_clear()
    try:
        done = CliRunner().invoke(cli, ["query", "-", "-o", "json"], input="select 1 as ONE")
        assert (done.exit_code, json.loads(done.stdout)) == (0, [{"ONE": 1}])
    finally:
        get_settings.cache_clear()


# --- the script --------------------------------------------------------------------------------------------------


def test_the_script_changes_nothing_the_second_time(endpoint: Endpoint) -> None:
    def state() -> list[Any]:
        return [ask(endpoint, f"desc table {t}") + ask(endpoint, f"show grants on table {t}") for t in TABLES]

    before, settings = state(), endpoint.settings()
    make_ready(settings)
    assert state() == before


def snowflake_type(avro: Any) -> str:
    """The column type that holds an Avro type without loss."""
    if isinstance(avro, list):
        (avro,) = [branch for branch in avro if branch != "null"]
    if isinstance(avro, dict):
        if avro["logicalType"] == "decimal":
            return f"NUMBER({avro['precision']},{avro['scale']})"
        return {"timestamp-millis": "TIMESTAMP_TZ(9)"}[avro["logicalType"]]
    return {"string": "VARCHAR(16777216)", "double": "FLOAT", "boolean": "BOOLEAN"}.get(avro, "NUMBER")


@pytest.mark.parametrize("table", TABLES)
def test_tables_hold_what_the_schemas_say(endpoint: Endpoint, table: str) -> None:
    fields = load_schema(ROOT / "schemas" / TABLES[table])["fields"]
    columns = {row["name"]: row["type"] for row in ask(endpoint, f"desc table {table}")}
    expected = {field["name"].upper(): snowflake_type(field["type"]) for field in fields}
    assert columns.keys() == expected.keys() | ADDED.keys()
    for name, kind in {**expected, "INGESTION_TIME": "TIMESTAMP_TZ(9)", "RECORD_METADATA": "VARIANT"}.items():
        assert re.match(rf"{re.escape(kind)}(\(|$)", columns[name]), (name, columns[name], kind)


def test_the_connector_gets_no_more_than_it_needs(endpoint: Endpoint) -> None:
    for table in TABLES:
        held = {(row["grantee_name"], row["privilege"]) for row in ask(endpoint, f"show grants on table {table}")}
        assert held == {("SYSADMIN", "OWNERSHIP")} | {
            ("MILLIONX_CONNECT_ROLE", privilege) for privilege in ("INSERT", "SELECT", "EVOLVE SCHEMA")
        }
    granted = re.findall(r"^GRANT (.*?) ON .* TO ROLE (\w+);$", "\n".join(scripts()), re.MULTILINE)
    by_role = {role: {p for ps, r in granted for p in ps.split(", ") if r == role} for _, role in granted}
    assert by_role == {
        "MILLIONX_CONNECT_ROLE": {"USAGE", "INSERT", "SELECT", "EVOLVE SCHEMA"},
        "MILLIONX_ANALYST_ROLE": {"USAGE", "SELECT"},
    }


def test_the_public_key_is_filled_in_and_the_private_one_is_not(tmp_path: Path) -> None:
    key = new_key(tmp_path, "k")
    given = Settings(config_dir=ROOT / "connect-config", warehouse_private_key_file=key)
    body = "".join(key.with_suffix(".pub").read_text().splitlines()[1:-1])
    text = "\n".join(scripts(given))
    assert f"RSA_PUBLIC_KEY = '{body}'" in text
    assert key.read_text().splitlines()[3] not in text
    blank = Settings(config_dir=ROOT / "connect-config", warehouse_private_key_file=None)
    assert "RSA_PUBLIC_KEY = '&public_key'" in "\n".join(scripts(blank))
    (tmp_path / "bad.pem").write_text("no key")
    with pytest.raises(ConfigError):
        public_key(tmp_path / "bad.pem")


# --- the views ---------------------------------------------------------------------------------------------------


def test_views_show_each_thing_once_in_its_latest_version(endpoint: Endpoint) -> None:
    late = dt.datetime(2026, 1, 31, 18, 30, tzinfo=dt.UTC)  # 1 February in Dhaka
    first = order(1, "v", 1) | {"price": Decimal("10.0000"), "quantity": 2, "ordered_at": late}
    second = order(1, "v", 2) | {"price": Decimal("12.5000"), "quantity": 3, "ordered_at": late}
    cancelled = order(51, "v", 1) | {
        "order_status": "cancelled",
        "quantity_net": 0,
        "ordered_at": late,
    }  # the same product as 1
    elsewhere = order(2, "v", 1) | {"ordered_at": late, "shipping_city": "sylhet", "place_code": "BD-60"}
    stored(endpoint, "ORDERS", [second, first, cancelled, elsewhere, second])
    warm = weather(2, "v") | {"observed_at": late - dt.timedelta(hours=1), "temperature": 31.0}
    stale = weather(7, "v") | {"observed_at": late - dt.timedelta(hours=4), "temperature": 10.0}
    after = weather(12, "v") | {"observed_at": late + dt.timedelta(minutes=30), "temperature": 40.0}
    stored(endpoint, "WEATHER_LOGS", [stale, warm, after, warm])

    latest = {row["ORDER_ID"]: row for row in ask(endpoint, "select * from ORDERS_LATEST where ORDER_ID like 'v-%'")}
    assert latest.keys() == {"v-1", "v-51", "v-2"}
    assert (latest["v-1"]["VERSION"], latest["v-1"]["PRICE"]) == (2, Decimal("12.5000"))

    demand = ask(endpoint, "select * from DEMAND_DAILY where PRODUCT_ID = 'p1'")
    assert [(d["DAY"], d["ORDERS"], d["UNITS"], d["REVENUE"]) for d in demand] == [
        (dt.date(2026, 2, 1), 1, 3, Decimal("37.5000"))
    ]

    beside = {
        row["ORDER_ID"]: row for row in ask(endpoint, "select * from ORDERS_WITH_WEATHER where ORDER_ID like 'v-%'")
    }
    assert beside.keys() == latest.keys(), "an order without weather is still an order"
    assert (beside["v-2"]["TEMPERATURE"], beside["v-1"]["TEMPERATURE"]) == (31.0, None)


def test_the_latest_price_is_the_last_one_observed(endpoint: Endpoint) -> None:
    def seen(n: int, price: str) -> dict[str, Any]:
        at = dt.datetime(2026, 2, 1, n, tzinfo=dt.UTC)
        return {
            **{"record_key": f"k{n}", "version": 1, "platform": "daraz", "merchant_id": "m", "product_id": "pp"},
            **{"product_name": "t", "price": Decimal(price), "currency": "BDT", "recorded_at": at},
        }

    stored(endpoint, "PRICE_HISTORY", [seen(3, "30"), seen(5, "50"), seen(4, "40")])
    found = ask(endpoint, "select PRICE, RECORDED_AT from PRICES_LATEST where PRODUCT_ID = 'pp'")
    assert found == [{"PRICE": Decimal("50.0000"), "RECORDED_AT": dt.datetime(2026, 2, 1, 5, tzinfo=dt.UTC)}]


def test_prices_of_ours_and_of_others_stand_beside_each_other(endpoint: Endpoint) -> None:
    """By seller, product and variant, the last of each, whichever search it came from; canaries are left out."""

    def seen(n: int, hour: int, price: str, **more: Any) -> dict[str, Any]:
        at = dt.datetime(2026, 2, 2, hour, tzinfo=dt.UTC)
        return {
            **{"record_key": f"l{n}", "version": hour, "platform": "daraz", "merchant_id": "100", "product_id": "of"},
            **{"product_name": "t", "price": Decimal(price), "price_discounted": Decimal(price), "currency": "BDT"},
            **{"recorded_at": at},
            **more,
        }

    other = {"source_kind": "listing", "seller": "Gadget Bazar", "found_by": "search", "keyword": "bag", "rating": 4.5}
    rows = [
        seen(1, 1, "90"),  # paid at a shop of ours, before there was a kind
        seen(2, 3, "80", **other, variant_id="a", position=7, stock=3),
        seen(3, 2, "85", **other, variant_id="a", position=1),
        seen(4, 2, "70", **other, variant_id="b", position=2),
        seen(5, 9, "1", **other, product_id="millionx-canary"),
    ]
    stored(endpoint, "PRICE_HISTORY", rows)
    sql = """select SOURCE_KIND, VARIANT_ID, PRICE_DISCOUNTED, SELLER, POSITION, STOCK, RATING from PRICES_LATEST
             where PRODUCT_ID in ('of', 'millionx-canary') order by 1, 2"""
    assert [tuple(row.values()) for row in ask(endpoint, sql)] == [
        ("listing", "a", Decimal("80.0000"), "Gadget Bazar", 7, 3, 4.5),
        ("listing", "b", Decimal("70.0000"), "Gadget Bazar", 2, None, 4.5),
        ("order", None, Decimal("90.0000"), None, None, None, None),
    ]


def test_an_older_table_gets_the_columns_of_new_fields(endpoint: Endpoint) -> None:
    settings = endpoint.settings()
    with pytest.raises(ConfigError):
        column_type({"type": "array", "items": "string"}, {}, "")
    drop = "alter table MILLIONX.RAW_DATA.WEATHER_LOGS drop column"
    warehouse.apply_ddl([f"{drop} PRESSURE; {drop} RAIN_1H"], settings)
    make_ready(settings)
    columns = {row["name"]: row["type"] for row in ask(endpoint, "desc table WEATHER_LOGS")}
    assert (columns["PRESSURE"], columns["RAIN_1H"]) == ("FLOAT", "FLOAT")


def test_views_outlive_a_new_column(endpoint: Endpoint) -> None:
    warehouse.apply_ddl(["alter table MILLIONX.RAW_DATA.ORDERS add column SURPRISE VARCHAR"], endpoint.settings())
    for view in ("ORDERS_LATEST", "DEMAND_DAILY", "RETURNS_DAILY", "WEATHER_DAILY", "ORDERS_WITH_WEATHER"):
        ask(endpoint, f"select * from {view}")

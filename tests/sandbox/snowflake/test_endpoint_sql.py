"""SQL through the official Python connector: what is known works, anything else is refused with its reason."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import snowflake.connector

from glue.errors import ServiceError
from glue.stores.snowflake import client as warehouse
from glue.stores.snowflake.client import connection_options
from tests.sandbox.snowflake.endpoint import Endpoint, new_key
from tests.stores import ask
from tests.stores import snowflake as connected


def rows(endpoint: Endpoint, sql: str) -> list[tuple[object, ...]]:
    with connected(endpoint.settings()) as client:
        return client.query(sql).rows


def refused(endpoint: Endpoint, sql: str) -> str:
    with connected(endpoint.settings()) as client, pytest.raises(ServiceError) as error:
        client.query(sql)
    return error.value.why


def test_every_type_comes_back_as_it_is(endpoint: Endpoint) -> None:
    sql = """select 1.50::number(10,2), 2.5::float, true, 'বই', '2026-01-02'::date, '12:34:56.5'::time,
        '1969-12-31 23:59:59.25'::timestamp_ntz, '2026-01-02 03:04:05.678901+06:00'::timestamp_tz,
        parse_json('{"a": [1]}'), to_binary('ff00', 'HEX'), null, 'NaN'::float"""
    found = rows(endpoint, sql)[0]
    instant = dt.datetime(2026, 1, 1, 21, 4, 5, 678901, tzinfo=dt.UTC)
    assert found[:4] == (Decimal("1.50"), 2.5, True, "বই")
    assert found[4:7] == (
        dt.date(2026, 1, 2),
        dt.time(12, 34, 56, 500000),
        dt.datetime(1969, 12, 31, 23, 59, 59, 250000),
    )
    assert found[7] == instant
    assert found[8:11] == ('{"a":[1]}', b"\xff\x00", None)
    assert found[11] != found[11]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("call do_something()", "does not know"),
        ("create stage s", "does not know"),
        ("create pipe p as copy into t from @s", "does not know"),
        ("create task t as select 1", "does not know"),
        ("copy into ORDERS from @s", "does not know"),
        ("grant select on table NOPE to role MILLIONX_ANALYST_ROLE", "NOPE' does not exist"),
        ("grant select on table ORDERS to role NOBODY", "'NOBODY' does not exist"),
        ("grant ownership on account to role NOBODY", "does not know"),
        ("create table T (A int) cluster by (A)", "does not know"),
        ("create table T (A int) data_metric_schedule = '5 MINUTE'", "does not know"),
        ("alter warehouse X set auto_suspend = 1", "does not know"),
        ("drop role MILLIONX_CONNECT_ROLE", "does not know"),
        ("select * from NOPE", "NOPE"),
        ("select no_such_function(1)", "no_such_function"),
        ("selec 1", "SQL compilation error"),
        ("", "SQL compilation error"),
    ],
)
def test_what_is_not_known_is_refused(endpoint: Endpoint, sql: str, why: str) -> None:
    # The connector itself ignores an empty statement, so that one goes over HTTP.
    if sql:
        assert why.lower() in refused(endpoint, sql).lower()
    else:
        with connected(endpoint.settings()) as client:
            client.query("select 1")
            token = client._connection.rest.token
        headers = {"authorization": f'Snowflake Token="{token}"'}
        answer = httpx.post(f"{endpoint.url}/queries/v1/query-request", json={"sqlText": sql}, headers=headers).json()
        assert not answer["success"]


def test_an_unknown_path_is_refused(endpoint: Endpoint) -> None:
    answer = httpx.post(f"{endpoint.url}/v2/streaming/anything", json={})
    assert answer.status_code == 404
    assert "POST /v2/streaming/anything" in answer.json()["message"]


def test_another_host_name_is_refused(endpoint: Endpoint) -> None:
    assert httpx.get(f"{endpoint.url}/health", headers={"host": "attacker.example"}).status_code == 400


def test_without_a_session_nothing_runs(endpoint: Endpoint) -> None:
    for headers in ({}, {"authorization": 'Snowflake Token="made.up"'}):
        answer = httpx.post(f"{endpoint.url}/queries/v1/query-request", json={"sqlText": "select 1"}, headers=headers)
        assert (answer.status_code, answer.json()["success"]) == (401, False)


def test_streaming_needs_a_bearer_token(endpoint: Endpoint) -> None:
    assert httpx.post(f"{endpoint.url}/v1/streaming/client/configure/", json={}).status_code == 401


def test_a_wrong_key_is_refused_with_its_code(endpoint: Endpoint, tmp_path: Path) -> None:
    settings = endpoint.settings(warehouse_private_key_file=new_key(tmp_path, "wrong"))
    with pytest.raises(snowflake.connector.errors.DatabaseError) as error:
        snowflake.connector.connect(**connection_options(settings))
    assert error.value.errno == 390144


def test_a_role_that_is_not_granted_is_refused(endpoint: Endpoint) -> None:
    settings = endpoint.settings(warehouse_role="SYSADMIN")
    with pytest.raises(ServiceError, match="refused the login") as error:
        ask("select 1", settings=settings)
    assert "not granted" in error.value.why
    assert "not assigned" in refused(endpoint, "use role SYSADMIN")


def test_who_am_i(endpoint: Endpoint) -> None:
    assert rows(endpoint, "select current_role()") == [("MILLIONX_CONNECT_ROLE",)]
    assert rows(endpoint, "select current_user()") == [("MILLIONX_CONNECT",)]


def test_an_expired_session_is_renewed_unnoticed(endpoint: Endpoint) -> None:
    with connected(endpoint.settings()) as client:
        client.query("select 1")
        endpoint.fault("token-expired")
        assert client.query("select 2").rows == [(2,)]


def test_a_session_survives_sigkill(endpoint: Endpoint) -> None:
    with connected(endpoint.settings()) as client:
        client.query("select 1")
        endpoint.kill()
        endpoint.start()
        assert client.query("select count(*) from ORDERS").rows == [(0,)]


def test_schema_evolution_is_an_option_of_the_table(endpoint: Endpoint) -> None:
    script = "use schema MILLIONX.RAW_DATA; create table if not exists PLAIN (A NUMBER(9,0))"
    warehouse.apply_ddl([script], endpoint.settings())

    def evolving(table: str) -> object:
        with connected(endpoint.settings()) as client:
            return client.query(f"show tables like '{table}' limit 1").dicts()[0]["enable_schema_evolution"]

    assert (evolving("ORDERS"), evolving("PLAIN")) == ("Y", "N")
    warehouse.apply_ddl(["alter table MILLIONX.RAW_DATA.PLAIN set enable_schema_evolution = true"], endpoint.settings())
    assert evolving("PLAIN") == "Y"


def test_a_second_create_keeps_the_table(endpoint: Endpoint) -> None:
    script = """use schema MILLIONX.RAW_DATA;
        create table if not exists KEPT (A NUMBER(9,0)) enable_schema_evolution = true;
        insert into KEPT values (1)"""
    warehouse.apply_ddl([script, "create table if not exists MILLIONX.RAW_DATA.KEPT (B VARCHAR)"], endpoint.settings())
    admin = endpoint.settings(warehouse_user="MILLIONX_ADMIN", warehouse_role="")
    assert ask("select A from KEPT", settings=admin).rows == [(1,)]
    shown = ask("show tables like 'KEPT'", settings=admin).dicts()
    assert shown[0]["enable_schema_evolution"] == "Y"


def test_not_null_can_be_dropped_as_the_connector_does(endpoint: Endpoint) -> None:
    script = "use schema MILLIONX.RAW_DATA; create table if not exists STRICT (A VARCHAR NOT NULL, B VARCHAR NOT NULL)"
    warehouse.apply_ddl([script], endpoint.settings())
    with connected(endpoint.settings()) as client:
        client.query(
            "alter table STRICT alter A drop not null, A comment 'column altered to be nullable by schema evolution"
            " from Snowflake Kafka Connector', B drop not null, B comment 'x'"
        )
        assert {row[0]: row[3] for row in client.query("desc table STRICT").rows} == {"A": "Y", "B": "Y"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [(["--fault", "nonsense"], "no fault is named"), (["--public-key", "/nowhere.pem"], "/nowhere.pem")],
)
def test_arguments_that_cannot_work(tmp_path: Path, arguments: list[str], why: str) -> None:
    endpoint = Endpoint(tmp_path, *arguments)
    with pytest.raises(AssertionError, match=why):
        endpoint.start()
    assert endpoint.process is not None and endpoint.process.returncode == 2


def test_a_fault_at_start(tmp_path: Path) -> None:
    with Endpoint(tmp_path, "--fault", "server-error=1") as endpoint:
        login = f"{endpoint.url}/session/v1/login-request"
        assert httpx.post(login, json={}).status_code == 500
        assert httpx.post(login, json={}).status_code == 200
        assert httpx.put(f"{endpoint.url}/admin/faults/nonsense").status_code == 404

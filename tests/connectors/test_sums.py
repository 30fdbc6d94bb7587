"""Sums of the views in both warehouses, against sums made by hand from what the sandbox knows."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors import weather_severity as severity_file
from glue.settings import get_settings
from sandbox.world import Options, World
from tests.cases.world import made_keys, rows, run_source, warehouse
from tests.glue.stores.postgres import Postgres

Make = Callable[..., Any]
Sums = dict[tuple[str, str], tuple[Decimal, Decimal]]
_QUERY = "select PLATFORM, PRODUCT_ID, SUM(UNITS), SUM(REVENUE) from {}DEMAND_DAILY group by 1, 2"


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[None]:
    with made_keys(tmp_path):
        yield


def by_hand(world: World) -> Sums:
    """Units and revenue of what was kept, straight from the made orders."""
    sums: Sums = {}
    for shop in ("shopify", "daraz"):
        for order in world.orders[shop].values():
            if order.fate == "cancelled" or (order.fate == "test" and shop == "shopify"):  # Daraz knows no tests
                continue
            for index, line in enumerate(order.lines):
                left = line.quantity - (order.fate == "returned" and index == 0)
                units, revenue = sums.get((shop, line.product["id"]), (Decimal(0), Decimal(0)))
                sums[shop, line.product["id"]] = (units + left, revenue + left * Decimal(line.product["price"]))
    return {key: value for key, value in sums.items() if value[0]}


def made_rows(world: World) -> list[dict[str, Any]]:
    from sandbox import daraz, shopify

    settings = get_settings()
    native: dict[str, list[Any]] = {
        "shopify": [shopify.order_json(order) for order in world.sorted_orders("shopify")],
        "daraz": [
            {"order": daraz.order_json(order), "items": daraz.items_json(order)}
            for order in world.sorted_orders("daraz")
        ],
    }
    return [row for shop, orders in native.items() for row in rows(run_source(shop, [orders], settings), settings)]


@contextmanager
def both(orders: list[dict[str, Any]], weather: list[dict[str, Any]]) -> Iterator[list[Callable[[str], list[Any]]]]:
    """Ways to ask the views of Snowflake and those of PostgreSQL over the same rows."""
    settings = get_settings()
    with warehouse(orders, weather, settings) as cursor, Postgres() as postgres:
        for script in sorted((settings.config_dir / "postgres").glob("*.sql")):
            postgres.ask(script.read_text(encoding="utf-8"))
        for table, made in (("orders", orders), ("weather_logs", weather)):
            fill(postgres, table, made)
        yield [
            lambda query: [list(map(_text, row)) for row in cursor.execute(query.format("")).fetchall()],
            lambda query: [list(map(_text, row)) for row in postgres.ask(query.format("raw_data."))],
        ]


def fill(postgres: Postgres, table: str, rows: list[dict[str, Any]]) -> None:
    """Many rows a statement: each is a process of its own."""
    for start in range(0, len(rows), 50):
        part = rows[start : start + 50]
        values = ", ".join(f"({', '.join(map(_literal, row.values()))})" for row in part)
        postgres.ask(f"insert into raw_data.{table} ({', '.join(part[0])}) values {values}")


def _text(value: Any) -> str:
    """One spelling for both: ``1.50`` and ``1.5000`` are one number, PostgreSQL's null is the empty text."""
    try:
        return str(float(value))
    except (TypeError, ValueError):
        return "" if value is None else str(value)


def test_an_order_is_beside_the_weather_of_its_hour_and_district(keys: None) -> None:
    """Units by grade of the weather, against the sum made from the sandbox's orders and what was measured."""
    world, settings = World(Options(orders=60)), get_settings()
    orders = made_rows(world)
    placed = [order.created_at for shop in ("shopify", "daraz") for order in world.orders[shop].values()]
    first = min(placed).replace(minute=0, second=0, microsecond=0)
    # Hours of Dhaka at ten past; half of them are missing.
    drawn = random.Random(7)
    hours = [first + timedelta(hours=at) for at in range(int((max(placed) - first) / timedelta(hours=1)))]
    rains = {hour: drawn.choice([0.0, 1.0, 20.0, None]) for hour in hours if drawn.random() < 0.5}
    city = {"name": "Dhaka", "latitude": 23.8, "longitude": 90.4}
    native = [
        {"city": city, "body": {
            "dt": (hour + timedelta(minutes=10)).timestamp(), "main": {"temp": 25, "humidity": 50},
            "wind": {"speed": 1}, "weather": [{"id": 500 if rain != 0.0 else 800, "main": "x"}],
            **({"rain": {"1h": rain}} if rain else {}),
        }}
        for hour, rain in rains.items()
    ]  # fmt: skip
    weather = run_source("weather", [native, native[:1]], settings).records()
    assert len(weather) == len(rains)
    grade = {0.0: 0, 1.0: 1, 20.0: 3, None: 1}
    by_grade: dict[str, float] = {}
    for row in orders:
        hour = row["ordered_at"].replace(minute=0, second=0, microsecond=0)
        near = next((back for at in range(3) if (back := hour - timedelta(hours=at)) in rains), None)
        name = str(float(grade[rains[near]])) if near is not None and row["place_code"] == "BD-13" else ""
        by_grade[name] = by_grade.get(name, 0) + row["quantity_net"]
    assert {"", "0.0", "1.0", "3.0"} == by_grade.keys()
    fallen = sum(rain or 0 for rain in rains.values())
    unknown = sum(rain is None for rain in rains.values())
    with both(orders, weather) as warehouses:
        for ask in warehouses:
            found = dict(ask("select SEVERITY, SUM(QUANTITY_NET) from {}ORDERS_WITH_WEATHER group by 1"))
            assert found == {name: str(float(units)) for name, units in by_grade.items()}
            ours = "select count(*) from {}ORDERS_WITH_WEATHER where WEATHER_RECORDED_AT <= WEATHER_OBSERVED_AT"
            assert ask(ours) == [["0.0"]], "what we read is older than the reading"
            days = "select SUM(RAIN_24H), SUM(HOURS), SUM(HOURS_MEASURED) from {}WEATHER_DAILY"
            assert ask(days) == [[str(fallen), str(float(len(rains))), str(float(len(rains) - unknown))]]


def test_days_are_classed_by_rain_as_the_file_of_scales_says(keys: None) -> None:
    scale = json.loads((Path(severity_file.__file__).parent / "data" / "weather.json").read_text())["rain_24h"]
    city = {"name": "Dhaka", "latitude": 23.8, "longitude": 90.4}
    midnight = datetime(2026, 6, 1, 18, tzinfo=UTC)  # in Dhaka
    native, wanted = [], []
    for day, one in enumerate(scale["classes"]):
        at = midnight + timedelta(days=day)
        for hour in (1, 22):  # two hours bring the least that is of this class
            body = {"dt": (at + timedelta(hours=hour)).timestamp(), "main": {"temp": 30, "humidity": 80},
                    "rain": {"1h": one["from"] / 2}}  # fmt: skip
            native.append({"city": city, "body": body})
        wanted.append([str((at + timedelta(hours=6)).date()), one["name"]])
    weather = run_source("weather", [native], get_settings()).records()
    with both([], weather) as warehouses:
        for ask in warehouses:
            assert ask("select DAY, RAIN_CLASS from {}WEATHER_DAILY order by 1") == wanted


def test_demand_in_both_warehouses_is_what_was_kept(keys: None) -> None:
    world = World(Options(orders=60))
    wanted, made = by_hand(world), made_rows(world)
    assert {order.fate for order in world.orders["shopify"].values()} == {"kept", "cancelled", "returned", "test"}
    with warehouse(made, [], get_settings()) as cursor:
        found = cursor.execute(_QUERY.format("")).fetchall()
    assert {(shop, product): (Decimal(units), Decimal(money)) for shop, product, units, money in found} == wanted
    with Postgres() as postgres:
        for script in sorted((get_settings().config_dir / "postgres").glob("*.sql")):
            postgres.ask(script.read_text(encoding="utf-8"))
        fill(postgres, "orders", made)
        found = postgres.ask(_QUERY.format("raw_data."))
        (returned,) = postgres.ask("select sum(units_returned), sum(units_cancelled) from raw_data.returns_daily")
    assert {(shop, product): (Decimal(units), Decimal(money)) for shop, product, units, money in found} == wanted
    orders = [(shop, order) for shop in ("shopify", "daraz") for order in world.orders[shop].values()]
    assert int(returned[0]) == sum(order.fate == "returned" for _, order in orders)
    assert int(returned[1]) == sum(
        line.quantity for _, order in orders if order.fate == "cancelled" for line in order.lines
    )


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, datetime):
        return f"'{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)

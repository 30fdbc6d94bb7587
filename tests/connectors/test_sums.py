"""Sums of the views in both warehouses, against sums made by hand from what the sandbox knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

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
        for row in made:
            names, values = ", ".join(row), ", ".join(map(_literal, row.values()))
            postgres.ask(f"insert into raw_data.orders ({names}) values ({values})")
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

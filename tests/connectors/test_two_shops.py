"""Two Shopify and two Daraz shops, each a declared source: nothing of one is attributed to the other.

The sandbox's second shop has orders of the same numbers, of other people and products.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import NewTopic
from confluent_kafka.schema_registry import Schema

from connectors.checkpoint import lease, read_checkpoint
from connectors.config import load_source
from connectors.models import MarketOrder
from connectors.runner import run_once
from glue.cli.main import cli
from glue.identity import MERCHANT_HEADER
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import LockHeldError, holder
from glue.kafka.reads import read_topics
from glue.registry import registry_client
from glue.settings import Settings, get_settings, project_root
from sandbox.world import Options, World
from tests.connectors.test_sums import both
from tests.playground import Playground
from tests.waiting import wait_for

Make = Callable[..., Any]
ORDERS = 30
SHOPS = {
    "shopify": ("shopify", "", "first.example"),
    "shopify-two": ("shopify", "/shops/two", "second.example"),
    "daraz": ("daraz", "", "seller-1"),
    "daraz-two": ("daraz", "/shops/two", "seller-2"),
}


def declared(folder: Path, prefix: str = "") -> Path:
    """The project's declared files with four shops of the sandbox as sources, on topics that begin with ``prefix``."""
    made = folder / "connect-config"
    shutil.copytree(project_root() / "connect-config", made)
    local = json.loads((made / "profiles" / "local.json").read_text())["sources"]
    for name, (platform, place, merchant) in SHOPS.items():
        body = json.loads((project_root() / "connect-config" / "sources" / f"{platform}.json").read_text())
        body["options"] |= local[platform]["options"] | {"merchant_id": merchant}
        body["options"]["base_url"] = f"${{setting:sandbox}}{place}/{platform}" + (
            "/rest" if platform == "daraz" else ""
        )
        body |= {"rate": {"per_second": 1000, "burst": 1000}}
        body |= {part: prefix + body[part] for part in ("topic", "dead_letters")}
        (made / "sources" / f"{name}.json").write_text(json.dumps(body))
    profile = json.loads((made / "profiles" / "local.json").read_text())
    for platform in ("shopify", "daraz"):
        del profile["sources"][platform]
    (made / "profiles" / "local.json").write_text(json.dumps(profile))
    return made


def by_hand(merchant: str) -> dict[tuple[str, str, str], tuple[str, str]]:
    """Units and revenue by product of one shop, straight from the made orders."""
    platform, place, _ = next(shop for shop in SHOPS.values() if shop[2] == merchant)
    world = World(Options(orders=ORDERS, shop="two" if place else ""))
    sums: dict[tuple[str, str, str], list[Decimal]] = {}
    for order in world.orders[platform].values():
        if order.fate == "cancelled" or (order.fate == "test" and platform == "shopify"):
            continue
        for index, line in enumerate(order.lines):
            left = line.quantity - (order.fate == "returned" and index == 0)
            total = sums.setdefault((platform, merchant, line.product["id"]), [Decimal(0), Decimal(0)])
            total[0] += left
            total[1] += left * Decimal(line.product["price"])
    return {key: (str(float(units)), str(float(money))) for key, (units, money) in sums.items() if units}


def test_two_sources_that_name_one_merchant_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = declared(tmp_path)
    monkeypatch.setenv("MXCTL_CONFIG_DIR", str(folder))
    monkeypatch.setenv("MXCTL_SANDBOX", "http://127.0.0.1:9")
    get_settings.cache_clear()
    assert CliRunner().invoke(cli, ["validate"]).exit_code == 0
    copied = json.loads((folder / "sources" / "daraz.json").read_text())
    (folder / "sources" / "daraz-two.json").write_text(json.dumps(copied))
    refused = CliRunner().invoke(cli, ["validate"])
    assert refused.exit_code == 1
    assert "seller-1 is also the merchant of daraz" in refused.output
    get_settings.cache_clear()


def test_orders_of_the_same_number_are_two_shops_orders(make_sandbox: Make, tmp_path: Path, offline: Make) -> None:
    sandbox = make_sandbox("--orders", str(ORDERS), "--shop", "two")
    settings = Settings(profile="local", config_dir=declared(tmp_path), sandbox=sandbox.address)
    read = {
        name: [MarketOrder.model_validate(one) for one in offline(load_source(name, settings)).read()] for name in SHOPS
    }
    assert {name: {one.merchant_id for one in found} for name, found in read.items()} == {
        name: {merchant} for name, (_, _, merchant) in SHOPS.items()
    }
    for one, other in (("shopify", "shopify-two"), ("daraz", "daraz-two")):
        assert {order.order_id for order in read[one]} == {order.order_id for order in read[other]}, "numbers overlap"
        assert {order.customer_name for order in read[one]} != {order.customer_name for order in read[other]}
    keys = [order.key for found in read.values() for order in found]
    assert len(keys) == len(set(keys))


@pytest.fixture
def shops(stack: Settings, make_sandbox: Make, tmp_path: Path) -> Iterator[tuple[Settings, str]]:
    """Settings whose declared files have the four shops, on topics of their own with that prefix."""
    sandbox = make_sandbox("--orders", str(ORDERS), "--shop", "two")
    prefix = f"test.{uuid.uuid4().hex[:8]}."
    folder = declared(tmp_path, prefix)
    settings = stack.model_copy(update={"config_dir": folder, "profile": "local", "sandbox": sandbox.address})
    admin, registry = KafkaConfig.of(settings).admin(), registry_client(settings)
    names = [f"{prefix}source.market.shopify", f"{prefix}source.market.daraz", f"{prefix}dead-letters-market"]
    if settings.checkpoints_topic not in admin.list_topics(timeout=10).topics:
        names.append(settings.checkpoints_topic)
    for future in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
        with suppress(Exception):  # another test made the topic of the checkpoints meanwhile
            future.result(30)
    for name in names[:2]:
        schema = (settings.schemas_dir / "market_order.avsc").read_text()
        registry.register_schema(f"{name}-value", Schema(schema, "AVRO"))
    yield settings, prefix
    admin.delete_topics(names[:3])


@pytest.fixture
def play(stack: Settings) -> Playground:
    return Playground(stack)


@pytest.mark.stack
def test_four_shops_from_their_sources_to_the_views_of_both_warehouses(
    shops: tuple[Settings, str], play: Playground
) -> None:
    settings, prefix = shops
    kafka = KafkaConfig.of(settings)
    with lease(kafka, "shopify", 5) as held:  # one shop's run holds back no other's
        wait_for(
            lambda: holder(kafka.admin({}), held.group), what="the lease; it is taken without waiting for the broker"
        )
        with pytest.raises(LockHeldError):
            run_once("shopify", settings, wait=0.0)
        assert run_once("shopify-two", settings, wait=0.0).check().dead_letters == 0
    sent = {name: run_once(name, settings).check() for name in SHOPS if name != "shopify-two"}
    assert all(sum(result.records.values()) >= ORDERS for result in sent.values())
    again = {name: run_once(name, settings).check() for name in SHOPS}
    assert {name: sum(result.records.values()) for name, result in again.items()} == dict.fromkeys(SHOPS, 0)
    cursors = [read_checkpoint(KafkaConfig.of(settings), name) for name in SHOPS]
    assert all(checkpoint.cursor and checkpoint.seen.dump() for checkpoint in cursors)
    assert len({checkpoint.seen.dump() for checkpoint in cursors}) == len(SHOPS)

    chain = json.loads((settings.config_dir / "transforms" / "orders.json").read_text())["config"]
    topics = [f"{prefix}source.market.shopify", f"{prefix}source.market.daraz"]
    raw = sum(1 for _ in read_topics(KafkaConfig.of(settings), topics))
    play.registry.set_compatibility(f"{play.output}-value", "NONE")
    play.register(play.output, json.loads((settings.schemas_dir / "order_row.avsc").read_text()))
    own = {name.replace(".", "__"): value for name, value in chain.items() if name.startswith("transforms")}
    with play.working(topics=",".join(topics), **own):
        output, dead = play.until(raw)
    assert (len(output), dead) == (raw, [])
    messages = play.read(play.output)
    rows = [play.value(message) for message in messages]
    assert [dict(message.headers())[MERCHANT_HEADER].decode() for message in messages] == [
        row["merchant_id"] for row in rows
    ]
    wanted = {key: sums for _, _, merchant in SHOPS.values() for key, sums in by_hand(merchant).items()}
    query = "select PLATFORM, MERCHANT_ID, PRODUCT_ID, SUM(UNITS), SUM(REVENUE) from {}DEMAND_DAILY group by 1, 2, 3"
    with both(rows, []) as warehouses:
        for ask in warehouses:
            found = {(one, two, three): (units, money) for one, two, three, units, money in ask(query)}
            assert found == wanted
            ((latest, orders),) = ask("select count(*), count(distinct ORDER_ID) from {}ORDERS_LATEST")
            assert (latest, orders) == (str(float(raw)), str(float(ORDERS)))

"""``mxctl canary`` on the whole pipeline: it arrives in both stores, unseen there, and where it stops is told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from glue.audit.stores import Held, open_targets
from glue.canary.flight import Flight
from glue.canary.paths import choose
from glue.canary.sender import Sender
from glue.canary.watch import Watch
from glue.identity import CANARY, record_key
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import read_topics
from glue.pipeline.routes import Pipeline
from glue.search.posts import PostSearch
from glue.settings import Settings, state_dir
from glue.topology.load import load
from tests.stores import ask
from tests.waiting import wait_for

pytestmark = pytest.mark.stack


def canary(*arguments: str) -> tuple[int, dict[str, dict], str]:
    """Exit code, the paths by name, stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "glue", "canary", "-o", "json", *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.stdout.count("\n") == 1, done.stderr
    return done.returncode, {path["path"]: path for path in json.loads(done.stdout)["paths"]}, done.stderr


def test_it_arrives_on_every_path_and_no_analyst_sees_it(pipeline: Settings) -> None:
    code, paths, errors = canary("--timeout", "120s")
    assert code == 0, errors
    assert set(paths) == {route.source.name for route in Pipeline.of(load(pipeline)).routes if route.source}
    for name, path in paths.items():
        assert path["arrived"] and path["problem"] is None, name
        times = [stage["seconds"] for stage in path["stages"]]
        assert all(0 < seconds <= path["seconds"] for seconds in times), path
    assert [stage["stage"] for stage in paths["tiktok"]["stages"]] == ["raw", "glue", "sink topic", "store"]

    for name in ("tiktok", "facebook"):
        assert 1 <= paths[name]["rank"] <= 10, "a question in another script finds the post"
    assert paths["shopify"]["rank"] is None, "an order is not asked for"

    order = paths["shopify"]["key"]
    rows = ask("select RECORD_KEY from MILLIONX.RAW_DATA.ORDERS where RECORD_KEY = %s", [order], pipeline).rows
    assert rows == [(order,)]
    rows = ask(
        "select ORDER_ID from MILLIONX.RAW_DATA.PRICE_HISTORY where RECORD_KEY = %s",
        [record_key("price", order)],
        pipeline,
    ).rows
    assert len(rows) == 1 and rows[0][0].startswith(CANARY)
    for view, column in (("ORDERS_LATEST", "PRODUCT_ID"), ("PRICES_LATEST", "PRODUCT_ID"),
                         ("DEMAND_DAILY", "PRODUCT_ID"), ("ORDERS_WITH_WEATHER", "PRODUCT_ID")):  # fmt: skip
        sql = f"select count(*) from MILLIONX.RAW_DATA.{view} where {column} = %s"
        assert ask(sql, [CANARY], pipeline).rows[0][0] == 0, view

    posts = [paths[name]["key"] for name in ("tiktok", "facebook")]
    with open_targets(pipeline, Pipeline.of(load(pipeline)).targets) as stores:
        assert wait_for(lambda: not collection(stores).count(posts)), "its tombstone takes a post out of Weaviate"


def collection(stores: list[Held]) -> Held:
    """The store that removes what is deleted."""
    return next(store for store in stores if store.target.deletes)


@contextmanager
def suspended(part: str) -> Iterator[None]:
    """A process of the stack that stands still."""
    state = json.loads((state_dir() / "state.json").read_text())
    process = psutil.Process(state["parts"][part]["pid"])
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@contextmanager
def paused(connector: str) -> Iterator[None]:
    def tell(verb: str) -> None:
        subprocess.run([sys.executable, "-m", "glue", "connectors", verb, connector], check=True, capture_output=True)

    tell("pause")
    try:
        yield
    finally:
        tell("resume")


def test_where_it_stopped_is_told_and_a_post_that_comes_late_is_taken_back(pipeline: Settings) -> None:
    with paused("weaviate-sink"), suspended("chain-orders"):
        code, paths, errors = canary("--timeout", "12s")
    assert code == 1 and "Traceback" not in errors
    assert paths["weather"]["arrived"] is True, "the others go on"

    post, order = paths["tiktok"], paths["shopify"]
    assert (post["arrived"], post["seconds"], post["seen_last"]) == (False, None, "sink topic")
    assert "tiktok: seen last in sink topic sink.weaviate.vectors, not in store Weaviate SocialPost" in errors
    assert "mxctl connectors describe weaviate-sink" in errors
    assert (order["arrived"], order["seen_last"]) == (False, "raw")
    assert "shopify: seen last in raw source.market.shopify, not in sink topic sink.snowflake.orders" in errors
    assert "does chain orders run?" in errors
    reached = {stage["place"] for stage in order["stages"] if stage["seconds"] is not None}
    assert "sink.snowflake.price_history" in reached, "the other chain of the same topic goes on"

    values = [
        message.value()
        for _, message in read_topics(KafkaConfig.of(pipeline), ["sink.weaviate.vectors"])
        if message.key() == post["key"].encode()
    ]
    assert len(values) == 2 and values[0] is not None and values[1] is None, "a tombstone is behind the post"


def test_a_search_leaves_it_out_and_one_that_stayed_is_found(pipeline: Settings) -> None:
    """As after a run that was cut off between the post's arrival and its tombstone."""
    (path,) = choose(load(pipeline), ["tiktok"])
    flight = Flight(path)
    flight.record = flight.record.model_copy(update={"collected_at": datetime.now(UTC) - timedelta(minutes=10)})
    Sender(pipeline, [path]).send(flight)
    with open_targets(pipeline, Pipeline.of(load(pipeline)).targets) as stores, Watch(pipeline, [path]) as watch:
        vectors = collection(stores)
        assert wait_for(lambda: vectors.count([flight.key]))
        with PostSearch(pipeline) as search:
            ids = [post["post_id"] for post in search.ask(flight.record.content, limit=1000).posts]
        assert not [one for one in ids if str(one).startswith(CANARY)]
        place = ("sink.weaviate.vectors", flight.key)
        assert place in watch.leftovers()
        Sender(pipeline).take_back([place])
        assert wait_for(lambda: not vectors.count([flight.key]))

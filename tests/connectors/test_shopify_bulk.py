"""Shopify's bulk operations for a long window: whole files only, resumed by the job, page by page where a job fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import shopify_bulk, shopify_queries
from connectors.errors import StoppedError, ThrottledError
from connectors.source import Window
from glue.errors import ServiceError
from tests.connectors.test_shopify_graphql import records

Make = Callable[..., Any]
SIZE = ("--orders", "60", "--bucket-leak", "1000")
LONG = Window(datetime.now(UTC) - timedelta(days=90))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shopify_bulk, "_FIRST_WAIT", 0.01)
    monkeypatch.setattr(shopify_bulk, "_WAIT_FOR_OTHERS", 0.01)
    monkeypatch.setattr(shopify_bulk, "PAGE", 25)


def jobs(source: Any) -> set[str]:
    return {cursor["bulk"]["job"] for cursor in source.cursors if "bulk" in cursor}


def test_a_bulk_operation_gives_the_records_of_pages(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    sandbox = make_sandbox(*SIZE)
    bulk = offline(local_config("shopify", sandbox))
    found = records(bulk.read(LONG))
    assert [cursor.get("bulk", {}).get("done") for cursor in bulk.cursors] == [0, 25, 50, 60, None]
    assert "time" not in bulk.cursors[-2], "not before the last order was sent, as they come in no order"
    for options in ({"bulk_after_days": None}, {"api": "rest"}, {"bulk_after_days": 91}):
        pages = offline(local_config("shopify", sandbox, options))
        assert records(pages.read(LONG)) == found
        assert not jobs(pages)
        assert pages.cursors[-1] == bulk.cursors[-1]


def test_a_short_window_is_read_by_pages(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    source = offline(local_config("shopify", make_sandbox(*SIZE)))
    source.read(Window(datetime.now(UTC) - timedelta(days=59)))
    assert not jobs(source)


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_a_run_that_ended_early_goes_on_with_its_job(
    taken: int, make_sandbox: Make, local_config: Make, offline: Make
) -> None:
    sandbox = make_sandbox(*SIZE)
    whole = records(offline(local_config("shopify", sandbox)).read(LONG))
    first, fields = offline(local_config("shopify", sandbox)), []
    pages = first.source.pages(LONG, {})
    for _ in range(taken):
        page = next(pages)
        fields += [one for raw in page.records for one in first.source.parse(raw, datetime.now(UTC))]
    second = offline(local_config("shopify", sandbox))
    fields += second.read(LONG, page.cursor)
    assert jobs(second) == {page.cursor["bulk"]["job"]}
    assert records(fields) == whole
    assert len(fields) == len(whole), "no order is read twice"


def test_a_stop_while_it_waits_leaves_the_job(
    make_sandbox: Make, local_config: Make, offline: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = offline(local_config("shopify", make_sandbox(*SIZE)))
    pages = source.source.pages(LONG, {})
    cursor = next(pages).cursor
    source.stop.set()
    with pytest.raises(StoppedError):
        next(pages)
    assert cursor["bulk"]["job"].startswith("gid://shopify/BulkOperation/")


@pytest.mark.parametrize("fault", ["bulk-failed", "bulk-expired", "bulk-short"])
def test_a_job_that_fails_is_read_page_by_page_instead(
    fault: str, make_sandbox: Make, local_config: Make, offline: Make, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = make_sandbox(*SIZE)
    whole = records(offline(local_config("shopify", sandbox)).read(LONG))
    sandbox.faults(f"shopify:{fault}")
    source = offline(local_config("shopify", sandbox))
    fields = source.read(LONG)
    assert records(fields) == whole
    assert len(fields) == len(whole), "nothing of a part is taken"
    assert "page by page instead" in caplog.text
    assert len(jobs(source)) == 1
    assert "bulk" not in source.cursors[-1]


def test_a_cancelled_job_ends_the_run_and_moves_nothing(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=["shopify:bulk-canceled"])
    source = offline(local_config("shopify", sandbox))
    with pytest.raises(ServiceError, match="cancelled"):
        source.read(LONG)
    assert source.cursors[-1] == {}
    sandbox.faults()
    assert len({one["order_id"] for one in source.read(LONG, source.cursors[-1])}) == 60


def test_another_job_is_waited_for(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=["shopify:bulk-in-progress@2x"])
    source = offline(local_config("shopify", sandbox))
    assert len({one["order_id"] for one in source.read(LONG)}) == 60
    assert source.stats.attempts["throttled"] == 2
    sandbox.faults("shopify:bulk-in-progress")
    lasting = offline(local_config("shopify", sandbox, retry={"throttled_attempts": 2}))
    with pytest.raises(ThrottledError, match="another one"):
        lasting.read(LONG)
    assert not lasting.cursors


def test_nothing_in_a_window_is_no_error(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    source = offline(local_config("shopify", make_sandbox("--orders", "0")))
    assert not source.read(LONG)
    assert source.cursors[-1] == {}


def test_the_query_keeps_to_the_rules_of_bulk_operations() -> None:
    from sandbox.shopify_bulk import _refused

    assert not _refused(shopify_queries.bulk_query(LONG.since, LONG.until, personal=True))
    inner = "{ orders { edges { node { id refunds { refundLineItems { edges { node { quantity } } } } } } } }"
    assert "within a list" in _refused(inner)

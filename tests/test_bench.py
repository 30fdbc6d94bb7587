"""The benchmark of the loop: who runs when, and what is made of the rounds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
import bench_glue
import bench_storage_rows
from bench_report import to_table

from glue.avro import Encoder, load_schema
from glue.settings import get_settings


def test_rounds_reverse_their_order_and_ratios_are_made_inside_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    rates = {"a": [100.0, 200.0, 400.0], "glue exactly once": [200.0, 600.0, 800.0]}

    def contend(one: Any, topics: dict[str, str], records: int) -> dict[str, float]:
        ran.append(one.name)
        rate = rates[one.name][ran.count(one.name) - 1]
        return {"seconds": records / rate, "cpu": records * 5e-6, "rss": 99.0}

    monkeypatch.setattr(bench_glue, "contend", contend)
    monkeypatch.setattr(bench_glue, "prepare", lambda records, longer: {})
    monkeypatch.setattr(bench_glue, "RATIOS", (("glue exactly once", "a", 2.5),))
    contenders = [bench_glue.Contender(name) for name in rates]
    rows = {row.what: row for row in bench_glue._of_size("0.3 kB", 1200, 3, contenders)}
    assert ran == ["a", "glue exactly once", "glue exactly once", "a", "a", "glue exactly once"]
    assert (rows["a"].value, rows["a"].rounds) == (pytest.approx(200), (pytest.approx(100), pytest.approx(400)))
    assert rows["a: processor"].value == pytest.approx(5)
    ratio = rows["glue exactly once / a"]
    assert (ratio.value, ratio.rounds) == (pytest.approx(2), (pytest.approx(2), pytest.approx(3)))
    assert "[2.00 to 3.00]" in to_table([ratio])
    assert "MISSED" in to_table([ratio])


def test_made_rows_are_records_of_their_schemas() -> None:
    rows = {
        "social_post.avsc": bench_storage_rows.source_post(1, "run"),
        "vector_post.avsc": bench_storage_rows.vector_post(1, "run", "key"),
        "market_order.avsc": bench_storage_rows.source_order(1, "run"),
        "order_row.avsc": bench_storage_rows.order_row(1, "run", "key"),
        "weather.avsc": bench_storage_rows.weather(1, "run", "key"),
    }
    for schema, row in rows.items():
        loaded = load_schema(get_settings().schemas_dir / schema)
        assert set(row) <= {field["name"] for field in loaded["fields"]}, schema
        assert Encoder(loaded, 1)(row), schema
